//! A text composed: its paragraphs broken into lines, the lines stacked and aligned.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::ctx::Ctx;
use crate::limits::MAX_TEXT_BYTES;
use crate::text::block::{Block, Spans, is_rtl, paragraphs};
use crate::text::fallback::Chooser;
use crate::text::font::{Face, Fonts};
use crate::text::lines::{Breaker, Cut};
use crate::text::place::{self, Extent};
use crate::text::shape::Shaper;
use crate::text::{Align, Composed, Line, Overflow, Paragraph, Style, TextError, Wrap};

/// Lines between two looks at whether the work is still wanted.
const CHECK_EVERY: usize = 64;

/// One line with the paragraph it belongs to.
struct Draft {
    block: usize,
    cut: Cut,
}

/// Composes a text in `measure` pixels of width, without remembering anything.
pub(in crate::text) fn compose(
    fonts: &Fonts,
    paragraph: &Paragraph,
    measure: Option<f64>,
    ctx: &Ctx<'_>,
) -> Result<Composed, TextError> {
    let text: String = paragraph.spans.iter().map(|span| span.text.as_str()).collect();
    if text.len() > MAX_TEXT_BYTES {
        return Err(TextError::TooLong { bytes: text.len() });
    }
    let mut spans = spans(fonts, paragraph, &text)?;
    let mut shaper = Shaper::new();
    let mut missing = BTreeSet::new();
    let (blocks, drafts, truncated) = break_lines(&mut spans, paragraph, measure, &mut shaper, &mut missing, ctx)?;

    let width = drafts.iter().fold(0.0_f64, |widest, draft| widest.max(draft.cut.width));
    let faces = first_faces(fonts, &spans)?;
    let mut top = 0.0;
    let mut lines = Vec::with_capacity(drafts.len());
    for (at, draft) in drafts.iter().enumerate() {
        if at % CHECK_EVERY == 0 {
            ctx.check()?;
        }
        let Some(block) = blocks.get(draft.block) else { continue };
        let cut = &draft.cut;
        let extent = extent(block, cut, paragraph, &spans, &faces);
        let setting = place::setting(block, cut, measure.unwrap_or(width), paragraph.align, &text);
        let baseline = top + extent.above;
        let height = extent.above + extent.below;
        lines.push(Line {
            range: range(block, cut),
            x: setting.x,
            top,
            baseline,
            width: if setting.stretch > 0.0 { measure.unwrap_or(width) } else { cut.width },
            height,
            rtl: is_rtl(block.level),
            runs: place::runs(block, cut, &setting, baseline, &spans, &mut shaper),
        });
        top += height;
    }
    Ok(Composed { lines, width, height: top, truncated, missing: missing.into_iter().collect() })
}

fn spans<'a>(fonts: &'a Fonts, paragraph: &'a Paragraph, text: &'a str) -> Result<Spans<'a>, TextError> {
    let mut spans = Spans { text, starts: Vec::new(), styles: Vec::new(), choosers: Vec::new(), features: Vec::new(), fonts };
    let mut start = 0;
    for span in &paragraph.spans {
        let chooser = Chooser::new(fonts, &span.style);
        spans.choosers.push(
            chooser.ok_or_else(|| TextError::UnknownFamilies { wanted: span.style.families.clone(), known: fonts.known() })?,
        );
        spans.starts.push(start);
        spans.styles.push(&span.style);
        spans.features.push(features(&span.style));
        start += span.text.len();
    }
    Ok(spans)
}

/// What the style asks for comes last and so wins; spaced letters form no ligatures, as in browsers.
fn features(style: &Style) -> Vec<([u8; 4], u32)> {
    let mut features = if style.letter_spacing == 0.0 { Vec::new() } else { vec![(*b"liga", 0), (*b"clig", 0)] };
    features.extend_from_slice(&style.features);
    features
}

/// The face of each span that its line metrics come from.
fn first_faces(fonts: &Fonts, spans: &Spans<'_>) -> Result<Vec<std::sync::Arc<Face>>, TextError> {
    spans.styles.iter().map(|style| fonts.first_face(style).map(|(face, _)| face)).collect()
}

type Broken = (Vec<Block>, Vec<Draft>, bool);

fn break_lines(
    spans: &mut Spans<'_>,
    paragraph: &Paragraph,
    measure: Option<f64>,
    shaper: &mut Shaper,
    missing: &mut BTreeSet<char>,
    ctx: &Ctx<'_>,
) -> Result<Broken, TextError> {
    let limit = paragraph.max_lines.map_or(usize::MAX, |max| max.max(1) as usize);
    let ellipsis = paragraph.overflow == Overflow::Ellipsis;
    let wrap_at = measure.filter(|_| paragraph.wrap != Wrap::None);
    let (mut blocks, mut drafts, mut truncated) = (Vec::<Block>::new(), Vec::<Draft>::new(), false);
    let text = spans.text;
    for (range, end) in paragraphs(text) {
        ctx.check()?;
        if drafts.len() >= limit {
            // Empty lines at the end say nothing: leaving them out cuts nothing.
            truncated |= text.get(range.start..).is_some_and(|rest| !rest.trim().is_empty());
            break;
        }
        let mut block = Block::new(spans, range, end, paragraph, shaper, missing);
        let room = limit - drafts.len();
        let ends_matter = ends_matter(paragraph.align, is_rtl(block.level));
        let mut breaker = Breaker { block: &mut block, spans, shaper, measure: wrap_at, ends_matter };
        let cuts = breaker.lines(room.saturating_add(1), paragraph.wrap == Wrap::Balance);
        truncated |= cuts.len() > room;
        breaker.measure = measure;
        for cut in cuts.into_iter().take(room) {
            let too_wide = wrap_at.is_none() && measure.is_some_and(|measure| cut.width > measure + 1.0 / 256.0);
            let cut = if too_wide && ellipsis { breaker.with_ellipsis(cut) } else { cut };
            truncated |= cut.shortened;
            drafts.push(Draft { block: blocks.len(), cut });
        }
        blocks.push(block);
    }
    let at_limit = drafts.len() >= limit;
    if truncated
        && ellipsis
        && at_limit
        && let Some(last) = drafts.pop()
    {
        let cut = match blocks.get_mut(last.block) {
            Some(block) if !last.cut.shortened => {
                Breaker { block, spans, shaper, measure, ends_matter: true }.with_ellipsis(last.cut)
            }
            _ => last.cut,
        };
        drafts.push(Draft { block: last.block, cut });
    }
    Ok((blocks, drafts, truncated))
}

/// Whether lines are placed by where they end.
fn ends_matter(align: Align, rtl: bool) -> bool {
    match align {
        Align::Start => false,
        Align::Left => rtl,
        Align::Right => !rtl,
        Align::Center | Align::End | Align::Justify => true,
    }
}

/// The text of a line: with the white space that hangs, and the line end where the paragraph ends; of a line cut short what
/// is left of it.
fn range(block: &Block, cut: &Cut) -> Range<usize> {
    let at = |cluster: usize| block.clusters.get(cluster).map(|cluster| cluster.start);
    let start = if cut.clusters.start == 0 { block.range.start } else { at(cut.clusters.start).unwrap_or(block.range.end) };
    let end = if cut.shortened { block.range.end } else { block.end };
    start..at(cut.clusters.end).unwrap_or(end).max(start)
}

/// The line box: of every span on the line, and where no line height is given of every face on it too.
fn extent(block: &Block, cut: &Cut, paragraph: &Paragraph, spans: &Spans<'_>, faces: &[std::sync::Arc<Face>]) -> Extent {
    let line_height = paragraph.line_height;
    let of_span = |span: usize| {
        let style = spans.styles.get(span)?;
        Some(Extent::of(faces.get(span)?, style.size, line_height))
    };
    let mut extent: Option<Extent> = None;
    let mut add = |more: Option<Extent>| {
        if let Some(more) = more {
            extent = Some(extent.map_or(more, |have| have.union(more)));
        }
    };
    let mut last_item = None;
    for cluster in block.clusters.get(cut.clusters.clone()).unwrap_or(&[]) {
        if last_item == Some(cluster.item) {
            continue;
        }
        last_item = Some(cluster.item);
        let Some(shaped) = block.items.get(cluster.item) else { continue };
        add(of_span(shaped.item.span));
        if line_height.is_none() {
            add(spans.styles.get(shaped.item.span).map(|style| Extent::of(&shaped.face, style.size, None)));
        }
    }
    add(if last_item.is_none() { of_span(spans.at(block.range.start)) } else { None });
    extent.unwrap_or(Extent { above: 0.0, below: 0.0 })
}
