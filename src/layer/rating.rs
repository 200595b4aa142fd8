//! `rating`: stars, filled as far as the value goes.

use std::sync::Arc;

use crate::geom::{FxPoint, Path, Rect, Segment};
use crate::layer::Content;
use crate::layer::emit::Emitter;
use crate::layer::stack::Space;
use crate::layer::values::{Paint, Radius};
use crate::layout::boxes::Given;
use crate::scene::{Blend, Item, Lowered, Shape};
use crate::template::declare::{fields, number};

number! {
    /// How many stars are full.
    pub struct Stars(f64) in [0.0, 20.0], "stars";
    /// How many stars there are.
    pub struct Count(u32) in [1, 20], "stars";
}

fields! {
    /// Stars in a row.
    pub struct Rating {
        /// How many of them are full; 3.5 fills half of the fourth.
        value: Stars,
        /// How many there are.
        max: Count = 5,
        /// Of full stars: a colour or a gradient over the layer's box.
        color: Paint = "#f59e0b",
        /// Of empty stars.
        track: Paint = "#e5e7eb",
        /// Room between stars in pixels.
        gap: Space = 4,
    }
}

/// The side of a star where nothing says how large they are.
const SIDE: f64 = 24.0;
/// How far the inner corners of a star lie from its middle, against the outer ones: plumper than a pentagram's 0.382.
const INNER: f64 = 0.45;

impl Rating {
    fn gaps(&self) -> f64 {
        self.gap.get() * f64::from(self.max.get() - 1)
    }

    pub fn measure(&self, given: Given) -> Content {
        let count = f64::from(self.max.get());
        let (width, height) = match (given.width, given.height) {
            (Some(w), Some(h)) => (w, h),
            (Some(w), None) => (w, ((w - self.gaps()) / count).max(0.0)),
            (None, Some(h)) => (h * count + self.gaps(), h),
            (None, None) => (SIDE * count + self.gaps(), SIDE),
        };
        Content::Plain { width, height }
    }

    pub fn emit(&self, rect: Rect, to: &Emitter) -> Vec<Item<Lowered>> {
        let count = self.max.get();
        let side = ((rect.width - self.gaps()) / f64::from(count)).min(rect.height);
        if side <= 0.0 {
            return Vec::new();
        }
        let left = |star: f64| rect.x + star * (side + self.gap.get());
        let mut segments = Vec::new();
        for star in 0..count {
            star_at(left(f64::from(star)), rect.y + (rect.height - side) / 2.0, side, to, &mut segments);
        }
        let shape = Shape::Path(Arc::new(Path::new(segments)));
        let mut items = vec![Item::fill(shape.clone(), to.paint(&self.track, rect, 1.0))];
        let value = self.value.get().min(f64::from(count));
        if value > 0.0 {
            let right = left(value.floor()) + side * value.fract();
            // Up to a gap for whole stars, so that the cut touches none.
            let right = if value.fract() == 0.0 { right - self.gap.get() / 2.0 } else { right };
            let full = Rect::new(rect.x, rect.y, right - rect.x, rect.height);
            let fill = Item::fill(shape, to.paint(&self.color, rect, 1.0));
            items.push(Item::group(vec![fill], 255, Blend::Normal, Some(to.round_box(full, &Radius::NONE)), None));
        }
        items
    }
}

/// A star of five points that touches the top and both sides of its square, upright in the middle.
fn star_at(x: f64, y: f64, side: f64, to: &Emitter, segments: &mut Vec<Segment>) {
    // Of a star within a circle of radius 1: its points lie sin 72° to the sides, 1 above and cos 36° below the middle.
    let (reach, low) = (libm::sin(core::f64::consts::TAU / 5.0), libm::cos(core::f64::consts::PI / 5.0));
    let radius = (side / (2.0 * reach)).min(side / (1.0 + low));
    let (cx, cy) = (x + side / 2.0, y + (side - radius * (1.0 + low)) / 2.0 + radius);
    for corner in 0..10_u32 {
        let turn = f64::from(corner) * core::f64::consts::PI / 5.0;
        let by = if corner % 2 == 0 { radius } else { radius * INNER };
        let (px, py) = to.map.apply(cx + by * libm::sin(turn), cy - by * libm::cos(turn));
        let point = FxPoint::from_px(px, py);
        segments.push(if corner == 0 { Segment::Move(point) } else { Segment::Line(point) });
    }
    segments.push(Segment::Close);
}
