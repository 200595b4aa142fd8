//! What of a paragraph its sizes do not change: its level, graphemes, items, and where lines may end.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::ctx::Stopped;
use crate::text::breaks::{self, BreakOptions};
use crate::text::itemize::{self, Item, Source};
use crate::text::spans::Spans;
use crate::text::stance::Stances;
use crate::text::{Paragraph, bidi};

pub(in crate::text) struct Analysis {
    /// 0 left to right, 1 right to left.
    pub level: u8,
    /// Where graphemes end, from the paragraph's start.
    pub graphemes: Vec<usize>,
    pub items: Vec<Item>,
    /// Where a line may start, from the paragraph's start, rising.
    pub opportunities: Vec<usize>,
}

impl Analysis {
    pub fn new(
        spans: &mut Spans<'_>,
        range: &Range<usize>,
        paragraph: &Paragraph,
        stances: &Stances,
        missing: &mut BTreeSet<char>,
    ) -> Result<Analysis, Stopped> {
        let ctx = spans.ctx;
        let check = || ctx.check();
        let text = spans.text.get(range.clone()).unwrap_or("");
        let mut levels = bidi::levels(text, paragraph.direction);
        bidi::reset_spaces(text, 0..text.len(), &mut levels);
        check()?;
        let graphemes = breaks::graphemes(text);
        let source = Source {
            text: spans.text,
            range: range.clone(),
            span_starts: &spans.starts,
            chooser_of: &spans.chooser_of,
            levels: &levels,
            graphemes: &graphemes,
            stances,
        };
        let items = itemize::itemize(&source, &mut spans.choosers, missing, &check)?;
        let options = BreakOptions {
            word_break: paragraph.word_break,
            line_break: paragraph.line_break,
            lang: spans.lang(spans.at(range.start)),
        };
        let opportunities = breaks::opportunities(text, options, &check)?;
        Ok(Analysis { level: levels.paragraph, graphemes, items, opportunities })
    }
}
