//! Ruby: a small text beside a span, as pinyin or furigana. It is set as a line of its own, and its span gives it room.

use std::sync::Arc;

use crate::ctx::Ctx;
use crate::text::font::Fonts;
use crate::text::{Composed, Glyph, Paragraph, Run, Span, Style, TextError, Wrap, WritingMode, paragraph};

/// Its size as a part of the base's, as in CSS.
const SIZE: f64 = 0.5;

/// Between the rubies of neighbours, in ems of the base.
const AIR: f64 = 0.125;

/// The annotation of a span.
pub(in crate::text) struct Ruby {
    pub span: usize,
    /// One line.
    set: Composed,
    air: f64,
    /// How far above the line the letters of its span end and it begins: the em box's upper edge.
    edge: f64,
}

impl Ruby {
    /// Those of a paragraph, in the order of their spans.
    pub fn of(fonts: &Fonts, paragraph: &Paragraph, ctx: &Ctx<'_>) -> Result<Vec<Ruby>, TextError> {
        let mut found = Vec::new();
        for (number, span) in paragraph.spans.iter().enumerate() {
            let Some(text) = span.ruby.as_ref().filter(|ruby| !ruby.is_empty() && !span.text.is_empty()) else { continue };
            let style = Style {
                size: span.style.size * SIZE,
                baseline_shift: 0.0,
                letter_spacing: 0.0,
                word_spacing: 0.0,
                ..span.style.clone()
            };
            let line = Paragraph {
                spans: vec![Span { text: text.clone(), style, ruby: None }],
                wrap: Wrap::None,
                max_lines: Some(1),
                direction: paragraph.direction,
                writing_mode: paragraph.writing_mode,
                orientation: paragraph.orientation,
                combine_upright: paragraph.combine_upright,
                ..Paragraph::default()
            };
            let Style { size, baseline_shift, .. } = span.style;
            let middle = match paragraph.writing_mode {
                WritingMode::Horizontal => {
                    let metrics = *fonts.first_face(&span.style)?.0.metrics();
                    metrics.middle * size / metrics.units_per_em
                }
                WritingMode::VerticalRl => 0.0,
            };
            let set = paragraph::compose(fonts, &line, None, ctx)?;
            found.push(Ruby { span: number, set, air: AIR * size, edge: middle + size / 2.0 + baseline_shift });
        }
        Ok(found)
    }

    /// Code points that no face has.
    pub fn missing(&self) -> &[char] {
        &self.set.missing
    }

    /// The room it wants along the line, with a little air to that of a neighbour.
    pub fn width(&self) -> f64 {
        self.set.width + self.air
    }

    /// How far it reaches above the line, on whole pixels as any line box.
    pub fn above(&self) -> f64 {
        libm::ceil(self.edge + self.set.height)
    }

    /// Its runs above the base that begins at `from`, is so wide and stands on `baseline`. They belong to the base's `span` and
    /// cluster.
    pub fn runs(&self, (from, width): (f64, f64), baseline: f64, cluster: usize) -> Vec<Run> {
        let Some(line) = self.set.lines.first() else { return Vec::new() };
        let along = from + (width - line.width) / 2.0 - line.x;
        let down = baseline - self.edge - self.set.height;
        let moved = |glyph: &Glyph| Glyph {
            x: glyph.x + if self.set.vertical { -down } else { along },
            y: glyph.y + if self.set.vertical { along } else { down },
            along: glyph.along + along,
            cluster,
            ..*glyph
        };
        let run = |run: &Run| Run {
            face: Arc::clone(&run.face),
            span: self.span,
            size: run.size,
            slant: run.slant,
            bold: run.bold,
            color: run.color,
            rtl: run.rtl,
            pose: run.pose,
            ruby: true,
            glyphs: run.glyphs.iter().map(moved).collect(),
        };
        line.runs.iter().map(run).collect()
    }
}
