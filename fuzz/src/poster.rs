//! From JSON to a file: parse, check, merge, lay out, lower, settle, raster.
//!
//! Bytes that begin with `{` are JSON: a template, which may have `_variables`, `_overrides` and `_canvas` beside its fields.
//! Others choose their way through the JSON Schema of templates (`grow`), which reaches farther than broken JSON does.

use std::sync::Arc;

use affiche::asset::{Asset, Assets, Shown, Source};
use affiche::poster::{Poster, check};
use affiche::template::{Supplied, Template};
use serde_json::{Map, Value};

use super::grow::grow;
use super::studio::{Manner, draw_all_ways, limits, output, sound};

pub fn run(data: &[u8]) {
    let request = match data.first() {
        Some(b'{') => match serde_json::from_slice(data) {
            Ok(request) => request,
            Err(_) => return,
        },
        _ => grow(data),
    };
    let Value::Object(mut request) = request else { return };
    let mut part = |name: &str| match request.shift_remove(name) {
        Some(Value::Object(part)) => part,
        _ => Map::new(),
    };
    let (variables, overrides, canvas) = (part("_variables"), part("_overrides"), part("_canvas"));
    // Large posters are drawn small, so that those of the templates and tests are drawn at all.
    let side = |name: &str| request.get(name).and_then(Value::as_f64).unwrap_or(0.0);
    let scale = (180.0 / side("width").max(side("height"))).clamp(0.1, 1.0);
    let manner = Manner { scale, output: output(data.len() as u8) };
    poster(&Value::Object(request), &Supplied { variables: &variables, overrides: &overrides, canvas: &canvas }, manner);
}

fn poster(template: &Value, supplied: &Supplied, manner: Manner) {
    let limits = limits();
    match Template::parse(template) {
        Ok(parsed) => {
            let problems = check(&parsed);
            if !problems.is_empty() {
                sound(&problems);
            }
        }
        Err(problems) => sound(&problems),
    }
    match Poster::read_inline(template, supplied, &limits) {
        Ok(poster) => {
            let assets = Assets::new(poster.all().into_iter().map(|layer| shown(layer.sources().map(|(src, _)| src))).collect());
            draw_all_ways(&poster, &assets, manner);
        }
        Err(problems) => sound(&problems),
    }
}

/// `data:` as it is, `asset:` from three pictures, by the first letter; others stand for a fetch that failed.
fn shown(source: Option<&Source>) -> Shown {
    let bytes = match source {
        None => return Shown::Nothing,
        Some(Source::Data(bytes)) => bytes.clone(),
        Some(Source::Asset(name)) => match name.as_bytes().first() {
            Some(b'a'..=b'h') => include_bytes!("../../assets/pictures/hills.svg").as_slice().into(),
            Some(b'i'..=b'p') => include_bytes!("../../assets/pictures/logo.png").as_slice().into(),
            _ => include_bytes!("../../assets/pictures/avatar.svg").as_slice().into(),
        },
        Some(Source::Url(_)) => return Shown::Hidden,
        Some(_) => return Shown::Placeholder,
    };
    match Asset::new(bytes, &limits()) {
        Ok(asset) => Shown::Picture { asset: Arc::new(asset), from: "inline" },
        Err(_) => Shown::Placeholder,
    }
}
