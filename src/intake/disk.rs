//! The disk tier: contents under their digest, and per URL a sidecar that says which content and how long it is good.
//!
//! Nothing is synced: what a crash leaves broken is recognised by its digest and counts as a miss. Several processes may share the
//! folder, since files appear by rename only and every file is judged by itself.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use url::Url;

use super::freshness::Freshness;
use super::recv::random_name;

/// Headers and a URL; what is longer is not kept.
const MAX_SIDECAR: u64 = 64 << 10;
/// What a file costs at least: a block. Bounds the number of files too.
const BLOCK: u64 = 4_096;
/// A file's time is renewed at most so often when it is used; eviction is by that time.
const TOUCH_AFTER: Duration = Duration::from_secs(60);
/// A temporary file this old has no writer any more.
const DEAD_AFTER: Duration = Duration::from_secs(600);
/// The janitor looks anew after so many writes even below the cap: other processes write too.
const LOOK_AFTER: u64 = 256;
/// How much of a blob's name and of a sidecar's seal: 256 bits in hex.
const DIGEST_HEX: usize = 64;

/// What is known of one URL.
#[derive(Serialize, Deserialize)]
struct Sidecar {
    url: String,
    blob: String,
    bytes: u64,
    freshness: Freshness,
}

#[derive(Debug)]
pub struct Disk {
    blobs: PathBuf,
    sidecars: PathBuf,
    cap: u64,
    used: AtomicU64,
    writes: AtomicU64,
    evicted: AtomicU64,
    janitor: Mutex<()>,
}

impl Disk {
    /// `cap`: bytes of all files together, each rounded up to a block.
    pub fn open(root: &Path, cap: u64) -> io::Result<Disk> {
        // The number is that of the format: another one reads nothing of this.
        let root = root.join("sources-1");
        let disk = Disk {
            blobs: root.join("blobs"),
            sidecars: root.join("urls"),
            cap,
            used: AtomicU64::new(0),
            writes: AtomicU64::new(0),
            evicted: AtomicU64::new(0),
            janitor: Mutex::new(()),
        };
        for folder in [&disk.blobs, &disk.sidecars] {
            std::fs::create_dir_all(folder)?;
        }
        // Found out now rather than at every picture.
        let probe = disk.blobs.join(format!(".tmp-{}", random_name()?));
        File::create_new(&probe)?;
        std::fs::remove_file(&probe)?;
        disk.tidy();
        Ok(disk)
    }

    /// Bytes in use, as far as this process knows, and files evicted by it.
    pub fn counts(&self) -> (u64, u64) {
        (self.used.load(Ordering::Relaxed), self.evicted.load(Ordering::Relaxed))
    }

    /// What is stored for `url`, if all of it is sound. Blocks.
    pub fn load(&self, url: &Url) -> Option<(Freshness, Bytes)> {
        let path = self.sidecar(url);
        let text = read_up_to(&path, MAX_SIDECAR)?;
        let Some(sidecar) = unseal(&text).filter(|sidecar| sidecar.url == url.as_str()) else {
            discard(&path);
            return None;
        };
        let blob = self.blobs.join(&sidecar.blob);
        let bytes = read_up_to(&blob, sidecar.bytes)?;
        if bytes.len() as u64 != sidecar.bytes || blake3::hash(&bytes).to_hex().as_str() != sidecar.blob {
            discard(&blob);
            discard(&path);
            return None;
        }
        touch(&path);
        touch(&blob);
        Some((sidecar.freshness, bytes.into()))
    }

    /// Stores `bytes` for `url` in place of what was there. Blocks. An error leaves at most the old state.
    pub fn save(&self, url: &Url, freshness: &Freshness, bytes: &Bytes) -> io::Result<()> {
        let length = bytes.len() as u64;
        if length > self.cap / 2 {
            return Ok(());
        }
        let name = blake3::hash(bytes).to_hex().to_string();
        let blob = self.blobs.join(&name);
        match std::fs::metadata(&blob) {
            Ok(there) if there.len() == length => touch(&blob),
            _ => self.write(&self.blobs, &blob, bytes)?,
        }
        let sidecar = Sidecar { url: url.as_str().to_owned(), blob: name, bytes: length, freshness: freshness.clone() };
        let text = seal(&sidecar)?;
        if text.len() as u64 <= MAX_SIDECAR {
            self.write(&self.sidecars, &self.sidecar(url), &text)?;
        }
        let writes = self.writes.fetch_add(1, Ordering::Relaxed);
        if self.used.load(Ordering::Relaxed) > self.cap || writes % LOOK_AFTER == LOOK_AFTER - 1 {
            self.tidy();
        }
        Ok(())
    }

    /// Forgets what is stored for `url`. Its content goes with time.
    pub fn remove(&self, url: &Url) {
        discard(&self.sidecar(url));
    }

    fn sidecar(&self, url: &Url) -> PathBuf {
        self.sidecars.join(blake3::hash(url.as_str().as_bytes()).to_hex().as_str())
    }

    fn write(&self, folder: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let temporary = folder.join(format!(".tmp-{}", random_name()?));
        let written = File::create_new(&temporary)
            .and_then(|mut file| file.write_all(bytes))
            .and_then(|()| std::fs::rename(&temporary, path));
        match written {
            Ok(()) => {
                self.used.fetch_add(weight(bytes.len() as u64), Ordering::Relaxed);
                Ok(())
            }
            Err(error) => {
                discard(&temporary);
                Err(error)
            }
        }
    }

    /// The janitor: counts what is there and, above the cap, removes what was not used for longest, down to nine tenths.
    fn tidy(&self) {
        let Ok(_alone) = self.janitor.try_lock() else { return };
        let now = SystemTime::now();
        let mut files = Vec::new();
        for entry in [&self.blobs, &self.sidecars].into_iter().flat_map(std::fs::read_dir).flatten().flatten() {
            let Ok(there) = entry.metadata() else { continue };
            let used = there.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            let temporary = entry.file_name().as_encoded_bytes().starts_with(b".tmp-");
            if temporary && now.duration_since(used).is_ok_and(|age| age > DEAD_AFTER) {
                discard(&entry.path());
            } else if there.is_file() {
                files.push((used, weight(there.len()), temporary, entry.path()));
            }
        }
        let mut all: u64 = files.iter().map(|(_, weight, ..)| weight).sum();
        if all > self.cap {
            files.sort();
            for (_, weight, _, path) in files.iter().filter(|(_, _, temporary, _)| !temporary) {
                if all <= self.cap - self.cap / 10 {
                    break;
                }
                discard(path);
                all = all.saturating_sub(*weight);
                self.evicted.fetch_add(1, Ordering::Relaxed);
            }
        }
        self.used.store(all, Ordering::Relaxed);
    }
}

fn weight(length: u64) -> u64 {
    length.div_ceil(BLOCK).max(1).saturating_mul(BLOCK)
}

/// Gone already is as good as removed; a failure shows when the janitor counts.
fn discard(path: &Path) {
    let _ = std::fs::remove_file(path);
}

fn touch(path: &Path) {
    let now = SystemTime::now();
    let Ok(file) = File::open(path) else { return };
    let used = file.metadata().and_then(|there| there.modified());
    if used.is_ok_and(|used| now.duration_since(used).is_ok_and(|age| age > TOUCH_AFTER)) {
        let _ = file.set_modified(now);
    }
}

/// The whole file if it has at most `most` bytes.
fn read_up_to(path: &Path, most: u64) -> Option<Vec<u8>> {
    let file = File::open(path).ok()?;
    let length = file.metadata().ok().filter(|there| there.is_file())?.len();
    if length > most {
        return None;
    }
    let mut bytes = Vec::with_capacity(usize::try_from(length).ok()?);
    io::Read::read_to_end(&mut io::Read::take(file, most), &mut bytes).ok()?;
    Some(bytes)
}

/// The sidecar behind a digest of itself, so that half a file is never taken for a whole one.
fn seal(sidecar: &Sidecar) -> io::Result<Vec<u8>> {
    let json = serde_json::to_vec(sidecar)?;
    let mut text = blake3::hash(&json).to_hex().as_bytes().to_vec();
    text.extend_from_slice(&json);
    Ok(text)
}

fn unseal(text: &[u8]) -> Option<Sidecar> {
    let (digest, json) = text.split_at_checked(DIGEST_HEX)?;
    let whole = blake3::hash(json).to_hex().as_bytes() == digest;
    let sidecar: Sidecar = serde_json::from_slice(json).ok().filter(|_| whole)?;
    // It becomes part of a path.
    let plain = sidecar.blob.len() == DIGEST_HEX && sidecar.blob.bytes().all(|b| b.is_ascii_hexdigit());
    plain.then_some(sidecar)
}

#[cfg(test)]
mod tests {
    use super::super::freshness::Hop;
    use super::*;

    fn url(n: usize) -> Url {
        format!("http://a.example/{n}.png").parse().unwrap()
    }

    fn fresh(url: &Url) -> Freshness {
        let hop = Hop { url: url.clone(), status: http::StatusCode::OK, headers: http::HeaderMap::new() };
        Freshness::of(&hop, &[], Duration::from_secs(60), SystemTime::now()).unwrap()
    }

    fn save(disk: &Disk, n: usize, bytes: &[u8]) {
        disk.save(&url(n), &fresh(&url(n)), &Bytes::copy_from_slice(bytes)).unwrap();
    }

    fn files(folder: &Path) -> Vec<PathBuf> {
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
    }

    #[test]
    fn what_was_saved_is_loaded_by_any_process() {
        let dir = tempfile::tempdir().unwrap();
        let (one, other) = (Disk::open(dir.path(), 1 << 20).unwrap(), Disk::open(dir.path(), 1 << 20).unwrap());
        save(&one, 1, b"picture");
        save(&one, 2, b"picture");
        assert_eq!(other.load(&url(1)).unwrap().1, "picture");
        assert!(other.load(&url(3)).is_none());
        assert_eq!(files(&one.blobs).len(), 1, "equal contents share a file");
        other.remove(&url(1));
        assert!(one.load(&url(1)).is_none() && one.load(&url(2)).is_some());
        save(&one, 2, b"another");
        assert_eq!(other.load(&url(2)).unwrap().1, "another");
    }

    #[test]
    fn broken_files_are_misses() {
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::open(dir.path(), 1 << 20).unwrap();
        let content = vec![7; 10_000];
        type Hurt = fn(&mut Vec<u8>);
        let hurts: [Hurt; 4] = [|b| b.truncate(b.len() / 2), |b| b.clear(), |b| b.push(0), |b| *b.last_mut().unwrap() ^= 1];
        for (n, hurt) in hurts.iter().enumerate() {
            for folder in [&disk.blobs, &disk.sidecars] {
                save(&disk, n, &content);
                assert!(disk.load(&url(n)).is_some());
                for path in files(folder) {
                    let mut bytes = std::fs::read(&path).unwrap();
                    hurt(&mut bytes);
                    std::fs::write(&path, bytes).unwrap();
                }
                assert!(disk.load(&url(n)).is_none(), "{n} in {}", folder.display());
            }
            save(&disk, n, &content);
            assert_eq!(disk.load(&url(n)).unwrap().1, content);
        }
    }

    #[test]
    fn the_janitor_keeps_the_cap_and_what_was_used_last() {
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::open(dir.path(), 40 * BLOCK).unwrap();
        let long_ago = |age| SystemTime::now() - Duration::from_secs(age);
        for n in 0..60_usize {
            save(&disk, n, &n.to_le_bytes());
            let age = if n == 3 { 10 } else { 10_000 - n as u64 };
            for path in files(&disk.blobs).into_iter().chain(files(&disk.sidecars)) {
                let file = File::open(&path).unwrap();
                if SystemTime::now().duration_since(file.metadata().unwrap().modified().unwrap()).unwrap()
                    < Duration::from_secs(5)
                {
                    file.set_modified(long_ago(age)).unwrap();
                }
            }
            assert!(disk.counts().0 <= 40 * BLOCK);
        }
        assert!(files(&disk.blobs).len() + files(&disk.sidecars).len() <= 40);
        assert!(disk.counts().1 >= 80);
        assert!(disk.load(&url(3)).is_some() && disk.load(&url(59)).is_some() && disk.load(&url(0)).is_none());
        save(&disk, 100, &vec![0; 21 * BLOCK as usize]);
        assert!(disk.load(&url(100)).is_none(), "more than half the cap is not kept");
    }

    #[test]
    fn old_temporaries_are_swept() {
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::open(dir.path(), 1 << 20).unwrap();
        for (name, age) in [(".tmp-old", 3_600), (".tmp-new", 1)] {
            File::create(disk.blobs.join(name)).unwrap().set_modified(SystemTime::now() - Duration::from_secs(age)).unwrap();
        }
        Disk::open(dir.path(), 1 << 20).unwrap();
        assert_eq!(files(&disk.blobs), [disk.blobs.join(".tmp-new")]);
    }
}
