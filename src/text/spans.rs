//! What every paragraph of a text shares: its characters, how its spans look, the faces they are drawn in.

use std::ops::Range;
use std::sync::Arc;

use crate::ctx::Ctx;
use crate::text::fallback::Chooser;
use crate::text::font::{Candidate, Face, Fonts, Synthetic};
use crate::text::ruby::Ruby;
use crate::text::unicode::{ends_line, is_ignorable};
use crate::text::{Paragraph, Style, TextError};

/// What every paragraph of a text shares: its characters and how its spans look.
pub(in crate::text) struct Spans<'a> {
    pub text: &'a str,
    /// Where each span starts; the first is 0.
    pub starts: Vec<usize>,
    pub styles: Vec<&'a Style>,
    pub choosers: Vec<Chooser<'a>>,
    /// Of each span: spans of the same families, weight and slope share one.
    pub chooser_of: Vec<usize>,
    /// OpenType features per span, those of letter spacing included.
    pub features: Vec<Vec<([u8; 4], u32)>>,
    pub fonts: &'a Fonts,
    pub ctx: &'a Ctx<'a>,
    pub rubies: Vec<Ruby>,
    faces: Vec<FoundFace>,
}

/// The face that a span's style makes of a candidate, with what it lacks.
struct FoundFace {
    span: usize,
    candidate: Candidate,
    face: Option<(Arc<Face>, Synthetic)>,
}

impl<'a> Spans<'a> {
    pub fn new(fonts: &'a Fonts, paragraph: &'a Paragraph, text: &'a str, ctx: &'a Ctx<'a>) -> Result<Spans<'a>, TextError> {
        let mut spans = Spans {
            text,
            starts: Vec::new(),
            styles: Vec::new(),
            choosers: Vec::new(),
            chooser_of: Vec::new(),
            features: Vec::new(),
            fonts,
            ctx,
            rubies: Ruby::of(fonts, paragraph, ctx)?,
            faces: Vec::new(),
        };
        let mut start = 0;
        for span in &paragraph.spans {
            let chooser = match spans.choosers.iter().position(|chooser| chooser.serves(&span.style)) {
                Some(known) => known,
                None => {
                    spans.choosers.push(Chooser::new(fonts, &span.style).ok_or_else(|| fonts.unknown(&span.style))?);
                    spans.choosers.len() - 1
                }
            };
            spans.chooser_of.push(chooser);
            spans.starts.push(start);
            spans.styles.push(&span.style);
            spans.features.push(features(&span.style));
            start += span.text.len();
        }
        Ok(spans)
    }

    /// A candidate at a span's weight, slope and size, and what it lacks of them.
    pub fn face(&mut self, span: usize, candidate: Candidate) -> Option<(Arc<Face>, Synthetic)> {
        if let Some(found) = self.faces.iter().find(|found| (found.span, found.candidate) == (span, candidate)) {
            return found.face.clone();
        }
        let style = self.styles.get(span)?;
        let face = self.fonts.face(candidate, style.weight, style.italic, style.size);
        self.faces.push(FoundFace { span, candidate, face: face.clone() });
        face
    }

    /// The face of a span that its line metrics come from.
    pub fn first_face(&mut self, span: usize) -> Option<Arc<Face>> {
        let first = self.chooser(span)?.first()?;
        self.face(span, first).map(|(face, _)| face)
    }

    /// Who chooses the faces of a span.
    pub fn chooser(&mut self, span: usize) -> Option<&mut Chooser<'a>> {
        self.choosers.get_mut(*self.chooser_of.get(span)?)
    }

    /// Where a span's text lies in the whole.
    pub fn range(&self, span: usize) -> Range<usize> {
        let end = self.starts.get(span + 1).copied().unwrap_or(self.text.len());
        self.starts.get(span).copied().unwrap_or(end)..end
    }

    /// The ruby of a span, if the letters that it stands over begin with the cluster at `at`: over those of a further line, which
    /// only a line end in its text parts from the first, it does not stand again.
    pub fn ruby_from(&self, span: usize, at: usize) -> Option<&Ruby> {
        let place = self.rubies.binary_search_by_key(&span, |ruby| ruby.span).ok()?;
        let before = self.text.get(self.range(span).start..at)?;
        self.rubies.get(place).filter(|_| before.chars().all(|c| is_ignorable(c) || ends_line(c)))
    }

    /// The span that holds the character at `at`; the last one at the end.
    pub fn at(&self, at: usize) -> usize {
        self.starts.partition_point(|start| *start <= at).saturating_sub(1)
    }

    /// The language a span is shaped in: regional forms that a family's name asks for count where `lang` does not choose
    /// among regions.
    pub fn lang(&self, span: usize) -> Option<&str> {
        let own = self.styles.get(span).and_then(|style| style.lang.as_deref());
        let of_name = self.chooser_of.get(span).and_then(|chooser| self.choosers.get(*chooser)).and_then(Chooser::lang);
        match own {
            Some(own) if ["zh", "ja", "ko"].iter().any(|region| is_language(own, region)) => Some(own),
            _ => of_name.or(own),
        }
    }
}

/// Whether a BCP 47 tag is of this language, given by its two letters; the three that ISO 639-2 has for it mean the same.
pub fn is_language(tag: &str, language: &str) -> bool {
    const LONG: [(&str, &[&str]); 3] = [("zh", &["zho", "chi"]), ("ja", &["jpn"]), ("ko", &["kor"])];
    let first = tag.split(['-', '_']).next().unwrap_or_default();
    let long = LONG.iter().filter(|(short, _)| *short == language).flat_map(|(_, long)| *long);
    long.chain([&language]).any(|name| first.eq_ignore_ascii_case(name))
}

/// What the style asks for comes last and so wins; spaced letters form no ligatures, as in browsers.
fn features(style: &Style) -> Vec<([u8; 4], u32)> {
    let mut features = if style.letter_spacing == 0.0 { Vec::new() } else { vec![(*b"liga", 0), (*b"clig", 0)] };
    features.extend_from_slice(&style.features);
    features
}
