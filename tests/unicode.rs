//! Unicode's own test files, through the text stage's public functions: line breaks (UAX 14), grapheme clusters (UAX 29),
//! bidirectional levels and order (UAX 9), emoji sequences (UTS 51). `tests/unicode/README.md` tells where the data comes from.
//!
//! `cargo test --release --test unicode -- --nocapture` prints versions and pass counts.
// A test may panic: that is how it fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

mod support;

use std::collections::BTreeMap;
use std::io::Read as _;
use std::num::NonZeroUsize;

use affiche::ctx::{Budget, Ctx, Simd};
use affiche::memo::Memo;
use affiche::text::bidi::{levels, reset_spaces, visual_order};
use affiche::text::breaks::{BreakOptions, graphemes, uax14};
use affiche::text::{Direction, Fonts, LineBreak, Paragraph, Span, Style, compose};
use icu_properties::CodePointMapData;
use icu_properties::props::LineBreak as Class;
use support::root;

/// A file's version and its lines.
fn data(name: &str) -> (String, Vec<String>) {
    let path = root().join("tests/unicode").join(format!("{name}.gz"));
    let mut text = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    let mut lines = text.lines().map(str::to_owned);
    (lines.next().unwrap(), lines.collect())
}

fn character(hex: &str) -> char {
    char::from_u32(u32::from_str_radix(hex, 16).unwrap()).unwrap()
}

/// `/0061_0308/`: the text, and where it may be broken, without its start and end.
fn breaks(line: &str) -> (String, Vec<usize>) {
    let (mut text, mut cuts) = (String::new(), Vec::new());
    for part in line.split_inclusive(['/', '_']) {
        let (hex, mark) = part.split_at(part.len() - 1);
        if !hex.is_empty() {
            text.push(character(hex));
        }
        if mark == "/" {
            cuts.push(text.len());
        }
    }
    cuts.retain(|cut| *cut > 0 && *cut < text.len());
    (text, cuts)
}

/// Lines as written by `front_coded` of the script.
fn decoded(line: &str, before: &str) -> String {
    let shared = usize::from(line.as_bytes()[0] - b'0');
    format!("{}{}", &before[..shared], &line[1..])
}

/// Why icu's line breaks differ from the file's: in its stable form it has the rules of Unicode 15.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reason {
    /// LB1 for scripts of South East Asia: a dictionary decides, where the file takes them for plain letters.
    Dictionary,
    /// Classes of Unicode 15.1 that became other ones or came with LB28a (aksaras and viramas).
    NewClass,
    /// U+1F8FF and U+16FE4: their class changed after 15.1.
    NewCharacter,
    /// LB15 and LB19a of Unicode 16: quotation marks beside East Asian characters and spaces. `breaks::opportunities` mends the
    /// East Asian ones.
    Quotation,
    /// LB25 of Unicode 16: numbers with brackets and signs. `breaks::opportunities` mends those beside brackets.
    Number,
    /// LB12a: a no-break space after a tab or U+3000.
    Glue,
    /// LB20a and LB21a of Unicode 16: a hyphen that begins a word, and one after Hebrew.
    Hyphen,
    /// U+205F before `|`.
    MathSpace,
}

/// How many lines fail for each reason: a number that goes down is changed here, one that goes up is a fault.
const KNOWN: [(Reason, usize); 8] = [
    (Reason::Dictionary, 154),
    (Reason::NewClass, 14),
    (Reason::NewCharacter, 53),
    (Reason::Quotation, 6),
    (Reason::Number, 63),
    (Reason::Glue, 4),
    (Reason::Hyphen, 35),
    (Reason::MathSpace, 1),
];

fn reason(text: &str) -> Reason {
    let classes = CodePointMapData::<Class>::new();
    let has = |wanted: &[Class]| text.chars().any(|c| wanted.contains(&classes.get(c)));
    if has(&[Class::ComplexContext]) {
        Reason::Dictionary
    } else if has(&[Class::Aksara, Class::AksaraPrebase, Class::AksaraStart, Class::Virama, Class::ViramaFinal]) {
        Reason::NewClass
    } else if has(&[Class::Quotation]) {
        Reason::Quotation
    } else if has(&[Class::Numeric, Class::PrefixNumeric, Class::PostfixNumeric, Class::InfixNumeric]) {
        Reason::Number
    } else if text.contains(['\u{1F8FF}', '\u{16FE4}']) {
        Reason::NewCharacter
    } else if text.contains('\u{A0}') {
        Reason::Glue
    } else if text.contains(['-', '\u{AD}', '\u{2010}', '\u{5BE}']) {
        Reason::Hyphen
    } else {
        Reason::MathSpace
    }
}

#[test]
fn line_breaks() {
    let (version, lines) = data("LineBreakTest");
    let options = BreakOptions { line_break: LineBreak::Strict, ..BreakOptions::default() };
    let mut failures: BTreeMap<Reason, Vec<&str>> = BTreeMap::new();
    for line in &lines {
        let (text, expected) = breaks(line);
        if uax14(&text, options) != expected {
            failures.entry(reason(&text)).or_default().push(line);
        }
    }
    let failed: usize = failures.values().map(Vec::len).sum();
    println!("{version}: {} of {} pass", lines.len() - failed, lines.len());
    for (reason, of) in &failures {
        println!("  {reason:?}: {}, as {}", of.len(), of[0]);
    }
    assert_eq!((version.as_str(), lines.len()), ("LineBreakTest.txt 18.0.0", 19_346));
    let counted: BTreeMap<Reason, usize> = failures.iter().map(|(reason, of)| (*reason, of.len())).collect();
    assert_eq!(counted, BTreeMap::from(KNOWN));
}

/// GB9c as it stands since Unicode 16: conjuncts that begin with their linker, and scripts that joined the rule later.
const CONJUNCTS: [&str; 10] = [
    "/094D_0915/",
    "/094D_0308_0915/",
    "/1CF5_0915/",
    "/1CF5_0308_0915/",
    "/0061_094D_0924/",
    "/003F_094D_0924/",
    "/1B05_1B44_1B33_1B03/",
    "/1CF5_0995/",
    "/1CF6_09AA/",
    "/11A3A_11A0B/",
];

#[test]
fn grapheme_clusters() {
    let (version, lines) = data("GraphemeBreakTest");
    let mut failures = Vec::new();
    for line in &lines {
        let (text, mut expected) = breaks(line);
        expected.push(text.len());
        if graphemes(&text) != expected {
            failures.push(line.as_str());
        }
    }
    println!("{version}: {} of {} pass", lines.len() - failures.len(), lines.len());
    assert_eq!((version.as_str(), lines.len()), ("GraphemeBreakTest.txt 18.0.0", 853));
    assert_eq!(failures, CONJUNCTS);
}

/// One character of each class, in the order of the script's `CLASSES`.
const OF_CLASS: [char; 23] = [
    'a', 'א', 'ا', '1', '+', '#', '٠', ',', '\u{300}', '\u{AD}', '\u{2029}', '\t', ' ', '!', '\u{202A}', '\u{202D}', '\u{202B}',
    '\u{202E}', '\u{202C}', '\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}',
];

/// The paragraph's level and those of its characters; `wanted` is 0 left, 1 right, 2 auto.
fn bidi(text: &str, wanted: u8) -> (u8, Vec<u8>) {
    let direction = [Direction::Ltr, Direction::Rtl, Direction::Auto][usize::from(wanted)];
    let mut found = levels(text, direction);
    reset_spaces(text, 0..text.len(), &mut found);
    let each: Vec<u8> = text.char_indices().map(|(at, _)| found.at(at)).collect();
    (found.paragraph, each)
}

/// The file's levels with `x` as 255.
fn file_levels<'a>(parts: impl Iterator<Item = &'a str>) -> Vec<u8> {
    parts.map(|level| if level == "x" { u8::MAX } else { level.parse().unwrap() }).collect()
}

/// Whether levels and order are the file's; places whose level is `x` are left out of both.
fn agrees(found: &[u8], expected: &[u8], order: &[usize]) -> bool {
    let kept: Vec<usize> = (0..expected.len()).filter(|at| expected[*at] != u8::MAX).collect();
    let own: Vec<u8> = kept.iter().map(|at| found[*at]).collect();
    let visual: Vec<usize> = visual_order(&own).into_iter().map(|place| kept[place]).collect();
    found.len() == expected.len() && kept.iter().all(|at| found[*at] == expected[*at]) && visual == order
}

fn numbers(text: &str, by: char) -> Vec<usize> {
    text.split(by).filter(|n| !n.is_empty()).map(|n| n.parse().unwrap()).collect()
}

#[test]
fn bidi_classes() {
    let (version, lines) = data("BidiTest");
    let (mut expected, mut order, mut before) = (Vec::new(), Vec::new(), String::new());
    let (mut cases, mut failures) = (0, Vec::new());
    for line in &lines {
        if let Some(levels) = line.strip_prefix('=') {
            expected = file_levels(levels.split_whitespace());
            before.clear();
        } else if let Some(places) = line.strip_prefix('@') {
            order = numbers(places, ' ');
        } else {
            before = decoded(line, &before);
            let (classes, directions) = before.split_at(before.len() - 1);
            let text: String = classes.bytes().map(|b| OF_CLASS[usize::from(b - b'a')]).collect();
            let directions: u8 = directions.parse().unwrap();
            for (bit, wanted) in [(1, 2), (2, 0), (4, 1)] {
                if directions & bit != 0 {
                    cases += 1;
                    let (_, found) = bidi(&text, wanted);
                    if !agrees(&found, &expected, &order) {
                        failures.push(format!("{text:?} {wanted}: {found:?} not {expected:?}"));
                    }
                }
            }
        }
    }
    println!("{version}: {} of {cases} pass", cases - failures.len());
    assert_eq!((version.as_str(), cases), ("BidiTest.txt 15.0.0", 770_241));
    assert!(failures.is_empty(), "{:#?}", &failures[..failures.len().min(30)]);
}

#[test]
fn bidi_characters() {
    let (version, lines) = data("BidiCharacterTest");
    let (mut wanted, mut paragraph, mut expected, mut order) = (0, 0, Vec::new(), Vec::new());
    let (mut before, mut cases, mut failures) = (String::new(), 0, Vec::new());
    for line in &lines {
        if let Some(result) = line.strip_prefix('=') {
            let parts: Vec<&str> = result.split(';').collect();
            (wanted, paragraph) = (parts[0].parse().unwrap(), parts[1].parse().unwrap());
            expected = file_levels(parts[2].split(' '));
            order = numbers(parts[3], ' ');
            before.clear();
        } else {
            before = decoded(line, &before);
            let text: String = before.split(' ').map(character).collect();
            cases += 1;
            let (level, found) = bidi(&text, wanted);
            if level != paragraph || !agrees(&found, &expected, &order) {
                failures.push(format!("{before} {wanted}: {level} {found:?} not {expected:?}"));
            }
        }
    }
    println!("{version}: {} of {cases} pass", cases - failures.len());
    assert_eq!((version.as_str(), cases), ("BidiCharacterTest.txt 15.0.0", 91_707));
    assert!(failures.is_empty(), "{:#?}", &failures[..failures.len().min(30)]);
}

#[test]
fn emoji_sequences() {
    let (version, lines) = data("emoji-test");
    let fonts = Fonts::bundled();
    let memo = Memo::off();
    let budget = Budget::new(0);
    let ctx = Ctx { cancelled: &|| false, budget: &budget, threads: NonZeroUsize::MIN, simd: Simd::Off };
    let mut failures = Vec::new();
    for line in &lines {
        let text: String = line.split(',').map(character).collect();
        let spans = vec![Span { text: text.clone(), style: Style::default(), ruby: None }];
        let composed = compose(&fonts, &Paragraph { spans, ..Paragraph::default() }, None, &memo, &ctx).unwrap();
        let runs = &composed.lines[0].runs;
        let one = runs.len() == 1 && runs[0].glyphs.len() == 1 && runs[0].color && runs[0].glyphs[0].id != 0;
        if graphemes(&text) != [text.len()] || !one || !composed.missing.is_empty() {
            failures.push(line.clone());
        }
    }
    println!("{version}: {} of {} pass", lines.len() - failures.len(), lines.len());
    assert_eq!((version.as_str(), lines.len()), ("emoji-test.txt 15.0", 3_655));
    assert!(failures.is_empty(), "{failures:?}");
}
