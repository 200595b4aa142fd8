//! `ellipse`: an ellipse that fills its box, with a border.

use std::sync::Arc;

use crate::geom::{FxRect, Path, Rect, Segment};
use crate::layer::curves::Curves;
use crate::layer::emit::Emitter;
use crate::layer::values::{Border, Length, Paint, Radius};
use crate::scene::{Item, Lowered, Shape};
use crate::template::declare::fields;

fields! {
    /// An ellipse; a circle where the box is a square.
    pub struct Ellipse {
        /// What fills it: a colour or a gradient; nothing by default.
        fill: Option<Paint>,
        /// A line inside the edge, over the fill.
        border: Option<Border>,
    }
}

/// As the corners of a box, for what only asks whether they are round.
const ROUND: Radius = Radius([Length::Percent(50.0); 4]);

impl Ellipse {
    pub fn emit(&self, rect: Rect, to: &Emitter) -> Vec<Item<Lowered>> {
        let mut items = Vec::new();
        if let Some(fill) = &self.fill {
            let hidden = to.hidden_by(self.border.as_ref(), &ROUND);
            items.push(Item::fill(outline(rect.inset(hidden), to), to.paint(fill, rect, 1.0)));
        }
        if let Some(border) = self.border.as_ref().filter(|border| border.width > 0.0) {
            let mut ring = Vec::new();
            Curves::ellipse(rect).trace(to.map, &mut ring);
            let inner = rect.inset(border.width);
            if inner.width > 0.0 && inner.height > 0.0 {
                Curves::ellipse(inner).reversed().trace(to.map, &mut ring);
            }
            items.push(Item::fill(Shape::Path(Arc::new(Path::new(ring))), to.paint(&border.paint, rect, 1.0)));
        }
        items
    }

    /// As a caster of shadows: larger by so many layout pixels.
    pub fn grown(rect: Rect, to: &Emitter, by: f64) -> Shape {
        outline(rect.inset(-by), to)
    }

    /// What it hides of its shadow, counterclockwise.
    pub fn hole(&self, rect: Rect, to: &Emitter) -> Vec<Segment> {
        let opaque = self.fill.as_ref().is_some_and(Paint::is_opaque);
        let inset = if opaque { to.rim(rect) } else { 0.0 };
        let mut path = Vec::new();
        Curves::ellipse(rect.inset(inset)).reversed().trace(to.map, &mut path);
        path
    }
}

/// Its edges are not snapped to whole pixels.
fn outline(rect: Rect, to: &Emitter) -> Shape {
    if to.map.is_upright() {
        return Shape::Ellipse(FxRect::from_px(to.map.bounds_of(rect)));
    }
    Shape::Path(Arc::new(Curves::ellipse(rect).placed(to.map)))
}
