//! The benchmarks: each stage by itself, fed with what the stage before it gave, and whole posters in their states.

use std::hint::black_box;
use std::num::NonZeroUsize;

use affiche::ctx::{Budget, Ctx, Simd};
use affiche::draw::{Studio, draw, lay_out_at};
use affiche::encode::{Compression, Format, Layout, Output};
use affiche::lower::lower;
use affiche::memo::Memo;
use affiche::raster::{canvas, raster};
use affiche::settle::settle;

use crate::ROUNDS;
use crate::fixture::Fixture;

/// Runs one turn; turn 0 is for what warms up.
pub type Work<'a> = Box<dyn FnMut(usize) + 'a>;

pub struct Benchmark<'a> {
    pub name: &'static str,
    /// Whether more than one thread makes a difference.
    pub threaded: bool,
    pub rounds: usize,
    pub work: Work<'a>,
}

/// Turns until everything that is admitted on second sight is in.
const WARM: usize = 3;

fn output(compression: Compression) -> Output {
    Output { format: Format::Png, quality: 85, compression, dpi: 72 }
}

/// `scale` is output pixels for one of the template's.
pub fn benchmarks<'a>(fixture: &'a Fixture, threads: usize, simd: Simd, scale: f64) -> Vec<Benchmark<'a>> {
    let studio = move |memo: &Memo, work: &mut dyn FnMut(&Studio)| {
        let budget = Budget::new(fixture.limits.max_request_pixels);
        let threads = NonZeroUsize::new(threads).unwrap();
        let ctx = Ctx { cancelled: &|| false, budget: &budget, threads, simd };
        work(&Studio { fonts: &fixture.fonts, memo, ctx: &ctx, limits: &fixture.limits });
    };
    let mut all: Vec<Benchmark<'a>> = Vec::new();
    let mut add = |name, threaded, work: Work<'a>| all.push(Benchmark { name, threaded, rounds: ROUNDS, work });

    add("merge", false, Box::new(|turn| drop(black_box(fixture.poster(turn)))));
    let (poster, off) = (fixture.poster(0), Memo::off());
    let assets = fixture.assets(&poster);
    add("lay out", false, {
        let (poster, assets, off) = (poster.clone(), assets.clone(), Memo::off());
        Box::new(move |_| studio(&off, &mut |studio| drop(black_box(lay_out_at(&poster, &assets, scale, studio).unwrap()))))
    });
    add("lay out, words known", false, {
        let (poster, assets, memo) = (poster.clone(), assets.clone(), Memo::with_capacity(128 << 20));
        Box::new(move |_| studio(&memo, &mut |studio| drop(black_box(lay_out_at(&poster, &assets, scale, studio).unwrap()))))
    });
    add("lower", false, {
        let (poster, assets) = (fixture.poster(0), assets.clone());
        let poster: &'static _ = Box::leak(Box::new(poster));
        let mut layout = None;
        studio(&off, &mut |studio| layout = Some(lay_out_at(poster, &assets, scale, studio).unwrap()));
        let layout = layout.unwrap();
        Box::new(move |_| drop(black_box(lower(&layout, &assets))))
    });
    let mut scene = None;
    studio(&off, &mut |studio| scene = Some(lower(&lay_out_at(&poster, &assets, scale, studio).unwrap(), &assets)));
    let scene = scene.unwrap();
    let mut settled = None;
    studio(&off, &mut |studio| settled = Some(settle(&scene, &off, studio.ctx).unwrap()));
    let settled = std::sync::Arc::new(settled.unwrap());
    add("settle", true, {
        let off = Memo::off();
        Box::new(move |_| studio(&off, &mut |studio| drop(black_box(settle(&scene, &off, studio.ctx).unwrap()))))
    });
    add("paint", true, {
        let (settled, off) = (settled.clone(), Memo::off());
        Box::new(move |_| {
            studio(&off, &mut |studio| drop(black_box(canvas(&settled, Layout::Rgb, studio.memo, studio.ctx).unwrap())))
        })
    });
    for (name, compression) in [("paint and encode", Compression::Fast), ("paint and encode small", Compression::Small)] {
        let (settled, off) = (settled.clone(), Memo::off());
        let work = move |_| {
            studio(&off, &mut |studio| {
                drop(black_box(raster(&settled, &output(compression), &off, studio.ctx).unwrap()));
            });
        };
        add(name, true, Box::new(work));
    }

    // From the template to the bytes.
    let whole = move |memo: &Memo, turn: usize| {
        let poster = fixture.poster(turn);
        let assets = fixture.assets(&poster);
        studio(memo, &mut |studio| {
            drop(black_box(draw(&poster, &assets, scale, &output(Compression::Fast), studio).unwrap()));
        });
    };
    add("whole, cold", true, {
        let off = Memo::off();
        Box::new(move |turn| whole(&off, turn))
    });
    for (name, same) in [("whole, other words", false), ("whole, the same again", true)] {
        let memo = Memo::with_capacity(128 << 20);
        let mut warm = false;
        let work = move |turn: usize| {
            // The turns before the first that counts have words of their own, unless all are to be the same.
            if !std::mem::replace(&mut warm, true) {
                (1..WARM).for_each(|before| whole(&memo, if same { 0 } else { 1_000 + before }));
            }
            whole(&memo, if same { 0 } else { turn });
        };
        add(name, true, Box::new(work));
    }
    all
}
