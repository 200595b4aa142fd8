//! Keys: 128 bits of blake3 over what determines pixels, and nothing else.

use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};

use crate::geom::Affine;

/// Changes whenever the same scene may give other pixels than before.
const ENGINE: &str = concat!("affiche ", env!("CARGO_PKG_VERSION"), " engine 1");

/// Names content. Equal keys mean equal pixels.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(pub [u8; 16]);

impl Key {
    pub fn of_bytes(bytes: &[u8]) -> Key {
        // Not gathered first: they may be many.
        let mut hasher = blake3::Hasher::new();
        hasher.update(&KeyBuilder::new("bytes").u64(bytes.len() as u64).0);
        hasher.update(bytes);
        Key::of_hash(hasher.finalize())
    }

    /// Names `self` followed by `next`. A block of the hash, so that chains of keys are cheap.
    pub fn then(self, next: Key) -> Key {
        let mut both = [0; 48];
        both[..16].copy_from_slice(b"affiche then key");
        both[16..32].copy_from_slice(&self.0);
        both[32..].copy_from_slice(&next.0);
        Key::of_hash(blake3::hash(&both))
    }

    /// Names the `n`th of a family that `self` names: as good as a hash of both, and made without one. Families have other keys in
    /// every byte, so that no member of one is a member of another.
    pub fn member(self, n: u32) -> Key {
        let mut key = self;
        // A bijection that moves every bit: bytes of members spread as those of hashes do.
        let spread = n.wrapping_mul(0x9E37_79B1).to_le_bytes();
        for (byte, with) in key.0.iter_mut().rev().zip(spread.iter().rev()) {
            *byte ^= with;
        }
        key
    }

    fn of_hash(hash: blake3::Hash) -> Key {
        let mut key = [0; 16];
        key.copy_from_slice(&hash.as_bytes()[..16]);
        Key(key)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

/// Gathers fields for a key. Every field has a fixed width or a length in front, so that no two field lists run together.
/// They are hashed at once in the end: a path of a thousand points takes a tenth of the time of hashing number by number.
pub struct KeyBuilder(Vec<u8>);

impl KeyBuilder {
    pub fn new(kind: &str) -> KeyBuilder {
        let mut fields = Vec::with_capacity(192);
        fields.extend_from_slice(ENGINE.as_bytes());
        KeyBuilder(fields).bytes(kind.as_bytes())
    }

    pub fn bytes(mut self, bytes: &[u8]) -> KeyBuilder {
        self.0.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        self.0.extend_from_slice(bytes);
        self
    }

    pub fn u8(mut self, v: u8) -> KeyBuilder {
        self.0.push(v);
        self
    }

    pub fn u32(mut self, v: u32) -> KeyBuilder {
        self.0.extend_from_slice(&v.to_le_bytes());
        self
    }

    pub fn u64(mut self, v: u64) -> KeyBuilder {
        self.0.extend_from_slice(&v.to_le_bytes());
        self
    }

    pub fn i32(mut self, v: i32) -> KeyBuilder {
        self.0.extend_from_slice(&v.to_le_bytes());
        self
    }

    /// Three at once, of which there are many.
    pub fn i32s(mut self, [a, b, c]: [i32; 3]) -> KeyBuilder {
        let ([a0, a1, a2, a3], [b0, b1, b2, b3], [c0, c1, c2, c3]) = (a.to_le_bytes(), b.to_le_bytes(), c.to_le_bytes());
        self.0.extend_from_slice(&[a0, a1, a2, a3, b0, b1, b2, b3, c0, c1, c2, c3]);
        self
    }

    /// So many bytes will follow.
    pub fn room_for(mut self, bytes: usize) -> KeyBuilder {
        self.0.reserve(bytes);
        self
    }

    pub fn affine(self, m: Affine) -> KeyBuilder {
        [m.a, m.b, m.c, m.d, m.e, m.f].into_iter().fold(self, KeyBuilder::f64)
    }

    pub fn f32(self, v: f32) -> KeyBuilder {
        // -0.0 and 0.0 draw alike.
        self.u32((v + 0.0).to_bits())
    }

    pub fn f64(self, v: f64) -> KeyBuilder {
        self.u64((v + 0.0).to_bits())
    }

    pub fn key(mut self, key: Key) -> KeyBuilder {
        self.0.extend_from_slice(&key.0);
        self
    }

    pub fn finish(self) -> Key {
        Key::of_hash(blake3::hash(&self.0))
    }
}

/// Hashes for maps by keys and by small numbers of our own making: keys are hashes already, and nobody from outside chooses either.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spread(u64);

/// Of maps by [`Key`]s.
pub type BySpread = BuildHasherDefault<Spread>;

impl Hasher for Spread {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word.iter_mut().zip(chunk).for_each(|(to, from)| *to = *from);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u8(&mut self, n: u8) {
        self.write_u64(u64::from(n));
    }

    fn write_u32(&mut self, n: u32) {
        self.write_u64(u64::from(n));
    }

    fn write_usize(&mut self, n: usize) {
        self.write_u64(n as u64);
    }

    fn write_u64(&mut self, n: u64) {
        self.0 = (self.0.rotate_left(5) ^ n).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }

    fn finish(&self) -> u64 {
        // The map takes its place from the low bits, which a product mixes least.
        self.0 ^ (self.0 >> 32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::hash::{BuildHasher, Hash};

    #[test]
    fn members_of_a_family_are_apart_and_spread() {
        let (a, b) = (Key::of_bytes(b"a"), Key::of_bytes(b"b"));
        let members = |of: Key| (0..5_000).map(move |n| of.member(n));
        let all: HashSet<Key, BySpread> = members(a).chain(members(b)).collect();
        assert_eq!(all.len(), 10_000);
        // In the byte that the memo goes by, and in the bits that a map goes by.
        let spread = |of: &dyn Fn(Key) -> u64| {
            let mut counts = [0_u32; 16];
            members(a).for_each(|key| counts[of(key) as usize % 16] += 1);
            counts.iter().all(|count| (200..450).contains(count))
        };
        assert!(spread(&|key| u64::from(key.0[15])));
        assert!(spread(&|key| BySpread::default().hash_one(key)));
        assert!(spread(&|key| BySpread::default().hash_one(key) >> 57));
    }

    #[test]
    fn whole_words_and_bytes_are_told_apart() {
        let hash = |value: &dyn Fn(&mut Spread)| {
            let mut hasher = Spread::default();
            value(&mut hasher);
            hasher.finish()
        };
        let all =
            [hash(&|h| 1_u32.hash(h)), hash(&|h| [1_u8, 0].hash(h)), hash(&|h| h.write(&[0, 1])), hash(&|h| 2_usize.hash(h))];
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), 4);
    }

    #[test]
    fn bytes_are_named_alike_however_they_are_hashed() {
        for len in [0, 1, 1_000, 70_000] {
            let bytes: Vec<u8> = (0..len).map(|n| (n * 7) as u8).collect();
            assert_eq!(Key::of_bytes(&bytes), KeyBuilder::new("bytes").bytes(&bytes).finish());
        }
    }

    #[test]
    fn what_follows_what_shows() {
        let [a, b, c] = [1u8, 2, 3].map(|n| Key::of_bytes(&[n]));
        let all = [a.then(b), b.then(a), a.then(c), a.then(b).then(c), a.then(b.then(c)), a];
        for (i, one) in all.iter().enumerate() {
            assert!(all[i + 1..].iter().all(|other| one != other), "{i}");
        }
    }
}
