//! Pixels through the encoders and back: what another decoder reads out of the file is what was painted.
//!
//! Bytes: width and height (two each), the ground, how the pixels are laid (flat runs, steps, as they come), four for a
//! rectangle, and the rest for the pixels.

use std::num::NonZeroUsize;
use std::sync::Arc;

use affiche::color::Color;
use affiche::ctx::{Budget, Ctx, Simd};
use affiche::encode::{Compression, Format, Layout, Output, unpremultiply};
use affiche::geom::{Fx, FxRect, Size};
use affiche::key::Key;
use affiche::memo::Memo;
use affiche::pixels::Pixmap;
use affiche::raster::{canvas, raster};
use affiche::scene::{Item, Paint, Ready, Settled, Shape};

use super::studio::decode_png;

pub fn run(data: &[u8]) {
    let Some((head, rest)) = data.split_first_chunk::<12>() else { return };
    let [w0, w1, h0, h1, ground, laying, x, y, w, h, color, ways] = *head;
    let width = u32::from(u16::from_be_bytes([w0, w1]) % 700) + 1;
    let height = u32::from(u16::from_be_bytes([h0, h1]) % 300) + 1;
    let size = Size::new(width, height).unwrap();
    let ground = shade(ground).premultiply();
    let mut items: Vec<Item<Ready>> = Vec::new();
    if !rest.is_empty() {
        let pixmap = Pixmap::from_premultiplied(size, laid(rest, size, laying)).unwrap();
        items.push(Item::pixmap(Key::of_bytes(data), Arc::new(pixmap), 0, 0, None, if laying & 0x40 == 0 { 255 } else { 99 }));
    }
    // Sides at quarter pixels.
    let side = |at: u8| Fx(i32::from(at) * 16);
    let rect = FxRect { x0: side(x), y0: side(y), x1: Fx(side(x).0 + side(w).0), y1: Fx(side(y).0 + side(h).0) };
    items.push(Item::fill(Shape::Rect(rect), Paint::Solid(shade(color).premultiply())));
    round_trip(&Settled::new(size, ground, items), ways);
}

fn shade(byte: u8) -> Color {
    Color { r: byte << 2, g: byte << 4, b: byte << 6, a: [255, 255, 0, 97][usize::from(byte >> 6)] }
}

fn laid(rest: &[u8], size: Size, laying: u8) -> Vec<u8> {
    let width = size.width() as usize;
    let pixel = |i: usize| {
        let (x, y) = (i % width, i / width);
        let at = match laying & 3 {
            0 => i * 4,
            1 => (x / 8 + y / 8 * 31) * 4,
            2 => x * 4,
            _ => (x + y * 3) * usize::from(laying >> 2 & 7),
        };
        let byte = |n: usize| rest[(at + n) % rest.len()];
        let a = if laying & 0x80 == 0 { 255 } else { byte(3) };
        [byte(0).min(a), byte(1).min(a), byte(2).min(a), a]
    };
    (0..size.area() as usize).flat_map(pixel).collect()
}

fn round_trip(settled: &Settled, ways: u8) {
    let budget = Budget::new(0);
    let threads = NonZeroUsize::new(usize::from(ways & 1) + 1).unwrap();
    let simd = if ways & 2 == 0 { Simd::Detect } else { Simd::Off };
    let ctx = Ctx { cancelled: &|| false, budget: &budget, threads, simd };
    let painted = canvas(settled, Layout::Rgba, &Memo::off(), &ctx).unwrap();
    let straight: Vec<u8> = painted.as_chunks::<4>().0.iter().flat_map(|&pixel| unpremultiply(pixel)).collect();
    let compression = if ways & 4 == 0 { Compression::Fast } else { Compression::Small };
    let file = |format, quality| {
        let output = Output { format, quality, compression, dpi: u16::from(ways) + 1 };
        raster(settled, &output, &Memo::off(), &ctx).unwrap().chunks.concat()
    };
    let (width, height) = (settled.size().width(), settled.size().height());
    let (w, h, pixels) = decode_png(&file(Format::Png, 85));
    assert!((w, h) == (width, height) && pixels == straight, "the PNG holds other pixels");
    if ways & 8 != 0 {
        let webp = image::load_from_memory(&file(Format::WebP, 100)).unwrap().into_rgba8();
        assert!(webp.dimensions() == (width, height) && *webp.as_raw() == straight, "the WebP holds other pixels");
    }
    if ways & 16 != 0 {
        let jpeg = image::load_from_memory(&file(Format::Jpeg, 1 + ways % 100)).unwrap();
        assert_eq!((jpeg.width(), jpeg.height()), (width, height));
    }
}
