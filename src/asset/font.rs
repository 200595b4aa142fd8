//! A font file as it came from outside: its bytes and their digest. What is in it the text stage finds out.

use bytes::Bytes;

use crate::key::Key;

/// The bytes of one font file.
#[derive(Clone, Debug)]
pub struct FontBytes {
    bytes: Bytes,
    digest: Key,
}

impl FontBytes {
    /// Takes the digest, at some gigabytes a second.
    pub fn new(bytes: Bytes) -> FontBytes {
        let digest = Key::of_bytes(&bytes);
        FontBytes { bytes, digest }
    }

    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Of the content.
    pub fn digest(&self) -> Key {
        self.digest
    }
}
