//! Exact palettes: the colours of a band, of a picture, and pixels as numbers of them.

// A colour's number is a byte and its tables have 256 places; the slots are taken modulo their number.
#![allow(clippy::indexing_slicing)]

use super::super::unpremultiply;
use super::filter::Filter;

/// Colours that a palette can have.
pub const MOST: usize = 256;

/// Distinct pixels, premultiplied RGBA8, in rising order; at most [`MOST`].
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Colours(Vec<u32>);

impl Colours {
    pub fn none() -> Colours {
        Colours(Vec::new())
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The colours of both; `None` if they are too many.
    pub fn union(&self, other: &Colours) -> Option<Colours> {
        let mut all: Vec<u32> = self.0.iter().chain(&other.0).copied().collect();
        all.sort_unstable();
        all.dedup();
        (all.len() <= MOST).then_some(Colours(all))
    }
}

/// The colours of premultiplied RGBA8 `pixels`; `None` if they are more than [`MOST`], which is found out as soon as there are.
pub fn colours(pixels: &[u8]) -> Option<Colours> {
    let mut seen = Seen::new();
    let mut before = None;
    for px in pixels.as_chunks::<4>().0 {
        if before != Some(px) {
            seen.number(*px)?;
            before = Some(px);
        }
    }
    Some(seen.sorted().0)
}

/// A band as numbers into its own colours: a quarter of the pixels' bytes, to be kept until the whole picture's palette is known.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Indexed {
    colours: Colours,
    indices: Vec<u8>,
}

impl Indexed {
    /// `None` as for [`colours`].
    pub fn of(pixels: &[u8]) -> Option<Indexed> {
        let mut seen = Seen::new();
        let mut indices = Vec::with_capacity(pixels.len() / 4);
        let (mut before, mut number) = (None, 0);
        for px in pixels.as_chunks::<4>().0 {
            if before != Some(px) {
                number = seen.number(*px)?;
                before = Some(px);
            }
            indices.push(number);
        }
        let (colours, places) = seen.sorted();
        indices.iter_mut().for_each(|index| *index = places[usize::from(*index)]);
        Some(Indexed { colours, indices })
    }

    pub fn colours(&self) -> &Colours {
        &self.colours
    }

    /// Premultiplied RGBA8 again, in place of what is in `out`.
    pub fn pixels(&self, out: &mut Vec<u8>) {
        let pixels = |index: &u8| self.colours.0.get(usize::from(*index)).copied().unwrap_or_default().to_be_bytes();
        out.clear();
        out.reserve(self.indices.len() * 4);
        out.extend(self.indices.iter().flat_map(pixels));
    }
}

/// Slots of the table of colours: four for each that there can be, so that chains stay short.
const SLOTS: usize = 4 * MOST;

/// Colours in the order in which they turned up.
struct Seen {
    /// Number + 1, from the colour's hash on.
    slots: [u16; SLOTS],
    colours: Vec<u32>,
}

impl Seen {
    fn new() -> Seen {
        Seen { slots: [0; SLOTS], colours: Vec::with_capacity(MOST) }
    }

    /// The number of a colour; `None` if there is none left.
    #[inline(always)]
    fn number(&mut self, px: [u8; 4]) -> Option<u8> {
        let colour = u32::from_be_bytes(px);
        let mut slot = (colour.wrapping_mul(0x9E37_79B1) >> 22) as usize;
        loop {
            let number = self.slots[slot % SLOTS];
            if number == 0 {
                if self.colours.len() == MOST {
                    return None;
                }
                self.colours.push(colour);
                self.slots[slot % SLOTS] = self.colours.len() as u16;
                return Some((self.colours.len() - 1) as u8);
            }
            if self.colours.get(usize::from(number) - 1) == Some(&colour) {
                return Some((number - 1) as u8);
            }
            slot += 1;
        }
    }

    /// In order, and where each number comes to stand.
    fn sorted(self) -> (Colours, [u8; MOST]) {
        let mut sorted = self.colours.clone();
        sorted.sort_unstable();
        let mut places = [0; MOST];
        for (place, colour) in places.iter_mut().zip(&self.colours) {
            *place = sorted.partition_point(|other| other < colour) as u8;
        }
        (Colours(sorted), places)
    }
}

/// A picture's colours in the order of its PLTE: those with alpha first, so that tRNS is short; within both groups as they turn up
/// band by band, in rising order where they turn up together. So a band that changes re-numbers no colour of the bands above it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Palette {
    /// Premultiplied, as in the pixels.
    entries: Vec<u32>,
}

impl Palette {
    /// From the colours of all bands from the top down; `None` if together they are more than [`MOST`].
    pub fn of<'a>(bands: impl IntoIterator<Item = &'a Colours>) -> Option<Palette> {
        let mut seen = Seen::new();
        for colour in bands.into_iter().flat_map(|band| &band.0) {
            seen.number(colour.to_be_bytes())?;
        }
        let mut entries = seen.colours;
        // Stable.
        entries.sort_by_key(|colour| colour & 255 == 255);
        Some(Palette { entries })
    }

    /// Which entry each of these colours is; `None` if one is missing. With the number of bits a pixel this is all that the bytes
    /// of a band depend on.
    pub fn places(&self, colours: &Colours) -> Option<Vec<u8>> {
        colours.0.iter().map(|colour| Some(self.entries.iter().position(|entry| entry == colour)? as u8)).collect()
    }

    /// Bits a pixel.
    pub fn depth(&self) -> u8 {
        match self.entries.len() {
            0..=2 => 1,
            3..=4 => 2,
            5..=16 => 4,
            _ => 8,
        }
    }

    /// Bytes a row without its filter.
    pub(super) fn stride(&self, width: usize) -> usize {
        (width * usize::from(self.depth())).div_ceil(8)
    }

    fn straight(&self) -> impl Iterator<Item = [u8; 4]> {
        self.entries.iter().map(|colour| unpremultiply(colour.to_be_bytes()))
    }

    /// The data of PLTE.
    pub(super) fn colours(&self) -> Vec<u8> {
        self.straight().flat_map(|[r, g, b, _]| [r, g, b]).collect()
    }

    /// The data of tRNS; empty if all are opaque.
    pub(super) fn alphas(&self) -> Vec<u8> {
        self.straight().map(|[.., a]| a).filter(|a| *a < 255).collect()
    }

    /// Rows of `width` pixels into `out`, each from a byte on and behind the number of no filter; `None` if a colour of the band is
    /// not in the palette.
    pub(super) fn pack(&self, band: &Indexed, width: usize, out: &mut Vec<u8>) -> Option<()> {
        let places = self.places(&band.colours)?;
        let depth = usize::from(self.depth());
        out.clear();
        for row in band.indices.chunks_exact(width.max(1)) {
            out.push(Filter::None as u8);
            if depth == 8 {
                out.extend(row.iter().map(|index| places[usize::from(*index)]));
                continue;
            }
            // The first pixel has the highest bits.
            let byte = |pixels: &[u8]| {
                (0..).zip(pixels).fold(0, |byte, (n, index)| byte | places[usize::from(*index)] << (8 - depth - n * depth))
            };
            out.extend(row.chunks(8 / depth).map(byte));
        }
        Some(())
    }
}
