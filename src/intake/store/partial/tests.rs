//! Uploads under way: kept across cuts and restarts, ended by newer requests, whole in the end and never before.

use std::path::Path;

use futures_util::{StreamExt, stream};
use sha1::Digest;

use super::chunk::SYNC_EVERY;
use super::*;
use crate::intake::bounded::MinRate;
use crate::intake::store::{Announced, StoreSettings};

const SETTINGS: StoreSettings = StoreSettings {
    max_upload_bytes: 100_000_000,
    quota: 120_000_000,
    max_uploads: 100,
    ttl: None,
    partial_ttl: Duration::from_secs(60),
    max_partials: 3,
    min_rate: None,
};

fn store(dir: &Path) -> Store {
    Store::open(Some(dir), SETTINGS)
}

fn bytes(n: usize) -> Vec<u8> {
    (0..n).map(|i| (i ^ (i >> 8)) as u8).collect()
}

fn body(bytes: &[u8]) -> impl Stream<Item = Result<Bytes, &'static str>> + Send + use<> {
    let chunks: Vec<_> = bytes.chunks(70_000).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
    stream::iter(chunks)
}

fn of(length: u64, name: &str) -> Wanted {
    Wanted { length: Some(length), name: UploadName::new(name).ok(), ..Wanted::default() }
}

fn at(at: u64) -> Chunk {
    Chunk { at, ..Chunk::default() }
}

/// Files of uploads under way.
fn hidden(dir: &Path) -> Vec<String> {
    let names = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name.starts_with(".tus-") || name.starts_with(".tmp-")).collect();
    names.sort();
    names
}

fn claimed(store: &Store) -> u64 {
    store.0.usage().partial.bytes()
}

#[tokio::test]
async fn piece_by_piece_with_cuts_and_restarts() {
    let dir = tempfile::tempdir().unwrap();
    let all = bytes(900_000);
    let (id, made) = Partials::of(&store(dir.path())).create(of(900_000, "a.bin")).await.unwrap();
    assert_eq!((made.offset, made.length, made.stored), (0, Some(900_000), None));
    let mut offset = 0;
    for sent in [1, 69_999, 300_000, 300_000] {
        // Every piece in a process of its own, and each is cut.
        let store = store(dir.path());
        assert_eq!(claimed(&store), 900_000, "reserved from the beginning");
        let cut = body(&all[offset..offset + sent]).chain(stream::iter([Err("reset")]));
        let failed = Partials::of(&store).append(&id, at(offset as u64), cut).await;
        assert!(matches!(failed, Err(PartialError::Store(StoreError::Incomplete))), "{failed:?}");
        offset += sent;
        assert_eq!(Partials::of(&store).head(&id).await.unwrap().offset, offset as u64);
        assert!(matches!(store.head(&UploadName::new("a.bin").unwrap()).await, Err(StoreError::NotFound)));
    }
    let store = store(dir.path());
    let wrong = Partials::of(&store).append(&id, at(5), body(b"x")).await;
    assert!(matches!(wrong, Err(PartialError::OffsetMismatch { offset: 670_000 })), "{wrong:?}");
    let done = Partials::of(&store).append(&id, at(offset as u64), body(&all[offset..])).await.unwrap();
    let stored = done.stored.clone().unwrap();
    assert_eq!(stored.meta.sha256, <recv::Sha>::from(sha2::Sha256::digest(&all)));
    assert_eq!(std::fs::read(dir.path().join("a.bin")).unwrap(), all);
    assert_eq!((claimed(&store), store.bytes()), (0, 900_000));
    // The answer may have been lost: it is given again, also after a restart.
    let again = Partials::of(&Store::open(Some(dir.path()), SETTINGS)).head(&id).await.unwrap();
    assert_eq!((again.offset, again.stored.map(|stored| stored.name)), (900_000, Some(stored.name)));
    assert_eq!(hidden(dir.path()), [id.record(), id.turn()]);
    Partials::of(&store).remove(&id).await.unwrap();
    assert_eq!(hidden(dir.path()), [""; 0]);
    assert!(matches!(Partials::of(&store).head(&id).await, Err(PartialError::NotFound)));
    assert_eq!(store.get(&UploadName::new("a.bin").unwrap()).await.unwrap().meta.bytes, 900_000, "what it became stays");
}

#[tokio::test]
async fn a_newer_request_ends_the_older_across_processes() {
    let dir = tempfile::tempdir().unwrap();
    let (one, other) = (store(dir.path()), store(dir.path()));
    let (id, _) = Partials::of(&one).create(of(10, "a")).await.unwrap();
    for newer in [&one, &other] {
        let start = Partials::of(newer).look(&id).await.unwrap().offset;
        let (told, heard) = tokio::sync::oneshot::channel();
        let hanging = {
            let (partials, id) = (Partials::of(&one), id.clone());
            // More is asked for when what came is taken.
            let more = stream::once(async move {
                let _ = told.send(());
                std::future::pending().await
            });
            tokio::spawn(async move { partials.append(&id, at(start), body(b"abc").chain(more)).await })
        };
        heard.await.unwrap();
        let head = Partials::of(newer).head(&id).await.unwrap();
        assert_eq!(head.offset, start + 3, "the older one's bytes count");
        assert!(matches!(hanging.await.unwrap(), Err(PartialError::Busy)));
    }
    let done = Partials::of(&other).append(&id, at(6), body(b"defg")).await.unwrap();
    assert!(done.stored.is_some());
    assert_eq!(std::fs::read(dir.path().join("a")).unwrap(), b"abcabcdefg");
}

#[tokio::test]
async fn checksums_hold_or_nothing_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let (id, _) = Partials::of(&store).create(of(8, "a")).await.unwrap();
    let sha1 = |bytes: &[u8]| Some(Checksum::Sha1(sha1::Sha1::digest(bytes).into()));
    let sha256 = |bytes: &[u8]| Some(Checksum::Sha256(sha2::Sha256::digest(bytes).into()));
    for checksum in [sha1(b"good"), sha256(b"good")] {
        let failed = Partials::of(&store).append(&id, Chunk { checksum, ..at(0) }, body(b"evil")).await;
        assert!(matches!(failed, Err(PartialError::ChecksumMismatch)), "{failed:?}");
        let cut = body(b"goo").chain(stream::iter([Err("reset")]));
        let failed = Partials::of(&store).append(&id, Chunk { checksum, ..at(0) }, cut).await;
        assert!(matches!(failed, Err(PartialError::Store(StoreError::Incomplete))));
        assert_eq!(Partials::of(&store).head(&id).await.unwrap().offset, 0);
    }
    assert_eq!(
        Partials::of(&store).append(&id, Chunk { checksum: sha1(b"good"), ..at(0) }, body(b"good")).await.unwrap().offset,
        4
    );
    let done = Partials::of(&store).append(&id, Chunk { checksum: sha256(b"work"), ..at(4) }, body(b"work")).await.unwrap();
    assert!(done.stored.is_some());
    assert_eq!(std::fs::read(dir.path().join("a")).unwrap(), b"goodwork");
}

#[tokio::test]
async fn lengths_at_their_edge() {
    let dir = tempfile::tempdir().unwrap();
    let settings = StoreSettings { max_upload_bytes: 1_000, ..SETTINGS };
    let store = Store::open(Some(dir.path()), settings);
    for (length, good) in [(999, true), (1_000, true), (1_001, false)] {
        let made = Partials::of(&store).create(of(length, "a")).await;
        assert_eq!(made.is_ok(), good, "{length}");
        let Ok((id, _)) = made else { continue };
        for (sent, fits) in [(length + 1, false), (length, true)] {
            for announced in [Some(sent), None] {
                if fits && announced.is_none() {
                    continue;
                }
                let chunk = Chunk { announced, ..at(0) };
                let done = Partials::of(&store).append(&id, chunk, body(&bytes(sent as usize))).await;
                assert_eq!(done.is_ok(), fits, "{sent} of {length}: {done:?}");
                if !fits {
                    assert_eq!(Partials::of(&store).head(&id).await.unwrap().offset, 0, "nothing of it was kept");
                }
            }
        }
    }
    // Deferred: the cap holds for what comes, and for what is told then.
    let (id, made) = Partials::of(&store).create(Wanted::default()).await.unwrap();
    assert_eq!((made.length, claimed(&store)), (None, 0));
    assert!(Partials::of(&store).append(&id, at(0), body(&bytes(1_001))).await.is_err());
    assert_eq!(Partials::of(&store).append(&id, at(0), body(&bytes(600))).await.unwrap().offset, 600);
    assert_eq!(claimed(&store), 600);
    for (length, good) in [(599, false), (1_001, false), (1_000, true), (999, false)] {
        let told = Partials::of(&store).append(&id, Chunk { length: Some(length), ..at(600) }, body(b"")).await;
        assert_eq!(told.is_ok(), good, "{length}: {told:?}");
    }
    assert_eq!(claimed(&store), 1_000);
    let done = Partials::of(&store).append(&id, at(600), body(&bytes(400))).await.unwrap();
    assert_eq!(done.stored.unwrap().name.as_str().len(), 32, "a name of its own");
    let (_, empty) = Partials::of(&store).create(of(0, "empty")).await.unwrap();
    assert_eq!(empty.stored.unwrap().meta.bytes, 0);
}

#[tokio::test]
async fn so_many_and_no_more_and_within_the_quota() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(Some(dir.path()), StoreSettings { quota: 1_000, ..SETTINGS });
    let mut ids = Vec::new();
    for n in 0..3 {
        ids.push(Partials::of(&store).create(of(300, "a")).await.unwrap().0);
        assert_eq!(claimed(&store), 300 * (n + 1));
    }
    assert!(matches!(Partials::of(&store).create(of(1, "b")).await, Err(PartialError::TooMany { most: 3 })));
    let name = UploadName::new("plain").unwrap();
    let announced = |length| Announced { length: Some(length), ..Announced::default() };
    assert!(matches!(store.put(&name, body(&bytes(101)), announced(101)).await, Err(StoreError::QuotaFull)));
    store.put(&name, body(&bytes(100)), announced(100)).await.unwrap();
    Partials::of(&store).remove(&ids[0]).await.unwrap();
    assert!(matches!(Partials::of(&store).create(of(301, "b")).await, Err(PartialError::Store(StoreError::QuotaFull))));
    Partials::of(&store).create(of(300, "b")).await.unwrap();
    assert_eq!(claimed(&store), 900);
    store.sweep().unwrap();
    assert_eq!(claimed(&Store::open(Some(dir.path()), SETTINGS)), 900, "counted anew");
}

#[tokio::test]
async fn conditions_are_judged_at_both_ends() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let wanted = Wanted { condition: Condition::Absent, ..of(3, "a") };
    let (id, _) = Partials::of(&store).create(wanted.clone()).await.unwrap();
    store.put(&UploadName::new("a").unwrap(), body(b"first"), Announced::default()).await.unwrap();
    let refused = |error: PartialError| matches!(error, PartialError::Store(StoreError::PreconditionFailed));
    assert!(refused(Partials::of(&store).create(wanted).await.unwrap_err()));
    assert!(refused(Partials::of(&store).append(&id, at(0), body(b"abc")).await.unwrap_err()));
    assert!(matches!(Partials::of(&store).head(&id).await, Err(PartialError::NotFound)), "it could never be completed");
    assert_eq!(std::fs::read(dir.path().join("a")).unwrap(), b"first");
    assert_eq!((hidden(dir.path()).len(), claimed(&store)), (0, 0));
}

#[tokio::test]
async fn what_is_not_completed_in_time_is_swept() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(Some(dir.path()), StoreSettings { partial_ttl: Duration::from_millis(50), ..SETTINGS });
    let (id, _) = Partials::of(&store).create(of(10, "a")).await.unwrap();
    let (done, _) = Partials::of(&store).create(of(0, "b")).await.unwrap();
    std::fs::write(dir.path().join(format!(".tus-{}", "0".repeat(32))), "without a record").unwrap();
    tokio::time::sleep(Duration::from_millis(60)).await;
    assert!(matches!(Partials::of(&store).head(&id).await, Err(PartialError::Gone)));
    assert!(matches!(Partials::of(&store).look(&done).await, Err(PartialError::Gone)));
    store.sweep().unwrap();
    assert_eq!((hidden(dir.path()).len(), claimed(&store)), (0, 0));
    assert!(matches!(Partials::of(&store).head(&id).await, Err(PartialError::NotFound)));
    assert_eq!(store.bytes(), 0);
    assert!(dir.path().join("b").exists(), "a finished upload is none of the sweep's business");
}

#[tokio::test]
async fn whatever_moment_a_crash_comes_at() {
    let dir = tempfile::tempdir().unwrap();
    let all = bytes(40_000_000);
    let id = {
        let store = store(dir.path());
        let (id, _) = Partials::of(&store).create(of(all.len() as u64, "a")).await.unwrap();
        let (partials, other) = (Partials::of(&store), id.clone());
        let hanging = body(&all[..39_000_000]).chain(stream::pending());
        let task = tokio::spawn(async move { partials.receive(&other, at(0), hanging).await });
        // Killed in the middle of a chunk: what was synced on the way counts, what lies beyond does not.
        while Partials::of(&store).look(&id).await.unwrap().offset < 2 * SYNC_EVERY {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        task.abort();
        let _ = task.await;
        id
    };
    std::fs::OpenOptions::new()
        .append(true)
        .open(dir.path().join(id.data()))
        .and_then(|mut file| std::io::Write::write_all(&mut file, b"garbage that was never counted"))
        .unwrap();
    let again = store(dir.path());
    let offset = Partials::of(&again).head(&id).await.unwrap().offset;
    assert_eq!(offset / (256 << 10), 2 * SYNC_EVERY / (256 << 10));
    assert_eq!(std::fs::metadata(dir.path().join(id.data())).unwrap().len(), offset, "what does not count was cut off");
    // All bytes there, but no name yet: the next process gives it.
    let folder = Arc::new(Folder::open(dir.path()).unwrap());
    std::fs::write(dir.path().join(id.data()), &all).unwrap();
    let record = Record { offset: all.len() as u64, ..Record::read(&folder, &id).unwrap() };
    record.write(&folder, &id).unwrap();
    let swept = store(dir.path());
    assert_eq!(std::fs::read(dir.path().join("a")).unwrap(), all);
    assert_eq!((claimed(&swept), swept.bytes()), (0, all.len() as u64));
    // The name is there, but the record does not say so yet.
    std::fs::hard_link(dir.path().join("a"), dir.path().join(id.data())).unwrap();
    record.write(&folder, &id).unwrap();
    let named = Partials::of(&store(dir.path())).head(&id).await.unwrap();
    assert_eq!(named.stored.unwrap().name.as_str(), "a");
    assert_eq!(hidden(dir.path()), [id.record(), id.turn()]);
}

#[tokio::test]
async fn a_slow_sender_is_given_up_and_its_bytes_stay() {
    let dir = tempfile::tempdir().unwrap();
    let min_rate = Some(MinRate { bytes_per_second: 1_000, grace: Duration::from_millis(50) });
    let store = Store::open(Some(dir.path()), StoreSettings { min_rate, ..SETTINGS });
    let (id, _) = Partials::of(&store).create(of(10, "a")).await.unwrap();
    let slow = Partials::of(&store).append(&id, at(0), body(b"abc").chain(stream::pending())).await;
    assert!(matches!(slow, Err(PartialError::Store(StoreError::TooSlow))), "{slow:?}");
    assert_eq!(Partials::of(&store).head(&id).await.unwrap().offset, 3);
}
