//! A picture: header, decoding, and on to the canvas, upright, cropped, resampled and turned.
//!
//! Bytes that begin with `ICC` and one of `RLC` are a colour profile put into a JPEG of RGB, grey or inks, those that begin with
//! `EXIF` the metadata of one; any others are a file.

use std::borrow::Cow;
use std::sync::Arc;

use affiche::asset::decode::decode;
use affiche::asset::{Asset, Assets, Format, Shown};
use affiche::ctx::Simd;
use affiche::poster::Poster;
use affiche::template::Supplied;
use jpeg_encoder::{ColorType, Encoder};
use serde_json::{Map, json};

use super::studio::{Manner, draw_all_ways, limits, output};

pub fn run(data: &[u8]) {
    let file = match data.split_first_chunk::<4>() {
        Some((b"ICCR", profile)) => jpeg(ColorType::Rgb, Some(profile), None),
        Some((b"ICCL", profile)) => jpeg(ColorType::Luma, Some(profile), None),
        Some((b"ICCC", profile)) => jpeg(ColorType::Cmyk, Some(profile), None),
        Some((b"EXIF", exif)) => jpeg(ColorType::Rgb, None, Some(exif)),
        _ => Some(Cow::Borrowed(data)),
    };
    let Some(file) = file else { return };
    let Ok(asset) = Asset::new(file.into_owned().into(), &limits()) else { return };
    let header = *asset.header();
    assert!(header.width > 0 && header.height > 0 && (1..=8).contains(&header.orientation), "{header:?}");
    if header.format != Format::Svg
        && let Ok(pixmap) = decode(&asset, Simd::Detect)
    {
        assert_eq!((pixmap.size().width(), pixmap.size().height()), header.upright());
        assert!(header.alpha || pixmap.is_opaque(), "opaque by its header alone");
        assert!(pixmap.data().as_chunks::<4>().0.iter().all(|&[r, g, b, a]| r <= a && g <= a && b <= a), "not premultiplied");
    }
    show(asset, data.len());
}

/// Draws it in one of several frames.
fn show(asset: Asset, choice: usize) {
    let fit = ["cover", "contain", "fill", "none", "scale_down"][choice % 5];
    let layer = json!({
        "type": "image",
        "src": "asset:x",
        "x": 1.3,
        "y": -2,
        "width": 40,
        "height": 30.5,
        "fit": fit,
        "radius": 5,
        "rotate": if choice & 8 == 0 { 0 } else { 33 },
        "opacity": if choice & 16 == 0 { 1.0 } else { 0.4 },
    });
    let template = json!({ "width": 44, "height": 36, "layers": [layer] });
    let none = Map::new();
    let supplied = Supplied { variables: &none, overrides: &none, canvas: &none };
    let poster = Poster::read_inline(&template, &supplied, &limits()).unwrap();
    let assets = Assets::new(vec![Shown::Picture { asset: Arc::new(asset), from: "inline" }]);
    draw_all_ways(&poster, &assets, Manner { scale: 1.0, output: output((choice >> 5) as u8) });
}

/// A small JPEG with what is to be tried in its segments; `None` where it does not fit in.
fn jpeg(color: ColorType, profile: Option<&[u8]>, exif: Option<&[u8]>) -> Option<Cow<'static, [u8]>> {
    let channels = match color {
        ColorType::Luma => 1,
        ColorType::Cmyk => 4,
        _ => 3,
    };
    let pixels: Vec<u8> = (0..16 * 16 * channels).map(|i| (i * 7 % 256) as u8).collect();
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, 90);
    if let Some(profile) = profile {
        encoder.add_icc_profile(profile).ok()?;
    }
    if let Some(exif) = exif {
        encoder.add_app_segment(1, [b"Exif\0\0", exif].concat()).ok()?;
    }
    encoder.encode(&pixels, 16, 16, color).ok()?;
    Some(Cow::Owned(file))
}
