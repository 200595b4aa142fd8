//! `qr`: a QR code (ISO/IEC 18004) whose module edges lie on whole output pixels.

mod draw;
mod encode;
mod mask;

use std::sync::Arc;

use crate::asset::{Assets, Shown, Source};
use crate::color::Color;
use crate::geom::{Affine, Rect};
use crate::key::KeyBuilder;
use crate::layer::emit::{Emitter, Placed};
use crate::layer::image::{Fit, Image, OnError};
use crate::layer::values::{Paint, Pixels, Radius};
use crate::layer::{Content, Layer, LayerId, Surroundings};
use crate::layout::boxes::Given;
use crate::memo::Kind;
use crate::problem::{Code, Place, Problem};
use crate::scene::{Item, Lowered, Shape};
use crate::template::declare::{fields, number, words};
pub use encode::Coded;

/// The side of a module where nothing says how large the code shall be, in layout pixels.
const DEFAULT_MODULE_PX: f64 = 4.0;

words! {
    /// How much of the code may be damaged: about 7, 15, 25, 30 %.
    pub enum Level { L = "L", M = "M", Q = "Q", H = "H" }
}

words! {
    /// How modules look, and with them the three finders in the corners.
    pub enum ModuleStyle { Square = "square", Dot = "dot", Rounded = "rounded" }
}

impl ModuleStyle {
    /// Pixels of the output that a module needs so that phones read it; round ones must show that they are more dark than light.
    fn min_px(self) -> f64 {
        match self {
            ModuleStyle::Square => 2.0,
            ModuleStyle::Dot | ModuleStyle::Rounded => 3.0,
        }
    }

    /// What that comes to as the code lies: zxing-cpp misses one in ten of turned round codes with modules of 3 px, none with 4.
    pub fn least_px(self, is_straight: bool) -> f64 {
        match self {
            ModuleStyle::Dot | ModuleStyle::Rounded if !is_straight => 4.0,
            _ => self.min_px(),
        }
    }
}

number! {
    /// Light modules around the code; ISO/IEC 18004 asks for 4.
    pub struct QuietZone(u32) in [0, 32], "modules";
}

fields! {
    /// A QR code.
    pub struct QrFields {
        /// What it says, in UTF-8: at most 2,953 bytes (level L).
        data: String,
        /// The side of the whole square with its quiet zone, in pixels; instead of width and height.
        size: Option<Pixels>,
        /// How much may be damaged: L 7 %, M 15 %, Q 25 %, H 30 %.
        level: Level = "M",
        /// Light modules around the code.
        quiet_zone: QuietZone = 4,
        /// Of the dark modules.
        color: Paint = "#000000",
        /// Beneath the code, quiet zone included; may be transparent.
        background: Color = "#ffffff",
        /// How modules look; the finders in the corners follow.
        module: ModuleStyle = "square",
        /// A picture in the middle, at most a fifth of the code's side; raises `level` to `Q` at least.
        logo: Option<Source>,
        /// What becomes of the logo when its source failed: the render fails, the code stands without it, or a grey square stands in.
        on_error: OnError = "fail",
        /// Whether the code is read again from the finished picture, which fails where it cannot be read; by default where something makes that
        /// doubtful: a logo, round modules, little contrast, no background, `rotate`, `flip`, `opacity`, `blend` or a mask.
        verify: Option<bool>,
    }
}

#[derive(Clone, Debug)]
pub struct Qr {
    pub look: QrFields,
    /// A layer that is fetched like any other and drawn with the code.
    pub logo: Option<Box<Layer>>,
}

impl QrFields {
    /// The picture of the logo, if there is one.
    pub fn picture(&self) -> Option<Image> {
        self.logo.as_ref().map(|src| Image { on_error: self.on_error, ..Image::plain(src.clone(), Fit::Contain) })
    }
}

/// A code measured.
#[derive(Clone, Debug)]
pub struct Measured {
    pub coded: Arc<Coded>,
    pub side: f64,
}

impl Qr {
    fn side_in_modules(&self, coded: &Coded) -> f64 {
        coded.modules.width as f64 + 2.0 * f64::from(self.look.quiet_zone.get())
    }

    /// A logo that failed and hides leaves no hole.
    fn logo_shown(&self, assets: &Assets) -> Option<&Layer> {
        self.logo.as_deref().filter(|logo| !matches!(assets.get(logo.id.0), Shown::Hidden | Shown::Nothing))
    }

    pub fn measure(&self, given: Given, id: LayerId, place: &Place, around: &Surroundings) -> Result<Content, Problem> {
        let QrFields { data, level, module, .. } = &self.look;
        let too_long = || {
            Problem::new(place.child("data"), Code::CodeUnreadable, format!("{} bytes do not fit into a QR code", data.len()))
                .hint("shorten the data or lower the level")
        };
        let has_logo = self.logo_shown(around.assets).is_some();
        let level = around.choices.level(id).map_or(*level, |raised| raised.max(*level));
        let key = KeyBuilder::new("qr modules").bytes(data.as_bytes()).u8(level as u8).u8(u8::from(has_logo)).finish();
        let make = || if has_logo { Coded::with_logo(data, level) } else { Coded::plain(data, level) }.ok_or_else(too_long);
        let coded = around.memo.get_or_make(Kind::Code, key, Coded::weight, make)?;
        let n = self.side_in_modules(&coded);
        let side = match (given.width, given.height) {
            (Some(w), Some(h)) => w.min(h),
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => n * DEFAULT_MODULE_PX,
        };
        let px = side * around.scale / n;
        let least = module.min_px();
        if px < least {
            let needed = (n * least / around.scale).ceil();
            return Err(Problem::new(
                place.child("size"),
                Code::CodeUnreadable,
                format!("{n} modules in {side} px make modules of {px:.2} output pixels; readers need {least}"),
            )
            .hint(format!("make it at least {needed} px, shorten the data, or lower the level")));
        }
        Ok(Content::Code(Measured { coded, side }))
    }

    /// A box that is not square holds the code in its middle.
    fn square(rect: Rect) -> Rect {
        let side = rect.width.min(rect.height);
        let (cx, cy) = rect.center();
        Rect::new(cx - side / 2.0, cy - side / 2.0, side, side)
    }

    pub fn emit(&self, measured: &Measured, rect: Rect, to: &Emitter, assets: &Assets) -> Vec<Item<Lowered>> {
        let QrFields { color, background, module, .. } = &self.look;
        let coded = &measured.coded;
        let square = Qr::square(rect);
        let mut items = Vec::new();
        if background.a > 0 {
            items.push(Item::fill(to.round_box(square, &Radius::NONE), to.paint(&Paint::Solid(*background), square, 1.0)));
        }
        let grid = self.grid(coded, square, to);
        let path = draw::outline(*module, &coded.shown(), |x, y| grid.point(x, y));
        items.push(Item::fill(Shape::Path(Arc::new(path)), to.paint(color, square, 1.0)));
        if let (Some(logo), Some(hole)) = (self.logo_shown(assets), coded.hole) {
            let one = square.width / self.side_in_modules(coded);
            let start = (hole.x as f64 + f64::from(self.look.quiet_zone.get()) + 0.5) * one;
            let side = (hole.side as f64 - 1.0) * one;
            let rect = Rect::new(square.x + start, square.y + start, side, side);
            items.extend(logo.image().map(|image| image.emit(logo.id, rect, to, assets)).into_iter().flatten());
        }
        items
    }

    fn grid(&self, coded: &Coded, square: Rect, to: &Emitter) -> draw::Grid {
        let placed = to.snap(square);
        let (frame, snapped) = match placed {
            Placed::Upright(px) | Placed::Mirrored(px, _) => (px.to_rect(), true),
            Placed::Turned => (square, false),
        };
        let quiet = f64::from(self.look.quiet_zone.get());
        draw::Grid { frame, modules: self.side_in_modules(coded), quiet, map: placed.map(to), snapped }
    }

    /// From modules, counted from the code's top left without its quiet zone, to output pixels.
    pub fn modules_to_pixels(&self, coded: &Coded, rect: Rect, to: &Emitter) -> Affine {
        let grid = self.grid(coded, Qr::square(rect), to);
        let one = grid.frame.width / grid.modules;
        grid.map
            .then_inner(Affine::translate(grid.frame.x, grid.frame.y))
            .then_inner(Affine::scale(one, grid.frame.height / grid.modules))
            .then_inner(Affine::translate(grid.quiet, grid.quiet))
    }
}
