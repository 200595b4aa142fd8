//! Filters: rows as differences from what stands left and above (PNG specification, 9).

// A stretch has a fixed length, and the index runs over it.
#![allow(clippy::indexing_slicing, clippy::needless_range_loop)]

use super::Grid;
use crate::level::dispatched;

/// Filter types; their numbers stand before each row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(super) enum Filter {
    None = 0,
    Sub = 1,
    Up = 2,
    Average = 3,
    Paeth = 4,
}

dispatched! {
    /// Fills `out` with every `step`th row of `plain`, the last of each `step`, under the filter that leaves the smallest differences.
    /// A band's first row never needs the one above, which belongs to another band.
    rows => rows_by(plain: &[u8], grid: Grid, step: usize, out: &mut Vec<u8>);
}

#[inline(always)]
fn rows_by(plain: &[u8], Grid { stride, pixel, .. }: Grid, step: usize, out: &mut Vec<u8>) {
    out.resize(plain.len() / stride / step * stride, 0);
    let row = |at: usize| plain.get(at * stride + 1..(at + 1) * stride).unwrap_or_default();
    for (n, to) in out.chunks_exact_mut(stride).enumerate() {
        let at = n * step + step - 1;
        let (here, above) = (row(at), at.checked_sub(1).map(row));
        let filter = above.map_or(Filter::Sub, |above| smallest(here, above, pixel));
        if let Some((number, to)) = to.split_first_mut() {
            *number = filter as u8;
            apply(filter, here, above.unwrap_or_default(), pixel, to);
        }
    }
}

#[inline(always)]
fn apply(filter: Filter, row: &[u8], above: &[u8], channels: usize, to: &mut [u8]) {
    let (first, rest) = row.split_at(channels.min(row.len()));
    let (to_first, to_rest) = to.split_at_mut(first.len());
    match filter {
        Filter::None => to.copy_from_slice(row),
        Filter::Sub => {
            to_first.copy_from_slice(first);
            to_rest.iter_mut().zip(rest).zip(row).for_each(|((to, x), a)| *to = x.wrapping_sub(*a));
        }
        Filter::Up => to.iter_mut().zip(row).zip(above).for_each(|((to, x), b)| *to = x.wrapping_sub(*b)),
        Filter::Average => {
            // Left of the first pixel all is 0.
            to_first.iter_mut().zip(first).zip(above).for_each(|((to, x), b)| *to = x.wrapping_sub(b / 2));
            let around = row.iter().zip(above.get(channels..).unwrap_or_default());
            to_rest.iter_mut().zip(rest).zip(around).for_each(|((to, x), (a, b))| *to = x.wrapping_sub(average(*a, *b)));
        }
        Filter::Paeth => {
            to_first.iter_mut().zip(first).zip(above).for_each(|((to, x), b)| *to = x.wrapping_sub(*b));
            let around = row.iter().zip(above.get(channels..).unwrap_or_default()).zip(above);
            to_rest.iter_mut().zip(rest).zip(around).for_each(|((to, x), ((a, b), c))| *to = x.wrapping_sub(paeth(*a, *b, *c)));
        }
    }
}

/// Half the sum, rounded down, without a ninth bit.
#[inline(always)]
fn average(a: u8, b: u8) -> u8 {
    (a & b) + ((a ^ b) >> 1)
}

/// The one of left, above and above left that is nearest to left + above - above left. In bytes, so that many fit a register:
/// the distance from above left is the sum of the two others where both differ to the same side, else their difference.
#[inline(always)]
fn paeth(a: u8, b: u8, c: u8) -> u8 {
    let (pa, pb) = (b.abs_diff(c), a.abs_diff(c));
    // A sum that is cut off at 255 is still no less than either.
    let pc = if (a > c) == (b > c) { pa.saturating_add(pb) } else { pa.abs_diff(pb) };
    let b_or_c = if pb <= pc { b } else { c };
    if pa <= pb && pa <= pc { a } else { b_or_c }
}

/// Bytes that are looked at together, and how far such stretches begin from one another.
const STRETCH: usize = 64;
const EVERY: usize = 256;

/// The filter whose differences are smallest in sum, read as signed bytes, over stretches all along the row.
#[inline(always)]
fn smallest(row: &[u8], above: &[u8], channels: usize) -> Filter {
    let mut sums = [0u32; 4];
    let mut add =
        |part: [&[u8; STRETCH]; 4]| sums.iter_mut().zip(weights(part)).for_each(|(sum, weight)| *sum += u32::from(weight));
    let mut from = channels;
    // In a row that is narrower than one stretch, what is there of it.
    if row.len() < from + STRETCH {
        let padded = |of: &[u8], less: usize| {
            let mut part = [0; STRETCH];
            part.iter_mut().zip(of.get(from - less..row.len() - less).unwrap_or_default()).for_each(|(to, x)| *to = *x);
            part
        };
        add([&padded(row, 0), &padded(row, channels), &padded(above, 0), &padded(above, channels)]);
    }
    let stretch = |of, from| <[u8]>::get::<std::ops::RangeFrom<usize>>(of, from..).and_then(<[u8]>::first_chunk);
    while let (Some(x), Some(a), Some(b), Some(c)) =
        (stretch(row, from), stretch(row, from - channels), stretch(above, from), stretch(above, from - channels))
    {
        add([x, a, b, c]);
        from += EVERY;
    }
    let [sub, up, average, paeth] = sums;
    match sub.min(up).min(average).min(paeth) {
        least if least == up => Filter::Up,
        least if least == sub => Filter::Sub,
        least if least == paeth => Filter::Paeth,
        _ => Filter::Average,
    }
}

/// Sums of the differences under Sub, Up, Average and Paeth. 64 times 128 fits well. Loops over whole arrays, each with one duty,
/// so that they are done many bytes at a time.
#[inline(always)]
fn weights([x, a, b, c]: [&[u8; STRETCH]; 4]) -> [u16; 4] {
    let (mut halves, mut nearest) = ([0; STRETCH], [0; STRETCH]);
    for i in 0..STRETCH {
        halves[i] = average(a[i], b[i]);
    }
    for i in 0..STRETCH {
        nearest[i] = paeth(a[i], b[i], c[i]);
    }
    [weight(x, a), weight(x, b), weight(x, &halves), weight(x, &nearest)]
}

#[inline(always)]
fn weight(x: &[u8; STRETCH], predicted: &[u8; STRETCH]) -> u16 {
    let mut sum = 0;
    for i in 0..STRETCH {
        let d = x[i].wrapping_sub(predicted[i]);
        sum += u16::from(d.min(d.wrapping_neg()));
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the specification has it.
    fn by_the_book(a: u8, b: u8, c: u8) -> u8 {
        let p = i32::from(a) + i32::from(b) - i32::from(c);
        let [pa, pb, pc] = [a, b, c].map(|x| (p - i32::from(x)).abs());
        if pa <= pb && pa <= pc {
            a
        } else if pb <= pc {
            b
        } else {
            c
        }
    }

    #[test]
    fn predictions_are_those_of_the_specification() {
        for a in 0..=255u8 {
            for b in 0..=255u8 {
                assert_eq!(u32::from(average(a, b)), (u32::from(a) + u32::from(b)) / 2);
                for c in 0..=255u8 {
                    assert_eq!(paeth(a, b, c), by_the_book(a, b, c), "{a} {b} {c}");
                }
            }
        }
    }
}
