//! What the core may remember: bounded by bytes, counted. Never decides what comes out, only how soon.

use std::sync::Arc;

use crate::key::Key;

/// What kind of thing is remembered; each has its own counters.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum Kind {
    /// Pictures decoded, cropped and resized, warps, colour glyphs: pixmaps by recipe key.
    Pixels,
    /// Glyph coverage.
    Mask,
    /// Shaped and broken paragraphs.
    Text,
    /// Module matrices of codes.
    Code,
}

/// How often a kind was found, missed, thrown out, and what it weighs now.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    pub hits: u64,
    pub misses: u64,
    pub evictions: u64,
    pub bytes: u64,
}

pub struct Memo {}

impl Memo {
    /// Remembers nothing.
    pub fn off() -> Memo {
        Memo {}
    }

    /// Remembers at most `bytes` altogether.
    pub fn with_capacity(_bytes: usize) -> Memo {
        Memo {}
    }

    pub fn get<T: Send + Sync + 'static>(&self, _kind: Kind, _key: Key) -> Option<Arc<T>> {
        None
    }

    pub fn put<T: Send + Sync + 'static>(&self, _kind: Kind, _key: Key, _value: Arc<T>, _bytes: usize) {}

    pub fn counts(&self, _kind: Kind) -> Counts {
        Counts::default()
    }
}
