//! `qr`: a QR code (ISO/IEC 18004) whose module edges lie on whole output pixels.

mod mask;

use std::sync::Arc;

use qrcode::bits::{Bits, encode_auto};
use qrcode::canvas::Canvas;
use qrcode::ec::construct_codewords;
use qrcode::{Color as Module, EcLevel, Version};

use crate::color::Color;
use crate::geom::{Affine, FxPoint, Path, PxRect, Rect};
use crate::key::KeyBuilder;
use crate::layer::emit::{Emitter, Placed};
use crate::layer::modules::Modules;
use crate::layer::values::{Paint, Pixels, Radius};
use crate::layer::{Content, Surroundings};
use crate::layout::boxes::Given;
use crate::memo::Kind;
use crate::problem::{Code, Place, Problem};
use crate::scene::{Item, Lowered, Shape};
use crate::template::declare::{fields, number, words};

/// Pixels of the output that a module needs so that phones read it.
const MIN_MODULE_PX: f64 = 2.0;
/// The side of a module where nothing says how large the code shall be, in layout pixels.
const DEFAULT_MODULE_PX: f64 = 4.0;

words! {
    /// How much of the code may be damaged: about 7, 15, 25, 30 %.
    pub enum Level { L = "L", M = "M", Q = "Q", H = "H" }
}

number! {
    /// Light modules around the code; ISO/IEC 18004 asks for 4.
    pub struct QuietZone(u32) in [0, 32], "modules";
}

fields! {
    /// A QR code.
    pub struct Qr {
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
    }
}

impl Modules {
    /// The code of the smallest version that holds `data`; `None` when none does.
    ///
    /// Text beyond ASCII is written as UTF-8 bytes behind ECI 26: without it readers guess, and the crate's own choice
    /// of Kanji mode turns UTF-8 that looks like Shift JIS into garbage.
    pub fn encode(data: &str, level: Level) -> Option<Modules> {
        let level = match level {
            Level::L => EcLevel::L,
            Level::M => EcLevel::M,
            Level::Q => EcLevel::Q,
            Level::H => EcLevel::H,
        };
        if data.is_ascii() { finished(encode_auto(data.as_bytes(), level).ok()?, level) } else { utf8_code(data, level) }
    }
}

/// The code of these bits with its error correction and mask.
fn finished(bits: Bits, level: EcLevel) -> Option<Modules> {
    let version = bits.version();
    let side = usize::try_from(version.width()).ok()?;
    let (data, correction) = construct_codewords(&bits.into_bytes(), version, level).ok()?;
    let mut canvas = Canvas::new(version, level);
    canvas.draw_all_functional_patterns();
    canvas.draw_data(&data, &correction);
    let dark = mask::masked(&canvas, side)?.into_colors().into_iter().map(|module| module == Module::Dark).collect();
    Some(Modules { width: side, dark })
}

fn utf8_code(data: &str, level: EcLevel) -> Option<Modules> {
    const ECI_UTF8: u32 = 26;
    (1..=40).find_map(|version| {
        let mut bits = Bits::new(Version::Normal(version));
        bits.push_eci_designator(ECI_UTF8).ok()?;
        bits.push_byte_data(data.as_bytes()).ok()?;
        bits.push_terminator(level).ok()?;
        finished(bits, level)
    })
}

impl Qr {
    fn side_in_modules(&self, modules: &Modules) -> f64 {
        modules.width as f64 + 2.0 * f64::from(self.quiet_zone.get())
    }

    pub fn measure(&self, given: Given, place: &Place, around: &Surroundings) -> Result<Content, Problem> {
        let too_long = || {
            Problem::new(
                place.child("data"),
                Code::CodeUnreadable,
                format!("{} bytes do not fit into a QR code", self.data.len()),
            )
            .hint("shorten the data or lower the level")
        };
        let key = KeyBuilder::new("qr modules").bytes(self.data.as_bytes()).u8(self.level as u8).finish();
        let make = || Modules::encode(&self.data, self.level).ok_or_else(too_long);
        let modules = around.memo.get_or_make(Kind::Code, key, Modules::weight, make)?;
        let n = self.side_in_modules(&modules);
        let side = match (given.width, given.height) {
            (Some(w), Some(h)) => w.min(h),
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => n * DEFAULT_MODULE_PX,
        };
        let module = side * around.scale / n;
        if module < MIN_MODULE_PX {
            let needed = (n * MIN_MODULE_PX / around.scale).ceil();
            return Err(Problem::new(
                place.child("size"),
                Code::CodeUnreadable,
                format!("{n} modules in {side} px make modules of {module:.2} output pixels; readers need {MIN_MODULE_PX}"),
            )
            .hint(format!("make it at least {needed} px, shorten the data, or lower the level")));
        }
        Ok(Content::Code(modules, side))
    }

    pub fn emit(&self, modules: &Modules, rect: Rect, to: &Emitter) -> Vec<Item<Lowered>> {
        // A box that is not square holds the code in its middle.
        let side = rect.width.min(rect.height);
        let (cx, cy) = rect.center();
        let square = Rect::new(cx - side / 2.0, cy - side / 2.0, side, side);
        let mut items = Vec::new();
        if self.background.a > 0 {
            items.push(Item::fill(to.round_box(square, &Radius::NONE), to.paint(&Paint::Solid(self.background), square, 1.0)));
        }
        let placed = to.snap(square);
        let path = match placed {
            Placed::Upright(px) | Placed::Mirrored(px, _) => self.snapped(modules, px, placed.map(to)),
            Placed::Turned => self.turned(modules, square, to),
        };
        items.push(Item::fill(Shape::Path(Arc::new(path)), to.paint(&self.color, square, 1.0)));
        items
    }

    /// Edges rounded to whole pixels: modules differ by a pixel at most, and the code fills its square.
    fn snapped(&self, modules: &Modules, px: PxRect, map: Affine) -> Path {
        let n = self.side_in_modules(modules);
        let quiet = self.quiet_zone.get() as usize;
        let x = |module: usize| f64::from(px.x0) + (f64::from(px.width()) * (module + quiet) as f64 / n).round();
        let y = |module: usize| f64::from(px.y0) + (f64::from(px.height()) * (module + quiet) as f64 / n).round();
        modules.trace(|mx, my| {
            let (x, y) = map.apply(x(mx), y(my));
            FxPoint::from_px(x, y)
        })
    }

    fn turned(&self, modules: &Modules, square: Rect, to: &Emitter) -> Path {
        let n = self.side_in_modules(modules);
        let quiet = f64::from(self.quiet_zone.get());
        modules.trace(|mx, my| {
            let (x, y) = to
                .map
                .apply(square.x + square.width * (mx as f64 + quiet) / n, square.y + square.height * (my as f64 + quiet) / n);
            FxPoint::from_px(x, y)
        })
    }
}
