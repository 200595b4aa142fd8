//! Gradients: the colours of a row of pixels, each computed from its own centre.

use crate::geom::Affine;
use crate::level::{Level, dispatched};
use crate::scene::{Gradient, GradientKind, Stop};

/// Pixels worked on at once: their positions fit a few cache lines, and most such runs lie between two stops.
const RUN: usize = 64;

/// Where the centres of a run's pixels lie from its beginning.
#[expect(clippy::indexing_slicing, reason = "the index runs over the array")]
const CENTERS: [f64; RUN] = {
    let mut centers = [0.5; RUN];
    let mut i = 0;
    while i < RUN {
        centers[i] += i as f64;
        i += 1;
    }
    centers
};

/// Positions further out than any stop can matter; keeps infinities out of the sums.
const FAR: f64 = 1e9;

/// A change per pixel so small that it comes from rounding (a sine of 180°): over the widest canvas it stays below a millionth.
const LEVEL: f64 = 1e-13;

/// A gradient prepared for painting.
pub(super) struct Shader {
    kind: GradientKind,
    map: Affine,
    /// In order, each beginning where the one before ends, the first at -∞, the last to +∞.
    pieces: Vec<Piece>,
}

/// Between two neighbouring stops.
#[derive(Clone, Copy)]
struct Piece {
    from: f64,
    to: f64,
    origin: f64,
    /// 1 over the distance of the two stops; 0 before the first and after the last one.
    per_unit: f64,
    /// Premultiplied, 0 to 255.
    color: [f32; 4],
    change: [f32; 4],
}

impl Piece {
    fn even(from: f64, to: f64, stop: Stop) -> Piece {
        Piece { from, to, origin: 0.0, per_unit: 0.0, color: stop.color.to_bytes().map(f32::from), change: [0.0; 4] }
    }

    fn between(a: Stop, b: Stop) -> Piece {
        let (from, to) = (f64::from(a.at), f64::from(b.at));
        let (start, end) = (a.color.to_bytes(), b.color.to_bytes());
        let mut change = [0.0; 4];
        for ((change, start), end) in change.iter_mut().zip(start).zip(end) {
            *change = f32::from(end) - f32::from(start);
        }
        Piece { from, to, origin: from, per_unit: 1.0 / (to - from), color: start.map(f32::from), change }
    }

    fn holds(&self, at: f64) -> bool {
        self.from <= at && at < self.to
    }

    /// How far between its stops a place lies; 0 before the first and after the last one.
    #[inline(always)]
    fn along(&self, at: f64) -> f64 {
        if self.per_unit == 0.0 { 0.0 } else { (at - self.origin) * self.per_unit }
    }

    /// The same for the pixels of a row: of the first number for one pixel more, of the second where their x is 0. `a` is how far one
    /// pixel goes in gradient space, `across` where x is 0.
    #[inline(always)]
    fn along_row(&self, a: f64, across: f64) -> (f64, f64) {
        if self.per_unit == 0.0 { (0.0, 0.0) } else { (a * self.per_unit, self.along(across)) }
    }

    fn is_opaque(&self) -> bool {
        self.color[3] == 255.0 && self.change[3] == 0.0
    }
}

impl Shader {
    pub(super) fn new(gradient: &Gradient) -> Shader {
        let stops = gradient.stops.as_slice();
        let mut pieces = Vec::with_capacity(stops.len() + 1);
        if let (Some(first), Some(last)) = (stops.first(), stops.last()) {
            pieces.push(Piece::even(f64::NEG_INFINITY, f64::from(first.at), *first));
            // Two stops at one place are a hard edge: nothing lies between them.
            pieces.extend(stops.array_windows().filter(|[a, b]| a.at < b.at).map(|&[a, b]| Piece::between(a, b)));
            pieces.push(Piece::even(f64::from(last.at), f64::INFINITY, *last));
        }
        let mut map = gradient.map;
        if map.a.abs() < LEVEL {
            map.a = 0.0;
        }
        Shader { kind: gradient.kind, map, pieces }
    }

    /// The colours of the pixels of row `y` from column `x0` on, as many as `row` holds.
    pub(super) fn shade(&self, level: Level, x0: i32, y: i32, row: &mut [u8]) {
        if self.kind == GradientKind::Linear && self.map.a == 0.0 {
            // The position does not change along the row.
            let mut px = [0; 4];
            shade_linear(self, x0, y, &mut px);
            row.as_chunks_mut::<4>().0.fill(px);
            return;
        }
        shade_row(level, self, x0, y, row);
    }

    /// The colours of pixels one by one, by their places and how far along their pieces they lie.
    #[inline(always)]
    fn color(&self, run: &mut [u8], place: impl Fn(usize) -> f64, along: impl Fn(&Piece, usize) -> f64) {
        let mut held: Option<&Piece> = None;
        for (i, px) in run.as_chunks_mut::<4>().0.iter_mut().enumerate() {
            let at = place(i);
            let Some(piece) = held.filter(|piece| piece.holds(at)).or_else(|| self.piece_at(at)) else { return };
            held = Some(piece);
            *px = mix(piece, along(piece, i) as f32);
        }
    }

    /// The piece in which all of the places lie, if they lie in one.
    #[inline(always)]
    fn piece_of_all(&self, places: &[f64; RUN]) -> Option<Piece> {
        let piece = *self.piece_at(places[0])?;
        let one = places.iter().fold(true, |all, &at| all & (piece.from <= at) & (at < piece.to));
        one.then_some(piece)
    }

    /// NaN counts as before the first stop.
    fn piece_at(&self, at: f64) -> Option<&Piece> {
        let after = self.pieces.partition_point(|piece| piece.from <= at);
        self.pieces.get(after.saturating_sub(1))
    }
}

/// 2^23: added to a float from 0 to 255 it leaves the nearest whole number in the lowest bits.
const ROUND: f32 = 8_388_608.0;

#[inline(always)]
fn rounded(start: f32, change: f32, along: f32) -> u32 {
    (start + change * along + ROUND).to_bits() & 255
}

#[inline(always)]
fn mix(piece: &Piece, along: f32) -> [u8; 4] {
    let [r, g, b, a] = piece.color;
    let [dr, dg, db, da] = piece.change;
    let a = rounded(a, da, along);
    // A channel could round up where alpha, a hair smaller, rounds down.
    let channel = |start, change| rounded(start, change, along).min(a);
    (channel(r, dr) | channel(g, dg) << 8 | channel(b, db) << 16 | a << 24).to_le_bytes()
}

/// As [`mix`], where both ends are opaque.
#[inline(always)]
fn mix_opaque(piece: &Piece, along: f32) -> [u8; 4] {
    let [r, g, b, _] = piece.color;
    let [dr, dg, db, _] = piece.change;
    (rounded(r, dr, along) | rounded(g, dg, along) << 8 | rounded(b, db, along) << 16 | 0xff00_0000).to_le_bytes()
}

#[inline(always)]
#[expect(clippy::indexing_slicing, reason = "the index runs over the array")]
fn shade_body(shader: &Shader, x0: i32, y: i32, row: &mut [u8]) {
    let mut places = [0.0; RUN];
    for (i, run) in row.chunks_mut(RUN * 4).enumerate() {
        let x = x0 + (i * RUN) as i32;
        let map = &shader.map;
        match shader.kind {
            GradientKind::Linear => {
                shade_linear(shader, x, y, run);
                continue;
            }
            GradientKind::Radial => radial_places(map, x, y, &mut places),
            GradientKind::Conic => conic_places(map, x, y, &mut places),
        }
        match shader.piece_of_all(&places) {
            Some(piece) => color_in_one_piece(&piece, run, |i| piece.along(places[i])),
            _ => shader.color(run, |i| places[i], |piece, i| piece.along(places[i])),
        }
    }
}

/// A run of a linear gradient: all of it in one go where both its ends lie in one piece, as places rise or fall along a row, rounded as
/// they are. Where a pixel lies in its piece is computed from its own x in either case, so that runs may begin anywhere.
#[inline(always)]
#[expect(clippy::indexing_slicing, reason = "a run has no more pixels than the table")]
fn shade_linear(shader: &Shader, x0: i32, y: i32, run: &mut [u8]) {
    let (a, across) = (shader.map.a, shader.map.c * (f64::from(y) + 0.5) + shader.map.e);
    let x = |i: usize| f64::from(x0) + CENTERS[i];
    let place = |i: usize| (a * x(i) + across).clamp(-FAR, FAR);
    // Between stops that are hardly apart the sum may lie far beyond both.
    let along = |(slope, start): (f64, f64), i: usize| (x(i) * slope + start).clamp(0.0, 1.0);
    let (first, last) = (place(0), place((run.len() / 4).saturating_sub(1)));
    match shader.piece_at(first).filter(|piece| piece.holds(first) && piece.holds(last)) {
        Some(piece) => {
            let line = piece.along_row(a, across);
            color_in_one_piece(piece, run, |i| along(line, i));
        }
        None => shader.color(run, place, |piece, i| along(piece.along_row(a, across), i)),
    }
}

/// Colours a run that lies in one piece, by how far in it each pixel does.
#[inline(always)]
fn color_in_one_piece(piece: &Piece, run: &mut [u8], along: impl Fn(usize) -> f64) {
    let pixels = run.as_chunks_mut::<4>().0;
    if piece.per_unit == 0.0 {
        pixels.fill(mix(piece, 0.0));
        return;
    }
    let mut alongs = [0f32; RUN];
    for (i, to) in alongs.iter_mut().enumerate() {
        *to = along(i) as f32;
    }
    if piece.is_opaque() {
        for (px, along) in pixels.iter_mut().zip(alongs) {
            *px = mix_opaque(piece, along);
        }
    } else {
        for (px, along) in pixels.iter_mut().zip(alongs) {
            *px = mix(piece, along);
        }
    }
}

dispatched! {
    shade_row => shade_body(shader: &Shader, x0: i32, y: i32, row: &mut [u8]);
}

/// Where the centres of the pixels from (`x0`, `y`) on come to lie in gradient space.
#[inline(always)]
fn centers<const N: usize>(map: &Affine, x0: i32, y: i32, mut each: impl FnMut(usize, f64, f64)) {
    let y = f64::from(y) + 0.5;
    let (across, down) = (map.c * y + map.e, map.d * y + map.f);
    for i in 0..N {
        let x = f64::from(x0) + (i as f64 + 0.5);
        each(i, map.a * x + across, map.b * x + down);
    }
}

#[inline(always)]
#[expect(clippy::indexing_slicing, reason = "the index runs over the array")]
fn radial_places<const N: usize>(map: &Affine, x0: i32, y: i32, places: &mut [f64; N]) {
    centers::<N>(map, x0, y, |i, x, y| places[i] = (x * x + y * y).sqrt().min(FAR));
}

#[inline(always)]
#[expect(clippy::indexing_slicing, reason = "the index runs over the array")]
fn conic_places<const N: usize>(map: &Affine, x0: i32, y: i32, places: &mut [f64; N]) {
    centers::<N>(map, x0, y, |i, x, y| places[i] = turn(x, y));
}

/// The angle clockwise from straight up as a part of a full turn, 0 <= turn < 1; within 1e-10. libm's arc tangent branches and
/// takes ten times as long.
#[inline(always)]
fn turn(x: f64, y: f64) -> f64 {
    let (wide, tall) = (x.abs(), y.abs());
    let (short, long) = (wide.min(tall), wide.max(tall));
    let ratio = if long > 0.0 { short / long } else { 0.0 };
    let steep = ratio > core::f64::consts::SQRT_2 - 1.0;
    // atan(r) = π/4 + atan((r - 1) / (r + 1)) leaves |r| below tan(π/8).
    let r = if steep { (ratio - 1.0) / (ratio + 1.0) } else { ratio };
    let s = r * r;
    let mut series = 0.0;
    // Taylor's series; the next term would be below 0.4143^25 / 25.
    for n in (0..12).rev() {
        series = 1.0 / f64::from(2 * n + 1) - s * series;
    }
    let octant = r * series * (0.5 / core::f64::consts::PI) + if steep { 0.125 } else { 0.0 };
    let quadrant = if wide > tall { 0.25 - octant } else { octant };
    let half = if y > 0.0 { 0.5 - quadrant } else { quadrant };
    let whole = if x < 0.0 { 1.0 - half } else { half };
    if whole < 1.0 { whole } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::color::{Color, Premul};
    use crate::ctx::Simd;

    fn stop(at: f32, [r, g, b, a]: [u8; 4]) -> Stop {
        Stop { at, color: Color { r, g, b, a }.premultiply() }
    }

    fn shaded(gradient: &Gradient, x0: i32, y: i32, width: usize, simd: Simd) -> Vec<[u8; 4]> {
        let mut row = vec![1; width * 4];
        Shader::new(gradient).shade(Level::of(simd), x0, y, &mut row);
        row.as_chunks::<4>().0.to_vec()
    }

    /// Position by libm in f64.
    fn place(gradient: &Gradient, x: i32, y: i32) -> f64 {
        let (x, y) = gradient.map.apply(f64::from(x) + 0.5, f64::from(y) + 0.5);
        match gradient.kind {
            GradientKind::Linear => x,
            GradientKind::Radial => libm::hypot(x, y),
            GradientKind::Conic => (libm::atan2(x, -y) / (2.0 * core::f64::consts::PI)).rem_euclid(1.0),
        }
    }

    /// Colour in f64, straight from the definition.
    fn exact(stops: &[Stop], at: f64) -> [f64; 4] {
        let of = |color: Premul| color.to_bytes().map(f64::from);
        let after = stops.iter().position(|s| f64::from(s.at) > at);
        match after {
            Some(0) => of(stops[0].color),
            None => of(stops[stops.len() - 1].color),
            Some(i) => {
                let (a, b) = (stops[i - 1], stops[i]);
                let t = (at - f64::from(a.at)) / (f64::from(b.at) - f64::from(a.at));
                std::array::from_fn(|c| of(a.color)[c] + (of(b.color)[c] - of(a.color)[c]) * t)
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]

        #[test]
        fn within_one_step_of_the_exact_colour(
            kind in 0..3usize,
            scale in (1.0..400f64, 1.0..400f64),
            turn in 0.0..360f64,
            center in (-100.0..100f64, -100.0..100f64),
            raw in proptest::collection::vec(((0..30u32), any::<[u8; 4]>()), 1..9),
            y in -100..100i32,
        ) {
            let mut at = -0.1;
            let stops: Vec<Stop> = raw.iter().map(|&(gap, color)| { at += gap as f32 / 100.0; stop(at, color) }).collect();
            let map = Affine::scale(1.0 / scale.0, 1.0 / scale.1)
                .then_inner(Affine::rotate(turn))
                .then_inner(Affine::translate(-center.0, -center.1));
            let kind = [GradientKind::Linear, GradientKind::Radial, GradientKind::Conic][kind];
            let gradient = Gradient { kind, map, stops };
            let got = shaded(&gradient, -150, y, 300, Simd::Detect);
            prop_assert_eq!(&got, &shaded(&gradient, -150, y, 300, Simd::Off));
            // Where a row begins does not matter.
            prop_assert_eq!(&got[77..], &shaded(&gradient, -73, y, 223, Simd::Detect));
            for (x, got) in (-150..).zip(&got) {
                let at = place(&gradient, x, y);
                // Right at a hard edge either side is right.
                let near = |d: f64| exact(&gradient.stops, at + d);
                let (low, high) = (near(-1e-7), near(1e-7));
                for c in 0..4 {
                    let (low, high) = (low[c].min(high[c]), low[c].max(high[c]));
                    let got = f64::from(got[c]);
                    prop_assert!(low - 1.0 <= got && got <= high + 1.0, "{got} for {low} to {high} at {at}");
                }
                prop_assert!(got.iter().all(|c| *c <= got[3]));
            }
        }
    }

    #[test]
    fn exact_at_stops_and_padded_beyond() {
        let stops = vec![stop(0.25, [10, 20, 30, 255]), stop(0.5, [200, 100, 0, 255]), stop(0.75, [0, 0, 0, 0])];
        // Pixel centres at multiples of 1/64.
        let map = Affine::scale(1.0 / 64.0, 1.0).then_inner(Affine::translate(-0.5, 0.0));
        let row = shaded(&Gradient { kind: GradientKind::Linear, map, stops }, -10, 0, 90, Simd::Detect);
        for x in -10..=16 {
            assert_eq!(row[(x + 10) as usize], [10, 20, 30, 255]);
        }
        assert_eq!(row[32 + 10], [200, 100, 0, 255]);
        for x in 48..80 {
            assert_eq!(row[x + 10], [0; 4]);
        }
        // Half way to transparent, premultiplied: half of each.
        assert_eq!(row[40 + 10], [100, 50, 0, 128]);
    }

    #[test]
    fn stops_that_are_hardly_apart_give_no_other_colours() {
        for width in [1e-6_f32, 1e-15, 1e-20, 1e-30] {
            let stops = vec![stop(0.0, [40, 40, 40, 255]), stop(width, [200, 200, 200, 255])];
            for (across, center) in [(1.0 / 3.0, 2.5), (1.0 / 7.0, 10.5), (1e-3, 65.5)] {
                // Exactly 0 at a pixel's centre.
                let map = Affine { a: across, b: 0.0, c: 0.0, d: 0.0, e: -(across * center), f: 0.0 };
                let gradient = Gradient { kind: GradientKind::Linear, map, stops: stops.clone() };
                for x0 in [-70, 0, 1] {
                    for (x, px) in (x0..).zip(shaded(&gradient, x0, 0, 200, Simd::Detect)) {
                        let off = f64::from(x) + 0.5 - center;
                        // Between the stops themselves either is as good as the other.
                        let (least, most) = if off < 0.0 {
                            (40, 40)
                        } else if off > 0.5 {
                            (200, 200)
                        } else {
                            (40, 200)
                        };
                        let right = (least..=most).contains(&px[0]);
                        assert!(right && px[0] == px[1] && px[3] == 255, "{width} {across}: {px:?} at {x}");
                    }
                }
            }
        }
    }

    #[test]
    fn hard_stops_are_hard() {
        let stops = vec![
            stop(0.0, [255, 0, 0, 255]),
            stop(0.5, [255, 0, 0, 255]),
            stop(0.5, [0, 0, 255, 255]),
            stop(1.0, [0, 0, 255, 255]),
        ];
        for kind in [GradientKind::Linear, GradientKind::Radial] {
            let gradient = Gradient { kind, map: Affine::scale(0.01, 0.0), stops: stops.clone() };
            let row = shaded(&gradient, 0, 0, 100, Simd::Detect);
            assert!(row[..50].iter().all(|px| *px == [255, 0, 0, 255]));
            assert!(row[50..].iter().all(|px| *px == [0, 0, 255, 255]));
        }
    }

    #[test]
    fn conic_begins_at_the_top_and_goes_round() {
        for (x, y, expected) in [(0.0, -1.0, 0.0), (1.0, 0.0, 0.25), (0.0, 1.0, 0.5), (-1.0, 0.0, 0.75), (1.0, -1.0, 0.125)] {
            assert!((turn(x, y) - expected).abs() < 1e-10, "({x}, {y}): {}", turn(x, y));
        }
        assert_eq!(turn(0.0, 0.0), 0.0);
        assert_eq!(turn(-0.0, -1.0), 0.0);
        let mut worst: f64 = 0.0;
        for i in 0..100_000 {
            let angle = f64::from(i) / 100_000.0;
            let (sin, cos) = (libm::sin(angle * 2.0 * core::f64::consts::PI), libm::cos(angle * 2.0 * core::f64::consts::PI));
            let got = turn(sin * 37.0, -cos * 37.0);
            assert!((0.0..1.0).contains(&got));
            let off = (got - angle).abs();
            worst = worst.max(off.min(1.0 - off));
        }
        assert!(worst < 1e-10, "{worst}");
    }

    #[test]
    fn strange_maps_do_no_harm() {
        let stops = vec![stop(0.0, [255, 0, 0, 255]), stop(1.0, [0, 0, 255, 128])];
        for kind in [GradientKind::Linear, GradientKind::Radial, GradientKind::Conic] {
            for v in [0.0, 1e-300, 1e300, f64::MAX, -f64::MAX, f64::MIN_POSITIVE] {
                let map = Affine { a: v, b: v, c: -v, d: v, e: v, f: v };
                let row = shaded(&Gradient { kind, map, stops: stops.clone() }, -40, 3, 200, Simd::Detect);
                assert!(row.iter().all(|px| px.iter().all(|c| *c <= px[3])));
            }
        }
        let none = Gradient { kind: GradientKind::Linear, map: Affine::IDENTITY, stops: vec![] };
        assert_eq!(shaded(&none, 0, 0, 3, Simd::Detect).len(), 3);
    }
}
