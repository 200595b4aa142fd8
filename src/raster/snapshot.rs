//! Painting a band from the longest part of it that is remembered, and choosing which part to remember next.

use std::sync::Arc;

use super::chain::{Chain, meets};
use crate::ctx::Simd;
use crate::geom::PxRect;
use crate::memo::{Kind, Memo};
use crate::paint;
use crate::scene::{Item, Op, Paint, Ready, Settled, Shape};

/// How much painting a snapshot must save, in times its own pixels copied: copying it back costs one, keeping it memory.
const WORTH: u64 = 2;

/// A band's pixels after some of its items.
struct Snapshot(Vec<u8>);

/// Whether a finished band is worth a snapshot too.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Finished {
    /// It is remembered encoded.
    IsKeptOtherwise,
    MayBeKept,
}

/// Paints `window`, whose chain is `chain`, into `pixels`: from the longest snapshot there is. Where more than that was seen
/// before and took some work, it is kept for the next time. The pixels are the same whatever is remembered.
pub(super) fn paint_window(
    settled: &Settled,
    window: PxRect,
    chain: Option<&Chain>,
    finished: Finished,
    pixels: &mut [u8],
    (memo, simd): (&Memo, Simd),
) {
    let Some(chain) = chain else {
        return paint::paint(settled, window, pixels, simd);
    };
    let steps = Steps::of(settled.items(), window, chain);
    let most = match finished {
        Finished::IsKeptOtherwise => steps.0.len().saturating_sub(1),
        Finished::MayBeKept => steps.0.len(),
    };
    let area = window.area();
    let candidates: Vec<&Step> = steps.0.iter().take(most).filter(|step| step.work_since_hidden >= area * WORTH).rev().collect();
    let found = memo.get_first::<Snapshot>(Kind::Snapshot, candidates.iter().map(|step| step.key));
    // The key names the window, so that the length is always right.
    let found = found.filter(|(_, snapshot)| snapshot.0.len() == pixels.len());
    let found = found.and_then(|(n, snapshot)| Some((*candidates.get(n)?, snapshot)));
    let (from, done) = match &found {
        Some((step, snapshot)) => {
            pixels.copy_from_slice(&snapshot.0);
            (step.items, step.work)
        }
        None => (0, 0),
    };
    // All keys are told of, whether the band was worth a snapshot or not: another one may be, further on.
    let known: Vec<bool> = steps.0.iter().map(|step| memo.is_second_sight(step.key)).collect();
    let is_known = |step: &Step| known.get(step.nth) == Some(&true);
    // What comes again as a whole will be found as a whole.
    let comes_again = finished == Finished::IsKeptOtherwise && steps.0.last().is_some_and(is_known);
    let next = candidates
        .into_iter()
        .find(|step| !comes_again && is_known(step))
        .filter(|step| step.items > from && (from == 0 || step.work - done >= area * WORTH));
    let middle = next.map_or(from, |step| step.items);
    let items = settled.items();
    if let Some(step) = next {
        paint_part(settled, from..middle, window, pixels, simd);
        let snapshot = Snapshot(pixels.to_vec());
        let weight = snapshot.0.capacity();
        memo.put(Kind::Snapshot, step.key, Arc::new(snapshot), weight);
    }
    if middle < items.len() || middle == 0 {
        paint_part(settled, middle..items.len(), window, pixels, simd);
    }
}

/// From the first item on with the ground beneath, otherwise onto what is there.
fn paint_part(settled: &Settled, part: std::ops::Range<usize>, window: PxRect, pixels: &mut [u8], simd: Simd) {
    let from_ground = part.start == 0;
    let items = settled.items().get(part).unwrap_or_default();
    if from_ground {
        paint::paint_items(settled.background(), items, window, pixels, simd);
    } else {
        paint::paint_over(items, window, pixels, simd);
    }
}

/// A band after one of the items that meet it.
struct Step {
    nth: usize,
    key: crate::scene::Key,
    /// How many items of the scene lead here.
    items: usize,
    /// About how much work they are, in pixels copied; and those of them that are not hidden by later ones.
    work: u64,
    work_since_hidden: u64,
}

struct Steps(Vec<Step>);

impl Steps {
    fn of(items: &[Item<Ready>], window: PxRect, chain: &Chain) -> Steps {
        let (mut work, mut work_since_hidden) = (0, 0);
        let met = items.iter().enumerate().filter(|(_, item)| meets(item, window));
        let steps = met.zip(chain.keys().skip(1)).enumerate().map(|(nth, ((at, item), key))| {
            let this = effort(item, window);
            work += this;
            work_since_hidden = if paint::hides(item, window) { this } else { work_since_hidden + this };
            Step { nth, key, items: at + 1, work, work_since_hidden }
        });
        Steps(steps.collect())
    }
}

/// How many pixels of pictures and gradients there may be in a window: where many colours are soonest found.
pub(super) fn variety(items: &[Item<Ready>], window: PxRect) -> u64 {
    weighed(items, window, |op| match op {
        Op::Fill { paint: Paint::Solid(_), .. } | Op::Glyphs { .. } | Op::Group { .. } => 0,
        Op::Fill { .. } | Op::Pixels { .. } => 1,
    })
}

/// About how much longer a window takes to paint and encode than a flat one: letters and pictures hardly repeat. Wrong figures cost time,
/// never pixels.
pub(super) fn labour(items: &[Item<Ready>], window: PxRect) -> u64 {
    weighed(items, window, |op| match op {
        Op::Fill { .. } | Op::Group { .. } => 0,
        Op::Glyphs { .. } => 5,
        Op::Pixels { .. } => 2,
    })
}

/// The pixels that items have in a window, each kind by its weight, those of groups included.
fn weighed(items: &[Item<Ready>], window: PxRect, weight: fn(&Op<Ready>) -> u64) -> u64 {
    let of = |item: &Item<Ready>| match item.op() {
        Op::Group { items, .. } => weighed(items, window, weight),
        op => item.bounds().intersect(window).area() * weight(op),
    };
    items.iter().map(of).sum()
}

/// About how long an item takes to paint, in pixels copied. Wrong figures cost time or memory, never pixels.
fn effort(item: &Item<Ready>, window: PxRect) -> u64 {
    let met = item.bounds().intersect(window);
    let area = met.area();
    match item.op() {
        Op::Fill { shape: Shape::Rect(_), paint: Paint::Solid(_) } => area,
        Op::Fill { shape, paint } => {
            let each = if matches!(paint, Paint::Gradient(_)) { 8 } else { 2 };
            let edges = if let Shape::Path(path) = shape { path.segments().len() as u64 * 16 } else { 0 };
            area * each + edges
        }
        Op::Glyphs { .. } => area * 2,
        Op::Pixels { source, clip, opacity, .. } => {
            let is_copy = source.is_opaque() && clip.is_none() && *opacity == 255;
            if is_copy { area } else { area * 3 }
        }
        Op::Group { items, .. } => area * 3 + items.iter().map(|item| effort(item, met)).sum::<u64>(),
    }
}
