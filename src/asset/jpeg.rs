//! JPEG bodies into straight RGBA8, as stored (orientation not applied), colours in sRGB.

// Pixel loops over fixed arrays; `scans` slices where it just matched.
#![allow(clippy::indexing_slicing)]

use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use crate::asset::{Header, icc};
use crate::color::mul_255;
use crate::limits::{MAX_JPEG_SCANS, MAX_SCANNED_PIXELS};

/// The pixels, row after row, or why they cannot be had. A body that ends early is an error, not grey.
pub(super) fn decode(bytes: &[u8], header: &Header) -> Result<Vec<u8>, String> {
    let scans = scans(bytes).ok_or("it ends early")?;
    if scans > MAX_JPEG_SCANS || scans.saturating_mul(header.area()) > MAX_SCANNED_PIXELS {
        return Err(format!("its {scans} scans would take too long"));
    }
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(header.width as usize)
        .set_max_height(header.height as usize)
        .jpeg_set_out_colorspace(ColorSpace::RGBA);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(|e| e.to_string())?;
    let input = decoder.input_colorspace().ok_or("it has no colour space")?;
    let four_inks = matches!(input, ColorSpace::CMYK | ColorSpace::YCCK);
    if four_inks {
        // Raw components: zune's own conversion takes no profile and means three bytes a pixel.
        decoder.set_options(options.jpeg_set_out_colorspace(input));
    }
    let info = decoder.info().ok_or("it has no frame")?;
    if (u32::from(info.width), u32::from(info.height)) != (header.width, header.height) {
        return Err("its frames differ in size".to_owned());
    }
    let profile = decoder.icc_profile();
    let mut pixels = decoder.decode().map_err(|e| e.to_string())?;
    if pixels.len() as u64 != header.area() * 4 {
        return Err("it has an unusual number of components".to_owned());
    }
    if four_inks {
        inks_to_rgba(&mut pixels, input, profile.as_deref());
    } else if let Some(profile) = profile {
        icc::to_srgb(&profile, &mut pixels);
    }
    Ok(pixels)
}

/// How many scans stand before the end marker; `None` where it is missing: zune fills a last row of blocks that ends early
/// with what it has.
fn scans(bytes: &[u8]) -> Option<u64> {
    const SCAN: u8 = 0xda;
    const END: u8 = 0xd9;
    let mut rest = bytes.get(2..).unwrap_or_default();
    let mut scans = 0;
    while let Some(at) = rest.iter().position(|&b| b == 0xff) {
        match rest[at..] {
            [_, END, ..] => return (scans > 0).then_some(scans),
            // Stuffing, restarts, fill: no length follows.
            [_, 0x00 | 0x01 | 0xd0..=0xd8, ..] => rest = &rest[at + 2..],
            [_, 0xff, ..] => rest = &rest[at + 1..],
            [_, marker, high, low, ..] => {
                scans += u64::from(marker == SCAN);
                let length = usize::from(u16::from_be_bytes([high, low]));
                rest = rest.get(at + 2 + length..).unwrap_or_default();
            }
            _ => return None,
        }
    }
    None
}

/// Photoshop and everyone after it stores inks inverted (255 is no ink), as YCCK after a turn through RGB.
fn inks_to_rgba(pixels: &mut [u8], stored: ColorSpace, profile: Option<&[u8]>) {
    if stored == ColorSpace::YCCK {
        for px in pixels.as_chunks_mut::<4>().0 {
            let [c, m, y] = ycc_to_rgb(px[0], px[1], px[2]);
            (px[0], px[1], px[2]) = (255 - c, 255 - m, 255 - y);
        }
    }
    if let Some(profile) = profile {
        let mut inks: Vec<u8> = pixels.iter().map(|v| 255 - v).collect();
        if icc::inks_to_srgb(profile, &mut inks) {
            pixels.copy_from_slice(&inks);
            return;
        }
    }
    for px in pixels.as_chunks_mut::<4>().0 {
        let [c, m, y, k] = *px;
        *px = [mul_255(c, k), mul_255(m, k), mul_255(y, k), 255];
    }
}

/// JFIF's full-range BT.601, in 16.16 fixed point.
fn ycc_to_rgb(y: u8, cb: u8, cr: u8) -> [u8; 3] {
    let (y, cb, cr) = (i32::from(y) << 16, i32::from(cb) - 128, i32::from(cr) - 128);
    let byte = |v: i32| ((v + (1 << 15)) >> 16).clamp(0, 255) as u8;
    [byte(y + 91_881 * cr), byte(y - 22_554 * cb - 46_802 * cr), byte(y + 116_130 * cb)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(bytes: &[u8], options: DecoderOptions) -> Vec<u8> {
        let options = options.jpeg_set_out_colorspace(ColorSpace::RGBA);
        JpegDecoder::new_with_options(ZCursor::new(bytes), options).decode().unwrap()
    }

    /// How many bytes differ between decoding with the machine's instructions and with plain code.
    fn differing(bytes: &[u8]) -> usize {
        let detected = decoded(bytes, DecoderOptions::default());
        let plain = decoded(bytes, DecoderOptions::default().set_use_unsafe(false));
        detected.iter().zip(&plain).filter(|(a, b)| a != b).count()
    }

    #[test]
    fn scans_are_counted_and_capped() {
        let mut jpeg = Vec::new();
        let mut encoder = jpeg_encoder::Encoder::new(&mut jpeg, 90);
        encoder.set_progressive(true);
        encoder.encode(&[90; 16 * 16 * 3], 16, 16, jpeg_encoder::ColorType::Rgb).unwrap();
        let own = scans(&jpeg).unwrap();
        assert!((2..20).contains(&own), "{own}");
        // The last scan once more, as often as is wanted.
        let begin = jpeg.windows(2).rposition(|two| two == [0xff, 0xda]).unwrap();
        let scan = jpeg[begin..jpeg.len() - 2].to_vec();
        let with = |more: u64| {
            let mut all = jpeg[..jpeg.len() - 2].to_vec();
            (0..more).for_each(|_| all.extend(&scan));
            all.extend([0xff, 0xd9]);
            let header = Header::probe(&all).unwrap();
            decode(&all, &header).err().filter(|error| error.contains("scans"))
        };
        assert_eq!(with(MAX_JPEG_SCANS - own), None);
        assert_eq!(with(MAX_JPEG_SCANS - own + 1).unwrap(), format!("its {} scans would take too long", MAX_JPEG_SCANS + 1));
        let huge = Header { width: 40_000, height: 30_000, ..Header::probe(&jpeg).unwrap() };
        assert!(decode(&jpeg, &huge).unwrap_err().contains("scans"));
    }

    /// What makes every machine give the same bytes.
    #[test]
    fn instructions_do_not_matter() {
        for name in ["bg.jpg", "product.jpg", "avatar.jpg"] {
            let path = format!("{}/tests/posters/pictures/{name}", env!("CARGO_MANIFEST_DIR"));
            assert_eq!(differing(&std::fs::read(path).unwrap()), 0, "{name}");
        }
        let mut state = 1_u32;
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        for (w, h) in [(1, 1), (7, 9), (16, 16), (33, 17), (200, 150)] {
            for sampling in [
                jpeg_encoder::SamplingFactor::R_4_4_4,
                jpeg_encoder::SamplingFactor::R_4_2_2,
                jpeg_encoder::SamplingFactor::R_4_2_0,
            ] {
                for quality in [10, 60, 100] {
                    let pixels: Vec<u8> = (0..usize::from(w) * usize::from(h) * 3).map(|_| noise()).collect();
                    let mut jpeg = Vec::new();
                    let mut encoder = jpeg_encoder::Encoder::new(&mut jpeg, quality);
                    encoder.set_sampling_factor(sampling);
                    encoder.set_progressive(quality == 60);
                    encoder.encode(&pixels, w, h, jpeg_encoder::ColorType::Rgb).unwrap();
                    assert_eq!(differing(&jpeg), 0, "{w}x{h}, {sampling:?}, quality {quality}");
                }
            }
        }
    }
}
