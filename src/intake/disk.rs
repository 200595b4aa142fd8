//! The disk tier: contents under their digest, and per URL a sidecar that says which content and how long it is good.
//!
//! Nothing is synced: what a crash leaves broken is recognised by its digest and counts as a miss. Several processes may share the
//! folder, since files appear by rename only, every file is judged by itself, and a file under way is locked by who writes it.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use url::Url;

use super::freshness::Freshness;
use super::ledger::Ledger;
use super::recv::{Existing, Folder, TEMPORARY};

/// Headers and a URL; what is longer is not kept.
const MAX_SIDECAR: u64 = 64 << 10;
/// What a file costs at least: a block. Bounds the number of files too.
const BLOCK: u64 = 4_096;
/// A file's time is renewed at most so often when it is used; eviction is by that time.
const TOUCH_AFTER: Duration = Duration::from_secs(60);
/// The janitor looks anew when so much of the cap was written since, or so many files: other processes write too.
const LOOK_AFTER_PART: u64 = 16;
const LOOK_AFTER_WRITES: u64 = 256;
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
    blobs: Shelf,
    sidecars: Shelf,
    cap: u64,
    used: AtomicU64,
    /// Since the janitor last looked.
    writes: AtomicU64,
    written: AtomicU64,
    evicted: AtomicU64,
    janitor: Mutex<()>,
}

/// A folder by its path and held open.
#[derive(Debug)]
struct Shelf {
    path: PathBuf,
    folder: Arc<Folder>,
}

impl Shelf {
    fn open(path: PathBuf) -> io::Result<Shelf> {
        Ok(Shelf { folder: Arc::new(Folder::open(&path)?), path })
    }
}

impl Disk {
    /// `cap`: bytes of all files together, each rounded up to a block.
    pub fn open(root: &Path, cap: u64) -> io::Result<Disk> {
        // The number is that of the format: another one reads nothing of this.
        let root = root.join("sources-1");
        let disk = Disk {
            blobs: Shelf::open(root.join("blobs"))?,
            sidecars: Shelf::open(root.join("urls"))?,
            cap,
            used: AtomicU64::new(0),
            writes: AtomicU64::new(0),
            written: AtomicU64::new(0),
            evicted: AtomicU64::new(0),
            janitor: Mutex::new(()),
        };
        // Found out now rather than at every picture; dropped at once.
        disk.blobs.folder.temporary()?;
        disk.tidy();
        Ok(disk)
    }

    /// Bytes in use, as far as this process knows, and files evicted by it.
    pub fn counts(&self) -> (u64, u64) {
        (self.used.load(Ordering::Relaxed), self.evicted.load(Ordering::Relaxed))
    }

    /// What is stored for `url`, if all of it is sound and there is room in memory. Blocks.
    pub fn load(&self, url: &Url, ledger: &Arc<Ledger>) -> Option<(Freshness, Bytes)> {
        let path = self.sidecar(url);
        let text = read_up_to(&path, MAX_SIDECAR)?;
        let Some(sidecar) = unseal(&text).filter(|sidecar| sidecar.url == url.as_str()) else {
            discard(&path);
            return None;
        };
        let blob = self.blobs.path.join(&sidecar.blob);
        let charge = ledger.charge(sidecar.bytes).ok()?;
        let bytes = read_up_to(&blob, sidecar.bytes)?;
        if bytes.len() as u64 != sidecar.bytes || blake3::hash(&bytes).to_hex().as_str() != sidecar.blob {
            discard(&blob);
            discard(&path);
            return None;
        }
        touch(&path);
        touch(&blob);
        Some((sidecar.freshness, charge.seal(bytes)))
    }

    /// Stores `bytes` for `url` in place of what was there. Blocks. An error leaves at most the old state.
    pub fn save(&self, url: &Url, freshness: &Freshness, bytes: &Bytes) -> io::Result<()> {
        let length = bytes.len() as u64;
        if length > self.cap / 2 {
            return Ok(());
        }
        let name = blake3::hash(bytes).to_hex().to_string();
        let blob = self.blobs.path.join(&name);
        match std::fs::metadata(&blob) {
            Ok(there) if there.len() == length => touch(&blob),
            _ => self.write(&self.blobs, &name, bytes)?,
        }
        let sidecar = Sidecar { url: url.as_str().to_owned(), blob: name, bytes: length, freshness: freshness.clone() };
        let text = seal(&sidecar)?;
        if text.len() as u64 <= MAX_SIDECAR {
            self.write(&self.sidecars, &sidecar_name(url), &text)?;
        }
        let (writes, written) = (self.writes.load(Ordering::Relaxed), self.written.load(Ordering::Relaxed));
        let due = writes >= LOOK_AFTER_WRITES || written > self.cap / LOOK_AFTER_PART;
        if due || self.used.load(Ordering::Relaxed) > self.cap {
            self.tidy();
        }
        Ok(())
    }

    /// Forgets what is stored for `url`, and the content itself, whoever else it is stored for: it is broken.
    pub fn spoil(&self, url: &Url) {
        let path = self.sidecar(url);
        if let Some(sidecar) = read_up_to(&path, MAX_SIDECAR).and_then(|text| unseal(&text)) {
            discard(&self.blobs.path.join(sidecar.blob));
        }
        discard(&path);
    }

    /// Forgets what is stored for `url`. Its content goes with time.
    pub fn remove(&self, url: &Url) {
        discard(&self.sidecar(url));
    }

    fn sidecar(&self, url: &Url) -> PathBuf {
        self.sidecars.path.join(sidecar_name(url))
    }

    fn write(&self, shelf: &Shelf, name: &str, bytes: &[u8]) -> io::Result<()> {
        let (temporary, mut file) = shelf.folder.temporary()?;
        file.write_all(bytes)?;
        temporary.keep(name, Existing::Replace)?;
        let weight = weight(bytes.len() as u64);
        self.used.fetch_add(weight, Ordering::Relaxed);
        self.written.fetch_add(weight, Ordering::Relaxed);
        self.writes.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// The janitor: counts what is there and, above the cap, removes what was not used for longest, down to nine tenths.
    fn tidy(&self) {
        let Ok(_alone) = self.janitor.try_lock() else { return };
        self.writes.store(0, Ordering::Relaxed);
        self.written.store(0, Ordering::Relaxed);
        let mut files = Vec::new();
        for shelf in [&self.blobs, &self.sidecars] {
            // What nobody writes any more; its writer died.
            let _ = shelf.folder.sweep();
            for entry in std::fs::read_dir(&shelf.path).into_iter().flatten().flatten() {
                let Ok(there) = entry.metadata() else { continue };
                let used = there.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                let temporary = entry.file_name().as_encoded_bytes().starts_with(TEMPORARY.as_bytes());
                if there.is_file() {
                    files.push((used, weight(there.len()), temporary, entry.path()));
                }
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

fn sidecar_name(url: &Url) -> String {
    blake3::hash(url.as_str().as_bytes()).to_hex().to_string()
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

    impl Disk {
        fn find(&self, n: usize) -> Option<(Freshness, Bytes)> {
            self.load(&url(n), &Ledger::new(u64::MAX))
        }
    }

    fn files(shelf: &Shelf) -> Vec<PathBuf> {
        std::fs::read_dir(&shelf.path).unwrap().map(|entry| entry.unwrap().path()).collect()
    }

    #[test]
    fn what_was_saved_is_loaded_by_any_process() {
        let dir = tempfile::tempdir().unwrap();
        let (one, other) = (Disk::open(dir.path(), 1 << 20).unwrap(), Disk::open(dir.path(), 1 << 20).unwrap());
        save(&one, 1, b"picture");
        save(&one, 2, b"picture");
        assert_eq!(other.find(1).unwrap().1, "picture");
        assert!(other.find(3).is_none());
        assert_eq!(files(&one.blobs).len(), 1, "equal contents share a file");
        other.remove(&url(1));
        assert!(one.find(1).is_none() && one.find(2).is_some());
        one.spoil(&url(2));
        assert_eq!((files(&one.blobs).len(), files(&one.sidecars).len()), (0, 0));
        save(&one, 2, b"another");
        assert_eq!(other.find(2).unwrap().1, "another");
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
                assert!(disk.find(n).is_some());
                for path in files(folder) {
                    let mut bytes = std::fs::read(&path).unwrap();
                    hurt(&mut bytes);
                    std::fs::write(&path, bytes).unwrap();
                }
                assert!(disk.find(n).is_none(), "{n} in {}", folder.path.display());
            }
            save(&disk, n, &content);
            assert_eq!(disk.find(n).unwrap().1, content);
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
        assert!(disk.find(3).is_some() && disk.find(59).is_some() && disk.find(0).is_none());
        save(&disk, 100, &vec![0; 21 * BLOCK as usize]);
        assert!(disk.find(100).is_none(), "more than half the cap is not kept");
    }

    #[test]
    fn what_is_loaded_is_on_the_ledger() {
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::open(dir.path(), 1 << 20).unwrap();
        save(&disk, 1, &[7; 1_000]);
        assert!(disk.load(&url(1), &Ledger::new(999)).is_none());
        let ledger = Ledger::new(1_000);
        let loaded = disk.load(&url(1), &ledger).unwrap();
        assert_eq!(ledger.held(), 1_000);
        drop(loaded);
        assert_eq!(ledger.held(), 0);
    }

    /// Content that is known by its number, of about `n` KiB.
    fn content(n: usize) -> Vec<u8> {
        n.to_le_bytes().into_iter().cycle().take(1_000 * (n + 1)).collect()
    }

    /// Saves and loads for as long as it is told to, or until it is killed.
    fn hammer(dir: &Path, seed: usize, turns: usize) -> usize {
        let disk = Disk::open(dir, 100 * BLOCK).unwrap();
        let mut found = 0;
        let mut state = seed;
        for _ in 0..turns {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let n = (state >> 33) % 40;
            match (state >> 60) % 4 {
                0 => save(&disk, n, &content(n)),
                1 if state.is_multiple_of(97) => disk.remove(&url(n)),
                _ => {
                    if let Some((_, bytes)) = disk.find(n) {
                        assert_eq!(bytes, content(n), "another's content, or half of it");
                        found += 1;
                    }
                }
            }
        }
        found
    }

    fn on_disk(dir: &Path) -> u64 {
        let folders = ["blobs", "urls"].map(|name| dir.join("sources-1").join(name));
        let all = folders.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap());
        all.map(|entry| weight(entry.unwrap().metadata().unwrap().len())).sum()
    }

    #[test]
    fn several_at_one_folder_never_see_half_a_picture_and_keep_the_cap() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path();
        std::thread::scope(|scope| {
            let writers: Vec<_> = (1..5).map(|seed| scope.spawn(move || hammer(path, seed, 3_000))).collect();
            for writer in writers {
                assert!(writer.join().unwrap() > 300, "it hits");
            }
        });
        // Each may have written a sixteenth of the cap since it last looked, and one file beyond.
        assert!(on_disk(dir.path()) <= 100 * BLOCK + 4 * (100 * BLOCK / LOOK_AFTER_PART + 11 * BLOCK), "{}", on_disk(dir.path()));
        let temporary = |path: &PathBuf| path.to_str().unwrap().contains(TEMPORARY);
        let disk = Disk::open(dir.path(), 100 * BLOCK).unwrap();
        assert!(!files(&disk.blobs).iter().chain(&files(&disk.sidecars)).any(temporary));
        assert!(on_disk(dir.path()) <= 100 * BLOCK);
    }

    /// Run by the test below in a process of its own.
    #[test]
    #[ignore = "it runs until it is killed"]
    fn a_writer() {
        if let Some(dir) = std::env::var_os("AFFICHE_TEST_DISK") {
            hammer(Path::new(&dir), std::process::id() as usize, 10_000_000);
        }
    }

    #[test]
    fn a_killed_writer_leaves_nothing_wrong_and_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        for turn in 0..6_u64 {
            let mut writers: Vec<_> = (0..2)
                .map(|_| {
                    std::process::Command::new(std::env::current_exe().unwrap())
                        .args(["intake::disk::tests::a_writer", "--exact", "--ignored", "--quiet"])
                        .env("AFFICHE_TEST_DISK", dir.path())
                        .stdout(std::process::Stdio::null())
                        .spawn()
                        .unwrap()
                })
                .collect();
            // They have begun once something is there; then some moment or other.
            let begun = std::time::Instant::now();
            while !dir.path().join("sources-1/urls").is_dir() && begun.elapsed() < Duration::from_secs(20) {
                std::thread::sleep(Duration::from_millis(5));
            }
            std::thread::sleep(Duration::from_millis(30 + turn * 17));
            for writer in &mut writers {
                assert!(writer.try_wait().unwrap().is_none(), "a writer failed by itself");
                writer.kill().unwrap();
                writer.wait().unwrap();
            }
            let disk = Disk::open(dir.path(), 100 * BLOCK).unwrap();
            let left: Vec<PathBuf> = files(&disk.blobs).into_iter().chain(files(&disk.sidecars)).collect();
            assert!(!left.iter().any(|path| path.to_str().unwrap().contains(TEMPORARY)), "{left:?}");
            let found = (0..40).filter(|n| disk.find(*n).is_some_and(|(_, bytes)| bytes == content(*n))).count();
            assert!(found > 0 || turn == 0, "it is of use still");
        }
    }

    #[test]
    fn dead_temporaries_are_swept_and_living_ones_are_not() {
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::open(dir.path(), 1 << 20).unwrap();
        File::create(disk.blobs.path.join(".tmp-dead")).unwrap();
        let (_living, _file) = disk.blobs.folder.temporary().unwrap();
        Disk::open(dir.path(), 1 << 20).unwrap();
        let left = files(&disk.blobs);
        assert!(left.len() == 1 && left[0] != disk.blobs.path.join(".tmp-dead"), "{left:?}");
    }
}
