//! Text along a path (`path` of a text): where on it letters stand, and how they are turned.

use std::sync::Arc;

use crate::geom::Affine;
use crate::layer::curves::data::PathData;
use crate::layer::curves::{At, Curves, Piece};
use crate::layer::path::{ViewBox, placed_in};
use crate::layer::values::{Length, Offset};
use crate::layout::boxes::Given;
use crate::problem::{Place, Problem};
use crate::template::declare::{fields, words};
use crate::text::{Composed, Glyph, Line, Run, TOLERANCE};

/// Points of a path at most, besides the ends of its pieces: a circle of 30,000 pixels by chords of 1.5.
const MAX_STEPS: f64 = 20_000.0;
/// Between two points of a bend, in pixels: by less than a thousandth of them chords lie off a circle of 300 pixels.
const STEP: f64 = 1.5;
/// As far on both sides of a place as the path's direction is taken from, in pixels: at a corner letters turn round it.
const SIDES: f64 = 1.0;

words! {
    /// On which side of the path, as one goes along it, letters stand.
    pub enum Side { Left = "left", Right = "right" }
}

fields! {
    /// A path that a text stands on.
    pub struct TrackFields {
        /// SVG path data, in pixels from the box's top left; with `view_box` in its units.
        d: PathData,
        /// `[x, y, width, height]` or `"0 0 24 24"`: this part of the data's plane is fitted into the middle of the box.
        view_box: Option<ViewBox>,
        /// Where on the path the text begins: pixels along it, or `"25%"` of its length. `align` is in what is left from there on; on
        /// a closed path that is all of it.
        start: Offset = 0,
        /// `right` is on the other side, and goes the other way.
        side: Side = "left",
    }
}

impl TrackFields {
    /// The path in a box of the sides given, and how large it is without them.
    pub fn route(&self, given: Given, place: &Place) -> Result<(Route, (f64, f64)), Problem> {
        let (size, curves) = placed_in(&self.d.0, self.view_box, given, place)?;
        Ok((Route::new(&curves, self.start.0, self.side), size))
    }
}

/// A path by its length.
#[derive(Debug)]
pub struct Route {
    /// Points with how far along each lies, rising. A gap between contours has no length.
    points: Vec<(f64, At)>,
    closed: bool,
    /// Where the text begins, from 0 to the length.
    start: f64,
}

impl Route {
    fn new(curves: &Curves, start: Length, side: Side) -> Route {
        let step = STEP.max(curves.length() / MAX_STEPS);
        let mut points: Vec<(f64, At)> = Vec::new();
        let mut far = 0.0;
        let (mut first, mut from) = ((0.0, 0.0), (0.0, 0.0));
        let mut contours = 0;
        let mut ends_closed = false;
        for piece in curves.pieces() {
            let mut go = |to: At, points: &mut Vec<(f64, At)>| {
                if let Some((_, last)) = points.last() {
                    far += libm::hypot(to.0 - last.0, to.1 - last.1);
                }
                points.push((far, to));
            };
            ends_closed = matches!(piece, Piece::Close);
            match *piece {
                Piece::Move(to) => {
                    // What a pen would be lifted for has no length.
                    let far = points.last().map_or(0.0, |(far, _)| *far);
                    points.push((far, to));
                    contours += 1;
                    (first, from) = (to, to);
                }
                Piece::Line(to) => {
                    go(to, &mut points);
                    from = to;
                }
                Piece::Close => {
                    go(first, &mut points);
                    from = first;
                }
                Piece::Quad(_, to) | Piece::Cubic(_, _, to) => {
                    let long = Curves::new(vec![Piece::Move(from), *piece]).length();
                    let steps = (long / step).ceil().max(1.0) as u32;
                    (1..steps).for_each(|n| go(piece.at(from, f64::from(n) / f64::from(steps)), &mut points));
                    go(to, &mut points);
                    from = to;
                }
            }
        }
        let meets = contours == 1 && (ends_closed || libm::hypot(from.0 - first.0, from.1 - first.1) < 0.01);
        let closed = meets && far > 0.0;
        if side == Side::Right {
            points = points.iter().rev().map(|(along, at)| (far - along, *at)).collect();
        }
        let start = start.resolve(far);
        let start = if closed { start.rem_euclid(far) } else { start.clamp(0.0, far) };
        Route { points, closed, start }
    }

    fn length(&self) -> f64 {
        self.points.last().map_or(0.0, |(far, _)| *far)
    }

    /// How much text there is room for.
    pub fn room(&self) -> f64 {
        if self.closed { self.length() } else { self.length() - self.start }
    }

    /// How far along the path a place of the text lies.
    pub fn along(&self, of_text: f64) -> f64 {
        let along = self.start + of_text;
        if self.closed { along.rem_euclid(self.length()) } else { along }
    }

    /// The point so far along the path; before its start and beyond its end those.
    fn point(&self, along: f64) -> At {
        let along = if self.closed { along.rem_euclid(self.length()) } else { along };
        let after = self.points.partition_point(|(far, _)| *far <= along);
        let before = after.checked_sub(1).and_then(|before| self.points.get(before));
        match (before, self.points.get(after)) {
            (Some((from, a)), Some((to, b))) => {
                let part = (along - from) / (to - from);
                (a.0 + (b.0 - a.0) * part, a.1 + (b.1 - a.1) * part)
            }
            (Some((_, end)), None) => *end,
            (None, first) => first.map_or((0.0, 0.0), |(_, first)| *first),
        }
    }

    /// Takes what stands on a straight line at `baseline` to where it stands on the path, by the middle of these glyphs.
    pub fn frame(&self, glyphs: &[Glyph], baseline: f64) -> Affine {
        let middle = middle(glyphs);
        let along = self.start + middle;
        let (a, b) = (self.point(along - SIDES), self.point(along + SIDES));
        let (dx, dy) = (b.0 - a.0, b.1 - a.1);
        let far = libm::hypot(dx, dy);
        let (cos, sin) = if far > 0.0 { (dx / far, dy / far) } else { (1.0, 0.0) };
        let (x, y) = self.point(along);
        let turn = Affine { a: cos, b: sin, c: -sin, d: cos, e: x, f: y };
        turn.then_inner(Affine::translate(-middle, -baseline))
    }

    /// What of a text that was set in one line stands on the path: clusters whose middle does.
    pub fn fitting(&self, composed: Arc<Composed>) -> Arc<Composed> {
        let room = self.room() + TOLERANCE;
        let stands = |cluster: &&[Glyph]| (-TOLERANCE..=room).contains(&middle(cluster));
        let clusters = |line: &Line| -> Vec<(usize, bool)> {
            let of_runs = line.runs.iter().flat_map(|run| chunks(&run.glyphs));
            of_runs.filter_map(|cluster| Some((cluster.first()?.cluster, stands(&cluster)))).collect()
        };
        let found: Vec<(usize, bool)> = composed.lines.iter().flat_map(clusters).collect();
        let Some(end) = found.iter().filter(|(_, stands)| !stands).map(|(cluster, _)| *cluster).min() else { return composed };
        let run = |run: &Run| {
            let glyphs: Vec<Glyph> = run.glyphs.iter().filter(|glyph| glyph.cluster < end).copied().collect();
            (!glyphs.is_empty()).then(|| Run { face: Arc::clone(&run.face), glyphs, ..*run })
        };
        let line = |line: &Line| {
            let runs: Vec<Run> = line.runs.iter().filter_map(run).collect();
            let glyphs = || runs.iter().flat_map(|run| &run.glyphs);
            let x = glyphs().map(|glyph| glyph.along).fold(f64::INFINITY, f64::min);
            let far = glyphs().map(|glyph| glyph.along + glyph.advance).fold(f64::NEG_INFINITY, f64::max);
            let (x, width) = if far > x { (x, far - x) } else { (line.x, 0.0) };
            let range = line.range.start..line.range.end.min(end);
            Line { range, x, width, runs, ..*line }
        };
        let lines: Vec<Line> = composed.lines.iter().map(line).collect();
        let width = lines.iter().map(|line| line.width).fold(0.0, f64::max);
        Arc::new(Composed {
            lines,
            width,
            truncated: true,
            missing: composed.missing.clone(),
            marks: composed.marks.clone(),
            ..*composed
        })
    }
}

/// How far along the line the middle of a cluster lies.
fn middle(cluster: &[Glyph]) -> f64 {
    let from = cluster.iter().map(|glyph| glyph.along).fold(f64::INFINITY, f64::min);
    let width: f64 = cluster.iter().map(|glyph| glyph.advance).sum();
    if from.is_finite() { from + width / 2.0 } else { 0.0 }
}

/// Glyphs that are turned together: those of a cluster, a hyphen or an ellipsis.
pub fn chunks(glyphs: &[Glyph]) -> impl Iterator<Item = &[Glyph]> {
    glyphs.chunk_by(|a, b| (a.cluster, a.marker) == (b.cluster, b.marker))
}
