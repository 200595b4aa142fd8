//! How wide the columns of a table are.

use super::rows::ColumnWidth;
use crate::layer::values::Length;

/// What the cells of a column need.
#[derive(Clone, Copy, Default, Debug)]
pub struct Need {
    /// Without tearing words.
    pub min: f64,
    /// Without breaking lines.
    pub max: f64,
}

/// The width of all columns together that nobody limits; percentages of it count as nothing.
pub fn natural(columns: &[ColumnWidth], needs: &[Need]) -> f64 {
    let each = columns.iter().zip(needs);
    let per_share = each.clone().map(|(column, need)| match column {
        ColumnWidth::Share(shares) => need.max / shares,
        _ => 0.0,
    });
    let share = per_share.fold(0.0, f64::max);
    let one = |(column, need): (&ColumnWidth, &Need)| match column {
        ColumnWidth::Given(Length::Px(px)) => *px,
        ColumnWidth::Given(Length::Percent(_)) => 0.0,
        ColumnWidth::Auto => need.max,
        ColumnWidth::Share(shares) => share * shares,
    };
    each.map(one).sum()
}

/// What columns of given widths take of a table this wide.
pub fn given(columns: &[ColumnWidth], width: f64) -> f64 {
    let one = |column: &ColumnWidth| match column {
        ColumnWidth::Given(length) => length.resolve(width),
        ColumnWidth::Auto | ColumnWidth::Share(_) => 0.0,
    };
    columns.iter().map(one).sum()
}

/// Each column's width in a table this wide. Columns of given widths have those; automatic ones what they need, and then shares
/// what is left. Where room is missing, lines break; where even that does not do, words do.
pub fn widths(columns: &[ColumnWidth], needs: &[Need], width: f64) -> Vec<f64> {
    let rest = (width - given(columns, width)).max(0.0);
    let flexible = |column: &ColumnWidth| !matches!(column, ColumnWidth::Given(_));
    let sum = |of: &dyn Fn(&ColumnWidth, &Need) -> f64| {
        columns.iter().zip(needs).filter(|(column, _)| flexible(column)).map(|(column, need)| of(column, need)).sum::<f64>()
    };
    let shared: f64 = sum(&|column, _| if let ColumnWidth::Share(shares) = column { *shares } else { 0.0 });
    let autos = sum(&|column, _| if *column == ColumnWidth::Auto { 1.0 } else { 0.0 });
    let (least, most) = (sum(&|_, need| need.min), sum(&|_, need| need.max));
    // Shares need no more than their words.
    let wanted = sum(&|column, need| if *column == ColumnWidth::Auto { need.max } else { need.min });
    let mut found: Vec<f64> = columns
        .iter()
        .zip(needs)
        .map(|(column, need)| match column {
            ColumnWidth::Given(length) => length.resolve(width),
            _ if least > rest => need.min * (rest / least),
            ColumnWidth::Share(_) => need.min,
            ColumnWidth::Auto if wanted > rest => {
                let give = wanted - least;
                need.min + (need.max - need.min) * ((rest - least) / give).clamp(0.0, 1.0)
            }
            ColumnWidth::Auto if shared > 0.0 => need.max,
            // Nobody else takes what is left.
            ColumnWidth::Auto if most > 0.0 => need.max * (rest / most),
            ColumnWidth::Auto => rest / autos,
        })
        .collect();
    if shared > 0.0 && least <= rest && wanted <= rest {
        share_out(columns, needs, rest, &mut found);
    }
    found
}

/// Gives the shares what automatic columns leave, none less than its words need: whoever needs more than its share takes it from
/// the others.
fn share_out(columns: &[ColumnWidth], needs: &[Need], rest: f64, found: &mut [f64]) {
    let autos: f64 =
        columns.iter().zip(&*found).filter(|(column, _)| **column == ColumnWidth::Auto).map(|(_, width)| width).sum();
    let mut frozen: Vec<bool> = columns.iter().map(|column| !matches!(column, ColumnWidth::Share(_))).collect();
    // Each turn freezes one at least.
    for _ in 0..columns.len() {
        let (mut room, mut shares) = (rest - autos, 0.0);
        for ((column, need), frozen) in columns.iter().zip(needs).zip(&frozen) {
            match column {
                ColumnWidth::Share(_) if *frozen => room -= need.min,
                ColumnWidth::Share(own) => shares += own,
                _ => {}
            }
        }
        let mut settled = true;
        for (((column, need), frozen), found) in columns.iter().zip(needs).zip(&mut frozen).zip(&mut *found) {
            if let (ColumnWidth::Share(own), false) = (column, *frozen) {
                *found = (room * own / shares).max(need.min);
                if room * own / shares < need.min {
                    (*frozen, settled) = (true, false);
                }
            }
        }
        if settled {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ColumnWidth::{Auto, Given, Share};
    use super::*;

    fn of(columns: &[ColumnWidth], needs: &[(f64, f64)], width: f64) -> Vec<f64> {
        let needs: Vec<Need> = needs.iter().map(|(min, max)| Need { min: *min, max: *max }).collect();
        widths(columns, &needs, width)
    }

    #[test]
    fn given_widths_hold_and_automatic_ones_share_by_need() {
        let fixed = Given(Length::Px(50.0));
        assert_eq!(of(&[fixed, Auto, Auto], &[(0.0, 0.0), (10.0, 30.0), (10.0, 60.0)], 140.0), [50.0, 30.0, 60.0]);
        // Room left goes by need.
        assert_eq!(of(&[fixed, Auto, Auto], &[(0.0, 0.0), (10.0, 30.0), (10.0, 60.0)], 230.0), [50.0, 60.0, 120.0]);
        assert_eq!(of(&[Auto, Auto], &[(0.0, 0.0), (0.0, 0.0)], 100.0), [50.0, 50.0]);
        assert_eq!(of(&[Given(Length::Percent(25.0)), fixed], &[(0.0, 0.0); 2], 200.0), [50.0, 50.0]);
    }

    #[test]
    fn where_room_is_missing_columns_shrink_toward_their_words() {
        // Both give way by what they have beyond their words.
        assert_eq!(of(&[Auto, Auto], &[(20.0, 60.0), (20.0, 100.0)], 100.0), [40.0, 60.0]);
        // And where even words do not fit, by those.
        assert_eq!(of(&[Auto, Auto], &[(20.0, 60.0), (60.0, 100.0)], 40.0), [10.0, 30.0]);
    }

    #[test]
    fn shares_take_what_is_left_and_no_less_than_their_words() {
        assert_eq!(of(&[Share(1.0), Share(2.0), Auto], &[(0.0, 10.0), (0.0, 10.0), (10.0, 40.0)], 100.0), [20.0, 40.0, 40.0]);
        assert_eq!(of(&[Share(1.0), Share(1.0)], &[(70.0, 90.0), (10.0, 20.0)], 100.0), [70.0, 30.0]);
        // Automatic ones give way before words of shares are torn.
        assert_eq!(of(&[Share(1.0), Auto], &[(50.0, 90.0), (10.0, 80.0)], 100.0), [50.0, 50.0]);
    }

    #[test]
    fn unlimited_shares_are_as_wide_as_the_neediest_wants() {
        let needs = [Need { min: 0.0, max: 30.0 }, Need { min: 0.0, max: 80.0 }, Need { min: 0.0, max: 5.0 }];
        assert_eq!(natural(&[Share(1.0), Share(2.0), Auto], &needs), 40.0 + 80.0 + 5.0);
        assert_eq!(natural(&[Given(Length::Px(12.0))], &[Need::default()]), 12.0);
    }
}
