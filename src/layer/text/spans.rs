//! `spans`: stretches of a text with a style and a look of their own.

use serde_json::Value;

use super::emphasis::Emphasis;
use super::fill::FillField;
use super::look::{Decoration, Highlight, Look, Stroke};
use super::values::{Distance, Families, Features};
use super::{FontSize, Weight};
use crate::limits::MAX_SPANS;
use crate::problem::Place;
use crate::template::declare::fields;
use crate::template::fields::{Read, Reader};
use crate::template::values::{list, list_schema};
use crate::text::{Span, Style};

fields! {
    /// A stretch of a text. What it leaves out is as in the layer.
    pub struct SpanFields {
        /// What it says; `\n` breaks the line.
        text: String,
        /// A family or a list in order of preference.
        font: Option<Families>,
        /// Pixels per em.
        size: Option<FontSize>,
        /// 400 is regular, 700 bold.
        weight: Option<Weight>,
        /// Slanted by 12 degrees only where a family has no italic face.
        italic: Option<bool>,
        /// OpenType features besides the layer's.
        features: Option<Features>,
        /// A text of half its size above it, to its right in vertical lines: pinyin, furigana. Its letters stay together.
        ruby: Option<String>,
        /// Between clusters: pixels, or `"0.1em"` of its own size.
        letter_spacing: Option<Distance>,
        /// Of every space besides its own width: pixels, or `"0.25em"` of its own size.
        word_spacing: Option<Distance>,
        /// How far it stands above the line: pixels, or `"0.4em"` of its own size; negative ones below.
        baseline_shift: Option<Distance>,
        /// A colour, a gradient over the layer's box, or a picture over it.
        color: Option<FillField>,
        /// `underline`, `line_through`, a list of both, or `none`, in its own colour and size.
        decoration: Option<Decoration>,
        /// A mark beside each letter, as `dot`, `circle`, `triangle` or `sesame`.
        emphasis: Option<Emphasis>,
        /// A box behind it.
        highlight: Option<Highlight>,
        /// A line along its outlines, behind it.
        stroke: Option<Stroke>,
    }
}

/// A list of spans.
#[derive(Clone, PartialEq, Debug)]
pub struct Spans(pub Vec<SpanFields>);

impl Read for Spans {
    fn read(value: &Value, reader: &mut Reader) -> Option<Spans> {
        list(value, reader, (0, MAX_SPANS), "spans").map(Spans)
    }

    fn schema() -> Value {
        list_schema::<SpanFields>((0, MAX_SPANS))
    }
}

/// What a layer gives to its spans.
pub(super) struct Base {
    pub style: Style,
    pub spacing: Option<Distance>,
    pub word_spacing: Option<Distance>,
    pub look: Look,
}

impl Base {
    /// What the text stage sets: neighbours that are set alike are one stretch, whatever they look like, so that letters join and
    /// kern across. The layer's own style comes first.
    pub fn set(&self, spans: &[SpanFields]) -> Vec<Span> {
        let mut set = vec![Span { text: String::new(), style: self.style.clone(), ruby: None }];
        for span in spans {
            let style = self.style_of(span);
            match set.last_mut() {
                // Between neighbours it would part what may join.
                Some(_) if span.text.is_empty() => set.insert(1, Span { text: String::new(), style, ruby: None }),
                Some(last) if last.style == style && last.ruby.is_none() && span.ruby.is_none() => {
                    last.text.push_str(&span.text);
                }
                _ => set.push(Span { text: span.text.clone(), style, ruby: span.ruby.clone() }),
            }
        }
        set
    }

    fn style_of(&self, span: &SpanFields) -> Style {
        let base = &self.style;
        let size = span.size.map_or(base.size, FontSize::get);
        let mut features = base.features.clone();
        features.extend(span.features.iter().flat_map(|own| own.0.iter().copied()));
        Style {
            families: span.font.as_ref().map_or_else(|| base.families.clone(), |own| own.0.clone()),
            size,
            weight: span.weight.map_or(base.weight, Weight::get),
            italic: span.italic.unwrap_or(base.italic),
            lang: base.lang.clone(),
            features,
            letter_spacing: span.letter_spacing.or(self.spacing).map_or(0.0, |spacing| spacing.at(size)),
            word_spacing: span.word_spacing.or(self.word_spacing).map_or(0.0, |spacing| spacing.at(size)),
            baseline_shift: span.baseline_shift.map_or(0.0, |shift| shift.at(size)),
        }
    }

    /// How each span is painted, with its offset in the whole text. `place` is that of the spans; pictures take ids from `next` on.
    pub fn looks(&self, spans: Vec<SpanFields>, place: &Place, next: &mut usize) -> Vec<(usize, Look)> {
        let mut start = 0;
        let look = |(number, span): (usize, SpanFields)| {
            let at = start;
            start += span.text.len();
            let own = span.color.map(|color| color.finish(place.index(number).child("color"), next));
            let look = Look {
                color: own.unwrap_or_else(|| self.look.color.clone()),
                stroke: span.stroke.or_else(|| self.look.stroke.clone()),
                highlight: span.highlight,
                decoration: span.decoration,
                emphasis: span.emphasis.or_else(|| self.look.emphasis.clone()),
            };
            (at, look)
        };
        spans.into_iter().enumerate().map(look).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::fill::Fill;
    use super::*;
    use crate::layer::values::Paint;
    use crate::problem::{In, Problems};
    use crate::template::fields::{Mode, Origins};

    fn read(spans: &Value) -> Result<Vec<SpanFields>, Problems> {
        let mut problems = Problems::new();
        let origins = Origins::default();
        let mut reader = Reader::new(Place::new(In::Template, "/layers/0/spans"), Mode::Merged, &origins, &mut problems);
        match reader.read::<Spans>(spans) {
            Some(spans) => Ok(spans.0),
            None => Err(problems),
        }
    }

    fn base() -> Base {
        let color = Fill::Paint(Paint::Solid(crate::color::Color::BLACK));
        let look = Look { color, stroke: None, highlight: None, decoration: None, emphasis: None };
        Base { style: Style { size: 20.0, ..Style::default() }, spacing: Some(Distance::Em(0.1)), word_spacing: None, look }
    }

    fn texts(spans: &Value) -> Vec<String> {
        base().set(&read(spans).unwrap()).into_iter().map(|span| span.text).collect()
    }

    #[test]
    fn neighbours_that_are_set_alike_are_one() {
        let red = json!([{ "text": "a" }, { "text": "b", "color": "red" }, { "text": "c", "size": 20 }]);
        // The layer's style has no letter spacing here, the spans inherit it.
        assert_eq!(texts(&red), ["", "abc"]);
        let sizes = json!([{ "text": "a" }, { "text": "", "size": 9 }, { "text": "b" }, { "text": "c", "size": 30 }]);
        assert_eq!(texts(&sizes), ["", "", "ab", "c"]);
        let ruby = json!([{ "text": "a", "ruby": "x" }, { "text": "b" }, { "text": "c" }, { "text": "d", "ruby": "y" }]);
        assert_eq!(texts(&ruby), ["", "a", "bc", "d"]);
        assert_eq!(texts(&json!([])), [""]);
    }

    #[test]
    fn ems_are_of_the_span_itself() {
        let spans = read(&json!([{ "text": "a", "size": 40, "baseline_shift": "0.5em" }, { "text": "b", "letter_spacing": -1 }]));
        let set = base().set(&spans.unwrap());
        assert_eq!((set[1].style.letter_spacing, set[1].style.baseline_shift), (4.0, 20.0));
        assert_eq!((set[2].style.letter_spacing, set[2].style.baseline_shift), (-1.0, 0.0));
    }

    #[test]
    fn looks_begin_where_their_text_does() {
        let spans = read(&json!([{ "text": "é" }, { "text": "" }, { "text": "b", "color": "red" }])).unwrap();
        let place = Place::new(In::Template, "/layers/0/spans");
        let starts: Vec<usize> = base().looks(spans, &place, &mut 1).iter().map(|(start, _)| *start).collect();
        assert_eq!(starts, [0, 2, 2]);
    }

    #[test]
    fn there_are_as_many_as_allowed() {
        let of = |count: usize| read(&Value::Array(vec![json!({ "text": "x" }); count]));
        assert_eq!(of(MAX_SPANS - 1).unwrap().len(), MAX_SPANS - 1);
        assert_eq!(of(MAX_SPANS).unwrap().len(), MAX_SPANS);
        let problems = of(MAX_SPANS + 1).unwrap_err();
        assert_eq!(problems.list()[0].place.at, "/layers/0/spans");
    }
}
