//! Settling: every recipe of a scene becomes pixels, every glyph run placed masks. After this nothing can fail.

mod color_glyph;
mod glyphs;
mod outline;
mod picture;
mod plan;
mod svg;
mod warp;

use std::collections::HashMap;
use std::sync::Arc;

use crate::ctx::{Ctx, OverBudget, Stopped};
use crate::geom::PxRect;
use crate::key::Key;
use crate::memo::Memo;
use crate::pixels::Pixmap;
use crate::scene::{Canvas, GroupMask, Item, Lowered, Op, PlacedMask, Ready, Recipe, Scene, Settled};

/// Why a scene cannot be settled.
#[derive(Debug, thiserror::Error)]
pub enum SettleError {
    #[error(transparent)]
    Stopped(#[from] Stopped),
    #[error(transparent)]
    OverBudget(#[from] OverBudget),
    /// A picture whose header was good and whose body is not. `digest` tells which asset.
    #[error("{reason}")]
    BadPicture { digest: Key, reason: String },
}

/// Makes every recipe once and every glyph run's masks, on up to `ctx.threads` threads, looking in `memo` first. Items that
/// cannot touch the canvas are dropped.
///
/// Charges the budget with the pixels of every decoded picture and every recipe's result, whether remembered or not: what
/// a request is refused for must not depend on the memo.
pub fn settle(scene: &Scene, memo: &Memo, ctx: &Ctx) -> Result<Settled, SettleError> {
    let canvas = PxRect::of_size(scene.size());
    let wanted = plan::Wanted::of(scene.items(), canvas);
    wanted.charge(ctx.budget)?;
    let made = wanted.make(canvas, memo, ctx)?;
    let items = made.items(scene.items(), canvas);
    Ok(Canvas::new(scene.size(), scene.background(), items))
}

/// What the recipes and runs of a scene gave.
struct Made {
    pixels: HashMap<Key, Arc<Pixmap>>,
    /// By the key of the item that holds the run: equal keys, equal masks.
    masks: HashMap<Key, Arc<[PlacedMask]>>,
}

impl Made {
    fn items(&self, items: &[Item<Lowered>], canvas: PxRect) -> Vec<Item<Ready>> {
        items.iter().filter_map(|item| self.item(item, canvas)).collect()
    }

    /// `None` for what cannot be seen; every recipe of the others was made, as `Wanted` walked the same way.
    fn item(&self, item: &Item<Lowered>, canvas: PxRect) -> Option<Item<Ready>> {
        if item.bounds().intersect(canvas).is_empty() {
            return None;
        }
        let op = match item.op() {
            Op::Fill { shape, paint } => Op::Fill { shape: shape.clone(), paint: paint.clone() },
            Op::Glyphs { paint, .. } => {
                let run = self.masks.get(&item.key()).filter(|masks| !masks.is_empty())?;
                Op::Glyphs { run: Arc::clone(run), paint: paint.clone() }
            }
            Op::Pixels { source, x, y, clip, opacity } => {
                Op::Pixels { source: self.of(source)?, x: *x, y: *y, clip: clip.clone(), opacity: *opacity }
            }
            Op::Group { items, opacity, blend, clip, mask } => {
                let items = self.items(items, canvas);
                let mask = match mask {
                    Some(m) => Some(GroupMask { source: self.of(&m.source)?, x: m.x, y: m.y }),
                    None => None,
                };
                if items.is_empty() {
                    return None;
                }
                Op::Group { items, opacity: *opacity, blend: *blend, clip: clip.clone(), mask }
            }
        };
        Some(item.settled(op))
    }

    fn of(&self, recipe: &Recipe) -> Option<Arc<Pixmap>> {
        self.pixels.get(&recipe.key()).map(Arc::clone)
    }
}
