//! `path`: an outline of SVG path data, filled and stroked.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::geom::{Affine, Rect};
use crate::layer::Content;
use crate::layer::curves::data::PathData;
use crate::layer::curves::stroke::Stroke;
use crate::layer::curves::{Curves, Drawing};
use crate::layer::emit::Emitter;
use crate::layer::values::Paint;
use crate::layout::boxes::Given;
use crate::limits::MAX_COORDINATE;
use crate::problem::{Code, Place, Problem};
use crate::scene::{Item, Lowered};
use crate::template::declare::{fields, number};
use crate::template::fields::{Read, Reader, part_schema};

fields! {
    /// An outline of lines and curves.
    pub struct PathLayer {
        /// SVG path data, in pixels from `x`, `y`; with `view_box` in its units.
        d: PathData,
        /// `[x, y, width, height]` or `"0 0 24 24"`: this part of the data's plane is fitted into the middle of the box, as SVG
        /// does; strokes keep their width.
        view_box: Option<ViewBox>,
        /// What fills it (non-zero rule): a colour or a gradient over the layer's box; nothing by default.
        fill: Option<Paint>,
        /// The line along the outline, over the fill.
        stroke: Option<Stroke>,
    }
}

number! {
    /// A place in path data.
    pub struct Unit(f64) in [-MAX_COORDINATE, MAX_COORDINATE], "";
    /// A side of a view box.
    pub struct Side(f64) in [0.001, MAX_COORDINATE], "";
}

/// The part of the data's plane that is shown.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct ViewBox(pub Rect);

impl Read for ViewBox {
    fn read(value: &Value, reader: &mut Reader) -> Option<ViewBox> {
        let split: Vec<Value>;
        let numbers = match value {
            Value::Array(numbers) => numbers.as_slice(),
            // As it stands in SVG.
            Value::String(text) => {
                let words = text.split([' ', ',', '\t', '\n']).filter(|word| !word.is_empty());
                split = words.map(|word| word.parse::<f64>().map_or_else(|_| json!(word), |number| json!(number))).collect();
                split.as_slice()
            }
            other => return reader.wrong_type(other, "four numbers, [x, y, width, height]"),
        };
        let [x, y, width, height] = numbers else {
            return reader.invalid(format!("must be four numbers, [x, y, width, height], not {}", numbers.len()));
        };
        let (x, y) = (reader.read_item::<Unit>(0, x), reader.read_item::<Unit>(1, y));
        let (width, height) = (reader.read_item::<Side>(2, width), reader.read_item::<Side>(3, height));
        Some(ViewBox(Rect::new(x?.get(), y?.get(), width?.get(), height?.get())))
    }

    fn schema() -> Value {
        let (place, side) = (part_schema(Unit::schema()), part_schema(Side::schema()));
        json!({ "anyOf": [
            { "type": "array", "prefixItems": [place, place, side, side], "items": false, "minItems": 4 },
            { "type": "string", "format": "view-box" },
        ] })
    }
}

impl PathLayer {
    pub fn measure(&self, given: Given, place: &Place, scale: f64) -> Result<Content, Problem> {
        let (size, curves) = placed_in(&self.d.0, self.view_box, given, place)?;
        let stroke = match &self.stroke {
            Some(stroke) => stroke.outline(&curves, scale, &place.child("stroke"))?.map(Arc::new),
            None => None,
        };
        let fill = match &self.fill {
            Some(_) => {
                curves.affordable(scale, &place.child("d"))?;
                Some(curves)
            }
            None => None,
        };
        Ok(Content::Drawing(Drawing { size, fill, stroke }))
    }

    pub fn emit(&self, drawing: &Drawing, rect: Rect, to: &Emitter) -> Vec<Item<Lowered>> {
        drawing.emit(rect, self.fill.as_ref(), self.stroke.as_ref().map(|stroke| &stroke.color), to)
    }
}

/// How large a path is, of which these sides are given, and where it lies from the top left of its box.
pub(in crate::layer) fn placed_in(
    curves: &Arc<Curves>,
    view_box: Option<ViewBox>,
    given: Given,
    place: &Place,
) -> Result<((f64, f64), Arc<Curves>), Problem> {
    let Some(ViewBox(view)) = view_box else {
        let far = curves.bounds().unwrap_or_default();
        let size = (given.width.unwrap_or(far.right().max(0.0)), given.height.unwrap_or(far.bottom().max(0.0)));
        return Ok((size, Arc::clone(curves)));
    };
    let ratio = view.height / view.width;
    let size = match (given.width, given.height) {
        (Some(w), Some(h)) => (w, h),
        (Some(w), None) => (w, w * ratio),
        (None, Some(h)) => (h / ratio, h),
        (None, None) => (view.width, view.height),
    };
    Ok((size, fitted(curves, view, size, place)?))
}

/// SVG's `xMidYMid meet`: as large as fits, in the middle.
fn fitted(curves: &Curves, view: Rect, size: (f64, f64), place: &Place) -> Result<Arc<Curves>, Problem> {
    let by = (size.0 / view.width).min(size.1 / view.height);
    let (dx, dy) = ((size.0 - view.width * by) / 2.0, (size.1 - view.height * by) / 2.0);
    let map = Affine::translate(dx, dy).then_inner(Affine::scale(by, by)).then_inner(Affine::translate(-view.x, -view.y));
    let fitted = curves.map(map);
    if fitted.reach() > MAX_COORDINATE {
        let message = format!("fitted by it, the path reaches further than {MAX_COORDINATE} px");
        return Err(Problem::new(place.child("view_box"), Code::InvalidValue, message));
    }
    Ok(Arc::new(fitted))
}
