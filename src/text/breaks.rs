//! Where a line may end: UAX 14 with CSS options through icu, dictionaries for Thai, Khmer, Lao and Burmese, and corrections:
//! two for Chinese and Japanese that icu does not have yet, and what browsers do with ASCII.

use std::panic::{AssertUnwindSafe, catch_unwind};

use icu_properties::CodePointMapData;
use icu_properties::props::{GeneralCategory, LineBreak as Class};
use icu_segmenter::options::{LineBreakOptions, LineBreakStrictness, LineBreakWordOption};
use icu_segmenter::{GraphemeClusterSegmenter, LineSegmenter};

use crate::ctx::Stopped;
use crate::text::unicode::{general_category, is_east_asian};
use crate::text::{LineBreak, WordBreak, is_language};

/// Opportunities between two looks at whether the work is still wanted: a millisecond.
const CHECK_EVERY: usize = 4_096;

/// How lines may be broken.
#[derive(Clone, Copy, Debug, Default)]
pub struct BreakOptions<'a> {
    pub word_break: WordBreak,
    pub line_break: LineBreak,
    /// BCP 47; Chinese and Japanese have more opportunities when not `Strict`.
    pub lang: Option<&'a str>,
}

/// The byte offsets before which a line may be broken, rising, without 0 and the end: UAX 14 with the corrections above. `check`
/// says whether the work is still wanted.
pub fn opportunities(
    text: &str,
    options: BreakOptions<'_>,
    check: &dyn Fn() -> Result<(), Stopped>,
) -> Result<Vec<usize>, Stopped> {
    // In Chinese the double quotation marks are brackets; other languages open and close with either.
    let bracketed = options.lang.is_some_and(|lang| is_language(lang, "zh"));
    let replaced;
    let text = if bracketed && text.contains(['“', '”']) {
        // Brackets of as many bytes that are not East Asian themselves: no line ends between a letter and one.
        replaced = text.replace('“', "\u{2045}").replace('”', "\u{2046}");
        replaced.as_str()
    } else {
        text
    };
    // Whatever the segmenter says of such a text, corrections decide.
    let decided = options.word_break != WordBreak::BreakAll && is_plain(text);
    let found = if decided { Vec::new() } else { guarded(text, options, check)? };
    check()?;
    Ok(corrected(text, options.word_break, found))
}

/// Visible ASCII characters and spaces only, of which every pair has a rule of ours.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|b| b == b' ' || b.is_ascii_graphic())
}

/// What was found by UAX 14, corrected.
fn corrected(text: &str, word_break: WordBreak, found: Vec<usize>) -> Vec<usize> {
    let ascii = text.bytes().any(|b| b.is_ascii_punctuation() || b == b' ' || b == b'\t');
    let wide = !text.is_ascii();
    if !ascii && !wide {
        return found;
    }
    let mut may = vec![false; text.len()];
    for at in found {
        if let Some(may) = may.get_mut(at) {
            *may = true;
        }
    }
    if ascii {
        if word_break != WordBreak::BreakAll {
            correct_ascii(text, &mut may);
        }
        after_spaces(text, &mut may);
    }
    if wide {
        correct_wide(text, &mut may);
    }
    may.iter().enumerate().filter(|(_, may)| **may).map(|(at, _)| at).collect()
}

/// The same by UAX 14 alone, with the options CSS has for it. Mandatory breaks are among them.
pub fn uax14(text: &str, options: BreakOptions<'_>) -> Vec<usize> {
    guarded(text, options, &|| Ok(())).unwrap_or_default()
}

fn guarded(text: &str, options: BreakOptions<'_>, check: &dyn Fn() -> Result<(), Stopped>) -> Result<Vec<usize>, Stopped> {
    // After a panic in foreign code, spaces are left.
    catch_unwind(AssertUnwindSafe(|| segment(text, options, check))).unwrap_or_else(|_| {
        let spaces = text.char_indices().filter(|(_, c)| *c == ' ').map(|(at, _)| at + 1);
        Ok(spaces.filter(|at| *at < text.len()).collect())
    })
}

fn segment(text: &str, options: BreakOptions<'_>, check: &dyn Fn() -> Result<(), Stopped>) -> Result<Vec<usize>, Stopped> {
    let locale = options.lang.and_then(|lang| lang.parse().ok());
    let mut icu = LineBreakOptions::default();
    icu.strictness = Some(match options.line_break {
        LineBreak::Loose => LineBreakStrictness::Loose,
        LineBreak::Normal => LineBreakStrictness::Normal,
        LineBreak::Strict => LineBreakStrictness::Strict,
    });
    icu.word_option = Some(match options.word_break {
        WordBreak::Normal => LineBreakWordOption::Normal,
        WordBreak::KeepAll => LineBreakWordOption::KeepAll,
        WordBreak::BreakAll => LineBreakWordOption::BreakAll,
    });
    icu.content_locale = locale.as_ref();
    // Finding the dictionaries takes longer than most texts.
    let segmenter =
        if needs_dictionary(text) { LineSegmenter::new_dictionary(icu) } else { LineSegmenter::new_for_non_complex_scripts(icu) };
    let mut found = Vec::new();
    for (n, at) in segmenter.segment_str(text).enumerate() {
        if n % CHECK_EVERY == 0 {
            check()?;
        }
        if at > 0 && at < text.len() {
            found.push(at);
        }
    }
    Ok(found)
}

/// There may be letters of the scripts of South East Asia, which write no spaces.
fn needs_dictionary(text: &str) -> bool {
    text.chars().any(|c| c >= '\u{E00}' && !matches!(c, '\u{2000}'..='\u{A000}' | '\u{AC00}'..='\u{FFFF}'))
}

/// Between two visible ASCII characters browsers follow a rule of their own, which keeps paths, fractions and the like
/// whole: only a hyphen, a question mark and an opening bracket give an opportunity. (Found by asking Chromium 156 about
/// every pair.)
fn correct_ascii(text: &str, may: &mut [bool]) {
    let bytes = text.as_bytes();
    let mut before = b' ';
    for (at, pair) in bytes.windows(2).enumerate() {
        let [a, b] = *pair else { continue };
        if a.is_ascii_graphic()
            && b.is_ascii_graphic()
            && let Some(may) = may.get_mut(at + 1)
        {
            *may = ascii_pair(before, a, b);
        }
        before = a;
    }
}

/// After spaces a line may always end, whatever follows; UAX 14 would keep `？` with the word before.
fn after_spaces(text: &str, may: &mut [bool]) {
    for (at, pair) in text.as_bytes().windows(2).enumerate() {
        if let [b' ' | b'\t', next] = pair
            && !matches!(next, b' ' | b'\t')
            && let Some(may) = may.get_mut(at + 1)
        {
            *may = true;
        }
    }
}

/// Whether a line may end between `a` and `b`, which follow `before`.
fn ascii_pair(before: u8, a: u8, b: u8) -> bool {
    match (a, b) {
        // A minus sign stays with its number.
        (b'-', b'0'..=b'9') => before.is_ascii_alphanumeric(),
        (b'-', _) => !b"!$),./:;?]}".contains(&b),
        (b'?', _) => !b"!\"'),./:;?]}".contains(&b),
        (_, b'(' | b'<' | b'[' | b'{') => !a.is_ascii_alphanumeric() && !b"$'(/<@[^_`{".contains(&a),
        _ => false,
    }
}

/// Three gaps of icu 2.4: a quotation mark between wide characters glues both (icu4x#5595; Unicode 16 says otherwise in
/// LB19a), a middle dot may start a line (icu4x#7500; CLReq forbids it), and units and currency signs glue brackets although no
/// number is near (Unicode 16, LB25).
fn correct_wide(text: &str, may: &mut [bool]) {
    let mut set = |at: usize, value: bool| {
        if let Some(may) = may.get_mut(at) {
            *may = value;
        }
    };
    // Of those before it each with its class.
    let (mut before_that, mut before): (Option<(char, Class)>, Option<(char, Class)>) = (None, None);
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let after = chars.peek().map(|(_, c)| *c);
        let of_c = class(c);
        match c {
            '\u{B7}' if before.is_some_and(|(before, _)| is_east_asian(before)) => set(at, false),
            '\u{2018}' | '\u{201C}' | '\u{2019}' | '\u{201D}' => {
                if let (Some((before, of_before)), Some(after)) = (before, after)
                    && is_east_asian(before)
                    && is_east_asian(after)
                {
                    if general_category(c) == GeneralCategory::InitialPunctuation && !holds_next(of_before) {
                        set(at, true);
                    } else if general_category(c) == GeneralCategory::FinalPunctuation && !holds_to_previous(class(after)) {
                        set(at + c.len_utf8(), true);
                    }
                }
            }
            _ => {
                let of_ascii = c.is_ascii() && before.is_some_and(|(b, _)| b.is_ascii());
                if of_c == Class::OpenPunctuation
                    && !of_ascii
                    && before.is_some_and(|(_, class)| is_unit(class))
                    && after.is_none_or(|after| class(after) != Class::Numeric)
                {
                    set(at, true);
                }
                let closed = before.is_some_and(|(b, class)| !b.is_ascii() && CLOSING.contains(&class));
                if closed && is_unit(of_c) && before_that.is_none_or(|(_, class)| class != Class::Numeric) {
                    set(at, true);
                }
            }
        }
        before_that = before;
        before = Some((c, of_c));
    }
}

const CLOSING: [Class; 2] = [Class::ClosePunctuation, Class::CloseParenthesis];

/// A sign before or after numbers.
fn is_unit(class: Class) -> bool {
    [Class::PostfixNumeric, Class::PrefixNumeric].contains(&class)
}

fn class(c: char) -> Class {
    // Most of what is asked about.
    if matches!(c, '\u{4E00}'..='\u{9FFF}') { Class::Ideographic } else { CodePointMapData::<Class>::new().get(c) }
}

/// No line ends after it.
fn holds_next(class: Class) -> bool {
    [Class::OpenPunctuation, Class::Quotation, Class::Glue, Class::WordJoiner, Class::ZWJ, Class::BreakBefore].contains(&class)
}

/// No line starts with it.
fn holds_to_previous(class: Class) -> bool {
    [
        Class::ClosePunctuation,
        Class::CloseParenthesis,
        Class::Exclamation,
        Class::BreakSymbols,
        Class::InfixNumeric,
        Class::Nonstarter,
        Class::ConditionalJapaneseStarter,
        Class::Quotation,
        Class::Glue,
        Class::WordJoiner,
        Class::Space,
        Class::ZWSpace,
        Class::CombiningMark,
        Class::ZWJ,
        Class::BreakAfter,
        Class::Hyphen,
        Class::Inseparable,
        Class::PostfixNumeric,
    ]
    .contains(&class)
}

/// A grapheme cluster of more characters than this is cut: no script needs it, and one piece of a million marks would be
/// shaped in quadratic time.
const MAX_CLUSTER_CHARS: usize = 128;

/// The byte offsets where grapheme clusters end, rising; the last is the text's length.
pub fn graphemes(text: &str) -> Vec<usize> {
    // Only a carriage return joins what follows it.
    if text.is_ascii() && !text.contains('\r') {
        return (1..=text.len()).collect();
    }
    let ends = catch_unwind(|| GraphemeClusterSegmenter::new().segment_str(text).filter(|at| *at > 0).collect::<Vec<usize>>());
    let ends = ends.unwrap_or_else(|_| text.char_indices().map(|(at, c)| at + c.len_utf8()).collect());
    let mut cut = Vec::with_capacity(ends.len());
    let mut start = 0;
    for end in ends {
        if end - start > MAX_CLUSTER_CHARS {
            let cluster = text.get(start..end).unwrap_or("");
            let inner = cluster.char_indices().skip(MAX_CLUSTER_CHARS).step_by(MAX_CLUSTER_CHARS);
            cut.extend(inner.map(|(at, _)| start + at));
        }
        cut.push(end);
        start = end;
    }
    cut
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pieces(text: &str, options: BreakOptions<'_>) -> Vec<String> {
        let mut cuts = opportunities(text, options, &|| Ok(())).unwrap();
        cuts.push(text.len());
        let mut start = 0;
        cuts.iter()
            .map(|end| {
                let piece = text[start..*end].to_owned();
                start = *end;
                piece
            })
            .collect()
    }

    fn normal(text: &str) -> String {
        pieces(text, BreakOptions::default()).join("|")
    }

    #[test]
    fn scripts_break_as_their_readers_expect() {
        let cases = [
            ("How we render", "How |we |render"),
            ("30-day returns", "30-|day |returns"),
            ("云南，小粒。", "云|南，|小|粒。"),
            ("（云南）", "（云|南）"),
            ("价格¥100元", "价|格|¥100|元"),
            ("こんにちは", "こ|ん|に|ち|は"),
            ("สวัสดีครับผม", "สวัสดี|ครับ|ผม"),
            ("한국어 문장", "한|국|어 |문|장"),
            ("a\u{A0}b c", "a\u{A0}b |c"),
            ("👨‍👩‍👧‍👦👍🏽🇨🇳", "👨‍👩‍👧‍👦|👍🏽|🇨🇳"),
        ];
        for (text, expected) in cases {
            assert_eq!(normal(text), expected);
        }
        for complex in ["ភាសាខ្មែរជាភាសា", "ພາສາລາວເປັນພາສາ", "ကျွန်တော်မြန်မာစာလေ့လာနေပါတယ်"]
        {
            assert!(opportunities(complex, BreakOptions::default(), &|| Ok(())).unwrap().len() >= 2, "{complex}");
        }
    }

    proptest! {
        #[test]
        fn plain_text_breaks_as_by_the_segmenter(text in "[ -~]{0,24}|[ a1(?-]{0,16}", keep in any::<bool>(), strict in any::<bool>()) {
            let word_break = if keep { WordBreak::KeepAll } else { WordBreak::Normal };
            let line_break = if strict { LineBreak::Strict } else { LineBreak::Loose };
            for lang in [None, Some("ja"), Some("zh-CN"), Some("en")] {
                let options = BreakOptions { word_break, line_break, lang };
                let segmented = corrected(&text, word_break, uax14(&text, options));
                prop_assert_eq!(opportunities(&text, options, &|| Ok(())).unwrap(), segmented);
            }
            let segmented: Vec<usize> = GraphemeClusterSegmenter::new().segment_str(&text).filter(|at| *at > 0).collect();
            prop_assert_eq!(graphemes(&text), segmented);
        }
    }

    #[test]
    fn every_letter_of_a_complex_script_needs_the_dictionaries() {
        let complex = |c: &char| class(*c) == Class::ComplexContext;
        assert!(('\0'..=char::MAX).filter(complex).all(|c| needs_dictionary(c.encode_utf8(&mut [0; 4]))));
    }

    #[test]
    fn quotes_between_wide_characters_let_lines_end() {
        assert_eq!(normal("他说“你好”然后走"), "他|说|“你|好”|然|后|走");
        assert_eq!(normal("他说“你好”，走"), "他|说|“你|好”，|走");
        assert_eq!(normal("（“你”）"), "（“你”）");
        assert_eq!(normal("say “hi” now"), "say |“hi” |now");
        // In Chinese, beside anything.
        let chinese = |text: &str| pieces(text, BreakOptions { lang: Some("zh-CN"), ..BreakOptions::default() }).join("|");
        assert_eq!(chinese("中…“x”℃“y”“z”"), "中…|“x”|℃|“y”|“z”");
        assert_eq!(chinese("小the“x”the"), "小|the“x”|the");
        assert_eq!(chinese("it’s"), "it’s");
    }

    #[test]
    fn a_unit_holds_a_bracket_only_with_a_number() {
        assert_eq!(normal("中％「中℃（中"), "中％|「中℃|（中");
        assert_eq!(normal("中％（5）"), "中％（5）");
        assert_eq!(normal("「引」¥100，％"), "「引」|¥100，％");
        assert_eq!(normal("（5）％"), "（5）％");
        assert_eq!(normal("℃{y}"), "℃|{y}");
    }

    #[test]
    fn ascii_breaks_as_in_browsers() {
        let cases = [
            ("https://a.com/b/c?d=e&f", "https://a.com/b/c?|d=e&f"),
            ("and/or 24/7", "and/or |24/7"),
            ("A-1 -5 1-2 well-known", "A-|1 |-5 |1-|2 |well-|known"),
            ("f(x) a.(b)", "f(x) |a.|(b)"),
            ("what?! no?\"", "what?! |no?\""),
            ("中 ？ ! b", "中 |？ |! |b"),
        ];
        for (text, expected) in cases {
            assert_eq!(normal(text), expected);
        }
        let plain: Vec<usize> = uax14("a/b", BreakOptions::default());
        assert_eq!(plain, [2]);
    }

    #[test]
    fn a_middle_dot_starts_no_line() {
        assert_eq!(normal("达·芬奇"), "达·|芬|奇");
        assert_eq!(normal("shipping · 30"), "shipping |· |30");
    }

    #[test]
    fn options_reach_the_segmenter() {
        let with =
            |text: &str, word_break, line_break, lang| pieces(text, BreakOptions { word_break, line_break, lang }).join("|");
        assert_eq!(with("한국어 문장", WordBreak::KeepAll, LineBreak::Normal, None), "한국어 |문장");
        assert_eq!(with("abc de", WordBreak::BreakAll, LineBreak::Normal, None), "a|b|c |d|e");
        assert_eq!(with("キャラ", WordBreak::Normal, LineBreak::Strict, Some("ja")), "キャ|ラ");
        assert_eq!(with("キャラ", WordBreak::Normal, LineBreak::Loose, Some("ja")), "キ|ャ|ラ");
        assert_eq!(with("ター", WordBreak::Normal, LineBreak::Strict, Some("not a tag!")), "ター");
    }

    #[test]
    fn graphemes_are_cut_when_absurd() {
        assert_eq!(graphemes("e\u{301}👨‍👩‍👧🇨🇳"), [3, 21, 29]);
        assert!(graphemes("").is_empty());
        let heap = format!("a{}", "\u{301}".repeat(1_000));
        let ends = graphemes(&heap);
        assert_eq!(ends.last(), Some(&heap.len()));
        assert!(ends.len() >= 1_000 / MAX_CLUSTER_CHARS && ends.iter().all(|end| heap.is_char_boundary(*end)));
    }
}
