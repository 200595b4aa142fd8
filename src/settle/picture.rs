//! Pictures cropped and resampled: CatmullRom on premultiplied pixels, its support widened when shrinking.

// Pixel loops over fixed arrays.
#![allow(clippy::indexing_slicing)]

use std::sync::Arc;

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{CpuExtensions, FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use crate::asset::{Asset, PictureError, decode};
use crate::ctx::Simd;
use crate::geom::{PxRect, Size};
use crate::key::{Key, KeyBuilder};
use crate::memo::{Kind, Memo};
use crate::pixels::Pixmap;
use crate::scene::{Crop, Picture};

/// Originals of at most so many pixels are remembered besides what was made of them; larger ones would wash out the memo.
const REMEMBERED_ORIGINAL: u64 = 1 << 20;
/// A target of at most so many pixels is resampled whole and then cut, also where only a little of it is wanted.
const WHOLE_TARGET: u64 = 16 << 20;

/// The decoded picture, upright.
pub(super) fn original(asset: &Asset, memo: &Memo, simd: Simd) -> Result<Arc<Pixmap>, PictureError> {
    let small = asset.header().area() <= REMEMBERED_ORIGINAL;
    let key: Key = KeyBuilder::new("decoded").key(asset.digest()).finish();
    if small && let Some(pixels) = memo.get::<Pixmap>(Kind::Pixels, key) {
        return Ok(pixels);
    }
    let pixels = Arc::new(decode::decode(asset, simd)?);
    if small {
        memo.put(Kind::Pixels, key, Arc::clone(&pixels), pixels.weight());
    }
    Ok(pixels)
}

/// The window of the crop at its target size.
///
/// The whole target is resampled and the window cut from it, as the resizer's fixed-point precision depends on all of an
/// axis' weights. Only targets far beyond their window are resampled by the window's own crop, which may differ by one
/// step from the cut; which way is taken depends on the recipe alone.
pub(super) fn make(picture: &Picture, original: &Arc<Pixmap>, simd: Simd) -> Result<Arc<Pixmap>, PictureError> {
    let Picture { crop, target, window, .. } = picture;
    let whole = *window == PxRect::of_size(*target);
    if let Some(part) = unscaled(*crop, *target, original.size()) {
        if whole && part == PxRect::of_size(original.size()) {
            return Ok(Arc::clone(original));
        }
        return cut(original, window.translate(part.x0, part.y0)).map(Arc::new);
    }
    if whole || target.area() <= WHOLE_TARGET.max(2 * window.area()) {
        let resized = resize(original, *crop, *target, simd)?;
        return if whole { Ok(Arc::new(resized)) } else { cut(&resized, *window).map(Arc::new) };
    }
    let size = Size::new(window.width(), window.height()).ok_or_else(impossible)?;
    let (kx, ky) = (crop.width / f64::from(target.width()), crop.height / f64::from(target.height()));
    let part = Crop {
        x: crop.x + f64::from(window.x0) * kx,
        y: crop.y + f64::from(window.y0) * ky,
        width: f64::from(size.width()) * kx,
        height: f64::from(size.height()) * ky,
    };
    resize(original, part, size, simd).map(Arc::new)
}

/// The crop in whole pixels, if it lies on pixel edges and keeps its size: then nothing needs resampling.
fn unscaled(crop: Crop, target: Size, of: Size) -> Option<PxRect> {
    let same = crop.width == f64::from(target.width()) && crop.height == f64::from(target.height());
    if !same || crop.x.fract() != 0.0 || crop.y.fract() != 0.0 {
        return None;
    }
    let (x, y) = (crop.x as i32, crop.y as i32);
    let part = PxRect::of_size(target).translate(x, y);
    PxRect::of_size(of).contains_rect(part).then_some(part)
}

fn cut(from: &Pixmap, part: PxRect) -> Result<Pixmap, PictureError> {
    let size = Size::new(part.width(), part.height()).ok_or_else(impossible)?;
    let (from_x, width) = (part.x0.max(0) as usize * 4, size.width() as usize * 4);
    let mut data = Vec::with_capacity(size.area() as usize * 4);
    for y in part.y0..part.y1 {
        data.extend_from_slice(from.row(y.max(0) as u32).get(from_x..from_x + width).ok_or_else(impossible)?);
    }
    Pixmap::from_premultiplied(size, data).ok_or_else(impossible)
}

/// Resamples `crop` of the picture to `target`.
pub(super) fn resize(from: &Pixmap, crop: Crop, target: Size, simd: Simd) -> Result<Pixmap, PictureError> {
    let (width, height) = (from.size().width(), from.size().height());
    let source = ImageRef::new(width, height, from.data(), PixelType::U8x4).map_err(|_| impossible())?;
    let mut data = vec![0; target.area() as usize * 4];
    let mut into = Image::from_slice_u8(target.width(), target.height(), &mut data, PixelType::U8x4).map_err(|_| impossible())?;
    let (x, crop_width) = inside(crop.x, crop.width, f64::from(width));
    let (y, crop_height) = inside(crop.y, crop.height, f64::from(height));
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::CatmullRom)).use_alpha(false).crop(
        x,
        y,
        crop_width,
        crop_height,
    );
    let mut resizer = Resizer::new();
    if simd == Simd::Off {
        // SAFETY: plain code runs on every processor.
        unsafe { resizer.set_cpu_extensions(CpuExtensions::None) };
    }
    resizer.resize(&source, &mut into, &options).map_err(|_| impossible())?;
    if !from.is_opaque() {
        clamp(&mut data);
    }
    Pixmap::from_premultiplied(target, data).ok_or_else(impossible)
}

/// A crop's start and length forced inside of the side: sums of floats may reach a hair beyond it.
fn inside(start: f64, length: f64, side: f64) -> (f64, f64) {
    let start = start.clamp(0.0, side - f64::EPSILON * side);
    let mut length = length.min(side - start);
    while start + length > side {
        length = length.next_down();
    }
    (start, length)
}

/// The filter's overshoot may lift a colour above its alpha.
pub(super) fn clamp(data: &mut [u8]) {
    for px in data.as_chunks_mut::<4>().0 {
        let a = px[3];
        (px[0], px[1], px[2]) = (px[0].min(a), px[1].min(a), px[2].min(a));
    }
}

/// Sizes and windows of a recipe are checked where it is made; this answers what cannot happen without a panic.
fn impossible() -> PictureError {
    PictureError::Unsupported { what: "a picture at this size" }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use image::codecs::png::PngEncoder;
    use image::{ExtendedColorType, ImageEncoder};

    use super::*;
    use crate::limits::Limits;

    /// Noise that repeats: a picture in which every pixel counts.
    pub fn noise(width: u32, height: u32, seed: u32) -> Vec<u8> {
        let mut state = seed.wrapping_mul(2_654_435_761).max(1);
        (0..width * height * 4)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 17;
                state ^= state << 5;
                (state >> 11) as u8
            })
            .collect()
    }

    fn noisy(width: u32, height: u32, seed: u32) -> Pixmap {
        let mut data = noise(width, height, seed);
        clamp(&mut data);
        Pixmap::from_premultiplied(Size::new(width, height).unwrap(), data).unwrap()
    }

    fn asset(width: u32, height: u32) -> Arc<Asset> {
        let mut png = Vec::new();
        PngEncoder::new(&mut png).write_image(&noise(width, height, 7), width, height, ExtendedColorType::Rgba8).unwrap();
        Arc::new(Asset::new(Bytes::from(png), &Limits::default()).unwrap())
    }

    fn picture(crop: [f64; 4], target: (u32, u32), window: Option<PxRect>) -> Picture {
        let target = Size::new(target.0, target.1).unwrap();
        let [x, y, width, height] = crop;
        let window = window.unwrap_or(PxRect::of_size(target));
        Picture { asset: asset(4, 4), crop: Crop { x, y, width, height }, target, window }
    }

    fn shared(name: &str) -> Arc<Asset> {
        let path = format!("{}/tests/posters/pictures/{name}", env!("CARGO_MANIFEST_DIR"));
        Arc::new(Asset::new(Bytes::from(std::fs::read(path).unwrap()), &Limits::default()).unwrap())
    }

    #[test]
    fn unscaled_parts_are_copied() {
        let original = Arc::new(noisy(30, 20, 1));
        let whole = make(&picture([0.0, 0.0, 30.0, 20.0], (30, 20), None), &original, Simd::Detect).unwrap();
        assert!(Arc::ptr_eq(&whole, &original));
        let part =
            make(&picture([5.0, 3.0, 10.0, 8.0], (10, 8), Some(PxRect::new(2, 1, 6, 4))), &original, Simd::Detect).unwrap();
        assert_eq!((part.size().width(), part.size().height()), (4, 3));
        for y in 0..3 {
            assert_eq!(part.row(y), &original.row(y + 4)[7 * 4..11 * 4]);
        }
    }

    #[test]
    fn a_window_is_a_cut_of_the_whole() {
        let original = Arc::new(noisy(61, 47, 2));
        for (crop, target) in
            [([0.0, 0.0, 61.0, 47.0], (40, 31)), ([3.3, 1.7, 50.1, 40.9], (200, 90)), ([10.5, 7.25, 5.0, 5.0], (33, 64))]
        {
            let whole = make(&picture(crop, target, None), &original, Simd::Detect).unwrap();
            let window = PxRect::new(7, 5, 29, 30);
            let part = make(&picture(crop, target, Some(window)), &original, Simd::Detect).unwrap();
            for y in 0..part.size().height() {
                assert_eq!(part.row(y), &whole.row(y + 5)[7 * 4..29 * 4]);
            }
        }
    }

    #[test]
    fn far_beyond_its_window_the_crop_differs_by_a_step_at_most() {
        let original = Arc::new(noisy(50, 50, 3));
        let target = (9_000, 3_000);
        let window = PxRect::new(4_000, 1_000, 4_060, 1_050);
        let small = make(&picture([0.0, 0.0, 50.0, 50.0], target, Some(window)), &original, Simd::Detect).unwrap();
        let size = Size::new(target.0, target.1).unwrap();
        let whole = resize(&original, Crop { x: 0.0, y: 0.0, width: 50.0, height: 50.0 }, size, Simd::Detect).unwrap();
        let cut = cut(&whole, window).unwrap();
        assert!(small.data().iter().zip(cut.data()).all(|(a, b)| a.abs_diff(*b) <= 1));
    }

    #[test]
    fn colour_never_exceeds_alpha() {
        let original = noisy(40, 40, 4);
        for side in [13, 97] {
            let resized = resize(
                &original,
                Crop { x: 0.0, y: 0.0, width: 40.0, height: 40.0 },
                Size::new(side, side).unwrap(),
                Simd::Detect,
            )
            .unwrap();
            assert!(resized.data().as_chunks::<4>().0.iter().all(|px| px[..3].iter().all(|c| *c <= px[3])));
        }
    }

    #[test]
    fn crops_at_the_very_edge_do_not_fail() {
        let original = Arc::new(noisy(10, 10, 5));
        for crop in [
            [0.0, 0.0, 10.000_000_001, 10.0],
            [9.999_999_999, 0.0, 1.0, 10.0],
            [0.1, 0.2, 9.9, 9.8],
            [1.0 / 3.0, 0.0, 10.0 - 1.0 / 3.0, 10.0],
        ] {
            assert!(make(&picture(crop, (7, 7), None), &original, Simd::Detect).is_ok(), "{crop:?}");
        }
    }

    /// What makes `Simd::Off` and every machine give the same bytes: the resizer's kernels agree.
    #[test]
    fn instructions_do_not_matter() {
        for (w, h, seed) in [(64, 64, 1), (333, 127, 2), (129, 500, 3)] {
            let original = noisy(w, h, seed);
            for (tw, th) in [(17, 19), (100, 100), (401, 263)] {
                let crop = Crop { x: 0.4, y: 0.0, width: f64::from(w) - 1.1, height: f64::from(h) };
                let size = Size::new(tw, th).unwrap();
                let one = resize(&original, crop, size, Simd::Detect).unwrap();
                assert!(one == resize(&original, crop, size, Simd::Off).unwrap(), "{w}x{h} to {tw}x{th}");
            }
        }
        for name in ["bg.jpg", "product.jpg", "avatar.jpg", "logo.png"] {
            let original = original(&shared(name), &Memo::off(), Simd::Detect).unwrap();
            let (w, h) = (original.size().width(), original.size().height());
            let crop = Crop { x: 0.0, y: 0.0, width: f64::from(w), height: f64::from(h) };
            let size = Size::new(w * 27 / 40, h * 27 / 40).unwrap();
            let one = resize(&original, crop, size, Simd::Detect).unwrap();
            assert!(one == resize(&original, crop, size, Simd::Off).unwrap(), "{name}");
        }
    }

    /// The share poster's upper part is its background alone, down to the card.
    #[test]
    fn like_the_browsers_picture() {
        let asset = shared("bg.jpg");
        let original = original(&asset, &Memo::off(), Simd::Detect).unwrap();
        let crop = Crop { x: 125.0, y: 0.0, width: 1350.0, height: 2400.0 };
        let target = Size::new(1080, 1920).unwrap();
        let ours = make(&Picture { asset, crop, target, window: PxRect::of_size(target) }, &original, Simd::Detect).unwrap();
        let path = format!("{}/tests/posters/share/chromium.png", env!("CARGO_MANIFEST_DIR"));
        let theirs = image::load_from_memory(&std::fs::read(path).unwrap()).unwrap().into_rgba8();
        let rows = 1100 * 1080 * 4;
        let sum: u64 = ours.data()[..rows].iter().zip(&theirs.as_raw()[..rows]).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
        let mean = sum as f64 / (rows as f64 * 0.75);
        assert!(mean < 0.7, "mean difference of a channel: {mean}");
    }
}
