//! A text tried at one size after the other, or in one measure after the other: what its letters are shaped to is kept, and no glyph
//! is placed.

use crate::ctx::Ctx;
use crate::key::KeyBuilder;
use crate::memo::{Kind, Memo};
use crate::text::shape::Shaper;
use crate::text::{Fonts, Paragraph, TextError, key, paragraph};

/// What a text comes to at one size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tried {
    /// As of [`Composed`](crate::text::Composed).
    pub width: f64,
    pub height: f64,
    pub truncated: bool,
    pub torn: bool,
}

/// Sizes of one text in one measure: all else of the paragraphs that are tried is alike.
pub struct Trials<'a> {
    fonts: &'a Fonts,
    measure: f64,
    ctx: &'a Ctx<'a>,
    shaper: Shaper,
}

impl<'a> Trials<'a> {
    pub fn new(fonts: &'a Fonts, measure: f64, ctx: &'a Ctx<'a>) -> Trials<'a> {
        Trials { fonts, measure, ctx, shaper: Shaper::that_keeps() }
    }

    pub fn set(&mut self, paragraph: &Paragraph) -> Result<Tried, TextError> {
        paragraph::try_out(self.fonts, paragraph, Some(self.measure), &mut self.shaper, self.ctx)
    }
}

/// What a text wants of a line, with what lies around it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Widths {
    /// Without line breaks.
    pub natural: f64,
    /// Without torn words.
    pub narrowest: f64,
}

/// The widths of a text: `least` is as narrow as one wants to know, `around` what lies beside its lines.
pub fn widths(
    fonts: &Fonts,
    paragraph: &Paragraph,
    (least, around): (f64, f64),
    memo: &Memo,
    ctx: &Ctx<'_>,
) -> Result<Widths, TextError> {
    let key = KeyBuilder::new("widths").key(key(fonts, paragraph, None)).f64(least).f64(around);
    let find = || paragraph::widths(fonts, paragraph, (least, around), ctx);
    memo.get_or_make(Kind::Text, key.finish(), |_| size_of::<Widths>(), find).map(|widths| *widths)
}

/// The size that a text was fitted at by the same measures, or else what `find` finds.
pub fn fitted_size<E>(
    fonts: &Fonts,
    paragraph: &Paragraph,
    measures: [f64; 3],
    memo: &Memo,
    find: impl FnOnce() -> Result<f64, E>,
) -> Result<f64, E> {
    let key = measures.iter().fold(KeyBuilder::new("fitted size").key(key(fonts, paragraph, None)), |key, one| key.f64(*one));
    memo.get_or_make(Kind::Text, key.finish(), |_| size_of::<f64>(), find).map(|size| *size)
}
