//! The smaller file for more time: plain or filtered rows with the cheapest steps there are, in as many blocks as pay.

use super::block::{self, Counts};
use super::filter::{self, Filter, Plan};
use super::{Finder, Grid, matches, split};

/// Rows as they are, for what repeats, and filtered ones, for pictures. In between, row by row, nothing is gained: a filtered row
/// is no use to the plain ones that would repeat it.
const PLANS: [Plan; 2] = [Plan::All(Filter::None), Plan::Smallest];

/// Appends the rows of `raw` as blocks that end on a byte, and leaves in `rows` what they hold.
pub(super) fn write(raw: &[u8], grid: Grid, rows: &mut Vec<u8>, finder: &mut Finder, out: &mut Vec<u8>) {
    let [plain, filtered] = PLANS;
    let mut cost = |way: Way, plan| {
        way(raw, grid, plan, rows, finder);
        Counts::of(rows, &finder.steps).cost()
    };
    // Between numbers in a palette differences seldom mean anything. Plain rows gain more from a longer search.
    let (quick_plain, quick_filtered) = if grid.smooth { (cost(find, plain), cost(find, filtered)) } else { (0, 0) };
    if quick_plain <= quick_filtered {
        cost(improve, plain);
    } else if quick_plain > quick_filtered * 5 / 4 || cost(improve, filtered) < cost(improve, plain) {
        cost(improve, filtered);
    }
    let matched = Counts::of(rows, &finder.steps).cost();
    // Runs alone can be less where matches lie far apart.
    let Finder { steps, others, .. } = finder;
    matches::zero_runs(rows, others);
    let best = if Counts::of(rows, others).cost() < matched { others } else { steps };
    block::write_parts(rows, &split::parts(rows, best), out);
}

/// Fills `rows` and finds their steps.
type Way = fn(&[u8], Grid, Plan, &mut Vec<u8>, &mut Finder);

fn find(raw: &[u8], Grid { stride, pixel, .. }: Grid, plan: Plan, rows: &mut Vec<u8>, finder: &mut Finder) {
    filter::rows(raw, stride, pixel, plan, rows);
    finder.table.matches(rows, &matches::near(stride, pixel), &mut finder.steps);
}

fn improve(raw: &[u8], grid: Grid, plan: Plan, rows: &mut Vec<u8>, finder: &mut Finder) {
    find(raw, grid, plan, rows, finder);
    finder.optimal.improve(rows, &matches::near(grid.stride, grid.pixel), &mut finder.steps);
}
