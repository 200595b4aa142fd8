//! Recipes: what must be turned into pixels before painting, because it is not local to a row.

use std::sync::Arc;

use crate::asset::Asset;
use crate::color::{Color, Premul};
use crate::geom::{Affine, Projective, PxRect, Size};
use crate::key::{Key, KeyBuilder};
use crate::scene::{Item, Lowered, Shape, key_of_shape};
use crate::text::Face;

/// How to make a pixmap of `size`. Position independent, so that a picture that only moves keeps its key.
#[derive(Clone)]
pub struct Recipe {
    key: Key,
    size: Size,
    opaque: bool,
    kind: RecipeKind,
}

#[derive(Clone)]
pub enum RecipeKind {
    Picture(Picture),
    Warp(Warp),
    ColorGlyph(ColorGlyph),
    Blur(Blur),
    Filtered(Filtered),
}

/// A shadow: the alpha of some items, blurred, in one colour.
#[derive(Clone)]
pub struct Blur {
    /// What casts it.
    pub items: Vec<Item<Lowered>>,
    /// What of the items is looked at: the window and as much around it as can reach into it.
    pub area: PxRect,
    /// What of the blurred area is wanted, in the items' coordinates. Never empty, inside the area.
    pub window: PxRect,
    /// The standard deviation in pixels.
    pub sigma: f64,
    pub color: Premul,
}

impl Blur {
    /// How far a pixel is spread, in pixels.
    pub fn reach(sigma: f64) -> i32 {
        // Three boxes of a radius of at most sigma, each a pixel more for its fractional ends.
        if sigma > 0.0 { (3.0 * sigma).ceil().min(1e6) as i32 + 3 } else { 0 }
    }
}

/// A decoded picture, cropped and resampled.
#[derive(Clone)]
pub struct Picture {
    pub asset: Arc<Asset>,
    /// What of the upright picture (after EXIF orientation) is shown, in its own pixels.
    pub crop: Crop,
    /// The size that the whole crop takes, in output pixels.
    pub target: Size,
    /// What of the target is wanted, in target pixels: the rest is off the canvas. Never empty, inside the target.
    pub window: PxRect,
}

/// A part of a picture in its own pixels; finite, of positive size, inside the picture.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Crop {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}

/// Another recipe's pixels under a map that keeps lines straight, with smooth edges.
#[derive(Clone)]
pub struct Warp {
    pub source: Arc<Recipe>,
    /// Cuts the source first, in source pixels.
    pub clip: Option<Shape>,
    /// From source pixels to window pixels; never flat.
    pub map: Projective,
    pub size: Size,
}

/// Another recipe's pixels through filters, one after the other; beyond them all is transparent.
#[derive(Clone)]
pub struct Filtered {
    pub source: Arc<Recipe>,
    pub steps: Vec<Step>,
    /// What of the result is wanted, in the source's pixels; it may reach beyond them. Never empty.
    pub window: PxRect,
}

/// One filter.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Step {
    /// By this standard deviation in pixels.
    Blur(f64),
    /// Red, green and blue, each from the three and a constant, from 0 to 1, not premultiplied.
    Colors([[f64; 4]; 3]),
}

impl Filtered {
    /// How far pixels are spread by all steps together.
    pub fn reach(steps: &[Step]) -> i32 {
        let one = |step: &Step| match step {
            Step::Blur(sigma) => Blur::reach(*sigma),
            Step::Colors(_) => 0,
        };
        steps.iter().map(one).fold(0, i32::saturating_add)
    }
}

/// One glyph in its own colours (COLRv1, COLRv0, CBDT, sbix).
#[derive(Clone)]
pub struct ColorGlyph {
    pub face: Arc<Face>,
    pub glyph: u16,
    /// Pixels per em.
    pub size: f64,
    /// From pixels relative to the glyph's origin (y down) to pixels relative to the window's top left.
    pub map: Affine,
    pub window: Size,
    /// The text's, where a layer of the glyph may take it.
    pub color: Option<Color>,
}

impl Recipe {
    pub fn picture(picture: Picture) -> Option<Recipe> {
        let size = Size::new(picture.window.width(), picture.window.height())?;
        let c = picture.crop;
        let key = KeyBuilder::new("picture")
            .key(picture.asset.digest())
            .f64(c.x)
            .f64(c.y)
            .f64(c.width)
            .f64(c.height)
            .u32(picture.target.width())
            .u32(picture.target.height())
            .i32(picture.window.x0)
            .i32(picture.window.y0)
            .i32(picture.window.x1)
            .i32(picture.window.y1)
            .finish();
        let opaque = !picture.asset.header().alpha;
        Some(Recipe { key, size, opaque, kind: RecipeKind::Picture(picture) })
    }

    pub fn warp(warp: Warp) -> Recipe {
        let mut key = KeyBuilder::new("warp").key(warp.source.key);
        key = match &warp.clip {
            Some(shape) => key_of_shape(key.u8(1), shape),
            None => key.u8(0),
        };
        let key = warp.map.0.iter().fold(key, |key, v| key.f64(*v));
        let key = key.u32(warp.size.width()).u32(warp.size.height()).finish();
        Recipe { key, size: warp.size, opaque: false, kind: RecipeKind::Warp(warp) }
    }

    pub fn color_glyph(glyph: ColorGlyph) -> Recipe {
        let key = KeyBuilder::new("color glyph")
            .key(glyph.face.key())
            .u32(u32::from(glyph.glyph))
            .f64(glyph.size)
            .affine(glyph.map)
            .u32(glyph.window.width())
            .u32(glyph.window.height());
        let key = match glyph.color {
            Some(Color { r, g, b, a }) => key.u8(1).bytes(&[r, g, b, a]),
            None => key.u8(0),
        };
        Recipe { key: key.finish(), size: glyph.window, opaque: false, kind: RecipeKind::ColorGlyph(glyph) }
    }

    /// `None` where the window is empty.
    pub fn blur(blur: Blur) -> Option<Recipe> {
        let size = Size::new(blur.window.width(), blur.window.height())?;
        if !blur.area.contains_rect(blur.window) {
            return None;
        }
        let mut key = KeyBuilder::new("blur").u32(blur.items.len() as u32);
        for item in &blur.items {
            key = key.key(item.key());
        }
        for rect in [blur.area, blur.window] {
            key = key.i32(rect.x0).i32(rect.y0).i32(rect.x1).i32(rect.y1);
        }
        let key = key.f64(blur.sigma).bytes(&blur.color.to_bytes()).finish();
        Some(Recipe { key, size, opaque: false, kind: RecipeKind::Blur(blur) })
    }

    /// `None` where the window is empty.
    pub fn filtered(filtered: Filtered) -> Option<Recipe> {
        let Filtered { source, steps, window } = &filtered;
        let size = Size::new(window.width(), window.height())?;
        let mut key = KeyBuilder::new("filtered").key(source.key).u32(steps.len() as u32);
        for step in steps {
            key = match step {
                Step::Blur(sigma) => key.u8(0).f64(*sigma),
                Step::Colors(matrix) => matrix.iter().flatten().fold(key.u8(1), |key, v| key.f64(*v)),
            };
        }
        let key = key.i32(window.x0).i32(window.y0).i32(window.x1).i32(window.y1).finish();
        let opaque = source.opaque && Filtered::reach(steps) == 0 && PxRect::of_size(source.size).contains_rect(*window);
        Some(Recipe { key, size, opaque, kind: RecipeKind::Filtered(filtered) })
    }

    pub fn key(&self) -> Key {
        self.key
    }

    pub fn size(&self) -> Size {
        self.size
    }

    /// True only if the pixels are known to be opaque before they are made.
    pub fn is_opaque(&self) -> bool {
        self.opaque
    }

    pub fn kind(&self) -> &RecipeKind {
        &self.kind
    }
}
