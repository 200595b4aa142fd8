//! The painter: items back to front into a window of rows. Cannot fail, knows no layers, fonts or files.

use crate::ctx::Simd;
use crate::geom::PxRect;
use crate::scene::Settled;

/// Paints the items into `window` (canvas coordinates), whose premultiplied RGBA8 rows are `pixels`, without padding.
pub fn paint(_settled: &Settled, _window: PxRect, _pixels: &mut [u8], _simd: Simd) {
    todo!("paint")
}
