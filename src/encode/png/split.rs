//! Where a band is better written as several blocks, each with codes of its own: text here, a picture there.

use super::block::{Part, Step};

/// Bytes between two places where a block may end, unless a match goes over them.
const UNIT: usize = 1 << 14;

/// `data`, which `steps` describe to its end, in the parts that cost least: neighbours are joined as long as that saves bits, the
/// pair that saves most first.
pub(super) fn parts<'a>(data: &'a [u8], steps: &'a [Step]) -> Vec<Part<'a>> {
    let mut parts = units(data, steps);
    let saved = |parts: &[Part<'a>], first: usize| match parts.get(first..) {
        Some([a, b, ..]) => a.cost() as i64 + b.cost() as i64 - a.counts.joined(&b.counts).whole() as i64,
        _ => i64::MIN,
    };
    let mut gains: Vec<i64> = (1..parts.len()).map(|n| saved(&parts, n - 1)).collect();
    while let Some((first, gain)) = gains.iter().copied().enumerate().max_by_key(|(_, gain)| *gain)
        && gain >= 0
    {
        gains.remove(first);
        let second = parts.remove(first + 1);
        if let Some(part) = parts.get_mut(first) {
            let counts = part.counts.joined(&second.counts);
            *part = Part::new(
                data.get(part.from..second.from + second.data.len()).unwrap_or_default(),
                steps.get(part.first..second.first + second.steps.len()).unwrap_or_default(),
                (part.from, part.first),
                counts,
            );
        }
        for place in [first.checked_sub(1), Some(first)].into_iter().flatten() {
            if let Some(gain) = gains.get_mut(place) {
                *gain = saved(&parts, place);
            }
        }
    }
    parts
}

/// In parts of about [`UNIT`] bytes.
fn units<'a>(data: &'a [u8], steps: &'a [Step]) -> Vec<Part<'a>> {
    let mut parts = Vec::new();
    let (mut from, mut first, mut len) = (0, 0, 0);
    for (n, step) in (1..).zip(steps) {
        len += (step.literals + step.length) as usize;
        if len >= UNIT || n == steps.len() {
            let (data, steps) = (data.get(from..from + len).unwrap_or_default(), steps.get(first..n).unwrap_or_default());
            parts.push(Part::of(data, steps, (from, first)));
            (from, first, len) = (from + len, n, 0);
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::super::block::Counts;
    use super::*;

    #[test]
    fn a_block_ends_where_other_bytes_begin_and_not_elsewhere() {
        let mut noise = 1u32;
        let mut random = |most: u32| {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            ((noise >> 16) % most) as u8
        };
        let low: Vec<u8> = (0..100_000).map(|_| random(8)).collect();
        let high: Vec<u8> = (0..100_000).map(|_| 200 + random(50)).collect();
        for (data, many) in [([low.clone(), low.clone()].concat(), 1..=2), ([low, high].concat(), 2..=6), (vec![7; 200], 1..=1)] {
            // Whether they are true does not matter here.
            let steps = vec![Step { literals: 197, length: 3, distance: 1 }; data.len() / 200];
            let parts = parts(&data, &steps);
            assert!(many.contains(&parts.len()), "{}", parts.len());
            let joined: Vec<u8> = parts.iter().flat_map(|part| part.data).copied().collect();
            assert!(joined == data && parts.iter().map(|part| part.steps.len()).sum::<usize>() == steps.len());
            assert!(parts.iter().map(Part::cost).sum::<u64>() <= Counts::of(&data, &steps).whole());
        }
    }
}
