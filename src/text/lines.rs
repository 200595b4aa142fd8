//! Breaks a paragraph into lines of a measure: greedy or balanced, and cut short with an ellipsis.

use std::ops::Range;

use icu_properties::props::Script;

use crate::ctx::Stopped;
use crate::text::block::Block;
use crate::text::font::Candidate;
use crate::text::itemize::{self, Item};
use crate::text::shape::{Shaper, Stretch};
use crate::text::shaped::{ShapedItem, slice_glyphs};
use crate::text::spans::Spans;
use crate::text::stance::Stance;
use crate::text::{HangingEnd, HangingPunctuation, SpacingTrim, TOLERANCE, gaps};

/// Reshaping a line's end changes its width by a kerning pair; after so many shorter ends the next one is taken as it is.
const MAX_RETRIES: usize = 8;
/// Balancing is for headlines: longer paragraphs stay as they are (CSS allows a limit, browsers have about this one).
const MAX_BALANCED_LINES: usize = 10;
/// The same in clusters: each step of the search breaks the paragraph anew.
const MAX_BALANCED_CLUSTERS: usize = 8_192;
/// Lines between two looks at whether the work is still wanted.
const CHECK_EVERY: usize = 16;
const SOFT_HYPHEN: char = '\u{AD}';
/// What a soft hyphen shows at a line's end, by preference.
const HYPHENS: [&str; 2] = ["\u{2010}", "-"];

/// A line by its clusters.
pub(in crate::text) struct Cut {
    pub clusters: Range<usize>,
    /// The clusters from here on hang or are left out.
    pub visible_end: usize,
    /// The line is shaped up to here: a space that hangs may kern with what stands before it.
    pub shaped_end: usize,
    /// Of the visible clusters and the marker.
    pub width: f64,
    /// The same, shaped with the spaces that hang: by this it is decided whether the line fits.
    pub fit_width: f64,
    /// A hyphen or an ellipsis after the visible clusters.
    pub marker: Option<ShapedItem>,
    /// The paragraph goes on in the next line: it may be justified.
    pub continues: bool,
    /// An ellipsis stands for the rest.
    pub shortened: bool,
    /// What stands beyond the line's start and end: no part of its width.
    pub hang: Hang,
}

/// Punctuation beyond a line's ends, by its advances.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub(in crate::text) struct Hang {
    pub start: f64,
    pub end: f64,
}

/// Breaks one paragraph.
pub(in crate::text) struct Breaker<'b, 'f, 's> {
    pub block: &'b mut Block,
    pub spans: &'b mut Spans<'f>,
    pub shaper: &'s mut Shaper,
    /// `None`: lines end only with the paragraph.
    pub measure: Option<f64>,
    /// Lines are placed by their end or by both.
    pub ends_matter: bool,
    /// The hyphen that was measured last, by what it depends on.
    pub hyphen: Option<(Hyphen, f64)>,
}

/// Where a hyphen comes from: span, script and candidate of the cluster before it.
pub(in crate::text) type Hyphen = (usize, Option<(Script, Candidate)>);

impl Breaker<'_, '_, '_> {
    /// All lines, at most `limit`; balanced ones are shorter but no more.
    pub fn lines(&mut self, limit: usize, balance: bool) -> Result<Vec<Cut>, Stopped> {
        let greedy = self.greedy(limit)?;
        let balance = balance && self.block.clusters.len() <= MAX_BALANCED_CLUSTERS;
        let (true, Some(measure)) = (balance && (2..=MAX_BALANCED_LINES).contains(&greedy.len()), self.measure) else {
            return Ok(greedy);
        };
        if greedy.last().is_none_or(|last| last.continues) {
            return Ok(greedy);
        }
        // The narrowest measure that needs no more lines.
        let (mut narrow, mut wide) = (measure / greedy.len() as f64 / 2.0, measure);
        while wide - narrow > 0.25 {
            let middle = (narrow + wide) / 2.0;
            self.measure = Some(middle);
            let lines = self.greedy(greedy.len() + 1)?;
            let fits = lines.len() <= greedy.len() && lines.iter().all(|line| line.width <= middle + TOLERANCE);
            if fits { wide = middle } else { narrow = middle }
        }
        self.measure = Some(wide);
        let lines = self.greedy(greedy.len() + 1)?;
        self.measure = Some(measure);
        Ok(if lines.len() == greedy.len() { lines } else { greedy })
    }

    fn greedy(&mut self, limit: usize) -> Result<Vec<Cut>, Stopped> {
        let mut lines = Vec::new();
        let mut first = 0;
        while lines.len() < limit {
            if lines.len() % CHECK_EVERY == 0 {
                self.spans.ctx.check()?;
            }
            let line = self.line(first);
            first = line.clusters.end;
            lines.push(line);
            if first >= self.block.clusters.len() {
                break;
            }
        }
        Ok(lines)
    }

    /// The line that starts with cluster `first`.
    fn line(&mut self, first: usize) -> Cut {
        let mut end = self.furthest(first);
        for _ in 0..MAX_RETRIES {
            let cut = self.cut(first..end);
            let too_wide = self.measure.is_some_and(|measure| cut.fit_width > measure + TOLERANCE);
            let shorter = if too_wide && cut.is_reshaped(self.block) { self.shorter(first, end) } else { None };
            match shorter {
                Some(shorter) => end = shorter,
                None => return cut,
            }
        }
        self.cut(first..end)
    }

    /// Where the line ends by the clusters' own widths.
    fn furthest(&mut self, first: usize) -> usize {
        let count = self.block.clusters.len();
        let Some(measure) = self.measure else {
            self.walk_tabs(first..count);
            return count;
        };
        let mut best = None;
        // With and without what hangs at the end.
        let (mut x, mut visible) = (self.start_correction(first) - self.hang_start(first), 0.0);
        for at in first..count {
            let Some(cluster) = self.block.clusters.get(at).copied() else { break };
            if at > first && cluster.opportunity && visible + self.hyphen_width(at) <= measure + TOLERANCE {
                best = Some(at);
            }
            let advance = self.advance(at, x);
            if !cluster.hangs {
                if x + advance > measure + TOLERANCE {
                    let spared = cluster.end_trim.max(self.hang_end(at, first, true));
                    if spared > 0.0 && x + advance - spared <= measure + TOLERANCE {
                        // Before a space that hangs, browsers trim only inside a word that fits no line.
                        match (self.block.clusters.get(at + 1), best) {
                            (None, _) => return count,
                            (Some(next), _) if next.opportunity => return at + 1,
                            (Some(next), None) if next.grapheme => return self.within_word(first, at + 1),
                            _ => {}
                        }
                    }
                    return best.unwrap_or_else(|| self.within_word(first, at));
                }
                visible = x + advance;
            }
            x += advance + cluster.spacing;
        }
        count
    }

    /// The advance of a cluster at `x`; a tab's is found here.
    fn advance(&mut self, at: usize, x: f64) -> f64 {
        let Some(cluster) = self.block.clusters.get(at).copied() else { return 0.0 };
        if cluster.tab {
            let advance = self.block.tab_advance(&cluster, x);
            if let Some(cluster) = self.block.clusters.get_mut(at) {
                cluster.advance = advance;
            }
            return advance;
        }
        cluster.advance
    }

    fn walk_tabs(&mut self, clusters: Range<usize>) {
        let mut x = 0.0;
        for at in clusters {
            x += self.advance(at, x) + self.block.clusters.get(at).map_or(0.0, |cluster| cluster.spacing);
        }
    }

    /// The word that starts at or before `first` and reaches to `over` fits no line: it ends at the last grapheme that does,
    /// after at least one.
    fn within_word(&self, first: usize, over: usize) -> usize {
        let count = self.block.clusters.len();
        let may_start = |at: &usize| self.block.clusters.get(*at).is_none_or(|cluster| cluster.grapheme);
        let before = (first + 1..=over).rev().find(may_start);
        let end = before.or_else(|| (over + 1..count).find(may_start)).unwrap_or(count);
        // What hangs stays on the line, however narrow.
        (end..count).find(|at| self.block.clusters.get(*at).is_none_or(|cluster| !cluster.hangs)).unwrap_or(count)
    }

    /// An earlier end of a line, when its glyphs turn out too wide.
    fn shorter(&self, first: usize, end: usize) -> Option<usize> {
        let opportunity = |at: &usize| self.block.clusters.get(*at).is_some_and(|cluster| cluster.opportunity);
        let grapheme = |at: &usize| self.block.clusters.get(*at).is_some_and(|cluster| cluster.grapheme);
        let earlier = (first + 1..end).rev().find(opportunity);
        earlier.or_else(|| (first + 1..end).rev().find(grapheme))
    }

    /// How much wider the line's beginning is when shaped as a beginning.
    fn start_correction(&mut self, first: usize) -> f64 {
        let Some(start) = self.block.clusters.get(first).filter(|cluster| cluster.unsafe_before).copied() else { return 0.0 };
        // Of a word that reaches far beyond the line, what lies there tells nothing: else a long word would be shaped to its
        // end at each of its lines.
        let far = self.measure.unwrap_or(f64::INFINITY) + start.advance;
        let mut as_is = 0.0;
        let mut safe = first;
        for (at, cluster) in self.block.clusters.iter().enumerate().skip(first) {
            if at > first && !(cluster.unsafe_before && cluster.item == start.item && as_is <= far) {
                break;
            }
            as_is += cluster.advance - 2.0 * cluster.pad;
            safe = at + 1;
        }
        let pieces = self.block.pieces(first..safe, self.spans, self.shaper);
        let anew: f64 = pieces.iter().map(|piece| advances(&piece.glyphs) * piece.item.scale).sum();
        anew - as_is
    }

    /// The line of these clusters, its width as it will be drawn.
    fn cut(&mut self, clusters: Range<usize>) -> Cut {
        let hangs = |at: &usize| self.block.clusters.get(*at).is_some_and(|cluster| cluster.hangs);
        let visible_end = clusters.clone().rev().find(|at| !hangs(at)).map_or(clusters.start, |at| at + 1);
        let continues = clusters.end < self.block.clusters.len();
        // As browsers do: only where the end of the line must lie at its place is it shaped without the space.
        let shaped_end = if self.ends_matter { visible_end } else { clusters.end };
        let fit_width = self.width(clusters.clone(), visible_end);
        let width = if shaped_end == clusters.end { fit_width } else { self.width(clusters.start..shaped_end, visible_end) };
        let hang = Hang::default();
        let mut cut =
            Cut { width, fit_width, visible_end, shaped_end, clusters, marker: None, continues, shortened: false, hang };
        cut.hang.start = self.hang_start(cut.clusters.start);
        cut.width -= cut.hang.start;
        cut.fit_width -= cut.hang.start;
        let last = self.block.clusters.get(visible_end.wrapping_sub(1)).filter(|_| visible_end > cut.clusters.start);
        let end_trim = last.map_or(0.0, |cluster| cluster.end_trim);
        let over = self.measure.is_some_and(|measure| cut.fit_width > measure + TOLERANCE);
        if visible_end > cut.clusters.start {
            cut.hang.end = self.hang_end(visible_end - 1, cut.clusters.start, over);
        }
        if cut.hang.end > 0.0 {
            cut.width -= cut.hang.end;
            cut.fit_width -= cut.hang.end;
        } else if over || self.block.spacing_trim == SpacingTrim::TrimBoth {
            cut.width -= end_trim;
            cut.fit_width -= end_trim;
        }
        if continues && self.ends_with_soft_hyphen(cut.clusters.end) {
            cut.marker = HYPHENS.iter().find_map(|text| self.marker(cut.clusters.end, text));
            let marker = cut.marker.as_ref().map_or(0.0, width_of);
            cut.width += marker;
            cut.fit_width += marker;
        }
        cut
    }

    /// How far the line that starts with this cluster begins before the measure does.
    pub fn hang_start(&mut self, first: usize) -> f64 {
        let hanging = self.block.hanging;
        if !hanging.first || first > 0 || self.block.range.start > 0 {
            return 0.0;
        }
        let opening = self.block.clusters.first().and_then(|cluster| self.spans.text.get(cluster.start..)?.chars().next());
        if opening.is_some_and(|c| gaps::hangs_first(c, hanging)) { self.width(0..1, 1) } else { 0.0 }
    }

    /// How far this cluster reaches beyond the measure where it ends a line that starts with `first`; `over` says that it would not
    /// fit otherwise.
    fn hang_end(&self, at: usize, first: usize, over: bool) -> f64 {
        let hanging = self.block.hanging;
        if hanging == HangingPunctuation::default() || at <= first {
            return 0.0;
        }
        let Some(cluster) = self.block.clusters.get(at) else { return 0.0 };
        let Some(c) = self.spans.text.get(cluster.start..).and_then(|rest| rest.chars().next()) else { return 0.0 };
        let stop = match hanging.end {
            HangingEnd::Never => false,
            HangingEnd::Allow => over && gaps::is_stop(c),
            HangingEnd::Force => gaps::is_stop(c),
        };
        let ends = || {
            let rest = self.block.clusters.get(at + 1..).unwrap_or(&[]);
            self.block.end == self.spans.text.len() && rest.iter().all(|cluster| cluster.hangs)
        };
        if stop || (gaps::hangs_last(c, hanging) && ends()) { cluster.advance } else { 0.0 }
    }

    /// The width of the visible clusters of a line that is shaped as `line`, without the spacing after the last.
    pub fn width(&mut self, line: Range<usize>, visible_end: usize) -> f64 {
        if visible_end <= line.start {
            return 0.0;
        }
        let clusters = self.block.clusters.get(line.start..visible_end).unwrap_or(&[]);
        let last = clusters.last().map_or(0.0, |cluster| cluster.spacing);
        if !is_reshaped(self.block, &line) {
            return clusters.iter().map(|cluster| cluster.advance + cluster.spacing).sum::<f64>() - last;
        }
        let spacing: f64 = clusters.iter().map(|cluster| cluster.spacing + 2.0 * cluster.pad).sum();
        let tabs: f64 = clusters.iter().filter(|cluster| cluster.tab).map(|cluster| cluster.advance).sum();
        let end = self.block.cluster_end(visible_end - 1);
        let pieces = self.block.pieces(line, self.spans, self.shaper);
        let glyphs: f64 = pieces
            .iter()
            .map(|piece| {
                let seen = slice_glyphs(&piece.glyphs, piece.item.item.level, &(0..end));
                let tab = |at: usize| self.block.clusters.get(self.block.cluster_at(at)).is_some_and(|cluster| cluster.tab);
                let drawn = seen.iter().filter(|glyph| !tab(glyph.cluster as usize)).map(|glyph| i64::from(glyph.advance));
                drawn.sum::<i64>() as f64 * piece.item.scale
            })
            .sum();
        glyphs + tabs + spacing - last
    }

    fn ends_with_soft_hyphen(&self, at: usize) -> bool {
        let start = self.block.clusters.get(at).map_or(self.block.range.end, |cluster| cluster.start);
        let before = self.spans.text.get(self.block.range.start..start);
        before.is_some_and(|before| before.ends_with(SOFT_HYPHEN))
    }

    fn hyphen_width(&mut self, at: usize) -> f64 {
        if !self.ends_with_soft_hyphen(at) {
            return 0.0;
        }
        let before = at.checked_sub(1).and_then(|before| self.block.clusters.get(before));
        let item = before.and_then(|cluster| self.block.items.get(cluster.item)).map(|shaped| &shaped.item);
        let place = self.block.clusters.get(at).map_or(self.block.range.end, |cluster| cluster.start);
        let of = match item {
            Some(item) => (item.span, Some((item.script, item.candidate))),
            None => (self.spans.at(place), None),
        };
        if let Some((_, width)) = self.hyphen.filter(|(known, _)| *known == of) {
            return width;
        }
        let hyphen = HYPHENS.iter().find_map(|text| self.marker(at, text));
        let width = hyphen.as_ref().map_or(0.0, width_of);
        self.hyphen = Some((of, width));
        width
    }

    /// A text that is not in the source, in the face of the cluster before `at` if that has it, else of its style.
    pub fn marker(&mut self, at: usize, text: &str) -> Option<ShapedItem> {
        let before = at.checked_sub(1).and_then(|before| self.block.clusters.get(before));
        let before_start = before.map(|cluster| cluster.start);
        let item = before.and_then(|cluster| self.block.items.get(cluster.item)).map(|shaped| &shaped.item);
        let place = self.block.clusters.get(at).map_or(self.block.range.end, |cluster| cluster.start);
        let span = item.map_or_else(|| self.spans.at(place), |item| item.span);
        let script = item.map_or(Script::Common, |item| item.script);
        let chooser = self.spans.chooser(span)?;
        let own = item.map(|item| item.candidate).filter(|own| text.chars().all(|c| chooser.has_plain(*own, c)));
        let candidate = match own {
            Some(own) => own,
            None => chooser.choose(text, script).filter(|choice| !choice.lacking)?.candidate,
        };
        let (face, synthetic) = self.spans.face(span, candidate)?;
        let style = self.spans.styles.get(span)?;
        let stance = self.block.stances.of(text, usize::MAX);
        let level = if stance == Stance::Along { self.block.level } else { self.block.level & !1 };
        let item = Item { range: place..place, level, script, candidate, span, stance };
        let mut glyphs = self.shaper.shape(&Stretch {
            face: &face,
            text,
            range: 0..text.len(),
            flow: item.flow(),
            script: itemize::script_tag(script),
            lang: self.spans.lang(span),
            features: self.spans.features.get(span).map_or(&[], Vec::as_slice),
            halved: &[],
        });
        // It looks like what stands before it.
        let cluster = before_start.unwrap_or(place);
        for glyph in &mut glyphs {
            glyph.cluster = cluster as u32;
        }
        let scale = style.size / face.units_per_em();
        Some(ShapedItem { item, face, synthetic, scale, squeeze: 1.0, glyphs, halved: Vec::new() })
    }
}

impl Cut {
    fn is_reshaped(&self, block: &Block) -> bool {
        is_reshaped(block, &(self.clusters.start..self.shaped_end))
    }
}

fn is_reshaped(block: &Block, line: &Range<usize>) -> bool {
    let cuts = |at: usize| block.clusters.get(at).is_some_and(|cluster| cluster.unsafe_before);
    cuts(line.start) || cuts(line.end)
}

fn advances(glyphs: &[crate::text::shape::ShapedGlyph]) -> f64 {
    glyphs.iter().map(|glyph| i64::from(glyph.advance)).sum::<i64>() as f64
}

/// The width of an item as shaped, in pixels.
pub(in crate::text) fn width_of(item: &ShapedItem) -> f64 {
    advances(&item.glyphs) * item.scale
}
