//! WebP: the whole canvas in one go, lossless by image-webp, lossy by libwebp behind a small safe wrapper.

use std::mem::MaybeUninit;
use std::ptr;

use libwebp_sys as ffi;

use super::{EncodeError, Format, Layout};
use crate::geom::Size;

/// libwebp's effort, 0 to 6: beyond this one the time doubles and the file hardly shrinks.
const METHOD: i32 = 2;

/// Encodes premultiplied RGBA8 pixels: lossless at quality 100, else lossy.
pub fn encode(pixels: &[u8], size: Size, layout: Layout, quality: u8, dpi: u16) -> Result<Vec<u8>, EncodeError> {
    if size.width().max(size.height()) > Format::WebP.most_pixels_a_side() {
        return Err(EncodeError::TooLarge { format: Format::WebP });
    }
    let mut straight = Vec::new();
    layout.write(pixels, &mut straight);
    let file = if quality >= 100 { lossless(&straight, size, layout)? } else { lossy(&straight, size, layout, quality)? };
    with_density(&file, size, layout, dpi).ok_or_else(|| failed("no RIFF file"))
}

fn failed(reason: impl Into<String>) -> EncodeError {
    EncodeError::Failed { format: Format::WebP, reason: reason.into() }
}

fn lossless(straight: &[u8], size: Size, layout: Layout) -> Result<Vec<u8>, EncodeError> {
    let color = match layout {
        Layout::Rgb => image_webp::ColorType::Rgb8,
        Layout::Rgba => image_webp::ColorType::Rgba8,
    };
    let mut out = Vec::new();
    image_webp::WebPEncoder::new(&mut out)
        .encode(straight, size.width(), size.height(), color)
        .map_err(|error| failed(error.to_string()))?;
    Ok(out)
}

/// Frees what libwebp allocated, however the encoding ends.
struct Picture(ffi::WebPPicture);

impl Drop for Picture {
    fn drop(&mut self) {
        // SAFETY: made by `WebPPictureInit`, and freed only here.
        unsafe { ffi::WebPPictureFree(&mut self.0) }
    }
}

/// What libwebp writes into.
struct Writer(ffi::WebPMemoryWriter);

impl Drop for Writer {
    fn drop(&mut self) {
        // SAFETY: made by `WebPMemoryWriterInit`, and cleared only here.
        unsafe { ffi::WebPMemoryWriterClear(&mut self.0) }
    }
}

fn lossy(straight: &[u8], size: Size, layout: Layout, quality: u8) -> Result<Vec<u8>, EncodeError> {
    let stride = size.width() as usize * layout.channels();
    if straight.len() != stride * size.height() as usize {
        return Err(failed("pixels do not fill the canvas"));
    }
    let mut config = ffi::WebPConfig::new().map_err(|()| failed("another version of libwebp"))?;
    config.quality = f32::from(quality);
    config.method = METHOD;
    let mut picture = Picture(ffi::WebPPicture::new().map_err(|()| failed("another version of libwebp"))?);
    // Both at most 16,383.
    picture.0.width = size.width() as i32;
    picture.0.height = size.height() as i32;
    let mut writer = MaybeUninit::uninit();
    // SAFETY: it initialises what it is given.
    let mut writer = Writer(unsafe {
        ffi::WebPMemoryWriterInit(writer.as_mut_ptr());
        writer.assume_init()
    });
    let import = match layout {
        Layout::Rgb => ffi::WebPPictureImportRGB,
        Layout::Rgba => ffi::WebPPictureImportRGBA,
    };
    // SAFETY: the picture is initialised and has its size; `straight` holds that many rows of `stride` bytes (checked above) and is
    // copied before the call returns.
    if unsafe { import(&mut picture.0, straight.as_ptr(), stride as i32) } == 0 {
        return Err(failed("out of memory"));
    }
    picture.0.writer = Some(ffi::WebPMemoryWrite);
    picture.0.custom_ptr = ptr::from_mut(&mut writer.0).cast();
    // SAFETY: config and picture are valid, and `custom_ptr` points to the writer that `WebPMemoryWrite` expects, which outlives the call.
    if unsafe { ffi::WebPEncode(&config, &mut picture.0) } == 0 {
        return Err(failed(format!("{:?}", picture.0.error_code)));
    }
    if writer.0.mem.is_null() {
        return Err(failed("nothing written"));
    }
    // SAFETY: the writer owns `size` written bytes at `mem` until it is dropped.
    Ok(unsafe { std::slice::from_raw_parts(writer.0.mem, writer.0.size) }.to_vec())
}

/// The same picture with its resolution: WebP has no field for it, so it goes into an EXIF chunk, which only the extended form of
/// the file may have (WebP container specification).
fn with_density(file: &[u8], size: Size, layout: Layout, dpi: u16) -> Option<Vec<u8>> {
    let mut rest = file.get(12..)?;
    let mut body = Vec::with_capacity(file.len() + 100);
    body.extend(b"WEBP");
    // EXIF; and alpha.
    let flags = 0x08 | if layout == Layout::Rgba { 0x10 } else { 0 };
    let [w0, w1, w2, _] = (size.width() - 1).to_le_bytes();
    let [h0, h1, h2, _] = (size.height() - 1).to_le_bytes();
    chunk(&mut body, b"VP8X", &[flags, 0, 0, 0, w0, w1, w2, h0, h1, h2]);
    while let Some((head, after)) = rest.split_first_chunk::<8>() {
        let [a, b, c, d, l0, l1, l2, l3] = *head;
        let length = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
        let data = after.get(..length)?;
        if [a, b, c, d] != *b"VP8X" {
            chunk(&mut body, &[a, b, c, d], data);
        }
        rest = after.get(length + (length & 1)..).unwrap_or_default();
    }
    chunk(&mut body, b"EXIF", &exif(dpi));
    let mut out = b"RIFF".to_vec();
    out.extend(u32::try_from(body.len()).ok()?.to_le_bytes());
    out.extend(body);
    Some(out)
}

fn chunk(out: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) {
    out.extend(kind);
    out.extend((data.len() as u32).to_le_bytes());
    out.extend(data);
    if data.len() % 2 == 1 {
        out.push(0);
    }
}

/// A TIFF structure, little endian, with one directory of XResolution, YResolution and ResolutionUnit (inches).
fn exif(dpi: u16) -> Vec<u8> {
    const ENTRIES: u16 = 3;
    /// Header, count, entries of 12 bytes, offset of the next directory.
    const VALUES: u32 = 8 + 2 + 12 * ENTRIES as u32 + 4;
    let mut out = b"II\x2a\x00\x08\x00\x00\x00".to_vec();
    out.extend(ENTRIES.to_le_bytes());
    let mut entry = |tag: u16, kind: u16, value: u32| {
        out.extend(tag.to_le_bytes());
        out.extend(kind.to_le_bytes());
        out.extend(1u32.to_le_bytes());
        out.extend(value.to_le_bytes());
    };
    // Types: 5 is a fraction, stored elsewhere; 3 a 16-bit number in place.
    entry(0x011a, 5, VALUES);
    entry(0x011b, 5, VALUES);
    entry(0x0128, 3, 2);
    out.extend(0u32.to_le_bytes());
    out.extend(u32::from(dpi).to_le_bytes());
    out.extend(1u32.to_le_bytes());
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::color::Color;

    fn picture(size: Size, layout: Layout) -> Vec<u8> {
        (0..size.height())
            .flat_map(|y| {
                (0..size.width()).flat_map(move |x| {
                    let a = if layout == Layout::Rgb { 255 } else { (x * 4) as u8 };
                    Color { r: (x * 2) as u8, g: (y * 2) as u8, b: if x > 40 { 200 } else { 30 }, a }.premultiply().to_bytes()
                })
            })
            .collect()
    }

    fn decode(file: &[u8]) -> (image_webp::WebPDecoder<std::io::Cursor<Vec<u8>>>, Vec<u8>) {
        let mut decoder = image_webp::WebPDecoder::new(std::io::Cursor::new(file.to_vec())).unwrap();
        let mut pixels = vec![0; decoder.output_buffer_size().unwrap()];
        decoder.read_image(&mut pixels).unwrap();
        (decoder, pixels)
    }

    #[test]
    fn lossless_is_lossless_and_lossy_nearly() {
        let size = Size::new(83, 61).unwrap();
        for layout in [Layout::Rgb, Layout::Rgba] {
            let pixels = picture(size, layout);
            let mut straight = Vec::new();
            layout.write(&pixels, &mut straight);
            for (quality, most) in [(100, 0.0), (95, 5.0), (50, 12.0)] {
                let file = encode(&pixels, size, layout, quality, 300).unwrap();
                assert_eq!(u32::from_le_bytes(file[4..8].try_into().unwrap()) as usize, file.len() - 8);
                let (mut decoder, decoded) = decode(&file);
                assert_eq!(decoder.dimensions(), (83, 61));
                assert_eq!(decoder.has_alpha(), layout == Layout::Rgba);
                assert_eq!(decoder.exif_metadata().unwrap().as_deref(), Some(exif(300).as_slice()));
                // Colours of clear pixels may be anything.
                let alpha = |i: usize| if layout == Layout::Rgb { 255 } else { f64::from(straight[i | 3]) as u32 };
                let sum: f64 = (0..straight.len())
                    .map(|i| {
                        f64::from(straight[i].abs_diff(decoded[i])) * if i % 4 == 3 { 1.0 } else { f64::from(alpha(i)) / 255.0 }
                    })
                    .sum();
                assert!(sum / straight.len() as f64 <= most, "{layout:?} {quality}: {}", sum / straight.len() as f64);
            }
        }
    }

    #[test]
    fn a_side_beyond_the_format_is_an_error() {
        let encode = |width: u32| {
            let size = Size::new(width, 1).unwrap();
            encode(&vec![255; width as usize * 4], size, Layout::Rgb, 80, 72)
        };
        assert_eq!(encode(16_384), Err(EncodeError::TooLarge { format: Format::WebP }));
        assert!(encode(16_383).is_ok());
    }
}
