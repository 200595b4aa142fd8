//! The scene: finished items at fixed places, back to front, each named by a key of everything that determines its pixels.
//!
//! Coordinates are 1/64 pixels of the output, colours premultiplied RGBA8. [`Item`]s are immutable and shared; only the
//! constructors here make them, so key and bounds cannot be wrong. The same types serve before and after `settle`: a
//! [`Stage`] says whether pictures and glyphs are still recipes ([`Lowered`]) or already pixels ([`Ready`]).

mod ask;
mod ready;
pub mod recipe;

use std::sync::Arc;

use crate::color::Premul;
use crate::geom::{Affine, Fx, FxPoint, FxRect, Path, PxRect, Segment, Size};
pub use crate::key::{Key, KeyBuilder};
use crate::pixels::{Mask, Pixmap};
use crate::text::Face;
pub use ask::{CodeAsk, Colored, Cover, Remedy, TextAsk};
pub use recipe::{Blur, ColorGlyph, Crop, Filtered, Picture, Recipe, RecipeKind, Step, Warp};

/// What pictures and glyphs are at this point of the way.
pub trait Stage: 'static {
    type Pixels: Clone + Send + Sync;
    type Glyphs: Clone + Send + Sync;
}

/// After lowering: recipes.
#[derive(Clone, Copy)]
pub struct Lowered;

/// After settling: pixels and masks, nothing left that can fail.
#[derive(Clone, Copy)]
pub struct Ready;

impl Stage for Lowered {
    type Pixels = Arc<Recipe>;
    type Glyphs = Arc<GlyphRun>;
}

impl Stage for Ready {
    type Pixels = Arc<Pixmap>;
    type Glyphs = Arc<[PlacedMask]>;
}

/// A canvas and its items, back to front.
pub struct Canvas<S: Stage> {
    size: Size,
    background: Premul,
    items: Vec<Item<S>>,
}

pub type Scene = Canvas<Lowered>;
/// *Invariant*: row y of the result depends only on row y of every source and of the backdrop.
pub type Settled = Canvas<Ready>;

impl<S: Stage> Canvas<S> {
    pub fn new(size: Size, background: Premul, items: Vec<Item<S>>) -> Canvas<S> {
        Canvas { size, background, items }
    }

    pub fn size(&self) -> Size {
        self.size
    }

    pub fn background(&self) -> Premul {
        self.background
    }

    pub fn items(&self) -> &[Item<S>] {
        &self.items
    }
}

/// One thing to paint.
pub struct Item<S: Stage>(Arc<ItemData<S>>);

struct ItemData<S: Stage> {
    key: Key,
    bounds: PxRect,
    op: Op<S>,
}

impl<S: Stage> Clone for Item<S> {
    fn clone(&self) -> Self {
        Item(Arc::clone(&self.0))
    }
}

pub enum Op<S: Stage> {
    Fill {
        shape: Shape,
        paint: Paint,
    },
    Glyphs {
        run: S::Glyphs,
        paint: Paint,
    },
    /// `source`'s top left pixel lies on pixel (`x`, `y`) of the canvas; `clip` is in canvas coordinates.
    Pixels {
        source: S::Pixels,
        x: i32,
        y: i32,
        clip: Option<Shape>,
        opacity: u8,
    },
    /// Painted apart on transparent ground, then composited as one.
    Group {
        items: Vec<Item<S>>,
        opacity: u8,
        blend: Blend,
        clip: Option<Shape>,
        mask: Option<GroupMask<S>>,
    },
}

/// Pixels whose alpha scales a group; outside of them the group is invisible.
#[derive(Clone)]
pub struct GroupMask<S: Stage> {
    pub source: S::Pixels,
    pub x: i32,
    pub y: i32,
}

/// CSS `mix-blend-mode` (Compositing and Blending Level 1).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[repr(u8)]
pub enum Blend {
    #[default]
    Normal,
    Multiply,
    Screen,
    Overlay,
    Darken,
    Lighten,
    ColorDodge,
    ColorBurn,
    HardLight,
    SoftLight,
    Difference,
    Exclusion,
    Hue,
    Saturation,
    Color,
    Luminosity,
    PlusLighter,
}

/// An area of coverage.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Shape {
    Rect(FxRect),
    /// Corner radii clockwise from the top left, each (horizontal, vertical); already shrunk to fit as CSS says.
    RoundRect(FxRect, [FxPoint; 4]),
    Ellipse(FxRect),
    Path(Arc<Path>),
}

impl Shape {
    pub fn bounds(&self) -> FxRect {
        match self {
            Shape::Rect(r) | Shape::RoundRect(r, _) | Shape::Ellipse(r) => *r,
            Shape::Path(path) => path.bounds(),
        }
    }

    pub fn translate(&self, by: FxPoint) -> Shape {
        let rect = |r: &FxRect| {
            let at = |x: Fx, y: Fx| FxPoint { x, y }.translate(by);
            let (near, far) = (at(r.x0, r.y0), at(r.x1, r.y1));
            FxRect::new(near.x, near.y, far.x, far.y)
        };
        match self {
            Shape::Rect(r) => Shape::Rect(rect(r)),
            Shape::RoundRect(r, radii) => Shape::RoundRect(rect(r), *radii),
            Shape::Ellipse(r) => Shape::Ellipse(rect(r)),
            Shape::Path(path) => Shape::Path(Arc::new(path.translate(by))),
        }
    }

    /// A rounded rectangle, or a plain one when no corner is round.
    pub fn round_rect(rect: FxRect, radii: [FxPoint; 4]) -> Shape {
        if radii.iter().all(|r| r.x.0 <= 0 || r.y.0 <= 0) { Shape::Rect(rect) } else { Shape::RoundRect(rect, radii) }
    }
}

/// What fills a shape.
#[derive(Clone, PartialEq, Debug)]
pub enum Paint {
    Solid(Premul),
    Gradient(Arc<Gradient>),
}

impl Paint {
    pub fn is_opaque(&self) -> bool {
        match self {
            Paint::Solid(color) => color.alpha() == 255,
            Paint::Gradient(g) => g.stops.iter().all(|s| s.color.alpha() == 255),
        }
    }
}

/// A CSS gradient. `map` takes an output pixel's centre into gradient space, where a linear gradient's position is x,
/// a radial one's the distance from the origin, a conic one's the angle clockwise from straight up as a part of a full turn.
#[derive(Clone, PartialEq, Debug)]
pub struct Gradient {
    pub kind: GradientKind,
    pub map: Affine,
    /// At least one; positions finite and never falling. Colours are interpolated premultiplied in sRGB.
    pub stops: Vec<Stop>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum GradientKind {
    Linear,
    Radial,
    Conic,
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Stop {
    pub at: f32,
    pub color: Premul,
}

/// Glyphs of one face at one size.
#[derive(Clone)]
pub struct GlyphRun {
    pub face: Arc<Face>,
    /// Pixels per em in the output.
    pub size: f64,
    /// Applied to each outline about its origin after scaling to `size` (rotation, synthetic slant); translation unused.
    pub matrix: Option<Affine>,
    /// Draws along the outlines instead of filling them.
    pub pen: Option<Pen>,
    pub glyphs: Vec<PlacedGlyph>,
}

impl GlyphRun {
    /// All that its glyphs' forms depend on besides which they are: the beginning of a key of that name.
    pub fn key_of_form(&self, name: &'static str) -> KeyBuilder {
        let key = KeyBuilder::new(name).key(self.face.key()).f64(self.size);
        let key = match self.matrix {
            Some(m) => key.u8(1).f64(m.a).f64(m.b).f64(m.c).f64(m.d),
            None => key.u8(0),
        };
        match self.pen {
            Some(pen) => key.u8(1).f64(pen.width).u8(pen.glyph as u8).f64(pen.heavier),
            None => key.u8(0),
        }
    }
}

/// A round pen whose middle follows outlines.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Pen {
    /// In pixels of the output.
    pub width: f64,
    pub glyph: Inside,
    /// How wide a pen makes the glyph itself heavier: what a hollow one leaves out is as heavy.
    pub heavier: f64,
}

/// What becomes of the glyph that a pen goes around.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Inside {
    /// It does not count.
    Ignored,
    /// It is left out.
    Hollow,
    /// It is drawn as well: a heavier glyph.
    Filled,
}

/// A glyph whose origin (on the baseline) lies at (`x`, `y`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PlacedGlyph {
    pub id: u16,
    pub x: Fx,
    pub y: Fx,
}

/// Coverage whose top left pixel lies on pixel (`x`, `y`) of the canvas.
#[derive(Clone)]
pub struct PlacedMask {
    pub x: i32,
    pub y: i32,
    pub mask: Arc<Mask>,
}

impl<S: Stage> Item<S> {
    pub fn key(&self) -> Key {
        self.0.key
    }

    /// The pixels it may touch.
    pub fn bounds(&self) -> PxRect {
        self.0.bounds
    }

    pub fn op(&self) -> &Op<S> {
        &self.0.op
    }

    fn make(key: Key, bounds: PxRect, op: Op<S>) -> Item<S> {
        Item(Arc::new(ItemData { key, bounds, op }))
    }

    pub fn fill(shape: Shape, paint: Paint) -> Item<S> {
        let key = key_of_paint(key_of_shape(KeyBuilder::new("fill"), &shape), &paint).finish();
        Item::make(key, shape.bounds().touched(), Op::Fill { shape, paint })
    }
}

impl Item<Lowered> {
    /// `reach` is how far ink may lie from an origin, in pixels per em: from the face's own bounding box.
    pub fn glyphs(run: GlyphRun, paint: Paint) -> Item<Lowered> {
        let mut key = run.key_of_form("glyphs");
        key = key.u32(run.glyphs.len() as u32).room_for(run.glyphs.len() * 12);
        let reach = run.face.ink_box();
        let m = run.matrix.unwrap_or(Affine::IDENTITY);
        let ink = m.bounds_of(reach.scale(run.size)).inset(-run.pen.map_or(0.0, |pen| pen.width / 2.0));
        let [left, top, right, bottom] = [ink.x, ink.y, ink.right(), ink.bottom()].map(Fx::from_px);
        let mut bounds = PxRect::default();
        for glyph in &run.glyphs {
            key = key.i32s([i32::from(glyph.id), glyph.x.0, glyph.y.0]);
            let one = FxRect {
                x0: Fx(glyph.x.0.saturating_add(left.0)),
                y0: Fx(glyph.y.0.saturating_add(top.0)),
                x1: Fx(glyph.x.0.saturating_add(right.0)),
                y1: Fx(glyph.y.0.saturating_add(bottom.0)),
            };
            bounds = bounds.union(one.touched());
        }
        let key = key_of_paint(key, &paint).finish();
        // A pixel of margin: phases are quantised when masks are made.
        let bounds = PxRect::new(bounds.x0 - 1, bounds.y0 - 1, bounds.x1 + 1, bounds.y1 + 1);
        Item::make(key, bounds, Op::Glyphs { run: Arc::new(run), paint })
    }

    pub fn pixels(source: Arc<Recipe>, x: i32, y: i32, clip: Option<Shape>, opacity: u8) -> Item<Lowered> {
        let mut key = KeyBuilder::new("pixels").key(source.key()).i32(x).i32(y).u8(opacity);
        key = match &clip {
            Some(shape) => key_of_shape(key.u8(1), shape),
            None => key.u8(0),
        };
        let mut bounds = PxRect::of_size(source.size()).translate(x, y);
        if let Some(shape) = &clip {
            bounds = bounds.intersect(shape.bounds().touched());
        }
        Item::make(key.finish(), bounds, Op::Pixels { source, x, y, clip, opacity })
    }

    /// A group with nothing set is not needed: splice its items instead (see [`Item::group_or_items`]).
    pub fn group(
        items: Vec<Item<Lowered>>,
        opacity: u8,
        blend: Blend,
        clip: Option<Shape>,
        mask: Option<GroupMask<Lowered>>,
    ) -> Item<Lowered> {
        let mut key = KeyBuilder::new("group").u8(opacity).u8(blend as u8).u32(items.len() as u32);
        let mut bounds = PxRect::default();
        for item in &items {
            key = key.key(item.key());
            bounds = bounds.union(item.bounds());
        }
        key = match &clip {
            Some(shape) => {
                bounds = bounds.intersect(shape.bounds().touched());
                key_of_shape(key.u8(1), shape)
            }
            None => key.u8(0),
        };
        key = match &mask {
            Some(m) => {
                bounds = bounds.intersect(PxRect::of_size(m.source.size()).translate(m.x, m.y));
                key.u8(1).key(m.source.key()).i32(m.x).i32(m.y)
            }
            None => key.u8(0),
        };
        Item::make(key.finish(), bounds, Op::Group { items, opacity, blend, clip, mask })
    }

    /// The items as they are when the group would change nothing.
    pub fn group_or_items(
        items: Vec<Item<Lowered>>,
        opacity: u8,
        blend: Blend,
        clip: Option<Shape>,
        mask: Option<GroupMask<Lowered>>,
    ) -> Vec<Item<Lowered>> {
        if opacity == 255 && blend == Blend::Normal && clip.is_none() && mask.is_none() {
            return items;
        }
        vec![Item::group(items, opacity, blend, clip, mask)]
    }

    /// The same item with its recipes replaced by what they gave; key and bounds stay.
    pub fn settled(&self, op: Op<Ready>) -> Item<Ready> {
        Item::make(self.key(), self.bounds(), op)
    }
}

pub(crate) fn key_of_shape(key: KeyBuilder, shape: &Shape) -> KeyBuilder {
    let rect = |key: KeyBuilder, r: &FxRect| key.i32(r.x0.0).i32(r.y0.0).i32(r.x1.0).i32(r.y1.0);
    match shape {
        Shape::Rect(r) => rect(key.u8(0), r),
        Shape::RoundRect(r, radii) => radii.iter().fold(rect(key.u8(1), r), |key, radius| key.i32(radius.x.0).i32(radius.y.0)),
        Shape::Ellipse(r) => rect(key.u8(2), r),
        Shape::Path(path) => {
            let point = |key: KeyBuilder, p: &FxPoint| key.i32(p.x.0).i32(p.y.0);
            let key = key.u8(3).u32(path.segments().len() as u32);
            path.segments().iter().fold(key, |key, segment| match segment {
                Segment::Move(p) => point(key.u8(0), p),
                Segment::Line(p) => point(key.u8(1), p),
                Segment::Quad(a, b) => point(point(key.u8(2), a), b),
                Segment::Cubic(a, b, c) => point(point(point(key.u8(3), a), b), c),
                Segment::Close => key.u8(4),
            })
        }
    }
}

fn key_of_paint(key: KeyBuilder, paint: &Paint) -> KeyBuilder {
    match paint {
        Paint::Solid(color) => key.u8(0).bytes(&color.to_bytes()),
        Paint::Gradient(g) => {
            let m = g.map;
            let key = key.u8(1).u8(g.kind as u8).f64(m.a).f64(m.b).f64(m.c).f64(m.d).f64(m.e).f64(m.f).u32(g.stops.len() as u32);
            g.stops.iter().fold(key, |key, stop| key.f32(stop.at).bytes(&stop.color.to_bytes()))
        }
    }
}
