//! Where a glyph has ink at some height: what an underline must not cross.

use ab_glyph::{OutlineCurve, Point};

/// Heights at which a glyph is looked at: finer features than a line's thickness over these are not seen anyway.
const LOOKS: u32 = 9;
/// Chords of one curve: enough for a gap that is wider than the ink on both sides.
const CHORDS: u32 = 8;

/// The stretches of x, rising and apart from one another, in which the outline has ink somewhere from `low` to `high`; all in font
/// units.
pub(super) fn between(outline: &[OutlineCurve], low: f64, high: f64) -> Vec<(f64, f64)> {
    let mut found = Vec::new();
    let mut crossings: Vec<(f64, i32)> = Vec::new();
    for look in 0..LOOKS {
        let y = low + (high - low) * f64::from(look) / f64::from(LOOKS - 1);
        crossings.clear();
        for curve in outline {
            cross(curve, y, &mut crossings);
        }
        crossings.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (mut winding, mut start) = (0, 0.0);
        for (x, turn) in &crossings {
            if winding == 0 {
                start = *x;
            }
            winding += turn;
            if winding == 0 {
                found.push((start, *x));
            }
        }
    }
    joined(found)
}

/// Stretches that touch made one.
pub(super) fn joined(mut stretches: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    stretches.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut joined: Vec<(f64, f64)> = Vec::with_capacity(stretches.len());
    for (from, to) in stretches {
        match joined.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => joined.push((from, to)),
        }
    }
    joined
}

/// Adds where the curve crosses the height, and which way.
fn cross(curve: &OutlineCurve, y: f64, crossings: &mut Vec<(f64, i32)>) {
    let at = |p: &Point| (f64::from(p.x), f64::from(p.y));
    let between = |a: (f64, f64), b: (f64, f64), t: f64| (a.0 + (b.0 - a.0) * t, a.1 + (b.1 - a.1) * t);
    let mut line = |a: (f64, f64), b: (f64, f64)| {
        // Half open, so that a corner on the height counts once.
        if (a.1 <= y) != (b.1 <= y) {
            let x = a.0 + (b.0 - a.0) * (y - a.1) / (b.1 - a.1);
            crossings.push((x, if b.1 > a.1 { 1 } else { -1 }));
        }
    };
    let mut along = |from: (f64, f64), point: &dyn Fn(f64) -> (f64, f64)| {
        let mut before = from;
        for step in 1..=CHORDS {
            let next = point(f64::from(step) / f64::from(CHORDS));
            line(before, next);
            before = next;
        }
    };
    match curve {
        OutlineCurve::Line(a, b) => line(at(a), at(b)),
        OutlineCurve::Quad(a, b, c) => {
            let (a, b, c) = (at(a), at(b), at(c));
            along(a, &|t| between(between(a, b, t), between(b, c, t), t));
        }
        OutlineCurve::Cubic(a, b, c, d) => {
            let (a, b, c, d) = (at(a), at(b), at(c), at(d));
            along(a, &|t| {
                let (u, v, w) = (between(a, b, t), between(b, c, t), between(c, d, t));
                between(between(u, v, t), between(v, w, t), t)
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{Fonts, Style};

    fn of(c: char, low: f64, high: f64) -> Vec<(f64, f64)> {
        let face = Fonts::bundled().first_face(&Style { size: 32.0, ..Style::default() }).unwrap().0;
        let em = face.units_per_em();
        between(&face.outline(face.glyph(c).unwrap()).unwrap_or_default(), low * em, high * em)
    }

    #[test]
    fn letters_reach_below_the_baseline_or_not() {
        assert!(of('n', -0.2, -0.1).is_empty() && of(' ', -0.2, -0.1).is_empty());
        assert_eq!(of('p', -0.2, -0.1).len(), 1);
        // Both stems of an H, its bar, and a counter that the line would run through.
        assert_eq!(of('H', 0.1, 0.2).len(), 2);
        assert_eq!(of('H', 0.1, 0.5).len(), 1);
        assert_eq!(of('o', 0.2, 0.3).len(), 2);
    }

    #[test]
    fn stretches_are_joined() {
        assert_eq!(joined(vec![(3.0, 4.0), (0.0, 1.0), (0.5, 2.0), (4.0, 5.0)]), [(0.0, 2.0), (3.0, 5.0)]);
        assert!(joined(Vec::new()).is_empty());
    }
}
