//! From a merged layer to a typed one, and from the kinds of layers to the template's JSON Schema.

use serde_json::{Map, Value};

use crate::layer::ellipse::Ellipse;
use crate::layer::image::Image;
use crate::layer::line::{LineLayer, NOT_OF_A_LINE};
use crate::layer::path::PathLayer;
use crate::layer::qr::Qr;
use crate::layer::rect::RectLayer;
use crate::layer::text::TextFields;
use crate::layer::values::{Degrees, Extent, Length, Offset, Opacity, Ratio};
use crate::layer::{Kind, Layer, LayerId};
use crate::layout::boxes::BoxSpec;
use crate::limits::MAX_REQUEST_TEXT_CHARS;
use crate::problem::{Code, Problem, Problems};
use crate::template::declare::fields;
use crate::template::fields::{FieldSet, Fields, Mode};
use crate::template::merge::MergedLayer;

fields! {
    /// What every layer has.
    pub struct CommonFields {
        /// Left edge: pixels, or a percentage of the parent's width.
        x: Option<Offset>,
        /// Top edge: pixels, or a percentage of the parent's height.
        y: Option<Offset>,
        /// Distance of the right edge from the parent's; with `x` and without `width` the layer stretches.
        right: Option<Offset>,
        /// Distance of the bottom edge from the parent's; with `y` and without `height` the layer stretches.
        bottom: Option<Offset>,
        /// Width: pixels, or a percentage of the parent's.
        width: Option<Extent>,
        /// Height: pixels, or a percentage of the parent's.
        height: Option<Extent>,
        /// Never narrower.
        min_width: Option<Extent>,
        /// Never wider.
        max_width: Option<Extent>,
        /// Never lower.
        min_height: Option<Extent>,
        /// Never higher.
        max_height: Option<Extent>,
        /// Width divided by height, where only one of them is given.
        aspect_ratio: Option<Ratio>,
        /// Degrees clockwise about the centre.
        rotate: Degrees = 0,
        /// Of the whole layer, from 0 (invisible) to 1.
        opacity: Opacity = 1,
    }
}

/// The types of layers there are, with their own fields' schemas.
pub fn kinds() -> Vec<(&'static str, Map<String, Value>, Vec<&'static str>)> {
    fn kind<F: FieldSet>(name: &'static str) -> (&'static str, Map<String, Value>, Vec<&'static str>) {
        let mut properties = CommonFields::properties();
        properties.extend(F::properties());
        (name, properties, F::required())
    }
    vec![
        kind::<TextFields>("text"),
        kind::<Image>("image"),
        kind::<Qr>("qr"),
        kind::<RectLayer>("rect"),
        kind::<Ellipse>("ellipse"),
        kind::<LineLayer>("line"),
        kind::<PathLayer>("path"),
    ]
}

/// Reads one layer; `None` when something is wrong, which `problems` then tells, or when placeholders hide it in a raw one.
pub fn read(layer: &MergedLayer, id: LayerId, mode: Mode, problems: &mut Problems) -> Option<Layer> {
    let mut reader = layer.reader(mode, problems);
    let mut fields = Fields::of_layer(layer, &mut reader);
    let common = CommonFields::read_fields(&mut fields);
    if fields.has("x") && fields.has("right") && fields.has("width") {
        fields.conflict("x, right and width exclude one another: give two of them");
    }
    if fields.has("y") && fields.has("bottom") && fields.has("height") {
        fields.conflict("y, bottom and height exclude one another: give two of them");
    }
    let (mut size, mut to) = (None, None);
    let kind = match layer.kind() {
        Some("text") => {
            TextFields::check(&mut fields);
            TextFields::read_fields(&mut fields).map(Own::Text)
        }
        Some("image") => Image::read_fields(&mut fields).map(|image| Own::Ready(Kind::Image(image))),
        Some("qr") => {
            if fields.has("size") && (fields.has("width") || fields.has("height")) {
                fields.conflict("size stands instead of width and height");
            }
            Qr::read_fields(&mut fields).map(|qr| {
                size = qr.size;
                Own::Ready(Kind::Qr(qr))
            })
        }
        Some("rect") => RectLayer::read_fields(&mut fields).map(|rect| Own::Ready(Kind::Rect(rect))),
        Some("ellipse") => Ellipse::read_fields(&mut fields).map(|ellipse| Own::Ready(Kind::Ellipse(ellipse))),
        Some("line") => {
            let given: Vec<&str> = NOT_OF_A_LINE.into_iter().filter(|name| fields.has(name)).collect();
            if !given.is_empty() {
                fields.conflict(format!("a line goes from `x`, `y` to `to`: {} is not for it", given.join(", ")));
            }
            LineLayer::read_fields(&mut fields).map(|line| {
                to = Some((line.to.0.x, line.to.0.y));
                Own::Ready(Kind::Line(line))
            })
        }
        Some("path") => PathLayer::read_fields(&mut fields).map(|path| Own::Ready(Kind::Path(path))),
        // Every layer's type was checked when the template was parsed.
        _ => None,
    };
    fields.finish()?;
    let (common, kind) = (common?, kind?);
    let kind = match kind {
        Own::Ready(kind) => kind,
        Own::Text(text) => match text.finish(&layer.place) {
            Ok(text) => Kind::Text(text),
            Err(problem) => {
                reader.push(problem);
                return None;
            }
        },
    };
    let mut frame = BoxSpec { to, ..common.frame() };
    if let Some(size) = size {
        (frame.width, frame.height) = (Some(Length::Px(size.get())), Some(Length::Px(size.get())));
    }
    Some(Layer {
        id,
        place: layer.place.clone(),
        name: layer.name().map(str::to_owned),
        frame,
        rotate: common.rotate.get(),
        opacity: common.opacity.get(),
        kind,
    })
}

enum Own {
    Text(TextFields),
    Ready(Kind),
}

impl CommonFields {
    fn frame(&self) -> BoxSpec {
        let offset = |o: Option<Offset>| o.map(|o| o.0);
        let extent = |e: Option<Extent>| e.map(|e| e.0);
        BoxSpec {
            x: offset(self.x),
            y: offset(self.y),
            right: offset(self.right),
            bottom: offset(self.bottom),
            width: extent(self.width),
            height: extent(self.height),
            min_width: extent(self.min_width),
            max_width: extent(self.max_width),
            min_height: extent(self.min_height),
            max_height: extent(self.max_height),
            aspect_ratio: self.aspect_ratio.map(Ratio::get),
            to: None,
        }
    }
}

/// Reads all layers of a poster; all problems together.
pub fn read_all(layers: &[MergedLayer], problems: &mut Problems) -> Vec<Layer> {
    let mut read_layers = Vec::with_capacity(layers.len());
    let mut characters = 0;
    for layer in layers {
        if let Some(read) = read(layer, LayerId(read_layers.len()), Mode::Merged, problems) {
            let before = characters;
            characters += read.characters();
            if characters > MAX_REQUEST_TEXT_CHARS && before <= MAX_REQUEST_TEXT_CHARS {
                let message = format!("the texts of one poster have at most {MAX_REQUEST_TEXT_CHARS} characters together");
                problems.push(Problem::new(layer.place.child("text"), Code::TooMany, message));
            }
            read_layers.push(read);
        } else if problems.is_empty() {
            // A layer that cannot be read always says why; this keeps the promise should a reader forget.
            problems.push(Problem::new(layer.place.clone(), Code::Internal, "the layer could not be read"));
        }
    }
    read_layers
}
