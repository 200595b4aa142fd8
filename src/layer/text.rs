//! `text`: a paragraph in a box.

use std::sync::Arc;

use crate::geom::{Affine, Fx, PxRect, Rect, Size};
use crate::layer::emit::Emitter;
use crate::layer::values::{Paint, Radius};
use crate::layer::{Content, Surroundings};
use crate::layout::boxes::Given;
use crate::problem::{Code, Place, Problem};
use crate::scene::{Blend, ColorGlyph, GlyphRun, Item, Lowered, PlacedGlyph, Recipe};
use crate::text::{Composed, Overflow, Paragraph, Run, TextError, compose};

#[derive(Clone, Debug)]
pub struct Text {
    pub paragraph: Paragraph,
    pub color: Paint,
    pub vertical_align: VerticalAlign,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum VerticalAlign {
    #[default]
    Top,
    Middle,
    Bottom,
}

impl Text {
    pub fn measure(&self, given: Given, place: &Place, around: &Surroundings) -> Result<Content, Problem> {
        let measure = given.width.or(given.at_most);
        let composed = compose(around.fonts, &self.paragraph, measure, around.memo, around.ctx).map_err(|e| problem(e, place))?;
        let padded = (given.width.unwrap_or(composed.width), given.height.unwrap_or(composed.height));
        Ok(Content::Text { composed, padded })
    }

    pub fn emit(&self, composed: &Composed, rect: Rect, to: &Emitter) -> Vec<Item<Lowered>> {
        let (dx, dy) = self.offset(composed, rect);
        let mut items = Vec::new();
        for line in &composed.lines {
            for run in &line.runs {
                if run.color {
                    items.extend(color_glyphs(run, dx, dy, to));
                } else {
                    items.extend(self.glyphs(run, dx, dy, rect, to));
                }
            }
        }
        match self.paragraph.overflow {
            Overflow::Clip if !items.is_empty() => {
                Item::group_or_items(items, 255, Blend::Normal, Some(to.round_box(rect, &Radius::NONE)), None)
            }
            _ => items,
        }
    }

    /// Where the first line box's left and top lie on the canvas, in layout pixels.
    pub fn offset(&self, composed: &Composed, rect: Rect) -> (f64, f64) {
        // Text that was set within a maximum but takes less: its widest line fills the box.
        let indent = composed.measure.map_or(0.0, |measure| {
            if measure > rect.width + 1e-6 { composed.lines.iter().map(|l| l.x).fold(f64::INFINITY, f64::min) } else { 0.0 }
        });
        let room = rect.height - composed.height;
        let down = match self.vertical_align {
            VerticalAlign::Top => 0.0,
            VerticalAlign::Middle => (room / 2.0).floor(),
            VerticalAlign::Bottom => room,
        };
        (rect.x - if indent.is_finite() { indent } else { 0.0 }, rect.y + down)
    }

    fn glyphs(&self, run: &Run, dx: f64, dy: f64, rect: Rect, to: &Emitter) -> Option<Item<Lowered>> {
        let glyphs: Vec<PlacedGlyph> = run
            .glyphs
            .iter()
            .map(|glyph| {
                let (x, y) = to.map.apply(dx + glyph.x, dy + glyph.y);
                PlacedGlyph { id: glyph.id, x: Fx::from_px(x), y: Fx::from_px(y) }
            })
            .collect();
        if glyphs.is_empty() {
            return None;
        }
        let scale = to.scale();
        let matrix = linear(to, scale).then_inner(slant(run.slant));
        let matrix = (matrix != Affine::IDENTITY).then_some(matrix);
        let run = GlyphRun { face: Arc::clone(&run.face), size: run.size * scale, matrix, glyphs };
        let item = Item::glyphs(run, to.paint(&self.color, rect, 1.0));
        (!item.bounds().intersect(to.canvas).is_empty()).then_some(item)
    }
}

/// Glyphs with colours of their own become pixels.
fn color_glyphs(run: &Run, dx: f64, dy: f64, to: &Emitter) -> Vec<Item<Lowered>> {
    let scale = to.scale();
    let size = run.size * scale;
    let linear = linear(to, scale).then_inner(slant(run.slant));
    let ink = linear.bounds_of(run.face.ink_box().scale(size));
    let place = |glyph: &crate::text::Glyph| {
        let (x, y) = to.map.apply(dx + glyph.x, dy + glyph.y);
        // Quarter pixels, as for outlines: equal emoji share their pixels.
        let (x, y) = ((x * 4.0).round() / 4.0, (y * 4.0).round() / 4.0);
        let whole = PxRect::new(
            (x + ink.x).floor().clamp(-1e7, 1e7) as i32,
            (y + ink.y).floor().clamp(-1e7, 1e7) as i32,
            (x + ink.right()).ceil().clamp(-1e7, 1e7) as i32,
            (y + ink.bottom()).ceil().clamp(-1e7, 1e7) as i32,
        );
        // Only giants are cut to the canvas; the others keep a key that does not depend on where they stand.
        let seen = whole.intersect(to.canvas);
        let window = if u64::from(whole.width()) * u64::from(whole.height()) > 1 << 20 { seen } else { whole };
        if seen.is_empty() {
            return None;
        }
        let recipe = Recipe::color_glyph(ColorGlyph {
            face: Arc::clone(&run.face),
            glyph: glyph.id,
            size,
            map: Affine::translate(x - f64::from(window.x0), y - f64::from(window.y0)).then_inner(linear),
            window: Size::new(window.width(), window.height())?,
        });
        Some(Item::pixels(Arc::new(recipe), window.x0, window.y0, None, 255))
    };
    run.glyphs.iter().filter_map(place).collect()
}

/// Rotation and flips without the scale, which goes into the size.
fn linear(to: &Emitter, scale: f64) -> Affine {
    if to.map.is_upright() || scale <= 0.0 {
        return Affine::IDENTITY;
    }
    let m = to.map;
    Affine { a: m.a / scale, b: m.b / scale, c: m.c / scale, d: m.d / scale, e: 0.0, f: 0.0 }
}

/// The shear of a synthetic italic, in pixels with y down.
fn slant(by: f64) -> Affine {
    Affine { c: -by, ..Affine::IDENTITY }
}

fn problem(error: TextError, place: &Place) -> Problem {
    match &error {
        TextError::UnknownFamilies { .. } => Problem::new(place.child("font"), Code::UnknownFont, error.to_string()),
        TextError::Stopped(_) => Problem::new(place.clone(), Code::Deadline, "the deadline passed while text was being set"),
    }
}
