//! Template and variables into merged layers.

use serde_json::{Map, Value};

use super::fields::{Mode, Origins, Reader};
use crate::problem::{Place, Problems};

/// The fields of a layer that steer merging: `Template::parse` reads them, the kinds of layers need not.
pub const STEERING: [&str; 7] = ["type", "name", "when", "hidden", "repeat", "locked", "meta"];

/// One layer with its final fields: defaults beneath, placeholders expanded, overrides applied; or, for checking, as written.
#[derive(Clone, Debug, PartialEq)]
pub struct MergedLayer {
    /// The layer in the template, with the turn of `repeat`.
    pub place: Place,
    /// Without `layers`. `null` means absent.
    pub fields: Map<String, Value>,
    /// The layers within, if the layer has the field `layers`.
    pub children: Option<Vec<MergedLayer>>,
    pub origins: Origins,
}

impl MergedLayer {
    /// Its `type`.
    pub fn kind(&self) -> Option<&str> {
        self.fields.get("type").and_then(Value::as_str)
    }

    /// Its `name`.
    pub fn name(&self) -> Option<&str> {
        self.fields.get("name").and_then(Value::as_str)
    }

    /// Begins to read it: `Fields::of_layer(&layer, &mut layer.reader(mode, problems))`.
    pub fn reader<'p>(&'p self, mode: Mode, problems: &'p mut Problems) -> Reader<'p> {
        Reader::new(self.place.clone(), mode, &self.origins, problems)
    }
}
