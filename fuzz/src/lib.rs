//! What the fuzzers and the replay of their corpora (`tests/corpora.rs`) run: one function per target, bytes in, a panic where
//! something is wrong. Each target's file says how its bytes are read and what must hold.

// A target panics: that is how it tells.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod bands;
mod grow;
mod guard;
mod http;
mod picture;
mod poster;
mod studio;
mod text;
mod tus;

/// Every target by the name of its binary and its folder in `corpus/`.
pub const TARGETS: [(&str, fn(&[u8])); 7] = [
    ("bands", bands::run),
    ("guard", guard::run),
    ("http", http::run),
    ("picture", picture::run),
    ("poster", poster::run),
    ("text", text::run),
    ("tus", tus::run),
];

/// For the fuzzers' binaries alone. Takes off libFuzzer's panic hook, which would end the process at panics that are contained: one
/// that escapes ends it all the same.
#[allow(dead_code)]
pub fn start() {
    drop(std::panic::take_hook());
}

/// Runs the target of this name.
pub fn run(name: &str, data: &[u8]) {
    let (_, run) = TARGETS.iter().find(|(known, _)| *known == name).unwrap();
    run(data);
}
