//! Whole texts composed: a case per script and rule.

use std::num::NonZeroUsize;

use super::*;
use crate::ctx::{Budget, Simd};
use crate::limits::{MAX_TEXT_BYTES, MAX_TEXT_CHARS, MAX_TEXT_LINES};

fn span(text: &str) -> Span {
    Span { text: text.into(), style: Style { size: 20.0, ..Style::default() }, ruby: None }
}

fn plain(text: &str) -> Paragraph {
    Paragraph { spans: vec![span(text)], line_height: Some(30.0), ..Paragraph::default() }
}

fn composed(paragraph: &Paragraph, measure: Option<f64>) -> Arc<Composed> {
    let budget = Budget::new(0);
    let ctx = Ctx { cancelled: &|| false, budget: &budget, threads: NonZeroUsize::MIN, simd: Simd::Off };
    compose(&Fonts::bundled(), paragraph, measure, &Memo::off(), &ctx).unwrap()
}

fn texts(paragraph: &Paragraph, composed: &Composed) -> Vec<String> {
    let text: String = paragraph.spans.iter().map(|span| span.text.as_str()).collect();
    composed.lines.iter().map(|line| text[line.range.clone()].to_owned()).collect()
}

fn lines(paragraph: &Paragraph, measure: f64) -> String {
    texts(paragraph, &composed(paragraph, Some(measure))).join("|")
}

/// Cluster offsets from left to right.
fn order(line: &Line) -> Vec<usize> {
    line.runs.iter().flat_map(|run| run.glyphs.iter().map(|glyph| glyph.cluster)).collect()
}

/// Where each line's advances end, without gaps at the sides.
fn right_edge(line: &Line) -> f64 {
    let glyphs = line.runs.iter().flat_map(|run| &run.glyphs);
    glyphs.fold(0.0_f64, |edge, glyph| edge.max(glyph.x + glyph.advance))
}

#[test]
fn the_shared_poster_breaks_and_ends_as_in_the_browser() {
    let mut p = plain("云南小粒咖啡手冲礼盒装新鲜烘焙送细口壶滤杯滤纸限量首发");
    p.spans[0].style = Style { families: vec!["Noto Sans SC".into()], size: 48.0, weight: 700.0, ..Style::default() };
    p.line_height = Some(64.0);
    p.max_lines = Some(2);
    p.overflow = Overflow::Ellipsis;
    let c = composed(&p, Some(440.0));
    assert_eq!(texts(&p, &c), ["云南小粒咖啡手冲礼", "盒装新鲜烘焙送细"]);
    assert!(c.truncated);
    assert_eq!((c.lines[1].width, c.lines[1].baseline, c.height), (432.0, 117.0, 128.0));
    // Eight characters and the ellipsis of the same face.
    assert_eq!(c.lines[1].runs.len(), 1);
    let glyphs = &c.lines[1].runs[0].glyphs;
    assert_eq!((glyphs.len(), glyphs[8].x), (9, 384.0));
    assert_eq!(Some(glyphs[8].id), c.lines[1].runs[0].face.glyph('…'));
}

#[test]
fn lines_break_where_they_should() {
    let cases = [
        ("How we render posters", 110.0, "How we |render |posters"),
        ("a  \u{3000} b", 30.0, "a  \u{3000} |b"),
        ("aa bb", 0.0, "a|a |b|b"),
        ("Donaudampfschiff ok", 80.0, "Donaud|ampfsch|iff ok"),
        ("x\ny\n\nz", 100.0, "x\n|y\n|\n|z"),
        ("x\r\ny\n", 100.0, "x\r\n|y\n"),
        ("hy\u{AD}phen", 50.0, "hy\u{AD}|phen"),
        ("👨‍👩‍👧‍👦👨‍👩‍👧‍👦", 30.0, "👨‍👩‍👧‍👦|👨‍👩‍👧‍👦"),
        ("你好，世界。", 65.0, "你好，|世界。"),
        ("", 100.0, ""),
        ("\n", 100.0, "\n"),
    ];
    for (text, measure, expected) in cases {
        assert_eq!(lines(&plain(text), measure), expected, "{text:?}");
    }
    assert_eq!(composed(&plain(""), None).lines.len(), 0);
    assert_eq!(composed(&plain("\n"), None).lines.len(), 1);
}

#[test]
fn what_may_break_anywhere_keeps_its_conjuncts() {
    let mut p = plain("अन्तरात्मा");
    p.word_break = WordBreak::BreakAll;
    let parts = lines(&p, 1.0);
    assert_eq!(parts, "अ|न्त|रा|त्मा");
}

#[test]
fn wrap_none_and_balance() {
    let mut p = plain("Balanced headlines have lines of much the same length");
    let greedy = composed(&p, Some(310.0));
    p.wrap = Wrap::Balance;
    let balanced = composed(&p, Some(310.0));
    assert_eq!(greedy.lines.len(), balanced.lines.len());
    assert!(balanced.width < greedy.width);
    p.wrap = Wrap::None;
    assert_eq!(composed(&p, Some(100.0)).lines.len(), 1);
    p.overflow = Overflow::Ellipsis;
    let cut = composed(&p, Some(100.0));
    assert!(cut.truncated && cut.width <= 100.0 && cut.lines.len() == 1);
}

#[test]
fn max_lines_and_ellipsis() {
    let mut p = plain("one two three four five six");
    p.max_lines = Some(2);
    let visible = composed(&p, Some(80.0));
    assert_eq!((visible.lines.len(), visible.truncated), (2, true));
    p.overflow = Overflow::Ellipsis;
    let c = composed(&p, Some(80.0));
    assert_eq!(texts(&p, &c), ["one two ", "three"]);
    let last = c.lines[1].runs.last().unwrap();
    assert_eq!(last.glyphs.last().map(|g| g.id), last.face.glyph('…'));
    assert!(c.width <= 80.0);
    // Nothing left out, nothing shown.
    p.max_lines = Some(9);
    assert!(!composed(&p, Some(80.0)).truncated);
    let mut p = plain("one\n\n \n");
    p.max_lines = Some(1);
    p.overflow = Overflow::Ellipsis;
    assert!(!composed(&p, Some(80.0)).truncated);
    // The next paragraph counts as more text.
    let mut p = plain("one \ntwo");
    p.max_lines = Some(1);
    p.overflow = Overflow::Ellipsis;
    let c = composed(&p, Some(80.0));
    assert_eq!(texts(&p, &c), ["one"]);
    assert_eq!(c.lines[0].runs[0].glyphs.len(), 4);
    // Far too narrow: the ellipsis alone.
    let c = composed(&p, Some(1.0));
    assert_eq!(c.lines[0].runs[0].glyphs.len(), 1);
}

/// What is left of one line of this measure, without the ellipsis.
fn cut_short(text: &str, lang: &str, measure: f64) -> String {
    let mut p = plain(text);
    p.spans[0].style.lang = Some(lang.into());
    (p.wrap, p.max_lines, p.overflow) = (Wrap::None, Some(1), Overflow::Ellipsis);
    let c = composed(&p, Some(measure));
    assert!(c.truncated && c.width <= measure + TOLERANCE, "{text}");
    texts(&p, &c).concat()
}

#[test]
fn an_ellipsis_stands_after_a_word_where_one_ends_nearby() {
    // At every measure at which something is cut: what is left ends a word, or the whole word was too much to give up.
    let text = "Free shipping, worldwide (and back)";
    let whole = composed(&plain(text), None).width;
    let mut ends = std::collections::BTreeSet::new();
    for measure in 20..whole as u32 {
        ends.insert(cut_short(text, "en", f64::from(measure)));
    }
    for word in ["Free", "Free shipping", "Free shipping, worldwide", "Free shipping, worldwide (and"] {
        assert!(ends.contains(word), "{word}: {ends:?}");
    }
    // Less than three tenths of "Free shippi" would be left out, more of "Free ship".
    assert!(ends.contains("F") && ends.contains("Free ship") && !ends.contains("Free shipping, wo"), "{ends:?}");
    assert!(!ends.iter().any(|end| end.ends_with([' ', ',', '('])), "{ends:?}");
    // Words of Thai are found by dictionary; ideographs end anywhere, but not with a comma or what opens.
    let thai = cut_short("สวัสดีครับผมชื่อสมชาย", "th", 150.0);
    assert!(["สวัสดีครับผมชื่อ", "สวัสดีครับผม"].contains(&thai.as_str()), "{thai}");
    for (measure, left) in [
        (64.0, "盒装"),
        (85.0, "盒装新"),
        (105.0, "盒装新"),
        (125.0, "盒装新"),
        (145.0, "盒装新，「鲜"),
        (165.0, "盒装新，「鲜烘"),
    ] {
        assert_eq!(cut_short("盒装新，「鲜烘焙」送细口壶", "ja", measure), left, "{measure}");
    }
    // Latin beside ideographs goes by the same rule.
    assert_eq!(
        (cut_short("中文abcdefg以及其他", "zh", 110.0), cut_short("中文abcdefg以及其他", "zh", 150.0)),
        ("中文".into(), "中文abcde".into())
    );
    // Of a right-to-left line too.
    let arabic = cut_short("سلام عليكم ورحمة الله", "ar", 120.0);
    assert!(["سلام عليكم", "سلام عليكم ورحمة"].contains(&arabic.as_str()), "{arabic}");
}

#[test]
fn a_ruby_stands_once_though_its_text_has_line_ends() {
    let ruby = |text: &str| Span { ruby: Some("ruby far wider than its base".into()), ..span(text) };
    let p = Paragraph { spans: vec![span(""), ruby("\n一\n二"), span("三")], ..Paragraph::default() };
    let c = composed(&p, None);
    let above = |line: &Line| line.runs.iter().filter(|run| run.ruby).count();
    assert_eq!(c.lines.iter().map(above).collect::<Vec<_>>(), [0, 1, 0]);
    assert!(c.lines[1].width > 100.0, "{}", c.lines[1].width);
    // What stands on the further line is not spread for it, nor is that line higher.
    let bare = composed(&Paragraph { spans: vec![span(""), span("二"), span("三")], ..Paragraph::default() }, None);
    assert!((c.lines[2].width - bare.width).abs() < 1e-9 && c.lines[2].height == bare.height && c.lines[1].height > bare.height);
}

#[test]
fn languages_are_known_by_two_letters_and_three() {
    for tag in ["zh", "ZH-Hant", "zho", "chi_TW", "zh_CN"] {
        assert!(is_language(tag, "zh"), "{tag}");
    }
    for tag in ["", "za", "zha", "z", "ja", "en-zh"] {
        assert!(!is_language(tag, "zh"), "{tag}");
    }
    assert!(is_language("jpn", "ja") && is_language("kor-KR", "ko") && !is_language("zho", "ja"));
}

#[test]
fn line_boxes_follow_the_contract() {
    // Inter: ascent 0.96875, descent 0.2412 of an em, no gap.
    let baseline = |size: f64, line_height| {
        let mut p = plain("Hx");
        p.spans[0].style.size = size;
        p.line_height = line_height;
        let c = composed(&p, None);
        (c.lines[0].baseline, c.height)
    };
    assert_eq!(baseline(28.0, Some(40.0)), (30.0, 40.0));
    assert_eq!(baseline(72.0, Some(84.0)), (68.0, 84.0));
    assert_eq!(baseline(20.0, Some(1.5)), (22.0, 30.0));
    assert_eq!(baseline(20.0, None), (19.0, 24.0));
    assert_eq!(baseline(20.0, Some(10.0)), (12.0, 10.0));
    // A fallback face moves the line only where no height is given.
    let mut p = plain("Hx 中");
    p.spans[0].style.families = vec!["Inter".into()];
    assert_eq!(composed(&p, None).lines[0].baseline, 22.0);
    p.line_height = None;
    assert!(composed(&p, None).height > 24.0);
}

#[test]
fn right_to_left_runs_the_right_way() {
    let p = plain("אבג");
    let c = composed(&p, Some(200.0));
    assert_eq!(order(&c.lines[0]), [4, 2, 0]);
    assert!(c.lines[0].rtl && c.lines[0].x > 100.0);
    assert!((right_edge(&c.lines[0]) - 200.0).abs() < 1e-9);
    // Numbers and Latin keep their way; the paragraph goes right to left.
    let c = composed(&plain("אב 12 ab"), Some(200.0));
    assert_eq!(order(&c.lines[0]), [8, 9, 7, 5, 6, 4, 2, 0]);
    let c = composed(&plain("ab אב cd"), Some(200.0));
    assert_eq!(order(&c.lines[0]), [0, 1, 2, 5, 3, 7, 8, 9]);
    // Spaces at the end of a line take no room at its start.
    let c = composed(&plain("אבג   "), Some(200.0));
    assert_eq!(order(&c.lines[0]), [4, 2, 0]);
    assert!((right_edge(&c.lines[0]) - 200.0).abs() < 1e-9);
    // A bracket is mirrored.
    let face = |c: &Composed| Arc::clone(&c.lines[0].runs[0].face);
    let mut p = plain("(");
    p.spans[0].style.families = vec!["Noto Sans Hebrew".into()];
    p.direction = Direction::Rtl;
    let c = composed(&p, None);
    assert_eq!(Some(c.lines[0].runs[0].glyphs[0].id), face(&c).glyph(')'));
}

#[test]
fn arabic_joins_also_across_a_break() {
    let p = plain("سلام");
    let c = composed(&p, None);
    // Lam and alef are one glyph; seen starts the word and so has another form than alone.
    let run = &c.lines[0].runs[0];
    let face = Arc::clone(&run.face);
    assert_eq!((run.glyphs.len(), run.rtl), (3, true));
    assert_ne!(Some(run.glyphs[2].id), face.glyph('س'));
    // A word cut in two keeps its joining forms.
    let long = plain("ببببببب");
    let c = composed(&long, Some(40.0));
    assert!(c.lines.len() > 1);
    let isolated = face.glyph('ب');
    let ids = c.lines.iter().flat_map(|l| l.runs.iter().flat_map(|r| r.glyphs.iter().map(|g| Some(g.id))));
    assert!(!ids.collect::<Vec<_>>().contains(&isolated));
}

#[test]
fn spaced_letters_keep_joins_and_edges() {
    let mut p = plain("abc");
    let tight = composed(&p, None).width;
    p.spans[0].style.letter_spacing = 5.0;
    let c = composed(&p, None);
    assert!((c.width - tight - 10.0).abs() < 0.5, "{} {}", c.width, tight);
    assert!((right_edge(&c.lines[0]) - c.width).abs() < 1e-9);
    let mut p = plain("سلام عليكم");
    let tight = composed(&p, None).width;
    p.spans[0].style.letter_spacing = 5.0;
    assert_eq!(composed(&p, None).width, tight);
    let mut p = plain("אבג");
    p.spans[0].style.letter_spacing = 5.0;
    let c = composed(&p, Some(200.0));
    assert!((right_edge(&c.lines[0]) - 200.0).abs() < 1e-9);
    assert!((c.lines[0].runs[0].glyphs[0].x - c.lines[0].x).abs() < 1e-9);
}

#[test]
fn spaced_words_keep_joins_and_edges() {
    for (text, spaces) in [("a b\u{a0}c", 2.0), ("سلام عليكم", 1.0), ("a  b", 2.0), ("漢字", 0.0)] {
        let mut p = plain(text);
        let tight = composed(&p, None).width;
        p.spans[0].style.word_spacing = 7.0;
        let c = composed(&p, None);
        assert!((c.width - tight - 7.0 * spaces).abs() < 0.5, "{text}: {} {tight}", c.width);
        assert!((right_edge(&c.lines[0]) - c.width).abs() < 1e-9, "{text}");
    }
    // A space that hangs at a line's end takes no room.
    let mut p = plain("one two");
    let narrow = composed(&p, Some(40.0)).lines[0].width;
    p.spans[0].style.word_spacing = 7.0;
    assert_eq!(composed(&p, Some(40.0)).lines[0].width, narrow);
}

#[test]
fn alignment() {
    let mut p = plain("one two three four");
    let c = composed(&p, Some(100.0));
    let (free, text) = (100.0 - c.lines[0].width, c.lines[0].runs[0].glyphs[0].x);
    assert_eq!(text, 0.0);
    for (align, x) in [(Align::Center, free / 2.0), (Align::End, free), (Align::Right, free), (Align::Left, 0.0)] {
        p.align = align;
        let c = composed(&p, Some(100.0));
        assert!((c.lines[0].x - x).abs() < 1e-9 && (c.lines[0].runs[0].glyphs[0].x - x).abs() < 1e-9);
    }
    p.align = Align::Justify;
    let c = composed(&p, Some(100.0));
    assert!((right_edge(&c.lines[0]) - 100.0).abs() < 1e-9 && c.lines[0].width == 100.0);
    assert!(c.lines.last().unwrap().width < 99.0);
    let mut p = plain("两端对齐的中文文本，需要拉伸");
    p.align = Align::Justify;
    let c = composed(&p, Some(110.0));
    let xs: Vec<f64> = c.lines[0].runs[0].glyphs.iter().map(|g| g.x).collect();
    assert_eq!(xs, [0.0, 22.5, 45.0, 67.5, 90.0]);
    // Too long a word starts at the start.
    let mut p = plain("abc");
    (p.align, p.wrap) = (Align::Center, Wrap::None);
    assert_eq!(composed(&p, Some(10.0)).lines[0].x, 0.0);
}

#[test]
fn punctuation_closes_up() {
    let width = |text: &str, trim, measure| {
        let mut p = plain(text);
        p.spans[0].style.families = vec!["Noto Sans SC".into()];
        p.spacing_trim = trim;
        let c = composed(&p, measure);
        c.lines.iter().map(|line| line.width / 20.0).collect::<Vec<f64>>()
    };
    // Halves of an em, as Chromium has them.
    let cases = [
        ("中，“中", 3.5),
        ("中」）中", 3.5),
        ("中）（中", 3.5),
        ("（（中", 2.5),
        ("中。」』中", 4.0),
        ("中（中）中", 5.0),
        ("中！？中", 4.0),
        ("中・（中", 3.5),
    ];
    for (text, expected) in cases {
        assert_eq!(width(text, SpacingTrim::Normal, None), [expected], "{text}");
        assert_eq!(width(text, SpacingTrim::SpaceAll, None), [text.chars().count() as f64], "{text}");
    }
    // At a line's end where it would not fit otherwise; stops stay whole; at a line's start by option.
    assert_eq!(width("中中中中」中", SpacingTrim::Normal, Some(90.0)), [4.5, 1.0]);
    assert_eq!(width("中中中中」中", SpacingTrim::Normal, Some(100.0)), [5.0, 1.0]);
    assert_eq!(width("中中中中」中", SpacingTrim::TrimBoth, Some(100.0)), [4.5, 1.0]);
    assert_eq!(width("中中中中。中", SpacingTrim::Normal, Some(90.0)), [3.0, 3.0]);
    assert_eq!(width("中）（中", SpacingTrim::Normal, Some(40.0)), [2.0, 2.0]);
    assert_eq!(width("中）（中", SpacingTrim::TrimStart, Some(40.0)), [2.0, 1.5]);
    assert_eq!(width("（中", SpacingTrim::TrimStart, None), [1.5]);
}

#[test]
fn emoji_sequences_are_one_glyph_in_colour() {
    for text in ["👨‍👩‍👧‍👦", "👍🏽", "🇨🇳", "1️⃣", "❤️", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "👩🏾‍🚀", "🫩"]
    {
        let c = composed(&plain(text), None);
        let runs = &c.lines[0].runs;
        assert_eq!((runs.len(), runs[0].glyphs.len(), runs[0].color), (1, 1, true), "{text}");
        assert!(c.missing.is_empty(), "{text}");
    }
    let c = composed(&plain("❤"), None);
    assert!(!c.lines[0].runs[0].color);
}

#[test]
fn missing_characters_are_told_and_drawn_as_notdef() {
    let c = composed(&plain("a\u{10FFFD}b\u{F0000}\u{10FFFD}"), None);
    assert_eq!(c.missing, ['\u{F0000}', '\u{10FFFD}']);
    let ids: Vec<u16> = c.lines[0].runs.iter().flat_map(|r| r.glyphs.iter().map(|g| g.id)).collect();
    assert_eq!(ids.iter().filter(|id| **id == 0).count(), 3);
    assert!(composed(&plain("a\t\u{200D}\u{FE0F}\u{0}\u{7F}\u{AD}"), None).missing.is_empty());
}

#[test]
fn spans_keep_their_styles_and_share_a_baseline() {
    let mut small = span("small ");
    small.style.size = 10.0;
    let mut large = span("LARGE");
    large.style = Style { size: 40.0, weight: 900.0, ..Style::default() };
    let p = Paragraph { spans: vec![small, large, span(" mid")], line_height: Some(1.0), ..Paragraph::default() };
    let c = composed(&p, None);
    let line = &c.lines[0];
    assert_eq!(line.runs.iter().map(|run| (run.span, run.size)).collect::<Vec<_>>(), [(0, 10.0), (1, 40.0), (2, 20.0)]);
    assert!(line.runs.iter().flat_map(|run| &run.glyphs).all(|glyph| glyph.y == line.baseline));
    assert!(line.height >= 40.0);
}

#[test]
fn regional_forms_by_language_and_family_name() {
    let glyph = |family: &str, lang: Option<&str>| {
        let mut p = plain("骨");
        p.spans[0].style.families = vec![family.into()];
        p.spans[0].style.lang = lang.map(Into::into);
        composed(&p, None).lines[0].runs[0].glyphs[0].id
    };
    let simplified = glyph("Noto Sans SC", None);
    assert_eq!(glyph("Noto Sans SC", Some("zh-Hans")), simplified);
    let japanese = glyph("Noto Sans SC", Some("ja"));
    assert_ne!(japanese, simplified);
    assert_eq!(glyph("Noto Sans JP", None), japanese);
    assert_eq!(glyph("Noto Sans JP", Some("en")), japanese);
    assert_eq!(glyph("Noto Sans JP", Some("zh-CN")), simplified);
    assert_ne!(glyph("Noto Sans TC", None), simplified);
}

#[test]
fn features_and_optical_size_reach_the_shaper() {
    let mut p = plain("11:11");
    let usual = composed(&p, None).width;
    p.spans[0].style.features = vec![(*b"tnum", 1)];
    assert_ne!(composed(&p, None).width, usual);
    let per_em = |size: f64| {
        let mut p = plain("Optical");
        p.spans[0].style.size = size;
        composed(&p, None).width / size
    };
    assert!(per_em(14.0) > per_em(32.0) * 1.01);
    assert!((per_em(32.0) - per_em(64.0)).abs() < 1e-9);
}

#[test]
fn tabs_go_to_the_next_stop() {
    let mut p = plain("a\tb\tc");
    p.wrap = Wrap::None;
    let c = composed(&p, None);
    let space = composed(&plain("x x"), None).width - composed(&plain("x"), None).width * 2.0;
    let xs: Vec<f64> = c.lines[0].runs.iter().flat_map(|r| r.glyphs.iter().map(|g| g.x)).collect();
    assert_eq!(xs.len(), 3);
    assert!((xs[1] - space * 8.0).abs() < 0.1 && (xs[2] - space * 16.0).abs() < 0.1, "{xs:?} {space}");
}

#[test]
fn what_is_remembered_is_the_same_and_keys_see_every_field() {
    let budget = Budget::new(0);
    let ctx = Ctx { cancelled: &|| false, budget: &budget, threads: NonZeroUsize::MIN, simd: Simd::Off };
    let memo = Memo::with_capacity(1 << 20);
    let (fonts, p) = (Fonts::bundled(), plain("remember me"));
    let first = compose(&fonts, &p, Some(50.0), &memo, &ctx).unwrap();
    let second = compose(&fonts, &p, Some(50.0), &memo, &ctx).unwrap();
    assert_eq!(first.width, second.width);
    type Change = fn(&mut Paragraph);
    let changes: [Change; 18] = [
        |p| p.spans[0].text.push('!'),
        |p| p.spans.push(span("x")),
        |p| p.spans[0].style.families.push("x".into()),
        |p| p.spans[0].style.size = 21.0,
        |p| p.spans[0].style.weight = 401.0,
        |p| p.spans[0].style.italic = true,
        |p| p.spans[0].style.lang = Some("ja".into()),
        |p| p.spans[0].style.features.push((*b"palt", 1)),
        |p| p.spans[0].style.letter_spacing = 1.0,
        |p| p.line_height = None,
        |p| p.align = Align::End,
        |p| p.wrap = Wrap::Balance,
        |p| p.word_break = WordBreak::KeepAll,
        |p| p.line_break = LineBreak::Strict,
        |p| p.spacing_trim = SpacingTrim::TrimBoth,
        |p| p.direction = Direction::Rtl,
        |p| p.max_lines = Some(3),
        |p| p.overflow = Overflow::Ellipsis,
    ];
    let usual = key(&fonts, &p, Some(50.0));
    assert_ne!(usual, key(&fonts, &p, None));
    assert_ne!(usual, key(&Fonts::with_dirs(&[]).unwrap(), &p, Some(50.0)));
    for change in changes {
        let mut other = p.clone();
        change(&mut other);
        assert_ne!(key(&fonts, &other, Some(50.0)), usual, "{other:?}");
    }
}

#[test]
fn whole_lines_within_a_height() {
    let within = |text: &str, height| {
        let c = composed(&Paragraph { max_height: Some(height), overflow: Overflow::Ellipsis, ..plain(text) }, None);
        (c.lines.len(), c.truncated)
    };
    let of = |height| within("a\nb\nc", height);
    assert_eq!([of(90.0), of(89.0), of(1.0), of(900.0)], [(3, false), (2, true), (1, true), (3, false)]);
    // Empty lines at the end say nothing.
    assert_eq!(within("a\nb\n\n", 60.0), (2, false));
    assert_eq!(within("a\n\nb", 60.0), (2, true));
}

#[test]
fn unwanted_work_stops_and_errors_say_what_there_is() {
    let budget = Budget::new(0);
    let gone = || true;
    let ctx = Ctx { cancelled: &gone, budget: &budget, threads: NonZeroUsize::MIN, simd: Simd::Off };
    let stopped = compose(&Fonts::bundled(), &plain("a"), None, &Memo::off(), &ctx);
    assert!(matches!(stopped, Err(TextError::Stopped(_))));
    let ctx = Ctx { cancelled: &|| false, ..ctx };
    let mut p = plain("a");
    p.spans[0].style.families = vec!["Nowhere".into()];
    let unknown = compose(&Fonts::bundled(), &p, None, &Memo::off(), &ctx);
    assert!(matches!(unknown, Err(TextError::UnknownFamilies { .. })));
}

#[test]
fn what_is_laid_out_has_a_cap() {
    let budget = Budget::new(0);
    let ctx = Ctx { cancelled: &|| false, budget: &budget, threads: NonZeroUsize::MIN, simd: Simd::Off };
    let lines = |p: &Paragraph| compose(&Fonts::bundled(), p, None, &Memo::off(), &ctx).map(|c| (c.lines.len(), c.truncated));
    let cut = |text: &str, max_lines| Paragraph { max_lines: Some(max_lines), overflow: Overflow::Ellipsis, ..plain(text) };
    // Characters, not bytes.
    let words = |count: usize| "ä".repeat(count);
    for (count, fits) in [(MAX_TEXT_CHARS - 1, true), (MAX_TEXT_CHARS, true), (MAX_TEXT_CHARS + 1, false)] {
        assert_eq!(lines(&plain(&words(count))).is_ok(), fits, "{count}");
    }
    let long = lines(&plain(&words(MAX_TEXT_CHARS + 1)));
    assert!(matches!(long, Err(TextError::TooManyCharacters { characters }) if characters == MAX_TEXT_CHARS + 1));
    let most = MAX_TEXT_LINES as usize;
    for (count, fits) in [(most - 1, true), (most, true), (most + 1, false)] {
        assert_eq!(lines(&plain(&"a\n".repeat(count))).is_ok(), fits, "{count}");
    }
    assert!(matches!(lines(&plain(&"a\n".repeat(most + 1))), Err(TextError::TooManyLines)));
    // What nobody sees is not counted.
    assert_eq!(lines(&cut(&"a\n".repeat(MAX_TEXT_BYTES / 2), 3)).unwrap(), (3, true));
    assert_eq!(lines(&cut(&"a\n".repeat(MAX_TEXT_BYTES / 2), MAX_TEXT_LINES)).unwrap(), (most, true));
    let boxed = Paragraph { max_lines: None, max_height: Some(90.0), ..cut(&"a\n".repeat(MAX_TEXT_BYTES / 2), 1) };
    assert_eq!(lines(&boxed).unwrap(), (3, true));
    // Two lines at most, but the first goes on and on.
    assert!(matches!(lines(&cut(&words(MAX_TEXT_CHARS + 1), 2)), Err(TextError::TooManyCharacters { .. })));
    assert!(matches!(lines(&plain(&"a".repeat(MAX_TEXT_BYTES + 1))), Err(TextError::TooLong { .. })));
}

fn styled(spans: &[(&str, f64)]) -> Paragraph {
    let span =
        |(text, size): &(&str, f64)| Span { text: (*text).into(), style: Style { size: *size, ..Style::default() }, ruby: None };
    Paragraph { spans: spans.iter().map(span).collect(), ..Paragraph::default() }
}

#[test]
fn borders_of_spans_are_no_opportunities() {
    let p = styled(&[("", 20.0), ("un", 20.0), ("broken wo", 24.0), ("rd", 20.0)]);
    assert_eq!(lines(&p, 110.0), "unbroken |word");
    let p = styled(&[("云南小", 20.0), ("，粒咖", 30.0), ("。", 20.0)]);
    assert_eq!(lines(&p, 65.0), "云南|小，|粒|咖。");
}

#[test]
fn larger_and_raised_spans_push_lines_apart_unless_pixels_say_how_far() {
    let height = |line_height: Option<f64>, size: f64, shift: f64| {
        let mut p = styled(&[("a", 20.0), ("b", size)]);
        p.spans[1].style.baseline_shift = shift;
        p.line_height = line_height;
        let c = composed(&p, None);
        (c.height, c.lines[0].baseline)
    };
    assert_eq!(height(Some(30.0), 60.0, 9.0), height(Some(30.0), 20.0, 0.0));
    assert_eq!(height(Some(1.5), 40.0, 0.0).0, 60.0);
    // Both keep their line boxes: the larger one's reaches as far up and further down.
    assert_eq!(height(Some(1.5), 10.0, 0.0), height(Some(1.5), 20.0, 0.0));
    let (plain, raised, lowered) = (height(None, 20.0, 0.0), height(None, 20.0, 7.0), height(None, 20.0, -7.0));
    assert_eq!((raised.0 - plain.0, raised.1 - plain.1), (7.0, 7.0));
    assert_eq!((lowered.0 - plain.0, lowered.1 - plain.1), (7.0, 0.0));
    // The layer's own style holds an empty line too, and one whose spans are all small.
    let own = composed(&styled(&[("", 40.0), ("a\n\nb", 10.0)]), None);
    assert_eq!(own.lines.iter().map(|line| line.height).collect::<Vec<_>>(), [own.height / 3.0; 3]);
}

#[test]
fn marks_tell_where_lines_along_the_text_lie() {
    let mut p = styled(&[("a", 20.0), ("b", 40.0)]);
    p.spans[1].style.baseline_shift = 3.0;
    let marks = &composed(&p, None).marks;
    assert_eq!(marks.iter().map(|m| (m.shift, m.ascent, m.descent)).collect::<Vec<_>>(), [(0.0, 19.0, 5.0), (3.0, 39.0, 10.0)]);
    for m in marks.iter() {
        assert!(m.underline.top > 0.0 && m.underline.top < m.descent && m.underline.thickness > 0.5, "{m:?}");
        assert!(m.line_through.top < 0.0 && -m.line_through.top < m.ascent / 2.0, "{m:?}");
    }
    let glyph = |span: usize| composed(&p, None).lines[0].runs[span].glyphs[0].y;
    assert_eq!(glyph(0) - glyph(1), 3.0);
}

#[test]
fn letters_join_across_what_only_looks_different() {
    // One span, as the layer joins them; in two sizes Arabic letters still take their joined forms.
    let ids = |p: &Paragraph| {
        let c = composed(p, None);
        c.lines[0].runs.iter().flat_map(|run| run.glyphs.iter().map(|glyph| glyph.id)).collect::<Vec<_>>()
    };
    assert_eq!(ids(&styled(&[("مرحبا", 20.0)])), ids(&styled(&[("مر", 20.0), ("حبا", 20.5)])));
}

#[test]
fn scripts_are_parted_but_not_at_line_ends() {
    let mut p = plain("中a文1");
    let without = composed(&p, None).width;
    p.autospace = 0.25;
    // Three borders, each a quarter of 20 pixels.
    assert_eq!(composed(&p, None).width, without + 15.0);
    let narrow = composed(&p, Some(38.0));
    assert_eq!(texts(&p, &narrow), ["中a", "文1"]);
    assert!(narrow.width < 40.0);
    p.spans[0].text = "中 a。b".into();
    let spaced = composed(&p, None).width;
    p.autospace = 0.0;
    assert_eq!(composed(&p, None).width, spaced);
}

#[test]
fn punctuation_hangs_beyond_the_measure() {
    let hang = |first: bool, last: bool, end: HangingEnd| HangingPunctuation { first, last, end };
    let mut p = plain("春眠不觉，处处闻啼。");
    assert_eq!(lines(&p, 80.0), "春眠不|觉，处处|闻啼。");
    p.hanging_punctuation = hang(false, false, HangingEnd::Allow);
    assert_eq!(lines(&p, 80.0), "春眠不觉，|处处闻啼。");
    let c = composed(&p, Some(80.0));
    assert_eq!((c.lines[0].width, c.width), (80.0, 80.0));
    // Where there is room it stands on the line, unless it is forced.
    let wide = composed(&p, Some(200.0)).width;
    p.hanging_punctuation = hang(false, false, HangingEnd::Force);
    assert_eq!(composed(&p, Some(200.0)).width, wide - 20.0);
    // Opening marks before the first line, closing ones after the last.
    let mut p = plain("“ab”");
    let plain_width = composed(&p, None).width;
    p.hanging_punctuation = hang(true, true, HangingEnd::Never);
    let c = composed(&p, Some(200.0));
    assert!(c.width < plain_width - 5.0);
    let glyphs = &c.lines[0].runs[0].glyphs;
    assert!(glyphs[0].x < 0.0 && glyphs[1].x.abs() < 0.5, "{:?}", glyphs[1]);
    p.align = Align::Right;
    let c = composed(&p, Some(200.0));
    let glyphs = &c.lines[0].runs[0].glyphs;
    assert!((glyphs[3].x - 200.0).abs() < 0.5, "{:?}", glyphs[3]);
}

#[test]
fn chinese_is_cut_with_six_dots() {
    let mut p = plain("盒装新鲜烘焙送细口壶");
    (p.max_lines, p.overflow) = (Some(1), Overflow::Ellipsis);
    let dots = |p: &Paragraph| {
        let c = composed(p, Some(110.0));
        let run = &c.lines[0].runs[0];
        run.glyphs.iter().filter(|glyph| Some(glyph.id) == run.face.glyph('…')).count()
    };
    assert_eq!(dots(&p), 1);
    p.spans[0].style.lang = Some("zh-Hans".into());
    assert_eq!(dots(&p), 2);
    p.spans[0].style.lang = Some("ja".into());
    assert_eq!(dots(&p), 1);
}

fn vertical(text: &str) -> Paragraph {
    let mut p = plain(text);
    p.spans[0].style.families = vec!["Noto Sans SC".into()];
    (p.writing_mode, p.combine_upright) = (WritingMode::VerticalRl, 2);
    p
}

#[test]
fn vertical_lines_run_down_and_to_the_left() {
    let p = vertical("永和九年岁在癸丑");
    let c = composed(&p, Some(80.0));
    assert_eq!(texts(&p, &c), ["永和九年", "岁在癸丑"]);
    assert_eq!((c.vertical, c.width, c.height), (true, 80.0, 60.0));
    let first = &c.lines[0].runs[0];
    assert_eq!(first.pose, Pose::Upright);
    // Each a letter below the one before, in the middle of columns of 30 pixels.
    let along: Vec<f64> = first.glyphs.iter().map(|glyph| glyph.along).collect();
    assert_eq!(along, [0.0, 20.0, 40.0, 60.0]);
    assert_eq!((first.glyphs[0].x, c.lines[1].runs[0].glyphs[0].x), (-25.0, -55.0));
    assert!(first.glyphs[0].y > 14.0 && first.glyphs[0].y < 20.0, "{}", first.glyphs[0].y);
}

#[test]
fn latin_is_turned_and_few_digits_stand_across() {
    let p = vertical("在Rust中12月2026");
    let c = composed(&p, Some(400.0));
    let poses: Vec<Pose> = c.lines[0].runs.iter().map(|run| run.pose).collect();
    let Pose::Narrow(by) = poses[3] else { panic!("{poses:?}") };
    assert!(by > 0.85 && by <= 1.0, "{by}");
    assert_eq!(poses, [Pose::Upright, Pose::Turned, Pose::Upright, Pose::Narrow(by), Pose::Upright, Pose::Turned]);
    // Two digits in the room of one letter.
    let across = &c.lines[0].runs[3].glyphs;
    assert_eq!(across.iter().map(|glyph| glyph.advance).sum::<f64>(), 20.0);
    assert!(across[0].x < across[1].x && across[0].y == across[1].y);
    let mut p = vertical("12月2026");
    p.combine_upright = 4;
    let c = composed(&p, None);
    assert!(matches!(c.lines[0].runs[2].pose, Pose::Narrow(by) if by < 0.6), "{:?}", c.lines[0].runs[2].pose);
    assert_eq!(c.width, 60.0);
    p.orientation = Orientation::Upright;
    assert!(composed(&p, None).lines[0].runs.iter().all(|run| run.pose == Pose::Upright));
}

#[test]
fn vertical_punctuation_has_its_own_forms_and_widths() {
    let glyph = |p: &Paragraph| composed(p, None).lines[0].runs[0].glyphs[0].id;
    let mut p = vertical("「");
    let upright = glyph(&p);
    p.writing_mode = WritingMode::Horizontal;
    assert_ne!(glyph(&p), upright, "the font's vertical form");
    // A stop before a closing bracket gives up half of itself, as in horizontal lines.
    let length = |text: &str| composed(&vertical(text), None).width;
    assert_eq!(length("永。」"), 50.0);
    assert_eq!(length("永。和"), 60.0);
}

#[test]
fn vertical_lines_are_cut_and_broken_like_others() {
    let mut p = vertical("春眠不觉晓，处处闻啼鸟");
    assert_eq!(lines(&p, 80.0), "春眠不觉|晓，处处|闻啼鸟");
    (p.max_lines, p.overflow) = (Some(1), Overflow::Ellipsis);
    let c = composed(&p, Some(80.0));
    assert!(c.truncated && c.width <= 80.0);
    assert_eq!(c.lines[0].runs.last().map(|run| run.pose), Some(Pose::Turned));
}

#[test]
fn ruby_stands_over_its_base_and_not_over_an_ellipsis() {
    let ruby = Span { ruby: Some("x".into()), ..span("三四") };
    let spans = vec![span(""), ruby, span("五六七八九")];
    let mut p = Paragraph { spans, max_lines: Some(1), overflow: Overflow::Ellipsis, ..Paragraph::default() };
    p.spans.iter_mut().for_each(|span| span.style.lang = Some("zh".into()));
    let c = composed(&p, Some(90.0));
    let (above, base): (Vec<&Run>, Vec<&Run>) = c.lines[0].runs.iter().partition(|run| run.ruby);
    let glyphs: Vec<&Glyph> = base.iter().flat_map(|run| &run.glyphs).collect();
    // The dots are of the last letter's cluster.
    let end = glyphs.iter().map(|glyph| glyph.cluster).max().unwrap();
    let last: Vec<&&Glyph> = glyphs.iter().filter(|glyph| glyph.cluster == end).collect();
    assert!(glyphs.len() > last.len() && last.len() > 1, "{} {}", glyphs.len(), last.len());
    let (first, last) = (glyphs[0], last[0]);
    let (x, middle) = (&above[0].glyphs[0], (first.along + last.along + last.advance) / 2.0);
    assert!((x.along + x.advance / 2.0 - middle).abs() < 0.01, "{} {middle}", x.along + x.advance / 2.0);
}

#[test]
fn ruby_stands_above_and_makes_room() {
    let ruby = |text: &str, ruby: Option<&str>| Span { ruby: ruby.map(str::to_owned), ..span(text) };
    let set = |ruby_text: Option<&str>| Paragraph {
        spans: vec![span(""), ruby("長", ruby_text), span("城")],
        ..Paragraph::default()
    };
    let bare = composed(&set(None), None);
    let c = composed(&set(Some("chang")), None);
    // The small text is wider than its letter and higher than the line.
    assert!(c.width > bare.width && c.height > bare.height + 5.0 && c.height.fract() == 0.0, "{} {}", c.width, c.height);
    let (small, base): (Vec<&Run>, Vec<&Run>) = c.lines[0].runs.iter().partition(|run| run.ruby);
    assert_eq!((small.len(), small[0].size), (1, 10.0));
    let middle = |run: &Run| {
        let (first, last) = (&run.glyphs[0], run.glyphs.last().unwrap());
        (first.along + last.along + last.advance) / 2.0
    };
    let first = &base[0].glyphs[0];
    assert!((middle(small[0]) - first.along - first.advance / 2.0).abs() < 1e-9);
    assert!(small[0].glyphs[0].y < c.lines[0].baseline - 17.0);
    assert!(first.x > 1.0, "the letter stands in the middle of its room");
    // In pixels the line is as high as it is.
    let mut fixed = set(Some("chang"));
    fixed.line_height = Some(50.0);
    assert_eq!(composed(&fixed, None).height, 50.0);
    // It is not parted.
    let p = Paragraph { spans: vec![span("一"), ruby("二三四", Some("x")), span("五")], ..Paragraph::default() };
    assert_eq!(lines(&p, 65.0), "一|二三四|五");
}

#[test]
fn widths_are_those_of_the_text_composed() {
    let found = |paragraph: &Paragraph, around: (f64, f64)| {
        let budget = Budget::new(0);
        let ctx = Ctx { cancelled: &|| false, budget: &budget, threads: NonZeroUsize::MIN, simd: Simd::Off };
        widths(&Fonts::bundled(), paragraph, around, &Memo::off(), &ctx).unwrap()
    };
    let words = [
        "a longer word of several",
        "云南小粒，咖啡 coffee",
        "two\nparagraphs\tand a tab",
        "hy\u{AD}phen\u{AD}ated",
        "كتاب مفتوح",
        "AVAVAV To",
        "",
    ];
    for text in words {
        let p = plain(text);
        let Widths { natural, narrowest } = found(&p, (0.0, 6.5));
        assert!((natural - composed(&p, None).width - 6.5).abs() < 1e-9, "{text:?}: {natural}");
        // The first whole pixel, padding included, at which nothing is torn.
        let torn = |width: f64| composed(&p, Some((width - 6.5).max(0.0))).torn;
        assert!(!torn(narrowest) && narrowest <= natural.ceil() && narrowest.fract() == 0.0, "{text:?}: {narrowest}");
        assert!(narrowest <= 7.0 || torn(narrowest - 1.0), "{text:?}: {narrowest}");
        // What is enough is not looked below, and no more than the whole is asked for.
        assert_eq!(found(&p, (narrowest + 3.0, 6.5)).narrowest, (narrowest + 3.0).min(natural.ceil()), "{text:?}");
    }
    let p = Paragraph { wrap: Wrap::None, ..plain("one line only") };
    assert_eq!(found(&p, (0.0, 0.0)).narrowest, found(&p, (0.0, 0.0)).natural.ceil());
}
