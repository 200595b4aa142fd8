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
pub(super) fn original(asset: &Asset, memo: &Memo) -> Result<Arc<Pixmap>, PictureError> {
    let small = asset.header().area() <= REMEMBERED_ORIGINAL;
    let key: Key = KeyBuilder::new("decoded").key(asset.digest()).finish();
    if small && let Some(pixels) = memo.get::<Pixmap>(Kind::Pixels, key) {
        return Ok(pixels);
    }
    let pixels = Arc::new(decode::decode(asset)?);
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
    if whole || target.area() <= WHOLE_TARGET.max(2 * u64::from(window.width()) * u64::from(window.height())) {
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
