//! Bytes into pixels: upright, premultiplied, sRGB. Foreign decoders run contained and within limits.

use std::io::Cursor;

use image::codecs::{bmp::BmpDecoder, gif::GifDecoder, png::PngDecoder, webp::WebPDecoder};
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, Limits, RgbaImage};

use crate::asset::contain::contain;
use crate::asset::{Asset, Format, Header, PictureError, icc, jpeg};
use crate::color::mul_255;
use crate::geom::Size;
use crate::limits::MAX_DECODED_BYTES;
use crate::pixels::Pixmap;

/// Decodes a raster picture: first frame of an animation, EXIF orientation applied, ICC converted to sRGB.
///
/// The caller has charged `header().area()` to the budget. Bodies that are broken or end early are errors. An SVG has no
/// pixels of its own and is an error here (see `settle`).
pub fn decode(asset: &Asset) -> Result<Pixmap, PictureError> {
    let header = asset.header();
    let broken = |reason: String| PictureError::Broken { format: header.format, reason };
    let straight = contain(|| straight(asset.bytes(), header)).unwrap_or_else(|panicked| Err(panicked.0)).map_err(broken)?;
    let (width, height) = (straight.width(), straight.height());
    let size = Size::new(width, height).ok_or_else(|| broken("it is too large".to_owned()))?;
    let mut data = straight.into_raw();
    if header.alpha {
        premultiply(&mut data);
    } else {
        // What is planned as opaque must be so, whatever the decoder made of a contradictory file.
        data.as_chunks_mut::<4>().0.iter_mut().for_each(|px| px[3] = 255);
    }
    Pixmap::from_premultiplied(size, data).ok_or_else(|| broken("its pixels do not fill it".to_owned()))
}

/// Straight RGBA8, upright.
fn straight(bytes: &[u8], header: &Header) -> Result<RgbaImage, String> {
    let reader = || Cursor::new(bytes);
    let of_image = |e: ImageError| e.to_string();
    let rgba = match header.format {
        Format::Jpeg => RgbaImage::from_raw(header.width, header.height, jpeg::decode(bytes, header)?),
        // Its buffers are bounded by these limits only if given when it is made.
        Format::Png => Some(by_image(PngDecoder::with_limits(reader(), limits(header)).map_err(of_image)?, header)?),
        Format::WebP => Some(by_image(WebPDecoder::new(reader()).map_err(of_image)?, header)?),
        Format::Gif => Some(by_image(GifDecoder::new(reader()).map_err(of_image)?, header)?),
        Format::Bmp => Some(by_image(BmpDecoder::new(reader()).map_err(of_image)?, header)?),
        Format::Svg => None,
    };
    let mut picture = DynamicImage::ImageRgba8(rgba.ok_or("it has no pixels of its own")?);
    picture.apply_orientation(Orientation::from_exif(header.orientation).unwrap_or(Orientation::NoTransforms));
    Ok(picture.into_rgba8())
}

fn limits(header: &Header) -> Limits {
    let mut limits = Limits::default();
    limits.max_image_width = Some(header.width);
    limits.max_image_height = Some(header.height);
    limits.max_alloc = Some(MAX_DECODED_BYTES);
    limits
}

fn by_image(mut decoder: impl ImageDecoder, header: &Header) -> Result<RgbaImage, String> {
    let of_image = |e: ImageError| e.to_string();
    decoder.set_limits(limits(header)).map_err(of_image)?;
    if decoder.dimensions() != (header.width, header.height) {
        return Err("its parts differ in size".to_owned());
    }
    if decoder.total_bytes() > MAX_DECODED_BYTES {
        return Err("it takes too much memory".to_owned());
    }
    // A broken profile is no reason to refuse the picture.
    let profile = decoder.icc_profile().ok().flatten();
    let mut rgba = DynamicImage::from_decoder(decoder).map_err(of_image)?.into_rgba8();
    if let Some(profile) = profile {
        icc::to_srgb(&profile, &mut rgba);
    }
    Ok(rgba)
}

fn premultiply(data: &mut [u8]) {
    for [r, g, b, a] in data.as_chunks_mut::<4>().0 {
        (*r, *g, *b) = (mul_255(*r, *a), mul_255(*g, *a), mul_255(*b, *a));
    }
}
