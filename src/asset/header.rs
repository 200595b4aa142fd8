//! What a picture's first bytes say: format, size, orientation, alpha. Reads claims, allocates nothing by them.

use std::fmt;

use crate::asset::{PictureError, exif, svg};

/// The picture formats that are read, told by content.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Format {
    Png,
    Jpeg,
    WebP,
    Gif,
    Bmp,
    Svg,
}

impl Format {
    pub fn media_type(self) -> &'static str {
        match self {
            Format::Png => "image/png",
            Format::Jpeg => "image/jpeg",
            Format::WebP => "image/webp",
            Format::Gif => "image/gif",
            Format::Bmp => "image/bmp",
            Format::Svg => "image/svg+xml",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Format::Png => "PNG",
            Format::Jpeg => "JPEG",
            Format::WebP => "WebP",
            Format::Gif => "GIF",
            Format::Bmp => "BMP",
            Format::Svg => "SVG",
        })
    }
}

/// What a picture's header promises, checked against the caps before anything is decoded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    pub format: Format,
    /// As stored, before `orientation`. At least 1 each.
    pub width: u32,
    pub height: u32,
    /// EXIF 1 to 8.
    pub orientation: u8,
    /// Whether any pixel may be transparent.
    pub alpha: bool,
}

impl Header {
    /// Reads the header. Takes time and memory by the bytes that are there, never by the size they claim.
    pub fn probe(bytes: &[u8]) -> Result<Header, PictureError> {
        match format(bytes)? {
            Format::Png => png(bytes).unwrap_or(Err(cut_short(Format::Png))),
            Format::Jpeg => jpeg(bytes).unwrap_or(Err(cut_short(Format::Jpeg))),
            Format::WebP => webp(bytes).unwrap_or(Err(cut_short(Format::WebP))),
            Format::Gif => gif(bytes).unwrap_or(Err(cut_short(Format::Gif))),
            Format::Bmp => bmp(bytes).unwrap_or(Err(cut_short(Format::Bmp))),
            Format::Svg => {
                let (width, height) = svg::size(bytes)?;
                Ok(Header { format: Format::Svg, width, height, orientation: 1, alpha: true })
            }
        }
    }

    /// Width and height as the picture is meant to be seen.
    pub fn upright(&self) -> (u32, u32) {
        if self.orientation >= 5 { (self.height, self.width) } else { (self.width, self.height) }
    }

    /// Pixels.
    pub fn area(&self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }
}

fn cut_short(format: Format) -> PictureError {
    broken(format, "it ends within its header")
}

fn broken(format: Format, reason: &str) -> PictureError {
    PictureError::Broken { format, reason: reason.to_owned() }
}

/// A header with sides that are neither 0 nor beyond what any buffer could hold.
fn sized(format: Format, width: u32, height: u32, orientation: u8, alpha: bool) -> Result<Header, PictureError> {
    if width == 0 || height == 0 {
        return Err(broken(format, "a side is 0 pixels"));
    }
    Ok(Header { format, width, height, orientation, alpha })
}

/// The format by its first bytes, or what the bytes are instead.
fn format(bytes: &[u8]) -> Result<Format, PictureError> {
    let starts = |magic: &[u8]| bytes.starts_with(magic);
    if starts(b"\x89PNG\r\n\x1a\n") {
        return Ok(Format::Png);
    }
    if starts(b"\xff\xd8\xff") {
        return Ok(Format::Jpeg);
    }
    if starts(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        return Ok(Format::WebP);
    }
    if starts(b"GIF87a") || starts(b"GIF89a") {
        return Ok(Format::Gif);
    }
    // "BM" alone is also how a text may begin: the information header's size must be one of those there are.
    if starts(b"BM") && matches!(u32_le(bytes, 14), Some(12 | 16 | 40 | 52 | 56 | 64 | 108 | 124)) {
        return Ok(Format::Bmp);
    }
    if svg::looks_like(bytes) {
        return Ok(Format::Svg);
    }
    Err(PictureError::NotAPicture { looks_like: looks_like(bytes) })
}

/// Names what stands where a picture was expected.
fn looks_like(bytes: &[u8]) -> &'static str {
    let starts = |magic: &[u8]| bytes.starts_with(magic);
    if bytes.is_empty() {
        return "empty";
    }
    if bytes.get(4..8) == Some(b"ftyp") {
        return match bytes.get(8..12) {
            Some(b"avif" | b"avis") => "an AVIF picture, which is not read yet",
            Some(b"heic" | b"heix" | b"hevc" | b"hevx" | b"heim" | b"heis" | b"mif1" | b"msf1") => {
                "a HEIC picture, which is not read: convert it to JPEG"
            }
            _ => "a video",
        };
    }
    if starts(b"\xff\x0a") || starts(b"\0\0\0\x0cJXL ") {
        return "a JPEG XL picture, which is not read";
    }
    if starts(b"\0\0\0\x0cjP  ") {
        return "a JPEG 2000 picture, which is not read";
    }
    if starts(b"II*\0") || starts(b"MM\0*") {
        return "a TIFF picture, which is not read";
    }
    if starts(b"\0\0\x01\0") {
        return "an icon (ICO), which is not read";
    }
    if starts(b"8BPS") {
        return "a Photoshop file";
    }
    if starts(b"%PDF") {
        return "a PDF";
    }
    if starts(b"\x1f\x8b") {
        return "gzip data (a compressed SVG must be unpacked first)";
    }
    if starts(b"PK\x03\x04") {
        return "a ZIP archive";
    }
    if starts(b"\x1a\x45\xdf\xa3") {
        return "a video";
    }
    let head = bytes.get(..bytes.len().min(1024)).unwrap_or(bytes);
    let text = String::from_utf8_lossy(head).trim_start_matches('\u{feff}').trim_start().to_ascii_lowercase();
    if text.starts_with("<!doctype html") || text.starts_with("<html") || text.contains("<head") || text.contains("<body") {
        return "HTML";
    }
    if text.starts_with("<?xml") || text.starts_with('<') {
        return "XML";
    }
    if text.starts_with('{') || text.starts_with('[') {
        return "JSON";
    }
    if head.iter().all(|&b| b >= 0x20 || matches!(b, b'\t' | b'\n' | b'\r' | 0x0c)) {
        return "text";
    }
    "something unknown"
}

fn u16_be(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|b| u16::from_be_bytes(*b))
}

fn u16_le(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|b| u16::from_le_bytes(*b))
}

fn u32_be(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|b| u32::from_be_bytes(*b))
}

fn u32_le(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|b| u32::from_le_bytes(*b))
}

fn u24_le(bytes: &[u8], at: usize) -> Option<u32> {
    let [a, b, c] = *bytes.get(at..)?.first_chunk::<3>()?;
    Some(u32::from_le_bytes([a, b, c, 0]))
}

/// PNG (Third Edition) section 11: IHDR first, then chunks of length, type, data, CRC. `None`: cut short.
fn png(bytes: &[u8]) -> Option<Result<Header, PictureError>> {
    if bytes.get(8..16)? != b"\0\0\0\x0dIHDR" {
        return Some(Err(broken(Format::Png, "its first chunk is not IHDR")));
    }
    let (width, height) = (u32_be(bytes, 16)?, u32_be(bytes, 20)?);
    let mut alpha = matches!(bytes.get(25)?, 4 | 6);
    let mut orientation = 1;
    // eXIf may stand behind the picture data, so all chunks are passed; each costs 12 bytes of file.
    for (kind, data) in png_chunks(bytes) {
        match kind {
            b"tRNS" => alpha = true,
            b"eXIf" => orientation = exif::orientation(data),
            b"IEND" => break,
            _ => {}
        }
    }
    Some(sized(Format::Png, width, height, orientation, alpha))
}

/// The chunks of a PNG behind IHDR: kind, and the data as far as it is there.
pub(super) fn png_chunks(bytes: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut at = 33_usize;
    std::iter::from_fn(move || {
        let (length, kind) = (u32_be(bytes, at)? as usize, bytes.get(at + 4..at + 8)?);
        let end = (at + 8).saturating_add(length);
        let data = bytes.get(at + 8..end.min(bytes.len())).unwrap_or_default();
        at = end.saturating_add(4);
        Some((kind, data))
    })
}

/// JPEG (ITU-T T.81 annex B): segments up to the first scan. `None`: cut short.
fn jpeg(bytes: &[u8]) -> Option<Result<Header, PictureError>> {
    let mut at = 2;
    let mut orientation = 1;
    let mut size = None;
    loop {
        // Between segments some encoders leave fill bytes.
        while *bytes.get(at)? != 0xff {
            at += 1;
        }
        while *bytes.get(at)? == 0xff {
            at += 1;
        }
        let marker = *bytes.get(at)?;
        at += 1;
        match marker {
            // Stuffing, TEM, RST, SOI: no length follows.
            0x00 | 0x01 | 0xd0..=0xd8 => continue,
            0xd9 => return Some(Err(broken(Format::Jpeg, "it ends before its picture"))),
            _ => {}
        }
        let length = usize::from(u16_be(bytes, at)?);
        if length < 2 {
            return Some(Err(broken(Format::Jpeg, "a segment's length is wrong")));
        }
        match marker {
            0xc0..=0xc2 => {
                if *bytes.get(at + 2)? != 8 {
                    return Some(Err(PictureError::Unsupported { what: "JPEG of more than 8 bits" }));
                }
                size = Some((u32::from(u16_be(bytes, at + 5)?), u32::from(u16_be(bytes, at + 3)?)));
            }
            0xc3 | 0xc5..=0xc7 | 0xcb | 0xcd..=0xcf => {
                return Some(Err(PictureError::Unsupported { what: "lossless or hierarchical JPEG" }));
            }
            0xc9 | 0xca => return Some(Err(PictureError::Unsupported { what: "arithmetic coding in JPEG" })),
            0xe1 => {
                let segment = bytes.get(at + 2..at + length)?;
                if segment.starts_with(b"Exif\0\0") {
                    orientation = exif::orientation(segment);
                }
            }
            0xda => {
                let Some((width, height)) = size else {
                    return Some(Err(broken(Format::Jpeg, "a scan stands before its frame")));
                };
                return Some(sized(Format::Jpeg, width, height, orientation, false));
            }
            _ => {}
        }
        at += length;
    }
}

/// WebP (RFC 9649): a VP8 or VP8L bitstream, or VP8X with the canvas and flags. `None`: cut short.
fn webp(bytes: &[u8]) -> Option<Result<Header, PictureError>> {
    let wrong = |reason| Some(Err(broken(Format::WebP, reason)));
    match bytes.get(12..16)? {
        b"VP8 " => {
            if bytes.get(23..26)? != b"\x9d\x01\x2a" {
                return wrong("no key frame");
            }
            let (width, height) = webp_stream(b"VP8 ", bytes.get(20..)?)?;
            Some(sized(Format::WebP, width, height, 1, false))
        }
        b"VP8L" => {
            if *bytes.get(20)? != 0x2f {
                return wrong("no lossless signature");
            }
            let (width, height) = webp_stream(b"VP8L", bytes.get(20..)?)?;
            Some(sized(Format::WebP, width, height, 1, u32_le(bytes, 21)? >> 28 & 1 == 1))
        }
        b"VP8X" => {
            const EXIF: u8 = 0x08;
            const ALPHA: u8 = 0x10;
            const ANIMATION: u8 = 0x02;
            let flags = *bytes.get(20)?;
            let (width, height) = (u24_le(bytes, 24)? + 1, u24_le(bytes, 27)? + 1);
            let mut orientation = 1;
            for (kind, at, data) in webp_chunks(bytes, FIRST_CHUNK) {
                let inner = match kind {
                    b"EXIF" if flags & EXIF != 0 => {
                        orientation = exif::orientation(data);
                        continue;
                    }
                    b"ANMF" => webp_chunks(bytes, at + ANMF_HEAD).take(2).find_map(|(kind, _, data)| webp_stream(kind, data)),
                    _ => webp_stream(kind, data),
                };
                // Decoders make room by what the stream claims before they compare it with the canvas.
                if inner.is_some_and(|(w, h)| w > width || h > height) {
                    return wrong("a frame is larger than its canvas");
                }
            }
            // The frames of an animation may leave parts of the canvas bare.
            Some(sized(Format::WebP, width, height, orientation, flags & (ALPHA | ANIMATION) != 0))
        }
        _ => wrong("its first chunk is unknown"),
    }
}

/// Where chunks begin behind `VP8X`, and inside of an animation's frame.
const FIRST_CHUNK: usize = 30;
const ANMF_HEAD: usize = 16;

/// Chunks from `at` on: kind, where the data begins, and the data as far as it is there.
fn webp_chunks(bytes: &[u8], mut at: usize) -> impl Iterator<Item = (&[u8], usize, &[u8])> {
    std::iter::from_fn(move || {
        let (kind, length) = (bytes.get(at..at.checked_add(4)?)?, u32_le(bytes, at + 4)? as usize);
        let begin = at + 8;
        let end = begin.saturating_add(length);
        // Chunks are padded to an even length.
        at = end.saturating_add(length & 1);
        Some((kind, begin, bytes.get(begin..end.min(bytes.len())).unwrap_or_default()))
    })
}

/// The size that a bitstream claims; `None` for other chunks and for what no decoder takes.
fn webp_stream(kind: &[u8], data: &[u8]) -> Option<(u32, u32)> {
    match kind {
        b"VP8 " => {
            let side = |at| u16_le(data, at).map(|v| u32::from(v & 0x3fff));
            Some((side(6)?, side(8)?))
        }
        b"VP8L" => {
            let bits = u32_le(data, 1)?;
            Some(((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1))
        }
        _ => None,
    }
}

/// GIF: the logical screen. Any frame may be transparent or leave parts of the screen bare. `None`: cut short.
fn gif(bytes: &[u8]) -> Option<Result<Header, PictureError>> {
    let (width, height) = (u32::from(u16_le(bytes, 6)?), u32::from(u16_le(bytes, 8)?));
    // Decoders make room for the frame, whatever the screen.
    if gif_frame(bytes).is_some_and(|(w, h)| w > width || h > height) {
        return Some(Err(broken(Format::Gif, "its first frame is larger than its screen")));
    }
    Some(sized(Format::Gif, width, height, 1, true))
}

/// The size of the first frame, behind the colour table and any extensions.
fn gif_frame(bytes: &[u8]) -> Option<(u32, u32)> {
    let table = |flags: u8| if flags & 0x80 != 0 { 3 << ((flags & 7) + 1) } else { 0 };
    let mut at = 13 + table(*bytes.get(10)?);
    loop {
        match *bytes.get(at)? {
            0x2c => return Some((u32::from(u16_le(bytes, at + 5)?), u32::from(u16_le(bytes, at + 7)?))),
            0x21 => {
                at += 2;
                // Blocks of up to 255 bytes until an empty one.
                loop {
                    let length = usize::from(*bytes.get(at)?);
                    at += 1 + length;
                    if length == 0 {
                        break;
                    }
                }
            }
            // Decoders pass over what stands between blocks, or end there.
            0x3b => return None,
            _ => at += 1,
        }
    }
}

/// BMP: file header, then an information header of the size it names. `None`: cut short.
fn bmp(bytes: &[u8]) -> Option<Result<Header, PictureError>> {
    if u32_le(bytes, 14)? == 12 {
        return Some(sized(Format::Bmp, u32::from(u16_le(bytes, 18)?), u32::from(u16_le(bytes, 20)?), 1, false));
    }
    let (width, height) = (u32_le(bytes, 18)? as i32, u32_le(bytes, 22)? as i32);
    if width < 0 {
        return Some(Err(broken(Format::Bmp, "its width is negative")));
    }
    // Rows from the top down have a negative height. 16 and 32 bits may hold alpha.
    let alpha = matches!(u16_le(bytes, 28)?, 16 | 32);
    Some(sized(Format::Bmp, width as u32, height.unsigned_abs(), 1, alpha))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::asset::Asset;
    use crate::limits::Limits;

    /// Headers that claim more than any machine holds; each a few dozen bytes.
    fn giants() -> Vec<(Format, Vec<u8>)> {
        let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
        png.extend(100_000_u32.to_be_bytes());
        png.extend(100_000_u32.to_be_bytes());
        png.extend([8, 6, 0, 0, 0, 0, 0, 0, 0]);
        png.extend(b"\0\0\0\x0aIDAT\x78\x9c\x03\0\0\0\0\x01\0\0\0\0\0\0");
        let mut jpeg = b"\xff\xd8\xff\xc0\0\x11\x08\xff\xff\xff\xff\x03\x01\x11\0\x02\x11\0\x03\x11\0".to_vec();
        jpeg.extend(b"\xff\xda\0\x0c\x03\x01\0\x02\0\x03\0\0\x3f\0");
        let mut webp = b"RIFF\xff\0\0\0WEBPVP8X\x0a\0\0\0\x10\0\0\0\xff\xff\xff\xff\xff\xff".to_vec();
        webp.extend([0; 8]);
        let gif = b"GIF89a\xff\xff\xff\xff\0\0\0".to_vec();
        let mut bmp = b"BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0".to_vec();
        bmp.extend(i32::MAX.to_le_bytes());
        bmp.extend(i32::MIN.to_le_bytes());
        bmp.extend([1, 0, 24, 0]);
        vec![(Format::Png, png), (Format::Jpeg, jpeg), (Format::WebP, webp), (Format::Gif, gif), (Format::Bmp, bmp)]
    }

    #[test]
    fn giants_are_refused_by_their_header() {
        for (format, bytes) in giants() {
            let header = Header::probe(&bytes).unwrap();
            assert_eq!(header.format, format);
            let error = Asset::new(Bytes::from(bytes), &Limits::default()).unwrap_err();
            assert!(matches!(error, PictureError::TooLarge { cap: 50_000_000, .. }), "{format}: {error}");
        }
    }

    #[test]
    fn frames_larger_than_what_holds_them_are_refused() {
        let gif = |width: u16, height: u16| {
            // A screen of 5 by 4 with a colour table, a comment, then the frame.
            let mut gif = b"GIF89a\x05\0\x04\0\x80\0\0\0\0\0\xff\xff\xff\x21\xfe\x02hi\0\x2c\0\0\0\0".to_vec();
            gif.extend(width.to_le_bytes());
            gif.extend(height.to_le_bytes());
            gif.extend(b"\0\x02\0\x3b");
            Header::probe(&gif).map(|header| (header.width, header.height))
        };
        assert_eq!(gif(5, 4).unwrap(), (5, 4));
        assert!(gif(6, 4).is_err() && gif(5, 5).is_err() && gif(u16::MAX, u16::MAX).is_err());

        let chunk = |kind: &[u8; 4], data: &[u8]| [&kind[..], &(data.len() as u32).to_le_bytes(), data].concat();
        let webp = |chunks: &[Vec<u8>]| {
            let body = [&b"WEBP"[..], &chunk(b"VP8X", b"\x02\0\0\0\x04\0\0\x03\0\0"), &chunks.concat()].concat();
            Header::probe(&chunk(b"RIFF", &body)).map(|header| (header.width, header.height))
        };
        let lossy = |w: u16, h: u16| [&b"\0\0\0\x9d\x01\x2a"[..], &w.to_le_bytes(), &h.to_le_bytes()].concat();
        let lossless = |w: u32, h: u32| [&[0x2f][..], &((w - 1) | (h - 1) << 14).to_le_bytes(), &[0]].concat();
        for stream in [chunk(b"VP8 ", &lossy(5, 4)), chunk(b"VP8L", &lossless(5, 4))] {
            assert_eq!(webp(std::slice::from_ref(&stream)).unwrap(), (5, 4));
            assert_eq!(webp(&[chunk(b"ANMF", &[&[0; 16][..], &stream].concat())]).unwrap(), (5, 4));
        }
        for stream in [chunk(b"VP8 ", &lossy(16_383, 16_383)), chunk(b"VP8 ", &lossy(6, 4)), chunk(b"VP8L", &lossless(5, 5))] {
            assert!(webp(&[chunk(b"XMP ", b"odd"), vec![0], stream.clone()]).is_err(), "behind an odd chunk");
            assert!(webp(&[chunk(b"ANMF", &[&[0; 16][..], &stream].concat())]).is_err());
            let alpha = [&[0; 16][..], &chunk(b"ALPH", &[0; 2]), &stream].concat();
            assert!(webp(&[chunk(b"ANMF", &alpha)]).is_err());
        }
    }

    #[test]
    fn the_caps_hold_to_the_pixel() {
        let png = |width: u32, height: u32| {
            let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
            png.extend(width.to_be_bytes());
            png.extend(height.to_be_bytes());
            png.extend([8, 2, 0, 0, 0, 0, 0, 0, 0]);
            Bytes::from(png)
        };
        let limits = Limits::for_testing();
        assert!(Asset::new(png(100, 100), &limits).is_ok());
        assert!(Asset::new(png(9_999, 1), &limits).is_ok());
        assert!(matches!(Asset::new(png(10_001, 1), &limits), Err(PictureError::TooLarge { .. })));
        assert!(matches!(Asset::new(png(0, 5), &limits), Err(PictureError::Broken { .. })));
        let few = Limits { max_source_bytes: 33, ..limits };
        assert!(Asset::new(png(1, 1), &few).is_ok());
        assert!(matches!(
            Asset::new(png(1, 1), &Limits { max_source_bytes: 32, ..limits }),
            Err(PictureError::TooManyBytes { bytes: 33, cap: 32 })
        ));
    }

    #[test]
    fn every_cut_is_an_error_or_a_header() {
        for (_, bytes) in giants() {
            for cut in 0..bytes.len() {
                let _ = Header::probe(&bytes[..cut]);
            }
        }
    }

    #[test]
    fn what_is_no_picture_is_named() {
        let cases: [(&[u8], &str); 14] = [
            (b"", "empty"),
            (b"<!DOCTYPE html><html>", "HTML"),
            (b"  <html lang=en>", "HTML"),
            (b"<?xml version='1.0'?><rss/>", "XML"),
            (b"{\"error\":\"no\"}", "JSON"),
            (b"Not found", "text"),
            (b"\0\0\0\x1cftypavif\0\0\0\0", "AVIF"),
            (b"\0\0\0\x1cftypheic\0\0\0\0", "HEIC"),
            (b"\0\0\0\x1cftypisom\0\0\0\0", "video"),
            (b"%PDF-1.7", "PDF"),
            (b"\x1f\x8b\x08\0", "gzip"),
            (b"II*\0\x08\0\0\0", "TIFF"),
            (b"\0\x01\x02\x03", "unknown"),
            (b"BMW is a maker of cars, and this is text", "text"),
        ];
        for (bytes, word) in cases {
            let error = Header::probe(bytes).unwrap_err();
            assert!(matches!(error, PictureError::NotAPicture { .. }) && error.to_string().contains(word), "{word}: {error}");
        }
    }

    #[test]
    fn varieties_that_are_not_read() {
        for marker in [0xc3, 0xc9, 0xcb] {
            let mut jpeg = b"\xff\xd8\xff".to_vec();
            jpeg.push(marker);
            jpeg.extend([0, 11, 8, 0, 1, 0, 1, 1, 1, 0x11, 0]);
            assert!(matches!(Header::probe(&jpeg), Err(PictureError::Unsupported { .. })), "{marker:x}");
        }
        let twelve = b"\xff\xd8\xff\xc1\0\x0b\x0c\0\x01\0\x01\x01\x01\x11\0";
        assert!(matches!(Header::probe(twelve), Err(PictureError::Unsupported { .. })));
    }

    #[test]
    fn the_posters_pictures() {
        let read = |name: &str| std::fs::read(format!("{}/tests/posters/pictures/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap();
        for (name, format, alpha) in [("bg.jpg", Format::Jpeg, false), ("logo.png", Format::Png, true)] {
            let header = Header::probe(&read(name)).unwrap();
            assert_eq!((header.format, header.alpha), (format, alpha), "{name}");
            assert!(header.width > 100 && header.height > 100, "{name}: {header:?}");
        }
    }
}
