//! `svg`: a drawing, sharp at every size.

use crate::asset::{Asset, Format, Source};
use crate::layer::image::{Fit, Image, OnError};
use crate::layer::values::Position;
use crate::problem::{Code, Place, Problem};
use crate::template::declare::fields;

fields! {
    /// An SVG; neither scripts nor references to anything outside of it work.
    pub struct SvgFields {
        /// `https:`, `http:`, `data:`, `upload:NAME` or `asset:NAME`; must be an SVG.
        src: Source,
        /// Tried where `src` fails, before `on_error`.
        fallback: Option<Source>,
        /// What becomes of the layer when its source failed: the render fails, the layer hides, or a grey shape stands in.
        on_error: OnError = "fail",
        /// How the drawing fills its box (CSS object-fit).
        fit: Fit = "contain",
        /// Which part is seen, or where it lies (CSS object-position).
        position: Position = "center",
    }
}

impl From<SvgFields> for Image {
    fn from(svg: SvgFields) -> Image {
        let SvgFields { src, fallback, on_error, fit, position } = svg;
        Image { fallback, on_error, position, ..Image::plain(src, fit) }
    }
}

/// Refuses pictures of pixels.
pub fn check(asset: &Asset, place: &Place) -> Result<(), Problem> {
    if asset.header().format == Format::Svg {
        return Ok(());
    }
    let problem = Problem::new(place.child("src"), Code::NotAPicture, "is no SVG");
    Err(problem.hint("pictures of pixels are for layers of type `image`"))
}
