//! What layer fields hold: lengths, radii, positions, borders; paints in a file of their own. Each knows how it is read and described.

mod paint;

use serde_json::{Value, json};

use crate::geom::{Affine, Rect};
use crate::limits::MAX_COORDINATE;
use crate::scene::Blend;
use crate::template::declare::{fields, number, words};
use crate::template::fields::{Read, Reader, part_schema};
use crate::template::values::bounded;
pub use paint::*;

/// Pixels at scale 1, or a part of the parent.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Length {
    Px(f64),
    Percent(f64),
}

impl Length {
    pub fn resolve(self, whole: f64) -> f64 {
        match self {
            Length::Px(px) => px,
            Length::Percent(percent) => whole * percent / 100.0,
        }
    }
}

/// Corner radii clockwise from the top left.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Radius(pub [Length; 4]);

impl Radius {
    pub const NONE: Radius = Radius([Length::Px(0.0); 4]);

    /// Horizontal and vertical radii in pixels for a box of this size. Percentages are of width and height; radii that
    /// overlap shrink alike (CSS Backgrounds 3, 5.5).
    pub fn resolve(&self, width: f64, height: f64) -> [(f64, f64); 4] {
        let radii = self.0.map(|l| (l.resolve(width).max(0.0), l.resolve(height).max(0.0)));
        let [tl, tr, br, bl] = radii;
        let fit = |side: f64, sum: f64| if sum > side { side / sum } else { 1.0 };
        let factor =
            fit(width, tl.0 + tr.0).min(fit(width, bl.0 + br.0)).min(fit(height, tl.1 + bl.1)).min(fit(height, tr.1 + br.1));
        radii.map(|(h, v)| (h * factor, v * factor))
    }

    pub fn is_none(&self) -> bool {
        self.0.iter().all(|l| matches!(l, Length::Px(v) | Length::Percent(v) if *v == 0.0))
    }
}

/// A point of a box.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Position {
    pub x: Length,
    pub y: Length,
}

impl Position {
    pub const CENTER: Position = Position { x: Length::Percent(50.0), y: Length::Percent(50.0) };

    pub fn resolve(&self, rect: Rect) -> (f64, f64) {
        (rect.x + self.x.resolve(rect.width), rect.y + self.y.resolve(rect.height))
    }
}

words! {
    impl Blend {
        Normal = "normal", Multiply = "multiply", Screen = "screen", Overlay = "overlay", Darken = "darken", Lighten = "lighten",
        ColorDodge = "color-dodge", ColorBurn = "color-burn", HardLight = "hard-light", SoftLight = "soft-light",
        Difference = "difference", Exclusion = "exclusion", Hue = "hue", Saturation = "saturation", Color = "color",
        Luminosity = "luminosity", PlusLighter = "plus-lighter",
    }
}

words! {
    /// Which way a layer is mirrored about its centre.
    pub enum Flip { X = "x", Y = "y", Both = "both" }
}

impl Flip {
    /// About the point (`x`, `y`).
    pub fn about(self, x: f64, y: f64) -> Affine {
        let (across, down) = match self {
            Flip::X => (-1.0, 1.0),
            Flip::Y => (1.0, -1.0),
            Flip::Both => (-1.0, -1.0),
        };
        Affine::scale_about(across, down, x, y)
    }
}

/// A line of even width inside the edge of a box.
#[derive(Clone, PartialEq, Debug)]
pub struct Border {
    pub width: f64,
    pub paint: Paint,
}

number! {
    /// An angle; any number of turns either way.
    pub struct Degrees(f64) in [-36_000.0, 36_000.0], "degrees";
    /// From 0 (invisible) to 1.
    pub struct Opacity(f64) in [0.0, 1.0], "";
    /// Pixels, from 0.
    pub struct Pixels(f64) in [0.0, MAX_COORDINATE], "px";
    /// Width divided by height.
    pub struct Ratio(f64) in [0.001, 1_000.0], "";
    /// A place along a gradient.
    pub struct Part(f64) in [-100.0, 100.0], "";
}

/// Where an edge lies: pixels or a percentage, either sign.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Offset(pub Length);

/// How long a side is: pixels or a percentage, not negative.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Extent(pub Length);

fn read_length(value: &Value, reader: &mut Reader, least: f64) -> Option<Length> {
    const MOST_PERCENT: f64 = 10_000.0;
    match value {
        Value::String(text) => {
            let number = text.trim().strip_suffix('%').and_then(|n| n.trim().parse::<f64>().ok()).filter(|n| n.is_finite());
            let Some(percent) = number else {
                let px = text.trim().strip_suffix("px").map(str::trim).filter(|n| n.parse::<f64>().is_ok());
                let hint = px.map_or_else(|| "write 12 or \"50%\"".to_owned(), |n| format!("pixels are plain numbers: {n}"));
                return reader.invalid_hint(format!("{text:?} is no length"), hint);
            };
            if !(least.max(-1.0) * MOST_PERCENT..=MOST_PERCENT).contains(&percent) {
                return reader.invalid(format!("a percentage must be from {} to {MOST_PERCENT}", least.max(-1.0) * MOST_PERCENT));
            }
            Some(Length::Percent(percent))
        }
        Value::Number(_) => bounded(value, reader, (least, MAX_COORDINATE), "px").map(Length::Px),
        other => reader.wrong_type(other, "pixels (a number) or a percentage (a string)"),
    }
}

fn length_schema(least: f64) -> Value {
    let sign = if least < 0.0 { "[+-]?" } else { r"\+?" };
    json!({ "anyOf": [
        { "type": "number", "minimum": least, "maximum": MAX_COORDINATE },
        { "type": "string", "pattern": unit_pattern(sign, r"10000(\.0*)?|[0-9]{1,4}(\.[0-9]*)?|\.[0-9]+", "%") },
    ] })
}

/// Of strings that are a number and a unit: a sign, and what may follow leading zeros within the bounds. Of numbers with an exponent a
/// pattern cannot tell how large they are.
pub fn unit_pattern(sign: &str, number: &str, unit: &str) -> String {
    format!(r"^\s*{sign}(0*({number})|([0-9]+\.?[0-9]*|\.[0-9]+)[eE][+-]?[0-9]+)\s*{unit}\s*$")
}

impl Read for Offset {
    fn read(value: &Value, reader: &mut Reader) -> Option<Offset> {
        read_length(value, reader, -MAX_COORDINATE).map(Offset)
    }

    fn schema() -> Value {
        length_schema(-MAX_COORDINATE)
    }
}

impl Read for Extent {
    fn read(value: &Value, reader: &mut Reader) -> Option<Extent> {
        read_length(value, reader, 0.0).map(Extent)
    }

    fn schema() -> Value {
        length_schema(0.0)
    }
}

/// Room inside the edges of a box, in pixels: top, right, bottom, left.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Padding(pub [f64; 4]);

impl Padding {
    pub const NONE: Padding = Padding([0.0; 4]);

    /// Of both sides together.
    pub fn across(&self) -> f64 {
        let [_, right, _, left] = self.0;
        left + right
    }

    /// Above and below together.
    pub fn down(&self) -> f64 {
        let [top, _, bottom, _] = self.0;
        top + bottom
    }

    /// What it leaves of a box.
    pub fn inside(&self, rect: Rect) -> Rect {
        let [top, _, _, left] = self.0;
        Rect::new(rect.x + left, rect.y + top, rect.width - self.across(), rect.height - self.down())
    }

    /// The box around one that it is left inside of.
    pub fn around(&self, rect: Rect) -> Rect {
        let [top, _, _, left] = self.0;
        Rect::new(rect.x - left, rect.y - top, rect.width + self.across(), rect.height + self.down())
    }
}

/// One distance for all sides, or `[t, r, b, l]`.
impl Read for Padding {
    fn read(value: &Value, reader: &mut Reader) -> Option<Padding> {
        let Some(list) = value.as_array() else {
            return Pixels::read(value, reader).map(|all| Padding([all.get(); 4]));
        };
        let read: Vec<Option<Pixels>> = list.iter().enumerate().map(|(i, v)| reader.read_item(i, v)).collect();
        match *read.as_slice() {
            [top, right, bottom, left] => Some(Padding([top?.get(), right?.get(), bottom?.get(), left?.get()])),
            _ => reader.invalid(format!("must be one distance or four, [t, r, b, l], not {}", list.len())),
        }
    }

    fn schema() -> Value {
        json!({ "anyOf": [
            Pixels::schema(),
            { "type": "array", "items": part_schema(Pixels::schema()), "minItems": 4, "maxItems": 4 },
        ] })
    }
}

/// One length for all corners, or `[tl, tr, br, bl]`.
impl Read for Radius {
    fn read(value: &Value, reader: &mut Reader) -> Option<Radius> {
        let Some(list) = value.as_array() else {
            return Extent::read(value, reader).map(|all| Radius([all.0; 4]));
        };
        let read: Vec<Option<Extent>> = list.iter().enumerate().map(|(i, v)| reader.read_item(i, v)).collect();
        match *read.as_slice() {
            [tl, tr, br, bl] => Some(Radius([tl?.0, tr?.0, br?.0, bl?.0])),
            _ => reader.invalid(format!("must be one radius or four, [tl, tr, br, bl], not {}", list.len())),
        }
    }

    fn schema() -> Value {
        json!({ "anyOf": [
            Extent::schema(),
            { "type": "array", "items": part_schema(Extent::schema()), "minItems": 4, "maxItems": 4 },
        ] })
    }
}

/// `[x, y]`, each pixels or a percentage.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Point(pub Position);

impl Read for Point {
    fn read(value: &Value, reader: &mut Reader) -> Option<Point> {
        let Some([x, y]) = value.as_array().map(Vec::as_slice) else {
            return reader.wrong_type(value, "a list of two lengths, [x, y]");
        };
        let (x, y) = (reader.read_item::<Offset>(0, x), reader.read_item::<Offset>(1, y));
        Some(Point(Position { x: x?.0, y: y?.0 }))
    }

    fn schema() -> Value {
        json!({ "type": "array", "items": part_schema(Offset::schema()), "minItems": 2, "maxItems": 2 })
    }
}

/// As CSS `object-position`: `center`, `top left`, `30% 70%`, `10px 50%`.
impl Read for Position {
    fn read(value: &Value, reader: &mut Reader) -> Option<Position> {
        let Some(text) = value.as_str() else {
            return reader.wrong_type(value, "a position, as \"top left\" or \"30% 70%\"");
        };
        let words: Vec<&str> = text.split_whitespace().collect();
        match position(&words) {
            Some(position) => Some(position),
            None => reader.invalid_hint(
                format!("{text:?} is no position"),
                "write one or two of left, center, right, top, bottom, a percentage or pixels, as \"top left\" or \"30% 70%\"",
            ),
        }
    }

    fn schema() -> Value {
        json!({ "type": "string", "format": "position", "description": "One or two of left, center, right, top, bottom, percentages, pixels: \"top left\", \"30% 70%\"." })
    }
}

fn position(words: &[&str]) -> Option<Position> {
    const START: Length = Length::Percent(0.0);
    const MIDDLE: Length = Length::Percent(50.0);
    const END: Length = Length::Percent(100.0);
    let number = |word: &str| {
        let parse = |n: &str| n.parse::<f64>().ok().filter(|n| n.abs() <= MAX_COORDINATE);
        match word.strip_suffix('%') {
            Some(percent) => parse(percent).map(Length::Percent),
            None => parse(word.strip_suffix("px").unwrap_or(word)).map(Length::Px),
        }
    };
    let across = |word: &str| match word {
        "left" => Some(START),
        "center" => Some(MIDDLE),
        "right" => Some(END),
        other => number(other),
    };
    let down = |word: &str| match word {
        "top" => Some(START),
        "center" => Some(MIDDLE),
        "bottom" => Some(END),
        other => number(other),
    };
    match *words {
        [one @ ("top" | "bottom")] => Some(Position { x: MIDDLE, y: down(one)? }),
        [one] => Some(Position { x: across(one)?, y: MIDDLE }),
        [y @ ("top" | "bottom"), x] | [x, y @ ("top" | "bottom")] => Some(Position { x: across(x)?, y: down(y)? }),
        [y, x @ ("left" | "right")] => Some(Position { x: across(x)?, y: down(y)? }),
        [x, y] => Some(Position { x: across(x)?, y: down(y)? }),
        _ => None,
    }
}

fields! {
    /// A line inside the edge of the box, over the content.
    pub struct BorderFields {
        /// In pixels.
        width: Pixels,
        /// A colour or a gradient.
        color: Paint,
    }
}

impl Read for Border {
    fn read(value: &Value, reader: &mut Reader) -> Option<Border> {
        BorderFields::read(value, reader).map(|read| Border { width: read.width.get(), paint: read.color })
    }

    fn schema() -> Value {
        BorderFields::schema()
    }
}
