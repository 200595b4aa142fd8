//! What a scene wants made, in an order in which it can be made, and the making of it on several threads.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::asset::{Asset, Format, PictureError};
use crate::ctx::{Budget, Ctx, OverBudget};
use crate::geom::PxRect;
use crate::key::Key;
use crate::memo::{Kind, Memo};
use crate::pixels::Pixmap;
use crate::scene::{GlyphRun, Item, Lowered, Op, Picture, PlacedMask, Recipe, RecipeKind, Warp};
use crate::settle::{Made, SettleError, color_glyph, glyphs, picture, svg, warp};

/// The distinct recipes and glyph runs that can be seen, in the order of their first use.
pub(super) struct Wanted<'a> {
    /// Those that items show; what a warp is made from is found through it.
    recipes: Vec<&'a Recipe>,
    runs: Vec<(Key, &'a GlyphRun)>,
    seen: HashSet<Key>,
}

impl<'a> Wanted<'a> {
    pub fn of(items: &'a [Item<Lowered>], canvas: PxRect) -> Wanted<'a> {
        let mut wanted = Wanted { recipes: Vec::new(), runs: Vec::new(), seen: HashSet::new() };
        wanted.add(items, canvas);
        wanted
    }

    fn add(&mut self, items: &'a [Item<Lowered>], canvas: PxRect) {
        for item in items {
            if item.bounds().intersect(canvas).is_empty() {
                continue;
            }
            match item.op() {
                Op::Fill { .. } => {}
                Op::Glyphs { run, .. } => {
                    if self.seen.insert(item.key()) {
                        self.runs.push((item.key(), run.as_ref()));
                    }
                }
                Op::Pixels { source, .. } => self.add_recipe(source),
                Op::Group { items, mask, .. } => {
                    self.add(items, canvas);
                    if let Some(mask) = mask {
                        self.add_recipe(&mask.source);
                    }
                }
            }
        }
    }

    fn add_recipe(&mut self, recipe: &'a Recipe) {
        if self.seen.insert(recipe.key()) {
            self.recipes.push(recipe);
        }
    }

    /// Takes for every picture its decoded pixels or those of all that is made of it, whichever are more, as the original is
    /// let go when they are made; and the pixels of every warp and colour glyph.
    pub fn charge(&self, budget: &Budget) -> Result<(), OverBudget> {
        let mut known = HashSet::new();
        let mut by_asset: HashMap<Key, (u64, u64)> = HashMap::new();
        let mut others = 0_u64;
        for recipe in &self.recipes {
            let mut next = Some(*recipe);
            while let Some(recipe) = next.take().filter(|r| known.insert(r.key())) {
                let area = recipe.size().area();
                match recipe.kind() {
                    RecipeKind::Picture(picture) => {
                        let header = picture.asset.header();
                        let decoded = if header.format == Format::Svg { 0 } else { header.area() };
                        let (_, shown) = by_asset.entry(picture.asset.digest()).or_insert((decoded, 0));
                        *shown = shown.saturating_add(area);
                    }
                    RecipeKind::Warp(warp) => {
                        others = others.saturating_add(area);
                        next = Some(&warp.source);
                    }
                    RecipeKind::ColorGlyph(_) => others = others.saturating_add(area),
                }
            }
        }
        let pictures = by_asset.values().fold(0_u64, |sum, (decoded, shown)| sum.saturating_add(*decoded.max(shown)));
        budget.charge(pictures.saturating_add(others))
    }

    pub fn make(&self, canvas: PxRect, memo: &Memo, ctx: &Ctx) -> Result<Made, SettleError> {
        let mut made = Made { pixels: HashMap::new(), masks: HashMap::new() };
        let mut first = Jobs::default();
        let mut warps: Vec<(usize, &Recipe, &Warp)> = Vec::new();
        let mut asked = HashSet::new();
        for recipe in &self.recipes {
            need(recipe, memo, &mut made, &mut asked, &mut first, &mut warps);
        }
        let mut jobs: Vec<Job> = first.by_asset.into_iter().map(|(asset, recipes)| Job::Pictures(asset, recipes)).collect();
        jobs.extend(first.others.into_iter().map(Job::Alone));
        for (key, run) in &self.runs {
            let found = glyphs::Spots::look_up(run, canvas, memo);
            if found.is_complete() {
                made.masks.insert(*key, found.place(ctx.budget)?);
            } else {
                jobs.push(Job::Run(*key, found));
            }
        }
        for result in in_parallel(ctx, &jobs, |job| job.run(memo, ctx))? {
            match result {
                Done::Pixels(pixels) => made.pixels.extend(pixels),
                Done::Masks(key, masks) => {
                    made.masks.insert(key, masks);
                }
            }
        }
        // A warp of a warp waits for the inner one.
        warps.sort_by_key(|(level, ..)| *level);
        for level in warps.chunk_by(|a, b| a.0 == b.0) {
            let results = in_parallel(ctx, level, |(_, recipe, warp)| {
                let source = made.of(&warp.source);
                let pixels = Arc::new(source.map_or_else(|| Pixmap::transparent(warp.size), |s| warp::make(warp, &s, ctx.simd)));
                remember(memo, recipe, &pixels);
                Ok((recipe.key(), pixels))
            })?;
            made.pixels.extend(results);
        }
        Ok(made)
    }
}

/// What can be made from nothing, each asset with all that is made of it, so that it is decoded once and let go.
#[derive(Default)]
struct Jobs<'a> {
    by_asset: Vec<(&'a Asset, Vec<(&'a Recipe, &'a Picture)>)>,
    others: Vec<&'a Recipe>,
}

/// Finds a recipe in the memo or sees to it that it is made; answers how many warps stand below it.
fn need<'a>(
    recipe: &'a Recipe,
    memo: &Memo,
    made: &mut Made,
    asked: &mut HashSet<Key>,
    jobs: &mut Jobs<'a>,
    warps: &mut Vec<(usize, &'a Recipe, &'a Warp)>,
) -> usize {
    let is_new = asked.insert(recipe.key());
    if !is_new {
        return warps.iter().find(|(_, r, _)| r.key() == recipe.key()).map_or(0, |(level, ..)| level + 1);
    }
    if let Some(pixels) = memo.get::<Pixmap>(Kind::Pixels, recipe.key()) {
        made.pixels.insert(recipe.key(), pixels);
        return 0;
    }
    match recipe.kind() {
        RecipeKind::Picture(picture) => {
            let asset = picture.asset.as_ref();
            match jobs.by_asset.iter_mut().find(|(a, _)| a.digest() == asset.digest()) {
                Some((_, recipes)) => recipes.push((recipe, picture)),
                None => jobs.by_asset.push((asset, vec![(recipe, picture)])),
            }
            0
        }
        RecipeKind::ColorGlyph(_) => {
            jobs.others.push(recipe);
            0
        }
        RecipeKind::Warp(warp) => {
            let level = need(&warp.source, memo, made, asked, jobs, warps);
            warps.push((level, recipe, warp));
            level + 1
        }
    }
}

enum Job<'a> {
    Pictures(&'a Asset, Vec<(&'a Recipe, &'a Picture)>),
    Alone(&'a Recipe),
    Run(Key, glyphs::Spots<'a>),
}

enum Done {
    Pixels(Vec<(Key, Arc<Pixmap>)>),
    Masks(Key, Arc<[PlacedMask]>),
}

impl Job<'_> {
    fn run(&self, memo: &Memo, ctx: &Ctx) -> Result<Done, SettleError> {
        match self {
            Job::Pictures(asset, recipes) => pictures(asset, recipes, memo, ctx).map(Done::Pixels),
            Job::Alone(recipe) => {
                let pixels = match recipe.kind() {
                    RecipeKind::ColorGlyph(glyph) => Arc::new(color_glyph::make(glyph)),
                    RecipeKind::Picture(_) | RecipeKind::Warp(_) => return Ok(Done::Pixels(Vec::new())),
                };
                remember(memo, recipe, &pixels);
                Ok(Done::Pixels(vec![(recipe.key(), pixels)]))
            }
            Job::Run(key, spots) => Ok(Done::Masks(*key, spots.filled(memo).place(ctx.budget)?)),
        }
    }
}

fn pictures(
    asset: &Asset,
    recipes: &[(&Recipe, &Picture)],
    memo: &Memo,
    ctx: &Ctx,
) -> Result<Vec<(Key, Arc<Pixmap>)>, SettleError> {
    let bad = |error: PictureError| SettleError::BadPicture { digest: asset.digest(), reason: error.to_string() };
    let mut made = Vec::with_capacity(recipes.len());
    if asset.header().format == Format::Svg {
        let drawing = svg::Drawing::of(asset).map_err(bad)?;
        for (recipe, picture) in recipes {
            ctx.check()?;
            let pixels = Arc::new(drawing.draw(picture).map_err(bad)?);
            remember(memo, recipe, &pixels);
            made.push((recipe.key(), pixels));
        }
        return Ok(made);
    }
    let original = picture::original(asset, memo).map_err(bad)?;
    for (recipe, picture) in recipes {
        ctx.check()?;
        let pixels = picture::make(picture, &original, ctx.simd).map_err(bad)?;
        remember(memo, recipe, &pixels);
        made.push((recipe.key(), pixels));
    }
    Ok(made)
}

fn remember(memo: &Memo, recipe: &Recipe, pixels: &Arc<Pixmap>) {
    memo.put(Kind::Pixels, recipe.key(), Arc::clone(pixels), pixels.weight());
}

/// The results in the order of the jobs, whatever thread did which. Of several errors the one of the first job counts, so
/// that the answer is the same for any number of threads.
fn in_parallel<J: Sync, T: Send>(
    ctx: &Ctx,
    jobs: &[J],
    run: impl Fn(&J) -> Result<T, SettleError> + Sync,
) -> Result<Vec<T>, SettleError> {
    let threads = ctx.threads.get().min(jobs.len());
    if threads <= 1 {
        return jobs.iter().map(|job| ctx.check().map_err(SettleError::from).and_then(|()| run(job))).collect();
    }
    let next = AtomicUsize::new(0);
    let failed = AtomicUsize::new(usize::MAX);
    let work = || {
        let mut results = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(job) = jobs.get(at) else { break };
            // Jobs behind a failed one are not needed; those before it may fail first.
            if at > failed.load(Ordering::Relaxed) {
                break;
            }
            let result = ctx.check().map_err(SettleError::from).and_then(|()| run(job));
            if result.is_err() {
                failed.fetch_min(at, Ordering::Relaxed);
            }
            results.push((at, result));
        }
        results
    };
    let mut results = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut results = work();
        for other in others {
            match other.join() {
                Ok(more) => results.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        results
    });
    results.sort_by_key(|(at, _)| *at);
    results.into_iter().map(|(_, result)| result).collect()
}
