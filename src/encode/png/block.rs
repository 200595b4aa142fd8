//! Deflate blocks from literals and matches: counted, priced three ways, written the cheapest one.

// Tables indexed by bytes, symbols and lengths, all smaller than they; steps never reach beyond the data they were made from.
#![allow(clippy::indexing_slicing)]

use super::bits::Bits;
use super::huffman::{Code, Description, codes, lengths};

/// Literals, then a match. Both may be longer than one symbol of the format can say; a match of 0 ends the band.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Step {
    pub(super) literals: u32,
    pub(super) length: u32,
    pub(super) distance: u32,
}

/// Lengths and distances that deflate has.
pub(super) const SHORTEST: usize = 3;
pub(super) const LONGEST: usize = 258;
pub(super) const FARTHEST: usize = 1 << 15;

const END: usize = 256;

/// Bits of the longest code for a literal or length: four of them and the bits that wait fit one word.
const LIMIT: u8 = 14;
const _: () = assert!(4 * LIMIT as u32 <= Bits::MOST);

/// The parts a match is written in: never one of less than 3 bytes.
#[inline(always)]
pub(super) fn parts(length: u32, mut each: impl FnMut(usize)) {
    let mut left = length as usize;
    while left > LONGEST {
        let now = if left < LONGEST + SHORTEST { left - SHORTEST } else { LONGEST };
        each(now);
        left -= now;
    }
    if left > 0 {
        each(left);
    }
}

/// Symbol of a length less 3, the length's extra bits and how many.
const fn length_symbol(less_3: u32) -> (usize, u32, u32) {
    if less_3 == 255 {
        return (285, 0, 0);
    }
    if less_3 < 8 {
        return (257 + less_3 as usize, 0, 0);
    }
    let extra = less_3.ilog2() - 2;
    (257 + (4 * extra + (less_3 >> extra)) as usize, less_3 & ((1 << extra) - 1), extra)
}

/// Of each length less 3.
pub(super) static LENGTH_SYMBOLS: [u16; 256] = {
    let mut table = [0; 256];
    let mut n = 0;
    while n < 256 {
        table[n] = length_symbol(n as u32).0 as u16;
        n += 1;
    }
    table
};

/// Extra bits of a length less 3.
pub(super) fn length_extra(less_3: usize) -> u32 {
    length_symbol(less_3 as u32).2
}

/// Symbol of a distance, the extra bits and how many.
#[inline(always)]
pub(super) fn distance_symbol(distance: u32) -> (usize, u32, u32) {
    let less_1 = distance.wrapping_sub(1) & 0x7fff;
    if less_1 < 2 {
        return (less_1 as usize, 0, 0);
    }
    let top = less_1.ilog2();
    let extra = top - 1;
    ((2 * top + (less_1 >> extra & 1)) as usize, less_1 & ((1 << extra) - 1), extra)
}

/// How often each symbol occurs.
pub(super) struct Counts {
    pub(super) literals: [u32; 286],
    pub(super) distances: [u32; 30],
    /// Of all lengths and distances.
    pub(super) extra: u64,
}

impl Counts {
    pub(super) fn of(data: &[u8], steps: &[Step]) -> Counts {
        let mut counts = Counts { literals: [0; 286], distances: [0; 30], extra: 0 };
        let mut tables = [[0u32; 256]; 4];
        let mut rest = data;
        for step in steps {
            let (literals, after) = rest.split_at(step.literals as usize);
            let (words, last) = literals.as_chunks::<8>();
            for word in words {
                // Neighbours are often equal: with a table each they do not wait for one another.
                tables[0][usize::from(word[0])] += 1;
                tables[1][usize::from(word[1])] += 1;
                tables[2][usize::from(word[2])] += 1;
                tables[3][usize::from(word[3])] += 1;
                tables[0][usize::from(word[4])] += 1;
                tables[1][usize::from(word[5])] += 1;
                tables[2][usize::from(word[6])] += 1;
                tables[3][usize::from(word[7])] += 1;
            }
            for byte in last {
                tables[0][usize::from(*byte)] += 1;
            }
            if step.length > 0 {
                let (symbol, _, extra) = distance_symbol(step.distance);
                parts(step.length, |length| {
                    let less_3 = length - SHORTEST;
                    counts.literals[usize::from(LENGTH_SYMBOLS[less_3])] += 1;
                    counts.distances[symbol] += 1;
                    counts.extra += u64::from(extra + length_symbol(less_3 as u32).2);
                });
            }
            rest = &after[step.length as usize..];
        }
        for (symbol, count) in counts.literals[..256].iter_mut().enumerate() {
            *count = tables.iter().map(|table| table[symbol]).sum();
        }
        counts.literals[END] = 1;
        counts
    }

    /// Bits of the block that these make, described by codes of its own.
    pub(super) fn cost(&self) -> u64 {
        let (literals, distances) = self.lengths();
        self.bits(&literals, &distances)
    }

    /// The same with the codes' description.
    pub(super) fn whole(&self) -> u64 {
        let (literals, distances) = self.lengths();
        3 + Description::new(&literals, &distances).bits() + self.bits(&literals, &distances)
    }

    /// Of one block for both.
    pub(super) fn joined(&self, other: &Counts) -> Counts {
        let mut all = Counts { literals: self.literals, distances: self.distances, extra: self.extra + other.extra };
        all.literals.iter_mut().zip(&other.literals).for_each(|(n, more)| *n += more);
        all.distances.iter_mut().zip(&other.distances).for_each(|(n, more)| *n += more);
        all.literals[END] = 1;
        all
    }

    /// Code lengths of literals and lengths, and of distances.
    pub(super) fn lengths(&self) -> ([u8; 286], [u8; 30]) {
        (lengths(&self.literals, LIMIT), lengths(&self.distances, 15))
    }

    fn bits(&self, literals: &[u8; 286], distances: &[u8; 30]) -> u64 {
        let of = |counts: &[u32], lengths: &[u8]| {
            counts.iter().zip(lengths).map(|(n, len)| u64::from(*n) * u64::from(*len)).sum::<u64>()
        };
        self.extra + of(&self.literals, literals) + of(&self.distances, distances)
    }
}

/// Code lengths of blocks that do not describe any (RFC 1951, 3.2.6).
const FIXED_LITERALS: [u8; 286] = {
    let mut lengths = [8; 286];
    let mut symbol = 144;
    while symbol < 280 {
        lengths[symbol] = if symbol < 256 { 9 } else { 7 };
        symbol += 1;
    }
    lengths
};
const FIXED_DISTANCES: [u8; 30] = [5; 30];

/// Bytes of a stored block that the format can have.
const STORED: usize = 65_535;

/// A length with its extra bits, and how many bits that is.
#[derive(Clone, Copy, Default)]
struct Length {
    bits: u32,
    len: u32,
}

/// What becomes one block.
pub(super) struct Part<'a> {
    pub(super) data: &'a [u8],
    pub(super) steps: &'a [Step],
    /// Where both begin in those of the band.
    pub(super) from: usize,
    pub(super) first: usize,
    pub(super) counts: Counts,
    literals: [u8; 286],
    distances: [u8; 30],
    description: Description,
    /// Bits with codes of its own and with the format's.
    dynamic: u64,
    fixed: u64,
}

impl<'a> Part<'a> {
    pub(super) fn of(data: &'a [u8], steps: &'a [Step], at: (usize, usize)) -> Part<'a> {
        Part::new(data, steps, at, Counts::of(data, steps))
    }

    pub(super) fn new(data: &'a [u8], steps: &'a [Step], (from, first): (usize, usize), counts: Counts) -> Part<'a> {
        let (literals, distances) = counts.lengths();
        let description = Description::new(&literals, &distances);
        let dynamic = description.bits() + counts.bits(&literals, &distances);
        let fixed = counts.bits(&FIXED_LITERALS, &FIXED_DISTANCES);
        Part { data, steps, from, first, counts, literals, distances, description, dynamic, fixed }
    }

    /// Bits with codes of its own, their description aside: as [`Counts::cost`].
    pub(super) fn coded(&self) -> u64 {
        self.dynamic - self.description.bits()
    }

    /// Bits of the block.
    pub(super) fn cost(&self) -> u64 {
        3 + self.dynamic.min(self.fixed)
    }

    fn write(&self, bits: &mut Bits) {
        if self.fixed <= self.dynamic {
            bits.add(0b010, 3);
            // In the format's own table the last two symbols of each alphabet exist, too, and do not change the others' codes.
            symbols(self.data, self.steps, &fixed_literals(), &codes(&FIXED_DISTANCES), bits);
        } else {
            bits.add(0b100, 3);
            self.description.write(bits);
            symbols(self.data, self.steps, &codes(&self.literals), &codes(&self.distances), bits);
        }
    }
}

/// Appends `data`, which `parts` describe to its end, as blocks that end on a byte and are not final.
pub(super) fn write(data: &[u8], parts: &[Part], out: &mut Vec<u8>) {
    let stored = data.len() as u64 * 8 + data.len().div_ceil(STORED) as u64 * 40;
    // An empty stored block brings the others to a byte.
    let coded = parts.iter().map(Part::cost).sum::<u64>() + 3 + 7 + 32;
    if stored <= coded {
        return store(data, out);
    }
    let begin = out.len();
    out.resize(begin + (coded / 8) as usize + 1 + Bits::SLACK, 0);
    let mut bits = Bits::new(&mut out[begin..]);
    for part in parts {
        part.write(&mut bits);
    }
    bits.add(0b000, 3);
    bits.align();
    bits.add(0xffff_0000, 32);
    bits.flush();
    let written = bits.finish();
    out.truncate(begin + written);
}

fn fixed_literals() -> [Code; 286] {
    let mut all = [8; 288];
    all[..286].copy_from_slice(&FIXED_LITERALS);
    let codes = codes(&all);
    std::array::from_fn(|symbol| codes[symbol])
}

fn store(data: &[u8], out: &mut Vec<u8>) {
    for part in data.chunks(STORED) {
        let len = part.len() as u16;
        out.push(0);
        out.extend(len.to_le_bytes());
        out.extend((!len).to_le_bytes());
        out.extend(part);
    }
}

fn symbols(data: &[u8], steps: &[Step], literals: &[Code; 286], distances: &[Code; 30], out: &mut Bits) {
    // One word a code, so that one load brings both parts.
    let packed: [u32; 256] = std::array::from_fn(|byte| u32::from(literals[byte].bits) | u32::from(literals[byte].len) << 16);
    let lengths: [Length; 256] = std::array::from_fn(|less_3| {
        let (symbol, extra, many) = length_symbol(less_3 as u32);
        let code = literals[symbol];
        Length { bits: u32::from(code.bits) | extra << code.len, len: u32::from(code.len) + many }
    });
    let mut rest = data;
    for step in steps {
        let (run, after) = rest.split_at(step.literals as usize);
        let (fours, last) = run.as_chunks::<4>();
        for four in fours {
            // Not by `map`, which is not always inlined.
            let [a, b, c, d] = *four;
            let [a, b] = [packed[usize::from(a)], packed[usize::from(b)]];
            let [c, d] = [packed[usize::from(c)], packed[usize::from(d)]];
            // In pairs, so that the sums do not wait for one another.
            let (ab, ab_len) = pair(a, b);
            let (cd, cd_len) = pair(c, d);
            out.add(ab | cd << (ab_len & 63), ab_len + cd_len);
            out.flush();
        }
        for byte in last {
            let code = packed[usize::from(*byte)];
            out.add(u64::from(code & 0xffff), code >> 16);
            out.flush();
        }
        if step.length > 0 {
            let (symbol, extra, many) = distance_symbol(step.distance);
            let code = distances[symbol];
            let distance = u64::from(code.bits) | u64::from(extra) << code.len;
            let distance_len = u32::from(code.len) + many;
            parts(step.length, |length| {
                let length = lengths[length - SHORTEST];
                out.add(u64::from(length.bits), length.len);
                out.add(distance, distance_len);
                out.flush();
            });
        }
        rest = &after[step.length as usize..];
    }
    let end = literals[END];
    out.add(u64::from(end.bits), u32::from(end.len));
    out.flush();
}

#[inline(always)]
fn pair(a: u32, b: u32) -> (u64, u32) {
    let (a_len, b_len) = (a >> 16, b >> 16);
    (u64::from(a & 0xffff) | u64::from(b & 0xffff) << (a_len & 63), a_len + b_len)
}
