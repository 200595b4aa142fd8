//! The template stage: JSON and variables in, merged layers with their places out. All problems at once.
//!
//! [`Template::parse`] reads and compiles (`parse`, `slot`, `expression`, `variables`) and checks every literal value by the
//! layers' own readers (`fields`); [`merge::merge`] binds variables, expands and overrides.

mod decimal;
pub mod declare;
mod digest;
pub mod expression;
pub mod fields;
mod filters;
pub mod hint;
mod kinds;
pub mod library;
mod locale;
pub mod merge;
mod overrides;
mod parse;
mod repeat;
pub mod schema;
mod schema_guard;
mod slot;
mod syntax;
#[cfg(test)]
pub mod tests;
pub mod values;
pub mod variables;

pub use digest::{digest, digest_object};
pub use library::Library;
pub use merge::{Merged, MergedLayer, Supplied};
pub use slot::weight as weight_of_json;
pub use variables::Variables;

use crate::key::Key;

/// A template that was read and checked, its placeholders compiled. Merging it takes variables.
#[derive(Debug)]
pub struct Template {
    name: Option<String>,
    description: Option<String>,
    variables: Variables,
    frame: Vec<(String, slot::Slot)>,
    layers: Vec<parse::Node>,
    digest: Key,
    weight: usize,
}

impl Template {
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    pub fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    pub fn variables(&self) -> &Variables {
        &self.variables
    }

    /// Names the JSON it was read from.
    pub fn digest(&self) -> Key {
        self.digest
    }

    /// About how many bytes it takes.
    pub fn weight(&self) -> usize {
        self.weight
    }
}
