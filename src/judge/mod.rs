//! Judging: what must be asked of finished pixels. A window of them is painted as it will be shipped, and looked at.

pub mod code;
pub mod contrast;
mod view;

pub use code::Finding;
pub use contrast::Contrast;
