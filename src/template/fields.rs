//! The reader of JSON objects that collects every error: field by field, each with its place, what is left over is unknown.
//!
//! A layer is read twice. The raw template is read in [`Mode::Raw`], where a string with a placeholder passes for any type
//! (nobody knows yet what it will be); after merging the same code reads the finished values in [`Mode::Merged`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use serde_json::{Map, Value, json};

use super::hint::{quote, unknown_field};
use super::merge::MergedLayer;
use crate::problem::{Code, Place, Problem, Problems};

/// What kind of values the reader meets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// A template as written: placeholders stand for values to come.
    Raw,
    /// Only some fields, as in `defaults`: placeholders as in `Raw`, and nothing is missing.
    Partial,
    /// Final values: a string is what it says.
    Merged,
}

/// A value of a field: how it is read from JSON, and the JSON Schema (2020-12) of what `read` accepts.
pub trait Read: Sized {
    /// `None` if the value is wrong, and then `reader` holds the problem; or, in a raw template, if a placeholder within stands
    /// for a part of it. `value` itself is neither null nor a placeholder.
    fn read(value: &Value, reader: &mut Reader) -> Option<Self>;

    /// Without regard to null and placeholders at the outermost level: whoever holds the field adds those.
    fn schema() -> Value;

    /// What a field that is not there reads as; `None`: the field is required.
    fn absent() -> Option<Self> {
        None
    }
}

/// The fields of an object (or of a part of it), declared by the macro `fields!` of `template/declare.rs`.
pub trait FieldSet: Sized {
    /// Takes its own fields and leaves the rest to others.
    fn read_fields(fields: &mut Fields) -> Option<Self>;

    /// Name and schema of each field, null and placeholders included.
    fn properties() -> Map<String, Value>;

    /// The fields without which `read_fields` fails.
    fn required() -> Vec<&'static str>;

    /// Takes the fields of these names from another.
    fn put(&mut self, names: &[String], from: &Self);
}

/// Where the values of a merged layer were really written, and which of them placeholders made.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Origins {
    moved: BTreeMap<String, Place>,
    computed: BTreeSet<String>,
}

impl Origins {
    /// What stands at pointer `at` of the merged template was written at `origin`.
    pub fn moved(&mut self, at: String, origin: Place) {
        self.forget(&at);
        self.moved.insert(at, origin);
    }

    /// What stands at `at` is one turn of what was written at `origin`, which says which.
    pub fn copied(&mut self, at: String, origin: Place) {
        self.moved.insert(at, origin);
    }

    /// What stands at `at` is the value of a placeholder that is the whole string.
    pub fn computed(&mut self, at: String) {
        self.computed.insert(at);
    }

    /// Whether a placeholder gave the value: then a scalar serves where a string is wanted.
    pub fn is_computed(&self, at: &str) -> bool {
        self.computed.contains(at)
    }

    /// The place as the user wrote it.
    pub fn of(&self, place: &Place) -> Place {
        let mut end = place.at.len();
        while let Some(prefix) = place.at.get(..end) {
            if let Some(origin) = self.moved.get(prefix) {
                let rest = place.at.get(end..).unwrap_or_default();
                let turns = if origin.turns.is_none() { &place.turns } else { &origin.turns };
                return Place { part: origin.part, at: format!("{}{rest}", origin.at), turns: turns.clone() };
            }
            match prefix.rfind('/') {
                Some(slash) => end = slash,
                None => break,
            }
        }
        place.clone()
    }

    fn forget(&mut self, at: &str) {
        let below = format!("{at}/");
        self.computed.retain(|known| known != at && !known.starts_with(&below));
        self.moved.retain(|known, _| !known.starts_with(&below));
    }
}

/// The name in JSON of a field declared by this identifier, which is raw where the name is a keyword.
pub const fn name_of(identifier: &'static str) -> &'static str {
    match identifier.as_bytes() {
        [b'r', b'#', ..] => identifier.split_at(2).1,
        _ => identifier,
    }
}

/// Whether a string of a raw template holds a placeholder.
pub fn has_placeholder(text: &str) -> bool {
    text.contains("{{")
}

/// Where reading stands: the place, the mode, and the problems found so far.
pub struct Reader<'p> {
    problems: &'p mut Problems,
    origins: &'p Origins,
    place: Place,
    mode: Mode,
}

impl<'p> Reader<'p> {
    pub fn new(place: Place, mode: Mode, origins: &'p Origins, problems: &'p mut Problems) -> Reader<'p> {
        Reader { problems, origins, place, mode }
    }

    /// In the merged template; [`Reader::push`] turns it into the place as the user wrote it.
    pub fn place(&self) -> &Place {
        &self.place
    }

    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The place as the user wrote it.
    pub fn written(&self) -> Place {
        self.origins.of(&self.place)
    }

    /// Whether a placeholder made the value at this place.
    pub fn is_computed(&self) -> bool {
        self.origins.is_computed(&self.place.at)
    }

    /// Reads one value here; a placeholder of a raw template passes as `None` without a problem.
    pub fn read<T: Read>(&mut self, value: &Value) -> Option<T> {
        if self.mode != Mode::Merged && value.as_str().is_some_and(has_placeholder) {
            return None;
        }
        T::read(value, self)
    }

    /// Reads the value of `key` in the object here.
    pub fn read_key<T: Read>(&mut self, key: &str, value: &Value) -> Option<T> {
        self.below(self.place.child(key)).read(value)
    }

    /// Reads item `index` of the list here.
    pub fn read_item<T: Read>(&mut self, index: usize, value: &Value) -> Option<T> {
        self.below(self.place.index(index)).read(value)
    }

    /// The same reader at another place. What is within a field is whole, even where other fields are still to come.
    pub fn below(&mut self, place: Place) -> Reader<'_> {
        let mode = if self.mode == Mode::Partial { Mode::Raw } else { self.mode };
        Reader { problems: &mut *self.problems, origins: self.origins, place, mode }
    }

    /// Records a problem; one that is there already (a default that is wrong for every layer) is not repeated.
    pub fn push(&mut self, mut problem: Problem) {
        problem.place = self.origins.of(&problem.place);
        if !self.problems.list().contains(&problem) {
            self.problems.push(problem);
        }
    }

    /// The value is of the wrong JSON type; `wanted` completes "must be …".
    pub fn wrong_type<T>(&mut self, value: &Value, wanted: &str) -> Option<T> {
        let message = format!("must be {wanted}, not {}", kind(value));
        self.push(Problem::new(self.place.clone(), Code::WrongType, message));
        None
    }

    /// The value is of the right type but not allowed.
    pub fn invalid<T>(&mut self, message: impl Into<String>) -> Option<T> {
        self.push(Problem::new(self.place.clone(), Code::InvalidValue, message));
        None
    }

    /// As [`Reader::invalid`], with a hint.
    pub fn invalid_hint<T>(&mut self, message: impl Into<String>, hint: impl Into<String>) -> Option<T> {
        self.push(Problem::new(self.place.clone(), Code::InvalidValue, message).hint(hint));
        None
    }

    /// Begins reading the object here.
    pub fn object<'r>(&'r mut self, value: &'r Value, wanted: &str) -> Option<Fields<'r, 'p>> {
        match value {
            Value::Object(object) => Some(Fields::new(object, self)),
            other => self.wrong_type(other, wanted),
        }
    }
}

/// The JSON type of a value, with its article; scalars are shown.
pub fn kind(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(b) => b.to_string(),
        Value::Number(n) => format!("the number {n}"),
        Value::String(s) => format!("the string {}", quote(s)),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}

/// One JSON object while its fields are taken by name.
///
/// `take` and `required` give `None` for what cannot be read; the object as a whole is then not whole, and `finish` says so.
/// A field set to null is absent.
pub struct Fields<'r, 'p> {
    reader: &'r mut Reader<'p>,
    object: &'r Map<String, Value>,
    layer: Option<&'r MergedLayer>,
    known: Vec<&'static str>,
    whole: bool,
}

impl<'r, 'p> Fields<'r, 'p> {
    pub fn new(object: &'r Map<String, Value>, reader: &'r mut Reader<'p>) -> Fields<'r, 'p> {
        Fields { reader, object, layer: None, known: Vec::new(), whole: true }
    }

    /// A layer's own fields: those that steer merging (`type`, `name`, `when`, `hidden`, `repeat`, `locked`, `meta`) are known
    /// and read already; its children are had by [`Fields::layers`].
    pub fn of_layer(layer: &'r MergedLayer, reader: &'r mut Reader<'p>) -> Fields<'r, 'p> {
        let mut fields = Fields::new(&layer.fields, reader);
        fields.layer = Some(layer);
        fields.known.extend(super::merge::STEERING);
        fields
    }

    /// The object's place in the merged template.
    pub fn place(&self) -> &Place {
        self.reader.place()
    }

    /// The object's place as the user wrote it.
    pub fn written(&self) -> Place {
        self.reader.written()
    }

    pub fn mode(&self) -> Mode {
        self.reader.mode()
    }

    /// Whether the field is there, whatever it holds. Does not take it.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The names of all fields that are there.
    pub fn given(&self) -> Vec<String> {
        self.object.iter().filter(|(_, value)| !value.is_null()).map(|(name, _)| name.clone()).collect()
    }

    fn get(&self, name: &str) -> Option<&'r Value> {
        self.object.get(name).filter(|value| !value.is_null())
    }

    /// Takes a field that need not be there.
    pub fn take<T: Read>(&mut self, name: &'static str) -> Option<T> {
        self.known(name);
        let value = self.get(name)?;
        let read = self.reader.read_key(name, value);
        self.whole &= read.is_some();
        read
    }

    /// Takes a field that must be there, unless its type says what stands for its absence (`Option`).
    pub fn required<T: Read>(&mut self, name: &'static str) -> Option<T> {
        if self.has(name) {
            return self.take(name);
        }
        self.known(name);
        let absent = T::absent();
        if absent.is_none() {
            self.whole = false;
            // Null in `defaults` says that there is none.
            if self.mode() != Mode::Partial || self.object.contains_key(name) {
                let message = format!("{} is missing", quote(name));
                self.push(Problem::new(self.place().clone(), Code::MissingField, message));
            }
        }
        absent
    }

    /// Takes a field whose absence reads as `default`, which is read the first time and kept in `read`: most layers leave most
    /// fields out.
    pub fn or<T: Read + Clone>(&mut self, name: &'static str, read: &OnceLock<T>, default: impl FnOnce() -> Value) -> Option<T> {
        if self.has(name) {
            return self.take(name);
        }
        self.known(name);
        if let Some(read) = read.get() {
            return Some(read.clone());
        }
        let first: Option<T> = self.reader.read_key(name, &default());
        self.whole &= first.is_some();
        let first = first?;
        Some(read.get_or_init(|| first).clone())
    }

    /// Takes a field as the JSON it is, placeholders included.
    pub fn json(&mut self, name: &'static str) -> Option<&'r Value> {
        self.known(name);
        self.get(name)
    }

    /// Takes the field in which placeholders mean nothing: a string is what it says in every mode.
    pub fn literal<T: Read>(&mut self, name: &'static str) -> Option<T> {
        let mode = std::mem::replace(&mut self.reader.mode, Mode::Merged);
        let read = self.take(name);
        self.reader.mode = mode;
        read
    }

    /// The layers within this one; `None` where the field `layers` is absent. To be asked only by kinds that have children.
    pub fn layers(&mut self) -> Option<&'r [MergedLayer]> {
        self.known("layers");
        self.layer.and_then(|layer| layer.children.as_deref())
    }

    /// Says that the field is one of this object's, without taking it.
    pub fn known(&mut self, name: &'static str) {
        // Some twice: cheaper than looking whether it is there, for each of a text's hundred fields.
        self.known.push(name);
    }

    /// Records a problem of one field.
    pub fn problem(&mut self, name: &str, code: Code, message: impl Into<String>) {
        self.push(Problem::new(self.place().child(name), code, message));
    }

    /// Records that fields exclude one another, or need one another: a problem of the whole object.
    pub fn conflict(&mut self, message: impl Into<String>) {
        self.push(Problem::new(self.place().clone(), Code::Conflict, message));
    }

    pub fn push(&mut self, problem: Problem) {
        self.whole = false;
        self.reader.push(problem);
    }

    /// Reports what nobody took. `Some` if every field was read and nothing is wrong; `None` also for a raw template in which
    /// placeholders stand for some of the values.
    pub fn finish(mut self) -> Option<()> {
        let object = self.object;
        let mut unknown: Vec<&str> = object.keys().map(String::as_str).filter(|key| !self.known.contains(key)).collect();
        if self.layer.is_some_and(|layer| layer.children.is_some()) && !self.known.contains(&"layers") {
            unknown.push("layers");
        }
        let mut known: Vec<&str> = Vec::new();
        if !unknown.is_empty() {
            for name in &self.known {
                if !known.contains(name) {
                    known.push(name);
                }
            }
        }
        for key in unknown {
            let message = match self.layer.and_then(MergedLayer::kind) {
                Some(kind) => format!("a layer of type {} has no field {}", quote(kind), quote(key)),
                None => format!("there is no field {} here", quote(key)),
            };
            let mut problem = Problem::new(self.place().child(key), Code::UnknownField, message);
            problem.hint = self.reader.problems.hint(|| unknown_field(key, &known));
            self.push(problem);
        }
        self.whole.then_some(())
    }
}

/// The schema of a field: what its type accepts, or null for absent, or a placeholder.
pub fn field_schema(inner: Value) -> Value {
    if inner == json!({ "type": "string" }) {
        return json!({ "type": ["string", "null"] });
    }
    json!({ "anyOf": [inner, { "$ref": "#/$defs/later" }] })
}

/// The schema of a part of a value (an item of a list): what its type accepts, or a placeholder.
pub fn part_schema(inner: Value) -> Value {
    if inner == json!({ "type": "string" }) {
        return inner;
    }
    json!({ "anyOf": [inner, { "$ref": "#/$defs/placeholder" }] })
}
