//! A line cut short with an ellipsis: how much of it stays, and which dots stand for the rest.

use std::ops::Range;

use crate::ctx::Stopped;
use crate::text::block::Cluster;
use crate::text::lines::{Breaker, Cut, Hang, width_of};
use crate::text::spans::is_language;
use crate::text::unicode::{is_east_asian, is_of_word, opens, stretches};
use crate::text::{TOLERANCE, gaps};

const ELLIPSIS: &str = "…";
/// As Chinese writes it: six dots over two letters.
const CHINESE_ELLIPSIS: &str = "……";
/// How much of a line may be given up for an ellipsis to stand after a whole word.
const MOST_LOST: f64 = 0.3;

impl Breaker<'_, '_, '_> {
    /// What stands for the text from `end` on.
    fn ellipsis(&self, first: usize, end: usize) -> &'static str {
        let last = end.checked_sub(1).filter(|_| end > first).and_then(|last| self.block.clusters.get(last));
        let after_wide = |cluster: &Cluster| {
            let wide = self.spans.text.get(cluster.start..).and_then(|rest| rest.chars().next()).is_some_and(is_east_asian);
            let item = self.block.items.get(cluster.item);
            let lang = item.and_then(|shaped| self.spans.lang(shaped.item.span)).unwrap_or_default();
            wide && is_language(lang, "zh")
        };
        if last.is_some_and(after_wide) { CHINESE_ELLIPSIS } else { ELLIPSIS }
    }

    /// The same line shortened so that an ellipsis fits after it, at the end of a word where one is near.
    pub fn with_ellipsis(&mut self, cut: Cut) -> Result<Cut, Stopped> {
        let first = cut.clusters.start;
        let end = cut.visible_end;
        let shortened = self.shortened(first, end)?;
        match self.word_end(first, shortened.visible_end) {
            Some(word) => {
                let at_word = self.shortened(first, word)?;
                Ok(if at_word.visible_end > first { at_word } else { shortened })
            }
            None => Ok(shortened),
        }
    }

    /// Where the word begins that a line which ends before cluster `end` would tear, unless so much would be lost that the torn word
    /// is better. Ideographs, kana and what stands with them end anywhere.
    fn word_end(&self, first: usize, end: usize) -> Option<usize> {
        let next = self.block.clusters.get(end).filter(|next| !next.opportunity && end > first)?;
        let letter = |at: usize| self.spans.text.get(at..).and_then(|rest| rest.chars().next());
        let torn = letter(next.start).is_some_and(|c| is_of_word(c) && !stretches(c));
        let before = self.block.clusters.get(end - 1).and_then(|cluster| letter(cluster.start));
        if !torn || before.is_none_or(stretches) {
            return None;
        }
        let width = |of: Range<usize>| -> f64 {
            self.block.clusters.get(of).unwrap_or(&[]).iter().map(|cluster| cluster.advance + cluster.spacing).sum()
        };
        let word = (first + 1..end).rev().find(|at| self.block.clusters.get(*at).is_some_and(|cluster| cluster.opportunity))?;
        (width(word..end) <= MOST_LOST * width(first..end)).then_some(word)
    }

    /// What may not stand before an ellipsis: blanks, stops and commas, which it takes the place of, and what opens.
    fn goes_before_ellipsis(&self, cluster: &Cluster) -> bool {
        let c = self.spans.text.get(cluster.start..).and_then(|rest| rest.chars().next());
        cluster.hangs || c.is_some_and(|c| gaps::is_stop(c) || opens(c))
    }

    /// The line up to cluster `end`, or as much of it as leaves room for an ellipsis.
    fn shortened(&mut self, first: usize, mut end: usize) -> Result<Cut, Stopped> {
        loop {
            self.spans.ctx.check()?;
            while end > first && self.block.clusters.get(end - 1).is_some_and(|last| self.goes_before_ellipsis(last)) {
                end -= 1;
            }
            let marker = self.marker(end, self.ellipsis(first, end));
            let spacing =
                if end > first { self.block.clusters.get(end - 1).map_or(0.0, |last| last.letter_spacing) } else { 0.0 };
            let hang = Hang { start: if end > first { self.hang_start(first) } else { 0.0 }, end: 0.0 };
            let own = self.width(first..end, end) - hang.start;
            let width = own + marker.as_ref().map_or(0.0, width_of) + spacing;
            let may_end = end == first || self.block.clusters.get(end).is_none_or(|cluster| cluster.grapheme);
            let fits = self.measure.is_none_or(|measure| width <= measure + TOLERANCE);
            if (fits && may_end) || end == first {
                return Ok(Cut {
                    clusters: first..end,
                    visible_end: end,
                    shaped_end: end,
                    width,
                    fit_width: width,
                    marker,
                    continues: true,
                    shortened: true,
                    hang,
                });
            }
            // Far too wide (an unbroken line): go back by what is over at once, cluster by cluster near the end.
            end -= 1;
            if let Some(measure) = self.measure {
                let mut over = width - measure;
                while end > first + 1 && over > 0.0 {
                    let Some(last) = self.block.clusters.get(end - 1) else { break };
                    over -= last.advance + last.spacing;
                    if over <= 0.0 {
                        break;
                    }
                    end -= 1;
                }
            }
        }
    }
}
