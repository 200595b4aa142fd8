//! Lowering: a layout becomes a scene. Boxes, text and pictures turn into items; after this nobody asks what a layer was.

use crate::asset::Assets;
use crate::color::Premul;
use crate::geom::{Affine, Fx, FxRect, PxRect, Rect};
use crate::layer::LayerId;
use crate::layer::asks::{Around, Met, ToRead};
use crate::layer::emit::{Beneath, Emitter, Kept};
use crate::layer::values::Paint;
use crate::layout::{Layout, PlacedLayer};
use crate::scene::{Item, Lowered, Scene, Shape, TextAsk};

pub fn lower(layout: &Layout, assets: &Assets) -> Scene {
    let (mut items, background) = ground(layout);
    for placed in &layout.placed {
        items.extend(emitted(placed, layout, assets, None));
    }
    Scene::new(layout.size, background, items)
}

/// What lies behind all layers: a gradient is an item of its own.
fn ground(layout: &Layout) -> (Vec<Item<Lowered>>, Premul) {
    match layout.background {
        Some(Paint::Solid(color)) => (Vec::new(), color.premultiply()),
        Some(gradient @ Paint::Gradient(_)) => {
            let canvas = PxRect::of_size(layout.size);
            let whole = FxRect::new(Fx(0), Fx(0), Fx::from_int(canvas.x1), Fx::from_int(canvas.y1));
            let paint = emitter(layout, None).paint(gradient, Rect::new(0.0, 0.0, layout.width, layout.height), 1.0);
            (vec![Item::fill(Shape::Rect(whole), paint)], Premul::TRANSPARENT)
        }
        None => (Vec::new(), Premul::TRANSPARENT),
    }
}

fn emitter<'k>(layout: &Layout, beneath: Option<Beneath<'k>>) -> Emitter<'k> {
    Emitter { canvas: PxRect::of_size(layout.size), map: Affine::scale(layout.scale, layout.scale), beneath }
}

/// A layer's items. What lies off the canvas is nobody's work any more.
fn emitted(placed: &PlacedLayer, layout: &Layout, assets: &Assets, beneath: Option<Beneath>) -> Vec<Item<Lowered>> {
    let to = emitter(layout, beneath);
    let mut items = placed.layer.emit(&placed.content, placed.rect, &to, assets);
    items.retain(|item| to.sees(item));
    items
}

/// A poster that grows from its back: what lies beneath one text after the other.
pub struct Growing {
    items: Vec<Item<Lowered>>,
    background: Premul,
    /// How many of the poster's own layers are in it.
    layers: usize,
    /// Of the group that a text lies in, what ends beneath it.
    kept: Kept,
}

impl Growing {
    pub fn new(layout: &Layout) -> Growing {
        let (items, background) = ground(layout);
        Growing { items, background, layers: 0, kept: Kept::default() }
    }

    /// What is painted in a window before the letters of a text. To be asked in painting order, of one layout: what lies beneath does
    /// not change any more, and is not lowered again.
    pub fn beneath(&mut self, text: LayerId, window: PxRect, layout: &Layout, assets: &Assets) -> Scene {
        // Ids count depth first: the text lies in the last that is not after it.
        let within = layout.placed.partition_point(|placed| placed.layer.id <= text).saturating_sub(1);
        for placed in layout.placed.iter().take(within).skip(self.layers) {
            self.items.extend(emitted(placed, layout, assets, None));
        }
        self.layers = within.max(self.layers);
        let beneath = Beneath { text, window, kept: &self.kept };
        let own = layout.placed.get(within).map(|placed| emitted(placed, layout, assets, Some(beneath)));
        let meets = |item: &&Item<Lowered>| !item.bounds().intersect(window).is_empty();
        let own = own.unwrap_or_default();
        let met = self.items.iter().chain(&own).filter(meets).cloned().collect();
        Scene::new(layout.size, self.background, met)
    }
}

/// The codes that are to be read again once all is painted, in painting order.
pub fn codes<'l>(layout: &'l Layout) -> Vec<ToRead<'l>> {
    let mut codes = Vec::new();
    walk(layout, &mut |met| codes.extend(met.code()));
    codes
}

/// The texts whose contrast is to be measured, in painting order.
pub fn texts(layout: &Layout) -> Vec<(LayerId, TextAsk)> {
    let mut texts = Vec::new();
    walk(layout, &mut |met| texts.extend(met.text()));
    texts
}

fn walk<'l>(layout: &'l Layout, visit: &mut dyn FnMut(Met<'l>)) {
    let map = Affine::scale(layout.scale, layout.scale);
    let around = Around { canvas: PxRect::of_size(layout.size), map, opacity: 1.0, is_altered: false };
    layout.placed.iter().for_each(|placed| placed.layer.walk(&placed.content, placed.rect, around, visit));
}
