//! `progress`: a part of a whole, as a bar or a ring.

use std::sync::Arc;

use crate::geom::{Affine, Rect};
use crate::layer::Content;
use crate::layer::curves::stroke::{Cap, Join, Stroke};
use crate::layer::curves::{Curves, Drawing, Piece};
use crate::layer::emit::Emitter;
use crate::layer::values::{Length, Paint, Pixels, Radius};
use crate::layout::boxes::Given;
use crate::problem::{Place, Problem};
use crate::scene::{Blend, Item, Lowered};
use crate::template::declare::{fields, number, words};

words! {
    /// How it looks.
    pub enum Look { Bar = "bar", Ring = "ring" }
}

number! {
    /// A part of a whole.
    pub struct Value(f64) in [0.0, 1.0], "";
}

fields! {
    /// A part of a whole.
    pub struct Progress {
        /// From 0 to 1.
        value: Value,
        /// A bar that fills from the left, or a ring that fills clockwise from the top.
        look: Look = "bar",
        /// What is done: a colour or a gradient over the layer's box.
        color: Paint = "#2563eb",
        /// Beneath it, the whole; may be transparent.
        track: Paint = "#e5e7eb",
        /// Of a ring, in pixels; by default a tenth of its width.
        thickness: Option<Pixels>,
    }
}

/// The size of a layer that says none.
const BAR: (f64, f64) = (200.0, 12.0);
const RING: f64 = 100.0;

impl Progress {
    pub fn measure(&self, given: Given, place: &Place, scale: f64) -> Result<Content, Problem> {
        match self.look {
            Look::Bar => Ok(Content::Plain { width: given.width.unwrap_or(BAR.0), height: given.height.unwrap_or(BAR.1) }),
            Look::Ring => {
                let size = match (given.width, given.height) {
                    (Some(w), Some(h)) => (w, h),
                    (Some(one), None) | (None, Some(one)) => (one, one),
                    (None, None) => (RING, RING),
                };
                let side = size.0.min(size.1);
                let thickness = self.thickness.map_or(side / 10.0, Pixels::get).min(side / 2.0);
                let around = |part: f64, cap: Cap| {
                    let Some(width) = Pixels::new(thickness) else { return Ok(None) };
                    let stroke = Stroke { width, color: self.color.clone(), cap, join: Join::Round, dash: None };
                    stroke.outline(&arc(size, side, thickness, part), scale, place)
                };
                let track = around(1.0, Cap::Butt)?.map(Arc::new);
                let done = if self.value.get() > 0.0 { around(self.value.get(), Cap::Round)?.map(Arc::new) } else { None };
                Ok(Content::Drawing(Drawing { size, fill: track, stroke: done }))
            }
        }
    }

    pub fn emit(&self, content: &Content, rect: Rect, to: &Emitter) -> Vec<Item<Lowered>> {
        if let Content::Drawing(drawing) = content {
            return drawing.emit(rect, Some(&self.track), Some(&self.color), to);
        }
        let whole = to.round_box(rect, &pill(rect));
        let mut items = vec![Item::fill(whole.clone(), to.paint(&self.track, rect, 1.0))];
        let done = Rect { width: rect.width * self.value.get(), ..rect };
        if done.width > 0.0 {
            // Its rounded end stays within the whole's, however short it is.
            let radius = pill(Rect { width: done.width.max(rect.height), ..done });
            let fill = Item::fill(to.round_box(done, &radius), to.paint(&self.color, rect, 1.0));
            items.push(Item::group(vec![fill], 255, Blend::Normal, Some(whole), None));
        }
        items
    }
}

/// Ends that are half circles.
fn pill(rect: Rect) -> Radius {
    Radius([Length::Px(rect.height.min(rect.width) / 2.0); 4])
}

/// The middle of a ring's band in the middle of a box, clockwise from the top, so much of a turn; closed where it is all of it.
fn arc((width, height): (f64, f64), side: f64, thickness: f64, part: f64) -> Curves {
    const PIECES: u32 = 8;
    let radius = (side - thickness) / 2.0;
    let center = Affine::translate(width / 2.0, height / 2.0).then_inner(Affine::scale(radius, radius));
    let step = part * core::f64::consts::TAU / f64::from(PIECES);
    let reach = 4.0 / 3.0 * libm::tan(step / 4.0);
    let on = |i: u32| (libm::sin(f64::from(i) * step), -libm::cos(f64::from(i) * step));
    let at = |(x, y): (f64, f64)| center.apply(x, y);
    let mut pieces = vec![Piece::Move(at(on(0)))];
    for i in 0..PIECES {
        let ((ax, ay), (bx, by)) = (on(i), on(i + 1));
        pieces.push(Piece::Cubic(at((ax - ay * reach, ay + ax * reach)), at((bx + by * reach, by - bx * reach)), at((bx, by))));
    }
    if part >= 1.0 {
        pieces.push(Piece::Close);
    }
    Curves::new(pieces)
}
