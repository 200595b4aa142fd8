//! Glyphs: placed masks in a colour or a gradient.

use super::Painter;
use super::gradient::Shader;
use super::rows;
use super::target::Target;
use crate::geom::PxRect;
use crate::scene::{Paint, PlacedMask};

pub(super) fn paint(painter: &mut Painter, run: &[PlacedMask], paint: &Paint, area: PxRect, target: &mut Target<'_>) {
    let level = painter.level;
    let row = &mut painter.scratch.row;
    match paint {
        Paint::Solid(color) if color.alpha() == 0 => {}
        Paint::Solid(color) => {
            each_row(run, area, |y, x0, x1, mask| rows::over_color_mask(level, target.span(y, x0, x1), mask, *color));
        }
        Paint::Gradient(gradient) if gradient.stops.is_empty() => {}
        Paint::Gradient(gradient) => {
            let shader = Shader::new(gradient);
            each_row(run, area, |y, x0, x1, mask| {
                let below = target.span(y, x0, x1);
                row.clear();
                row.resize(below.len(), 0);
                shader.shade(level, x0, y, row);
                rows::over_row_mask(level, below, row, mask);
            });
        }
    }
}

/// Every row of every mask, as far as it lies in `area`.
fn each_row(run: &[PlacedMask], area: PxRect, mut each: impl FnMut(i32, i32, i32, &[u8])) {
    for placed in run {
        let (width, height) = (placed.mask.width(), placed.mask.height());
        // A mask so large or so far off that its end cannot be named covers nothing of a canvas.
        let Some((right, bottom)) = placed.x.checked_add_unsigned(width).zip(placed.y.checked_add_unsigned(height)) else {
            continue;
        };
        let inside = PxRect::new(placed.x, placed.y, right, bottom).intersect(area);
        if inside.is_empty() {
            continue;
        }
        let (skip, until) = ((inside.x0 - placed.x) as usize, (inside.x1 - placed.x) as usize);
        for y in inside.y0..inside.y1 {
            let mask = placed.mask.row((y - placed.y) as u32).get(skip..until).unwrap_or_default();
            each(y, inside.x0, inside.x1, mask);
        }
    }
}
