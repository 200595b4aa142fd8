//! Keys: 128 bits of blake3 over what determines pixels, and nothing else.

use std::fmt;

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

#[cfg(test)]
mod tests {
    use super::*;

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
