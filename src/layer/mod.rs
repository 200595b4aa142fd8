//! The kinds of layers: what a poster is made of, typed, valid and complete. One file per kind.

pub mod anchor;
pub mod asks;
pub mod barcode;
pub mod choices;
mod content;
pub mod curves;
pub mod ellipse;
pub mod emit;
pub mod filters;
pub mod fit;
mod flow;
pub mod group;
pub mod image;
pub mod line;
pub mod mask;
pub mod modules;
pub mod path;
pub mod perspective;
pub mod progress;
pub mod qr;
pub mod rating;
pub mod read;
pub mod rect;
pub mod shadow;
pub mod stack;
pub mod svg;
pub mod table;
pub mod text;
pub mod values;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use crate::asset::{Assets, Shown, Source};
use crate::ctx::Ctx;
use crate::geom::{Affine, Rect, Segment};
use crate::layout::boxes::{BoxSpec, Given, Parent, place};
use crate::limits::MAX_PLACINGS;
use crate::memo::Memo;
use crate::problem::{Code, Place, Problem};
use crate::scene::{Blend, Item, Lowered};
use crate::text::Fonts;
use anchor::Anchor;
use barcode::Barcode;
use choices::Choices;
pub use content::Content;
use ellipse::Ellipse;
use emit::Emitter;
use group::Group;
use image::Image;
use line::LineLayer;
use mask::Mask;
use path::PathLayer;
use progress::Progress;
use qr::Qr;
use rating::Rating;
use rect::RectLayer;
use shadow::{Caster, Shadows};
use stack::Flowing;
use table::Table;
use text::Text;
use values::{Flip, Paint, Radius};

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
    /// The other layer beside which it lies.
    pub anchor: Option<Anchor>,
    /// Of a layer of a stack that has no edges of its own: how it stands in it.
    pub flowing: Option<Flowing>,
    /// Degrees clockwise about the centre.
    pub rotate: f64,
    pub flip: Option<Flip>,
    /// 0 to 1.
    pub opacity: f64,
    pub shadows: Shadows,
    pub blend: Blend,
    /// Whether what lies beyond its box is cut off.
    pub clip: bool,
    /// What of it is seen.
    pub mask: Option<Mask>,
    pub kind: Kind,
}

#[derive(Clone, Debug)]
pub enum Kind {
    Text(Text),
    Image(Image),
    /// The picture in the middle of a code, which draws it.
    Logo(Image),
    Qr(Qr),
    Barcode(Barcode),
    Svg(Image),
    Rating(Rating),
    Progress(Progress),
    Rect(RectLayer),
    Ellipse(Ellipse),
    Line(LineLayer),
    Path(PathLayer),
    Table(Table),
    Group(Group),
}

/// What measuring and emitting may ask besides the layer.
pub struct Surroundings<'a> {
    pub fonts: &'a Fonts,
    pub assets: &'a Assets,
    pub memo: &'a Memo,
    pub choices: &'a Choices,
    pub ctx: &'a Ctx<'a>,
    /// Output pixels per layout pixel.
    pub scale: f64,
    /// How often a box was placed.
    pub placings: Cell<u32>,
    /// Of groups what they were measured at: each level may ask those within several times, which without this would double and more
    /// from one level to the next.
    pub measures: RefCell<HashMap<(LayerId, GivenBits), Content>>,
}

/// A [`Given`], told exactly.
type GivenBits = [Option<u64>; 6];

fn bits(given: Given) -> GivenBits {
    let Given { width, height, at_most, at_most_down, ahead } = given;
    [width, height, at_most, at_most_down, ahead.map(|(x, _)| x), ahead.map(|(_, y)| y)].map(|side| side.map(f64::to_bits))
}

impl Surroundings<'_> {
    /// Before a layer is placed or measured: whether there is time for it.
    pub fn step(&self, place: &Place) -> Result<(), Problem> {
        let late = |_| Problem::new(place.clone(), Code::Deadline, "the deadline passed during layout");
        self.ctx.check().map_err(late)?;
        self.placings.set(self.placings.get().saturating_add(1));
        if self.placings.get() > MAX_PLACINGS {
            let message = format!("the layout takes more than {MAX_PLACINGS} steps");
            return Err(Problem::new(place.clone(), Code::TooMany, message)
                .hint("fewer minimum and maximum sizes of groups, and fewer stacks within groups within stacks, help"));
        }
        Ok(())
    }

    /// What a group measures in the sides given, worked out once in a layout.
    fn once(&self, id: LayerId, given: Given, measure: impl FnOnce() -> Result<Content, Problem>) -> Result<Content, Problem> {
        let key = (id, bits(given));
        if let Some(known) = self.measures.borrow().get(&key) {
            return Ok(known.clone());
        }
        let content = measure()?;
        self.measures.borrow_mut().insert(key, content.clone());
        Ok(content)
    }
}

/// Layers with all that lies in them, in the order of their ids: a group before what it holds.
pub fn all(layers: &[Layer]) -> Vec<&Layer> {
    let mut all = Vec::new();
    layers.iter().for_each(|layer| layer.gather(&mut all));
    all
}

impl Layer {
    /// The word in the template.
    pub fn type_name(&self) -> &'static str {
        match self.kind {
            Kind::Text(_) => "text",
            Kind::Image(_) | Kind::Logo(_) => "image",
            Kind::Qr(_) => "qr",
            Kind::Barcode(_) => "barcode",
            Kind::Svg(_) => "svg",
            Kind::Rating(_) => "rating",
            Kind::Progress(_) => "progress",
            Kind::Rect(_) => "rect",
            Kind::Ellipse(_) => "ellipse",
            Kind::Line(_) => "line",
            Kind::Path(_) => "path",
            Kind::Table(_) => "table",
            Kind::Group(Group { flow: None, .. }) => "group",
            Kind::Group(Group { flow: Some(_), .. }) => "stack",
        }
    }

    /// The picture it shows and the one to try instead.
    pub fn sources(&self) -> Option<(&Source, Option<&Source>)> {
        self.image().map(|image| (&image.src, image.fallback.as_ref()))
    }

    /// As a picture, if it is one.
    pub fn image(&self) -> Option<&Image> {
        match &self.kind {
            Kind::Image(image) | Kind::Logo(image) | Kind::Svg(image) => Some(image),
            _ => None,
        }
    }

    /// Where its source is named: a layer of its own says `src`, a logo is what its code says.
    pub fn place_of_source(&self) -> Place {
        match self.kind {
            Kind::Logo(_) => self.place.clone(),
            _ => self.place.child("src"),
        }
    }

    /// The font files it names and where, as often as it names them.
    pub fn font_sources(&self) -> Vec<(Source, Place)> {
        match &self.kind {
            Kind::Text(text) => text.font_sources(&self.place),
            Kind::Table(table) => table.font_sources(),
            _ => Vec::new(),
        }
    }

    /// Itself, its mask, its logo, its letters' pictures and all that lies in it, in the order of their ids.
    fn gather<'l>(&'l self, into: &mut Vec<&'l Layer>) {
        into.push(self);
        if let Some(Mask::Picture(picture)) = &self.mask {
            picture.gather(into);
        }
        match &self.kind {
            Kind::Group(group) => group.layers.iter().for_each(|layer| layer.gather(into)),
            Kind::Qr(Qr { logo: Some(logo), .. }) => logo.gather(into),
            Kind::Text(text) => text.pictures().for_each(|picture| picture.gather(into)),
            _ => {}
        }
    }

    /// Its box in the parent, and its content.
    pub fn place_in(&self, parent: Parent, around: &Surroundings) -> Result<(Rect, Content), Problem> {
        self.place_as(&self.frame, parent, around)
    }

    /// As [`Layer::place_in`], in another frame than its own.
    pub fn place_as(&self, frame: &BoxSpec, parent: Parent, around: &Surroundings) -> Result<(Rect, Content), Problem> {
        around.step(&self.place)?;
        place(frame, parent, &self.place, |given| self.measure(given, around))
    }

    /// How many characters of it will be laid out at most.
    pub fn characters(&self) -> usize {
        match &self.kind {
            Kind::Text(text) => text.characters(),
            Kind::Table(table) => table.characters(),
            _ => 0,
        }
    }

    /// Of these how many a text has that finds its size itself.
    pub fn fitted_characters(&self) -> usize {
        match &self.kind {
            Kind::Text(text) if text.autofit.is_some() => text.characters(),
            _ => 0,
        }
    }

    /// How many cells of a table it has.
    pub fn cells(&self) -> usize {
        match &self.kind {
            Kind::Table(table) => table.count(),
            _ => 0,
        }
    }

    /// Its content in the sides given.
    pub fn measure(&self, given: Given, around: &Surroundings) -> Result<Content, Problem> {
        match &self.kind {
            Kind::Text(text) => text.measure(given, &self.place, around),
            Kind::Image(image) | Kind::Logo(image) => image.measure(given, self.id, &self.place, around.assets),
            Kind::Qr(qr) => qr.measure(given, self.id, &self.place, around),
            Kind::Barcode(barcode) => barcode.measure(given, &self.place, around),
            Kind::Svg(image) => {
                if let Shown::Picture { asset, .. } = around.assets.get(self.id.0) {
                    svg::check(asset, &self.place)?;
                }
                image.measure(given, self.id, &self.place, around.assets)
            }
            Kind::Rating(rating) => Ok(rating.measure(given)),
            Kind::Progress(progress) => progress.measure(given, &self.place, around.scale),
            Kind::Rect(_) => self.as_given(given, "a rect"),
            Kind::Ellipse(_) => self.as_given(given, "an ellipse"),
            Kind::Line(line) => line.measure(given.ahead.unwrap_or_default(), &self.place, around.scale),
            Kind::Path(path) => path.measure(given, &self.place, around.scale),
            Kind::Table(table) => around.once(self.id, given, || table.measure(given, &self.place, around)),
            Kind::Group(group) => around.once(self.id, given, || group.measure(given, &self.place, around)),
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
        let given = Given { width: Some(width), height: Some(height), ..Given::default() };
        match &self.kind {
            Kind::Text(text) => Some(text.set(Some(size), given, &self.place, around)),
            _ => None,
        }
    }

    /// The map for what it draws, from that of its parent: mirrored, then rotated about the centre of its box.
    fn turned(&self, rect: Rect, map: Affine) -> Affine {
        let (cx, cy) = rect.center();
        let map =
            if self.rotate.rem_euclid(360.0) == 0.0 { map } else { map.then_inner(Affine::rotate_about(self.rotate, cx, cy)) };
        self.flip.map_or(map, |flip| map.then_inner(flip.about(cx, cy)))
    }

    /// Its items, back to front. `to` is its parent's: it takes layout pixels in which the box is given to output pixels.
    pub fn emit(&self, content: &Content, rect: Rect, to: &Emitter, assets: &Assets) -> Vec<Item<Lowered>> {
        let emitter = Emitter { map: self.turned(rect, to.map), ..*to };
        if self.opacity <= 0.0 || to.beneath.is_some_and(|beneath| self.id > beneath.text) {
            return Vec::new();
        }
        let finish = |items| {
            let items = match &self.mask {
                Some(mask) => mask.apply(items, rect, &emitter, assets),
                None => items,
            };
            emit::with_effects(items, self.opacity, self.blend)
        };
        let cut = |items| if self.clip { self.clipped(items, rect, &emitter) } else { items };
        if self.shadows.0.is_empty() {
            return finish(cut(self.content(content, rect, &emitter, assets)));
        }
        let items = match self.outline(rect, &emitter) {
            Some((radius, hole)) => {
                let grown = |by: f64| match radius {
                    Some(radius) => emitter.grown_box(rect, radius, by),
                    None => Ellipse::grown(rect, &emitter, by),
                };
                let mut all = self.shadows.cast(&Caster::Outline { grown: &grown, hole: &hole }, &emitter);
                // The shadow of a box lies outside of what its clip keeps.
                all.extend(cut(self.content(content, rect, &emitter, assets)));
                all
            }
            None => {
                // What lies beside the canvas may cast its shadow onto it.
                let ample = emitter.ample(self.shadows.reach(&emitter));
                let items = self.content(content, rect, &ample, assets);
                let mut all = self.shadows.cast(&Caster::Drawn(&items), &emitter);
                all.extend(items);
                cut(all)
            }
        };
        finish(items)
    }

    /// Of a layer whose shadow its box casts: the radius of its corners (none: it is an ellipse) and the hole in its shadow.
    fn outline(&self, rect: Rect, to: &Emitter) -> Option<(Option<&Radius>, Vec<Segment>)> {
        let opaque = |paint: Option<&Paint>| paint.is_some_and(Paint::is_opaque);
        match &self.kind {
            Kind::Rect(shape) => Some((Some(&shape.radius), to.hole(rect, &shape.radius, opaque(shape.fill.as_ref())))),
            Kind::Ellipse(ellipse) => Some((None, ellipse.hole(rect, to))),
            Kind::Group(Group { look, .. }) if look.background.is_some() => {
                Some((Some(&look.radius), to.hole(rect, &look.radius, opaque(look.background.as_ref()))))
            }
            Kind::Table(Table { look, .. }) if look.background.is_some() => {
                Some((Some(&look.radius), to.hole(rect, &look.radius, opaque(look.background.as_ref()))))
            }
            Kind::Text(text) if text.background.is_some() => {
                Some((Some(&text.radius), to.hole(rect, &text.radius, opaque(text.background.as_ref()))))
            }
            _ => None,
        }
    }

    /// What of the items lies in the box with its round corners.
    fn clipped(&self, items: Vec<Item<Lowered>>, rect: Rect, to: &Emitter) -> Vec<Item<Lowered>> {
        let shape = match &self.kind {
            Kind::Rect(shape) => to.round_box(rect, &shape.radius),
            Kind::Image(image) | Kind::Logo(image) => to.round_box(rect, &image.radius),
            Kind::Group(Group { look, .. }) | Kind::Table(Table { look, .. }) => to.round_box(rect, &look.radius),
            Kind::Ellipse(_) => Ellipse::grown(rect, to, 0.0),
            Kind::Text(text) => to.round_box(rect, &text.radius),
            Kind::Qr(_)
            | Kind::Barcode(_)
            | Kind::Svg(_)
            | Kind::Rating(_)
            | Kind::Progress(_)
            | Kind::Line(_)
            | Kind::Path(_) => to.round_box(rect, &Radius::NONE),
        };
        if items.is_empty() { items } else { vec![Item::group(items, 255, Blend::Normal, Some(shape), None)] }
    }

    /// What it draws without shadows, back to front.
    fn content(&self, content: &Content, rect: Rect, emitter: &Emitter, assets: &Assets) -> Vec<Item<Lowered>> {
        match (&self.kind, content) {
            (Kind::Text(text), Content::Text { fitted, remedy, .. }) => match (content.laid(), remedy) {
                (None, _) => Vec::new(),
                (Some(laid), _) if emitter.beneath.is_some_and(|beneath| beneath.text == self.id) => {
                    text.ground(laid, rect, emitter)
                }
                (Some(laid), Some(remedy)) => text.emit_with((*remedy, *fitted), laid, rect, emitter, assets),
                (Some(laid), None) => text.emit(laid, rect, emitter, assets),
            },
            (Kind::Image(image) | Kind::Logo(image) | Kind::Svg(image), _) => image.emit(self.id, rect, emitter, assets),
            (Kind::Rating(rating), _) => rating.emit(rect, emitter),
            (Kind::Progress(progress), _) => progress.emit(content, rect, emitter),
            (Kind::Qr(qr), Content::Code(measured)) => qr.emit(measured, rect, emitter, assets),
            (Kind::Barcode(barcode), Content::Barcode(measured)) => barcode.emit(measured, rect, emitter),
            (Kind::Rect(shape), _) => shape.emit(rect, emitter),
            (Kind::Ellipse(ellipse), _) => ellipse.emit(rect, emitter),
            (Kind::Line(line), Content::Drawing(drawing)) => line.emit(drawing, rect, emitter),
            (Kind::Path(path), Content::Drawing(drawing)) => path.emit(drawing, rect, emitter),
            (Kind::Table(table), Content::Table(measured)) => table.emit(measured, rect, emitter),
            (Kind::Group(group), Content::Group { inside, .. }) => group.emit(inside, rect, emitter, assets),
            (
                Kind::Text(_) | Kind::Qr(_) | Kind::Barcode(_) | Kind::Line(_) | Kind::Path(_) | Kind::Table(_) | Kind::Group(_),
                _,
            ) => Vec::new(),
        }
    }
}
