//! `shadow`: cast by a box's outline and cut out beneath it, as CSS `box-shadow`, or else by what is drawn.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::color::Color;
use crate::geom::{Fx, FxPoint, Path, PxRect, Segment};
use crate::layer::emit::Emitter;
use crate::limits::{MAX_BLUR, MAX_COORDINATE, MAX_SHADOWS};
use crate::scene::{Blur, Item, Lowered, Paint, Recipe, Shape};
use crate::template::declare::{fields, number};
use crate::template::fields::{Read, Reader};
use crate::template::values::{list, list_schema};

number! {
    /// A distance either way.
    pub struct Shift(f64) in [-MAX_COORDINATE, MAX_COORDINATE], "px";
    /// How wide a shadow's edge is.
    pub struct BlurWidth(f64) in [0.0, MAX_BLUR], "px";
}

fields! {
    /// A shadow beneath the layer.
    pub struct Shadow {
        /// How far to the right it lies.
        x: Shift = 0,
        /// How far down it lies.
        y: Shift = 0,
        /// How wide its edge is, in pixels; its standard deviation is half of this.
        blur: BlurWidth = 0,
        /// How much larger it is on all sides than the box; only boxes (`rect`, `ellipse`) have it.
        spread: Shift = 0,
        /// A CSS colour.
        color: Color = "#00000080",
    }
}

/// One shadow, or a list of them: the first lies on top.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Shadows(pub Vec<Shadow>);

impl Read for Shadows {
    fn read(value: &Value, reader: &mut Reader) -> Option<Shadows> {
        if !value.is_array() {
            return Shadow::read(value, reader).map(|one| Shadows(vec![one]));
        }
        list(value, reader, (0, MAX_SHADOWS), "shadows").map(Shadows)
    }

    fn schema() -> Value {
        json!({ "anyOf": [Shadow::schema(), list_schema::<Shadow>((0, MAX_SHADOWS))] })
    }
}

/// What a shadow is the shadow of.
pub enum Caster<'a> {
    /// A box: its outline, larger by the spread, and the hole that it leaves in its shadow, counterclockwise.
    Outline { grown: &'a dyn Fn(f64) -> Shape, hole: &'a [Segment] },
    /// Whatever is drawn.
    Drawn(&'a [Item<Lowered>]),
}

impl Shadows {
    /// How far, in output pixels, things beyond the canvas can lie whose shadow is seen.
    pub fn reach(&self, to: &Emitter) -> i32 {
        let one = |shadow: &Shadow| {
            let (x, y) = shadow.moved(to);
            Blur::reach(shadow.sigma(to)).saturating_add(x.saturating_abs().max(y.saturating_abs()))
        };
        // Further off than two of the largest canvases nothing is looked for.
        self.0.iter().map(one).max().unwrap_or(0).min(16_384)
    }

    pub fn have_spread(&self) -> bool {
        self.0.iter().any(|shadow| shadow.spread.get() != 0.0)
    }

    /// Back to front.
    pub fn cast(&self, caster: &Caster, to: &Emitter) -> Vec<Item<Lowered>> {
        self.0.iter().rev().filter(|shadow| shadow.color.a > 0).filter_map(|shadow| shadow.cast(caster, to)).collect()
    }
}

impl Shadow {
    fn sigma(&self, to: &Emitter) -> f64 {
        self.blur.get() / 2.0 * to.scale()
    }

    /// How far it lies from its layer in whole output pixels. It turns with the layer.
    fn moved(&self, to: &Emitter) -> (i32, i32) {
        let by = self.offset(to);
        (by.x.to_px().round() as i32, by.y.to_px().round() as i32)
    }

    fn offset(&self, to: &Emitter) -> FxPoint {
        let ((x0, y0), (x1, y1)) = (to.map.apply(0.0, 0.0), to.map.apply(self.x.get(), self.y.get()));
        FxPoint::from_px(x1 - x0, y1 - y0)
    }

    /// `None` where nothing of it can be seen.
    fn cast(&self, caster: &Caster, to: &Emitter) -> Option<Item<Lowered>> {
        let sigma = self.sigma(to);
        let reach = Blur::reach(sigma);
        let color = self.color.premultiply();
        match caster {
            Caster::Outline { grown, hole } => {
                let shape = grown(self.spread.get()).translate(self.offset(to));
                let area = shape.bounds().touched().grow(reach).intersect(to.canvas.grow(reach));
                let window = area.intersect(to.canvas);
                // Counted from the area's corner, so that a box that only moves has the same shadow.
                let (left, top) = (-area.x0, -area.y0);
                let shape = shape.translate(FxPoint { x: Fx::from_int(left), y: Fx::from_int(top) });
                let items = vec![Item::fill(shape, Paint::Solid(Color::BLACK.premultiply()))];
                let (area, seen) = (area.translate(left, top), window.translate(left, top));
                let recipe = Recipe::blur(Blur { items, area, window: seen, sigma, color })?;
                let clip = (!hole.is_empty()).then(|| around(window, hole));
                Some(Item::pixels(Arc::new(recipe), window.x0, window.y0, clip, 255))
            }
            Caster::Drawn(items) => {
                let (x, y) = self.moved(to);
                // Where the items lie whose shadow falls onto the canvas.
                let canvas = to.canvas.translate(x.saturating_neg(), y.saturating_neg());
                let touched = items.iter().fold(PxRect::default(), |all, item| all.union(item.bounds()));
                if touched.is_empty() {
                    return None;
                }
                let area = touched.grow(reach).intersect(canvas.grow(reach));
                let window = area.intersect(canvas);
                let recipe = Recipe::blur(Blur { items: items.to_vec(), area, window, sigma, color })?;
                Some(Item::pixels(Arc::new(recipe), window.x0.saturating_add(x), window.y0.saturating_add(y), None, 255))
            }
        }
    }
}

/// The window without the hole, whose outline runs counterclockwise.
fn around(window: PxRect, hole: &[Segment]) -> Shape {
    let at = |x: i32, y: i32| FxPoint { x: Fx::from_int(x), y: Fx::from_int(y) };
    let mut path = vec![
        Segment::Move(at(window.x0, window.y0)),
        Segment::Line(at(window.x1, window.y0)),
        Segment::Line(at(window.x1, window.y1)),
        Segment::Line(at(window.x0, window.y1)),
        Segment::Close,
    ];
    path.extend_from_slice(hole);
    Shape::Path(Arc::new(Path::new(path)))
}
