//! What a scene wants made, in an order in which it can be made, and the making of it on several threads.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::asset::{Asset, Format, PictureError};
use crate::crew::in_order;
use crate::ctx::{Budget, Ctx, OverBudget};
use crate::geom::PxRect;
use crate::key::Key;
use crate::memo::{Kind, Memo};
use crate::pixels::Pixmap;
use crate::scene::{GlyphRun, Item, Lowered, Op, Picture, PlacedMask, Recipe, RecipeKind};
use crate::settle::{Made, SettleError, blur, color_glyph, filter, glyphs, picture, svg, warp};

/// The distinct recipes and glyph runs that can be seen, in the order of their first use.
#[derive(Default)]
pub(super) struct Wanted<'a> {
    /// Those that items show; what a warp is made from is found through it.
    recipes: Vec<&'a Recipe>,
    runs: Vec<Run<'a>>,
    seen: HashSet<Key>,
    seen_runs: HashSet<(Key, PxRect)>,
}

/// A glyph run of which the part on `canvas` is wanted; `key` is its item's.
#[derive(Clone, Copy)]
struct Run<'a> {
    key: Key,
    canvas: PxRect,
    glyphs: &'a GlyphRun,
}

impl<'a> Wanted<'a> {
    fn of(items: &'a [Item<Lowered>], canvas: PxRect) -> Wanted<'a> {
        let mut wanted = Wanted::default();
        wanted.add(items, canvas);
        wanted
    }

    /// What of the items is seen on the canvas.
    pub fn add(&mut self, items: &'a [Item<Lowered>], canvas: PxRect) {
        for item in items {
            if item.bounds().intersect(canvas).is_empty() {
                continue;
            }
            match item.op() {
                Op::Fill { .. } => {}
                Op::Glyphs { run, .. } => {
                    if self.seen_runs.insert((item.key(), canvas)) {
                        self.runs.push(Run { key: item.key(), canvas, glyphs: run.as_ref() });
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
    /// let go when they are made; the pixels of every warp and colour glyph; and of blurs and filters also the area they work on.
    pub fn charge(&self, earlier: &Made, budget: &Budget) -> Result<(), OverBudget> {
        let mut bill = Bill { known: earlier.pixels.keys().copied().collect(), ..Bill::default() };
        self.recipes.iter().for_each(|recipe| bill.add(recipe));
        budget.charge(bill.sum())
    }

    /// Together with what was made earlier.
    pub fn make(&self, earlier: Made, memo: &Memo, ctx: &Ctx) -> Result<Made, SettleError> {
        let mut plan = Plan::new(earlier, memo);
        for recipe in &self.recipes {
            plan.need(recipe);
        }
        plan.runs.extend(&self.runs);
        let Plan { mut made, by_asset, alone, runs, mut later, .. } = plan;
        let mut jobs: Vec<Job> = by_asset.into_iter().map(|(asset, recipes)| Job::Pictures(asset, recipes)).collect();
        jobs.extend(alone.into_iter().map(Job::Alone));
        let mut known = HashSet::new();
        for run in runs.into_iter().filter(|run| known.insert((run.key, run.canvas))) {
            if made.masks.contains_key(&(run.key, run.canvas)) {
                continue;
            }
            let found = glyphs::Spots::look_up(run.glyphs, run.canvas, memo);
            if found.is_complete() {
                found.charge(ctx.budget)?;
                made.masks.insert((run.key, run.canvas), found.place(ctx)?);
            } else {
                jobs.push(Job::Run((run.key, run.canvas), found));
            }
        }
        for result in in_order::<_, _, (), SettleError>(ctx, jobs, |(), job| job.run(memo, ctx))? {
            match result {
                Done::Pixels(pixels) => made.pixels.extend(pixels),
                Done::Masks(key, masks) => {
                    made.masks.insert(key, masks);
                }
            }
        }
        // What is made of other recipes waits for them.
        later.sort_by_key(|(level, _)| *level);
        for level in later.chunk_by(|a, b| a.0 == b.0) {
            let results = in_order::<_, _, (), SettleError>(ctx, level.iter().collect(), |(), (_, recipe)| {
                let pixels = match recipe.kind() {
                    RecipeKind::Warp(warp) => match made.of(&warp.source) {
                        Some(source) => warp::make(warp, &source, ctx)?,
                        None => None,
                    },
                    RecipeKind::Blur(blur) => blur::make(blur, &made.items(&blur.items, blur.area), ctx)?,
                    RecipeKind::Filtered(filtered) => match made.of(&filtered.source) {
                        Some(source) => filter::make(filtered, &source, ctx)?,
                        None => None,
                    },
                    RecipeKind::Picture(_) | RecipeKind::ColorGlyph(_) => None,
                };
                let pixels = Arc::new(pixels.unwrap_or_else(|| Pixmap::transparent(recipe.size())));
                remember(memo, recipe, &pixels);
                Ok((recipe.key(), pixels))
            })?;
            made.pixels.extend(results);
        }
        Ok(made)
    }
}

/// Pixels charged for each of a colour glyph, and how many of its paints come to one more: most cover a small part of it. The
/// richest of the bundled emoji has 6,575.
const COLOR_GLYPH: (u64, u64) = (3, 128);

/// What the recipes of a scene cost, each counted once.
#[derive(Default)]
struct Bill {
    known: HashSet<Key>,
    /// Of each asset its decoded pixels and those of all that is made of it.
    by_asset: HashMap<Key, (u64, u64)>,
    others: u64,
}

impl Bill {
    fn add(&mut self, recipe: &Recipe) {
        if !self.known.insert(recipe.key()) {
            return;
        }
        let area = recipe.size().area();
        match recipe.kind() {
            RecipeKind::Picture(picture) => {
                let header = picture.asset.header();
                let decoded = if header.format == Format::Svg { 0 } else { header.area() };
                let (_, shown) = self.by_asset.entry(picture.asset.digest()).or_insert((decoded, 0));
                *shown = shown.saturating_add(area);
            }
            RecipeKind::Warp(warp) => {
                self.others = self.others.saturating_add(area);
                self.add(&warp.source);
            }
            RecipeKind::Filtered(filtered) => {
                self.others = self.others.saturating_add(filter::area(filtered)).saturating_add(area);
                self.add(&filtered.source);
            }
            // Its gradients, layer over layer, take as long as decoding several such pictures.
            RecipeKind::ColorGlyph(glyph) => {
                let bitmap = glyph.face.bitmap_pixels(glyph.glyph);
                let paints = glyph.face.color_paints(glyph.glyph).unwrap_or(0);
                let drawn = area.saturating_mul(COLOR_GLYPH.0.max(paints / COLOR_GLYPH.1));
                self.others = self.others.saturating_add(drawn).saturating_add(bitmap);
            }
            RecipeKind::Blur(blur) => {
                let worked_on = blur.area.area();
                self.others = self.others.saturating_add(area).saturating_add(worked_on);
                Wanted::of(&blur.items, blur.area).recipes.iter().for_each(|recipe| self.add(recipe));
            }
        }
    }

    fn sum(&self) -> u64 {
        let pictures = self.by_asset.values().fold(0_u64, |sum, (decoded, shown)| sum.saturating_add(*decoded.max(shown)));
        pictures.saturating_add(self.others)
    }
}

/// What must be made, sorted by what it is made from.
struct Plan<'a> {
    memo: &'a Memo,
    /// What was made earlier, and what the memo had.
    made: Made,
    /// Every recipe that was asked for, with how many others stand below it one over the other.
    asked: HashMap<Key, usize>,
    /// Each asset with all that is made of it, so that it is decoded once and let go.
    by_asset: Vec<(&'a Asset, Vec<(&'a Recipe, &'a Picture)>)>,
    alone: Vec<&'a Recipe>,
    runs: Vec<Run<'a>>,
    /// What is made of other recipes, with how many stand below it.
    later: Vec<(usize, &'a Recipe)>,
}

impl<'a> Plan<'a> {
    fn new(made: Made, memo: &'a Memo) -> Plan<'a> {
        let asked = HashMap::new();
        Plan { memo, made, asked, by_asset: Vec::new(), alone: Vec::new(), runs: Vec::new(), later: Vec::new() }
    }

    /// Finds a recipe in the memo or sees to it that it is made; answers how many stand below whatever is made of it.
    fn need(&mut self, recipe: &'a Recipe) -> usize {
        if let Some(level) = self.asked.get(&recipe.key()) {
            return *level;
        }
        let level = self.find(recipe);
        self.asked.insert(recipe.key(), level);
        level
    }

    fn find(&mut self, recipe: &'a Recipe) -> usize {
        if self.made.pixels.contains_key(&recipe.key()) {
            return 0;
        }
        if let Some(pixels) = self.memo.get::<Pixmap>(Kind::Pixels, recipe.key()) {
            self.made.pixels.insert(recipe.key(), pixels);
            return 0;
        }
        let below = match recipe.kind() {
            RecipeKind::Picture(picture) => {
                let asset = picture.asset.as_ref();
                match self.by_asset.iter_mut().find(|(a, _)| a.digest() == asset.digest()) {
                    Some((_, recipes)) => recipes.push((recipe, picture)),
                    None => self.by_asset.push((asset, vec![(recipe, picture)])),
                }
                return 0;
            }
            RecipeKind::ColorGlyph(_) => {
                self.alone.push(recipe);
                return 0;
            }
            RecipeKind::Warp(warp) => self.need(&warp.source),
            RecipeKind::Filtered(filtered) => self.need(&filtered.source),
            RecipeKind::Blur(blur) => {
                let wanted = Wanted::of(&blur.items, blur.area);
                self.runs.extend(wanted.runs);
                wanted.recipes.into_iter().map(|recipe| self.need(recipe)).max().unwrap_or(0)
            }
        };
        self.later.push((below, recipe));
        below + 1
    }
}

enum Job<'a> {
    Pictures(&'a Asset, Vec<(&'a Recipe, &'a Picture)>),
    Alone(&'a Recipe),
    Run((Key, PxRect), glyphs::Spots<'a>),
}

enum Done {
    Pixels(Vec<(Key, Arc<Pixmap>)>),
    Masks((Key, PxRect), Arc<[PlacedMask]>),
}

impl Job<'_> {
    fn run(&self, memo: &Memo, ctx: &Ctx) -> Result<Done, SettleError> {
        match self {
            Job::Pictures(asset, recipes) => pictures(asset, recipes, memo, ctx).map(Done::Pixels),
            Job::Alone(recipe) => {
                let pixels = match recipe.kind() {
                    RecipeKind::ColorGlyph(glyph) => Arc::new(color_glyph::make(glyph)),
                    _ => return Ok(Done::Pixels(Vec::new())),
                };
                remember(memo, recipe, &pixels);
                Ok(Done::Pixels(vec![(recipe.key(), pixels)]))
            }
            Job::Run(key, spots) => Ok(Done::Masks(*key, spots.filled(memo, ctx)?.place(ctx)?)),
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
    let original = picture::original(asset, memo, ctx.simd).map_err(bad)?;
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
