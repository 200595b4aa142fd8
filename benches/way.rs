//! How long each stage of the two built-in posters takes: `cargo bench --bench way`.
//!
//! Medians over 15 renders, one thread and two, with nothing remembered and with everything. These machines are noisy:
//! compare figures of one run only. The comparison with other renderers belongs to the speed issue.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use affiche::asset::{Asset, Assets, Shown, Source};
use affiche::ctx::{Budget, Ctx, Simd};
use affiche::draw::{Studio, draw};
use affiche::encode::{Compression, Format, Output};
use affiche::limits::Limits;
use affiche::memo::Memo;
use affiche::poster::Poster;
use affiche::template::{Library, Supplied};
use affiche::text::Fonts;
use serde_json::Map;

const TURNS: usize = 15;

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    let (fonts, limits, none) = (Fonts::bundled(), Limits::default(), Map::new());
    println!("milliseconds, median of {TURNS}\n");
    println!("| poster | threads | memo | layout | lower | settle | raster | all | KiB |");
    println!("|---|---|---|---|---|---|---|---|---|");
    for name in ["share", "og"] {
        let template = Library::default().find(name).unwrap();
        let supplied = Supplied { variables: &none, overrides: &none, canvas: &none };
        let poster = Poster::read(&template, &supplied, &limits).unwrap();
        let load = |source: &Source| {
            let Source::Asset(file) = source else { panic!("{source} is no asset") };
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/pictures").join(file);
            let asset = Asset::new(std::fs::read(path).unwrap().into(), &limits).unwrap();
            Shown::Picture { asset: Arc::new(asset), from: "inline" }
        };
        let assets =
            Assets::new(poster.layers.iter().map(|l| l.sources().map_or(Shown::Nothing, |(src, _)| load(src))).collect());
        for threads in [1, 2] {
            for (kind, memo) in [("off", Memo::off()), ("warm", Memo::with_capacity(96 << 20))] {
                let (mut stages, mut all, mut size) = (vec![Vec::new(); 4], Vec::new(), 0);
                for turn in 0..=TURNS {
                    let budget = Budget::new(limits.max_request_pixels);
                    let threads = NonZeroUsize::new(threads).unwrap();
                    let ctx = Ctx { cancelled: &|| false, budget: &budget, threads, simd: Simd::Detect };
                    let studio = Studio { fonts: &fonts, memo: &memo, ctx: &ctx, limits: &limits };
                    let output = Output { format: Format::Png, quality: 85, compression: Compression::Fast, dpi: 72 };
                    let begun = Instant::now();
                    let drawn = draw(&poster, &assets, 1.0, &output, &studio).unwrap();
                    // The first turn opens fonts.
                    if turn > 0 {
                        all.push(begun.elapsed().as_secs_f64() * 1000.0);
                        drawn.timing.iter().zip(&mut stages).for_each(|((_, ms), stage)| stage.push(*ms));
                    }
                    size = drawn.file.len();
                }
                let stages: Vec<String> = stages.into_iter().map(|stage| format!("{:.2}", median(stage))).collect();
                println!("| {name} | {threads} | {kind} | {} | {:.2} | {} |", stages.join(" | "), median(all), size >> 10);
            }
        }
    }
}
