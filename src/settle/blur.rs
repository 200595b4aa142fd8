//! Blurred shadows: the alpha of some items, three box blurs each way, and a colour. Filters blur pictures by the same boxes.
//!
//! Three boxes come within a few percent of a Gaussian (SVG's filter effects say the same). They have fractional ends, so that
//! their variance is the wanted one exactly, and count in whole numbers of 16 bits, so that the result depends on nothing else.

// Pixel loops: indices run over rows and columns of buffers that were made for them.
#![allow(clippy::indexing_slicing, clippy::needless_range_loop)]

use std::ops::Range;

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
    let mut alpha = cast(blur.area, items, ctx.simd);
    let (width, height) = (blur.area.width() as usize, blur.area.height() as usize);
    let seen = blur.window.translate(-blur.area.x0, -blur.area.y0);
    let columns = seen.x0 as usize..seen.x1 as usize;
    blur_seen(&mut alpha, (width, height), (columns.clone(), seen.y0 as usize..seen.y1 as usize), blur.sigma, ctx)?;
    Ok(coloured(blur, &alpha))
}

/// Blurs one channel in place; beyond its edges all is 0.
pub(super) fn plane(plane: &mut Vec<u16>, width: usize, height: usize, sigma: f64, ctx: &Ctx) -> Result<(), Stopped> {
    blur_seen(plane, (width, height), (0..width, 0..height), sigma, ctx)
}

/// The same of what is `seen` of a larger plane, columns and rows, which is all that is left of it.
fn blur_seen(
    plane: &mut Vec<u16>,
    (width, height): (usize, usize),
    (columns, rows): (Range<usize>, Range<usize>),
    sigma: f64,
    ctx: &Ctx,
) -> Result<(), Stopped> {
    let kernel = Kernel::of(sigma);
    ctx.check()?;
    if let Some(kernel) = kernel {
        for row in plane.chunks_exact_mut(width) {
            kernel.along(row, &columns);
        }
    }
    if columns.len() < width {
        *plane = plane.chunks_exact(width).flat_map(|row| &row[columns.clone()]).copied().collect();
    }
    let width = columns.len();
    if let Some(kernel) = kernel {
        let mut other = vec![0; plane.len()];
        for pass in 0..PASSES {
            ctx.check()?;
            kernel.down(plane, &mut other, width, kernel.needed(pass, &rows, height));
            std::mem::swap(plane, &mut other);
        }
    }
    if rows.len() < height {
        *plane = plane[rows.start * width..rows.end * width].to_vec();
    }
    Ok(())
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

/// The window's coverage in the shadow's colour.
fn coloured(blur: &Blur, alpha: &[u16]) -> Option<Pixmap> {
    let size = Size::new(blur.window.width(), blur.window.height())?;
    let color = blur.color.to_bytes().map(u32::from);
    let mut data = Vec::with_capacity(size.area() as usize * 4);
    for &cover in alpha {
        data.extend(color.map(|c| ((c * u32::from(cover) + FULL / 2) / FULL) as u8));
    }
    Pixmap::from_premultiplied(size, data)
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

    /// What of a row or a column of this length a pass must make, for the passes after it to find all they reach.
    fn needed(&self, pass: usize, seen: &Range<usize>, length: usize) -> Range<usize> {
        let reach = (PASSES - 1 - pass) * (self.radius + 1);
        seen.start.saturating_sub(reach)..(seen.end + reach).min(length)
    }

    /// All passes along one row, as far as it is `seen`; beyond its ends all is 0.
    fn along(&self, row: &mut [u16], seen: &Range<usize>) {
        let mut before = row.to_vec();
        for pass in 0..PASSES {
            before.copy_from_slice(row);
            let at = |i: usize| before.get(i).map_or(0, |v| u64::from(*v));
            let part = self.needed(pass, seen, row.len());
            let around = part.start.saturating_sub(self.radius)..(part.start + self.radius + 1).min(row.len());
            let mut sum: u64 = before[around].iter().map(|v| u64::from(*v)).sum();
            for (x, out) in row.iter_mut().enumerate().take(part.end).skip(part.start) {
                let ahead = at(x + self.radius + 1);
                let behind = x.checked_sub(self.radius + 1).map_or(0, at);
                *out = self.mean(sum, ahead + behind);
                sum = sum + ahead - x.checked_sub(self.radius).map_or(0, at);
            }
        }
    }

    /// One pass down all columns, row by row: those of `part` are made.
    fn down(&self, from: &[u16], to: &mut [u16], width: usize, part: Range<usize>) {
        let height = from.len() / width.max(1);
        let nothing = vec![0; width];
        let row = |y: Option<usize>| y.filter(|y| *y < height).map_or(nothing.as_slice(), |y| &from[y * width..][..width]);
        let mut sums = vec![0u64; width];
        for y in part.start.saturating_sub(self.radius)..=part.start + self.radius {
            for (sum, v) in sums.iter_mut().zip(row(Some(y))) {
                *sum += u64::from(*v);
            }
        }
        for (y, out) in to.chunks_exact_mut(width).enumerate().take(part.end).skip(part.start) {
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
        Kernel::of(sigma).unwrap().along(&mut row, &(0..length));
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
    fn what_is_seen_is_a_part_of_the_whole() {
        let (width, height) = (37, 29);
        let source: Vec<u16> = (0..width * height).map(|n| (n * 7_919 % 65_521) as u16).collect();
        let done = |columns: Range<usize>, rows: Range<usize>, sigma: f64| {
            let mut plane = source.clone();
            crate::ctx::with_ctx(true, |ctx| blur_seen(&mut plane, (width, height), (columns.clone(), rows.clone()), sigma, ctx))
                .unwrap();
            plane
        };
        for sigma in [0.0, 0.8, 2.7, 9.0, 40.0] {
            let whole = done(0..width, 0..height, sigma);
            for (columns, rows) in [(5..20, 3..9), (0..1, 0..height), (30..37, 28..29), (0..width, 7..8)] {
                let cut: Vec<u16> = rows.clone().flat_map(|y| &whole[y * width..][columns.clone()]).copied().collect();
                assert_eq!(done(columns.clone(), rows.clone(), sigma), cut, "{sigma} {columns:?} {rows:?}");
            }
        }
    }

    #[test]
    fn down_is_as_along() {
        let (width, height, sigma) = (3, 41, 2.7);
        let column: Vec<u16> = (0..height).map(|y| (y * 1597 % 65_521) as u16).collect();
        let mut from: Vec<u16> = column.iter().flat_map(|v| [*v, 0, FULL as u16 - *v]).collect();
        let kernel = Kernel::of(sigma).unwrap();
        let mut to = vec![0; from.len()];
        for _ in 0..PASSES {
            kernel.down(&from, &mut to, width, 0..height);
            std::mem::swap(&mut from, &mut to);
        }
        let mut row = column;
        kernel.along(&mut row, &(0..height));
        let down: Vec<u16> = from.chunks_exact(width).map(|px| px[0]).collect();
        assert_eq!(down, row);
    }
}
