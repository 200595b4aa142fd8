//! The caps on numbers from outside, each at the last value that passes and the first that does not.
// A test may panic: that is how it fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

use std::num::NonZeroUsize;
use std::sync::Arc;

use affiche::asset::{Asset, Assets, PictureError, Shown};
use affiche::ctx::{Budget, Ctx, Simd};
use affiche::draw::{DrawError, Studio, draw};
use affiche::encode::{Compression, Format, Output};
use affiche::limits::{self, Limits};
use affiche::memo::Memo;
use affiche::poster::Poster;
use affiche::problem::{Code, Problems};
use affiche::template::Supplied;
use affiche::text::Fonts;
use serde_json::{Map, Value, json};

const LIMITS: fn() -> Limits = Limits::for_testing;

fn read(template: &Value) -> Result<Poster, Problems> {
    let none = Map::new();
    Poster::read_inline(template, &Supplied { variables: &none, overrides: &none, canvas: &none }, &LIMITS())
}

fn draw_it(template: &Value, scale: f64, asset: Option<Arc<Asset>>) -> Result<(), Code> {
    let poster = read(template).map_err(|problems| problems.list()[0].code)?;
    let shown = |_: &_| asset.clone().map_or(Shown::Nothing, |asset| Shown::Picture { asset, from: "inline" });
    let assets = Assets::new(poster.all().iter().map(shown).collect());
    let (budget, memo, fonts) = (Budget::new(LIMITS().max_request_pixels), Memo::off(), Fonts::bundled());
    let ctx = Ctx { cancelled: &|| false, budget: &budget, threads: NonZeroUsize::MIN, simd: Simd::Detect };
    let studio = Studio { fonts: &fonts, memo: &memo, ctx: &ctx, limits: &LIMITS() };
    let output = Output { format: Format::Png, quality: 85, compression: Compression::Fast, dpi: 72 };
    match draw(&poster, &assets, scale, &output, &studio) {
        Ok(_) => Ok(()),
        Err(DrawError::Problems(problems)) => Err(problems.list()[0].code),
        Err(DrawError::BadPictures(bad)) => panic!("{bad:?}"),
    }
}

fn empty(width: u32, height: u32) -> Value {
    json!({ "width": width, "height": height, "layers": [] })
}

#[test]
fn canvas_sides_and_pixels_after_scaling() {
    let side = LIMITS().max_canvas_side;
    assert_eq!(draw_it(&empty(side, 1), 1.0, None), Ok(()));
    assert_eq!(draw_it(&empty(side + 1, 1), 1.0, None), Err(Code::CanvasTooLarge));
    assert_eq!(draw_it(&empty(1, side + 1), 1.0, None), Err(Code::CanvasTooLarge));
    assert_eq!(draw_it(&empty(side / 2, 1), 2.0, None), Ok(()));
    assert_eq!(draw_it(&empty(side / 2 + 1, 1), 2.0, None), Err(Code::CanvasTooLarge));
    // 20,000 pixels: 200 by 100.
    assert_eq!(draw_it(&empty(200, 100), 1.0, None), Ok(()));
    assert_eq!(draw_it(&empty(201, 100), 1.0, None), Err(Code::CanvasTooLarge));
    // What would be rounded to nothing.
    assert_eq!(draw_it(&empty(1, 100), 0.1, None), Err(Code::InvalidValue));
}

#[test]
fn layers_after_expansion() {
    let layers =
        |n: usize| json!({ "width": 9, "height": 9, "layers": vec![json!({ "type": "rect", "width": 1, "height": 1 }); n] });
    let most = LIMITS().max_layers;
    assert!(read(&layers(most - 1)).is_ok());
    assert_eq!(read(&layers(most)).unwrap().layers.len(), most);
    assert_eq!(read(&layers(most + 1)).unwrap_err().list()[0].code, Code::TooMany);
    let turns = |n: usize| {
        json!({ "width": 9, "height": 9, "layers": [
            { "type": "rect", "width": 1, "height": 1, "repeat": { "each": format!("range({n})"), "as": "i" } }
        ] })
    };
    assert!(read(&turns(most)).is_ok());
    assert_eq!(read(&turns(most + 1)).unwrap_err().list()[0].code, Code::TooMany);
}

#[test]
fn layers_as_written() {
    let layers = |n: usize| {
        let hidden = json!({ "type": "rect", "width": 1, "height": 1, "hidden": true });
        json!({ "width": 9, "height": 9, "layers": vec![hidden; n] })
    };
    for n in [limits::MAX_WRITTEN_LAYERS - 1, limits::MAX_WRITTEN_LAYERS] {
        assert_eq!(read(&layers(n)).unwrap().layers.len(), 0);
    }
    let problems = read(&layers(limits::MAX_WRITTEN_LAYERS + 1)).unwrap_err();
    assert_eq!(problems.list().len(), 1, "the first beyond, and no more");
    assert_eq!(problems.list()[0].code, Code::TooMany);
    assert_eq!(problems.list()[0].place.at, format!("/layers/{}", limits::MAX_WRITTEN_LAYERS));
}

#[test]
fn defaults_over_all_layers() {
    // What one copy costs: a field's own share, its name, a value's node and its text.
    let (layers, share) = (64, limits::MAX_DEFAULTS_BYTES / 64);
    let text = |longer: usize| "a".repeat(share - 128 - "text".len() - 64 + longer);
    let template = |n: usize, longer: usize| {
        let layer = json!({ "type": "text", "hidden": true });
        json!({ "width": 9, "height": 9, "defaults": { "text": { "text": text(longer) } }, "layers": vec![layer; n] })
    };
    assert!(read(&template(layers - 1, 0)).is_ok());
    assert!(read(&template(layers, 0)).is_ok());
    for problems in [read(&template(layers, 1)).unwrap_err(), read(&template(layers + 1, 0)).unwrap_err()] {
        assert_eq!(problems.list().iter().map(|problem| problem.code).collect::<Vec<_>>(), [Code::TooMany]);
    }
}

fn png(width: u32, height: u32) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(png::ColorType::Rgb);
    let pixels = vec![9; width as usize * height as usize * 3];
    encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
    file
}

#[test]
fn pictures_by_pixels_and_bytes() {
    // 10,000 pixels.
    assert!(Asset::new(png(100, 100).into(), &LIMITS()).is_ok());
    let larger = Asset::new(png(101, 100).into(), &LIMITS()).unwrap_err();
    assert!(matches!(larger, PictureError::TooLarge { .. }), "{larger}");
    let file = png(10, 10);
    let exactly = Limits { max_source_bytes: file.len() as u64, ..LIMITS() };
    assert!(Asset::new(file.clone().into(), &exactly).is_ok());
    let less = Limits { max_source_bytes: file.len() as u64 - 1, ..LIMITS() };
    assert!(matches!(Asset::new(file.into(), &less).unwrap_err(), PictureError::TooManyBytes { .. }));
}

#[test]
fn pixels_of_a_request() {
    // The canvas and the decoded picture together: 20,000 + n times 10,000 of 40,000; the same picture counts once.
    let asset = Arc::new(Asset::new(png(100, 100).into(), &LIMITS()).unwrap());
    let template = |canvas: [u32; 2]| json!({ "width": canvas[0], "height": canvas[1], "layers": [{ "type": "image", "src": "asset:x.png", "width": 50, "height": 50 }] });
    assert_eq!(draw_it(&template([200, 100]), 1.0, Some(Arc::clone(&asset))), Ok(()));
    let tight = Budget::new(20_000 + 10_000);
    assert!(tight.charge(20_000).is_ok() && tight.charge(10_000).is_ok() && tight.charge(1).is_err());
}

#[test]
fn one_text() {
    let with = |text: String| json!({ "width": 9, "height": 9, "layers": [{ "type": "text", "text": text }] });
    let text = |bytes: usize| with("a".repeat(bytes));
    assert!(read(&text(limits::MAX_TEXT_BYTES - 1)).is_ok());
    assert!(read(&text(limits::MAX_TEXT_BYTES)).is_ok());
    assert_eq!(read(&text(limits::MAX_TEXT_BYTES + 1)).unwrap_err().list()[0].code, Code::TooMany);
    // What of it is laid out.
    assert_eq!(draw_it(&text(limits::MAX_TEXT_CHARS - 1), 1.0, None), Ok(()));
    assert_eq!(draw_it(&text(limits::MAX_TEXT_CHARS), 1.0, None), Ok(()));
    assert_eq!(draw_it(&text(limits::MAX_TEXT_CHARS + 1), 1.0, None), Err(Code::TooMany));
    let lines = |lines: u32| with("a\n".repeat(lines as usize));
    assert_eq!(draw_it(&lines(limits::MAX_TEXT_LINES - 1), 1.0, None), Ok(()));
    assert_eq!(draw_it(&lines(limits::MAX_TEXT_LINES), 1.0, None), Ok(()));
    assert_eq!(draw_it(&lines(limits::MAX_TEXT_LINES + 1), 1.0, None), Err(Code::TooMany));
    let lang =
        |bytes: usize| json!({ "width": 9, "height": 9, "layers": [{ "type": "text", "text": "a", "lang": "a".repeat(bytes) }] });
    assert_eq!(draw_it(&lang(limits::MAX_LANG_BYTES - 1), 1.0, None), Ok(()));
    assert_eq!(draw_it(&lang(limits::MAX_LANG_BYTES), 1.0, None), Ok(()));
    assert_eq!(draw_it(&lang(limits::MAX_LANG_BYTES + 1), 1.0, None), Err(Code::TooMany));
}

#[test]
fn a_text_on_a_path() {
    let of = |characters: usize| {
        let path = json!({ "d": "M 0 9 L 9 9" });
        let layer = json!({ "type": "text", "text": "ä".repeat(characters), "path": path });
        read(&json!({ "width": 9, "height": 9, "layers": [layer] }))
    };
    assert!(of(limits::MAX_TRACK_CHARS - 1).is_ok());
    assert!(of(limits::MAX_TRACK_CHARS).is_ok());
    let problems = of(limits::MAX_TRACK_CHARS + 1).unwrap_err();
    assert_eq!((problems.list()[0].code, problems.list()[0].place.at.as_str()), (Code::TooMany, "/layers/0/text"));
}

#[test]
fn all_texts_of_a_request() {
    let with = |characters: usize| {
        let mut texts = vec!["ä".repeat(limits::MAX_TEXT_CHARS); characters / limits::MAX_TEXT_CHARS];
        texts.push("ä".repeat(characters % limits::MAX_TEXT_CHARS));
        let layers: Vec<Value> = texts.iter().map(|text| json!({ "type": "text", "text": text })).collect();
        read(&json!({ "width": 9, "height": 9, "layers": layers }))
    };
    let most = limits::MAX_REQUEST_TEXT_CHARS;
    assert!(with(most - 1).is_ok());
    assert!(with(most).is_ok());
    let problems = with(most + 1).unwrap_err();
    let [problem] = problems.list() else { panic!("{problems}") };
    assert_eq!((problem.code, problem.place.at.as_str()), (Code::TooMany, "/layers/5/text"));
    // Of what lines cut only the part that is laid out counts.
    let cut = json!({ "type": "text", "text": "a".repeat(limits::MAX_TEXT_BYTES), "max_lines": 1 });
    assert!(read(&json!({ "width": 9, "height": 9, "layers": vec![cut; 5] })).is_ok());
}

#[test]
fn all_fitted_texts_of_a_request() {
    let fit = json!({ "min": 1, "max": 2 });
    let with = |characters: usize, more: Value| {
        let layer = |text: String| json!({ "type": "text", "text": text, "width": 9, "height": 9, "autofit": fit });
        let half = "ä".repeat(characters / 2);
        let layers = json!([layer(half.clone()), more, layer(half + &"a".repeat(characters % 2))]);
        read(&json!({ "width": 9, "height": 9, "layers": layers }))
    };
    let most = limits::MAX_FITTED_CHARS;
    let other = json!({ "type": "text", "text": "a".repeat(1_000) });
    assert!(with(most - 1, other.clone()).is_ok());
    assert!(with(most, other.clone()).is_ok());
    let problems = with(most + 1, other).unwrap_err();
    let [problem] = problems.list() else { panic!("{problems}") };
    assert_eq!((problem.code, problem.place.at.as_str()), (Code::TooMany, "/layers/2/autofit"));
}

#[test]
fn a_code_that_holds_no_more() {
    let code = |bytes: usize| json!({ "width": 200, "height": 100, "layers": [{ "type": "qr", "data": "a".repeat(bytes), "level": "L", "size": 4000 }] });
    assert_eq!(draw_it(&code(limits::MAX_QR_BYTES), 1.0, None), Ok(()));
    assert_eq!(draw_it(&code(limits::MAX_QR_BYTES + 1), 1.0, None), Err(Code::CodeUnreadable));
    // Modules of exactly 2 pixels pass: version 1 has 21, with its quiet zone 29.
    let small =
        |size: f64| json!({ "width": 200, "height": 100, "layers": [{ "type": "qr", "data": "a", "level": "L", "size": size }] });
    assert_eq!(draw_it(&small(58.0), 1.0, None), Ok(()));
    assert_eq!(draw_it(&small(57.9), 1.0, None), Err(Code::CodeUnreadable));
    assert_eq!(draw_it(&small(58.0), 0.99, None), Err(Code::CodeUnreadable));
}

/// Stacks, or groups and stacks by turns, so many within one another, around a text.
fn nested(levels: usize, kinds: [&str; 2]) -> Value {
    let mut inside = json!({ "type": "text", "text": "in the midst of it all" });
    for level in 0..levels {
        let direction = if level % 2 == 0 { "row" } else { "column" };
        inside = match kinds[level % 2] {
            "stack" => {
                json!({ "type": "stack", "direction": direction, "layers": [inside, { "type": "rect", "width": 1, "height": 1 }] })
            }
            kind => json!({ "type": kind, "layers": [inside] }),
        };
    }
    json!({ "width": 200, "height": 100, "layers": [inside] })
}

/// Under the limits of the service, which allow more layers than those for testing.
fn draw_amply(template: &Value) -> Result<(), Code> {
    let none = Map::new();
    let supplied = Supplied { variables: &none, overrides: &none, canvas: &none };
    let limits = Limits::default();
    let poster = Poster::read_inline(template, &supplied, &limits).map_err(|problems| problems.list()[0].code)?;
    let (budget, memo, fonts) = (Budget::new(limits.max_request_pixels), Memo::off(), Fonts::bundled());
    let ctx = Ctx { cancelled: &|| false, budget: &budget, threads: NonZeroUsize::MIN, simd: Simd::Detect };
    let studio = Studio { fonts: &fonts, memo: &memo, ctx: &ctx, limits: &limits };
    let output = Output { format: Format::Png, quality: 85, compression: Compression::Fast, dpi: 72 };
    match draw(&poster, &Assets::new(poster.all().iter().map(|_| Shown::Nothing).collect()), 1.0, &output, &studio) {
        Ok(_) => Ok(()),
        Err(DrawError::Problems(problems)) => Err(problems.list()[0].code),
        Err(DrawError::BadPictures(bad)) => panic!("{bad:?}"),
    }
}

#[test]
fn layers_within_layers() {
    // The innermost text lies one level deeper than the groups around it.
    for kinds in [["group", "group"], ["stack", "stack"], ["group", "stack"], ["stack", "group"]] {
        assert_eq!(draw_amply(&nested(limits::MAX_NESTING - 1, kinds)), Ok(()), "{kinds:?}");
        assert_eq!(draw_amply(&nested(limits::MAX_NESTING, kinds)), Err(Code::TooMany), "{kinds:?}");
    }
}

#[test]
fn bounds_that_overrule_at_every_level_end_soon() {
    // Each level is measured twice: asked anew every time, that would be 2^31 measures of the text.
    let mut inside = json!({ "type": "text", "text": "in the midst of it all" });
    for level in 0..limits::MAX_NESTING - 1 {
        inside = json!({ "type": "group", "min_width": 10 * level, "max_height": 400 - level, "layers": [inside] });
    }
    let template = json!({ "width": 200, "height": 100, "layers": [inside] });
    assert_eq!(draw_amply(&template), Ok(()));
}

#[test]
fn names_of_an_anchor() {
    let named = |names: usize| {
        let names: Vec<String> = (0..names).map(|i| if i == 0 { "a".to_owned() } else { format!("b{i}") }).collect();
        let beside = json!({ "type": "rect", "width": 5, "height": 5, "anchor": { "to": names, "side": "below" } });
        json!({ "width": 20, "height": 20, "layers": [{ "type": "rect", "name": "a", "width": 5, "height": 5 }, beside] })
    };
    assert_eq!(draw_it(&named(limits::MAX_ANCHOR_NAMES), 1.0, None), Ok(()));
    assert_eq!(draw_it(&named(limits::MAX_ANCHOR_NAMES + 1), 1.0, None), Err(Code::InvalidValue));
}

#[test]
fn anchors_that_cannot_be() {
    let beside = |name: &str, to: &str| json!({ "type": "rect", "name": name, "width": 5, "height": 5, "anchor": { "to": to, "side": "below" } });
    let all = |layers: Vec<Value>| json!({ "width": 20, "height": 20, "layers": layers });
    assert_eq!(draw_it(&all(vec![beside("a", "b"), beside("b", "a"), beside("c", "a")]), 1.0, None), Err(Code::Conflict));
    assert_eq!(draw_it(&all(vec![beside("a", "a")]), 1.0, None), Err(Code::InvalidValue));
    assert_eq!(draw_it(&all(vec![beside("a", "z")]), 1.0, None), Err(Code::InvalidValue));
}

#[test]
fn columns_rows_and_cells_of_tables() {
    let table = |columns: usize, rows: usize| json!({ "type": "table", "columns": vec![json!({}); columns], "rows": vec![json!(vec!["a"; columns]); rows] });
    let poster = |tables: Vec<Value>| read(&json!({ "width": 9, "height": 9, "layers": tables }));
    let code = |tables: Vec<Value>| poster(tables).map(|_| ()).map_err(|problems| problems.list()[0].code);
    assert_eq!(code(vec![table(limits::MAX_COLUMNS - 1, 1)]), Ok(()));
    assert_eq!(code(vec![table(limits::MAX_COLUMNS, 1)]), Ok(()));
    assert_eq!(code(vec![table(limits::MAX_COLUMNS + 1, 1)]), Err(Code::InvalidValue));
    assert_eq!(code(vec![table(1, limits::MAX_ROWS - 1)]), Ok(()));
    assert_eq!(code(vec![table(1, limits::MAX_ROWS)]), Ok(()));
    assert_eq!(code(vec![table(1, limits::MAX_ROWS + 1)]), Err(Code::InvalidValue));
    // Turns count.
    let turns = |rows: usize| {
        let row = |n: usize| json!({ "repeat": { "each": format!("range({n})") }, "cells": ["a"] });
        json!({ "type": "table", "columns": [{}], "rows": [row(rows / 2), row(rows - rows / 2)] })
    };
    assert_eq!(code(vec![turns(limits::MAX_ROWS)]), Ok(()));
    assert_eq!(code(vec![turns(limits::MAX_ROWS + 1)]), Err(Code::TooMany));
    let (tens, rest) = (vec![table(10, 250); limits::MAX_CELLS / 2_500], |cells| table(cells, 1));
    assert_eq!(code(tens.clone()), Ok(()));
    assert_eq!(code([tens[1..].to_vec(), vec![table(10, 249), rest(9)]].concat()), Ok(()));
    assert_eq!(code([tens, vec![rest(1)]].concat()), Err(Code::TooMany));
}
