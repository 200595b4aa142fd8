//! Items shaped: glyphs in font units, and those of a part of them.

use std::ops::Range;
use std::sync::Arc;

use crate::ctx::Stopped;
use crate::text::font::{Face, Synthetic};
use crate::text::itemize::{self, Item};
use crate::text::shape::{ShapedGlyph, Shaper, Stretch};
use crate::text::spans::Spans;
use crate::text::stance::Stance;

/// Glyphs between two looks at whether the work is still wanted: milliseconds in any script.
pub(in crate::text) const CHECK_EVERY: usize = 2_048;

/// An item with its glyphs.
pub(in crate::text) struct ShapedItem {
    pub item: Item,
    pub face: Arc<Face>,
    pub synthetic: Synthetic,
    /// Pixels per font unit.
    pub scale: f64,
    /// How much narrower digits are that stand side by side; otherwise 1.
    pub squeeze: f64,
    /// From left to right, or from the top down.
    pub glyphs: Vec<ShapedGlyph>,
    /// Punctuation that gives up half its width because of a neighbour, rising.
    pub halved: Vec<usize>,
}

impl ShapedItem {
    /// Makes one cluster of an em of what stands side by side: glyphs lie about its middle.
    fn set_across(&mut self) {
        let em = self.face.units_per_em();
        let width: i32 = self.glyphs.iter().map(|glyph| glyph.advance).sum();
        let mut x = -width / 2;
        // The last one takes the room: the others stand at the same height.
        let last = self.glyphs.len().saturating_sub(1);
        for (at, glyph) in self.glyphs.iter_mut().enumerate() {
            glyph.dx = glyph.dx.saturating_add(x);
            x = x.saturating_add(glyph.advance);
            glyph.advance = if at == last { em as i32 } else { 0 };
            glyph.cluster = self.item.range.start as u32;
            glyph.unsafe_before = false;
        }
        self.squeeze = if f64::from(width) > em { em / f64::from(width) } else { 1.0 };
    }
}

/// The glyphs of a part whose ends are safe.
pub(in crate::text) fn slice<'g>(shaped: &'g ShapedItem, range: &Range<usize>) -> &'g [ShapedGlyph] {
    slice_glyphs(&shaped.glyphs, shaped.item.level, range)
}

/// The glyphs whose clusters lie in `range`, of glyphs in visual order.
pub(in crate::text) fn slice_glyphs<'g>(glyphs: &'g [ShapedGlyph], level: u8, range: &Range<usize>) -> &'g [ShapedGlyph] {
    let (from, to) = if level % 2 == 1 {
        (
            glyphs.partition_point(|glyph| glyph.cluster as usize >= range.end),
            glyphs.partition_point(|glyph| glyph.cluster as usize >= range.start),
        )
    } else {
        (
            glyphs.partition_point(|glyph| (glyph.cluster as usize) < range.start),
            glyphs.partition_point(|glyph| (glyph.cluster as usize) < range.end),
        )
    };
    glyphs.get(from..to).unwrap_or(&[])
}

/// Asks now and then whether the work is still wanted, by glyphs shaped.
#[derive(Default)]
pub(in crate::text) struct Pace(usize);

impl Pace {
    pub fn check(&mut self, glyphs: usize, spans: &Spans<'_>) -> Result<(), Stopped> {
        // An item costs as much as some glyphs, however short it is.
        self.0 += glyphs + 8;
        if self.0 >= CHECK_EVERY {
            self.0 = 0;
            spans.ctx.check()?;
        }
        Ok(())
    }
}

pub(in crate::text) fn shape_all(spans: &mut Spans<'_>, items: &[Item], shaper: &mut Shaper) -> Result<Vec<ShapedItem>, Stopped> {
    let mut all = Vec::with_capacity(items.len());
    let mut pace = Pace::default();
    for item in items {
        if let Some(shaped) = shape(spans, item.clone(), shaper) {
            pace.check(shaped.glyphs.len(), spans)?;
            all.push(shaped);
        }
    }
    Ok(all)
}

fn shape(spans: &mut Spans<'_>, item: Item, shaper: &mut Shaper) -> Option<ShapedItem> {
    let (face, synthetic) = spans.face(item.span, item.candidate)?;
    let scale = spans.styles.get(item.span)?.size / face.units_per_em();
    let mut shaped = ShapedItem { item, face, synthetic, scale, squeeze: 1.0, glyphs: Vec::new(), halved: Vec::new() };
    let range = shaped.item.range.clone();
    shaped.glyphs = with_stretch(spans, &shaped, range, &[], |stretch| shaper.item(&shaped.face, stretch));
    if shaped.item.stance == Stance::Across {
        shaped.set_across();
    }
    Some(shaped)
}

pub(in crate::text) fn reshape(
    spans: &Spans<'_>,
    shaped: &ShapedItem,
    range: Range<usize>,
    halved: &[usize],
    shaper: &mut Shaper,
) -> Vec<ShapedGlyph> {
    with_stretch(spans, shaped, range, halved, |stretch| shaper.shape(stretch))
}

fn with_stretch(
    spans: &Spans<'_>,
    shaped: &ShapedItem,
    range: Range<usize>,
    halved: &[usize],
    shape: impl FnOnce(&Stretch<'_>) -> Vec<ShapedGlyph>,
) -> Vec<ShapedGlyph> {
    let item = &shaped.item;
    let mut glyphs = shape(&Stretch {
        face: &shaped.face,
        text: spans.text,
        range,
        flow: item.flow(),
        script: itemize::script_tag(item.script),
        lang: spans.lang(item.span),
        features: spans.features.get(item.span).map_or(&[], Vec::as_slice),
        halved,
    });
    if item.stance == Stance::Upright && shaped.face.is_color() {
        center(&mut glyphs, shaped.face.metrics().middle);
    }
    glyphs
}

/// Fonts of emoji have no metrics for columns: their glyphs take as much room downwards as sideways, about the middle.
fn center(glyphs: &mut [ShapedGlyph], middle: f64) {
    for glyph in glyphs {
        // Upright glyphs are shifted to the left by half of what they advance sideways.
        let side = glyph.dx.saturating_mul(-2).max(0);
        glyph.advance = side;
        glyph.dy = -(f64::from(side) / 2.0 + middle) as i32;
    }
}
