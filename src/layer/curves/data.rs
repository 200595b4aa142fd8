//! SVG path data (SVG 2, chapter 9) into curves.

use std::f64::consts::{FRAC_PI_4, TAU};
use std::sync::Arc;

use serde_json::{Value, json};
use svgtypes::{PathParser, PathSegment};

use super::{At, Curves, Piece};
use crate::limits::{MAX_COORDINATE, MAX_PATH_BYTES, MAX_PATH_PIECES};
use crate::problem::{Code, Problem};
use crate::template::fields::{Read, Reader};

/// The outline that path data describes, in its own units.
#[derive(Clone, PartialEq, Debug)]
pub struct PathData(pub Arc<Curves>);

/// What is wrong with path data.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum DataError {
    #[error("path data has at most {MAX_PATH_BYTES} bytes, not {0}")]
    TooLong(usize),
    #[error("a path has at most {MAX_PATH_PIECES} lines and curves")]
    TooMany,
    #[error("coordinates must be from -{MAX_COORDINATE} to {MAX_COORDINATE}")]
    TooFar,
    #[error("no path data: {0}")]
    Syntax(String),
}

impl Read for PathData {
    fn read(value: &Value, reader: &mut Reader) -> Option<PathData> {
        let Some(text) = value.as_str() else {
            return reader.wrong_type(value, "SVG path data, as \"M0 0 L40 0 L20 30 Z\"");
        };
        match parse(text) {
            Ok(curves) => Some(PathData(Arc::new(curves))),
            Err(error @ (DataError::TooLong(_) | DataError::TooMany)) => {
                reader.push(Problem::new(reader.place().clone(), Code::TooMany, error.to_string()));
                None
            }
            Err(error @ DataError::TooFar) => reader.invalid(error.to_string()),
            Err(error @ DataError::Syntax(_)) => {
                reader.invalid_hint(error.to_string(), "write SVG path data, as \"M0 0 L40 0 L20 30 Z\"")
            }
        }
    }

    fn schema() -> Value {
        json!({ "type": "string", "format": "path-data", "maxLength": MAX_PATH_BYTES, "description": "SVG path data." })
    }
}

/// Reads all of it, or nothing: what a browser would draw up to the mistake is not what was meant.
pub fn parse(text: &str) -> Result<Curves, DataError> {
    if text.len() > MAX_PATH_BYTES {
        return Err(DataError::TooLong(text.len()));
    }
    let mut pen = Pen::default();
    if text.trim().is_empty() {
        return Ok(Curves::default());
    }
    for segment in PathParser::from(text) {
        pen.draw(segment.map_err(|error| DataError::Syntax(error.to_string()))?)?;
    }
    Ok(Curves::new(pen.pieces))
}

/// Where drawing stands.
#[derive(Default)]
struct Pen {
    pieces: Vec<Piece>,
    at: At,
    start: At,
    /// The last control point, for the smooth curve that may follow.
    cubic: Option<At>,
    quad: Option<At>,
}

impl Pen {
    fn draw(&mut self, segment: PathSegment) -> Result<(), DataError> {
        let (ox, oy) = if segment.is_abs() { (0.0, 0.0) } else { self.at };
        let to = |x: f64, y: f64| (ox + x, oy + y);
        // The reflection of the last control point, where the last piece was such a curve.
        let (at, cubic, quad) = (self.at, self.cubic.take(), self.quad.take());
        let mirror = |control: Option<At>| control.map_or(at, |(x, y)| (2.0 * at.0 - x, 2.0 * at.1 - y));
        match segment {
            PathSegment::MoveTo { x, y, .. } => {
                self.start = to(x, y);
                self.put(Piece::Move(self.start))
            }
            PathSegment::LineTo { x, y, .. } => self.put(Piece::Line(to(x, y))),
            PathSegment::HorizontalLineTo { x, .. } => self.put(Piece::Line((ox + x, at.1))),
            PathSegment::VerticalLineTo { y, .. } => self.put(Piece::Line((at.0, oy + y))),
            PathSegment::CurveTo { x1, y1, x2, y2, x, y, .. } => self.cubic(to(x1, y1), to(x2, y2), to(x, y)),
            PathSegment::SmoothCurveTo { x2, y2, x, y, .. } => self.cubic(mirror(cubic), to(x2, y2), to(x, y)),
            PathSegment::Quadratic { x1, y1, x, y, .. } => self.quad(to(x1, y1), to(x, y)),
            PathSegment::SmoothQuadratic { x, y, .. } => self.quad(mirror(quad), to(x, y)),
            PathSegment::EllipticalArc { rx, ry, x_axis_rotation, large_arc, sweep, x, y, .. } => {
                self.arc(&Arch { radii: (rx, ry), turned: x_axis_rotation, large_arc, sweep, to: to(x, y) })
            }
            PathSegment::ClosePath { .. } => {
                self.put(Piece::Close)?;
                self.at = self.start;
                Ok(())
            }
        }
    }

    fn cubic(&mut self, c: At, d: At, to: At) -> Result<(), DataError> {
        self.put(Piece::Cubic(c, d, to))?;
        self.cubic = Some(d);
        Ok(())
    }

    fn quad(&mut self, c: At, to: At) -> Result<(), DataError> {
        self.put(Piece::Quad(c, to))?;
        self.quad = Some(c);
        Ok(())
    }

    fn put(&mut self, piece: Piece) -> Result<(), DataError> {
        if self.pieces.len() >= MAX_PATH_PIECES {
            return Err(DataError::TooMany);
        }
        let points: &[At] = match &piece {
            Piece::Move(p) | Piece::Line(p) => &[*p],
            Piece::Quad(c, p) => &[*c, *p],
            Piece::Cubic(c, d, p) => &[*c, *d, *p],
            Piece::Close => &[],
        };
        // Written so that NaN fails too.
        if !points.iter().all(|(x, y)| x.abs() <= MAX_COORDINATE && y.abs() <= MAX_COORDINATE) {
            return Err(DataError::TooFar);
        }
        self.at = points.last().copied().unwrap_or(self.at);
        self.pieces.push(piece);
        Ok(())
    }

    /// SVG 2, appendix B.2.4: from the two ends to the centre, then in cubics.
    fn arc(&mut self, arch: &Arch) -> Result<(), DataError> {
        /// A radius below this draws a straight line, as one of 0 does.
        const LEAST: f64 = 1e-6;
        let (rx, ry) = (arch.radii.0.abs(), arch.radii.1.abs());
        if !(rx <= MAX_COORDINATE && ry <= MAX_COORDINATE && arch.turned.abs() <= 1e6) {
            return Err(DataError::TooFar);
        }
        let (from, to) = (self.at, arch.to);
        if from == to {
            return Ok(());
        }
        // Between ends that are all but the same a centre cannot be computed either.
        let apart = libm::hypot(to.0 - from.0, to.1 - from.1);
        if rx < LEAST || ry < LEAST || apart < 1e-9 {
            return self.put(Piece::Line(to));
        }
        let angle = (arch.turned % 360.0).to_radians();
        let (sin, cos) = (libm::sin(angle), libm::cos(angle));
        let (hx, hy) = ((from.0 - to.0) / 2.0, (from.1 - to.1) / 2.0);
        let (x, y) = (cos * hx + sin * hy, cos * hy - sin * hx);
        // Radii that cannot reach from end to end grow until they do.
        let needed = (x / rx) * (x / rx) + (y / ry) * (y / ry);
        let grow = needed.sqrt().max(1.0);
        let (rx, ry) = (rx * grow, ry * grow);
        let over = (x / rx) * (x / rx) + (y / ry) * (y / ry);
        let away = ((1.0 - over) / over).max(0.0).sqrt() * if arch.large_arc == arch.sweep { -1.0 } else { 1.0 };
        let (mx, my) = (away * rx * y / ry, -away * ry * x / rx);
        let (cx, cy) = (cos * mx - sin * my + (from.0 + to.0) / 2.0, sin * mx + cos * my + (from.1 + to.1) / 2.0);
        let first = libm::atan2((y - my) / ry, (x - mx) / rx);
        let last = libm::atan2((-y - my) / ry, (-x - mx) / rx);
        let mut sweep = last - first;
        if arch.sweep && sweep < 0.0 {
            sweep += TAU;
        } else if !arch.sweep && sweep > 0.0 {
            sweep -= TAU;
        }
        let count = (sweep.abs() / FRAC_PI_4 - 1e-9).ceil().clamp(1.0, 8.0);
        let step = sweep / count;
        let reach = 4.0 / 3.0 * libm::tan(step / 4.0);
        let place = |u: f64, v: f64| (cx + cos * rx * u - sin * ry * v, cy + sin * rx * u + cos * ry * v);
        for i in 0..count as u32 {
            let (a, b) = (first + step * f64::from(i), first + step * f64::from(i + 1));
            let ((ac, as_), (bc, bs)) = ((libm::cos(a), libm::sin(a)), (libm::cos(b), libm::sin(b)));
            // The last one ends where the data says, whatever was rounded on the way.
            let end = if f64::from(i + 1) == count { to } else { place(bc, bs) };
            self.put(Piece::Cubic(place(ac - reach * as_, as_ + reach * ac), place(bc + reach * bs, bs - reach * bc), end))?;
        }
        Ok(())
    }
}

/// An elliptical arc as path data writes it.
struct Arch {
    radii: (f64, f64),
    turned: f64,
    large_arc: bool,
    sweep: bool,
    to: At,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geom::Rect;

    fn ends(text: &str) -> Vec<At> {
        parse(text).unwrap().pieces().iter().filter_map(Piece::end).collect()
    }

    #[test]
    fn every_command_relative_and_absolute() {
        let line = [(1.0, 2.0), (4.0, 6.0), (9.0, 6.0), (9.0, 7.0)];
        assert_eq!(ends("M1 2 L4 6 H9 V7"), line);
        assert_eq!(ends("m1 2 l3 4 h5 v1"), line);
        assert_eq!(ends("m1,2 3 4H9V7"), line);
        assert_eq!(
            parse("M0 0 C1 2 3 4 5 6 s2 2 4 4").unwrap().pieces().last(),
            Some(&Piece::Cubic((7.0, 8.0), (7.0, 8.0), (9.0, 10.0)))
        );
        assert_eq!(parse("M0 0 Q5 5 10 0 T20 0").unwrap().pieces().last(), Some(&Piece::Quad((15.0, -5.0), (20.0, 0.0))));
        // Without a curve before it, a smooth one begins straight.
        assert_eq!(parse("M3 3 T9 3").unwrap().pieces().last(), Some(&Piece::Quad((3.0, 3.0), (9.0, 3.0))));
        // After a close drawing goes on from the contour's start.
        assert_eq!(ends("M5 5 h10 v10 z l1 1").last(), Some(&(6.0, 6.0)));
        assert_eq!(parse("").unwrap(), Curves::default());
    }

    #[test]
    fn arcs_are_parts_of_their_ellipse() {
        let half = parse("M10 20 A10 10 0 0 1 30 20").unwrap();
        let bounds = half.bounds().unwrap();
        assert!((bounds.y - 10.0).abs() < 1e-3 && (bounds.bottom() - 20.0).abs() < 1e-3, "{bounds:?}");
        let other = parse("M10 20 a10 10 0 0 0 20 0").unwrap().bounds().unwrap();
        assert!((other.bottom() - 30.0).abs() < 1e-3, "{other:?}");
        // Radii too small grow to fit; a radius of 0 is a line.
        let grown = parse("M0 0 A1 1 0 0 1 20 0").unwrap().bounds().unwrap();
        assert!((grown.height - 10.0).abs() < 1e-3, "{grown:?}");
        assert_eq!(parse("M0 0 A0 5 0 0 1 20 0").unwrap().pieces().last(), Some(&Piece::Line((20.0, 0.0))));
        // The large arc of a turned ellipse ends where it should and stays within reach.
        let turned = parse("M0 0 A30 10 45 1 1 10 10").unwrap();
        assert_eq!(turned.pieces().last().and_then(Piece::end), Some((10.0, 10.0)));
        assert!(turned.reach() < 80.0);
        let whole = Rect::new(0.0, 0.0, 20.0, 20.0);
        let two = parse("M20 10 A10 10 0 0 1 0 10 A10 10 0 0 1 20 10").unwrap().bounds().unwrap();
        assert!((two.width - whole.width).abs() < 1e-3 && (two.height - whole.height).abs() < 1e-3, "{two:?}");
    }

    #[test]
    fn hostile_numbers_are_refused() {
        let far = Err(DataError::TooFar);
        for text in [
            "M1e38 0",
            "M0 0 l1e5 0 l1 0",
            "M0 0 C1e6 0 0 0 1 1",
            "M0 0 A1e38 1e38 0 0 1 5 5",
            "M0 0 A5 5 1e300 0 1 5 5",
            "M0 0 A1 1 0 0 1 1e38 0",
            "M0 0 l1e308 0 1e308 0",
        ] {
            assert_eq!(parse(text), far, "{text}");
        }
        assert!(parse("M100000 -100000").is_ok());
        assert!(matches!(parse("M0 0 L1e999 0"), Err(DataError::TooFar | DataError::Syntax(_))));
        for text in ["L1 1", "M0", "hello", "M0 0 X1 1", "M0 0 A1 1 0 2 1 5 5"] {
            assert!(matches!(parse(text), Err(DataError::Syntax(_))), "{text}");
        }
        // Tiny radii, arcs to nearly the same place: finite all the same.
        for text in ["M0 0 A1e-300 1 0 0 1 5 5", "M0 0 A1e4 1e-5 7 1 0 2e-9 0", "M0 0 A1 1 0 1 1 1e-300 0"] {
            assert!(parse(text).unwrap().reach() <= MAX_COORDINATE, "{text}");
        }
    }

    #[test]
    fn as_many_pieces_as_allowed() {
        let with = |lines: usize| parse(&format!("M0 0{}", " 1 1".repeat(lines)));
        assert!(with(MAX_PATH_PIECES - 2).is_ok() && with(MAX_PATH_PIECES - 1).is_ok());
        assert_eq!(with(MAX_PATH_PIECES), Err(DataError::TooMany));
        let long = |bytes: usize| parse(&" ".repeat(bytes));
        assert!(long(MAX_PATH_BYTES - 1).is_ok() && long(MAX_PATH_BYTES).is_ok());
        assert_eq!(long(MAX_PATH_BYTES + 1), Err(DataError::TooLong(MAX_PATH_BYTES + 1)));
    }
}
