//! Pixels: a pixmap laid onto the canvas, perhaps cut by a shape, perhaps fainter.

use super::Painter;
use super::coverage::{Cover, Span};
use super::rows;
use super::scratch::Scratch;
use super::target::Target;
use crate::color::mul_255;
use crate::geom::PxRect;
use crate::pixels::Pixmap;
use crate::scene::Shape;

/// A pixmap whose top left pixel lies on pixel (`x`, `y`) of the canvas.
#[derive(Clone, Copy)]
pub(super) struct Placed<'a> {
    pub source: &'a Pixmap,
    pub x: i32,
    pub y: i32,
}

impl<'a> Placed<'a> {
    pub(super) fn bounds(self) -> PxRect {
        PxRect::of_size(self.source.size()).translate(self.x, self.y)
    }

    /// The bytes of canvas pixels `x0 <= x < x1` of row `y`, which lie inside the bounds.
    pub(super) fn span(self, y: i32, x0: i32, x1: i32) -> &'a [u8] {
        let at = |x: i32| (x - self.x) as usize * 4;
        self.source.row((y - self.y) as u32).get(at(x0)..at(x1)).unwrap_or_default()
    }
}

pub(super) fn paint(
    painter: &mut Painter,
    placed: Placed<'_>,
    clip: Option<&Shape>,
    opacity: u8,
    area: PxRect,
    target: &mut Target<'_>,
) {
    let area = area.intersect(placed.bounds());
    if area.is_empty() || opacity == 0 {
        return;
    }
    let level = painter.level;
    let opaque = placed.source.is_opaque();
    let Scratch { coverage, mask: faded, .. } = &mut painter.scratch;
    let mut span = |Span { y, x0, x1, cover }: Span<'_>| {
        let below = target.span(y, x0, x1);
        let source = placed.span(y, x0, x1);
        match cover {
            Cover::Even(cover) => match mul_255(cover, opacity) {
                255 if opaque && below.len() == source.len() => below.copy_from_slice(source),
                255 => rows::over_row(level, below, source),
                alpha => rows::over_row_alpha(level, below, source, alpha),
            },
            Cover::Mask(mask) if opacity == 255 => rows::over_row_mask(level, below, source, mask),
            Cover::Mask(mask) => {
                faded.clear();
                faded.extend_from_slice(mask);
                rows::fade_mask(level, faded, opacity);
                rows::over_row_mask(level, below, source, faded);
            }
        }
    };
    match clip {
        Some(shape) => coverage.each_span(shape, area, span),
        None => (area.y0..area.y1).for_each(|y| span(Span { y, x0: area.x0, x1: area.x1, cover: Cover::Even(255) })),
    }
}
