//! Every case of `tests/goldens/<kind>/<case>/` draws exactly its `expected.png`.
//!
//! A case is `template.json`, optionally `variables.json`, and `expected.png` (at most 24 KiB). `BLESS=1 cargo test --release
//! --test goldens` writes what is missing or changed: look at each picture before you commit it. On failure expected,
//! difference and actual stand side by side in `target/goldens/<kind>-<case>.png`.
// A test may panic: that is how it fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

mod support;

use std::path::{Path, PathBuf};

use affiche::memo::Memo;
use affiche::text::Fonts;
use serde_json::Map;
use support::{How, Rgba, assets, bytes, decode_png, draw_with, json, object, poster, root};

const MOST_BYTES: u64 = 24 << 10;

fn folders(of: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(of).unwrap_or_else(|e| panic!("{}: {e}", of.display()));
    let mut found: Vec<PathBuf> = entries.map(|e| e.unwrap().path()).filter(|p| p.is_dir()).collect();
    found.sort();
    found
}

fn side_by_side(expected: Option<&Rgba>, actual: &Rgba, to: &Path) {
    let empty = Rgba { width: actual.width, height: actual.height, data: vec![0; actual.data.len()] };
    let expected = expected.filter(|e| (e.width, e.height) == (actual.width, actual.height)).unwrap_or(&empty);
    let mut data = Vec::new();
    for y in 0..actual.height {
        for x in 0..actual.width {
            data.extend(expected.at(x, y));
        }
        for x in 0..actual.width {
            let (a, b) = (expected.at(x, y), actual.at(x, y));
            // Eight times stronger, so that a difference of one can be seen.
            let d = |c: usize| a[c].abs_diff(b[c]).saturating_mul(8);
            data.extend([d(0).max(d(3)), d(1), d(2), 255]);
        }
        for x in 0..actual.width {
            data.extend(actual.at(x, y));
        }
    }
    std::fs::create_dir_all(to.parent().unwrap()).unwrap();
    let mut encoder = png::Encoder::new(std::fs::File::create(to).unwrap(), actual.width as u32 * 3, actual.height as u32);
    encoder.set_color(png::ColorType::Rgba);
    encoder.write_header().unwrap().write_image_data(&data).unwrap();
}

#[test]
fn goldens() {
    let fonts = Fonts::bundled();
    let memo = Memo::with_capacity(32 << 20);
    let bless = std::env::var_os("BLESS").is_some();
    let (mut cases, mut failures) = (0, Vec::new());
    for kind in folders(&root().join("tests/goldens")) {
        for case in folders(&kind) {
            cases += 1;
            let name = format!("{}/{}", kind.file_name().unwrap().display(), case.file_name().unwrap().display());
            let variables = case.join("variables.json");
            let variables = if variables.exists() { object(json(&variables)) } else { Map::new() };
            let poster = poster(&json(&case.join("template.json")), &variables);
            let assets = assets(&poster, &[case.clone(), root().join("tests/goldens"), root().join("assets/pictures")]);
            let file = bytes(&draw_with(&poster, &assets, &How::plain(&fonts, &memo)));
            let path = case.join("expected.png");
            let actual = decode_png(&file);
            let expected = std::fs::read(&path).ok().map(|bytes| decode_png(&bytes));
            if expected.as_ref().is_some_and(|e| e.data == actual.data && e.width == actual.width) {
                let size = std::fs::metadata(&path).unwrap().len();
                if size > MOST_BYTES {
                    failures.push(format!("{name}: expected.png has {size} bytes, at most {MOST_BYTES} are allowed"));
                }
            } else if bless {
                std::fs::write(&path, &file).unwrap();
            } else {
                let to = root().join("target/goldens").join(format!("{}.png", name.replace('/', "-")));
                side_by_side(expected.as_ref(), &actual, &to);
                failures.push(format!("{name}: see {}", to.display()));
            }
        }
    }
    assert!(cases > 0, "no cases");
    assert!(failures.is_empty(), "{} of {cases} differ:\n{}", failures.len(), failures.join("\n"));
}
