//! One chunk of an upload under way on its way to the disk: hashed where a checksum was announced, made safe every few MiB.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::record::{Id, Record};
use crate::intake::recv::{Folder, Writer};

/// After so many bytes what came is synced and counted: all that a crash can cost a client.
pub(super) const SYNC_EVERY: u64 = 16 << 20;

/// What a chunk's bytes must come to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Checksum {
    Sha1([u8; 20]),
    Sha256([u8; 32]),
}

enum Sum {
    None,
    Sha1(Sha1, [u8; 20]),
    Sha256(Sha256, [u8; 32]),
}

impl Sum {
    fn update(&mut self, bytes: &[u8]) {
        match self {
            Sum::None => {}
            Sum::Sha1(sum, _) => sum.update(bytes),
            Sum::Sha256(sum, _) => sum.update(bytes),
        }
    }
}

/// Writes behind what is there.
pub(super) struct Appender {
    folder: Arc<Folder>,
    id: Id,
    file: File,
    record: Record,
    /// Where the next byte goes; what is beyond `record.offset` does not count yet.
    at: u64,
    sum: Sum,
}

impl Appender {
    /// `file` is the upload's, no longer than `record.offset`.
    pub fn new(folder: Arc<Folder>, id: Id, file: File, record: Record, checksum: Option<Checksum>) -> Appender {
        let sum = match checksum {
            None => Sum::None,
            Some(Checksum::Sha1(told)) => Sum::Sha1(Sha1::new(), told),
            Some(Checksum::Sha256(told)) => Sum::Sha256(Sha256::new(), told),
        };
        Appender { folder, id, file, at: record.offset, record, sum }
    }

    /// Whether the bytes are those that were announced, where something was.
    pub fn is_as_announced(&self) -> bool {
        match &self.sum {
            Sum::None => true,
            Sum::Sha1(sum, told) => <[u8; 20]>::from(sum.clone().finalize()) == *told,
            Sum::Sha256(sum, told) => <[u8; 32]>::from(sum.clone().finalize()) == *told,
        }
    }

    /// All that was written counts from now on.
    pub fn keep(&mut self) -> io::Result<()> {
        if self.at == self.record.offset {
            return Ok(());
        }
        self.file.sync_data()?;
        let record = Record { offset: self.at, ..self.record.clone() };
        record.write(&self.folder, &self.id)?;
        self.record = record;
        Ok(())
    }
}

impl Writer for Appender {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.sum.update(bytes);
        self.file.write_all_at(bytes, self.at)?;
        self.at = self.at.saturating_add(bytes.len() as u64);
        // Bytes under a checksum count all together or not at all.
        if matches!(self.sum, Sum::None) && self.at.saturating_sub(self.record.offset) >= SYNC_EVERY {
            self.keep()?;
        }
        Ok(())
    }
}
