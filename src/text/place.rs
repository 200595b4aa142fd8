//! Puts a line's glyphs in their places: visual order, letter spacing, justification; and the height of its line box.

use std::ops::Range;
use std::sync::Arc;

use crate::text::bidi::visual_order;
use crate::text::block::{Block, is_rtl, stretches_after};
use crate::text::font::{Face, Synthetic};
use crate::text::lines::Cut;
use crate::text::shape::{Line, ShapedGlyph, Shaper};
use crate::text::shaped::{ShapedItem, slice_glyphs};
use crate::text::spans::Spans;
use crate::text::stance::Stance;
use crate::text::{Align, Bar, Glyph, Marks, Pose, Run, Style, WritingMode};

/// How far a line box reaches above and below the baseline, in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::text) struct Extent {
    pub above: f64,
    pub below: f64,
}

/// A line height below it is a multiple of the size, otherwise pixels.
pub(in crate::text) const LEAST_PIXELS: f64 = 4.0;

impl Extent {
    /// The contract's line box of a face: A and D rounded to whole pixels, half of what is left of the line height above,
    /// rounded down. `line_height` as written.
    pub fn of(face: &Face, size: f64, line_height: Option<f64>) -> Extent {
        let metrics = face.metrics();
        let pixels = |units: f64| f64::round(units * size / metrics.units_per_em);
        let (ascent, descent) = (pixels(metrics.ascent), pixels(metrics.descent));
        let height = match line_height {
            Some(multiple) if multiple < LEAST_PIXELS => multiple * size,
            Some(pixels) => pixels,
            None => ascent + descent + pixels(metrics.line_gap),
        };
        let above = f64::floor((height - ascent - descent) / 2.0) + ascent;
        Extent { above, below: height - above }
    }

    /// The same as high about its middle: in vertical lines, letters stand about a line in the middle.
    pub fn centered(self) -> Extent {
        let half = (self.above + self.below) / 2.0;
        Extent { above: half, below: half }
    }

    /// Of a baseline that lies so much above the line's.
    pub fn raised(self, by: f64) -> Extent {
        Extent { above: self.above + by, below: self.below - by }
    }

    pub fn union(self, other: Extent) -> Extent {
        Extent { above: self.above.max(other.above), below: self.below.max(other.below) }
    }
}

impl Marks {
    pub fn of(face: &Face, style: &Style, mode: WritingMode) -> Marks {
        let metrics = face.metrics();
        let em = metrics.units_per_em;
        let bar = |bar: Line| Bar { top: bar.top * style.size / em, thickness: bar.thickness * style.size / em };
        let (underline, line_through) = (bar(metrics.underline), bar(metrics.line_through));
        if mode == WritingMode::VerticalRl {
            // Letters stand about the middle, and what is below them lies to the left of their em.
            let half = style.size / 2.0;
            return Marks {
                shift: style.baseline_shift,
                ascent: f64::round(half),
                descent: f64::round(half),
                underline: Bar { top: half, ..underline },
                line_through: Bar { top: -line_through.thickness / 2.0, ..line_through },
            };
        }
        Marks {
            shift: style.baseline_shift,
            ascent: f64::round(metrics.ascent * style.size / em),
            descent: f64::round(metrics.descent * style.size / em),
            underline,
            line_through,
        }
    }
}

/// Where a line starts and what it gains by justification.
pub(in crate::text) struct Setting {
    pub x: f64,
    /// How far punctuation hangs out to the left of it.
    pub before: f64,
    /// Pixels per place where the line stretches.
    pub stretch: f64,
    /// The clusters after which it does, rising.
    stretching: Vec<usize>,
}

/// The line's place in a box of `measure`. Lines that do not fit start at the start edge.
pub(in crate::text) fn setting(block: &Block, cut: &Cut, measure: f64, align: Align, text: &str) -> Setting {
    let rtl = is_rtl(block.level);
    let free = measure - cut.width;
    // What hangs on the left stands there before the line.
    let before = if rtl { cut.hang.end } else { cut.hang.start };
    let mut setting = Setting { x: 0.0, before, stretch: 0.0, stretching: Vec::new() };
    let left = match align {
        _ if free < 0.0 => !rtl,
        Align::Left => true,
        Align::Right => false,
        Align::Start | Align::Justify => !rtl,
        Align::End => rtl,
        Align::Center => return Setting { x: free / 2.0, ..setting },
    };
    if align == Align::Justify && cut.continues && free > 0.0 && !cut.shortened {
        setting.stretching = stretching(block, cut, text);
        if !setting.stretching.is_empty() {
            return Setting { stretch: free / setting.stretching.len() as f64, ..setting };
        }
    }
    Setting { x: if left { 0.0 } else { free }, ..setting }
}

/// The visible clusters after which the line may stretch.
fn stretching(block: &Block, cut: &Cut, text: &str) -> Vec<usize> {
    let range =
        |at: usize| -> Range<usize> { block.clusters.get(at).map_or(0..0, |cluster| cluster.start..block.cluster_end(at)) };
    // The edges of a justified line are those of what does not hang.
    let start = cut.clusters.start + usize::from(cut.hang.start > 0.0);
    let end = cut.visible_end - usize::from(cut.hang.end > 0.0);
    (start + 1..end).map(|at| at - 1).filter(|at| stretches_after(text, &range(*at), &range(at + 1))).collect()
}

/// The line's runs from left to right, on `baseline`, and the rubies that begin on it.
pub(in crate::text) fn runs(
    block: &Block,
    cut: &Cut,
    setting: &Setting,
    baseline: f64,
    mode: WritingMode,
    spans: &Spans<'_>,
    shaper: &mut Shaper,
) -> Vec<Run> {
    let end = if cut.visible_end > cut.clusters.start { block.cluster_end(cut.visible_end - 1) } else { 0 };
    let pieces = block.pieces(cut.clusters.start..cut.shaped_end, spans, shaper);
    let mut parts: Vec<(&ShapedItem, &[ShapedGlyph])> = pieces
        .iter()
        .map(|piece| (piece.item, slice_glyphs(&piece.glyphs, piece.item.item.level, &(0..end))))
        .filter(|(_, glyphs)| !glyphs.is_empty())
        .collect();
    if let Some(marker) = &cut.marker {
        parts.push((marker, &marker.glyphs));
    }
    let gaps = Gaps { block, cut, setting };
    let levels: Vec<u8> = parts.iter().map(|(item, _)| item.item.level).collect();
    let mut pen = Pen { x: setting.x - setting.before, baseline, mode, runs: Vec::new() };
    for place in visual_order(&levels) {
        if let Some((item, glyphs)) = parts.get(place) {
            let is_marker = cut.marker.as_ref().is_some_and(|marker| std::ptr::eq(marker, *item));
            pen.part(item, glyphs, spans.styles.get(item.item.span).copied(), if is_marker { None } else { Some(&gaps) });
        }
    }
    let mut runs = pen.runs;
    for ruby in &spans.rubies {
        let base = runs.iter().filter(|run| run.span == ruby.span && !run.ruby).flat_map(|run| &run.glyphs);
        let base = base.filter(|glyph| !glyph.marker);
        let (mut from, mut to, mut cluster) = (f64::INFINITY, f64::NEG_INFINITY, usize::MAX);
        for glyph in base {
            (from, to) = (from.min(glyph.along), to.max(glyph.along + glyph.advance));
            cluster = cluster.min(glyph.cluster);
        }
        if from < to && spans.ruby_from(ruby.span, cluster).is_some() {
            runs.extend(ruby.runs((from, to - from), baseline, cluster));
        }
    }
    runs
}

/// The room between clusters besides their advances.
struct Gaps<'a> {
    block: &'a Block,
    cut: &'a Cut,
    setting: &'a Setting,
}

impl Gaps<'_> {
    /// The room after the cluster of a glyph, on the side where its text goes on.
    fn after(&self, cluster: usize) -> f64 {
        let Some(found) = self.block.clusters.get(cluster) else { return 0.0 };
        let last = cluster + 1 >= self.cut.visible_end && self.cut.marker.is_none();
        // An ellipsis is as far off as a letter, whatever its script.
        let spacing = match last {
            true => 0.0,
            false if cluster + 1 >= self.cut.visible_end => found.letter_spacing,
            false => found.spacing,
        };
        let stretches = self.setting.stretching.binary_search(&cluster).is_ok();
        spacing + if stretches { self.setting.stretch } else { 0.0 }
    }

    /// The room on either side of a cluster.
    fn pad(&self, cluster: usize) -> f64 {
        self.block.clusters.get(cluster).map_or(0.0, |cluster| cluster.pad)
    }

    /// A tab's advance was found with its line.
    fn tab(&self, cluster: usize) -> Option<f64> {
        self.block.clusters.get(cluster).filter(|cluster| cluster.tab).map(|cluster| cluster.advance)
    }
}

struct Pen {
    /// Along the line.
    x: f64,
    /// Of the line, or its middle where it is vertical.
    baseline: f64,
    mode: WritingMode,
    runs: Vec<Run>,
}

impl Pen {
    fn part(&mut self, item: &ShapedItem, glyphs: &[ShapedGlyph], style: Option<&Style>, gaps: Option<&Gaps<'_>>) {
        let rtl = is_rtl(item.item.level);
        let mut rest = glyphs;
        let mut before = None;
        let mut known = 0;
        while let Some(first) = rest.first() {
            let count = rest.iter().take_while(|glyph| glyph.cluster == first.cluster).count();
            let (cluster, after) = rest.split_at(count);
            rest = after;
            let place = gaps.map(|gaps| gaps.block.cluster_near(first.cluster as usize, known));
            known = place.unwrap_or(0);
            // A reshaped piece may have clusters of its own inside one of the paragraph's: the gap belongs to the last.
            let next_differs = match (place, gaps, rest.first()) {
                (Some(place), Some(gaps), Some(next)) => gaps.block.cluster_near(next.cluster as usize, place) != place,
                _ => true,
            };
            let gap = match (place, gaps) {
                (Some(place), Some(gaps)) if next_differs => gaps.after(place),
                _ => 0.0,
            };
            let pad = place.zip(gaps).map_or(0.0, |(place, gaps)| gaps.pad(place));
            if before != place {
                self.x += pad;
            }
            before = place;
            if rtl {
                self.x += gap;
            }
            let tab = place.zip(gaps).and_then(|(place, gaps)| gaps.tab(place));
            for glyph in cluster {
                let advance = tab.unwrap_or(f64::from(glyph.advance) * item.scale);
                if tab.is_none() {
                    self.glyph(item, glyph, style, (advance, gaps.is_none()));
                }
                self.x += advance;
            }
            if next_differs {
                self.x += pad;
            }
            if !rtl {
                self.x += gap;
            }
        }
    }

    fn glyph(&mut self, item: &ShapedItem, glyph: &ShapedGlyph, style: Option<&Style>, (advance, marker): (f64, bool)) {
        let color = item.face.has_color(glyph.id);
        let rtl = is_rtl(item.item.level);
        let Synthetic { slant, bold } = if color { Synthetic::default() } else { item.synthetic };
        let shift = style.map_or(0.0, |style| style.baseline_shift);
        let (dx, dy) = (f64::from(glyph.dx) * item.scale, f64::from(glyph.dy) * item.scale);
        // Of a vertical line: to the left of the edge where the lines begin.
        let middle = shift - self.baseline;
        let centre = item.face.metrics().middle * item.scale;
        let (x, y, pose) = match (self.mode, item.item.stance) {
            (WritingMode::Horizontal, _) => (self.x + dx, self.baseline - shift - dy, Pose::Upright),
            (_, Stance::Upright) => (middle + dx, self.x - dy, Pose::Upright),
            (_, Stance::Along) => (middle - centre + dy, self.x + dx, Pose::Turned),
            (_, Stance::Across) => {
                let down = self.x + item.face.units_per_em() * item.scale / 2.0 + centre;
                (middle + dx * item.squeeze, down - dy, Pose::Narrow(item.squeeze))
            }
        };
        let same = self.runs.last().is_some_and(|run| {
            Arc::ptr_eq(&run.face, &item.face)
                && run.span == item.item.span
                && run.color == color
                && run.rtl == rtl
                && run.pose == pose
                && run.slant == slant
                && run.bold == bold
        });
        if !same {
            self.runs.push(Run {
                face: Arc::clone(&item.face),
                span: item.item.span,
                size: style.map_or(0.0, |style| style.size),
                slant,
                bold,
                color,
                rtl,
                pose,
                ruby: false,
                glyphs: Vec::new(),
            });
        }
        if let Some(run) = self.runs.last_mut() {
            run.glyphs.push(Glyph { id: glyph.id, marker, x, y, advance, along: self.x, cluster: glyph.cluster as usize });
        }
    }
}
