//! The smaller file for more time: plain or filtered rows with the cheapest steps there are, in as many blocks as pay.

use super::block::{self, Counts};
use super::{Finder, Grid, filter, matches, split};
use crate::level::Level;

/// Appends the rows of `plain` as blocks that end on a byte; what they hold is `plain` or `filtered`, and returned. Filters that
/// change from row to row between the two gain nothing: a filtered row is no use to the plain ones that would repeat it.
pub(super) fn write<'a>(
    level: Level,
    plain: &'a [u8],
    grid: Grid,
    filtered: &'a mut Vec<u8>,
    finder: &mut Finder,
    out: &mut Vec<u8>,
) -> &'a [u8] {
    if grid.smooth {
        filter::rows(level, plain, grid, 1, filtered);
    }
    let filtered = filtered.as_slice();
    let mut cost = |way: Way, rows| {
        way(rows, grid, finder);
        Counts::of(rows, &finder.steps).cost()
    };
    // Between numbers in a palette differences seldom mean anything. Plain rows gain more from a longer search.
    let (quick_plain, quick_filtered) = if grid.smooth { (cost(find, plain), cost(find, filtered)) } else { (0, 0) };
    let mut rows = plain;
    if quick_plain <= quick_filtered {
        cost(improve, plain);
    } else if quick_plain > quick_filtered * 5 / 4 || cost(improve, filtered) < cost(improve, plain) {
        cost(improve, filtered);
        rows = filtered;
    }
    let matched = Counts::of(rows, &finder.steps).cost();
    // Runs alone can be less where matches lie far apart.
    let Finder { steps, others, .. } = finder;
    matches::zero_runs(rows, others);
    let best = if Counts::of(rows, others).cost() < matched { others } else { steps };
    block::write(rows, &split::parts(rows, best), out);
    rows
}

/// Finds the steps of rows.
type Way = fn(&[u8], Grid, &mut Finder);

fn find(rows: &[u8], grid: Grid, finder: &mut Finder) {
    finder.table.matches(rows, &matches::near(grid), &mut finder.steps);
}

fn improve(rows: &[u8], grid: Grid, finder: &mut Finder) {
    find(rows, grid, finder);
    finder.optimal.improve(rows, &matches::near(grid), &mut finder.steps);
}
