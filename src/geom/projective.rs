//! Maps of the plane that keep lines straight but not parallel: perspective.

use super::{Affine, Rect};

/// `x' = (m0 x + m1 y + m2) / w`, `y' = (m3 x + m4 y + m5) / w` with `w = m6 x + m7 y + m8`; every number finite.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Projective(pub [f64; 9]);

impl From<Affine> for Projective {
    fn from(m: Affine) -> Projective {
        Projective([m.a, m.c, m.e, m.b, m.d, m.f, 0.0, 0.0, 1.0])
    }
}

impl Projective {
    /// Takes the corners of a box, clockwise from its top left, to four points. `None` unless those are the corners of a convex
    /// shape in the same order or mirrored, and the box is none without an area.
    pub fn to_corners(rect: Rect, corners: [(f64, f64); 4]) -> Option<Projective> {
        if rect.width <= 0.0 || rect.height <= 0.0 || !is_convex(corners) {
            return None;
        }
        // Of the unit square (Heckbert 1989): where opposite sides are parallel g and h are 0.
        let [(x0, y0), (x1, y1), (x2, y2), (x3, y3)] = corners;
        let (dx1, dx2, sx) = (x1 - x2, x3 - x2, x0 - x1 + x2 - x3);
        let (dy1, dy2, sy) = (y1 - y2, y3 - y2, y0 - y1 + y2 - y3);
        let det = dx1 * dy2 - dx2 * dy1;
        let (g, h) = ((sx * dy2 - dx2 * sy) / det, (dx1 * sy - sx * dy1) / det);
        let unit = Projective([x1 - x0 + g * x1, x3 - x0 + h * x3, x0, y1 - y0 + g * y1, y3 - y0 + h * y3, y0, g, h, 1.0]);
        let into_unit = Affine::scale(1.0 / rect.width, 1.0 / rect.height).then_inner(Affine::translate(-rect.x, -rect.y));
        let whole = unit.then_inner(into_unit.into());
        whole.0.iter().all(|v| v.is_finite()).then_some(whole)
    }

    /// The map that applies `inner` first and then `self`.
    pub fn then_inner(self, inner: Projective) -> Projective {
        let [a, b, c, d, e, f, g, h, i] = self.0;
        let [j, k, l, m, n, o, p, q, r] = inner.0;
        Projective([
            a * j + b * m + c * p,
            a * k + b * n + c * q,
            a * l + b * o + c * r,
            d * j + e * m + f * p,
            d * k + e * n + f * q,
            d * l + e * o + f * r,
            g * j + h * m + i * p,
            g * k + h * n + i * q,
            g * l + h * o + i * r,
        ])
    }

    /// Points at infinity lie very far off.
    pub fn apply(self, x: f64, y: f64) -> (f64, f64) {
        const FAR: f64 = 1e12;
        let m = self.0;
        let w = m[6] * x + m[7] * y + m[8];
        let at = |v: f64| if w == 0.0 { FAR } else { (v / w).clamp(-FAR, FAR) };
        (at(m[0] * x + m[1] * y + m[2]), at(m[3] * x + m[4] * y + m[5]))
    }

    /// `None` when the map flattens the plane.
    pub fn invert(self) -> Option<Projective> {
        let [a, b, c, d, e, f, g, h, i] = self.0;
        let (x, y, z) = (e * i - f * h, f * g - d * i, d * h - e * g);
        let det = a * x + b * y + c * z;
        if !det.is_finite() || det.abs() < 1e-12 {
            return None;
        }
        let adjoint = [x, c * h - b * i, b * f - c * e, y, a * i - c * g, c * d - a * f, z, b * g - a * h, a * e - b * d];
        Some(Projective(adjoint.map(|v| v / det)))
    }

    /// Whether it keeps parallels; then the same as an affine map.
    pub fn as_affine(self) -> Option<Affine> {
        let [a, c, e, b, d, f, g, h, i] = self.0;
        (g == 0.0 && h == 0.0 && i == 1.0).then_some(Affine { a, b, c, d, e, f })
    }

    /// The box around the image of a rectangle of which no point goes to infinity.
    pub fn bounds_of(self, r: Rect) -> Rect {
        let corners =
            [self.apply(r.x, r.y), self.apply(r.right(), r.y), self.apply(r.x, r.bottom()), self.apply(r.right(), r.bottom())];
        let (mut low, mut high) = (corners[0], corners[0]);
        for (x, y) in corners {
            low = (low.0.min(x), low.1.min(y));
            high = (high.0.max(x), high.1.max(y));
        }
        Rect::new(low.0, low.1, high.0 - low.0, high.1 - low.1)
    }
}

/// Whether four points are the corners of a convex shape in their order: all turns go the same way, and none is straight.
fn is_convex(corners: [(f64, f64); 4]) -> bool {
    let [a, b, c, d] = corners;
    let turn = |(ax, ay): (f64, f64), (bx, by): (f64, f64), (cx, cy): (f64, f64)| (bx - ax) * (cy - by) - (by - ay) * (cx - bx);
    let turns = [turn(a, b, c), turn(b, c, d), turn(c, d, a), turn(d, a, b)];
    // Thousandths of a pixel beside a side of a pixel: what is flatter shows nothing.
    const LEAST: f64 = 1e-3;
    turns.iter().all(|turn| *turn > LEAST) || turns.iter().all(|turn| *turn < -LEAST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: (f64, f64), b: (f64, f64)) -> bool {
        (a.0 - b.0).abs() < 1e-9 && (a.1 - b.1).abs() < 1e-9
    }

    #[test]
    fn corners_go_to_corners_and_back() {
        let rect = Rect::new(10.0, 20.0, 100.0, 50.0);
        let corners = [(3.0, 4.0), (90.0, 12.0), (70.0, 80.0), (-5.0, 60.0)];
        let map = Projective::to_corners(rect, corners).unwrap();
        let back = map.invert().unwrap();
        for (own, to) in [(10.0, 20.0), (110.0, 20.0), (110.0, 70.0), (10.0, 70.0)].into_iter().zip(corners) {
            assert!(near(map.apply(own.0, own.1), to), "{:?} {to:?}", map.apply(own.0, own.1));
            assert!(near(back.apply(to.0, to.1), own));
        }
        // Diagonals meet where diagonals meet.
        let (x, y) = map.apply(60.0, 45.0);
        let along = |(ax, ay): (f64, f64), (bx, by): (f64, f64)| (bx - ax) * (y - ay) - (by - ay) * (x - ax);
        assert!(along(corners[0], corners[2]).abs() < 1e-6 && along(corners[1], corners[3]).abs() < 1e-6);
        assert_eq!(map.as_affine(), None);
    }

    #[test]
    fn parallels_are_affine_and_what_is_not_convex_is_refused() {
        let rect = Rect::new(0.0, 0.0, 2.0, 2.0);
        let affine = Projective::to_corners(rect, [(1.0, 1.0), (5.0, 1.0), (6.0, 9.0), (2.0, 9.0)]).unwrap();
        assert!(affine.as_affine().is_some() && near(affine.apply(1.0, 1.0), (3.5, 5.0)));
        let mirrored = [(5.0, 1.0), (1.0, 1.0), (2.0, 9.0), (6.0, 9.0)];
        assert!(Projective::to_corners(rect, mirrored).is_some());
        let crossed = [(0.0, 0.0), (9.0, 9.0), (9.0, 0.0), (0.0, 9.0)];
        let dented = [(0.0, 0.0), (9.0, 0.0), (2.0, 2.0), (0.0, 9.0)];
        let straight = [(0.0, 0.0), (9.0, 0.0), (4.5, 4.5), (0.0, 9.0)];
        for wrong in [crossed, dented, straight, [(1.0, 1.0); 4]] {
            assert_eq!(Projective::to_corners(rect, wrong), None, "{wrong:?}");
        }
        let m = Affine { a: 2.0, b: 1.0, c: -1.0, d: 3.0, e: 4.0, f: 5.0 };
        assert_eq!(Projective::from(m).as_affine(), Some(m));
        assert_eq!(Projective::from(Affine::scale(0.0, 1.0)).invert(), None);
    }
}
