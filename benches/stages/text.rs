//! Text by itself: laid out, lowered, settled and painted onto pixels that are there already.

use std::hint::black_box;
use std::num::NonZeroUsize;

use affiche::asset::Assets;
use affiche::ctx::{Budget, Ctx, Simd};
use affiche::draw::{Studio, lay_out_at};
use affiche::geom::PxRect;
use affiche::lower::lower;
use affiche::memo::Memo;
use affiche::paint::paint_over;
use affiche::poster::Poster;
use affiche::settle::settle;
use serde_json::json;

use crate::SHORT_ROUNDS;
use crate::fixture::Fixture;
use crate::way::Benchmark;

/// Texts, none of which comes twice.
const TEXTS: usize = SHORT_ROUNDS + 1;
/// The first of the texts that warm up, and how many they are.
const WARMING: usize = 1_000;
const WARMERS: usize = 80;
/// The painter's bands.
const ROWS: i32 = 64;
const CAPACITY: usize = 128 << 20;

/// What is remembered.
#[derive(Clone, Copy)]
enum State {
    Nothing,
    /// Glyphs, but not the text.
    Glyphs,
    Everything,
}

pub fn benchmarks<'a>(share: &Fixture, simd: Simd, scale: f64) -> Vec<Benchmark<'a>> {
    let paragraph = json!({
        "width": 800, "height": 1_200, "variables": { "prose": { "type": "string" } },
        "layers": [{ "type": "text", "text": "{{ prose }}", "x": 16, "width": 768, "font": "Noto Sans SC", "size": 24,
                     "line_height": 1.5, "align": "justify" }]
    });
    let fixtures = [
        (share.of_text(), ["its text, cold", "its text, other words", "its text, the same again"]),
        (share.with(paragraph), ["1,000 Han, cold", "1,000 Han, other words", "1,000 Han, the same again"]),
    ];
    let mut all = Vec::new();
    for (fixture, names) in fixtures {
        let fixture: &'static Fixture = Box::leak(Box::new(fixture));
        for (name, state) in names.into_iter().zip([State::Nothing, State::Glyphs, State::Everything]) {
            let posters: Vec<Poster> = (0..TEXTS).map(|turn| fixture.poster(turn)).collect();
            let assets = fixture.assets(&posters[0]);
            let memo = Memo::with_capacity(if matches!(state, State::Nothing) { 0 } else { CAPACITY });
            let mut pixels = Vec::new();
            let mut warm = matches!(state, State::Nothing);
            let work = move |turn: usize| {
                let mut run = |poster: &Poster| run(fixture, poster, &assets, &memo, &mut pixels, simd, scale);
                if !std::mem::replace(&mut warm, true) {
                    // Other texts of the same letters.
                    (WARMING..WARMING + WARMERS).for_each(|turn| run(&fixture.poster(turn)));
                }
                run(&posters[if matches!(state, State::Everything) { 0 } else { turn % TEXTS }]);
            };
            all.push(Benchmark { name, threaded: false, rounds: SHORT_ROUNDS, work: Box::new(work) });
        }
    }
    all
}

fn run(fixture: &Fixture, poster: &Poster, assets: &Assets, memo: &Memo, pixels: &mut Vec<u8>, simd: Simd, scale: f64) {
    let budget = Budget::new(fixture.limits.max_request_pixels);
    let ctx = Ctx { cancelled: &|| false, budget: &budget, threads: NonZeroUsize::MIN, simd };
    let studio = Studio { fonts: &fixture.fonts, memo, ctx: &ctx, limits: &fixture.limits };
    let layout = lay_out_at(poster, assets, scale, &studio).unwrap();
    let settled = settle(&lower(&layout, assets), memo, &ctx).unwrap();
    let (width, height) = (settled.size().width() as i32, settled.size().height() as i32);
    pixels.resize((width * ROWS * 4) as usize, 255);
    for top in (0..height).step_by(ROWS as usize) {
        paint_over(settled.items(), PxRect::new(0, top, width, (top + ROWS).min(height)), pixels, simd);
    }
    black_box(&pixels);
}
