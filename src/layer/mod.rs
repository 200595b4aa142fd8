//! The kinds of layers: what a poster is made of, typed, valid and complete. One file per kind.

pub mod curves;
pub mod ellipse;
pub mod emit;
pub mod image;
pub mod line;
pub mod path;
pub mod qr;
pub mod read;
pub mod rect;
pub mod shadow;
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
use shadow::{Caster, Shadows};
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
    pub shadows: Shadows,
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
    Plain { width: f64, height: f64 },
    Text { composed: std::sync::Arc<Composed>, size: (f64, f64), indent: f64 },
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

    /// The font files it names, as often as it names them.
    pub fn font_sources(&self) -> Vec<Source> {
        match &self.kind {
            Kind::Text(text) => text.font_sources().collect(),
            _ => Vec::new(),
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
        if self.shadows.0.is_empty() {
            return emit::with_opacity(self.content(content, rect, &emitter, assets), self.opacity);
        }
        let mut items = match &self.kind {
            Kind::Rect(shape) => {
                let opaque = shape.fill.as_ref().is_some_and(values::Paint::is_opaque);
                let hole = emitter.hole(rect, &shape.radius, opaque);
                let grown = |by: f64| emitter.grown_box(rect, &shape.radius, by);
                self.shadows.cast(&Caster::Outline { grown: &grown, hole: &hole }, &emitter)
            }
            Kind::Ellipse(ellipse) => {
                let hole = ellipse.hole(rect, &emitter);
                let grown = |by: f64| Ellipse::grown(rect, &emitter, by);
                self.shadows.cast(&Caster::Outline { grown: &grown, hole: &hole }, &emitter)
            }
            _ => {
                // What lies beside the canvas may cast its shadow onto it.
                let ample = Emitter { canvas: canvas.grow(self.shadows.reach(&emitter)), ..emitter };
                let items = self.content(content, rect, &ample, assets);
                let mut all = self.shadows.cast(&Caster::Drawn(&items), &emitter);
                all.extend(items);
                return emit::with_opacity(all, self.opacity);
            }
        };
        items.extend(self.content(content, rect, &emitter, assets));
        emit::with_opacity(items, self.opacity)
    }

    /// What it draws without shadows, back to front.
    fn content(&self, content: &Content, rect: Rect, emitter: &Emitter, assets: &Assets) -> Vec<Item<Lowered>> {
        match (&self.kind, content) {
            (Kind::Text(text), Content::Text { composed, indent, .. }) => text.emit(composed, *indent, rect, emitter),
            (Kind::Image(image), _) => image.emit(self.id, rect, emitter, assets),
            (Kind::Qr(qr), Content::Code(modules, _)) => qr.emit(modules, rect, emitter),
            (Kind::Rect(shape), _) => shape.emit(rect, emitter),
            (Kind::Ellipse(ellipse), _) => ellipse.emit(rect, emitter),
            (Kind::Line(line), Content::Drawing(drawing)) => line.emit(drawing, rect, emitter),
            (Kind::Path(path), Content::Drawing(drawing)) => path.emit(drawing, rect, emitter),
            (Kind::Text(_) | Kind::Qr(_) | Kind::Line(_) | Kind::Path(_), _) => Vec::new(),
        }
    }
}
