//! What is painted into: a window of the canvas and its pixels.

use super::rows;
use crate::color::Premul;
use crate::geom::PxRect;

/// A window's pixels, premultiplied RGBA8.
pub(super) struct Target<'a> {
    window: PxRect,
    pixels: &'a mut [u8],
}

impl<'a> Target<'a> {
    pub(super) fn new(window: PxRect, pixels: &'a mut [u8]) -> Target<'a> {
        Target { window, pixels }
    }

    pub(super) fn window(&self) -> PxRect {
        self.window
    }

    pub(super) fn fill(&mut self, color: Premul) {
        rows::fill(self.pixels, color);
    }

    /// The bytes of pixels `x0 <= x < x1` of row `y`; empty where they are not all inside the window.
    pub(super) fn span(&mut self, y: i32, x0: i32, x1: i32) -> &mut [u8] {
        let window = self.window;
        let inside = window.y0 <= y && y < window.y1 && window.x0 <= x0 && x0 <= x1 && x1 <= window.x1;
        let at = |x: i32| (y - window.y0) as usize * window.width() as usize + (x - window.x0) as usize;
        if inside { self.pixels.get_mut(at(x0) * 4..at(x1) * 4).unwrap_or_default() } else { &mut [] }
    }
}
