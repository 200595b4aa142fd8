//! JPEG: the whole canvas, opaque, in one go.

use jpeg_encoder::{ColorType, Encoder, PixelDensity, SamplingFactor};

use super::{EncodeError, Format};
use crate::geom::Size;

/// From this quality on colour is kept at full resolution: below, half of it saves a third of the bytes; red text and the edges of
/// type on colour suffer first.
const FULL_COLOR_FROM: u8 = 85;

/// Encodes RGBA8 pixels whose alphas do not count: composite them onto their ground first.
pub fn encode(pixels: &[u8], size: Size, quality: u8, dpi: u16) -> Result<Vec<u8>, EncodeError> {
    let too_large = EncodeError::TooLarge { format: Format::Jpeg };
    let (Ok(width), Ok(height)) = (u16::try_from(size.width()), u16::try_from(size.height())) else {
        return Err(too_large);
    };
    let mut out = Vec::with_capacity(pixels.len() / 20);
    let mut encoder = Encoder::new(&mut out, quality.clamp(1, 100));
    encoder.set_density(PixelDensity::dpi(dpi));
    encoder.set_sampling_factor(if quality >= FULL_COLOR_FROM { SamplingFactor::R_4_4_4 } else { SamplingFactor::R_4_2_0 });
    encoder
        .encode(pixels, width, height, ColorType::Rgba)
        .map_err(|error| EncodeError::Failed { format: Format::Jpeg, reason: error.to_string() })?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(size: Size) -> Vec<u8> {
        (0..size.height())
            .flat_map(|y| (0..size.width()).flat_map(move |x| [(x * 2) as u8, (y * 2) as u8, if x > 40 { 200 } else { 30 }, 255]))
            .collect()
    }

    #[test]
    fn decodes_to_nearly_the_same() {
        let size = Size::new(83, 61).unwrap();
        let pixels = picture(size);
        for (quality, most) in [(95, 4.0), (85, 6.0), (40, 14.0)] {
            let file = encode(&pixels, size, quality, 300).unwrap();
            // JFIF: 300 dots an inch both ways.
            assert_eq!(file[6..18], [b'J', b'F', b'I', b'F', 0, 1, 2, 1, 1, 44, 1, 44]);
            let decoded = image::load_from_memory_with_format(&file, image::ImageFormat::Jpeg).unwrap().to_rgba8();
            assert_eq!(decoded.dimensions(), (83, 61));
            let sum: u64 = decoded.as_raw().iter().zip(&pixels).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
            assert!((sum as f64 / pixels.len() as f64) < most, "quality {quality}: {}", sum as f64 / pixels.len() as f64);
        }
    }

    #[test]
    fn a_side_beyond_the_format_is_an_error() {
        let size = Size::new(65_536, 1).unwrap();
        assert_eq!(encode(&vec![255; 65_536 * 4], size, 85, 72), Err(EncodeError::TooLarge { format: Format::Jpeg }));
        let size = Size::new(65_535, 1).unwrap();
        assert!(encode(&vec![255; 65_535 * 4], size, 85, 72).is_ok());
    }
}
