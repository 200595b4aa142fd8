//! `mask`: what of a layer is seen, by the alpha of a picture or a paint over its box.

use std::sync::Arc;

use crate::asset::{Assets, Source};
use crate::color::Color;
use crate::geom::{PxRect, Rect};
use crate::layer::emit::Emitter;
use crate::layer::image::{Fit, Image};
use crate::layer::values::{Paint, Radius};
use crate::layer::{Kind, Layer};
use crate::scene::{Blend, Blur, GroupMask, Item, Lowered, Recipe};
use crate::template::declare::fields;

fields! {
    /// What of a layer is seen: as much as this is opaque over its box, and nothing beyond.
    pub struct MaskFields {
        /// A picture, as of an image layer; or else `paint`.
        src: Option<Source>,
        /// How the picture fills the layer's box (CSS object-fit).
        fit: Fit = "fill",
        /// A colour or a gradient over the layer's box.
        paint: Option<Paint>,
    }
}

#[derive(Clone, Debug)]
pub enum Mask {
    Paint(Paint),
    /// An image layer that is fetched like any other and never drawn itself.
    Picture(Box<Layer>),
}

impl MaskFields {
    pub fn picture(src: Source, fit: Fit) -> Kind {
        Kind::Image(Image::plain(src, fit))
    }
}

impl Mask {
    /// What of the items it leaves.
    pub fn apply(&self, items: Vec<Item<Lowered>>, rect: Rect, to: &Emitter, assets: &Assets) -> Vec<Item<Lowered>> {
        if items.is_empty() {
            return items;
        }
        let over = match self {
            Mask::Paint(paint) => vec![Item::fill(to.round_box(rect, &Radius::NONE), to.paint(paint, rect, 1.0))],
            Mask::Picture(layer) => layer.image().map(|image| image.emit(layer.id, rect, to, assets)).unwrap_or_default(),
        };
        masked(items, over, to)
    }
}

/// As much of the items as others over them are opaque.
pub fn masked(items: Vec<Item<Lowered>>, over: Vec<Item<Lowered>>, to: &Emitter) -> Vec<Item<Lowered>> {
    let window = over.iter().fold(PxRect::default(), |all, item| all.union(item.bounds())).intersect(to.canvas);
    // Not blurred: the alpha of some items as pixels.
    let color = Color::BLACK.premultiply();
    let Some(recipe) = Recipe::blur(Blur { items: over, area: window, window, sigma: 0.0, color }) else { return Vec::new() };
    let mask = GroupMask { source: Arc::new(recipe), x: window.x0, y: window.y0 };
    vec![Item::group(items, 255, Blend::Normal, None, Some(mask))]
}
