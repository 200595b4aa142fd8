//! Bidirectional levels of a paragraph and the order in which a line's runs are drawn (UAX 9).

use std::ops::Range;
use std::panic::catch_unwind;

use unicode_bidi::{BidiClass, BidiInfo, Level, bidi_class};

use crate::text::Direction;

/// A paragraph's levels.
#[derive(Clone, Debug, PartialEq)]
pub struct Levels {
    /// 0 left to right, 1 right to left.
    pub paragraph: u8,
    /// One per byte of the text; empty when all are 0.
    levels: Vec<u8>,
}

impl Levels {
    /// The level of the character that starts at `at`.
    pub fn at(&self, at: usize) -> u8 {
        self.levels.get(at).copied().unwrap_or(self.paragraph)
    }
}

/// The levels of one paragraph (text without line ends in it), rules P2 to I2.
pub fn levels(text: &str, direction: Direction) -> Levels {
    let plain = Levels { paragraph: 0, levels: Vec::new() };
    if direction != Direction::Rtl && !text.chars().any(needs_levels) {
        return plain;
    }
    let base = match direction {
        Direction::Auto => None,
        Direction::Ltr => Some(Level::ltr()),
        Direction::Rtl => Some(Level::rtl()),
    };
    let found = catch_unwind(|| {
        let info = BidiInfo::new(text, base);
        let paragraph = match (info.paragraphs.first(), direction) {
            (Some(first), _) => first.level.number(),
            (None, Direction::Rtl) => 1,
            (None, _) => 0,
        };
        Levels { paragraph, levels: info.levels.iter().map(|level| level.number()).collect() }
    });
    found.unwrap_or(plain)
}

/// Right to left letters, Arabic numbers and everything that embeds, overrides or isolates.
fn needs_levels(c: char) -> bool {
    // Nothing of the kind among Latin letters, nor from kana to Hangul.
    c >= '\u{590}' && !matches!(c, '\u{3000}'..='\u{D7FF}') && {
        use BidiClass::*;
        matches!(bidi_class(c), R | AL | AN | RLE | RLO | RLI | LRE | LRO | LRI | FSI | PDF | PDI)
    }
}

/// Rule L1 for one line: tabs, the white space before them and at the line's end fall back to the paragraph's level.
pub fn reset_spaces(text: &str, line: Range<usize>, levels: &mut Levels) {
    if levels.levels.is_empty() {
        return;
    }
    let paragraph = levels.paragraph;
    let mut resetting = true;
    for (at, c) in text.get(line.clone()).unwrap_or("").char_indices().rev() {
        match bidi_class(c) {
            BidiClass::B | BidiClass::S => resetting = true,
            BidiClass::WS | BidiClass::FSI | BidiClass::LRI | BidiClass::RLI | BidiClass::PDI => {}
            // Removed by rule X9: neither ends a row of spaces nor belongs to it.
            class if is_removed(class) => {}
            _ => resetting = false,
        }
        if resetting {
            let from = line.start + at;
            for level in levels.levels.iter_mut().skip(from).take(c.len_utf8()) {
                *level = paragraph;
            }
        }
    }
}

fn is_removed(class: BidiClass) -> bool {
    use BidiClass::*;
    matches!(class, LRE | RLE | LRO | RLO | PDF | BN)
}

/// Rule L2: the places of `levels` from left to right.
pub fn visual_order(levels: &[u8]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..levels.len()).collect();
    let highest = levels.iter().copied().max().unwrap_or(0);
    let lowest_odd = levels.iter().copied().filter(|level| level % 2 == 1).min().unwrap_or(u8::MAX);
    for level in (lowest_odd..=highest).rev() {
        // Reversals at higher levels stay inside one stretch of `>= level`, so logical stretches can be found by place.
        let mut start = 0;
        while start < levels.len() {
            let run = levels.iter().skip(start).take_while(|l| **l >= level).count();
            if let Some(stretch) = order.get_mut(start..start + run) {
                stretch.reverse();
            }
            start += run.max(1);
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraph_direction_is_the_first_strong_characters() {
        let cases = [
            ("", Direction::Auto, 0),
            ("", Direction::Rtl, 1),
            ("123", Direction::Auto, 0),
            ("abc אבג", Direction::Auto, 0),
            ("אבג abc", Direction::Auto, 1),
            ("- 1. مرحبا", Direction::Auto, 1),
            ("\u{2067}אבג\u{2069} abc", Direction::Auto, 0),
            ("אבג", Direction::Ltr, 0),
            ("abc", Direction::Rtl, 1),
        ];
        for (text, direction, expected) in cases {
            assert_eq!(levels(text, direction).paragraph, expected, "{text:?} {direction:?}");
        }
    }

    #[test]
    fn what_is_quickly_told_is_told_right() {
        use BidiClass::*;
        let slow = |c: char| matches!(bidi_class(c), R | AL | AN | RLE | RLO | RLI | LRE | LRO | LRI | FSI | PDF | PDI);
        assert!(('\0'..=char::MAX).all(|c| needs_levels(c) == slow(c)));
    }

    #[test]
    fn levels_of_numbers_and_embeddings() {
        let of = |text: &str, direction| {
            let found = levels(text, direction);
            text.char_indices().map(|(at, _)| found.at(at)).collect::<Vec<u8>>()
        };
        assert_eq!(of("ab", Direction::Auto), [0, 0]);
        assert_eq!(of("ab", Direction::Rtl), [2, 2]);
        assert_eq!(of("א1ב", Direction::Auto), [1, 2, 1]);
        assert_eq!(of("a אב c", Direction::Auto), [0, 0, 1, 1, 0, 0]);
        // Brackets follow the text they enclose.
        assert_eq!(of("א(b)ג", Direction::Auto), [1, 1, 2, 1, 1]);
    }

    #[test]
    fn trailing_spaces_return_to_the_paragraph() {
        let text = "abc אב\t ג  ";
        let mut found = levels(text, Direction::Ltr);
        reset_spaces(text, 0..text.len(), &mut found);
        let levels: Vec<u8> = text.char_indices().map(|(at, _)| found.at(at)).collect();
        assert_eq!(levels, [0, 0, 0, 0, 1, 1, 0, 1, 1, 0, 0]);
    }

    #[test]
    fn order_of_nested_levels() {
        assert_eq!(visual_order(&[0, 1, 0]), [0, 1, 2]);
        assert_eq!(visual_order(&[0, 1, 1, 0]), [0, 2, 1, 3]);
        assert_eq!(visual_order(&[1, 2, 2, 1]), [3, 1, 2, 0]);
        assert_eq!(visual_order(&[1, 2, 3, 2, 1]), [4, 1, 2, 3, 0]);
        assert_eq!(visual_order(&[0, 1, 2, 3, 3, 2, 1]), [0, 6, 2, 4, 3, 5, 1]);
        assert!(visual_order(&[]).is_empty());
    }
}
