//! Values by a JSON Schema: those that it admits, at its bounds and between them, and those that lie just beyond.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use jsonschema::Validator;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::strategy::Union;
use serde_json::{Map, Value, json};

/// Strings of all sorts: which of them a schema admits its own pattern says.
const STRINGS: [&str; 44] = [
    "",
    " ",
    "zzz",
    "Zzz 标题",
    "a",
    "a-b_1",
    "A-b.1",
    ".a",
    "palt",
    "and",
    "loop",
    "标题",
    "1a",
    "auto",
    "none",
    "0%",
    "50%",
    "-50%",
    " 12.5 % ",
    "+.5%",
    "5.%",
    "10000%",
    "10000.5%",
    "-10000%",
    "-10000.5%",
    "-0.5%",
    "%",
    ".%",
    "1_0%",
    "inf%",
    "0.1em",
    "-10em",
    "10.0 em",
    "10.5em",
    "em",
    "1fr",
    "0.001fr",
    "0.0009fr",
    "0fr",
    "1000fr",
    "1000.5fr",
    "12px",
    "{{ v }}",
    "x{{ v }}%",
];

/// What no pattern says: the strings of a `format`, some that are well formed.
pub const LANGUAGES: [(&str, &[&str]); 5] = [
    ("color", &["#1e3a8a80", "rgb(1 2 3 / 50%)", "transparent"]),
    ("path-data", &["M0 0L9 9", "M1 1h5v5z", ""]),
    ("source", &["asset:grid.png", "https://example.com/a.png", "upload:a"]),
    ("position", &["top left", "30% 10px", "center"]),
    ("view-box", &["0 0 24 24", "-1,-1,2,2"]),
];

/// Values of all types, a few of each.
fn strangers() -> Vec<Value> {
    vec![
        json!(null),
        json!(true),
        json!(7),
        json!(-7),
        json!(0.5),
        json!(1e9),
        json!("zzz"),
        json!(""),
        json!("{{ v }}"),
        json!([]),
        json!({}),
        json!([7]),
        json!({ "zzz": 1 }),
    ]
}

/// Lists no longer than this are made: longer ones have their limits tested one by one.
const LONGEST: u64 = 1_001;

pub struct Sampler<'s> {
    root: &'s Value,
    /// JSON Schema's own schema stands for any object.
    any_schema: Value,
    seen: RefCell<HashSet<String>>,
    strings: RefCell<HashMap<String, Vec<Value>>>,
    made: RefCell<HashMap<(String, usize), BoxedStrategy<Value>>>,
}

impl<'s> Sampler<'s> {
    pub fn new(root: &'s Value) -> Sampler<'s> {
        let any_schema = json!({ "type": ["object", "boolean"] });
        Sampler { root, any_schema, seen: RefCell::default(), strings: RefCell::default(), made: RefCell::default() }
    }

    /// Of a whole value.
    pub fn root(&self) -> &'s Value {
        self.root
    }

    /// The schemas of which a value follows one, references followed.
    pub fn branches<'t>(&'t self, schema: &'t Value) -> Vec<&'t Value> {
        if let Some(reference) = schema["$ref"].as_str() {
            let meant = reference.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer));
            return meant.map_or_else(|| vec![&self.any_schema], |meant| self.branches(meant));
        }
        if let Some(list) = schema["anyOf"].as_array() {
            return list.iter().flat_map(|one| self.branches(one)).collect();
        }
        if let Some(list) = schema["allOf"].as_array() {
            return list.iter().flat_map(|one| self.branches(&one["then"])).collect();
        }
        if schema.get("not") == Some(&json!({})) { Vec::new() } else { vec![schema] }
    }

    /// The types that a schema names, of which a value has one.
    fn types(schema: &Value) -> Vec<&str> {
        match &schema["type"] {
            Value::String(one) => vec![one],
            Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
            _ if schema.get("enum").or(schema.get("const")).is_some() => vec!["word"],
            _ => vec!["any"],
        }
    }

    fn validator(&self, schema: &Value) -> Validator {
        let mut own = schema.clone();
        own["$defs"] = self.root["$defs"].clone();
        jsonschema::draft202012::options().offline().build(&own).unwrap()
    }

    /// The strings that it admits, and those that it does not.
    fn strings(&self, schema: &Value) -> Vec<Value> {
        let language = schema["format"].as_str().map(|format| {
            let known = LANGUAGES.iter().find(|(name, _)| *name == format);
            known.unwrap_or_else(|| panic!("samples of the format {format}")).1
        });
        if let Some(language) = language {
            return language.iter().map(|text| json!(text)).collect();
        }
        let key = schema.to_string();
        if let Some(known) = self.strings.borrow().get(&key) {
            return known.clone();
        }
        let validator = self.validator(schema);
        let all: Vec<Value> = STRINGS.iter().map(|text| json!(text)).filter(|text| validator.is_valid(text)).collect();
        assert!(!all.is_empty(), "a sample for {schema}");
        self.strings.borrow_mut().insert(key, all.clone());
        all
    }

    /// The simplest value that it admits.
    pub fn first(&self, schema: &Value) -> Value {
        let branch = self.branches(schema)[0];
        match Self::types(branch)[0] {
            "word" => branch.get("const").unwrap_or(&branch["enum"][0]).clone(),
            "boolean" => json!(true),
            "number" | "integer" => json!(1.0_f64.clamp(least(branch), most(branch))),
            "string" => self.strings(branch)[0].clone(),
            "null" => Value::Null,
            "array" => match branch["prefixItems"].as_array() {
                Some(items) => items.iter().map(|item| self.first(item)).collect(),
                None => vec![self.first(&branch["items"]); branch["minItems"].as_u64().unwrap_or(0) as usize].into(),
            },
            "object" => Value::Object(self.required(branch)),
            _ => json!(7),
        }
    }

    fn required(&self, schema: &Value) -> Map<String, Value> {
        let names = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let mut object: Map<String, Value> =
            names.map(|name| (name.to_owned(), self.first(&schema["properties"][name]))).collect();
        let some = schema["minProperties"].as_u64().is_some_and(|least| least > object.len() as u64);
        if let Some((name, property)) = schema["properties"].as_object().and_then(|all| all.iter().next()).filter(|_| some) {
            object.insert(name.clone(), self.first(property));
        }
        object
    }

    /// Every field, word, bound and length once, each as good and as just not good as can be, in the simplest surroundings.
    /// A `part` of the whole is gone through by itself: what stands in several of them alike is gone through once in each.
    pub fn edges(&self, part: &str, schema: &Value, wrap: &dyn Fn(Value) -> Value, out: &mut Vec<Value>) {
        out.extend(strangers().into_iter().map(wrap));
        for branch in self.branches(schema) {
            let types = Self::types(branch);
            if types.contains(&"word") {
                let words = branch["enum"].as_array().cloned().unwrap_or_else(|| vec![branch["const"].clone()]);
                out.extend(words.into_iter().map(wrap));
            }
            if types.contains(&"number") || types.contains(&"integer") {
                out.extend(around(branch).into_iter().map(wrap));
            }
            if types.contains(&"string") && branch.get("format").is_none() {
                out.extend(STRINGS.iter().map(|text| wrap(json!(text))));
            }
            if types.contains(&"string") {
                out.extend(self.strings(branch).into_iter().map(wrap));
            }
            let is_new = self.seen.borrow_mut().insert(format!("{part} {branch}"));
            if !is_new {
                out.push(wrap(self.first(branch)));
                continue;
            }
            if types.contains(&"array") {
                self.edges_of_list(part, branch, wrap, out);
            }
            if types.contains(&"object") {
                self.edges_of_object(part, branch, wrap, out);
            }
        }
    }

    fn edges_of_list(&self, part: &str, schema: &Value, wrap: &dyn Fn(Value) -> Value, out: &mut Vec<Value>) {
        if let Some(items) = schema["prefixItems"].as_array() {
            let all: Vec<Value> = items.iter().map(|item| self.first(item)).collect();
            for (index, item) in items.iter().enumerate() {
                let with = |value: Value| {
                    let mut all = all.clone();
                    all[index] = value;
                    wrap(Value::Array(all))
                };
                self.edges(part, item, &with, out);
            }
            out.push(wrap(Value::Array(all[1..].to_vec())));
            out.push(wrap(Value::Array([all.clone(), all].concat())));
            return;
        }
        let item = self.first(&schema["items"]);
        let of = |length: u64| wrap(Value::Array(vec![item.clone(); length as usize]));
        out.extend(lengths(schema).into_iter().map(of));
        let others = schema["minItems"].as_u64().unwrap_or(1).max(1) - 1;
        let with = |value: Value| {
            let mut all = vec![item.clone(); others as usize];
            all.push(value);
            wrap(Value::Array(all))
        };
        self.edges(part, &schema["items"], &with, out);
    }

    fn edges_of_object(&self, part: &str, schema: &Value, wrap: &dyn Fn(Value) -> Value, out: &mut Vec<Value>) {
        let base = self.required(schema);
        let mut put = |change: &dyn Fn(&mut Map<String, Value>)| {
            let mut object = base.clone();
            change(&mut object);
            out.push(wrap(Value::Object(object)));
        };
        put(&|_| {});
        for name in base.keys() {
            put(&|object| drop(object.remove(name)));
            put(&|object| drop(object.insert(name.clone(), Value::Null)));
        }
        for name in ["zzz", "layers", "type", "name", "when", "repeat", "stops", "x"] {
            put(&|object| {
                if !object.contains_key(name) {
                    object.insert(name.to_owned(), Value::Null);
                }
            });
        }
        let others = &schema["additionalProperties"];
        if others.is_object() {
            let value = self.first(others);
            for name in STRINGS {
                put(&|object| drop(object.insert(name.to_owned(), value.clone())));
            }
            put(&|object| drop(object.insert("a".repeat(64), value.clone())));
            put(&|object| drop(object.insert("a".repeat(65), value.clone())));
            self.edges(part, others, &|value| wrap(json!({ "palt": value })), out);
        }
        let properties = schema["properties"].as_object().into_iter().flatten();
        for (name, property) in properties.clone() {
            let with = |value: Value| {
                // One is as good as another where there is to be but one.
                let mut object = if schema["maxProperties"] == 1 { Map::new() } else { base.clone() };
                object.insert(name.clone(), value);
                wrap(Value::Object(object))
            };
            self.edges(part, property, &with, out);
        }
        if let [(one, first), (other, second), ..] = properties.collect::<Vec<_>>().as_slice() {
            let (first, second) = (self.first(first), self.first(second));
            out.push(wrap(json!({ *one: first, *other: second })));
            out.push(wrap(json!({ *one: "{{ v }}", *other: second })));
            out.push(wrap(json!({ *one: null, *other: second })));
        }
    }

    /// Any value that it admits; layers nest so deep.
    pub fn good(&self, schema: &Value, depth: usize) -> BoxedStrategy<Value> {
        let key = (schema["$ref"].as_str().map_or_else(|| schema.to_string(), str::to_owned), depth);
        if let Some(known) = self.made.borrow().get(&key) {
            return known.clone();
        }
        let depth = if schema["$ref"] == "#/$defs/layer" { depth - 1 } else { depth };
        let branches = self.branches(schema);
        let leaf = |branch: &&&Value| depth > 0 || branch["properties"].get("layers").is_none();
        let each: Vec<BoxedStrategy<Value>> =
            branches.iter().filter(leaf).flat_map(|branch| self.good_of(branch, depth)).collect();
        let made = Union::new(each).boxed();
        self.made.borrow_mut().insert(key, made.clone());
        made
    }

    fn good_of(&self, branch: &Value, depth: usize) -> Vec<BoxedStrategy<Value>> {
        let of = |one: &str| match one {
            "word" => select(branch["enum"].as_array().cloned().unwrap_or_else(|| vec![branch["const"].clone()])).boxed(),
            "boolean" => any::<bool>().prop_map(Value::from).boxed(),
            "number" | "integer" => {
                let (least, most) = (least(branch), most(branch));
                let whole = one == "integer";
                let number = move |part: f64| {
                    let number = least + (most - least) * part;
                    if whole { json!(number.round()) } else { json!(number) }
                };
                prop_oneof![Just(json!(least)), Just(json!(most)), (0.0..=1.0).prop_map(number)].boxed()
            }
            "string" => select(self.strings(branch)).boxed(),
            "null" => Just(Value::Null).boxed(),
            "array" => self.good_list(branch, depth),
            "object" => self.good_object(branch, depth),
            _ => select(strangers()).boxed(),
        };
        Self::types(branch).into_iter().map(of).collect()
    }

    fn good_list(&self, schema: &Value, depth: usize) -> BoxedStrategy<Value> {
        if let Some(items) = schema["prefixItems"].as_array() {
            let all: Vec<BoxedStrategy<Value>> = items.iter().map(|item| self.good(item, depth)).collect();
            return all.prop_map(Value::Array).boxed();
        }
        let least = schema["minItems"].as_u64().unwrap_or(0) as usize;
        let most = schema["maxItems"].as_u64().unwrap_or(u64::MAX).min(least as u64 + 3) as usize;
        proptest::collection::vec(self.good(&schema["items"], depth), least..=most).prop_map(Value::Array).boxed()
    }

    fn good_object(&self, schema: &Value, depth: usize) -> BoxedStrategy<Value> {
        const FIELDS: f64 = 5.0;
        let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let properties: Vec<(&String, &Value)> = schema["properties"].as_object().into_iter().flatten().collect();
        if schema["maxProperties"] == 1 {
            let one = |(name, property): &(&String, &Value)| {
                let name = (*name).clone();
                self.good(property, depth).prop_map(move |value| json!({ name.as_str(): value })).boxed()
            };
            return Union::new(properties.iter().map(one)).boxed();
        }
        let share = (FIELDS / properties.len() as f64).clamp(0.05, 0.6);
        let names: Vec<String> = properties.iter().map(|(name, _)| (*name).clone()).collect();
        let values: Vec<BoxedStrategy<Option<Value>>> = properties
            .iter()
            .map(|(name, property)| {
                let good = self.good(property, depth);
                match required.contains(&name.as_str()) {
                    true => good.prop_map(Some).boxed(),
                    false => proptest::option::weighted(share, good).boxed(),
                }
            })
            .collect();
        let others = match &schema["additionalProperties"] {
            any @ Value::Object(_) => {
                let keys = select(vec!["palt", "kern", "vert"]);
                proptest::collection::hash_map(keys, self.good(any, depth), 0..=2).boxed()
            }
            _ => Just(HashMap::new()).boxed(),
        };
        let object = move |(values, others): (Vec<Option<Value>>, HashMap<&str, Value>)| {
            let named = names.iter().cloned().zip(values).filter_map(|(name, value)| Some((name, value?)));
            let others = others.into_iter().map(|(name, value)| (name.to_owned(), value));
            Value::Object(named.chain(others).collect())
        };
        (values, others).prop_map(object).boxed()
    }

    /// Every place of a value with the schemas that may be its own.
    pub fn places<'t>(&'t self, value: &Value) -> Vec<(String, Vec<&'t Value>)> {
        let mut all = Vec::new();
        self.walk(value, self.branches(self.root), String::new(), &mut all);
        all
    }

    fn walk<'t>(&'t self, value: &Value, schemas: Vec<&'t Value>, at: String, all: &mut Vec<(String, Vec<&'t Value>)>) {
        let mut down = |key: &str, value: &Value, of: &dyn Fn(&'t Value) -> Option<&'t Value>| {
            let below = schemas.iter().filter_map(|schema| of(schema)).flat_map(|schema| self.branches(schema)).collect();
            self.walk(value, below, format!("{at}/{key}"), all);
        };
        match value {
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    down(&index.to_string(), item, &|schema| {
                        schema.get("prefixItems").and_then(|items| items.get(index)).or_else(|| schema.get("items"))
                    });
                }
            }
            Value::Object(fields) => {
                // A layer is of one kind only.
                let kind = fields.get("type").filter(|kind| kind.is_string());
                for (name, field) in fields {
                    down(name, field, &|schema| {
                        let properties = schema.get("properties");
                        let other = properties.and_then(|all| all.get("type")?.get("const")).is_some_and(|own| Some(own) != kind);
                        let named = properties.filter(|_| !other).and_then(|all| all.get(name));
                        named.or_else(|| schema.get("additionalProperties").filter(|others| others.is_object()))
                    });
                }
            }
            _ => {}
        }
        all.push((at, schemas));
    }

    /// The value with something else at one of its places, mostly something that may not stand there.
    pub fn marred(&self, mut value: Value, place: Index, how: Index) -> Value {
        let places = self.places(&value);
        let (at, schemas) = place.get(&places);
        let here = value.pointer(at).unwrap();
        let mut instead = strangers();
        for schema in schemas {
            instead.extend(around(schema));
            if let Some(word) = schema["enum"].as_array().and_then(|words| words[0].as_str()) {
                instead.push(json!(format!("{word}x")));
            }
        }
        match here {
            Value::Object(fields) => {
                for name in fields.keys() {
                    let mut less = fields.clone();
                    less.shift_remove(name);
                    instead.push(Value::Object(less));
                }
                for name in ["zzz", "layers", "type", "x", "stops"] {
                    let mut more = fields.clone();
                    more.insert(name.to_owned(), json!(1));
                    instead.push(Value::Object(more));
                }
            }
            Value::Array(items) => {
                instead.push(items.iter().skip(1).cloned().collect());
                if let Some(last) = items.last() {
                    let longer = schemas.iter().flat_map(|schema| lengths(schema));
                    instead.extend(longer.map(|length| {
                        let more = (length as usize).saturating_sub(items.len());
                        items.iter().chain(std::iter::repeat_n(last, more)).cloned().collect()
                    }));
                }
            }
            Value::String(text) => instead.extend(STRINGS.iter().chain(&[text.to_uppercase().as_str()]).map(|text| json!(text))),
            _ => {}
        }
        let other = how.get(&instead).clone();
        *value.pointer_mut(at).unwrap() = other;
        value
    }
}

fn least(schema: &Value) -> f64 {
    schema["minimum"].as_f64().unwrap_or(-1e6)
}

fn most(schema: &Value) -> f64 {
    schema["maximum"].as_f64().unwrap_or(1e6)
}

/// The bounds of a number, and what lies beyond by the least that counts.
fn around(schema: &Value) -> Vec<Value> {
    let (Some(least), Some(most)) = (schema["minimum"].as_f64(), schema["maximum"].as_f64()) else { return Vec::new() };
    let step = |bound: f64| if schema["type"] == "integer" { 1.0 } else { bound.abs().max(1.0) * 1e-6 };
    let middle = (least + most) / 2.0;
    [least, most, least - step(least), most + step(most), middle, middle.floor() + 0.5].into_iter().map(|n| json!(n)).collect()
}

/// Lengths of a list at its bounds and beyond; those that nobody limits may be limited all the same.
fn lengths(schema: &Value) -> Vec<u64> {
    let (least, most) = (schema["minItems"].as_u64().unwrap_or(0), schema["maxItems"].as_u64().unwrap_or(300));
    let all = [0, 1, 2, least.saturating_sub(1), least, most, most + 1];
    all.into_iter().filter(|length| *length <= LONGEST).collect()
}
