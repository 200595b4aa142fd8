//! Keys: 128 bits of blake3 over what determines pixels, and nothing else.

use std::fmt;

/// Changes whenever the same scene may give other pixels than before.
const ENGINE: &str = concat!("affiche ", env!("CARGO_PKG_VERSION"), " engine 1");

/// Names content. Equal keys mean equal pixels.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(pub [u8; 16]);

impl Key {
    pub fn of_bytes(bytes: &[u8]) -> Key {
        KeyBuilder::new("bytes").bytes(bytes).finish()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

/// Feeds fields into a key. Every field has a fixed width or a length in front, so that no two field lists run together.
pub struct KeyBuilder(blake3::Hasher);

impl KeyBuilder {
    pub fn new(kind: &str) -> KeyBuilder {
        let mut hasher = blake3::Hasher::new();
        hasher.update(ENGINE.as_bytes());
        KeyBuilder(hasher).bytes(kind.as_bytes())
    }

    pub fn bytes(mut self, bytes: &[u8]) -> KeyBuilder {
        self.0.update(&(bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
        self
    }

    pub fn u8(mut self, v: u8) -> KeyBuilder {
        self.0.update(&[v]);
        self
    }

    pub fn u32(mut self, v: u32) -> KeyBuilder {
        self.0.update(&v.to_le_bytes());
        self
    }

    pub fn i32(mut self, v: i32) -> KeyBuilder {
        self.0.update(&v.to_le_bytes());
        self
    }

    pub fn f32(self, v: f32) -> KeyBuilder {
        // -0.0 and 0.0 draw alike.
        self.u32((v + 0.0).to_bits())
    }

    pub fn f64(mut self, v: f64) -> KeyBuilder {
        self.0.update(&(v + 0.0).to_bits().to_le_bytes());
        self
    }

    pub fn key(mut self, key: Key) -> KeyBuilder {
        self.0.update(&key.0);
        self
    }

    pub fn finish(self) -> Key {
        let hash = self.0.finalize();
        let mut key = [0; 16];
        key.copy_from_slice(&hash.as_bytes()[..16]);
        Key(key)
    }
}
