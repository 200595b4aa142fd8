//! Every case of `tests/goldens/<kind>/<case>/` draws exactly its `expected.png`.
//!
//! A case is `template.json`, optionally `variables.json`, and `expected.png` (at most 24 KiB). `BLESS=1 cargo test --release
//! --test goldens` writes what is missing or changed: look at each picture before you commit it. On failure expected,
//! difference and actual stand side by side in `target/goldens/<kind>-<case>.png`.
// A test may panic: that is how it fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use affiche::memo::Memo;
use affiche::template::schema::template_schema;
use affiche::text::Fonts;
use serde_json::{Map, Value};
use support::{How, assets, bytes, decode_png, draw_with, folders, json, object, poster, root, side_by_side};

const MOST_BYTES: u64 = 24 << 10;

#[test]
fn goldens() {
    let fonts = Fonts::bundled();
    let memo = Memo::with_capacity(32 << 20);
    let bless = std::env::var_os("BLESS").is_some();
    let (mut cases, mut failures) = (0, Vec::new());
    for kind in folders(&root().join("tests/goldens")) {
        for case in folders(&kind) {
            cases += 1;
            let name = format!("{}/{}", kind.file_name().unwrap().display(), case.file_name().unwrap().display());
            let variables = case.join("variables.json");
            let variables = if variables.exists() { object(json(&variables)) } else { Map::new() };
            let poster = poster(&json(&case.join("template.json")), &variables);
            let assets = assets(&poster, &[case.clone(), root().join("tests/goldens"), root().join("assets/pictures")]);
            let file = bytes(&draw_with(&poster, &assets, &How::plain(&fonts, &memo)));
            let path = case.join("expected.png");
            let actual = decode_png(&file);
            let expected = std::fs::read(&path).ok().map(|bytes| decode_png(&bytes));
            if expected.as_ref().is_some_and(|e| e.data == actual.data && e.width == actual.width) {
                let size = std::fs::metadata(&path).unwrap().len();
                if size > MOST_BYTES {
                    failures.push(format!("{name}: expected.png has {size} bytes, at most {MOST_BYTES} are allowed"));
                }
            } else if bless {
                std::fs::write(&path, &file).unwrap();
            } else {
                let to = root().join("target/goldens").join(format!("{}.png", name.replace('/', "-")));
                side_by_side(expected.as_ref(), &actual, &to);
                failures.push(format!("{name}: see {}", to.display()));
            }
        }
    }
    assert!(cases > 0, "no cases");
    assert!(failures.is_empty(), "{} of {cases} differ:\n{}", failures.len(), failures.join("\n"));
}

/// Fields of which a golden would show nothing, and why.
const UNSEEN: [(&str, &str); 5] = [
    ("*.locked", "overrides: tests/errors/overrides"),
    ("*.meta", "ignored"),
    ("*.on_error", "a source that fails: tests/http/sources.rs"),
    ("*.fallback", "a source that fails: tests/http/sources.rs"),
    ("line.stroke.join", "a line has no corners"),
];

/// What a schema allows or a template holds, by path of fields: `text.stroke.width`, `*.rotate` of what every layer has. Within a
/// paint the path begins anew: `paint.stops.at`.
#[derive(Default)]
struct Fields {
    there: BTreeSet<String>,
    /// The words that a field takes, by its own name.
    words: BTreeSet<(String, String)>,
    /// Those that it reads as where it is absent.
    defaults: BTreeSet<(String, String)>,
}

struct Schema {
    defs: Map<String, Value>,
    /// What every layer has.
    common: BTreeSet<String>,
}

impl Schema {
    fn read() -> Schema {
        let defs = template_schema()["$defs"].as_object().unwrap().clone();
        let text = defs["layer_text"]["properties"].as_object().unwrap();
        let kinds = || defs.iter().filter(|(name, _)| name.starts_with("layer_"));
        let everywhere = |name: &str| kinds().all(|(_, kind)| kind["properties"].get(name) == Some(&text[name]));
        let common = text.keys().filter(|name| everywhere(name)).cloned().collect();
        Schema { defs, common }
    }

    /// Where a field of a layer is listed.
    fn path(&self, kind: &str, field: &str) -> String {
        let shared = self.common.contains(field) || ["on_error", "fallback"].contains(&field);
        format!("{}.{field}", if shared { "*" } else { kind })
    }

    fn allowed(&self) -> Fields {
        let mut all = Fields::default();
        for (kind, schema) in self.defs.iter().filter_map(|(name, schema)| Some((name.strip_prefix("layer_")?, schema))) {
            for (field, schema) in schema["properties"].as_object().unwrap().iter().filter(|(field, _)| *field != "type") {
                let path = self.path(kind, field);
                all.there.insert(path.clone());
                if field != "layers" {
                    self.add(&path, schema, &mut all);
                }
            }
        }
        all
    }

    fn add(&self, path: &str, schema: &Value, all: &mut Fields) {
        if let Some(name) = schema["$ref"].as_str().and_then(|name| name.strip_prefix("#/$defs/")) {
            return match name {
                "later" | "placeholder" => {}
                "paint" if path.starts_with("paint") => {}
                "paint" => self.add("paint", &self.defs[name], all),
                _ => self.add(path, &self.defs[name], all),
            };
        }
        let field = path.rsplit('.').next().unwrap();
        if let Some(word) = schema["default"].as_str() {
            all.defaults.insert((field.to_owned(), word.to_owned()));
        }
        for word in schema["enum"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            all.words.insert((field.to_owned(), word.to_owned()));
        }
        for branch in schema["anyOf"].as_array().into_iter().flatten().chain(schema.get("items")) {
            self.add(path, branch, all);
        }
        for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
            let below = format!("{path}.{name}");
            // What a cell has of a text is tried there: both are read by the same declaration.
            if path.starts_with("table.") && self.defs["layer_text"]["properties"].get(name).is_some() {
                continue;
            }
            all.there.insert(below.clone());
            self.add(&below, schema, all);
        }
    }

    fn use_layer(&self, kind: &str, layer: &Map<String, Value>, used: &mut Fields) {
        for (field, value) in layer {
            let path = self.path(kind, field);
            used.there.insert(path.clone());
            match (field.as_str(), value) {
                ("layers", Value::Array(layers)) => self.use_layers(layers, used),
                _ => use_value(&path, value, used),
            }
        }
    }

    fn use_layers(&self, layers: &[Value], used: &mut Fields) {
        for layer in layers {
            self.use_layer(layer["type"].as_str().unwrap(), layer.as_object().unwrap(), used);
        }
    }
}

fn use_value(path: &str, value: &Value, used: &mut Fields) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| use_value(path, item, used)),
        Value::Object(fields) => {
            let is_paint = fields.get("stops").is_some();
            for (name, value) in fields {
                let below = format!("{}.{name}", if is_paint { "paint" } else { path });
                used.there.insert(below.clone());
                use_value(&below, value, used);
            }
        }
        Value::String(word) => {
            used.words.insert((path.rsplit('.').next().unwrap().to_owned(), word.clone()));
        }
        _ => {}
    }
}

#[test]
fn every_field_and_every_word_is_in_a_golden() {
    let schema = Schema::read();
    let (allowed, mut used) = (schema.allowed(), Fields::default());
    for case in folders(&root().join("tests/goldens")).iter().flat_map(|kind| folders(kind)) {
        let template = json(&case.join("template.json"));
        schema.use_layers(template["layers"].as_array().unwrap(), &mut used);
        for (kind, fields) in template["defaults"].as_object().into_iter().flatten() {
            schema.use_layer(kind, fields.as_object().unwrap(), &mut used);
        }
    }
    assert!(allowed.there.len() > 200 && allowed.words.len() > 100, "{} fields", allowed.there.len());
    let unseen: BTreeMap<&str, &str> = BTreeMap::from(UNSEEN);
    let missing: Vec<&String> =
        allowed.there.difference(&used.there).filter(|path| !unseen.contains_key(path.as_str())).collect();
    assert!(missing.is_empty(), "no golden has {missing:?}");
    let unsaid = allowed.words.difference(&used.words).filter(|word| !allowed.defaults.contains(word));
    let words: Vec<_> = unsaid.filter(|(field, _)| field != "on_error").collect();
    assert!(words.is_empty(), "no golden says {words:?}");
}
