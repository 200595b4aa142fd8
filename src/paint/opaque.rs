//! Which items leave nothing of what lies beneath them, and which canvases come out opaque. Never claims too much.

use crate::geom::PxRect;
use crate::scene::{Blend, Item, Op, Paint, Ready, Settled, Shape};

/// Whether every pixel of `window` comes out the same whatever lay beneath the item.
pub fn hides(item: &Item<Ready>, window: PxRect) -> bool {
    match item.op() {
        Op::Group { items, opacity: 255, blend: Blend::Normal, clip: None, mask: None } => {
            items.iter().any(|item| hides(item, window))
        }
        Op::Group { .. } => false,
        _ => fills(item, window),
    }
}

/// Whether every pixel of `window` is opaque once the item is painted.
fn fills(item: &Item<Ready>, window: PxRect) -> bool {
    if !holds(item.bounds(), window) {
        return false;
    }
    match item.op() {
        Op::Fill { shape: Shape::Rect(rect), paint } => {
            // Rounded inwards: the pixels that are covered whole.
            let whole = PxRect::new(rect.x0.ceil(), rect.y0.ceil(), rect.x1.floor(), rect.y1.floor());
            holds(whole, window) && is_opaque_paint(paint)
        }
        Op::Pixels { source, x, y, clip: None, opacity: 255 } => {
            source.is_opaque() && holds(PxRect::of_size(source.size()).translate(*x, *y), window)
        }
        // All blend modes join alphas alike.
        Op::Group { items, opacity: 255, clip: None, mask: None, .. } => items.iter().any(|item| fills(item, window)),
        _ => false,
    }
}

/// Without stops nothing is painted.
fn is_opaque_paint(paint: &Paint) -> bool {
    match paint {
        Paint::Gradient(gradient) if gradient.stops.is_empty() => false,
        paint => paint.is_opaque(),
    }
}

fn holds(outer: PxRect, inner: PxRect) -> bool {
    outer.intersect(inner) == inner
}

/// Whether every pixel of the painted canvas is known to be opaque before it is painted: nothing that is painted onto an opaque
/// pixel ever makes it less so.
pub fn is_opaque(settled: &Settled) -> bool {
    let canvas = PxRect::of_size(settled.size());
    settled.background().alpha() == 255 || settled.items().iter().any(|item| fills(item, canvas))
}
