//! Glyph runs into placed masks: outlines, or what a pen draws along them, at quarter-pixel phases.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::ctx::{Budget, Ctx, OverBudget};
use crate::geom::{Affine, PxRect};
use crate::key::{BySpread, Key};
use crate::memo::{Kind, Memo};
use crate::pixels::Mask;
use crate::scene::{GlyphRun, PlacedMask};
use crate::settle::SettleError;
use crate::settle::outline::Outline;
use crate::settle::pen::Ink;

/// Masks of more pixels are not kept whole and not remembered: only what lies on the canvas is made, and it is charged.
const GIANT: u64 = 1 << 20;

/// Masks of fewer pixels are not charged: as many as a text may have take 50 MB.
const SMALL: u64 = 1 << 10;

/// Distinct glyphs for which there is room from the beginning.
const MANY: usize = 64;

/// A glyph at one of sixteen places within a pixel.
#[derive(Clone, Copy)]
struct Spot {
    id: u16,
    /// Quarters of a pixel.
    x: u8,
    y: u8,
}

impl Spot {
    /// Another one for each.
    fn number(self) -> u32 {
        u32::from(self.id) << 4 | u32::from(self.y & 3) << 2 | u32::from(self.x & 3)
    }
}

/// A glyph's coverage; its top left pixel lies at (`left`, `top`) from the pixel that holds the origin.
struct GlyphMask {
    left: i32,
    top: i32,
    mask: Arc<Mask>,
}

#[derive(Clone)]
enum Form {
    Mask(Arc<GlyphMask>),
    Giant,
}

impl Form {
    fn charge(&self, budget: &Budget) -> Result<(), OverBudget> {
        let Form::Mask(glyph) = self else { return Ok(()) };
        let pixels = u64::from(glyph.mask.width()) * u64::from(glyph.mask.height());
        if pixels < SMALL { Ok(()) } else { budget.charge_mask(pixels) }
    }
}

/// The distinct glyphs of a run, with the masks that were found.
pub(super) struct Spots<'a> {
    run: &'a GlyphRun,
    canvas: PxRect,
    key: Key,
    spots: Vec<(Spot, Option<Form>)>,
    /// For each glyph of the run its place in `spots`, and the pixel that holds its origin.
    glyphs: Vec<(usize, i32, i32)>,
}

impl<'a> Spots<'a> {
    pub fn look_up(run: &'a GlyphRun, canvas: PxRect, memo: &Memo) -> Spots<'a> {
        let key = run.key_of_form("glyph masks");
        let count = run.glyphs.len();
        // Most glyphs of a line are of one kind each; of a long one they are not.
        let distinct = count.min(MANY);
        let (spots, glyphs) = (Vec::with_capacity(distinct), Vec::with_capacity(count));
        let mut found = Spots { run, canvas, key: key.finish(), spots, glyphs };
        let mut known: HashMap<u32, usize, BySpread> = HashMap::with_capacity_and_hasher(distinct, BySpread::default());
        let seen = found.seen();
        for glyph in &run.glyphs {
            // The nearest quarter of a pixel.
            let (x, y) = (glyph.x.0.saturating_add(8) >> 4, glyph.y.0.saturating_add(8) >> 4);
            if !(seen.x0..seen.x1).contains(&(x >> 2)) || !(seen.y0..seen.y1).contains(&(y >> 2)) {
                continue;
            }
            let spot = Spot { id: glyph.id, x: (x & 3) as u8, y: (y & 3) as u8 };
            let at = *known.entry(spot.number()).or_insert_with(|| {
                let mask = memo.get::<GlyphMask>(Kind::Mask, found.key_of(spot));
                found.spots.push((spot, mask.map(Form::Mask)));
                found.spots.len() - 1
            });
            found.glyphs.push((at, x >> 2, y >> 2));
        }
        found
    }

    /// Where the origins of glyphs lie that may touch the canvas: the masks of others are not even made.
    fn seen(&self) -> PxRect {
        let m = self.run.matrix.unwrap_or(Affine::IDENTITY);
        let reach = m.bounds_of(self.run.face.ink_box().scale(self.run.size));
        // Places are rounded to quarters of a pixel.
        let reach = PxRect::around(reach.inset(-2.0 - self.run.pen.map_or(0.0, |pen| pen.width / 2.0)));
        PxRect::new(
            self.canvas.x0.saturating_sub(reach.x1),
            self.canvas.y0.saturating_sub(reach.y1),
            self.canvas.x1.saturating_sub(reach.x0),
            self.canvas.y1.saturating_sub(reach.y0),
        )
    }

    pub fn is_complete(&self) -> bool {
        self.spots.iter().all(|(_, form)| form.is_some())
    }

    fn key_of(&self, spot: Spot) -> Key {
        self.key.member(spot.number())
    }

    /// The same with every mask there. Those that were found count as well: what a request is refused for must not depend on the memo.
    pub fn filled(&self, memo: &Memo, ctx: &Ctx<'_>) -> Result<Spots<'a>, SettleError> {
        let fill = |&(spot, ref form): &(Spot, Option<Form>)| {
            ctx.check()?;
            let form = form.clone().unwrap_or_else(|| {
                let form = self.form(spot);
                if let Form::Mask(mask) = &form {
                    memo.put(Kind::Mask, self.key_of(spot), Arc::clone(mask), mask.mask.weight() + size_of::<GlyphMask>());
                }
                form
            });
            form.charge(ctx.budget)?;
            Ok((spot, Some(form)))
        };
        let spots = self.spots.iter().map(fill).collect::<Result<_, SettleError>>()?;
        Ok(Spots { run: self.run, canvas: self.canvas, key: self.key, spots, glyphs: self.glyphs.clone() })
    }

    /// Charges all masks, which are there.
    pub fn charge(&self, budget: &Budget) -> Result<(), OverBudget> {
        self.spots.iter().filter_map(|(_, form)| form.as_ref()).try_for_each(|form| form.charge(budget))
    }

    fn form(&self, spot: Spot) -> Form {
        let blank = || Mask::new(0, 0, Vec::new()).map(Arc::new);
        let ink = self.ink(spot);
        let bounds = ink.as_ref().map_or(PxRect::default(), Ink::bounds);
        if bounds.area() > GIANT {
            return Form::Giant;
        }
        let mask = ink.and_then(|ink| ink.mask(bounds)).map(Arc::new).or_else(blank);
        mask.map_or(Form::Giant, |mask| Form::Mask(Arc::new(GlyphMask { left: bounds.x0, top: bounds.y0, mask })))
    }

    fn ink(&self, spot: Spot) -> Option<Ink> {
        let curves = self.run.face.outline(spot.id)?;
        let m = self.run.matrix.unwrap_or(Affine::IDENTITY);
        let scale = self.run.size / self.run.face.units_per_em();
        // Font units with y up to pixels with y down, then the run's matrix, then the phase.
        let map = Affine {
            a: m.a * scale,
            b: m.b * scale,
            c: -m.c * scale,
            d: -m.d * scale,
            e: f64::from(spot.x) / 4.0,
            f: f64::from(spot.y) / 4.0,
        };
        match self.run.pen {
            Some(pen) => Ink::drawn(curves, map, pen),
            None => Outline::new(curves, map).map(Ink::filled),
        }
    }

    /// The masks where the glyphs stand; those off the canvas are left out.
    pub fn place(&self, ctx: &Ctx<'_>) -> Result<Arc<[PlacedMask]>, SettleError> {
        let mut placed = Vec::with_capacity(self.glyphs.len());
        let inks = self.giants(ctx)?;
        let mut painted = 0_u64;
        for &(at, x, y) in &self.glyphs {
            match self.spots.get(at) {
                Some((_, Some(Form::Mask(glyph)))) => {
                    let (x, y) = (x.saturating_add(glyph.left), y.saturating_add(glyph.top));
                    let (width, height) = (glyph.mask.width() as i32, glyph.mask.height() as i32);
                    let bounds = PxRect::new(0, 0, width, height).translate(x, y);
                    let drawn = bounds.intersect(self.canvas);
                    if !drawn.is_empty() {
                        painted = painted.saturating_add(drawn.area());
                        placed.push(PlacedMask { x, y, mask: Arc::clone(&glyph.mask) });
                    }
                }
                Some((_, Some(Form::Giant))) => {
                    ctx.check()?;
                    let giant = inks.get(&at).and_then(|ink| self.giant(ink, x, y));
                    placed.extend(giant);
                }
                Some((_, None)) | None => {}
            }
        }
        ctx.budget.charge_painting(painted)?;
        Ok(placed.into())
    }

    /// The giants by their place in `spots`, once all that is seen of them is paid: a mask weighs a quarter of the pixels it
    /// covers, and two of its pixels take as long as one of a mask that is kept.
    fn giants(&self, ctx: &Ctx<'_>) -> Result<BTreeMap<usize, Ink>, SettleError> {
        let mut inks = BTreeMap::new();
        for &(at, x, y) in &self.glyphs {
            let Some(&(spot, Some(Form::Giant))) = self.spots.get(at) else { continue };
            if let Entry::Vacant(place) = inks.entry(at) {
                ctx.check()?;
                let Some(ink) = self.ink(spot) else { continue };
                place.insert(ink);
            }
            let seen = inks.get(&at).map_or(PxRect::default(), |ink| self.window(ink, x, y));
            let pixels = seen.area();
            ctx.budget.charge(pixels / 4)?;
            ctx.budget.charge_mask(pixels / 2)?;
            ctx.budget.charge_painting(pixels)?;
        }
        Ok(inks)
    }

    /// What of a giant's ink lies on the canvas, from its origin.
    fn window(&self, ink: &Ink, x: i32, y: i32) -> PxRect {
        ink.bounds().intersect(self.canvas.translate(x.saturating_neg(), y.saturating_neg()))
    }

    fn giant(&self, ink: &Ink, x: i32, y: i32) -> Option<PlacedMask> {
        let window = self.window(ink, x, y);
        let mask = Arc::new(ink.mask(window)?);
        Some(PlacedMask { x: x + window.x0, y: y + window.y0, mask })
    }
}
