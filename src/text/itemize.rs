//! Cuts a paragraph into stretches of one level, script, face and span, which can be shaped each by itself.

use std::collections::BTreeSet;
use std::ops::Range;

use icu_properties::PropertyNamesShort;
use icu_properties::props::Script;
use icu_properties::script::ScriptWithExtensions;

use crate::ctx::Stopped;
use crate::text::bidi::Levels;
use crate::text::fallback::Chooser;
use crate::text::font::Candidate;
use crate::text::shape::Flow;
use crate::text::stance::{Stance, Stances};
use crate::text::unicode::is_ignorable;

/// Longer stretches are cut at a cluster: shaping some thousand characters at a time keeps every table of the shaper small.
const MAX_ITEM_BYTES: usize = 8_192;

/// Clusters between two looks at whether the work is still wanted: some microseconds each where no face has them.
const CHECK_EVERY: usize = 1_024;

/// A stretch that is shaped at once. Offsets are those of the whole text.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::text) struct Item {
    pub range: Range<usize>,
    pub level: u8,
    pub script: Script,
    pub candidate: Candidate,
    pub span: usize,
    pub stance: Stance,
}

impl Item {
    pub fn flow(&self) -> Flow {
        match self.stance {
            Stance::Upright => Flow::Down,
            Stance::Along | Stance::Across if self.level % 2 == 1 => Flow::Rtl,
            Stance::Along | Stance::Across => Flow::Ltr,
        }
    }
}

/// A paragraph to cut.
pub(in crate::text) struct Source<'a> {
    /// The whole text of all spans.
    pub text: &'a str,
    /// The paragraph's part of it, without the line end.
    pub range: Range<usize>,
    /// Where each span starts in the whole text, rising; the first is 0.
    pub span_starts: &'a [usize],
    /// The chooser of each span.
    pub chooser_of: &'a [usize],
    /// Of the paragraph's part.
    pub levels: &'a Levels,
    /// Where grapheme clusters end, in the paragraph's part.
    pub graphemes: &'a [usize],
    pub stances: &'a Stances,
}

/// The items in logical order. What no face can draw is added to `missing`. `check` says whether the work is still wanted.
pub(in crate::text) fn itemize(
    source: &Source<'_>,
    choosers: &mut [Chooser<'_>],
    missing: &mut BTreeSet<char>,
    check: &dyn Fn() -> Result<(), Stopped>,
) -> Result<Vec<Item>, Stopped> {
    let mut items: Vec<Item> = Vec::new();
    let mut scripts = Scripts::default();
    let mut start = source.range.start;
    let mut span = source.span_starts.partition_point(|s| *s <= start).saturating_sub(1);
    // Items whose script is not known yet: only common characters so far.
    let mut undecided = 0;
    for (at, end) in source.graphemes.iter().enumerate() {
        if at % CHECK_EVERY == 0 {
            check()?;
        }
        let cluster_end = source.range.start + end;
        // A span that starts inside a cluster cuts it.
        while start < cluster_end {
            while source.span_starts.get(span + 1).is_some_and(|next| *next <= start) {
                span += 1;
            }
            let end = source.span_starts.get(span + 1).map_or(cluster_end, |next| cluster_end.min(*next));
            let cluster = source.text.get(start..end).unwrap_or("");
            let script = scripts.next(cluster);
            let chooser = source.chooser_of.get(span).and_then(|chooser| choosers.get_mut(*chooser));
            let Some(chooser) = chooser else { break };
            let Some(choice) = chooser.choose(cluster, script) else {
                start = end;
                continue;
            };
            if choice.lacking {
                missing.extend(cluster.chars().filter(|c| !is_ignorable(*c) && !chooser.draws(choice.candidate, *c)));
            }
            let stance = source.stances.of(cluster, start);
            let level = source.levels.at(start - source.range.start);
            // What stands upright follows downwards, whatever its script does along a line.
            let level = if stance == Stance::Along { level } else { level & !1 };
            match items.last_mut() {
                Some(last)
                    if last.level == level
                        && last.candidate == choice.candidate
                        && last.span == span
                        && last.stance == stance
                        && (last.script == script || last.script == Script::Common)
                        && end - last.range.start <= MAX_ITEM_BYTES =>
                {
                    last.range.end = end;
                    last.script = script;
                }
                _ => items.push(Item { range: start..end, level, script, candidate: choice.candidate, span, stance }),
            }
            if script != Script::Common {
                for item in items.iter_mut().skip(undecided).filter(|item| item.script == Script::Common) {
                    item.script = script;
                }
                undecided = items.len();
            }
            start = end;
        }
    }
    Ok(items)
}

/// ISO 15924, as `Latn`.
pub(in crate::text) fn script_tag(script: Script) -> [u8; 4] {
    let name = PropertyNamesShort::<Script>::new().get_locale_script(script);
    name.and_then(|name| <[u8; 4]>::try_from(name.as_str().as_bytes()).ok()).unwrap_or(*b"Zyyy")
}

/// Gives common and inherited characters the script of their surroundings (UAX 24 section 5), brackets that of their pair.
#[derive(Default)]
struct Scripts {
    current: Option<Script>,
    /// Closing characters awaited and the script at the opening.
    open: Vec<(char, Script)>,
}

/// Deeper brackets are taken as plain text.
const MAX_OPEN: usize = 32;

impl Scripts {
    /// The script of the next cluster; `Common` while nothing else has been seen.
    fn next(&mut self, cluster: &str) -> Script {
        let Some(base) = cluster.chars().next() else { return Script::Common };
        if base.is_ascii_alphabetic() {
            self.current = Some(Script::Latin);
            return Script::Latin;
        }
        let found = self.resolve(base);
        if let Some(close) = closing(base) {
            if self.open.len() < MAX_OPEN {
                self.open.push((close, found));
            }
        } else if let Some(at) = self.open.iter().rposition(|(close, _)| *close == base) {
            let script = self.open.get(at).map(|(_, script)| *script);
            self.open.truncate(at);
            if let Some(script) = script.filter(|script| *script != Script::Common) {
                self.current = Some(script);
                return script;
            }
        }
        if found != Script::Common {
            self.current = Some(found);
        }
        found
    }

    fn resolve(&self, c: char) -> Script {
        let data = ScriptWithExtensions::new();
        let own = one_for_kana(data.get_script_val(c));
        if own != Script::Common && own != Script::Inherited && Some(own) == self.current {
            return own;
        }
        let set = data.get_script_extensions_val(c);
        if let Some(current) = self.current
            && (set.contains(&current)
                || set.contains(&Script::Common)
                || set.contains(&Script::Inherited)
                || (current == Script::Hiragana && set.contains(&Script::Katakana)))
        {
            return current;
        }
        if own == Script::Common || own == Script::Inherited {
            // Shared by some scripts only: Han if it is among them (punctuation of East Asia), else the first.
            let mut of = set.iter().filter(|s| *s != Script::Common && *s != Script::Inherited);
            let first = if set.contains(&Script::Han) { Some(Script::Han) } else { of.next() };
            return first.map_or(Script::Common, one_for_kana);
        }
        own
    }
}

/// Both kana are one OpenType script.
fn one_for_kana(script: Script) -> Script {
    if script == Script::Katakana { Script::Hiragana } else { script }
}

/// The other end of a bracket; quotation marks are no brackets (they pair differently in each language).
fn closing(c: char) -> Option<char> {
    // Where they all are: hardly any letter is looked up.
    if !matches!(c, '('..='{' | '\u{3008}'..='\u{3015}' | '\u{FF08}'..='\u{FF5D}') {
        return None;
    }
    const PAIRS: &str = "()[]{}（）［］｛｝「」『』【】《》〈〉〔〕";
    let mut chars = PAIRS.chars();
    while let (Some(open), Some(close)) = (chars.next(), chars.next()) {
        if open == c {
            return Some(close);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::bidi::levels;
    use crate::text::breaks::graphemes;
    use crate::text::font::Fonts;
    use crate::text::{Direction, Paragraph, Style};

    fn cut(text: &str) -> Vec<(String, u8, Script, String)> {
        let fonts = Fonts::bundled();
        let style = Style::default();
        let mut choosers = vec![Chooser::new(&fonts, &style).unwrap()];
        let levels = levels(text, Direction::Auto);
        let graphemes = graphemes(text);
        let range = 0..text.len();
        let stances = Stances::new(&Paragraph::default(), text, range.clone());
        let source = Source {
            text,
            range,
            span_starts: &[0],
            chooser_of: &[0],
            levels: &levels,
            graphemes: &graphemes,
            stances: &stances,
        };
        let items = itemize(&source, &mut choosers, &mut BTreeSet::new(), &|| Ok(())).unwrap();
        items
            .iter()
            .map(|item| {
                let family = fonts.entry(item.candidate).unwrap().names.family.clone();
                (text[item.range.clone()].to_owned(), item.level, item.script, family)
            })
            .collect()
    }

    fn joined(text: &str) -> String {
        cut(text).iter().map(|(piece, ..)| piece.as_str()).collect::<Vec<_>>().join("|")
    }

    #[test]
    fn stretches_have_one_level_script_and_face() {
        let cases = [
            ("Free shipping · 30-day", "Free shipping · 30-day"),
            ("林小满 1000", "林小满| 1000"),
            ("(abc)", "(abc)"),
            ("“你好”", "“|你好|”"),
            ("细‘x’AVA", "细|‘|x’AVA"),
            ("abc مرحبا 12 def", "abc |مرحبا| |12| |def"),
            ("カタカナとひらがな", "カタカナとひらがな"),
            ("hi 😀😀 ho", "hi |😀😀| ho"),
            ("", ""),
        ];
        for (text, expected) in cases {
            assert_eq!(joined(text), expected);
        }
        let arabic = cut("abc مرحبا def");
        assert_eq!(arabic[1].1, 1);
        assert_eq!(arabic[1].2, Script::Arabic);
        assert_eq!(cut("12 中")[0].2, Script::Han);
        assert_eq!(cut("、・）文は")[0].2, Script::Han);
        assert_eq!(cut("123")[0].2, Script::Common);
        assert_eq!(cut("中（a）b")[1].2, Script::Latin);
    }

    #[test]
    fn long_stretches_are_cut() {
        let text = "中".repeat(10_000);
        let items = cut(&text);
        assert!(items.len() >= 3 && items.iter().all(|item| item.0.len() <= MAX_ITEM_BYTES));
    }

    #[test]
    fn scripts_have_iso_tags() {
        assert_eq!(script_tag(Script::Arabic), *b"Arab");
        assert_eq!(script_tag(Script::Common), *b"Zyyy");
        assert_eq!(script_tag(Script::Han), *b"Hani");
    }
}
