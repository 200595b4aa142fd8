//! Filtered pictures: colours through matrices, blurs by the boxes of shadows, in the order given.
//!
//! As in CSS, colours are filtered without their alpha, cut to what a byte holds after each filter, and blurred with it.

// Pixel loops: indices run over rows and columns of buffers that were made for them.
#![allow(clippy::indexing_slicing)]

use crate::ctx::{Ctx, Stopped};
use crate::geom::{PxRect, Size};
use crate::pixels::Pixmap;
use crate::scene::{Filtered, Step};
use crate::settle::blur;

/// Where the work is done, in the source's pixels: the window and all around it that can reach into it.
fn work(filtered: &Filtered) -> PxRect {
    filtered.window.grow(Filtered::reach(&filtered.steps))
}

/// How many pixels are worked on.
pub(super) fn area(filtered: &Filtered) -> u64 {
    let work = work(filtered);
    u64::from(work.width()) * u64::from(work.height())
}

pub(super) fn make(filtered: &Filtered, source: &Pixmap, ctx: &Ctx) -> Result<Option<Pixmap>, Stopped> {
    let (work, window) = (work(filtered), filtered.window);
    let sizes = Size::new(work.width(), work.height()).zip(Size::new(window.width(), window.height()));
    let Some((size, inside)) = sizes else { return Ok(None) };
    let mut data = cut(source, work, size);
    // Matrices that follow one another need no bytes between them.
    for steps in filtered.steps.chunk_by(|a, b| matches!((a, b), (Step::Colors(_), Step::Colors(_)))) {
        match steps {
            [Step::Blur(sigma)] => blurred(&mut data, size, *sigma, ctx)?,
            matrices => {
                let matrices: Vec<[[f64; 4]; 3]> = matrices.iter().filter_map(Step::matrix).collect();
                coloured(&mut data, &matrices);
            }
        }
    }
    let window = window.translate(-work.x0, -work.y0);
    let stride = work.width() as usize * 4;
    let rows = data.chunks_exact(stride).skip(window.y0 as usize).take(window.height() as usize);
    let cut = rows.flat_map(|row| &row[window.x0 as usize * 4..window.x1 as usize * 4]).copied().collect();
    Ok(Pixmap::from_premultiplied(inside, cut))
}

impl Step {
    fn matrix(&self) -> Option<[[f64; 4]; 3]> {
        match self {
            Step::Colors(matrix) => Some(*matrix),
            Step::Blur(_) => None,
        }
    }
}

/// The part of the source in `area`; transparent beyond it.
fn cut(source: &Pixmap, area: PxRect, size: Size) -> Vec<u8> {
    let mut data = vec![0; size.area() as usize * 4];
    let seen = area.intersect(PxRect::of_size(source.size()));
    let stride = area.width() as usize * 4;
    for y in seen.y0..seen.y1 {
        let to = (y - area.y0) as usize * stride + (seen.x0 - area.x0) as usize * 4;
        let from = &source.row(y as u32)[seen.x0 as usize * 4..seen.x1 as usize * 4];
        data[to..to + from.len()].copy_from_slice(from);
    }
    data
}

/// Each channel for itself, premultiplied.
fn blurred(data: &mut [u8], size: Size, sigma: f64, ctx: &Ctx) -> Result<(), Stopped> {
    let (width, height) = (size.width() as usize, size.height() as usize);
    let mut plane = vec![0; width * height];
    for channel in 0..4 {
        for (v, px) in plane.iter_mut().zip(data.as_chunks::<4>().0) {
            *v = u16::from(px[channel]) * 257;
        }
        blur::plane(&mut plane, width, height, sigma, ctx)?;
        for (px, v) in data.as_chunks_mut::<4>().0.iter_mut().zip(&plane) {
            px[channel] = ((u32::from(*v) + 128) / 257) as u8;
        }
    }
    // Rounded each for itself, a colour might exceed its alpha by one.
    for [r, g, b, a] in data.as_chunks_mut::<4>().0 {
        (*r, *g, *b) = ((*r).min(*a), (*g).min(*a), (*b).min(*a));
    }
    Ok(())
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
        let size = Size::new(8, 8).unwrap();
        assert_eq!(with_ctx(false, |ctx| blurred(&mut [0; 256], size, 3.0, ctx)), Err(Stopped));
    }

    #[test]
    fn a_blur_keeps_the_middle_and_fades_at_the_edges() {
        // A square of 40 pixels with as much around it as the blur reaches, as `make` has it.
        let size = Size::new(80, 80).unwrap();
        let inside = |i: usize| (20..60).contains(&(i % 80)) && (20..60).contains(&(i / 80));
        let mut data: Vec<u8> = (0..6400).flat_map(|i| if inside(i) { [200, 100, 50, 255] } else { [0; 4] }).collect();
        with_ctx(true, |ctx| blurred(&mut data, size, 3.0, ctx)).unwrap();
        let at = |x: usize, y: usize| data.as_chunks::<4>().0[y * 80 + x];
        assert_eq!(at(40, 40), [200, 100, 50, 255]);
        let (first, last) = (at(20, 40), at(19, 40));
        assert!((130..155).contains(&first[3]) && (100..125).contains(&last[3]) && first[0] < first[3], "{first:?} {last:?}");
    }
}
