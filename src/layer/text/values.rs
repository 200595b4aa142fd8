//! What a text's type is made of, as it is written: families, OpenType features, distances.

use serde_json::{Value, json};

use super::FeatureValue;
use crate::asset::Source;
use crate::layer::values::unit_pattern;
use crate::limits::{MAX_FAMILIES, MAX_FEATURES, MAX_FONT_SIZE};
use crate::template::declare::words;
use crate::template::fields::{Read, Reader, part_schema};
use crate::template::values::{bounded, list, list_schema};
use crate::text::{HangingEnd, HangingPunctuation};

/// A family, or a list of families. A font that is named by source stands there as [`Source`] shows it.
#[derive(Clone, PartialEq, Debug)]
pub struct Families(pub Vec<String>);

/// A font file's source, if a family's name is one.
pub(super) fn font_source(family: &str) -> Option<Source> {
    Source::parse(family).ok().filter(|source| matches!(source, Source::Upload(_) | Source::Asset(_)))
}

/// One name as it was written. Whatever has no scheme of ours is a family.
fn family(name: String, reader: &mut Reader) -> Option<String> {
    let scheme = name.trim_start().split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
    match scheme.as_deref() {
        Some("upload" | "asset") => match Source::parse(&name) {
            Ok(source) => Some(source.to_string()),
            Err(error) => reader.invalid(error.to_string()),
        },
        Some("http" | "https" | "data" | "file") => {
            reader.invalid_hint("a font is not fetched from there", "a font is a family, upload:NAME or asset:NAME")
        }
        _ => Some(name),
    }
}

impl Read for Families {
    fn read(value: &Value, reader: &mut Reader) -> Option<Families> {
        let names = match value {
            Value::Array(_) => list(value, reader, (1, MAX_FAMILIES), "families")?,
            Value::String(name) => vec![name.clone()],
            other => return reader.wrong_type(other, "a font family or a list of families"),
        };
        let names: Vec<Option<String>> = names.into_iter().map(|name| family(name, reader)).collect();
        names.into_iter().collect::<Option<Vec<_>>>().map(Families)
    }

    fn schema() -> Value {
        json!({ "anyOf": [
            String::schema(),
            list_schema::<String>((1, MAX_FAMILIES)),
        ] })
    }
}

/// OpenType feature tags with their values.
#[derive(Clone, PartialEq, Debug)]
pub struct Features(pub Vec<([u8; 4], u32)>);

impl Read for Features {
    fn read(value: &Value, reader: &mut Reader) -> Option<Features> {
        let Some(object) = value.as_object() else {
            return reader.wrong_type(value, "an object of feature tags, as { \"palt\": 1 }");
        };
        if object.len() > MAX_FEATURES {
            return reader.invalid(format!("must be at most {MAX_FEATURES} features"));
        }
        let read: Vec<Option<([u8; 4], u32)>> = object
            .iter()
            .map(|(tag, value)| {
                let number = match value {
                    Value::Bool(on) => Some(u32::from(*on)),
                    other => reader.read_key::<FeatureValue>(tag, other).map(FeatureValue::get),
                };
                let tag = match <[u8; 4]>::try_from(tag.as_bytes()) {
                    Ok(bytes) if bytes.iter().all(|b| (0x20..0x7f).contains(b)) => Some(bytes),
                    _ => reader.invalid(format!("{tag:?} is no feature tag: it must be four ASCII characters")),
                };
                Some((tag?, number?))
            })
            .collect();
        read.into_iter().collect::<Option<Vec<_>>>().map(Features)
    }

    fn schema() -> Value {
        json!({
            "type": "object",
            "propertyNames": { "pattern": "^[ -~]{4}$" },
            "additionalProperties": { "anyOf": [{ "type": "boolean" }, part_schema(FeatureValue::schema())] },
            "maxProperties": MAX_FEATURES,
        })
    }
}

/// A distance within a text, either sign.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Distance {
    Px(f64),
    Em(f64),
}

impl Distance {
    /// In pixels, of a text of this size.
    pub fn at(self, size: f64) -> f64 {
        match self {
            Distance::Px(px) => px,
            Distance::Em(em) => em * size,
        }
    }
}

impl Read for Distance {
    fn read(value: &Value, reader: &mut Reader) -> Option<Distance> {
        const MOST_EM: f64 = 10.0;
        match value {
            Value::String(text) => {
                let em = text.trim().strip_suffix("em").and_then(|n| n.trim().parse::<f64>().ok());
                match em.filter(|em| em.abs() <= MOST_EM) {
                    Some(em) => Some(Distance::Em(em)),
                    None => reader.invalid_hint(
                        format!("{text:?} is no distance"),
                        "write pixels as a number, or \"0.1em\" (at most 10em)",
                    ),
                }
            }
            other => bounded(other, reader, (-MAX_FONT_SIZE, MAX_FONT_SIZE), "px").map(Distance::Px),
        }
    }

    fn schema() -> Value {
        json!({ "anyOf": [
            { "type": "number", "minimum": -MAX_FONT_SIZE, "maximum": MAX_FONT_SIZE },
            { "type": "string", "pattern": unit_pattern("[+-]?", r"10(\.0*)?|[0-9](\.[0-9]*)?|\.[0-9]+", "em") },
        ] })
    }
}

/// The room between scripts, in ems.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Autospace(pub f64);

impl Autospace {
    /// What CSS says.
    const USUAL: f64 = 0.125;
    const MOST: f64 = 10.0;
}

impl Read for Autospace {
    fn read(value: &Value, reader: &mut Reader) -> Option<Autospace> {
        match value {
            Value::Bool(on) => Some(Autospace(if *on { Autospace::USUAL } else { 0.0 })),
            Value::Number(_) => bounded(value, reader, (0.0, Autospace::MOST), "em").map(Autospace),
            other => reader.wrong_type(other, "true, false or a number of ems"),
        }
    }

    fn schema() -> Value {
        json!({ "anyOf": [{ "type": "boolean" }, { "type": "number", "minimum": 0, "maximum": Autospace::MOST }] })
    }
}

/// Which punctuation hangs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Hanging {
    None,
    First,
    Last,
    AllowEnd,
    ForceEnd,
}
words! {
    impl Hanging { None = "none", First = "first", Last = "last", AllowEnd = "allow_end", ForceEnd = "force_end" }
}

/// A word or a list of words; `force_end` outdoes `allow_end`.
impl Read for HangingPunctuation {
    fn read(value: &Value, reader: &mut Reader) -> Option<HangingPunctuation> {
        let words = match value {
            Value::Array(_) => Vec::<Hanging>::read(value, reader)?,
            other => vec![Hanging::read(other, reader)?],
        };
        let end = match (words.contains(&Hanging::ForceEnd), words.contains(&Hanging::AllowEnd)) {
            (true, _) => HangingEnd::Force,
            (false, true) => HangingEnd::Allow,
            (false, false) => HangingEnd::Never,
        };
        Some(HangingPunctuation { first: words.contains(&Hanging::First), last: words.contains(&Hanging::Last), end })
    }

    fn schema() -> Value {
        json!({ "anyOf": [Hanging::schema(), { "type": "array", "items": part_schema(Hanging::schema()) }] })
    }
}
