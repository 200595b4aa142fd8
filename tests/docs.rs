//! The tables in `docs/template.md` are made from the JSON Schema, and so from the declarations that read templates; and what pages
//! promise names tests that there are.
//!
//! `BLESS=1 cargo test --release --test docs` rewrites them.
// A test may panic: that is how it fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

mod support;

use serde_json::{Value, json};
use support::root;

const BEGIN: &str = "<!-- fields: made by tests/docs.rs, do not edit below -->";

/// A field's type in few words.
fn kind(schema: &Value) -> String {
    if let Some(words) = schema["enum"].as_array() {
        return words.iter().map(|w| format!("`{}`", w.as_str().unwrap())).collect::<Vec<_>>().join(", ");
    }
    if let Some(reference) = schema["$ref"].as_str() {
        return match reference.rsplit('/').next().unwrap() {
            "paint" => "paint".to_owned(),
            "placeholder" | "later" => String::new(),
            other => other.to_owned(),
        };
    }
    if let Some(several) = schema["anyOf"].as_array() {
        let mut kinds: Vec<String> = several.iter().map(kind).filter(|k| !k.is_empty() && k != "null").collect();
        kinds.dedup();
        return kinds.join(" or ");
    }
    if let Some(several) = schema["type"].as_array() {
        let named = several.iter().filter(|one| *one != "null").map(|one| json!({ "type": one, "pattern": schema["pattern"] }));
        return named.map(|one| kind(&one)).collect::<Vec<_>>().join(" or ");
    }
    match schema["type"].as_str() {
        Some("number" | "integer") => match (&schema["minimum"], &schema["maximum"]) {
            (Value::Number(min), Value::Number(max)) => format!("{} to {}", plain(min), plain(max)),
            _ => "number".to_owned(),
        },
        Some("string") if schema["pattern"].as_str().is_some_and(|p| p.contains('%')) => "`\"50%\"`".to_owned(),
        Some("string") if schema["pattern"].as_str().is_some_and(|p| p.contains("em")) => "`\"0.1em\"`".to_owned(),
        Some("boolean") => "`true`, `false`".to_owned(),
        Some("array") => "list".to_owned(),
        Some("object") => "object".to_owned(),
        Some(other) => other.to_owned(),
        None => "any".to_owned(),
    }
}

fn plain(number: &serde_json::Number) -> String {
    let value = number.as_f64().unwrap();
    if value.fract() == 0.0 { format!("{value:.0}") } else { value.to_string() }
}

fn table(properties: &serde_json::Map<String, Value>, leave_out: &[&str], out: &mut String) {
    out.push_str("| Field | Values | Default | |\n|---|---|---|---|\n");
    for (name, schema) in properties.iter().filter(|(name, _)| !leave_out.contains(&name.as_str())) {
        let default = schema.get("default").map(|d| format!("`{d}`")).unwrap_or_default();
        let description = schema["description"].as_str().unwrap_or_default().replace('|', "\\|");
        out.push_str(&format!("| `{name}` | {} | {default} | {description} |\n", kind(schema).replace('|', "\\|")));
    }
    out.push('\n');
}

#[test]
fn the_tables_of_the_template_page_are_up_to_date() {
    let schema = affiche::template::schema::template_schema();
    let mut made = format!("{BEGIN}\n\n### Frame\n\n");
    table(schema["properties"].as_object().unwrap(), &[], &mut made);
    let layers = [
        "text", "image", "qr", "barcode", "svg", "rating", "progress", "rect", "ellipse", "line", "path", "table", "group",
        "stack",
    ]
    .map(|name| (name, &schema["$defs"][format!("layer_{name}")]["properties"]));
    let common: Vec<&str> = layers[0]
        .1
        .as_object()
        .unwrap()
        .iter()
        .filter(|(name, field)| layers.iter().all(|(_, l)| l.get(name.as_str()) == Some(*field)))
        .map(|(name, _)| name.as_str())
        .collect();
    made.push_str("### Every layer\n\n");
    let all: serde_json::Map<String, Value> =
        common.iter().map(|name| ((*name).to_owned(), layers[0].1[*name].clone())).collect();
    table(&all, &[], &mut made);
    let mut skip = common.clone();
    skip.push("type");
    for (name, properties) in layers {
        made.push_str(&format!("### `{name}`\n\n"));
        table(properties.as_object().unwrap(), &skip, &mut made);
    }
    let made = format!("{}\n", made.trim_end());

    let path = root().join("docs/template.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (head, tables) = page.split_at(page.find(BEGIN).expect("the page holds the marker"));
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, format!("{head}{made}")).unwrap();
    } else {
        assert!(tables == made, "docs/template.md is out of date: BLESS=1 cargo test --release --test docs rewrites it");
    }
}

/// Every function that is a test, by name, in `src` and `tests`.
fn tests_below(dir: &std::path::Path, found: &mut std::collections::BTreeSet<String>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            tests_below(&path, found);
        } else if path.extension().is_some_and(|suffix| suffix == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let mut marked = false;
            for line in text.lines().map(str::trim) {
                if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
                    marked = true;
                } else if let Some(rest) = line.trim_start_matches("async ").strip_prefix("fn ").filter(|_| marked) {
                    found.insert(rest.split('(').next().unwrap().to_owned());
                    marked = false;
                }
            }
        }
    }
}

#[test]
fn every_promise_on_uploads_names_tests_that_there_are() {
    let mut known = std::collections::BTreeSet::new();
    tests_below(&root().join("src"), &mut known);
    tests_below(&root().join("tests"), &mut known);
    assert!(known.len() > 100, "the tests were not found");
    let page = std::fs::read_to_string(root().join("docs/uploads.md")).unwrap();
    let mut promises = 0;
    for promise in page.split("\n- ").skip(1) {
        // What stands after a list belongs to no promise of it.
        let promise = promise.split("\n\n").next().unwrap();
        let named = promise.lines().find_map(|line| line.trim().strip_prefix("Tests: ").or(line.trim().strip_prefix("Test: ")));
        let named = named.unwrap_or_else(|| panic!("no test is named for: {promise}"));
        let names: Vec<&str> = named.split('`').skip(1).step_by(2).filter(|name| !name.contains('=')).collect();
        assert!(!names.is_empty(), "no test is named for: {promise}");
        for name in names {
            assert!(known.contains(name), "docs/uploads.md names `{name}`, which is no test");
        }
        promises += 1;
    }
    assert!(promises >= 20, "only {promises} promises were found");
}

#[test]
fn every_test_that_the_page_on_sources_names_is_there() {
    let mut known = std::collections::BTreeSet::new();
    tests_below(&root().join("src"), &mut known);
    tests_below(&root().join("tests"), &mut known);
    let page = std::fs::read_to_string(root().join("docs/sources.md")).unwrap();
    let named: Vec<&str> = page.split('`').filter_map(|code| code.split_once(".rs::")).map(|(_, name)| name).collect();
    assert!(named.len() >= 40, "only {} tests are named", named.len());
    for name in named {
        assert!(known.contains(name), "docs/sources.md names `{name}`, which is no test");
    }
}

/// The goldens that a page shows, as `tests/goldens/<kind>/<case>`; all its pictures must be there.
fn shown_on(page: &str) -> std::collections::BTreeSet<String> {
    let text = std::fs::read_to_string(root().join(page)).unwrap();
    let pictures = text.split("![").skip(1).filter_map(|rest| Some(rest.split_once("](../")?.1.split_once(')')?.0.to_owned()));
    pictures
        .inspect(|picture| assert!(root().join(picture).is_file(), "{page} shows {picture}, which is not there"))
        .filter_map(|picture| picture.strip_suffix("/expected.png").map(str::to_owned))
        .collect()
}

/// All goldens of a kind.
fn goldens_of(kind: &str) -> Vec<String> {
    let cases = std::fs::read_dir(root().join("tests/goldens").join(kind)).unwrap().map(|entry| entry.unwrap());
    let there = cases.filter(|case| case.path().join("expected.png").exists());
    there.map(|case| format!("tests/goldens/{kind}/{}", case.file_name().to_str().unwrap())).collect()
}

#[test]
fn the_page_on_type_shows_every_golden_of_text() {
    let shown = shown_on("docs/type.md");
    for name in goldens_of("text") {
        assert!(shown.contains(&name), "docs/type.md does not show {name}");
    }
}

#[test]
fn the_gallery_shows_every_other_golden() {
    let shown = shown_on("docs/gallery.md");
    let folders = std::fs::read_dir(root().join("tests/goldens")).unwrap().map(|entry| entry.unwrap());
    let kinds: Vec<String> = folders.filter(|f| f.path().is_dir()).map(|f| f.file_name().to_str().unwrap().to_owned()).collect();
    assert!(kinds.len() >= 14, "{kinds:?}");
    for name in kinds.iter().filter(|kind| *kind != "text").flat_map(|kind| goldens_of(kind)) {
        assert!(shown.contains(&name), "docs/gallery.md does not show {name}");
    }
    // Every kind of layer has goldens.
    let schema = affiche::template::schema::template_schema();
    for kind in schema["$defs"].as_object().unwrap().keys().filter_map(|name| name.strip_prefix("layer_")) {
        assert!(kinds.iter().any(|there| there == kind), "no golden of {kind}");
    }
}
