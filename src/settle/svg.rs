//! SVG drawn at the size at which it is shown.

use resvg::tiny_skia;
use resvg::usvg::Tree;

use crate::asset::contain::contain;
use crate::asset::{Asset, Format, PictureError, svg};
use crate::geom::Size;
use crate::pixels::Pixmap;
use crate::scene::Picture;

/// A parsed document.
pub(super) struct Drawing {
    tree: Tree,
    own: (u32, u32),
}

impl Drawing {
    pub fn of(asset: &Asset) -> Result<Drawing, PictureError> {
        Ok(Drawing { tree: svg::tree(asset.bytes())?, own: asset.header().upright() })
    }

    /// The picture's window; its crop counts in the whole pixels of the header.
    pub fn draw(&self, picture: &Picture) -> Result<Pixmap, PictureError> {
        let Picture { crop, target, window, .. } = picture;
        let broken = |reason: &str| PictureError::Broken { format: Format::Svg, reason: reason.to_owned() };
        let (kx, ky) = (f64::from(target.width()) / crop.width, f64::from(target.height()) / crop.height);
        let sx = kx * f64::from(self.own.0) / f64::from(self.tree.size().width());
        let sy = ky * f64::from(self.own.1) / f64::from(self.tree.size().height());
        let tx = -crop.x * kx - f64::from(window.x0);
        let ty = -crop.y * ky - f64::from(window.y0);
        let transform = tiny_skia::Transform::from_row(sx as f32, 0.0, 0.0, sy as f32, tx as f32, ty as f32);
        let drawn = contain(|| {
            let mut pixmap = tiny_skia::Pixmap::new(window.width(), window.height())?;
            resvg::render(&self.tree, transform, &mut pixmap.as_mut());
            Some(pixmap.take())
        });
        let data = match drawn {
            Ok(data) => data.ok_or_else(|| broken("it is too large"))?,
            Err(panicked) => return Err(broken(&panicked.0)),
        };
        let size = Size::new(window.width(), window.height()).ok_or_else(|| broken("it is too large"))?;
        Pixmap::from_premultiplied(size, data).ok_or_else(|| broken("it is too large"))
    }
}
