//! The painter: items back to front into a window of rows. Cannot fail, knows no layers, fonts or files.

mod blend;
mod coverage;
mod fill;
mod glyphs;
mod gradient;
mod group;
mod opaque;
mod outline;
mod pixels;
mod rows;
mod scratch;
mod target;
#[cfg(test)]
pub(crate) mod tests;

pub use opaque::{hides, is_opaque};

use crate::color::Premul;
use crate::ctx::Simd;
use crate::geom::PxRect;
use crate::level::Level;
use crate::scene::{Item, Op, Ready, Settled};
use scratch::Scratch;
use target::Target;

/// Paints the items into `window` (canvas coordinates), whose premultiplied RGBA8 rows are `pixels`, without padding. What was in
/// them does not matter. Rows that `pixels` is too short for are left out.
pub fn paint(settled: &Settled, window: PxRect, pixels: &mut [u8], simd: Simd) {
    paint_items(settled.background(), settled.items(), window, pixels, simd);
}

/// As [`paint`], with some items only: what reads pixels in the midst of a scene is shown what lies beneath it.
pub fn paint_items(background: Premul, items: &[Item<Ready>], window: PxRect, pixels: &mut [u8], simd: Simd) {
    let from = items.iter().rposition(|item| hides(item, window));
    if from.is_none() {
        Target::new(window, pixels).fill(background);
    }
    paint_visible(items.get(from.unwrap_or(0)..).unwrap_or_default(), window, pixels, simd);
}

/// Paints items onto what `pixels` holds already: the same as painting them all at once, whatever was painted first.
pub fn paint_over(items: &[Item<Ready>], window: PxRect, pixels: &mut [u8], simd: Simd) {
    let from = items.iter().rposition(|item| hides(item, window)).unwrap_or(0);
    paint_visible(items.get(from..).unwrap_or_default(), window, pixels, simd);
}

/// What an opaque item hides needs no painting, and is not among these.
fn paint_visible(items: &[Item<Ready>], window: PxRect, pixels: &mut [u8], simd: Simd) {
    let mut target = Target::new(window, pixels);
    let mut painter = Painter { level: Level::of(simd), scratch: Scratch::borrow() };
    painter.items(items, &mut target);
    painter.scratch.give_back();
}

/// Composites premultiplied RGBA8 pixels onto white, for formats without alpha.
pub fn onto_white(pixels: &mut [u8], simd: Simd) {
    rows::onto_white(Level::of(simd), pixels);
}

/// What does not change while one window is painted.
struct Painter {
    level: Level,
    scratch: Scratch,
}

impl Painter {
    fn items(&mut self, items: &[Item<Ready>], target: &mut Target<'_>) {
        for item in items {
            self.item(item, target);
        }
    }

    fn item(&mut self, item: &Item<Ready>, target: &mut Target<'_>) {
        let area = item.bounds().intersect(target.window());
        if area.is_empty() {
            return;
        }
        match item.op() {
            Op::Fill { shape, paint } => fill::paint(self, shape, paint, area, target),
            Op::Glyphs { run, paint } => glyphs::paint(self, run, paint, area, target),
            Op::Pixels { source, x, y, clip, opacity } => {
                let placed = pixels::Placed { source, x: *x, y: *y };
                pixels::paint(self, placed, clip.as_ref(), *opacity, area, target);
            }
            Op::Group { items, opacity, blend, clip, mask } => {
                let effects = group::Effects { opacity: *opacity, blend: *blend, clip: clip.as_ref(), mask: mask.as_ref() };
                group::paint(self, items, effects, area, target);
            }
        }
    }
}
