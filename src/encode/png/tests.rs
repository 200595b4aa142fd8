//! The encoder against foreign decoders.

use std::io::Read;

use proptest::prelude::*;

use super::*;
use crate::geom::Size;

const FAST: Compression = Compression::Fast;

/// The whole file, a band every `rows` rows.
fn file(pixels: &[u8], size: Size, layout: Layout, rows: usize, compression: Compression) -> Vec<u8> {
    file_in(pixels, size, &BandFormat { width: size.width(), colour: Colour::Direct(layout), compression }, rows)
}

fn file_in(pixels: &[u8], size: Size, format: &BandFormat, rows: usize) -> Vec<u8> {
    let mut scratch = Scratch::default();
    let bands: Vec<EncodedBand> = pixels
        .chunks(rows * size.width() as usize * 4)
        .map(|band| {
            let encoded = encode_band(band, format, Simd::Detect, &mut scratch).unwrap();
            let fresh = encode_band(band, format, Simd::Off, &mut Scratch::default()).unwrap();
            assert!(encoded == fresh, "what is left in the buffers matters, or the instructions do");
            encoded
        })
        .collect();
    let mut file = header(size, &format.colour, 72);
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
        assert!(file.len() < expected.len() + expected.len() / 1000 + 300);
        assert_decodes_to(&file, size, &expected);
    }
}

#[test]
fn a_band_depends_on_its_pixels_only() {
    let pixels = picture(90, 96, true);
    let format = BandFormat { width: 90, colour: Colour::Direct(Layout::Rgba), compression: FAST };
    let mut scratch = Scratch::default();
    let bands: Vec<&[u8]> = pixels.chunks(32 * 90 * 4).collect();
    let alone = encode_band(bands[1], &format, Simd::Detect, &mut scratch).unwrap();
    encode_band(bands[0], &format, Simd::Detect, &mut scratch).unwrap();
    assert_eq!(encode_band(bands[1], &format, Simd::Detect, &mut scratch).unwrap(), alone);
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
        let opaque: Vec<u8> = pixels.as_chunks::<4>().0.iter().flat_map(|[r, g, b, _]| [*r, *g, *b, 255]).collect();
        for compression in [FAST, Compression::Small] {
            for (layout, pixels) in [(Layout::Rgba, &pixels), (Layout::Rgb, &opaque)] {
                let mut expected = Vec::new();
                layout.write(pixels, &mut expected);
                assert_decodes_to(&file(pixels, size, layout, rows, compression), size, &expected);
            }
        }
    }
}

/// Pixels of `many` colours, every one of them used, some translucent.
fn few_colours(width: u32, height: u32, many: u32, alpha: bool) -> Vec<u8> {
    let color = |n: u32| {
        let a = if alpha && n.is_multiple_of(3) { 200 - (n % 150) as u8 } else { 255 };
        crate::color::Color { r: n as u8, g: (n >> 8) as u8, b: (255 - n % 256) as u8, a: if n == 0 && alpha { 0 } else { a } }
    };
    (0..width * height).flat_map(|n| color(if n < many { n } else { (n + n / 50) % many }).premultiply().to_bytes()).collect()
}

#[test]
fn palettes_of_every_depth() {
    let size = Size::new(37, 20).unwrap();
    for alpha in [false, true] {
        for (many, depth) in [(1, 1), (2, 1), (3, 2), (4, 2), (5, 4), (16, 4), (17, 8), (255, 8), (256, 8)] {
            let pixels = few_colours(37, 20, many, alpha);
            let bands: Vec<Indexed> = pixels.chunks(8 * 37 * 4).map(|band| Indexed::of(band).unwrap()).collect();
            let all = bands[1..].iter().fold(bands[0].colours().clone(), |all, band| all.union(band.colours()).unwrap());
            assert_eq!(all, palette::colours(&pixels).unwrap());
            let used = all.len();
            assert!(used <= many as usize);
            let palette = Arc::new(Palette::of(bands.iter().map(Indexed::colours)).unwrap());
            if used == many as usize {
                assert_eq!(palette.depth(), depth, "{many}");
            }
            let mut expected = Vec::new();
            let layout = if alpha { Layout::Rgba } else { Layout::Rgb };
            layout.write(&pixels, &mut expected);
            for compression in [FAST, Compression::Small] {
                let format = BandFormat { width: 37, colour: Colour::Palette(Arc::clone(&palette)), compression };
                let file = file_in(&pixels, size, &format, 8);
                assert_palette_decodes_to(&file, &expected);
                let indexed = encode_indexed(&bands[0], &format, Simd::Detect, &mut Scratch::default()).unwrap();
                assert_eq!(indexed, encode_band(&pixels[..8 * 37 * 4], &format, Simd::Detect, &mut Scratch::default()).unwrap());
            }
        }
    }
}

fn assert_palette_decodes_to(file: &[u8], expected: &[u8]) {
    let mut decoder = png::Decoder::new(std::io::Cursor::new(file));
    decoder.set_transformations(png::Transformations::EXPAND);
    let mut reader = decoder.read_info().unwrap();
    assert_eq!(reader.info().color_type, png::ColorType::Indexed);
    let mut decoded = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut decoded).unwrap();
    assert!(decoded == expected, "pixels differ");
    let stream: Vec<u8> = chunks(file).into_iter().filter(|(kind, _)| kind == b"IDAT").flat_map(|(_, data)| data).collect();
    flate2::read::ZlibDecoder::new(stream.as_slice()).read_to_end(&mut Vec::new()).unwrap();
}

#[test]
fn more_colours_than_a_palette_has() {
    let pixels = few_colours(257, 3, 257, false);
    assert_eq!(palette::colours(&pixels), None);
    assert_eq!(Indexed::of(&pixels), None);
    let most = few_colours(256, 1, 256, false);
    let one = few_colours(1, 1, 1, true);
    let (most, one) = (palette::colours(&most).unwrap(), palette::colours(&one).unwrap());
    assert_eq!(most.union(&one), None);
    assert_eq!(Palette::of([&most, &one]), None);
    assert_eq!(most.union(&most), Some(most.clone()));
    let format = BandFormat { width: 1, colour: Colour::Palette(Arc::new(Palette::of([&one]).unwrap())), compression: FAST };
    assert!(encode_band(&[1, 2, 3, 255], &format, Simd::Detect, &mut Scratch::default()).is_err());
}

#[test]
fn indices_give_the_pixels_back() {
    let pixels = few_colours(64, 9, 200, true);
    let mut again = vec![1; 5];
    Indexed::of(&pixels).unwrap().pixels(&mut again);
    assert_eq!(again, pixels);
}

#[test]
fn wide_bands_whose_rows_lie_beyond_the_window() {
    // A row of 12,000 pixels is longer than the 32 KiB that a match can reach back.
    let size = Size::new(12_000, 5).unwrap();
    let pixels = picture(12_000, 5, true);
    let mut expected = Vec::new();
    Layout::Rgba.write(&pixels, &mut expected);
    for compression in [FAST, Compression::Small] {
        assert_decodes_to(&file(&pixels, size, Layout::Rgba, 32, compression), size, &expected);
    }
}

#[test]
fn flat_bands_are_tiny_and_small_is_no_larger() {
    let size = Size::new(1_000, 64).unwrap();
    let flat: Vec<u8> = [20, 40, 60, 255].repeat(64_000);
    let of = |pixels: &[u8], compression| file(pixels, size, Layout::Rgb, 64, compression).len();
    assert!(of(&flat, FAST) < 500, "{}", of(&flat, FAST));
    for pixels in [flat, picture(1_000, 64, false)] {
        assert!(of(&pixels, Compression::Small) <= of(&pixels, FAST));
    }
}

#[test]
fn small_finds_where_a_gradient_comes_again() {
    // Runs of some pixels that move by less than one from row to row.
    let size = Size::new(900, 120).unwrap();
    let pixels: Vec<u8> = (0..900 * 120u32)
        .flat_map(|n| {
            let t = (n % 900) * 10 + (n / 900) * 27;
            [(t / 60) as u8, (t / 97) as u8, 255 - (t / 150) as u8, 255]
        })
        .collect();
    let [fast, small] = [FAST, Compression::Small].map(|compression| file(&pixels, size, Layout::Rgb, 60, compression).len());
    assert!(small * 10 < fast * 9, "{small} {fast}");
}
