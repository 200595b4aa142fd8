//! Fills: a shape in a colour or a gradient.

use super::Painter;
use super::coverage::{Cover, Coverage, Span};
use super::gradient::Shader;
use super::rows;
use super::scratch::Scratch;
use super::target::Target;
use crate::color::Premul;
use crate::geom::PxRect;
use crate::level::Level;
use crate::scene::{Gradient, Paint, Shape};

pub(super) fn paint(painter: &mut Painter, shape: &Shape, paint: &Paint, area: PxRect, target: &mut Target<'_>) {
    let Painter { level, scratch } = painter;
    let Scratch { coverage, row, .. } = scratch;
    match paint {
        Paint::Solid(color) => solid(*level, coverage, shape, *color, area, target),
        Paint::Gradient(gradient) => shaded(*level, coverage, row, shape, gradient, area, target),
    }
}

fn solid(level: Level, coverage: &mut Coverage, shape: &Shape, color: Premul, area: PxRect, target: &mut Target<'_>) {
    if color.alpha() == 0 {
        return;
    }
    coverage.each_span(shape, area, |Span { y, x0, x1, cover }| {
        let below = target.span(y, x0, x1);
        match cover {
            Cover::Even(255) if color.alpha() == 255 => rows::fill(below, color),
            Cover::Even(cover) => rows::over_color(level, below, color.fade(cover)),
            Cover::Mask(mask) => rows::over_color_mask(level, below, mask, color),
        }
    });
}

fn shaded(
    level: Level,
    coverage: &mut Coverage,
    row: &mut Vec<u8>,
    shape: &Shape,
    gradient: &Gradient,
    area: PxRect,
    target: &mut Target<'_>,
) {
    if gradient.stops.is_empty() {
        return;
    }
    let shader = Shader::new(gradient);
    let opaque = gradient.stops.iter().all(|stop| stop.color.alpha() == 255);
    coverage.each_span(shape, area, |Span { y, x0, x1, cover }| {
        let below = target.span(y, x0, x1);
        if opaque && cover == Cover::Even(255) {
            return shader.shade(level, x0, y, below);
        }
        row.clear();
        row.resize(below.len(), 0);
        shader.shade(level, x0, y, row);
        match cover {
            Cover::Even(255) => rows::over_row(level, below, row),
            Cover::Even(cover) => rows::over_row_alpha(level, below, row, cover),
            Cover::Mask(mask) => rows::over_row_mask(level, below, row, mask),
        }
    });
}
