//! `rect`: a filled box with round corners and a border.

use crate::geom::Rect;
use crate::layer::emit::Emitter;
use crate::layer::values::{Border, Paint, Radius};
use crate::scene::{Item, Lowered};
use crate::template::declare::fields;

fields! {
    /// A filled box.
    pub struct RectLayer {
        /// What fills it: a colour or a gradient; nothing by default.
        fill: Option<Paint>,
        /// Corner radius: pixels, `"50%"`, or `[tl, tr, br, bl]`; oversize radii shrink as in CSS.
        radius: Radius = 0,
        /// A line inside the edge, over the fill.
        border: Option<Border>,
    }
}

impl RectLayer {
    pub fn emit(&self, rect: Rect, to: &Emitter) -> Vec<Item<Lowered>> {
        let mut items = Vec::new();
        if let Some(fill) = &self.fill {
            items.push(Item::fill(to.content_box(rect, &self.radius, self.border.as_ref()), to.paint(fill, rect, 1.0)));
        }
        if let Some(border) = &self.border {
            items.extend(to.border(rect, &self.radius, border, 1.0));
        }
        items
    }
}
