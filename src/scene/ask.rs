//! What is asked of finished pixels: whether a code can be read.

use crate::geom::Affine;
use crate::key::{Key, KeyBuilder};

/// A QR code on the picture.
#[derive(Clone, PartialEq, Debug)]
pub struct CodeAsk {
    /// What a reader must find in it.
    pub data: Vec<u8>,
    /// Its modules, row by row, so many across and down.
    pub side: usize,
    pub dark: Vec<bool>,
    /// From modules, counted from its top left without quiet zone, to output pixels.
    pub map: Affine,
}

impl CodeAsk {
    /// What is the same where the answer over the same pixels must be.
    pub fn key(&self) -> Key {
        let dark: Vec<u8> = self.dark.iter().map(|dark| u8::from(*dark)).collect();
        let key = KeyBuilder::new("ask of a code").bytes(&self.data).u32(self.side as u32).bytes(&dark);
        let m = self.map;
        [m.a, m.b, m.c, m.d, m.e, m.f].into_iter().fold(key, KeyBuilder::f64).finish()
    }
}
