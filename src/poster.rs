//! The poster: what shall be drawn, typed, valid and complete; nothing measured, nothing fetched.

use serde_json::{Map, Value, json};

use crate::layer::values::Paint;
use crate::layer::{Layer, all, read::read_all};
use crate::limits::{Limits, MAX_COORDINATE};
use crate::problem::{In, Place, Problems};
use crate::template::declare::{fields, number};
use crate::template::fields::{FieldSet as _, Fields, Mode, Origins, Read, Reader};
use crate::template::{Supplied, Template, merge, weight_of_json};

#[derive(Clone, Debug)]
pub struct Poster {
    pub name: Option<String>,
    /// Pixels at scale 1.
    pub width: f64,
    pub height: Height,
    pub background: Option<Paint>,
    /// In painting order, the first at the back.
    pub layers: Vec<Layer>,
    /// About how many bytes it takes.
    pub weight: usize,
}

/// Pixels at scale 1.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Height {
    Px(f64),
    /// The lowest bottom edge plus `padding`, within the bounds.
    Auto {
        min: Option<f64>,
        max: Option<f64>,
        padding: f64,
    },
}

number! {
    /// A side of the canvas, or a part of it: whole pixels at scale 1.
    pub struct Side(u32) in [1, MAX_COORDINATE as u32], "px";
    /// A distance in pixels at scale 1.
    pub struct Distance(f64) in [0.0, MAX_COORDINATE], "px";
}

/// Pixels, or as high as the layers are.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum HeightField {
    Px(Side),
    Auto,
}

impl Read for HeightField {
    fn read(value: &Value, reader: &mut Reader) -> Option<HeightField> {
        match value {
            Value::String(text) if text == "auto" => Some(HeightField::Auto),
            Value::Number(_) => Side::read(value, reader).map(HeightField::Px),
            other => reader.wrong_type(other, "pixels (a whole number) or `\"auto\"`"),
        }
    }

    fn schema() -> Value {
        json!({ "anyOf": [Side::schema(), { "const": "auto" }] })
    }
}

fields! {
    /// The canvas of a template.
    pub struct FrameFields {
        /// Pixels at scale 1.
        width: Side,
        /// Pixels at scale 1; `auto` is the lowest bottom edge of the layers.
        height: HeightField,
        /// Beneath all layers; transparent by default.
        background: Option<Paint>,
        /// Of an automatic height: not lower.
        min_height: Option<Distance>,
        /// Of an automatic height: not higher.
        max_height: Option<Distance>,
        /// Of an automatic height: added below the lowest edge.
        padding_bottom: Distance = 0,
    }
}

/// Takes the fields of the canvas from a template's object.
pub fn read_frame(fields: &mut Fields) -> Option<FrameFields> {
    let read = FrameFields::read_fields(fields);
    // Only the size and the background take placeholders.
    for name in ["min_height", "max_height", "padding_bottom"] {
        fields.literal::<Option<Distance>>(name);
    }
    let read = read?;
    if let (Some(min), Some(max)) = (read.min_height, read.max_height)
        && min > max
    {
        fields.conflict("`min_height` is more than `max_height`");
    }
    Some(read)
}

impl Poster {
    /// Every layer, a group before what lies in it; each one's id is its index.
    pub fn all(&self) -> Vec<&Layer> {
        all(&self.layers)
    }

    /// Merges and reads: all problems of variables, overrides and canvas, or else all those of the merged values.
    pub fn read(template: &Template, supplied: &Supplied, limits: &Limits) -> Result<Poster, Problems> {
        let mut problems = Problems::new();
        let bound = merge::bind(template, supplied, &mut problems);
        if !problems.is_empty() {
            return Err(problems);
        }
        let merged = merge::merge(template, &bound, limits, &mut problems);
        let frame = merged.frame.as_ref().and_then(|frame| read_canvas(frame, &merged.frame_origins, &mut problems));
        let layers = read_all(&merged.layers, &mut problems);
        let given: usize = supplied.overrides.values().chain(supplied.canvas.values()).map(weight_of_json).sum();
        // A cell is as much as a layer.
        let count: usize = all(&layers).iter().map(|layer| 1 + layer.cells()).sum();
        let weight = template.weight() + given + 2 * merged.expanded + count * (size_of::<Layer>() + 1_024);
        match frame {
            Some(frame) => problems.or(Poster {
                name: template.name().map(str::to_owned),
                width: f64::from(frame.width.get()),
                height: frame.height(),
                background: frame.background,
                layers,
                weight,
            }),
            None => Err(problems),
        }
    }

    /// As [`Poster::read`] of a template that came with the request: its own problems and those of what goes with it come
    /// together.
    pub fn read_inline(template: &Value, supplied: &Supplied, limits: &Limits) -> Result<Poster, Problems> {
        let (template, problems) = Template::parse_partly(template);
        if problems.is_empty() {
            return Poster::read(&template, supplied, limits);
        }
        Err(all_problems(&template, problems, supplied))
    }
}

/// The problems of a faulty template that came with a request together with those of what goes with it.
pub fn all_problems(template: &Template, mut problems: Problems, supplied: &Supplied) -> Problems {
    // Without a `variables` block the faulty parts might hold the names that seem unknown.
    if template.variables().declared_names().is_some() {
        merge::bind(template, supplied, &mut problems);
    }
    problems
}

fn read_canvas(frame: &Map<String, Value>, origins: &Origins, problems: &mut Problems) -> Option<FrameFields> {
    let mut reader = Reader::new(Place::new(In::Template, ""), Mode::Merged, origins, problems);
    let mut fields = Fields::new(frame, &mut reader);
    fields.known("name");
    let read = read_frame(&mut fields);
    fields.finish()?;
    read
}

impl FrameFields {
    fn height(&self) -> Height {
        match self.height {
            HeightField::Px(side) => Height::Px(f64::from(side.get())),
            HeightField::Auto => Height::Auto {
                min: self.min_height.map(Distance::get),
                max: self.max_height.map(Distance::get),
                padding: self.padding_bottom.get(),
            },
        }
    }
}

/// What is wrong with a template besides what parsing told: where every variable has a default, all that the finished values
/// show.
pub fn check(template: &Template) -> Problems {
    let none = Map::new();
    if template.variables().required().next().is_some() {
        return Problems::new();
    }
    let supplied = Supplied { variables: &none, overrides: &none, canvas: &none };
    Poster::read(template, &supplied, &Limits::default()).err().unwrap_or_default()
}
