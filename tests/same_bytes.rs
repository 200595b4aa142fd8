//! Nothing remembered, no thread and no instruction set changes a byte.
// A test may panic: that is how it fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

mod support;

use affiche::ctx::Simd;
use affiche::encode::Format;
use affiche::memo::{Kind, Memo};
use affiche::text::Fonts;
use serde_json::Map;
use support::{How, assets, bytes, draw_with, json, poster, root};

fn all_ways(template: &std::path::Path) {
    let fonts = Fonts::bundled();
    let poster = poster(&json(template), &Map::new());
    let assets = assets(&poster, &[root().join("assets/pictures")]);
    let off = Memo::off();
    for format in [Format::Png, Format::Jpeg, Format::WebP] {
        let plain = || How { format, ..How::plain(&fonts, &off) };
        let expected = bytes(&draw_with(&poster, &assets, &plain()));
        let same = |how: &How, what: &str| {
            assert!(bytes(&draw_with(&poster, &assets, how)) == expected, "{}: {what}", template.display());
        };
        same(&plain(), "a second time");
        same(&How { threads: 2, ..plain() }, "two threads");
        same(&How { threads: 5, ..plain() }, "five threads");
        same(&How { simd: Simd::Off, ..plain() }, "without SIMD");
        let ample = Memo::with_capacity(256 << 20);
        same(&How { memo: &ample, ..plain() }, "memo, first");
        same(&How { memo: &ample, ..plain() }, "memo, second");
        same(&How { memo: &ample, threads: 2, simd: Simd::Off, ..plain() }, "memo, third, two threads, without SIMD");
        assert!(
            ample.counts(Kind::Mask).hits > 0 || poster.layers.iter().all(|l| l.type_name() != "text"),
            "the memo never hits"
        );
        let tiny = Memo::with_capacity(4 << 10);
        same(&How { memo: &tiny, ..plain() }, "tiny memo");
        same(&How { memo: &tiny, ..plain() }, "tiny memo, again");
    }
}

#[test]
fn templates_give_the_same_bytes_whatever_is_remembered() {
    for entry in std::fs::read_dir(root().join("templates")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "json") {
            all_ways(&path);
        }
    }
}
