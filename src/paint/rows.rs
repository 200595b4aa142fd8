//! The hot loops: source-over and scaling of rows of premultiplied RGBA8, alike byte for byte at every [`Level`](crate::level::Level).
//!
//! Two channels travel in one 32-bit word with 8 spare bits above each: this is what compilers turn into vector code at any
//! width. Every product is `mul_255`'s: `a * b / 255` rounded to nearest, exact.

use crate::color::Premul;
use crate::level::dispatched;

/// Two channels of a pixel, in bits 0 to 7 and 16 to 23.
const PAIR: u32 = 0x00ff_00ff;

/// Both channels of a pair times `by` / 255.
#[inline(always)]
fn mul_pair(pair: u32, by: u32) -> u32 {
    let product = pair.wrapping_mul(by).wrapping_add(0x0080_0080);
    (product.wrapping_add((product >> 8) & PAIR) >> 8) & PAIR
}

/// The sum of two pairs, each channel at most 255.
#[inline(always)]
fn add_pair(a: u32, b: u32) -> u32 {
    let sum = a.wrapping_add(b);
    let carry = (sum >> 8) & 0x0001_0001;
    (sum | carry.wrapping_mul(255)) & PAIR
}

#[inline(always)]
fn mul_pixel(pixel: u32, by: u32) -> u32 {
    mul_pair(pixel & PAIR, by) | (mul_pair((pixel >> 8) & PAIR, by) << 8)
}

/// `source` over `below`. The sums cannot exceed 255 as long as no channel of `source` exceeds its alpha, and saturate where a
/// source breaks that promise.
#[inline(always)]
fn over_pixel(source: u32, below: u32) -> u32 {
    let left = 255 - (source >> 24);
    let even = add_pair(source & PAIR, mul_pair(below & PAIR, left));
    let odd = add_pair((source >> 8) & PAIR, mul_pair((below >> 8) & PAIR, left));
    even | (odd << 8)
}

#[inline(always)]
fn pixels_mut(row: &mut [u8]) -> &mut [[u8; 4]] {
    row.as_chunks_mut::<4>().0
}

#[inline(always)]
fn pixels(row: &[u8]) -> &[[u8; 4]] {
    row.as_chunks::<4>().0
}

#[inline(always)]
fn color_body(row: &mut [u8], color: Premul) {
    let source = u32::from_le_bytes(color.to_bytes());
    let left = 255 - (source >> 24);
    for px in pixels_mut(row) {
        // Premul never exceeds its alpha: no saturation needed.
        *px = source.wrapping_add(mul_pixel(u32::from_le_bytes(*px), left)).to_le_bytes();
    }
}

#[inline(always)]
fn color_mask_body(row: &mut [u8], mask: &[u8], color: Premul) {
    let color = u32::from_le_bytes(color.to_bytes());
    for (px, &cover) in pixels_mut(row).iter_mut().zip(mask) {
        let source = mul_pixel(color, u32::from(cover));
        *px = source.wrapping_add(mul_pixel(u32::from_le_bytes(*px), 255 - (source >> 24))).to_le_bytes();
    }
}

#[inline(always)]
fn row_body(row: &mut [u8], source: &[u8]) {
    for (px, source) in pixels_mut(row).iter_mut().zip(pixels(source)) {
        *px = over_pixel(u32::from_le_bytes(*source), u32::from_le_bytes(*px)).to_le_bytes();
    }
}

#[inline(always)]
fn row_alpha_body(row: &mut [u8], source: &[u8], alpha: u8) {
    let alpha = u32::from(alpha);
    for (px, source) in pixels_mut(row).iter_mut().zip(pixels(source)) {
        *px = over_pixel(mul_pixel(u32::from_le_bytes(*source), alpha), u32::from_le_bytes(*px)).to_le_bytes();
    }
}

#[inline(always)]
fn row_mask_body(row: &mut [u8], source: &[u8], mask: &[u8]) {
    for ((px, source), &cover) in pixels_mut(row).iter_mut().zip(pixels(source)).zip(mask) {
        *px = over_pixel(mul_pixel(u32::from_le_bytes(*source), u32::from(cover)), u32::from_le_bytes(*px)).to_le_bytes();
    }
}

#[inline(always)]
fn scale_body(row: &mut [u8], alpha: u8) {
    let alpha = u32::from(alpha);
    for px in pixels_mut(row) {
        *px = mul_pixel(u32::from_le_bytes(*px), alpha).to_le_bytes();
    }
}

#[inline(always)]
fn scale_mask_body(row: &mut [u8], mask: &[u8]) {
    for (px, &cover) in pixels_mut(row).iter_mut().zip(mask) {
        *px = mul_pixel(u32::from_le_bytes(*px), u32::from(cover)).to_le_bytes();
    }
}

#[inline(always)]
fn scale_row_body(row: &mut [u8], source: &[u8]) {
    for (px, source) in pixels_mut(row).iter_mut().zip(pixels(source)) {
        *px = mul_pixel(u32::from_le_bytes(*px), u32::from_le_bytes(*source) >> 24).to_le_bytes();
    }
}

#[inline(always)]
fn fade_mask_body(mask: &mut [u8], alpha: u8) {
    let alpha = u16::from(alpha);
    for cover in mask {
        // At most 255 * 255 + 128 + 254: no wrap.
        let product = u16::from(*cover).wrapping_mul(alpha).wrapping_add(128);
        *cover = (product.wrapping_add(product >> 8) >> 8) as u8;
    }
}

#[inline(always)]
fn onto_white_body(row: &mut [u8]) {
    for px in pixels_mut(row) {
        let source = u32::from_le_bytes(*px);
        let white = (255 - (source >> 24)).wrapping_mul(0x0001_0001);
        let even = add_pair(source & PAIR, white);
        let odd = add_pair((source >> 8) & PAIR, white);
        *px = (even | (odd << 8)).to_le_bytes();
    }
}

dispatched! {
    /// One colour over a row.
    over_color => color_body(row: &mut [u8], color: Premul);
    /// One colour over a row, as far as `mask` covers each pixel.
    over_color_mask => color_mask_body(row: &mut [u8], mask: &[u8], color: Premul);
    /// A row over a row.
    over_row => row_body(row: &mut [u8], source: &[u8]);
    /// A row at `alpha` of 255 over a row.
    over_row_alpha => row_alpha_body(row: &mut [u8], source: &[u8], alpha: u8);
    /// A row over a row, as far as `mask` covers each pixel.
    over_row_mask => row_mask_body(row: &mut [u8], source: &[u8], mask: &[u8]);
    /// A row made fainter by `alpha` of 255.
    scale => scale_body(row: &mut [u8], alpha: u8);
    /// A row made fainter by a mask.
    scale_by_mask => scale_mask_body(row: &mut [u8], mask: &[u8]);
    /// A row made fainter by the alphas of another row.
    scale_by_row => scale_row_body(row: &mut [u8], source: &[u8]);
    /// A mask made fainter by `alpha` of 255.
    fade_mask => fade_mask_body(mask: &mut [u8], alpha: u8);
    /// A row composited onto white: opaque afterwards.
    onto_white => onto_white_body(row: &mut [u8]);
}

/// A row of one opaque colour, or of any colour that replaces what was there.
pub(crate) fn fill(row: &mut [u8], color: Premul) {
    pixels_mut(row).fill(color.to_bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::color::{Color, mul_255};
    use crate::ctx::Simd;
    use crate::level::Level;

    fn premul(bytes: &[u8]) -> Vec<u8> {
        bytes.as_chunks::<4>().0.iter().flat_map(|&[r, g, b, a]| Color { r, g, b, a }.premultiply().to_bytes()).collect()
    }

    /// The plain meaning of every loop, one channel at a time.
    fn over(below: &[u8], source: &[u8], cover: impl Fn(usize) -> u8) -> Vec<u8> {
        (0..below.len())
            .map(|i| {
                let by = |c: usize| mul_255(source[c], cover(i / 4));
                by(i) + mul_255(below[i], 255 - by(i | 3))
            })
            .collect()
    }

    proptest! {
        #[test]
        fn loops_mean_what_they_say(
            px in proptest::collection::vec(any::<(u32, u32, u8)>(), 0..70),
            color in any::<[u8; 4]>(),
            alpha in any::<u8>(),
        ) {
            let below = premul(&px.iter().flat_map(|p| p.0.to_le_bytes()).collect::<Vec<_>>());
            let source = premul(&px.iter().flat_map(|p| p.1.to_le_bytes()).collect::<Vec<_>>());
            let mask: Vec<u8> = px.iter().map(|p| p.2).collect();
            let [r, g, b, a] = color;
            let color = Color { r, g, b, a }.premultiply();
            let flood: Vec<u8> = px.iter().flat_map(|_| color.to_bytes()).collect();
            for simd in [Simd::Off, Simd::Detect] {
                let level = Level::of(simd);
                let run = |f: &dyn Fn(&mut [u8])| {
                    let mut row = below.clone();
                    f(&mut row);
                    row
                };
                prop_assert_eq!(run(&|row| over_color(level, row, color)), over(&below, &flood, |_| 255));
                prop_assert_eq!(run(&|row| over_color_mask(level, row, &mask, color)), over(&below, &flood, |i| mask[i]));
                prop_assert_eq!(run(&|row| over_row(level, row, &source)), over(&below, &source, |_| 255));
                prop_assert_eq!(run(&|row| over_row_alpha(level, row, &source, alpha)), over(&below, &source, |_| alpha));
                prop_assert_eq!(run(&|row| over_row_mask(level, row, &source, &mask)), over(&below, &source, |i| mask[i]));
                let nothing = vec![0; below.len()];
                prop_assert_eq!(run(&|row| scale(level, row, alpha)), over(&nothing, &below, |_| alpha));
                prop_assert_eq!(run(&|row| scale_by_mask(level, row, &mask)), over(&nothing, &below, |i| mask[i]));
                prop_assert_eq!(run(&|row| scale_by_row(level, row, &source)), over(&nothing, &below, |i| source[4 * i + 3]));
                prop_assert_eq!(run(&|row| onto_white(level, row)), over(&vec![255; below.len()], &below, |_| 255));
                let mut faded = mask.clone();
                fade_mask(level, &mut faded, alpha);
                prop_assert_eq!(faded, mask.iter().map(|&m| mul_255(m, alpha)).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn a_source_above_its_alpha_saturates() {
        for simd in [Simd::Off, Simd::Detect] {
            let mut row = [255u8; 4 * 9];
            over_row(Level::of(simd), &mut row, &[200, 255, 100, 128].repeat(9));
            assert_eq!(row, *[255, 255, 227, 255].repeat(9));
        }
    }
}
