//! What the memory tier holds, under which names, and what it weighs.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use url::Url;

use crate::asset::{Asset, FontBytes};
use crate::intake::freshness::Freshness;
use crate::intake::recv::Sha;

/// What an entry costs besides its picture's bytes, URL and headers: the cache's own books.
const ENTRY_BYTES: usize = 2_048;

/// What names a picture in memory.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Held {
    Url(Url),
    Upload(Sha),
    /// A file as it was at that time.
    File {
        path: PathBuf,
        bytes: u64,
        modified: SystemTime,
    },
    BuiltIn(&'static str),
    /// Any of these as a font, which the same bytes may be too.
    Font(Box<Held>),
}

impl Held {
    fn name_bytes(&self) -> usize {
        match self {
            Held::Url(url) => url.as_str().len(),
            Held::File { path, .. } => path.as_os_str().len(),
            Held::Upload(_) | Held::BuiltIn(_) => 0,
            Held::Font(held) => held.name_bytes(),
        }
    }
}

/// A picture in memory: read once, so that a hit costs nothing. Whoever uses it keeps it alive, evicted or not.
#[derive(Clone)]
pub(super) struct Kept {
    pub asset: Arc<Asset>,
    /// `None` for what is no URL: its key changes with its content.
    pub freshness: Option<Arc<Freshness>>,
}

/// What memory holds under a name.
#[derive(Clone)]
pub(super) enum Slot {
    Picture(Kept),
    Font(Arc<FontBytes>),
}

impl Slot {
    /// Memory, its name's included.
    pub fn weight(&self, held: &Held) -> u32 {
        let (bytes, headers) = match self {
            Slot::Picture(kept) => (kept.asset.bytes().len(), kept.freshness.as_ref().map_or(0, |f| f.weight())),
            Slot::Font(font) => (font.bytes().len(), 0),
        };
        u32::try_from(bytes + 2 * held.name_bytes() + headers + ENTRY_BYTES).unwrap_or(u32::MAX)
    }
}
