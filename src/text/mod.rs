//! The text stage: a paragraph in, placed glyphs out. Knows fonts and Unicode, nothing of layers, pictures or painting.

mod analysis;
pub mod bidi;
mod block;
pub mod breaks;
mod ellipsis;
mod fallback;
mod fitting;
mod font;
mod gaps;
mod itemize;
mod lines;
mod paragraph;
mod place;
mod ruby;
mod shape;
mod shaped;
mod spans;
mod stance;
mod trim;
mod unicode;

use std::ops::Range;
use std::sync::Arc;

use crate::ctx::{Ctx, Stopped};
use crate::key::{Key, KeyBuilder};
use crate::memo::{Kind, Memo};

pub use fitting::{Trials, Tried, Widths, fitted_size, widths};
pub use spans::is_language;
pub use unicode::{is_emphasized, is_unskipped};

pub use font::{Axis, BadFont, Face, FaceInfo, FamilyInfo, FontError, FontWarning, Fonts, OwnFont, Synthetic};

/// How far a text may reach beyond its box and still fits: widths are sums of floating point numbers, and a box made to measure must hold
/// its text. Browsers allow as much.
pub const TOLERANCE: f64 = 1.0 / 64.0;

/// How a stretch of text looks, as far as shaping and breaking care. Sizes in layout pixels (scale 1).
#[derive(Clone, Debug, PartialEq)]
pub struct Style {
    /// In order of preference; unknown names are passed over.
    pub families: Vec<String>,
    pub size: f64,
    /// 1 to 1000.
    pub weight: f64,
    pub italic: bool,
    /// BCP 47; chooses regional forms and fallback.
    pub lang: Option<String>,
    /// OpenType features, tag and value.
    pub features: Vec<([u8; 4], u32)>,
    /// In pixels; between clusters only.
    pub letter_spacing: f64,
    /// In pixels; after every space between words, besides.
    pub word_spacing: f64,
    /// How far its baseline lies above the line's, in pixels.
    pub baseline_shift: f64,
}

impl Default for Style {
    /// The contract's defaults.
    fn default() -> Style {
        Style {
            families: vec!["Inter".into(), "Noto Sans SC".into()],
            size: 16.0,
            weight: 400.0,
            italic: false,
            lang: None,
            features: Vec::new(),
            letter_spacing: 0.0,
            word_spacing: 0.0,
            baseline_shift: 0.0,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Default)]
pub struct Span {
    pub text: String,
    pub style: Style,
    /// A small text above it, to the right of it in vertical lines. Such a span is never broken where there is room for it.
    pub ruby: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Align {
    #[default]
    Start,
    Center,
    End,
    Left,
    Right,
    Justify,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Wrap {
    #[default]
    Normal,
    Balance,
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum WordBreak {
    #[default]
    Normal,
    KeepAll,
    BreakAll,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum LineBreak {
    Loose,
    #[default]
    Normal,
    Strict,
}

/// Whether full-width punctuation gives up its blank half: CSS text-spacing-trim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum SpacingTrim {
    /// Beside other punctuation, and at a line's end where it would not fit otherwise.
    #[default]
    Normal,
    /// Never.
    SpaceAll,
    /// As `Normal`, and at each line's start.
    TrimStart,
    /// As `Normal`, and at each line's start and end.
    TrimBoth,
}

/// Which punctuation may stand beyond a line's ends: CSS hanging-punctuation. It then counts for no width.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct HangingPunctuation {
    /// Opening brackets and quotation marks before the first line.
    pub first: bool,
    /// Closing ones after the last.
    pub last: bool,
    /// Stops and commas after any line.
    pub end: HangingEnd,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum HangingEnd {
    #[default]
    Never,
    /// Where they would not fit.
    Allow,
    Force,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Direction {
    #[default]
    Auto,
    Ltr,
    Rtl,
}

/// Which way lines run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum WritingMode {
    #[default]
    Horizontal,
    /// From the top down, the first line on the right.
    VerticalRl,
}

/// How letters stand in vertical lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Orientation {
    /// Each as its script is used to (UAX 50).
    #[default]
    Mixed,
    Upright,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Overflow {
    #[default]
    Visible,
    Clip,
    Ellipsis,
}

/// A paragraph block (it may hold several `\n`-separated paragraphs). Everything that determines line breaks and glyph places.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Paragraph {
    /// Stretches that are set alike; what only looks different (a colour) is no span of its own, or it could not be shaped as
    /// one. The first is the paragraph's own style, by which every line is at least as high; its text may be empty.
    pub spans: Vec<Span>,
    /// As written: below 4 a multiple of the size, else pixels; `None` is A + D + line gap.
    pub line_height: Option<f64>,
    pub align: Align,
    pub wrap: Wrap,
    pub word_break: WordBreak,
    pub line_break: LineBreak,
    pub spacing_trim: SpacingTrim,
    /// The room between Han or kana and letters or digits of other scripts that touch, in ems of the former.
    pub autospace: f64,
    pub hanging_punctuation: HangingPunctuation,
    pub direction: Direction,
    pub writing_mode: WritingMode,
    pub orientation: Orientation,
    /// So many digits stand side by side across a vertical line.
    pub combine_upright: u8,
    pub max_lines: Option<u32>,
    /// In pixels: whole lines that reach beyond it are left out, all but the first.
    pub max_height: Option<f64>,
    pub overflow: Overflow,
}

/// A paragraph composed into lines. Lines are told by how far along and how far down they lie (in vertical writing down and to the
/// left); glyphs stand at x and y, y down, from the box's top left or, in vertical writing, its top right. In layout pixels.
#[derive(Debug)]
pub struct Composed {
    pub vertical: bool,
    pub lines: Vec<Line>,
    /// The widest line without hanging spaces.
    pub width: f64,
    /// The sum of the line boxes.
    pub height: f64,
    /// Lines were left out or cut.
    pub truncated: bool,
    /// A line ends within a word, because the word fits no line.
    pub torn: bool,
    /// Code points no face has, sorted, each once.
    pub missing: Vec<char>,
    /// Of each span.
    pub marks: Vec<Marks>,
}

/// Where what goes along with a span's text lies, by the metrics of its first family, in pixels at scale 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Marks {
    /// How far its baseline lies above the line's.
    pub shift: f64,
    /// What its text reaches above and below its baseline: whole pixels.
    pub ascent: f64,
    pub descent: f64,
    pub underline: Bar,
    pub line_through: Bar,
}

/// A line along the text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bar {
    /// From the baseline down to its upper edge.
    pub top: f64,
    pub thickness: f64,
}

#[derive(Debug)]
pub struct Line {
    /// UTF-8 offsets into the joined text of all spans; what follows (a hanging space, `\n`) belongs to no line's ink but to its range.
    pub range: Range<usize>,
    pub x: f64,
    pub top: f64,
    pub baseline: f64,
    /// Advance without hanging spaces.
    pub width: f64,
    pub height: f64,
    /// The paragraph's direction.
    pub rtl: bool,
    /// In visual order, left to right.
    pub runs: Vec<Run>,
}

/// Glyphs of one face, span and direction.
#[derive(Debug)]
pub struct Run {
    pub face: Arc<Face>,
    pub span: usize,
    /// Pixels per em at scale 1.
    pub size: f64,
    /// Horizontal shear of a synthetic italic: x moves by `slant` times the height above the baseline. 0 without.
    pub slant: f64,
    /// Drawn heavier than its face is: the family has no bold one.
    pub bold: bool,
    /// The run's glyphs have colours of their own.
    pub color: bool,
    /// The text of its glyphs goes from right to left.
    pub rtl: bool,
    pub pose: Pose,
    /// It stands beside its span's text, whose clusters its glyphs have.
    pub ruby: bool,
    pub glyphs: Vec<Glyph>,
}

impl Run {
    /// How far above the baseline the middle of its letters lies.
    pub fn middle(&self) -> f64 {
        self.face.metrics().middle * self.size / self.face.units_per_em()
    }
}

/// How glyphs stand about their origins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pose {
    /// As they are.
    Upright,
    /// Turned clockwise by a quarter.
    Turned,
    /// As they are but narrower, by this factor.
    Narrow(f64),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Glyph {
    pub id: u16,
    /// A hyphen or an ellipsis that stands for text: it has the cluster of the letter before it, and is none of it.
    pub marker: bool,
    /// Origin on the canvas-aligned baseline: x from the box's left, y the baseline (y down), offsets of shaping included.
    pub x: f64,
    pub y: f64,
    pub advance: f64,
    /// How far along its line its advance begins.
    pub along: f64,
    /// Offset of its cluster in the joined text.
    pub cluster: usize,
}

/// Why a paragraph cannot be composed.
#[derive(Debug, thiserror::Error)]
pub enum TextError {
    #[error("none of the fonts {wanted:?} is known; there are: {known}")]
    UnknownFamilies { wanted: Vec<String>, known: String },
    #[error("a text of {bytes} bytes; at most {} are laid out", crate::limits::MAX_TEXT_BYTES)]
    TooLong { bytes: usize },
    #[error("a text of {characters} characters; at most {} are laid out", crate::limits::MAX_TEXT_CHARS)]
    TooManyCharacters { characters: usize },
    #[error("a text of more than {} lines", crate::limits::MAX_TEXT_LINES)]
    TooManyLines,
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

/// Lays out a text in `measure` pixels of width (`None`: as wide as it wants; then lines end only where the text says).
pub fn compose(
    fonts: &Fonts,
    paragraph: &Paragraph,
    measure: Option<f64>,
    memo: &Memo,
    ctx: &Ctx<'_>,
) -> Result<Arc<Composed>, TextError> {
    // What is remembered holds its faces, and so would keep whole files of requests' own fonts that nobody has counted.
    if paragraph.spans.iter().flat_map(|span| &span.style.families).any(|family| fonts.is_own(family)) {
        return Ok(Arc::new(paragraph::compose(fonts, paragraph, measure, ctx)?));
    }
    let key = key(fonts, paragraph, measure);
    if let Some(found) = memo.get::<Composed>(Kind::Text, key) {
        return Ok(found);
    }
    let composed = Arc::new(paragraph::compose(fonts, paragraph, measure, ctx)?);
    memo.put(Kind::Text, key, Arc::clone(&composed), composed.bytes());
    Ok(composed)
}

impl Composed {
    /// What it weighs in a cache.
    fn bytes(&self) -> usize {
        let of_run = |run: &Run| run.glyphs.capacity() * size_of::<Glyph>();
        let of_line = |line: &Line| line.runs.capacity() * size_of::<Run>() + line.runs.iter().map(of_run).sum::<usize>();
        let of_runs: usize = self.lines.iter().map(of_line).sum();
        let marks = self.marks.capacity() * size_of::<Marks>();
        size_of::<Composed>() + self.lines.capacity() * size_of::<Line>() + marks + of_runs
    }
}

/// Of everything that decides how a text is composed. Valid within one process: fonts count by their registry.
fn key(fonts: &Fonts, paragraph: &Paragraph, measure: Option<f64>) -> Key {
    let mut key = KeyBuilder::new("text").u32(fonts.id() as u32).u32((fonts.id() >> 32) as u32);
    let optional = |key: KeyBuilder, value: Option<f64>| match value {
        Some(value) => key.u8(1).f64(value),
        None => key.u8(0),
    };
    key = optional(key, measure);
    let Paragraph {
        spans,
        line_height,
        align,
        wrap,
        word_break,
        line_break,
        spacing_trim,
        autospace,
        hanging_punctuation,
        direction,
        writing_mode,
        orientation,
        combine_upright,
        max_lines,
        max_height,
        overflow,
    } = paragraph;
    key = optional(optional(key, *line_height), *max_height);
    key = key
        .u8(*align as u8)
        .u8(*wrap as u8)
        .u8(*word_break as u8)
        .u8(*line_break as u8)
        .u8(*direction as u8)
        .u8(*writing_mode as u8)
        .u8(*orientation as u8)
        .u8(*combine_upright)
        .u8(*spacing_trim as u8)
        .f64(*autospace)
        .u8(u8::from(hanging_punctuation.first))
        .u8(u8::from(hanging_punctuation.last))
        .u8(hanging_punctuation.end as u8);
    key = key.u32(max_lines.map_or(0, |max| max.max(1))).u8(*overflow as u8).u32(spans.len() as u32);
    for Span { text, style, ruby } in spans {
        let Style { families, size, weight, italic, lang, features, letter_spacing, word_spacing, baseline_shift } = style;
        key = key.bytes(text.as_bytes()).u32(families.len() as u32);
        key = families.iter().fold(key, |key, family| key.bytes(family.as_bytes()));
        key = key.f64(*size).f64(*weight).u8(u8::from(*italic)).f64(*letter_spacing).f64(*word_spacing).f64(*baseline_shift);
        key = match lang {
            Some(lang) => key.u8(1).bytes(lang.as_bytes()),
            None => key.u8(0),
        };
        key = match ruby {
            Some(ruby) => key.u8(1).bytes(ruby.as_bytes()),
            None => key.u8(0),
        };
        key = features.iter().fold(key.u32(features.len() as u32), |key, (tag, value)| key.bytes(tag).u32(*value));
    }
    key.finish()
}

#[cfg(test)]
mod tests;
