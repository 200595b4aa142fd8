//! The template stage: JSON and variables in, merged layers with their places out. All problems at once.

mod decimal;
pub mod declare;
pub mod expression;
pub mod fields;
mod filters;
pub mod hint;
mod locale;
pub mod merge;
mod syntax;
pub mod values;

pub use merge::MergedLayer;
