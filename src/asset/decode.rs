//! Bytes into pixels: upright, premultiplied, sRGB. Foreign decoders run contained and within limits.

use std::io::{Cursor, Read};

use flate2::read::ZlibDecoder;
use image::codecs::{bmp::BmpDecoder, gif::GifDecoder, png::PngDecoder, webp::WebPDecoder};
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, Limits, RgbaImage};

use crate::asset::contain::contain;
use crate::asset::header::png_chunks;
use crate::asset::{Asset, Format, Header, PictureError, icc, jpeg};
use crate::ctx::Simd;
use crate::geom::Size;
use crate::level::{Level, dispatched};
use crate::limits::{MAX_DECODED_BYTES, MAX_PROFILE_BYTES};
use crate::pixels::Pixmap;

/// Decodes a raster picture: first frame of an animation, EXIF orientation applied, ICC converted to sRGB.
///
/// The caller has charged `header().area()` to the budget. Bodies that are broken or end early are errors. An SVG has no
/// pixels of its own and is an error here (see `settle`).
pub fn decode(asset: &Asset, simd: Simd) -> Result<Pixmap, PictureError> {
    let header = asset.header();
    let broken = |reason: String| PictureError::Broken { format: header.format, reason };
    let straight = contain(|| straight(asset.bytes(), header)).unwrap_or_else(|panicked| Err(panicked.0)).map_err(broken)?;
    let (width, height) = (straight.width(), straight.height());
    let size = Size::new(width, height).ok_or_else(|| broken("it is too large".to_owned()))?;
    let mut data = straight.into_raw();
    if header.alpha {
        premultiply(Level::of(simd), &mut data);
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
        Format::Png if !unpacks_small(bytes) => return Err("its colour profile is too large".to_owned()),
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

/// Whether the packed colour profiles of a PNG stay below the cap, all together. Its decoder would fill all the memory it may
/// use for pixels.
fn unpacks_small(bytes: &[u8]) -> bool {
    let mut left = MAX_PROFILE_BYTES;
    for (kind, data) in png_chunks(bytes) {
        match kind {
            b"iCCP" => {
                // Name, a zero, the method.
                let Some(end) = data.iter().position(|&b| b == 0) else { continue };
                let packed = data.get(end + 2..).unwrap_or_default();
                let unpacked = std::io::copy(&mut ZlibDecoder::new(packed).take(left + 1), &mut std::io::sink());
                // One that is broken is not used at all.
                match left.checked_sub(unpacked.unwrap_or(0)) {
                    Some(less) => left = less,
                    None => return false,
                }
            }
            b"IDAT" => break,
            _ => {}
        }
    }
    true
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

dispatched! {
    /// Straight RGBA8 into premultiplied, to nearest.
    premultiply => premultiply_all(data: &mut [u8]);
}

#[inline(always)]
fn premultiply_all(data: &mut [u8]) {
    for px in data.as_chunks_mut::<4>().0 {
        let straight = u32::from_le_bytes(*px);
        let alpha = straight >> 24;
        // Red and blue in one number, green and 255 in another: a quotient by 255 is the upper half of a half.
        let by_255 = |halves: u32| {
            let product = halves * alpha + 0x0080_0080;
            (product + (product >> 8 & 0x00ff_00ff)) >> 8 & 0x00ff_00ff
        };
        let (even, odd) = (by_255(straight & 0x00ff_00ff), by_255(straight >> 8 & 0xff | 0x00ff_0000));
        *px = (even | odd << 8).to_le_bytes();
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use image::codecs::{bmp::BmpEncoder, gif::GifEncoder, png::PngEncoder, webp::WebPEncoder};
    use image::{ExtendedColorType, Frame, ImageEncoder, Rgba};
    use jpeg_encoder::ColorType;

    use super::*;
    use crate::asset::exif;
    use crate::limits::Limits;

    const W: u32 = 24;
    const H: u32 = 16;

    /// Four quarters: red, green, blue, and half transparent white.
    fn quarters() -> RgbaImage {
        RgbaImage::from_fn(W, H, |x, y| {
            Rgba(match (x < W / 2, y < H / 2) {
                (true, true) => [255, 0, 0, 255],
                (false, true) => [0, 255, 0, 255],
                (true, false) => [0, 0, 255, 255],
                (false, false) => [255, 255, 255, 128],
            })
        })
    }

    fn opaque() -> Vec<u8> {
        DynamicImage::ImageRgba8(quarters()).into_rgb8().into_raw()
    }

    fn png() -> Vec<u8> {
        let mut out = Vec::new();
        PngEncoder::new(&mut out).write_image(&quarters(), W, H, ExtendedColorType::Rgba8).unwrap();
        out
    }

    fn jpeg(color: ColorType, data: &[u8], progressive: bool) -> Vec<u8> {
        let mut out = Vec::new();
        let mut encoder = jpeg_encoder::Encoder::new(&mut out, 95);
        encoder.set_progressive(progressive);
        encoder.encode(data, W as u16, H as u16, color).unwrap();
        out
    }

    fn with_exif(jpeg: &[u8], orientation: u16) -> Vec<u8> {
        let block = exif::tests::block(orientation, false);
        let mut out = jpeg[..2].to_vec();
        out.extend([0xff, 0xe1]);
        out.extend((block.len() as u16 + 8).to_be_bytes());
        out.extend(b"Exif\0\0");
        out.extend(block);
        out.extend(&jpeg[2..]);
        out
    }

    fn asset(bytes: &[u8]) -> Asset {
        Asset::new(Bytes::copy_from_slice(bytes), &Limits::default()).unwrap()
    }

    fn decoded(bytes: &[u8]) -> Pixmap {
        decode(&asset(bytes), Simd::Detect).unwrap()
    }

    /// The colours in the middle of the four quarters.
    fn corners(pixmap: &Pixmap) -> [[u8; 4]; 4] {
        let (w, h) = (pixmap.size().width() as usize, pixmap.size().height());
        let at = |x: usize, y: u32| *pixmap.row(y)[x * 4..].first_chunk::<4>().unwrap();
        [at(w / 4, h / 4), at(w * 3 / 4, h / 4), at(w / 4, h * 3 / 4), at(w * 3 / 4, h * 3 / 4)]
    }

    fn near(a: [[u8; 4]; 4], b: [[u8; 4]; 4], by: u8) -> bool {
        a.iter().flatten().zip(b.iter().flatten()).all(|(a, b)| a.abs_diff(*b) <= by)
    }

    const RED: [u8; 4] = [255, 0, 0, 255];
    const GREEN: [u8; 4] = [0, 255, 0, 255];
    const BLUE: [u8; 4] = [0, 0, 255, 255];
    const WHITE: [u8; 4] = [255, 255, 255, 255];
    const HALF: [u8; 4] = [128, 128, 128, 128];

    #[test]
    fn every_format_and_variety() {
        assert_eq!(corners(&decoded(&png())), [RED, GREEN, BLUE, HALF]);

        let mut webp = Vec::new();
        WebPEncoder::new_lossless(&mut webp).write_image(&quarters(), W, H, ExtendedColorType::Rgba8).unwrap();
        assert!(asset(&webp).header().alpha);
        assert_eq!(corners(&decoded(&webp)), [RED, GREEN, BLUE, HALF]);

        let mut bmp = Vec::new();
        BmpEncoder::new(&mut bmp).encode(&opaque(), W, H, ExtendedColorType::Rgb8).unwrap();
        assert_eq!(corners(&decoded(&bmp)), [RED, GREEN, BLUE, WHITE]);

        for progressive in [false, true] {
            let jpeg = jpeg(ColorType::Rgb, &opaque(), progressive);
            assert!(near(corners(&decoded(&jpeg)), [RED, GREEN, BLUE, WHITE], 8), "progressive: {progressive}");
            assert!(decoded(&jpeg).is_opaque());
        }
    }

    #[test]
    fn grey_palette_and_sixteen_bits() {
        let grey: Vec<u8> = (0..W * H).map(|i| if i % W < W / 2 { 40 } else { 200 }).collect();
        let expected = [[40, 40, 40, 255], [200, 200, 200, 255], [40, 40, 40, 255], [200, 200, 200, 255]];
        let mut png = Vec::new();
        PngEncoder::new(&mut png).write_image(&grey, W, H, ExtendedColorType::L8).unwrap();
        assert_eq!(corners(&decoded(&png)), expected);
        assert!(near(corners(&decoded(&jpeg(ColorType::Luma, &grey, false))), expected, 3));

        let wide: Vec<u8> = opaque().iter().flat_map(|&v| (u16::from(v) * 257).to_ne_bytes()).collect();
        let mut png = Vec::new();
        PngEncoder::new(&mut png).write_image(&wide, W, H, ExtendedColorType::Rgb16).unwrap();
        assert_eq!(corners(&decoded(&png)), [RED, GREEN, BLUE, WHITE]);

        let mut indexed = Vec::new();
        let mut encoder = ::png::Encoder::new(&mut indexed, W, H);
        encoder.set_color(::png::ColorType::Indexed);
        encoder.set_depth(::png::BitDepth::Two);
        encoder.set_palette(vec![255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255]);
        encoder.set_trns(vec![255, 255, 255, 128]);
        let rows: Vec<u8> = (0..H)
            .flat_map(|y| (0..W / 4).map(move |x| (u8::from(x >= W / 8) + 2 * u8::from(y >= H / 2)) * 0b0101_0101))
            .collect();
        encoder.write_header().unwrap().write_image_data(&rows).unwrap();
        assert!(asset(&indexed).header().alpha);
        assert_eq!(corners(&decoded(&indexed)), [RED, GREEN, BLUE, HALF]);
    }

    #[test]
    fn four_inks() {
        // The encoder inverts as Photoshop does: full ink of one colour in each quarter.
        let inks: Vec<u8> = (0..W * H)
            .flat_map(|i| match (i % W < W / 2, i / W < H / 2) {
                (true, true) => [255, 0, 0, 0],
                (false, true) => [0, 255, 0, 0],
                (true, false) => [0, 0, 255, 0],
                (false, false) => [0, 0, 0, 128],
            })
            .collect();
        let expected = [[0, 255, 255, 255], [255, 0, 255, 255], [255, 255, 0, 255], [127, 127, 127, 255]];
        for color in [ColorType::Cmyk, ColorType::CmykAsYcck] {
            let got = corners(&decoded(&jpeg(color, &inks, false)));
            assert!(near(got, expected, 8), "{color:?}: {got:?}");
        }
    }

    #[test]
    fn the_eight_orientations() {
        let plain = jpeg(ColorType::Rgb, &opaque(), false);
        let upright = [
            (1, [RED, GREEN, BLUE, WHITE]),
            (2, [GREEN, RED, WHITE, BLUE]),
            (3, [WHITE, BLUE, GREEN, RED]),
            (4, [BLUE, WHITE, RED, GREEN]),
            (5, [RED, BLUE, GREEN, WHITE]),
            (6, [BLUE, RED, WHITE, GREEN]),
            (7, [WHITE, GREEN, BLUE, RED]),
            (8, [GREEN, WHITE, RED, BLUE]),
        ];
        for (orientation, expected) in upright {
            let picture = asset(&with_exif(&plain, orientation));
            let (w, h) = picture.header().upright();
            assert_eq!((w, h), if orientation >= 5 { (H, W) } else { (W, H) });
            let pixmap = decode(&picture, Simd::Detect).unwrap();
            assert_eq!((pixmap.size().width(), pixmap.size().height()), (w, h));
            assert!(near(corners(&pixmap), expected, 8), "{orientation}: {:?}", corners(&pixmap));
        }
    }

    #[test]
    fn orientation_of_png_and_webp() {
        let mut png = png();
        let block = exif::tests::block(6, true);
        let mut chunk = (block.len() as u32).to_be_bytes().to_vec();
        chunk.extend(b"eXIf");
        chunk.extend(&block);
        chunk.extend(crc32fast::hash(&chunk[4..]).to_be_bytes());
        png.splice(33..33, chunk);
        assert_eq!(corners(&decoded(&png)), [BLUE, RED, HALF, GREEN]);

        let mut webp = Vec::new();
        let mut encoder = WebPEncoder::new_lossless(&mut webp);
        encoder.set_exif_metadata(block).unwrap();
        encoder.write_image(&quarters(), W, H, ExtendedColorType::Rgba8).unwrap();
        assert_eq!(asset(&webp).header().orientation, 6);
        assert_eq!(corners(&decoded(&webp)), [BLUE, RED, HALF, GREEN]);
    }

    #[test]
    fn the_first_frame_of_an_animation() {
        let other = RgbaImage::from_pixel(W, H, Rgba([9, 9, 9, 255]));
        let mut gif = Vec::new();
        let mut encoder = GifEncoder::new(&mut gif);
        let whole = RgbaImage::from_fn(W, H, |x, y| Rgba([quarters().get_pixel(x, y)[0], 0, 0, 255]));
        encoder.encode_frames([Frame::new(whole), Frame::new(other.clone())]).unwrap();
        drop(encoder);
        let black = [0, 0, 0, 255];
        assert_eq!(corners(&decoded(&gif)), [RED, black, black, RED]);

        // WebP: the canvas, then two frames, each a lossless picture.
        let mut frames = Vec::new();
        for picture in [quarters(), other] {
            let mut one = Vec::new();
            WebPEncoder::new_lossless(&mut one).write_image(&picture, W, H, ExtendedColorType::Rgba8).unwrap();
            let stream = &one[12..];
            let mut frame = vec![0; 6];
            frame.extend(&(W - 1).to_le_bytes()[..3]);
            frame.extend(&(H - 1).to_le_bytes()[..3]);
            frame.extend([100, 0, 0, 0b10]);
            frame.extend(stream);
            frames.extend(b"ANMF");
            frames.extend((frame.len() as u32).to_le_bytes());
            frames.extend(frame);
        }
        let mut body = b"WEBPVP8X\x0a\0\0\0\x12\0\0\0".to_vec();
        body.extend(&(W - 1).to_le_bytes()[..3]);
        body.extend(&(H - 1).to_le_bytes()[..3]);
        body.extend(b"ANIM\x06\0\0\0\0\0\0\0\0\0");
        body.extend(frames);
        let mut webp = b"RIFF".to_vec();
        webp.extend((body.len() as u32).to_le_bytes());
        webp.extend(body);
        assert_eq!(corners(&decoded(&webp)), [RED, GREEN, BLUE, HALF]);
    }

    #[test]
    fn profiles_are_converted() {
        let profile = moxcms::ColorProfile::new_display_p3().encode().unwrap();
        let muted: Vec<u8> = (0..W * H).flat_map(|_| [200, 100, 100]).collect();
        let tagged = |icc: Vec<u8>| {
            let mut png = Vec::new();
            let mut encoder = PngEncoder::new(&mut png);
            encoder.set_icc_profile(icc).unwrap();
            encoder.write_image(&muted, W, H, ExtendedColorType::Rgb8).unwrap();
            corners(&decoded(&png))[0]
        };
        let [r, g, b, _] = tagged(profile.clone());
        assert!(r > 205 && g < 100 && b < 102, "Display P3 is wider than sRGB: {r} {g} {b}");
        assert_eq!(tagged(moxcms::ColorProfile::new_srgb().encode().unwrap()), [200, 100, 100, 255]);
        assert_eq!(tagged(b"broken".to_vec()), [200, 100, 100, 255]);

        let mut jpeg = Vec::new();
        let mut encoder = jpeg_encoder::Encoder::new(&mut jpeg, 100);
        encoder.add_icc_profile(&profile).unwrap();
        encoder.encode(&muted, W as u16, H as u16, ColorType::Rgb).unwrap();
        assert!(near([corners(&decoded(&jpeg))[0]; 4], [[r, g, b, 255]; 4], 3));
    }

    #[test]
    fn packed_profiles_have_a_largest() {
        use flate2::{Compression, write::ZlibEncoder};
        let with = |profiles: &[u64]| {
            let mut chunks = Vec::new();
            for bytes in profiles {
                let mut packed = ZlibEncoder::new(b"name\0\0".to_vec(), Compression::best());
                std::io::copy(&mut std::io::repeat(0).take(*bytes), &mut packed).unwrap();
                let data = packed.finish().unwrap();
                chunks.extend((data.len() as u32).to_be_bytes());
                let from = chunks.len();
                chunks.extend(b"iCCP");
                chunks.extend(data);
                chunks.extend(crc32fast::hash(&chunks[from..]).to_be_bytes());
            }
            let mut png = png();
            png.splice(33..33, chunks);
            decode(&asset(&png), Simd::Detect).err().map(|error| error.to_string())
        };
        assert_eq!(with(&[MAX_PROFILE_BYTES - 1]), None);
        assert_eq!(with(&[MAX_PROFILE_BYTES]), None);
        assert!(with(&[MAX_PROFILE_BYTES + 1]).unwrap().contains("profile"));
        assert!(with(&[MAX_PROFILE_BYTES / 2, MAX_PROFILE_BYTES / 2 + 1]).unwrap().contains("profile"));
    }

    #[test]
    fn bodies_cut_short_are_refused() {
        let jpegs = [jpeg(ColorType::Rgb, &opaque(), false), jpeg(ColorType::Rgb, &opaque(), true)];
        let mut webp = Vec::new();
        WebPEncoder::new_lossless(&mut webp).write_image(&quarters(), W, H, ExtendedColorType::Rgba8).unwrap();
        let mut gif = Vec::new();
        GifEncoder::new(&mut gif).encode_frame(Frame::new(quarters())).unwrap();
        for (name, whole) in
            [("baseline", &jpegs[0]), ("progressive", &jpegs[1]), ("png", &png()), ("webp", &webp), ("gif", &gif)]
        {
            assert!(decode(&asset(whole), Simd::Detect).is_ok());
            for cut in 0..whole.len() {
                let bytes = Bytes::copy_from_slice(&whole[..cut]);
                let Ok(asset) = Asset::new(bytes, &Limits::default()) else { continue };
                if let Ok(pixels) = decode(&asset, Simd::Detect) {
                    // Only what stands behind the pixels may be missing.
                    assert!(pixels == decoded(whole) && cut + 16 >= whole.len(), "{name} cut at {cut} of {}", whole.len());
                    assert!(!matches!(asset.header().format, Format::Jpeg), "a JPEG's last bytes are its end marker");
                }
            }
        }
    }

    #[test]
    fn no_byte_turned_over_panics() {
        let mut gif = Vec::new();
        GifEncoder::new(&mut gif).encode_frame(Frame::new(quarters())).unwrap();
        let mut bmp = Vec::new();
        BmpEncoder::new(&mut bmp).encode(&opaque(), W, H, ExtendedColorType::Rgb8).unwrap();
        let wholes = [png(), jpeg(ColorType::Rgb, &opaque(), false), jpeg(ColorType::Rgb, &opaque(), true), gif, bmp];
        let limits = Limits { max_source_pixels: 1 << 20, ..Limits::default() };
        for whole in wholes {
            for at in 0..whole.len().min(600) {
                for value in [0, 0xff, whole[at] ^ 0x40] {
                    let mut bytes = whole.clone();
                    bytes[at] = value;
                    if let Ok(asset) = Asset::new(bytes.into(), &limits) {
                        let _ = decode(&asset, Simd::Detect);
                    }
                }
            }
        }
    }
}
