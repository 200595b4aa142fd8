//! The dark and light modules of a code, and their outline: shared by `qr` and `barcode`.

use crate::geom::{FxPoint, Path, Segment};
use crate::layer::emit::KAPPA;

/// Without quiet zone; a linear code has one row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Modules {
    /// At least one; all rows are alike.
    pub width: usize,
    /// Row by row from the top left.
    pub dark: Vec<bool>,
}

/// A square part of the modules: its first column and row, and how many there are of both.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Part {
    pub x: usize,
    pub y: usize,
    pub side: usize,
}

/// Takes places counted in modules from the top left to output pixels.
pub trait Places: Fn(f64, f64) -> FxPoint {}
impl<F: Fn(f64, f64) -> FxPoint> Places for F {}

impl Modules {
    pub fn rows(&self) -> usize {
        self.dark.len() / self.width.max(1)
    }

    /// Bytes, for the memo.
    pub fn weight(&self) -> usize {
        self.dark.capacity() + size_of::<Modules>()
    }

    pub fn is_dark(&self, x: usize, y: usize) -> bool {
        x < self.width && self.dark.get(y * self.width + x).copied().unwrap_or(false)
    }

    /// The same with nothing dark in that part.
    #[must_use]
    pub fn without(mut self, part: Part) -> Modules {
        for y in part.y..part.y + part.side {
            let row = y * self.width + part.x;
            self.dark.get_mut(row..row + part.side).unwrap_or_default().fill(false);
        }
        self
    }

    /// One box for each run of dark modules in a row.
    pub fn trace(&self, point: impl Places) -> Path {
        let mut segments = Vec::new();
        for y in 0..self.rows() {
            let mut x = 0;
            while x < self.width {
                if !self.is_dark(x, y) {
                    x += 1;
                    continue;
                }
                let start = x;
                while x < self.width && self.is_dark(x, y) {
                    x += 1;
                }
                let (left, top, right, bottom) = (start as f64, y as f64, x as f64, (y + 1) as f64);
                segments.push(Segment::Move(point(left, top)));
                segments.push(Segment::Line(point(right, top)));
                segments.push(Segment::Line(point(right, bottom)));
                segments.push(Segment::Line(point(left, bottom)));
                segments.push(Segment::Close);
            }
        }
        Path::new(segments)
    }

    /// A disc in the middle of each dark module.
    pub fn dots(&self, diameter: f64, point: impl Places, out: &mut Vec<Segment>) {
        for y in 0..self.rows() {
            for x in (0..self.width).filter(|x| self.is_dark(*x, y)) {
                let inset = (1.0 - diameter) / 2.0;
                round_square((x as f64 + inset, y as f64 + inset, diameter), diameter / 2.0, Turn::Clockwise, &point, out);
            }
        }
    }

    /// The outline of what hangs together by its sides, with round corners outside. There are no edges within, so that nothing
    /// can shine through between neighbours.
    pub fn rounded(&self, point: impl Places, out: &mut Vec<Segment>) {
        let mut edges = Edges::of(self);
        while let Some(first) = edges.any() {
            let p = |(x, y): (f64, f64)| point(x, y);
            out.push(Segment::Move(p(first.middle())));
            let mut at = first;
            loop {
                let next = edges.take_next(at);
                let (corner, came, goes) = (at.end(), at.way.step(), next.way.step());
                let near = |by: f64, (dx, dy): (f64, f64)| (corner.0 + dx * by, corner.1 + dy * by);
                if next.way == at.way.right() {
                    out.push(Segment::Line(p(near(-0.5, came))));
                    let rest = 0.5 * (1.0 - KAPPA);
                    out.push(Segment::Cubic(p(near(-rest, came)), p(near(rest, goes)), p(near(0.5, goes))));
                } else if next.way != at.way {
                    out.push(Segment::Line(p(corner)));
                }
                if next == first {
                    break;
                }
                at = next;
            }
            out.push(Segment::Close);
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    Clockwise,
    CounterClockwise,
}

/// A square with round corners, by its left and top edge and its side.
pub fn round_square((x, y, side): (f64, f64, f64), radius: f64, turn: Turn, point: &impl Places, out: &mut Vec<Segment>) {
    let (r, rest) = (radius, radius * (1.0 - KAPPA));
    let (x1, y1) = (x + side, y + side);
    // Each corner clockwise: where the side before it ends, two control points, where it ends itself.
    let corners = [
        [(x1 - r, y), (x1 - rest, y), (x1, y + rest), (x1, y + r)],
        [(x1, y1 - r), (x1, y1 - rest), (x1 - rest, y1), (x1 - r, y1)],
        [(x + r, y1), (x + rest, y1), (x, y1 - rest), (x, y1 - r)],
        [(x, y + r), (x, y + rest), (x + rest, y), (x + r, y)],
    ];
    let p = |(x, y): (f64, f64)| point(x, y);
    let mut corner = |[from, a, b, to]: [(f64, f64); 4], is_first: bool| {
        out.push(if is_first { Segment::Move(p(from)) } else { Segment::Line(p(from)) });
        if radius > 0.0 {
            out.push(Segment::Cubic(p(a), p(b), p(to)));
        }
    };
    match turn {
        Turn::Clockwise => corners.into_iter().enumerate().for_each(|(n, c)| corner(c, n == 0)),
        Turn::CounterClockwise => {
            corners.into_iter().rev().enumerate().for_each(|(n, [from, a, b, to])| corner([to, b, a, from], n == 0));
        }
    }
    out.push(Segment::Close);
}

/// Where an edge goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    East,
    South,
    West,
    North,
}

impl Way {
    const ALL: [Way; 4] = [Way::East, Way::South, Way::West, Way::North];

    fn bit(self) -> u8 {
        1 << self as u8
    }

    fn right(self) -> Way {
        match self {
            Way::East => Way::South,
            Way::South => Way::West,
            Way::West => Way::North,
            Way::North => Way::East,
        }
    }

    fn step(self) -> (f64, f64) {
        match self {
            Way::East => (1.0, 0.0),
            Way::South => (0.0, 1.0),
            Way::West => (-1.0, 0.0),
            Way::North => (0.0, -1.0),
        }
    }
}

/// A side of a dark module beside a light one; the dark one lies to its right.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Edge {
    x: usize,
    y: usize,
    way: Way,
}

impl Edge {
    fn middle(self) -> (f64, f64) {
        let (dx, dy) = self.way.step();
        (self.x as f64 + dx / 2.0, self.y as f64 + dy / 2.0)
    }

    fn end(self) -> (f64, f64) {
        let (dx, dy) = self.way.step();
        (self.x as f64 + dx, self.y as f64 + dy)
    }
}

/// The edges that are not traced yet, by where they begin.
struct Edges {
    across: usize,
    /// Of each corner of the grid, row by row, the ways of its edges as bits.
    ways: Vec<u8>,
    /// Before this one all are traced.
    from: usize,
}

impl Edges {
    fn of(modules: &Modules) -> Edges {
        let (width, rows) = (modules.width, modules.rows());
        let mut edges = Edges { across: width + 1, ways: vec![0; (width + 1) * (rows + 1)], from: 0 };
        let light = |x: usize, y: usize| !modules.is_dark(x, y);
        for y in 0..rows {
            for x in (0..width).filter(|x| !light(*x, y)) {
                let mut add = |x: usize, y: usize, way: Way| {
                    if let Some(ways) = edges.ways.get_mut(y * edges.across + x) {
                        *ways |= way.bit();
                    }
                };
                if y == 0 || light(x, y - 1) {
                    add(x, y, Way::East);
                }
                if light(x + 1, y) {
                    add(x + 1, y, Way::South);
                }
                if light(x, y + 1) {
                    add(x + 1, y + 1, Way::West);
                }
                if x == 0 || light(x - 1, y) {
                    add(x, y + 1, Way::North);
                }
            }
        }
        edges
    }

    /// One that is left; it stays until an outline comes back to it.
    fn any(&mut self) -> Option<Edge> {
        let at = self.from + self.ways.get(self.from..)?.iter().position(|ways| *ways != 0)?;
        self.from = at;
        let ways = self.ways.get(at)?;
        let way = Way::ALL.into_iter().find(|way| ways & way.bit() != 0)?;
        Some(Edge { x: at % self.across, y: at / self.across, way })
    }

    /// What follows an edge: to the right where it can, so that modules that touch at a corner alone stay apart.
    fn take_next(&mut self, edge: Edge) -> Edge {
        let (x, y) = match edge.way {
            Way::East => (edge.x + 1, edge.y),
            Way::South => (edge.x, edge.y + 1),
            Way::West => (edge.x.saturating_sub(1), edge.y),
            Way::North => (edge.x, edge.y.saturating_sub(1)),
        };
        let right = edge.way.right();
        let left = right.right().right();
        let ways = self.ways.get_mut(y * self.across + x);
        // An outline is closed: one of the three is there.
        let there = ways.as_ref().map_or(0, |ways| **ways);
        let way = [right, edge.way].into_iter().find(|way| there & way.bit() != 0).unwrap_or(left);
        if let Some(ways) = ways {
            *ways &= !way.bit();
        }
        Edge { x, y, way }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(rows: &[&str]) -> Modules {
        let dark = rows.iter().flat_map(|row| row.bytes().map(|b| b == b'#')).collect();
        Modules { width: rows[0].len(), dark }
    }

    fn outlines(rows: &[&str]) -> (usize, usize, usize) {
        let mut out = Vec::new();
        of(rows).rounded(FxPoint::from_px, &mut out);
        let count = |of: fn(&Segment) -> bool| out.iter().filter(|segment| of(segment)).count();
        (
            count(|s| matches!(s, Segment::Move(_))),
            count(|s| matches!(s, Segment::Cubic(..))),
            // Each round corner has a line before it.
            count(|s| matches!(s, Segment::Line(_))) - count(|s| matches!(s, Segment::Cubic(..))),
        )
    }

    /// Outlines, round corners, sharp ones.
    #[test]
    fn round_outside_and_sharp_inside() {
        assert_eq!(outlines(&["#"]), (1, 4, 0));
        assert_eq!(outlines(&["##", "##"]), (1, 4, 0));
        assert_eq!(outlines(&["#.", "##"]), (1, 5, 1));
        assert_eq!(outlines(&["#.", ".#"]), (2, 8, 0), "what touches at a corner stays apart");
        assert_eq!(outlines(&["###", "#.#", "###"]), (2, 4, 4));
        assert_eq!(outlines(&["...", "..."]), (0, 0, 0));
    }

    #[test]
    fn a_part_is_cleared() {
        let cleared = of(&["###", "###", "###"]).without(Part { x: 1, y: 1, side: 2 });
        assert!(cleared == of(&["###", "#..", "#.."]));
    }
}
