//! What users are told when something is wrong: each folder of `tests/errors` holds a request and the problems it must give.
//!
//! `template.json`, `variables.json`, `overrides.json` (the latter two may be missing) and `problems.json`; `BLESS=1` writes
//! the latter anew. Also: every hint is a sentence a user can follow, so read what you bless.
// A test may panic: that is how it fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

use std::fs;
use std::path::{Path, PathBuf};

use affiche::limits::Limits;
use affiche::poster::Poster;
use affiche::problem::Problems;
use affiche::template::Supplied;
use serde_json::{Map, Value, json};

fn cases() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/errors");
    let mut cases: Vec<PathBuf> = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    cases
}

fn json_of(path: &Path) -> Option<Value> {
    let text = fs::read_to_string(path).ok()?;
    Some(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

fn object_of(path: &Path) -> Map<String, Value> {
    match json_of(path) {
        Some(Value::Object(object)) => object,
        None => Map::new(),
        Some(_) => panic!("{} holds no object", path.display()),
    }
}

/// The problems of the template stage.
fn problems(case: &Path) -> Problems {
    let template = json_of(&case.join("template.json")).expect("a case has a template.json");
    let (variables, overrides) = (object_of(&case.join("variables.json")), object_of(&case.join("overrides.json")));
    let supplied = Supplied { variables: &variables, overrides: &overrides, canvas: &Map::new() };
    Poster::read_inline(&template, &supplied, &Limits::default()).err().unwrap_or_default()
}

fn told(problems: &Problems) -> Value {
    let list = problems.list().iter().map(|problem| {
        let mut told = json!({
            "in": problem.place.part.as_str(),
            "at": problem.place.at,
            "code": problem.code.as_str(),
            "message": problem.message,
        });
        for (name, turns) in problem.place.turns.told() {
            told[name] = turns;
        }
        if let Some(hint) = &problem.hint {
            told["hint"] = json!(hint);
        }
        told
    });
    list.collect()
}

#[test]
fn every_case_gives_its_problems() {
    let bless = std::env::var_os("BLESS").is_some();
    let mut wrong = Vec::new();
    for case in cases() {
        let told = told(&problems(&case));
        let expected = case.join("problems.json");
        assert!(told.as_array().is_some_and(|list| !list.is_empty()), "{}: nothing is wrong", case.display());
        if bless {
            fs::write(&expected, format!("{told:#}\n")).unwrap();
        } else if json_of(&expected).as_ref() != Some(&told) {
            wrong.push(format!("{}:\n{told:#}", case.display()));
        }
    }
    assert!(wrong.is_empty(), "not as in problems.json (BLESS=1 rewrites):\n{}", wrong.join("\n"));
}
