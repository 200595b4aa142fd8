//! Every case of `tests/goldens/<kind>/<case>/` draws exactly its `expected.png`.
//!
//! A case is `template.json`, optionally `variables.json`, and `expected.png` (at most 24 KiB). `BLESS=1 cargo test --release
//! --test goldens` writes what is missing or changed: look at each picture before you commit it. On failure expected,
//! difference and actual stand side by side in `target/goldens/<kind>-<case>.png`.
// A test may panic: that is how it fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

mod support;

use affiche::memo::Memo;
use affiche::text::Fonts;
use serde_json::Map;
use support::{How, assets, bytes, decode_png, draw_with, folders, json, object, poster, root, side_by_side};

const MOST_BYTES: u64 = 24 << 10;

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
