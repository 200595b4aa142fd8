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
use serde_json::{Map, Value, json};
use support::{How, assets, bytes, decode_png, draw_with, folders, json as json_of, object, poster, root, side_by_side};

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
            let variables = if variables.exists() { object(json_of(&variables)) } else { Map::new() };
            let poster = poster(&json_of(&case.join("template.json")), &variables);
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
    /// The least and the most that a number may be; of a template all numbers there are, each as both.
    bounds: BTreeMap<String, Vec<(f64, f64)>>,
    /// Kinds of layers with what becomes of them as a whole: `text is turned`.
    fates: BTreeSet<(String, &'static str)>,
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
        if let (Some(least), Some(most)) = (schema["minimum"].as_f64(), schema["maximum"].as_f64()) {
            all.bounds.entry(path.to_owned()).or_default().push((least, most));
        }
        for word in schema["enum"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            all.words.insert((field.to_owned(), word.to_owned()));
        }
        let of = |name: &str| schema[name].as_array().into_iter().flatten();
        let others = schema.get("additionalProperties").filter(|others| others.is_object());
        for branch in of("anyOf").chain(of("prefixItems")).chain(schema.get("items")).chain(others) {
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

    fn use_layer(&self, kind: &str, layer: &Map<String, Value>, in_clip: bool, used: &mut Fields) {
        let number = |name: &str| layer.get(name).and_then(Value::as_f64);
        let fates = [
            ("turned", number("rotate").is_some_and(|degrees| degrees % 90.0 != 0.0)),
            ("cut by what it lies in", in_clip),
            ("faint", number("opacity").is_some_and(|opacity| 0.0 < opacity && opacity < 1.0)),
        ];
        used.fates.extend(fates.iter().filter(|(_, is_so)| *is_so).map(|(fate, _)| (kind.to_owned(), *fate)));
        for (field, value) in layer {
            let path = self.path(kind, field);
            used.there.insert(path.clone());
            match (field.as_str(), value) {
                ("layers", Value::Array(layers)) => self.use_layers(layers, layer.get("clip") == Some(&json!(true)), used),
                _ => use_value(&path, value, used),
            }
        }
    }

    fn use_layers(&self, layers: &[Value], in_clip: bool, used: &mut Fields) {
        for layer in layers {
            self.use_layer(layer["type"].as_str().unwrap(), layer.as_object().unwrap(), in_clip, used);
        }
    }

    /// What all goldens hold.
    fn used(&self) -> Fields {
        let mut used = Fields::default();
        for case in folders(&root().join("tests/goldens")).iter().flat_map(|kind| folders(kind)) {
            let template = json_of(&case.join("template.json"));
            self.use_layers(template["layers"].as_array().unwrap(), false, &mut used);
            for (kind, fields) in template["defaults"].as_object().into_iter().flatten() {
                self.use_layer(kind, fields.as_object().unwrap(), false, &mut used);
            }
        }
        used
    }
}

fn use_value(path: &str, value: &Value, used: &mut Fields) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| use_value(path, item, used)),
        Value::Object(fields) => {
            let is_paint = fields.get("stops").is_some();
            for (name, value) in fields {
                // Tags of OpenType are no fields.
                let is_tag = path.ends_with(".features");
                let below = if is_tag { path.to_owned() } else { format!("{}.{name}", if is_paint { "paint" } else { path }) };
                used.there.insert(below.clone());
                use_value(&below, value, used);
            }
        }
        Value::Number(number) => {
            let number = number.as_f64().unwrap();
            used.bounds.entry(path.to_owned()).or_default().push((number, number));
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
    let (allowed, used) = (schema.allowed(), schema.used());
    assert!(allowed.there.len() > 200 && allowed.words.len() > 100, "{} fields", allowed.there.len());
    let unseen: BTreeMap<&str, &str> = BTreeMap::from(UNSEEN);
    let missing: Vec<&String> =
        allowed.there.difference(&used.there).filter(|path| !unseen.contains_key(path.as_str())).collect();
    assert!(missing.is_empty(), "no golden has {missing:?}");
    let unsaid = allowed.words.difference(&used.words).filter(|word| !allowed.defaults.contains(word));
    let words: Vec<_> = unsaid.filter(|(field, _)| field != "on_error").collect();
    assert!(words.is_empty(), "no golden says {words:?}");
}

/// Bounds that no picture has, and why.
const UNREACHED: [(&str, &str); 1] = [("qr.size 0", "a code without room is an error: tests/errors/codes")];

#[test]
fn every_bound_is_in_a_golden() {
    let schema = Schema::read();
    let (allowed, used) = (schema.allowed(), schema.used());
    assert!(allowed.bounds.len() > 80, "{} fields with bounds", allowed.bounds.len());
    let unreached: BTreeMap<&str, &str> = BTreeMap::from(UNREACHED);
    let has = |path: &str, bound: f64| used.bounds.get(path).is_some_and(|all| all.iter().any(|(number, _)| *number == bound));
    let each = allowed.bounds.iter().flat_map(|(path, all)| all.iter().flat_map(move |(a, b)| [(path, *a), (path, *b)]));
    let missing: BTreeSet<String> = each
        .filter(|(path, bound)| !has(path, *bound))
        .map(|(path, bound)| format!("{path} {bound}"))
        .filter(|bound| !unreached.contains_key(bound.as_str()))
        .collect();
    assert!(missing.is_empty(), "no golden has {missing:#?}");
}

#[test]
fn every_kind_is_turned_cut_and_faint_in_a_golden() {
    let schema = Schema::read();
    let kinds = schema.defs.keys().filter_map(|name| name.strip_prefix("layer_"));
    let fates = ["turned", "cut by what it lies in", "faint"];
    let wanted = kinds.flat_map(|kind| fates.map(|fate| (kind.to_owned(), fate))).collect::<BTreeSet<_>>();
    let used = schema.used().fates;
    let missing: Vec<_> = wanted.difference(&used).collect();
    assert!(missing.is_empty(), "no golden has {missing:?}");
}
