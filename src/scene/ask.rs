//! What is asked of finished pixels: whether a code can be read, whether a text stands out.

use crate::color::Color;
use crate::geom::{Affine, PxRect, Rect};
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
    /// Output pixels that a module needs at least as it lies here.
    pub least_px: f64,
}

impl CodeAsk {
    /// What is the same where the answer over the same pixels must be.
    pub fn key(&self) -> Key {
        let dark: Vec<u8> = self.dark.iter().map(|dark| u8::from(*dark)).collect();
        let key = KeyBuilder::new("ask of a code").bytes(&self.data).u32(self.side as u32).bytes(&dark).f64(self.least_px);
        key.affine(self.map).finish()
    }
}

/// A text over what lies beneath it.
#[derive(Clone, PartialEq, Debug)]
pub struct TextAsk {
    pub boxes: Vec<Colored>,
    /// From the boxes' pixels to output pixels.
    pub map: Affine,
    /// The least contrast, 1 to 21.
    pub min: f64,
    pub fix: Option<Cover>,
}

/// Where letters stand, and the colours that they have there.
#[derive(Clone, PartialEq, Debug)]
pub struct Colored {
    pub rect: Rect,
    pub colors: Vec<Color>,
}

/// What makes a text stand out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Cover {
    /// A box behind the lines.
    Scrim,
    /// A line around the letters.
    Outline,
    /// Soft, behind the letters.
    Shadow,
    /// Letters of another colour.
    Swap,
}

impl Cover {
    /// Shadows that lie over one another.
    pub const SHADOWS: usize = 3;

    /// How much of it lies beside a letter's edge where it is drawn with this opacity: half of each shadow.
    pub fn at_edge(self, opacity: f64) -> f64 {
        match self {
            Cover::Scrim | Cover::Outline | Cover::Swap => opacity,
            Cover::Shadow => 1.0 - (0..Cover::SHADOWS).fold(1.0, |left, _| left * (1.0 - opacity / 2.0)),
        }
    }
}

/// A cover in its colour.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Remedy {
    pub cover: Cover,
    pub color: Color,
}

impl TextAsk {
    /// The pixels that are looked at: those about its letters.
    pub fn window(&self, canvas: PxRect) -> PxRect {
        let boxes = self.boxes.iter().map(|one| PxRect::around(self.map.bounds_of(one.rect)));
        boxes.fold(PxRect::default(), PxRect::union).intersect(canvas)
    }

    /// What is the same where the answer over the same pixels must be.
    pub fn key(&self) -> Key {
        let key = KeyBuilder::new("ask of a text").f64(self.min).u8(self.fix.map_or(255, |fix| fix as u8));
        let key = key.affine(self.map);
        let one = |key: KeyBuilder, Colored { rect, colors }: &Colored| {
            let key = [rect.x, rect.y, rect.width, rect.height].into_iter().fold(key, KeyBuilder::f64);
            let key = key.u32(colors.len() as u32);
            colors.iter().fold(key, |key, c| key.bytes(&[c.r, c.g, c.b, c.a]))
        };
        self.boxes.iter().fold(key, one).finish()
    }
}
