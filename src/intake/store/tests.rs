//! Uploads: whole or not at all, inside their folder, within their quota.

use futures_util::{StreamExt, stream};
use sha2::{Digest, Sha256};

use super::*;
use crate::problem::Code;

const SETTINGS: StoreSettings = StoreSettings {
    max_upload_bytes: 1_000_000,
    quota: 2_000_000,
    max_uploads: 100,
    ttl: None,
    partial_ttl: Duration::from_secs(60),
    max_partials: 3,
    min_rate: None,
};

fn store(dir: &Path) -> Store {
    Store::open(Some(dir), SETTINGS)
}

fn name(name: &str) -> UploadName {
    UploadName::new(name).unwrap()
}

fn body(bytes: &[u8]) -> impl Stream<Item = Result<Bytes, &'static str>> + use<> {
    let chunks: Vec<_> = bytes.chunks(70_000).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
    stream::iter(chunks)
}

/// Bytes stored and reserved.
fn used(store: &Store) -> (u64, u64) {
    let usage = store.0.usage();
    (usage.stored, usage.reserved)
}

fn when(condition: Condition) -> Announced {
    Announced { condition, ..Announced::default() }
}

/// What the folder holds besides the lock and sidecars.
fn visible(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != LOCK && !name.starts_with(SIDECAR))
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn what_was_put_is_got_with_its_digest_also_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let bytes: Vec<u8> = (0..600_000_u32).map(|n| n as u8).collect();
    let put = store(dir.path()).put(&name("a.bin"), body(&bytes), Announced::default()).await.unwrap();
    assert!(put.created);
    assert_eq!(put.meta.sha256, <Sha>::from(Sha256::digest(&bytes)));
    for round in ["with its sidecar", "without"] {
        let store = store(dir.path());
        assert_eq!(store.bytes(), 600_000);
        let Opened { mut file, meta } = store.get(&name("a.bin")).await.unwrap();
        assert_eq!(meta, put.meta, "{round}");
        let mut back = Vec::new();
        io::Read::read_to_end(&mut file, &mut back).unwrap();
        assert_eq!(back, bytes);
        std::fs::remove_file(dir.path().join(".meta-a.bin")).unwrap();
    }
    let again = store(dir.path()).put(&name("a.bin"), body(b"GIF89a"), Announced::default()).await.unwrap();
    assert!(!again.created);
    assert_eq!(again.meta.media_type, "image/gif");
    let opened = store(dir.path()).get(&name("a.bin")).await.unwrap();
    assert_eq!((opened.meta.bytes, opened.meta.sha256), (6, again.meta.sha256));
}

#[tokio::test]
async fn a_sidecar_of_another_file_is_not_believed() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    store.put(&name("a"), body(b"one"), Announced::default()).await.unwrap();
    std::fs::write(dir.path().join("by-hand"), "<html>").unwrap();
    std::fs::copy(dir.path().join(".meta-a"), dir.path().join(".meta-by-hand")).unwrap();
    let meta = store.head(&name("by-hand")).await.unwrap();
    assert_eq!(meta.sha256, <Sha>::from(Sha256::digest(b"<html>")));
    assert_eq!(meta.media_type, "text/html");
    std::fs::write(dir.path().join(".meta-a"), "{").unwrap();
    assert_eq!(store.head(&name("a")).await.unwrap().sha256, <Sha>::from(Sha256::digest(b"one")));
}

#[tokio::test]
async fn a_body_cut_anywhere_leaves_nothing_and_the_old_content() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    store.put(&name("old"), body(b"old"), Announced::default()).await.unwrap();
    for chunks in 0..12 {
        let whole = vec![1; chunks * 70_000];
        let cut = || body(&whole).chain(stream::iter([Err("reset")]));
        assert!(matches!(store.put(&name("old"), cut(), Announced::default()).await, Err(StoreError::Incomplete)));
        assert!(matches!(store.create(cut(), Announced::default()).await, Err(StoreError::Incomplete)));
        let short = Announced { length: Some(900_000), ..Announced::default() };
        assert!(matches!(store.put(&name("new"), body(&whole), short).await, Err(StoreError::Incomplete)));
        let wrong = Announced { sha256: Some([0; 32]), ..Announced::default() };
        assert!(matches!(store.put(&name("new"), body(&whole), wrong).await, Err(StoreError::DigestMismatch)));
        assert_eq!(visible(dir.path()), ["old"], "{chunks}");
    }
    assert_eq!(store.head(&name("old")).await.unwrap().bytes, 3);
    assert_eq!(used(&store), (3, 0));
}

#[tokio::test]
async fn the_caps_count_exactly() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let put = async |n: &str, bytes: usize, length| {
        store.put(&name(n), body(&vec![0; bytes]), Announced { length, ..Announced::default() }).await
    };
    assert!(put("a", 1_000_000, None).await.is_ok());
    assert!(matches!(put("b", 1_000_001, None).await, Err(StoreError::TooLarge { most: 1_000_000 })));
    assert!(matches!(put("b", 0, Some(1_000_001)).await, Err(StoreError::TooLarge { .. })));
    assert!(matches!(put("b", 3, Some(2)).await, Err(StoreError::Incomplete)));
    assert!(put("b", 999_999, Some(999_999)).await.is_ok());
    assert!(matches!(put("c", 2, None).await, Err(StoreError::QuotaFull)));
    assert!(matches!(put("c", 2, Some(2)).await, Err(StoreError::QuotaFull)));
    assert!(put("c", 1, None).await.is_ok());
    assert!(matches!(put("d", 1, None).await, Err(StoreError::QuotaFull)));
    store.delete(&name("a"), Condition::None).await.unwrap();
    assert!(put("d", 1, None).await.is_ok());
    assert_eq!(store.bytes(), 999_999 + 1 + 1);
    assert_eq!(visible(dir.path()), ["b", "c", "d"]);
}

#[tokio::test]
async fn names_cannot_leave_the_folder() {
    for bad in
        ["", ".", "..", "../x", "a/b", "/etc/passwd", ".tmp-1", ".hidden", "a\0b", "a b", "ü", "a\\b", "%2e%2e", &"a".repeat(129)]
    {
        assert!(matches!(UploadName::new(bad), Err(StoreError::InvalidName)), "{bad:?}");
    }
    let longest = "a".repeat(128);
    for good in ["a", "A-1_b.png", "a..b", longest.as_str()] {
        assert_eq!(name(good).as_str(), good);
    }
}

#[tokio::test]
async fn links_and_folders_are_absent_and_what_they_point_to_is_left_alone() {
    let outside = tempfile::tempdir().unwrap();
    let secret = outside.path().join("secret");
    std::fs::write(&secret, "secret").unwrap();
    let dir = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(&secret, dir.path().join("link")).unwrap();
    std::fs::create_dir(dir.path().join("folder")).unwrap();
    let store = store(dir.path());
    let _socket = std::os::unix::net::UnixListener::bind(dir.path().join("socket")).unwrap();
    for n in ["link", "folder", "socket"] {
        assert!(matches!(store.get(&name(n)).await, Err(StoreError::NotFound)), "{n}");
        assert!(matches!(store.delete(&name(n), Condition::None).await, Err(StoreError::NotFound)), "{n}");
    }
    store.put(&name("link"), body(b"mine"), Announced::default()).await.unwrap();
    assert_eq!(std::fs::read(&secret).unwrap(), b"secret");
    assert_eq!(std::fs::read(dir.path().join("link")).unwrap(), b"mine");
    // A link in the sidecar's place is not followed either.
    std::fs::remove_file(dir.path().join(".meta-link")).unwrap();
    std::os::unix::fs::symlink(&secret, dir.path().join(".meta-link")).unwrap();
    store.head(&name("link")).await.unwrap();
    assert_eq!(std::fs::read(&secret).unwrap(), b"secret");
}

#[tokio::test]
async fn conditions_decide_at_the_moment_of_the_change() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let a = name("a");
    assert!(matches!(store.put(&a, body(b"x"), when(Condition::Present)).await, Err(StoreError::PreconditionFailed)));
    let one = store.put(&a, body(b"one"), when(Condition::Absent)).await.unwrap().meta.sha256;
    assert!(matches!(store.put(&a, body(b"two"), when(Condition::Absent)).await, Err(StoreError::PreconditionFailed)));
    // Both saw `one` before they sent; only one may replace it.
    let race = |bytes: &'static [u8]| store.put(&a, body(bytes), when(Condition::OneOf(vec![one])));
    let (first, second) = tokio::join!(race(b"two"), race(b"three"));
    assert_eq!(usize::from(first.is_ok()) + usize::from(second.is_ok()), 1);
    assert!(matches!(store.delete(&a, Condition::OneOf(vec![one])).await, Err(StoreError::PreconditionFailed)));
    store.delete(&a, Condition::Present).await.unwrap();
    assert!(matches!(store.delete(&a, Condition::None).await, Err(StoreError::NotFound)));
    assert_eq!(visible(dir.path()), [""; 0]);
    let (first, second) =
        tokio::join!(store.put(&a, body(b"1"), when(Condition::Absent)), store.put(&a, body(b"2"), when(Condition::Absent)));
    assert_eq!(usize::from(first.is_ok()) + usize::from(second.is_ok()), 1);
}

#[tokio::test]
async fn every_kind_of_condition_is_asked_under_the_lock() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let a = name("a");
    let Stored { meta, .. } = store.put(&a, body(b"one"), Announced::default()).await.unwrap();
    let (one, other) = (meta.sha256, [1; 32]);
    let (before, at) = (meta.modified - Duration::from_secs(10), meta.modified);
    for (condition, holds) in [
        (Condition::NoneOf(vec![other]), true),
        (Condition::NoneOf(vec![other, one]), false),
        (Condition::UnmodifiedSince(at), true),
        (Condition::UnmodifiedSince(before), false),
        (Condition::All(vec![Condition::OneOf(vec![one]), Condition::NoneOf(vec![other])]), true),
        (Condition::All(vec![Condition::OneOf(vec![one]), Condition::Absent]), false),
        (Condition::All(Vec::new()), true),
    ] {
        let put = store.put(&a, body(b"one"), when(condition.clone())).await;
        assert_eq!(put.is_ok(), holds, "{condition:?}: {put:?}");
        assert!(holds || matches!(put, Err(StoreError::PreconditionFailed)));
        // So that dates stay as they were.
        File::options().write(true).open(dir.path().join("a")).unwrap().set_modified(at).unwrap();
    }
    // It became what it must not be while the bytes were on their way.
    let late = Condition::NoneOf(vec![<Sha>::from(Sha256::digest(b"two"))]);
    let (first, second) =
        tokio::join!(store.put(&a, body(b"two"), Announced::default()), store.put(&a, body(&[3; 900_000]), when(late)));
    assert!(first.is_ok() && matches!(second, Err(StoreError::PreconditionFailed)), "{second:?}");
    let absent = Condition::All(vec![Condition::Absent]);
    let b = name("b");
    let (first, second) = tokio::join!(store.put(&b, body(b"1"), when(absent.clone())), store.put(&b, body(b"2"), when(absent)));
    assert_eq!(usize::from(first.is_ok()) + usize::from(second.is_ok()), 1);
}

#[tokio::test]
async fn how_many_uploads_there_are_has_a_cap_too() {
    let dir = tempfile::tempdir().unwrap();
    let open = || Store::open(Some(dir.path()), StoreSettings { max_uploads: 3, ..SETTINGS });
    let store = open();
    for n in ["a", "b", "c"] {
        store.put(&name(n), body(b""), Announced::default()).await.unwrap();
    }
    for store in [store.clone(), open()] {
        assert!(matches!(store.create(body(b""), Announced::default()).await, Err(StoreError::QuotaFull)));
        assert!(!store.put(&name("c"), body(b"again"), Announced::default()).await.unwrap().created);
    }
    store.delete(&name("a"), Condition::None).await.unwrap();
    assert!(store.put(&name("d"), body(b""), Announced::default()).await.unwrap().created);
    assert!(matches!(store.put(&name("e"), body(b""), Announced::default()).await, Err(StoreError::QuotaFull)));
    assert_eq!(visible(dir.path()), ["b", "c", "d"]);
}

#[tokio::test]
async fn what_is_expired_makes_room_before_a_write_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let settings = StoreSettings { ttl: Some(Duration::from_secs(50)), max_uploads: 2, ..SETTINGS };
    let store = Store::open(Some(dir.path()), settings);
    let age = |n: &str| {
        let old = SystemTime::now() - Duration::from_secs(100);
        File::options().write(true).open(dir.path().join(n)).unwrap().set_modified(old).unwrap();
    };
    // Sweeps that were slow would be spared for a while.
    let rested = || store.0.swept.lock().unwrap().1 = Duration::ZERO;
    let million = vec![0; 1_000_000];
    for n in ["a", "b"] {
        store.put(&name(n), body(&million), Announced::default()).await.unwrap();
        age(n);
    }
    let announced = Announced { length: Some(1_000_000), ..Announced::default() };
    rested();
    store.put(&name("c"), body(&million), announced).await.unwrap();
    assert_eq!(visible(dir.path()), ["c"]);
    // Without an announced length it is found out on the way: then the next one has room.
    store.put(&name("d"), body(&million[1..]), Announced::default()).await.unwrap();
    age("c");
    age("d");
    rested();
    assert!(matches!(store.put(&name("e"), body(&million), Announced::default()).await, Err(StoreError::QuotaFull)));
    assert!(store.put(&name("e"), body(&million), Announced::default()).await.is_ok());
    assert_eq!(visible(dir.path()), ["e"]);
}

#[tokio::test]
async fn a_folder_that_goes_away_is_no_room_and_not_a_missing_upload() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("uploads");
    let store = store(&path);
    let gone = path.clone();
    let body = body(b"x").chain(stream::once(async move {
        std::fs::remove_dir_all(gone).unwrap();
        Ok(Bytes::from_static(b"y"))
    }));
    let failed = store.put(&name("a"), body, Announced::default()).await.unwrap_err();
    assert_eq!(failed.code(), Code::NoSpace, "{failed:?}");
}

#[tokio::test]
async fn a_sender_that_falls_silent_is_given_up() {
    let dir = tempfile::tempdir().unwrap();
    let rate = MinRate { bytes_per_second: 1_000_000, grace: Duration::from_millis(50) };
    let store = Store::open(Some(dir.path()), StoreSettings { min_rate: Some(rate), ..SETTINGS });
    let silent = body(b"begun").chain(stream::pending());
    let failed = store.put(&name("a"), silent, Announced::default()).await.unwrap_err();
    assert!(matches!(failed, StoreError::TooSlow) && failed.code() == Code::IncompleteBody, "{failed:?}");
    assert_eq!((visible(dir.path()), used(&store)), (Vec::new(), (0, 0)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_writers_one_wins_whole() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let writers = (0..16_u8).map(|n| {
        let store = store.clone();
        tokio::spawn(async move { store.put(&name("a"), body(&vec![n; 100_000]), Announced::default()).await })
    });
    for writer in futures_util::future::join_all(writers).await {
        writer.unwrap().unwrap();
    }
    let content = std::fs::read(dir.path().join("a")).unwrap();
    assert!(content.len() == 100_000 && content.iter().all(|byte| *byte == content[0]));
    assert_eq!(store.head(&name("a")).await.unwrap().sha256, <Sha>::from(Sha256::digest(&content)));
    assert_eq!(used(&store), (100_000, 0));
    assert_eq!(visible(dir.path()), ["a"]);
}

#[tokio::test]
async fn boot_sweeps_the_dead_and_the_expired() {
    let dir = tempfile::tempdir().unwrap();
    for n in [".tmp-dead", ".meta-gone", "old", "young"] {
        std::fs::write(dir.path().join(n), "x").unwrap();
    }
    let old = SystemTime::now() - Duration::from_secs(100);
    File::options().write(true).open(dir.path().join("old")).unwrap().set_modified(old).unwrap();
    let store = Store::open(Some(dir.path()), StoreSettings { ttl: Some(Duration::from_secs(50)), ..SETTINGS });
    assert_eq!(visible(dir.path()), ["young"]);
    assert!(!dir.path().join(".meta-gone").exists());
    assert_eq!(store.bytes(), 1);
    File::options().write(true).open(dir.path().join("young")).unwrap().set_modified(old).unwrap();
    assert!(matches!(store.get(&name("young")).await, Err(StoreError::NotFound)));
    assert!(store.put(&name("young"), body(b"new"), when(Condition::Absent)).await.unwrap().meta.bytes == 3);
}

#[tokio::test]
async fn without_a_folder_writes_find_no_space_and_reads_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "x").unwrap();
    for path in [None, Some(file.join("below").as_path())] {
        let store = Store::open(path, SETTINGS);
        assert!(!store.is_writable());
        let failed = store.put(&name("a"), body(b"x"), Announced::default()).await.unwrap_err();
        assert_eq!(failed.code(), Code::NoSpace);
        assert!(matches!(store.get(&name("a")).await, Err(StoreError::NotFound)));
    }
}
