//! Expressions: minijinja behind this one module. Compiled once, evaluated with a shared budget of work and bytes.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, LazyLock};

use minijinja::value::{Enumerator, Object, ValueKind};
use minijinja::{Environment, Error, ErrorKind, Expression, State, UndefinedBehavior, Value};
use serde_json::Value as Json;

use super::hint::{did_you_mean, quote};
use super::{filters, syntax};
use crate::limits;
use crate::problem::{Code, Place, Problem};

/// What every expression is evaluated in: no clock, no randomness, no files.
static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut env = Environment::new();
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    env.set_fuel(Some(limits::ONE_EXPRESSION_FUEL));
    // They show Rust's view of a value, or hold state.
    env.remove_global("debug");
    env.remove_global("namespace");
    env.remove_filter("pprint");
    filters::register(&mut env);
    env.add_filter(METER, meter);
    env
});

/// The functions that there are besides variables.
const FUNCTIONS: &[&str] = &["range", "dict"];

/// The last step of every expression: its value with the fuel it took, so that a request can sum it up.
const METER: &str = "_metered";

fn meter(state: &State, value: &Value) -> Result<Value, Error> {
    let used = state.fuel_levels().map_or(0, |(used, _)| used);
    Ok(Value::from(vec![value.get_item_by_index(0)?, Value::from(used)]))
}

/// Why an expression cannot be compiled or evaluated.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ExpressionError {
    #[error("`{{{{` without `}}}}`")]
    Unclosed,
    #[error("there is no expression between `{{{{` and `}}}}`")]
    Empty,
    #[error("an expression has {bytes} bytes; at most {cap} are allowed", cap = limits::MAX_EXPRESSION_BYTES)]
    TooLong { bytes: usize },
    #[error("{} is no expression: {detail}", quote(source_text))]
    Syntax { source_text: String, detail: String },
    #[error("there is no {what} {}", quote(name))]
    Unknown { what: &'static str, name: String, hint: Option<String> },
    #[error("{} is not defined", quote(name))]
    Undefined { name: String, hint: Option<String> },
    #[error("{} fails: {detail}", quote(source_text))]
    Failed { source_text: String, detail: String },
    #[error("the expressions take too much work")]
    OutOfFuel,
    #[error("the placeholders expand to more than {cap} bytes", cap = limits::MAX_EXPANDED_BYTES)]
    TooManyBytes,
    #[error("{} is {kind}, and a placeholder can only give a string, a number or a truth value", quote(source_text))]
    NotScalar { source_text: String, kind: &'static str },
}

impl ExpressionError {
    pub fn problem(&self, place: Place) -> Problem {
        let code = match self {
            ExpressionError::OutOfFuel | ExpressionError::TooManyBytes | ExpressionError::TooLong { .. } => Code::TooMany,
            _ => Code::InvalidExpression,
        };
        let mut problem = Problem::new(place, code, self.to_string());
        problem.hint = match self {
            ExpressionError::Unclosed => Some("literal braces are written `{{ '{{' }}`".to_owned()),
            ExpressionError::Unknown { hint, .. } | ExpressionError::Undefined { hint, .. } => hint.clone(),
            ExpressionError::NotScalar { .. } => {
                Some("lists and objects serve inside expressions (`items | join(', ')`) and in `repeat`".to_owned())
            }
            _ => None,
        };
        problem
    }
}

/// An expression that parses, whose filters and tests exist.
pub struct Compiled {
    source: String,
    metered: Expression<'static, 'static>,
    names: BTreeSet<String>,
    lenient: BTreeSet<String>,
}

impl fmt::Debug for Compiled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Compiled({:?})", self.source)
    }
}

impl Compiled {
    pub fn new(source: &str) -> Result<Compiled, ExpressionError> {
        if source.trim().is_empty() {
            return Err(ExpressionError::Empty);
        }
        if source.len() > limits::MAX_EXPRESSION_BYTES {
            return Err(ExpressionError::TooLong { bytes: source.len() });
        }
        let failed = |error: Error| ExpressionError::Syntax { source_text: source.to_owned(), detail: detail(&error) };
        // Alone first: within the brackets `a) + (b` would parse.
        let plain = ENVIRONMENT.compile_expression_owned(source.to_owned()).map_err(failed)?;
        let words = syntax::words(source);
        check_names("filter", &words.filters, filters::NAMES)?;
        check_names("test", &words.tests, filters::TESTS)?;
        let mut names: BTreeSet<String> = plain.undeclared_variables(false).into_iter().collect();
        names.retain(|name| !(FUNCTIONS.contains(&name.as_str()) && words.called.contains(&name.as_str())));
        let lenient = words.lenient.iter().filter(|name| names.contains(**name)).map(|name| (*name).to_owned()).collect();
        let metered = ENVIRONMENT.compile_expression_owned(format!("[({source})]|{METER}")).map_err(failed)?;
        Ok(Compiled { source: source.to_owned(), metered, names, lenient })
    }

    /// The variables it uses.
    pub fn names(&self) -> &BTreeSet<String> {
        &self.names
    }

    /// Those of them that stand under `default` or `is defined`.
    pub fn lenient(&self) -> &BTreeSet<String> {
        &self.lenient
    }

    pub fn source(&self) -> &str {
        &self.source
    }

    /// Its value, defined.
    pub fn eval(&self, scope: &Scope, meter: &mut Meter) -> Result<Value, ExpressionError> {
        meter.fuel(1)?;
        match self.metered.eval(scope.0.clone()) {
            Ok(pair) => {
                meter.fuel(pair.get_item_by_index(1).ok().and_then(|used| used.as_i64()).unwrap_or(0).unsigned_abs())?;
                let value = pair.get_item_by_index(0).unwrap_or_default();
                if value.is_undefined() { Err(self.undefined(scope)) } else { Ok(value) }
            }
            Err(error) => {
                meter.failed();
                Err(match error.kind() {
                    ErrorKind::OutOfFuel => {
                        meter.refused = true;
                        ExpressionError::OutOfFuel
                    }
                    ErrorKind::UndefinedError => self.undefined(scope),
                    _ => ExpressionError::Failed { source_text: self.source.clone(), detail: detail(&error) },
                })
            }
        }
    }

    /// Names what is undefined: a path of names where one is, else the whole expression.
    fn undefined(&self, scope: &Scope) -> ExpressionError {
        let mut paths: Vec<String> = self.metered.undeclared_variables(true).into_iter().collect();
        paths.sort();
        for path in &paths {
            let mut value = scope.0.clone();
            for step in path.split('.') {
                let next = value.get_attr(step).unwrap_or_default();
                if next.is_undefined() && !FUNCTIONS.contains(&step) {
                    let there = value.try_iter().map(|keys| keys.filter_map(|key| key.to_str()).collect::<Vec<_>>());
                    let there = there.unwrap_or_default();
                    let known: Vec<&str> = there.iter().map(|key| &**key).collect();
                    return ExpressionError::Undefined { name: path.clone(), hint: did_you_mean(step, &known) };
                }
                value = next;
            }
        }
        ExpressionError::Undefined { name: self.source.clone(), hint: None }
    }
}

fn check_names(what: &'static str, used: &[&str], known: &[&str]) -> Result<(), ExpressionError> {
    match used.iter().find(|name| !known.contains(name)) {
        None => Ok(()),
        Some(name) => {
            let hint = did_you_mean(name, known);
            Err(ExpressionError::Unknown { what, name: (*name).to_owned(), hint })
        }
    }
}

/// minijinja's message without the name of its error class where it says more.
fn detail(error: &Error) -> String {
    let text = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    text.chars().take(300).collect()
}

/// The names that an expression sees.
#[derive(Clone, Debug)]
pub struct Scope(Value);

impl Scope {
    pub fn new(variables: &serde_json::Map<String, Json>) -> Scope {
        Scope(Value::from_pairs(variables.iter().map(|(name, value)| (Value::from(name.as_str()), from_json(value)))))
    }

    /// The scope of one turn of `repeat`: `name` is the item, `loop` tells the turn, counted from 0.
    pub fn turn(&self, name: &str, item: Value, index: usize, length: usize) -> Scope {
        let loops = Value::from_pairs([
            (Value::from("index"), Value::from(index + 1)),
            (Value::from("index0"), Value::from(index)),
            (Value::from("first"), Value::from(index == 0)),
            (Value::from("last"), Value::from(index + 1 == length)),
            (Value::from("length"), Value::from(length)),
        ]);
        Scope(Value::from_object(Turn { outer: self.0.clone(), name: Arc::from(name), item, loops }))
    }
}

fn from_json(value: &Json) -> Value {
    match value {
        Json::Null => Value::from(()),
        Json::Bool(flag) => Value::from(*flag),
        Json::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(whole), _) => Value::from(whole),
            (None, Some(whole)) => Value::from(whole),
            (None, None) => Value::from(number.as_f64().unwrap_or_default()),
        },
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(items) => Value::from(items.iter().map(from_json).collect::<Vec<Value>>()),
        Json::Object(entries) => {
            Value::from_pairs(entries.iter().map(|(key, value)| (Value::from(key.as_str()), from_json(value))))
        }
    }
}

/// A scope within another.
#[derive(Debug)]
struct Turn {
    outer: Value,
    name: Arc<str>,
    item: Value,
    loops: Value,
}

impl Object for Turn {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        match key.as_str()? {
            name if name == &*self.name => Some(self.item.clone()),
            "loop" => Some(self.loops.clone()),
            _ => self.outer.get_item(key).ok().filter(|value| !value.is_undefined()),
        }
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::NonEnumerable
    }
}

/// What the expressions of one request may still spend.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Meter {
    fuel: u64,
    bytes: usize,
    /// Something was wanted that could not be paid: it was reported, and nothing more can come.
    refused: bool,
}

impl Default for Meter {
    fn default() -> Meter {
        Meter { fuel: limits::EXPRESSION_FUEL, bytes: limits::MAX_EXPANDED_BYTES, refused: false }
    }
}

impl Meter {
    /// Takes fuel: one unit is about a step, or 64 bytes of data.
    pub fn fuel(&mut self, units: u64) -> Result<(), ExpressionError> {
        match self.fuel.checked_sub(units) {
            Some(left) => {
                self.fuel = left;
                Ok(())
            }
            None => {
                self.refused = true;
                Err(ExpressionError::OutOfFuel)
            }
        }
    }

    pub fn bytes(&mut self, bytes: usize) -> Result<(), ExpressionError> {
        match self.bytes.checked_sub(bytes) {
            Some(left) => {
                self.bytes = left;
                Ok(())
            }
            None => {
                self.refused = true;
                Err(ExpressionError::TooManyBytes)
            }
        }
    }

    /// Bytes spent.
    pub fn expanded(&self) -> usize {
        limits::MAX_EXPANDED_BYTES - self.bytes
    }

    /// Whether going on is useless.
    pub fn has_refused(&self) -> bool {
        self.refused
    }

    /// A failed expression does not tell what it took; a flat charge bounds how many may fail.
    fn failed(&mut self) {
        self.fuel = self.fuel.saturating_sub(limits::EXPRESSION_FUEL / 50);
    }
}

/// The JSON of a scalar; an error for anything else.
pub fn scalar(value: &Value, source: &str) -> Result<Json, ExpressionError> {
    let not = |kind| ExpressionError::NotScalar { source_text: source.to_owned(), kind };
    match value.kind() {
        ValueKind::None | ValueKind::Undefined => Ok(Json::Null),
        ValueKind::Bool => Ok(Json::Bool(value.is_true())),
        ValueKind::String => Ok(Json::String(value.as_str().unwrap_or_default().to_owned())),
        ValueKind::Number => number(value).ok_or_else(|| not("no finite number")),
        ValueKind::Map => Err(not("an object")),
        ValueKind::Seq | ValueKind::Iterable => Err(not("a list")),
        _ => Err(not("of another kind")),
    }
}

fn number(value: &Value) -> Option<Json> {
    if let Some(whole) = value.as_i64().filter(|_| value.is_integer()) {
        return Some(Json::from(whole));
    }
    if let Ok(whole) = u64::try_from(value.clone()).map_err(|_| ()).and_then(|n| value.is_integer().then_some(n).ok_or(())) {
        return Some(Json::from(whole));
    }
    f64::try_from(value.clone()).ok().and_then(serde_json::Number::from_f64).map(Json::Number)
}

/// A scalar as it stands in a text: whole numbers without `.0`, null as nothing.
pub fn text_of(value: &Json) -> String {
    match value {
        Json::Null => String::new(),
        Json::String(text) => text.clone(),
        Json::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() => float.to_string(),
            _ => number.to_string(),
        },
        other => other.to_string(),
    }
}

/// The items of a list, at most `most` and one more, so that the caller sees when there are more.
pub fn items(value: &Value, most: usize) -> Option<Vec<Value>> {
    match value.kind() {
        ValueKind::None => Some(Vec::new()),
        ValueKind::Seq | ValueKind::Iterable => value.try_iter().ok().map(|items| items.take(most + 1).collect()),
        _ => None,
    }
}

/// Whether a value counts as true, as in Jinja.
pub fn is_true(value: &Value) -> bool {
    value.is_true()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn eval(source: &str, variables: Json) -> Result<Json, ExpressionError> {
        let compiled = Compiled::new(source)?;
        let value = compiled.eval(&Scope::new(variables.as_object().unwrap()), &mut Meter::default())?;
        scalar(&value, source)
    }

    fn text(source: &str) -> String {
        let variables =
            json!({ "price": 1234.5, "n": 3, "null": null, "title": "中文👨‍👩‍👧标题é", "items": [1, 2], "o": { "b": 1 } });
        eval(source, variables).map(|value| text_of(&value)).unwrap_or_else(|error| format!("! {error}"))
    }

    #[test]
    fn values_keep_their_type() {
        let variables = json!({ "price": 100, "yes": true, "s": "x", "nothing": null, "big": u64::MAX, "f": 1.5 });
        for (source, wanted) in [
            ("price * 0.8", json!(80.0)),
            ("price", json!(100)),
            ("yes", json!(true)),
            ("not yes", json!(false)),
            ("s", json!("x")),
            ("nothing", json!(null)),
            ("big", json!(u64::MAX)),
            ("f", json!(1.5)),
            ("price > 10 and s == 'x'", json!(true)),
            ("'a' if nothing else 'b'", json!("b")),
        ] {
            assert_eq!(eval(source, variables.clone()), Ok(wanted), "{source}");
        }
    }

    #[test]
    fn every_filter_and_test_listed_exists() {
        for name in filters::NAMES {
            assert_eq!(text(&format!("'{name}' is filter")), "true", "{name}");
        }
        for name in filters::TESTS {
            assert_eq!(text(&format!("'{name}' is test")), "true", "{name}");
        }
        assert_eq!(text("'pprint' is filter"), "false");
    }

    #[test]
    fn numbers_are_formatted() {
        for (source, wanted) in [
            ("price | number(2)", "1234.50"),
            ("price | number(2, true)", "1,234.50"),
            ("price | number(0, group=true)", "1,235"),
            ("price | number(group=true)", "1,234.5"),
            ("2.675 | number(2)", "2.68"),
            ("(0 - 2.5) | number(0)", "-3"),
            ("'12.345' | number(1)", "12.3"),
            ("price | currency('USD')", "$1,234.50"),
            ("price | currency('EUR', 'de')", "1.234,50\u{a0}€"),
            ("price | currency('EUR', lang='fr')", "1\u{202f}234,50\u{a0}€"),
            ("price | currency('CNY', 'zh-CN')", "¥1,234.50"),
            ("price | currency('JPY', 'ja')", "￥1,235"),
            ("price | currency('CHF')", "CHF\u{a0}1,234.50"),
            ("(0 - price) | currency('usd')", "-$1,234.50"),
            ("price | currency('BRL', 'pt')", "R$\u{a0}1.234,50"),
        ] {
            assert_eq!(text(source), wanted, "{source}");
        }
        assert!(text("'abc' | number(2)").contains("`number` wants a number, not `abc`"));
        assert!(text("price | number(21)").contains("at most 20"));
        assert!(text("price | currency('EURO')").contains("ISO 4217"));
        assert!(text("price | currency('EUR', 'xx')").contains("there are `en`, `zh`"));
    }

    #[test]
    fn dates_are_formatted() {
        for (source, wanted) in [
            ("'2026-11-23T20:05:09Z' | date('%Y-%m-%d %H:%M')", "2026-11-23 20:05"),
            ("'2026-11-23T20:05:09Z' | date('%-d %B %Y, %A')", "23 November 2026, Monday"),
            ("'2026-11-23T20:05:09Z' | date('%Y年%-m月%-d日 %A', 'zh')", "2026年11月23日 星期一"),
            ("'2026-11-23T20:05:09Z' | date('%A, %-d. %B', lang='de')", "Montag, 23. November"),
            ("'2026-11-23T20:05:09Z' | date('%d %H:%M', tz='Asia/Shanghai')", "24 04:05"),
            ("'2026-11-23T20:05:09Z' | date('%d %H:%M', tz='+08:00')", "24 04:05"),
            ("'2026-11-23' | date('%d', tz='America/New_York')", "23"),
            ("0 | date('%F %T')", "1970-01-01 00:00:00"),
            ("1763928309.5 | date('%F')", "2025-11-23"),
            ("'2026-11-23T20:05:09+02:00' | date('%H %%A %^b', 'fr')", "18 %A NOV."),
        ] {
            assert_eq!(text(source), wanted, "{source}");
        }
        assert!(text("'soon' | date('%F')").contains("RFC 3339"));
        assert!(text("0 | date('%F', tz='Mars/Base')").contains("not known"));
        assert!(text("0 | date('%J')").contains("cannot follow the format"));
        assert!(text("1e300 | date('%F')").contains("RFC 3339"));
    }

    #[test]
    fn truncation_counts_graphemes() {
        for (source, wanted) in [
            ("title | truncate(4)", "中文👨‍👩‍👧…"),
            ("title | truncate(6)", "中文👨‍👩‍👧标题é"),
            ("title | truncate(5)", "中文👨‍👩‍👧标…"),
            ("title | truncate(1)", "…"),
            ("title | truncate(0)", ""),
            ("n | truncate(5)", "3"),
            ("'a b&c/é' | urlencode", "a%20b%26c/%C3%A9"),
        ] {
            assert_eq!(text(source), wanted, "{source}");
        }
    }

    #[test]
    fn null_counts_as_undefined() {
        assert_eq!(text("null | default('x')"), "x");
        assert_eq!(text("missing | default('x')"), "x");
        assert_eq!(text("'' | default('x')"), "");
        assert_eq!(text("'' | default('x', true)"), "x");
        assert_eq!(text("null is defined"), "false");
        assert_eq!(text("missing is not defined"), "true");
        assert_eq!(text("o.missing | d('y')"), "y");
    }

    #[test]
    fn errors_name_what_is_wrong() {
        for (source, wanted) in [
            ("missing", "! `missing` is not defined"),
            ("o.bb", "! `o.bb` is not defined"),
            ("missing | upper", "! `missing` is not defined"),
            ("items", "! `items` is a list, and a placeholder can only give a string, a number or a truth value"),
            ("o", "! `o` is an object, and a placeholder can only give a string, a number or a truth value"),
            ("n | uper", "! there is no filter `uper`"),
            ("n is evan", "! there is no test `evan`"),
            ("", "! there is no expression between `{{` and `}}`"),
        ] {
            assert_eq!(text(source), wanted, "{source}");
        }
        for source in ["a b", "a) + (b", "1 +", "'", "a }} {{ b", "{% if %}", "a = 1"] {
            assert!(text(source).contains("is no expression"), "{source}: {}", text(source));
        }
        assert!(text("n / 0").contains("`n / 0`"), "{}", text("n / 0"));
    }

    #[test]
    fn names_and_lenient_names() {
        let compiled = Compiled::new("a | default(b) if c is defined else range(3) | length + user.name").unwrap();
        assert_eq!(compiled.names().iter().map(String::as_str).collect::<Vec<_>>(), ["a", "b", "c", "user"]);
        assert_eq!(compiled.lenient().iter().map(String::as_str).collect::<Vec<_>>(), ["a", "c"]);
    }

    #[test]
    fn hostile_expressions_end_soon() {
        for source in [
            "'x' * 10**9",
            "range(10**9) | list | length",
            "range(10**9) | join(',')",
            "('x' * 1000000) | replace('x', 'y' * 1000000)",
            "10 ** 10 ** 10",
            "'%1000000000d' | format(1)",
            "'a' | indent(10**9)",
            "[1] | tojson(indent=10**9)",
            "[1] | batch(10**9, 0) | list | length",
            "[1] | slice(10**9) | list | length",
            "1.5 | round(10**9)",
            "'a' | truncate(10**9)",
            "0 - (2**63) * 10**30",
            "range(100000) | map('string') | join | length",
            "range(100000) | sort(reverse=true) | list | tojson",
            "range(99999) | groupby(0) | list",
            "1 // 0",
            "5 % 0",
            "'%s' * 30000 | format(1)",
        ] {
            let variables = json!({});
            let _: Result<Json, ExpressionError> = eval(source, variables);
        }
        assert_eq!(eval("'x' * 10**9", json!({})), Err(ExpressionError::OutOfFuel));
        let deep = format!("{}1{}", "(".repeat(2000), ")".repeat(2000));
        assert!(matches!(eval(&deep, json!({})), Err(ExpressionError::Syntax { .. })));
        assert!(matches!(Compiled::new(&"1+".repeat(4000)), Err(ExpressionError::TooLong { .. })));
    }

    #[test]
    fn the_fuel_is_shared() {
        let compiled = Compiled::new("range(2000) | list | length").unwrap();
        let scope = Scope::new(&serde_json::Map::new());
        let mut meter = Meter::default();
        let mut turns = 0;
        while compiled.eval(&scope, &mut meter).is_ok() {
            turns += 1;
            assert!(turns < 10_000);
        }
        assert!(turns > 100, "{turns}");
        assert_eq!(compiled.eval(&scope, &mut meter), Err(ExpressionError::OutOfFuel));
    }

    #[test]
    fn bytes_may_be_spent_to_the_last() {
        let mut meter = Meter::default();
        assert_eq!(meter.bytes(limits::MAX_EXPANDED_BYTES), Ok(()));
        assert!(!meter.has_refused());
        assert_eq!(meter.bytes(1), Err(ExpressionError::TooManyBytes));
        assert!(meter.has_refused());
    }

    #[test]
    fn turns_see_the_item_and_the_loop() {
        let outer = Scope::new(json!({ "a": 1, "item": 2 }).as_object().unwrap());
        let inner = outer.turn("item", Value::from("x"), 1, 2);
        let value = Compiled::new("item ~ a ~ loop.index ~ loop.index0 ~ loop.first ~ loop.last ~ loop.length").unwrap();
        assert_eq!(value.eval(&inner, &mut Meter::default()).unwrap().to_string(), "x121FalseTrue2");
    }
}
