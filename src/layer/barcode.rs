//! `barcode`: linear and two-dimensional codes besides QR, made by rxing and drawn in whole output pixels.

use std::sync::Arc;

use rxing::datamatrix::encoder::SymbolShapeHint;
use rxing::{BarcodeFormat, EncodeHints, MultiFormatWriter, Writer as _};

use crate::asset::Assets;
use crate::asset::contain::contain;
use crate::color::Color;
use crate::geom::{FxPoint, Path, Rect};
use crate::key::KeyBuilder;
use crate::layer::emit::{Emitter, Placed};
use crate::layer::modules::Modules;
use crate::layer::text::{Text, VerticalAlign};
use crate::layer::values::{Paint, Radius};
use crate::layer::{Content, Surroundings};
use crate::layout::boxes::Given;
use crate::limits::MAX_BARCODE_BYTES;
use crate::memo::Kind;
use crate::problem::{Code, Place, Problem};
use crate::scene::{Item, Lowered, Shape};
use crate::template::declare::{fields, number, words};
use crate::text::{Align, Overflow, Paragraph, Span, Style, Wrap};

/// Pixels of the output that a module needs so that readers tell it from its neighbours.
const MIN_MODULE_PX: f64 = 2.0;
/// Of a code whose size nothing says, in layout pixels: a module of a linear and of a two-dimensional one, and a linear one's bars.
const LINEAR_MODULE: f64 = 2.0;
const SQUARE_MODULE: f64 = 4.0;
const BARS: f64 = 80.0;
/// The part of the height that a caption takes, and the size of its letters in it.
const CAPTION: f64 = 0.2;
const LETTERS: f64 = 0.8;

words! {
    /// The kind of code.
    pub enum Symbology {
        Code128 = "code128", Ean13 = "ean13", Ean8 = "ean8", UpcA = "upc_a", Code39 = "code39", Itf = "itf",
        DataMatrix = "data_matrix", Pdf417 = "pdf417", Aztec = "aztec",
    }
}

number! {
    /// Light modules at the sides of the code, or around it.
    pub struct Quiet(u32) in [0, 64], "modules";
}

fields! {
    /// A barcode.
    pub struct Barcode {
        /// What it says. `ean13`, `ean8` and `upc_a` work out the check digit where it is left out.
        data: String,
        /// The kind of code.
        symbology: Symbology,
        /// Of the dark modules.
        color: Paint = "#000000",
        /// Beneath the code, quiet zone included; may be transparent.
        background: Color = "#ffffff",
        /// Light modules at both sides of a linear code, around the others; by default as much as its standard asks for.
        quiet_zone: Option<Quiet>,
        /// Whether a linear code says its data in letters below the bars.
        caption: bool = false,
    }
}

/// A code measured.
#[derive(Clone, Debug)]
pub struct Measured {
    pub size: (f64, f64),
    grid: Arc<Modules>,
    caption: Option<Box<(Text, Content)>>,
}

impl Symbology {
    fn is_linear(self) -> bool {
        !matches!(self, Symbology::DataMatrix | Symbology::Pdf417 | Symbology::Aztec)
    }

    /// As the standards ask: GS1 General Specifications, ISO/IEC 15417, 16388, 16390, 16022, 15438, 24778.
    fn quiet(self) -> u32 {
        match self {
            Symbology::Ean13 => 11,
            Symbology::Code128 | Symbology::Code39 | Symbology::Itf => 10,
            Symbology::UpcA => 9,
            Symbology::Ean8 => 7,
            Symbology::Pdf417 => 2,
            Symbology::DataMatrix => 1,
            Symbology::Aztec => 0,
        }
    }

    /// What is wrong with the data, where that can be said simply.
    fn refuses(self, data: &str) -> Option<&'static str> {
        let digits = data.bytes().all(|b| b.is_ascii_digit());
        let length = data.len();
        let wrong = match self {
            _ if data.is_empty() => return Some("there is nothing to say"),
            Symbology::Ean13 => {
                (!digits || !(12..=13).contains(&length)).then_some("`ean13` takes 12 digits, or 13 with the check digit")
            }
            Symbology::Ean8 => {
                (!digits || !(7..=8).contains(&length)).then_some("`ean8` takes 7 digits, or 8 with the check digit")
            }
            Symbology::UpcA => {
                (!digits || !(11..=12).contains(&length)).then_some("`upc_a` takes 11 digits, or 12 with the check digit")
            }
            Symbology::Itf => {
                (!digits || length % 2 == 1 || length > 80).then_some("`itf` takes an even number of digits, at most 80")
            }
            Symbology::Code128 | Symbology::Code39 => {
                (!data.is_ascii() || length > 80).then_some("`code128` and `code39` take ASCII, at most 80 characters")
            }
            // Readers take its bytes for Latin letters, whatever character set it names.
            Symbology::DataMatrix => (!data.is_ascii())
                .then_some("`data_matrix` takes ASCII; `aztec`, `pdf417` and layers of type `qr` take every script"),
            Symbology::Pdf417 | Symbology::Aztec => None,
        };
        wrong.or((length > MAX_BARCODE_BYTES).then_some("no code holds so much"))
    }

    /// The dark and light modules without quiet zone.
    fn encode(self, data: &str) -> Result<Modules, String> {
        if let Some(wrong) = self.refuses(data) {
            return Err(wrong.to_owned());
        }
        let format = match self {
            Symbology::Code128 => BarcodeFormat::CODE_128,
            Symbology::Ean13 => BarcodeFormat::EAN_13,
            Symbology::Ean8 => BarcodeFormat::EAN_8,
            Symbology::UpcA => BarcodeFormat::UPC_A,
            Symbology::Code39 => BarcodeFormat::CODE_39,
            Symbology::Itf => BarcodeFormat::ITF,
            Symbology::DataMatrix => BarcodeFormat::DATA_MATRIX,
            Symbology::Pdf417 => BarcodeFormat::PDF_417,
            Symbology::Aztec => BarcodeFormat::AZTEC,
        };
        let mut hints = EncodeHints {
            Margin: Some("0".to_owned()),
            DataMatrixShape: Some(SymbolShapeHint::FORCE_SQUARE),
            ..EncodeHints::default()
        };
        if !data.is_ascii() {
            // Without a character set readers take Latin letters, and other scripts do not fit at all.
            hints.CharacterSet = Some("UTF-8".to_owned());
            hints.Pdf417AutoEci = Some("true".to_owned());
        }
        let made = contain(|| MultiFormatWriter.encode_with_hints(data, &format, 0, 0, &hints));
        let matrix = made.map_err(|_| "it does not fit into the code".to_owned())?.map_err(|error| match error {
            rxing::Exceptions::IllegalArgumentException(why) if !why.is_empty() => why,
            _ => "it does not fit into the code".to_owned(),
        })?;
        let (width, rows) = (matrix.getWidth(), matrix.getHeight());
        let dark = (0..rows).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| matrix.get(x, y)).collect();
        Ok(Modules { width: width as usize, dark })
    }
}

impl Barcode {
    fn quiet(&self) -> u32 {
        self.quiet_zone.map_or(self.symbology.quiet(), Quiet::get)
    }

    /// Modules across and down, quiet zone included.
    fn modules(&self, grid: &Modules) -> (f64, f64) {
        let quiet = 2.0 * f64::from(self.quiet());
        (grid.width as f64 + quiet, if self.symbology.is_linear() { 1.0 } else { grid.rows() as f64 + quiet })
    }

    pub fn measure(&self, given: Given, place: &Place, around: &Surroundings) -> Result<Content, Problem> {
        let key = KeyBuilder::new("barcode").u8(self.symbology as u8).bytes(self.data.as_bytes()).finish();
        let refused = |why: String| Problem::new(place.child("data"), Code::CodeUnreadable, why);
        let make = || self.symbology.encode(&self.data).map_err(refused);
        let grid = around.memo.get_or_make(Kind::Code, key, Modules::weight, make)?;
        let (across, down) = self.modules(&grid);
        let linear = self.symbology.is_linear();
        let (width, height) = match (given.width, given.height, linear) {
            (Some(w), Some(h), _) => (w, h),
            (Some(w), None, true) => (w, BARS),
            (None, Some(h), true) => (across * LINEAR_MODULE, h),
            (None, None, true) => (across * LINEAR_MODULE, BARS),
            (Some(w), None, false) => (w, w * down / across),
            (None, Some(h), false) => (h * across / down, h),
            (None, None, false) => (across * SQUARE_MODULE, down * SQUARE_MODULE),
        };
        let module = if linear { width / across } else { (width / across).min(height / down) } * around.scale;
        if module < MIN_MODULE_PX {
            let needed = (across * MIN_MODULE_PX / around.scale).ceil();
            let message =
                format!("{across} modules in {width} px make modules of {module:.2} output pixels; readers need {MIN_MODULE_PX}");
            let side = if width / across <= height / down || linear { "width" } else { "height" };
            return Err(Problem::new(place.child(side), Code::CodeUnreadable, message)
                .hint(format!("make it at least {needed} px wide, or shorten the data")));
        }
        let caption = match self.caption && linear {
            true => Some(Box::new(self.set_caption((width, height), place, around)?)),
            false => None,
        };
        Ok(Content::Barcode(Measured { size: (width, height), grid, caption }))
    }

    /// The data in letters, in the middle of the lowest part of the box.
    fn set_caption(&self, (width, height): (f64, f64), place: &Place, around: &Surroundings) -> Result<(Text, Content), Problem> {
        let size = (height * CAPTION * LETTERS).max(1.0);
        let style = Style { size, ..Style::default() };
        let paragraph = Paragraph {
            spans: vec![Span { text: self.readable(), style, ruby: None }],
            align: Align::Center,
            wrap: Wrap::None,
            overflow: Overflow::Visible,
            ..Paragraph::default()
        };
        let text = Text::plain(paragraph, self.color.clone(), VerticalAlign::Bottom);
        let given = Given { width: Some(width), height: Some(height), ..Given::default() };
        let content = text.set(None, given, place, around)?;
        Ok((text, content))
    }

    /// What a person reads: with the check digit.
    fn readable(&self) -> String {
        let whole = match self.symbology {
            Symbology::Ean13 => 13,
            Symbology::Ean8 => 8,
            Symbology::UpcA => 12,
            _ => return self.data.clone(),
        };
        if self.data.len() == whole {
            return self.data.clone();
        }
        // GS1: from the right, digits count three times and once by turns.
        let sum: u32 = self.data.bytes().rev().zip([3, 1].into_iter().cycle()).map(|(b, by)| u32::from(b - b'0') * by).sum();
        format!("{}{}", self.data, (10 - sum % 10) % 10)
    }

    pub fn emit(&self, measured: &Measured, rect: Rect, to: &Emitter) -> Vec<Item<Lowered>> {
        let mut items = Vec::new();
        if self.background.a > 0 {
            items.push(Item::fill(to.round_box(rect, &Radius::NONE), to.paint(&Paint::Solid(self.background), rect, 1.0)));
        }
        let caption = measured.caption.as_deref();
        let bars = if caption.is_some() { Rect { height: rect.height * (1.0 - CAPTION), ..rect } } else { rect };
        let path = self.trace(&measured.grid, bars, to);
        items.push(Item::fill(Shape::Path(Arc::new(path)), to.paint(&self.color, rect, 1.0)));
        if let Some((text, laid)) = caption.and_then(|(text, content)| Some((text, content.laid()?))) {
            items.extend(text.emit(laid, rect, to, &Assets::default()));
        }
        items
    }

    /// Modules are whole pixels wide where the code is upright, all alike, and the code stands in the middle of its box: readers
    /// measure widths.
    fn trace(&self, grid: &Modules, rect: Rect, to: &Emitter) -> Path {
        let (across, down) = self.modules(grid);
        let quiet = f64::from(self.quiet());
        let linear = self.symbology.is_linear();
        let placed = to.snap(rect);
        let (left, top, x, y, map) = match placed {
            Placed::Upright(px) | Placed::Mirrored(px, _) => {
                let (w, h) = (f64::from(px.width()), f64::from(px.height()));
                let x = (w / across).floor().max(1.0);
                let (x, y) = if linear {
                    (x, h)
                } else {
                    let m = x.min((h / down).floor().max(1.0));
                    (m, m)
                };
                let middle = |side: f64, used: f64| ((side - used) / 2.0).floor();
                let (left, top) = (f64::from(px.x0) + middle(w, x * across), f64::from(px.y0) + middle(h, y * down));
                (left, top, x, y, placed.map(to))
            }
            Placed::Turned => {
                let x = rect.width / across;
                let (x, y) = if linear {
                    (x, rect.height)
                } else {
                    let m = x.min(rect.height / down);
                    (m, m)
                };
                (rect.x + (rect.width - x * across) / 2.0, rect.y + (rect.height - y * down) / 2.0, x, y, to.map)
            }
        };
        let above = if linear { 0.0 } else { quiet };
        let point = |mx: f64, my: f64| {
            let (x, y) = map.apply(left + x * (mx + quiet), top + y * (my + above));
            FxPoint::from_px(x, y)
        };
        grid.trace(point)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits_are_worked_out() {
        let read = |symbology, data: &str| {
            let barcode = Barcode {
                data: data.to_owned(),
                symbology,
                color: Paint::Solid(Color::BLACK),
                background: Color::WHITE,
                quiet_zone: None,
                caption: true,
            };
            barcode.readable()
        };
        assert_eq!(read(Symbology::Ean13, "400638133393"), "4006381333931");
        assert_eq!(read(Symbology::Ean8, "7351353"), "73513537");
        assert_eq!(read(Symbology::UpcA, "03600029145"), "036000291452");
        assert_eq!(read(Symbology::Code128, "a b"), "a b");
    }

    #[test]
    fn what_no_code_says_is_refused() {
        for (symbology, data) in [
            (Symbology::Ean13, "12345"),
            (Symbology::Ean13, "4006381333932"),
            (Symbology::Ean8, "735135a"),
            (Symbology::UpcA, ""),
            (Symbology::Itf, "123"),
            (Symbology::Code128, "ä"),
            (Symbology::Code39, "码"),
            (Symbology::DataMatrix, "码"),
        ] {
            assert!(symbology.encode(data).is_err(), "{symbology:?} {data}");
        }
        for symbology in [Symbology::DataMatrix, Symbology::Pdf417, Symbology::Aztec] {
            assert!(symbology.encode(&"x".repeat(MAX_BARCODE_BYTES + 1)).is_err(), "{symbology:?}");
        }
    }
}
