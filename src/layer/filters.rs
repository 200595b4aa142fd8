//! `filters`: those of CSS, in the order given, as matrices and blurs.

use serde_json::{Map, Value, json};

use crate::layer::values::Degrees;
use crate::limits::{MAX_BLUR, MAX_FILTERS};
use crate::scene::Step;
use crate::template::declare::{fields, number};
use crate::template::fields::{Read, Reader};
use crate::template::values::{list, list_schema};

number! {
    /// A blur's standard deviation.
    pub struct Deviation(f64) in [0.0, MAX_BLUR], "px";
    /// A factor; 1 changes nothing.
    pub struct Gain(f64) in [0.0, 100.0], "";
    /// How much of an effect: 0 is none, 1 all of it.
    pub struct Amount(f64) in [0.0, 1.0], "";
}

fields! {
    /// One filter with its amount.
    pub struct FilterFields {
        /// Standard deviation in pixels.
        blur: Option<Deviation>,
        /// Factor.
        brightness: Option<Gain>,
        /// Factor, about the middle grey.
        contrast: Option<Gain>,
        /// From 0 to 1.
        grayscale: Option<Amount>,
        /// From 0 to 1.
        sepia: Option<Amount>,
        /// Factor; 0 is grey.
        saturate: Option<Gain>,
        /// From 0 to 1.
        invert: Option<Amount>,
        /// Degrees around the circle of colours.
        hue_rotate: Option<Degrees>,
    }
}

/// One filter, in layout pixels.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Filter(Step);

/// In the order in which they work.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Filters(Vec<Filter>);

impl Filters {
    /// In output pixels.
    pub fn steps(&self, scale: f64) -> Vec<Step> {
        let each = self.0.iter().map(|filter| match filter.0 {
            Step::Blur(sigma) => Step::Blur(sigma * scale),
            colors @ Step::Colors(_) => colors,
        });
        each.filter(|step| *step != Step::Blur(0.0)).collect()
    }
}

impl Read for Filter {
    fn read(value: &Value, reader: &mut Reader) -> Option<Filter> {
        if let Some(object) = value.as_object().filter(|object| object.len() != 1) {
            return not_one(object.len(), reader);
        }
        let all: Vec<Step> = FilterFields::read(value, reader)?.steps().into_iter().flatten().collect();
        match *all.as_slice() {
            [one] => Some(Filter(one)),
            _ => not_one(all.len(), reader),
        }
    }

    fn schema() -> Value {
        let mut schema = FilterFields::schema();
        if let Some(object) = schema.as_object_mut() {
            object.insert("minProperties".to_owned(), json!(1));
            object.insert("maxProperties".to_owned(), json!(1));
        }
        // Null would be a filter that does nothing.
        let properties = schema.get_mut("properties").and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut);
        for later in properties.filter_map(|property| property.pointer_mut("/anyOf/1")) {
            *later = json!({ "$ref": "#/$defs/placeholder" });
        }
        schema
    }
}

fn not_one(count: usize, reader: &mut Reader) -> Option<Filter> {
    reader.invalid_hint(
        format!("must be one filter, not {count}"),
        "a list of filters says their order: `[{ \"blur\": 8 }, { \"grayscale\": 1 }]`",
    )
}

impl Read for Filters {
    fn read(value: &Value, reader: &mut Reader) -> Option<Filters> {
        if value.is_object() {
            return reader.wrong_type(value, "a list of filters, as `[{ \"blur\": 8 }]`");
        }
        list(value, reader, (0, MAX_FILTERS), "filters").map(Filters)
    }

    fn schema() -> Value {
        list_schema::<Filter>((0, MAX_FILTERS))
    }
}

impl FilterFields {
    /// The matrices are those of Filter Effects Level 1, 13.1.
    fn steps(&self) -> [Option<Step>; 8] {
        let plain = |slope: f64, constant: f64| {
            Step::Colors([[slope, 0.0, 0.0, constant], [0.0, slope, 0.0, constant], [0.0, 0.0, slope, constant]])
        };
        let each = |row: [[f64; 3]; 3]| Step::Colors(row.map(|[r, g, b]| [r, g, b, 0.0]));
        [
            self.blur.map(|sigma| Step::Blur(sigma.get())),
            self.brightness.map(|by| plain(by.get(), 0.0)),
            self.contrast.map(|by| plain(by.get(), 0.5 - by.get() / 2.0)),
            self.grayscale.map(|amount| each(saturation(1.0 - amount.get(), [0.2126, 0.7152, 0.0722]))),
            self.sepia.map(|amount| each(sepia(1.0 - amount.get()))),
            self.saturate.map(|by| each(saturation(by.get(), [0.213, 0.715, 0.072]))),
            self.invert.map(|amount| plain(1.0 - 2.0 * amount.get(), amount.get())),
            self.hue_rotate.map(|angle| each(hue(angle.get()))),
        ]
    }
}

/// From the luminance (0) to the colour itself (1) and beyond.
fn saturation(s: f64, [r, g, b]: [f64; 3]) -> [[f64; 3]; 3] {
    let rest = 1.0 - s;
    [[r * rest + s, g * rest, b * rest], [r * rest, g * rest + s, b * rest], [r * rest, g * rest, b * rest + s]]
}

fn sepia(s: f64) -> [[f64; 3]; 3] {
    [
        [0.393 + 0.607 * s, 0.769 - 0.769 * s, 0.189 - 0.189 * s],
        [0.349 - 0.349 * s, 0.686 + 0.314 * s, 0.168 - 0.168 * s],
        [0.272 - 0.272 * s, 0.534 - 0.534 * s, 0.131 + 0.869 * s],
    ]
}

fn hue(degrees: f64) -> [[f64; 3]; 3] {
    let turn = crate::geom::Affine::rotate(degrees);
    let (cos, sin) = (turn.a, turn.b);
    [
        [0.213 + cos * 0.787 - sin * 0.213, 0.715 - cos * 0.715 - sin * 0.715, 0.072 - cos * 0.072 + sin * 0.928],
        [0.213 - cos * 0.213 + sin * 0.143, 0.715 + cos * 0.285 + sin * 0.140, 0.072 - cos * 0.072 - sin * 0.283],
        [0.213 - cos * 0.213 - sin * 0.787, 0.715 - cos * 0.715 + sin * 0.715, 0.072 + cos * 0.928 + sin * 0.072],
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apply(matrix: [[f64; 3]; 3], [r, g, b]: [f64; 3]) -> [f64; 3] {
        matrix.map(|[x, y, z]| x * r + y * g + z * b)
    }

    #[test]
    fn nothing_of_an_effect_changes_nothing_and_grey_stays_grey() {
        let color = [0.8, 0.3, 0.1];
        for matrix in [saturation(1.0, [0.213, 0.715, 0.072]), sepia(1.0), hue(0.0), hue(360.0)] {
            for (a, b) in apply(matrix, color).into_iter().zip(color) {
                assert!((a - b).abs() < 1e-9);
            }
        }
        for matrix in [saturation(0.0, [0.2126, 0.7152, 0.0722]), saturation(3.0, [0.213, 0.715, 0.072]), hue(77.0)] {
            for v in apply(matrix, [0.5; 3]) {
                assert!((v - 0.5).abs() < 1e-3, "{v}");
            }
        }
    }
}
