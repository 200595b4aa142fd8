//! `text`: a paragraph in a box.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::asset::Source;
use crate::geom::{Affine, Fx, PxRect, Rect, Size};
use crate::layer::emit::Emitter;
use crate::layer::fit::Autofit;
use crate::layer::values::{Paint, Radius};
use crate::layer::{Content, Surroundings};
use crate::layout::boxes::Given;
use crate::limits::{MAX_FAMILIES, MAX_FEATURES, MAX_FONT_SIZE, MAX_LANG_BYTES, MAX_TEXT_BYTES, MAX_TEXT_CHARS, MAX_TEXT_LINES};
use crate::problem::{Code, Place, Problem};
use crate::scene::{Blend, ColorGlyph, GlyphRun, Item, Lowered, PlacedGlyph, Recipe};
use crate::template::declare::{fields, number, words};
use crate::template::fields::{Read, Reader, part_schema};
use crate::template::values::bounded;
use crate::text::{
    Align, Composed, Direction, LineBreak, Overflow, Paragraph, Run, SpacingTrim, Span, Style, TextError, WordBreak, Wrap,
    compose,
};

#[derive(Clone, Debug)]
pub struct Text {
    /// At the largest size where it is fitted.
    pub paragraph: Paragraph,
    /// Finds its size itself.
    pub autofit: Option<Autofit>,
    /// Takes the smallest size of all texts of this name.
    pub autofit_group: Option<String>,
    pub color: Paint,
    pub vertical_align: VerticalAlign,
}

words! {
    /// Where the lines stand in a box that is higher.
    pub enum VerticalAlign { Top = "top", Middle = "middle", Bottom = "bottom" }
}
words! { impl Align { Start = "start", Center = "center", End = "end", Left = "left", Right = "right", Justify = "justify" } }
words! { impl Wrap { Normal = "normal", Balance = "balance", None = "none" } }
words! { impl WordBreak { Normal = "normal", KeepAll = "keep_all", BreakAll = "break_all" } }
words! { impl LineBreak { Loose = "loose", Normal = "normal", Strict = "strict" } }
words! {
    impl SpacingTrim { Normal = "normal", SpaceAll = "space_all", TrimStart = "trim_start", TrimBoth = "trim_both" }
}
words! { impl Direction { Auto = "auto", Ltr = "ltr", Rtl = "rtl" } }
words! { impl Overflow { Visible = "visible", Clip = "clip", Ellipsis = "ellipsis" } }

number! {
    /// Pixels per em.
    pub struct FontSize(f64) in [0.5, MAX_FONT_SIZE], "px";
    /// 400 is regular, 700 bold.
    pub struct Weight(f64) in [1.0, 1_000.0], "";
    /// Below 4 a multiple of the size, otherwise pixels.
    pub struct LineHeight(f64) in [0.0, 2.0 * MAX_FONT_SIZE], "";
    /// How many lines are drawn at most.
    pub struct MaxLines(u32) in [1, MAX_TEXT_LINES], "lines";
    /// An OpenType feature's value.
    pub struct FeatureValue(u32) in [0, 65_535], "";
}

fields! {
    /// A paragraph.
    pub struct TextFields {
        /// What it says; `\n` breaks the line.
        text: String,
        /// A family or a list in order of preference; unknown ones in a list are passed over. `upload:NAME` and `asset:NAME` are
        /// font files, which must be there.
        font: Families = ["Inter", "Noto Sans SC"],
        /// Pixels per em.
        size: FontSize = 16,
        /// Instead of `size`: the largest size in half-pixel steps, from `max` down to `min`, at which the text fits its box and
        /// `max_lines` and no word is torn. Needs a width and a height; distances in pixels hold at `max` and shrink with it.
        autofit: Option<Autofit>,
        /// Texts with the same name here share the smallest of their fitted sizes.
        autofit_group: Option<String>,
        /// 400 is regular, 700 bold; any number of a variable font, else the nearest face as in CSS.
        weight: Weight = 400,
        /// Slanted by 12 degrees only where a family has no italic face.
        italic: bool = false,
        /// BCP 47, as `zh-Hans`, `ja`, `ar`: chooses regional forms and fallback.
        lang: Option<String>,
        /// OpenType features, as `{ "palt": 1 }`.
        features: Option<Features>,
        /// A colour, or a gradient over the layer's box.
        color: Paint = "#000000",
        /// Below 4 a multiple of the size, otherwise pixels; by default the font's own.
        line_height: Option<LineHeight>,
        /// Along the line.
        align: Align = "start",
        /// Where the lines stand in a box that is higher.
        vertical_align: VerticalAlign = "top",
        /// Whether lines break, and whether they are made of like length.
        wrap: Wrap = "normal",
        /// Whether words may break.
        word_break: WordBreak = "normal",
        /// How strict the rules for Chinese and Japanese line ends are.
        line_break: LineBreak = "normal",
        /// How full-width punctuation is set closer (CSS text-spacing-trim).
        spacing_trim: SpacingTrim = "normal",
        /// Between clusters: pixels, or `"0.1em"`.
        letter_spacing: Option<Spacing>,
        /// Of the paragraph; `auto` goes by its first strong letter.
        direction: Direction = "auto",
        /// Lines beyond are never drawn.
        max_lines: Option<MaxLines>,
        /// What becomes of too much text; `ellipsis` where `max_lines` or `autofit` stands, else `visible`.
        overflow: Option<Overflow>,
    }
}

/// A family, or a list of families. A font that is named by source stands there as [`Source`] shows it.
#[derive(Clone, PartialEq, Debug)]
pub struct Families(pub Vec<String>);

/// A font file's source, if a family's name is one.
fn font_source(family: &str) -> Option<Source> {
    Source::parse(family).ok().filter(|source| matches!(source, Source::Upload(_) | Source::Asset(_)))
}

/// One name as it was written. Whatever has no scheme of ours is a family.
fn family(name: String, reader: &mut Reader) -> Option<String> {
    let scheme = name.trim_start().split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
    match scheme.as_deref() {
        Some("upload" | "asset") => match Source::parse(&name) {
            Ok(source) => Some(source.to_string()),
            Err(error) => reader.invalid(error.to_string()),
        },
        Some("http" | "https" | "data" | "file") => {
            reader.invalid_hint("a font is not fetched from there", "a font is a family, upload:NAME or asset:NAME")
        }
        _ => Some(name),
    }
}

impl Read for Families {
    fn read(value: &Value, reader: &mut Reader) -> Option<Families> {
        let names = match value {
            Value::Array(_) => Vec::<String>::read(value, reader)?,
            Value::String(name) => vec![name.clone()],
            other => return reader.wrong_type(other, "a font family or a list of families"),
        };
        if names.is_empty() || names.len() > MAX_FAMILIES {
            return reader.invalid(format!("must name from 1 to {MAX_FAMILIES} families, not {}", names.len()));
        }
        let names: Vec<Option<String>> = names.into_iter().map(|name| family(name, reader)).collect();
        names.into_iter().collect::<Option<Vec<_>>>().map(Families)
    }

    fn schema() -> Value {
        json!({ "anyOf": [
            { "type": "string" },
            { "type": "array", "items": part_schema(json!({ "type": "string" })), "minItems": 1, "maxItems": MAX_FAMILIES },
        ] })
    }
}

/// OpenType feature tags with their values.
#[derive(Clone, PartialEq, Debug)]
pub struct Features(pub Vec<([u8; 4], u32)>);

impl Read for Features {
    fn read(value: &Value, reader: &mut Reader) -> Option<Features> {
        let Some(object) = value.as_object() else {
            return reader.wrong_type(value, "an object of feature tags, as { \"palt\": 1 }");
        };
        if object.len() > MAX_FEATURES {
            return reader.invalid(format!("must be at most {MAX_FEATURES} features"));
        }
        let read: Vec<Option<([u8; 4], u32)>> = object
            .iter()
            .map(|(tag, value)| {
                let number = match value {
                    Value::Bool(on) => Some(u32::from(*on)),
                    other => reader.read_key::<FeatureValue>(tag, other).map(FeatureValue::get),
                };
                let tag = match <[u8; 4]>::try_from(tag.as_bytes()) {
                    Ok(bytes) if bytes.iter().all(|b| (0x20..0x7f).contains(b)) => Some(bytes),
                    _ => reader.invalid(format!("{tag:?} is no feature tag: it must be four ASCII characters")),
                };
                Some((tag?, number?))
            })
            .collect();
        read.into_iter().collect::<Option<Vec<_>>>().map(Features)
    }

    fn schema() -> Value {
        json!({
            "type": "object",
            "propertyNames": { "pattern": "^[ -~]{4}$" },
            "additionalProperties": { "anyOf": [{ "type": "boolean" }, part_schema(FeatureValue::schema())] },
            "maxProperties": MAX_FEATURES,
        })
    }
}

/// A distance between clusters.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Spacing {
    Px(f64),
    Em(f64),
}

impl Read for Spacing {
    fn read(value: &Value, reader: &mut Reader) -> Option<Spacing> {
        const MOST_EM: f64 = 10.0;
        match value {
            Value::String(text) => {
                let em = text.trim().strip_suffix("em").and_then(|n| n.trim().parse::<f64>().ok());
                match em.filter(|em| em.abs() <= MOST_EM) {
                    Some(em) => Some(Spacing::Em(em)),
                    None => reader.invalid_hint(
                        format!("{text:?} is no distance"),
                        "write pixels as a number, or \"0.1em\" (at most 10em)",
                    ),
                }
            }
            other => bounded(other, reader, (-MAX_FONT_SIZE, MAX_FONT_SIZE), "px").map(Spacing::Px),
        }
    }

    fn schema() -> Value {
        json!({ "anyOf": [
            { "type": "number", "minimum": -MAX_FONT_SIZE, "maximum": MAX_FONT_SIZE },
            { "type": "string", "pattern": r"^\s*-?[0-9]*\.?[0-9]+\s*em\s*$" },
        ] })
    }
}

impl TextFields {
    pub fn finish(self, place: &Place) -> Result<Text, Problem> {
        if self.text.len() > MAX_TEXT_BYTES {
            let message = format!("a text has at most {MAX_TEXT_BYTES} bytes, not {}", self.text.len());
            return Err(Problem::new(place.child("text"), Code::TooMany, message));
        }
        if let Some(lang) = self.lang.as_ref().filter(|lang| lang.len() > MAX_LANG_BYTES) {
            let message = format!("a language tag has at most {MAX_LANG_BYTES} bytes, not {}", lang.len());
            return Err(Problem::new(place.child("lang"), Code::TooMany, message));
        }
        if let Some(fit) = self.autofit.as_ref().filter(|fit| fit.min > fit.max) {
            let message = format!("`min` ({}) is more than `max` ({})", fit.min.get(), fit.max.get());
            return Err(Problem::new(place.child("autofit"), Code::Conflict, message));
        }
        if self.autofit.is_none() && self.autofit_group.is_some() {
            return Err(Problem::new(place.child("autofit_group"), Code::Conflict, "only texts with `autofit` share a size"));
        }
        let size = self.autofit.as_ref().map_or(self.size, |fit| fit.max).get();
        let style = Style {
            families: self.font.0,
            size,
            weight: self.weight.get(),
            italic: self.italic,
            lang: self.lang,
            features: self.features.map(|f| f.0).unwrap_or_default(),
            letter_spacing: match self.letter_spacing {
                None => 0.0,
                Some(Spacing::Px(px)) => px,
                Some(Spacing::Em(em)) => em * size,
            },
        };
        let overflow = self.overflow.unwrap_or(if self.max_lines.is_some() || self.autofit.is_some() {
            Overflow::Ellipsis
        } else {
            Overflow::Visible
        });
        let paragraph = Paragraph {
            spans: vec![Span { text: self.text, style }],
            line_height: self.line_height.map(LineHeight::get),
            align: self.align,
            wrap: self.wrap,
            word_break: self.word_break,
            line_break: self.line_break,
            spacing_trim: self.spacing_trim,
            direction: self.direction,
            max_lines: self.max_lines.map(MaxLines::get),
            max_height: None,
            overflow,
        };
        let (autofit, autofit_group) = (self.autofit, self.autofit_group);
        Ok(Text { paragraph, autofit, autofit_group, color: self.color, vertical_align: self.vertical_align })
    }
}

impl Text {
    /// The font files it names, as often as it names them.
    pub fn font_sources(&self) -> impl Iterator<Item = Source> {
        self.paragraph.spans.iter().flat_map(|span| &span.style.families).filter_map(|family| font_source(family))
    }

    /// How many characters of it will be laid out at most.
    pub fn characters(&self) -> usize {
        self.paragraph.spans.iter().map(|span| span.text.chars().count()).sum::<usize>().min(MAX_TEXT_CHARS)
    }

    pub fn measure(&self, given: Given, place: &Place, around: &Surroundings) -> Result<Content, Problem> {
        let Some(fit) = &self.autofit else { return self.set(None, given, place, around) };
        let (Some(width), Some(height)) = (given.width, given.height) else {
            let side = if given.width.is_none() { "width" } else { "height" };
            return Err(Problem::new(place.child(side), Code::MissingField, "`autofit` needs a width and a height"));
        };
        let size = fit.largest(&self.paragraph, (width, height), |paragraph| {
            compose(around.fonts, paragraph, Some(width), around.memo, around.ctx).map_err(|error| problem(error, place))
        })?;
        self.set(Some(size), given, place, around)
    }

    /// Composed in the sides given: at the size that was `fitted`, or else at its own.
    pub fn set(&self, fitted: Option<f64>, given: Given, place: &Place, around: &Surroundings) -> Result<Content, Problem> {
        let at_size = fitted.zip(self.autofit.as_ref()).map(|(size, fit)| fit.at_size(&self.paragraph, size));
        let paragraph = at_size.as_ref().unwrap_or(&self.paragraph);
        let measure = given.width.or(given.at_most);
        // An ellipsis also ends what is higher than its box: by whole lines.
        let boxed = match paragraph.overflow {
            Overflow::Ellipsis => given.height.map(|height| Paragraph { max_height: Some(height), ..paragraph.clone() }),
            Overflow::Visible | Overflow::Clip => None,
        };
        let paragraph = boxed.as_ref().unwrap_or(paragraph);
        let composed =
            compose(around.fonts, paragraph, measure, around.memo, around.ctx).map_err(|error| problem(error, place))?;
        let size = (given.width.unwrap_or(composed.width), given.height.unwrap_or(composed.height));
        // Text that was set within a maximum but takes less: its widest line fills the box.
        let indent = match given.width {
            Some(_) => 0.0,
            None => composed.lines.iter().map(|line| line.x).reduce(f64::min).unwrap_or(0.0),
        };
        Ok(Content::Text { composed, size, indent, fitted })
    }

    pub fn emit(&self, composed: &Composed, indent: f64, rect: Rect, to: &Emitter) -> Vec<Item<Lowered>> {
        let (dx, dy) = self.offset(composed, indent, rect);
        let mut items = Vec::new();
        for line in &composed.lines {
            let mut faces: Vec<Vec<&Run>> = Vec::new();
            for run in &line.runs {
                if run.color {
                    items.extend(faces.drain(..).filter_map(|runs| self.glyphs(&runs, dx, dy, rect, to)));
                    items.extend(color_glyphs(run, dx, dy, to));
                } else {
                    // One item a face: where scripts alternate, each letter would be one.
                    match faces.iter_mut().find(|runs| runs.first().is_some_and(|first| looks_alike(first, run))) {
                        Some(runs) => runs.push(run),
                        None => faces.push(vec![run]),
                    }
                }
            }
            items.extend(faces.iter().filter_map(|runs| self.glyphs(runs, dx, dy, rect, to)));
        }
        match self.paragraph.overflow {
            Overflow::Clip if !items.is_empty() => {
                Item::group_or_items(items, 255, Blend::Normal, Some(to.round_box(rect, &Radius::NONE)), None)
            }
            _ => items,
        }
    }

    /// Where the lines' own origin lies on the canvas, in layout pixels. `indent` is how far the leftmost line begins from it.
    pub fn offset(&self, composed: &Composed, indent: f64, rect: Rect) -> (f64, f64) {
        let room = rect.height - composed.height;
        let down = match self.vertical_align {
            VerticalAlign::Top => 0.0,
            VerticalAlign::Middle => (room / 2.0).floor(),
            VerticalAlign::Bottom => room,
        };
        (rect.x - indent, rect.y + down)
    }

    /// Runs of one face and size.
    fn glyphs(&self, runs: &[&Run], dx: f64, dy: f64, rect: Rect, to: &Emitter) -> Option<Item<Lowered>> {
        let run = runs.first()?;
        let glyphs: Vec<PlacedGlyph> = runs
            .iter()
            .flat_map(|run| &run.glyphs)
            .map(|glyph| {
                let (x, y) = to.map.apply(dx + glyph.x, dy + glyph.y);
                PlacedGlyph { id: glyph.id, x: Fx::from_px(x), y: Fx::from_px(y) }
            })
            .collect();
        if glyphs.is_empty() {
            return None;
        }
        let scale = to.scale();
        let matrix = linear(to, scale).then_inner(slant(run.slant));
        let matrix = (matrix != Affine::IDENTITY).then_some(matrix);
        let run = GlyphRun { face: Arc::clone(&run.face), size: run.size * scale, matrix, glyphs };
        let item = Item::glyphs(run, to.paint(&self.color, rect, 1.0));
        (!item.bounds().intersect(to.canvas).is_empty()).then_some(item)
    }
}

fn looks_alike(a: &Run, b: &Run) -> bool {
    Arc::ptr_eq(&a.face, &b.face) && a.span == b.span && a.size == b.size && a.slant == b.slant
}

/// Glyphs with colours of their own become pixels.
fn color_glyphs(run: &Run, dx: f64, dy: f64, to: &Emitter) -> Vec<Item<Lowered>> {
    let scale = to.scale();
    let size = run.size * scale;
    let linear = linear(to, scale).then_inner(slant(run.slant));
    let ink = linear.bounds_of(run.face.ink_box().scale(size));
    let place = |glyph: &crate::text::Glyph| {
        let (x, y) = to.map.apply(dx + glyph.x, dy + glyph.y);
        // Quarter pixels, as for outlines: equal emoji share their pixels.
        let (x, y) = ((x * 4.0).round() / 4.0, (y * 4.0).round() / 4.0);
        let whole = PxRect::new(
            (x + ink.x).floor().clamp(-1e7, 1e7) as i32,
            (y + ink.y).floor().clamp(-1e7, 1e7) as i32,
            (x + ink.right()).ceil().clamp(-1e7, 1e7) as i32,
            (y + ink.bottom()).ceil().clamp(-1e7, 1e7) as i32,
        );
        // Only giants are cut to the canvas; the others keep a key that does not depend on where they stand.
        let seen = whole.intersect(to.canvas);
        let window = if u64::from(whole.width()) * u64::from(whole.height()) > 1 << 20 { seen } else { whole };
        if seen.is_empty() {
            return None;
        }
        let recipe = Recipe::color_glyph(ColorGlyph {
            face: Arc::clone(&run.face),
            glyph: glyph.id,
            size,
            map: Affine::translate(x - f64::from(window.x0), y - f64::from(window.y0)).then_inner(linear),
            window: Size::new(window.width(), window.height())?,
        });
        Some(Item::pixels(Arc::new(recipe), window.x0, window.y0, None, 255))
    };
    run.glyphs.iter().filter_map(place).collect()
}

/// Rotation and flips without the scale, which goes into the size.
fn linear(to: &Emitter, scale: f64) -> Affine {
    if to.map.is_upright() || scale <= 0.0 {
        return Affine::IDENTITY;
    }
    let m = to.map;
    Affine { a: m.a / scale, b: m.b / scale, c: m.c / scale, d: m.d / scale, e: 0.0, f: 0.0 }
}

/// The shear of a synthetic italic, in pixels with y down.
fn slant(by: f64) -> Affine {
    Affine { c: -by, ..Affine::IDENTITY }
}

fn problem(error: TextError, place: &Place) -> Problem {
    match &error {
        TextError::UnknownFamilies { .. } => Problem::new(place.child("font"), Code::UnknownFont, error.to_string()),
        TextError::TooLong { .. } => Problem::new(place.child("text"), Code::TooMany, error.to_string()),
        TextError::TooManyCharacters { .. } | TextError::TooManyLines => {
            Problem::new(place.child("text"), Code::TooMany, error.to_string())
                .hint("with max_lines, or overflow: ellipsis in a box with a height, what is too much is left out")
        }
        TextError::Stopped(_) => Problem::new(place.clone(), Code::Deadline, "the deadline passed while text was being set"),
    }
}
