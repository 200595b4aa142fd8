//! The two reference posters against a browser's rendering of the same, with the same fonts.
// A test may panic: that is how it fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

mod support;

use std::path::PathBuf;

use affiche::memo::Memo;
use affiche::text::Fonts;
use support::{How, Rgba, assets, bytes, decode_png, draw_with, json, object, poster, root};

fn folder(name: &str) -> PathBuf {
    root().join("tests/posters").join(name)
}

fn ours(name: &str) -> Vec<u8> {
    let fonts = Fonts::with_dirs(&[folder("fonts")]).unwrap();
    let poster = poster(&json(&folder(name).join("template.json")), &object(json(&folder(name).join("variables.json"))));
    let assets = assets(&poster, &[folder("pictures")]);
    let memo = Memo::off();
    bytes(&draw_with(&poster, &assets, &How::plain(&fonts, &memo)))
}

/// Mean absolute difference of the colour channels, and the worst 16×16 block's mean with its place.
fn compare(ours: &Rgba, theirs: &Rgba, skip: Option<[usize; 4]>) -> (f64, f64, (usize, usize)) {
    assert_eq!((ours.width, ours.height), (theirs.width, theirs.height));
    let skipped = |x: usize, y: usize| skip.is_some_and(|[l, t, w, h]| x >= l && x < l + w && y >= t && y < t + h);
    let difference = |x: usize, y: usize| -> u32 {
        let (a, b) = (ours.at(x, y), theirs.at(x, y));
        (0..3).map(|c| u32::from(a[c].abs_diff(b[c]))).sum()
    };
    let (mut sum, mut count, mut worst, mut worst_at) = (0_u64, 0_u64, 0.0_f64, (0, 0));
    for top in (0..ours.height).step_by(16) {
        for left in (0..ours.width).step_by(16) {
            let (mut block, mut pixels) = (0_u64, 0_u64);
            for y in top..(top + 16).min(ours.height) {
                for x in left..(left + 16).min(ours.width) {
                    if !skipped(x, y) {
                        block += u64::from(difference(x, y));
                        pixels += 1;
                    }
                }
            }
            let mean = block as f64 / (3 * pixels.max(1)) as f64;
            if mean > worst {
                (worst, worst_at) = (mean, (left, top));
            }
            sum += block;
            count += pixels;
        }
    }
    (sum as f64 / (3 * count) as f64, worst, worst_at)
}

fn check(name: &str, skip: Option<[usize; 4]>, mean_at_most: f64) {
    let file = ours(name);
    if let Some(keep) = std::env::var_os("AFFICHE_KEEP") {
        std::fs::write(PathBuf::from(keep).join(format!("{name}.png")), &file).unwrap();
    }
    let theirs = decode_png(&std::fs::read(folder(name).join("chromium.png")).unwrap());
    let (mean, worst, at) = compare(&decode_png(&file), &theirs, skip);
    println!("{name}: mean {mean:.4}, worst 16×16 block {worst:.2} at {at:?}");
    assert!(mean <= mean_at_most, "{name}: mean difference {mean:.4} of 255, at most {mean_at_most} is allowed");
    assert!(worst <= 25.0, "{name}: the block at {at:?} is off by {worst:.2} on average");
}

/// The browser draws the code's modules at fractions of pixels: its box is left out, `codes` decodes it instead.
#[test]
fn share_looks_as_in_a_browser() {
    check("share", Some([740, 1570, 240, 240]), 0.9);
}

#[test]
fn og_looks_as_in_a_browser() {
    check("og", None, 0.6);
}
