//! PNG as a list of chunks: a header, one IDAT for each band of rows, a trailer.
//!
//! The zlib stream runs through all IDATs: its two header bytes are a chunk of their own, each band is raw deflate data from
//! fresh state that ends on a byte (sync flush), and the last chunk ends the stream and carries the Adler-32 of everything, joined
//! from those of the bands. No byte of a band depends on another one: its first row is filtered without the row above.

use zlib_rs::{Deflate, DeflateFlush, Status};

use super::{Compression, EncodeError, Format, Layout};
use crate::geom::Size;

/// One band as it stands in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedBand {
    /// A whole IDAT chunk: length, type, data, CRC.
    pub bytes: Vec<u8>,
    /// Adler-32 of the filtered rows.
    pub adler: u32,
    /// How many bytes the filtered rows are.
    pub len: u64,
}

/// What is the same for all bands of a picture.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct BandFormat {
    /// Pixels in a row.
    pub width: u32,
    pub layout: Layout,
    pub compression: Compression,
}

/// Signature, IHDR, sRGB, pHYs and the beginning of the zlib stream.
pub fn header(size: Size, layout: Layout, dpi: u16) -> Vec<u8> {
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    let color_type = match layout {
        Layout::Rgb => 2,
        Layout::Rgba => 6,
    };
    let [w0, w1, w2, w3] = size.width().to_be_bytes();
    let [h0, h1, h2, h3] = size.height().to_be_bytes();
    chunk(&mut out, b"IHDR", &[w0, w1, w2, w3, h0, h1, h2, h3, 8, color_type, 0, 0, 0]);
    // Rendering intent: perceptual.
    chunk(&mut out, b"sRGB", &[0]);
    // Pixels per metre: an inch is 0.0254 m.
    let per_meter = (u32::from(dpi) * 10_000 + 127) / 254;
    let [p0, p1, p2, p3] = per_meter.to_be_bytes();
    chunk(&mut out, b"pHYs", &[p0, p1, p2, p3, p0, p1, p2, p3, 1]);
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

/// Encodes one band of premultiplied RGBA8 rows, `format.width` pixels each. The bytes depend on nothing else.
pub fn encode_band(pixels: &[u8], format: BandFormat) -> Result<EncodedBand, EncodeError> {
    let mut raw = Vec::new();
    format.layout.write(pixels, &mut raw);
    let filtered = filter(&raw, format.width as usize * format.layout.channels(), format.layout.channels());
    let mut bytes = vec![0, 0, 0, 0, b'I', b'D', b'A', b'T'];
    deflate(&filtered, format.compression, &mut bytes)?;
    let length = (bytes.len() - 8) as u32;
    if let Some(place) = bytes.first_chunk_mut() {
        *place = length.to_be_bytes();
    }
    let crc = crc32fast::hash(bytes.get(4..).unwrap_or_default());
    bytes.extend(crc.to_be_bytes());
    Ok(EncodedBand { bytes, adler: adler32(&filtered), len: filtered.len() as u64 })
}

fn adler32(data: &[u8]) -> u32 {
    let mut sum = simd_adler32::Adler32::new();
    sum.write(data);
    sum.finish()
}

/// Appends `data` as raw deflate blocks that end on a byte and are not final.
fn deflate(data: &[u8], compression: Compression, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    let failed = |reason: &str| EncodeError::Failed { format: Format::Png, reason: reason.to_owned() };
    let level = match compression {
        Compression::Fast => 3,
        Compression::Small => 7,
    };
    let mut stream = Deflate::new(level, false, 15);
    // The bound is for a finished stream; a flush adds an empty stored block to it.
    let room = zlib_rs::compress_bound(data.len()) + 64;
    loop {
        let (begin, taken) = (out.len(), stream.total_in() as usize);
        let written = stream.total_out();
        out.resize(begin + room, 0);
        let input = data.get(taken..).unwrap_or_default();
        let status = stream
            .compress(input, out.get_mut(begin..).unwrap_or_default(), DeflateFlush::SyncFlush)
            .map_err(|error| failed(error.as_str()))?;
        let used = (stream.total_out() - written) as usize;
        out.truncate(begin + used);
        // Room left over means that all is out.
        if used < room {
            return match status {
                Status::Ok if stream.total_in() as usize == data.len() => Ok(()),
                _ => Err(failed("input left over")),
            };
        }
    }
}

/// Filter types of the PNG specification; their numbers stand before each row.
#[derive(Clone, Copy)]
#[repr(u8)]
enum Filter {
    None = 0,
    Sub = 1,
    Up = 2,
    Paeth = 4,
}

/// Rows of `stride` bytes, each with the filter in front that is likely to make it compress best; the first one without Up or Paeth.
fn filter(raw: &[u8], stride: usize, channels: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len() + raw.len() / stride.max(1) + 1);
    let mut trial = Trial::default();
    let mut above: Option<&[u8]> = None;
    for row in raw.chunks_exact(stride) {
        let filter = trial.choose(row, above, channels);
        out.push(filter as u8);
        match filter {
            Filter::None => out.extend_from_slice(row),
            Filter::Sub => out.extend_from_slice(&trial.sub),
            Filter::Up => out.extend_from_slice(&trial.up),
            Filter::Paeth => out.extend_from_slice(&trial.paeth),
        }
        above = Some(row);
    }
    out
}

/// One row under each filter.
#[derive(Default)]
struct Trial {
    sub: Vec<u8>,
    up: Vec<u8>,
    paeth: Vec<u8>,
}

impl Trial {
    /// Flat rows stay as they are: their runs and repeats are found best unfiltered. Others take the filter whose differences
    /// are smallest in sum, read as signed bytes.
    fn choose(&mut self, row: &[u8], above: Option<&[u8]>, channels: usize) -> Filter {
        let (first, rest) = row.split_at(channels.min(row.len()));
        self.sub.clear();
        self.sub.extend_from_slice(first);
        self.sub.extend(rest.iter().zip(row).map(|(x, a)| x.wrapping_sub(*a)));
        let flat = self.sub.iter().filter(|d| **d == 0).count();
        if flat * 4 >= row.len() * 3 {
            return Filter::None;
        }
        let Some(above) = above else {
            return Filter::Sub;
        };
        self.up.clear();
        self.up.extend(row.iter().zip(above).map(|(x, b)| x.wrapping_sub(*b)));
        let (above_first, above_rest) = above.split_at(channels.min(above.len()));
        self.paeth.clear();
        // Left of the first pixel all is 0, and Paeth's prediction is what is above.
        self.paeth.extend(first.iter().zip(above_first).map(|(x, b)| x.wrapping_sub(*b)));
        let around = row.iter().zip(above_rest).zip(above);
        self.paeth.extend(rest.iter().zip(around).map(|(x, ((a, b), c))| x.wrapping_sub(paeth(*a, *b, *c))));
        let (sub, up, paeth) = (weight(&self.sub), weight(&self.up), weight(&self.paeth));
        if up <= sub && up <= paeth {
            Filter::Up
        } else if sub <= paeth {
            Filter::Sub
        } else {
            Filter::Paeth
        }
    }
}

/// The one of left, above and above left that is nearest to left + above - above left.
#[inline(always)]
fn paeth(a: u8, b: u8, c: u8) -> u8 {
    let (x, y, z) = (i16::from(a), i16::from(b), i16::from(c));
    let (pa, pb, pc) = ((y - z).abs(), (x - z).abs(), (x + y - 2 * z).abs());
    let b_or_c = if pb <= pc { b } else { c };
    if pa <= pb && pa <= pc { a } else { b_or_c }
}

fn weight(differences: &[u8]) -> u64 {
    differences
        .chunks(1 << 16)
        .map(|part| u64::from(part.iter().map(|d| u32::from(d.cast_signed().unsigned_abs())).sum::<u32>()))
        .sum()
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use proptest::prelude::*;

    use super::*;

    const FAST: Compression = Compression::Fast;

    /// The whole file, a band every `rows` rows.
    fn file(pixels: &[u8], size: Size, layout: Layout, rows: usize, compression: Compression) -> Vec<u8> {
        let format = BandFormat { width: size.width(), layout, compression };
        let bands: Vec<EncodedBand> =
            pixels.chunks(rows * size.width() as usize * 4).map(|band| encode_band(band, format).unwrap()).collect();
        let mut file = header(size, layout, 72);
        bands.iter().for_each(|band| file.extend(&band.bytes));
        file.extend(trailer(bands.iter().map(|band| (band.adler, band.len))));
        file
    }

    fn chunks(file: &[u8]) -> Vec<([u8; 4], Vec<u8>)> {
        assert_eq!(&file[..8], b"\x89PNG\r\n\x1a\n");
        let mut rest = &file[8..];
        let mut chunks = Vec::new();
        while !rest.is_empty() {
            let length = u32::from_be_bytes(rest[..4].try_into().unwrap()) as usize;
            let mut crc = flate2::Crc::new();
            crc.update(&rest[4..8 + length]);
            assert_eq!(rest[8 + length..12 + length], crc.sum().to_be_bytes());
            chunks.push((rest[4..8].try_into().unwrap(), rest[8..8 + length].to_vec()));
            rest = &rest[12 + length..];
        }
        chunks
    }

    /// Reads with two foreign decoders: `png` for the pixels, flate2 for the Adler-32, which `png` ignores.
    fn assert_decodes_to(file: &[u8], size: Size, expected: &[u8]) {
        let mut reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().unwrap();
        let mut decoded = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut decoded).unwrap();
        assert_eq!((info.width, info.height), (size.width(), size.height()));
        assert!(decoded == expected, "pixels differ");
        let stream: Vec<u8> = chunks(file).into_iter().filter(|(kind, _)| kind == b"IDAT").flat_map(|(_, data)| data).collect();
        let mut raw = Vec::new();
        flate2::read::ZlibDecoder::new(stream.as_slice()).read_to_end(&mut raw).unwrap();
        assert_eq!(raw.len(), expected.len() + size.height() as usize);
    }

    /// Smooth, flat and noisy parts.
    fn picture(width: u32, height: u32, alpha: bool) -> Vec<u8> {
        let mut noise = 1u32;
        let mut out = Vec::new();
        for y in 0..height {
            for x in 0..width {
                noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let a = if alpha { (x * 3 + y) as u8 } else { 255 };
                let [r, g, b] = match (x / 16 + y / 16) % 3 {
                    0 => [(x * 2) as u8, (y * 3) as u8, (x + y) as u8],
                    1 => [250, 20, 20],
                    _ => [(noise >> 24) as u8, (noise >> 16) as u8, 0],
                };
                out.extend(crate::color::Color { r, g, b, a }.premultiply().to_bytes());
            }
        }
        out
    }

    #[test]
    fn two_decoders_read_what_was_written() {
        for (width, height) in [(1, 1), (1, 200), (200, 1), (131, 67), (64, 64)] {
            let size = Size::new(width, height).unwrap();
            for (layout, alpha) in [(Layout::Rgb, false), (Layout::Rgba, true), (Layout::Rgba, false)] {
                let pixels = picture(width, height, alpha);
                let mut expected = Vec::new();
                layout.write(&pixels, &mut expected);
                for rows in [1, 7, 32, 64, 1_000] {
                    for compression in [FAST, Compression::Small] {
                        assert_decodes_to(&file(&pixels, size, layout, rows, compression), size, &expected);
                    }
                }
            }
        }
    }

    #[test]
    fn chunks_in_order() {
        let size = Size::new(300, 100).unwrap();
        let file = file(&picture(300, 100, false), size, Layout::Rgb, 32, FAST);
        let chunks = chunks(&file);
        let kinds: Vec<&str> = chunks.iter().map(|(kind, _)| std::str::from_utf8(kind).unwrap()).collect();
        assert_eq!(kinds, ["IHDR", "sRGB", "pHYs", "IDAT", "IDAT", "IDAT", "IDAT", "IDAT", "IDAT", "IEND"]);
        assert_eq!(chunks[0].1, [0, 0, 1, 44, 0, 0, 0, 100, 8, 2, 0, 0, 0]);
        assert_eq!(chunks[1].1, [0]);
        // 72 dpi are 2834.6 pixels a metre.
        assert_eq!(chunks[2].1, [0, 0, 0x0b, 0x13, 0, 0, 0x0b, 0x13, 1]);
        assert_eq!(chunks[3].1, [0x78, 0x01]);
    }

    #[test]
    fn incompressible_rows_fit() {
        let size = Size::new(400, 64).unwrap();
        let mut noise = 7u64;
        let pixels: Vec<u8> = (0..400 * 64)
            .flat_map(|_| {
                noise ^= noise << 13;
                noise ^= noise >> 7;
                noise ^= noise << 17;
                [noise as u8, (noise >> 8) as u8, (noise >> 16) as u8, 255]
            })
            .collect();
        let mut expected = Vec::new();
        Layout::Rgb.write(&pixels, &mut expected);
        for compression in [FAST, Compression::Small] {
            let file = file(&pixels, size, Layout::Rgb, 64, compression);
            assert!(file.len() < expected.len() + expected.len() / 100 + 300);
            assert_decodes_to(&file, size, &expected);
        }
    }

    #[test]
    fn a_band_depends_on_its_pixels_only() {
        let pixels = picture(90, 96, true);
        let format = BandFormat { width: 90, layout: Layout::Rgba, compression: FAST };
        let bands: Vec<&[u8]> = pixels.chunks(32 * 90 * 4).collect();
        let alone = encode_band(bands[1], format).unwrap();
        encode_band(bands[0], format).unwrap();
        assert_eq!(encode_band(bands[1], format).unwrap(), alone);
        assert_eq!(alone.len, 32 * (90 * 4 + 1));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        #[test]
        fn any_pixels_any_bands(width in 1..40u32, height in 1..40u32, rows in 1..40usize, seed in any::<u32>(), spread in 0..4u32) {
            let size = Size::new(width, height).unwrap();
            let mut noise = seed;
            let pixels: Vec<u8> = (0..width * height)
                .flat_map(|_| {
                    noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    let [r, g, b, a] = (noise >> (spread * 8)).to_le_bytes();
                    crate::color::Color { r, g, b, a }.premultiply().to_bytes()
                })
                .collect();
            let mut expected = Vec::new();
            Layout::Rgba.write(&pixels, &mut expected);
            assert_decodes_to(&file(&pixels, size, Layout::Rgba, rows, FAST), size, &expected);
        }
    }
}
