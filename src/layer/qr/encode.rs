//! From data to modules: the version and level that hold it, and, with a logo, what of it may be covered.

use std::collections::BTreeSet;

use qrcode::bits::{Bits, encode_auto};
use qrcode::canvas::{Canvas, is_functional};
use qrcode::ec::construct_codewords;
use qrcode::{Color as Module, EcLevel, Version};

use super::{Level, mask};
use crate::layer::modules::{Modules, Part};

/// The part of the code's side that a logo takes at most.
const LOGO: f64 = 0.2;

/// A code encoded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Coded {
    pub modules: Modules,
    pub level: Level,
    /// What a logo covers, with its margin of half a module; these modules are still there.
    pub hole: Option<Part>,
}

impl Coded {
    /// Bytes, for the memo.
    pub fn weight(&self) -> usize {
        self.modules.weight() + size_of::<Coded>()
    }

    /// What is dark on the picture.
    pub fn shown(&self) -> Modules {
        self.hole.iter().fold(self.modules.clone(), |modules, hole| modules.without(*hole))
    }

    /// The code of the smallest version that holds `data`; `None` when none does.
    ///
    /// Text beyond ASCII is written as UTF-8 bytes behind ECI 26: without it readers guess, and the crate's own choice
    /// of Kanji mode turns UTF-8 that looks like Shift JIS into garbage.
    pub fn plain(data: &str, level: Level) -> Option<Coded> {
        let modules = if data.is_ascii() {
            finished(encode_auto(data.as_bytes(), level.correction()).ok()?, level)?
        } else {
            (1..=40).find_map(|version| finished(bits(data, version, level)?, level))?
        };
        Some(Coded { modules, level, hole: None })
    }

    /// The code of the smallest version, and there of the lowest level from `level` and [`Level::Q`] on, that holds `data` and
    /// can do without what a logo covers.
    pub fn with_logo(data: &str, level: Level) -> Option<Coded> {
        let levels = [Level::Q, Level::H].into_iter().filter(|one| *one >= level);
        let mut all = (1..=40_i16).flat_map(|version| levels.clone().map(move |level| (version, level)));
        all.find_map(|(version, level)| {
            let words = Words::of(bits(data, version, level)?, level)?;
            let hole = hole(words.side()?);
            if !words.can_do_without(hole) {
                return None;
            }
            Some(Coded { modules: words.drawn()?, level, hole: Some(hole) })
        })
    }
}

/// An odd number of modules in the middle, so that it lies on whole ones, of which the logo leaves half a module on each side.
fn hole(side: usize) -> Part {
    let most = (side as f64 * LOGO).floor() as usize + 1;
    let hole = if most.is_multiple_of(2) { most - 1 } else { most };
    let start = (side - hole) / 2;
    Part { x: start, y: start, side: hole }
}

/// The codewords of a code.
struct Words {
    version: Version,
    level: EcLevel,
    data: Vec<u8>,
    correction: Vec<u8>,
}

impl Words {
    fn of(bits: Bits, level: Level) -> Option<Words> {
        let (version, level) = (bits.version(), level.correction());
        let (data, correction) = construct_codewords(&bits.into_bytes(), version, level).ok()?;
        Some(Words { version, level, data, correction })
    }

    fn side(&self) -> Option<usize> {
        usize::try_from(self.version.width()).ok()
    }

    /// The code with the mask that suits it.
    fn drawn(&self) -> Option<Modules> {
        let side = self.side()?;
        let mut canvas = Canvas::new(self.version, self.level);
        canvas.draw_all_functional_patterns();
        canvas.draw_data(&self.data, &self.correction);
        let dark = mask::masked(&canvas, side)?.into_colors().into_iter().map(|module| module == Module::Dark).collect();
        Some(Modules { width: side, dark })
    }

    /// Whether the hole damages so few codewords that half of what can be corrected is left for what befalls the picture.
    fn can_do_without(&self, hole: Part) -> bool {
        let (data, correction) = (self.data.len(), self.correction.len());
        // Which codeword a module belongs to, bit by bit: each codeword is drawn dark where its number has the bit.
        let drawn = |bit: usize| {
            let dark = |n: usize| if n >> bit & 1 == 1 { 0xff_u8 } else { 0 };
            let mut canvas = Canvas::new(self.version, self.level);
            let [data, correction] = [0..data, data..data + correction].map(|range| range.map(dark).collect::<Vec<u8>>());
            canvas.draw_all_functional_patterns();
            canvas.draw_data(&data, &correction);
            canvas
        };
        let planes: Vec<Canvas> = (0..12).map(drawn).collect();
        // A side is at most 177.
        let range = |start: usize| start as i16..(start + hole.side) as i16;
        let modules = range(hole.y).flat_map(|y| range(hole.x).map(move |x| (x, y)));
        let of_data = modules.filter(|(x, y)| !is_functional(self.version, self.version.width(), *x, *y));
        let codeword = |(x, y): (i16, i16)| {
            planes.iter().enumerate().map(|(bit, plane)| usize::from(plane.get(x, y).is_dark()) << bit).sum::<usize>()
        };
        let damaged: BTreeSet<usize> = of_data.map(codeword).collect();
        // Two codewords of correction mend one.
        damaged.len() * 4 <= correction
    }
}

fn bits(data: &str, version: i16, level: Level) -> Option<Bits> {
    const ECI_UTF8: u32 = 26;
    let mut bits = Bits::new(Version::Normal(version));
    if data.is_ascii() {
        bits.push_optimal_data(data.as_bytes()).ok()?;
    } else {
        bits.push_eci_designator(ECI_UTF8).ok()?;
        bits.push_byte_data(data.as_bytes()).ok()?;
    }
    bits.push_terminator(level.correction()).ok()?;
    Some(bits)
}

/// The code of these bits with its error correction and mask.
pub(super) fn finished(bits: Bits, level: Level) -> Option<Modules> {
    Words::of(bits, level)?.drawn()
}

impl Level {
    pub(super) fn correction(self) -> EcLevel {
        match self {
            Level::L => EcLevel::L,
            Level::M => EcLevel::M,
            Level::Q => EcLevel::Q,
            Level::H => EcLevel::H,
        }
    }

    /// The next one that may be damaged more.
    pub fn raised(self) -> Option<Level> {
        match self {
            Level::L => Some(Level::M),
            Level::M => Some(Level::Q),
            Level::Q => Some(Level::H),
            Level::H => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logo_takes_a_fifth_at_most_and_raises_the_level() {
        for length in [1, 20, 60, 200, 1_000] {
            let data = "https://example.com/".chars().cycle().take(length).collect::<String>();
            let coded = Coded::with_logo(&data, Level::L).unwrap();
            let hole = coded.hole.unwrap();
            assert!(coded.level >= Level::Q);
            assert!((hole.side - 1) as f64 <= coded.modules.width as f64 * LOGO, "{length}");
            assert!(hole.side >= 5 && hole.side % 2 == 1 && hole.x * 2 + hole.side == coded.modules.width);
            assert_eq!(Coded::with_logo(&data, Level::H).unwrap().level, Level::H);
        }
        assert!(Coded::with_logo(&"x".repeat(1_700), Level::L).is_none(), "level Q holds 1,663 bytes");
        assert!(Coded::plain(&"x".repeat(2_953), Level::L).is_some());
        assert!(Coded::plain(&"x".repeat(2_954), Level::L).is_none());
    }
}
