//! Lowering: a layout becomes a scene. Boxes, text and pictures turn into items; after this nobody asks what a layer was.

use crate::asset::Assets;
use crate::color::Premul;
use crate::geom::{Affine, Fx, FxRect, PxRect, Rect};
use crate::layer::asks::{Around, ToRead};
use crate::layer::emit::Emitter;
use crate::layer::values::Paint;
use crate::layout::Layout;
use crate::scene::{Item, Scene, Shape};

pub fn lower(layout: &Layout, assets: &Assets) -> Scene {
    let canvas = PxRect::of_size(layout.size);
    let map = Affine::scale(layout.scale, layout.scale);
    let mut items = Vec::new();
    let background = match layout.background {
        Some(Paint::Solid(color)) => color.premultiply(),
        Some(gradient @ Paint::Gradient(_)) => {
            let whole = FxRect::new(Fx(0), Fx(0), Fx::from_int(canvas.x1), Fx::from_int(canvas.y1));
            let paint = Emitter { canvas, map }.paint(gradient, Rect::new(0.0, 0.0, layout.width, layout.height), 1.0);
            items.push(Item::fill(Shape::Rect(whole), paint));
            Premul::TRANSPARENT
        }
        None => Premul::TRANSPARENT,
    };
    for placed in &layout.placed {
        let painted = placed.layer.emit(&placed.content, placed.rect, canvas, map, assets);
        // What lies off the canvas is nobody's work any more.
        items.extend(painted.into_iter().filter(|item| !item.bounds().intersect(canvas).is_empty()));
    }
    Scene::new(layout.size, background, items)
}

/// The codes that are to be read again once all is painted, in painting order.
pub fn codes<'l>(layout: &'l Layout) -> Vec<ToRead<'l>> {
    let (canvas, map) = (PxRect::of_size(layout.size), Affine::scale(layout.scale, layout.scale));
    let around = Around { canvas, map, is_altered: false };
    let mut codes = Vec::new();
    layout.placed.iter().for_each(|placed| placed.layer.codes(&placed.content, placed.rect, around, &mut codes));
    codes
}
