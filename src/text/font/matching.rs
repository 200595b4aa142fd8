//! Which face of a family: CSS font matching by width, slope and weight.

use super::entry::Entry;

/// The place in `entries` of the face that is nearest to what is asked, by CSS Fonts 4 section 5.2; `None` only of none.
pub(super) fn nearest<'a>(entries: impl Iterator<Item = (usize, &'a Entry)>, weight: f64, italic: bool) -> Option<usize> {
    entries
        .min_by(|(_, a), (_, b)| {
            let rank = |entry: &Entry| {
                let (class, distance) = weight_rank(entry.weights, weight as f32);
                (f32::abs(entry.width - 1.0), entry.italic != italic, class, distance)
            };
            let (a, b) = (rank(a), rank(b));
            a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2)).then(a.3.total_cmp(&b.3))
        })
        .map(|(place, _)| place)
}

/// Smaller is nearer: a class, then a distance within it.
fn weight_rank((light, heavy): (f32, f32), wanted: f32) -> (u8, f32) {
    if light <= wanted && wanted <= heavy {
        return (0, 0.0);
    }
    // Where the range lies as seen from the weight asked.
    let above = light > wanted;
    let distance = if above { light - wanted } else { wanted - heavy };
    let class = if (400.0..=500.0).contains(&wanted) {
        match above {
            true if light <= 500.0 => 1,
            false => 2,
            true => 3,
        }
    } else if wanted < 400.0 {
        if above { 2 } else { 1 }
    } else if above {
        1
    } else {
        2
    };
    (class, distance)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_matched_as_css_says() {
        // (there are, wanted, taken)
        let cases: &[(&[f32], f32, f32)] = &[
            (&[400.0, 700.0], 400.0, 400.0),
            (&[400.0, 700.0], 500.0, 400.0),
            (&[400.0, 700.0], 501.0, 700.0),
            (&[400.0, 700.0], 600.0, 700.0),
            (&[400.0, 700.0], 900.0, 700.0),
            (&[400.0, 700.0], 100.0, 400.0),
            (&[300.0, 500.0, 700.0], 400.0, 500.0),
            (&[300.0, 500.0], 450.0, 500.0),
            (&[300.0, 600.0], 400.0, 300.0),
            (&[300.0, 600.0], 500.0, 300.0),
            (&[100.0, 300.0, 400.0], 200.0, 100.0),
            (&[300.0, 900.0], 200.0, 300.0),
            (&[100.0, 400.0], 800.0, 400.0),
        ];
        for (there, wanted, taken) in cases {
            let best = there
                .iter()
                .min_by(|a, b| {
                    let (a, b) = (weight_rank((**a, **a), *wanted), weight_rank((**b, **b), *wanted));
                    a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))
                })
                .unwrap();
            assert_eq!(best, taken, "{there:?} asked for {wanted}");
        }
        assert_eq!(weight_rank((100.0, 900.0), 437.0), (0, 0.0));
    }
}
