//! Strokes: how a line is drawn, and the area it covers.
//!
//! The library is given straight lines and quadratic curves only: for cubics it asks the platform's cosine, which differs from
//! machine to machine.

use serde_json::Value;
use tiny_skia_path::{LineCap, LineJoin, Path, PathBuilder, PathSegment, Point, StrokeDash};

use super::{At, Curves, Piece};
use crate::asset::contain::contain;
use crate::layer::values::{Paint, Pixels};
use crate::limits::{MAX_DASH_LENGTHS, MAX_DASHES};
use crate::problem::{Code, Place, Problem};
use crate::template::declare::{fields, words};
use crate::template::fields::{Read, Reader};
use crate::template::values::{list, list_schema};

fields! {
    /// How a line is drawn.
    pub struct Stroke {
        /// In pixels, half of it on each side.
        width: Pixels = 1,
        /// A colour or a gradient over the layer's box.
        color: Paint = "#000000",
        /// How open ends look: cut, round, or longer by half the width.
        cap: Cap = "butt",
        /// How corners look; a point longer than four half widths is cut.
        join: Join = "miter",
        /// Lengths in pixels, drawn and left out in turn; an odd number of them counts twice.
        dash: Option<Dash>,
    }
}

words! {
    /// How an open end looks.
    pub enum Cap { Butt = "butt", Round = "round", Square = "square" }
}

words! {
    /// How a corner looks.
    pub enum Join { Miter = "miter", Round = "round", Bevel = "bevel" }
}

/// Lengths in pixels, drawn and left out in turn: at least one, none negative, not all 0.
#[derive(Clone, PartialEq, Debug)]
pub struct Dash(pub Vec<f64>);

impl Read for Dash {
    fn read(value: &Value, reader: &mut Reader) -> Option<Dash> {
        let lengths: Vec<Pixels> = list(value, reader, (1, MAX_DASH_LENGTHS), "lengths")?;
        let lengths: Vec<f64> = lengths.into_iter().map(Pixels::get).collect();
        if lengths.iter().all(|length| *length == 0.0) {
            return reader.invalid("one of the lengths must be more than 0");
        }
        Some(Dash(lengths))
    }

    fn schema() -> Value {
        list_schema::<Pixels>((1, MAX_DASH_LENGTHS))
    }
}

impl Dash {
    /// How many dashes a line of this length may take: what is drawn of each turn.
    fn count(&self, length: f64) -> f64 {
        let doubled = if self.0.len() % 2 == 1 { 2.0 } else { 1.0 };
        let turn = self.0.iter().sum::<f64>() * doubled;
        (length / turn).ceil() * (self.0.len() as f64 * doubled / 2.0)
    }
}

impl Stroke {
    /// The area that the stroke of `curves` covers, in the same layout pixels, exact enough for `scale` output pixels each; `None`
    /// where it covers nothing. `place` is the stroke's, for what is too much.
    pub fn outline(&self, curves: &Curves, scale: f64, place: &Place) -> Result<Option<Curves>, Problem> {
        let width = self.width.get();
        if width == 0.0 {
            return Ok(None);
        }
        curves.affordable(scale, place)?;
        if let Some(dash) = &self.dash {
            let count = dash.count(curves.length());
            if count > MAX_DASHES {
                let message = format!("{count} dashes; {MAX_DASHES} are the most that one layer draws");
                return Err(Problem::new(place.child("dash"), Code::TooMany, message));
            }
        }
        let failed = || Problem::new(place.clone(), Code::InvalidValue, "this stroke of this path cannot be drawn");
        let outline = contain(|| self.expanded(curves, scale)).map_err(|_| failed())?;
        if let Some(outline) = &outline {
            outline.affordable(scale, place)?;
        }
        Ok(outline)
    }

    fn expanded(&self, curves: &Curves, scale: f64) -> Option<Curves> {
        let stroke = tiny_skia_path::Stroke {
            width: self.width.get() as f32,
            miter_limit: 4.0,
            line_cap: match self.cap {
                Cap::Butt => LineCap::Butt,
                Cap::Round => LineCap::Round,
                Cap::Square => LineCap::Square,
            },
            line_join: match self.join {
                Join::Miter => LineJoin::Miter,
                Join::Round => LineJoin::Round,
                Join::Bevel => LineJoin::Bevel,
            },
            dash: None,
        };
        let path = to_library(curves, scale)?;
        let fine = scale.max(1.0) as f32;
        let dashed = match &self.dash {
            Some(dash) => {
                let mut lengths: Vec<f32> = dash.0.iter().map(|length| *length as f32).collect();
                if lengths.len() % 2 == 1 {
                    lengths.extend_from_within(..);
                }
                path.dash(&StrokeDash::new(lengths, 0.0)?, fine)?
            }
            None => path,
        };
        dashed.stroke(&stroke, fine).map(|outline| from_library(&outline))
    }
}

/// The area that a round pen covers along outlines in output pixels, a letter's for one; `None` where there is nothing.
pub fn along(curves: &Curves, width: f64) -> Option<Curves> {
    let pen = tiny_skia_path::Stroke {
        width: width as f32,
        miter_limit: 4.0,
        line_cap: LineCap::Round,
        line_join: LineJoin::Round,
        dash: None,
    };
    contain(|| to_library(curves, 1.0)?.stroke(&pen, 1.0).map(|outline| from_library(&outline))).ok().flatten()
}

fn to_library(curves: &Curves, scale: f64) -> Option<Path> {
    let mut path = PathBuilder::new();
    let (mut at, mut start) = ((0.0, 0.0), (0.0, 0.0));
    let near = |(x, y): At| (x as f32, y as f32);
    for piece in curves.pieces() {
        match *piece {
            Piece::Move(p) => {
                let (x, y) = near(p);
                path.move_to(x, y);
                (at, start) = (p, p);
            }
            Piece::Line(p) => {
                let (x, y) = near(p);
                path.line_to(x, y);
                at = p;
            }
            Piece::Quad(c, p) => {
                let ((cx, cy), (x, y)) = (near(c), near(p));
                path.quad_to(cx, cy, x, y);
                at = p;
            }
            Piece::Cubic(c, d, p) => {
                for (control, end) in quads(at, c, d, p, scale) {
                    let ((cx, cy), (x, y)) = (near(control), near(end));
                    path.quad_to(cx, cy, x, y);
                }
                at = p;
            }
            Piece::Close => {
                path.close();
                at = start;
            }
        }
    }
    path.finish()
}

/// Quadratic curves beside a cubic, never further from it than a fiftieth of an output pixel.
fn quads(a: At, b: At, c: At, d: At, scale: f64) -> impl Iterator<Item = (At, At)> {
    const TOLERANCE: f64 = 0.02;
    const MOST: f64 = 256.0;
    // A cubic's nearest quadratic lies √3/36 of its third difference away, and each cut of n takes n³ of it.
    let third = libm::hypot(d.0 - 3.0 * (c.0 - b.0) - a.0, d.1 - 3.0 * (c.1 - b.1) - a.1);
    let count = libm::cbrt(third * scale * (3.0_f64.sqrt() / 36.0) / TOLERANCE).ceil().clamp(1.0, MOST);
    let cubic = Piece::Cubic(b, c, d);
    // The tangent of a part: its first derivative over 3 times the part's length.
    let tangent = move |t: f64| {
        let one = |a: f64, b: f64, c: f64, d: f64| {
            let s = 1.0 - t;
            (s * s * (b - a) + 2.0 * s * t * (c - b) + t * t * (d - c)) / count
        };
        (one(a.0, b.0, c.0, d.0), one(a.1, b.1, c.1, d.1))
    };
    (0..count as u32).map(move |i| {
        let (from, to) = (f64::from(i) / count, f64::from(i + 1) / count);
        let start = if i == 0 { a } else { cubic.at(a, from) };
        let end = if f64::from(i + 1) == count { d } else { cubic.at(a, to) };
        let (u, v) = (tangent(from), tangent(to));
        // The mean of the points that both tangents lead to at one and a half of a cubic's reach.
        let middle = |start: f64, end: f64, u: f64, v: f64| (start + end) / 2.0 + (u - v) * 0.75;
        ((middle(start.0, end.0, u.0, v.0), middle(start.1, end.1, u.1, v.1)), end)
    })
}

fn from_library(path: &Path) -> Curves {
    let at = |p: Point| (f64::from(p.x), f64::from(p.y));
    let pieces = path.segments().map(|segment| match segment {
        PathSegment::MoveTo(p) => Piece::Move(at(p)),
        PathSegment::LineTo(p) => Piece::Line(at(p)),
        PathSegment::QuadTo(c, p) => Piece::Quad(at(c), at(p)),
        PathSegment::CubicTo(c, d, p) => Piece::Cubic(at(c), at(d), at(p)),
        PathSegment::Close => Piece::Close,
    });
    Curves::new(pieces.collect())
}

#[cfg(test)]
mod tests {
    use super::super::data::parse;
    use super::*;
    use crate::problem::In;

    fn stroke(width: f64, dash: Option<Vec<f64>>) -> Stroke {
        let width = Pixels::new(width).unwrap();
        let color = Paint::Solid(crate::color::Color::BLACK);
        Stroke { width, color, cap: Cap::Butt, join: Join::Miter, dash: dash.map(Dash) }
    }

    fn outline(stroke: &Stroke, d: &str, scale: f64) -> Result<Option<Curves>, Problem> {
        stroke.outline(&parse(d).unwrap(), scale, &Place::new(In::Template, "/layers/0/stroke"))
    }

    #[test]
    fn a_line_becomes_its_box() {
        let area = outline(&stroke(4.0, None), "M10 10 H50", 1.0).unwrap().unwrap();
        assert_eq!(area.bounds(), Some(crate::geom::Rect::new(10.0, 8.0, 40.0, 4.0)));
        assert_eq!(outline(&stroke(0.0, None), "M10 10 H50", 1.0).unwrap(), None);
        assert_eq!(outline(&stroke(4.0, None), "", 1.0).unwrap(), None);
    }

    #[test]
    fn quadratics_keep_to_their_cubic() {
        for d in ["M0 0 C0 300 500 -200 700 400", "M0 0 C900 900 -200 900 700 0", "M0 0 C0 0 5 5 5 5"] {
            let curves = parse(d).unwrap();
            let [Piece::Move(a), cubic @ Piece::Cubic(b, c, e)] = *curves.pieces() else { panic!() };
            let mut from = a;
            let all: Vec<(At, At)> = quads(a, b, c, e, 1.0).collect();
            for (i, (control, end)) in all.iter().enumerate() {
                for step in 0..=10 {
                    let along = f64::from(step) / 10.0;
                    let got = Piece::Quad(*control, *end).at(from, along);
                    let wanted = cubic.at(a, (i as f64 + along) / all.len() as f64);
                    assert!(libm::hypot(got.0 - wanted.0, got.1 - wanted.1) < 0.05, "{d}");
                }
                from = *end;
            }
            assert_eq!(from, e);
        }
    }

    #[test]
    fn dashes_are_counted_before_they_are_made() {
        let dashes = |length: f64| outline(&stroke(2.0, Some(vec![1.0, 1.0])), &format!("M0 0 H{length}"), 1.0);
        let most = MAX_DASHES * 2.0;
        assert!(dashes(most - 2.0).is_ok() && dashes(most).is_ok());
        let problem = dashes(most + 2.0).unwrap_err();
        assert_eq!((problem.place.at.as_str(), problem.code), ("/layers/0/stroke/dash", Code::TooMany));
        assert!(outline(&stroke(2.0, Some(vec![1e-300, 0.0])), "M0 0 H50", 1.0).is_err());
        // One length stands for both: 5 on, 5 off.
        let area = outline(&stroke(2.0, Some(vec![5.0])), "M0 0 H50", 1.0).unwrap().unwrap();
        assert_eq!(area.contours().count(), 5);
        assert_eq!(area.bounds().map(|b| b.right()), Some(45.0));
    }

    #[test]
    fn outlines_are_as_long_as_allowed() {
        let there_and_back = |turns: usize| format!("M0 0{}", " H100000 H0".repeat(turns));
        let thin = stroke(1.0, None);
        assert!(outline(&thin, &there_and_back(5), 1.0).is_ok());
        let problem = outline(&thin, &there_and_back(50), 1.0).unwrap_err();
        assert_eq!((problem.place.at.as_str(), problem.code), ("/layers/0/stroke", Code::TooMany));
        // What is long only once it is stroked.
        let wide = Stroke { join: Join::Round, ..stroke(100_000.0, None) };
        assert!(outline(&wide, &format!("M0 0{}", " l1 1 l1 -1".repeat(500)), 1.0).is_err());
    }
}
