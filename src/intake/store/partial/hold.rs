//! An upload under way in the hands of the one request that may work on it. All of this blocks on the disk.

use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::sync::Arc;
use std::time::SystemTime;

use super::chunk::{Appender, Checksum};
use super::claims::Refused;
use super::record::{Done, Id, Kept, Record, millis};
use super::turn::Turn;
use super::{PartialError, Progress};
use crate::intake::recv::{Folder, HEAD_BYTES, Received};
use crate::intake::store::sidecar::Sidecar;
use crate::intake::store::{Inner, Reservation, StoreError, Stored, UploadName};

/// Until it is dropped nobody else writes.
pub(super) struct Hold {
    pub inner: Arc<Inner>,
    pub folder: Arc<Folder>,
    pub id: Id,
    pub turn: Arc<Turn>,
    pub record: Record,
}

impl Hold {
    /// Makes a new upload; it is there once its record is.
    pub fn make(inner: Arc<Inner>, folder: Arc<Folder>, id: Id, mut record: Record) -> Result<Hold, PartialError> {
        let name = UploadName::new(&record.name)?;
        if record.condition != Kept::None {
            // Asked again when the bytes are there; here it saves sending them in vain.
            inner.check(&name, &record.condition.condition())?;
        }
        inner.claim(&id, record.claim()).map_err(|refused| match refused {
            Refused::Quota => PartialError::Store(StoreError::QuotaFull),
            Refused::Count => PartialError::TooMany { most: inner.settings.max_partials },
        })?;
        record.expires_ms = expiry(&inner);
        let made = Turn::first(&folder, &id).and_then(|turn| {
            folder.make(&id.data())?;
            record.write(&folder, &id)?;
            folder.sync()?;
            Ok(turn)
        });
        match made {
            Ok(turn) => Ok(Hold { inner, folder, id, turn: Arc::new(turn), record }),
            Err(error) => {
                inner.give_up_claim(&id);
                remove_files(&folder, &id);
                // `NotFound` here means that the folder itself has gone.
                Err(if error.kind() == io::ErrorKind::NotFound { StoreError::NoSpace.into() } else { error.into() })
            }
        }
    }

    /// With the turn taken. What a crash left beyond the bytes that count is cut off.
    pub fn open(inner: Arc<Inner>, folder: Arc<Folder>, id: Id, turn: Arc<Turn>) -> Result<Hold, PartialError> {
        let record = Record::read(&folder, &id)?;
        if record.is_expired() {
            return Err(PartialError::Gone);
        }
        if record.done.is_none() {
            let data = folder.write(&id.data())?;
            let there = data.metadata()?.len();
            if there < record.offset {
                return Err(io::Error::other("an upload under way lost bytes that were on the disk").into());
            }
            if there > record.offset {
                data.set_len(record.offset)?;
            }
        }
        Ok(Hold { inner, folder, id, turn, record })
    }

    /// The length comes late, or is told again.
    pub fn declare(&mut self, length: Option<u64>) -> Result<(), PartialError> {
        let Some(length) = length.filter(|length| self.record.length != Some(*length)) else { return Ok(()) };
        let most = self.inner.settings.max_upload_bytes;
        if self.record.length.is_some() || length < self.record.offset {
            return Err(PartialError::OtherLength);
        }
        if length > most {
            return Err(StoreError::TooLarge { most }.into());
        }
        if !self.inner.claim_more(&self.id, length - self.record.offset) {
            return Err(StoreError::QuotaFull.into());
        }
        let record = Record { length: Some(length), ..self.record.clone() };
        if let Err(error) = record.write(&self.folder, &self.id) {
            self.inner.set_claim(&self.id, self.record.claim());
            return Err(error.into());
        }
        self.record = record;
        Ok(())
    }

    pub fn appender(&self, checksum: Option<Checksum>) -> io::Result<Appender> {
        let file = self.folder.write(&self.id.data())?;
        Ok(Appender::new(self.folder.clone(), self.id.clone(), file, self.record.clone(), checksum))
    }

    /// After a chunk: counts what is to be kept, or nothing of it. `None`: writing failed; what was counted until then stays.
    pub fn settle(&mut self, appender: Option<Appender>, keep: bool) -> Result<(), PartialError> {
        let start = self.record.offset;
        let kept = match appender {
            Some(mut appender) if keep => appender.keep(),
            _ => Ok(()),
        };
        let mut record = Record::read(&self.folder, &self.id)?;
        if !keep {
            record.offset = start;
        }
        record.expires_ms = expiry(&self.inner);
        record.write(&self.folder, &self.id)?;
        self.record = record;
        self.inner.set_claim(&self.id, self.record.claim());
        Ok(kept?)
    }

    /// A complete upload becomes one like any other, once; whatever it was that broke an earlier attempt.
    pub fn finish(&mut self) -> Result<(), PartialError> {
        if self.record.done.is_some() || !self.record.is_complete() {
            return Ok(());
        }
        let stored = match self.store() {
            Err(StoreError::PreconditionFailed) => {
                // No chunk to come could mend that.
                self.remove();
                return Err(StoreError::PreconditionFailed.into());
            }
            stored => stored?,
        };
        let Stored { created, meta, .. } = stored;
        let done = Done { created, sha256: meta.sha256, media_type: meta.media_type.clone(), modified_ms: millis(meta.modified) };
        let record = Record { done: Some(done), ..self.record.clone() };
        record.write(&self.folder, &self.id)?;
        self.record = record;
        self.inner.give_up_claim(&self.id);
        // One more name of what was stored; a sweep removes it where this fails.
        let _ = self.folder.remove(&self.id.data());
        Ok(())
    }

    fn store(&self) -> Result<Stored, StoreError> {
        let name = UploadName::new(&self.record.name)?;
        let mut file = self.folder.write(&self.id.data())?;
        let there = file.metadata()?;
        if self.folder.read(name.as_str()).and_then(|file| file.metadata()).is_ok_and(|other| other.ino() == there.ino()) {
            // A crash came between the name and the record.
            let meta = self.inner.get(&name)?.meta;
            return Ok(Stored { name, created: true, meta });
        }
        let sha256 = Sidecar::of(&mut file, &there)?.sha256;
        let mut head = vec![0; HEAD_BYTES];
        let read = file.read_at(&mut head, 0)?;
        head.truncate(read);
        let temporary = self.folder.second_name(&self.id.data(), &file)?;
        let received = Received { temporary, file, bytes: there.len(), sha256, head };
        // The claim holds its room until the record says that it is stored.
        let room = Reservation { inner: Arc::clone(&self.inner), held: 0, needed: 0 };
        self.inner.commit(&self.folder, name, received, &self.record.condition.condition(), room)
    }

    pub fn remove(&self) {
        remove_files(&self.folder, &self.id);
        self.inner.give_up_claim(&self.id);
    }

    pub fn progress(&self) -> Progress {
        Progress::of(&self.record)
    }
}

/// From the last bytes on.
fn expiry(inner: &Inner) -> u64 {
    let ttl = u64::try_from(inner.settings.partial_ttl.as_millis()).unwrap_or(u64::MAX);
    millis(SystemTime::now()).saturating_add(ttl)
}

/// The record first: without it there is no upload. The turn last: while it is there nobody takes the rest for orphans.
pub(super) fn remove_files(folder: &Folder, id: &Id) {
    for name in [id.record(), id.data(), id.turn()] {
        // What cannot be removed now the next sweep tries again.
        let _ = folder.remove(&name);
    }
}
