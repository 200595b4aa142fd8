//! Lowering: a layout becomes a scene. Boxes, text and pictures turn into items; after this nobody asks what a layer was.

use crate::asset::Assets;
use crate::color::Premul;
use crate::geom::{Affine, Fx, FxRect, PxRect, Rect};
use crate::layer::LayerId;
use crate::layer::asks::{Around, Met, ToRead};
use crate::layer::emit::Emitter;
use crate::layer::values::Paint;
use crate::layout::Layout;
use crate::scene::{Item, Scene, Shape, TextAsk};

pub fn lower(layout: &Layout, assets: &Assets) -> Scene {
    lower_as(layout, assets, None)
}

/// What is painted before the letters of a text.
pub fn lower_beneath(layout: &Layout, assets: &Assets, text: LayerId) -> Scene {
    lower_as(layout, assets, Some(text))
}

fn lower_as(layout: &Layout, assets: &Assets, beneath: Option<LayerId>) -> Scene {
    let canvas = PxRect::of_size(layout.size);
    let to = Emitter { canvas, map: Affine::scale(layout.scale, layout.scale), beneath };
    let mut items = Vec::new();
    let background = match layout.background {
        Some(Paint::Solid(color)) => color.premultiply(),
        Some(gradient @ Paint::Gradient(_)) => {
            let whole = FxRect::new(Fx(0), Fx(0), Fx::from_int(canvas.x1), Fx::from_int(canvas.y1));
            let paint = to.paint(gradient, Rect::new(0.0, 0.0, layout.width, layout.height), 1.0);
            items.push(Item::fill(Shape::Rect(whole), paint));
            Premul::TRANSPARENT
        }
        None => Premul::TRANSPARENT,
    };
    for placed in &layout.placed {
        let painted = placed.layer.emit(&placed.content, placed.rect, &to, assets);
        // What lies off the canvas is nobody's work any more.
        items.extend(painted.into_iter().filter(|item| !item.bounds().intersect(canvas).is_empty()));
    }
    Scene::new(layout.size, background, items)
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
