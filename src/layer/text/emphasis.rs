//! Marks beside single letters (CSS text-emphasis): dots below Chinese ones, sesame dots above Japanese ones.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::chunks;
use super::emit::Sheet;
use crate::geom::{Affine, Path, PxRect, Rect, Segment};
use crate::layer::curves::{Curves, Piece};
use crate::layer::values::Paint;
use crate::scene::{Item, Lowered, Shape};
use crate::template::declare::{fields, words};
use crate::template::fields::{Read, Reader};
use crate::text::is_emphasized;

/// What is drawn beside a letter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mark {
    Dot,
    Circle,
    Triangle,
    Sesame,
}
words! { impl Mark { Dot = "dot", Circle = "circle", Triangle = "triangle", Sesame = "sesame" } }

/// On which side of a horizontal line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Position {
    Over,
    Under,
}
words! { impl Position { Over = "over", Under = "under" } }

fields! {
    /// A mark beside each letter.
    pub struct EmphasisFields {
        /// What it looks like.
        mark: Mark = "dot",
        /// Of horizontal lines; by default below Chinese and above all else. Vertical ones have it on the right.
        position: Option<Position>,
        /// A colour or a gradient over the layer's box; by default the text's.
        color: Option<Paint>,
    }
}

/// A mark beside each letter that is neither blank nor punctuation. It takes no room.
#[derive(Clone, PartialEq, Debug)]
pub struct Emphasis(EmphasisFields);

/// The mark's word, or an object.
impl Read for Emphasis {
    fn read(value: &Value, reader: &mut Reader) -> Option<Emphasis> {
        if value.is_string() {
            let mark = Mark::read(value, reader)?;
            return Some(Emphasis(EmphasisFields { mark, position: None, color: None }));
        }
        EmphasisFields::read(value, reader).map(Emphasis)
    }

    fn schema() -> Value {
        json!({ "anyOf": [Mark::schema(), EmphasisFields::schema()] })
    }
}

impl Mark {
    /// In ems of the text, about the origin, y down.
    fn outline(self) -> Curves {
        let round = |radius: f64| Curves::ellipse(Rect::new(-radius, -radius, 2.0 * radius, 2.0 * radius));
        match self {
            Mark::Dot => round(0.075),
            Mark::Circle => round(0.13),
            Mark::Triangle => {
                Curves::new(vec![Piece::Move((0.0, -0.13)), Piece::Line((0.15, 0.12)), Piece::Line((-0.15, 0.12)), Piece::Close])
            }
            // A drop that falls to the right, as a brush leaves it.
            Mark::Sesame => Curves::new(vec![
                Piece::Move((-0.12, -0.11)),
                Piece::Cubic((-0.02, -0.11), (0.13, 0.0), (0.13, 0.08)),
                Piece::Cubic((0.13, 0.13), (0.06, 0.14), (0.02, 0.09)),
                Piece::Cubic((-0.03, 0.02), (-0.06, -0.05), (-0.12, -0.11)),
                Piece::Close,
            ]),
        }
    }
}

/// Around every mark, in ems about its middle.
const REACH: Rect = Rect { x: -0.25, y: -0.25, width: 0.5, height: 0.5 };
/// From the middle of a letter to that of its mark, in ems.
const AWAY: f64 = 0.66;

impl Sheet<'_> {
    /// The marks of each look that has some, as one shape: they share a colour and never overlap.
    pub fn emphasis(&self) -> Vec<Item<Lowered>> {
        let mut marks: BTreeMap<usize, (Curves, Vec<Segment>)> = BTreeMap::new();
        let is_chinese = self.text.is_chinese();
        for (line, parts) in self.composed.lines.iter().zip(&self.lines) {
            for part in parts.iter().filter(|part| !part.run.ruby) {
                let Some(Emphasis(emphasis)) = &self.text.looks.get(part.look).emphasis else { continue };
                let under = emphasis.position.map_or(is_chinese, |position| position == Position::Under);
                let (outline, segments) = marks.entry(part.look).or_insert_with(|| (emphasis.mark.outline(), Vec::new()));
                let (size, centre) = (part.run.size, part.run.middle());
                let shift = self.composed.marks.get(part.run.span).map_or(0.0, |marks| marks.shift);
                for letter in chunks(part.glyphs) {
                    let Some(first) = letter.first().filter(|first| !first.marker) else { continue };
                    if !self.character(first.cluster).is_some_and(is_emphasized) {
                        continue;
                    }
                    let advance: f64 = letter.iter().map(|glyph| glyph.advance).sum();
                    let along = first.along + advance / 2.0;
                    let (x, y) = match self.composed.vertical {
                        true => (AWAY * size + shift - line.baseline, along),
                        false if under => (along, line.baseline - shift - centre + AWAY * size),
                        false => (along, line.baseline - shift - centre - AWAY * size),
                    };
                    let place = Affine::translate(self.dx + x, self.dy + y);
                    let map = self.to.map.then_inner(place).then_inner(Affine::scale(size, size));
                    // What nobody sees of a long line costs nothing.
                    if !PxRect::around(map.bounds_of(REACH)).intersect(self.to.canvas).is_empty() {
                        outline.trace(map, segments);
                    }
                }
            }
        }
        let items = |(number, (_, segments)): (usize, (Curves, Vec<Segment>))| {
            let look = self.text.looks.get(number);
            let own = look.emphasis.as_ref().and_then(|Emphasis(emphasis)| emphasis.color.as_ref());
            let shape = Shape::Path(Arc::new(Path::new(segments)));
            let marks = vec![Item::fill(shape, self.to.paint(own.unwrap_or(look.color.paint()), self.rect, 1.0))];
            if own.is_some() { marks } else { self.filled(marks, &look.color) }
        };
        marks.into_iter().filter(|(_, (_, segments))| !segments.is_empty()).flat_map(items).collect()
    }
}
