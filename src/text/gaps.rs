//! The room between neighbours of different scripts (CSS text-autospace), and punctuation that may stand beyond a line's ends (CSS
//! hanging-punctuation).

use icu_properties::CodePointMapData;
use icu_properties::props::{GeneralCategory, GeneralCategoryGroup as Group, Script};

use crate::text::HangingPunctuation;
use crate::text::unicode::{general_category, is_east_asian, is_ignorable};

/// What a character is to its neighbour.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Side {
    /// Han, kana, and their strokes.
    Ideograph,
    /// A letter, mark or digit of another script, not full-width.
    Other,
}

/// Classes of CSS Text 4, section 9.7.1.
fn side(c: char) -> Option<Side> {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric().then_some(Side::Other);
    }
    let category = general_category(c);
    let punctuation = Group::Punctuation.contains(category);
    let script = CodePointMapData::<Script>::new().get(c);
    if script == Script::Han || matches!(c, '\u{3041}'..='\u{30FF}' | '\u{31C0}'..='\u{31FF}') {
        return (!punctuation).then_some(Side::Ideograph);
    }
    let letter =
        category == GeneralCategory::DecimalNumber || [Group::Letter, Group::Mark].iter().any(|group| group.contains(category));
    (letter && !is_east_asian(c)).then_some(Side::Other)
}

/// Whether there is an ideograph on one side and a letter or digit of another script on the other.
pub(in crate::text) fn differ(before: &str, after: &str) -> bool {
    let last = before.chars().rev().find(|c| !is_ignorable(*c));
    let first = after.chars().find(|c| !is_ignorable(*c));
    // Quick for nearly all pairs: neighbours are of one kind.
    match (last, first) {
        (Some(last), Some(first)) if !(last.is_ascii() && first.is_ascii()) => match (side(last), side(first)) {
            (Some(last), Some(first)) => last != first,
            _ => false,
        },
        _ => false,
    }
}

/// An opening bracket or quotation mark, which may stand before the first line.
pub(in crate::text) fn hangs_first(c: char, how: HangingPunctuation) -> bool {
    use GeneralCategory::{FinalPunctuation, InitialPunctuation, OpenPunctuation};
    how.first
        && (matches!(c, '"' | '\'') || matches!(general_category(c), OpenPunctuation | InitialPunctuation | FinalPunctuation))
}

/// A closing bracket or quotation mark, which may stand after the last line.
pub(in crate::text) fn hangs_last(c: char, how: HangingPunctuation) -> bool {
    use GeneralCategory::{ClosePunctuation, FinalPunctuation, InitialPunctuation};
    how.last
        && (matches!(c, '"' | '\'') || matches!(general_category(c), ClosePunctuation | InitialPunctuation | FinalPunctuation))
}

/// A stop or comma, which may stand after any line: CSS's list.
pub(in crate::text) fn is_stop(c: char) -> bool {
    matches!(c, ',' | '.' | '\u{60C}' | '\u{6D4}' | '、' | '。' | '，' | '．' | '﹐' | '﹑' | '﹒' | '｡' | '､')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_of_different_scripts_want_room() {
        for (before, after) in [("中", "a"), ("a", "中"), ("5", "月"), ("カ", "x"), ("字", "é"), ("的", "α"), ("e\u{301}", "字")]
        {
            assert!(differ(before, after), "{before}{after}");
        }
        for (before, after) in
            [("中", "文"), ("a", "b"), ("中", "，"), ("中", "("), ("中", "Ａ"), ("한", "a"), ("中", " "), ("%", "中")]
        {
            assert!(!differ(before, after), "{before}{after}");
        }
    }

    #[test]
    fn punctuation_hangs_as_css_lists_it() {
        let all = HangingPunctuation { first: true, last: true, ..HangingPunctuation::default() };
        assert!("「（“\"(".chars().all(|c| hangs_first(c, all)) && !"」。a".chars().any(|c| hangs_first(c, all)));
        assert!("」）”\")".chars().all(|c| hangs_last(c, all)) && !"「。a".chars().any(|c| hangs_last(c, all)));
        assert!(!hangs_first('「', HangingPunctuation::default()));
        assert!("。，.".chars().all(is_stop) && !"！」:".chars().any(is_stop));
    }
}
