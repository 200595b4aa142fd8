//! The kinds of layers: what a poster is made of, typed, valid and complete. One file per kind.

pub mod curves;
pub mod ellipse;
pub mod emit;
pub mod fit;
pub mod image;
pub mod line;
pub mod path;
pub mod qr;
pub mod read;
pub mod rect;
pub mod text;
pub mod values;

use crate::asset::{Assets, Source};
use crate::ctx::Ctx;
use crate::geom::{Affine, Rect};
use crate::layout::boxes::{BoxSpec, Given, Measured};
use crate::memo::Memo;
use crate::problem::{Code, Place, Problem};
use crate::scene::{Item, Lowered};
use crate::text::{Composed, Fonts};
use curves::Drawing;
use ellipse::Ellipse;
use emit::Emitter;
use image::Image;
use line::LineLayer;
use path::PathLayer;
use qr::{Modules, Qr};
use rect::RectLayer;
use text::Text;

/// A layer's number in painting order; names it through all stages.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LayerId(pub usize);

/// One layer, read.
#[derive(Clone, Debug)]
pub struct Layer {
    pub id: LayerId,
    pub place: Place,
    pub name: Option<String>,
    pub frame: BoxSpec,
    /// Degrees clockwise about the centre.
    pub rotate: f64,
    /// 0 to 1.
    pub opacity: f64,
    pub kind: Kind,
}

#[derive(Clone, Debug)]
pub enum Kind {
    Text(Text),
    Image(Image),
    Qr(Qr),
    Rect(RectLayer),
    Ellipse(Ellipse),
    Line(LineLayer),
    Path(PathLayer),
}

/// What a layer's content turned out to be when it was measured.
#[derive(Debug)]
pub enum Content {
    Plain {
        width: f64,
        height: f64,
    },
    Text {
        composed: std::sync::Arc<Composed>,
        size: (f64, f64),
        indent: f64,
        /// The font size that `autofit` found.
        fitted: Option<f64>,
    },
    Code(std::sync::Arc<Modules>, f64),
    Drawing(Drawing),
}

impl Measured for Content {
    fn size(&self) -> (f64, f64) {
        match self {
            Content::Plain { width, height } => (*width, *height),
            Content::Text { size, .. } => *size,
            Content::Code(_, side) => (*side, *side),
            Content::Drawing(drawing) => drawing.size,
        }
    }
}

/// What measuring and emitting may ask besides the layer.
pub struct Surroundings<'a> {
    pub fonts: &'a Fonts,
    pub assets: &'a Assets,
    pub memo: &'a Memo,
    pub ctx: &'a Ctx<'a>,
    /// Output pixels per layout pixel.
    pub scale: f64,
}

impl Layer {
    /// The word in the template.
    pub fn type_name(&self) -> &'static str {
        match self.kind {
            Kind::Text(_) => "text",
            Kind::Image(_) => "image",
            Kind::Qr(_) => "qr",
            Kind::Rect(_) => "rect",
            Kind::Ellipse(_) => "ellipse",
            Kind::Line(_) => "line",
            Kind::Path(_) => "path",
        }
    }

    /// The picture it shows and the one to try instead.
    pub fn sources(&self) -> Option<(&Source, Option<&Source>)> {
        match &self.kind {
            Kind::Image(image) => Some((&image.src, image.fallback.as_ref())),
            _ => None,
        }
    }

    /// The font files it names and where, as often as it names them.
    pub fn font_sources(&self) -> Vec<(Source, Place)> {
        match &self.kind {
            Kind::Text(text) => text.font_sources(&self.place),
            _ => Vec::new(),
        }
    }

    /// How many characters of it will be laid out at most.
    pub fn characters(&self) -> usize {
        match &self.kind {
            Kind::Text(text) => text.characters(),
            _ => 0,
        }
    }

    /// Its content in the sides given.
    pub fn measure(&self, given: Given, around: &Surroundings) -> Result<Content, Problem> {
        match &self.kind {
            Kind::Text(text) => text.measure(given, &self.place, around),
            Kind::Image(image) => Ok(image.measure(given, self.id, around.assets)),
            Kind::Qr(qr) => qr.measure(given, &self.place, around),
            Kind::Rect(_) => self.as_given(given, "a rect"),
            Kind::Ellipse(_) => self.as_given(given, "an ellipse"),
            Kind::Line(line) => line.measure(given.ahead.unwrap_or_default(), &self.place, around.scale),
            Kind::Path(path) => path.measure(given, &self.place, around.scale),
        }
    }

    /// The content of a layer whose box says all.
    fn as_given(&self, given: Given, what: &str) -> Result<Content, Problem> {
        match (given.width, given.height) {
            (Some(width), Some(height)) => Ok(Content::Plain { width, height }),
            (width, _) => Err(Problem::new(
                self.place.child(if width.is_none() { "width" } else { "height" }),
                Code::MissingField,
                format!("{what} has no size of its own"),
            )
            .hint("give width and height, or both opposite edges (x and right, y and bottom)")),
        }
    }

    /// Whose fitted size it shares.
    pub fn autofit_group(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => text.autofit_group.as_deref(),
            _ => None,
        }
    }

    /// A text anew at the size that its group shares; `None` for what is no text.
    pub fn set_at(&self, size: f64, width: f64, height: f64, around: &Surroundings) -> Option<Result<Content, Problem>> {
        let given = Given { width: Some(width), height: Some(height), at_most: None, ahead: None };
        match &self.kind {
            Kind::Text(text) => Some(text.set(Some(size), given, &self.place, around)),
            _ => None,
        }
    }

    /// Its items, back to front. `map` takes layout pixels of the canvas to output pixels.
    pub fn emit(
        &self,
        content: &Content,
        rect: Rect,
        canvas: crate::geom::PxRect,
        map: Affine,
        assets: &Assets,
    ) -> Vec<Item<Lowered>> {
        let (cx, cy) = rect.center();
        let map =
            if self.rotate.rem_euclid(360.0) == 0.0 { map } else { map.then_inner(Affine::rotate_about(self.rotate, cx, cy)) };
        let emitter = Emitter { canvas, map };
        if self.opacity <= 0.0 {
            return Vec::new();
        }
        let items = match (&self.kind, content) {
            (Kind::Text(text), Content::Text { composed, indent, .. }) => text.emit(composed, *indent, rect, &emitter),
            (Kind::Image(image), _) => image.emit(self.id, rect, &emitter, assets),
            (Kind::Qr(qr), Content::Code(modules, _)) => qr.emit(modules, rect, &emitter),
            (Kind::Rect(shape), _) => shape.emit(rect, &emitter),
            (Kind::Ellipse(ellipse), _) => ellipse.emit(rect, &emitter),
            (Kind::Line(line), Content::Drawing(drawing)) => line.emit(drawing, rect, &emitter),
            (Kind::Path(path), Content::Drawing(drawing)) => path.emit(drawing, rect, &emitter),
            (Kind::Text(_) | Kind::Qr(_) | Kind::Line(_) | Kind::Path(_), _) => Vec::new(),
        };
        emit::with_opacity(items, self.opacity)
    }
}
