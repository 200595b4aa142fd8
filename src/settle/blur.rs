//! Blurred shadows: the alpha of some items, three box blurs each way, and a colour. Filters blur pictures by the same boxes.
//!
//! Three boxes come within a few percent of a Gaussian (SVG's filter effects say the same). They have fractional ends, so that
//! their variance is the wanted one exactly, and count in whole numbers of 16 bits, so that the result depends on nothing else.

// Pixel loops: indices run over rows and columns of buffers that were made for them.
#![allow(clippy::indexing_slicing, clippy::needless_range_loop)]

use crate::color::Premul;
use crate::ctx::{Ctx, Simd, Stopped};
use crate::geom::{PxRect, Size};
use crate::paint::paint_items;
use crate::pixels::Pixmap;
use crate::scene::{Blur, Item, Ready};

/// Full coverage.
const FULL: u32 = 0xffff;
/// Rows painted at a time: of the items only their alpha is kept.
const BAND: i32 = 64;

/// `items` are the blur's own, settled.
pub(super) fn make(blur: &Blur, items: &[Item<Ready>], ctx: &Ctx) -> Result<Option<Pixmap>, Stopped> {
    let alpha = cast(blur.area, items, ctx.simd);
    let alpha = spread(&alpha, blur.area, blur.sigma, blur.window, ctx)?;
    Ok(coloured(blur, &alpha))
}

/// One channel that is there in `have` and 0 beyond, blurred, as much of it as is `needed`.
pub(super) fn spread(plane: &[u16], have: PxRect, sigma: f64, needed: PxRect, ctx: &Ctx) -> Result<Vec<u16>, Stopped> {
    let Some(kernel) = Kernel::of(sigma) else { return Ok(recut(plane, have, needed)) };
    ctx.check()?;
    let reach = Blur::reach(sigma);
    let near = have.grow(reach).intersect(needed.grow(reach));
    // Along rows only where there is something, down columns only where it is wanted: what lies beyond stays 0 or is not seen.
    let (rows, columns) = (PxRect { y0: have.y0, y1: have.y1, ..near }, PxRect { x0: needed.x0, x1: needed.x1, ..near });
    let (rows, columns) = (rows.intersect(near), columns.intersect(near));
    if rows.is_empty() || columns.is_empty() {
        return Ok(recut(&[], PxRect::default(), needed));
    }
    let mut along = recut(plane, have, rows);
    for row in along.chunks_exact_mut(rows.width() as usize) {
        kernel.along(row);
    }
    let mut down = recut(&along, rows, columns);
    let mut other = vec![0; down.len()];
    for _ in 0..PASSES {
        ctx.check()?;
        kernel.down(&down, &mut other, columns.width() as usize, columns.height() as usize);
        std::mem::swap(&mut down, &mut other);
    }
    Ok(recut(&down, columns, needed))
}

/// What lies in `to` of a plane, channel or pixels, that is 0 beyond `from`.
pub(super) fn recut<T: Copy + Default>(plane: &[T], from: PxRect, to: PxRect) -> Vec<T> {
    let (stride, width) = (from.width() as usize, to.width() as usize);
    let mut cut = vec![T::default(); width * to.height() as usize];
    let both = from.intersect(to);
    if both.is_empty() {
        return cut;
    }
    let length = both.width() as usize;
    for y in both.y0..both.y1 {
        let (there, here) = ((y - from.y0) as usize * stride, (y - to.y0) as usize * width);
        let (there, here) = (there + (both.x0 - from.x0) as usize, here + (both.x0 - to.x0) as usize);
        cut[here..here + length].copy_from_slice(&plane[there..there + length]);
    }
    cut
}

/// The alpha of the items in 16 bits.
fn cast(area: PxRect, items: &[Item<Ready>], simd: Simd) -> Vec<u16> {
    let mut alpha = Vec::with_capacity(area.width() as usize * area.height() as usize);
    let mut band = Vec::new();
    for top in (area.y0..area.y1).step_by(BAND as usize) {
        let window = PxRect::new(area.x0, top, area.x1, (top + BAND).min(area.y1));
        band.resize(window.width() as usize * window.height() as usize * 4, 0);
        paint_items(Premul::TRANSPARENT, items, window, &mut band, simd);
        alpha.extend(band.as_chunks::<4>().0.iter().map(|px| u16::from(px[3]) * 257));
    }
    alpha
}

/// The coverage in the shadow's colour.
fn coloured(blur: &Blur, alpha: &[u16]) -> Option<Pixmap> {
    let size = Size::new(blur.window.width(), blur.window.height())?;
    let color = blur.color.to_bytes().map(u32::from);
    let covered = |&cover: &u16| color.map(|c| ((c * u32::from(cover) + FULL / 2) / FULL) as u8);
    Pixmap::from_premultiplied(size, alpha.iter().flat_map(covered).collect())
}

/// Boxes one after the other.
const PASSES: usize = 3;

/// A box of `2 radius + 1` pixels and a part of one more at both ends.
#[derive(Clone, Copy, Debug)]
struct Kernel {
    radius: usize,
    /// Of the pixels at the ends, in 1/256.
    end: u64,
    /// 2^SHIFT over the box's weight.
    inverse: u64,
}

impl Kernel {
    const ONE: u64 = 256;
    const SHIFT: u32 = 40;

    /// `None` where there is nothing to blur.
    fn of(sigma: f64) -> Option<Kernel> {
        // Each pass has a third of the variance. A whole box of radius r has r (r + 1) / 3; the ends give the rest.
        let variance = sigma * sigma / 3.0;
        let radius = ((-1.0 + (1.0 + 12.0 * variance).sqrt()) / 2.0).floor().max(0.0);
        let whole = radius * (radius + 1.0) / 3.0;
        let end = (2.0 * radius + 1.0) * (variance - whole) / (2.0 * ((radius + 1.0) * (radius + 1.0) - variance));
        let end = (end.clamp(0.0, 1.0) * Kernel::ONE as f64).round() as u64;
        let weight = Kernel::ONE * (2 * radius as u64 + 1) + 2 * end;
        let inverse = ((1 << Kernel::SHIFT) + weight / 2) / weight;
        (weight > Kernel::ONE).then_some(Kernel { radius: radius as usize, end, inverse })
    }

    /// From the sum of the whole pixels and the two at the ends. At most 2^16 times the weight, times 2^40 over the weight: it fits.
    fn mean(&self, sum: u64, ends: u64) -> u16 {
        let weighted = (sum * Kernel::ONE + ends * self.end) * self.inverse;
        ((weighted + (1 << (Kernel::SHIFT - 1))) >> Kernel::SHIFT).min(u64::from(FULL)) as u16
    }

    /// All passes along one row; beyond its ends all is 0.
    fn along(&self, row: &mut [u16]) {
        let mut before = row.to_vec();
        for _ in 0..PASSES {
            before.copy_from_slice(row);
            let at = |i: usize| before.get(i).map_or(0, |v| u64::from(*v));
            // Of pixel 0: pixels 0 to radius.
            let mut sum: u64 = before.iter().take(self.radius + 1).map(|v| u64::from(*v)).sum();
            for (x, out) in row.iter_mut().enumerate() {
                let ahead = at(x + self.radius + 1);
                let behind = x.checked_sub(self.radius + 1).map_or(0, at);
                *out = self.mean(sum, ahead + behind);
                sum = sum + ahead - x.checked_sub(self.radius).map_or(0, at);
            }
        }
    }

    /// One pass down all columns, row by row.
    fn down(&self, from: &[u16], to: &mut [u16], width: usize, height: usize) {
        let nothing = vec![0; width];
        let row = |y: Option<usize>| y.filter(|y| *y < height).map_or(nothing.as_slice(), |y| &from[y * width..][..width]);
        let mut sums = vec![0u64; width];
        for y in 0..=self.radius {
            for (sum, v) in sums.iter_mut().zip(row(Some(y))) {
                *sum += u64::from(*v);
            }
        }
        for (y, out) in to.chunks_exact_mut(width).enumerate() {
            let ahead = row(Some(y + self.radius + 1));
            let behind = row(y.checked_sub(self.radius + 1));
            let last = row(y.checked_sub(self.radius));
            for x in 0..width {
                let (ahead, behind, last) = (u64::from(ahead[x]), u64::from(behind[x]), u64::from(last[x]));
                out[x] = self.mean(sums[x], ahead + behind);
                sums[x] = sums[x] + ahead - last;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A single full pixel in the middle of a row, blurred.
    fn spread(sigma: f64, length: usize) -> Vec<u16> {
        let mut row = vec![0; length];
        row[length / 2] = FULL as u16;
        Kernel::of(sigma).unwrap().along(&mut row);
        row
    }

    #[test]
    fn the_variance_is_the_wanted_one() {
        for sigma in [0.3, 0.5, 1.0, 1.7, 2.0, 3.3, 8.0, 20.0, 61.5] {
            let row = spread(sigma, 801);
            let sum: f64 = row.iter().map(|v| f64::from(*v)).sum();
            let variance =
                row.iter().enumerate().map(|(x, v)| (x as f64 - 400.0) * (x as f64 - 400.0) * f64::from(*v)).sum::<f64>() / sum;
            assert!((sum / f64::from(FULL) - 1.0).abs() < 0.01, "{sigma}: {sum}");
            assert!((variance.sqrt() - sigma).abs() < 0.02 * sigma.max(1.0), "{sigma}: {}", variance.sqrt());
            assert!(row.iter().eq(row.iter().rev()), "{sigma}: lopsided");
        }
    }

    #[test]
    fn it_reaches_no_further_than_said() {
        for sigma in [0.2, 0.5, 1.0, 2.5, 10.0, 33.0] {
            let row = spread(sigma, 1001);
            let reach = Blur::reach(sigma) as usize;
            assert!(row.iter().enumerate().all(|(x, v)| x.abs_diff(500) <= reach || *v == 0), "{sigma}");
        }
        assert!(Kernel::of(0.0).is_none());
    }

    #[test]
    fn down_is_as_along() {
        let (width, height, sigma) = (3, 41, 2.7);
        let column: Vec<u16> = (0..height).map(|y| (y * 1597 % 65_521) as u16).collect();
        let mut from: Vec<u16> = column.iter().flat_map(|v| [*v, 0, FULL as u16 - *v]).collect();
        let kernel = Kernel::of(sigma).unwrap();
        let mut to = vec![0; from.len()];
        for _ in 0..PASSES {
            kernel.down(&from, &mut to, width, height);
            std::mem::swap(&mut from, &mut to);
        }
        let mut row = column;
        kernel.along(&mut row);
        let down: Vec<u16> = from.chunks_exact(width).map(|px| px[0]).collect();
        assert_eq!(down, row);
    }
}
