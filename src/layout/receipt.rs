//! The receipt: what was laid out where, in output pixels, as JSON.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use ab_glyph::OutlineCurve;
use serde_json::{Map, Value, json};

use crate::asset::{Assets, Shown};
use crate::geom::Rect;
use crate::layer::table::Told;
use crate::layer::text::{Route, Text, chunks};
use crate::layer::{Content, Kind};
use crate::layout::{Layout, Seen};
use crate::text::{Composed, Face, Glyph, Line, Pose, Run, TOLERANCE};

/// The contract's receipt; `assets` tells where pictures came from. It takes as long as laying out: every outline is read for
/// the ink, and hundreds of small strings are made.
pub fn receipt(layout: &Layout, assets: &Assets) -> Value {
    let layers: Vec<Value> = layout.all().iter().map(|seen| layer(seen, layout.scale, assets)).collect();
    json!({ "width": layout.size.width(), "height": layout.size.height(), "layers": layers })
}

/// Where a picture came from.
fn source(shown: &Shown) -> Option<&'static str> {
    match shown {
        Shown::Picture { from, .. } => Some(*from),
        Shown::Placeholder => Some("placeholder"),
        Shown::Hidden | Shown::Nothing => None,
    }
}

fn layer(placed: &Seen, scale: f64, assets: &Assets) -> Value {
    let layer = placed.layer;
    let mut entry = Map::new();
    entry.insert("at".into(), json!(layer.place.at));
    entry.extend(layer.place.turns.told());
    if let Some(name) = &layer.name {
        entry.insert("name".into(), json!(name));
    }
    entry.insert("type".into(), json!(layer.type_name()));
    entry.insert("box".into(), rect(placed.rect, scale));
    match (&layer.kind, placed.content) {
        (Kind::Text(text), content) => {
            tell_text(text, content, (placed.rect, scale), &mut entry);
            if let Some(source) = text.pictures().next().and_then(|picture| source(assets.get(picture.id.0))) {
                entry.insert("source".into(), json!(source));
            }
        }
        (Kind::Table(table), Content::Table(measured)) => {
            let own = placed.rect;
            let columns = measured.columns.iter().map(|(x, width)| Rect { x: own.x + x, width: *width, ..own });
            let rows = measured.rows.iter().map(|(y, height)| Rect { y: own.y + y, height: *height, ..own });
            entry.insert("columns".into(), columns.map(|column| rect(column, scale)).collect());
            entry.insert("rows".into(), rows.map(|row| rect(row, scale)).collect());
            let cells = table.told(measured).map(|told| cell(&told, own, scale));
            entry.insert("cells".into(), cells.collect());
        }
        (Kind::Image(_) | Kind::Svg(_), _) => {
            if let Some(source) = source(assets.get(layer.id.0)) {
                entry.insert("source".into(), json!(source));
            }
        }
        _ => {}
    }
    Value::Object(entry)
}

/// A cell of a table that lies in this box.
fn cell(told: &Told, table: Rect, scale: f64) -> Value {
    let own = Rect { x: table.x + told.rect.x, y: table.y + told.rect.y, ..told.rect };
    let mut entry = Map::new();
    entry.insert("at".into(), json!(told.place.at));
    entry.extend(told.place.turns.told());
    entry.insert("row".into(), json!(told.row));
    entry.insert("column".into(), json!(told.column));
    entry.insert("box".into(), rect(own, scale));
    tell_text(told.text, told.content, (own, scale), &mut entry);
    Value::Object(entry)
}

/// What is told of a text in its box.
fn tell_text(text: &Text, content: &Content, (own, scale): (Rect, f64), entry: &mut Map<String, Value>) {
    let Content::Text { composed, indent, fitted, route, .. } = content else { return };
    let (dx, dy) = text.offset(composed, *indent, own);
    let route = route.as_deref();
    let axis = match route {
        Some(route) => Axis::Path(route),
        None if composed.vertical => Axis::Down,
        None => Axis::Across,
    };
    let drawn = composed.lines.iter().any(|line| !line.runs.is_empty());
    let size = text.paragraph.spans.first().filter(|_| drawn).map(|span| fitted.unwrap_or(span.style.size));
    if let Some(covered) = ink_box(composed, route) {
        entry.insert("ink".into(), rect(Rect { x: covered.x + dx, y: covered.y + dy, ..covered }, scale));
    }
    if let Some(size) = size {
        entry.insert("size".into(), number(size * scale));
    }
    let joined: String = text.paragraph.spans.iter().map(|s| s.text.as_str()).collect();
    let lines: Vec<Value> = composed.lines.iter().map(|line| self::line(line, &joined, &axis, (dx, dy), scale)).collect();
    entry.insert("lines".into(), json!(lines));
    entry.insert("fonts".into(), json!(fonts(composed)));
    entry.insert("missing".into(), json!(composed.missing.iter().map(|c| format!("U+{:04X}", *c as u32)).collect::<Vec<_>>()));
    entry.insert("truncated".into(), json!(composed.truncated));
    let overflows = match route {
        // What is too much for a path is not drawn beyond it.
        Some(_) => composed.truncated,
        None => overflows(composed, *indent, text.content_box(own)),
    };
    entry.insert("overflow".into(), json!(overflows));
}

/// Which way a line runs.
enum Axis<'a> {
    Across,
    Down,
    Path(&'a Route),
}

impl Axis<'_> {
    /// What a place along it and a length of it are called.
    fn names(&self) -> (&'static str, &'static str) {
        match self {
            Axis::Across => ("x", "width"),
            Axis::Down => ("y", "height"),
            Axis::Path(_) => ("along", "width"),
        }
    }
}

fn line(line: &Line, joined: &str, axis: &Axis<'_>, (dx, dy): (f64, f64), scale: f64) -> Value {
    let mut entry = json!({
        "text": joined.get(line.range.clone()).unwrap_or_default(),
        "start": line.range.start,
        "end": line.range.end,
    });
    let places = match axis {
        Axis::Across => vec![("x", dx + line.x), ("baseline", dy + line.baseline), ("width", line.width)],
        // The middle of the column.
        Axis::Down => vec![("x", dx - line.baseline), ("y", dy + line.x), ("height", line.width)],
        Axis::Path(route) => vec![("along", route.along(line.x)), ("width", line.width)],
    };
    if let Some(entry) = entry.as_object_mut() {
        entry.extend(places.into_iter().map(|(name, place)| (name.to_owned(), number(place * scale))));
        entry.insert("runs".to_owned(), json!(runs(line, axis, (dx, dy), scale)));
    }
    entry
}

/// Stretches of one face and direction, in the order in which they stand on the line.
fn runs(line: &Line, axis: &Axis<'_>, (dx, dy): (f64, f64), scale: f64) -> Vec<Value> {
    let (place, length) = axis.names();
    let start = |run: &Run| run.glyphs.iter().map(|glyph| glyph.cluster).min().unwrap_or(line.range.start);
    let mut starts: Vec<usize> = line.runs.iter().filter(|run| !run.ruby).map(start).collect();
    starts.sort_unstable();
    let entry = |run: &Run| {
        let from = start(run);
        let to = starts.get(starts.partition_point(|start| *start <= from)).copied().unwrap_or(line.range.end);
        let from_start = |glyph: &Glyph| if matches!(axis, Axis::Across) { glyph.x } else { glyph.along };
        let left = run.glyphs.iter().map(from_start).fold(f64::INFINITY, f64::min);
        let from_origin = match axis {
            Axis::Across => dx + left,
            Axis::Down => dy + left,
            Axis::Path(route) => route.along(left),
        };
        let width: f64 = run.glyphs.iter().map(|glyph| glyph.advance).sum();
        json!({
            "start": from,
            "end": to.max(from),
            "font": run.face.family(),
            place: number(from_origin * scale),
            length: number(width * scale),
            "rtl": run.rtl,
        })
    };
    line.runs.iter().filter(|run| !run.glyphs.is_empty() && !run.ruby).map(entry).collect()
}

/// Whether lines reach beyond the box: by their advances and line boxes, as `overflow` judges.
fn overflows(composed: &Composed, indent: f64, boxed: Rect) -> bool {
    let (measure, room) = if composed.vertical { (boxed.height, boxed.width) } else { (boxed.width, boxed.height) };
    let beside = |line: &Line| line.x - indent < -TOLERANCE || line.x - indent + line.width > measure + TOLERANCE;
    composed.height > room + TOLERANCE || composed.lines.iter().any(beside)
}

/// What the glyphs cover, from the lines' own origin; nothing where they are all blank. Colour glyphs count with their em's
/// box.
fn ink_box<'c>(composed: &'c Composed, route: Option<&Route>) -> Option<Rect> {
    let (mut low, mut high) = ((f64::INFINITY, f64::INFINITY), (f64::NEG_INFINITY, f64::NEG_INFINITY));
    // A text has few different glyphs, and each outline takes microseconds to read.
    let mut known: HashMap<(*const Face, u64, u64, u64, u16), Option<Rect>> = HashMap::new();
    let baseline = composed.lines.first().map_or(0.0, |line| line.baseline);
    let parts = |run: &'c Run| chunks(&run.glyphs).map(move |cluster| (run, cluster));
    for (run, cluster) in composed.lines.iter().flat_map(|line| &line.runs).flat_map(parts) {
        let frame = route.map(|route| route.frame(cluster, baseline));
        for glyph in cluster {
            let pose = match run.pose {
                Pose::Upright => 0,
                Pose::Turned => 1,
                Pose::Narrow(by) => by.to_bits(),
            };
            let name = (Arc::as_ptr(&run.face), run.size.to_bits(), run.slant.to_bits(), pose, glyph.id);
            if let Some(ink) = *known.entry(name).or_insert_with(|| ink_of(run, glyph.id)) {
                let ink = Rect { x: glyph.x + ink.x, y: glyph.y + ink.y, ..ink };
                let ink = frame.map_or(ink, |frame| frame.bounds_of(ink));
                low = (low.0.min(ink.x), low.1.min(ink.y));
                high = (high.0.max(ink.right()), high.1.max(ink.bottom()));
            }
        }
    }
    (low.0 <= high.0).then(|| Rect::new(low.0, low.1, high.0 - low.0, high.1 - low.1))
}

/// What one glyph covers about its origin; nothing when it is blank.
fn ink_of(run: &Run, glyph: u16) -> Option<Rect> {
    if run.color {
        return Some(run.face.ink_box().scale(run.size));
    }
    let scale = run.size / run.face.units_per_em();
    let (mut low, mut high) = ((f64::INFINITY, f64::INFINITY), (f64::NEG_INFINITY, f64::NEG_INFINITY));
    for curve in run.face.outline(glyph).unwrap_or_default() {
        // Control points: curves stay within them.
        let points = match curve {
            OutlineCurve::Line(a, b) => vec![a, b],
            OutlineCurve::Quad(a, b, c) => vec![a, b, c],
            OutlineCurve::Cubic(a, b, c, d) => vec![a, b, c, d],
        };
        for point in points {
            let (x, y) = (f64::from(point.x) * scale, f64::from(point.y) * scale);
            let (x, y) = match (run.pose, x + run.slant * y) {
                (Pose::Upright, x) => (x, -y),
                (Pose::Turned, x) => (y, x),
                (Pose::Narrow(by), x) => (x * by, -y),
            };
            low = (low.0.min(x), low.1.min(y));
            high = (high.0.max(x), high.1.max(y));
        }
    }
    (low.0 <= high.0).then(|| Rect::new(low.0, low.1, high.0 - low.0, high.1 - low.1))
}

fn fonts(composed: &Composed) -> Vec<String> {
    let names: BTreeSet<&str> = composed.lines.iter().flat_map(|l| &l.runs).map(|r| r.face.family()).collect();
    names.into_iter().map(str::to_owned).collect()
}

fn rect(r: Rect, scale: f64) -> Value {
    let r = r.scale(scale);
    json!({ "x": number(r.x), "y": number(r.y), "width": number(r.width), "height": number(r.height) })
}

/// Thousandths are beyond what anybody can see; more digits would only be noise.
fn number(v: f64) -> Value {
    let rounded = (v * 1000.0).round() / 1000.0;
    if rounded.fract() == 0.0 && rounded.abs() < 1e15 { json!(rounded as i64) } else { json!(rounded) }
}
