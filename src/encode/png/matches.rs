//! Finds what repeats: runs, and matches at the last distance, a row further up and wherever a hash table remembers the like.

// Positions stay below the length they are compared with at the head of each loop; hashes have as many bits as the table.
#![allow(clippy::indexing_slicing)]

use super::Grid;
use super::block::{FARTHEST, Step};

/// Bytes of a match from which no better one is looked for: at all, and among places alike (where a match is only to be put off for a
/// better one at the next place, that seldom helps).
const ENOUGH: usize = 64;
const ENOUGH_NEAR: usize = 24;
const ENOUGH_TO_STAY: usize = 12;

/// Bits of a hash of five bytes, and of two colours.
const BITS: u32 = 13;
const BITS_OF_SEAMS: u32 = 11;

/// What matching needs from band to band.
#[derive(Default)]
pub(super) struct Table {
    /// Of five bytes.
    places: Vec<Recent>,
    /// Where one colour gives way to another, of both. In a gradient all places within a run of one colour are alike; where it
    /// ends is what tells a row's runs from one another.
    seams: Vec<Recent>,
}

/// The last two places with a hash, the newer in the lower half: of each the lower sixteen bits, which tell how far back it is as
/// far as a match can be. So small that the tables stay in the nearest cache.
#[derive(Clone, Copy)]
struct Recent(u32);

impl Recent {
    #[inline(always)]
    fn add(&mut self, at: usize) {
        self.0 = self.0 << 16 | (at as u32 & 0xffff);
    }

    /// Before there were two, some that mean nothing: what is there is always compared.
    #[inline(always)]
    fn distances(self, at: usize) -> [usize; 2] {
        let back = |place: u32| (at as u32).wrapping_sub(place) as usize & 0xffff;
        [back(self.0), back(self.0 >> 16)]
    }
}

#[inline(always)]
fn word(data: &[u8], at: usize) -> u64 {
    // One comparison, since the limit is found once: the check of the slice falls away.
    match data.len().checked_sub(8) {
        Some(limit) if at <= limit => data[at..at + 8].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes)),
        _ => 0,
    }
}

/// How many bytes from `a` on are as from `b < a` on.
#[inline(always)]
pub(super) fn common(data: &[u8], a: usize, b: usize) -> usize {
    let (from_a, from_b) = (&data[a..], &data[b..]);
    let (words_a, words_b) = (from_a.as_chunks::<16>().0, from_b.as_chunks::<16>().0);
    for (n, (a, b)) in words_a.iter().zip(words_b).enumerate() {
        let differ = u128::from_le_bytes(*a) ^ u128::from_le_bytes(*b);
        if differ != 0 {
            return n * 16 + (differ.trailing_zeros() >> 3) as usize;
        }
    }
    let whole = words_a.len() * 16;
    whole + from_a[whole..].iter().zip(&from_b[whole..]).take_while(|(a, b)| a == b).count()
}

/// Distances that are tried everywhere: a pixel, a row, a row and a pixel less or more.
pub(super) fn near(Grid { stride: row, pixel, .. }: Grid) -> [usize; 4] {
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

#[derive(Clone, Copy)]
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
        self.places.resize(1 << BITS, Recent(0));
        self.seams.clear();
        self.seams.resize(1 << BITS_OF_SEAMS, Recent(0));
        let (mut done, mut at, mut last) = (0, 0, 1);
        let pixel = near[0];
        let mut misses = 0;
        while at + 8 <= data.len() {
            let mut found = self.best(data, at, last, near, Found::NONE);
            if found.gain <= 0 {
                // At other places than whole pixels the like is seldom found, and then a byte or two later.
                misses += 1;
                at += if misses > 3 { pixel - (at - done) % pixel } else { 1 };
                continue;
            }
            misses = 0;
            // Perhaps the next place has a better one.
            while found.length < ENOUGH && at + 9 <= data.len() {
                let least = Found { gain: found.gain + 6, ..found };
                let next = self.best(data, at + 1, last, near, least);
                if next.gain <= least.gain {
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
            for place in (at + pixel..insert_to).step_by(pixel) {
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

    /// Of two pixels.
    #[inline(always)]
    fn hash_of_seam(word: u64, pixel: usize) -> usize {
        ((word << (64 - 16 * pixel)).wrapping_mul(0x9E37_79B1_85EB_CA87) >> (64 - BITS_OF_SEAMS)) as usize
    }

    #[inline(always)]
    fn remember(&mut self, here: u64, at: usize) {
        self.places[Self::hash(here)].add(at);
    }

    /// The best match at a place that gains more than `least` does, else `least`.
    #[inline(always)]
    fn best(&mut self, data: &[u8], at: usize, last: usize, near: &[usize; 4], least: Found) -> Found {
        let here = word(data, at);
        let mut best = least;
        let is_first = least.length == 0;
        let consider = |best: &mut Found, distance: usize, cost: isize| {
            let differ = here ^ word(data, at.wrapping_sub(distance));
            // Mostly nothing is alike, or not far enough, so that this is decided before anything else is looked at.
            if differ & 0xff_ffff == 0 && best.may_be_beaten(data, at, distance) {
                consider(data, at, differ, (distance, cost), best);
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
        if best.length < if is_first { ENOUGH_NEAR } else { ENOUGH_TO_STAY } {
            for distance in self.places[Self::hash(here)].distances(at) {
                consider(&mut best, distance, 10 + distance.max(1).ilog2() as isize);
            }
        }
        self.remember(here, at);
        let pixel = near[0];
        let is_run = (here ^ here >> (8 * pixel)) & 0xff_ffff == 0;
        if is_run && is_first {
            let seam = at + pixel + common(data, at + pixel, at);
            let recent = &mut self.seams[Self::hash_of_seam(word(data, seam - pixel), pixel)];
            for distance in recent.distances(seam) {
                consider(&mut best, distance, 10 + distance.max(1).ilog2() as isize);
            }
            recent.add(seam);
        }
        best
    }
}

impl Found {
    const NONE: Found = Found { length: 0, distance: 1, gain: 0 };

    /// A match at this distance may be longer. One that is not is hardly ever better: later ones mostly lie farther away.
    #[inline(always)]
    fn may_be_beaten(&self, data: &[u8], at: usize, distance: usize) -> bool {
        self.length < 8 || data.get(at + self.length) == data.get((at + self.length).wrapping_sub(distance))
    }
}

/// Takes the match at a distance instead of `best` if it gains more. `differ` is how their first eight bytes differ.
#[inline(never)]
fn consider(data: &[u8], at: usize, differ: u64, (distance, cost): (usize, isize), best: &mut Found) {
    if distance.wrapping_sub(1) >= FARTHEST.min(at) {
        return;
    }
    let length = if differ == 0 { 8 + common(data, at + 8, at + 8 - distance) } else { (differ.trailing_zeros() >> 3) as usize };
    let gain = length as isize * 6 - cost;
    if gain > best.gain {
        *best = Found { length, distance, gain };
    }
}
