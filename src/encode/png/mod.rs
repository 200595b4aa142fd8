//! PNG as a list of chunks: a header, one IDAT for each band of rows, a trailer.
//!
//! The zlib stream runs through all IDATs: its two header bytes are a chunk of their own, each band is raw deflate data from
//! fresh state that ends on a byte (sync flush), and the last chunk ends the stream and carries the Adler-32 of everything, joined
//! from those of the bands. No byte of a band depends on another one: its first row is filtered without the row above.
//!
//! The encoder is our own, because a band is small and known whole: which of two ways suits it, plain rows with matches or filtered
//! rows with runs of zeros, is found out by counting (`plan`), and its prefix codes are made from its own counts.

mod bits;
mod block;
mod chunks;
mod filter;
mod huffman;
mod matches;
mod optimal;
pub mod palette;
mod plan;
mod small;
mod split;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use super::{Compression, EncodeError, Format, Layout};
use crate::ctx::Simd;
use crate::level::Level;
pub use chunks::{header, trailer};
use filter::Filter;
use palette::{Indexed, Palette};

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

/// What the samples of a file mean; the same for all its bands.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Colour {
    /// Three or four bytes a pixel.
    Direct(Layout),
    /// 1, 2, 4 or 8 bits a pixel, as the palette's length asks for.
    Palette(Arc<Palette>),
}

/// What is the same for all bands of a picture.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct BandFormat {
    /// Pixels in a row.
    pub width: u32,
    pub colour: Colour,
    pub compression: Compression,
}

/// Buffers that one band after another is encoded in. What is left in them never matters.
#[derive(Default)]
pub struct Scratch {
    /// Rows as they are, the number of no filter before each.
    plain: Vec<u8>,
    filtered: Vec<u8>,
    finder: Finder,
}

/// Where steps are found and kept.
#[derive(Default)]
struct Finder {
    table: matches::Table,
    optimal: optimal::Optimal,
    steps: Vec<block::Step>,
    others: Vec<block::Step>,
}

/// How the bytes of a band lie.
#[derive(Clone, Copy, Debug)]
struct Grid {
    /// Bytes of a row with that of its filter.
    stride: usize,
    /// Bytes from a pixel to the next one; 1 where they are less.
    pixel: usize,
    /// Whether differences of samples may mean anything: between numbers in a palette they seldom do.
    smooth: bool,
}

/// Encodes one band of premultiplied RGBA8 rows, `format.width` pixels each. The bytes depend on nothing else. Fails if the format
/// has a palette without one of the colours.
pub fn encode_band(pixels: &[u8], format: &BandFormat, simd: Simd, scratch: &mut Scratch) -> Result<EncodedBand, EncodeError> {
    let layout = match &format.colour {
        Colour::Direct(layout) => *layout,
        Colour::Palette(_) => return encode_indexed(&Indexed::of(pixels).ok_or_else(not_in_palette)?, format, simd, scratch),
    };
    let width = format.width.max(1) as usize;
    let grid = Grid { stride: 1 + width * layout.channels(), pixel: layout.channels(), smooth: true };
    let plain = &mut scratch.plain;
    plain.resize(pixels.len() / 4 / width * grid.stride, 0);
    for (row, to) in pixels.chunks_exact(width * 4).zip(plain.chunks_exact_mut(grid.stride)) {
        if let Some((number, to)) = to.split_first_mut() {
            *number = Filter::None as u8;
            layout.write_to(row, to);
        }
    }
    Ok(encode(grid, format.compression, simd, scratch))
}

/// The same for a band whose colours are already numbered. Fails also if the format has no palette.
pub fn encode_indexed(
    band: &Indexed,
    format: &BandFormat,
    simd: Simd,
    scratch: &mut Scratch,
) -> Result<EncodedBand, EncodeError> {
    let Colour::Palette(palette) = &format.colour else {
        return Err(not_in_palette());
    };
    palette.pack(band, format.width as usize, &mut scratch.plain).ok_or_else(not_in_palette)?;
    // Neighbours in a palette are often alike: worth a try for who has the time.
    let smooth = palette.depth() == 8 && format.compression == Compression::Small;
    let grid = Grid { stride: 1 + palette.stride(format.width as usize), pixel: 1, smooth };
    Ok(encode(grid, format.compression, simd, scratch))
}

fn not_in_palette() -> EncodeError {
    EncodeError::Failed { format: Format::Png, reason: "a colour is not in the palette".to_owned() }
}

/// Encodes the rows in `scratch.plain`.
fn encode(grid: Grid, compression: Compression, simd: Simd, scratch: &mut Scratch) -> EncodedBand {
    let mut bytes = vec![0, 0, 0, 0, b'I', b'D', b'A', b'T'];
    let level = Level::of(simd);
    let Scratch { plain, filtered, finder } = scratch;
    let rows = match compression {
        Compression::Fast => plan::write(level, plain, grid, filtered, finder, &mut bytes),
        Compression::Small => small::write(level, plain, grid, filtered, finder, &mut bytes),
    };
    chunks::close(&mut bytes);
    let mut sum = simd_adler32::Adler32::new();
    sum.write(rows);
    EncodedBand { bytes, adler: sum.finish(), len: rows.len() as u64 }
}
