//! The folder of uploads: whole files under plain names, each with its sha-256, or nothing at all.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use futures_util::Stream;

use super::bounded::{Bounds, MinRate};
use super::media::media_type;
use super::recv::{self, Existing, Folder, Received, Room, Sha, hex};

mod condition;
mod error;
pub mod partial;
mod sidecar;
#[cfg(test)]
mod tests;

pub use condition::Condition;
pub use error::StoreError;
use sidecar::{Sidecar, modified_nanos};

const SIDECAR: &str = ".meta-";
const LOCK: &str = ".lock";
/// Writes look so often whether something expired, and count anew, since other processes write too.
const SWEEP_EVERY: Duration = Duration::from_secs(600);

/// `[A-Za-z0-9._-]{1,128}` without a leading dot: one component of a path, and none of ours, which begin with a dot.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct UploadName(String);

impl UploadName {
    pub fn new(name: &str) -> Result<UploadName, StoreError> {
        let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
        let sound = plain && (1..=128).contains(&name.len()) && !name.starts_with('.');
        if sound { Ok(UploadName(name.to_owned())) } else { Err(StoreError::InvalidName) }
    }

    /// 128 random bits.
    pub fn random() -> Result<UploadName, StoreError> {
        Ok(UploadName(recv::random_name()?))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn sidecar(&self) -> String {
        format!("{SIDECAR}{}", self.0)
    }
}

/// The bounds of the folder.
#[derive(Clone, Copy, Debug)]
pub struct StoreSettings {
    pub max_upload_bytes: u64,
    /// Bytes of all uploads together, those under way included.
    pub quota: u64,
    /// Files, however small: each takes names and blocks that the quota does not see.
    pub max_uploads: u64,
    /// How long an upload is kept after it was written.
    pub ttl: Option<Duration>,
    /// How long an upload under way is kept after its last bytes.
    pub partial_ttl: Duration,
    pub max_partials: u64,
    pub min_rate: Option<MinRate>,
}

/// What a writer says of his bytes before he sends them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Announced {
    pub length: Option<u64>,
    /// What their sha-256 must come to.
    pub sha256: Option<Sha>,
    pub condition: Condition,
}

/// One upload's particulars.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Meta {
    pub bytes: u64,
    pub sha256: Sha,
    /// By content.
    pub media_type: String,
    pub modified: SystemTime,
}

impl Meta {
    /// The sha-256 as 64 hex digits; also the upload's entity tag, without quotes.
    pub fn sha256_hex(&self) -> String {
        hex(&self.sha256)
    }
}

/// What a successful write did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stored {
    pub name: UploadName,
    /// False where it took the place of another.
    pub created: bool,
    pub meta: Meta,
}

/// An upload open for reading; it stays whole in this hand whatever happens to its name.
#[derive(Debug)]
pub struct Opened {
    pub file: File,
    pub meta: Meta,
}

/// The uploads. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    settings: StoreSettings,
    /// `None` where there is no folder: everything is absent, and nothing can be written.
    folder: Option<Arc<Folder>>,
    usage: Mutex<Usage>,
    /// Held while a name changes, so that a condition and what it allows are one step.
    changing: Mutex<()>,
    /// When the folder was swept last, and how long that took.
    swept: Mutex<(Instant, Duration)>,
}

#[derive(Debug, Default)]
struct Usage {
    stored: u64,
    reserved: u64,
    files: u64,
    partial: partial::Claims,
}

impl Store {
    /// Opens the folder, sweeps what a crash left and counts what is there. Never fails: without a folder writes answer
    /// [`StoreError::NoSpace`].
    pub fn open(path: Option<&Path>, settings: StoreSettings) -> Store {
        let folder = path.and_then(|path| match Folder::open(path) {
            Ok(folder) => Some(Arc::new(folder)),
            Err(error) => {
                tracing::warn!(%error, folder = %path.display(), "no folder for uploads: they will be refused");
                None
            }
        });
        let inner = Inner {
            settings,
            folder,
            usage: Mutex::default(),
            changing: Mutex::default(),
            swept: Mutex::new((Instant::now(), Duration::ZERO)),
        };
        let store = Store(Arc::new(inner));
        if let Err(error) = store.sweep() {
            tracing::warn!(%error, "the uploads' folder could not be swept");
        }
        store
    }

    /// Whether a file can be made in the folder now.
    pub fn is_writable(&self) -> bool {
        self.0.folder.as_ref().is_some_and(|folder| folder.temporary().is_ok())
    }

    /// Writes `body` to `name`: all of it, on the disk, or nothing. Of several writers the one who completes last wins.
    pub async fn put<E>(
        &self,
        name: &UploadName,
        body: impl Stream<Item = Result<Bytes, E>>,
        announced: Announced,
    ) -> Result<Stored, StoreError> {
        let folder = self.0.folder.clone().ok_or(StoreError::NoSpace)?;
        let Announced { length, sha256, condition } = announced;
        let most = self.0.settings.max_upload_bytes;
        if length.is_some_and(|length| length > most) {
            return Err(StoreError::TooLarge { most });
        }
        if condition != Condition::None {
            // Asked again when the bytes are there; here it saves sending them in vain.
            let (inner, early, name) = (self.0.clone(), condition.clone(), name.clone());
            blocking(move || inner.check(&name, &early)).await?;
        }
        let mut room = Reservation { inner: self.0.clone(), held: 0, needed: 0 };
        let wanted = length.unwrap_or(0);
        if !room.hold(wanted) {
            self.make_room().await;
            if !room.hold(wanted) {
                return Err(StoreError::QuotaFull);
            }
        }
        let bounds = Bounds { most, announced: length, deadline: None, rate: self.0.settings.min_rate };
        let stored = match recv::into_file(body, &bounds, &folder, &mut room).await {
            Ok(received) if sha256.is_some_and(|sha| sha != received.sha256) => Err(StoreError::DigestMismatch),
            Ok(received) => {
                let (store, name) = (self.clone(), name.clone());
                blocking(move || store.0.commit(&folder, name, received, &condition, room).map_err(StoreError::of_write)).await
            }
            Err(error) => Err(error.into()),
        };
        if matches!(stored, Err(StoreError::QuotaFull)) {
            // Too late for this one, whose bytes are gone.
            self.make_room().await;
        } else if self.0.is_sweep_due(SWEEP_EVERY) {
            let store = self.clone();
            // Nobody waits for it; what it could not do it tries again next time.
            drop(tokio::task::spawn_blocking(move || store.sweep()));
        }
        stored
    }

    /// Sweeps because there is no room: something may have expired, or another process removed it. Not more often than
    /// leaves nine tenths of the time for other work.
    async fn make_room(&self) {
        let (_, took) = *self.0.swept.lock().unwrap_or_else(PoisonError::into_inner);
        if self.0.is_sweep_due(took.saturating_mul(10)) {
            let store = self.clone();
            if let Err(error) = blocking(move || store.sweep()).await {
                tracing::warn!(%error, "the uploads' folder could not be swept");
            }
        }
    }

    /// Writes `body` under a new random name.
    pub async fn create<E>(
        &self,
        body: impl Stream<Item = Result<Bytes, E>>,
        announced: Announced,
    ) -> Result<Stored, StoreError> {
        let announced = Announced { condition: Condition::Absent, ..announced };
        self.put(&UploadName::random()?, body, announced).await
    }

    pub async fn get(&self, name: &UploadName) -> Result<Opened, StoreError> {
        let (inner, name) = (self.0.clone(), name.clone());
        blocking(move || inner.get(&name)).await
    }

    pub async fn head(&self, name: &UploadName) -> Result<Meta, StoreError> {
        Ok(self.get(name).await?.meta)
    }

    pub async fn delete(&self, name: &UploadName, condition: Condition) -> Result<(), StoreError> {
        let (inner, name) = (self.0.clone(), name.clone());
        blocking(move || inner.delete(&name, &condition)).await
    }

    /// Removes dead temporaries, uploads past their `ttl` and sidecars without upload, and counts anew. Blocks on the disk.
    pub fn sweep(&self) -> Result<(), StoreError> {
        let Some(folder) = &self.0.folder else { return Ok(()) };
        let begun = Instant::now();
        folder.sweep()?;
        partial::Partials::of(self).sweep(folder)?;
        let _change = self.0.change(folder);
        let (mut stored, mut files) = (0_u64, 0_u64);
        for name in folder.names()? {
            match name.strip_prefix(SIDECAR) {
                Some(of) if folder.read(of).is_err() => drop(folder.remove(&name)),
                _ => {}
            }
            let Ok(name) = UploadName::new(&name) else { continue };
            let Ok(there) = folder.read(&name.0).and_then(|file| file.metadata()) else { continue };
            if self.0.is_expired(&there) && folder.remove(&name.0).is_ok() {
                let _ = folder.remove(&name.sidecar());
            } else {
                stored = stored.saturating_add(there.len());
                files += 1;
            }
        }
        let mut usage = self.0.usage();
        (usage.stored, usage.files) = (stored, files);
        *self.0.swept.lock().unwrap_or_else(PoisonError::into_inner) = (Instant::now(), begun.elapsed());
        Ok(())
    }

    /// Bytes of all uploads that are there.
    pub fn bytes(&self) -> u64 {
        self.0.usage().stored
    }
}

/// What is held while names change: this process' turn and, where the folder can be written, that among processes.
type Turn<'a> = (MutexGuard<'a, ()>, Option<File>);

impl Inner {
    fn usage(&self) -> MutexGuard<'_, Usage> {
        self.usage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, folder: &Folder) -> Turn<'_> {
        let turn = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        (turn, folder.lock(LOCK).ok())
    }

    /// True once when the last sweep is so long ago: whoever is told so sweeps.
    fn is_sweep_due(&self, after: Duration) -> bool {
        let mut swept = self.swept.lock().unwrap_or_else(PoisonError::into_inner);
        let due = swept.0.elapsed() >= after;
        if due {
            swept.0 = Instant::now();
        }
        due
    }

    fn is_expired(&self, there: &std::fs::Metadata) -> bool {
        let age = there.modified().ok().and_then(|at| SystemTime::now().duration_since(at).ok());
        self.settings.ttl.is_some_and(|ttl| age.is_some_and(|age| age > ttl))
    }

    fn get(&self, name: &UploadName) -> Result<Opened, StoreError> {
        let folder = self.folder.as_ref().ok_or(StoreError::NotFound)?;
        let mut file = folder.read(&name.0)?;
        let there = file.metadata()?;
        if self.is_expired(&there) {
            return Err(StoreError::NotFound);
        }
        let sidecar = match Sidecar::read(folder, &name.sidecar()).filter(|sidecar| sidecar.is_of(&there)) {
            Some(sidecar) => sidecar,
            None => {
                // Lost in a crash, or the file was put here by hand.
                let sidecar = Sidecar::of(&mut file, &there)?;
                if let Err(error) = sidecar.write(folder, &name.sidecar()) {
                    tracing::debug!(%error, "a sidecar could not be written");
                }
                sidecar
            }
        };
        let modified = there.modified()?;
        let meta = Meta { bytes: there.len(), sha256: sidecar.sha256, media_type: sidecar.media_type, modified };
        Ok(Opened { file, meta })
    }

    fn check(&self, name: &UploadName, condition: &Condition) -> Result<Option<Meta>, StoreError> {
        let there = match self.get(name) {
            Ok(opened) => Some(opened.meta),
            Err(StoreError::NotFound) => None,
            Err(other) => return Err(other),
        };
        if condition.holds(there.as_ref()) { Ok(there) } else { Err(StoreError::PreconditionFailed) }
    }

    fn commit(
        &self,
        folder: &Arc<Folder>,
        name: UploadName,
        received: Received,
        condition: &Condition,
        mut room: Reservation,
    ) -> Result<Stored, StoreError> {
        let Received { temporary, file, bytes, sha256, head } = received;
        let there = file.metadata()?;
        let media_type = media_type(&head).to_owned();
        let sidecar =
            Sidecar { inode: there.ino(), modified: modified_nanos(&there), bytes, sha256, media_type: media_type.clone() };
        let _change = self.change(folder);
        if *condition != Condition::None {
            self.check(&name, condition)?;
        }
        let old = match folder.read(&name.0).and_then(|file| file.metadata()) {
            Ok(old) => Some(old),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error.into()),
        };
        if old.is_none() && self.usage().files >= self.settings.max_uploads {
            return Err(StoreError::QuotaFull);
        }
        let existing = if condition.wants_nothing() && old.is_none() { Existing::Refuse } else { Existing::Replace };
        match temporary.keep(&name.0, existing) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(StoreError::PreconditionFailed),
            kept => kept?,
        }
        folder.sync()?;
        // Only a shortcut: without it the digest is computed when it is asked for.
        if let Err(error) = sidecar.write(folder, &name.sidecar()) {
            tracing::debug!(%error, "a sidecar could not be written");
        }
        let mut usage = self.usage();
        usage.stored = usage.stored.saturating_sub(old.as_ref().map_or(0, |old| old.len())).saturating_add(bytes);
        usage.files += u64::from(old.is_none());
        // In the same step: at no moment do the bytes count twice.
        usage.reserved = usage.reserved.saturating_sub(std::mem::take(&mut room.held));
        drop(usage);
        let created = old.is_none_or(|old| self.is_expired(&old));
        Ok(Stored { name, created, meta: Meta { bytes, sha256, media_type, modified: there.modified()? } })
    }

    fn delete(&self, name: &UploadName, condition: &Condition) -> Result<(), StoreError> {
        let folder = self.folder.as_ref().ok_or(StoreError::NotFound)?;
        let _change = self.change(folder);
        let there = self.check(name, condition)?.ok_or(StoreError::NotFound)?;
        folder.remove(&name.0)?;
        let _ = folder.remove(&name.sidecar());
        folder.sync()?;
        let mut usage = self.usage();
        usage.stored = usage.stored.saturating_sub(there.bytes);
        usage.files = usage.files.saturating_sub(1);
        Ok(())
    }
}

/// Room in the quota, given back when dropped.
struct Reservation {
    inner: Arc<Inner>,
    held: u64,
    needed: u64,
}

impl Reservation {
    fn hold(&mut self, more: u64) -> bool {
        let mut usage = self.inner.usage();
        let all = usage.stored.saturating_add(usage.reserved).saturating_add(usage.partial.bytes()).saturating_add(more);
        if all > self.inner.settings.quota {
            return false;
        }
        usage.reserved += more;
        self.held += more;
        true
    }
}

impl Room for Reservation {
    fn take(&mut self, bytes: u64) -> bool {
        self.needed = self.needed.saturating_add(bytes);
        let more = self.needed.saturating_sub(self.held);
        more == 0 || self.hold(more)
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut usage = self.inner.usage();
        usage.reserved = usage.reserved.saturating_sub(self.held);
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, StoreError> + Send + 'static) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|lost| Err(StoreError::Io(io::Error::other(lost))))
}
