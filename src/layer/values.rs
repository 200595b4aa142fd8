//! What layer fields hold: lengths, radii, paints, positions, borders. Each knows how it is read and described.

use serde_json::{Value, json};

use crate::color::Color;
use crate::geom::Rect;
use crate::limits::{MAX_COORDINATE, MAX_STOPS};
use crate::scene::Blend;
use crate::template::declare::{fields, number, words};
use crate::template::fields::{Read, Reader, part_schema};
use crate::template::values::bounded;

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

/// What fills an area.
#[derive(Clone, PartialEq, Debug)]
pub enum Paint {
    Solid(Color),
    Gradient(Box<Gradient>),
}

impl Paint {
    /// Whether nothing shines through.
    pub fn is_opaque(&self) -> bool {
        match self {
            Paint::Solid(color) => color.a == 255,
            Paint::Gradient(gradient) => gradient.stops.iter().all(|stop| stop.color.a == 255),
        }
    }
}

/// A CSS gradient over the layer's box.
#[derive(Clone, PartialEq, Debug)]
pub struct Gradient {
    pub shape: GradientShape,
    /// At least one; positions never fall.
    pub stops: Vec<ColorStop>,
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub struct ColorStop {
    pub at: f64,
    pub color: Color,
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub enum GradientShape {
    /// Degrees as in CSS: 0 points up, 90 to the right.
    Linear {
        angle: f64,
    },
    /// A circle; without radius it reaches the farthest corner.
    Radial {
        center: Position,
        radius: Option<f64>,
    },
    Conic {
        center: Position,
        angle: f64,
    },
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
    json!({ "anyOf": [
        { "type": "number", "minimum": least, "maximum": MAX_COORDINATE },
        { "type": "string", "pattern": r"^\s*-?[0-9]+(\.[0-9]+)?\s*%\s*$" },
    ] })
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
        json!({ "type": "string", "description": "One or two of left, center, right, top, bottom, percentages, pixels: \"top left\", \"30% 70%\"." })
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
    /// A colour at a place along a gradient.
    pub struct StopFields {
        /// From 0 (start) to 1 (end); without it stops are spread evenly.
        at: Option<Part>,
        /// A CSS colour.
        color: Color,
    }
}

words! {
    /// Along a line.
    pub enum LinearWord { Linear = "linear" }
}
words! {
    /// From a centre outwards.
    pub enum RadialWord { Radial = "radial" }
}
words! {
    /// Around a centre.
    pub enum ConicWord { Conic = "conic" }
}

fields! {
    /// A linear gradient.
    pub struct LinearFields {
        r#type: LinearWord,
        /// Degrees as in CSS: 0 points up, 90 to the right, 180 (the default) down.
        angle: Degrees = 180,
        /// Colours along the line, 1 to 256.
        stops: Vec<StopFields>,
    }
}

fields! {
    /// A radial gradient: a circle.
    pub struct RadialFields {
        r#type: RadialWord,
        /// `[x, y]` in pixels or percentages of the box; the middle by default.
        center: Option<Point>,
        /// Pixels to the last stop; by default to the farthest corner.
        radius: Option<Pixels>,
        /// Colours from the centre outwards, 1 to 256.
        stops: Vec<StopFields>,
    }
}

fields! {
    /// A conic gradient.
    pub struct ConicFields {
        r#type: ConicWord,
        /// `[x, y]` in pixels or percentages of the box; the middle by default.
        center: Option<Point>,
        /// Degrees clockwise from straight up at which the first stop lies.
        angle: Degrees = 0,
        /// Colours clockwise, 1 to 256.
        stops: Vec<StopFields>,
    }
}

impl Read for Paint {
    fn read(value: &Value, reader: &mut Reader) -> Option<Paint> {
        let Some(object) = value.as_object() else {
            if value.is_string() {
                return Color::read(value, reader).map(Paint::Solid);
            }
            return reader.wrong_type(value, "a colour or a gradient");
        };
        match object.get("type").and_then(Value::as_str) {
            Some("linear") => {
                let read = LinearFields::read(value, reader)?;
                gradient(GradientShape::Linear { angle: read.angle.get() }, &read.stops, reader)
            }
            Some("radial") => {
                let read = RadialFields::read(value, reader)?;
                let center = read.center.map_or(Position::CENTER, |p| p.0);
                gradient(GradientShape::Radial { center, radius: read.radius.map(Pixels::get) }, &read.stops, reader)
            }
            Some("conic") => {
                let read = ConicFields::read(value, reader)?;
                let center = read.center.map_or(Position::CENTER, |p| p.0);
                gradient(GradientShape::Conic { center, angle: read.angle.get() }, &read.stops, reader)
            }
            Some(other) => {
                let message = format!("{other:?} is no kind of gradient");
                reader.below(reader.place().child("type")).invalid_hint(message, "write linear, radial or conic")
            }
            None => reader.invalid_hint("a gradient needs a type", "write \"type\": \"linear\", \"radial\" or \"conic\""),
        }
    }

    fn schema() -> Value {
        json!({ "$ref": "#/$defs/paint" })
    }
}

impl Paint {
    /// What `#/$defs/paint` stands for.
    pub fn definition() -> Value {
        json!({
            "description": "A CSS colour or a gradient.",
            "anyOf": [Color::schema(), LinearFields::schema(), RadialFields::schema(), ConicFields::schema()],
        })
    }
}

fn gradient(shape: GradientShape, stops: &[StopFields], reader: &mut Reader) -> Option<Paint> {
    if stops.is_empty() || stops.len() > MAX_STOPS {
        let message = format!("must be from 1 to {MAX_STOPS} stops, not {}", stops.len());
        return reader.below(reader.place().child("stops")).invalid(message);
    }
    Some(Paint::Gradient(Box::new(Gradient { shape, stops: placed_stops(stops) })))
}

/// Gives every stop a place: the ends 0 and 1, gaps spread evenly, none before the one ahead (CSS Images 3, 3.4.3).
fn placed_stops(stops: &[StopFields]) -> Vec<ColorStop> {
    let last = stops.len() - 1;
    let mut places: Vec<Option<f64>> = stops.iter().map(|stop| stop.at.map(Part::get)).collect();
    if let Some(first) = places.first_mut() {
        *first = first.or(Some(0.0));
    }
    if let Some(end) = places.last_mut() {
        *end = end.or(Some(1.0));
    }
    let mut furthest = f64::NEG_INFINITY;
    for place in places.iter_mut().flatten() {
        furthest = furthest.max(*place);
        *place = furthest;
    }
    let known: Vec<(usize, f64)> = places.iter().enumerate().filter_map(|(i, p)| Some((i, (*p)?))).collect();
    let at = |index: usize| {
        let before = known.iter().rev().find(|(i, _)| *i <= index).copied().unwrap_or((0, 0.0));
        let after = known.iter().find(|(i, _)| *i >= index).copied().unwrap_or((last, 1.0));
        if after.0 == before.0 {
            return before.1;
        }
        before.1 + (after.1 - before.1) * (index - before.0) as f64 / (after.0 - before.0) as f64
    };
    stops.iter().enumerate().map(|(i, stop)| ColorStop { at: at(i), color: stop.color }).collect()
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
