//! Replays the fuzzers' corpora: what was ever found stays mended, without a fuzzer. `scripts/fuzz.sh` finds more.
// A test may panic: that is how it fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../fuzz/src/lib.rs"]
mod fuzz;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

/// Bytes of one target's corpus: the repository is no place for more.
const MAX_CORPUS: u64 = 300 << 10;

fn corpus(name: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn replay(name: &str) {
    let files = corpus(name);
    assert!(files.len() >= 10, "the corpus of {name} has {} files", files.len());
    // As much stack as the workers of the service have.
    let run = move |name: String| {
        let broken = |file: &PathBuf| {
            let data = std::fs::read(file).unwrap();
            catch_unwind(AssertUnwindSafe(|| fuzz::run(&name, &data))).is_err()
        };
        files.iter().filter(|file| broken(file)).map(|file| file.display().to_string()).collect::<Vec<_>>()
    };
    let owned = name.to_owned();
    let broken = std::thread::Builder::new().stack_size(8 << 20).spawn(move || run(owned)).unwrap().join().unwrap();
    assert!(broken.is_empty(), "{name} fails on\n{}", broken.join("\n"));
}

#[test]
fn bands() {
    replay("bands");
}

#[test]
fn guard() {
    replay("guard");
}

#[test]
fn http() {
    replay("http");
}

#[test]
fn picture() {
    replay("picture");
}

#[test]
fn poster() {
    replay("poster");
}

#[test]
fn text() {
    replay("text");
}

#[test]
fn tus() {
    replay("tus");
}

#[test]
fn every_target_is_replayed_and_small() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let mut corpora: Vec<String> = std::fs::read_dir(folder.join("corpus"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    corpora.sort();
    assert_eq!(corpora, fuzz::TARGETS.map(|(name, _)| name));
    for (name, _) in fuzz::TARGETS {
        assert!(folder.join(format!("fuzz_targets/{name}.rs")).exists(), "{name} has no binary");
        let bytes: u64 = corpus(name).iter().map(|file| file.metadata().unwrap().len()).sum();
        assert!(bytes <= MAX_CORPUS, "the corpus of {name} has {bytes} bytes, at most {MAX_CORPUS} are kept");
    }
}
