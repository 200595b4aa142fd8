//! What the text stage asks Unicode about single characters.

use icu_properties::props::{
    DefaultIgnorableCodePoint, EastAsianWidth, Emoji, EmojiPresentation, ExtendedPictographic, GeneralCategory,
    GeneralCategoryGroup as Group, Script,
};
use icu_properties::{CodePointMapData, CodePointSetData};

pub(in crate::text) const VS15: char = '\u{FE0E}';
pub(in crate::text) const VS16: char = '\u{FE0F}';
const KEYCAP: char = '\u{20E3}';

/// Controls draw nothing and take no room, as in browsers; a tab is a space to the shaper, its width is given later.
pub(in crate::text) fn drawn_as(c: char) -> char {
    match c {
        '\t' => ' ',
        '\u{0}'..='\u{1F}' | '\u{7F}'..='\u{9F}' | '\u{2028}' | '\u{2029}' => '\u{200B}',
        _ => c,
    }
}

/// No face needs a glyph for it: controls, joiners, selectors, directional marks.
pub(in crate::text) fn is_ignorable(c: char) -> bool {
    // Most of what is asked about: Latin, Han, kana's and Hangul's syllables hold none.
    if matches!(c, ' '..='~' | '\u{A0}'..='\u{AC}' | '\u{3000}'..='\u{3130}' | '\u{3190}'..='\u{D7FF}') {
        return false;
    }
    drawn_as(c) != c && c != '\t' || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
}

/// A character after which a line ends whatever the measure (UAX 14 classes BK, CR, LF, NL).
pub(in crate::text) fn ends_line(c: char) -> bool {
    matches!(c, '\n' | '\u{B}' | '\u{C}' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// What parts words and can be spaced (CSS Text, word-separator characters).
pub(in crate::text) fn is_word_separator(c: char) -> bool {
    matches!(c, ' ' | '\u{A0}' | '\u{1361}' | '\u{10100}' | '\u{10101}' | '\u{1039F}' | '\u{1091F}')
}

/// White space that hangs at a line's end: all separators but the no-break ones.
pub(in crate::text) fn hangs(c: char) -> bool {
    match c {
        ' ' | '\t' => true,
        '\u{A0}' | '\u{202F}' => false,
        _ if !('\u{1680}'..='\u{3000}').contains(&c) => false,
        _ => general_category(c) == GeneralCategory::SpaceSeparator,
    }
}

pub(in crate::text) fn general_category(c: char) -> GeneralCategory {
    CodePointMapData::<GeneralCategory>::new().get(c)
}

/// A letter, mark or digit: what words are made of.
pub(in crate::text) fn is_of_word(c: char) -> bool {
    let category = general_category(c);
    [Group::Letter, Group::Mark, Group::Number].iter().any(|group| group.contains(category))
}

/// An opening bracket or quotation mark, as its general category says.
pub(in crate::text) fn opens(c: char) -> bool {
    matches!(general_category(c), GeneralCategory::OpenPunctuation | GeneralCategory::InitialPunctuation)
}

/// Full, half or wide: what UAX 14 calls East Asian.
pub(in crate::text) fn is_east_asian(c: char) -> bool {
    matches!(
        CodePointMapData::<EastAsianWidth>::new().get(c),
        EastAsianWidth::Fullwidth | EastAsianWidth::Halfwidth | EastAsianWidth::Wide
    )
}

/// An underline does not leave it out: ideographs, kana and Hangul stand on the line, and blanks and controls have no ink (CSS
/// text-decoration-skip-ink).
pub fn is_unskipped(c: char) -> bool {
    is_east_asian(c) || c.is_whitespace() || is_ignorable(c)
}

/// It takes a mark of emphasis: a letter, digit or sign, no blank and no punctuation (CSS text-emphasis-skip).
pub fn is_emphasized(c: char) -> bool {
    let category = general_category(c);
    let blank = category == GeneralCategory::Control || Group::Separator.contains(category);
    !is_ignorable(c) && !blank && !Group::Punctuation.contains(category)
}

/// Scripts whose letters join; nothing may be put between them.
pub(in crate::text) fn is_cursive(script: Script) -> bool {
    matches!(
        script,
        Script::Arabic
            | Script::Syriac
            | Script::Mongolian
            | Script::Nko
            | Script::Mandaic
            | Script::PhagsPa
            | Script::HanifiRohingya
            | Script::Adlam
            | Script::Manichaean
            | Script::PsalterPahlavi
            | Script::Sogdian
    )
}

/// Where justified text may stretch although there is no space: Han, kana and their punctuation.
pub(in crate::text) fn stretches(c: char) -> bool {
    matches!(u32::from(c),
        0x2E80..=0x312F | 0x3190..=0x9FFF | 0xF900..=0xFAFF | 0xFE30..=0xFE4F | 0xFF00..=0xFF9F | 0xFFE0..=0xFFE6
        | 0x16FE0..=0x18DFF | 0x1AFF0..=0x1B2FF | 0x20000..=0x3FFFF)
}

/// How a cluster wants to be drawn, by its own characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::text) enum Presentation {
    /// Nothing of it is an emoji.
    Plain,
    /// An emoji that is text unless VS16 follows, or with VS15: black and white faces first.
    Text,
    /// Colour first.
    Emoji,
}

/// UTS 51: the selector decides, then Emoji_Presentation, then what follows (a skin tone, a keycap, a joined emoji, a flag's
/// second letter).
pub(in crate::text) fn presentation(cluster: &str) -> Presentation {
    let mut chars = cluster.chars();
    let Some(first) = chars.next() else { return Presentation::Plain };
    let second = chars.next();
    if second.is_none() && first.is_ascii() {
        return Presentation::Plain;
    }
    if !CodePointSetData::new::<Emoji>().contains(first) && !CodePointSetData::new::<ExtendedPictographic>().contains(first) {
        return Presentation::Plain;
    }
    match second {
        Some(VS15) => return Presentation::Text,
        Some(VS16) | Some('\u{1F3FB}'..='\u{1F3FF}') => return Presentation::Emoji,
        Some('\u{200D}') if cluster.chars().nth(2).is_some() => return Presentation::Emoji,
        Some(KEYCAP) => return Presentation::Text,
        _ => {}
    }
    if is_regional(first) {
        return if second.is_some_and(is_regional) { Presentation::Emoji } else { Presentation::Text };
    }
    if first.is_ascii() {
        return Presentation::Plain;
    }
    if CodePointSetData::new::<EmojiPresentation>().contains(first) { Presentation::Emoji } else { Presentation::Text }
}

fn is_regional(c: char) -> bool {
    matches!(c, '\u{1F1E6}'..='\u{1F1FF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presentation_follows_selector_then_property() {
        let cases = [
            ("a", Presentation::Plain),
            ("1", Presentation::Plain),
            ("中", Presentation::Plain),
            ("1\u{FE0F}\u{20E3}", Presentation::Emoji),
            ("#\u{20E3}", Presentation::Text),
            ("☺", Presentation::Text),
            ("☺\u{FE0F}", Presentation::Emoji),
            ("😀", Presentation::Emoji),
            ("😀\u{FE0E}", Presentation::Text),
            ("🇨🇳", Presentation::Emoji),
            ("☝🏽", Presentation::Emoji),
            ("🏳\u{200D}🌈", Presentation::Emoji),
            ("©", Presentation::Text),
        ];
        for (cluster, expected) in cases {
            assert_eq!(presentation(cluster), expected, "{cluster:?}");
        }
    }

    #[test]
    fn what_is_quickly_told_is_told_right() {
        let slow = |c: char| drawn_as(c) != c && c != '\t' || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c);
        assert!(('\0'..=char::MAX).all(|c| is_ignorable(c) == slow(c)));
    }

    #[test]
    fn no_break_spaces_do_not_hang() {
        assert!(hangs(' ') && hangs('\t') && hangs('\u{3000}') && hangs('\u{2003}'));
        assert!(!hangs('\u{A0}') && !hangs('\u{202F}') && !hangs('\u{200B}') && !hangs('a'));
    }
}
