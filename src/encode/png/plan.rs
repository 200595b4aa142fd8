//! The fast way: plain rows with matches, for text, flat areas and gradients in steps, which repeat; or filtered rows with runs of
//! zeros, for pictures. The pixels of the band alone decide.

use super::block::{self, Counts, Part, Step};
use super::{Finder, Grid, filter, matches};
use crate::level::Level;

/// Rows of a band that speak for all, spread over it.
const SAMPLED: usize = 12;

/// Appends the rows of `plain` as a block that ends on a byte; what it holds is `plain` or `filtered`, and returned.
pub(super) fn write<'a>(
    level: Level,
    plain: &'a [u8],
    grid: Grid,
    filtered: &'a mut Vec<u8>,
    finder: &mut Finder,
    out: &mut Vec<u8>,
) -> &'a [u8] {
    let step = (plain.len() / grid.stride / SAMPLED).max(1);
    let Finder { table, steps, others, .. } = finder;
    if !grid.smooth || repeat(plain, grid, step) {
        table.matches(plain, &matches::near(grid), steps);
        let matched = Part::of(plain, steps, (0, 0));
        let (bits, all) = (matched.coded(), plain.len() as u64 * 8);
        let mut as_runs = |filtered: &mut Vec<u8>| {
            let sampled = runs(level, plain, grid, step, filtered, others).cost();
            sampled * plain.len() as u64 / filtered.len().max(1) as u64
        };
        // In between runs are hardly ever less: not where nearly all is flat, not where much does not repeat.
        let surely = !grid.smooth || (all / 64..all / 8).contains(&bits);
        if surely || bits * 15 / 16 <= as_runs(filtered) {
            block::write(plain, &[matched], out);
            return plain;
        }
    }
    let counts = runs(level, plain, grid, 1, filtered, steps);
    block::write(filtered, &[Part::new(filtered, steps, (0, 0), counts)], out);
    filtered
}

/// Whether at three eighths of the places sixteen bytes are as those a pixel to the left, above or above to either side. If they are
/// not, looking for matches is not worth its time. Single pixels say little: in a faint picture most have a neighbour like them.
fn repeat(rows: &[u8], Grid { stride, pixel, .. }: Grid, step: usize) -> bool {
    let at = |place: usize| rows.get(place..).and_then(<[u8]>::first_chunk).map(|bytes| u128::from_le_bytes(*bytes));
    let (mut repeated, mut all) = (0, 0);
    for row in (0..rows.len() / stride).skip(step.max(2) - 1).step_by(step) {
        for place in (row * stride + 1 + pixel..(row + 1) * stride).step_by(pixel * 7) {
            let Some(here) = at(place) else { break };
            let like = |back: usize| at(place - back) == Some(here);
            all += 1;
            repeated += usize::from(like(pixel) | like(stride) | like(stride - pixel) | like(stride + pixel));
        }
    }
    repeated * 8 >= all * 3
}

/// Filters every `step`th row and finds the runs of zeros in them.
fn runs(level: Level, plain: &[u8], grid: Grid, step: usize, filtered: &mut Vec<u8>, steps: &mut Vec<Step>) -> Counts {
    filter::rows(level, plain, grid, step, filtered);
    matches::zero_runs(filtered, steps);
    Counts::of(filtered, steps)
}
