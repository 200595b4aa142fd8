//! How long each stage and each state of a render takes, and what it costs in instructions and allocations.
//!
//! `cargo bench --bench stages` prints medians of the reference posters in milliseconds: compare figures of one run only. With
//! `--count` every benchmark runs once at half the size on one thread without our own SIMD, for `scripts/bench-counts.sh`, which runs that under
//! callgrind. The comparison with takumi is `scripts/bench.sh`.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

mod counting;
mod fixture;
mod way;

use std::time::Instant;

use affiche::ctx::Simd;
use fixture::Fixture;

const ROUNDS: usize = 15;

/// A quarter of the pixels: under callgrind everything takes some fifty times as long.
const COUNTED_SCALE: f64 = 0.5;

/// Of this poster, and of this stage, there are no counts to compare with.
const TIMED_ONLY: (&str, &str) = ("1,000 layers", "lay out, words known");

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let count = arguments.iter().any(|a| a == "--count");
    let (threads, simd, scale) = if count { (&[1][..], Simd::Off, COUNTED_SCALE) } else { (&[1, 2][..], Simd::Detect, 1.0) };
    if count {
        println!("# {}", counting::processor());
    } else {
        println!("milliseconds, p50 of {ROUNDS}; what does not use threads is measured with one\n");
        println!("| benchmark | threads | ms |\n|---|--:|--:|");
    }
    for (name, fixture) in [("share", Fixture::read("share")), ("og", Fixture::read("og")), ("1,000 layers", Fixture::thousand())]
    {
        for &threads in threads {
            for benchmark in way::benchmarks(&fixture, threads, simd, scale) {
                if count && (name == TIMED_ONLY.0 || benchmark.name == TIMED_ONLY.1) {
                    continue;
                }
                if count {
                    counted(&format!("{name}/{}", benchmark.name), benchmark.work);
                } else if threads == 1 || benchmark.threaded {
                    timed(&format!("{name}/{}", benchmark.name), threads, benchmark.work);
                }
            }
        }
    }
}

/// Once for what warms up, once for the figures. A line each: callgrind's parts come in the same order.
fn counted(name: &str, mut work: way::Work) {
    work(0);
    let spent = counting::during(|| work(1));
    println!("{name} {} {}", spent.allocations, spent.bytes);
}

fn timed(name: &str, threads: usize, mut work: way::Work) {
    work(0);
    let mut millis: Vec<f64> = (1..=ROUNDS)
        .map(|turn| {
            let begun = Instant::now();
            work(turn);
            begun.elapsed().as_secs_f64() * 1_000.0
        })
        .collect();
    millis.sort_by(f64::total_cmp);
    println!("| {name} | {threads} | {:.3} |", millis[ROUNDS / 2]);
}
