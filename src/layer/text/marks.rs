//! What goes along with letters: highlights behind them, lines below and through them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::emit::{Part, Sheet};
use super::ink;
use super::look::{Decoration, Highlight};
use crate::geom::{Affine, Fx, FxPoint, FxRect, Path, Rect, Segment};
use crate::layer::emit::Placed;
use crate::layer::values::Paint;
use crate::scene::{Item, Lowered, Shape};
use crate::text::{Bar, Face, Line, Marks, is_unskipped};

/// Letters of one line that share a mark.
struct Stretch<'a> {
    line: &'a Line,
    parts: Vec<Part<'a>>,
    /// In layout pixels from the lines' own origin.
    from: f64,
    to: f64,
}

/// The ink of one glyph in a band, by what it depends on.
type Inks = HashMap<(*const Face, u64, u64, u64, u16), Vec<(f64, f64)>>;

impl<'a> Sheet<'a> {
    /// The layer's behind its lines, then those of spans.
    pub fn highlights(&self) -> Vec<Item<Lowered>> {
        let looks = &self.text.looks;
        let base = looks.base.highlight.as_ref().and_then(|own| self.highlight_lines(own));
        let own = self.stretches(|look| (look > 0 && looks.get(look).highlight.is_some()).then_some(look));
        let of = |(number, stretches): (usize, Vec<Stretch<'_>>)| {
            self.highlight(number, &stretches, looks.get(number).highlight.as_ref()?)
        };
        base.into_iter().chain(own.into_iter().filter_map(of)).collect()
    }

    /// Behind whole lines.
    pub fn highlight_lines(&self, highlight: &Highlight) -> Option<Item<Lowered>> {
        self.highlight(0, self.stretches(|_| Some(0)).get(&0)?, highlight)
    }

    fn highlight(&self, number: usize, stretches: &[Stretch<'_>], highlight: &Highlight) -> Option<Item<Lowered>> {
        let boxed = |stretch: &Stretch<'_>| {
            // Of the layer: the whole line, the room after its last letter included.
            let along =
                if number == 0 { (stretch.line.x, stretch.line.x + stretch.line.width) } else { (stretch.from, stretch.to) };
            Some(highlight.padding.around(self.tight(number, stretch, along)?))
        };
        let boxes: Vec<Rect> = stretches.iter().filter_map(boxed).collect();
        if boxes.is_empty() {
            return None;
        }
        let shape = self.to.round_boxes(&boxes, &highlight.radius);
        Some(Item::fill(shape, self.to.paint(&highlight.paint, self.rect, 1.0)))
    }

    /// From ascent to descent.
    fn tight(&self, number: usize, stretch: &Stretch<'_>, along: (f64, f64)) -> Option<Rect> {
        let marks = self.marks(number, stretch)?;
        let top = stretch.line.baseline - marks.shift - marks.ascent;
        Some(self.stretch(along, top, marks.ascent + marks.descent))
    }

    /// Where the letters of each look stand.
    pub fn boxes(&self) -> Vec<(usize, Vec<Rect>)> {
        let of = |(number, stretches): (usize, Vec<Stretch<'_>>)| {
            let tight = |stretch: &Stretch<'_>| self.tight(number, stretch, (stretch.from, stretch.to));
            (number, stretches.iter().filter_map(tight).collect())
        };
        self.stretches(Some).into_iter().map(of).collect()
    }

    /// The lines of one kind: below or through the letters.
    pub fn lines_along(&self, wanted: impl Fn(Decoration) -> bool) -> Vec<Item<Lowered>> {
        let looks = &self.text.looks;
        let below = wanted(Decoration { underline: true, line_through: false });
        let mut items = Vec::new();
        let mut inks = Inks::new();
        // The layer's runs on through all that have none of their own.
        let owner = |look: usize| if looks.get(look).decoration.is_some() { look } else { 0 };
        let lined = |look: usize| looks.get(look).decoration.is_some_and(&wanted).then_some(look);
        for (number, stretches) in self.stretches(|look| lined(owner(look))) {
            let fill = &looks.get(number).color;
            let mut bars = Vec::new();
            for stretch in &stretches {
                let Some(marks) = self.marks(number, stretch) else { continue };
                let bar = if below { marks.underline } else { marks.line_through };
                let bar = Bar { top: stretch.line.baseline - marks.shift + bar.top, ..bar };
                // A line beside upright letters crosses none.
                let pieces = if below && !self.composed.vertical {
                    self.spared(stretch, bar, &mut inks)
                } else {
                    vec![(stretch.from, stretch.to)]
                };
                bars.extend(self.bar(&pieces, bar, fill.paint()));
            }
            items.extend(self.filled(bars, fill));
        }
        items
    }

    /// The metrics that a mark goes by: those of the layer's own, or of the span.
    fn marks(&self, look: usize, stretch: &Stretch<'_>) -> Option<Marks> {
        let span = if look == 0 { 0 } else { stretch.parts.first()?.run.span };
        self.composed.marks.get(span).copied()
    }

    /// Letters as far as they stand side by side, by who has them: a number for each look, or none.
    fn stretches(&self, owner: impl Fn(usize) -> Option<usize>) -> BTreeMap<usize, Vec<Stretch<'a>>> {
        let mut found: BTreeMap<usize, Vec<Stretch<'a>>> = BTreeMap::new();
        for (line, parts) in self.composed.lines.iter().zip(&self.lines) {
            let mut before = None;
            for part in parts.iter().filter(|part| !part.run.ruby) {
                let (open, number) = (before, owner(part.look));
                before = number;
                let Some(number) = number else { continue };
                let own = found.entry(number).or_default();
                // A mark that takes no room lies within the letter before it.
                let letters = part.glyphs.iter().filter(|glyph| glyph.advance != 0.0);
                let (from, to) = letters.fold((f64::INFINITY, f64::NEG_INFINITY), |(from, to), glyph| {
                    (from.min(glyph.along), to.max(glyph.along + glyph.advance))
                });
                match own.last_mut().filter(|_| open == Some(number)) {
                    Some(last) => {
                        (last.from, last.to) = (last.from.min(from), last.to.max(to));
                        last.parts.push(*part);
                    }
                    None => own.push(Stretch { line, parts: vec![*part], from, to }),
                }
            }
        }
        found.values_mut().for_each(|own| own.retain(|stretch| stretch.from < stretch.to));
        found
    }

    /// What an underline is drawn of: all but where letters reach into it.
    fn spared(&self, stretch: &Stretch<'_>, bar: Bar, inks: &mut Inks) -> Vec<(f64, f64)> {
        let mut gaps = Vec::new();
        for part in &stretch.parts {
            let (run, scale) = (part.run, part.run.size / part.run.face.units_per_em());
            for glyph in part.glyphs {
                // Where nothing is skipped, or the letter stands on the line rather than reaching below it.
                if run.color || self.character(glyph.cluster).is_none_or(is_unskipped) {
                    continue;
                }
                // Half a thickness of air above and below; in font units, y up.
                let high = (glyph.y - bar.top + bar.thickness / 2.0) / scale;
                let low = (glyph.y - bar.top - bar.thickness * 1.5) / scale;
                let name = (Arc::as_ptr(&run.face), low.to_bits(), high.to_bits(), run.slant.to_bits(), glyph.id);
                let ink = inks.entry(name).or_insert_with(|| {
                    let outline = run.face.outline(glyph.id).unwrap_or_default();
                    ink::between(&outline, low, high)
                });
                let shear = run.slant * (low + high) / 2.0;
                // And a whole one at the sides.
                let air = bar.thickness;
                let gap =
                    |(from, to): &(f64, f64)| (glyph.x + (from + shear) * scale - air, glyph.x + (to + shear) * scale + air);
                gaps.extend(ink.iter().map(gap));
            }
        }
        let mut pieces = Vec::new();
        let mut at = stretch.from;
        for (from, to) in ink::joined(gaps) {
            pieces.push((at, from.min(stretch.to)));
            at = at.max(to);
        }
        pieces.push((at, stretch.to));
        // A dot between two letters would look like one of theirs.
        pieces.retain(|(from, to)| to - from >= bar.thickness);
        pieces
    }

    /// A part of a line on the canvas, in layout pixels: from one place along it to another, and so thick from `top` on.
    fn stretch(&self, (from, to): (f64, f64), top: f64, thickness: f64) -> Rect {
        if self.composed.vertical {
            return Rect::new(self.dx - top - thickness, self.dy + from, thickness, to - from);
        }
        Rect::new(self.dx + from, self.dy + top, to - from, thickness)
    }

    /// The character at an offset in the whole text.
    pub fn character(&self, at: usize) -> Option<char> {
        let span = self.starts.partition_point(|start| *start <= at).checked_sub(1)?;
        self.text.paragraph.spans.get(span)?.text.get(at - self.starts.get(span)?..)?.chars().next()
    }

    /// Pieces of a line at one height, on whole output pixels where nothing is turned: a blurred line looks like another weight.
    fn bar(&self, pieces: &[(f64, f64)], bar: Bar, color: &Paint) -> Option<Item<Lowered>> {
        let rects = pieces.iter().map(|piece| self.stretch(*piece, bar.top, bar.thickness));
        let mut path = Vec::new();
        let mut single = None;
        for rect in rects {
            let corners = match self.to.snap(rect) {
                Placed::Upright(snapped) | Placed::Mirrored(snapped, _) => {
                    let out = self.to.map.bounds_of(rect);
                    let thick = (bar.thickness * self.to.scale()).round().clamp(1.0, 1e6) as i32;
                    let thick = |from: i32| (Fx::from_int(from), Fx::from_int(from.saturating_add(thick)));
                    let exact = |from: f64, to: f64| (Fx::from_px(from), Fx::from_px(to));
                    let ((x0, x1), (y0, y1)) = match self.composed.vertical {
                        true => (thick(snapped.x0), exact(out.y, out.bottom())),
                        false => (exact(out.x, out.right()), thick(snapped.y0)),
                    };
                    single = Some(Shape::Rect(FxRect::new(x0, y0, x1, y1)));
                    [(x0, y0), (x1, y0), (x1, y1), (x0, y1)].map(|(x, y)| FxPoint { x, y })
                }
                Placed::Turned => {
                    let map: Affine = self.to.map;
                    let (l, t, r, b) = (rect.x, rect.y, rect.right(), rect.bottom());
                    [(l, t), (r, t), (r, b), (l, b)].map(|(x, y)| {
                        let (x, y) = map.apply(x, y);
                        FxPoint::from_px(x, y)
                    })
                }
            };
            let [first, rest @ ..] = corners;
            path.push(Segment::Move(first));
            path.extend(rest.map(Segment::Line));
            path.push(Segment::Close);
        }
        let shape = match (pieces, single) {
            ([], _) => return None,
            ([_], Some(rect)) => rect,
            _ => Shape::Path(Arc::new(Path::new(path))),
        };
        Some(Item::fill(shape, self.to.paint(color, self.rect, 1.0)))
    }
}
