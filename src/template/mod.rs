//! The template stage: JSON and variables in, merged layers with their places out. All problems at once.

pub mod declare;
pub mod expression;
pub mod fields;
pub mod hint;
pub mod merge;
pub mod values;

pub use merge::MergedLayer;
