//! A window of the picture as it will be shipped; what is transparent lies on white.

use crate::ctx::{Ctx, Stopped};
use crate::geom::PxRect;
use crate::key::{Key, KeyBuilder};
use crate::paint;
use crate::scene::{Canvas, Item, Settled, Stage};

/// Rows that are painted at a time.
const ROWS: i32 = 64;

/// A window's pixels on white, each as `P`.
pub(super) struct View<P> {
    window: PxRect,
    pixels: Vec<P>,
}

impl<P: Copy> View<P> {
    /// `of` makes a pixel of red, green and blue.
    pub fn of(settled: &Settled, window: PxRect, ctx: &Ctx, of: impl Fn(u8, u8, u8) -> P) -> Result<View<P>, Stopped> {
        let mut pixels = Vec::with_capacity(window.width() as usize * window.height() as usize);
        let mut painted = Vec::new();
        let mut top = window.y0;
        while top < window.y1 {
            ctx.check()?;
            let part = PxRect::new(window.x0, top, window.x1, window.y1.min(top + ROWS));
            painted.resize(part.width() as usize * part.height() as usize * 4, 0);
            paint::paint(settled, part, &mut painted, ctx.simd);
            paint::onto_white(&mut painted, ctx.simd);
            pixels.extend(painted.as_chunks::<4>().0.iter().map(|[r, g, b, _]| of(*r, *g, *b)));
            top = part.y1;
        }
        Ok(View { window, pixels })
    }

    /// `None` beyond the window.
    pub fn at(&self, x: f64, y: f64) -> Option<P> {
        let (x, y) = (x.floor() as i32, y.floor() as i32);
        let w = self.window;
        let inside = w.x0 <= x && x < w.x1 && w.y0 <= y && y < w.y1;
        let at = |x: i32, y: i32| (y - w.y0) as usize * w.width() as usize + (x - w.x0) as usize;
        if inside { self.pixels.get(at(x, y)).copied() } else { None }
    }
}

impl View<u8> {
    pub fn inverted(mut self) -> View<u8> {
        self.pixels.iter_mut().for_each(|grey| *grey = 255 - *grey);
        self
    }
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
