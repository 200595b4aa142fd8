//! What of the canvas a glyph covers: its outline, or what a pen draws along it.

use ab_glyph::OutlineCurve;

use crate::geom::{Affine, PxRect};
use crate::layer::curves::stroke::along;
use crate::layer::curves::{Curves, Piece};
use crate::pixels::Mask;
use crate::scene::{Inside, Pen};
use crate::settle::outline::{At, Curve, Outline, rasterize};

/// The covered area.
pub(super) struct Ink {
    area: Outline,
    /// The glyph that a pen went around, where it counts, and what makes it heavier than its outline is.
    glyph: Option<(Outline, Inside)>,
    rim: Option<Outline>,
}

impl Ink {
    pub fn filled(area: Outline) -> Ink {
        Ink { area, glyph: None, rim: None }
    }

    /// `None` where there is nothing to draw.
    pub fn drawn(curves: Vec<OutlineCurve>, map: Affine, pen: Pen) -> Option<Ink> {
        let contours = contours(&curves, map);
        let drawn = |width: f64| Outline::of(closed(&along(&contours, width)?));
        let area = drawn(pen.width)?;
        let rim = if pen.glyph == Inside::Hollow && pen.heavier > 0.0 { drawn(pen.heavier) } else { None };
        let glyph = match pen.glyph {
            Inside::Ignored => None,
            counts => Outline::new(curves, map).map(|glyph| (glyph, counts)),
        };
        Some(Ink { area, glyph, rim })
    }

    pub fn bounds(&self) -> PxRect {
        self.area.bounds()
    }

    /// The coverage of the pixels of `window`; `None` when it is empty.
    pub fn mask(&self, window: PxRect) -> Option<Mask> {
        let area = rasterize(&self.area, window)?;
        let Some((glyph, counts)) = &self.glyph else { return Some(area) };
        let mut glyph = rasterize(glyph, window)?;
        if let Some(rim) = self.rim.as_ref().and_then(|rim| rasterize(rim, window)) {
            let rows = (0..glyph.height()).flat_map(|y| glyph.row(y).iter().zip(rim.row(y)));
            glyph = Mask::new(glyph.width(), glyph.height(), rows.map(|(glyph, rim)| *glyph.max(rim)).collect())?;
        }
        let pairs = (0..area.height()).flat_map(|y| area.row(y).iter().zip(glyph.row(y)));
        let both: Vec<u8> = match counts {
            Inside::Filled => pairs.map(|(area, glyph)| *area.max(glyph)).collect(),
            Inside::Hollow | Inside::Ignored => pairs.map(|(area, glyph)| area.saturating_sub(*glyph)).collect(),
        };
        Mask::new(area.width(), area.height(), both)
    }
}

/// A glyph's outline in pixels, its contours closed. Fonts' contours hang together: where a curve does not start at the end of
/// the one before, another begins.
fn contours(curves: &[OutlineCurve], map: Affine) -> Curves {
    let at = |p: &ab_glyph::Point| map.apply(f64::from(p.x), f64::from(p.y));
    let mut pieces = Vec::with_capacity(curves.len() + 8);
    let mut end: Option<ab_glyph::Point> = None;
    for curve in curves {
        let (from, piece, to) = match curve {
            OutlineCurve::Line(a, b) => (a, Piece::Line(at(b)), b),
            OutlineCurve::Quad(a, b, c) => (a, Piece::Quad(at(b), at(c)), c),
            OutlineCurve::Cubic(a, b, c, d) => (a, Piece::Cubic(at(b), at(c), at(d)), d),
        };
        if end != Some(*from) {
            pieces.extend(end.map(|_| Piece::Close));
            pieces.push(Piece::Move(at(from)));
        }
        pieces.push(piece);
        end = Some(*to);
    }
    pieces.extend(end.map(|_| Piece::Close));
    Curves::new(pieces)
}

/// The curves of contours, each led back to its start.
fn closed(drawn: &Curves) -> Vec<Curve> {
    let mut curves = Vec::with_capacity(drawn.pieces().len());
    let (mut start, mut from): (At, At) = ((0.0, 0.0), (0.0, 0.0));
    for piece in drawn.pieces() {
        let to = match *piece {
            Piece::Move(to) => {
                curves.push(Curve::Line(from, start));
                start = to;
                to
            }
            Piece::Line(to) => {
                curves.push(Curve::Line(from, to));
                to
            }
            Piece::Quad(control, to) => {
                curves.push(Curve::Quad(from, control, to));
                to
            }
            Piece::Cubic(first, second, to) => {
                curves.push(Curve::Cubic(from, first, second, to));
                to
            }
            Piece::Close => {
                curves.push(Curve::Line(from, start));
                start
            }
        };
        from = to;
    }
    curves.push(Curve::Line(from, start));
    curves.retain(|curve| !matches!(curve, Curve::Line(a, b) if a == b));
    curves
}

#[cfg(test)]
mod tests {
    use ab_glyph::point;

    use super::*;

    /// A square of 20 pixels with a hole of 10 in its middle.
    fn frame() -> Vec<OutlineCurve> {
        let ring = |corners: [(f32, f32); 4]| {
            let p = corners.map(|(x, y)| point(x, y));
            let side = move |i: usize| OutlineCurve::Line(p[i], p[(i + 1) % 4]);
            (0..4).map(side).collect::<Vec<_>>()
        };
        let mut all = ring([(0.0, 0.0), (20.0, 0.0), (20.0, 20.0), (0.0, 20.0)]);
        all.extend(ring([(5.0, 5.0), (5.0, 15.0), (15.0, 15.0), (15.0, 5.0)]));
        all
    }

    fn pen(width: f64, glyph: Inside) -> Pen {
        Pen { width, glyph, heavier: 0.0 }
    }

    fn covered(pen: Pen) -> (PxRect, Mask) {
        let ink = Ink::drawn(frame(), Affine::IDENTITY, pen).unwrap();
        (ink.bounds(), ink.mask(ink.bounds()).unwrap())
    }

    #[test]
    fn a_pen_draws_on_both_sides_and_round_corners() {
        let (bounds, mask) = covered(pen(4.0, Inside::Ignored));
        assert_eq!(bounds, PxRect::new(-2, -2, 22, 22));
        let at = |x: i32, y: i32| mask.row((y + 2) as u32)[(x + 2) as usize];
        // On the outline, in the body, in the hole.
        assert_eq!((at(-1, 10), at(1, 10), at(10, 10), at(6, 10), at(8, 10)), (255, 255, 0, 255, 0));
        // Of the pixel at the corner a round pen covers 0.303, a square one all.
        assert!((74..=81).contains(&at(-2, -2)), "{}", at(-2, -2));
    }

    #[test]
    fn a_hollow_one_leaves_the_glyph_out() {
        let (_, mask) = covered(pen(4.0, Inside::Hollow));
        let at = |x: i32, y: i32| mask.row((y + 2) as u32)[(x + 2) as usize];
        assert_eq!((at(-1, 10), at(1, 10), at(3, 10), at(6, 10)), (255, 0, 0, 255));
        let (_, mask) = covered(pen(2.0, Inside::Filled));
        let at = |x: i32, y: i32| mask.row((y + 1) as u32)[(x + 1) as usize];
        assert_eq!((at(-1, 10), at(1, 10), at(3, 10), at(5, 10), at(7, 10)), (255, 255, 255, 255, 0));
    }

    #[test]
    fn a_hollow_one_leaves_out_what_makes_the_glyph_heavier() {
        let (_, mask) = covered(Pen { heavier: 2.0, ..pen(6.0, Inside::Hollow) });
        let at = |x: i32, y: i32| mask.row((y + 3) as u32)[(x + 3) as usize];
        assert_eq!((at(-2, 10), at(-1, 10), at(1, 10), at(5, 10), at(6, 10)), (255, 0, 0, 0, 255));
    }

    #[test]
    fn nothing_is_drawn_of_nothing() {
        assert!(Ink::drawn(Vec::new(), Affine::IDENTITY, pen(4.0, Inside::Ignored)).is_none());
    }
}
