//! From a merged layer to a typed one, and from the kinds of layers to the template's JSON Schema.

use serde_json::{Map, Value};

use crate::layer::anchor::{Anchor, Side};
use crate::layer::barcode::Barcode;
use crate::layer::ellipse::Ellipse;
use crate::layer::group::{Group, GroupFields, layers_schema};
use crate::layer::image::Image;
use crate::layer::line::{LineLayer, NOT_OF_A_LINE};
use crate::layer::mask::{Mask, MaskFields};
use crate::layer::path::PathLayer;
use crate::layer::progress::Progress;
use crate::layer::qr::{Qr, QrFields};
use crate::layer::rating::Rating;
use crate::layer::rect::RectLayer;
use crate::layer::shadow::Shadows;
use crate::layer::stack::{Flow, Flowing};
use crate::layer::svg::SvgFields;
use crate::layer::table::{self, TableFields};
use crate::layer::text::TextFields;
use crate::layer::values::{Degrees, Extent, Flip, Length, Offset, Opacity, Ratio};
use crate::layer::{Kind, Layer, LayerId, all};
use crate::layout::boxes::BoxSpec;
use crate::limits::{MAX_CELLS, MAX_FITTED_CHARS, MAX_REQUEST_TEXT_CHARS};
use crate::problem::{Code, Place, Problem, Problems};
use crate::scene::Blend;
use crate::template::declare::fields;
use crate::template::fields::{FieldSet, Fields, Mode};
use crate::template::merge::MergedLayer;

fields! {
    /// What every layer has.
    pub struct CommonFields {
        /// Left edge: pixels, or a percentage of the parent's width.
        x: Option<Offset>,
        /// Top edge: pixels, or a percentage of the parent's height.
        y: Option<Offset>,
        /// Distance of the right edge from the parent's; with `x` and without `width` the layer stretches.
        right: Option<Offset>,
        /// Distance of the bottom edge from the parent's; with `y` and without `height` the layer stretches.
        bottom: Option<Offset>,
        /// Width: pixels, or a percentage of the parent's.
        width: Option<Extent>,
        /// Height: pixels, or a percentage of the parent's.
        height: Option<Extent>,
        /// Never narrower.
        min_width: Option<Extent>,
        /// Never wider.
        max_width: Option<Extent>,
        /// Never lower.
        min_height: Option<Extent>,
        /// Never higher.
        max_height: Option<Extent>,
        /// Width divided by height, where only one of them is given.
        aspect_ratio: Option<Ratio>,
        /// Places it beside another layer, by that one's name.
        anchor: Option<Anchor>,
        /// Degrees clockwise about the centre.
        rotate: Degrees = 0,
        /// Mirrored from left to right (`x`), from top to bottom (`y`) or both, before it is rotated.
        flip: Option<Flip>,
        /// Of the whole layer, from 0 (invisible) to 1.
        opacity: Opacity = 1,
        /// A shadow, or a list of which the first lies on top: of a rect, an ellipse or a group with a background cast by its outline and cut out beneath it,
        /// otherwise by what is drawn.
        shadow: Option<Shadows>,
        /// How it is mixed with what lies beneath (CSS mix-blend-mode).
        blend: Blend = "normal",
        /// Whether what lies beyond its box, with its round corners, is cut off; the shadow of a box is not.
        clip: bool = false,
        /// What of the layer is seen, shadow included: as much as a picture (`src`) or a paint over its box is opaque.
        mask: Option<MaskFields>,
    }
}

/// The types of layers there are, and what makes the schemas of their fields: that takes milliseconds, which who wants the names
/// does not wait for.
pub const KINDS: [(&str, fn() -> Map<String, Value>); 14] = [
    ("text", properties::<TextFields>),
    ("image", properties::<Image>),
    ("qr", properties::<QrFields>),
    ("barcode", properties::<Barcode>),
    ("svg", properties::<SvgFields>),
    ("rating", properties::<Rating>),
    ("progress", properties::<Progress>),
    ("rect", properties::<RectLayer>),
    ("ellipse", properties::<Ellipse>),
    ("line", properties::<LineLayer>),
    ("path", properties::<PathLayer>),
    ("table", || of_both(properties::<TableFields>(), GroupFields::properties())),
    ("group", group_properties),
    ("stack", || of_both(group_properties(), Flow::properties())),
];

fn properties<F: FieldSet>() -> Map<String, Value> {
    of_both(of_both(CommonFields::properties(), Flowing::properties()), F::properties())
}

fn group_properties() -> Map<String, Value> {
    let mut group = properties::<GroupFields>();
    group.insert("layers".to_owned(), layers_schema());
    group
}

fn of_both(mut first: Map<String, Value>, second: Map<String, Value>) -> Map<String, Value> {
    first.extend(second);
    first
}

/// Reads one layer, whose id is `next`, and those in it, which come after it. `None` when something is wrong, which `problems`
/// then tells, or when placeholders hide it in a raw one.
pub fn read(layer: &MergedLayer, next: &mut usize, mode: Mode, problems: &mut Problems) -> Option<Layer> {
    let id = LayerId(*next);
    *next += 1;
    let mut reader = layer.reader(mode, problems);
    let mut fields = Fields::of_layer(layer, &mut reader);
    let common = CommonFields::read_fields(&mut fields);
    if fields.has("x") && fields.has("right") && fields.has("width") {
        fields.conflict("x, right and width exclude one another: give two of them");
    }
    if fields.has("y") && fields.has("bottom") && fields.has("height") {
        fields.conflict("y, bottom and height exclude one another: give two of them");
    }
    if let Some(anchor) = common.as_ref().and_then(|common| common.anchor.as_ref()) {
        check_anchor(anchor, &mut fields);
    }
    let mask = mask(layer, common.as_ref().and_then(|common| common.mask.as_ref()), next, &mut fields);
    let flowing = flowing(layer, &mut fields);
    let (mut size, mut to) = (None, None);
    let kind = match layer.kind() {
        Some("text") => {
            TextFields::check(&mut fields);
            TextFields::read_fields(&mut fields).map(Own::Text)
        }
        Some("image") => Image::read_fields(&mut fields).map(|image| Own::Ready(Kind::Image(image))),
        Some("qr") => {
            if fields.has("size") && (fields.has("width") || fields.has("height")) {
                fields.conflict("size stands instead of width and height");
            }
            QrFields::read_fields(&mut fields).map(|look| {
                size = look.size;
                let logo = look.picture().map(|picture| Box::new(bare(layer.place.child("logo"), Kind::Logo(picture), next)));
                Own::Ready(Kind::Qr(Qr { look, logo }))
            })
        }
        Some("barcode") => Barcode::read_fields(&mut fields).map(|barcode| Own::Ready(Kind::Barcode(barcode))),
        Some("svg") => SvgFields::read_fields(&mut fields).map(|svg| Own::Ready(Kind::Svg(svg.into()))),
        Some("rating") => Rating::read_fields(&mut fields).map(|rating| Own::Ready(Kind::Rating(rating))),
        Some("progress") => Progress::read_fields(&mut fields).map(|progress| Own::Ready(Kind::Progress(progress))),
        Some("rect") => RectLayer::read_fields(&mut fields).map(|rect| Own::Ready(Kind::Rect(rect))),
        Some("ellipse") => Ellipse::read_fields(&mut fields).map(|ellipse| Own::Ready(Kind::Ellipse(ellipse))),
        Some("line") => {
            let given: Vec<&str> = NOT_OF_A_LINE.into_iter().filter(|name| fields.has(name)).collect();
            if !given.is_empty() {
                fields.conflict(format!("a line goes from `x`, `y` to `to`: {} is not for it", given.join(", ")));
            }
            LineLayer::read_fields(&mut fields).map(|line| {
                to = Some((line.to.0.x, line.to.0.y));
                Own::Ready(Kind::Line(line))
            })
        }
        Some("path") => PathLayer::read_fields(&mut fields).map(|path| Own::Ready(Kind::Path(path))),
        Some("table") => {
            if mode != Mode::Partial {
                table::check(&mut fields);
            }
            let look = GroupFields::read_fields(&mut fields);
            TableFields::read_fields(&mut fields).zip(look).map(|(table, look)| Own::Table(Box::new(table), look))
        }
        Some(kind @ ("group" | "stack")) => {
            if fields.layers().is_none() && mode != Mode::Partial {
                fields.push(Problem::new(layer.place.clone(), Code::MissingField, "`layers` is missing"));
            }
            let look = GroupFields::read_fields(&mut fields);
            let flow = if kind == "stack" { Flow::read_fields(&mut fields).map(Some) } else { Some(None) };
            look.zip(flow).map(|(look, flow)| Own::Group(look, flow))
        }
        // Every layer's type was checked when the template was parsed.
        _ => None,
    };
    let has_spread = common.as_ref().and_then(|common| common.shadow.as_ref()).is_some_and(Shadows::have_spread);
    let is_box = match &kind {
        Some(Own::Group(look, _) | Own::Table(_, look)) => look.background.is_some(),
        _ => matches!(layer.kind(), Some("rect" | "ellipse")),
    };
    // A background that is still to come may make a box of a group.
    if has_spread && !is_box && kind.is_some() && mode != Mode::Partial {
        fields.problem(
            "shadow",
            Code::Conflict,
            "`spread` is for boxes (`rect`, `ellipse`, a `group`, `stack` or `table` with a background): this shadow follows what is drawn",
        );
    }
    let whole = fields.finish();
    // Read whatever the layer itself is worth: all problems come at once.
    let inside: Vec<Option<Layer>> = layer.children.iter().flatten().map(|child| read(child, next, mode, problems)).collect();
    whole?;
    let (common, kind, flowing, mask) = (common?, kind?, flowing?, mask?);
    let kind = match kind {
        Own::Ready(kind) => kind,
        Own::Group(look, flow) => Kind::Group(Group { look, flow, layers: inside.into_iter().collect::<Option<Vec<Layer>>>()? }),
        Own::Text(text) => finished(text.finish(&layer.place, next), layer, mode, problems).map(Kind::Text)?,
        Own::Table(table, look) => finished(table.finish(look, &layer.place), layer, mode, problems).map(Kind::Table)?,
    };
    let mut frame = BoxSpec { to, ..common.frame() };
    if let Some(size) = size {
        (frame.width, frame.height) = (Some(Length::Px(size.get())), Some(Length::Px(size.get())));
    }
    Some(Layer {
        id,
        place: layer.place.clone(),
        name: layer.name().map(str::to_owned),
        frame,
        anchor: common.anchor,
        flowing,
        rotate: common.rotate.get(),
        flip: common.flip,
        opacity: common.opacity.get(),
        shadows: common.shadow.unwrap_or_default(),
        blend: common.blend,
        clip: common.clip,
        mask,
        kind,
    })
}

/// What the fields of a layer make together, or why they do not.
fn finished<T>(made: Result<T, Problem>, layer: &MergedLayer, mode: Mode, problems: &mut Problems) -> Option<T> {
    made.map_err(|problem| layer.reader(mode, problems).push(problem)).ok()
}

enum Own {
    Text(TextFields),
    Table(Box<TableFields>, GroupFields),
    Group(GroupFields, Option<Flow>),
    Ready(Kind),
}

/// A mask of its own id where it is a picture; `Some(None)` where there is none.
fn mask(layer: &MergedLayer, mask: Option<&MaskFields>, next: &mut usize, fields: &mut Fields) -> Option<Option<Mask>> {
    let Some(mask) = mask else { return Some(None) };
    let src = match (&mask.src, &mask.paint) {
        (Some(src), None) => src,
        (None, Some(paint)) => return Some(Some(Mask::Paint(paint.clone()))),
        _ => {
            fields.problem("mask", Code::Conflict, "a mask has either `src` or `paint`");
            return None;
        }
    };
    let picture = MaskFields::picture(src.clone(), mask.fit);
    Some(Some(Mask::Picture(Box::new(bare(layer.place.child("mask"), picture, next)))))
}

/// A layer that belongs to another one: of its own id, with nothing but its kind.
pub(super) fn bare(place: Place, kind: Kind, next: &mut usize) -> Layer {
    let id = LayerId(*next);
    *next += 1;
    Layer {
        id,
        place,
        name: None,
        frame: BoxSpec::default(),
        anchor: None,
        flowing: None,
        rotate: 0.0,
        flip: None,
        opacity: 1.0,
        shadows: Shadows::default(),
        blend: Blend::Normal,
        clip: false,
        mask: None,
        kind,
    }
}

/// What the anchor says must not be said twice.
fn check_anchor(anchor: &Anchor, fields: &mut Fields) {
    let given: Vec<&str> = anchor.excluded().into_iter().filter(|name| fields.has(name)).collect();
    if !given.is_empty() {
        fields.conflict(format!("`anchor` says where the layer lies: {} must not", given.join(", ")));
    }
    let reach = match anchor.side {
        Side::Below => ["bottom", "height"],
        Side::Right => ["right", "width"],
        Side::Above | Side::Left => return,
    };
    if reach.iter().all(|name| fields.has(name)) {
        fields.conflict(format!("anchor, {} and {} exclude one another: give two of them", reach[0], reach[1]));
    }
}

/// How the layer stands in its stack: `Some(None)` where it lies in none, or has edges of its own.
fn flowing(layer: &MergedLayer, fields: &mut Fields) -> Option<Option<Flowing>> {
    const OWN: [&str; 4] = ["grow", "shrink", "margin", "align_self"];
    const EDGES: [&str; 4] = ["x", "y", "right", "bottom"];
    if layer.flows && fields.has("anchor") {
        fields.problem("anchor", Code::Conflict, "a stack places its layers: `anchor` is for layers of the canvas or of a group");
    }
    let edge = EDGES.into_iter().find(|edge| fields.has(edge));
    let wrong = match (layer.flows, edge) {
        (true, None) => return Flowing::read_fields(fields).map(Some),
        (true, Some(edge)) => {
            format!("is not for a layer that lies where it says (`{edge}`) and does not follow the others of its stack")
        }
        (false, _) => "is for layers of a `stack`".to_owned(),
    };
    // What they say is told all the same.
    Flowing::read_fields(fields);
    for name in OWN {
        if fields.has(name) {
            let hint = match layer.kind() {
                Some("qr") if name == "margin" => "around a code it is called `quiet_zone`",
                _ => "`x`, `y`, `right`, `bottom` and `anchor` place a layer elsewhere",
            };
            let problem = Problem::new(fields.place().child(name), Code::Conflict, format!("`{name}` {wrong}"));
            fields.push(if layer.flows { problem } else { problem.hint(hint) });
        }
    }
    Some(None)
}

impl CommonFields {
    fn frame(&self) -> BoxSpec {
        let offset = |o: Option<Offset>| o.map(|o| o.0);
        let extent = |e: Option<Extent>| e.map(|e| e.0);
        BoxSpec {
            x: offset(self.x),
            y: offset(self.y),
            right: offset(self.right),
            bottom: offset(self.bottom),
            width: extent(self.width),
            height: extent(self.height),
            min_width: extent(self.min_width),
            max_width: extent(self.max_width),
            min_height: extent(self.min_height),
            max_height: extent(self.max_height),
            aspect_ratio: self.aspect_ratio.map(Ratio::get),
            to: None,
        }
    }
}

/// Reads all layers of a poster; all problems together.
pub fn read_all(layers: &[MergedLayer], problems: &mut Problems) -> Vec<Layer> {
    let (mut read_layers, mut next) = (Vec::with_capacity(layers.len()), 0);
    for layer in layers {
        if let Some(read) = read(layer, &mut next, Mode::Merged, problems) {
            read_layers.push(read);
        } else if problems.is_empty() {
            // A layer that cannot be read always says why; this keeps the promise should a reader forget.
            problems.push(Problem::new(layer.place.clone(), Code::Internal, "the layer could not be read"));
        }
    }
    if let Some(layer) = first_beyond(&read_layers, Layer::cells, MAX_CELLS) {
        let message = format!("the tables of one poster have at most {MAX_CELLS} cells together");
        problems.push(Problem::new(layer.place.child("rows"), Code::TooMany, message));
    }
    if let Some(layer) = first_beyond(&read_layers, Layer::characters, MAX_REQUEST_TEXT_CHARS) {
        let message = format!("the texts of one poster have at most {MAX_REQUEST_TEXT_CHARS} characters together");
        let said = if matches!(layer.kind, Kind::Table(_)) { "rows" } else { "text" };
        problems.push(Problem::new(layer.place.child(said), Code::TooMany, message));
    }
    if let Some(layer) = first_beyond(&read_layers, Layer::fitted_characters, MAX_FITTED_CHARS) {
        let message = format!("the texts with `autofit` of one poster have at most {MAX_FITTED_CHARS} characters together");
        problems.push(Problem::new(layer.place.child("autofit"), Code::TooMany, message));
    }
    read_layers
}

/// The layer with which all have more than the `most` together, counting those within groups.
fn first_beyond(layers: &[Layer], count: fn(&Layer) -> usize, most: usize) -> Option<&Layer> {
    let mut sum = 0;
    all(layers).into_iter().find(|layer| {
        sum += count(layer);
        sum > most
    })
}
