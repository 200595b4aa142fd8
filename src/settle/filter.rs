//! Filtered pictures: colours through matrices, blurs by the boxes of shadows, in the order given.
//!
//! As in CSS, colours are filtered without their alpha, cut to what a byte holds after each filter, and blurred with it.

// Pixel loops: indices run over rows and columns of buffers that were made for them.
#![allow(clippy::indexing_slicing)]

use crate::ctx::{Ctx, Stopped};
use crate::geom::{PxRect, Size};
use crate::pixels::Pixmap;
use crate::scene::{Blur, Filtered, Step};
use crate::settle::blur;

/// Where the work is done, in the source's pixels: the window and all around it that can reach into it.
fn work(filtered: &Filtered) -> PxRect {
    filtered.window.grow(Filtered::reach(&filtered.steps))
}

/// How many pixels are worked on.
pub(super) fn area(filtered: &Filtered) -> u64 {
    let work = work(filtered);
    work.area()
}

pub(super) fn make(filtered: &Filtered, source: &Pixmap, ctx: &Ctx) -> Result<Option<Pixmap>, Stopped> {
    let window = filtered.window;
    let Some(inside) = Size::new(window.width(), window.height()) else { return Ok(None) };
    let mut work = cut(source, work(filtered));
    let mut rest = filtered.steps.as_slice();
    // Matrices that follow one another need no bytes between them.
    for steps in filtered.steps.chunk_by(|a, b| matches!((a, b), (Step::Colors(_), Step::Colors(_)))) {
        rest = rest.get(steps.len()..).unwrap_or_default();
        match steps {
            [Step::Blur(sigma)] => work = blurred(&work, *sigma, window.grow(Filtered::reach(rest)), ctx)?,
            matrices => {
                let matrices: Vec<[[f64; 4]; 3]> = matrices.iter().filter_map(Step::matrix).collect();
                coloured(&mut work.data, &matrices);
            }
        }
    }
    Ok(Pixmap::from_premultiplied(inside, recut(&work, window)))
}

/// Pixels that are worked on; all around them is transparent.
struct Work {
    area: PxRect,
    data: Vec<u8>,
}

impl Step {
    fn matrix(&self) -> Option<[[f64; 4]; 3]> {
        match self {
            Step::Colors(matrix) => Some(*matrix),
            Step::Blur(_) => None,
        }
    }
}

/// The part of the source that lies in `area`.
fn cut(source: &Pixmap, area: PxRect) -> Work {
    let area = area.intersect(PxRect::of_size(source.size()));
    let row = |y: i32| &source.row(y as u32)[area.x0 as usize * 4..area.x1 as usize * 4];
    let data = if area.is_empty() { Vec::new() } else { (area.y0..area.y1).flat_map(row).copied().collect() };
    Work { area, data }
}

/// What lies in `to`, transparent where nothing is.
fn recut(work: &Work, to: PxRect) -> Vec<u8> {
    blur::recut(work.data.as_chunks::<4>().0, work.area, to).into_flattened()
}

/// Each channel for itself, premultiplied; as far as the picture reaches then, and no more than is `needed`.
fn blurred(work: &Work, sigma: f64, needed: PxRect, ctx: &Ctx) -> Result<Work, Stopped> {
    let area = work.area.grow(Blur::reach(sigma)).intersect(needed);
    let mut data = vec![0; area.width() as usize * area.height() as usize * 4];
    for channel in 0..4 {
        let plane: Vec<u16> = work.data.as_chunks::<4>().0.iter().map(|px| u16::from(px[channel]) * 257).collect();
        let plane = blur::spread(&plane, work.area, sigma, area, ctx)?;
        for (px, v) in data.as_chunks_mut::<4>().0.iter_mut().zip(&plane) {
            px[channel] = ((u32::from(*v) + 128) / 257) as u8;
        }
    }
    // Rounded each for itself, a colour might exceed its alpha by one.
    for [r, g, b, a] in data.as_chunks_mut::<4>().0 {
        (*r, *g, *b) = ((*r).min(*a), (*g).min(*a), (*b).min(*a));
    }
    Ok(Work { area, data })
}

fn coloured(data: &mut [u8], matrices: &[[[f64; 4]; 3]]) {
    let mut last = ([0; 4], [0; 4]);
    for px in data.as_chunks_mut::<4>().0 {
        // Neighbours are often alike.
        if *px != last.0 {
            last = (*px, through(*px, matrices));
        }
        *px = last.1;
    }
}

fn through([r, g, b, a]: [u8; 4], matrices: &[[[f64; 4]; 3]]) -> [u8; 4] {
    if a == 0 {
        return [0; 4];
    }
    let alpha = f64::from(a);
    let mut color = [r, g, b].map(|v| f64::from(v) / alpha);
    for matrix in matrices {
        let [x, y, z] = color;
        color = matrix.map(|[p, q, s, constant]| (p * x + q * y + s * z + constant).clamp(0.0, 1.0));
    }
    let [r, g, b] = color.map(|v| (v * alpha).round() as u8);
    [r, g, b, a]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ctx::with_ctx;

    const SWAP: [[f64; 4]; 3] = [[0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [1.0, 0.0, 0.0, 0.0]];

    #[test]
    fn colours_are_filtered_without_their_alpha() {
        assert_eq!(through([40, 20, 10, 80], &[SWAP]), [20, 10, 40, 80]);
        assert_eq!(through([40, 20, 10, 80], &[SWAP, SWAP, SWAP]), [40, 20, 10, 80]);
        let brighter = [[4.0, 0.0, 0.0, 0.0], [0.0, 0.5, 0.0, 0.0], [0.0, 0.0, -1.0, 1.0]];
        assert_eq!(through([40, 20, 10, 80], &[brighter]), [80, 10, 70, 80]);
        // Cut between two filters.
        let darker = [[0.25, 0.0, 0.0, 0.0], [0.0, 2.0, 0.0, 0.0], [0.0, 0.0, -1.0, 1.0]];
        assert_eq!(through([40, 20, 10, 80], &[brighter, darker]), [20, 20, 10, 80]);
        assert_eq!(through([0; 4], &[brighter]), [0; 4]);
    }

    #[test]
    fn what_nobody_waits_for_is_given_up() {
        let area = PxRect::new(0, 0, 8, 8);
        let work = Work { area, data: vec![0; 256] };
        assert!(with_ctx(false, |ctx| blurred(&work, 3.0, area, ctx)).is_err());
    }

    #[test]
    fn a_blur_keeps_the_middle_and_fades_at_the_edges() {
        let square = Work { area: PxRect::new(20, 20, 60, 60), data: [200, 100, 50, 255].repeat(1_600) };
        let around = PxRect::new(0, 0, 80, 80);
        let blurred = with_ctx(true, |ctx| blurred(&square, 3.0, around, ctx)).unwrap();
        let data = recut(&blurred, around);
        let at = |x: usize, y: usize| data.as_chunks::<4>().0[y * 80 + x];
        assert_eq!(at(40, 40), [200, 100, 50, 255]);
        let (first, last) = (at(20, 40), at(19, 40));
        assert!((130..155).contains(&first[3]) && (100..125).contains(&last[3]) && first[0] < first[3], "{first:?} {last:?}");
    }
}
