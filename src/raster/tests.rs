//! What holds for every file.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;

use super::*;
use crate::color::Premul;
use crate::ctx::{Budget, Simd};
use crate::encode::Compression;
use crate::encode::png::palette::colours;
use crate::geom::{Fx, FxRect, Size};
use crate::memo::{Counts, Kind};
use crate::paint::tests::{Scenes, whole};
use crate::scene::{Item, Paint, Ready, Shape};

const PNG: Output = Output { format: Format::Png, quality: 85, compression: Compression::Fast, dpi: 72 };

const LOSSLESS: Output = Output { format: Format::WebP, quality: 100, ..PNG };

fn rastered(settled: &Settled, output: Output, threads: usize, simd: Simd) -> Vec<u8> {
    remembered(settled, output, &Memo::off(), threads, simd)
}

fn remembered(settled: &Settled, output: Output, memo: &Memo, threads: usize, simd: Simd) -> Vec<u8> {
    let budget = Budget::new(0);
    let ctx = Ctx { cancelled: &|| false, budget: &budget, threads: NonZeroUsize::new(threads).unwrap(), simd };
    let encoded = raster(settled, &output, memo, &ctx).unwrap();
    let file = encoded.chunks.concat();
    assert_eq!(file.len(), encoded.len());
    file
}

/// As the header has it: colour type and bits a sample. And RGBA, whatever it was.
fn decoded(file: &[u8]) -> ((::png::ColorType, ::png::BitDepth), Vec<u8>) {
    let reader = ::png::Decoder::new(std::io::Cursor::new(file)).read_info().unwrap();
    let kind = (reader.info().color_type, reader.info().bit_depth);
    (kind, image::load_from_memory(file).unwrap().to_rgba8().into_raw())
}

/// Straight RGBA of what is painted.
fn straight(scene: &Settled) -> Vec<u8> {
    let mut pixels = Vec::new();
    Layout::Rgba.write(&whole(scene), &mut pixels);
    pixels
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(80))]

    #[test]
    fn threads_and_instructions_do_not_show(seed in any::<u64>()) {
        let scene = Scenes::new(seed).scene();
        let one = rastered(&scene, PNG, 1, Simd::Detect);
        prop_assert!(one == rastered(&scene, PNG, 2, Simd::Detect));
        prop_assert!(one == rastered(&scene, PNG, 7, Simd::Off));
    }

    #[test]
    fn the_file_holds_what_was_painted(seed in any::<u64>()) {
        let scene = Scenes::new(seed).scene();
        let ((color, _), pixels) = decoded(&rastered(&scene, PNG, 1, Simd::Detect));
        let direct = if is_opaque(&scene) { ::png::ColorType::Rgb } else { ::png::ColorType::Rgba };
        let few = colours(&whole(&scene)).is_some();
        prop_assert_eq!(color, if few { ::png::ColorType::Indexed } else { direct });
        prop_assert!(pixels == straight(&scene));
    }

    #[test]
    fn nothing_remembered_shows(seeds in prop::collection::vec(0..3u64, 12), base in any::<u64>()) {
        // A few scenes that share their lower items, in any order, into any memo, in any format.
        let lower = Scenes::new(base).scene();
        let scene = |seed: u64| {
            let mut items = lower.items().to_vec();
            items.truncate(items.len() * 2 / 3);
            items.extend(Scenes::new(base ^ (seed + 1)).scene().items().iter().take(seed as usize + 1).cloned());
            Settled::new(lower.size(), lower.background(), items)
        };
        let scenes = [scene(0), scene(1), scene(2)];
        let expected: Vec<[Vec<u8>; 2]> = scenes.iter().map(|s| [PNG, LOSSLESS].map(|output| rastered(s, output, 1, Simd::Detect))).collect();
        for capacity in [600 << 10, 1 << 20, 64 << 20] {
            let memo = Memo::with_capacity(capacity);
            for (turn, &seed) in seeds.iter().enumerate() {
                let (output, expected) = if turn % 4 == 3 { (LOSSLESS, &expected[seed as usize][1]) } else { (PNG, &expected[seed as usize][0]) };
                let simd = if turn % 2 == 0 { Simd::Detect } else { Simd::Off };
                let file = remembered(&scenes[seed as usize], output, &memo, 1 + turn % 3, simd);
                prop_assert!(file == *expected, "turn {turn} of {seeds:?} at {capacity}");
            }
        }
    }

    #[test]
    fn a_chain_names_pixels(seed in any::<u64>(), without in 0..7usize) {
        // Dropping an item changes the keys of exactly those bands that it meets; equal keys mean equal pixels.
        let scene = Scenes::new(seed).scene();
        prop_assume!(without < scene.items().len());
        let mut items = scene.items().to_vec();
        let dropped = items.remove(without);
        let (before, after) = (whole(&scene), whole(&Settled::new(scene.size(), scene.background(), items.clone())));
        for y in (0..scene.size().height() as i32).step_by(5) {
            let band = PxRect::new(0, y, scene.size().width() as i32, (y + 5).min(scene.size().height() as i32));
            let old = chain(scene.size(), scene.background(), scene.items(), band, Layout::Rgb);
            let new = chain(scene.size(), scene.background(), &items, band, Layout::Rgb);
            let met = scene.items()[..without].iter().filter(|i| !i.bounds().intersect(band).is_empty()).count();
            if dropped.bounds().intersect(band).is_empty() {
                prop_assert_eq!(&old, &new);
                let row = scene.size().width() as usize * 4;
                let rows = band.y0 as usize * row..band.y1 as usize * row;
                prop_assert!(before[rows.clone()] == after[rows]);
            } else {
                prop_assert_ne!(old.last(), new.last());
                prop_assert_eq!(old.common_prefix(&new), met + 1);
            }
        }
    }
}

#[test]
fn a_chain_names_ground_place_and_layout() {
    let band = PxRect::new(0, 0, 100, 64);
    let rect = |x: i32| Shape::Rect(FxRect { x0: Fx::from_int(x), y0: Fx(0), x1: Fx::from_int(50), y1: Fx::from_int(64) });
    let solid = |alpha: u8| Paint::Solid(crate::color::Color { r: 1, g: 2, b: 3, a: alpha }.premultiply());
    let items: Vec<Item<Ready>> = vec![Item::fill(rect(0), solid(200)), Item::fill(rect(10), solid(100))];
    let turned: Vec<Item<Ready>> = items.iter().rev().cloned().collect();
    let white = crate::color::Color::WHITE.premultiply();
    let canvas = Size::new(100, 64).unwrap();
    let last =
        |ground: Premul, items: &[Item<Ready>], band: PxRect, layout: Layout| chain(canvas, ground, items, band, layout).last();
    let all = [
        last(white, &items, band, Layout::Rgb),
        last(white, &items, band, Layout::Rgba),
        last(Premul::TRANSPARENT, &items, band, Layout::Rgb),
        last(white, &turned, band, Layout::Rgb),
        last(white, &items[..1], band, Layout::Rgb),
        last(white, &items, PxRect::new(0, 0, 100, 63), Layout::Rgb),
        last(white, &items, PxRect::new(0, 1, 100, 64), Layout::Rgb),
        last(white, &items, PxRect::new(0, 0, 99, 64), Layout::Rgb),
        chain(Size::new(100, 65).unwrap(), white, &items, band, Layout::Rgb).last(),
    ];
    for (i, a) in all.iter().enumerate() {
        assert!(all[i + 1..].iter().all(|b| a != b), "{i}");
    }
    assert_eq!(chain(canvas, white, &items, band, Layout::Rgb).keys().count(), 3);
}

#[test]
fn all_formats_for_any_number_of_threads() {
    let scene = Scenes::new(12).scene();
    for format in [Format::Jpeg, Format::WebP] {
        for quality in [80, 100] {
            let output = Output { format, quality, ..PNG };
            assert_eq!(rastered(&scene, output, 1, Simd::Off), rastered(&scene, output, 3, Simd::Detect));
        }
    }
    let clear = Settled::new(Size::new(20, 10).unwrap(), Premul::TRANSPARENT, vec![]);
    let jpeg = rastered(&clear, Output { format: Format::Jpeg, ..PNG }, 1, Simd::Detect);
    let white = image::load_from_memory(&jpeg).unwrap().to_rgb8();
    assert!(white.as_raw().iter().all(|c| *c == 255), "a clear canvas is white in JPEG");
}

#[test]
fn the_digest_follows_the_bytes() {
    let digest = |dpi: u16, seed: u64| {
        let budget = Budget::new(0);
        let ctx = Ctx { cancelled: &|| false, budget: &budget, threads: NonZeroUsize::MIN, simd: Simd::Detect };
        raster(&Scenes::new(seed).scene(), &Output { dpi, ..PNG }, &Memo::off(), &ctx).unwrap().digest
    };
    assert_eq!(digest(72, 1), digest(72, 1));
    assert_ne!(digest(72, 1), digest(73, 1));
    assert_ne!(digest(72, 1), digest(72, 2));
}

#[test]
fn stops_between_bands() {
    let settled = Settled::new(Size::new(100, 64 * 10).unwrap(), Premul::TRANSPARENT, vec![]);
    for threads in [1, 3] {
        for format in [Format::Png, Format::Jpeg] {
            let asked = AtomicUsize::new(0);
            let budget = Budget::new(0);
            let cancelled = || asked.fetch_add(1, Ordering::Relaxed) >= 4;
            let ctx =
                Ctx { cancelled: &cancelled, budget: &budget, threads: NonZeroUsize::new(threads).unwrap(), simd: Simd::Detect };
            let result = raster(&settled, &Output { format, ..PNG }, &Memo::off(), &ctx);
            assert_eq!(result.err(), Some(RasterError::Stopped(Stopped)));
            assert!(asked.into_inner() <= 4 + threads, "given up soon");
        }
    }
}

#[test]
fn too_large_for_the_format_is_told_before_painting() {
    let settled = Settled::new(Size::new(16_384, 1).unwrap(), Premul::TRANSPARENT, vec![]);
    let budget = Budget::new(0);
    let ctx = Ctx { cancelled: &|| true, budget: &budget, threads: NonZeroUsize::MIN, simd: Simd::Detect };
    let result = raster(&settled, &Output { format: Format::WebP, ..PNG }, &Memo::off(), &ctx);
    assert_eq!(result.err(), Some(RasterError::Encode(EncodeError::TooLarge { format: Format::WebP })));
}

/// A poster of four bands: a gradient and a veil on all of them, and on the third a mark at `x`.
fn poster(x: i32) -> Settled {
    let size = Size::new(1_024, 256).unwrap();
    let rect = |x0: i32, y0: i32, x1: i32, y1: i32| {
        Shape::Rect(FxRect::new(Fx::from_int(x0), Fx::from_int(y0), Fx::from_int(x1), Fx::from_int(y1)))
    };
    let color = |r: u8, a: u8| crate::color::Color { r, g: 80, b: 30, a }.premultiply();
    let stops = [(0.0, 10), (1.0, 200)].map(|(at, r)| crate::scene::Stop { at, color: color(r, 255) }).to_vec();
    let map = crate::geom::Affine::scale(1.0 / 1_024.0, 1.0);
    let gradient = crate::scene::Gradient { kind: crate::scene::GradientKind::Linear, map, stops };
    let items = vec![
        Item::fill(rect(0, 0, 1_024, 256), Paint::Gradient(Arc::new(gradient))),
        Item::fill(rect(0, 0, 1_000, 256), Paint::Solid(color(255, 90))),
        Item::fill(rect(x, 140, x + 50, 170), Paint::Solid(color(0, 255))),
    ];
    Settled::new(size, crate::color::Color::WHITE.premultiply(), items)
}

#[test]
fn bands_are_admitted_on_second_sight_and_found_from_the_third_render_on() {
    let memo = Memo::with_capacity(64 << 20);
    let counts = || (memo.counts(Kind::Band), memo.counts(Kind::Snapshot));
    let draw =
        |x| assert!(remembered(&poster(x), PNG, &memo, 2, Simd::Detect) == rastered(&poster(x), PNG, 1, Simd::Detect), "{x}");
    draw(0);
    assert_eq!(counts().0, Counts { misses: 4, ..Counts::default() }, "once is not enough");
    assert_eq!(counts().1, Counts { misses: 4, ..Counts::default() });
    draw(60);
    let (bands, snapshots) = counts();
    assert_eq!((bands.hits, bands.misses), (0, 8));
    assert!(bands.bytes > 0, "the three without the mark are kept");
    assert_eq!((snapshots.hits, snapshots.misses), (0, 8));
    assert!(
        (1_024 * 64 * 4..1_024 * 64 * 4 + 512).contains(&snapshots.bytes),
        "what lies beneath the mark is kept: {snapshots:?}"
    );
    for turn in 1..5 {
        draw(60 + turn * 60);
        let (now, painted) = counts();
        assert_eq!((now.hits, now.misses), (3 * turn as u64, 8 + turn as u64), "only the band of the mark is made");
        assert_eq!((painted.hits, painted.misses), (turn as u64, 8), "on what lies beneath it");
        assert_eq!((now.bytes, painted.bytes), (bands.bytes, snapshots.bytes), "nothing that comes once is kept");
    }
    draw(60);
    draw(60);
    assert_eq!(counts().0.hits, 3 * 4 + 3 + 4, "a mark that came before is known, too");
}

#[test]
fn bands_of_another_output_are_others() {
    let memo = Memo::with_capacity(64 << 20);
    for output in [PNG, Output { compression: Compression::Small, ..PNG }, Output { dpi: 300, ..PNG }] {
        for _ in 0..3 {
            assert!(remembered(&poster(5), output, &memo, 1, Simd::Detect) == rastered(&poster(5), output, 1, Simd::Detect));
        }
    }
    // The resolution stands in no band.
    assert_eq!(memo.counts(Kind::Band).hits, 4 + 2 + 3 * 4);
}

#[test]
fn formats_without_bands_are_painted_from_snapshots() {
    let memo = Memo::with_capacity(64 << 20);
    let jpeg = Output { format: Format::Jpeg, ..PNG };
    for turn in 0..4 {
        assert!(
            remembered(&poster(turn * 7), jpeg, &memo, 1, Simd::Detect) == rastered(&poster(turn * 7), jpeg, 1, Simd::Detect)
        );
    }
    let counts = memo.counts(Kind::Snapshot);
    assert_eq!((counts.hits, counts.misses), (8, 8));
    assert_eq!(memo.counts(Kind::Band), Counts::default());
}

/// Rows of one colour each, but for a first pixel of another one: of `many` colours in all, every third translucent if `alpha`.
fn striped(height: u32, many: u32, alpha: bool) -> Settled {
    let size = Size::new(70, height).unwrap();
    let color = |n: u32| {
        let a = if alpha && n.is_multiple_of(3) { 100 } else { 255 };
        Paint::Solid(crate::color::Color { r: n as u8, g: (n >> 8) as u8 * 90, b: 7, a }.premultiply())
    };
    let rect = |x0: i32, x1: i32, y: i32| {
        Shape::Rect(FxRect::new(Fx::from_int(x0), Fx::from_int(y), Fx::from_int(x1), Fx::from_int(y + 1)))
    };
    let row = |y: u32| [(0, 1, y * 2), (1, 70, y * 2 + 1)].map(|(x0, x1, n)| Item::fill(rect(x0, x1, y as i32), color(n % many)));
    Settled::new(size, Premul::TRANSPARENT, (0..height).flat_map(row).collect())
}

#[test]
fn few_colours_make_a_palette_of_the_least_depth() {
    use ::png::{BitDepth, ColorType};
    for alpha in [false, true] {
        for (many, depth) in [
            (1, Some(BitDepth::One)),
            (2, Some(BitDepth::One)),
            (3, Some(BitDepth::Two)),
            (4, Some(BitDepth::Two)),
            (5, Some(BitDepth::Four)),
            (16, Some(BitDepth::Four)),
            (17, Some(BitDepth::Eight)),
            (256, Some(BitDepth::Eight)),
            (257, None),
        ] {
            // Three bands, none of which has as many colours as all together.
            let scene = striped(150, many, alpha);
            let expected = straight(&scene);
            for compression in [Compression::Fast, Compression::Small] {
                let output = Output { compression, ..PNG };
                let file = rastered(&scene, output, 1, Simd::Detect);
                let (kind, pixels) = decoded(&file);
                let direct = (ColorType::Rgba, BitDepth::Eight);
                assert_eq!(kind, depth.map_or(direct, |depth| (ColorType::Indexed, depth)), "{many} colours");
                assert!(pixels == expected, "{many} colours");
                let memo = Memo::with_capacity(64 << 20);
                for turn in 0..5 {
                    assert!(remembered(&scene, output, &memo, 1 + turn % 3, Simd::Detect) == file, "{many} colours, turn {turn}");
                }
            }
        }
    }
}

#[test]
fn known_bands_are_not_painted_to_count_their_colours() {
    for many in [200, 257] {
        let memo = Memo::with_capacity(64 << 20);
        let scene = striped(300, many, false);
        let counts = || (memo.counts(Kind::Band), memo.counts(Kind::Snapshot));
        let draw =
            |scene: &Settled| assert!(remembered(scene, PNG, &memo, 1, Simd::Detect) == rastered(scene, PNG, 1, Simd::Detect));
        (0..3).for_each(|_| draw(&scene));
        let (bands, painted) = counts();
        assert_eq!((bands.hits, bands.misses), (5, 10), "found at the third time");
        draw(&scene);
        let (now, then) = counts();
        assert_eq!((now.hits, now.misses), (10, 10));
        assert_eq!((then.hits, then.misses), (painted.hits, painted.misses), "nothing was painted");
        // Another colour in the last band re-numbers none of those above.
        let mut items = scene.items().to_vec();
        let last = Shape::Rect(FxRect::new(Fx::from_int(5), Fx::from_int(298), Fx::from_int(9), Fx::from_int(299)));
        items.push(Item::fill(last, Paint::Solid(crate::color::Color { r: 1, g: 2, b: 3, a: 255 }.premultiply())));
        draw(&Settled::new(scene.size(), scene.background(), items));
        assert_eq!((counts().0.hits, counts().0.misses), (14, 11));
    }
}

#[test]
fn one_band_of_many_colours_ends_the_counting() {
    // Four flat bands, and a gradient in the last one.
    let size = Size::new(1_024, 256).unwrap();
    let stops = [0, 255].map(|c| crate::scene::Stop {
        at: c as f32 / 255.0,
        color: crate::color::Color { r: c, g: c / 2, b: 255 - c, a: 255 }.premultiply(),
    });
    let map = crate::geom::Affine::scale(1.0 / 1_024.0, 1.0);
    let gradient = crate::scene::Gradient { kind: crate::scene::GradientKind::Linear, map, stops: stops.to_vec() };
    let rect = |y0: i32, y1: i32| Shape::Rect(FxRect::new(Fx(0), Fx::from_int(y0), Fx::from_int(1_024), Fx::from_int(y1)));
    let veil = |n: u8| Paint::Solid(crate::color::Color { r: n, g: n, b: 0, a: 128 }.premultiply());
    let mut items = vec![Item::fill(rect(192, 256), Paint::Gradient(Arc::new(gradient)))];
    items.extend((0..64).map(|n| Item::fill(rect(192 + i32::from(n), 193 + i32::from(n)), veil(n * 4))));
    let scene = Settled::new(size, crate::color::Color::WHITE.premultiply(), items);
    let memo = Memo::with_capacity(64 << 20);
    let expected = rastered(&scene, PNG, 1, Simd::Detect);
    assert_eq!(decoded(&expected).0.0, ::png::ColorType::Rgb);
    for turn in 1..4 {
        assert!(remembered(&scene, PNG, &memo, 1, Simd::Detect) == expected);
        let tallies = memo.counts(Kind::Colours).bytes;
        assert!(if turn == 1 { tallies == 0 } else { (1..512).contains(&tallies) }, "one, of no colours: {tallies}");
    }
}
