//! What is to be asked of the finished pixels, and where on them each layer lies.

use crate::color::{Color, luma};
use crate::geom::{Affine, PxRect, Rect};
use crate::layer::emit::Emitter;
use crate::layer::qr::{Measured, ModuleStyle, Qr};
use crate::layer::values::Paint;
use crate::layer::{Content, Kind, Layer, LayerId};
use crate::scene::{Blend, CodeAsk, TextAsk};

/// Dark and light of a code that are closer than this, of 255, make it doubtful: 40 % of ISO/IEC 15415's symbol contrast.
const DOUBTFUL: u8 = 102;

/// Where a layer lies among the others.
#[derive(Clone, Copy)]
pub struct Around {
    pub canvas: PxRect,
    /// From layout pixels of its parent to output pixels.
    pub map: Affine,
    /// Of the groups around it.
    pub opacity: f64,
    /// Whether a group around it changes how it is seen: opacity, blend, mask.
    pub is_altered: bool,
}

/// A layer that is drawn; of what lies around it, itself included.
#[derive(Clone, Copy)]
pub struct Met<'l> {
    pub layer: &'l Layer,
    pub content: &'l Content,
    pub rect: Rect,
    around: Around,
}

/// A code to be read again.
#[derive(Debug)]
pub struct ToRead<'l> {
    pub layer: &'l Layer,
    pub measured: &'l Measured,
    pub ask: CodeAsk,
}

impl Layer {
    /// Shows it and all that lies in it, in painting order.
    pub fn walk<'l>(&'l self, content: &'l Content, rect: Rect, around: Around, visit: &mut dyn FnMut(Met<'l>)) {
        if self.opacity <= 0.0 {
            return;
        }
        let map = self.turned(rect, around.map);
        let is_altered = around.is_altered || self.opacity < 1.0 || self.blend != Blend::Normal || self.mask.is_some();
        let around = Around { map, opacity: around.opacity * self.opacity, is_altered, ..around };
        visit(Met { layer: self, content, rect, around });
        if let (Kind::Group(group), Content::Group { inside, .. }) = (&self.kind, content) {
            let map = map.then_inner(Affine::translate(rect.x, rect.y));
            for (layer, (rect, content)) in group.layers.iter().zip(inside.iter()) {
                layer.walk(content, *rect, Around { map, ..around }, visit);
            }
        }
    }
}

impl<'l> Met<'l> {
    fn emitter(&self) -> Emitter<'static> {
        Emitter { canvas: self.around.canvas, map: self.around.map, beneath: None }
    }

    pub fn code(&self) -> Option<ToRead<'l>> {
        let (Kind::Qr(qr), Content::Code(measured)) = (&self.layer.kind, self.content) else { return None };
        let doubtful = self.around.is_altered || !self.around.map.is_upright() || qr.is_doubtful(measured);
        if !qr.look.verify.unwrap_or(doubtful) {
            return None;
        }
        let (side, dark) = (measured.coded.modules.width, measured.coded.modules.dark.clone());
        let map = qr.modules_to_pixels(&measured.coded, self.rect, &self.emitter());
        let is_straight = (map.b == 0.0 && map.c == 0.0) || (map.a == 0.0 && map.d == 0.0);
        let least_px = qr.look.module.least_px(is_straight);
        let ask = CodeAsk { data: qr.look.data.clone().into_bytes(), side, dark, map, least_px };
        Some(ToRead { layer: self.layer, measured, ask })
    }

    pub fn text(&self) -> Option<(LayerId, TextAsk)> {
        let (Kind::Text(text), Some(laid)) = (&self.layer.kind, self.content.laid()) else { return None };
        let contrast = text.contrast.as_ref()?;
        let mut boxes = text.boxes(laid, self.rect, &self.emitter());
        for color in boxes.iter_mut().flat_map(|one| &mut one.colors) {
            color.a = (f64::from(color.a) * self.around.opacity).round() as u8;
        }
        Some((self.layer.id, TextAsk { boxes, map: self.around.map, min: contrast.min.get(), fix: contrast.fix }))
    }
}

impl Qr {
    /// Whether its looks alone make it doubtful that it can be read.
    fn is_doubtful(&self, measured: &Measured) -> bool {
        let look = &self.look;
        let luma = |color: Color| luma(color.r, color.g, color.b);
        let ground = luma(look.background);
        let near = |color: Color| color.a < 255 || luma(color).abs_diff(ground) < DOUBTFUL;
        look.module != ModuleStyle::Square
            || measured.coded.hole.is_some()
            || look.background.a < 255
            || match &look.color {
                Paint::Solid(color) => near(*color),
                Paint::Gradient(gradient) => gradient.stops.iter().any(|stop| near(stop.color)),
            }
    }
}

/// The layers over a box that come after a layer, as far as their own boxes tell.
pub fn over<'l>(id: LayerId, rect: Rect, all: impl Iterator<Item = (&'l Layer, Rect)>) -> Vec<&'l Layer> {
    let meets =
        |other: &Rect| other.x < rect.right() && rect.x < other.right() && other.y < rect.bottom() && rect.y < other.bottom();
    let above = all.filter(|(layer, other)| layer.id > id && layer.opacity > 0.0 && meets(other));
    above.map(|(layer, _)| layer).collect()
}
