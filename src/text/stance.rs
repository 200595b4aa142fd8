//! How letters stand in a vertical line: upright, turned, or some digits side by side (UAX 50, CSS Writing Modes 4).

use std::ops::Range;

use icu_properties::CodePointMapData;
use icu_properties::props::VerticalOrientation;

use crate::text::unicode::is_ignorable;
use crate::text::{Orientation, Paragraph, WritingMode};

/// How an item stands about its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::text) enum Stance {
    /// Along it: in horizontal lines, and turned with vertical ones.
    Along,
    /// One below the other in a vertical line.
    Upright,
    /// Side by side across a vertical line, in the room of one letter.
    Across,
}

/// What decides it for one paragraph.
pub(in crate::text) struct Stances {
    mode: WritingMode,
    orientation: Orientation,
    /// Digits that stand side by side, rising; offsets in the whole text.
    across: Vec<Range<usize>>,
}

impl Stances {
    /// Of the part `range` of `text`.
    pub fn new(paragraph: &Paragraph, text: &str, range: Range<usize>) -> Stances {
        let (mode, orientation) = (paragraph.writing_mode, paragraph.orientation);
        let most = usize::from(paragraph.combine_upright);
        let mut across = Vec::new();
        if mode == WritingMode::VerticalRl && orientation == Orientation::Mixed && most > 0 {
            let mut digits = 0;
            let bytes = text.as_bytes().get(range.clone()).unwrap_or(&[]);
            for (at, byte) in bytes.iter().chain(b" ").enumerate() {
                if byte.is_ascii_digit() {
                    digits += 1;
                    continue;
                }
                // Beside Latin letters digits are part of a word that is turned as a whole.
                let letter = |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_alphabetic());
                let before = (at - digits).checked_sub(1).and_then(|at| bytes.get(at));
                if (1..=most).contains(&digits) && !letter(before) && !letter(bytes.get(at)) {
                    across.push(range.start + at - digits..range.start + at);
                }
                digits = 0;
            }
        }
        Stances { mode, orientation, across }
    }

    /// Of the cluster that begins at `at`.
    pub fn of(&self, cluster: &str, at: usize) -> Stance {
        if self.mode == WritingMode::Horizontal {
            return Stance::Along;
        }
        if self.orientation == Orientation::Upright {
            return Stance::Upright;
        }
        let place = self.across.partition_point(|digits| digits.end <= at);
        if self.across.get(place).is_some_and(|digits| digits.contains(&at)) {
            return Stance::Across;
        }
        match cluster.chars().find(|c| !is_ignorable(*c)) {
            Some(c) if stands_upright(c) => Stance::Upright,
            _ => Stance::Along,
        }
    }
}

fn stands_upright(c: char) -> bool {
    !matches!(CodePointMapData::<VerticalOrientation>::new().get(c), VerticalOrientation::Rotated)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stances(text: &str, orientation: Orientation, combine_upright: u8) -> String {
        let paragraph = Paragraph { writing_mode: WritingMode::VerticalRl, orientation, combine_upright, ..Paragraph::default() };
        let stances = Stances::new(&paragraph, text, 0..text.len());
        let letter = |(at, c): (usize, char)| match stances.of(c.encode_utf8(&mut [0; 4]), at) {
            Stance::Along => 'r',
            Stance::Upright => 'u',
            Stance::Across => 'x',
        };
        text.char_indices().map(letter).collect()
    }

    #[test]
    fn letters_stand_as_their_script_is_used_to() {
        assert_eq!(stances("永「a，ー가…", Orientation::Mixed, 2), "uuruuur");
        assert_eq!(stances("永a1", Orientation::Upright, 2), "uuu");
    }

    #[test]
    fn few_digits_stand_side_by_side() {
        assert_eq!(stances("12月5日2026年", Orientation::Mixed, 2), "xxuxurrrru");
        assert_eq!(stances("12月5日2026年", Orientation::Mixed, 4), "xxuxuxxxxu");
        assert_eq!(stances("12月", Orientation::Mixed, 0), "rru");
        assert_eq!(stances("a1 1b 7", Orientation::Mixed, 2), "rrrrrrx");
    }
}
