//! What is remembered beside an upload, so that its digest need not be taken again.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::intake::media::media_type;
use crate::intake::recv::{Existing, Folder, HEAD_BYTES, Sha};

/// A sidecar is some 200 bytes.
const MAX_SIDECAR: u64 = 4_096;
const HASHED_AT_ONCE: usize = 256 << 10;

/// What is remembered beside an upload. It counts only while inode, time and size are those of the file, so it may be lost, late or
/// somebody else's without harm.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Sidecar {
    pub inode: u64,
    pub modified: i128,
    pub bytes: u64,
    pub sha256: Sha,
    pub media_type: String,
}

pub(super) fn modified_nanos(there: &std::fs::Metadata) -> i128 {
    i128::from(there.mtime()) * 1_000_000_000 + i128::from(there.mtime_nsec())
}

impl Sidecar {
    pub fn is_of(&self, there: &std::fs::Metadata) -> bool {
        (self.inode, self.modified, self.bytes) == (there.ino(), modified_nanos(there), there.len())
    }

    pub fn read(folder: &Folder, name: &str) -> Option<Sidecar> {
        let file = folder.read(name).ok()?;
        let mut text = Vec::new();
        file.take(MAX_SIDECAR).read_to_end(&mut text).ok()?;
        serde_json::from_slice(&text).ok()
    }

    pub fn of(file: &mut File, there: &std::fs::Metadata) -> io::Result<Sidecar> {
        let mut sha = Sha256::new();
        let mut part = vec![0; HASHED_AT_ONCE];
        let mut at = 0;
        loop {
            let read = file.read_at(&mut part, at)?;
            if read == 0 {
                break;
            }
            sha.update(part.get(..read).unwrap_or_default());
            at += read as u64;
        }
        let mut head = vec![0; HEAD_BYTES];
        let read = file.read_at(&mut head, 0)?;
        head.truncate(read);
        file.rewind()?;
        Ok(Sidecar {
            inode: there.ino(),
            modified: modified_nanos(there),
            bytes: there.len(),
            sha256: sha.finalize().into(),
            media_type: media_type(&head).to_owned(),
        })
    }

    pub fn write(&self, folder: &Arc<Folder>, name: &str) -> io::Result<()> {
        let (temporary, mut file) = folder.temporary()?;
        file.write_all(&serde_json::to_vec(self)?)?;
        temporary.keep(name, Existing::Replace)
    }
}
