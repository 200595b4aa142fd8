//! Outlines in layout pixels, before they are placed: what ellipses, lines and paths are made of.
//!
//! Everything that knows how outlines are written (`data`, through svgtypes) or stroked (`stroke`, through tiny-skia-path) lies
//! in this folder; the rest of affiche sees [`Curves`].

pub mod data;
pub mod stroke;

use std::sync::Arc;

use crate::geom::{Affine, FxPoint, Path, Rect, Segment};
use crate::layer::emit::Emitter;
use crate::layer::values::Paint;
use crate::limits::MAX_OUTLINE;
use crate::problem::{Code, Place, Problem};
use crate::scene::{Item, Lowered, Shape};

/// A point in layout pixels.
pub type At = (f64, f64);

/// One step of an outline from where the last one ended.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Piece {
    Move(At),
    Line(At),
    Quad(At, At),
    Cubic(At, At, At),
    Close,
}

/// Contours, open or closed; every number finite.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Curves {
    pieces: Vec<Piece>,
}

/// What a layer draws from the top left of its box.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Drawing {
    pub size: (f64, f64),
    pub fill: Option<Arc<Curves>>,
    /// The area that the stroke covers.
    pub stroke: Option<Arc<Curves>>,
}

impl Curves {
    pub fn new(pieces: Vec<Piece>) -> Curves {
        Curves { pieces }
    }

    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// A straight line.
    pub fn line(from: At, to: At) -> Curves {
        Curves { pieces: vec![Piece::Move(from), Piece::Line(to)] }
    }

    /// An ellipse that fills the box, clockwise from its rightmost point.
    pub fn ellipse(rect: Rect) -> Curves {
        // Eighths: a cubic over a quarter would lie up to a quarter of a pixel off a circle of 1,000 pixels.
        const EIGHTH: f64 = std::f64::consts::FRAC_PI_4;
        let ((cx, cy), (rx, ry)) = (rect.center(), (rect.width / 2.0, rect.height / 2.0));
        let reach = 4.0 / 3.0 * libm::tan(EIGHTH / 4.0);
        let on = |eighth: u32| match eighth % 8 {
            0 => (1.0, 0.0),
            2 => (0.0, 1.0),
            4 => (-1.0, 0.0),
            6 => (0.0, -1.0),
            odd => (libm::cos(f64::from(odd) * EIGHTH), libm::sin(f64::from(odd) * EIGHTH)),
        };
        let place = |x: f64, y: f64| (cx + rx * x, cy + ry * y);
        let mut pieces = vec![Piece::Move(place(1.0, 0.0))];
        for eighth in 0..8 {
            let ((ax, ay), (bx, by)) = (on(eighth), on(eighth + 1));
            pieces.push(Piece::Cubic(
                place(ax - ay * reach, ay + ax * reach),
                place(bx + by * reach, by - bx * reach),
                place(bx, by),
            ));
        }
        pieces.push(Piece::Close);
        Curves { pieces }
    }

    /// The same outline under a map.
    pub fn map(&self, by: Affine) -> Curves {
        let at = |(x, y): At| by.apply(x, y);
        let pieces = self.pieces.iter().map(|piece| match *piece {
            Piece::Move(p) => Piece::Move(at(p)),
            Piece::Line(p) => Piece::Line(at(p)),
            Piece::Quad(c, p) => Piece::Quad(at(c), at(p)),
            Piece::Cubic(c, d, p) => Piece::Cubic(at(c), at(d), at(p)),
            Piece::Close => Piece::Close,
        });
        Curves { pieces: pieces.collect() }
    }

    /// In the scene's fixed point, `by` taking layout pixels to output pixels.
    pub fn placed(&self, by: Affine) -> Path {
        let mut segments = Vec::with_capacity(self.pieces.len());
        self.trace(by, &mut segments);
        Path::new(segments)
    }

    /// Adds its segments to others.
    pub fn trace(&self, by: Affine, segments: &mut Vec<Segment>) {
        let at = |(x, y): At| {
            let (x, y) = by.apply(x, y);
            FxPoint::from_px(x, y)
        };
        segments.extend(self.pieces.iter().map(|piece| match *piece {
            Piece::Move(p) => Segment::Move(at(p)),
            Piece::Line(p) => Segment::Line(at(p)),
            Piece::Quad(c, p) => Segment::Quad(at(c), at(p)),
            Piece::Cubic(c, d, p) => Segment::Cubic(at(c), at(d), at(p)),
            Piece::Close => Segment::Close,
        }));
    }

    /// The same contours the other way round, so that they cut holes.
    pub fn reversed(&self) -> Curves {
        let mut pieces = Vec::with_capacity(self.pieces.len());
        for contour in self.contours() {
            let mut at = contour.start;
            let mut back: Vec<Piece> = Vec::new();
            for piece in contour.pieces {
                let (from, to) = (at, piece.end().unwrap_or(contour.start));
                back.push(match *piece {
                    Piece::Quad(c, _) => Piece::Quad(c, from),
                    Piece::Cubic(c, d, _) => Piece::Cubic(d, c, from),
                    Piece::Move(_) | Piece::Line(_) | Piece::Close => Piece::Line(from),
                });
                at = to;
            }
            pieces.push(Piece::Move(at));
            pieces.extend(back.into_iter().rev());
            pieces.push(Piece::Close);
        }
        Curves { pieces }
    }

    /// Each contour with the point where it starts.
    fn contours(&self) -> impl Iterator<Item = Contour<'_>> {
        let mut start = (0.0, 0.0);
        let mut rest = self.pieces.as_slice();
        std::iter::from_fn(move || {
            while let Some((first, tail)) = rest.split_first() {
                let own = match first {
                    Piece::Move(p) => {
                        start = *p;
                        tail
                    }
                    // After a close the next contour starts where the last one did.
                    _ => rest,
                };
                let length = own
                    .iter()
                    .position(|piece| matches!(piece, Piece::Move(_) | Piece::Close))
                    .map_or(own.len(), |at| at + usize::from(matches!(own.get(at), Some(Piece::Close))));
                let (pieces, after) = own.split_at_checked(length).unwrap_or((own, &[]));
                rest = after;
                if !pieces.is_empty() {
                    return Some(Contour { start, pieces });
                }
            }
            None
        })
    }

    /// The box around the curves themselves, control points left out; `None` where there is nothing.
    pub fn bounds(&self) -> Option<Rect> {
        let mut low = (f64::INFINITY, f64::INFINITY);
        let mut high = (f64::NEG_INFINITY, f64::NEG_INFINITY);
        let mut add = |(x, y): At| {
            low = (low.0.min(x), low.1.min(y));
            high = (high.0.max(x), high.1.max(y));
        };
        for contour in self.contours() {
            let mut at = contour.start;
            add(at);
            for piece in contour.pieces {
                for t in piece.turns(at) {
                    add(piece.at(at, t));
                }
                at = piece.end().unwrap_or(contour.start);
                add(at);
            }
        }
        (low.0 <= high.0).then(|| Rect::new(low.0, low.1, high.0 - low.0, high.1 - low.1))
    }

    /// The largest coordinate of any point, control points included.
    pub fn reach(&self) -> f64 {
        let far = |(x, y): At| x.abs().max(y.abs());
        self.pieces.iter().fold(0.0, |most: f64, piece| match *piece {
            Piece::Move(p) | Piece::Line(p) => most.max(far(p)),
            Piece::Quad(c, p) => most.max(far(c)).max(far(p)),
            Piece::Cubic(c, d, p) => most.max(far(c)).max(far(d)).max(far(p)),
            Piece::Close => most,
        })
    }

    /// How long it is at most: from control point to control point, as drawn with the pen down.
    pub fn length(&self) -> f64 {
        let step = |a: At, b: At| libm::hypot(b.0 - a.0, b.1 - a.1);
        let mut sum = 0.0;
        for contour in self.contours() {
            let mut at = contour.start;
            for piece in contour.pieces {
                let end = piece.end().unwrap_or(contour.start);
                sum += match *piece {
                    Piece::Quad(c, p) => step(at, c) + step(c, p),
                    Piece::Cubic(c, d, p) => step(at, c) + step(c, d) + step(d, p),
                    Piece::Move(_) | Piece::Line(_) | Piece::Close => step(at, end),
                };
                at = end;
            }
        }
        sum
    }

    /// Refuses what would take too long to fill: the work follows the length of the outline in output pixels.
    pub fn affordable(&self, scale: f64, place: &Place) -> Result<(), Problem> {
        let pixels = self.length() * scale;
        if pixels <= MAX_OUTLINE {
            return Ok(());
        }
        let message = format!("an outline of {pixels:.0} output pixels; {MAX_OUTLINE} are the most that is drawn");
        Err(Problem::new(place.clone(), Code::TooMany, message))
    }
}

/// A part of an outline that hangs together.
struct Contour<'a> {
    start: At,
    /// Without moves; a close can only be the last.
    pieces: &'a [Piece],
}

impl Piece {
    fn end(&self) -> Option<At> {
        match *self {
            Piece::Move(p) | Piece::Line(p) | Piece::Quad(_, p) | Piece::Cubic(_, _, p) => Some(p),
            Piece::Close => None,
        }
    }

    /// Where along the curve a coordinate turns round.
    fn turns(&self, from: At) -> Vec<f64> {
        let mut found = Vec::new();
        match *self {
            Piece::Quad(c, p) => {
                for (a, b, c) in [(from.0, c.0, p.0), (from.1, c.1, p.1)] {
                    found.push((a - b) / (a - 2.0 * b + c));
                }
            }
            Piece::Cubic(c, d, p) => {
                for (a, b, c, d) in [(from.0, c.0, d.0, p.0), (from.1, c.1, d.1, p.1)] {
                    // The derivative over 3: k2 t² + k1 t + k0.
                    let (k0, k1, k2) = (b - a, 2.0 * (a - 2.0 * b + c), d - a + 3.0 * (b - c));
                    let root = (k1 * k1 - 4.0 * k2 * k0).max(0.0).sqrt();
                    found.extend([(-k1 + root) / (2.0 * k2), (-k1 - root) / (2.0 * k2), -k0 / k1]);
                }
            }
            Piece::Move(_) | Piece::Line(_) | Piece::Close => {}
        }
        // What is no turn at all (NaN, or the root of a flat term) is a point of the curve nonetheless.
        found.retain(|t| *t > 0.0 && *t < 1.0);
        found
    }

    /// The point at `t` of 0 to 1.
    pub(super) fn at(&self, from: At, t: f64) -> At {
        let between = |a: At, b: At| (a.0 + (b.0 - a.0) * t, a.1 + (b.1 - a.1) * t);
        match *self {
            Piece::Quad(c, p) => between(between(from, c), between(c, p)),
            Piece::Cubic(c, d, p) => {
                let (u, v, w) = (between(from, c), between(c, d), between(d, p));
                between(between(u, v), between(v, w))
            }
            Piece::Line(p) => between(from, p),
            Piece::Move(p) => p,
            Piece::Close => from,
        }
    }
}

impl Drawing {
    /// Fill and stroke where the box lies; one that was measured smaller than its box stands in the middle.
    pub fn emit(&self, rect: Rect, fill: Option<&Paint>, stroke: Option<&Paint>, to: &Emitter) -> Vec<Item<Lowered>> {
        let (dx, dy) = ((rect.width - self.size.0) / 2.0, (rect.height - self.size.1) / 2.0);
        let map = to.map.then_inner(Affine::translate(rect.x + dx, rect.y + dy));
        let layers = [(&self.fill, fill), (&self.stroke, stroke)];
        let items = layers.into_iter().filter_map(|(curves, paint)| {
            let path = curves.as_ref()?.placed(map);
            Some(Item::fill(Shape::Path(Arc::new(path)), to.paint(paint?, rect, 1.0)))
        });
        items.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_those_of_the_curve() {
        let curves = Curves::new(vec![Piece::Move((0.0, 0.0)), Piece::Quad((50.0, 100.0), (100.0, 0.0))]);
        assert_eq!(curves.bounds(), Some(Rect::new(0.0, 0.0, 100.0, 50.0)));
        let ring = Curves::ellipse(Rect::new(10.0, 20.0, 40.0, 30.0)).bounds().unwrap();
        for (got, wanted) in [(ring.x, 10.0), (ring.y, 20.0), (ring.width, 40.0), (ring.height, 30.0)] {
            assert!((got - wanted).abs() < 1e-9, "{ring:?}");
        }
        let wave = Curves::new(vec![Piece::Move((0.0, 0.0)), Piece::Cubic((0.0, 60.0), (30.0, -60.0), (30.0, 0.0))]);
        let wave = wave.bounds().unwrap();
        assert!((wave.y + wave.bottom()).abs() < 1e-9 && wave.height > 30.0 && wave.height < 40.0, "{wave:?}");
        assert_eq!(Curves::default().bounds(), None);
    }

    #[test]
    fn an_ellipse_lies_on_its_circle() {
        let circle = Curves::ellipse(Rect::new(-1000.0, -1000.0, 2000.0, 2000.0));
        let mut from = (1000.0, 0.0);
        for piece in circle.pieces() {
            for step in 0..=20 {
                if let Piece::Cubic(..) = piece {
                    let (x, y) = piece.at(from, f64::from(step) / 20.0);
                    assert!((libm::hypot(x, y) - 1000.0).abs() < 0.01);
                }
            }
            from = piece.end().unwrap_or(from);
        }
    }

    #[test]
    fn reversing_twice_is_nothing() {
        let ring = Curves::ellipse(Rect::new(0.0, 0.0, 8.0, 4.0));
        assert!((ring.reversed().length() - ring.length()).abs() < 1e-9);
        assert_eq!(ring.reversed().bounds(), ring.bounds());
        assert_eq!(ring.reversed().contours().count(), 1);
    }
    #[test]
    fn an_outline_is_as_long_as_allowed() {
        let far = MAX_OUTLINE / 40.0;
        // There and back again 39 times, and a last line of this length.
        let with = |last: f64| {
            let turns = (0..20).flat_map(|_| [Piece::Line((far, 0.0)), Piece::Line((0.0, 0.0))]).take(39);
            let last = Piece::Line((far - last, 0.0));
            Curves::new(std::iter::once(Piece::Move((0.0, 0.0))).chain(turns).chain([last]).collect())
        };
        let place = Place::new(crate::problem::In::Template, "/layers/0/d");
        assert!(with(far - 1.0).affordable(1.0, &place).is_ok());
        assert!(with(far).affordable(1.0, &place).is_ok());
        let problem = with(far + 1.0).affordable(1.0, &place).unwrap_err();
        assert_eq!((problem.place.at.as_str(), problem.code), ("/layers/0/d", Code::TooMany));
        assert!(with(far).affordable(1.01, &place).is_err());
    }
}
