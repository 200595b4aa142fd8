//! Codes are read again from the finished PNG, by two decoders of different families, Chinese content included.
// A test may panic: that is how it fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

mod support;

use affiche::asset::Assets;
use affiche::layer::Kind;
use affiche::memo::Memo;
use affiche::text::Fonts;
use serde_json::{Map, Value, json};
use support::{How, Rgba, assets, bytes, decode_png, draw_with, poster, root};

/// What rqrr (bytes, as they stand in the code) reads.
fn with_rqrr(picture: &Rgba) -> Vec<String> {
    let luma = picture.luma();
    let mut prepared =
        rqrr::PreparedImage::prepare_from_greyscale(picture.width, picture.height, |x, y| luma[y * picture.width + x]);
    let mut found = Vec::new();
    for grid in prepared.detect_grids() {
        let mut content = Vec::new();
        if grid.decode_to(&mut content).is_ok() {
            found.push(String::from_utf8(content).unwrap());
        }
    }
    found.sort();
    found
}

/// What rxing (a port of ZXing, which minds character sets as phones do) reads.
fn with_rxing(picture: &Rgba) -> Option<String> {
    let luma = picture.luma();
    let result = rxing::helpers::detect_in_luma_with_hints(
        luma,
        picture.width as u32,
        picture.height as u32,
        Some(rxing::BarcodeFormat::QR_CODE),
        &mut rxing::DecodeHints { TryHarder: Some(true), ..Default::default() },
    );
    result.ok().map(|found| found.getText().to_owned())
}

fn crop(picture: &Rgba, [x, y, w, h]: [usize; 4]) -> Rgba {
    let rows = (y..(y + h).min(picture.height)).flat_map(|row| {
        let start = (row * picture.width + x) * 4;
        let end = (row * picture.width + (x + w).min(picture.width)) * 4;
        picture.data[start..end].iter().copied()
    });
    let data: Vec<u8> = rows.collect();
    let width = (x + w).min(picture.width) - x;
    Rgba { width, height: data.len() / 4 / width, data }
}

/// Renders, finds every code by the receipt and reads it twice.
fn assert_codes_read(template: &Value, scale: f64) -> usize {
    let fonts = Fonts::bundled();
    let memo = Memo::off();
    let poster = poster(template, &Map::new());
    let assets: Assets = assets(&poster, &[root().join("assets/pictures"), root().join("tests/posters/pictures")]);
    let drawn = draw_with(&poster, &assets, &How { scale, ..How::plain(&fonts, &memo) });
    let picture = decode_png(&bytes(&drawn));
    let mut count = 0;
    let boxes = drawn.receipt["layers"].as_array().unwrap().iter().filter(|l| l["type"] == "qr");
    for (entry, layer) in boxes.zip(poster.layers.iter().filter(|l| matches!(l.kind, Kind::Qr(_)))) {
        let Kind::Qr(qr) = &layer.kind else { unreachable!() };
        let at = ["x", "y", "width", "height"].map(|f| entry["box"][f].as_f64().unwrap().round().max(0.0) as usize);
        let code = crop(&picture, at);
        assert_eq!(with_rqrr(&code), [qr.look.data.as_str()], "rqrr on {}", layer.place);
        assert_eq!(with_rxing(&code).as_deref(), Some(qr.look.data.as_str()), "rxing on {}", layer.place);
        count += 1;
    }
    count
}

#[test]
fn every_code_of_every_built_in_template_reads() {
    let mut codes = 0;
    for entry in std::fs::read_dir(root().join("templates")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "json") {
            codes += assert_codes_read(&support::json(&path), 1.0);
        }
    }
    assert!(codes >= 2, "only {codes} codes found");
}

#[test]
fn content_of_many_kinds_reads_at_many_sizes() {
    let contents = [
        "https://example.com/",
        "点击领取50元红包，有效期至2026年12月31日",
        "海报设计服务：扫码领取优惠券",
        "HELLO WORLD 123",
        "0123456789012345",
        "ありがとうございます",
        "감사합니다",
        "مرحبا",
        "emoji 👩‍👩‍👧‍👦 and é",
    ];
    for content in contents {
        for (level, size, scale) in [("L", 200, 1.0), ("M", 237, 1.0), ("Q", 333, 0.7), ("H", 240, 1.5)] {
            let template = json!({
                "width": 400, "height": 400, "background": "#ffffff",
                "layers": [{ "type": "qr", "data": content, "x": 17.3, "y": 21.8, "size": size, "level": level }]
            });
            assert_eq!(assert_codes_read(&template, scale), 1);
        }
    }
}

#[test]
fn coloured_and_turned_codes_read() {
    for rotate in [0, 7, 45, 90, 180] {
        let template = json!({
            "width": 500, "height": 500, "background": "#f4f0e6",
            "layers": [{ "type": "qr", "data": "https://example.com/turned?码", "x": 110, "y": 110, "size": 280, "rotate": rotate,
                         "color": "#123456", "background": "#ffffff" }]
        });
        let fonts = Fonts::bundled();
        let memo = Memo::off();
        let drawn = draw_with(&poster(&template, &Map::new()), &Assets::default(), &How::plain(&fonts, &memo));
        let picture = decode_png(&bytes(&drawn));
        assert_eq!(with_rqrr(&picture), ["https://example.com/turned?码"], "rqrr at {rotate} degrees");
        assert_eq!(with_rxing(&picture).as_deref(), Some("https://example.com/turned?码"), "rxing at {rotate} degrees");
    }
}

#[test]
fn round_modules_and_logos_read() {
    let (mut tried, mut missed) = (0, Vec::new());
    for module in ["square", "dot", "rounded"] {
        for data in ["https://example.com/", "点击领取50元红包", "a", "https://example.com/a/rather/long/address?with=a&query=of&some=length"] {
            for (size, rotate) in [(160, 0), (200, 0), (237, 0), (333, 0), (200, 45), (333, 7), (333, 160)] {
                for logo in [None, Some("asset:disc.png")] {
                    let mut layer = json!({ "type": "qr", "data": data, "x": 60.3, "y": 60, "size": size, "rotate": rotate, "module": module });
                    if let Some(logo) = logo {
                        layer["logo"] = json!(logo);
                    }
                    let template = json!({ "width": 460, "height": 460, "background": "#ffffff", "layers": [layer] });
                    let fonts = Fonts::bundled();
                    let poster = poster(&template, &Map::new());
                    let assets = assets(&poster, &[root().join("tests/goldens")]);
                    let picture = decode_png(&bytes(&draw_with(&poster, &assets, &How::plain(&fonts, &Memo::off()))));
                    tried += 1;
                    let (one, two) = (with_rqrr(&picture), with_rxing(&picture));
                    if one != [data] || two.as_deref() != Some(data) {
                        missed.push(format!("{module} {} {size} {rotate} {logo:?}: {} {}", data.len(), one == [data], two.as_deref() == Some(data)));
                    }
                }
            }
        }
    }
    assert!(missed.is_empty(), "{} of {tried}:\n{}", missed.len(), missed.join("\n"));
}
