//! SVG drawn at the size at which it is shown.

use resvg::tiny_skia;
use resvg::usvg::Tree;

use crate::asset::contain::contain;
use crate::asset::{Asset, PictureError, svg};
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
        let (kx, ky) = (f64::from(target.width()) / crop.width, f64::from(target.height()) / crop.height);
        let sx = kx * f64::from(self.own.0) / f64::from(self.tree.size().width());
        let sy = ky * f64::from(self.own.1) / f64::from(self.tree.size().height());
        let tx = -crop.x * kx - f64::from(window.x0);
        let ty = -crop.y * ky - f64::from(window.y0);
        let transform = tiny_skia::Transform::from_row(sx as f32, 0.0, 0.0, sy as f32, tx as f32, ty as f32);
        let (width, height) = (window.width(), window.height());
        let large = || svg::broken("it is too large".to_owned());
        let data = contain(|| {
            svg::admit_painting(&self.tree, transform, width, height)?;
            let mut pixmap = tiny_skia::Pixmap::new(width, height).ok_or_else(large)?;
            resvg::render(&self.tree, transform, &mut pixmap.as_mut());
            Ok(pixmap.take())
        })
        .unwrap_or_else(|panicked| Err(svg::broken(panicked.0)))?;
        let size = Size::new(width, height).ok_or_else(large)?;
        Pixmap::from_premultiplied(size, data).ok_or_else(large)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::print_stdout)]
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use super::*;
    use crate::geom::PxRect;
    use crate::limits::Limits;
    use crate::scene::Crop;

    fn draw(body: &str, side: u32) -> Result<(), PictureError> {
        let document = format!(
            r##"<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="1000" height="1000">{body}</svg>"##
        );
        let asset = Arc::new(Asset::new(document.into_bytes().into(), &Limits::default())?);
        let drawing = Drawing::of(&asset)?;
        let edge = i32::try_from(side).unwrap();
        let picture = Picture {
            asset,
            crop: Crop { x: 0.0, y: 0.0, width: 1_000.0, height: 1_000.0 },
            target: Size::new(side, side).unwrap(),
            window: PxRect { x0: 0, y0: 0, x1: edge, y1: edge },
        };
        drawing.draw(&picture).map(|_| ())
    }

    /// Nothing here can be interrupted: what is admitted must end soon, at any size.
    #[test]
    fn hostile_drawings_end_soon() {
        let filtered = |filter: &str| {
            format!(
                r##"<filter id="f" x="0" y="0" width="1" height="1">{filter}</filter><rect width="1000" height="1000" filter="url(#f)"/>"##
            )
        };
        let rect = r##"<rect width="1000" height="1000" fill="#f008"/>"##;
        let nested = format!("{}{rect}{}", r#"<g opacity="0.9">"#.repeat(50), "</g>".repeat(50));
        let tile = r##"<pattern id="p" width="30" height="30" patternUnits="userSpaceOnUse" patternTransform="scale(1000)"><rect width="9" height="9"/></pattern><rect width="1000" height="1000" fill="url(#p)"/>"##;
        let marker = format!(
            r##"<marker id="m"><circle r="3"/></marker><path marker-mid="url(#m)" d="M0 0{}"/>"##,
            "L9 9 5 5".repeat(150_000)
        );
        let zigzag = format!(r#"<path stroke="red" fill="none" d="M0 0{}"/>"#, "L999 999 0 500".repeat(100_000));
        let cases: [(&str, String, bool); 14] = [
            ("one blur", filtered(r#"<feGaussianBlur stdDeviation="20"/>"#), true),
            ("blurs", filtered(&r#"<feGaussianBlur stdDeviation="200"/>"#.repeat(40)), false),
            ("turbulence", filtered(r#"<feTurbulence baseFrequency="0.05" numOctaves="4"/>"#), true),
            ("octaves", filtered(r#"<feTurbulence baseFrequency="0.05" numOctaves="40"/>"#), false),
            ("morphology", filtered(r#"<feMorphology operator="dilate" radius="100"/>"#), false),
            ("rects", rect.repeat(500), true),
            ("many rects", rect.repeat(50_000), false),
            ("nested groups", nested, true),
            ("a giant tile", tile.to_owned(), false),
            ("dashes", r#"<path stroke="red" stroke-dasharray="0.001" d="M0 0L1000 1000M0 5h900"/>"#.to_owned(), true),
            ("many dashes", r#"<path stroke="red" stroke-dasharray="0.001" d="M0 0L9999 9999"/>"#.repeat(50), false),
            ("arcs", r#"<path d="M0 0a1e38 1e38 0 0 0 1e30 0"/>"#.to_owned(), false),
            ("markers", marker, false),
            ("zigzag", zigzag, false),
        ];
        for (name, body, at_small) in cases {
            for side in [1_000, 6_000] {
                let started = Instant::now();
                let drawn = draw(&body, side);
                let took = started.elapsed();
                println!("{name} at {side}: {took:?} {}", drawn.as_ref().map_or_else(ToString::to_string, |()| String::new()));
                assert!(took < Duration::from_secs(30), "{name} at {side} took {took:?}");
                assert!(side != 1_000 || drawn.is_ok() == at_small, "{name}: {drawn:?}");
            }
        }
    }
}
