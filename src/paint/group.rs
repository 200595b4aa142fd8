//! Groups: painted apart on transparent ground, then cut, masked, made fainter and blended as one.

use super::Painter;
use super::blend::blend_row;
use super::coverage::{Cover, Span};
use super::pixels::Placed;
use super::rows;
use super::target::Target;
use crate::geom::PxRect;
use crate::scene::{Blend, GroupMask, Item, Ready, Shape};

/// What is done to a group as a whole, in this order: clip, mask, opacity, blend.
#[derive(Clone, Copy)]
pub(super) struct Effects<'a> {
    pub opacity: u8,
    pub blend: Blend,
    pub clip: Option<&'a Shape>,
    pub mask: Option<&'a GroupMask<Ready>>,
}

impl Effects<'_> {
    /// Such a group is no more than its items: it does not isolate them.
    fn are_none(self) -> bool {
        self.opacity == 255 && self.blend == Blend::Normal && self.clip.is_none() && self.mask.is_none()
    }
}

pub(super) fn paint(painter: &mut Painter, items: &[Item<Ready>], effects: Effects<'_>, area: PxRect, target: &mut Target<'_>) {
    if effects.opacity == 0 {
        return;
    }
    if effects.are_none() {
        return painter.items(items, target);
    }
    let mut buffer = painter.scratch.take_buffer(area.width() as usize * area.height() as usize);
    let mut group = Target::new(area, &mut buffer);
    painter.items(items, &mut group);
    if let Some(shape) = effects.clip {
        clip(painter, shape, &mut group);
    }
    if let Some(mask) = effects.mask {
        apply_mask(painter, mask, &mut group);
    }
    composite(painter, effects, &mut group, target);
    painter.scratch.return_buffer(buffer);
}

/// Keeps what `shape` covers.
fn clip(painter: &mut Painter, shape: &Shape, group: &mut Target<'_>) {
    let level = painter.level;
    let area = group.window();
    // Spans come from the top down and from left to right: what lies between them is not covered.
    let mut kept_to = (area.y0, area.x0);
    let mut clear_until = |group: &mut Target<'_>, y: i32, x: i32, done: i32| {
        while kept_to.0 < y {
            group.span(kept_to.0, kept_to.1, area.x1).fill(0);
            kept_to = (kept_to.0 + 1, area.x0);
        }
        if y < area.y1 {
            group.span(y, kept_to.1, x).fill(0);
            kept_to.1 = done;
        }
    };
    painter.scratch.coverage.each_span(shape, area, |Span { y, x0, x1, cover }| {
        clear_until(group, y, x0, x1);
        match cover {
            Cover::Even(255) => {}
            Cover::Even(cover) => rows::scale(level, group.span(y, x0, x1), cover),
            Cover::Mask(mask) => rows::scale_by_mask(level, group.span(y, x0, x1), mask),
        }
    });
    clear_until(group, area.y1, area.x0, area.x0);
}

/// Scales by the alpha of the mask's pixels; outside of them nothing is left.
fn apply_mask(painter: &mut Painter, mask: &GroupMask<Ready>, group: &mut Target<'_>) {
    let placed = Placed { source: &mask.source, x: mask.x, y: mask.y };
    let area = group.window();
    let inside = area.intersect(placed.bounds());
    for y in area.y0..area.y1 {
        if y < inside.y0 || y >= inside.y1 {
            group.span(y, area.x0, area.x1).fill(0);
            continue;
        }
        group.span(y, area.x0, inside.x0).fill(0);
        if !placed.source.is_opaque() {
            rows::scale_by_row(painter.level, group.span(y, inside.x0, inside.x1), placed.span(y, inside.x0, inside.x1));
        }
        group.span(y, inside.x1, area.x1).fill(0);
    }
}

fn composite(painter: &Painter, effects: Effects<'_>, group: &mut Target<'_>, target: &mut Target<'_>) {
    let level = painter.level;
    let area = group.window();
    for y in area.y0..area.y1 {
        let source = group.span(y, area.x0, area.x1);
        let below = target.span(y, area.x0, area.x1);
        match (effects.blend, effects.opacity) {
            (Blend::Normal, 255) => rows::over_row(level, below, source),
            (Blend::Normal, opacity) => rows::over_row_alpha(level, below, source, opacity),
            (blend, opacity) => {
                if opacity != 255 {
                    rows::scale(level, source, opacity);
                }
                blend_row(level, blend, below, source);
            }
        }
    }
}
