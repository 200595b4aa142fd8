//! Whether a code can be read: what a reader would take each module for, decoded again.
//!
//! Readers look for the three finders and sample the modules between them, dark or light against what lies around. Where both lie
//! is known here, so nothing is searched: the cost follows from the code's size alone, and nothing on the picture can make it hang.

use rqrr::{Grid, SimpleGrid};

use super::view::{View, key_of};
use crate::asset::contain::contain;
use crate::color::luma;
use crate::ctx::{Ctx, Stopped};
use crate::geom::{PxRect, Rect};
use crate::key::KeyBuilder;
use crate::memo::{Kind, Memo};
use crate::scene::{CodeAsk, Settled};

/// By so much of 255 dark and light modules must differ: a fifth, the least that ISO/IEC 15415 gives any grade.
pub const LEAST_DIFFERENCE: u8 = 51;
/// A module is compared with those around it as far as this, as readers' thresholds are local.
const AROUND: usize = 6;
/// The middle of a module, from its centre, at which it is looked at.
const SAMPLES: [f64; 3] = [-0.2, 0.0, 0.2];
/// How far around the code is looked at, in modules.
const MARGIN: f64 = 1.5;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Finding {
    Readable,
    /// A module takes so many hundredths of a pixel, and as it lies it needs more.
    Small(u32),
    /// Dark and light differ by so much of 255 only.
    Faint(u8),
    /// So many of a thousand modules are not what they should be, more than can be corrected.
    Damaged(u32),
    /// A finder in one of the corners is not seen as one.
    NoFinder,
    /// A finder runs into what lies around the code.
    Crowded,
}

/// Looks at the pixels unless the memo knows what was found on the same ones.
pub fn read(ask: &CodeAsk, settled: &Settled, memo: &Memo, ctx: &Ctx) -> Result<Finding, Stopped> {
    let side = ask.side as f64 + 2.0 * MARGIN;
    let seen = ask.map.bounds_of(Rect::new(-MARGIN, -MARGIN, side, side));
    let window = PxRect::around(seen).intersect(PxRect::of_size(settled.size()));
    if window.is_empty() {
        // Nothing of it is on the picture, and nobody will try to read it.
        return Ok(Finding::Readable);
    }
    let name = KeyBuilder::new("code read").key(key_of(settled, window)).key(ask.key()).finish();
    let look = || Ok(judge(ask, View::of(settled, window, ctx, luma)?));
    memo.get_or_make(Kind::Verdict, name, |_| size_of::<Finding>(), look).map(|finding| *finding)
}

fn judge(ask: &CodeAsk, view: View<u8>) -> Finding {
    let n = ask.side;
    let px = libm::hypot(ask.map.a, ask.map.b);
    // Maps are made of sums and sines.
    if px < ask.least_px - 1e-6 {
        return Finding::Small((px * 100.0) as u32);
    }
    let places = || (0..n).flat_map(|y| (0..n).map(move |x| (x as f64 + 0.5, y as f64 + 0.5)));
    let sampled = |view: &View<u8>| -> Vec<u8> { places().map(|(x, y)| middle(ask, view, x, y)).collect() };
    let mut samples = sampled(&view);
    let of = |samples: &[u8], dark: bool| median(samples.iter().zip(&ask.dark).filter(|(_, d)| **d == dark).map(|(s, _)| *s));
    let (mut dark, mut light) = (of(&samples, true), of(&samples, false));
    let difference = dark.abs_diff(light);
    if difference < LEAST_DIFFERENCE {
        return Finding::Faint(difference);
    }
    // Light modules on dark ground: readers try that as well.
    let view = if dark < light { view } else { view.inverted() };
    if dark > light {
        samples = sampled(&view);
        (dark, light) = (255 - dark, 255 - light);
    }
    let thresholds = thresholds(&samples, n, dark, light);
    let bits: Vec<bool> = samples.iter().zip(&thresholds).map(|(sample, threshold)| sample < threshold).collect();
    let bit = |x: usize, y: usize| bits.get(y * n + x).copied().unwrap_or(false);
    let read = contain(|| {
        let mut out = Vec::new();
        Grid::new(SimpleGrid::from_func(n, bit)).decode_to(&mut out).is_ok().then_some(out)
    });
    if read.ok().flatten().as_ref() != Some(&ask.data) {
        let wrong = bits.iter().zip(&ask.dark).filter(|(a, b)| a != b).count();
        return Finding::Damaged((wrong * 1000 / (n * n).max(1)) as u32);
    }
    let far = n as f64 - 3.5;
    let crossed = [(3.5, 3.5), (far, 3.5), (3.5, far)].map(|center| {
        let threshold = thresholds.get(center.1 as usize * n + center.0 as usize).copied().unwrap_or(128);
        finder(ask, &view, center, threshold)
    });
    crossed.into_iter().find(|finding| *finding != Finding::Readable).unwrap_or(Finding::Readable)
}

/// Dark and light as 1:1:3:1:1 along both axes, and light beyond.
fn finder(ask: &CodeAsk, view: &View<u8>, (x, y): (f64, f64), threshold: u8) -> Finding {
    for (dx, dy) in [(1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0)] {
        let is_dark = |by: f64| middle(ask, view, x + dx * by, y + dy * by) < threshold;
        if [0.0, 1.0, 2.0, 3.0].map(is_dark) != [true, true, false, true] {
            return Finding::NoFinder;
        }
        if is_dark(4.0) {
            return Finding::Crowded;
        }
    }
    Finding::Readable
}

/// The mean shade about a place in modules; what lies beyond the canvas is as light as can be.
fn middle(ask: &CodeAsk, view: &View<u8>, x: f64, y: f64) -> u8 {
    let points = SAMPLES.into_iter().flat_map(|dy| SAMPLES.map(|dx| (x + dx, y + dy)));
    let shade = |(x, y): (f64, f64)| {
        let (x, y) = ask.map.apply(x, y);
        u32::from(view.at(x, y).unwrap_or(255))
    };
    let sum: u32 = points.map(shade).sum();
    (sum / 9) as u8
}

/// What each module must be darker than: the mean around it, kept between dark and light where all around is alike.
fn thresholds(samples: &[u8], n: usize, dark: u8, light: u8) -> Vec<u8> {
    // Sums of all samples above and to the left.
    let mut sums = vec![0_u64; (n + 1) * (n + 1)];
    for y in 0..n {
        let mut row = 0;
        for x in 0..n {
            row += samples.get(y * n + x).copied().map_or(0, u64::from);
            let above = sums.get(y * (n + 1) + x + 1).copied().unwrap_or(0);
            if let Some(sum) = sums.get_mut((y + 1) * (n + 1) + x + 1) {
                *sum = above + row;
            }
        }
    }
    let sum = |x: usize, y: usize| sums.get(y * (n + 1) + x).copied().unwrap_or(0);
    let third = (light - dark) / 3;
    let one = |x: usize, y: usize| {
        let (x0, y0) = (x.saturating_sub(AROUND), y.saturating_sub(AROUND));
        let (x1, y1) = ((x + AROUND + 1).min(n), (y + AROUND + 1).min(n));
        let total = sum(x1, y1) + sum(x0, y0) - sum(x1, y0) - sum(x0, y1);
        let mean = (total / ((x1 - x0) * (y1 - y0)).max(1) as u64) as u8;
        mean.clamp(dark + third, light - third)
    };
    (0..n).flat_map(|y| (0..n).map(move |x| (x, y))).map(|(x, y)| one(x, y)).collect()
}

fn median(values: impl Iterator<Item = u8>) -> u8 {
    let mut values: Vec<u8> = values.collect();
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or(0)
}
