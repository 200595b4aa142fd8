//! The JSON Schema and the reader say the same of structure, types and bounds.

use std::path::{Path, PathBuf};

use jsonschema::Validator;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value, json};

use super::sample::{LANGUAGES, Sampler};
use crate::limits::Limits;
use crate::poster::Poster;
use crate::problem::{Code, Problem, Problems};
use crate::template::{Supplied, Template, schema};

/// A schema that is to agree with a reader.
pub struct Pair<'s> {
    pub sampler: Sampler<'s>,
    validator: Validator,
    read: fn(&Value) -> Problems,
}

/// Why a schema does not say what a reader does.
enum Beyond {
    /// It says nothing of it.
    Unsaid(#[expect(dead_code, reason = "for who reads this")] &'static str),
    /// It says some of it.
    InPart(#[expect(dead_code, reason = "for who reads this")] &'static str),
}

impl<'s> Pair<'s> {
    pub fn new(schema: &'s Value, read: fn(&Value) -> Problems) -> Pair<'s> {
        let validator = jsonschema::draft202012::options().offline().build(schema).unwrap();
        Pair { sampler: Sampler::new(schema), validator, read }
    }

    /// What one says and the other does not.
    pub fn disagreement(&self, value: &Value) -> Option<String> {
        let problems = (self.read)(value);
        let (mut refused, mut open) = (Vec::new(), false);
        for problem in problems.list() {
            match self.beyond(problem, value) {
                None => refused.push(format!("{} {}: {}", problem.place, problem.code.as_str(), problem.message)),
                Some(Beyond::Unsaid(_)) => {}
                Some(Beyond::InPart(_)) => open = true,
            }
        }
        let wrong: Vec<String> = self.validator.iter_errors(value).map(|error| error.instance_path().to_string()).collect();
        let agree = wrong.is_empty() == refused.is_empty() || (open && refused.is_empty());
        let shown: String = value.to_string().chars().take(400).collect();
        (!agree).then(|| format!("schema: {wrong:?}, reader: {refused:?}\n    {shown}"))
    }

    /// Whether a schema cannot say what the reader does, and why.
    fn beyond(&self, problem: &Problem, value: &Value) -> Option<Beyond> {
        use Beyond::{InPart, Unsaid};
        let at = problem.place.at.as_str();
        let starts = |with: &str| problem.message.starts_with(with);
        match problem.code {
            Code::Conflict => Some(Unsaid("fields that exclude or need one another")),
            Code::InvalidExpression => Some(InPart("what stands in placeholders, in `when` and `each` is a language")),
            Code::UnknownVariable => Some(Unsaid("names used and names declared")),
            Code::InvalidSchema => Some(InPart("not all of JSON Schema is followed")),
            Code::TooMany => Some(InPart("caps on all parts together, or counted in bytes")),
            Code::MissingField if starts("`text`") && !at.contains("/spans/") => Some(Unsaid("either `text` or `spans`")),
            Code::MissingField if is_layer(at) && !starts("`type`") && !starts("`layers`") => {
                let name = problem.message.split('`').nth(1).unwrap();
                let is_null = value.pointer(at).is_some_and(|layer| layer.get(name).is_some());
                (!is_null).then_some(Unsaid("`defaults` may give any field of a layer but its type and its layers"))
            }
            Code::InvalidValue if starts("the cells of the row fill") || starts("the row has more cells") => {
                Some(Unsaid("rows are as long as `columns`"))
            }
            Code::InvalidValue if starts("another output is called") => Some(Unsaid("names of files differ")),
            Code::InvalidValue if starts("one of the lengths must be more") => Some(Unsaid("not all of a list are 0")),
            Code::InvalidValue | Code::WrongType if self.is_of_a_language(at, value) => {
                Some(Unsaid("a string of a language of its own, named by `format`"))
            }
            _ => None,
        }
    }

    fn is_of_a_language(&self, at: &str, value: &Value) -> bool {
        // A part of a string has a place of its own, which the value has not.
        let upto = at.match_indices('/').map(|(slash, _)| slash).chain([at.len()]).filter_map(|end| at.get(..end));
        let Some(here) = upto.rev().find(|at| value.pointer(at).is_some()).filter(|at| value.pointer(at).unwrap().is_string())
        else {
            return false;
        };
        let places = self.sampler.places(value);
        let (_, schemas) = places.iter().find(|(place, _)| place == here).unwrap();
        schemas.iter().any(|schema| LANGUAGES.iter().any(|(name, _)| schema["format"] == *name))
    }

    /// Values at random: of admitted ones, and of those with one thing wrong. The smallest over which they disagree is told.
    pub fn try_at_random(&self, cases: u32) {
        let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
        let root = self.sampler.good(self.sampler.root(), 2);
        let marred = (root, any::<Option<(Index, Index)>>()).prop_map(|(value, marred)| match marred {
            Some((place, how)) => (false, self.sampler.marred(value, place, how)),
            None => (true, value),
        });
        let outcome = runner.run(&marred, |(is_good, value)| {
            prop_assert!(!is_good || self.validator.is_valid(&value), "the generator made what the schema refuses: {value}");
            match self.disagreement(&value) {
                None => Ok(()),
                Some(told) => Err(TestCaseError::fail(told)),
            }
        });
        if let Err(error) = outcome {
            panic!("{error}");
        }
    }

    /// Every edge of the schema, one at a time.
    pub fn try_all_edges(&self) {
        let mut values = Vec::new();
        self.sampler.edges("", self.sampler.root(), &|value| value, &mut values);
        self.try_all(&values);
    }

    /// All of them over which they disagree are told.
    fn try_all(&self, values: &[Value]) {
        let all: Vec<String> = values.iter().filter_map(|value| self.disagreement(value)).collect();
        assert!(all.is_empty(), "{} of {} values:\n{}", all.len(), values.len(), all.join("\n"));
    }
}

fn is_layer(at: &str) -> bool {
    let mut parts = at.rsplit('/');
    parts.next().is_some_and(|index| index.parse::<usize>().is_ok()) && parts.next() == Some("layers")
}

fn parsed(value: &Value) -> Problems {
    Template::parse(value).err().unwrap_or_default()
}

#[test]
fn every_edge_of_the_schema_is_one_of_the_reader() {
    let schema = schema::template_schema();
    let pair = Pair::new(&schema, parsed);
    let mut values = Vec::new();
    for (part, property) in schema["properties"].as_object().unwrap() {
        let with = |value: Value| {
            let mut template = json!({ "width": 100, "height": 100, "layers": [] });
            template[part] = value;
            template
        };
        pair.sampler.edges(part, property, &with, &mut values);
    }
    assert!(values.len() > 10_000, "{} values", values.len());
    pair.try_all(&values);
}

#[test]
fn templates_at_random_agree() {
    let schema = schema::template_schema();
    Pair::new(&schema, parsed).try_at_random(2_000);
}

/// The templates of all goldens with their variables.
fn goldens() -> Vec<(String, Value, Map<String, Value>)> {
    let folders = |of: &Path| -> Vec<PathBuf> {
        let mut all: Vec<PathBuf> = std::fs::read_dir(of).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_dir()).collect();
        all.sort();
        all
    };
    let json = |path: PathBuf| std::fs::read(path).ok().map(|bytes| serde_json::from_slice::<Value>(&bytes).unwrap());
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens");
    let case = |folder: PathBuf| {
        let variables = json(folder.join("variables.json")).and_then(|all| all.as_object().cloned()).unwrap_or_default();
        (folder.display().to_string(), json(folder.join("template.json")).unwrap(), variables)
    };
    folders(&root).iter().flat_map(|kind| folders(kind)).map(case).collect()
}

/// The poster as text, but for what it weighs.
fn read(template: &Value, variables: &Map<String, Value>) -> Result<String, Problems> {
    let none = Map::new();
    let supplied = Supplied { variables, overrides: &none, canvas: &none };
    let poster = Poster::read(&Template::parse(template)?, &supplied, &Limits::default())?;
    Ok(format!("{:?}", Poster { weight: 0, ..poster }))
}

#[test]
fn a_placeholder_stands_for_any_typed_value() {
    let schema = schema::template_schema();
    let sampler = Sampler::new(&schema);
    let placeholder = &schema["$defs"]["placeholder"];
    let mut lifted_in_all = 0;
    for (name, template, variables) in goldens() {
        let expected = read(&template, &variables).unwrap_or_else(|problems| panic!("{name}: {problems}"));
        let typed = |(at, schemas): &(String, Vec<&Value>)| {
            let value = template.pointer(at).unwrap();
            let literal = value.as_str().map_or(!value.is_null(), |text| !text.contains("{{"));
            literal && !value.is_array() && !value.is_object() && schemas.contains(&placeholder)
        };
        let places: Vec<(String, Vec<&Value>)> = sampler.places(&template).into_iter().filter(typed).collect();
        lifted_in_all += places.len();
        let lift = |places: &[(String, Vec<&Value>)]| {
            let (mut lifted, mut given) = (template.clone(), variables.clone());
            for (number, (at, _)) in places.iter().enumerate() {
                let variable = format!("lifted_{number}");
                let value = std::mem::replace(lifted.pointer_mut(at).unwrap(), json!(format!("{{{{ {variable} }}}}")));
                if let Some(declared) = lifted.get_mut("variables").and_then(Value::as_object_mut) {
                    declared.insert(variable.clone(), json!({}));
                }
                given.insert(variable, value);
            }
            read(&lifted, &given)
                .map_err(|problems| problems.to_string())
                .and_then(|poster| if poster == expected { Ok(()) } else { Err("another poster".to_owned()) })
        };
        if lift(&places).is_err() {
            for one in places.chunks(1) {
                lift(one).unwrap_or_else(|told| panic!("{name} {}: {told}", one[0].0));
            }
            lift(&places).unwrap_or_else(|told| panic!("{name}: {told}"));
        }
    }
    assert!(lifted_in_all > 2_000, "{lifted_in_all}");
}

/// What the walks found when they were new: where one said yes and the other no.
#[test]
fn what_was_found() {
    let schema = schema::template_schema();
    let pair = Pair::new(&schema, parsed);
    let stop = json!({ "color": "red" });
    let long = "标".repeat(40);
    let layer = |layer: Value| json!({ "width": 1, "height": 1, "layers": [layer] });
    let beneath = |kind: &str, fields: Value| json!({ "width": 1, "height": 1, "layers": [], "defaults": { kind: fields } });
    let rows = |row: Value| beneath("table", json!({ "rows": [row] }));
    let cases = [
        (layer(json!({ "type": "rect", "fill": { "type": "linear", "stops": [] } })), false),
        (layer(json!({ "type": "rect", "fill": { "type": "conic", "stops": vec![stop.clone(); 256] } })), true),
        (layer(json!({ "type": "rect", "fill": { "type": "conic", "stops": vec![stop.clone(); 257] } })), false),
        (layer(json!({ "type": "rect", "fill": { "type": "{{ kind }}", "stops": [stop] } })), false),
        (layer(json!({ "type": "rect", "border": { "width": null, "color": "red" } })), false),
        (layer(json!({ "type": "rect", "x": "10000%" })), true),
        (layer(json!({ "type": "rect", "x": "-10000.5%" })), false),
        (layer(json!({ "type": "rect", "x": "+.5 %", "y": "5.%" })), true),
        (layer(json!({ "type": "rect", "width": "-1%" })), false),
        (layer(json!({ "type": "rect", "layers": null })), false),
        (layer(json!({ "type": "rect", "grow": "much" })), false),
        (layer(json!({ "type": "rect", "name": "{{ name }}" })), false),
        (layer(json!({ "type": "rect", "name": null })), true),
        (layer(json!({ "type": "rect", "shadow": vec!["{{ s }}"; 17] })), false),
        (layer(json!({ "type": "rect", "repeat": { "each": "[]", "as": "and" } })), false),
        (layer(json!({ "type": "group" })), false),
        (layer(json!({ "type": "image", "src": "asset:a", "filters": [{ "blur": null }] })), false),
        (layer(json!({ "type": "image", "src": "asset:a", "filters": [{ "blur": "{{ b }}", "sepia": 1 }] })), false),
        (layer(json!({ "type": "text", "text": "a", "letter_spacing": "10.5em" })), false),
        (layer(json!({ "type": "text", "text": "a", "letter_spacing": "5.em" })), true),
        (layer(json!({ "type": "table", "columns": [{ "width": "1000.5fr" }], "rows": [] })), false),
        (layer(json!({ "type": "table", "columns": [{ "width": "0.0009fr" }], "rows": [] })), false),
        (layer(json!({ "type": "table", "columns": [{ "width": "00.001fr" }], "rows": ["{{ row }}"] })), true),
        (layer(json!({ "type": "table", "columns": "{{ c }}", "rows": [vec![""; 65]] })), false),
        (beneath("rect", json!({ "border": { "width": 1 } })), false),
        (beneath("rect", json!({ "hidden": 5 })), false),
        (beneath("qr", json!({ "data": null })), false),
        (rows(json!({ "cells": [], "when": [7] })), false),
        (rows(json!({ "cells": [], "when": true, "repeat": { "each": "[]" } })), true),
        (rows(json!({ "cells": [], "repeat": { "each": null } })), false),
        (rows(json!({ "cells": [], "repeat": { "each": "[]", "as": "1a" } })), false),
        (json!({ "width": 1, "height": "auto", "min_height": "{{ h }}", "layers": [] }), false),
        (json!({ "width": 1, "height": 1, "layers": [], "variables": { "loop": {} } }), false),
        (json!({ "width": 1, "height": 1, "layers": [], "variables": { long: {} } }), true),
    ];
    for (template, good) in cases {
        assert_eq!(pair.disagreement(&template), None);
        assert_eq!(Template::parse(&template).is_ok(), good, "{template}");
    }
}
