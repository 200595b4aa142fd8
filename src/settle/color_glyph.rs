//! Glyphs in their own colours (COLRv1, COLRv0, CBDT, sbix) into pixels, through vello_cpu.

use std::iter;

use vello_cpu::kurbo::Affine;
use vello_cpu::peniko::{Blob, FontData};
use vello_cpu::{Glyph, Level, PixmapMut, RenderContext, RenderSettings, Resources};

use crate::asset::contain::contain;
use crate::color::Color;
use crate::pixels::Pixmap;
use crate::scene::ColorGlyph;
use crate::settle::picture::clamp;

/// The glyph's window. A glyph that its font describes wrongly stays blank, as a browser leaves it.
///
/// Drawn on one thread at the level that every machine of the architecture has: the bytes must not depend on the machine.
pub(super) fn make(glyph: &ColorGlyph) -> Pixmap {
    let size = glyph.window;
    draw(glyph).and_then(|data| Pixmap::from_premultiplied(size, data)).unwrap_or_else(|| Pixmap::transparent(size))
}

fn draw(glyph: &ColorGlyph) -> Option<Vec<u8>> {
    // The library draws a graph that doubles itself to its end, and cannot be interrupted.
    glyph.face.color_paints(glyph.glyph)?;
    let width = u16::try_from(glyph.window.width()).ok()?;
    let height = u16::try_from(glyph.window.height()).ok()?;
    let mut data = vec![0; glyph.window.area() as usize * 4];
    let m = glyph.map;
    contain(|| {
        let settings = RenderSettings { level: Level::baseline(), num_threads: 0 };
        let mut context = RenderContext::new_with(width, height, settings);
        let mut resources = Resources::new();
        let font = FontData::new(Blob::new(glyph.face.data()), glyph.face.index());
        if let Some(Color { r, g, b, a }) = glyph.color {
            context.set_paint(vello_cpu::color::AlphaColor::from_rgba8(r, g, b, a));
        }
        context.set_transform(Affine::new([m.a, m.b, m.c, m.d, m.e, m.f]));
        // A representation that cannot be drawn leaves the window blank.
        let _ = context
            .glyph_run(&mut resources, &font)
            .font_size(glyph.size as f32)
            .hint(false)
            .normalized_coords(glyph.face.normalized_coords())
            .fill_glyphs(iter::once(Glyph { id: u32::from(glyph.glyph), x: 0.0, y: 0.0 }));
        context.flush();
        PixmapMut::new(width, height, &mut data).map(|target| context.render(target, &mut resources))
    })
    .ok()??;
    clamp(&mut data);
    Some(data)
}
