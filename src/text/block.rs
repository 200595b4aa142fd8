//! A paragraph made ready for lines: items shaped, text cut into clusters that know their width and what may happen at them.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;

use icu_properties::props::Script;

use crate::ctx::Stopped;
use crate::text::analysis::Analysis;
use crate::text::font::Candidate;
use crate::text::shape::{Flow, ShapedGlyph, Shaper};
use crate::text::shaped::{CHECK_EVERY, Pace, ShapedItem, reshape, shape_all, slice};
use crate::text::spans::Spans;
use crate::text::stance::{Stance, Stances};
use crate::text::trim::{self, Inks, Trim};
use crate::text::unicode::{hangs, is_cursive, is_ignorable, is_word_separator, stretches};
use crate::text::{HangingPunctuation, Paragraph, SpacingTrim, gaps};

/// Spaces to the next tab stop.
const TAB_SPACES: f64 = 8.0;

/// What stands together whatever happens: the characters of one glyph or of several that belong together.
#[derive(Clone, Copy, Debug)]
pub(in crate::text) struct Cluster {
    /// Offset in the whole text.
    pub start: usize,
    pub item: usize,
    /// Pixels, without `spacing`.
    pub advance: f64,
    /// Letter spacing and the room before another script after it, unless it ends the line.
    pub spacing: f64,
    /// Of that the letter spacing, which also stands before an ellipsis.
    pub letter_spacing: f64,
    /// Room on either side of it, part of its advance: its ruby is wider.
    pub pad: f64,
    /// A line may start here.
    pub opportunity: bool,
    /// A line may start here if its word fits no line.
    pub grapheme: bool,
    /// Starting a line here changes glyphs.
    pub unsafe_before: bool,
    /// White space that hangs at a line's end.
    pub hangs: bool,
    pub tab: bool,
    /// Full-width punctuation whose left half is blank.
    pub opens: bool,
    /// How much narrower it may be at a line's end.
    pub end_trim: f64,
}

/// What a half width depends on: span, candidate, script, direction.
type Probe = (usize, Candidate, Script, Flow);

pub(in crate::text) struct Block {
    /// The text of the paragraph without its line end.
    pub range: Range<usize>,
    /// Where the next paragraph starts.
    pub end: usize,
    /// The paragraph's level: 0 left to right, 1 right to left.
    pub level: u8,
    pub spacing_trim: SpacingTrim,
    pub hanging: HangingPunctuation,
    pub stances: Stances,
    pub items: Vec<ShapedItem>,
    pub clusters: Vec<Cluster>,
}

/// A part of an item on one line.
pub(in crate::text) struct Piece<'b> {
    pub item: &'b ShapedItem,
    /// From left to right.
    pub glyphs: Cow<'b, [ShapedGlyph]>,
}

impl Block {
    pub fn new(
        spans: &mut Spans<'_>,
        range: Range<usize>,
        end: usize,
        paragraph: &Paragraph,
        shaper: &mut Shaper,
        missing: &mut BTreeSet<char>,
    ) -> Result<Block, Stopped> {
        let stances = Stances::new(paragraph, spans.text, range.clone());
        let analysis = match shaper.analysis(range.start) {
            Some(known) => known,
            None => shaper.keep(range.start, Analysis::new(spans, &range, paragraph, &stances, missing)?),
        };
        let ctx = spans.ctx;
        let check = || ctx.check();
        let items = shape_all(spans, &analysis.items, shaper)?;
        let spacing_trim = paragraph.spacing_trim;
        let hanging = paragraph.hanging_punctuation;
        let mut block = Block { range, end, level: analysis.level, spacing_trim, hanging, stances, items, clusters: Vec::new() };
        let trims = block.trims(spans)?;
        block.halve(&trims, spans, shaper)?;
        block.clusters = block.find_clusters(spans, &analysis.graphemes);
        check()?;
        if paragraph.autospace > 0.0 {
            block.space(paragraph.autospace, spans);
        }
        block.mark_trims(&trims, spans, shaper)?;
        let mut place = 0;
        for at in &analysis.opportunities {
            // Characters without glyphs have no cluster: the next one that has takes the opportunity, unless it stands
            // inside a ligature.
            let at = block.range.start + at;
            place += block.clusters.iter().skip(place).take_while(|cluster| cluster.start < at).count();
            let skipped = block.clusters.get(place).and_then(|cluster| spans.text.get(at..cluster.start));
            if skipped.is_some_and(|skipped| skipped.chars().all(is_ignorable))
                && let Some(cluster) = block.clusters.get_mut(place)
            {
                // UAX 14 with `break_all` would part conjuncts.
                cluster.opportunity = cluster.grapheme;
            }
        }
        check()?;
        block.make_room(spans);
        Ok(block)
    }

    /// The punctuation that takes part in trimming: where it starts, what it is, its item.
    fn trims(&self, spans: &Spans<'_>) -> Result<Vec<(usize, Trim, usize)>, Stopped> {
        let text = spans.text.get(self.range.clone()).unwrap_or("");
        if self.spacing_trim == SpacingTrim::SpaceAll || !trim::concerns(text) {
            return Ok(Vec::new());
        }
        let mut found = Vec::new();
        let mut item = 0;
        let mut inks = Inks::default();
        for (at, c) in text.char_indices() {
            let at = self.range.start + at;
            while self.items.get(item).is_some_and(|shaped| shaped.item.range.end <= at) {
                item += 1;
            }
            let Some(shaped) = self.items.get(item) else { break };
            let by_hand = spans.features.get(shaped.item.span).is_some_and(|features| trim::is_set_by_hand(features));
            if let Some(trim) = (!by_hand).then(|| trim::trim(c, at, shaped, &mut inks)).flatten() {
                found.push((at, trim, item));
                if found.len() % CHECK_EVERY == 0 {
                    spans.ctx.check()?;
                }
            }
        }
        Ok(found)
    }

    /// Shapes anew where punctuation closes up.
    fn halve(&mut self, trims: &[(usize, Trim, usize)], spans: &Spans<'_>, shaper: &mut Shaper) -> Result<(), Stopped> {
        let mut changed = BTreeSet::new();
        for pair in trims.windows(2) {
            let [(at, first, first_item), (next, second, second_item)] = pair else { continue };
            let adjacent = spans.text.get(*at..*next).is_some_and(|between| between.chars().count() == 1);
            let (first_yields, second_yields) = if adjacent { trim::closes_up(*first, *second) } else { (false, false) };
            for (yields, at, item) in [(first_yields, at, first_item), (second_yields, next, second_item)] {
                if let Some(shaped) = self.items.get_mut(*item).filter(|_| yields)
                    && shaped.halved.last() != Some(at)
                {
                    shaped.halved.push(*at);
                    changed.insert(*item);
                }
            }
        }
        let mut pace = Pace::default();
        for item in changed {
            if let Some(shaped) = self.items.get_mut(item) {
                shaped.glyphs = reshape(spans, shaped, shaped.item.range.clone(), &shaped.halved, shaper);
                pace.check(shaped.glyphs.len(), spans)?;
            }
        }
        Ok(())
    }

    /// What clusters may do at line ends.
    fn mark_trims(&mut self, trims: &[(usize, Trim, usize)], spans: &Spans<'_>, shaper: &mut Shaper) -> Result<(), Stopped> {
        let trims_start = matches!(self.spacing_trim, SpacingTrim::TrimStart | SpacingTrim::TrimBoth);
        let mut probed: Vec<(Probe, f64)> = Vec::new();
        for (count, (at, trim, item)) in trims.iter().enumerate() {
            if count % CHECK_EVERY == 0 {
                spans.ctx.check()?;
            }
            let place = self.cluster_at(*at);
            let Some(shaped) = self.items.get(*item) else { continue };
            let halved = shaped.halved.binary_search(at).is_ok();
            let mut end_trim = 0.0;
            if *trim == Trim::Close && !halved {
                // A face without half widths trims nothing; one sign tells for all of its face and script.
                let probe = (shaped.item.span, shaped.item.candidate, shaped.item.script, shaped.item.flow());
                let known = probed.iter().find(|(of, _)| *of == probe).map(|(_, spared)| *spared);
                let spared = known.unwrap_or_else(|| {
                    let range = *at..*at + char_len(spans.text, *at);
                    let half: i64 = reshape(spans, shaped, range, &[*at], shaper).iter().map(|g| i64::from(g.advance)).sum();
                    let spared = shaped.face.units_per_em() - half as f64;
                    probed.push((probe, spared));
                    spared
                });
                end_trim = spared.max(0.0) * shaped.scale;
            }
            if let Some(cluster) = self.clusters.get_mut(place).filter(|cluster| cluster.start == *at) {
                cluster.opens = *trim == Trim::Open;
                cluster.end_trim = end_trim;
                // At a line's start it is as wide as the option says, whatever stood before it.
                cluster.unsafe_before |= cluster.opens && (halved || trims_start);
            }
        }
        Ok(())
    }

    fn find_clusters(&self, spans: &Spans<'_>, graphemes: &[usize]) -> Vec<Cluster> {
        let mut clusters: Vec<Cluster> = Vec::with_capacity(self.items.iter().map(|shaped| shaped.glyphs.len()).sum());
        for (at, shaped) in self.items.iter().enumerate() {
            let first = clusters.len();
            let mut add = |glyph: &ShapedGlyph| {
                let start = glyph.cluster as usize;
                let advance = f64::from(glyph.advance) * shaped.scale;
                match clusters.last_mut().filter(|last| last.item == at && last.start == start) {
                    Some(last) => last.advance += advance,
                    None => clusters.push(Cluster {
                        start,
                        item: at,
                        advance,
                        pad: 0.0,
                        spacing: 0.0,
                        letter_spacing: 0.0,
                        opportunity: false,
                        grapheme: false,
                        unsafe_before: glyph.unsafe_before,
                        hangs: false,
                        tab: false,
                        opens: false,
                        end_trim: 0.0,
                    }),
                }
            };
            // Logical order is the reverse of the visual one in right-to-left items.
            if shaped.item.level % 2 == 1 {
                shaped.glyphs.iter().rev().for_each(&mut add);
            } else {
                shaped.glyphs.iter().for_each(&mut add);
            }
            // The start of an item is the start of shaping.
            if let Some(cluster) = clusters.get_mut(first) {
                cluster.unsafe_before = false;
            }
        }
        self.mark(spans, graphemes, &mut clusters);
        clusters
    }

    /// Fills in what depends on the characters.
    fn mark(&self, spans: &Spans<'_>, graphemes: &[usize], clusters: &mut [Cluster]) {
        let mut boundaries = graphemes.iter().map(|end| self.range.start + end).peekable();
        for at in 0..clusters.len() {
            let Some(cluster) = clusters.get(at).copied() else { continue };
            while boundaries.peek().is_some_and(|boundary| *boundary < cluster.start) {
                boundaries.next();
            }
            let Some(first) = spans.text.get(cluster.start..).and_then(|rest| rest.chars().next()) else { continue };
            let shaped = self.items.get(cluster.item);
            let style = shaped.and_then(|shaped| spans.styles.get(shaped.item.span));
            let spacing = style.map_or(0.0, |style| style.letter_spacing);
            let between_words = style.filter(|_| is_word_separator(first)).map_or(0.0, |style| style.word_spacing);
            // As in browsers: nothing is spaced in a stretch whose letters join.
            let cursive = shaped.is_some_and(|shaped| is_cursive(shaped.item.script));
            if let Some(cluster) = clusters.get_mut(at) {
                cluster.grapheme = cluster.start == self.range.start || boundaries.peek() == Some(&cluster.start);
                cluster.hangs = hangs(first);
                cluster.tab = first == '\t';
                cluster.letter_spacing = if cursive || is_ignorable(first) { 0.0 } else { spacing };
                cluster.spacing = cluster.letter_spacing + between_words;
            }
        }
    }

    /// Spreads letters whose ruby is wider, and keeps them together.
    fn make_room(&mut self, spans: &Spans<'_>) {
        for ruby in &spans.rubies {
            let range = spans.range(ruby.span);
            if range.end <= self.range.start || range.start >= self.range.end {
                continue;
            }
            let from = self.clusters.partition_point(|cluster| cluster.start < range.start);
            let to = self.clusters.partition_point(|cluster| cluster.start < range.end);
            let begins = self.clusters.get(from).is_some_and(|first| spans.ruby_from(ruby.span, first.start).is_some());
            if !begins {
                continue;
            }
            let Some(base) = self.clusters.get_mut(from..to).filter(|base| !base.is_empty()) else { continue };
            let last = base.last().map_or(0.0, |cluster| cluster.spacing);
            let width = base.iter().map(|cluster| cluster.advance + cluster.spacing).sum::<f64>() - last;
            let pad = (ruby.width() - width).max(0.0) / base.len() as f64 / 2.0;
            for (number, cluster) in base.iter_mut().enumerate() {
                cluster.pad = pad;
                cluster.advance += 2.0 * pad;
                if number > 0 {
                    (cluster.opportunity, cluster.grapheme) = (false, false);
                }
            }
        }
    }

    /// Parts scripts: the room is that of the ideograph, whichever side it is on.
    fn space(&mut self, autospace: f64, spans: &Spans<'_>) {
        for at in 1..self.clusters.len() {
            let Some([before, after]) = self.clusters.get(at - 1..=at) else { break };
            let text = |from: usize, to: usize| spans.text.get(from..to).unwrap_or("");
            if !gaps::differ(text(before.start, after.start), text(after.start, self.cluster_end(at))) {
                continue;
            }
            // In a vertical line only what is turned is parted from what is not.
            let stance = |cluster: &Cluster| self.items.get(cluster.item).map(|shaped| shaped.item.stance);
            if stance(before) != Some(Stance::Along) && stance(after) != Some(Stance::Along) {
                continue;
            }
            let wide = if text(before.start, after.start).chars().next().is_some_and(stretches) { before } else { after };
            let style = self.items.get(wide.item).and_then(|shaped| spans.styles.get(shaped.item.span));
            let room = autospace * style.map_or(0.0, |style| style.size);
            if let Some(before) = self.clusters.get_mut(at - 1) {
                before.spacing += room;
            }
        }
    }

    /// The cluster that holds the character at `at`.
    pub fn cluster_at(&self, at: usize) -> usize {
        self.clusters.partition_point(|cluster| cluster.start <= at).saturating_sub(1)
    }

    /// The same, first looked for beside one that is known.
    pub fn cluster_near(&self, at: usize, known: usize) -> usize {
        let starts = |place: usize| self.clusters.get(place).map_or(usize::MAX, |cluster| cluster.start);
        let holds = |place: &usize| starts(*place) <= at && at < starts(place + 1);
        [known, known + 1, known.saturating_sub(1)].into_iter().find(holds).unwrap_or_else(|| self.cluster_at(at))
    }

    /// Where a cluster's text ends.
    pub fn cluster_end(&self, at: usize) -> usize {
        self.clusters.get(at + 1).map_or(self.range.end, |next| next.start)
    }

    /// How far the tab at `x` on its line goes.
    pub fn tab_advance(&self, cluster: &Cluster, x: f64) -> f64 {
        let Some(shaped) = self.items.get(cluster.item) else { return 0.0 };
        let space = slice(shaped, &(cluster.start..cluster.start + 1)).first();
        let stop = space.map_or(0.0, |glyph| f64::from(glyph.advance)) * shaped.scale * TAB_SPACES;
        if stop <= 0.0 { 0.0 } else { (libm::floor(x / stop) + 1.0) * stop - x }
    }

    /// What is halved in a piece; the line's first sign goes by the option.
    fn halved_on_line(&self, shaped: &ShapedItem, first: &Cluster, range: &Range<usize>) -> Vec<usize> {
        let trims_start = matches!(self.spacing_trim, SpacingTrim::TrimStart | SpacingTrim::TrimBoth);
        let place = |at: usize| shaped.halved.partition_point(|halved| *halved < at);
        let mut halved = shaped.halved.get(place(range.start)..place(range.end)).unwrap_or(&[]).to_vec();
        if first.opens && range.start == first.start {
            halved.retain(|at| *at != first.start);
            if trims_start {
                halved.insert(0, first.start);
            }
        }
        halved
    }

    /// The parts of items that stand on the line of these clusters, in logical order, shaped anew where the line's ends cut
    /// something.
    pub fn pieces(&self, clusters: Range<usize>, spans: &Spans<'_>, shaper: &mut Shaper) -> Vec<Piece<'_>> {
        let Some(first) = self.clusters.get(clusters.start) else { return Vec::new() };
        let (Some(last), true) = (self.clusters.get(clusters.end.wrapping_sub(1)), clusters.end > clusters.start) else {
            return Vec::new();
        };
        let after = self.clusters.get(clusters.end);
        let end = self.cluster_end(clusters.end - 1);
        let mut pieces = Vec::with_capacity((last.item + 1).saturating_sub(first.item));
        for (at, shaped) in self.items.iter().enumerate().take(last.item + 1).skip(first.item) {
            let of_item = &shaped.item.range;
            let range = of_item.start.max(if at == first.item { first.start } else { 0 })..of_item.end.min(end);
            let cuts_start = at == first.item && first.unsafe_before;
            let cuts_end = after.is_some_and(|after| after.item == at && after.unsafe_before);
            let glyphs = if range == *of_item && !cuts_start {
                Cow::Borrowed(shaped.glyphs.as_slice())
            } else if cuts_start || cuts_end {
                Cow::Owned(reshape(spans, shaped, range.clone(), &self.halved_on_line(shaped, first, &range), shaper))
            } else {
                Cow::Borrowed(slice(shaped, &range))
            };
            pieces.push(Piece { item: shaped, glyphs });
        }
        pieces
    }
}

/// How many bytes the character at `at` has.
fn char_len(text: &str, at: usize) -> usize {
    text.get(at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8)
}

/// Where justified text may be stretched after a cluster: as in browsers, at spaces and on both sides of Han and kana.
pub(in crate::text) fn stretches_after(text: &str, before: &Range<usize>, after: &Range<usize>) -> bool {
    let last = text.get(before.clone()).and_then(|s| s.chars().find(|c| !is_ignorable(*c)));
    let first = text.get(after.clone()).and_then(|s| s.chars().find(|c| !is_ignorable(*c)));
    match (last, first) {
        (Some(last), Some(first)) => {
            matches!(last, ' ' | '\u{A0}') || stretches(last) || (stretches(first) && !matches!(last, ' ' | '\u{A0}'))
        }
        _ => false,
    }
}

/// The paragraphs of a text: each one's range without its line end, and where the next starts. A line end that closes the
/// text opens no paragraph.
pub(in crate::text) fn paragraphs(text: &str) -> impl Iterator<Item = (Range<usize>, usize)> + '_ {
    let mut start = 0;
    std::iter::from_fn(move || {
        if start >= text.len() {
            return None;
        }
        let rest = text.get(start..)?;
        let found = rest.char_indices().find(|(_, c)| crate::text::unicode::ends_line(*c));
        let (end, next) = match found {
            None => (text.len(), text.len()),
            Some((at, '\r')) if rest.get(at + 1..).is_some_and(|tail| tail.starts_with('\n')) => (start + at, start + at + 2),
            Some((at, c)) => (start + at, start + at + c.len_utf8()),
        };
        let paragraph = (start..end, next);
        start = next;
        Some(paragraph)
    })
}

pub(in crate::text) fn is_rtl(level: u8) -> bool {
    level % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_at_line_ends() {
        let cut = |text: &str| paragraphs(text).map(|(range, _)| text[range].to_owned()).collect::<Vec<_>>().join("|");
        let cases = [
            ("", ""),
            ("a", "a"),
            ("a\nb", "a|b"),
            ("a\r\nb\rc", "a|b|c"),
            ("a\n\nb", "a||b"),
            ("a\n", "a"),
            ("\n", ""),
            ("a\n\n", "a|"),
            ("a\u{2028}b\u{85}c", "a|b|c"),
        ];
        for (text, expected) in cases {
            assert_eq!(cut(text), expected, "{text:?}");
        }
        assert_eq!(paragraphs("\n").count(), 1);
    }

    #[test]
    fn justification_stretches_spaces_and_han() {
        let at = |text: &str, before: Range<usize>, after: Range<usize>| stretches_after(text, &before, &after);
        assert!(!at("ab", 0..1, 1..2));
        assert!(at("a b", 1..2, 2..3));
        assert!(!at("a b", 0..1, 1..2));
        assert!(at("中文", 0..3, 3..6));
        assert!(at("a中", 0..1, 1..4));
        assert!(!at("한국", 0..3, 3..6));
    }
}
