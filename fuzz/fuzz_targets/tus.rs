//! See ../src/tus.rs.
#![no_main]

libfuzzer_sys::fuzz_target!(init: affiche_fuzz::start(), |data: &[u8]| affiche_fuzz::run("tus", data));
