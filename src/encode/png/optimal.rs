//! The cheapest way through a band: all matches that could pay are gathered, then a shortest path is taken over them under the
//! price of each symbol, and again under the prices that come out of it.

// Positions stay below the length they are compared with at the head of each loop; symbols and lengths index tables as long as
// their alphabets.
#![allow(clippy::indexing_slicing)]

use super::block::{Counts, FARTHEST, LENGTH_SYMBOLS, LONGEST, SHORTEST, Step, distance_symbol, length_extra};
use super::matches::common;

/// Places that are looked at for each position.
const DEPTH: usize = 64;

/// A match of this length is taken, without a look at the positions within.
const ENOUGH: usize = 128;

/// Bytes that are worked on at once: bounds the buffers, whatever the canvas's width, to 64 bytes for each of them.
const PIECE: usize = 1 << 19;

/// Matches that are kept for a position. Of more the last place goes to the longest.
const KEPT: usize = 12;

/// Bits of a hash of three bytes.
const BITS: u32 = 15;

/// How often the prices are taken anew. Later rounds gain less than a thousandth.
const ROUNDS: usize = 3;

/// Of a symbol that did not occur.
const UNSEEN: u8 = 13;

#[derive(Clone, Copy, Default)]
struct Match {
    length: u16,
    /// Less 1, so that the farthest fits.
    distance_less_1: u16,
}

/// Buffers for one band after another.
#[derive(Default)]
pub(super) struct Optimal {
    heads: Vec<u32>,
    /// Position + 1 of the one before with the same hash, of each position.
    before: Vec<u32>,
    found: Vec<Match>,
    /// Where each position's matches end.
    ends: Vec<u32>,
    costs: Vec<u32>,
    /// The last step to each position.
    to: Vec<Match>,
    /// Of one piece.
    steps: Vec<Step>,
}

impl Optimal {
    /// Replaces `steps`, which describe `data` somehow, by better ones.
    pub(super) fn improve(&mut self, data: &[u8], near: &[usize; 4], steps: &mut Vec<Step>) {
        let first = Prices::of(&Counts::of(data, steps));
        steps.clear();
        let mut literals = 0;
        for piece in data.chunks(PIECE) {
            self.gather(piece, near);
            let mut prices = first;
            for round in 1..=ROUNDS {
                self.walk(piece, &prices);
                self.trace(piece.len());
                if round < ROUNDS {
                    prices = Prices::of(&Counts::of(piece, &self.steps));
                }
            }
            for step in &self.steps {
                literals += step.literals;
                if step.length > 0 {
                    steps.push(Step { literals, ..*step });
                    literals = 0;
                }
            }
        }
        steps.push(Step { literals, length: 0, distance: 1 });
    }

    /// Of each length the nearest match, for every position outside the longest ones.
    fn gather(&mut self, data: &[u8], near: &[usize; 4]) {
        self.heads.clear();
        self.heads.resize(1 << BITS, 0);
        self.before.clear();
        self.before.resize(data.len(), 0);
        self.found.clear();
        self.ends.clear();
        let mut next = 0;
        for at in 0..data.len() {
            if let Some(three) = data.get(at..at + 3) {
                let key = u32::from(three[0]) | u32::from(three[1]) << 8 | u32::from(three[2]) << 16;
                let head = &mut self.heads[(key.wrapping_mul(0x9E37_79B1) >> (32 - BITS)) as usize];
                self.before[at] = *head;
                *head = at as u32 + 1;
                if at >= next {
                    let length = self.look(data, at, near);
                    if length >= ENOUGH {
                        next = at + length;
                    }
                }
            }
            self.ends.push(self.found.len() as u32);
        }
    }

    /// Gathers what matches at `at` and gives the longest length.
    fn look(&mut self, data: &[u8], at: usize, near: &[usize; 4]) -> usize {
        let most = LONGEST.min(data.len() - at);
        let begin = self.found.len();
        let mut best = SHORTEST - 1;
        let mut place = self.before[at] as usize;
        for _ in 0..DEPTH {
            if place == 0 || best >= most.min(ENOUGH) {
                break;
            }
            let candidate = place - 1;
            let distance = at - candidate;
            if distance > FARTHEST {
                break;
            }
            if data[candidate + best] == data[at + best] {
                let length = common(data, at, candidate).min(most);
                if length > best {
                    best = length;
                    self.keep(begin, length, distance);
                }
            }
            place = self.before[candidate] as usize;
        }
        // In a gradient the like is found everywhere, and the row above lies beyond the depth.
        for &distance in near {
            if best < most && distance <= at.min(FARTHEST) {
                let length = common(data, at, at - distance).min(most);
                if length > best {
                    best = length;
                    self.keep(begin, length, distance);
                }
            }
        }
        best
    }

    fn keep(&mut self, begin: usize, length: usize, distance: usize) {
        if self.found.len() - begin == KEPT {
            self.found.pop();
        }
        self.found.push(Match { length: length as u16, distance_less_1: (distance - 1) as u16 });
    }

    fn walk(&mut self, data: &[u8], prices: &Prices) {
        self.costs.clear();
        self.costs.resize(data.len() + 1, u32::MAX);
        self.to.clear();
        self.to.resize(data.len() + 1, Match::default());
        self.costs[0] = 0;
        let mut begin = 0;
        for (at, byte) in data.iter().enumerate() {
            let here = self.costs[at];
            let end = self.ends[at] as usize;
            let literal = here.saturating_add(u32::from(prices.literals[usize::from(*byte)]));
            if literal < self.costs[at + 1] {
                self.costs[at + 1] = literal;
                self.to[at + 1] = Match { length: 1, distance_less_1: 0 };
            }
            let mut shorter = SHORTEST - 1;
            for found in &self.found[begin..end] {
                let base = here.saturating_add(prices.distance(found.distance_less_1));
                let length = usize::from(found.length);
                let lengths = &prices.lengths[shorter + 1 - SHORTEST..=length - SHORTEST];
                let places = at + shorter + 1..=at + length;
                let reached = self.costs[places.clone()].iter_mut().zip(&mut self.to[places]);
                for ((n, price), (cost, to)) in (shorter as u16 + 1..).zip(lengths).zip(reached) {
                    let new = base.saturating_add(u32::from(*price));
                    if new < *cost {
                        *cost = new;
                        *to = Match { length: n, distance_less_1: found.distance_less_1 };
                    }
                }
                shorter = length;
            }
            begin = end;
        }
    }

    /// The way that was found, from its end.
    fn trace(&mut self, len: usize) {
        let Optimal { steps, to, .. } = self;
        steps.clear();
        let mut at = len;
        let mut after = Step { literals: 0, length: 0, distance: 1 };
        while at > 0 {
            let to = to[at];
            if to.length == 1 {
                after.literals += 1;
            } else {
                steps.push(after);
                after = Step { literals: 0, length: u32::from(to.length), distance: u32::from(to.distance_less_1) + 1 };
            }
            at -= usize::from(to.length.max(1));
        }
        steps.push(after);
        steps.reverse();
    }
}

/// Bits of each literal, length less 3 and distance symbol with its extra bits.
#[derive(Clone, Copy)]
struct Prices {
    literals: [u8; 256],
    lengths: [u8; 256],
    distances: [u8; 30],
}

impl Prices {
    fn of(counts: &Counts) -> Prices {
        let (literals, distances) = counts.lengths();
        let seen = |len: u8| if len == 0 { UNSEEN } else { len };
        Prices {
            literals: std::array::from_fn(|byte| seen(literals[byte])),
            lengths: std::array::from_fn(|less_3| {
                seen(literals[usize::from(LENGTH_SYMBOLS[less_3])]) + length_extra(less_3) as u8
            }),
            distances: std::array::from_fn(|symbol| seen(distances[symbol])),
        }
    }

    #[inline(always)]
    fn distance(&self, less_1: u16) -> u32 {
        let (symbol, _, extra) = distance_symbol(u32::from(less_1) + 1);
        u32::from(self.distances[symbol]) + extra
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::super::{block, matches};
    use super::*;

    #[test]
    fn longer_than_a_piece() {
        // What repeats goes across the seam, and so do literals.
        for (len, of) in [(PIECE - 1, 7), (PIECE, 40), (PIECE + 1, 40), (2 * PIECE + 777, 1_000)] {
            let data: Vec<u8> = (0..len).map(|n| (n * n / of % 251 + n / of) as u8).collect();
            let near = [3, 1_201, 1_198, 1_204];
            let mut steps = Vec::new();
            matches::Table::default().matches(&data, &near, &mut steps);
            let before = Counts::of(&data, &steps).cost();
            Optimal::default().improve(&data, &near, &mut steps);
            assert!(Counts::of(&data, &steps).cost() <= before);
            let mut out = Vec::new();
            block::write(&data, &steps, &mut out);
            // The end of a stream.
            out.extend([3, 0]);
            let mut read = Vec::new();
            flate2::read::DeflateDecoder::new(out.as_slice()).read_to_end(&mut read).unwrap();
            assert!(read == data, "{len}");
        }
    }
}
