//! The receipt: what was laid out where, in output pixels, as JSON.

use serde_json::{Map, Value, json};

use crate::asset::{Assets, Shown};
use crate::geom::Rect;
use crate::layer::{Content, Kind};
use crate::layout::{Layout, PlacedLayer};
use crate::text::Composed;

/// The contract's receipt; `assets` tells where pictures came from.
pub fn receipt(layout: &Layout, assets: &Assets) -> Value {
    let layers: Vec<Value> = layout.placed.iter().map(|placed| layer(placed, layout.scale, assets)).collect();
    json!({ "width": layout.size.width(), "height": layout.size.height(), "layers": layers })
}

fn layer(placed: &PlacedLayer, scale: f64, assets: &Assets) -> Value {
    let layer = placed.layer;
    let mut entry = Map::new();
    entry.insert("at".into(), json!(layer.place.at));
    if let Some(turn) = layer.place.turn {
        entry.insert("turn".into(), json!(turn));
    }
    if let Some(name) = &layer.name {
        entry.insert("name".into(), json!(name));
    }
    entry.insert("type".into(), json!(layer.type_name()));
    entry.insert("box".into(), rect(placed.rect, scale));
    match (&layer.kind, &placed.content) {
        (Kind::Text(text), Content::Text { composed, indent, .. }) => {
            let (dx, dy) = text.offset(composed, *indent, placed.rect);
            let size = composed.lines.iter().flat_map(|l| &l.runs).map(|r| r.size).next();
            if let Some(size) = size {
                entry.insert("size".into(), number(size * scale));
            }
            let joined: String = text.paragraph.spans.iter().map(|s| s.text.as_str()).collect();
            let lines: Vec<Value> = composed.lines.iter().map(|line| self::line(line, &joined, dx, dy, scale)).collect();
            entry.insert("lines".into(), json!(lines));
            entry.insert("fonts".into(), json!(fonts(composed)));
            entry.insert(
                "missing".into(),
                json!(composed.missing.iter().map(|c| format!("U+{:04X}", *c as u32)).collect::<Vec<_>>()),
            );
            entry.insert("truncated".into(), json!(composed.truncated));
        }
        (Kind::Image(_), _) => {
            let source = match assets.get(layer.id.0) {
                Shown::Picture { from, .. } => Some(*from),
                Shown::Placeholder => Some("placeholder"),
                Shown::Hidden | Shown::Nothing => None,
            };
            if let Some(source) = source {
                entry.insert("source".into(), json!(source));
            }
        }
        _ => {}
    }
    Value::Object(entry)
}

fn line(line: &crate::text::Line, joined: &str, dx: f64, dy: f64, scale: f64) -> Value {
    json!({
        "text": joined.get(line.range.clone()).unwrap_or_default(),
        "start": line.range.start,
        "end": line.range.end,
        "x": number((dx + line.x) * scale),
        "baseline": number((dy + line.baseline) * scale),
        "width": number(line.width * scale),
    })
}

fn fonts(composed: &Composed) -> Vec<String> {
    let mut names: Vec<String> = composed.lines.iter().flat_map(|l| &l.runs).map(|r| r.face.family()).collect();
    names.sort();
    names.dedup();
    names
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
