//! Settling: every recipe of a scene becomes pixels, every glyph run placed masks. After this nothing can fail.

mod blur;
mod color_glyph;
mod filter;
mod glyphs;
mod outline;
mod pen;
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
/// Charges the budget for every picture and recipe, whether remembered or not: what a request is refused for must not
/// depend on the memo.
pub fn settle(scene: &Scene, memo: &Memo, ctx: &Ctx) -> Result<Settled, SettleError> {
    settle_after(scene, &mut Made::default(), memo, ctx)
}

/// As [`settle`], for a scene that differs a little from others of the same request: what was made for these is neither made
/// nor charged again.
pub fn settle_after(scene: &Scene, earlier: &mut Made, memo: &Memo, ctx: &Ctx) -> Result<Settled, SettleError> {
    let mut all = settle_all(std::slice::from_ref(scene), earlier, memo, ctx)?;
    Ok(all.pop().unwrap_or_else(|| Canvas::new(scene.size(), scene.background(), Vec::new())))
}

/// Several scenes together: what they have in common is made, and a picture decoded and charged, once.
pub fn settle_all(scenes: &[Scene], earlier: &mut Made, memo: &Memo, ctx: &Ctx) -> Result<Vec<Settled>, SettleError> {
    let mut wanted = plan::Wanted::default();
    for scene in scenes {
        wanted.add(scene.items(), PxRect::of_size(scene.size()));
    }
    wanted.charge(earlier, ctx.budget)?;
    *earlier = wanted.make(std::mem::take(earlier), memo, ctx)?;
    let settled = scenes.iter().map(|scene| {
        let items = earlier.items(scene.items(), PxRect::of_size(scene.size()));
        Canvas::new(scene.size(), scene.background(), items)
    });
    Ok(settled.collect())
}

/// What the recipes and runs of the scenes of a request gave.
#[derive(Default)]
pub struct Made {
    pixels: HashMap<Key, Arc<Pixmap>>,
    /// By the key of the item that holds the run and what of it is looked at: the canvas, or the area of a blur.
    masks: HashMap<(Key, PxRect), Arc<[PlacedMask]>>,
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
                let run = self.masks.get(&(item.key(), canvas)).filter(|masks| !masks.is_empty())?;
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

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use bytes::Bytes;
    use image::codecs::png::PngEncoder;
    use image::{ExtendedColorType, ImageEncoder};

    use super::*;
    use crate::asset::Asset;
    use crate::color::Color;
    use crate::ctx::{Budget, Simd};
    use crate::geom::{Affine, Fx, FxRect, Size};
    use crate::limits::Limits;
    use crate::memo::Kind;
    use crate::scene::{Blend, ColorGlyph, Crop, GlyphRun, Paint, Picture, PlacedGlyph, Shape, Warp};
    use crate::text::{Face, Fonts, Style};

    fn face(family: &str) -> Arc<Face> {
        let style = Style { families: vec![family.to_owned()], size: 16.0, weight: 400.0, ..Style::default() };
        Fonts::bundled().first_face(&style).unwrap().0
    }

    fn png(seed: u8) -> Vec<u8> {
        let pixels: Vec<u8> = (0..32 * 24).flat_map(|i| [(i * 7) as u8 ^ seed, (i * 13) as u8, i as u8, 255]).collect();
        let mut png = Vec::new();
        PngEncoder::new(&mut png).write_image(&pixels, 32, 24, ExtendedColorType::Rgba8).unwrap();
        png
    }

    fn asset(bytes: Vec<u8>) -> Arc<Asset> {
        Arc::new(Asset::new(Bytes::from(bytes), &Limits::default()).unwrap())
    }

    fn picture(asset: &Arc<Asset>, width: u32, height: u32) -> Arc<Recipe> {
        let (w, h) = asset.header().upright();
        let target = Size::new(width, height).unwrap();
        let crop = Crop { x: 0.0, y: 0.0, width: f64::from(w), height: f64::from(h) };
        let window = PxRect::of_size(target);
        Arc::new(Recipe::picture(Picture { asset: Arc::clone(asset), crop, target, window }).unwrap())
    }

    fn run(face: &Arc<Face>, text: &str, size: f64, x: f64, y: f64) -> Item<Lowered> {
        let glyphs = text
            .chars()
            .enumerate()
            .map(|(i, c)| PlacedGlyph {
                id: face.glyph(c).unwrap(),
                x: Fx::from_px(x + i as f64 * size * 0.61),
                y: Fx::from_px(y),
            })
            .collect();
        Item::glyphs(
            GlyphRun { face: Arc::clone(face), size, matrix: None, pen: None, glyphs },
            Paint::Solid(Color::BLACK.premultiply()),
        )
    }

    fn emoji(x: i32, y: i32, size: f64) -> Item<Lowered> {
        let face = face("Noto Color Emoji");
        let glyph = face.glyph('😀').unwrap();
        let side = (size * 1.5) as u32;
        let window = Size::new(side, side).unwrap();
        let map = Affine::translate(size * 0.1, size * 1.2);
        Item::pixels(Arc::new(Recipe::color_glyph(ColorGlyph { face, glyph, size, map, window, color: None })), x, y, None, 255)
    }

    fn scene(items: Vec<Item<Lowered>>) -> Scene {
        Canvas::new(Size::new(200, 100).unwrap(), Color::WHITE.premultiply(), items)
    }

    fn everything() -> Scene {
        let (one, two) = (asset(png(1)), asset(png(2)));
        let turned = Recipe::warp(Warp {
            source: picture(&two, 40, 30),
            clip: None,
            map: Affine::translate(25.0, 5.0).then_inner(Affine::rotate(33.0)).into(),
            size: Size::new(60, 60).unwrap(),
        });
        let face = face("Inter");
        scene(vec![
            Item::pixels(picture(&one, 50, 40), 3, 4, None, 255),
            Item::pixels(picture(&one, 20, 20), 100, 4, None, 128),
            Item::group(
                vec![run(&face, "Affiche", 17.0, 10.3, 60.7), Item::pixels(Arc::new(turned), 120, 30, None, 255)],
                200,
                Blend::Multiply,
                None,
                None,
            ),
            run(&face, "Affiche", 17.0, 40.0, 90.0),
            emoji(150, 10, 24.0),
        ])
    }

    fn settled_with(scene: &Scene, memo: &Memo, threads: usize, simd: Simd) -> Result<Settled, SettleError> {
        let budget = Budget::new(10_000_000);
        let ctx = Ctx { cancelled: &|| false, budget: &budget, threads: NonZeroUsize::new(threads).unwrap(), simd };
        settle(scene, memo, &ctx)
    }

    /// Everything that the painter would read.
    fn bytes(items: &[Item<Ready>]) -> Vec<u8> {
        let mut out = Vec::new();
        for item in items {
            out.extend(item.key().0);
            match item.op() {
                Op::Fill { .. } => {}
                Op::Glyphs { run, .. } => {
                    for placed in run.iter() {
                        out.extend(placed.x.to_le_bytes());
                        out.extend(placed.y.to_le_bytes());
                        out.extend((0..placed.mask.height()).flat_map(|y| placed.mask.row(y)));
                    }
                }
                Op::Pixels { source, x, y, .. } => {
                    out.extend(x.to_le_bytes());
                    out.extend(y.to_le_bytes());
                    out.extend(source.data());
                }
                Op::Group { items, mask, .. } => {
                    out.extend(bytes(items));
                    out.extend(mask.iter().flat_map(|m| m.source.data()));
                }
            }
        }
        out
    }

    #[test]
    fn the_same_for_any_threads_memo_and_instructions() {
        let scene = everything();
        let expected = bytes(settled_with(&scene, &Memo::off(), 1, Simd::Detect).unwrap().items());
        assert!(expected.len() > 20_000);
        let full = Memo::with_capacity(64 << 20);
        let tiny = Memo::with_capacity(20_000);
        for memo in [&Memo::off(), &full, &full, &tiny, &tiny] {
            for threads in [1, 4] {
                for simd in [Simd::Detect, Simd::Off] {
                    assert!(bytes(settled_with(&scene, memo, threads, simd).unwrap().items()) == expected);
                }
            }
        }
        assert!(full.counts(Kind::Pixels).hits > 0 && full.counts(Kind::Mask).hits > 0);
    }

    #[test]
    fn warm_runs_make_nothing_new() {
        let memo = Memo::with_capacity(64 << 20);
        let scene = everything();
        settled_with(&scene, &memo, 2, Simd::Detect).unwrap();
        let (pixels, masks) = (memo.counts(Kind::Pixels), memo.counts(Kind::Mask));
        settled_with(&scene, &memo, 2, Simd::Detect).unwrap();
        assert_eq!(memo.counts(Kind::Pixels).misses, pixels.misses);
        assert_eq!(memo.counts(Kind::Mask).misses, masks.misses);
    }

    #[test]
    fn equal_recipes_share_their_pixels() {
        let one = asset(png(1));
        let again = asset(png(1));
        let scene = scene(vec![
            Item::pixels(picture(&one, 50, 40), 0, 0, None, 255),
            Item::pixels(picture(&again, 50, 40), 90, 0, None, 255),
        ]);
        let settled = settled_with(&scene, &Memo::off(), 1, Simd::Detect).unwrap();
        let [Op::Pixels { source: a, .. }, Op::Pixels { source: b, .. }] = [settled.items()[0].op(), settled.items()[1].op()]
        else {
            panic!("pixels became something else");
        };
        assert!(Arc::ptr_eq(a, b));
    }

    #[test]
    fn what_cannot_be_seen_is_dropped_and_not_made() {
        let mut broken = png(1);
        broken.truncate(broken.len() / 2);
        let broken = asset(broken);
        let rect = |x0: i32| Shape::Rect(FxRect::new(Fx::from_int(x0), Fx(0), Fx::from_int(x0 + 5), Fx::from_int(5)));
        let paint = Paint::Solid(Color::BLACK.premultiply());
        let face = face("Inter");
        let hidden = vec![
            Item::pixels(picture(&broken, 50, 40), 200, 0, None, 255),
            Item::fill(rect(-5), paint.clone()),
            Item::fill(Shape::Rect(FxRect::default()), paint.clone()),
            run(&face, "A", 20.0, 500.0, 50.0),
            run(&face, " ", 20.0, 50.0, 50.0),
            Item::group(vec![Item::pixels(picture(&broken, 5, 5), 10, 500, None, 255)], 9, Blend::Normal, None, None),
        ];
        let mut items = hidden;
        items.push(Item::fill(rect(0), paint));
        let settled = settled_with(&scene(items), &Memo::off(), 1, Simd::Detect).unwrap();
        assert_eq!(settled.items().len(), 1);
        assert_eq!(settled.background(), Color::WHITE.premultiply());
    }

    #[test]
    fn the_first_bad_picture_is_named() {
        let cut = |seed| {
            let mut bytes = png(seed);
            bytes.truncate(bytes.len() - 30);
            asset(bytes)
        };
        let (first, second) = (cut(3), cut(4));
        let scene = scene(vec![
            Item::pixels(picture(&asset(png(1)), 50, 40), 0, 0, None, 255),
            Item::pixels(picture(&first, 50, 40), 0, 0, None, 255),
            Item::pixels(picture(&second, 50, 40), 0, 0, None, 255),
        ]);
        for threads in [1, 2, 3, 3, 3] {
            let error = settled_with(&scene, &Memo::off(), threads, Simd::Detect).err().unwrap();
            let SettleError::BadPicture { digest, reason } = error else { panic!("{error}") };
            assert_eq!(digest, first.digest());
            assert!(reason.contains("PNG"), "{reason}");
        }
    }

    #[test]
    fn the_budget_is_the_same_cold_and_warm() {
        // Decoded 32 by 24 pixels, which are less than what is shown: 50 by 40 and, twice the same, 20 by 20.
        let one = asset(png(1));
        let scene = scene(vec![
            Item::pixels(picture(&one, 50, 40), 0, 0, None, 255),
            Item::pixels(picture(&one, 20, 20), 0, 0, None, 255),
            Item::pixels(picture(&one, 20, 20), 50, 0, None, 255),
        ]);
        let need = 50 * 40 + 20 * 20;
        let memo = Memo::with_capacity(1 << 20);
        let threads = NonZeroUsize::MIN;
        for _ in 0..2 {
            for (budget, enough) in [(need - 1, false), (need, true)] {
                let budget = Budget::new(budget);
                let ctx = Ctx { cancelled: &|| false, budget: &budget, threads, simd: Simd::Detect };
                assert_eq!(settle(&scene, &memo, &ctx).is_ok(), enough);
            }
        }
        let ctx = Ctx { cancelled: &|| true, budget: &Budget::new(need), threads, simd: Simd::Detect };
        assert!(matches!(settle(&scene, &Memo::off(), &ctx), Err(SettleError::Stopped(_))));
    }

    #[test]
    fn emoji_have_colours() {
        let settled = settled_with(&scene(vec![emoji(20, 10, 40.0)]), &Memo::off(), 1, Simd::Detect).unwrap();
        let Op::Pixels { source, .. } = settled.items()[0].op() else { panic!("no pixels") };
        let pixels = source.data().as_chunks::<4>().0;
        let yellow = pixels.iter().filter(|px| px[0] > 200 && px[1] > 120 && px[2] < 120 && px[3] == 255).count();
        assert!(yellow > 500, "{yellow} yellow pixels");
        assert!(pixels.iter().all(|px| px[..3].iter().all(|c| *c <= px[3])));
        assert_eq!(pixels[0], [0; 4]);
    }

    #[test]
    fn glyphs_move_by_quarters_and_giants_are_cut() {
        let face = face("Inter");
        let masks = |item: Item<Lowered>| {
            let settled = settled_with(&scene(vec![item]), &Memo::off(), 1, Simd::Detect).unwrap();
            let Op::Glyphs { run, .. } = settled.items()[0].op() else { panic!("no glyphs") };
            (run[0].x, run[0].y, Arc::clone(&run[0].mask))
        };
        let (x, y, mask) = masks(run(&face, "H", 30.0, 20.0, 60.0));
        let (x1, y1, moved) = masks(run(&face, "H", 30.0, 21.1, 60.0));
        assert_eq!((x1, y1), (x + 1, y));
        assert!(mask == moved, "a tenth of a pixel is none");
        let (_, _, quarter) = masks(run(&face, "H", 30.0, 20.2, 60.0));
        assert!(mask != quarter);
        // The cap height of Inter is 0.727 em: an H stands on its baseline.
        assert_eq!(y + mask.height() as i32, 60);
        assert!((21..=23).contains(&mask.height()));
        let (x, y, giant) = masks(run(&face, "H", 8_000.0, -1_000.0, 3_000.0));
        assert!(x >= 0 && y >= 0 && giant.width() <= 200 && giant.height() <= 100);
    }

    #[test]
    fn vectors_see_nothing_outside_of_themselves() {
        let path = format!("{}/tests/posters/pictures/logo.png", env!("CARGO_MANIFEST_DIR"));
        let embedded = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, png(1));
        let drawn = |href: &str| {
            let svg = format!(
                r#"<svg xmlns="http://www.w3.org/2000/svg" width="32" height="24"><image href="{href}" width="32" height="24"/></svg>"#
            );
            let scene = scene(vec![Item::pixels(picture(&asset(svg.into_bytes()), 32, 24), 0, 0, None, 255)]);
            let settled = settled_with(&scene, &Memo::off(), 1, Simd::Detect).unwrap();
            let Op::Pixels { source, .. } = settled.items()[0].op() else { panic!("no pixels") };
            source.data().iter().any(|v| *v != 0)
        };
        assert!(drawn(&format!("data:image/png;base64,{embedded}")));
        assert!(!drawn(&path) && !drawn(&format!("file://{path}")) && !drawn("data:image/svg+xml,%3Csvg/%3E"));
    }

    #[test]
    fn vectors_are_drawn_at_the_size_shown() {
        let svg = br##"<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"><rect width="5" height="10" fill="#f00"/></svg>"##;
        let scene = scene(vec![Item::pixels(picture(&asset(svg.to_vec()), 100, 100), 0, 0, None, 255)]);
        let settled = settled_with(&scene, &Memo::off(), 1, Simd::Detect).unwrap();
        let Op::Pixels { source, .. } = settled.items()[0].op() else { panic!("no pixels") };
        let row = source.row(50).as_chunks::<4>().0;
        assert_eq!((row[49], row[50]), ([255, 0, 0, 255], [0; 4]), "the edge is sharp");
    }
}
