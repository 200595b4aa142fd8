//! Codes are read again from the finished PNG, by two decoders of different families, Chinese content included.
// A test may panic: that is how it fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

mod support;

use affiche::asset::Assets;
use affiche::draw::DrawError;
use affiche::layer::Kind;
use affiche::memo::{Kind as MemoKind, Memo};
use affiche::text::Fonts;
use serde_json::{Map, Value, json};
use support::{How, Rgba, assets, bytes, decode_png, draw_with, object, poster, root, try_draw_with};

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

/// Draws with the memo; the problems as the messages that users see.
fn try_draw(layers: &Value, memo: &Memo) -> Result<Rgba, Vec<String>> {
    let template = json!({ "width": 460, "height": 460, "background": "#ffffff", "layers": layers });
    let fonts = Fonts::bundled();
    let poster = poster(&template, &Map::new());
    let assets = assets(&poster, &[root().join("tests/goldens")]);
    match try_draw_with(&poster, &assets, &How::plain(&fonts, memo)) {
        Ok(drawn) => Ok(decode_png(&bytes(&drawn))),
        Err(DrawError::Problems(problems)) => {
            Err(problems.list().iter().map(|p| format!("{} {} {}", p.place, p.code.as_str(), p.message)).collect())
        }
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn round_modules_and_logos_read() {
    let (mut tried, mut missed) = (0, Vec::new());
    let long = "https://example.com/a/rather/long/address?with=a&query=of&some=length";
    for module in ["square", "dot", "rounded"] {
        for data in ["https://example.com/", "点击领取50元红包", "a", long] {
            for (size, rotate) in [(200, 0), (237, 0), (333, 0), (333, 7), (333, 45), (333, 160)] {
                for logo in [None, Some("asset:disc.png")] {
                    let mut layer = json!({ "type": "qr", "data": data, "x": 60.3, "y": 60, "size": size, "rotate": rotate, "module": module });
                    if let Some(logo) = logo {
                        layer["logo"] = json!(logo);
                    }
                    let picture = match try_draw(&json!([layer]), &Memo::off()) {
                        Ok(picture) => picture,
                        Err(problems) => {
                            missed.push(problems.join("; "));
                            continue;
                        }
                    };
                    tried += 1;
                    // rqrr looks for finders with sharp corners.
                    let square = module != "square" || with_rqrr(&picture) == [data];
                    if !square || with_rxing(&picture).as_deref() != Some(data) {
                        missed.push(format!("{module} {data} {size} {rotate} {logo:?}"));
                    }
                }
            }
        }
    }
    // rxing misses dots at odd angles; `scripts/codes` has zxing-cpp read thousands.
    assert!(missed.len() * 20 <= tried, "{} of {tried}:\n{}", missed.len(), missed.join("\n"));
}

#[test]
fn what_cannot_be_read_never_ships() {
    let code = |more: Value| {
        let mut layer = json!({ "type": "qr", "data": "https://example.com/", "x": 30, "y": 30, "size": 210, "verify": true });
        layer.as_object_mut().unwrap().extend(object(more));
        layer
    };
    let over = |side: u32| json!({ "type": "rect", "x": 120, "y": 120, "width": side, "height": side, "fill": "#000000" });
    let cases = [
        (json!([code(json!({ "color": "#999999", "background": "#aaaaaa" }))]), "differ by 17 of 255"),
        (json!([code(json!({ "color": "#999999", "background": "#aaaaaa", "verify": null }))]), "differ by 17 of 255"),
        (
            json!([code(json!({ "size": 100, "module": "dot", "rotate": 30 }))]),
            "take 3.03 output pixels, and as it lies readers need 4",
        ),
        (json!([code(json!({})), over(100)]), "more than level H can mend; over it lie `/layers/1`"),
        (
            json!([code(json!({})), { "type": "rect", "x": 50, "y": 60, "width": 30, "height": 30, "fill": "#ffffff" }]),
            "a finder",
        ),
        (
            json!([{ "type": "rect", "width": 460, "height": 460, "fill": "#222222" }, code(json!({ "quiet_zone": 0 }))]),
            "runs into",
        ),
        (
            json!([{ "type": "group", "width": 460, "height": 460, "opacity": 0.15, "layers": [code(json!({ "verify": null }))] }]),
            "differ by",
        ),
    ];
    for (layers, why) in cases {
        let problems = try_draw(&layers, &Memo::off()).err().unwrap_or_else(|| panic!("{why}: {layers} was shipped"));
        assert!(problems.len() == 1 && problems[0].contains(why) && problems[0].contains("code_unreadable"), "{problems:?}");
        let mut unasked = layers.clone();
        let of_code = if layers[0]["type"] == "rect" {
            "/1/verify"
        } else if layers[0]["type"] == "group" {
            "/0/layers/0/verify"
        } else {
            "/0/verify"
        };
        *unasked.pointer_mut(of_code).unwrap() = json!(false);
        assert!(try_draw(&unasked, &Memo::off()).is_ok(), "nobody asked");
    }
}

#[test]
fn levels_are_raised_until_the_code_reads() {
    let memo = Memo::with_capacity(32 << 20);
    let layers = json!([
        { "type": "qr", "data": "https://example.com/", "x": 30, "y": 30, "size": 330, "level": "L", "verify": true },
        { "type": "rect", "x": 160, "y": 160, "width": 60, "height": 60, "fill": "#ffffff" },
    ]);
    let first = try_draw(&layers, &memo).unwrap();
    assert_eq!(with_rxing(&first).as_deref(), Some("https://example.com/"));
    let misses = memo.counts(MemoKind::Verdict).misses;
    assert!(misses >= 2, "the lowest level does not suffice: {misses}");
    let again = try_draw(&layers, &memo).unwrap();
    assert!(first.data == again.data);
    assert_eq!(memo.counts(MemoKind::Verdict).misses, misses, "what was found is remembered");
    assert!(first.data == try_draw(&layers, &Memo::off()).unwrap().data);
}

#[test]
fn light_on_dark_and_mirrored_codes_pass() {
    for more in
        [json!({ "color": "#ffffff", "background": "#111827" }), json!({ "flip": "x" }), json!({ "rotate": 33, "module": "dot" })]
    {
        let mut layer = json!({ "type": "qr", "data": "https://example.com/", "x": 60, "y": 60, "size": 300, "verify": true });
        layer.as_object_mut().unwrap().extend(object(more));
        assert!(try_draw(&json!([layer]), &Memo::off()).is_ok());
    }
}

/// Numbers that look random and are the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % below
    }

    fn of<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> &'a T {
        all[self.roll(all.len())]
    }
}

/// A code as a layer, what it says, and its format as zxing-cpp names it.
fn any_code(n: usize, dice: &mut Dice) -> (Value, String, &'static str) {
    let colors = [
        ("#000000", "#ffffff"),
        ("#1e3a8a", "#fef3c7"),
        ("#7f1d1d", "#ffffff"),
        ("#14532d", "#ecfccb"),
        ("#4b5563", "#ffffff"),
        ("#581c87", "#fce7f3"),
    ];
    let (color, background) = colors[dice.roll(colors.len())];
    let number = |dice: &mut Dice, digits: usize| (0..digits).map(|_| char::from(b'0' + dice.roll(10) as u8)).collect::<String>();
    let mut layer = json!({ "color": color, "background": background });
    let words = ["poster", "SALE", "2026", "海报", "扫码领取", "ticket", "ありがとう", "row 5", "seat-12", "%", "é"];
    let ascii = ["poster", "SALE", "2026", "ticket", "ROW 5", "SEAT-12", "A.B", "X/Y"];
    let said = |dice: &mut Dice, words: &[&str], most: usize| {
        let count = 1 + dice.roll(most);
        (0..count).map(|_| dice.of(words)).collect::<Vec<_>>().join(" ")
    };
    if n % 3 != 2 {
        let link = format!("https://example.com/{}", number(dice, 4 + n % 17));
        let data = if dice.roll(2) == 0 { link } else { said(dice, &words, 9) };
        layer["type"] = json!("qr");
        layer["level"] = json!(dice.of(&["L", "M", "Q", "H"]));
        layer["module"] = json!(dice.of(&["square", "dot", "rounded"]));
        layer["rotate"] = json!([0, 0, 0, 90, 180, 7, 30, 45, 161][dice.roll(9)]);
        layer["verify"] = json!(true);
        match dice.roll(3) {
            0 => layer["logo"] = json!(dice.of(&["asset:disc.png", "asset:grid.png"])),
            1 => {
                layer["color"] = json!({ "type": "linear", "angle": 135, "stops": [{ "color": color }, { "color": "#111827" }] })
            }
            _ => {}
        }
        return (layer, data, "QRCode");
    }
    layer["type"] = json!("barcode");
    let (symbology, data, format) = match n / 3 % 9 {
        0 => ("code128", said(dice, &ascii, 3), "Code128"),
        1 => ("ean13", number(dice, 12), "EAN13"),
        2 => ("ean8", number(dice, 7), "EAN8"),
        3 => ("upc_a", number(dice, 11), "UPCA"),
        4 => ("code39", said(dice, &ascii[1..3], 3).to_uppercase(), "Code39"),
        5 => ("itf", number(dice, 14), "ITF"),
        6 => ("data_matrix", said(dice, &ascii, 9), "DataMatrix"),
        7 => ("pdf417", said(dice, &words, 9), "PDF417"),
        _ => ("aztec", said(dice, &words, 9), "Aztec"),
    };
    layer["symbology"] = json!(symbology);
    (layer, data, format)
}

/// GS1's check digit, behind the digits.
fn checked(digits: &str) -> String {
    let sum: u32 = digits.bytes().rev().enumerate().map(|(n, b)| u32::from(b - b'0') * if n % 2 == 0 { 3 } else { 1 }).sum();
    format!("{digits}{}", (10 - sum % 10) % 10)
}

/// All symbologies, levels, styles, logos, colours and rotations. `AFFICHE_CODES` says how many (2,000 in `scripts/codes`);
/// `AFFICHE_CODES_DIR` keeps the pictures there, with what they say, for readers that are not written in Rust.
#[test]
fn codes_of_every_kind_read() {
    let count: usize = std::env::var("AFFICHE_CODES").map_or(90, |count| count.parse().unwrap());
    let folder = std::env::var_os("AFFICHE_CODES_DIR").map(std::path::PathBuf::from);
    let (mut dice, memo, mut list) = (Dice(2026), Memo::with_capacity(16 << 20), String::new());
    let (mut refused, mut unread, mut barcodes) = (Vec::new(), Vec::new(), 0);
    let fonts = Fonts::bundled();
    for n in 0..count {
        let (mut layer, data, format) = any_code(n, &mut dice);
        layer["data"] = json!(data);
        let side = if format == "QRCode" { 560 } else { 1100 };
        // In the middle, whatever its size: a stack as large as the canvas.
        let middle =
            json!({ "type": "stack", "width": side, "height": side, "align": "center", "justify": "center", "layers": [layer] });
        let template = json!({ "width": side, "height": side, "background": "#ffffff", "layers": [middle] });
        let poster = poster(&template, &Map::new());
        let assets = assets(&poster, &[root().join("tests/goldens")]);
        // The narrow bars of linear codes are two pixels wide already, and turned codes with round modules need four.
        let is_turned = layer["rotate"].as_u64().is_some_and(|by| by % 90 != 0);
        let least = if format == "QRCode" && !is_turned { 0.75 } else { 1.0 };
        let scale = [least, 1.0, 1.0, 1.5, 2.0][dice.roll(5)];
        let file = match try_draw_with(&poster, &assets, &How { scale, ..How::plain(&fonts, &memo) }) {
            Ok(drawn) => bytes(&drawn),
            Err(error) => {
                refused.push(format!("{n} {layer}: {error:?}"));
                continue;
            }
        };
        let says = if ["EAN13", "EAN8", "UPCA"].contains(&format) { checked(&data) } else { data };
        if let Some(folder) = &folder {
            std::fs::write(folder.join(format!("{n}.png")), &file).unwrap();
            list += &format!("{}\n", json!({ "file": format!("{n}.png"), "format": format, "says": says, "layer": layer }));
        }
        if format == "QRCode" {
            let picture = decode_png(&file);
            // rqrr finds square finders only, and rxing not all round ones that are turned: those are for zxing-cpp alone, which phones
            // are nearer to (`scripts/codes`).
            let is_for_others = is_turned && layer["module"].as_str().is_some_and(|module| module != "square");
            if !is_for_others && with_rqrr(&picture) != [says.as_str()] && with_rxing(&picture).as_deref() != Some(says.as_str())
            {
                unread.push(format!("{n} {layer} at {scale}"));
            }
        } else {
            barcodes += 1;
        }
    }
    if let Some(folder) = &folder {
        std::fs::write(folder.join("list.ndjson"), list).unwrap();
    }
    println!("{count} codes, of which {barcodes} barcodes; QR codes unread here: {}", unread.len());
    assert!(refused.is_empty(), "{} refused:\n{}", refused.len(), refused.join("\n"));
    assert!(unread.len() * 50 <= count, "{} unread:\n{}", unread.len(), unread.join("\n"));
}
