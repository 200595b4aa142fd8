//! Shapes as straight lines in 1/4096 pixel, always the same ones wherever they are looked at from.

use crate::geom::{Fx, FxPoint, FxRect, Path, PxRect, Segment};
use crate::scene::Shape;

/// Bits after the point: the unit is 1/4096 pixel.
pub(super) const BITS: u32 = 12;
/// One pixel.
pub(super) const ONE: i64 = 1 << BITS;

/// A point in 1/4096 pixel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Point {
    pub x: i64,
    pub y: i64,
}

impl From<FxPoint> for Point {
    fn from(p: FxPoint) -> Point {
        Point { x: unit(p.x), y: unit(p.y) }
    }
}

fn unit(v: Fx) -> i64 {
    i64::from(v.0) << (BITS - 6)
}

/// How far a line may run beside a curve of a path: 1/256 pixel.
const TOLERANCE: f64 = ONE as f64 / 256.0;
/// How far a line may run beside the arc of a corner or an ellipse: 1/512 pixel, less than half a step of 8-bit coverage.
const ARC_TOLERANCE: f64 = ONE as f64 / 512.0;
/// Lines of one curve; reached only by curves far larger than any canvas.
const MOST_LINES: f64 = 4_096.0;

/// Where lines matter: a line above, below or to the right of the window covers nothing in it.
#[derive(Clone, Copy)]
pub(super) struct Reach {
    top: i64,
    bottom: i64,
    left: i64,
    right: i64,
}

impl Reach {
    pub(super) fn of(window: PxRect) -> Reach {
        Reach {
            top: i64::from(window.y0) << BITS,
            bottom: i64::from(window.y1) << BITS,
            left: i64::from(window.x0) << BITS,
            right: i64::from(window.x1) << BITS,
        }
    }

    /// Whether a line from `a` to `b`, or a curve inside the box of `a`, `b` and `others`, covers nothing in the window.
    fn misses(&self, points: &[Point]) -> bool {
        points.iter().all(|p| p.y <= self.top)
            || points.iter().all(|p| p.y >= self.bottom)
            || points.iter().all(|p| p.x >= self.right)
    }

    /// Whether all lies to the left: then only how far down it goes matters, and a straight line does as well.
    fn is_right_of(&self, points: &[Point]) -> bool {
        points.iter().all(|p| p.x <= self.left)
    }
}

/// Gives `line` every line of the outline of `shape` that matters for the window. The lines of a curve depend on the curve alone.
pub(super) fn lines_of(shape: &Shape, reach: Reach, line: &mut impl FnMut(Point, Point)) {
    let mut line = |a: Point, b: Point| {
        if !reach.misses(&[a, b]) {
            line(a, b);
        }
    };
    match shape {
        Shape::Rect(r) => round_rect(r, &[FxPoint::default(); 4], reach, &mut line),
        Shape::RoundRect(r, radii) => round_rect(r, radii, reach, &mut line),
        Shape::Ellipse(r) => ellipse(r, reach, &mut line),
        Shape::Path(path) => path_lines(path, reach, &mut line),
    }
}

fn path_lines(path: &Path, reach: Reach, line: &mut impl FnMut(Point, Point)) {
    let mut start = Point { x: 0, y: 0 };
    let mut at = start;
    for segment in path.segments() {
        match *segment {
            Segment::Move(p) => {
                line(at, start);
                start = p.into();
                at = start;
            }
            Segment::Line(p) => {
                line(at, p.into());
                at = p.into();
            }
            Segment::Quad(c, p) => {
                quad([at, c.into(), p.into()], reach, line);
                at = p.into();
            }
            Segment::Cubic(c, d, p) => {
                cubic([at, c.into(), d.into(), p.into()], reach, line);
                at = p.into();
            }
            Segment::Close => {
                line(at, start);
                at = start;
            }
        }
    }
    line(at, start);
}

/// How many lines keep within `TOLERANCE` of a curve whose second derivative is at most `bend`: a chord over 1/n of the parameter
/// runs at most bend / 8n² beside it.
fn lines_for(bend: f64) -> u32 {
    (bend / (8.0 * TOLERANCE)).sqrt().ceil().clamp(1.0, MOST_LINES) as u32
}

fn second_difference(a: Point, b: Point, c: Point) -> f64 {
    let (x, y) = ((a.x - 2 * b.x + c.x) as f64, (a.y - 2 * b.y + c.y) as f64);
    (x * x + y * y).sqrt()
}

fn rounded(v: f64) -> i64 {
    (v + 0.5).floor() as i64
}

fn quad([a, b, c]: [Point; 3], reach: Reach, line: &mut impl FnMut(Point, Point)) {
    if reach.misses(&[a, b, c]) {
        return;
    }
    if reach.is_right_of(&[a, b, c]) {
        return line(a, c);
    }
    let n = lines_for(2.0 * second_difference(a, b, c));
    let mut from = a;
    for i in 1..n {
        let t = f64::from(i) / f64::from(n);
        let s = 1.0 - t;
        let at = |a: i64, b: i64, c: i64| rounded(s * s * a as f64 + 2.0 * s * t * b as f64 + t * t * c as f64);
        let to = Point { x: at(a.x, b.x, c.x), y: at(a.y, b.y, c.y) };
        line(from, to);
        from = to;
    }
    line(from, c);
}

fn cubic([a, b, c, d]: [Point; 4], reach: Reach, line: &mut impl FnMut(Point, Point)) {
    if reach.misses(&[a, b, c, d]) {
        return;
    }
    if reach.is_right_of(&[a, b, c, d]) {
        return line(a, d);
    }
    let n = lines_for(6.0 * second_difference(a, b, c).max(second_difference(b, c, d)));
    let mut from = a;
    for i in 1..n {
        let t = f64::from(i) / f64::from(n);
        let s = 1.0 - t;
        let at = |a: i64, b: i64, c: i64, d: i64| {
            rounded(s * s * s * a as f64 + 3.0 * s * s * t * b as f64 + 3.0 * s * t * t * c as f64 + t * t * t * d as f64)
        };
        let to = Point { x: at(a.x, b.x, c.x, d.x), y: at(a.y, b.y, c.y, d.y) };
        line(from, to);
        from = to;
    }
    line(from, d);
}

/// The two half axes of a corner's ellipse, in 1/4096 pixel.
#[derive(Clone, Copy)]
struct Axes {
    x: i64,
    y: i64,
}

fn ellipse(r: &FxRect, reach: Reach, line: &mut impl FnMut(Point, Point)) {
    let (x0, y0, x1, y1) = (unit(r.x0), unit(r.y0), unit(r.x1), unit(r.y1));
    // Edges are multiples of 64 units, so the halves are exact.
    let axes = Axes { x: (x1 - x0) / 2, y: (y1 - y0) / 2 };
    rounded_box([x0, y0, x1, y1], [axes; 4], reach, line);
}

fn round_rect(r: &FxRect, radii: &[FxPoint; 4], reach: Reach, line: &mut impl FnMut(Point, Point)) {
    let (x0, y0, x1, y1) = (unit(r.x0), unit(r.y0), unit(r.x1), unit(r.y1));
    let axes = radii.map(|radius| {
        let axes = Axes { x: unit(radius.x).clamp(0, x1 - x0), y: unit(radius.y).clamp(0, y1 - y0) };
        // A corner of no width or no height is square.
        if axes.x == 0 || axes.y == 0 { Axes { x: 0, y: 0 } } else { axes }
    });
    rounded_box([x0, y0, x1, y1], axes, reach, line);
}

/// Clockwise from the left end of the top left corner's arc.
fn rounded_box([x0, y0, x1, y1]: [i64; 4], [tl, tr, br, bl]: [Axes; 4], reach: Reach, line: &mut impl FnMut(Point, Point)) {
    let p = |x: i64, y: i64| Point { x, y };
    // Each corner: its arc's centre, and where along the arc's axes the outline comes in and goes out.
    corner(p(x0 + tl.x, y0 + tl.y), tl, (-1, 0), (0, -1), reach, line);
    line(p(x0 + tl.x, y0), p(x1 - tr.x, y0));
    corner(p(x1 - tr.x, y0 + tr.y), tr, (0, -1), (1, 0), reach, line);
    line(p(x1, y0 + tr.y), p(x1, y1 - br.y));
    corner(p(x1 - br.x, y1 - br.y), br, (1, 0), (0, 1), reach, line);
    line(p(x1 - br.x, y1), p(x0 + bl.x, y1));
    corner(p(x0 + bl.x, y1 - bl.y), bl, (0, 1), (-1, 0), reach, line);
    line(p(x0, y1 - bl.y), p(x0, y0 + tl.y));
}

/// A quarter of an ellipse from the end of the half axis in direction `from` to the end of the one in direction `to`.
///
/// The points lie on the true arc: (1 - t²) / (1 + t²) and 2t / (1 + t²) are cosine and sine of twice the angle whose tangent is t.
/// Only an eighth of the circle is computed, the other is its mirror image, so that circles are symmetric about their diagonals.
fn corner(center: Point, axes: Axes, from: (i64, i64), to: (i64, i64), reach: Reach, line: &mut impl FnMut(Point, Point)) {
    if axes.x == 0 {
        return;
    }
    let place = |along: f64, across: f64| {
        let (x, y) = (rounded(along * axes.x as f64), rounded(along * axes.y as f64));
        let (u, v) = (rounded(across * axes.x as f64), rounded(across * axes.y as f64));
        Point { x: center.x + from.0 * x + to.0 * u, y: center.y + from.1 * y + to.1 * v }
    };
    let (start, end, far) = (place(1.0, 0.0), place(0.0, 1.0), place(1.0, 1.0));
    if reach.misses(&[start, end, far]) {
        return;
    }
    if reach.is_right_of(&[start, end, far]) {
        return line(start, end);
    }
    /// tan(π/8): at half of this angle's double the eighth ends.
    const EIGHTH: f64 = core::f64::consts::SQRT_2 - 1.0;
    // A chord over the angle 2·EIGHTH/n runs r (2·EIGHTH/n)² / 8 inside the arc.
    let n = (axes.x.max(axes.y) as f64 * EIGHTH * EIGHTH / (2.0 * ARC_TOLERANCE)).sqrt().ceil().clamp(1.0, MOST_LINES) as u32;
    let turn = |i: u32| {
        let t = f64::from(i) * EIGHTH / f64::from(n);
        let scale = 1.0 + t * t;
        ((1.0 - t * t) / scale, 2.0 * t / scale)
    };
    let mut last = start;
    let mut next = |point: Point| {
        line(last, point);
        last = point;
    };
    for i in 1..=n {
        let (along, across) = turn(i);
        next(place(along, across));
    }
    for i in (1..n).rev() {
        let (across, along) = turn(i);
        next(place(along, across));
    }
    next(end);
}
