//! How plain values are read: truth values, strings, numbers, colours, lists.

use serde_json::{Map, Value, json};

use super::declare::fields;
use super::fields::{FieldSet as _, Read, Reader, part_schema};
use super::hint::{any_of, nearest, quote};
use super::variables::{RESERVED, is_identifier};
use crate::color::Color;
use crate::limits;
use crate::template::expression::text_of;

impl Read for bool {
    fn read(value: &Value, reader: &mut Reader) -> Option<bool> {
        value.as_bool().or_else(|| reader.wrong_type(value, "true or false"))
    }

    fn schema() -> Value {
        json!({ "type": "boolean" })
    }
}

/// A number or truth value that a placeholder made serves as a string; one written literally does not.
impl Read for String {
    fn read(value: &Value, reader: &mut Reader) -> Option<String> {
        match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(_) | Value::Bool(_) if reader.is_computed() => Some(text_of(value)),
            other => reader.wrong_type(other, "a string"),
        }
    }

    fn schema() -> Value {
        json!({ "type": "string" })
    }
}

/// Any finite number.
impl Read for f64 {
    fn read(value: &Value, reader: &mut Reader) -> Option<f64> {
        match value.as_f64().filter(|number| number.is_finite()) {
            Some(number) => Some(number),
            None => reader.wrong_type(value, "a number"),
        }
    }

    fn schema() -> Value {
        json!({ "type": "number" })
    }
}

/// A CSS colour.
impl Read for Color {
    fn read(value: &Value, reader: &mut Reader) -> Option<Color> {
        let Some(text) = value.as_str() else {
            return reader.wrong_type(value, "a colour, as `\"#1e3a8a\"`");
        };
        if let Some(color) = Color::parse(text) {
            return Some(color);
        }
        let message = format!("{} is not a CSS colour", quote(text));
        let hint = match text.strip_prefix("0x") {
            Some(hex) => format!("write `#{}`", hex.chars().take(8).collect::<String>()),
            None => "write `#rrggbb`, `#rrggbbaa`, `rgb(…)`, `hsl(…)` or a name of CSS".to_owned(),
        };
        reader.invalid_hint(message, hint)
    }

    fn schema() -> Value {
        json!({ "type": "string", "format": "color", "description": "A CSS colour: `#rrggbb`, `rgb(…)`, `hsl(…)` or a name." })
    }
}

/// Absent reads as `None`.
impl<T: Read> Read for Option<T> {
    fn read(value: &Value, reader: &mut Reader) -> Option<Option<T>> {
        T::read(value, reader).map(Some)
    }

    fn schema() -> Value {
        T::schema()
    }

    fn absent() -> Option<Option<T>> {
        Some(None)
    }
}

/// A list; a null within is no value.
impl<T: Read> Read for Vec<T> {
    fn read(value: &Value, reader: &mut Reader) -> Option<Vec<T>> {
        let Some(items) = value.as_array() else {
            return reader.wrong_type(value, "a list");
        };
        let read: Vec<Option<T>> = items.iter().enumerate().map(|(index, item)| reader.read_item(index, item)).collect();
        read.into_iter().collect()
    }

    fn schema() -> Value {
        json!({ "type": "array", "items": part_schema(T::schema()) })
    }
}

/// Any JSON, taken as it is and never looked into.
impl Read for Value {
    fn read(value: &Value, _: &mut Reader) -> Option<Value> {
        Some(value.clone())
    }

    fn schema() -> Value {
        json!({})
    }
}

/// Reads a list of so many items, of which `what` is the name for several.
pub fn list<T: Read>(value: &Value, reader: &mut Reader, (least, most): (usize, usize), what: &str) -> Option<Vec<T>> {
    let count = value.as_array().map_or(least, Vec::len);
    if !(least..=most).contains(&count) {
        let bounds = if least == 0 { format!("at most {most}") } else { format!("from {least} to {most}") };
        return reader.invalid(format!("must be {bounds} {what}, not {count}"));
    }
    Vec::read(value, reader)
}

/// Of what [`list`] reads.
pub fn list_schema<T: Read>((least, most): (usize, usize)) -> Value {
    json!({ "type": "array", "items": part_schema(T::schema()), "minItems": least, "maxItems": most })
}

/// An object of any names.
impl<T: Read> Read for Vec<(String, T)> {
    fn read(value: &Value, reader: &mut Reader) -> Option<Vec<(String, T)>> {
        let Some(entries) = value.as_object() else {
            return reader.wrong_type(value, "an object");
        };
        let present = entries.iter().filter(|(_, value)| !value.is_null());
        let read: Vec<Option<(String, T)>> =
            present.map(|(key, value)| Some((key.clone(), reader.read_key(key, value)?))).collect();
        read.into_iter().collect()
    }

    fn schema() -> Value {
        json!({ "type": "object", "additionalProperties": part_schema(T::schema()) })
    }
}

/// Reads a number within `min..=max`; `unit` follows the bounds in the message ("" for none).
pub fn bounded(value: &Value, reader: &mut Reader, (min, max): (f64, f64), unit: &str) -> Option<f64> {
    let number: f64 = match value.as_f64().filter(|number| number.is_finite()) {
        Some(number) => number,
        None => return reader.wrong_type(value, "a number"),
    };
    if (min..=max).contains(&number) { Some(number) } else { out_of_bounds(value, reader, (min, max), unit) }
}

/// Reads a whole number within `min..=max`; `3.0` is one.
pub fn whole(value: &Value, reader: &mut Reader, (min, max): (f64, f64), unit: &str) -> Option<f64> {
    match value.as_f64() {
        Some(number) if number.fract() != 0.0 => reader.wrong_type(value, "a whole number"),
        Some(_) => bounded(value, reader, (min, max), unit),
        None => reader.wrong_type(value, "a whole number"),
    }
}

fn out_of_bounds<T>(value: &Value, reader: &mut Reader, (min, max): (f64, f64), unit: &str) -> Option<T> {
    let unit = if unit.is_empty() { String::new() } else { format!(" {unit}") };
    reader.invalid(format!("must be from {min} to {max}{unit}, not {value}"))
}

/// Reads one of `words`; gives its index.
pub fn word(value: &Value, reader: &mut Reader, words: &[&str]) -> Option<usize> {
    let wanted = || any_of(words, "or");
    let Some(text) = value.as_str() else {
        return reader.wrong_type(value, &wanted());
    };
    if let Some(index) = words.iter().position(|word| *word == text) {
        return Some(index);
    }
    let message = format!("must be {}, not {}", wanted(), quote(text));
    match nearest(text, words.iter().copied()).or_else(|| foreign_word(text, words)) {
        Some(meant) => reader.invalid_hint(message, format!("did you mean {}?", quote(meant))),
        None => reader.invalid(message),
    }
}

/// Words of CSS and of other tools for values.
const FOREIGN_WORDS: &[(&str, &[&str])] = &[
    ("flex_start", &["start"]),
    ("flex_end", &["end"]),
    ("middle", &["center", "middle"]),
    ("center", &["middle", "center"]),
    ("centre", &["center", "middle"]),
    ("left", &["left", "start"]),
    ("right", &["right", "end"]),
    ("top", &["top", "start"]),
    ("bottom", &["bottom", "end"]),
    ("stretch", &["fill"]),
    ("crop", &["cover"]),
    ("inside", &["contain", "center"]),
    ("nowrap", &["none"]),
    ("hidden", &["clip"]),
    ("strikethrough", &["line_through"]),
    ("strike", &["line_through"]),
    ("space_between", &["justify"]),
    ("horizontal", &["row", "x", "horizontal"]),
    ("vertical", &["column", "y", "vertical_rl"]),
    ("circle", &["dot", "radial", "round"]),
    ("conical", &["conic"]),
    ("sweep", &["conic"]),
    ("low", &["L"]),
    ("medium", &["M"]),
    ("quartile", &["Q"]),
    ("high", &["H"]),
];

fn foreign_word<'w>(text: &str, words: &[&'w str]) -> Option<&'w str> {
    let text = super::hint::snake(text.get(..64.min(text.len()))?);
    let (_, ours) = FOREIGN_WORDS.iter().find(|(foreign, _)| *foreign == text)?;
    ours.iter().find_map(|ours| words.iter().find(|word| *word == ours).copied())
}

/// The JSON Schema of an object with these properties and no others.
pub fn object_schema(properties: Map<String, Value>, required: &[&str]) -> Value {
    let mut schema = json!({ "type": "object", "properties": properties, "additionalProperties": false });
    if let (false, Some(object)) = (required.is_empty(), schema.as_object_mut()) {
        object.insert("required".to_owned(), json!(required));
    }
    schema
}

/// A doc comment as the text of a `description`: its lines joined.
pub fn description(doc: &str) -> String {
    doc.split_whitespace().collect::<Vec<&str>>().join(" ")
}

/// Adds `description` and `default` to the schema of a field.
pub fn describe(mut schema: Value, doc: &str, default: Option<Value>) -> Value {
    if let Some(object) = schema.as_object_mut() {
        let text = description(doc);
        if !text.is_empty() {
            object.insert("description".to_owned(), Value::String(text));
        }
        if let Some(default) = default {
            object.insert("default".to_owned(), default);
        }
    }
    schema
}

/// The name of a variable.
#[derive(Clone, PartialEq, Debug)]
pub struct Name(pub String);

impl Read for Name {
    fn read(value: &Value, reader: &mut Reader) -> Option<Name> {
        let name = String::read(value, reader)?;
        if is_identifier(&name) { Some(Name(name)) } else { reader.invalid(format!("{} is no name of a variable", quote(&name))) }
    }

    fn schema() -> Value {
        json!({
            "type": "string",
            "pattern": r"^[_\p{Alphabetic}][_\p{Alphabetic}\p{N}]*$",
            "maxLength": limits::MAX_NAME,
            "not": { "enum": RESERVED },
        })
    }
}

/// `when`: an expression.
#[derive(Clone, PartialEq, Debug)]
pub struct Condition(pub String);

impl Read for Condition {
    fn read(value: &Value, reader: &mut Reader) -> Option<Condition> {
        match value {
            Value::String(source) => Some(Condition(source.clone())),
            Value::Bool(flag) => Some(Condition(flag.to_string())),
            other => reader.wrong_type(other, "an expression (a string)"),
        }
    }

    fn schema() -> Value {
        json!({ "type": ["string", "boolean"] })
    }
}

fields! {
    /// What `repeat` says.
    pub struct RepeatFields {
        /// An expression that gives a list: the layer or row is drawn once for each item, at most 1,000 times.
        each: String,
        /// The item's name in expressions, `item` by default.
        r#as: Option<Name>,
    }
}

/// `repeat`.
#[derive(Clone, PartialEq, Debug)]
pub struct Repeated(pub RepeatFields);

impl Read for Repeated {
    fn read(value: &Value, reader: &mut Reader) -> Option<Repeated> {
        let mut fields = reader.object(value, "an object, as `{ \"each\": \"items\", \"as\": \"item\" }`")?;
        let read = RepeatFields::read_fields(&mut fields);
        fields.finish()?;
        read.map(Repeated)
    }

    fn schema() -> Value {
        RepeatFields::schema()
    }
}

/// The schema of a field in which placeholders mean nothing: what its type accepts, or null.
pub fn literal_schema<T: Read>(doc: &str, default: Option<Value>) -> Value {
    let mut schema = T::schema();
    match schema.get_mut("type") {
        Some(Value::Array(types)) => types.push(json!("null")),
        Some(one) => *one = json!([one, "null"]),
        None => schema = json!({ "anyOf": [schema, { "type": "null" }] }),
    }
    describe(schema, doc, default)
}

/// How often, and whether at all: of a layer, or of a row of a table.
pub fn turns() -> Map<String, Value> {
    const WHEN: &str = "An expression; where it is false the layer or row is as if hidden.";
    const REPEAT: &str =
        "Draws the layer or row once per item; `loop.index`, `index0`, `first`, `last` and `length` tell the turn.";
    let mut repeat = literal_schema::<Repeated>(REPEAT, None);
    if let Some(name) = repeat.pointer_mut("/properties/as") {
        *name = literal_schema::<Name>("The item's name in expressions.", Some(json!("item")));
    }
    let both = [("when", literal_schema::<Condition>(WHEN, None)), ("repeat", repeat)];
    both.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
}
