//! A window of the picture as it will be shipped, in shades of grey as readers of codes see it.

use crate::ctx::{Ctx, Stopped};
use crate::geom::PxRect;
use crate::key::{Key, KeyBuilder};
use crate::paint;
use crate::scene::{Canvas, Item, Settled, Stage};

/// Rows that are painted at a time.
const ROWS: i32 = 64;

/// Grey pixels, 0 is black; what is transparent lies on white.
pub(super) struct View {
    window: PxRect,
    grey: Vec<u8>,
}

impl View {
    pub fn of(settled: &Settled, window: PxRect, ctx: &Ctx) -> Result<View, Stopped> {
        let mut grey = Vec::with_capacity(window.width() as usize * window.height() as usize);
        let mut pixels = Vec::new();
        let mut top = window.y0;
        while top < window.y1 {
            ctx.check()?;
            let part = PxRect::new(window.x0, top, window.x1, window.y1.min(top + ROWS));
            pixels.resize(part.width() as usize * part.height() as usize * 4, 0);
            paint::paint(settled, part, &mut pixels, ctx.simd);
            paint::onto_white(&mut pixels, ctx.simd);
            grey.extend(pixels.as_chunks::<4>().0.iter().map(|[r, g, b, _]| luma(*r, *g, *b)));
            top = part.y1;
        }
        Ok(View { window, grey })
    }

    /// `None` beyond the canvas.
    pub fn at(&self, x: f64, y: f64) -> Option<u8> {
        let (x, y) = (x.floor() as i32, y.floor() as i32);
        let w = self.window;
        let inside = w.x0 <= x && x < w.x1 && w.y0 <= y && y < w.y1;
        let at = |x: i32, y: i32| (y - w.y0) as usize * w.width() as usize + (x - w.x0) as usize;
        if inside { self.grey.get(at(x, y)).copied() } else { None }
    }

    pub fn inverted(mut self) -> View {
        self.grey.iter_mut().for_each(|grey| *grey = 255 - *grey);
        self
    }
}

/// BT.601, as cameras' drivers make it.
fn luma(r: u8, g: u8, b: u8) -> u8 {
    ((u32::from(r) * 299 + u32::from(g) * 587 + u32::from(b) * 114 + 500) / 1000) as u8
}

/// Names the window's pixels: all that meets it.
pub(super) fn key_of<S: Stage>(canvas: &Canvas<S>, window: PxRect) -> Key {
    let key = KeyBuilder::new("view")
        .u32(canvas.size().width())
        .u32(canvas.size().height())
        .bytes(&canvas.background().to_bytes())
        .i32(window.x0)
        .i32(window.y0)
        .i32(window.x1)
        .i32(window.y1);
    let meets = |item: &&Item<S>| !item.bounds().intersect(window).is_empty();
    canvas.items().iter().filter(meets).fold(key, |key, item| key.key(item.key())).finish()
}
