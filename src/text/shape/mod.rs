//! Shaping: characters of one face, script, language and direction in, glyphs in font units out. harfrust stays behind this
//! module.

mod open;

use std::cell::Cell;
use std::collections::HashMap;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use harfrust::{
    Buffer, BufferFlags, Direction, Feature, Language, Script, ShapeOptions, ShapePlan, ShapePlanKey, ShaperFont, Tag,
};

pub use open::Axis;
pub(in crate::text) use open::{Line, Metrics, Names, Opened};

use crate::key::BySpread;
use crate::text::Face;
use crate::text::analysis::Analysis;
use crate::text::unicode;

/// How many plans a face keeps: a poster uses few scripts, and a plan is built in microseconds.
const MAX_PLANS: usize = 16;

/// The plans made for a face so far, the latest last.
#[derive(Default)]
pub(in crate::text) struct Plans(Vec<Arc<ShapePlan>>);

/// Which way glyphs follow one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::text) enum Flow {
    Ltr,
    Rtl,
    /// Upright, from the top down.
    Down,
}

/// What a stretch is shaped as.
pub(in crate::text) struct Stretch<'a> {
    pub face: &'a Face,
    /// The text around the stretch too: joining forms depend on it.
    pub text: &'a str,
    pub range: Range<usize>,
    pub flow: Flow,
    /// ISO 15924, as `Latn`.
    pub script: [u8; 4],
    /// BCP 47.
    pub lang: Option<&'a str>,
    pub features: &'a [([u8; 4], u32)],
    /// Clusters that take half their advance (`halt`, `vhal`), rising.
    pub halved: &'a [usize],
}

/// A glyph in font units, y up. In upright text it advances downwards from the middle of its upper edge.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::text) struct ShapedGlyph {
    pub id: u16,
    /// Offset in the text of the first character it stands for.
    pub cluster: u32,
    pub advance: i32,
    pub dx: i32,
    pub dy: i32,
    /// Cutting the text before this cluster would change glyphs.
    pub unsafe_before: bool,
}

/// Shapes; keeps its buffer between calls.
pub(in crate::text) struct Shaper {
    buffer: Buffer,
    /// The most bytes and glyphs that it held.
    longest: usize,
    /// Where a text is tried at one size after the other.
    kept: Option<Kept>,
}

/// Of one text what is the same at all sizes.
#[derive(Default)]
struct Kept {
    /// By where the paragraph begins.
    analyses: HashMap<usize, Arc<Analysis>, BySpread>,
    /// Items shaped, by where they begin and their face, which is kept alive: its address tells it.
    items: HashMap<(usize, usize), (Arc<Face>, Vec<ShapedGlyph>), BySpread>,
}

thread_local! {
    /// The buffer of the last shaper: room that short texts need not ask for again. What is left in it never matters.
    static SPARE: Cell<Option<Buffer>> = const { Cell::new(None) };
}

/// Bytes or glyphs of the longest stretch whose buffer is kept: what a long one took is nobody's budget.
const MAX_SPARE: usize = 4_096;

impl Drop for Shaper {
    fn drop(&mut self) {
        if self.longest <= MAX_SPARE {
            SPARE.set(Some(std::mem::replace(&mut self.buffer, Buffer::new())));
        }
    }
}

impl Shaper {
    pub fn new() -> Shaper {
        Shaper { buffer: SPARE.take().unwrap_or_default(), longest: 0, kept: None }
    }

    /// One that remembers the paragraphs and items of the only text that it is used for.
    pub fn that_keeps() -> Shaper {
        let mut shaper = Shaper::new();
        shaper.kept = Some(Kept::default());
        shaper
    }

    /// What was kept of the paragraph that begins there.
    pub fn analysis(&self, start: usize) -> Option<Arc<Analysis>> {
        self.kept.as_ref()?.analyses.get(&start).cloned()
    }

    pub fn keep(&mut self, start: usize, analysis: Analysis) -> Arc<Analysis> {
        let analysis = Arc::new(analysis);
        if let Some(kept) = &mut self.kept {
            kept.analyses.insert(start, Arc::clone(&analysis));
        }
        analysis
    }

    /// A whole item of the text, shaped or remembered. A face of another size is another one where it has optical sizes.
    pub fn item(&mut self, face: &Arc<Face>, stretch: &Stretch<'_>) -> Vec<ShapedGlyph> {
        let key = (stretch.range.start, Arc::as_ptr(face).addr());
        if let Some((_, known)) = self.kept.as_ref().and_then(|kept| kept.items.get(&key)) {
            return known.clone();
        }
        let glyphs = self.shape(stretch);
        if let Some(kept) = &mut self.kept {
            kept.items.insert(key, (Arc::clone(face), glyphs.clone()));
        }
        glyphs
    }

    /// The glyphs from left to right or from the top down; characters without ink or advance (controls, joiners, selectors) give none.
    pub fn shape(&mut self, stretch: &Stretch<'_>) -> Vec<ShapedGlyph> {
        let shaped = catch_unwind(AssertUnwindSafe(|| self.shape_unguarded(stretch)));
        shaped.ok().flatten().unwrap_or_else(|| {
            // The buffer may be in any state after a panic.
            self.buffer = Buffer::new();
            unshaped(stretch)
        })
    }

    fn shape_unguarded(&mut self, stretch: &Stretch<'_>) -> Option<Vec<ShapedGlyph>> {
        let text = stretch.text.get(stretch.range.clone())?;
        let direction = match stretch.flow {
            Flow::Ltr => Direction::LeftToRight,
            Flow::Rtl => Direction::RightToLeft,
            Flow::Down => Direction::TopToBottom,
        };
        let script = Script::from_iso15924_tag(Tag::new(&stretch.script));
        let lang = stretch.lang.and_then(Language::new);
        let mut features: Vec<Feature> =
            stretch.features.iter().map(|(tag, value)| Feature::new(Tag::new(tag), *value, ..)).collect();
        // The shaper walks all of the stretch for each: neighbours share one.
        let text_at = |at: usize| stretch.text.get(at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8);
        let mut ranges: Vec<Range<usize>> = Vec::new();
        for at in stretch.halved {
            let end = at + text_at(*at);
            match ranges.last_mut() {
                Some(last) if last.end == *at => last.end = end,
                _ => ranges.push(*at..end),
            }
        }
        features.extend(ranges.into_iter().map(|range| Feature {
            tag: Tag::new(if stretch.flow == Flow::Down { b"vhal" } else { b"halt" }),
            value: 1,
            start: range.start as u32,
            end: range.end as u32,
        }));

        self.longest = self.longest.max(text.len());
        let buffer = &mut self.buffer;
        buffer.clear();
        buffer.set_flags(BufferFlags::REMOVE_DEFAULT_IGNORABLES);
        buffer.set_direction(direction);
        buffer.set_script(script);
        buffer.set_language(lang.clone());
        for (at, c) in text.char_indices() {
            buffer.push(u32::from(unicode::drawn_as(c)), (stretch.range.start + at) as u32);
        }
        buffer.set_pre_context(stretch.text.get(..stretch.range.start)?);
        buffer.set_post_context(stretch.text.get(stretch.range.end..)?);

        let font = &stretch.face.opened().0;
        let plan = plan(stretch.face, script, direction, lang.as_ref(), &features);
        let options = ShapeOptions::new().plan(Some(&plan)).features(&features);
        harfrust::shape(&ShaperFont::new(font), buffer, options).ok()?;

        self.longest = self.longest.max(buffer.glyph_infos().len());
        let glyphs = buffer.glyph_infos().iter().zip(buffer.glyph_positions());
        Some(
            glyphs
                .map(|(info, position)| ShapedGlyph {
                    id: u16::try_from(info.glyph_id).unwrap_or(0),
                    cluster: info.cluster,
                    advance: if stretch.flow == Flow::Down { position.y_advance.saturating_neg() } else { position.x_advance },
                    dx: position.x_offset,
                    dy: position.y_offset,
                    unsafe_before: info.unsafe_to_break(),
                })
                .collect(),
        )
    }
}

fn plan(
    face: &Face,
    script: Option<Script>,
    direction: Direction,
    lang: Option<&Language>,
    features: &[Feature],
) -> Arc<ShapePlan> {
    let font = &face.opened().0;
    let key = ShapePlanKey::new(font, script, direction).language(lang).features(features);
    let mut plans = face.plans().lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if let Some(found) = plans.0.iter().find(|plan| key.matches(plan)) {
        return Arc::clone(found);
    }
    let made = Arc::new(ShapePlan::new(font, direction, script, lang, features));
    if plans.0.len() >= MAX_PLANS {
        plans.0.remove(0);
    }
    plans.0.push(Arc::clone(&made));
    made
}

/// What is left when the shaper fails: each character's own glyph, half an em apart.
fn unshaped(stretch: &Stretch<'_>) -> Vec<ShapedGlyph> {
    let advance = (stretch.face.units_per_em() / 2.0) as i32;
    let text = stretch.text.get(stretch.range.clone()).unwrap_or("");
    let mut glyphs: Vec<ShapedGlyph> = text
        .char_indices()
        .map(|(at, c)| ShapedGlyph {
            id: stretch.face.opened().glyph(c).and_then(|g| u16::try_from(g).ok()).unwrap_or(0),
            cluster: (stretch.range.start + at) as u32,
            advance,
            dx: 0,
            dy: 0,
            unsafe_before: false,
        })
        .collect();
    if stretch.flow == Flow::Rtl {
        glyphs.reverse();
    }
    glyphs
}
