//! The text stage: a paragraph in, placed glyphs out. Knows fonts and Unicode, nothing of layers, pictures or painting.

mod font;
mod shape;
mod unicode;

use std::ops::Range;
use std::sync::Arc;

use crate::ctx::{Ctx, Stopped};
use crate::memo::Memo;

pub use font::{Axis, Face, FaceInfo, FamilyInfo, FontError, FontWarning, Fonts};

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
}

#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    pub text: String,
    pub style: Style,
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

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Direction {
    #[default]
    Auto,
    Ltr,
    Rtl,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Overflow {
    #[default]
    Visible,
    Clip,
    Ellipsis,
}

/// A paragraph block (it may hold several `\n`-separated paragraphs). Everything that determines line breaks and glyph places.
#[derive(Clone, Debug, PartialEq)]
pub struct Paragraph {
    pub spans: Vec<Span>,
    /// As written: below 4 a multiple of the size, else pixels; `None` is A + D + line gap.
    pub line_height: Option<f64>,
    pub align: Align,
    pub wrap: Wrap,
    pub word_break: WordBreak,
    pub line_break: LineBreak,
    pub direction: Direction,
    pub max_lines: Option<u32>,
    pub overflow: Overflow,
}

/// A paragraph composed into lines. Coordinates in layout pixels from the box's top left, y down.
#[derive(Debug)]
pub struct Composed {
    pub lines: Vec<Line>,
    /// The widest line without hanging spaces.
    pub width: f64,
    /// The sum of the line boxes.
    pub height: f64,
    /// Lines were left out or cut.
    pub truncated: bool,
    /// Code points no face has, sorted, each once.
    pub missing: Vec<char>,
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
    /// The run's glyphs have colours of their own.
    pub color: bool,
    pub glyphs: Vec<Glyph>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Glyph {
    pub id: u16,
    /// Origin on the canvas-aligned baseline: x from the box's left, y the baseline (y down), offsets of shaping included.
    pub x: f64,
    pub y: f64,
    pub advance: f64,
    /// Offset of its cluster in the joined text.
    pub cluster: usize,
}

/// Why a paragraph cannot be composed.
#[derive(Debug, thiserror::Error)]
pub enum TextError {
    #[error("none of the fonts {wanted:?} is known; there are: {known}")]
    UnknownFamilies { wanted: Vec<String>, known: String },
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

/// Lays out a paragraph in `measure` pixels of width (`None`: as wide as it wants).
pub fn compose(
    _fonts: &Fonts,
    _paragraph: &Paragraph,
    _measure: Option<f64>,
    _memo: &Memo,
    _ctx: &Ctx,
) -> Result<Arc<Composed>, TextError> {
    todo!("the text stage")
}
