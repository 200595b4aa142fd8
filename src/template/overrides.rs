//! Overrides: fields by layer name, merged into the finished layers by RFC 7396.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::fields::{Origins, kind};
use super::hint::{did_you_mean, quote};
use super::parse::Node;
use super::slot::weight;
use crate::problem::{Code, In, Place, Problem, Problems};

/// Fields that steer merging: it has happened when overrides come.
const FIXED: [&str; 5] = ["type", "name", "layers", "repeat", "when"];

/// The patches of one request, by layer name, in the order given.
#[derive(Debug, Default)]
pub struct Overrides {
    by_name: BTreeMap<String, Vec<Patch>>,
}

/// What one override does to one field.
#[derive(Debug)]
struct Patch {
    field: String,
    value: Value,
    /// The steps below the field that a dotted key names; `value` belongs at their end.
    below: Vec<String>,
    place: Place,
    weight: usize,
}

impl Overrides {
    /// Reads the overrides of a request for the layers of a template.
    pub fn parse(given: &Map<String, Value>, layers: &[Node], problems: &mut Problems) -> Overrides {
        let mut locked = BTreeMap::new();
        names(layers, &mut locked);
        let mut overrides = Overrides::default();
        for (key, value) in given {
            let place = Place::new(In::Overrides, "").child(key);
            let Some((name, path)) = target(key, &locked) else {
                let known: Vec<&str> = locked.keys().copied().collect();
                let head = if known.iter().any(|name| name.contains('.')) { key } else { key.split('.').next().unwrap_or(key) };
                let mut problem = Problem::new(place, Code::InvalidOverride, format!("there is no layer named {}", quote(head)));
                problem.hint = problems.hint(|| match known.is_empty() {
                    true => Some("no layer of this template has a `name`".to_owned()),
                    false => did_you_mean(head, &known),
                });
                problems.push(problem);
                continue;
            };
            if locked.get(name).is_some_and(|locked| *locked) {
                problems.push(Problem::new(place, Code::InvalidOverride, format!("the layer {} is locked", quote(name))));
                continue;
            }
            overrides.add(name, &path, value, place, problems);
        }
        overrides
    }

    fn add(&mut self, name: &str, path: &[&str], value: &Value, place: Place, problems: &mut Problems) {
        let patches = self.by_name.entry(name.to_owned()).or_default();
        let mut push = |field: &str, below: &[&str], value: &Value, place: Place| {
            if FIXED.contains(&field) {
                let message = format!("{} cannot be overridden", quote(field));
                problems.push(Problem::new(place, Code::InvalidOverride, message));
                return;
            }
            if field == "hidden" && below.is_empty() && !value.is_boolean() && !value.is_null() {
                let message = format!("must be true or false, not {}", kind(value));
                problems.push(Problem::new(place, Code::WrongType, message));
                return;
            }
            let below: Vec<String> = below.iter().map(|step| (*step).to_owned()).collect();
            patches.push(Patch { field: field.to_owned(), value: value.clone(), below, place, weight: weight(value) });
        };
        match (path, value) {
            ([field, below @ ..], value) => push(field, below, value, place),
            ([], Value::Object(fields)) => {
                for (field, value) in fields {
                    push(field, &[], value, place.child(field));
                }
            }
            ([], other) => {
                let message = format!("must be an object of fields, not {}", kind(other));
                problems.push(Problem::new(place, Code::WrongType, message));
            }
        }
    }

    /// What `hidden` becomes for the layers of this name, if overridden; null is false.
    pub fn hidden(&self, name: Option<&str>) -> Option<bool> {
        let patches = self.by_name.get(name?)?;
        let last = patches.iter().rev().find(|patch| patch.field == "hidden")?;
        Some(last.value == Value::Bool(true))
    }

    /// Bytes that applying to a layer of this name takes.
    pub fn weight(&self, name: Option<&str>) -> usize {
        name.and_then(|name| self.by_name.get(name)).map_or(0, |patches| patches.iter().map(|patch| patch.weight).sum())
    }

    /// Merges into the fields of the layer at `at`, noting where the new values were written.
    pub fn apply(&self, name: Option<&str>, fields: &mut Map<String, Value>, at: &str, origins: &mut Origins) {
        for patch in name.and_then(|name| self.by_name.get(name)).into_iter().flatten() {
            let here = Place::new(In::Template, at).child(&patch.field).at;
            // A dotted key is the same as objects one within the other.
            let nested = patch
                .below
                .iter()
                .rev()
                .fold(patch.value.clone(), |value, step| Value::Object(Map::from_iter([(step.clone(), value)])));
            let from = Written { steps: patch.below.len(), place: patch.place.clone() };
            merge_field(fields, &patch.field, &nested, here, &from, origins);
        }
    }
}

/// Where a patch was written: within it, the first `steps` steps down are a part of the key and add nothing to the pointer.
struct Written {
    steps: usize,
    place: Place,
}

impl Written {
    fn below(&self, key: &str) -> Written {
        match self.steps.checked_sub(1) {
            Some(steps) => Written { steps, place: self.place.clone() },
            None => Written { steps: 0, place: self.place.child(key) },
        }
    }
}

/// RFC 7396 for one field: null removes, objects merge, all else replaces.
fn merge_field(fields: &mut Map<String, Value>, field: &str, patch: &Value, at: String, from: &Written, origins: &mut Origins) {
    match patch {
        Value::Null => {
            fields.shift_remove(field);
            origins.moved(at, from.place.clone());
        }
        Value::Object(entries) => {
            let target = fields.entry(field.to_owned()).or_insert(Value::Null);
            if !target.is_object() {
                *target = Value::Object(Map::new());
                origins.moved(at.clone(), from.place.clone());
            }
            if let Value::Object(inner) = target {
                let here = Place::new(In::Template, at);
                for (key, value) in entries {
                    merge_field(inner, key, value, here.child(key).at, &from.below(key), origins);
                }
            }
        }
        other => {
            fields.insert(field.to_owned(), other.clone());
            origins.moved(at, from.place.clone());
        }
    }
}

/// Every layer name, and whether a layer of that name is locked.
fn names<'n>(layers: &'n [Node], found: &mut BTreeMap<&'n str, bool>) {
    for node in layers {
        if let Some(name) = node.raw.name() {
            *found.entry(name).or_insert(false) |= node.locked;
        }
        names(node.children.as_deref().unwrap_or_default(), found);
    }
}

/// The layer that a key names, and the fields below it: the longest name wins, so that names may hold dots.
fn target<'k>(key: &'k str, names: &BTreeMap<&str, bool>) -> Option<(&'k str, Vec<&'k str>)> {
    if names.contains_key(key) {
        return Some((key, Vec::new()));
    }
    let mut dots: Vec<usize> = key.match_indices('.').map(|(offset, _)| offset).collect();
    // Nobody nests deeper; a key of a million dots must not take a million looks at it.
    dots.truncate(64);
    dots.into_iter().rev().find_map(|dot| {
        let (name, rest) = key.split_at_checked(dot)?;
        let path: Vec<&str> = rest.get(1..)?.split('.').collect();
        (names.contains_key(name) && path.len() <= 32 && path.iter().all(|step| !step.is_empty())).then_some((name, path))
    })
}
