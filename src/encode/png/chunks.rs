//! The chunks of a file around its bands: the head, the end, and how any chunk is framed.

use super::{Colour, Layout};
use crate::geom::Size;

/// Signature, IHDR, sRGB, pHYs and the beginning of the zlib stream.
pub fn header(size: Size, colour: &Colour, dpi: u16) -> Vec<u8> {
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    let (depth, color_type) = match colour {
        Colour::Direct(Layout::Rgb) => (8, 2),
        Colour::Direct(Layout::Rgba) => (8, 6),
        Colour::Palette(palette) => (palette.depth(), 3),
    };
    let [w0, w1, w2, w3] = size.width().to_be_bytes();
    let [h0, h1, h2, h3] = size.height().to_be_bytes();
    chunk(&mut out, b"IHDR", &[w0, w1, w2, w3, h0, h1, h2, h3, depth, color_type, 0, 0, 0]);
    // Rendering intent: perceptual.
    chunk(&mut out, b"sRGB", &[0]);
    // Pixels per metre: an inch is 0.0254 m.
    let per_meter = (u32::from(dpi) * 10_000 + 127) / 254;
    let [p0, p1, p2, p3] = per_meter.to_be_bytes();
    chunk(&mut out, b"pHYs", &[p0, p1, p2, p3, p0, p1, p2, p3, 1]);
    if let Colour::Palette(palette) = colour {
        chunk(&mut out, b"PLTE", &palette.colours());
        let alphas = palette.alphas();
        if !alphas.is_empty() {
            chunk(&mut out, b"tRNS", &alphas);
        }
    }
    // Deflate with a window of 32 KiB, no dictionary, the fastest level: the only header whose check bits come out so.
    chunk(&mut out, b"IDAT", &[0x78, 0x01]);
    out
}

/// The end of the zlib stream, with the bands' checksums joined in order, and IEND.
pub fn trailer(bands: impl IntoIterator<Item = (u32, u64)>) -> Vec<u8> {
    // 1 is the Adler-32 of nothing.
    let adler = bands.into_iter().fold(1, |sum, (adler, len)| zlib_rs::adler32::adler32_combine(sum, adler, len));
    let [a0, a1, a2, a3] = adler.to_be_bytes();
    let mut out = Vec::new();
    // An empty final block of fixed codes.
    chunk(&mut out, b"IDAT", &[0x03, 0x00, a0, a1, a2, a3]);
    chunk(&mut out, b"IEND", &[]);
    out
}

fn chunk(out: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) {
    out.extend((data.len() as u32).to_be_bytes());
    let from = out.len();
    out.extend(kind);
    out.extend(data);
    let crc = crc32fast::hash(out.get(from..).unwrap_or_default());
    out.extend(crc.to_be_bytes());
}

/// Puts length and CRC to a chunk whose place for the length, type and data are all of `out`.
pub(super) fn close(out: &mut Vec<u8>) {
    let length = out.len().saturating_sub(8) as u32;
    if let Some(place) = out.first_chunk_mut() {
        *place = length.to_be_bytes();
    }
    let crc = crc32fast::hash(out.get(4..).unwrap_or_default());
    out.extend(crc.to_be_bytes());
}
