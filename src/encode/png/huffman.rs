//! Prefix codes: lengths from counts, codes from lengths, and their description at the head of a block (RFC 1951, 3.2.7).

// Symbols and depths index tables as long as their alphabets.
#![allow(clippy::indexing_slicing)]

use super::bits::Bits;

/// A code as it is written: the bits turned round, since deflate packs them from the lowest up, and how many.
#[derive(Clone, Copy, Default)]
pub(super) struct Code {
    pub(super) bits: u16,
    pub(super) len: u8,
}

/// Symbols that an alphabet has at most: 256 bytes, the end, 29 lengths.
const MOST: usize = 286;

/// Code lengths of at most `limit` for symbols that occur `counts` times. At least two symbols get a code, as some decoders want
/// it. `limit` must leave room for all symbols.
pub(super) fn lengths<const N: usize>(counts: &[u32; N], limit: u8) -> [u8; N] {
    let mut lengths = [0; N];
    let mut sorted = [0u64; MOST];
    let mut used = 0;
    for ((symbol, &count), place) in (0u64..).zip(counts).filter(|(_, count)| **count > 0).zip(&mut sorted) {
        *place = u64::from(count) << 16 | symbol;
        used += 1;
    }
    if used < 2 {
        let only = counts.iter().position(|count| *count > 0).unwrap_or(0);
        let other = usize::from(only == 0);
        lengths[only] = 1;
        lengths[other] = 1;
        return lengths;
    }
    let sorted = &mut sorted[..used];
    sorted.sort_unstable();
    let mut depths = [0u32; MOST];
    let depths = &mut depths[..used];
    for (depth, entry) in depths.iter_mut().zip(sorted.iter()) {
        *depth = (entry >> 16) as u32;
    }
    minimum_redundancy(depths);
    shorten(depths, u32::from(limit));
    for (entry, depth) in sorted.iter().zip(depths.iter()) {
        lengths[(entry & 0xffff) as usize] = *depth as u8;
    }
    lengths
}

/// Turns counts in rising order into code lengths, in place: first each inner node's weight and then its parent replaces what is
/// no longer needed (Moffat and Katajainen 1995).
fn minimum_redundancy(a: &mut [u32]) {
    let n = a.len();
    let (mut root, mut leaf) = (0, 0);
    for next in 0..n - 1 {
        let mut weight = 0u32;
        for _ in 0..2 {
            if leaf >= n || (root < next && a[root] < a[leaf]) {
                weight = weight.saturating_add(a[root]);
                a[root] = next as u32;
                root += 1;
            } else {
                weight = weight.saturating_add(a[leaf]);
                leaf += 1;
            }
        }
        a[next] = weight;
    }
    a[n - 2] = 0;
    for node in (0..n - 2).rev() {
        a[node] = a[a[node] as usize] + 1;
    }
    let (mut inner, mut place) = (n - 1, n);
    let (mut open, mut depth) = (1, 0);
    while open > 0 {
        let mut used = 0;
        while inner > 0 && a[inner - 1] == depth {
            used += 1;
            inner -= 1;
        }
        for _ in used..open {
            place -= 1;
            a[place] = depth;
        }
        (open, depth) = (2 * used, depth + 1);
    }
}

/// Brings code lengths, given in falling order, to at most `limit`: cuts the long ones off and pays for it where a longer code
/// costs least, among the rarest symbols.
fn shorten(depths: &mut [u32], limit: u32) {
    if depths.first().is_none_or(|most| *most <= limit) {
        return;
    }
    // In units of a code of the greatest length; a whole set of codes uses up exactly 2^limit.
    let mut room = 1i64 << limit;
    for depth in depths.iter_mut() {
        *depth = (*depth).min(limit);
        room -= 1 << (limit - *depth);
    }
    // Rarest first.
    let mut from = 0;
    while room < 0 {
        let Some(depth) = depths.get_mut(from) else { break };
        if *depth < limit {
            room += 1 << (limit - *depth - 1);
            *depth += 1;
        } else {
            from += 1;
        }
    }
    // What was paid too much goes back, to the most frequent that fit.
    for depth in depths.iter_mut().rev() {
        while *depth > 1 && 1 << (limit - *depth) <= room {
            room -= 1 << (limit - *depth);
            *depth -= 1;
        }
    }
}

/// The canonical codes of these lengths.
pub(super) fn codes<const N: usize>(lengths: &[u8; N]) -> [Code; N] {
    let mut next = [0u16; 17];
    for len in lengths {
        next[usize::from(*len) + 1] += 1;
    }
    next[1] = 0;
    for len in 1..17 {
        next[len] = next[len].wrapping_add(next[len - 1]) << 1;
    }
    std::array::from_fn(|symbol| {
        let len = lengths[symbol];
        if len == 0 {
            return Code::default();
        }
        let code = &mut next[usize::from(len)];
        let bits = code.reverse_bits() >> (16 - len);
        *code = code.wrapping_add(1);
        Code { bits, len }
    })
}

/// The order in which the lengths of the code for code lengths are written.
const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// The two alphabets of a block as its head describes them, ready to be written.
pub(super) struct Description {
    /// Literals and lengths, distances, lengths of code lengths: how many of each are written.
    many: [u32; 3],
    /// Symbol of the code for code lengths, extra bits.
    steps: Vec<(u8, u8)>,
    lengths: [u8; 19],
    codes: [Code; 19],
}

impl Description {
    pub(super) fn new(literals: &[u8; 286], distances: &[u8; 30]) -> Description {
        let written =
            |lengths: &[u8], least: usize| lengths.iter().rposition(|len| *len > 0).map_or(least, |at| least.max(at + 1));
        let (many_literals, many_distances) = (written(literals, 257), written(distances, 1));
        let mut steps = Vec::with_capacity(64);
        let mut counts = [0u32; 19];
        let all: Vec<u8> = literals[..many_literals].iter().chain(&distances[..many_distances]).copied().collect();
        for run in all.chunk_by(|a, b| a == b) {
            repeat(run[0], run.len(), |symbol, extra| {
                counts[usize::from(symbol)] += 1;
                steps.push((symbol, extra));
            });
        }
        let lengths = lengths(&counts, 7);
        let many_codes = ORDER.iter().rposition(|symbol| lengths[*symbol] > 0).map_or(4, |at| 4.max(at + 1));
        let many = [many_literals as u32, many_distances as u32, many_codes as u32];
        Description { many, steps, codes: codes(&lengths), lengths }
    }

    /// How many bits it takes.
    pub(super) fn bits(&self) -> u64 {
        let steps: u32 =
            self.steps.iter().map(|(symbol, _)| u32::from(self.lengths[usize::from(*symbol)]) + extra_bits(*symbol)).sum();
        u64::from(14 + 3 * self.many[2] + steps)
    }

    pub(super) fn write(&self, out: &mut Bits) {
        let [literals, distances, codes] = self.many;
        out.add(u64::from((literals - 257) | ((distances - 1) << 5) | ((codes - 4) << 10)), 14);
        out.flush();
        for symbol in ORDER.iter().take(codes as usize) {
            out.add(u64::from(self.lengths[*symbol]), 3);
            out.flush();
        }
        for &(symbol, extra) in &self.steps {
            let code = self.codes[usize::from(symbol)];
            out.add(u64::from(code.bits), u32::from(code.len));
            out.add(u64::from(extra), extra_bits(symbol));
            out.flush();
        }
    }
}

fn extra_bits(symbol: u8) -> u32 {
    match symbol {
        16 => 2,
        17 => 3,
        18 => 7,
        _ => 0,
    }
}

/// `many` code lengths of the same value as symbols of the code for code lengths.
fn repeat(value: u8, many: usize, mut step: impl FnMut(u8, u8)) {
    let mut left = many;
    if value == 0 {
        while left >= 3 {
            let now = left.min(138);
            if now >= 11 {
                step(18, (now - 11) as u8)
            } else {
                step(17, (now - 3) as u8)
            }
            left -= now;
        }
    } else {
        step(value, 0);
        left -= 1;
        while left >= 3 {
            let now = left.min(6);
            step(16, (now - 3) as u8);
            left -= now;
        }
    }
    (0..left).for_each(|_| step(value, 0));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What part of all codes of 15 bits is used up.
    fn used(lengths: &[u8]) -> u32 {
        lengths.iter().filter(|len| **len > 0).map(|len| 1 << (15 - len)).sum()
    }

    #[test]
    fn steep_counts_are_cut_at_the_limit() {
        // Fibonacci's numbers make the deepest tree.
        let mut counts = [0u32; 286];
        let (mut a, mut b) = (1, 1);
        for count in counts.iter_mut().take(40) {
            *count = a;
            (a, b) = (b, a + b);
        }
        for limit in [7, 14, 15] {
            let lengths = lengths(&counts, limit);
            assert_eq!(lengths.iter().max(), Some(&limit));
            assert_eq!(used(&lengths), 1 << 15);
        }
    }

    #[test]
    fn one_symbol_or_none_get_two_codes() {
        for counts in [[0, 0, 0], [5, 0, 0], [0, 0, 5]] {
            let lengths = lengths(&counts, 15);
            assert_eq!(used(&lengths), 1 << 15);
            assert!(counts.iter().zip(lengths).all(|(count, len)| *count == 0 || len == 1));
        }
    }

    proptest! {
        #[test]
        fn every_symbol_has_a_code_and_none_is_left(
            some in prop::collection::vec((0..286usize, 1..u32::MAX / 300), 2..286),
            steep in 0..24u32,
            limit in 9..=15u8,
        ) {
            let mut counts = [0u32; 286];
            for (symbol, count) in some {
                counts[symbol] = (count >> (symbol as u32 % (steep + 1))).max(1);
            }
            let lengths = lengths(&counts, limit);
            prop_assert!(counts.iter().zip(&lengths).all(|(count, len)| *count == 0 || (1..=limit).contains(len)));
            prop_assert_eq!(used(&lengths), 1 << 15);
            let codes = codes(&lengths);
            let mut all: Vec<u16> = codes.iter().filter(|code| code.len > 0)
                .map(|code| code.bits.reverse_bits()).collect();
            all.sort_unstable();
            all.dedup();
            prop_assert_eq!(all.len(), lengths.iter().filter(|len| **len > 0).count());
        }
    }
}
