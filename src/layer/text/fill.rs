//! What letters are filled with: a paint, or a picture over the layer's box that shows through them.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::asset::Source;
use crate::color::Color;
use crate::layer::image::{Fit, Image};
use crate::layer::read::bare;
use crate::layer::values::{Paint, Position, of_literal_type};
use crate::layer::{Kind, Layer};
use crate::problem::Place;
use crate::template::declare::{fields, words};
use crate::template::fields::{Read, Reader};

words! {
    /// A picture.
    pub enum PictureWord { Image = "image" }
}

fields! {
    /// A picture that shows through letters.
    pub struct PictureFields {
        r#type: PictureWord,
        /// As of an image layer.
        src: Source,
        /// How it fills the layer's box (CSS object-fit).
        fit: Fit = "cover",
        /// Which part is seen, or where it lies (CSS object-position).
        position: Position = "center",
    }
}

/// As it is written.
#[derive(Clone, PartialEq, Debug)]
pub enum FillField {
    Paint(Paint),
    Picture(Box<PictureFields>),
}

impl Read for FillField {
    fn read(value: &Value, reader: &mut Reader) -> Option<FillField> {
        match value.get("type").and_then(Value::as_str) {
            Some("image") => PictureFields::read(value, reader).map(|picture| FillField::Picture(Box::new(picture))),
            Some(other) if !["linear", "radial", "conic"].contains(&other) => {
                let message = format!("{other:?} is neither a kind of gradient nor a picture");
                reader.below(reader.place().child("type")).invalid_hint(message, "write linear, radial, conic or image")
            }
            _ => Paint::read(value, reader).map(FillField::Paint),
        }
    }

    fn schema() -> Value {
        json!({ "anyOf": [Paint::schema(), of_literal_type(PictureFields::schema())] })
    }
}

impl FillField {
    /// A picture becomes a layer of its own, with the id that is `next`.
    pub(super) fn finish(self, place: Place, next: &mut usize) -> Fill {
        match self {
            FillField::Paint(paint) => Fill::Paint(paint),
            FillField::Picture(picture) => {
                let PictureFields { src, fit, position, .. } = *picture;
                let image = Image { position, ..Image::plain(src, fit) };
                Fill::Picture(Arc::new(bare(place, Kind::Image(image), next)))
            }
        }
    }
}

/// What letters are filled with.
#[derive(Clone, Debug)]
pub enum Fill {
    Paint(Paint),
    /// An image layer that is fetched like any other and drawn only where the letters are.
    Picture(Arc<Layer>),
}

impl PartialEq for Fill {
    fn eq(&self, other: &Fill) -> bool {
        match (self, other) {
            (Fill::Paint(one), Fill::Paint(other)) => one == other,
            (Fill::Picture(one), Fill::Picture(other)) => one.id == other.id,
            _ => false,
        }
    }
}

/// In which letters are drawn that a picture shows through: all of it.
static WHOLE: Paint = Paint::Solid(Color::BLACK);

impl Fill {
    pub fn picture(&self) -> Option<&Layer> {
        match self {
            Fill::Paint(_) => None,
            Fill::Picture(picture) => Some(picture),
        }
    }

    /// What the letters themselves are drawn in.
    pub fn paint(&self) -> &Paint {
        match self {
            Fill::Paint(paint) => paint,
            Fill::Picture(_) => &WHOLE,
        }
    }

    /// The colours that it has, as far as they are known.
    pub fn colors(&self) -> Vec<Color> {
        match self.paint() {
            Paint::Solid(color) => vec![*color],
            Paint::Gradient(gradient) => gradient.stops.iter().map(|stop| stop.color).collect(),
        }
    }
}
