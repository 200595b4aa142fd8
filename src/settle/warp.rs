//! Pictures under an affine map or in perspective: bicubic through imageproc, edges smooth against transparent surroundings.

// Pixel loops over fixed arrays.
#![allow(clippy::indexing_slicing)]

use image::{ImageBuffer, Rgba};
use imageproc::geometric_transformations::{Border, Interpolation, warp_into_with};

use crate::color::Premul;
use crate::ctx::{Ctx, Simd, Stopped};
use crate::geom::{Affine, Projective, PxRect, Size};
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

/// The source, cut by the clip, as it lies in the window. Nothing if the map has no inverse.
pub(super) fn make(warp: &Warp, source: &Pixmap, ctx: &Ctx) -> Result<Option<Pixmap>, Stopped> {
    let clipped = warp.clip.as_ref().map(|shape| clip(warp, source, shape, ctx.simd));
    let source = clipped.as_ref().unwrap_or(source);
    let Some(affine) = warp.map.as_affine() else {
        return tilted(source, warp.map, warp.size, ctx);
    };
    let (smaller, map) = shrunk(source, affine, ctx.simd);
    let source = smaller.as_ref().unwrap_or(source);
    let Some((back, wide)) = map.invert().zip(widened(source)) else { return Ok(None) };
    Ok(resample(&wide, |x, y| back.apply(x, y), warp.size))
}

/// In perspective one side may be much smaller than the other: where it is, each pixel is the mean of several.
fn tilted(source: &Pixmap, map: Projective, size: Size, ctx: &Ctx) -> Result<Option<Pixmap>, Stopped> {
    const MOST: u32 = 4;
    let Some((back, wide)) = map.invert().zip(widened(source)) else { return Ok(None) };
    // The source's pixels under one of the window's, at the four corners of the picture.
    let (width, height) = (f64::from(source.size().width()), f64::from(source.size().height()));
    let steps = |(x, y): (f64, f64)| {
        let (px, py) = map.apply(x, y);
        let (from, across, down) = (back.apply(px, py), back.apply(px + 0.5, py), back.apply(px, py + 0.5));
        2.0 * libm::hypot(across.0 - from.0, across.1 - from.1).max(libm::hypot(down.0 - from.0, down.1 - from.1))
    };
    let largest = [(0.0, 0.0), (width, 0.0), (width, height), (0.0, height)].map(steps).into_iter().fold(1.0, f64::max);
    let parts = (largest * SHRINKS).ceil().clamp(1.0, f64::from(MOST)) as u32;
    if parts == 1 {
        return Ok(resample(&wide, |x, y| back.apply(x, y), size));
    }
    let mut sums = vec![0_u32; size.area() as usize * 4];
    for part in 0..parts * parts {
        ctx.check()?;
        let offset = |part: u32| (f64::from(part) + 0.5) / f64::from(parts) - 0.5;
        let (dx, dy) = (offset(part % parts), offset(part / parts));
        let Some(one) = resample(&wide, |x, y| back.apply(x + dx, y + dy), size) else { return Ok(None) };
        for (sum, v) in sums.iter_mut().zip(one.data()) {
            *sum += u32::from(*v);
        }
    }
    let count = parts * parts;
    Ok(Pixmap::from_premultiplied(size, sums.into_iter().map(|sum| ((sum + count / 2) / count) as u8).collect()))
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

/// Eight bytes a pixel.
type Wide = ImageBuffer<Rgba<u16>, Vec<u16>>;

fn widened(source: &Pixmap) -> Option<Wide> {
    let wide: Vec<u16> = source.data().iter().map(|&v| u16::from(v) * UNIT as u16).collect();
    ImageBuffer::from_raw(source.size().width(), source.size().height(), wide)
}

/// `back` takes the window's pixels to the source's.
fn resample(from: &Wide, back: impl Fn(f64, f64) -> (f64, f64) + Sync, size: Size) -> Option<Pixmap> {
    let mut into = Wide::new(size.width(), size.height());
    // imageproc counts from pixel centres, our maps from edges.
    let place = |x: f32, y: f32| {
        let (x, y) = back(f64::from(x) + 0.5, f64::from(y) + 0.5);
        ((x - 0.5) as f32, (y - 0.5) as f32)
    };
    let around = Border::Constant(Rgba([0; 4]));
    warp_into_with(from, place, Interpolation::Bicubic, around, &mut into);
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::ctx::with_ctx;
    use crate::geom::{Fx, FxPoint, FxRect};
    use crate::scene::{Picture, Recipe};

    fn pixmap(width: u32, height: u32, pixel: impl Fn(u32, u32) -> [u8; 4]) -> Pixmap {
        let data = (0..height).flat_map(|y| (0..width).flat_map(move |x| [(x, y)])).flat_map(|(x, y)| pixel(x, y)).collect();
        Pixmap::from_premultiplied(Size::new(width, height).unwrap(), data).unwrap()
    }

    /// The recipe below is only looked at for its size.
    fn warp(source: &Pixmap, map: Affine, size: (u32, u32), clip: Option<Shape>) -> Pixmap {
        let svg = format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" width="{}" height="{}"/>"#,
            source.size().width(),
            source.size().height()
        );
        let asset = crate::asset::Asset::new(svg.into_bytes().into(), &crate::limits::Limits::default()).unwrap();
        let own = source.size();
        let crop = Crop { x: 0.0, y: 0.0, width: f64::from(own.width()), height: f64::from(own.height()) };
        let window = PxRect::of_size(own);
        let recipe = Recipe::picture(Picture { asset: Arc::new(asset), crop, target: own, window }).unwrap();
        let size = Size::new(size.0, size.1).unwrap();
        let warp = Warp { source: Arc::new(recipe), clip, map: map.into(), size };
        with_ctx(true, |ctx| make(&warp, source, ctx)).unwrap().unwrap_or_else(|| Pixmap::transparent(size))
    }

    fn at(pixmap: &Pixmap, x: usize, y: u32) -> [u8; 4] {
        *pixmap.row(y)[x * 4..].first_chunk().unwrap()
    }

    #[test]
    fn whole_steps_and_quarter_turns_are_exact() {
        let source = pixmap(5, 3, |x, y| [(x * 50) as u8, (y * 100) as u8, 7, 255]);
        let moved = warp(&source, Affine::translate(2.0, 1.0), (9, 6), None);
        let turned = warp(&source, Affine::translate(3.0, 0.0).then_inner(Affine::rotate(90.0)), (3, 5), None);
        for y in 0..3 {
            for x in 0..5 {
                assert_eq!(at(&moved, x + 2, y + 1), at(&source, x, y));
                assert_eq!(at(&turned, 2 - y as usize, x as u32), at(&source, x, y));
            }
        }
        assert_eq!(at(&moved, 0, 0), [0; 4]);
    }

    #[test]
    fn edges_are_smooth_and_the_inside_is_kept() {
        let source = pixmap(40, 40, |_, _| [200, 100, 50, 255]);
        let map = Affine::translate(30.0, 30.0).then_inner(Affine::rotate(30.0)).then_inner(Affine::translate(-20.0, -20.0));
        let turned = warp(&source, map, (60, 60), None);
        assert_eq!(at(&turned, 30, 30), [200, 100, 50, 255]);
        assert_eq!(at(&turned, 0, 0), [0; 4]);
        let pixels = turned.data().as_chunks::<4>().0;
        let area: f64 = pixels.iter().map(|px| f64::from(px[3]) / 255.0).sum();
        assert!((area - 1600.0).abs() < 8.0, "alpha covers the square's area: {area}");
        for px in pixels.iter().filter(|px| px[3] > 40) {
            let straight = px.map(|c| f64::from(c) * 255.0 / f64::from(px[3]));
            assert!((straight[0] - 200.0).abs() < 5.0 && (straight[1] - 100.0).abs() < 5.0, "no rim of another colour: {px:?}");
        }
    }

    #[test]
    fn shrinking_averages() {
        let source = pixmap(80, 80, |x, y| if (x + y) % 2 == 0 { [255, 255, 255, 255] } else { [0, 0, 0, 255] });
        let map = Affine::translate(4.0, 0.0).then_inner(Affine::rotate(10.0)).then_inner(Affine::scale(0.25, 0.25));
        let small = warp(&source, map, (26, 26), None);
        let [r, g, b, a] = at(&small, 12, 12);
        assert!(a == 255 && r == g && g == b && (100..156).contains(&r), "{r}");
    }

    #[test]
    fn the_clip_cuts_the_source() {
        let source = pixmap(20, 20, |_, _| [9, 9, 9, 255]);
        let box_of = FxRect::new(Fx(0), Fx(0), Fx::from_int(20), Fx::from_int(20));
        let round = Shape::round_rect(box_of, [FxPoint::from_px(10.0, 10.0); 4]);
        let disc = warp(&source, Affine::IDENTITY, (20, 20), Some(round));
        assert_eq!(at(&disc, 0, 0), [0; 4]);
        assert_eq!(at(&disc, 10, 10), [9, 9, 9, 255]);
        let area: f64 = disc.data().as_chunks::<4>().0.iter().map(|px| f64::from(px[3]) / 255.0).sum();
        assert!((area - 314.16).abs() < 2.0, "{area}");
    }

    #[test]
    fn perspective_keeps_colours_and_fills_the_corners() {
        let source = pixmap(60, 60, |_, _| [200, 100, 50, 255]);
        let corners = [(10.0, 5.0), (50.0, 20.0), (50.0, 40.0), (10.0, 55.0)];
        let map = Projective::to_corners(crate::geom::Rect::new(0.0, 0.0, 60.0, 60.0), corners).unwrap();
        let tilted = with_ctx(true, |ctx| tilted(&source, map, Size::new(60, 60).unwrap(), ctx)).unwrap().unwrap();
        assert_eq!(at(&tilted, 30, 30), [200, 100, 50, 255]);
        assert_eq!(at(&tilted, 5, 30), [0; 4]);
        let area: f64 = tilted.data().as_chunks::<4>().0.iter().map(|px| f64::from(px[3]) / 255.0).sum();
        assert!((area - 1400.0).abs() < 10.0, "{area}");
    }

    #[test]
    fn a_flat_map_gives_nothing() {
        let source = pixmap(4, 4, |_, _| [1, 1, 1, 255]);
        let flat = warp(&source, Affine::scale(0.0, 1.0), (4, 4), None);
        assert!(flat.data().iter().all(|v| *v == 0));
    }
}
