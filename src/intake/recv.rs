//! The receiving function of uploads and fetched pictures: a stream into memory, or into a file that appears whole or not at all.

use std::convert::Infallible;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags, RenameFlags};
use sha2::{Digest, Sha256};
use tokio::task::JoinHandle;

use super::bounded::{Bounds, PourError, Sink, pour};

/// Every name in a folder that begins so is a file under way; nobody else may use the prefix.
pub const TEMPORARY: &str = ".tmp-";
/// What one write to the disk holds; two of these are all the memory an upload of any length needs.
const WRITE_BYTES: usize = 256 << 10;
/// Memory set aside on the word of an announced length, before the bytes come.
const TRUSTED_BYTES: u64 = 1 << 20;
/// How much of a file's beginning is kept to tell what it is.
pub const HEAD_BYTES: usize = 512;

pub type Sha = [u8; 32];

/// Receives into memory.
pub async fn into_memory<St, E>(stream: St, bounds: &Bounds) -> Result<Bytes, PourError<E, Infallible>>
where
    St: Stream<Item = Result<Bytes, E>>,
{
    let expected = bounds.announced.unwrap_or(0).min(TRUSTED_BYTES).min(bounds.most);
    let mut heap = Heap(BytesMut::with_capacity(usize::try_from(expected).unwrap_or(0)));
    pour(stream, bounds, &mut heap).await?;
    Ok(heap.0.freeze())
}

struct Heap(BytesMut);

impl Sink for Heap {
    type Error = Infallible;

    async fn take(&mut self, chunk: Bytes) -> Result<(), Infallible> {
        self.0.extend_from_slice(&chunk);
        Ok(())
    }
}

/// A folder held open: what happens in it is named by single components and cannot be led elsewhere.
#[derive(Debug)]
pub struct Folder(OwnedFd);

impl Folder {
    /// Opens the folder and makes it first where it is missing.
    pub fn open(path: &Path) -> io::Result<Folder> {
        if !path.is_dir() {
            std::fs::create_dir_all(path)?;
            // A new folder's own name must outlive a crash too; where that cannot be made sure nothing else can be done.
            for above in path.ancestors().skip(1).take(2) {
                let _ = File::open(above).and_then(|above| above.sync_all());
            }
        }
        let fd = rustix::fs::open(path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        Ok(Folder(fd))
    }

    /// Opens a plain file for reading; anything else (a link, a pipe, a folder) is as good as absent.
    pub fn read(&self, name: &str) -> io::Result<File> {
        // NONBLOCK so that a pipe put there by somebody does not hold the thread.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match rustix::fs::openat(&self.0, name, flags, Mode::empty()) {
            Err(rustix::io::Errno::LOOP | rustix::io::Errno::MLINK | rustix::io::Errno::NXIO) => {
                return Err(io::ErrorKind::NotFound.into());
            }
            opened => File::from(opened?),
        };
        if file.metadata()?.is_file() { Ok(file) } else { Err(io::ErrorKind::NotFound.into()) }
    }

    /// A new file under a random temporary name, locked while it is alive so that no sweep takes it for a dead one.
    pub fn temporary(self: &Arc<Folder>) -> io::Result<(Temporary, File)> {
        loop {
            let name = format!("{TEMPORARY}{}", random_name()?);
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let file = match rustix::fs::openat(&self.0, &name, flags, Mode::from_raw_mode(0o640)) {
                Err(rustix::io::Errno::EXIST) => continue,
                opened => File::from(opened?),
            };
            let temporary = Temporary { folder: self.clone(), name: Some(name) };
            rustix::fs::flock(&file, FlockOperation::LockExclusive)?;
            // Between creation and lock another process' sweep may have taken it.
            if rustix::fs::fstat(&file)?.st_nlink > 0 {
                return Ok((temporary, file));
            }
        }
    }

    /// A new file of that name, open for reading and writing.
    pub fn make(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(File::from(rustix::fs::openat(&self.0, name, flags, Mode::from_raw_mode(0o640))?))
    }

    /// A plain file that is there, open for reading and writing; anything else is as good as absent.
    pub fn write(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match rustix::fs::openat(&self.0, name, flags, Mode::empty()) {
            Err(rustix::io::Errno::LOOP | rustix::io::Errno::MLINK | rustix::io::Errno::NXIO) => {
                return Err(io::ErrorKind::NotFound.into());
            }
            opened => File::from(opened?),
        };
        if file.metadata()?.is_file() { Ok(file) } else { Err(io::ErrorKind::NotFound.into()) }
    }

    /// The file `name`, which `file` is, under a temporary name as well: to be kept under another one while the first still stands.
    pub fn second_name(self: &Arc<Folder>, name: &str, file: &File) -> io::Result<Temporary> {
        // So that no sweep takes it for a dead one.
        rustix::fs::flock(file, FlockOperation::LockExclusive)?;
        let temporary = format!("{TEMPORARY}{}", random_name()?);
        match rustix::fs::linkat(&self.0, name, &self.0, &temporary, AtFlags::empty()) {
            // A file system without hard links.
            Err(rustix::io::Errno::PERM | rustix::io::Errno::NOTSUP | rustix::io::Errno::NOSYS) => {
                rustix::fs::renameat(&self.0, name, &self.0, &temporary)?;
            }
            linked => linked?,
        }
        Ok(Temporary { folder: self.clone(), name: Some(temporary) })
    }

    /// Removes the temporaries that nobody writes any more; answers how many.
    pub fn sweep(&self) -> io::Result<usize> {
        let mut swept = 0;
        for name in self.names()?.into_iter().filter(|name| name.starts_with(TEMPORARY)) {
            let Ok(file) = self.read(&name) else { continue };
            if rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok() && self.remove(&name).is_ok() {
                swept += 1;
            }
        }
        Ok(swept)
    }

    /// Every name in the folder that is UTF-8, in no order.
    pub fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in rustix::fs::Dir::read_from(&self.0)? {
            if let Ok(name) = entry?.file_name().to_str().map(str::to_owned)
                && name != "."
                && name != ".."
            {
                names.push(name);
            }
        }
        Ok(names)
    }

    pub fn remove(&self, name: &str) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.0, name, AtFlags::empty())?)
    }

    /// Makes what was renamed or removed in the folder outlive a crash.
    pub fn sync(&self) -> io::Result<()> {
        Ok(rustix::fs::fsync(&self.0)?)
    }

    /// Holds the folder for this process among those that ask for it, until the file is dropped.
    pub fn lock(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = File::from(rustix::fs::openat(&self.0, name, flags, Mode::from_raw_mode(0o640))?);
        rustix::fs::flock(&file, FlockOperation::LockExclusive)?;
        Ok(file)
    }
}

impl AsFd for Folder {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// 128 random bits as 32 hex digits.
pub fn random_name() -> io::Result<String> {
    let mut bits = [0; 16];
    getrandom::fill(&mut bits).map_err(io::Error::other)?;
    Ok(hex(&bits))
}

pub fn hex(bytes: &[u8]) -> String {
    let digit = |n: u8| char::from(if n < 10 { b'0' + n } else { b'a' + n - 10 });
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// A file under way. Dropped, it is gone.
#[derive(Debug)]
pub struct Temporary {
    folder: Arc<Folder>,
    name: Option<String>,
}

/// Whether a name that is there already is taken over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Existing {
    Replace,
    Refuse,
}

impl Temporary {
    /// Gives the file its name, in one step; `AlreadyExists` where `existing` refuses.
    pub fn keep(mut self, name: &str, existing: Existing) -> io::Result<()> {
        let Some(temporary) = self.name.as_deref() else { return Ok(()) };
        let folder = &self.folder.0;
        match existing {
            Existing::Replace => rustix::fs::renameat(folder, temporary, folder, name)?,
            Existing::Refuse => match rustix::fs::renameat_with(folder, temporary, folder, name, RenameFlags::NOREPLACE) {
                // Some network file systems do not know the flag: a hard link refuses just the same.
                Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS | rustix::io::Errno::NOTSUP) => {
                    rustix::fs::linkat(folder, temporary, folder, name, AtFlags::empty())?;
                    rustix::fs::unlinkat(folder, temporary, AtFlags::empty())?;
                }
                renamed => renamed?,
            },
        }
        self.name = None;
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Some(name) = self.name.take() {
            // Nothing can be done about a failure here; the next sweep tries again.
            let _ = self.folder.remove(&name);
        }
    }
}

/// Room on the disk, asked for as the bytes come.
pub trait Room: Send {
    /// Whether `bytes` more may be written.
    fn take(&mut self, bytes: u64) -> bool;
}

/// Room without end, for what is bounded otherwise.
#[derive(Clone, Copy, Debug)]
pub struct Unmetered;

impl Room for Unmetered {
    fn take(&mut self, _bytes: u64) -> bool {
        true
    }
}

/// A file that is complete and on the disk, but has no name yet.
#[derive(Debug)]
pub struct Received {
    pub temporary: Temporary,
    pub file: File,
    pub bytes: u64,
    pub sha256: Sha,
    /// The first [`HEAD_BYTES`] or fewer.
    pub head: Vec<u8>,
}

/// Why bytes could not be put on the disk.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    #[error("no room is left")]
    NoRoom,
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Receives into a temporary file of `folder`, hashing as it writes, and returns once the bytes are on the disk.
///
/// Whatever goes wrong, and also when the future is dropped, nothing stays behind.
pub async fn into_file<St, E>(
    stream: St,
    bounds: &Bounds,
    folder: &Arc<Folder>,
    room: &mut impl Room,
) -> Result<Received, PourError<E, WriteError>>
where
    St: Stream<Item = Result<Bytes, E>>,
{
    let folder = folder.clone();
    let (temporary, file) = blocking(move || folder.temporary()).await.map_err(PourError::Sink)?;
    let mut disk = Disk::new(Hashing { file, sha: Sha256::new() }, room);
    let bytes = pour(stream, bounds, &mut disk).await?;
    disk.flush().await.map_err(PourError::Sink)?;
    let head = std::mem::take(&mut disk.head);
    let writer = disk.writer().await.map_err(PourError::Sink)?;
    let (file, sha256) = blocking(move || {
        writer.file.sync_all()?;
        Ok((writer.file, writer.sha.finalize().into()))
    })
    .await
    .map_err(PourError::Sink)?;
    Ok(Received { temporary, file, bytes, sha256, head })
}

/// Receives into what `writer` writes to, and gives the writer back with all bytes that came before the end, whatever the end was.
/// `None`: writing itself failed.
pub async fn append<St, E, W: Writer>(
    stream: St,
    bounds: &Bounds,
    writer: W,
    room: &mut impl Room,
) -> (Option<W>, Result<u64, PourError<E, WriteError>>)
where
    St: Stream<Item = Result<Bytes, E>>,
{
    let mut disk = Disk::new(writer, room);
    let poured = pour(stream, bounds, &mut disk).await;
    let flushed = match disk.flush().await {
        Ok(()) => disk.writer().await,
        Err(error) => Err(error),
    };
    match flushed {
        Ok(writer) => (Some(writer), poured),
        Err(error) => (None, poured.and(Err(PourError::Sink(error)))),
    }
}

/// Takes bytes in order, off the async threads.
pub trait Writer: Send + 'static {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;
}

struct Hashing {
    file: File,
    sha: Sha256,
}

impl Writer for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.sha.update(bytes);
        self.file.write_all(bytes)
    }
}

enum State<W> {
    Idle(W),
    Writing(JoinHandle<Result<W, io::Error>>),
    Failed,
}

/// Collects chunks into writes of [`WRITE_BYTES`]; while one is on its way to the disk the next is filled.
struct Disk<'a, W, R> {
    full: Vec<u8>,
    head: Vec<u8>,
    state: State<W>,
    room: &'a mut R,
}

impl<'a, W: Writer, R: Room> Disk<'a, W, R> {
    fn new(writer: W, room: &'a mut R) -> Disk<'a, W, R> {
        Disk { full: Vec::new(), head: Vec::new(), state: State::Idle(writer), room }
    }

    /// Waits for the write under way.
    async fn writer(&mut self) -> Result<W, WriteError> {
        match std::mem::replace(&mut self.state, State::Failed) {
            State::Idle(writer) => Ok(writer),
            State::Writing(task) => Ok(task.await.map_err(io::Error::other)??),
            State::Failed => Err(io::Error::other("written after a failure").into()),
        }
    }

    async fn flush(&mut self) -> Result<(), WriteError> {
        if self.full.is_empty() {
            return Ok(());
        }
        let mut writer = self.writer().await?;
        let full = std::mem::take(&mut self.full);
        self.state = State::Writing(tokio::task::spawn_blocking(move || {
            writer.write(&full)?;
            Ok(writer)
        }));
        Ok(())
    }
}

impl<W: Writer, R: Room> Sink for Disk<'_, W, R> {
    type Error = WriteError;

    async fn take(&mut self, mut chunk: Bytes) -> Result<(), WriteError> {
        if !self.room.take(chunk.len() as u64) {
            return Err(WriteError::NoRoom);
        }
        let missing = HEAD_BYTES.saturating_sub(self.head.len()).min(chunk.len());
        self.head.extend_from_slice(chunk.get(..missing).unwrap_or_default());
        while !chunk.is_empty() {
            if self.full.capacity() == 0 {
                self.full.reserve_exact(WRITE_BYTES);
            }
            let part = chunk.split_to(chunk.len().min(WRITE_BYTES.saturating_sub(self.full.len())));
            self.full.extend_from_slice(&part);
            if self.full.len() >= WRITE_BYTES {
                self.flush().await?;
            }
        }
        Ok(())
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T, WriteError> {
    Ok(tokio::task::spawn_blocking(work).await.map_err(io::Error::other)??)
}

#[cfg(test)]
mod tests {
    use futures_util::{StreamExt, stream};

    use super::*;

    fn names(folder: &Folder) -> Vec<String> {
        folder.names().unwrap()
    }

    fn body(chunks: usize, each: usize) -> impl Stream<Item = Result<Bytes, &'static str>> {
        stream::iter(0..chunks).map(move |i| Ok(Bytes::from(vec![i as u8; each])))
    }

    #[tokio::test]
    async fn memory_and_file_hold_the_same_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Arc::new(Folder::open(dir.path()).unwrap());
        let bounds = Bounds::bytes(2_000_000);
        let in_memory = into_memory(body(13, 100_001), &bounds).await.unwrap();
        let received = into_file(body(13, 100_001), &bounds, &folder, &mut Unmetered).await.unwrap();
        assert_eq!(received.bytes, in_memory.len() as u64);
        assert_eq!(received.sha256, <Sha>::from(Sha256::digest(&in_memory)));
        assert_eq!(received.head, in_memory[..HEAD_BYTES]);
        received.temporary.keep("whole", Existing::Refuse).unwrap();
        assert_eq!(std::fs::read(dir.path().join("whole")).unwrap(), in_memory);
        assert_eq!(names(&folder), ["whole"]);
    }

    #[tokio::test]
    async fn whatever_goes_wrong_nothing_stays() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Arc::new(Folder::open(dir.path()).unwrap());
        // Cut after every chunk, before and after the buffer was written once.
        for whole in 0..8 {
            let cut = body(whole, 50_000).chain(stream::iter([Err("reset")]));
            let failed = into_file(cut, &Bounds::bytes(1 << 20), &folder, &mut Unmetered).await;
            assert!(matches!(failed, Err(PourError::Broken("reset"))), "{whole}");
            let short = Bounds { announced: Some(500_000), ..Bounds::bytes(1 << 20) };
            let failed = into_file(body(whole, 50_000), &short, &folder, &mut Unmetered).await;
            assert!(matches!(failed, Err(PourError::Incomplete { .. })), "{whole}");
            // The future dropped while it waits for more.
            let hanging = body(whole, 50_000).chain(stream::pending());
            let soon = std::time::Duration::from_millis(10);
            let bounds = Bounds::bytes(1 << 20);
            let dropped = tokio::time::timeout(soon, into_file(hanging, &bounds, &folder, &mut Unmetered)).await;
            assert!(dropped.is_err());
            assert_eq!(names(&folder), [""; 0], "{whole}");
        }
        let received = into_file(body(1, 10), &Bounds::bytes(10), &folder, &mut Unmetered).await.unwrap();
        drop(received);
        assert_eq!(names(&folder), [""; 0]);
    }

    #[tokio::test]
    async fn a_sweep_takes_dead_temporaries_only() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Arc::new(Folder::open(dir.path()).unwrap());
        std::fs::write(dir.path().join(".tmp-dead"), "x").unwrap();
        std::fs::write(dir.path().join("kept"), "x").unwrap();
        let (alive, file) = folder.temporary().unwrap();
        assert_eq!(Folder::open(dir.path()).unwrap().sweep().unwrap(), 1);
        let mut left = names(&folder);
        left.sort();
        assert_eq!(left, [alive.name.as_deref().unwrap(), "kept"]);
        drop((alive, file));
    }

    #[test]
    fn a_taken_name_is_refused_where_asked() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Arc::new(Folder::open(dir.path()).unwrap());
        std::fs::write(dir.path().join("taken"), "old").unwrap();
        let (first, _file) = folder.temporary().unwrap();
        assert_eq!(first.keep("taken", Existing::Refuse).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(names(&folder), ["taken"]);
        let (second, _file) = folder.temporary().unwrap();
        second.keep("taken", Existing::Replace).unwrap();
        assert_eq!(std::fs::read(dir.path().join("taken")).unwrap(), b"");
    }
}
