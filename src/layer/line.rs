//! `line`: a straight line from one point to another.

use std::sync::Arc;

use crate::geom::Rect;
use crate::layer::Content;
use crate::layer::curves::stroke::Stroke;
use crate::layer::curves::{Curves, Drawing};
use crate::layer::emit::Emitter;
use crate::layer::values::Point;
use crate::problem::{Place, Problem};
use crate::scene::{Item, Lowered};
use crate::template::declare::fields;

fields! {
    /// A straight line from `x`, `y`; it has no other fields of the box.
    pub struct LineLayer {
        /// Where it ends: `[x, y]` of the parent, pixels or percentages.
        to: Point,
        /// How it is drawn.
        stroke: Stroke,
    }
}

/// The fields of the box that a line's two ends stand for.
pub const NOT_OF_A_LINE: [&str; 10] =
    ["right", "bottom", "width", "height", "min_width", "max_width", "min_height", "max_height", "aspect_ratio", "anchor"];

impl LineLayer {
    /// `ahead` is where it ends, counted from where it begins.
    pub fn measure(&self, ahead: (f64, f64), place: &Place, scale: f64) -> Result<Content, Problem> {
        // From the top left of the box around both ends.
        let from = (f64::max(0.0, -ahead.0), f64::max(0.0, -ahead.1));
        let line = Curves::line(from, (from.0 + ahead.0, from.1 + ahead.1));
        let stroke = self.stroke.outline(&line, scale, &place.child("stroke"))?.map(Arc::new);
        Ok(Content::Drawing(Drawing { size: (ahead.0.abs(), ahead.1.abs()), fill: None, stroke }))
    }

    pub fn emit(&self, drawing: &Drawing, rect: Rect, to: &Emitter) -> Vec<Item<Lowered>> {
        drawing.emit(rect, None, Some(&self.stroke.color), to)
    }
}
