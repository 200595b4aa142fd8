//! The variables of a template: declared by JSON Schema, or else the names that its expressions use.

use std::collections::BTreeSet;

use jsonschema::{PatternOptions, Validator};
use serde_json::{Map, Value};

use super::fields::kind;
use super::hint::{did_you_mean, quote};
use super::schema_guard;
use crate::limits;
use crate::problem::{Code, In, Place, Problem, Problems};

/// What a template wants to be given.
#[derive(Debug)]
pub struct Variables {
    /// `None` without a `variables` block.
    declared: Option<Vec<Variable>>,
    /// The names that expressions use, and whether each is required, where nothing is declared.
    used: Vec<(String, Need)>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Need {
    Required,
    Optional,
}

/// A declared variable.
#[derive(Debug)]
pub struct Variable {
    pub name: String,
    pub schema: Value,
    pub default: Option<Value>,
    validator: Validator,
    /// Nodes of the schema, references followed.
    cost: usize,
}

/// What means something else in expressions.
pub const RESERVED: [&str; 16] =
    ["and", "or", "not", "in", "is", "if", "else", "true", "false", "none", "True", "False", "None", "loop", "self", "recursive"];

/// Whether an expression can name it.
pub fn is_identifier(name: &str) -> bool {
    let mut chars = name.chars();
    let start = chars.next().is_some_and(|c| c == '_' || c.is_alphabetic());
    let short = name.chars().count() <= limits::MAX_NAME;
    start && short && chars.all(|c| c == '_' || c.is_alphanumeric()) && !RESERVED.contains(&name)
}

impl Variables {
    /// Reads the `variables` block.
    pub fn parse(block: Option<&Value>, place: &Place, problems: &mut Problems) -> Variables {
        let Some(block) = block.filter(|block| !block.is_null()) else {
            return Variables { declared: None, used: Vec::new() };
        };
        let Some(object) = block.as_object() else {
            problems.push(Problem::new(place.clone(), Code::WrongType, "must be an object: name -> JSON Schema"));
            return Variables { declared: None, used: Vec::new() };
        };
        if object.len() > limits::MAX_VARIABLES {
            let message = format!("{} variables are declared; at most {} are allowed", object.len(), limits::MAX_VARIABLES);
            problems.push(Problem::new(place.clone(), Code::TooMany, message));
            return Variables { declared: None, used: Vec::new() };
        }
        let mut declared = Vec::with_capacity(object.len());
        for (name, schema) in object {
            let place = place.child(name);
            if !is_identifier(name) {
                let message = format!("{} is no name of a variable: write letters, digits and `_`", quote(name));
                problems.push(Problem::new(place.clone(), Code::InvalidName, message));
            }
            match Variable::parse(name, schema, &place) {
                Ok(variable) => declared.push(variable),
                Err(problem) => problems.push(*problem),
            }
        }
        // A faulty declaration must not make its uses errors too: the names stay known.
        let missing: Vec<&String> = object.keys().filter(|name| !declared.iter().any(|known| known.name == **name)).collect();
        for name in missing {
            if let Ok(variable) = Variable::parse(name, &Value::Bool(true), place) {
                declared.push(variable);
            }
        }
        Variables { declared: Some(declared), used: Vec::new() }
    }

    /// The declared names; `None` where nothing is declared.
    pub fn declared_names(&self) -> Option<Vec<&str>> {
        Some(self.declared.as_ref()?.iter().map(|variable| variable.name.as_str()).collect())
    }

    /// The declared variables, in the order of the template.
    pub fn declared(&self) -> &[Variable] {
        self.declared.as_deref().unwrap_or_default()
    }

    /// All names that may be given.
    pub fn names(&self) -> Vec<&str> {
        self.declared_names().unwrap_or_else(|| self.used.iter().map(|(name, _)| name.as_str()).collect())
    }

    /// The names that must be given.
    pub fn required(&self) -> impl Iterator<Item = &str> {
        let declared =
            self.declared().iter().filter(|variable| variable.default.is_none()).map(|variable| variable.name.as_str());
        let used = self.used.iter().filter(|(_, need)| *need == Need::Required && self.declared.is_none());
        declared.chain(used.map(|(name, _)| name.as_str()))
    }

    /// Adds the names that the template's expressions use; those in `lenient` need not be given.
    pub fn with_used(mut self, used: BTreeSet<String>, lenient: &BTreeSet<String>) -> Variables {
        let need = |name: &String| if lenient.contains(name) { Need::Optional } else { Need::Required };
        self.used = used.into_iter().map(|name| (name.clone(), need(&name))).collect();
        self
    }

    /// Checks the values given and adds the defaults: the variables that expressions see.
    pub fn bind(&self, given: &Map<String, Value>, problems: &mut Problems) -> Map<String, Value> {
        let root = Place::new(In::Variables, "");
        let names = self.names();
        for name in given.keys().filter(|name| !names.contains(&name.as_str())) {
            let message = format!("{} is not a variable of this template", quote(name));
            let mut problem = Problem::new(root.child(name), Code::UnknownVariable, message);
            problem.hint = problems.hint(|| did_you_mean(name, &names));
            problems.push(problem);
        }
        let mut bound = Map::new();
        let Some(declared) = &self.declared else {
            for (name, need) in &self.used {
                match given.get(name) {
                    Some(value) => {
                        bound.insert(name.clone(), value.clone());
                    }
                    None if *need == Need::Required => problems.push(missing(&root, name)),
                    None => {}
                }
            }
            return bound;
        };
        for variable in declared {
            let value = match (given.get(&variable.name), &variable.default) {
                // Null is how JSON leaves an optional value out.
                (None | Some(Value::Null), Some(default)) if given.get(&variable.name).is_none() || default.is_null() => default,
                (Some(value), _) => {
                    variable.check(value, &root.child(&variable.name), problems);
                    value
                }
                (None, _) => {
                    problems.push(missing(&root, &variable.name));
                    continue;
                }
            };
            bound.insert(variable.name.clone(), value.clone());
        }
        bound
    }

    /// A value from a query string, a CSV cell or `--var`: read by the declared type, else the string it is.
    pub fn parse_text(&self, name: &str, text: &str) -> Value {
        let variable = self.declared().iter().find(|variable| variable.name == name);
        variable.and_then(|variable| typed(&variable.schema, text)).unwrap_or_else(|| Value::String(text.to_owned()))
    }
}

fn missing(root: &Place, name: &str) -> Problem {
    Problem::new(root.clone(), Code::MissingVariable, format!("the variable {} is missing", quote(name)))
}

/// The text as JSON of one of the types that the schema names; `None`: as a string.
fn typed(schema: &Value, text: &str) -> Option<Value> {
    let types: Vec<&str> = match schema.get("type") {
        Some(Value::String(one)) => vec![one.as_str()],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        _ => {
            // Without a type the values that are listed tell it.
            let listed =
                schema.get("enum").and_then(Value::as_array).cloned().or_else(|| Some(vec![schema.get("const")?.clone()]))?;
            let parsed: Value = serde_json::from_str(text).ok()?;
            return (!listed.contains(&Value::String(text.to_owned())) && listed.contains(&parsed)).then_some(parsed);
        }
    };
    let parsed: Option<Value> = serde_json::from_str(text.trim()).ok();
    types.iter().find_map(|wanted| match (*wanted, &parsed) {
        ("string", _) => Some(Value::String(text.to_owned())),
        ("number", Some(value @ Value::Number(_)))
        | ("boolean", Some(value @ Value::Bool(_)))
        | ("array", Some(value @ Value::Array(_)))
        | ("object", Some(value @ Value::Object(_))) => Some(value.clone()),
        ("integer", Some(Value::Number(number))) => {
            number.as_f64().is_some_and(|float| float.fract() == 0.0).then(|| Value::Number(number.clone()))
        }
        ("null", _) if text.trim().is_empty() || text.trim() == "null" => Some(Value::Null),
        _ => None,
    })
}

impl Variable {
    fn parse(name: &str, schema: &Value, place: &Place) -> Result<Variable, Box<Problem>> {
        let invalid = |at: &str, message: String| {
            let place = Place { at: format!("{}{at}", place.at), ..place.clone() };
            Box::new(Problem::new(place, Code::InvalidSchema, message))
        };
        if !schema.is_object() && !schema.is_boolean() {
            let mut problem = invalid("", format!("must be a JSON Schema (an object), not {}", kind(schema)));
            problem.hint = schema.as_str().map(|word| format!("write `{{ \"type\": {word:?} }}`"));
            return Err(problem);
        }
        // The commonest slip, which the meta-schema would report as "not valid under any of the schemas".
        const TYPES: [&str; 7] = ["string", "number", "integer", "boolean", "array", "object", "null"];
        if let Some(word) = schema.get("type").and_then(Value::as_str).filter(|word| !TYPES.contains(word)) {
            let mut problem = invalid("/type", format!("{} is no type of JSON Schema", quote(word)));
            problem.hint = match word {
                "str" | "text" | "color" | "url" | "date" => Some("write `string`".to_owned()),
                "int" => Some("write `integer`".to_owned()),
                "float" | "double" => Some("write `number`".to_owned()),
                "bool" => Some("write `boolean`".to_owned()),
                "list" => Some("write `array`".to_owned()),
                "map" | "dict" => Some("write `object`".to_owned()),
                _ => did_you_mean(word, &TYPES),
            };
            return Err(problem);
        }
        let cost = schema_guard::cost(schema).map_err(|error| invalid("", error.to_string()))?;
        let options = jsonschema::draft202012::options().offline().should_validate_formats(true).with_pattern_options(
            PatternOptions::regex().size_limit(limits::MAX_REGEX_BYTES).dfa_size_limit(limits::MAX_REGEX_BYTES),
        );
        let validator = options.build(schema).map_err(|error| {
            let at = error.instance_path().to_string();
            let told = error.masked_with(kind(error.instance())).to_string();
            let mut problem = invalid(&at, cut(&format!("is not a JSON Schema that affiche follows: {told}")));
            if at.contains("/pattern") {
                problem.hint = Some("patterns are matched in linear time: no look-around, no back-references".to_owned());
            }
            problem
        })?;
        let default = schema.get("default").cloned();
        let variable = Variable { name: name.to_owned(), schema: schema.clone(), default, validator, cost };
        if let Some(default) = variable.default.as_ref().filter(|default| !default.is_null()) {
            let mut wrong = Problems::new();
            variable.check(default, &place.child("default"), &mut wrong);
            if let Some(first) = wrong.list().first() {
                let message = format!("the default is not valid by its own schema: {}", first.message);
                return Err(Box::new(Problem::new(first.place.clone(), Code::InvalidSchema, message)));
            }
        }
        Ok(variable)
    }

    /// Adds every reason why the value is not valid.
    fn check(&self, value: &Value, place: &Place, problems: &mut Problems) {
        if self.cost.saturating_mul(schema_guard::size(value)) > limits::MAX_VALIDATION_STEPS {
            problems.push(Problem::new(place.clone(), Code::TooMany, "the value is too large for its schema"));
            return;
        }
        for error in self.validator.iter_errors(value).take(Problems::MOST) {
            let at = error.instance_path().to_string();
            let place = Place { at: format!("{}{at}", place.at), ..place.clone() };
            problems.push(Problem::new(
                place,
                Code::InvalidVariable,
                cut(&error.masked_with(kind(error.instance())).to_string()),
            ));
        }
    }
}

fn cut(message: &str) -> String {
    const MOST: usize = 300;
    let short: String = message.chars().take(MOST).collect();
    if short.len() < message.len() { format!("{short}…") } else { short }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(block: Value) -> (Variables, Vec<String>) {
        let mut problems = Problems::new();
        let variables = Variables::parse(Some(&block), &Place::new(In::Template, "/variables"), &mut problems);
        (variables, told(&problems))
    }

    fn told(problems: &Problems) -> Vec<String> {
        problems.list().iter().map(|p| format!("{} {}: {}", p.place.at, p.code.as_str(), p.message)).collect()
    }

    fn bind(block: Value, given: Value) -> (Map<String, Value>, Vec<String>) {
        let (variables, wrong) = parse(block);
        assert_eq!(wrong, Vec::<String>::new());
        let mut problems = Problems::new();
        let bound = variables.bind(given.as_object().unwrap(), &mut problems);
        (bound, told(&problems))
    }

    #[test]
    fn defaults_and_optional_values() {
        let block = json!({ "a": { "type": "string" }, "b": { "type": "number", "default": 2 }, "c": { "type": "string", "default": null } });
        let (bound, problems) = bind(block.clone(), json!({ "a": "x" }));
        assert_eq!(problems, Vec::<String>::new());
        assert_eq!(Value::Object(bound), json!({ "a": "x", "b": 2, "c": null }));
        let (bound, problems) = bind(block.clone(), json!({ "a": "x", "c": null, "b": 3 }));
        assert_eq!((problems.len(), Value::Object(bound)), (0, json!({ "a": "x", "b": 3, "c": null })));
        // A default that is not null does not make null welcome.
        assert_eq!(bind(block, json!({ "a": "x", "b": null })).1.len(), 1);
    }

    #[test]
    fn every_problem_at_once_with_its_place() {
        let block = json!({
            "title": { "type": "string", "maxLength": 3 },
            "price": { "type": "number", "minimum": 0 },
            "url": { "type": "string", "format": "uri" },
            "items": { "type": "array", "items": { "type": "object", "required": ["n"], "properties": { "n": { "type": "integer" } } } },
        });
        let given = json!({ "titel": "x", "price": "12", "url": "no uri", "items": [{ "n": 1 }, { "n": 1.5 }, {}] });
        assert_eq!(
            bind(block, given).1,
            [
                "/titel unknown_variable: `titel` is not a variable of this template",
                " missing_variable: the variable `title` is missing",
                "/price invalid_variable: the string `12` is not of type \"number\"",
                "/url invalid_variable: the string `no uri` is not a \"uri\"",
                "/items/1/n invalid_variable: the number 1.5 is not of type \"integer\"",
                "/items/2 invalid_variable: \"n\" is a required property",
            ]
        );
    }

    #[test]
    fn schemas_are_checked() {
        for (schema, part) in [
            (json!("string"), "must be a JSON Schema"),
            (json!({ "type": "strin" }), "`strin` is no type"),
            (json!({ "type": 5 }), "is not a JSON Schema"),
            (json!({ "type": "string", "default": 5 }), "not valid by its own schema"),
            (json!({ "pattern": "(a" }), "is not a JSON Schema"),
            (json!({ "pattern": "(?=a)b" }), "is not a JSON Schema"),
            (json!({ "pattern": "((a{1,1000}){1,1000}){1,1000}" }), "is not a JSON Schema"),
            (json!({ "$ref": "https://example.com/schema.json" }), "only references within"),
            (json!({ "$ref": "file:///etc/passwd" }), "only references within"),
            (json!({ "$ref": "#" }), "refers to itself"),
            (json!({ "$ref": "#/$defs/a" }), "there is nothing at"),
            (json!({ "$dynamicRef": "#x" }), "`$dynamicRef`"),
        ] {
            let (variables, problems) = parse(json!({ "a": schema }));
            assert!(problems.len() == 1 && problems[0].contains(part), "{schema}: {problems:?}");
            assert_eq!(variables.declared_names(), Some(vec!["a"]), "the name stays known");
        }
        let (_, problems) = parse(json!({ "a b": {}, "loop": {}, "1": {}, "标题": {} }));
        assert_eq!(problems.len(), 3, "{problems:?}");
        let (_, problems) = parse(json!({ "a": { "$ref": "#/$defs/n", "$defs": { "n": { "type": "number" } } } }));
        assert_eq!(problems, Vec::<String>::new());
    }

    #[test]
    fn text_is_read_by_the_declared_type() {
        let (variables, _) = parse(json!({
            "s": { "type": "string" }, "n": { "type": "number" }, "i": { "type": "integer" }, "b": { "type": "boolean" },
            "l": { "type": "array" }, "o": { "type": ["number", "null"] }, "e": { "enum": [1, "2", 3] }, "any": {},
        }));
        for (name, text, wanted) in [
            ("s", "12", json!("12")),
            ("n", "12", json!(12)),
            ("n", " 1.5 ", json!(1.5)),
            ("n", "twelve", json!("twelve")),
            ("n", "\"12\"", json!("\"12\"")),
            ("i", "3", json!(3)),
            ("i", "3.5", json!("3.5")),
            ("b", "true", json!(true)),
            ("b", "yes", json!("yes")),
            ("l", "[1, 2]", json!([1, 2])),
            ("o", "", json!(null)),
            ("o", "5", json!(5)),
            ("e", "1", json!(1)),
            ("e", "2", json!("2")),
            ("any", "1", json!("1")),
            ("undeclared", "1", json!("1")),
        ] {
            assert_eq!(variables.parse_text(name, text), wanted, "{name} {text}");
        }
    }

    #[test]
    fn hostile_schemas_and_values_end_soon() {
        let doubling = |depth: usize| {
            let defs: Map<String, Value> = (0..depth)
                .map(|n| {
                    let next = format!("#/$defs/d{}", n + 1);
                    (format!("d{n}"), json!({ "allOf": [{ "$ref": next }, { "$ref": next }] }))
                })
                .chain([(format!("d{depth}"), json!({ "type": "string" }))])
                .collect();
            json!({ "a": { "$ref": "#/$defs/d0", "$defs": defs } })
        };
        assert_eq!(parse(doubling(3)).1.len(), 0);
        assert!(parse(doubling(60)).1[0].contains("too large"), "{:?}", parse(doubling(60)).1);
        let long = "a".repeat(1 << 20);
        let (_, problems) = bind(json!({ "a": { "type": "string", "pattern": "^(a+)+$" } }), json!({ "a": format!("{long}!") }));
        assert_eq!(problems.len(), 1);
        let many: Map<String, Value> = (0..100_000).map(|n| (format!("v{n}"), json!(n))).collect();
        let mut problems = Problems::new();
        parse(json!({ "v1": {} })).0.bind(&many, &mut problems);
        assert_eq!(problems.list().len(), Problems::MOST);
        let listed: Vec<Value> = (0..20_000).map(|n| json!(n)).collect();
        let (_, problems) = bind(json!({ "a": { "items": { "enum": listed.clone() } } }), json!({ "a": listed }));
        assert!(problems[0].contains("too large"), "{problems:?}");
    }
}
