//! `group` and `stack`: layers in a box of their own, with a background and a border, treated as one.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::asset::Assets;
use crate::geom::{Affine, Rect};
use crate::layer::anchor::Siblings;
use crate::layer::emit::Emitter;
use crate::layer::flow;
use crate::layer::stack::Flow;
use crate::layer::values::{Border, Paint, Radius};
use crate::layer::{Content, Layer, LayerId, Surroundings, all};
use crate::layout::boxes::{Given, Parent};
use crate::problem::{Place, Problem, Problems};
use crate::scene::{Item, Lowered};
use crate::template::declare::fields;

fields! {
    /// How the box of a group or a stack looks.
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
    /// Of a stack: how its layers follow one another. Those of a group lie where they say.
    pub flow: Option<Flow>,
    /// Back to front; placed from the top left of the group's box, or of the stack's padding.
    pub layers: Vec<Layer>,
}

/// The JSON Schema of `layers` within a layer.
pub fn layers_schema() -> Value {
    json!({
        "type": "array",
        "items": { "$ref": "#/$defs/layer" },
        "description": "Placed from the top left of this box, painted in order: the first lies at the back.",
    })
}

impl Group {
    pub fn measure(&self, given: Given, place: &Place, around: &Surroundings) -> Result<Content, Problem> {
        match &self.flow {
            Some(flow) => flow::lay_out(self, flow, given, place, around),
            None => self.lay_out(given, around),
        }
    }

    /// Without sizes it reaches from its origin to its layers' far edges. Those that hang on an edge that is only found that way
    /// are placed when it is.
    fn lay_out(&self, given: Given, around: &Surroundings) -> Result<Content, Problem> {
        let mut problems = Problems::new();
        let mut siblings = Siblings::of(&self.layers, &mut problems);
        let waits = siblings.with_followers(|layer| layer.frame.waits_for(given.width.is_none(), given.height.is_none()));
        let known = Parent { width: given.width, height: given.height };
        let (right, bottom) = siblings.put(&waits, false, known, around, &mut problems);
        let size = (given.width.unwrap_or(right), given.height.unwrap_or(bottom));
        let found = Parent { width: Some(size.0), height: Some(size.1) };
        siblings.put(&waits, true, found, around, &mut problems);
        match problems.list().first() {
            Some(problem) => Err(problem.clone()),
            None => Ok(Content::Group { size, inside: Arc::new(siblings.placed.into_iter().flatten().collect()) }),
        }
    }

    /// `inside` is what each of its layers measured, in their order.
    pub fn emit(&self, inside: &[(Rect, Content)], rect: Rect, to: &Emitter, assets: &Assets) -> Vec<Item<Lowered>> {
        let GroupFields { background, border, radius } = &self.look;
        let mut items = Vec::new();
        if let Some(background) = background {
            items.push(Item::fill(to.content_box(rect, radius, border.as_ref()), to.paint(background, rect, 1.0)));
        }
        let inner = Emitter { map: to.map.then_inner(Affine::translate(rect.x, rect.y)), ..*to };
        for (at, (layer, (rect, content))) in self.layers.iter().zip(inside).enumerate() {
            let emit = |to: Emitter| layer.emit(content, *rect, &to, assets);
            // What ends before another layer that lies beneath the text, or is it, does not change any more.
            let painted = match to.beneath.filter(|beneath| self.layers.get(at + 1).is_some_and(|next| next.id <= beneath.text)) {
                Some(beneath) => beneath.kept.or_emit(layer.id, to.canvas, || emit(Emitter { beneath: None, ..inner })),
                None => emit(inner),
            };
            items.extend(painted.into_iter().filter(|item| to.sees(item)));
        }
        // It lies over the layers: beneath one of them it is not there yet.
        let inside = |id: LayerId| all(&self.layers).iter().any(|layer| layer.id == id);
        if let Some(border) = border.as_ref().filter(|_| !to.beneath.is_some_and(|beneath| inside(beneath.text))) {
            items.extend(to.border(rect, radius, border, 1.0));
        }
        items
    }
}
