//! What fills an area: a colour or a gradient.

use serde_json::{Value, json};

use super::{Degrees, Part, Pixels, Point, Position};
use crate::color::Color;
use crate::limits::MAX_STOPS;
use crate::template::declare::{fields, words};
use crate::template::fields::{Read, Reader};
use crate::template::values::{list, list_schema};

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
fields! {
    /// A colour at a place along a gradient.
    pub struct StopFields {
        /// From 0 (start) to 1 (end); without it stops are spread evenly.
        at: Option<Part>,
        /// A CSS colour.
        color: Color,
    }
}

/// The colours of a gradient.
#[derive(Clone, PartialEq, Debug)]
pub struct Stops(Vec<StopFields>);

impl Read for Stops {
    fn read(value: &Value, reader: &mut Reader) -> Option<Stops> {
        list(value, reader, (1, MAX_STOPS), "stops").map(Stops)
    }

    fn schema() -> Value {
        list_schema::<StopFields>((1, MAX_STOPS))
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
        stops: Stops,
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
        stops: Stops,
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
        stops: Stops,
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
                Some(gradient(GradientShape::Linear { angle: read.angle.get() }, &read.stops.0))
            }
            Some("radial") => {
                let read = RadialFields::read(value, reader)?;
                let center = read.center.map_or(Position::CENTER, |p| p.0);
                Some(gradient(GradientShape::Radial { center, radius: read.radius.map(Pixels::get) }, &read.stops.0))
            }
            Some("conic") => {
                let read = ConicFields::read(value, reader)?;
                let center = read.center.map_or(Position::CENTER, |p| p.0);
                Some(gradient(GradientShape::Conic { center, angle: read.angle.get() }, &read.stops.0))
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
        let gradients = [LinearFields::schema(), RadialFields::schema(), ConicFields::schema()];
        let [linear, radial, conic] = gradients.map(of_literal_type);
        json!({ "description": "A CSS colour or a gradient.", "anyOf": [Color::schema(), linear, radial, conic] })
    }
}

/// The schema of an object whose other fields go by its `type`, which hence is no placeholder.
pub fn of_literal_type(mut schema: Value) -> Value {
    if let Some(kind) = schema.pointer_mut("/properties/type") {
        *kind = kind.pointer("/anyOf/0").cloned().unwrap_or_default();
    }
    schema
}

fn gradient(shape: GradientShape, stops: &[StopFields]) -> Paint {
    Paint::Gradient(Box::new(Gradient { shape, stops: placed_stops(stops) }))
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
