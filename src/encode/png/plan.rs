//! Which way suits a band, tried on a few of its rows.

use super::block::Counts;
use super::filter::{self, Filter, Plan};
use super::{Finder, Grid, matches};

/// The two ways of the fast encoder.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Way {
    /// Filtered rows and runs of zeros: pictures.
    Runs,
    /// Plain rows and matches: text, flat areas, gradients in steps, which repeat.
    Matches,
}

/// Rows that are tried together, and how many such groups.
const GROUP: usize = 4;
const GROUPS: usize = 2;

/// Chooses from the pixels of the band alone. The buffers are for the trial.
pub(super) fn choose(raw: &[u8], grid: Grid, tried: &mut Vec<u8>, rows: &mut Vec<u8>, finder: &mut Finder) -> Way {
    if !grid.smooth {
        return Way::Matches;
    }
    sample(raw, grid.stride, tried);
    // At a quarter of the places a stretch must be repeated, or looking for matches is not worth its time.
    let (repeated, all) = repeated(tried, grid);
    if repeated * 4 < all {
        return Way::Runs;
    }
    let mut cost = |way| {
        follow(way, tried, grid, rows, finder);
        Counts::of(rows, &finder.steps).cost()
    };
    // A sample shows fewer of the matches than there are.
    if cost(Way::Matches) * 15 / 16 <= cost(Way::Runs) { Way::Matches } else { Way::Runs }
}

/// Groups of rows from all over the band.
fn sample(raw: &[u8], stride: usize, out: &mut Vec<u8>) {
    out.clear();
    let many = raw.len() / stride;
    if many <= GROUP * GROUPS * 2 {
        out.extend_from_slice(raw);
        return;
    }
    for group in 0..GROUPS {
        let from = (2 * group + 1) * many / (2 * GROUPS) - GROUP / 2;
        out.extend_from_slice(raw.get(from * stride..(from + GROUP) * stride).unwrap_or_default());
    }
}

/// At how many places sixteen bytes are as those a pixel to the left, above or above to either side; of how many. Single pixels
/// say little: in a faint picture most have a neighbour like them.
fn repeated(rows: &[u8], Grid { stride, pixel, .. }: Grid) -> (usize, usize) {
    let at = |place: usize| rows.get(place..).and_then(<[u8]>::first_chunk).map(|bytes| u128::from_le_bytes(*bytes));
    let (mut repeated, mut all) = (0, 0);
    for row in 1..rows.len() / stride {
        for place in (row * stride + pixel..(row + 1) * stride).step_by(pixel * 3) {
            let Some(here) = at(place) else { break };
            let like = |back: usize| at(place - back) == Some(here);
            all += 1;
            repeated += usize::from(like(pixel) | like(stride) | like(stride - pixel) | like(stride + pixel));
        }
    }
    (repeated, all)
}

/// Filters `raw` into `rows` and finds their steps.
pub(super) fn follow(way: Way, raw: &[u8], grid: Grid, rows: &mut Vec<u8>, finder: &mut Finder) {
    let Grid { stride, pixel, .. } = grid;
    match way {
        Way::Runs => {
            filter::rows(raw, stride, pixel, Plan::Smallest, rows);
            matches::zero_runs(rows, &mut finder.steps);
        }
        Way::Matches => {
            filter::rows(raw, stride, pixel, Plan::All(Filter::None), rows);
            finder.table.matches(rows, &matches::near(stride, pixel), &mut finder.steps);
        }
    }
}
