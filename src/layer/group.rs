//! `group`: layers in a box of their own, with a background and a border, treated as one.

use serde_json::{Value, json};

use crate::asset::Assets;
use crate::geom::{Affine, Rect};
use crate::layer::emit::Emitter;
use crate::layer::values::{Border, Paint, Radius};
use crate::layer::{Content, Layer, Surroundings};
use crate::layout::boxes::{BoxSpec, Given, Parent};
use crate::problem::Problem;
use crate::scene::{Item, Lowered};
use crate::template::declare::fields;

fields! {
    /// A group's own fields besides its layers.
    pub struct GroupFields {
        /// Beneath its layers: a colour or a gradient over its box.
        background: Option<Paint>,
        /// A line inside the edge, over its layers.
        border: Option<Border>,
        /// Of background, border and clip: pixels, `"50%"`, or `[tl, tr, br, bl]`; oversize radii shrink as in CSS.
        radius: Radius = 0,
    }
}

#[derive(Clone, Debug)]
pub struct Group {
    pub look: GroupFields,
    /// Back to front; placed from the top left of the group's box.
    pub layers: Vec<Layer>,
}

/// The JSON Schema of a group's `layers`.
pub fn layers_schema() -> Value {
    json!({
        "type": "array",
        "items": { "$ref": "#/$defs/layer" },
        "description": "Placed from the top left of this box, painted in order: the first lies at the back.",
    })
}

impl Group {
    /// Without sizes it reaches from its origin to its layers' far edges. Those that hang on an edge that is only found that way
    /// are placed when it is.
    pub fn measure(&self, given: Given, around: &Surroundings) -> Result<Content, Problem> {
        let mut inside: Vec<Option<(Rect, Content)>> = self.layers.iter().map(|_| None).collect();
        let (mut width, mut height) = (0.0_f64, 0.0_f64);
        let waits = |frame: &BoxSpec| frame.waits_for(given.width.is_none(), given.height.is_none());
        let known = Parent { width: given.width, height: given.height };
        for (slot, layer) in inside.iter_mut().zip(&self.layers).filter(|(_, layer)| !waits(&layer.frame)) {
            let (rect, content) = layer.place_in(known, around)?;
            (width, height) = (width.max(rect.right()), height.max(rect.bottom()));
            *slot = Some((rect, content));
        }
        let size = (given.width.unwrap_or(width), given.height.unwrap_or(height));
        let found = Parent { width: Some(size.0), height: Some(size.1) };
        for (slot, layer) in inside.iter_mut().zip(&self.layers).filter(|(_, layer)| waits(&layer.frame)) {
            *slot = Some(layer.place_in(found, around)?);
        }
        Ok(Content::Group { size, inside: inside.into_iter().flatten().collect() })
    }

    /// `inside` is what each of its layers measured, in their order.
    pub fn emit(&self, inside: &[(Rect, Content)], rect: Rect, to: &Emitter, assets: &Assets) -> Vec<Item<Lowered>> {
        let GroupFields { background, border, radius } = &self.look;
        let mut items = Vec::new();
        if let Some(background) = background {
            items.push(Item::fill(to.content_box(rect, radius, border.as_ref()), to.paint(background, rect, 1.0)));
        }
        let map = to.map.then_inner(Affine::translate(rect.x, rect.y));
        for (layer, (rect, content)) in self.layers.iter().zip(inside) {
            let painted = layer.emit(content, *rect, to.canvas, map, assets);
            items.extend(painted.into_iter().filter(|item| !item.bounds().intersect(to.canvas).is_empty()));
        }
        if let Some(border) = border {
            items.extend(to.border(rect, radius, border, 1.0));
        }
        items
    }
}
