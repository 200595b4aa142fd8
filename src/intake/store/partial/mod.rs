//! Uploads under way that survive a cut connection, a restart and a crash, until they are whole and become uploads like any other.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};

use super::{Condition, Inner, Store, StoreError, Stored, UploadName};
use crate::intake::bounded::{Bounds, PourError};
use crate::intake::recv::{self, Folder, WriteError};
use crate::problem::Code;

mod chunk;
mod claims;
mod hold;
mod record;
#[cfg(test)]
mod tests;
mod turn;

pub use chunk::Checksum;
pub(super) use claims::Claims;
pub use record::Id;

use claims::Growth;
use hold::{Hold, remove_files};
use record::{Kept, Record};
use turn::Turn;

/// How often a request that works on an upload looks whether a newer one has come, and one that waits whether it may begin.
const WATCH_EVERY: Duration = Duration::from_millis(50);
/// How long the older may take to end: it may be taking the sum of a long file.
const TAKEOVER: Duration = Duration::from_secs(60);

/// What the maker of an upload says of it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Wanted {
    /// `None`: told with a later chunk.
    pub length: Option<u64>,
    /// `None`: one of 128 random bits.
    pub name: Option<UploadName>,
    /// Kept as it came.
    pub metadata: String,
    pub condition: Condition,
}

/// What the sender of a chunk says of it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Chunk {
    /// Where it begins.
    pub at: u64,
    pub announced: Option<u64>,
    /// The length of the whole, where it was not told before.
    pub length: Option<u64>,
    pub checksum: Option<Checksum>,
}

/// How far an upload is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Progress {
    /// So many bytes are on the disk.
    pub offset: u64,
    pub length: Option<u64>,
    pub metadata: String,
    pub expires: SystemTime,
    /// What became of it once it was whole.
    pub stored: Option<Stored>,
}

impl Progress {
    fn of(record: &Record) -> Progress {
        let (metadata, expires) = (record.metadata.clone(), record.expires());
        Progress { offset: record.offset, length: record.length, metadata, expires, stored: record.stored() }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum PartialError {
    #[error("no upload under way of that name")]
    NotFound,
    #[error("the upload was not completed in time and is gone")]
    Gone,
    #[error("the upload stands at {offset}, the chunk does not begin there")]
    OffsetMismatch { offset: u64 },
    #[error("another request for this upload took over, or does not end")]
    Busy,
    #[error("the length was told before and is another, or less than there is already")]
    OtherLength,
    #[error("of conditions only `If-None-Match: *` and `If-Match: *` can be kept until the last byte")]
    Condition,
    #[error("more than the {left} bytes that are missing")]
    TooLong { left: u64 },
    #[error("the chunk does not have the announced checksum; nothing of it was kept")]
    ChecksumMismatch,
    #[error("{most} uploads are under way already (max_partials)")]
    TooMany { most: u64 },
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl PartialError {
    pub fn code(&self) -> Code {
        match self {
            PartialError::NotFound => Code::NotFound,
            PartialError::Gone => Code::Gone,
            PartialError::OffsetMismatch { .. } => Code::OffsetMismatch,
            PartialError::Busy => Code::UploadBusy,
            PartialError::OtherLength | PartialError::Condition => Code::InvalidHeader,
            PartialError::TooLong { .. } => Code::BodyTooLarge,
            PartialError::ChecksumMismatch => Code::DigestMismatch,
            PartialError::TooMany { .. } => Code::Overloaded,
            PartialError::Store(error) => error.code(),
        }
    }
}

impl From<io::Error> for PartialError {
    fn from(error: io::Error) -> PartialError {
        match StoreError::from(error) {
            StoreError::NotFound => PartialError::NotFound,
            other => PartialError::Store(other),
        }
    }
}

/// Why a stream ended before its end.
#[derive(Debug)]
enum Cut {
    Sender,
    Newer,
}

/// The uploads under way in a store's folder. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Partials(Arc<Inner>);

impl Partials {
    /// Those in the store's folder.
    pub fn of(store: &Store) -> Partials {
        Partials(store.0.clone())
    }

    /// The longest upload there may be.
    pub fn most(&self) -> u64 {
        self.0.settings.max_upload_bytes
    }

    fn folder(&self) -> Option<Arc<Folder>> {
        self.0.folder.clone()
    }

    /// Makes an upload and reserves room for it. One of no bytes is whole at once.
    pub async fn create(&self, wanted: Wanted) -> Result<(Id, Progress), PartialError> {
        let folder = self.folder().ok_or(StoreError::NoSpace)?;
        let most = self.most();
        if wanted.length.is_some_and(|length| length > most) {
            return Err(StoreError::TooLarge { most }.into());
        }
        let inner = self.0.clone();
        blocking(move || {
            let Wanted { length, name, metadata, condition } = wanted;
            // A random name must be new.
            let condition = if name.is_none() { Kept::Absent } else { Kept::of(&condition).ok_or(PartialError::Condition)? };
            let name = name.map_or_else(UploadName::random, Ok)?.as_str().to_owned();
            let record = Record { length, offset: 0, name, metadata, condition, expires_ms: 0, done: None };
            let mut hold = Hold::make(inner, folder, Id::random()?, record)?;
            hold.finish()?;
            Ok((hold.id.clone(), hold.progress()))
        })
        .await
    }

    /// Makes an upload with its first bytes. Whoever does not get the answer does not know its address: then nothing is kept.
    pub async fn create_with<E: Send + 'static>(
        &self,
        wanted: Wanted,
        chunk: Chunk,
        body: impl Stream<Item = Result<Bytes, E>> + Send + 'static,
    ) -> Result<(Id, Progress), PartialError> {
        let partials = self.clone();
        spawned(async move {
            let (id, made) = partials.create(wanted).await?;
            if made.stored.is_some() {
                return Ok((id, made));
            }
            match partials.receive(&id, chunk, body).await {
                Ok(progress) => Ok((id, progress)),
                Err(error) => {
                    let _ = partials.remove(&id).await;
                    Err(error)
                }
            }
        })
        .await
    }

    /// Takes bytes behind those that are there. What arrives before the connection is cut stays; a newer request for the same
    /// upload ends this one.
    pub async fn append<E: Send + 'static>(
        &self,
        id: &Id,
        chunk: Chunk,
        body: impl Stream<Item = Result<Bytes, E>> + Send + 'static,
    ) -> Result<Progress, PartialError> {
        let (partials, id) = (self.clone(), id.clone());
        // When the client goes, its handler goes with it; what came until then must reach the disk nevertheless.
        spawned(async move { partials.receive(&id, chunk, body).await }).await
    }

    /// Where the upload stands for good: an older request that still sends is ended first.
    pub async fn head(&self, id: &Id) -> Result<Progress, PartialError> {
        let mut hold = self.hold(id).await?;
        blocking(move || {
            // A crash may have come between the last byte and the name.
            hold.finish()?;
            Ok(hold.progress())
        })
        .await
    }

    /// Where the upload stood a moment ago; ends nobody.
    pub async fn look(&self, id: &Id) -> Result<Progress, PartialError> {
        let (folder, id) = (self.folder().ok_or(PartialError::NotFound)?, id.clone());
        blocking(move || {
            let record = Record::read(&folder, &id)?;
            if record.is_expired() { Err(PartialError::Gone) } else { Ok(Progress::of(&record)) }
        })
        .await
    }

    /// Forgets the upload and its bytes; what it became, if it was whole, stays.
    pub async fn remove(&self, id: &Id) -> Result<(), PartialError> {
        let hold = self.hold(id).await?;
        blocking(move || {
            hold.remove();
            Ok(())
        })
        .await
    }

    /// Waits until it is this request's turn.
    async fn hold(&self, id: &Id) -> Result<Hold, PartialError> {
        let folder = self.folder().ok_or(PartialError::NotFound)?;
        let turn = {
            let (folder, id) = (folder.clone(), id.clone());
            Arc::new(blocking(move || Ok(Turn::ask(&folder, &id)?)).await?)
        };
        let begun = Instant::now();
        loop {
            let (asking, inner, folder, id) = (turn.clone(), self.0.clone(), folder.clone(), id.clone());
            let hold = blocking(move || {
                if asking.try_take()? {
                    return Hold::open(inner, folder, id, asking).map(Some);
                }
                if asking.is_newest() { Ok(None) } else { Err(PartialError::Busy) }
            });
            match hold.await? {
                Some(hold) => return Ok(hold),
                None if begun.elapsed() > TAKEOVER => return Err(PartialError::Busy),
                None => tokio::time::sleep(WATCH_EVERY).await,
            }
        }
    }

    async fn receive<E: Send>(
        &self,
        id: &Id,
        chunk: Chunk,
        body: impl Stream<Item = Result<Bytes, E>> + Send,
    ) -> Result<Progress, PartialError> {
        let mut hold = self.hold(id).await?;
        let length = chunk.length;
        let hold = blocking(move || {
            hold.declare(length)?;
            Ok(hold)
        });
        let hold = hold.await?;
        let offset = hold.record.offset;
        if chunk.at != offset {
            return Err(PartialError::OffsetMismatch { offset });
        }
        let left = hold.record.length.unwrap_or(self.most()).saturating_sub(offset);
        if chunk.announced.is_some_and(|announced| announced > left) {
            return Err(PartialError::TooLong { left });
        }
        if hold.record.done.is_some() {
            return Ok(hold.progress());
        }
        let appender = hold.appender(chunk.checksum)?;
        let bounds = Bounds { most: left, announced: chunk.announced, deadline: None, rate: self.0.settings.min_rate };
        let mut room = Growth { inner: &self.0, id, claimed: hold.record.length.is_some() };
        let (appender, poured) = recv::append(until_newer(body, hold.turn.clone()), &bounds, appender, &mut room).await;
        let checked = chunk.checksum.is_some();
        settled(hold, appender, poured, checked, left).await
    }

    /// Removes uploads past their time and what a crash left of others, completes those that are whole, and counts anew.
    pub(super) fn sweep(&self, folder: &Arc<Folder>) -> Result<(), StoreError> {
        let known = self.0.usage().partial.ids();
        let there: BTreeSet<Id> = folder.names()?.iter().filter_map(|name| Id::of_file(name)).collect();
        for id in &there {
            self.sweep_one(folder, id);
        }
        for id in known.iter().filter(|id| !there.contains(id)) {
            if Record::read(folder, id).is_err() {
                self.0.give_up_claim(id);
            }
        }
        Ok(())
    }

    fn sweep_one(&self, folder: &Arc<Folder>, id: &Id) {
        let turn = match Turn::take_idle(folder, id) {
            Ok(Some(turn)) => turn,
            Ok(None) => {
                // Somebody works on it, perhaps in another process: only its room is counted.
                if let Ok(record) = Record::read(folder, id)
                    && record.done.is_none()
                {
                    self.0.set_claim(id, record.claim());
                }
                return;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => return remove_files(folder, id),
            Err(error) => return tracing::debug!(%error, "an upload under way could not be looked at"),
        };
        match Hold::open(self.0.clone(), folder.clone(), id.clone(), Arc::new(turn)) {
            Ok(mut hold) => {
                if hold.record.done.is_some() {
                    let _ = folder.remove(&id.data());
                    self.0.give_up_claim(id);
                } else {
                    self.0.set_claim(id, hold.record.claim());
                    if let Err(error) = hold.finish() {
                        tracing::warn!(%error, "an upload that is complete could not be stored");
                    }
                }
            }
            // Past its time, or made only in part.
            Err(PartialError::Gone | PartialError::NotFound) => {
                remove_files(folder, id);
                self.0.give_up_claim(id);
            }
            Err(error) => tracing::warn!(%error, "an upload under way could not be looked at"),
        }
    }
}

/// What becomes of a chunk, whole or not.
async fn settled(
    mut hold: Hold,
    appender: Option<chunk::Appender>,
    poured: Result<u64, PourError<Cut, WriteError>>,
    checked: bool,
    left: u64,
) -> Result<Progress, PartialError> {
    blocking(move || {
        let mismatch = poured.is_ok() && appender.as_ref().is_some_and(|appender| !appender.is_as_announced());
        let keep = match &poured {
            Ok(_) => !mismatch,
            // Somebody who sends more than he said does not know what he sends.
            Err(PourError::TooLarge { .. } | PourError::Overlong { .. }) => false,
            // Half of what a checksum is of cannot be checked.
            Err(_) => !checked,
        };
        hold.settle(appender, keep)?;
        hold.finish()?;
        match poured {
            Ok(_) if mismatch => Err(PartialError::ChecksumMismatch),
            Ok(_) => Ok(hold.progress()),
            Err(PourError::Broken(Cut::Newer)) => Err(PartialError::Busy),
            Err(PourError::TooLarge { .. }) => Err(PartialError::TooLong { left }),
            Err(error) => Err(StoreError::from(error).into()),
        }
    })
    .await
}

/// The stream until a newer request comes, and then an error.
fn until_newer<E>(body: impl Stream<Item = Result<Bytes, E>>, turn: Arc<Turn>) -> impl Stream<Item = Result<Bytes, Cut>> {
    let newer = Arc::new(AtomicBool::new(false));
    let seen = newer.clone();
    let watch = async move {
        while turn.is_newest() {
            tokio::time::sleep(WATCH_EVERY).await;
        }
        seen.store(true, Ordering::Relaxed);
    };
    let last = stream::once(async move { newer.load(Ordering::Relaxed).then_some(Err(Cut::Newer)) });
    let body = body.map(|chunk| chunk.map_err(|_| Cut::Sender)).take_until(Box::pin(watch));
    body.chain(last.filter_map(std::future::ready))
}

/// On a task that outlives whoever waits for it.
async fn spawned<T: Send + 'static>(
    work: impl Future<Output = Result<T, PartialError>> + Send + 'static,
) -> Result<T, PartialError> {
    let done = tokio::spawn(work).await;
    done.unwrap_or_else(|lost| Err(PartialError::Store(StoreError::Io(io::Error::other(lost)))))
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, PartialError> + Send + 'static) -> Result<T, PartialError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|lost| Err(PartialError::Store(StoreError::Io(io::Error::other(lost)))))
}
