//! The smaller file for more time: every filter is tried on the whole band, and the best one gets the cheapest steps there are.

use super::block::{self, Counts};
use super::filter::{self, Filter, Plan};
use super::{Finder, Grid, matches};

const PLANS: [Plan; 6] = [
    Plan::All(Filter::None),
    Plan::Smallest,
    Plan::All(Filter::Average),
    Plan::All(Filter::Paeth),
    Plan::All(Filter::Up),
    Plan::All(Filter::Sub),
];

/// Appends the rows of `raw` as blocks that end on a byte, and leaves in `rows` what they hold.
pub(super) fn write(raw: &[u8], grid: Grid, rows: &mut Vec<u8>, finder: &mut Finder, out: &mut Vec<u8>) {
    // Between numbers in a palette differences mean nothing.
    let plans = PLANS.iter().take(if grid.smooth { PLANS.len() } else { 1 });
    let mut costs = plans.map(|plan| {
        find(raw, grid, *plan, rows, finder);
        (Counts::of(rows, &finder.steps).cost(), *plan)
    });
    let first = costs.next().unwrap_or((0, Plan::All(Filter::None)));
    let (_, plan) = costs.fold(first, |best, other| if other.0 < best.0 { other } else { best });
    find(raw, grid, plan, rows, finder);
    finder.optimal.improve(rows, &matches::near(grid.stride, grid.pixel), &mut finder.steps);
    let matched = Counts::of(rows, &finder.steps).cost();
    // Runs alone can be less where matches lie far apart.
    let Finder { steps, others, .. } = finder;
    matches::zero_runs(rows, others);
    let best = if Counts::of(rows, others).cost() < matched { others } else { steps };
    block::write(rows, best, out);
}

fn find(raw: &[u8], Grid { stride, pixel, .. }: Grid, plan: Plan, rows: &mut Vec<u8>, finder: &mut Finder) {
    filter::rows(raw, stride, pixel, plan, rows);
    finder.table.matches(rows, &matches::near(stride, pixel), &mut finder.steps);
}
