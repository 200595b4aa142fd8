//! The cheapest way through a band: all matches that could pay are gathered, then a shortest path is taken over them under the
//! price that each symbol had in the steps so far.

// Positions stay below the length they are compared with at the head of each loop; symbols and lengths index tables as long as
// their alphabets.
#![allow(clippy::indexing_slicing)]

use super::block::{Counts, FARTHEST, LENGTH_SYMBOLS, LONGEST, SHORTEST, Step, distance_symbol, length_extra};
use super::matches::common;

/// Places with the same three bytes that are looked at for each position.
const DEPTH: usize = 1;

/// Places where a run of like pixels goes on as long, before the same.
const DEPTH_OF_RUNS: usize = 4;

/// Bytes that are worked on at once: bounds the buffers, whatever the canvas's width, to 64 bytes for each of them.
const PIECE: usize = 1 << 19;

/// Matches that are kept for a position. Of more the last place goes to the longest.
const KEPT: usize = 12;

/// Bits of a hash of three bytes, and of a run with what comes after.
const BITS: u32 = 15;
const BITS_OF_RUNS: u32 = 16;

/// Of a symbol that did not occur.
const UNSEEN: u8 = 13;

#[derive(Clone, Copy, Default)]
struct Match {
    length: u16,
    /// Less 1, so that the farthest fits.
    distance_less_1: u16,
}

/// Positions with the same hash, the newest first.
#[derive(Default)]
struct Chain {
    /// Position + 1 of the last one with each hash.
    heads: Vec<u32>,
    /// Position + 1 of the one before, of each position that a match still reaches: a ring, so that it stays in the cache.
    before: Vec<u32>,
}

impl Chain {
    fn clear(&mut self, bits: u32) {
        self.heads.clear();
        self.heads.resize(1 << bits, 0);
        self.before.clear();
        self.before.resize(FARTHEST, 0);
    }

    #[inline(always)]
    fn add(&mut self, hash: usize, at: usize) {
        self.before[at % FARTHEST] = std::mem::replace(&mut self.heads[hash], at as u32 + 1);
    }

    /// Those before `at` with its hash, as far as a match reaches.
    #[inline(always)]
    fn from(&self, at: usize) -> impl Iterator<Item = usize> {
        let next = move |place: u32| (place as usize).checked_sub(1).filter(|candidate| at - candidate < FARTHEST);
        std::iter::successors(next(self.before[at % FARTHEST]), move |candidate| next(self.before[*candidate % FARTHEST]))
    }
}

/// Buffers for one band after another.
#[derive(Default)]
pub(super) struct Optimal {
    threes: Chain,
    runs: Chain,
    /// Of each position how many bytes from it on are as those a pixel further.
    like_next: Vec<u32>,
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
        let prices = Prices::of(&Counts::of(data, steps));
        steps.clear();
        let mut literals = 0;
        for piece in data.chunks(PIECE) {
            self.gather(piece, near);
            // Prices taken anew from these steps would gain a five-hundredth, for half as much time again.
            self.walk(piece, &prices);
            self.trace(piece.len());
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

    /// Of each length a near match, for every position outside the longest ones.
    ///
    /// In gradients three bytes, or eight, are found everywhere: within a run of like pixels all places look the same. What a
    /// match there depends on is how long the run goes on and what comes after, so places are remembered by that, too.
    fn gather(&mut self, data: &[u8], near: &[usize; 4]) {
        let pixel = near[0];
        self.threes.clear(BITS);
        self.runs.clear(BITS_OF_RUNS);
        self.like_next.clear();
        self.like_next.resize(data.len() + 1, 0);
        for at in (0..data.len().saturating_sub(pixel)).rev() {
            self.like_next[at] = if data[at] == data[at + pixel] { self.like_next[at + 1] + 1 } else { 0 };
        }
        self.found.clear();
        self.ends.clear();
        let mut next = 0;
        for at in 0..data.len() {
            if let Some(word) = data.get(at..).and_then(<[u8]>::first_chunk) {
                let word = u64::from_le_bytes(*word);
                self.threes.add(((word as u32 & 0xff_ffff).wrapping_mul(0x9E37_79B1) >> (32 - BITS)) as usize, at);
                let like = self.like_next[at];
                let after = data
                    .get(at + like as usize + pixel..)
                    .and_then(<[u8]>::first_chunk)
                    .map_or(0, |two| u16::from_le_bytes(*two));
                let run = word & ((1 << (8 * pixel)) - 1) | u64::from(after) << 32 | u64::from(like) << 48;
                self.runs.add((run.wrapping_mul(0x9E37_79B1_85EB_CA87) >> (64 - BITS_OF_RUNS)) as usize, at);
                if at >= next {
                    let length = self.look(data, at, near);
                    if length == LONGEST {
                        next = at + length;
                    }
                }
            }
            self.ends.push(self.found.len() as u32);
        }
    }

    /// Gathers what matches at `at` and gives the longest length.
    fn look(&mut self, data: &[u8], at: usize, near: &[usize; 4]) -> usize {
        let Optimal { threes, runs, found, .. } = self;
        let most = LONGEST.min(data.len() - at);
        let begin = found.len();
        let mut best = SHORTEST - 1;
        let near = near.iter().filter_map(|distance| at.checked_sub(*distance)).filter(|place| at - place <= FARTHEST);
        for candidate in threes.from(at).take(DEPTH).chain(near).chain(runs.from(at).take(DEPTH_OF_RUNS)) {
            if best == most {
                break;
            }
            if data[candidate + best] == data[at + best] {
                let length = common(data, at, candidate).min(most);
                if length > best {
                    best = length;
                    if found.len() - begin == KEPT {
                        found.pop();
                    }
                    found.push(Match { length: length as u16, distance_less_1: (at - candidate - 1) as u16 });
                }
            }
        }
        best
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
            block::write(&data, &[block::Part::of(&data, &steps, (0, 0))], &mut out);
            // The end of a stream.
            out.extend([3, 0]);
            let mut read = Vec::new();
            flate2::read::DeflateDecoder::new(out.as_slice()).read_to_end(&mut read).unwrap();
            assert!(read == data, "{len}");
        }
    }
}
