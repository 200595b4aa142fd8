//! What was told of lately, by fingerprint: tells what comes a second time from what comes once.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::key::Key;

/// Places for one bucket: a key that meets another one in its bucket moves it along instead of out.
const WAYS: usize = 2;
/// A share poster has some 300 chain keys, of which a new name changes 30: this remembers hundreds of posters.
const MOST_PLACES: usize = 1 << 17;
/// Below this it is not worth having.
const LEAST_PLACES: usize = 1 << 10;

/// How many fingerprints a memo of `capacity` bytes affords: a 64th of it, or none.
pub(super) fn places(capacity: usize) -> usize {
    let affordable = capacity / 64 / size_of::<AtomicU64>();
    if affordable < LEAST_PLACES { 0 } else { (1 << affordable.ilog2()).min(MOST_PLACES) }
}

/// Bytes that so many fingerprints take.
pub(super) fn weight(places: usize) -> usize {
    places * size_of::<AtomicU64>()
}

/// Buckets of fingerprints, the newest first. Forgets by and by; two keys are taken for one by chance alone, 1 in 2^64, and
/// then something is put that will not be wanted.
pub(super) struct Seen {
    buckets: Box<[[AtomicU64; WAYS]]>,
}

impl Seen {
    pub fn new(places: usize) -> Seen {
        Seen { buckets: (0..places / WAYS).map(|_| Default::default()).collect() }
    }

    /// Whether it was there; now it is. Threads may cross here: then a key is new once more.
    pub fn again(&self, key: Key) -> bool {
        let [place, print] = halves(key);
        let Some([first, second]) = self.buckets.get(place as usize & (self.buckets.len().wrapping_sub(1))) else {
            return false;
        };
        let print = print | 1;
        if first.load(Ordering::Relaxed) == print || second.load(Ordering::Relaxed) == print {
            return true;
        }
        second.store(first.swap(print, Ordering::Relaxed), Ordering::Relaxed);
        false
    }
}

fn halves(key: Key) -> [u64; 2] {
    let whole = u128::from_le_bytes(key.0);
    [whole as u64, (whole >> 64) as u64]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: usize) -> Key {
        Key::of_bytes(&n.to_le_bytes())
    }

    #[test]
    fn as_large_as_affordable() {
        assert_eq!(places(0), 0);
        assert_eq!(places((64 << 13) - 1), 0);
        assert_eq!(places(64 << 13), 1 << 10);
        assert_eq!(places(64 << 20), 1 << 17);
        assert_eq!(places(usize::MAX), 1 << 17);
        assert_eq!(weight(1 << 17), 1 << 20);
    }

    #[test]
    fn remembers_what_came_and_forgets_in_the_end() {
        let seen = Seen::new(1 << 10);
        assert!((0..100).all(|n| !seen.again(key(n))));
        let again = (0..100).filter(|n| seen.again(key(*n))).count();
        assert!(again >= 99, "{again}: a hundred keys in a thousand places hardly meet");
        assert!((1_000..20_000).all(|n| !seen.again(key(n))));
        let again = (0..100).filter(|n| seen.again(key(*n))).count();
        assert!(again <= 1, "{again}");
    }

    #[test]
    fn two_keys_in_one_bucket_are_both_known() {
        let seen = Seen::new(2);
        assert!(!seen.again(key(1)) && !seen.again(key(2)));
        for _ in 0..3 {
            assert!(seen.again(key(1)) && seen.again(key(2)));
        }
        assert!(!seen.again(key(3)) && seen.again(key(3)));
    }
}
