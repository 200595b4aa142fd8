//! How stretches of a text are painted: colour, stroke, lines along it, what lies behind it.

use serde_json::{Value, json};

use super::emphasis::Emphasis;
use super::fill::Fill;
use crate::layer::Layer;
use crate::layer::values::{Padding, Paint, Radius};
use crate::limits::MAX_FONT_SIZE;
use crate::template::declare::{fields, number, words};
use crate::template::fields::{Read, Reader, part_schema};

/// How a stretch is painted. What a span leaves out, it takes from its layer.
#[derive(Clone, PartialEq, Debug)]
pub struct Look {
    pub color: Fill,
    pub stroke: Option<Stroke>,
    /// Its own: the layer's lies behind whole lines.
    pub highlight: Option<Highlight>,
    /// Its own: the layer's has one colour and thickness along all spans that have none.
    pub decoration: Option<Decoration>,
    pub emphasis: Option<Emphasis>,
}

/// The looks of a text by the places where they begin.
#[derive(Clone, PartialEq, Debug)]
pub struct Looks {
    /// The layer's own.
    pub base: Look,
    /// Of its spans, rising, with the offset in the whole text where each starts; empty for a plain text.
    pub spans: Vec<(usize, Look)>,
}

impl Looks {
    /// One colour and nothing else.
    pub fn plain(color: Paint) -> Looks {
        let color = Fill::Paint(color);
        Looks { base: Look { color, stroke: None, highlight: None, decoration: None, emphasis: None }, spans: Vec::new() }
    }

    /// The number of the look that the character at `offset` has: 0 is the layer's own.
    pub fn at(&self, offset: usize) -> usize {
        self.spans.partition_point(|(start, _)| *start <= offset)
    }

    pub fn get(&self, number: usize) -> &Look {
        number.checked_sub(1).and_then(|span| self.spans.get(span)).map_or(&self.base, |(_, look)| look)
    }

    /// The pictures that show through letters, each once, by id.
    pub fn pictures(&self) -> impl Iterator<Item = &Layer> {
        let base = self.base.color.picture();
        let of_spans = self.spans.iter().filter_map(|(_, look)| look.color.picture());
        base.into_iter().chain(of_spans.filter(move |own| base.is_none_or(|base| base.id != own.id)))
    }
}

number! {
    /// How thick a stroke of text is.
    pub struct StrokeWidth(f64) in [0.0, MAX_FONT_SIZE], "px";
}

/// Where a stroke lies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StrokePosition {
    Outside,
    Center,
}
words! { impl StrokePosition { Outside = "outside", Center = "center" } }

fields! {
    /// A line along the outlines of the letters, behind them; its corners are round.
    pub struct Stroke {
        /// In pixels.
        width: StrokeWidth = 1,
        /// A colour or a gradient over the layer's box.
        color: Paint = "#000000",
        /// Around the letters, or half of it on each side of their outlines.
        position: StrokePosition = "outside",
    }
}

fields! {
    /// A box behind text, as high as its letters may be. It takes no room.
    pub struct Highlight {
        /// A colour or a gradient over the layer's box.
        paint: Paint,
        /// How far it reaches beyond the text: pixels, or `[t, r, b, l]`.
        padding: Padding = 0,
        /// Corner radius: pixels, `"50%"`, or `[tl, tr, br, bl]`.
        radius: Radius = 0,
    }
}

/// Lines along the text.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Decoration {
    pub underline: bool,
    pub line_through: bool,
}

/// A line along the text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum DecorationLine {
    None,
    Underline,
    LineThrough,
}
words! { impl DecorationLine { None = "none", Underline = "underline", LineThrough = "line_through" } }

/// A word or a list of words.
impl Read for Decoration {
    fn read(value: &Value, reader: &mut Reader) -> Option<Decoration> {
        let lines = match value {
            Value::Array(_) => Vec::<DecorationLine>::read(value, reader)?,
            other => vec![DecorationLine::read(other, reader)?],
        };
        Some(Decoration {
            underline: lines.contains(&DecorationLine::Underline),
            line_through: lines.contains(&DecorationLine::LineThrough),
        })
    }

    fn schema() -> Value {
        json!({ "anyOf": [
            DecorationLine::schema(),
            { "type": "array", "items": part_schema(DecorationLine::schema()) },
        ] })
    }
}
