//! How long each stage and each state of a render takes, and what it costs in instructions and allocations.
//!
//! `cargo bench --bench stages` prints medians of the reference posters, and of their text by itself, in milliseconds: compare figures of
//! one run only. A name after it chooses the benchmarks whose own it is part of. With `--count` every benchmark runs once at half the size on one thread without our own SIMD, for `scripts/bench-counts.sh`, which runs that under
//! callgrind. The comparison with takumi is `scripts/bench.sh`.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

mod counting;
mod fixture;
mod text;
mod way;

use std::time::Instant;

use affiche::ctx::Simd;
use fixture::Fixture;

const ROUNDS: usize = 15;
/// Of what takes little time, so that the least of them was hardly disturbed.
const SHORT_ROUNDS: usize = 100;

/// A quarter of the pixels: under callgrind everything takes some fifty times as long.
const COUNTED_SCALE: f64 = 0.5;

/// Of this poster only layout is counted.
const LAID_OUT_ONLY: &str = "1,000 layers";

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let count = arguments.iter().any(|a| a == "--count");
    let wanted = arguments.iter().skip(1).find(|a| !a.starts_with('-')).cloned().unwrap_or_default();
    let (threads, simd, scale) = if count { (&[1][..], Simd::Off, COUNTED_SCALE) } else { (&[1, 2][..], Simd::Detect, 1.0) };
    if count {
        println!("# {}", counting::processor());
    } else {
        println!(
            "milliseconds, p50 and least of {ROUNDS} ({SHORT_ROUNDS} where text is by itself); what does not use threads is measured with one\n"
        );
        println!("| benchmark | threads | ms | least | allocations |\n|---|--:|--:|--:|--:|");
    }
    for (name, fixture) in [("share", Fixture::read("share")), ("og", Fixture::read("og")), (LAID_OUT_ONLY, Fixture::thousand())]
    {
        for &threads in threads {
            let mut all = way::benchmarks(&fixture, threads, simd, scale);
            if threads == 1 && name == "share" {
                all.extend(text::benchmarks(&fixture, simd, scale));
            }
            for benchmark in all {
                if count && name == LAID_OUT_ONLY && !benchmark.name.starts_with("lay out") {
                    continue;
                }
                let full = format!("{name}/{}", benchmark.name);
                match full.contains(&wanted) {
                    true if count => counted(&full, benchmark.work),
                    true if threads == 1 || benchmark.threaded => timed(&full, threads, benchmark.rounds, benchmark.work),
                    _ => {}
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

fn timed(name: &str, threads: usize, rounds: usize, mut work: way::Work) {
    work(0);
    let mut allocations = 0;
    let mut millis: Vec<f64> = (1..=rounds)
        .map(|turn| {
            let begun = Instant::now();
            allocations = counting::during(|| work(turn)).allocations;
            begun.elapsed().as_secs_f64() * 1_000.0
        })
        .collect();
    millis.sort_by(f64::total_cmp);
    println!("| {name} | {threads} | {:.3} | {:.3} | {allocations} |", millis[rounds / 2], millis[0]);
}
