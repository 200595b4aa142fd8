//! `text`: a paragraph in a box.

mod contrast;
mod emit;
mod emphasis;
mod fill;
mod ink;
mod look;
mod marks;
mod narrow;
mod route;
mod spans;
mod values;

use std::sync::Arc;

use crate::asset::Source;
use crate::geom::Rect;
use crate::layer::fit::Autofit;
use crate::layer::values::{Padding, Paint, Radius};
use crate::layer::{Content, Layer, Surroundings};
use crate::layout::boxes::Given;
use crate::limits::{MAX_FONT_SIZE, MAX_LANG_BYTES, MAX_TEXT_BYTES, MAX_TEXT_CHARS, MAX_TEXT_LINES, MAX_TRACK_CHARS};
use crate::problem::{Code, Place, Problem};
use crate::template::declare::{fields, number, words};
use crate::template::fields::{Fields, Mode};
use crate::text::{
    Align, Composed, Direction, HangingPunctuation, LineBreak, Orientation, Overflow, Paragraph, SpacingTrim, Span, Style,
    TextError, Trials, WordBreak, Wrap, WritingMode, compose, fitted_size, is_language,
};
use contrast::ContrastFields;
pub use emit::Laid;
use emphasis::Emphasis;
pub use fill::Fill;
use fill::FillField;
use look::{Decoration, Highlight, Look, Looks, Stroke};
use route::TrackFields;
pub use route::{Route, chunks};
use spans::{Base, SpanFields, Spans};
use values::{Autospace, Distance, Families, Features, font_source};

#[derive(Clone, Debug)]
pub struct Text {
    /// At the largest size where it is fitted.
    pub paragraph: Paragraph,
    /// Finds its size itself.
    pub autofit: Option<Autofit>,
    /// Takes the smallest size of all texts of this name.
    pub autofit_group: Option<String>,
    pub vertical_align: VerticalAlign,
    looks: Looks,
    /// How much it must stand out.
    pub contrast: Option<ContrastFields>,
    /// Behind the box.
    pub background: Option<Paint>,
    pub radius: Radius,
    /// Between the edges of the box and the lines.
    padding: Padding,
    /// What it stands on, if not on lines.
    track: Option<Box<TrackFields>>,
    /// Spans with families of their own, by their number.
    own_families: Vec<(usize, Vec<String>)>,
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
words! { impl WritingMode { Horizontal = "horizontal", VerticalRl = "vertical_rl" } }
words! { impl Orientation { Mixed = "mixed", Upright = "upright" } }
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
    /// How many digits stand side by side across a vertical line at most.
    pub struct Combined(u32) in [0, 4], "digits";
    /// An OpenType feature's value.
    pub struct FeatureValue(u32) in [0, 65_535], "";
}

fields! {
    /// A paragraph.
    pub struct TextFields {
        /// What it says; `\n` breaks the line.
        text: Option<String>,
        /// Instead of `text`: stretches with a style of their own, each `{ "text", … }` with any of `font`, `size`, `weight`, `italic`,
        /// `features`, `letter_spacing`, `word_spacing`, `baseline_shift`, `color`, `decoration`, `emphasis`, `highlight`, `stroke`, `ruby`.
        spans: Option<Spans>,
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
        /// A colour, a gradient over the layer's box, or a picture over it: `{ "type": "image", "src": "asset:foil.jpg" }` with `fit` and
        /// `position` as of an image layer.
        color: FillField = "#000000",
        /// `underline`, which leaves out where letters reach below it, `line_through`, or a list of both.
        decoration: Option<Decoration>,
        /// A line along the outlines of the letters, behind them.
        stroke: Option<Stroke>,
        /// A box behind each line.
        highlight: Option<Highlight>,
        /// A mark beside each letter, as `dot`, `circle`, `triangle` or `sesame`, or `{ "mark", "position", "color" }`.
        emphasis: Option<Emphasis>,
        /// Behind the box: a colour or a gradient; nothing by default.
        background: Option<Paint>,
        /// How much the text must stand out from the pixels beneath it, `{ "min": 4.5, "fix": "scrim" }`.
        contrast: Option<ContrastFields>,
        /// Between the edges of the box and the lines: pixels, or `[t, r, b, l]`.
        padding: Padding = 0,
        /// Of the background's corners: pixels, `"50%"`, or `[tl, tr, br, bl]`.
        radius: Radius = 0,
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
        /// The room between Han or kana and letters or digits of other scripts where no space stands (CSS text-autospace): `true` for an
        /// eighth of an em, or how many ems.
        autospace: Autospace = false,
        /// Punctuation that stands beyond the ends of lines (CSS hanging-punctuation): `first`, `last`, `allow_end`, `force_end`, or a
        /// list of them.
        hanging_punctuation: HangingPunctuation = "none",
        /// Between clusters: pixels, or `"0.1em"`.
        letter_spacing: Option<Distance>,
        /// Of every space besides its own width: pixels, or `"0.25em"`.
        word_spacing: Option<Distance>,
        /// Of the paragraph; `auto` goes by its first strong letter.
        direction: Direction = "auto",
        /// Which way lines run; in `vertical_rl` from the top down, the first on the right: `height` is the measure that wraps, and
        /// `align` is along the column.
        writing_mode: WritingMode = "horizontal",
        /// How letters stand in vertical lines: as their script is used to, Latin turned; or all upright.
        orientation: Orientation = "mixed",
        /// So many digits at most stand side by side in a vertical line.
        combine_upright: Combined = 2,
        /// What the text stands on instead of lines, as `{ "d": "M 0 60 Q 100 0 200 60" }` with any of `view_box`, `start` (pixels along it,
        /// or `"25%"`) and `side` (`left`, `right`): one line, each letter turned with the path.
        path: Option<TrackFields>,
        /// Lines beyond are never drawn.
        max_lines: Option<MaxLines>,
        /// What becomes of too much text; `ellipsis` where `max_lines` or `autofit` stands, else `visible`.
        overflow: Option<Overflow>,
    }
}

impl TextFields {
    /// Whether the layer says what it says, once.
    pub fn check(fields: &mut Fields) {
        match (fields.has("text"), fields.has("spans")) {
            (true, true) => fields.conflict("text and spans exclude one another"),
            (false, false) if fields.mode() != Mode::Partial => {
                fields.push(Problem::new(fields.place().clone(), Code::MissingField, "`text` is missing"));
            }
            _ => {}
        }
    }

    /// Pictures that show through letters are layers of their own, with ids from `next` on.
    pub fn finish(mut self, place: &Place, next: &mut usize) -> Result<Text, Problem> {
        if self.contrast.is_some() && self.is_pictured() {
            let message = "what a picture shows through letters has no contrast that is known";
            return Err(Problem::new(place.child("contrast"), Code::Conflict, message));
        }
        let spans = self.spans.take().map_or_else(Vec::new, |spans| spans.0);
        let said = if self.text.is_some() { "text" } else { "spans" };
        let bytes = of_text(&self.text, &spans).map(String::len).sum::<usize>();
        if bytes > MAX_TEXT_BYTES {
            let message = format!("a text has at most {MAX_TEXT_BYTES} bytes, not {bytes}");
            return Err(Problem::new(place.child(said), Code::TooMany, message));
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
        if let Some(track) = &self.path {
            let characters = of_text(&self.text, &spans).map(|text| text.chars().count()).sum::<usize>();
            if characters > MAX_TRACK_CHARS {
                let message = format!("a text on a path has at most {MAX_TRACK_CHARS} characters, not {characters}");
                return Err(Problem::new(place.child(said), Code::TooMany, message));
            }
            if let Some((at, what)) = self.unbendable(&spans, place) {
                return Err(Problem::new(at, Code::Conflict, format!("{what} does not go along a path")));
            }
            // Nothing to draw text along is most likely a mistake of the data.
            if track.d.0.length() <= 0.0 {
                return Err(Problem::new(place.child("path").child("d"), Code::InvalidValue, "the path has no length"));
            }
        }
        let size = self.autofit.as_ref().map_or(self.size, |fit| fit.max).get();
        let style = Style {
            families: self.font.0,
            size,
            weight: self.weight.get(),
            italic: self.italic,
            lang: self.lang,
            features: self.features.map(|f| f.0).unwrap_or_default(),
            letter_spacing: self.letter_spacing.map_or(0.0, |spacing| spacing.at(size)),
            word_spacing: self.word_spacing.map_or(0.0, |spacing| spacing.at(size)),
            baseline_shift: 0.0,
        };
        let look = Look {
            color: self.color.finish(place.child("color"), next),
            stroke: self.stroke,
            highlight: self.highlight,
            decoration: self.decoration,
            emphasis: self.emphasis,
        };
        let own = spans.iter().enumerate().filter_map(|(number, span)| Some((number, span.font.as_ref()?.0.clone())));
        let own_families = own.collect();
        let (set, looks) = match self.text {
            Some(text) => (vec![Span { text, style, ruby: None }], Looks { base: look, spans: Vec::new() }),
            None => {
                let base = Base { style, spacing: self.letter_spacing, word_spacing: self.word_spacing, look };
                let set = base.set(&spans);
                let of_spans = base.looks(spans, &place.child("spans"), next);
                (set, Looks { base: base.look, spans: of_spans })
            }
        };
        let on_path = self.path.is_some();
        let overflow = self.overflow.unwrap_or(if (self.max_lines.is_some() && !on_path) || self.autofit.is_some() {
            Overflow::Ellipsis
        } else {
            Overflow::Visible
        });
        let paragraph = Paragraph {
            spans: set,
            line_height: self.line_height.map(LineHeight::get),
            align: self.align,
            wrap: if on_path { Wrap::None } else { self.wrap },
            word_break: self.word_break,
            line_break: self.line_break,
            spacing_trim: self.spacing_trim,
            autospace: self.autospace.0,
            hanging_punctuation: self.hanging_punctuation,
            direction: self.direction,
            writing_mode: self.writing_mode,
            orientation: self.orientation,
            combine_upright: self.combine_upright.get() as u8,
            max_lines: if on_path { Some(1) } else { self.max_lines.map(MaxLines::get) },
            max_height: None,
            overflow,
        };
        Ok(Text {
            paragraph,
            autofit: self.autofit,
            autofit_group: self.autofit_group,
            vertical_align: self.vertical_align,
            looks,
            contrast: self.contrast,
            background: self.background,
            radius: self.radius,
            padding: self.padding,
            track: self.path.map(Box::new),
            own_families,
        })
    }

    /// Whether a picture shows through letters.
    pub fn is_pictured(&self) -> bool {
        let of_spans = self.spans.iter().flat_map(|spans| &spans.0).filter_map(|span| span.color.as_ref());
        of_spans.chain([&self.color]).any(|color| matches!(color, FillField::Picture(_)))
    }

    /// What is asked for that is only made along straight lines, and where.
    fn unbendable(&self, spans: &[SpanFields], place: &Place) -> Option<(Place, &'static str)> {
        let own = [
            ("autofit", "`autofit`", self.autofit.is_some()),
            ("writing_mode", "`vertical_rl`", self.writing_mode == WritingMode::VerticalRl),
            ("decoration", "a line", self.decoration.is_some_and(|lines| lines != Decoration::default())),
            ("highlight", "a highlight", self.highlight.is_some()),
            ("emphasis", "emphasis", self.emphasis.is_some()),
            ("contrast", "what is measured in boxes", self.contrast.is_some()),
        ];
        let of_layer = own.into_iter().find(|(.., asked)| *asked).map(|(field, what, _)| (place.child(field), what));
        of_layer.or_else(|| {
            spans.iter().enumerate().find_map(|(number, span)| {
                let own = [
                    ("decoration", "a line", span.decoration.is_some_and(|lines| lines != Decoration::default())),
                    ("highlight", "a highlight", span.highlight.is_some()),
                    ("emphasis", "emphasis", span.emphasis.is_some()),
                    ("ruby", "ruby", span.ruby.is_some()),
                ];
                let (field, what, _) = own.into_iter().find(|(.., asked)| *asked)?;
                Some((place.child("spans").index(number).child(field), what))
            })
        })
    }
}

impl Text {
    /// In one colour, with nothing around it: what other layers write.
    pub fn plain(paragraph: Paragraph, color: Paint, vertical_align: VerticalAlign) -> Text {
        Text {
            paragraph,
            autofit: None,
            autofit_group: None,
            vertical_align,
            looks: Looks::plain(color),
            contrast: None,
            background: None,
            radius: Radius::NONE,
            padding: Padding::NONE,
            track: None,
            own_families: Vec::new(),
        }
    }

    /// The font files it names and where, as often as it names them.
    pub fn font_sources(&self, place: &Place) -> Vec<(Source, Place)> {
        let base = self.paragraph.spans.first().map(|span| (place.child("font"), &span.style.families));
        let own = self.own_families.iter().map(|(number, families)| (font_of(place, *number), families));
        let named = base.into_iter().chain(own);
        named.flat_map(|(at, families)| families.iter().filter_map(move |f| Some((font_source(f)?, at.clone())))).collect()
    }

    /// The pictures that show through its letters, by id.
    pub fn pictures(&self) -> impl Iterator<Item = &Layer> {
        self.looks.pictures()
    }

    /// How many characters of it will be laid out at most.
    pub fn characters(&self) -> usize {
        let of = |text: &String| text.chars().count();
        let rubies: usize = self.paragraph.spans.iter().filter_map(|span| span.ruby.as_ref()).map(of).sum();
        rubies + self.paragraph.spans.iter().map(|span| of(&span.text)).sum::<usize>().min(MAX_TEXT_CHARS)
    }

    pub fn measure(&self, given: Given, place: &Place, around: &Surroundings) -> Result<Content, Problem> {
        let Some(fit) = &self.autofit else { return self.set(None, given, place, around) };
        let (Some(width), Some(height)) = (self.within(given).width, self.within(given).height) else {
            let side = if given.width.is_none() { "width" } else { "height" };
            return Err(Problem::new(place.child(side), Code::MissingField, "`autofit` needs a width and a height"));
        };
        let (measure, room) = if self.is_vertical() { (height, width) } else { (width, height) };
        let mut trials = Trials::new(around.fonts, measure, around.ctx);
        let find = || {
            let set = |paragraph: &Paragraph| trials.set(paragraph).map_err(|error| self.problem(error, place));
            fit.largest(&self.paragraph, (measure, room), set)
        };
        let size = fitted_size(around.fonts, &self.paragraph, [measure, room, fit.min.get()], around.memo, find)?;
        self.set(Some(size), given, place, around)
    }

    /// Composed in the sides given: at the size that was `fitted`, or else at its own.
    pub fn set(&self, fitted: Option<f64>, given: Given, place: &Place, around: &Surroundings) -> Result<Content, Problem> {
        let at_size = fitted.zip(self.autofit.as_ref()).map(|(size, fit)| fit.at_size(&self.paragraph, size));
        let paragraph = at_size.as_ref().unwrap_or(&self.paragraph);
        let within = self.within(given);
        if let Some(track) = &self.track {
            let (route, size) = track.route(within, &place.child("path"))?;
            let composed = compose(around.fonts, &self.paragraph, Some(route.room()), around.memo, around.ctx);
            let composed = route.fitting(composed.map_err(|error| self.problem(error, place))?);
            let size =
                (given.width.unwrap_or(size.0 + self.padding.across()), given.height.unwrap_or(size.1 + self.padding.down()));
            return Ok(Content::Text { composed, size, indent: 0.0, fitted, remedy: None, route: Some(Arc::new(route)) });
        }
        let (across, down) = (within.width.or(within.at_most), within.height.or(within.at_most_down));
        let (measure, room) = if self.is_vertical() { (down, within.width) } else { (across, within.height) };
        // An ellipsis also ends what is higher than its box: by whole lines.
        let boxed = match paragraph.overflow {
            Overflow::Ellipsis => room.map(|room| Paragraph { max_height: Some(room), ..paragraph.clone() }),
            Overflow::Visible | Overflow::Clip => None,
        };
        let paragraph = boxed.as_ref().unwrap_or(paragraph);
        let composed =
            compose(around.fonts, paragraph, measure, around.memo, around.ctx).map_err(|error| self.problem(error, place))?;
        let (width, height) =
            if self.is_vertical() { (composed.height, composed.width) } else { (composed.width, composed.height) };
        let size = (given.width.unwrap_or(width + self.padding.across()), given.height.unwrap_or(height + self.padding.down()));
        // Text that was set within a maximum but takes less: its widest line fills the box.
        let indent = match measure.and(if self.is_vertical() { given.height } else { given.width }) {
            Some(_) => 0.0,
            None => composed.lines.iter().map(|line| line.x).reduce(f64::min).unwrap_or(0.0),
        };
        Ok(Content::Text { composed, size, indent, fitted, remedy: None, route: None })
    }

    /// Its language says so.
    fn is_chinese(&self) -> bool {
        let lang = self.paragraph.spans.first().and_then(|span| span.style.lang.as_deref());
        lang.is_some_and(|lang| is_language(lang, "zh"))
    }

    /// Lines run from the top down.
    pub fn is_vertical(&self) -> bool {
        self.paragraph.writing_mode == WritingMode::VerticalRl
    }

    /// The sides that are given, without the padding.
    fn within(&self, given: Given) -> Given {
        let less = |side: Option<f64>, by: f64| side.map(|side| (side - by).max(0.0));
        Given {
            width: less(given.width, self.padding.across()),
            height: less(given.height, self.padding.down()),
            at_most: less(given.at_most, self.padding.across()),
            at_most_down: less(given.at_most_down, self.padding.down()),
            ahead: given.ahead,
        }
    }

    /// Where in its box the lines may stand.
    pub fn content_box(&self, rect: Rect) -> Rect {
        self.padding.inside(rect)
    }

    /// Where the lines' own origin lies on the canvas, in layout pixels. `indent` is how far the leftmost line begins from it.
    pub fn offset(&self, composed: &Composed, indent: f64, rect: Rect) -> (f64, f64) {
        let rect = self.content_box(rect);
        if self.track.is_some() {
            return (rect.x, rect.y);
        }
        let room = if composed.vertical { rect.width } else { rect.height } - composed.height;
        let down = match self.vertical_align {
            VerticalAlign::Top => 0.0,
            VerticalAlign::Middle => (room / 2.0).floor(),
            VerticalAlign::Bottom => room,
        };
        if composed.vertical { (rect.right() - down, rect.y - indent) } else { (rect.x - indent, rect.y + down) }
    }

    fn problem(&self, error: TextError, place: &Place) -> Problem {
        let message = error.to_string();
        match error {
            TextError::UnknownFamilies { wanted, .. } => {
                let own = self.own_families.iter().find(|(_, families)| *families == wanted);
                let at = own.map_or_else(|| place.child("font"), |(number, _)| font_of(place, *number));
                Problem::new(at, Code::UnknownFont, message)
            }
            TextError::TooLong { .. } => Problem::new(self.said(place), Code::TooMany, message),
            TextError::TooManyCharacters { .. } | TextError::TooManyLines => {
                Problem::new(self.said(place), Code::TooMany, message)
                    .hint("with max_lines, or overflow: ellipsis in a box with a height, what is too much is left out")
            }
            TextError::Stopped(_) => Problem::new(place.clone(), Code::Deadline, "the deadline passed while text was being set"),
        }
    }

    /// The field that holds the text.
    fn said(&self, place: &Place) -> Place {
        place.child(if self.looks.spans.is_empty() { "text" } else { "spans" })
    }
}

/// All that is said, rubies too.
fn of_text<'a>(text: &'a Option<String>, spans: &'a [SpanFields]) -> impl Iterator<Item = &'a String> {
    spans.iter().flat_map(|span| span.ruby.iter().chain([&span.text])).chain(text)
}

/// Where the families of a span are written.
fn font_of(place: &Place, span: usize) -> Place {
    place.child("spans").index(span).child("font")
}
