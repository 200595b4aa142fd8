//! An outline in pixels, and its coverage by exact areas (ab_glyph_rasterizer).

use std::cell::RefCell;

use ab_glyph::OutlineCurve;
use ab_glyph_rasterizer::{Rasterizer, point};

use crate::geom::{Affine, PxRect};
use crate::pixels::Mask;

/// Cells that a thread's rasterizer may keep between glyphs.
const KEPT_CELLS: usize = 1 << 20;
/// Beyond this an outline is an error of the font or far off any canvas; within it, pixels count in i32.
const FAR: f64 = (1 << 24) as f64;
/// How far a chord may lie from its curve, in pixels.
const FLATNESS: f64 = 0.02;

thread_local! {
    static RASTERIZER: RefCell<Rasterizer> = RefCell::new(Rasterizer::new(0, 0));
}

/// A point in pixels.
pub(super) type At = (f64, f64);

#[derive(Clone, Copy)]
pub(super) enum Curve {
    Line(At, At),
    Quad(At, At, At),
    Cubic(At, At, At, At),
}

/// Closed contours in pixels, y down; finite.
pub(super) struct Outline {
    curves: Vec<Curve>,
    bounds: PxRect,
}

impl Outline {
    /// `None` where there is nothing to fill or the numbers are absurd.
    pub fn new(curves: Vec<OutlineCurve>, map: Affine) -> Option<Outline> {
        let place = |p: ab_glyph::Point| map.apply(f64::from(p.x), f64::from(p.y));
        let placed = curves.into_iter().map(|curve| match curve {
            OutlineCurve::Line(a, b) => Curve::Line(place(a), place(b)),
            OutlineCurve::Quad(a, b, c) => Curve::Quad(place(a), place(b), place(c)),
            OutlineCurve::Cubic(a, b, c, d) => Curve::Cubic(place(a), place(b), place(c), place(d)),
        });
        Outline::of(placed.collect())
    }

    /// The same of curves in pixels, whose contours are closed.
    pub fn of(curves: Vec<Curve>) -> Option<Outline> {
        let mut low = (f64::INFINITY, f64::INFINITY);
        let mut high = (f64::NEG_INFINITY, f64::NEG_INFINITY);
        let mut reach = |p: At| {
            low = (low.0.min(p.0), low.1.min(p.1));
            high = (high.0.max(p.0), high.1.max(p.1));
        };
        for curve in &curves {
            match *curve {
                Curve::Line(a, b) => [a, b].into_iter().for_each(&mut reach),
                Curve::Quad(a, b, c) => [a, b, c].into_iter().for_each(&mut reach),
                Curve::Cubic(a, b, c, d) => [a, b, c, d].into_iter().for_each(&mut reach),
            }
        }
        // Written so that NaN fails too.
        let sane = [low.0, low.1, high.0, high.1].iter().all(|v| v.abs() <= FAR);
        if !sane {
            return None;
        }
        let bounds = PxRect::new(low.0.floor() as i32, low.1.floor() as i32, high.0.ceil() as i32, high.1.ceil() as i32);
        Some(Outline { curves, bounds })
    }

    /// The pixels that the curves and their control points touch.
    pub fn bounds(&self) -> PxRect {
        self.bounds
    }
}

/// The coverage of the pixels of `window`; `None` when it is empty.
pub(super) fn rasterize(outline: &Outline, window: PxRect) -> Option<Mask> {
    if window.is_empty() {
        return None;
    }
    RASTERIZER.with_borrow_mut(|rasterizer| {
        let (width, height) = (window.width() as usize, window.height() as usize);
        let cut = !window.contains_rect(outline.bounds);
        // Where the outline reaches beyond the window, its right part is gathered in a column that is thrown away: the sum of
        // each row must come back to 0.
        let stride = if cut { width + 1 } else { width };
        rasterizer.reset(stride, height);
        let (x0, y0) = (f64::from(window.x0), f64::from(window.y0));
        let near = |p: At| (p.0 - x0, p.1 - y0);
        // Flattened here, as the rasterizer's own chords lie up to a sixth of a pixel from their curve.
        for curve in &outline.curves {
            flatten(*curve, |a, b| {
                let (a, b) = (near(a), near(b));
                if cut {
                    clipped_line(rasterizer, a, b, width as f64);
                } else {
                    rasterizer.draw_line(point(a.0 as f32, a.1 as f32), point(b.0 as f32, b.1 as f32));
                }
            });
        }
        let mut data = Vec::with_capacity(width * height);
        let mut column = 0;
        rasterizer.for_each_pixel(|_, coverage| {
            if column < width {
                // Overlapping contours count twice at their edges.
                data.push((coverage.min(1.0) * 255.0 + 0.5) as u8);
            }
            column += 1;
            if column == stride {
                column = 0;
            }
        });
        if stride * height > KEPT_CELLS {
            *rasterizer = Rasterizer::new(0, 0);
        }
        Mask::new(window.width(), window.height(), data)
    })
}

/// Chords of at most `FLATNESS` from the curve.
fn flatten(curve: Curve, mut line: impl FnMut(At, At)) {
    /// Chords of one curve at the most; a curve across the largest canvas needs some hundreds.
    const MOST: f64 = 4_096.0;
    let bend = |a: At, b: At, c: At| libm::hypot(a.0 - 2.0 * b.0 + c.0, a.1 - 2.0 * b.1 + c.1);
    let between = |t: f64, a: At, b: At| (a.0 + (b.0 - a.0) * t, a.1 + (b.1 - a.1) * t);
    let mut along = |count: f64, from: At, to: At, at: &dyn Fn(f64) -> At| {
        let count = count.sqrt().ceil().clamp(1.0, MOST);
        let mut before = from;
        for step in 1..count as u32 {
            let next = at(f64::from(step) / count);
            line(before, next);
            before = next;
        }
        line(before, to);
    };
    match curve {
        Curve::Line(a, b) => line(a, b),
        Curve::Quad(a, b, c) => {
            along(bend(a, b, c) / (4.0 * FLATNESS), a, c, &|t| between(t, between(t, a, b), between(t, b, c)))
        }
        Curve::Cubic(a, b, c, d) => along(bend(a, b, c).max(bend(b, c, d)) * 0.75 / FLATNESS, a, d, &|t| {
            let (p, q, r) = (between(t, a, b), between(t, b, c), between(t, c, d));
            between(t, between(t, p, q), between(t, q, r))
        }),
    }
}

/// Draws a line whose parts beyond the window's sides are moved onto them: what counts there is only how far it rises.
fn clipped_line(rasterizer: &mut Rasterizer, a: At, b: At, width: f64) {
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let (left, right) = ((0.0 - a.0) / dx, (width - a.0) / dx);
    let at = |t: f64| point((a.0 + dx * t).clamp(0.0, width) as f32, (a.1 + dy * t) as f32);
    let mut from = 0.0;
    // For an upright line both are infinite or NaN.
    let inside = |t: &f64| *t > 0.0 && *t < 1.0;
    for to in [left.min(right), left.max(right)].into_iter().filter(inside).chain([1.0]) {
        rasterizer.draw_line(at(from), at(to));
        from = to;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A circle of four cubics.
    fn circle(radius: f32) -> Vec<OutlineCurve> {
        let k = radius * 0.552_284_8;
        let p = |x: f32, y: f32| point(x, y);
        let r = radius;
        vec![
            OutlineCurve::Cubic(p(r, 0.0), p(r, k), p(k, r), p(0.0, r)),
            OutlineCurve::Cubic(p(0.0, r), p(-k, r), p(-r, k), p(-r, 0.0)),
            OutlineCurve::Cubic(p(-r, 0.0), p(-r, -k), p(-k, -r), p(0.0, -r)),
            OutlineCurve::Cubic(p(0.0, -r), p(k, -r), p(r, -k), p(r, 0.0)),
        ]
    }

    fn area(mask: &Mask) -> f64 {
        (0..mask.height()).flat_map(|y| mask.row(y)).map(|&c| f64::from(c) / 255.0).sum()
    }

    #[test]
    fn coverage_is_the_area() {
        let outline = Outline::new(circle(10.0), Affine::translate(0.25, 0.5)).unwrap();
        assert_eq!(outline.bounds(), PxRect::new(-10, -10, 11, 11));
        let mask = rasterize(&outline, outline.bounds()).unwrap();
        assert!((area(&mask) - 314.16).abs() < 1.0, "{}", area(&mask));
        assert_eq!(mask.row(10)[10], 255);
    }

    #[test]
    fn a_window_shows_the_same_as_the_whole() {
        let outline = Outline::new(circle(40.0), Affine::IDENTITY).unwrap();
        let whole = rasterize(&outline, outline.bounds()).unwrap();
        for window in [
            PxRect::new(-5, -50, 10, 20),
            PxRect::new(20, -40, 60, 5),
            PxRect::new(-60, -60, 60, 60),
            PxRect::new(-45, 3, -20, 4),
        ] {
            let part = rasterize(&outline, window).unwrap();
            for y in window.y0..window.y1 {
                for x in window.x0..window.x1 {
                    let inside = (-40..40).contains(&x) && (-40..40).contains(&y);
                    let expected = if inside { whole.row((y + 40) as u32)[(x + 40) as usize] } else { 0 };
                    let got = part.row((y - window.y0) as u32)[(x - window.x0) as usize];
                    assert!(got.abs_diff(expected) <= 1, "({x}, {y}) of {window:?}: {got}, not {expected}");
                }
            }
        }
    }

    #[test]
    fn absurd_numbers_are_nothing() {
        assert!(Outline::new(Vec::new(), Affine::IDENTITY).is_none());
        assert!(Outline::new(circle(f32::NAN), Affine::IDENTITY).is_none());
        assert!(Outline::new(circle(1.0), Affine::scale(1e30, 1.0)).is_none());
    }
}
