//! Which JSON Schemas a template may bring: no reference to elsewhere, no recursion, and a bounded size once references are
//! followed, so that validation ends soon whoever wrote the schema.

use std::collections::HashMap;

use serde_json::Value;

use super::hint::quote;
use crate::limits;

/// Why a schema is refused.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SchemaError {
    #[error("only references within the schema (`#/$defs/…`) are followed, not {}", quote(reference))]
    Elsewhere { reference: String },
    #[error("there is nothing at {}", quote(reference))]
    Nothing { reference: String },
    #[error("{} refers to itself", quote(reference))]
    Recursive { reference: String },
    #[error("{} is not supported", quote(keyword))]
    Keyword { keyword: String },
    #[error("the schema is too large: with its references followed it has more than {cap} parts", cap = limits::MAX_SCHEMA_NODES)]
    TooLarge,
}

/// The nodes of a schema with its references followed.
pub fn cost(schema: &Value) -> Result<usize, SchemaError> {
    let mut walk = Walk { root: schema, known: HashMap::new(), open: Vec::new() };
    let cost = walk.schema(schema)?;
    if cost > limits::MAX_SCHEMA_NODES { Err(SchemaError::TooLarge) } else { Ok(cost) }
}

/// What `uniqueItems` costs beside other keywords: so many that a list of 25,000 is the longest it may judge.
const UNIQUE: usize = 4_000;

/// The nodes of a value; long strings count by length.
pub fn size(value: &Value) -> usize {
    const BYTES_A_NODE: usize = 64;
    1 + match value {
        Value::String(text) => text.len() / BYTES_A_NODE,
        Value::Array(items) => items.iter().map(size).sum(),
        Value::Object(entries) => entries.iter().map(|(key, entry)| 1 + key.len() / BYTES_A_NODE + size(entry)).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

struct Walk<'s> {
    root: &'s Value,
    known: HashMap<&'s str, usize>,
    /// The references being followed.
    open: Vec<&'s str>,
}

impl<'s> Walk<'s> {
    fn schema(&mut self, schema: &'s Value) -> Result<usize, SchemaError> {
        let mut total = 1_usize;
        match schema {
            Value::Array(items) => {
                for item in items {
                    total = total.saturating_add(self.schema(item)?);
                }
            }
            Value::Object(entries) => {
                for (key, value) in entries {
                    let own = match (key.as_str(), value) {
                        ("$ref", Value::String(reference)) => self.reference(reference)?,
                        // They resolve by names that other schemas may give: nothing here needs them.
                        ("$dynamicRef" | "$recursiveRef" | "$id" | "$anchor" | "$dynamicAnchor", Value::String(_)) => {
                            return Err(SchemaError::Keyword { keyword: key.clone() });
                        }
                        // Compared each with each.
                        ("uniqueItems", Value::Bool(true)) => UNIQUE,
                        // Data, not schemas.
                        ("const" | "enum" | "default" | "examples", data) => size(data),
                        // Counted where they are referred to; an unused definition costs nothing.
                        ("$defs" | "definitions", Value::Object(_)) => 0,
                        // Names of the value's own, each with a schema.
                        ("properties" | "patternProperties" | "dependentSchemas", Value::Object(named)) => {
                            named.values().try_fold(1_usize, |sum, one| Ok(sum.saturating_add(self.schema(one)?)))?
                        }
                        (_, value) => self.schema(value)?,
                    };
                    total = total.saturating_add(own);
                }
            }
            _ => {}
        }
        Ok(total)
    }

    fn reference(&mut self, reference: &'s str) -> Result<usize, SchemaError> {
        if let Some(known) = self.known.get(reference) {
            return Ok(*known);
        }
        let Some(pointer) = reference.strip_prefix('#').filter(|rest| rest.is_empty() || rest.starts_with('/')) else {
            return Err(SchemaError::Elsewhere { reference: reference.to_owned() });
        };
        if self.open.contains(&reference) || pointer.is_empty() {
            return Err(SchemaError::Recursive { reference: reference.to_owned() });
        }
        let decoded = percent_encoding::percent_decode_str(pointer).decode_utf8_lossy();
        let target = self.root.pointer(&decoded).ok_or_else(|| SchemaError::Nothing { reference: reference.to_owned() })?;
        self.open.push(reference);
        let cost = self.schema(target)?;
        self.open.pop();
        self.known.insert(reference, cost);
        Ok(cost)
    }
}
