//! Barcodes are read again from the finished PNG, whatever they say and however large they are.
// A test may panic: that is how it fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

mod support;

use affiche::memo::Memo;
use affiche::text::Fonts;
use rxing::BarcodeFormat;
use serde_json::{Map, Value, json};
use support::{How, assets, bytes, decode_png, draw_with, poster};

/// What is read, for what was written.
const CASES: [(&str, BarcodeFormat, &str, &str); 15] = [
    ("code128", BarcodeFormat::CODE_128, "Affiche 2026", "Affiche 2026"),
    ("code128", BarcodeFormat::CODE_128, "1234567890123456", "1234567890123456"),
    ("code39", BarcodeFormat::CODE_39, "AFFICHE-39", "AFFICHE-39"),
    ("ean13", BarcodeFormat::EAN_13, "400638133393", "4006381333931"),
    ("ean13", BarcodeFormat::EAN_13, "4006381333931", "4006381333931"),
    ("ean8", BarcodeFormat::EAN_8, "7351353", "73513537"),
    ("upc_a", BarcodeFormat::UPC_A, "03600029145", "036000291452"),
    ("itf", BarcodeFormat::ITF, "12345678901231", "12345678901231"),
    ("data_matrix", BarcodeFormat::DATA_MATRIX, "Affiche 2026, row 5", "Affiche 2026, row 5"),
    (
        "data_matrix",
        BarcodeFormat::DATA_MATRIX,
        "0123456789012345678901234567890123456789",
        "0123456789012345678901234567890123456789",
    ),
    ("pdf417", BarcodeFormat::PDF_417, "A ticket, row 5, seat 12", "A ticket, row 5, seat 12"),
    ("pdf417", BarcodeFormat::PDF_417, "扫码领取优惠券", "扫码领取优惠券"),
    ("aztec", BarcodeFormat::AZTEC, "M1TEST/PASSENGER EABC123 FRAJFKLH", "M1TEST/PASSENGER EABC123 FRAJFKLH"),
    ("aztec", BarcodeFormat::AZTEC, "点击领取50元红包", "点击领取50元红包"),
    ("aztec", BarcodeFormat::AZTEC, "x", "x"),
];

fn read(template: &Value, format: BarcodeFormat, scale: f64) -> Option<String> {
    let (fonts, memo) = (Fonts::bundled(), Memo::off());
    let poster = poster(template, &Map::new());
    let assets = assets(&poster, &[]);
    let picture = decode_png(&bytes(&draw_with(&poster, &assets, &How { scale, ..How::plain(&fonts, &memo) })));
    let found = rxing::helpers::detect_in_luma_with_hints(
        picture.luma(),
        picture.width as u32,
        picture.height as u32,
        Some(format),
        &mut rxing::DecodeHints { TryHarder: Some(true), ..Default::default() },
    );
    found.ok().map(|found| found.getText().to_owned())
}

#[test]
fn every_symbology_reads_at_many_sizes() {
    for (symbology, format, data, says) in CASES {
        let mut read_at = 0;
        for (size, scale) in [(json!({}), 1.0), (json!({ "width": 601 }), 1.0), (json!({ "width": 450, "height": 300 }), 1.3)] {
            let mut layer = json!({ "type": "barcode", "symbology": symbology, "data": data, "x": 33, "y": 40 });
            layer.as_object_mut().unwrap().extend(size.as_object().unwrap().clone());
            let template = json!({ "width": 900, "height": 900, "background": "#ffffff", "layers": [layer] });
            if let Some(found) = read(&template, format, scale) {
                assert_eq!(found, says, "{symbology} {data} {size} {scale}");
                read_at += 1;
            }
        }
        // rxing's finder misses Aztec codes here and there; zxing-cpp 2 reads all of these at all three sizes.
        let least = if symbology == "aztec" { 1 } else { 2 };
        assert!(read_at >= least, "{symbology} {data} was read at {read_at} of 3 sizes");
    }
}

#[test]
fn coloured_codes_with_captions_read() {
    for (symbology, format, data, says) in CASES {
        let layer = json!({
            "type": "barcode", "symbology": symbology, "data": data, "x": 20, "y": 20, "width": 500, "height": 200,
            "color": "#1e3a8a", "background": "#fef3c7", "caption": true,
        });
        let template = json!({ "width": 540, "height": 240, "background": "#111827", "layers": [layer] });
        assert_eq!(read(&template, format, 1.0).as_deref(), Some(says), "{symbology} {data}");
    }
}
