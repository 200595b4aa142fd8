//! The JSON Schema (2020-12) of a whole template, from the same declarations that read it.

use serde_json::{Map, Value, json};

use super::fields::{FieldSet as _, Read as _};
use super::values::{Name, literal_schema, object_schema, turns};
use crate::layer::{read::KINDS, table, values::Paint};
use crate::limits;
use crate::poster::FrameFields;

/// What `affiche schema` prints and `GET /v1/schema/template.json` answers. Needs nothing else to be fetched.
pub fn template_schema() -> Value {
    let mut defs = Map::new();
    defs.insert(
        "placeholder".to_owned(),
        json!({
            "type": "string",
            "pattern": r"\{\{",
            "description": "A string with a placeholder, `{{ expression }}`, in place of the value.",
        }),
    );
    defs.insert(
        "later".to_owned(),
        json!({
            "anyOf": [{ "$ref": "#/$defs/placeholder" }, { "type": "null" }],
            "description": "A placeholder, or null: the field is absent.",
        }),
    );
    defs.insert("paint".to_owned(), Paint::definition());
    defs.extend(table::definitions());
    let (mut branches, mut names, mut defaults) = (Vec::new(), Vec::new(), Map::new());
    for (name, own) in KINDS {
        let own = own();
        let mut properties = Map::new();
        properties.insert("type".to_owned(), json!({ "const": name }));
        properties.extend(steering());
        properties.extend(own.clone());
        // `defaults` may give any field, so that none but these must stand in the layer itself.
        let here = ["type", "layers"].into_iter().filter(|field| properties.contains_key(*field)).collect::<Vec<_>>();
        defs.insert(format!("layer_{name}"), object_schema(properties, &here));
        branches.push(json!({
            "if": { "properties": { "type": { "const": name } }, "required": ["type"] },
            "then": { "$ref": format!("#/$defs/layer_{name}") },
        }));
        let mut beneath = own;
        beneath.shift_remove("layers");
        beneath.insert("hidden".to_owned(), hidden());
        beneath.insert("meta".to_owned(), json!({}));
        defaults.insert(name.to_owned(), object_schema(beneath, &[]));
        names.push(name);
    }
    defs.insert(
        "layer".to_owned(),
        json!({
            "type": "object",
            "properties": { "type": { "enum": names, "description": "What kind of layer it is." } },
            "required": ["type"],
            "allOf": branches,
        }),
    );
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "affiche template",
        "description": "A poster: its frame, its variables, and its layers from back to front.",
        "type": "object",
        "properties": frame(defaults),
        "required": ["width", "height", "layers"],
        "additionalProperties": false,
        "$defs": defs,
    })
}

fn frame(defaults: Map<String, Value>) -> Map<String, Value> {
    let mut properties = Map::new();
    properties.insert("$schema".to_owned(), json!({ "description": "For editors; ignored." }));
    properties.insert(
        "name".to_owned(),
        json!({ "type": ["string", "null"], "pattern": format!("^[a-z0-9][a-z0-9_-]{{0,{}}}$", limits::MAX_NAME - 1), "description": "Must be the name under which the template is found." }),
    );
    properties.insert("description".to_owned(), json!({ "type": ["string", "null"], "description": "For people; ignored." }));
    properties.extend(FrameFields::properties());
    for literal in ["min_height", "max_height", "padding_bottom"] {
        if let Some(later) = properties.get_mut(literal).and_then(|field| field.get_mut("anyOf")?.get_mut(1)) {
            *later = json!({ "type": "null" });
        }
    }
    properties.insert(
        "variables".to_owned(),
        json!({
            "type": ["object", "null"],
            "maxProperties": limits::MAX_VARIABLES,
            "propertyNames": Name::schema(),
            "additionalProperties": { "$ref": "https://json-schema.org/draft/2020-12/schema" },
            "description": "Name -> JSON Schema of the value. Without `default` it is required; `\"default\": null` makes it optional.",
        }),
    );
    properties.insert(
        "defaults".to_owned(),
        json!({
            "type": ["object", "null"],
            "properties": defaults,
            "additionalProperties": false,
            "description": "Layer type -> fields for every layer of that type that does not give them itself.",
        }),
    );
    properties.insert(
        "layers".to_owned(),
        json!({ "type": "array", "items": { "$ref": "#/$defs/layer" }, "description": "Painted in order: the first lies at the back." }),
    );
    properties.insert("meta".to_owned(), json!({ "description": "Any JSON; ignored." }));
    properties
}

fn hidden() -> Value {
    json!({
        "anyOf": [{ "type": "boolean" }, { "$ref": "#/$defs/later" }],
        "default": false,
        "description": "True: the layer is not expanded, fetched, measured or drawn.",
    })
}

/// The fields of any layer that merging reads.
fn steering() -> Map<String, Value> {
    let mut properties = Map::new();
    properties.insert(
        "name".to_owned(),
        json!({ "type": ["string", "null"], "not": { "type": "string", "pattern": r"\{\{" }, "description": "For overrides and messages; need not be unique." }),
    );
    properties.insert("hidden".to_owned(), hidden());
    properties.extend(turns());
    properties
        .insert("locked".to_owned(), literal_schema::<bool>("True: overrides of this layer are refused.", Some(json!(false))));
    properties.insert("meta".to_owned(), json!({ "description": "Any JSON; ignored." }));
    properties
}
