//! A text composed: its paragraphs broken into lines, the lines stacked and aligned.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use crate::ctx::Ctx;
use crate::limits::{MAX_TEXT_BYTES, MAX_TEXT_CHARS, MAX_TEXT_LINES};
use crate::text::block::{Block, is_rtl, paragraphs};
use crate::text::font::{Face, Fonts};
use crate::text::lines::{Breaker, Cut};
use crate::text::place::{self, Extent};
use crate::text::ruby::Ruby;
use crate::text::shape::Shaper;
use crate::text::spans::Spans;
use crate::text::{
    Align, Composed, Line, Marks, Overflow, Paragraph, Span, TOLERANCE, TextError, Tried, Widths, Wrap, WritingMode,
};

/// Lines between two looks at whether the work is still wanted.
const CHECK_EVERY: usize = 16;

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
    let text = joined(paragraph)?;
    let (mut spans, faces) = opened(fonts, paragraph, &text, ctx)?;
    let seen = spans.text;
    let mut shaper = Shaper::new();
    let mut missing: BTreeSet<char> = spans.rubies.iter().flat_map(Ruby::missing).copied().collect();
    let broken = break_lines(&mut spans, paragraph, &faces, measure, &mut shaper, &mut missing, Vec::new())?;
    broken.says_all(seen, &text)?;
    let (width, torn) = (broken.width(), broken.is_torn());
    let Broken { blocks, drafts, truncated, .. } = broken;
    let mut top = 0.0;
    let mut lines = Vec::with_capacity(drafts.len());
    for (at, draft) in drafts.iter().enumerate() {
        if at % CHECK_EVERY == 0 {
            ctx.check()?;
        }
        let Some(block) = blocks.get(draft.block) else { continue };
        let cut = &draft.cut;
        let extent = extent(block, cut, paragraph, &spans, &faces);
        let setting = place::setting(block, cut, measure.unwrap_or(width), paragraph.align, seen);
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
            runs: place::runs(block, cut, &setting, baseline, paragraph.writing_mode, &spans, &mut shaper),
        });
        top += height;
    }
    let marks = spans.styles.iter().zip(&faces).map(|(style, face)| Marks::of(face, style, paragraph.writing_mode)).collect();
    let vertical = paragraph.writing_mode == WritingMode::VerticalRl;
    Ok(Composed { vertical, lines, width, height: top, truncated, torn, missing: missing.into_iter().collect(), marks })
}

/// What a text comes to, without placing a glyph.
pub(in crate::text) fn try_out(
    fonts: &Fonts,
    paragraph: &Paragraph,
    measure: Option<f64>,
    shaper: &mut Shaper,
    ctx: &Ctx<'_>,
) -> Result<Tried, TextError> {
    let text = joined(paragraph)?;
    let (mut spans, faces) = opened(fonts, paragraph, &text, ctx)?;
    let seen = spans.text;
    let broken = break_lines(&mut spans, paragraph, &faces, measure, shaper, &mut BTreeSet::new(), Vec::new())?;
    broken.says_all(seen, &text)?;
    let extents = broken
        .drafts
        .iter()
        .filter_map(|draft| Some(extent(broken.blocks.get(draft.block)?, &draft.cut, paragraph, &spans, &faces)));
    let height = extents.map(|extent| extent.above + extent.below).sum();
    Ok(Tried { width: broken.width(), height, truncated: broken.truncated, torn: broken.is_torn() })
}

/// How wide a text is without line breaks, and the measure in which no word is torn: `least` or the next whole pixel above; both with
/// the room `around` its lines. It is shaped once.
pub(in crate::text) fn widths(
    fonts: &Fonts,
    paragraph: &Paragraph,
    (least, around): (f64, f64),
    ctx: &Ctx<'_>,
) -> Result<Widths, TextError> {
    let text = joined(paragraph)?;
    let (mut spans, faces) = opened(fonts, paragraph, &text, ctx)?;
    let seen = spans.text;
    let (mut shaper, mut blocks) = (Shaper::new(), Vec::new());
    let mut set = |measure: Option<f64>| {
        ctx.check()?;
        let kept = std::mem::take(&mut blocks);
        let broken = break_lines(&mut spans, paragraph, &faces, measure, &mut shaper, &mut BTreeSet::new(), kept)?;
        broken.says_all(seen, &text)?;
        let found = (broken.width() + around, broken.is_torn());
        blocks = broken.blocks;
        Ok::<(f64, bool), TextError>(found)
    };
    let (natural, _) = set(None)?;
    let (mut torn, mut good) = (least, natural.ceil());
    let mut tears = |width: f64| set(Some((width - around).max(0.0))).map(|(_, torn)| torn);
    if paragraph.wrap == Wrap::None || good <= torn {
        return Ok(Widths { natural, narrowest: good });
    }
    if least > 0.0 && !tears(least)? {
        return Ok(Widths { natural, narrowest: least });
    }
    while good - torn > 1.0 {
        let middle = f64::midpoint(torn, good).floor();
        if tears(middle)? { torn = middle } else { good = middle }
    }
    Ok(Widths { natural, narrowest: good })
}

fn joined(paragraph: &Paragraph) -> Result<String, TextError> {
    let text: String = paragraph.spans.iter().map(|span| span.text.as_str()).collect();
    if text.len() > MAX_TEXT_BYTES {
        return Err(TextError::TooLong { bytes: text.len() });
    }
    Ok(text)
}

/// The part of a text that is laid out: all of it, or of one that its lines or its box may cut as much as any text may have.
fn seen<'a>(text: &'a str, paragraph: &Paragraph) -> Result<&'a str, TextError> {
    // Nearly all are too short to be counted.
    if text.len() <= MAX_TEXT_CHARS {
        return Ok(text);
    }
    let Some((end, _)) = text.char_indices().nth(MAX_TEXT_CHARS) else { return Ok(text) };
    if paragraph.max_lines.is_none() && paragraph.max_height.is_none() {
        return Err(TextError::TooManyCharacters { characters: text.chars().count() });
    }
    Ok(text.get(..end).unwrap_or(text))
}

/// The spans of what is laid out of a text, and the face of each that its line metrics come from.
fn opened<'a>(
    fonts: &'a Fonts,
    paragraph: &'a Paragraph,
    text: &'a str,
    ctx: &'a Ctx<'a>,
) -> Result<(Spans<'a>, Vec<Arc<Face>>), TextError> {
    let mut spans = Spans::new(fonts, paragraph, seen(text, paragraph)?, ctx)?;
    let face = |(number, span): (usize, &Span)| spans.first_face(number).ok_or_else(|| fonts.unknown(&span.style));
    let faces = paragraph.spans.iter().enumerate().map(face).collect::<Result<_, _>>()?;
    Ok((spans, faces))
}

/// A text in lines.
struct Broken {
    blocks: Vec<Block>,
    drafts: Vec<Draft>,
    /// Lines were left out or cut.
    truncated: bool,
    /// There is no room for another line.
    full: bool,
}

impl Broken {
    /// What was not laid out must not be missed.
    fn says_all(&self, seen: &str, text: &str) -> Result<(), TextError> {
        if seen.len() < text.len() && !(self.truncated && self.full) {
            return Err(TextError::TooManyCharacters { characters: text.chars().count() });
        }
        Ok(())
    }

    fn width(&self) -> f64 {
        self.drafts.iter().fold(0.0_f64, |widest, draft| widest.max(draft.cut.width))
    }

    /// A line ends within a word.
    fn is_torn(&self) -> bool {
        self.drafts.iter().any(|draft| self.blocks.get(draft.block).is_some_and(|block| is_torn(block, &draft.cut)))
    }
}

/// `kept` are the blocks of the same text as it was broken before: those that are there are not made again.
fn break_lines(
    spans: &mut Spans<'_>,
    paragraph: &Paragraph,
    faces: &[Arc<Face>],
    measure: Option<f64>,
    shaper: &mut Shaper,
    missing: &mut BTreeSet<char>,
    kept: Vec<Block>,
) -> Result<Broken, TextError> {
    let mut kept = kept.into_iter();
    let mut limit = paragraph.max_lines.unwrap_or(MAX_TEXT_LINES).clamp(1, MAX_TEXT_LINES) as usize;
    let ellipsis = paragraph.overflow == Overflow::Ellipsis;
    let wrap_at = measure.filter(|_| paragraph.wrap != Wrap::None);
    let balance = paragraph.wrap == Wrap::Balance;
    let (mut blocks, mut drafts, mut truncated) = (Vec::<Block>::new(), Vec::<Draft>::new(), false);
    let mut room_below = paragraph.max_height.unwrap_or(f64::INFINITY) + TOLERANCE;
    // No line is lower than that of the paragraph's own style: more of them than have room need not be found.
    let own = faces.first().and_then(|face| extent_in(face, 0, paragraph, spans));
    let least = own.map_or(0.0, |own| own.above + own.below);
    let text = spans.text;
    for (range, end) in paragraphs(text) {
        spans.ctx.check()?;
        // Empty lines at the end say nothing: leaving them out cuts nothing.
        let says_more = |at: usize| text.get(at..).is_some_and(|rest| !rest.trim().is_empty());
        if drafts.len() >= limit {
            truncated |= says_more(range.start);
            break;
        }
        let start = range.start;
        let mut block = match kept.next() {
            Some(block) => block,
            None => Block::new(spans, range, end, paragraph, shaper, missing)?,
        };
        let mut room = limit - drafts.len();
        let ends_matter = ends_matter(paragraph.align, is_rtl(block.level));
        let mut breaker = Breaker { block: &mut block, spans, shaper, measure: wrap_at, ends_matter, hyphen: None };
        let most = if least > 0.0 { (room_below / least) as usize } else { usize::MAX };
        let mut cuts = breaker.lines(room.min(most.saturating_add(1)).saturating_add(1), balance)?;
        let mut fitting = 0;
        for cut in &cuts {
            let extent = extent(breaker.block, cut, paragraph, breaker.spans, faces);
            room_below -= extent.above + extent.below;
            if room_below < 0.0 {
                break;
            }
            fitting += 1;
        }
        if fitting < cuts.len().min(room) {
            limit = (drafts.len() + fitting).max(1);
            room = limit - drafts.len();
            if room == 0 {
                truncated |= says_more(start);
                blocks.push(block);
                break;
            }
            cuts = breaker.lines(room.saturating_add(1), balance)?;
        }
        truncated |= cuts.len() > room;
        breaker.measure = measure;
        for cut in cuts.into_iter().take(room) {
            let too_wide = wrap_at.is_none() && measure.is_some_and(|measure| cut.width > measure + TOLERANCE);
            let cut = if too_wide && ellipsis { breaker.with_ellipsis(cut)? } else { cut };
            truncated |= cut.shortened;
            drafts.push(Draft { block: blocks.len(), cut });
        }
        blocks.push(block);
    }
    let full = drafts.len() >= limit;
    if truncated && full && paragraph.max_lines.is_none() && limit >= MAX_TEXT_LINES as usize {
        return Err(TextError::TooManyLines);
    }
    if truncated
        && ellipsis
        && full
        && let Some(last) = drafts.pop()
    {
        let cut = match blocks.get_mut(last.block) {
            Some(block) if !last.cut.shortened => {
                Breaker { block, spans, shaper, measure, ends_matter: true, hyphen: None }.with_ellipsis(last.cut)?
            }
            _ => last.cut,
        };
        drafts.push(Draft { block: last.block, cut });
    }
    blocks.extend(kept);
    Ok(Broken { blocks, drafts, truncated, full })
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

/// The next line goes on where no line may end.
fn is_torn(block: &Block, cut: &Cut) -> bool {
    cut.continues && !cut.shortened && block.clusters.get(cut.clusters.end).is_some_and(|next| !next.opportunity)
}

/// The text of a line: with the white space that hangs, and the line end where the paragraph ends; of a line cut short what
/// is left of it.
fn range(block: &Block, cut: &Cut) -> Range<usize> {
    let at = |cluster: usize| block.clusters.get(cluster).map(|cluster| cluster.start);
    let start = if cut.clusters.start == 0 { block.range.start } else { at(cut.clusters.start).unwrap_or(block.range.end) };
    let end = if cut.shortened { block.range.end } else { block.end };
    start..at(cut.clusters.end).unwrap_or(end).max(start)
}

/// The line box of a span's style in a face.
fn extent_in(face: &Face, span: usize, paragraph: &Paragraph, spans: &Spans<'_>) -> Option<Extent> {
    let style = spans.styles.get(span)?;
    let extent = Extent::of(face, style.size, paragraph.line_height);
    let extent = if paragraph.writing_mode == WritingMode::VerticalRl { extent.centered() } else { extent };
    Some(extent.raised(style.baseline_shift))
}

/// The line box. Given in pixels it is that of the paragraph's own style, whatever stands on the line; else it holds that of
/// every span on the line as well, and where no line height is given that of every face.
fn extent(block: &Block, cut: &Cut, paragraph: &Paragraph, spans: &Spans<'_>, faces: &[Arc<Face>]) -> Extent {
    let line_height = paragraph.line_height;
    let of = |span: usize, face: &Face| extent_in(face, span, paragraph, spans);
    let of_span = |span: usize| of(span, faces.get(span)?);
    let own = of_span(0).unwrap_or(Extent { above: 0.0, below: 0.0 });
    if line_height.is_some_and(|height| height >= place::LEAST_PIXELS) {
        return own;
    }
    let mut extent = own;
    let mut add = |more: Option<Extent>| extent = more.map_or(extent, |more| extent.union(more));
    let mut last_item = None;
    for cluster in block.clusters.get(cut.clusters.clone()).unwrap_or(&[]) {
        if last_item == Some(cluster.item) {
            continue;
        }
        last_item = Some(cluster.item);
        let Some(shaped) = block.items.get(cluster.item) else { continue };
        add(of_span(shaped.item.span));
        let ruby = spans.ruby_from(shaped.item.span, cluster.start);
        add(ruby.map(|ruby| Extent { above: ruby.above(), below: 0.0 }));
        if line_height.is_none() {
            add(of(shaped.item.span, &shaped.face));
        }
    }
    add(if last_item.is_none() { of_span(spans.at(block.range.start)) } else { None });
    extent
}
