//! The filters and tests of expressions that are ours or differ from Jinja's: number, currency, date, truncate, urlencode, and
//! null taken as undefined by `default` and `is defined`.

use icu_segmenter::GraphemeClusterSegmenter;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::{Offset, TimeZone};
use minijinja::value::{Kwargs, ValueKind};
use minijinja::{Environment, Error, ErrorKind, State, Value};

use super::decimal::Decimal;
use super::hint::{any_of, quote};
use super::locale::{Locale, Sign, currency_decimals};

/// Every filter there is.
pub const NAMES: &[&str] = &[
    "abs",
    "attr",
    "batch",
    "bool",
    "capitalize",
    "chain",
    "count",
    "currency",
    "d",
    "date",
    "default",
    "dictsort",
    "e",
    "escape",
    "first",
    "float",
    "format",
    "groupby",
    "indent",
    "int",
    "items",
    "join",
    "last",
    "length",
    "lines",
    "list",
    "lower",
    "map",
    "max",
    "min",
    "number",
    "reject",
    "rejectattr",
    "replace",
    "reverse",
    "round",
    "safe",
    "select",
    "selectattr",
    "slice",
    "sort",
    "split",
    "string",
    "sum",
    "title",
    "tojson",
    "trim",
    "truncate",
    "unique",
    "upper",
    "urlencode",
    "zip",
];

/// Every test there is.
pub const TESTS: &[&str] = &[
    "boolean",
    "defined",
    "divisibleby",
    "endingwith",
    "eq",
    "equalto",
    "escaped",
    "even",
    "false",
    "filter",
    "float",
    "ge",
    "greaterthan",
    "gt",
    "in",
    "int",
    "integer",
    "iterable",
    "le",
    "lessthan",
    "lower",
    "lt",
    "mapping",
    "ne",
    "none",
    "number",
    "odd",
    "safe",
    "sameas",
    "sequence",
    "startingwith",
    "string",
    "test",
    "true",
    "undefined",
    "upper",
];

/// Decimals that `number` may be asked for.
const MOST_DECIMALS: usize = 20;

pub fn register(env: &mut Environment<'static>) {
    env.add_filter("number", number);
    env.add_filter("currency", currency);
    env.add_filter("date", date);
    env.add_filter("truncate", truncate);
    env.add_filter("urlencode", urlencode);
    env.add_filter("default", default);
    env.add_filter("d", default);
    env.add_test("defined", |value: &Value| !is_absent(value));
    env.add_test("undefined", |value: &Value| is_absent(value));
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, message.into())
}

/// Null is JSON's way to leave something out.
fn is_absent(value: &Value) -> bool {
    value.is_undefined() || value.is_none()
}

/// `default(other="", boolean=false)`.
fn default(value: &Value, other: Option<Value>, lax: Option<bool>, kwargs: Kwargs) -> Result<Value, Error> {
    let lax = lax.map_or_else(|| kwargs.get::<Option<bool>>("boolean"), |flag| Ok(Some(flag)))?.unwrap_or(false);
    kwargs.assert_all_used()?;
    let absent = is_absent(value) || (lax && !value.is_true());
    Ok(if absent { other.unwrap_or_else(|| Value::from("")) } else { value.clone() })
}

/// A number, or a string that spells one (as query strings and CSV give them).
fn decimal(value: &Value, filter: &str) -> Result<Decimal, Error> {
    let read = match value.kind() {
        ValueKind::Number if value.is_integer() => Decimal::parse(&value.to_string()),
        ValueKind::Number => {
            f64::try_from(value.clone()).ok().filter(|number| number.is_finite()).and_then(|n| Decimal::parse(&n.to_string()))
        }
        ValueKind::String => value.as_str().and_then(Decimal::parse),
        _ => None,
    };
    read.ok_or_else(|| invalid(format!("`{filter}` wants a number, not {}", shown(value))))
}

fn shown(value: &Value) -> String {
    match value.kind() {
        ValueKind::String => quote(value.as_str().unwrap_or_default()),
        ValueKind::Number | ValueKind::Bool | ValueKind::None => value.to_string(),
        ValueKind::Undefined => "an undefined value".to_owned(),
        other => format!("a {other}"),
    }
}

/// `number(decimals, group=false)`: without `decimals` all there are.
fn number(value: &Value, decimals: Option<usize>, group: Option<bool>, kwargs: Kwargs) -> Result<String, Error> {
    let decimals = decimals.map_or_else(|| kwargs.get::<Option<usize>>("decimals"), |n| Ok(Some(n)))?;
    let group = group.map_or_else(|| kwargs.get::<Option<bool>>("group"), |flag| Ok(Some(flag)))?.unwrap_or(false);
    kwargs.assert_all_used()?;
    let mut number = decimal(value, "number")?;
    if let Some(decimals) = decimals {
        if decimals > MOST_DECIMALS {
            return Err(invalid(format!("`number` gives at most {MOST_DECIMALS} decimals")));
        }
        number = number.round(decimals);
    }
    let sign = if number.is_negative() { "-" } else { "" };
    Ok(format!("{sign}{}", number.digits(".", if group { "," } else { "" }, 4)))
}

/// `currency(code, lang="en")`, with the decimals of ISO 4217.
fn currency(value: &Value, code: &str, lang: Option<&str>, kwargs: Kwargs) -> Result<String, Error> {
    let locale = locale(lang.map_or_else(|| kwargs.get::<Option<&str>>("lang"), |tag| Ok(Some(tag)))?)?;
    kwargs.assert_all_used()?;
    let code = code.to_ascii_uppercase();
    if code.len() != 3 || !code.bytes().all(|letter| letter.is_ascii_uppercase()) {
        return Err(invalid(format!("{} is no currency: write the three letters of ISO 4217, as `EUR`", quote(&code))));
    }
    let number = decimal(value, "currency")?.round(currency_decimals(&code));
    let digits = number.digits(locale.point, locale.group, locale.group_from);
    let minus = if number.is_negative() { "-" } else { "" };
    let sign = locale.sign_of(&code);
    // A code of letters keeps its distance where a sign would not.
    let letters = sign.unwrap_or(&code);
    Ok(match locale.sign {
        Sign::Before if letters == code => format!("{minus}{letters}\u{a0}{digits}"),
        Sign::Before => format!("{minus}{letters}{digits}"),
        Sign::BeforeSpaced if locale.tag == "nl" => format!("{letters}\u{a0}{minus}{digits}"),
        Sign::BeforeSpaced => format!("{minus}{letters}\u{a0}{digits}"),
        Sign::After => format!("{minus}{digits}\u{a0}{letters}"),
    })
}

fn locale(lang: Option<&str>) -> Result<&'static Locale, Error> {
    let tag = lang.unwrap_or("en");
    Locale::find(tag)
        .ok_or_else(|| invalid(format!("the language {} is not known; there are {}", quote(tag), any_of(&Locale::tags(), "and"))))
}

/// `date(format, lang="en", tz="UTC")` of RFC 3339 or Unix seconds.
fn date(value: &Value, format: &str, lang: Option<&str>, tz: Option<&str>, kwargs: Kwargs) -> Result<String, Error> {
    let locale = locale(lang.map_or_else(|| kwargs.get::<Option<&str>>("lang"), |tag| Ok(Some(tag)))?)?;
    let tz = tz.map_or_else(|| kwargs.get::<Option<&str>>("tz"), |name| Ok(Some(name)))?;
    kwargs.assert_all_used()?;
    let zone = zone(tz.unwrap_or("UTC"))?;
    let at = moment(value, zone)?;
    let words = localize(format, locale, (at.month(), at.weekday().to_monday_one_offset(), at.hour()));
    let text = BrokenDownTime::from(&at).to_string(&words);
    text.map_err(|error| invalid(format!("`date` cannot follow the format {}: {error}", quote(format))))
}

fn moment(value: &Value, zone: TimeZone) -> Result<jiff::ZonedDateTime, Error> {
    let not = || invalid(format!("`date` wants RFC 3339 (`2026-11-23T20:00:00Z`) or Unix seconds, not {}", shown(value)));
    let seconds = |number: f64| {
        let whole = number.floor();
        // Beyond ±10^12 there is no calendar of jiff's.
        let inside = (-1e12..=1e12).contains(&whole);
        let nanos = ((number - whole) * 1e9) as i32;
        inside.then(|| Timestamp::new(whole as i64, nanos.min(999_999_999)).ok()).flatten()
    };
    match value.kind() {
        ValueKind::Number => {
            let number = f64::try_from(value.clone()).map_err(|_| not())?;
            seconds(number).map(|at| at.to_zoned_datetime(zone)).ok_or_else(not)
        }
        ValueKind::String => {
            let text = value.as_str().unwrap_or_default().trim();
            if let Ok(at) = text.parse::<Timestamp>() {
                return Ok(at.to_zoned_datetime(zone));
            }
            if let Some(at) = text.parse::<i64>().ok().and_then(|number| Timestamp::from_second(number).ok()) {
                return Ok(at.to_zoned_datetime(zone));
            }
            // Without an offset it is local: a calendar day must not slip to the one before.
            let local: DateTime = text.parse().map_err(|_| not())?;
            local.to_zoned_datetime(zone).map_err(|_| not())
        }
        _ => Err(not()),
    }
}

/// An IANA name from the bundled database, or `+08:00`.
fn zone(name: &str) -> Result<TimeZone, Error> {
    let unknown = || invalid(format!("the time zone {} is not known; write an IANA name, as `Asia/Shanghai`", quote(name)));
    if let Some(rest) = name.strip_prefix(['+', '-']) {
        let (hours, minutes) = rest.split_once(':').unwrap_or((rest, "0"));
        let (hours, minutes): (i32, i32) = (hours.parse().map_err(|_| unknown())?, minutes.parse().map_err(|_| unknown())?);
        if !(0..=23).contains(&hours) || !(0..=59).contains(&minutes) {
            return Err(unknown());
        }
        let seconds = (hours * 60 + minutes) * 60 * if name.starts_with('-') { -1 } else { 1 };
        return Offset::from_seconds(seconds).map(TimeZone::fixed).map_err(|_| unknown());
    }
    TimeZone::get(name).map_err(|_| unknown())
}

/// The format with the names of months, days and halves of the day written out in the language; English is left to jiff.
fn localize(format: &str, locale: &Locale, (month, weekday, hour): (i8, i8, i8)) -> String {
    if locale.tag == "en" {
        return format.to_owned();
    }
    let mut out = String::with_capacity(format.len());
    let mut rest = format;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        // Flags and width stand between the sign and the letter; for names only `^` (upper case) means something.
        let flags = after.find(|c: char| c.is_ascii_alphabetic() || c == '%' || !c.is_ascii()).unwrap_or(after.len());
        let specifier = after.get(flags..).and_then(|tail| tail.chars().next());
        match specifier.and_then(|letter| Some((letter, locale.word(letter, month, weekday, hour)?))) {
            Some((letter, word)) => {
                let upper = after.get(..flags).is_some_and(|flags| flags.contains('^'));
                out.push_str(&if upper { word.to_uppercase() } else { word.to_owned() });
                rest = after.get(flags + letter.len_utf8()..).unwrap_or_default();
            }
            None => {
                out.push('%');
                let length = flags + specifier.map_or(0, char::len_utf8);
                out.push_str(after.get(..length).unwrap_or_default());
                rest = after.get(length..).unwrap_or_default();
            }
        }
    }
    out.push_str(rest);
    out
}

/// `truncate(n)`: at most n graphemes, the `…` included.
fn truncate(state: &State, value: &Value, length: usize) -> Result<String, Error> {
    let text = match value.kind() {
        ValueKind::String => value.as_str().unwrap_or_default().to_owned(),
        ValueKind::Number | ValueKind::Bool => value.to_string(),
        ValueKind::None => return Ok(String::new()),
        _ => return Err(invalid(format!("`truncate` wants a string, not {}", shown(value)))),
    };
    state.consume_fuel(text.len() as u64 / 8)?;
    let ends: Vec<usize> = GraphemeClusterSegmenter::new().segment_str(&text).skip(1).take(length.saturating_add(1)).collect();
    if ends.len() <= length {
        return Ok(text);
    }
    match length.checked_sub(1) {
        None => Ok(String::new()),
        Some(0) => Ok("…".to_owned()),
        Some(kept) => {
            let end = kept.checked_sub(1).and_then(|last| ends.get(last)).copied().unwrap_or(0);
            Ok(format!("{}…", text.get(..end).unwrap_or_default()))
        }
    }
}

/// Percent-encodes a scalar for a part of a URL: all but letters, digits and `-._~/`.
fn urlencode(value: &Value) -> Result<String, Error> {
    const KEEP: &percent_encoding::AsciiSet =
        &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');
    match value.kind() {
        ValueKind::String | ValueKind::Number | ValueKind::Bool => {
            Ok(percent_encoding::utf8_percent_encode(&value.to_string(), KEEP).to_string())
        }
        ValueKind::None => Ok(String::new()),
        _ => Err(invalid(format!("`urlencode` wants a string, not {}", shown(value)))),
    }
}
