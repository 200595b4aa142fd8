//! Pictures under an affine map: bicubic through imageproc, edges smooth against transparent surroundings.

// Pixel loops over fixed arrays.
#![allow(clippy::indexing_slicing)]

use image::{ImageBuffer, Rgba};
use imageproc::geometric_transformations::{Border, Interpolation, warp_into_with};

use crate::color::Premul;
use crate::ctx::Simd;
use crate::geom::{Affine, PxRect, Size};
use crate::paint::paint;
use crate::pixels::Pixmap;
use crate::scene::{Canvas, Crop, Item, Op, Ready, Shape, Warp};
use crate::settle::picture;

/// A channel's 255 in the 16 bits that are resampled. Rounding down at each of the two passes then costs a hundredth of a
/// step, and overshoot above 255 stays visible, so that colour and alpha can be brought back together.
const FULL: u32 = 255 * UNIT;
const UNIT: u32 = 128;
/// Below this scale bicubic's four by four pixels skip some: then the source is made smaller first.
const SHRINKS: f64 = 0.75;

/// The source, cut by the clip, as it lies in the window.
pub(super) fn make(warp: &Warp, source: &Pixmap, simd: Simd) -> Pixmap {
    let clipped = warp.clip.as_ref().map(|shape| clip(warp, source, shape, simd));
    let source = clipped.as_ref().unwrap_or(source);
    let (smaller, map) = shrunk(source, warp.map, simd);
    let source = smaller.as_ref().unwrap_or(source);
    let Some(back) = map.invert() else { return Pixmap::transparent(warp.size) };
    resample(source, back, warp.size).unwrap_or_else(|| Pixmap::transparent(warp.size))
}

/// Cut by the painter itself, so that a turned picture has the same corners as an upright one.
fn clip(warp: &Warp, source: &Pixmap, shape: &Shape, simd: Simd) -> Pixmap {
    let size = source.size();
    let op =
        Op::<Ready>::Pixels { source: std::sync::Arc::new(source.clone()), x: 0, y: 0, clip: Some(shape.clone()), opacity: 255 };
    let item = Item::pixels(std::sync::Arc::clone(&warp.source), 0, 0, Some(shape.clone()), 255).settled(op);
    let canvas = Canvas::new(size, Premul::TRANSPARENT, vec![item]);
    let mut data = vec![0; size.area() as usize * 4];
    paint(&canvas, PxRect::of_size(size), &mut data, simd);
    Pixmap::from_premultiplied(size, data).unwrap_or_else(|| Pixmap::transparent(size))
}

/// A smaller source and the map that fits it, if the map shrinks.
fn shrunk(source: &Pixmap, map: Affine, simd: Simd) -> (Option<Pixmap>, Affine) {
    let (kx, ky) = (libm::hypot(map.a, map.b), libm::hypot(map.c, map.d));
    if kx >= SHRINKS && ky >= SHRINKS {
        return (None, map);
    }
    let side = |own: u32, k: f64| (f64::from(own) * k.min(1.0)).ceil().max(1.0);
    let own = source.size();
    let (width, height) = (side(own.width(), kx), side(own.height(), ky));
    let crop = Crop { x: 0.0, y: 0.0, width: f64::from(own.width()), height: f64::from(own.height()) };
    let smaller = Size::new(width as u32, height as u32).and_then(|size| picture::resize(source, crop, size, simd).ok());
    match smaller {
        Some(smaller) => {
            let back = Affine::scale(f64::from(own.width()) / width, f64::from(own.height()) / height);
            (Some(smaller), map.then_inner(back))
        }
        None => (None, map),
    }
}

/// `back` takes the window's pixels to the source's.
fn resample(source: &Pixmap, back: Affine, size: Size) -> Option<Pixmap> {
    let wide: Vec<u16> = source.data().iter().map(|&v| u16::from(v) * UNIT as u16).collect();
    let from = ImageBuffer::<Rgba<u16>, _>::from_raw(source.size().width(), source.size().height(), wide)?;
    let mut into = ImageBuffer::<Rgba<u16>, Vec<u16>>::new(size.width(), size.height());
    // imageproc counts from pixel centres, our maps from edges.
    let place = |x: f32, y: f32| {
        let (x, y) = back.apply(f64::from(x) + 0.5, f64::from(y) + 0.5);
        ((x - 0.5) as f32, (y - 0.5) as f32)
    };
    let around = Border::Constant(Rgba([0; 4]));
    warp_into_with(&from, place, Interpolation::Bicubic, around, &mut into);
    let mut data = Vec::with_capacity(size.area() as usize * 4);
    for px in into.as_raw().as_chunks::<4>().0 {
        let [r, g, b, a] = px.map(u32::from);
        // At the edges alpha overshoots together with colour; beyond full both are scaled back.
        let over = a.max(FULL);
        let byte = |v: u32| ((v * 255 + over / 2) / over).min(255);
        let a = byte(a);
        data.extend([r, g, b].map(|v| byte(v).min(a) as u8));
        data.push(a as u8);
    }
    Pixmap::from_premultiplied(size, data)
}
