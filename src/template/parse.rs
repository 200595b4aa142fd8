//! A template from JSON: the frame and the tree of layers, all placeholders compiled, all problems together.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::expression::Compiled;
use super::fields::{Fields, Mode, Origins, Read, Reader};
use super::hint::{did_you_mean, quote};
use super::library::is_name;
use super::merge::{MergedLayer, STEERING};
use super::repeat::Repeat;
use super::slot::{Compiler, Row, Slot, Use};
use super::values::{Condition, Repeated};
use super::variables::Variables;
use super::{Template, kinds, syntax};
use crate::layer;
use crate::limits;
use crate::problem::{Code, In, Place, Problem, Problems};

/// The fields of the frame that a picture depends on, and whether placeholders may stand in them.
pub const FRAME: [(&str, bool); 7] = [
    ("width", true),
    ("height", true),
    ("background", true),
    ("min_height", false),
    ("max_height", false),
    ("padding_bottom", false),
    ("name", false),
];

/// A layer as written, its placeholders compiled.
#[derive(Debug)]
pub struct Node {
    /// As written, defaults beneath, without `layers`; what is read in [`Mode::Raw`].
    pub raw: MergedLayer,
    pub fields: Vec<(String, Slot)>,
    pub when: Option<Arc<Compiled>>,
    pub hidden: Option<Slot>,
    pub repeat: Option<Repeat>,
    pub locked: bool,
    pub children: Option<Vec<Node>>,
    /// Bytes that a copy of it takes, without its children.
    pub weight: usize,
}

/// Fields for every layer of a type, by type.
type Defaults = BTreeMap<String, Beneath>;

/// What lies beneath the layers of one type.
struct Beneath {
    fields: Map<String, Value>,
    /// Bytes that a copy of it takes.
    weight: usize,
}

/// Names in scope and what becomes of the names used.
struct Scribe<'a> {
    variables: &'a Variables,
    /// What `repeat` adds, innermost last.
    locals: Vec<String>,
    /// Variables used, and those that stand under `default` or `is defined` somewhere.
    used: BTreeSet<String>,
    lenient: BTreeSet<String>,
    origins: Origins,
    problems: Problems,
    /// Layers, and bytes of defaults beneath them, that may still come; over once one came that might not.
    layers_left: usize,
    defaults_left: usize,
    over: bool,
}

impl Use for Scribe<'_> {
    fn used(&mut self, compiled: &Compiled, place: &Place) {
        for name in compiled.names() {
            if self.locals.contains(name) || (name == "loop" && !self.locals.is_empty()) {
                continue;
            }
            self.used.insert(name.clone());
            if compiled.lenient().contains(name) {
                self.lenient.insert(name.clone());
            }
            if let Some(mut known) = self.variables.declared_names()
                && !known.contains(&name.as_str())
            {
                known.extend(self.locals.iter().map(String::as_str));
                let message = format!("{} is not a variable of this template", quote(name));
                let mut problem = Problem::new(place.clone(), Code::UnknownVariable, message);
                problem.hint = self.problems.hint(|| match name.as_str() {
                    "now" | "today" => Some("there is no clock: declare a variable and pass the date".to_owned()),
                    "random" => Some("there is no randomness: declare a variable and pass the value".to_owned()),
                    "loop" => Some("`loop` is there within a layer with `repeat`".to_owned()),
                    _ => did_you_mean(name, &known),
                });
                self.problem(problem);
            }
        }
    }

    fn problem(&mut self, mut problem: Problem) {
        problem.place = self.origins.of(&problem.place);
        if !self.problems.list().contains(&problem) {
            self.problems.push(problem);
        }
    }
}

impl Scribe<'_> {
    /// Whether a layer of so many bytes of defaults may still be read; the first that may not is told.
    fn admits(&mut self, copied: usize, place: &Place) -> bool {
        if self.problems.is_full() || self.over {
            return false;
        }
        let left = (self.layers_left.checked_sub(1), self.defaults_left.checked_sub(copied));
        let message = match left {
            (Some(layers), Some(defaults)) => {
                (self.layers_left, self.defaults_left) = (layers, defaults);
                return true;
            }
            (None, _) => {
                format!("a template has at most {} layers, those that are not shown included", limits::MAX_WRITTEN_LAYERS)
            }
            (_, None) => format!("`defaults` come to more than {} bytes over all layers", limits::MAX_DEFAULTS_BYTES),
        };
        self.over = true;
        self.add(place.clone(), Code::TooMany, message);
        false
    }

    fn add(&mut self, place: Place, code: Code, message: impl Into<String>) {
        self.problem(Problem::new(place, code, message));
    }

    /// Reads the literal values of one layer (or of defaults) as its kind would.
    fn read(&mut self, raw: &MergedLayer, mode: Mode) {
        let mut found = Problems::new();
        layer::read::read(raw, &mut 0, mode, &mut found);
        for problem in found.list() {
            if !self.problems.list().contains(problem) {
                self.problems.push(problem.clone());
            }
        }
    }
}

impl Template {
    /// Reads a template. Everything that can be known without variables is checked: on `Err` all of it is told.
    pub fn parse(value: &Value) -> Result<Template, Problems> {
        let (template, problems) = Template::parse_partly(value);
        problems.or(template)
    }

    /// As [`Template::parse`], with what could be read of a faulty one: enough to check what else a request brings.
    pub fn parse_partly(value: &Value) -> (Template, Problems) {
        let root = Place::new(In::Template, "");
        let (mut problems, nothing) = (Problems::new(), Map::new());
        let object = value.as_object().unwrap_or(&nothing);
        if !value.is_object() {
            problems.push(Problem::new(root.clone(), Code::WrongType, "a template must be an object"));
            let variables = Variables::parse(None, &root, &mut problems);
            let (frame, layers, digest) = (Vec::new(), Vec::new(), super::digest(value));
            return (Template { name: None, description: None, variables, frame, layers, digest, weight: 0 }, problems);
        }
        let variables = Variables::parse(object.get("variables"), &root.child("variables"), &mut problems);
        let none = Origins::default();
        let mut reader = Reader::new(root.clone(), Mode::Raw, &none, &mut problems);
        let mut frame = Fields::new(object, &mut reader);
        let name: Option<String> = frame.literal("name");
        let description: Option<String> = frame.literal("description");
        for known in ["$schema", "meta", "variables", "defaults", "layers"] {
            frame.known(known);
        }
        if let Some(name) = name.as_deref().filter(|name| !is_name(name)) {
            let message =
                format!("{} is no name: write a-z, 0-9, `_` and `-`, at most {} characters", quote(name), limits::MAX_NAME);
            frame.problem("name", Code::InvalidName, message);
        }
        crate::poster::read_frame(&mut frame);
        frame.finish();

        let mut scribe = Scribe {
            variables: &variables,
            locals: Vec::new(),
            used: BTreeSet::new(),
            lenient: BTreeSet::new(),
            origins: Origins::default(),
            problems,
            layers_left: limits::MAX_WRITTEN_LAYERS,
            defaults_left: limits::MAX_DEFAULTS_BYTES,
            over: false,
        };
        let mut compiler = Compiler::default();
        let mut slots = Vec::new();
        for (field, placeholders) in FRAME {
            if let Some(value) = object.get(field).filter(|value| !value.is_null()) {
                let slot =
                    if placeholders { compiler.slot(value, &root.child(field), &mut scribe) } else { Slot::Plain(value.clone()) };
                slots.push((field.to_owned(), slot));
            }
        }
        let defaults = defaults(object.get("defaults"), &root.child("defaults"), &mut scribe);
        let place = root.child("layers");
        let layers = match object.get("layers") {
            Some(Value::Array(layers)) => {
                nodes(layers, &place, &defaults, Depth { level: 1, flows: false }, &mut compiler, &mut scribe)
            }
            Some(other) => {
                let message = format!("must be a list of layers, not {}", super::fields::kind(other));
                scribe.add(place, Code::WrongType, message);
                Vec::new()
            }
            None => {
                scribe.add(root, Code::MissingField, "`layers` is missing");
                Vec::new()
            }
        };
        let Scribe { used, lenient, problems, .. } = scribe;
        let variables = variables.with_used(used, &lenient);
        // Each layer is kept as written and compiled, an expression takes a kilobyte or two, a variable's validator several.
        let weight = 4 * super::slot::weight(value)
            + 2_048 * compiler.placeholders()
            + 16_384 * variables.declared_names().map_or(0, |names| names.len());
        let digest = super::digest(value);
        (Template { name, description, variables, frame: slots, layers, digest, weight }, problems)
    }
}

/// Layer type -> fields, each checked as if it were a layer from which fields are missing.
fn defaults(value: Option<&Value>, place: &Place, scribe: &mut Scribe) -> Defaults {
    let mut read = Defaults::new();
    let Some(value) = value.filter(|value| !value.is_null()) else { return read };
    let Some(object) = value.as_object() else {
        scribe.add(place.clone(), Code::WrongType, "must be an object: layer type -> fields");
        return read;
    };
    for (kind, fields) in object {
        let place = place.child(kind);
        if !kinds::is_one(kind) {
            unknown_type(kind, place, scribe);
            continue;
        }
        let Some(fields) = fields.as_object() else {
            scribe.add(place, Code::WrongType, "must be an object of fields");
            continue;
        };
        for field in ["type", "name", "layers", "repeat", "when", "locked"] {
            if fields.contains_key(field) {
                scribe.add(
                    place.child(field),
                    Code::InvalidValue,
                    format!("`{field}` has no default: it belongs to a single layer"),
                );
            }
        }
        if let Some(hidden) = fields.get("hidden").filter(|hidden| !hidden.is_null()) {
            is_flag(hidden, &place.child("hidden"), scribe);
        }
        let mut probe = fields.clone();
        probe.insert("type".to_owned(), json!(kind));
        let raw = MergedLayer { place, fields: probe, children: None, flows: true, origins: Origins::default() };
        scribe.read(&raw, Mode::Partial);
        // A field costs its name, its value and the place where it was written.
        const FIELD: usize = 128;
        let weight = fields.iter().map(|(field, value)| FIELD + field.len() + super::slot::weight(value)).sum();
        read.insert(kind.clone(), Beneath { fields: fields.clone(), weight });
    }
    read
}

fn unknown_type(kind: &str, place: Place, scribe: &mut Scribe) {
    let mut problem = Problem::new(place, Code::UnknownLayerType, format!("there is no layer type {}", quote(kind)));
    problem.hint = scribe.problems.hint(|| kinds::hint(kind));
    scribe.problem(problem);
}

/// Where a list of layers stands.
#[derive(Clone, Copy)]
struct Depth {
    /// From 1.
    level: usize,
    /// Whether they are a stack's.
    flows: bool,
}

fn nodes(
    layers: &[Value],
    place: &Place,
    defaults: &Defaults,
    depth: Depth,
    compiler: &mut Compiler,
    scribe: &mut Scribe,
) -> Vec<Node> {
    if depth.level > limits::MAX_NESTING {
        scribe.add(place.clone(), Code::TooMany, format!("layers nest deeper than {}", limits::MAX_NESTING));
        return Vec::new();
    }
    let each = layers.iter().enumerate();
    each.filter_map(|(index, layer)| node(layer, place.index(index), defaults, depth, compiler, scribe)).collect()
}

fn node(
    value: &Value,
    place: Place,
    defaults: &Defaults,
    depth: Depth,
    compiler: &mut Compiler,
    scribe: &mut Scribe,
) -> Option<Node> {
    let Some(object) = value.as_object() else {
        scribe.add(place, Code::WrongType, format!("a layer must be an object, not {}", super::fields::kind(value)));
        return None;
    };
    let copied = object.get("type").and_then(|kind| defaults.get(kind.as_str()?)).map_or(0, |beneath| beneath.weight);
    if !scribe.admits(copied, &place) {
        return None;
    }
    let kind = match object.get("type") {
        Some(Value::String(kind)) if kinds::is_one(kind) => Some(kind.as_str()),
        Some(Value::String(kind)) if super::fields::has_placeholder(kind) => {
            scribe.add(place.child("type"), Code::InvalidExpression, "a placeholder cannot stand in `type`");
            None
        }
        Some(Value::String(kind)) => {
            unknown_type(kind, place.child("type"), scribe);
            None
        }
        Some(other) => {
            let message = format!("must be a layer type, not {}", super::fields::kind(other));
            scribe.add(place.child("type"), Code::WrongType, message);
            None
        }
        None => {
            let mut problem = Problem::new(place.clone(), Code::MissingField, "`type` is missing");
            problem.hint = scribe.problems.hint(kinds::list);
            scribe.problem(problem);
            None
        }
    };
    let (fields, origins) = with_defaults(object, kind, defaults, &place);
    let outer = std::mem::replace(&mut scribe.origins, origins.clone());
    let locals = scribe.locals.len();

    if let Some(name) = fields.get("name").filter(|name| !name.is_null()) {
        match name.as_str() {
            Some(text) if super::fields::has_placeholder(text) => {
                scribe.add(place.child("name"), Code::InvalidExpression, "a placeholder cannot stand in `name`");
            }
            Some(_) => {}
            None => {
                scribe.add(place.child("name"), Code::WrongType, format!("must be a string, not {}", super::fields::kind(name)))
            }
        }
    }
    let repeat = repeat(fields.get("repeat"), &place.child("repeat"), compiler, scribe);
    let when = when(fields.get("when"), &place.child("when"), compiler, scribe);
    let hidden = flag(fields.get("hidden"), &place.child("hidden"), compiler, scribe);
    let locked = match fields.get("locked") {
        None | Some(Value::Null) => false,
        Some(Value::Bool(locked)) => *locked,
        Some(other) => {
            let message = format!("must be true or false, literally, not {}", super::fields::kind(other));
            scribe.add(place.child("locked"), Code::WrongType, message);
            false
        }
    };
    let own = fields.iter().filter(|(field, _)| !STEERING.contains(&field.as_str()));
    let slots: Vec<(String, Slot)> = own
        .map(|(field, value)| {
            let place = place.child(field);
            let slot = match (kind, field.as_str()) {
                (Some("table"), "rows") => rows(value, &place, compiler, scribe),
                _ => compiler.slot(value, &place, scribe),
            };
            (field.clone(), slot)
        })
        .collect();

    let raw = MergedLayer { place: place.clone(), fields, children: None, flows: depth.flows, origins };
    // A kind that holds none has no such field, null or not.
    let holds = matches!(kind, Some("group" | "stack"));
    let (children, raw) = match object.get("layers").filter(|layers| !layers.is_null() || !holds) {
        None => (None, raw),
        Some(Value::Array(layers)) => {
            let inside = Depth { level: depth.level + 1, flows: kind == Some("stack") };
            let nested = nodes(layers, &place.child("layers"), defaults, inside, compiler, scribe);
            (Some(nested), MergedLayer { children: Some(Vec::new()), ..raw })
        }
        Some(other) => {
            let message = format!("must be a list of layers, not {}", super::fields::kind(other));
            scribe.add(place.child("layers"), Code::WrongType, message);
            (None, MergedLayer { children: Some(Vec::new()), ..raw })
        }
    };
    if kind.is_some() {
        scribe.read(&raw, Mode::Raw);
    }
    scribe.origins = outer;
    scribe.locals.truncate(locals);
    let weight = slots.iter().map(|(field, slot)| field.len() + slot.weight()).sum();
    Some(Node { raw, fields: slots, when, hidden, repeat, locked, children, weight })
}

/// The rows of a table: each may have turns and a condition, as layers may.
fn rows(value: &Value, place: &Place, compiler: &mut Compiler, scribe: &mut Scribe) -> Slot {
    let steered = |row: &Value| row.get("repeat").is_some() || row.get("when").is_some();
    let Some(rows) = value.as_array().filter(|rows| rows.iter().any(steered)) else {
        return compiler.slot(value, place, scribe);
    };
    let one = |(index, row): (usize, &Value)| {
        let place = place.index(index);
        let locals = scribe.locals.len();
        let repeat = repeat(row.get("repeat"), &place.child("repeat"), compiler, scribe);
        let when = when(row.get("when"), &place.child("when"), compiler, scribe);
        let mut own = row.clone();
        if let Some(fields) = own.as_object_mut() {
            fields.retain(|field, _| !["repeat", "when"].contains(&field.as_str()));
        }
        let slot = compiler.slot(&own, &place, scribe);
        scribe.locals.truncate(locals);
        Row { repeat, when, slot }
    };
    Slot::Rows(rows.iter().enumerate().map(one).collect())
}

/// The layer's fields over the defaults of its type, field by field; and where those of the defaults were written.
fn with_defaults(
    object: &Map<String, Value>,
    kind: Option<&str>,
    defaults: &Defaults,
    place: &Place,
) -> (Map<String, Value>, Origins) {
    let mut fields = object.clone();
    fields.remove("layers");
    let mut origins = Origins::default();
    if let Some((kind, beneath)) = kind.and_then(|kind| Some((kind, defaults.get(kind)?))) {
        let from = Place::new(In::Template, "/defaults").child(kind);
        for (field, value) in &beneath.fields {
            if !object.contains_key(field) {
                fields.insert(field.clone(), value.clone());
                origins.moved(place.child(field).at, from.child(field));
            }
        }
    }
    (fields, origins)
}

/// A value in which placeholders mean nothing.
fn literal<T: Read>(value: &Value, place: &Place, scribe: &mut Scribe) -> Option<T> {
    let mut found = Problems::new();
    let read = Reader::new(place.clone(), Mode::Merged, &scribe.origins, &mut found).read(value);
    for problem in found.list() {
        scribe.problem(problem.clone());
    }
    read
}

fn when(value: Option<&Value>, place: &Place, compiler: &mut Compiler, scribe: &mut Scribe) -> Option<Arc<Compiled>> {
    let Condition(source) = literal(value.filter(|value| !value.is_null())?, place, scribe)?;
    compiler.expression(syntax::bare(&source), place, scribe)
}

/// `hidden`: true, false, or a placeholder that gives one of them.
fn flag(value: Option<&Value>, place: &Place, compiler: &mut Compiler, scribe: &mut Scribe) -> Option<Slot> {
    let value = value.filter(|value| !value.is_null())?;
    is_flag(value, place, scribe).then(|| compiler.slot(value, place, scribe))
}

fn is_flag(value: &Value, place: &Place, scribe: &mut Scribe) -> bool {
    let is_one = value.is_boolean() || value.as_str().is_some_and(super::fields::has_placeholder);
    if !is_one {
        scribe.add(place.clone(), Code::WrongType, format!("must be true or false, not {}", super::fields::kind(value)));
    }
    is_one
}

/// `repeat`; its item's name is in scope for the layer from here on.
fn repeat(value: Option<&Value>, place: &Place, compiler: &mut Compiler, scribe: &mut Scribe) -> Option<Repeat> {
    let value = value.filter(|value| !value.is_null())?;
    let read = literal::<Repeated>(value, place, scribe);
    let each =
        read.as_ref().and_then(|Repeated(read)| compiler.expression(syntax::bare(&read.each), &place.child("each"), scribe));
    // Known even where something is wrong: what uses it is right.
    let name = value.get("as").and_then(Value::as_str).unwrap_or("item").to_owned();
    scribe.locals.push(name.clone());
    Some(Repeat { each: each?, name })
}
