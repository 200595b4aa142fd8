//! Blends, gradients, filters, rotated and masked pictures, shadows: as headless Chromium draws the same thing.
//!
//! A case is `tests/chromium/pictures/<case>/`: `template.json` and `chromium.png`, which `scripts/chromium/pictures.py` draws anew
//! (`about.json` says by which version). `cargo test --release --test chromium_pictures -- --nocapture` prints each case's figures.
//! Where they are too large, Chromium's picture, difference and ours stand side by side in `target/chromium/<case>.png`.
// A test may panic: that is how it fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

mod support;

use affiche::memo::Memo;
use affiche::text::Fonts;
use serde_json::Map;
use support::{How, Rgba, assets, bytes, decode_png, draw_with, folders, json, poster, root, side_by_side};

/// The most that the mean over a picture may differ, of 255.
const MEAN: f64 = 1.0;
/// The most that the mean over any 8x8 pixels may differ, of 255.
const BLOCK: f64 = 12.0;
/// Cases that may differ more, and why: the mean and the block they may reach. What they show is compared within the bounds above, too:
/// `scaled`, `enlarged` and `rotated` with a soft picture, `filters_blur` with other deviations.
const OTHERWISE: &[(&str, f64, f64, &str)] = &[
    (
        "filters_blur_between",
        4.5,
        20.0,
        "Chromium blurs by three boxes of whole pixels, a deviation of 0.75 not at all and one of 1.8 as 1.4; the specification asks for a \
         Gaussian (Filter Effects 1, 9.5), and ours is as near to it with every deviation",
    ),
    (
        "sharp_enlarged",
        2.0,
        12.0,
        "CSS Images 3 leaves the kernel open: Chromium's is bilinear, ours Catmull-Rom, which is sharper",
    ),
    ("sharp_rotated", 2.5, 12.0, "likewise, and small turned pictures are mostly edge, which Chromium widens a little"),
    ("sharp_scaled", 1.5, 12.0, "likewise; Chromium makes pictures smaller bilinearly from one half, quarter and so on"),
];
const SIDE: usize = 8;
const MOST_BYTES: u64 = 40 << 10;

/// Premultiplied, so that colours count as much as they are seen.
fn seen(picture: &Rgba, x: usize, y: usize) -> [f64; 4] {
    let [r, g, b, a] = picture.at(x, y).map(f64::from);
    [r * a / 255.0, g * a / 255.0, b * a / 255.0, a]
}

/// The mean over some pixels of how far the colours are apart; over the four channels only where anything is transparent.
fn apart(theirs: &Rgba, ours: &Rgba, channels: usize, xs: std::ops::Range<usize>, ys: std::ops::Range<usize>) -> f64 {
    let pixels = (xs.len() * ys.len() * channels) as f64;
    let mut sum = 0.0;
    for y in ys {
        for x in xs.clone() {
            let (a, b) = (seen(theirs, x, y), seen(ours, x, y));
            sum += (0..channels).map(|c| (a[c] - b[c]).abs()).sum::<f64>();
        }
    }
    sum / pixels
}

/// The mean over the whole picture, and the largest of all 8x8 blocks with its corner.
fn compare(theirs: &Rgba, ours: &Rgba) -> (f64, f64, (usize, usize)) {
    assert_eq!((theirs.width, theirs.height), (ours.width, ours.height));
    let opaque = theirs.data.iter().skip(3).step_by(4).all(|a| *a == 255);
    let channels = if opaque { 3 } else { 4 };
    let mut worst = (0.0, (0, 0));
    for y in 0..=ours.height - SIDE {
        for x in 0..=ours.width - SIDE {
            let block = apart(theirs, ours, channels, x..x + SIDE, y..y + SIDE);
            if block > worst.0 {
                worst = (block, (x, y));
            }
        }
    }
    (apart(theirs, ours, channels, 0..ours.width, 0..ours.height), worst.0, worst.1)
}

#[test]
fn what_is_drawn_agrees_with_chromium() {
    let pictures = root().join("tests/chromium/pictures");
    println!("{}", json(&pictures.join("about.json"))["chromium"].as_str().unwrap());
    let fonts = Fonts::bundled();
    let memo = Memo::off();
    let (mut cases, mut failures) = (0, Vec::new());
    for case in folders(&pictures) {
        cases += 1;
        let name = case.file_name().unwrap().to_str().unwrap().to_owned();
        let file = std::fs::read(case.join("chromium.png"));
        let file = file.unwrap_or_else(|_| panic!("{name} has no chromium.png: scripts/chromium/pictures.py draws it"));
        // Small pictures only.
        assert!(
            file.len() as u64 <= MOST_BYTES,
            "{name}: chromium.png has {} bytes, at most {MOST_BYTES} are allowed",
            file.len()
        );
        let theirs = decode_png(&file);
        let poster = poster(&json(&case.join("template.json")), &Map::new());
        let assets = assets(&poster, &[pictures.clone(), root().join("tests/goldens")]);
        let ours = decode_png(&bytes(&draw_with(&poster, &assets, &How::plain(&fonts, &memo))));
        let (mean, block, (x, y)) = compare(&theirs, &ours);
        println!("{name:24} mean {mean:6.3}, worst block {block:6.3} at {x}, {y}");
        let otherwise = OTHERWISE.iter().find(|(case, ..)| *case == name);
        let (most_mean, most_block) = otherwise.map_or((MEAN, BLOCK), |(_, mean, block, _)| (*mean, *block));
        let differs = mean > most_mean || block > most_block;
        if std::env::var_os("SHOW").is_some() || differs {
            side_by_side(Some(&theirs), &ours, &root().join("target/chromium").join(format!("{name}.png")));
        }
        // Nothing stays on the list that need not be there.
        assert!(otherwise.is_none() || mean > MEAN || block > BLOCK, "{name} agrees");
        if differs {
            failures.push(format!("{name}: mean {mean:.3}, worst block {block:.3} at {x}, {y}"));
        }
    }
    assert!(cases >= 30, "{cases} cases");
    assert!(failures.is_empty(), "{} of {cases} differ too much:\n{}", failures.len(), failures.join("\n"));
}
