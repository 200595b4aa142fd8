//! The poster: what shall be drawn, typed, valid and complete; nothing measured, nothing fetched.

use crate::layer::Layer;
use crate::layer::values::Paint;

#[derive(Clone, Debug)]
pub struct Poster {
    pub name: Option<String>,
    /// Pixels at scale 1.
    pub width: f64,
    pub height: Height,
    pub background: Option<Paint>,
    /// In painting order, the first at the back; each layer's id is its index.
    pub layers: Vec<Layer>,
}

/// Pixels at scale 1.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Height {
    Px(f64),
    /// The lowest bottom edge plus `padding`, within the bounds.
    Auto { min: Option<f64>, max: Option<f64>, padding: f64 },
}
