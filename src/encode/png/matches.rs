//! Finds what repeats: runs, and matches at the last distance, a row further up and wherever a hash table remembers the like.

// Positions stay below the length they are compared with at the head of each loop; hashes have as many bits as the table.
#![allow(clippy::indexing_slicing)]

use super::block::{FARTHEST, Step};

/// Bytes of a match from which no better one is looked for: at the next place, and in the table.
const ENOUGH: usize = 64;
const ENOUGH_NEAR: usize = 32;

/// Bits of a hash.
const BITS: u32 = 13;

/// What matching needs from band to band.
#[derive(Default)]
pub(super) struct Table {
    /// Position + 1 of the last place with a hash; two a hash, the newer first.
    places: Vec<[u32; 2]>,
}

#[inline(always)]
fn word(data: &[u8], at: usize) -> u64 {
    data.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// How many bytes from `a` on are as from `b < a` on.
#[inline(always)]
pub(super) fn common(data: &[u8], a: usize, b: usize) -> usize {
    let mut n = 0;
    while a + n + 8 <= data.len() {
        let differ = word(data, a + n) ^ word(data, b + n);
        if differ != 0 {
            return n + (differ.trailing_zeros() >> 3) as usize;
        }
        n += 8;
    }
    while data.get(a + n).is_some_and(|byte| data.get(b + n) == Some(byte)) {
        n += 1;
    }
    n
}

/// Distances that are tried everywhere: a pixel, a row, a row and a pixel less or more. With the filter's byte before it a row is
/// one longer.
pub(super) fn near(stride: usize, pixel: usize) -> [usize; 4] {
    let row = stride + 1;
    [pixel, row, row - pixel, row + pixel]
}

/// Runs of zeros, for rows where nothing else repeats: words of eight zeros and what joins them.
pub(super) fn zero_runs(data: &[u8], steps: &mut Vec<Step>) {
    steps.clear();
    let (mut done, mut at) = (0, 0);
    while at + 8 <= data.len() {
        if word(data, at) != 0 {
            at += 8;
            continue;
        }
        let mut from = at;
        while from > done && data[from - 1] == 0 {
            from -= 1;
        }
        let mut to = at + 8;
        while to + 8 <= data.len() && word(data, to) == 0 {
            to += 8;
        }
        while to < data.len() && data[to] == 0 {
            to += 1;
        }
        // The first zero stands for itself; the others repeat it.
        steps.push(Step { literals: (from + 1 - done) as u32, length: (to - from - 1) as u32, distance: 1 });
        done = to;
        at = to;
    }
    steps.push(Step { literals: (data.len() - done) as u32, length: 0, distance: 1 });
}

struct Found {
    length: usize,
    distance: usize,
    /// Roughly what it saves, in eighths of a byte less what the distance costs.
    gain: isize,
}

impl Table {
    pub(super) fn matches(&mut self, data: &[u8], near: &[usize; 4], steps: &mut Vec<Step>) {
        steps.clear();
        self.places.clear();
        self.places.resize(1 << BITS, [0; 2]);
        let (mut done, mut at, mut last) = (0, 0, 1);
        let mut misses = 0;
        while at + 8 <= data.len() {
            let mut found = self.best(data, at, last, near);
            if found.gain <= 0 {
                misses += 1;
                at += 1 + (misses >> 7);
                continue;
            }
            misses = 0;
            // Perhaps the next place has a better one.
            while found.length < ENOUGH && at + 9 <= data.len() {
                let next = self.best(data, at + 1, last, near);
                if next.gain <= found.gain + 6 {
                    break;
                }
                found = next;
                at += 1;
            }
            while at > done && at > found.distance && data[at - 1] == data[at - 1 - found.distance] {
                at -= 1;
                found.length += 1;
            }
            steps.push(Step { literals: (at - done) as u32, length: found.length as u32, distance: found.distance as u32 });
            let end = at + found.length;
            let insert_to = end.min(at + 48).min(data.len().saturating_sub(8));
            for place in at + 2..insert_to {
                self.remember(word(data, place), place);
            }
            done = end;
            at = end;
            last = found.distance;
        }
        steps.push(Step { literals: (data.len() - done) as u32, length: 0, distance: 1 });
    }

    #[inline(always)]
    fn hash(word: u64) -> usize {
        // Five bytes.
        ((word << 24).wrapping_mul(0x9E37_79B1_85EB_CA87) >> (64 - BITS)) as usize
    }

    #[inline(always)]
    fn remember(&mut self, here: u64, at: usize) {
        let entry = &mut self.places[Self::hash(here)];
        if entry[0] != at as u32 + 1 {
            *entry = [at as u32 + 1, entry[0]];
        }
    }

    #[inline(always)]
    fn best(&mut self, data: &[u8], at: usize, last: usize, near: &[usize; 4]) -> Found {
        let here = word(data, at);
        let mut best = Found { length: 0, distance: 1, gain: 0 };
        let consider = |best: &mut Found, distance: usize, cost: isize| {
            if distance == 0 || distance > at || distance > FARTHEST {
                return;
            }
            let differ = here ^ word(data, at - distance);
            let length =
                if differ == 0 { 8 + common(data, at + 8, at + 8 - distance) } else { (differ.trailing_zeros() >> 3) as usize };
            let gain = length as isize * 6 - cost;
            if length >= 3 && gain > best.gain {
                *best = Found { length, distance, gain };
            }
        };
        consider(&mut best, last, 12);
        if best.length >= ENOUGH {
            self.remember(here, at);
            return best;
        }
        for &distance in near {
            consider(&mut best, distance, 8 + distance.ilog2() as isize);
        }
        if best.length < ENOUGH_NEAR {
            let entry = self.places[Self::hash(here)];
            for place in entry {
                let distance = (at + 1).wrapping_sub(place as usize);
                if place > 0 && distance > 0 {
                    consider(&mut best, distance, 10 + distance.max(1).ilog2() as isize);
                }
            }
        }
        self.remember(here, at);
        best
    }
}
