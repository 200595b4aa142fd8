//! Full-width punctuation that gives up its blank half beside other punctuation and at line ends (CSS text-spacing-trim).
//! Which pairs close up was found by asking Chromium 156 about all of them.

use std::collections::BTreeMap;

use ab_glyph::OutlineCurve;

use crate::text::font::Candidate;
use crate::text::shape::{Flow, ShapedGlyph};
use crate::text::shaped::ShapedItem;

/// What a character is to its neighbours, by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Open,
    Close,
    /// Commas, stops and colons: ink on the left on the mainland and in Japan, in the middle elsewhere.
    Dot,
    /// Full-width in Chinese, narrow in Japanese and Western fonts.
    OpenQuote,
    CloseQuote,
    Middle,
    Space,
    NarrowOpen,
    NarrowClose,
}

/// What it is as drawn by its face.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::text) enum Trim {
    /// Its left half is blank.
    Open,
    /// Its right half is blank.
    Close,
    /// As `Close`, but it keeps its blank at a line's end.
    Dot,
    Middle,
    NarrowOpen,
    NarrowClose,
    NarrowOpenQuote,
    NarrowCloseQuote,
}

fn kind(c: char) -> Option<Kind> {
    Some(match c {
        '（' | '「' | '『' | '【' | '《' | '〈' | '〔' | '［' | '｛' | '｟' | '〖' | '〘' | '〚' | '〝' => {
            Kind::Open
        }
        '）' | '」' | '』' | '】' | '》' | '〉' | '〕' | '］' | '｝' | '｠' | '〗' | '〙' | '〛' | '〞' | '〟' => {
            Kind::Close
        }
        '、' | '。' | '，' | '．' | '：' | '；' => Kind::Dot,
        '“' | '‘' => Kind::OpenQuote,
        '”' | '’' => Kind::CloseQuote,
        '・' | '·' => Kind::Middle,
        '\u{3000}' => Kind::Space,
        '(' | '[' | '{' | '｢' => Kind::NarrowOpen,
        ')' | ']' | '}' | '｣' => Kind::NarrowClose,
        _ => return None,
    })
}

/// There may be something to trim.
pub(in crate::text) fn concerns(text: &str) -> bool {
    text.chars().any(|c| {
        c >= '\u{2018}' && matches!(kind(c), Some(Kind::Open | Kind::Close | Kind::Dot | Kind::OpenQuote | Kind::CloseQuote))
    })
}

/// Where the ink of signs lies, as found so far: by span, face and glyph. An outline takes microseconds to read.
#[derive(Default)]
pub(in crate::text) struct Inks(BTreeMap<(usize, Candidate, u16, bool), Ink>);

/// What the character at `at` is as its item draws it; `None` when it takes no part.
pub(in crate::text) fn trim(c: char, at: usize, item: &ShapedItem, inks: &mut Inks) -> Option<Trim> {
    let mut ink = |item: &ShapedItem, at: usize| ink(item, at, inks);
    Some(match kind(c)? {
        Kind::Open if ink(item, at) == Ink::Right => Trim::Open,
        Kind::Close if ink(item, at) == Ink::Left => Trim::Close,
        Kind::Dot => match ink(item, at) {
            Ink::Left => Trim::Dot,
            Ink::Middle => Trim::Middle,
            Ink::Right | Ink::Narrow => return None,
        },
        Kind::OpenQuote if ink(item, at) == Ink::Right => Trim::Open,
        Kind::CloseQuote if ink(item, at) == Ink::Left => Trim::Close,
        Kind::OpenQuote => Trim::NarrowOpenQuote,
        Kind::CloseQuote => Trim::NarrowCloseQuote,
        Kind::Middle | Kind::Space => Trim::Middle,
        Kind::NarrowOpen => Trim::NarrowOpen,
        Kind::NarrowClose => Trim::NarrowClose,
        Kind::Open | Kind::Close => return None,
    })
}

/// Which of two neighbours gives up half its width: the first, the second.
pub(in crate::text) fn closes_up(first: Trim, second: Trim) -> (bool, bool) {
    let first_yields = matches!(first, Trim::Close | Trim::Dot)
        && matches!(second, Trim::Close | Trim::Dot | Trim::Middle | Trim::NarrowClose | Trim::NarrowCloseQuote);
    let second_yields = second == Trim::Open && first != Trim::NarrowClose;
    (first_yields, second_yields)
}

/// Where in a full-width glyph its ink lies, along the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ink {
    Left,
    Middle,
    Right,
    /// It is not full-width.
    Narrow,
}

fn ink(item: &ShapedItem, at: usize, inks: &mut Inks) -> Ink {
    let [glyph] = crate::text::shaped::slice(item, &(at..at + 1)) else { return Ink::Narrow };
    *inks
        .0
        .entry((item.item.span, item.item.candidate, glyph.id, item.item.flow() == Flow::Down))
        .or_insert_with(|| ink_of(item, glyph))
}

fn ink_of(item: &ShapedItem, glyph: &ShapedGlyph) -> Ink {
    let em = item.face.units_per_em();
    if (f64::from(glyph.advance) - em).abs() > em / 50.0 {
        return Ink::Narrow;
    }
    // Along the line: to the right, or down from where its advance begins.
    let down = item.item.flow() == Flow::Down;
    let along = |p: ab_glyph::Point| if down { -f64::from(p.y) - f64::from(glyph.dy) } else { f64::from(p.x) };
    let (mut left, mut right) = (f64::MAX, f64::MIN);
    for curve in item.face.outline(glyph.id).unwrap_or_default() {
        let (a, b) = match curve {
            OutlineCurve::Line(a, b) => (a, b),
            OutlineCurve::Quad(a, _, b) => (a, b),
            OutlineCurve::Cubic(a, _, _, b) => (a, b),
        };
        left = left.min(along(a).min(along(b)));
        right = right.max(along(a).max(along(b)));
    }
    // Brackets reach a little over the middle in some faces.
    let middle = em / 2.0;
    let slack = em / 12.0;
    if left > right {
        Ink::Narrow
    } else if right <= middle + slack {
        Ink::Left
    } else if left >= middle - slack {
        Ink::Right
    } else {
        Ink::Middle
    }
}

/// Features by which a template sets such widths itself.
pub(in crate::text) fn is_set_by_hand(features: &[([u8; 4], u32)]) -> bool {
    const TAGS: [&[u8; 4]; 6] = [b"halt", b"vhal", b"palt", b"vpal", b"chws", b"vchw"];
    features.iter().any(|(tag, value)| *value != 0 && TAGS.contains(&tag))
}
