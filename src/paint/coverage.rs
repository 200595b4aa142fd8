//! Coverage: how much of each pixel a shape covers, row after row, by exact signed areas.
//!
//! Every line of an outline adds, in each row it crosses, its signed area to the pixels it crosses and its signed height to all
//! pixels right of them; the running sum along the row is the winding number weighted by area, and its absolute value, at
//! most 1, the coverage (non-zero rule; where contours overlap within one pixel, their areas add up). Sums are integers,
//! so their order does not matter. Where a line crosses the edges of a row is computed from the line's own ends, never by going
//! on from another row: a row comes out the same whatever window it is painted in.

// Pixel loops: indices into a row's accumulators are bounded by the window, whose width they were sized by.
#![allow(clippy::indexing_slicing)]

use super::outline::{BITS, ONE, Point, Reach, lines_of};
use crate::geom::{FxRect, PxRect};
use crate::scene::Shape;

/// The area of a pixel in the accumulators' unit: twice the area in 1/4096 pixel squared.
const FULL: i64 = 2 * ONE * ONE;

/// A gap of this many pixels is worth ending a mask for.
const GAP: usize = 8;

/// How much is covered of a run of pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cover<'a> {
    /// All alike, never 0.
    Even(u8),
    /// One by one.
    Mask(&'a [u8]),
}

/// Pixels `x0 <= x < x1` of row `y`; never empty.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span<'a> {
    pub y: i32,
    pub x0: i32,
    pub x1: i32,
    pub cover: Cover<'a>,
}

/// A line of an outline, downwards.
#[derive(Clone, Copy)]
struct Edge {
    from: Point,
    to: Point,
    /// 1 where the outline ran downwards, -1 where it ran upwards.
    winding: i64,
    /// Its x at the top of the row in work, kept from that row's predecessor.
    x: i64,
}

impl Edge {
    /// Its x at `y`, which lies between its ends: rounded down, from the ends alone.
    fn x_at(&self, y: i64) -> i64 {
        if y == self.to.y {
            return self.to.x;
        }
        let (dx, dy, down) = (self.to.x - self.from.x, self.to.y - self.from.y, y - self.from.y);
        // Lines of up to 2^19 pixels a side, which is all lines in practice, fit 64 bits.
        let along = if dx.unsigned_abs() < 1 << 31 && dy < 1 << 31 {
            (dx * down).div_euclid(dy)
        } else {
            (i128::from(dx) * i128::from(down)).div_euclid(i128::from(dy)) as i64
        };
        self.from.x + along
    }
}

/// The working memory of [`Coverage::each_span`], kept from shape to shape.
#[derive(Default)]
pub(crate) struct Coverage {
    edges: Vec<Edge>,
    active: Vec<Edge>,
    row: Row,
    mask: Vec<u8>,
}

impl Coverage {
    /// Gives `span` the covered pixels of `shape` inside `window`, from the top down and from left to right, none twice.
    pub(crate) fn each_span(&mut self, shape: &Shape, window: PxRect, mut span: impl FnMut(Span<'_>)) {
        let window = window.intersect(shape.bounds().touched());
        if window.is_empty() {
            return;
        }
        match shape {
            Shape::Rect(rect) => rect_spans(rect, window, span),
            shape => self.outline_spans(shape, window, &mut span),
        }
    }

    fn outline_spans(&mut self, shape: &Shape, window: PxRect, span: &mut impl FnMut(Span<'_>)) {
        let Coverage { edges, active, row, mask } = self;
        edges.clear();
        active.clear();
        lines_of(shape, Reach::of(window), &mut |a: Point, b: Point| {
            if a.y < b.y {
                edges.push(Edge { from: a, to: b, winding: 1, x: a.x });
            } else if b.y < a.y {
                edges.push(Edge { from: b, to: a, winding: -1, x: b.x });
            }
        });
        edges.sort_unstable_by_key(|edge| edge.from.y);
        row.reset(window);
        let mut waiting = edges.iter().peekable();
        for y in window.y0..window.y1 {
            let (top, bottom) = (i64::from(y) << BITS, i64::from(y + 1) << BITS);
            while let Some(edge) = waiting.next_if(|edge| edge.from.y < bottom) {
                let x = if edge.from.y < top { edge.x_at(top) } else { edge.from.x };
                active.push(Edge { x, ..*edge });
            }
            active.retain_mut(|edge| {
                let (y0, y1) = (edge.from.y.max(top), edge.to.y.min(bottom));
                let x1 = edge.x_at(y1);
                row.add(edge.x, x1, y1 - y0, edge.winding);
                edge.x = x1;
                edge.to.y > bottom
            });
            row.drain(y, window, mask, span);
        }
    }
}

/// The accumulators of one row: what the running sum changes by at each pixel, and which pixels were touched.
#[derive(Default)]
struct Row {
    /// One more than the window is wide.
    change: Vec<i64>,
    touched: Vec<u64>,
    /// The window's first pixel, in units.
    left: i64,
    width: usize,
}

impl Row {
    fn reset(&mut self, window: PxRect) {
        self.width = window.width() as usize;
        self.left = i64::from(window.x0) << BITS;
        self.change.clear();
        self.change.resize(self.width + 1, 0);
        self.touched.clear();
        self.touched.resize(self.width / 64 + 1, 0);
    }

    /// Adds a piece of a line that runs from x `xa` to `xb` while it goes `dy` units down, inside one row.
    fn add(&mut self, xa: i64, xb: i64, dy: i64, winding: i64) {
        if dy == 0 {
            return;
        }
        // Which end is the upper one does not matter for the area.
        let (xl, xr) = (xa.min(xb) - self.left, xa.max(xb) - self.left);
        if xr <= 0 {
            return self.touch(0, 2 * ONE * dy * winding, 0);
        }
        if xl >= (self.width as i64) << BITS {
            return;
        }
        let (first, last) = (xl >> BITS, (xr - 1).max(xl) >> BITS);
        if first == last {
            // 2·ONE - (xl + xr) is twice the mean distance to the pixel's right edge.
            let (fl, fr) = (xl - (first << BITS), xr - (first << BITS));
            let area = dy * (2 * ONE - fl - fr) * winding;
            return self.touch(first as usize, area, 2 * ONE * dy * winding - area);
        }
        // The height gone at a pixel's edge x is floor((x - xl) * dy / run): for the first edge from the piece's ends, then with
        // the exact remainder from edge to edge, which gives the same.
        let run = xr - xl;
        let begin = first.max(0);
        let (mut x, mut gone) = (xl, 0);
        if first < 0 {
            // What happens left of the window counts for its first pixel as a whole.
            (x, gone) = (0, -xl * dy / run);
            self.touch(0, 2 * ONE * gone * winding, 0);
        }
        let ahead = (((begin + 1) << BITS) - xl) * dy;
        let (mut next, mut remainder) = (ahead / run, ahead % run);
        let (step, step_remainder) = (ONE * dy / run, ONE * dy % run);
        for cell in begin..=last.min(self.width as i64 - 1) {
            let (left_edge, right_edge) = (cell << BITS, (cell + 1) << BITS);
            let (right, reached) = if cell == last { (xr, dy) } else { (right_edge, next) };
            let height = reached - gone;
            let area = height * (2 * ONE - (x - left_edge) - (right - left_edge)) * winding;
            self.touch(cell as usize, area, 2 * ONE * height * winding - area);
            (x, gone) = (right, reached);
            next += step;
            remainder += step_remainder;
            if remainder >= run {
                remainder -= run;
                next += 1;
            }
        }
    }

    /// The sum grows by `here` at `cell` and by `after` at the next one.
    fn touch(&mut self, cell: usize, here: i64, after: i64) {
        // Overflow would take 2^38 outlines one over the other.
        self.change[cell] += here;
        self.change[cell + 1] += after;
        self.touched[cell / 64] |= 1 << (cell % 64);
        let next = cell + 1;
        if next < self.width {
            self.touched[next / 64] |= 1 << (next % 64);
        }
    }

    /// Hands the row on as spans and clears it.
    fn drain(&mut self, y: i32, window: PxRect, mask: &mut Vec<u8>, span: &mut impl FnMut(Span<'_>)) {
        let at = |x: usize| window.x0 + x as i32;
        let mut sum = 0i64;
        // Pixels before `done` are handed on or in `mask`, which begins at `start`.
        let (mut done, mut start) = (0usize, 0usize);
        mask.clear();
        for word in 0..self.touched.len() {
            let mut bits = std::mem::take(&mut self.touched[word]);
            while bits != 0 {
                let cell = word * 64 + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                let between = cover(sum);
                if cell - done > GAP || (mask.is_empty() && cell > done) {
                    flush(y, at(start), mask, span);
                    even(y, at(done), at(cell), between, span);
                    start = cell;
                } else {
                    mask.resize(mask.len() + (cell - done), between);
                }
                sum += std::mem::take(&mut self.change[cell]);
                if mask.is_empty() {
                    start = cell;
                }
                mask.push(cover(sum));
                done = cell + 1;
            }
        }
        flush(y, at(start), mask, span);
        even(y, at(done), at(self.width), cover(sum), span);
        self.change[self.width] = 0;
    }
}

fn flush(y: i32, x0: i32, mask: &mut Vec<u8>, span: &mut impl FnMut(Span<'_>)) {
    if mask.iter().any(|&cover| cover != 0) {
        span(Span { y, x0, x1: x0 + mask.len() as i32, cover: Cover::Mask(mask) });
    }
    mask.clear();
}

fn even(y: i32, x0: i32, x1: i32, cover: u8, span: &mut impl FnMut(Span<'_>)) {
    if cover != 0 && x0 < x1 {
        span(Span { y, x0, x1, cover: Cover::Even(cover) });
    }
}

/// The winding number weighted by area as 8 bits, to nearest.
fn cover(sum: i64) -> u8 {
    let area = sum.unsigned_abs().min(FULL as u64);
    ((area * 255 + FULL as u64 / 2) / FULL as u64) as u8
}

/// A rectangle covers each pixel by the product of two overlaps: no accumulators needed.
fn rect_spans(rect: &FxRect, window: PxRect, mut span: impl FnMut(Span<'_>)) {
    let overlap = |low: i32, high: i32, pixel: i32| {
        let edge = i64::from(pixel) * 64;
        (i64::from(high).min(edge + 64) - i64::from(low).max(edge)).max(0)
    };
    // Both in 1/64 pixel.
    let covered = |x: i64, y: i64| ((x * y * 255 + 2048) >> 12) as u8;
    // The pixels between are covered over their whole width.
    let (inner0, inner1) = (rect.x0.ceil().max(window.x0), rect.x1.floor().min(window.x1));
    for y in window.y0..window.y1 {
        let tall = overlap(rect.y0.0, rect.y1.0, y);
        let mut single = |x: i32| even(y, x, x + 1, covered(overlap(rect.x0.0, rect.x1.0, x), tall), &mut span);
        if inner0 >= inner1 {
            (window.x0..window.x1).for_each(single);
            continue;
        }
        (window.x0..inner0).for_each(&mut single);
        even(y, inner0, inner1, covered(64, tall), &mut span);
        let mut single = |x: i32| even(y, x, x + 1, covered(overlap(rect.x0.0, rect.x1.0, x), tall), &mut span);
        (inner1..window.x1).for_each(&mut single);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::geom::{Fx, FxPoint, Path, Segment};

    const CANVAS: PxRect = PxRect { x0: 0, y0: 0, x1: 60, y1: 60 };

    fn covered(shape: &Shape, window: PxRect) -> Vec<u8> {
        let mut out = vec![0; window.width() as usize * window.height() as usize];
        Coverage::default().each_span(shape, window, |span| {
            let at = (span.y - window.y0) as usize * window.width() as usize;
            let place = at + (span.x0 - window.x0) as usize..at + (span.x1 - window.x0) as usize;
            assert!(out[place.clone()].iter().all(|c| *c == 0), "no pixel twice");
            match span.cover {
                Cover::Even(cover) => out[place].fill(cover),
                Cover::Mask(mask) => out[place].copy_from_slice(mask),
            }
        });
        out
    }

    fn polygon(points: &[(i32, i32)]) -> Shape {
        let mut segments: Vec<Segment> = points.iter().map(|&(x, y)| Segment::Line(FxPoint { x: Fx(x), y: Fx(y) })).collect();
        if let Some(Segment::Line(p)) = segments.first().copied() {
            segments[0] = Segment::Move(p);
        }
        Shape::Path(Arc::new(Path::new(segments)))
    }

    /// Signed area of a polygon inside a box, by cutting it at the four sides (Sutherland and Hodgman), in f64.
    fn exact_inside(points: &[(i32, i32)], x: i32, y: i32) -> f64 {
        type P = (f64, f64);
        let mut ring: Vec<P> = points.iter().map(|&(x, y)| (f64::from(x) / 64.0, f64::from(y) / 64.0)).collect();
        let (x, y) = (f64::from(x), f64::from(y));
        let sides: [&dyn Fn(P) -> f64; 4] = [&|p| p.0 - x, &|p| x + 1.0 - p.0, &|p| p.1 - y, &|p| y + 1.0 - p.1];
        for inside in sides {
            let mut cut = Vec::new();
            for i in 0..ring.len() {
                let (a, b) = (ring[i], ring[(i + 1) % ring.len()]);
                let (da, db) = (inside(a), inside(b));
                if da >= 0.0 {
                    cut.push(a);
                }
                if (da >= 0.0) != (db >= 0.0) {
                    let t = da / (da - db);
                    cut.push((a.0 + (b.0 - a.0) * t, a.1 + (b.1 - a.1) * t));
                }
            }
            ring = cut;
        }
        (0..ring.len()).map(|i| (ring[i], ring[(i + 1) % ring.len()])).map(|(a, b)| (a.0 * b.1 - b.0 * a.1) / 2.0).sum()
    }

    /// Angles sorted about a centre: never crosses itself.
    fn star(raw: &[(u16, u16)]) -> Vec<(i32, i32)> {
        let mut rays: Vec<(f64, f64)> = raw
            .iter()
            .map(|&(angle, length)| {
                (f64::from(angle) / 65_536.0 * core::f64::consts::TAU, 100.0 + f64::from(length) / 65_536.0 * 1_700.0)
            })
            .collect();
        rays.sort_by(|a, b| a.0.total_cmp(&b.0));
        rays.iter().map(|&(a, r)| ((1_920.0 + r * libm::cos(a)) as i32, (1_920.0 + r * libm::sin(a)) as i32)).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn areas_are_exact(raw in proptest::collection::vec(any::<(u16, u16)>(), 3..12)) {
            let points = star(&raw);
            let got = covered(&polygon(&points), CANVAS);
            let mut total = (0.0, 0.0);
            for y in 0..60 {
                for x in 0..60 {
                    let exact = exact_inside(&points, x, y).abs();
                    let got = f64::from(got[(y * 60 + x) as usize]) / 255.0;
                    // Half a step of 8 bits, and what rounding crossings to 1/4096 pixel makes.
                    prop_assert!((got - exact).abs() <= 0.5 / 255.0 + 0.0008, "({x}, {y}): {got} for {exact}");
                    total = (total.0 + got, total.1 + exact);
                }
            }
            prop_assert!((total.0 - total.1).abs() < 0.4, "{total:?}");
        }

        #[test]
        fn turned_round_it_covers_the_same(raw in proptest::collection::vec(any::<(u16, u16)>(), 3..12)) {
            let mut points = star(&raw);
            let there = covered(&polygon(&points), CANVAS);
            points.reverse();
            prop_assert_eq!(there, covered(&polygon(&points), CANVAS));
        }

        #[test]
        fn a_rectangle_is_the_path_around_it(x0 in -500..4_500i32, y0 in -500..4_500i32, w in 0..2_000i32, h in 0..2_000i32) {
            let (x1, y1) = (x0 + w, y0 + h);
            let rect = FxRect { x0: Fx(x0), y0: Fx(y0), x1: Fx(x1), y1: Fx(y1) };
            let path = polygon(&[(x0, y0), (x1, y0), (x1, y1), (x0, y1)]);
            let plain = covered(&Shape::Rect(rect), CANVAS);
            prop_assert_eq!(&plain, &covered(&path, CANVAS));
            prop_assert_eq!(&plain, &covered(&Shape::RoundRect(rect, [FxPoint::default(); 4]), CANVAS));
        }

        #[test]
        fn far_away_is_as_near(dx in -3..=3i32, dy in -3..=3i32, raw in proptest::collection::vec(any::<(u16, u16)>(), 3..8)) {
            // Moved by whole pixels, even so far that products leave 64 bits, the coverage moves along.
            let (dx, dy) = (dx * (1 << 22), dy * (1 << 22));
            let points = star(&raw);
            let moved: Vec<(i32, i32)> = points.iter().map(|&(x, y)| (x + dx * 64, y + dy * 64)).collect();
            prop_assert_eq!(covered(&polygon(&points), CANVAS), covered(&polygon(&moved), CANVAS.translate(dx, dy)));
        }

        #[test]
        fn huge_shapes_end_where_they_end(raw in proptest::collection::vec(any::<(i32, i32)>(), 3..8)) {
            // Nothing overflows, and a triangle around the canvas fills it.
            let points: Vec<(i32, i32)> = raw.iter().map(|&(x, y)| (x >> 1, y >> 1)).collect();
            covered(&polygon(&points), CANVAS);
            let far = (1 << 30) - 1;
            let all = covered(&polygon(&[(-far, -far), (far, -far), (0, far)]), CANVAS);
            prop_assert!(all.iter().all(|c| *c == 255));
        }
    }

    /// The area of a circle inside a pixel, from 2,000 slices of it.
    fn circle_inside(cx: f64, cy: f64, r: f64, x: i32, y: i32) -> f64 {
        const SLICES: i32 = 2_000;
        let (x, y) = (f64::from(x), f64::from(y));
        (0..SLICES)
            .map(|i| {
                let v = y + (f64::from(i) + 0.5) / f64::from(SLICES) - cy;
                let half = (r * r - v * v).max(0.0).sqrt();
                ((cx + half).min(x + 1.0) - (cx - half).max(x)).max(0.0) / f64::from(SLICES)
            })
            .sum()
    }

    #[test]
    fn circles_are_round() {
        for (cx, cy, r) in [(30.0, 30.0, 24.0), (30.5, 30.25, 3.0), (30.0, 30.0, 0.5), (0.0, 0.0, 55.0), (200.0, 30.0, 180.0)] {
            let rect = FxRect::from_px(crate::geom::Rect::new(cx - r, cy - r, 2.0 * r, 2.0 * r));
            let got = covered(&Shape::Ellipse(rect), CANVAS);
            for y in 0..60 {
                for x in 0..60 {
                    let exact = circle_inside(cx, cy, r, x, y) * 255.0;
                    let got = f64::from(got[(y * 60 + x) as usize]);
                    assert!((got - exact).abs() <= 1.0, "radius {r}, ({x}, {y}): {got} for {exact}");
                }
            }
            let radius = FxPoint::from_px(r, r);
            assert_eq!(got, covered(&Shape::RoundRect(rect, [radius; 4]), CANVAS), "the rounded square of that radius");
        }
    }

    #[test]
    fn a_circle_is_symmetric() {
        let rect = FxRect::from_px(crate::geom::Rect::new(7.0, 7.0, 46.0, 46.0));
        let got = covered(&Shape::Ellipse(rect), CANVAS);
        for y in 0..60 {
            for x in 0..60 {
                let at = |x: usize, y: usize| i16::from(got[y * 60 + x]);
                // Crossings are rounded down, so mirror images may differ by a step.
                assert!((at(x, y) - at(59 - x, y)).abs() <= 1);
                assert!((at(x, y) - at(x, 59 - y)).abs() <= 1);
                assert!((at(x, y) - at(y, x)).abs() <= 1);
            }
        }
    }

    #[test]
    fn curves_run_where_they_should() {
        // A circle of four cubics is round within their own error of 0.03 %.
        const K: f64 = 0.552_284_75;
        let (c, r) = (30.0, 25.0);
        let p = |x: f64, y: f64| FxPoint::from_px(c + x * r, c + y * r);
        let path = Path::new(vec![
            Segment::Move(p(1.0, 0.0)),
            Segment::Cubic(p(1.0, K), p(K, 1.0), p(0.0, 1.0)),
            Segment::Cubic(p(-K, 1.0), p(-1.0, K), p(-1.0, 0.0)),
            Segment::Cubic(p(-1.0, -K), p(-K, -1.0), p(0.0, -1.0)),
            Segment::Cubic(p(K, -1.0), p(1.0, -K), p(1.0, 0.0)),
        ]);
        let got = covered(&Shape::Path(Arc::new(path)), CANVAS);
        for y in 0..60 {
            for x in 0..60 {
                let exact = circle_inside(c, c, r, x, y) * 255.0;
                assert!((f64::from(got[(y * 60 + x) as usize]) - exact).abs() <= 5.0, "({x}, {y})");
            }
        }
        // The area under a parabola is two thirds of its box.
        let px = |x: f64, y: f64| FxPoint::from_px(x, y);
        let path = Path::new(vec![Segment::Move(px(5.0, 45.0)), Segment::Quad(px(30.0, 5.0), px(55.0, 45.0))]);
        let total: f64 = covered(&Shape::Path(Arc::new(path)), CANVAS).iter().map(|c| f64::from(*c) / 255.0).sum();
        assert!((total - 50.0 * 20.0 * 2.0 / 3.0).abs() < 0.3, "{total}");
    }

    #[test]
    fn winding_numbers_fill_and_cancel() {
        let square = |x0: i32, x1: i32| vec![(x0, x0), (x1, x0), (x1, x1), (x0, x1)];
        let ring = |outer: Vec<(i32, i32)>, inner: Vec<(i32, i32)>| {
            let (Shape::Path(a), Shape::Path(b)) = (polygon(&outer), polygon(&inner)) else { unreachable!() };
            Shape::Path(Arc::new(Path::new([a.segments(), b.segments()].concat())))
        };
        let center = 30 * 60 + 30;
        let (outer, inner) = (square(640, 3_200), square(1_280, 2_560));
        assert_eq!(covered(&ring(outer.clone(), inner.clone()), CANVAS)[center], 255, "twice around is inside");
        let hole: Vec<(i32, i32)> = inner.into_iter().rev().collect();
        let got = covered(&ring(outer, hole), CANVAS);
        assert_eq!(got[center], 0, "once around and once back is outside");
        assert_eq!(got[15 * 60 + 15], 255);
    }
}
