//! `corners`: a picture's box laid into four points.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::geom::{Affine, FxPoint, Path, Projective, Rect, Segment};
use crate::layer::emit::Emitter;
use crate::layer::values::{Border, Paint, Point, Radius};
use crate::problem::{Code, Place, Problem};
use crate::scene::{Item, Lowered, Shape};
use crate::template::fields::{Read, Reader, part_schema};

/// Where the corners of the box go, clockwise from the top left, counted from the box's own top left.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Corners(pub [Point; 4]);

impl Read for Corners {
    fn read(value: &Value, reader: &mut Reader) -> Option<Corners> {
        let Some(list) = value.as_array() else {
            return reader
                .wrong_type(value, "a list of four points, as `[[0, 0], [\"100%\", 20], [\"100%\", \"90%\"], [0, \"100%\"]]`");
        };
        let read: Vec<Option<Point>> = list.iter().enumerate().map(|(i, v)| reader.read_item(i, v)).collect();
        match *read.as_slice() {
            [a, b, c, d] => Some(Corners([a?, b?, c?, d?])),
            _ => reader.invalid(format!("must be four points, clockwise from the top left, not {}", list.len())),
        }
    }

    fn schema() -> Value {
        json!({ "type": "array", "items": part_schema(Point::schema()), "minItems": 4, "maxItems": 4 })
    }
}

/// A box in perspective.
pub struct Tilted {
    /// From layout pixels of the flat box to output pixels.
    pub map: Projective,
    /// How many output pixels a layout pixel takes where it is largest.
    pub scale: f64,
}

impl Corners {
    fn at(&self, rect: Rect) -> [(f64, f64); 4] {
        self.0.map(|point| point.0.resolve(rect))
    }

    /// Whether the points can be corners of the box.
    pub fn check(&self, (width, height): (f64, f64), place: &Place) -> Result<(), Problem> {
        let flat = Rect::new(0.0, 0.0, width, height);
        if width <= 0.0 || height <= 0.0 || Projective::to_corners(flat, self.at(flat)).is_some() {
            return Ok(());
        }
        let message = "the four corners, in their order, do not enclose a convex shape";
        Err(Problem::new(place.child("corners"), Code::InvalidValue, message)
            .hint("give them clockwise from the top left; no three may lie in a line"))
    }

    /// `None` where nothing can be seen of it.
    pub fn tilt(&self, rect: Rect, to: &Emitter) -> Option<Tilted> {
        let corners = self.at(rect).map(|(x, y)| to.map.apply(x, y));
        let map = Projective::to_corners(rect, corners)?;
        // Where it is stretched most: at one of the corners, seen over a hundredth of the box.
        let (dx, dy) = (rect.width / 100.0, rect.height / 100.0);
        let stretched = |x: f64, y: f64, dx: f64, dy: f64| {
            let side = |p: (f64, f64), q: (f64, f64), by: f64| libm::hypot(q.0 - p.0, q.1 - p.1) / by.abs();
            let at = map.apply(x, y);
            side(at, map.apply(x + dx, y), dx).max(side(at, map.apply(x, y + dy), dy))
        };
        let ends = [(rect.x, rect.y, dx, dy), (rect.right(), rect.y, -dx, dy), (rect.right(), rect.bottom(), -dx, -dy)];
        let last = stretched(rect.x, rect.bottom(), dx, -dy);
        let scale = ends.map(|(x, y, dx, dy)| stretched(x, y, dx, dy)).into_iter().fold(last, f64::max);
        Some(Tilted { map, scale })
    }
}

impl Tilted {
    /// A border's ring.
    pub fn border(&self, rect: Rect, radius: &Radius, border: &Border, to: &Emitter) -> Option<Item<Lowered>> {
        let ring = self.flat(to).flat_ring(rect, radius, border.width)?;
        Some(Item::fill(self.lay(&ring), to.paint(&border.paint, rect, 1.0)))
    }

    /// The whole box in one paint.
    pub fn filled(&self, rect: Rect, radius: &Radius, paint: &Paint, to: &Emitter) -> Item<Lowered> {
        Item::fill(self.lay(&self.flat(to).flat_box(rect, radius)), to.paint(paint, rect, 1.0))
    }

    /// As if it lay flat, at the scale where it is largest.
    fn flat<'k>(&self, to: &Emitter<'k>) -> Emitter<'k> {
        Emitter { map: Affine::scale(self.scale, self.scale), ..*to }
    }

    /// A flat outline in perspective. Straight lines stay straight; curves are cut into pieces that nobody tells from them.
    fn lay(&self, flat: &Path) -> Shape {
        const PIECES: u32 = 24;
        let back = 1.0 / self.scale.max(1e-9);
        let at = |(x, y): (f64, f64)| {
            let (x, y) = self.map.apply(x * back, y * back);
            FxPoint::from_px(x, y)
        };
        let px = |p: FxPoint| (p.x.to_px(), p.y.to_px());
        let (mut laid, mut last) = (Vec::new(), (0.0, 0.0));
        for segment in flat.segments() {
            let end = match *segment {
                Segment::Move(p) => {
                    laid.push(Segment::Move(at(px(p))));
                    px(p)
                }
                Segment::Line(p) => {
                    laid.push(Segment::Line(at(px(p))));
                    px(p)
                }
                Segment::Quad(c, p) => {
                    laid.extend(
                        (1..=PIECES).map(|i| Segment::Line(at(quad(last, px(c), px(p), f64::from(i) / f64::from(PIECES))))),
                    );
                    px(p)
                }
                Segment::Cubic(c, d, p) => {
                    let on = |i: u32| cubic([last, px(c), px(d), px(p)], f64::from(i) / f64::from(PIECES));
                    laid.extend((1..=PIECES).map(|i| Segment::Line(at(on(i)))));
                    px(p)
                }
                Segment::Close => {
                    laid.push(Segment::Close);
                    last
                }
            };
            last = end;
        }
        Shape::Path(Arc::new(Path::new(laid)))
    }
}

fn between(a: (f64, f64), b: (f64, f64), t: f64) -> (f64, f64) {
    (a.0 + (b.0 - a.0) * t, a.1 + (b.1 - a.1) * t)
}

fn quad(a: (f64, f64), b: (f64, f64), c: (f64, f64), t: f64) -> (f64, f64) {
    between(between(a, b, t), between(b, c, t), t)
}

fn cubic([a, b, c, d]: [(f64, f64); 4], t: f64) -> (f64, f64) {
    between(quad(a, b, c, t), quad(b, c, d, t), t)
}
