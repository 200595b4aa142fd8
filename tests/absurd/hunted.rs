//! What was thought of to make the text stage slow or large: each aims at a search, a list or a mask of its own.

use serde_json::{Value, json};

/// What is repeated, and how it is set.
pub type Long = (&'static str, String, Value);

/// Opened so deep as levels go (UAX 9), and closed.
fn nested(open: char, close: char, depth: usize) -> String {
    let inner: String = std::iter::repeat_n(open, depth).chain("aא".chars()).collect();
    inner + &String::from(close).repeat(depth)
}

/// All ideographs of the first plane, each once.
fn ideographs() -> String {
    ('\u{4E00}'..='\u{9FA5}').collect()
}

/// Of every code point that a text may have, each seventeenth.
fn every_script() -> String {
    ('\u{20}'..='\u{1FBFF}').step_by(3).collect()
}

/// A thousand styles that differ in one thing.
fn each(of: impl Fn(usize) -> Value) -> Value {
    (0..1_000).map(of).collect()
}

/// A zigzag of so many pieces.
fn zigzag(pieces: usize, step: usize) -> String {
    let points = (1..=pieces).map(|n| format!("L {} {}", n * step % 400, n * 37 % 300));
    std::iter::once("M 0 0".to_owned()).chain(points).collect::<Vec<_>>().join(" ")
}

#[rustfmt::skip]
pub fn hunted() -> Vec<Long> {
    let shadows = |blur: f64| (0..16).map(|n| json!({ "x": n - 8, "y": n, "blur": blur })).collect::<Value>();
    let words = || "lorem ipsum dolor ".to_owned();
    let han = || "云南小粒咖啡，（好）".to_owned();
    let one = |style: Value| json!([style]);
    let column = |extra: Value| {
        let mut how = json!({ "height": 300, "writing_mode": "vertical_rl" });
        how.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        how
    };
    vec![
        // Levels.
        ("isolates, nested as deep as they go", nested('\u{2067}', '\u{2069}', 125), json!({ "width": 300 })),
        ("embeddings, nested as deep as they go", nested('\u{202B}', '\u{202C}', 61), json!({ "width": 300 })),
        ("isolates that nothing closes", "\u{2068}א(a".into(), json!({ "width": 300, "align": "justify" })),
        ("isolates, then as many ends", "\u{2067}".repeat(25_000) + &"\u{2069}".repeat(25_000), json!({ "width": 300 })),
        ("brackets, then as many ends", "(".repeat(25_000) + &")".repeat(25_000), json!({ "width": 300, "direction": "rtl" })),
        ("brackets in isolates", "\u{2067}(א[a\u{2069})]".into(), json!({ "width": 300 })),
        // Faces.
        ("every ideograph", ideographs(), json!({ "width": 300 })),
        ("every ideograph, large", ideographs(), json!({ "width": 99_999, "size": 900 })),
        ("every ideograph, over one another", ideographs(), json!({ "width": 99_999, "size": 300, "letter_spacing": -300 })),
        ("every third code point", every_script(), json!({ "width": 300 })),
        ("every third code point, large", every_script(), json!({ "width": 99_999, "size": 300 })),
        ("every third code point, in columns", every_script(), column(json!({}))),
        ("families that change with each letter", "aب中ก".into(), json!({ "width": 300, "font": ["Noto Sans SC", "Noto Sans Arabic", "Inter", "Noto Sans Thai"] })),
        ("letters and their foreign marks", "a\u{5B0}中\u{301}".into(), json!({ "width": 300 })),
        // Spans.
        ("spans of a weight each", words(), json!({ "width": 300, "spans": 1_000, "as": each(|n| json!({ "weight": n + 1 })) })),
        ("spans of a size each", words(), json!({ "width": 300, "spans": 1_000, "as": each(|n| json!({ "size": 1.0 + n as f64 / 7.0 })) })),
        ("spans of a size each, han", han(), json!({ "width": 9_000, "spans": 1_000, "as": each(|n| json!({ "size": 1.0 + n as f64 / 7.0 })) })),
        ("spans of a size each, as high as they want", words(), json!({ "width": 99_999, "line_height": 0, "spans": 1_000, "as": each(|n| json!({ "size": 1.0 + n as f64 / 7.0, "letter_spacing": -20 })) })),
        ("spans of a colour each, stroked", words(), json!({ "width": 300, "spans": 1_000, "as": each(|n| json!({ "color": format!("#{n:06x}"), "stroke": { "width": 1 } })) })),
        ("spans of a colour each, line by line", "a\n".into(), json!({ "width": 300, "spans": 1_000, "as": each(|n| json!({ "color": format!("#{n:06x}"), "stroke": { "width": 1 }, "highlight": { "paint": "red" }, "emphasis": "dot", "decoration": "underline" })) })),
        ("spans of a colour each, one line", "aא".into(), json!({ "spans": 1_000, "as": each(|n| json!({ "color": format!("#{n:06x}"), "stroke": { "width": 1 }, "highlight": { "paint": "red" }, "emphasis": "dot", "decoration": "underline" })) })),
        ("spans of features each", words(), json!({ "width": 300, "spans": 1_000, "as": each(|n| json!({ "features": { "aalt": n, "ss01": 1, "frac": 1 } })) })),
        ("spans of brackets", "）".into(), json!({ "width": 300, "spans": 1_000, "as": each(|n| json!({ "size": 10.0 + n as f64 / 100.0 })) })),
        ("spans of brackets, trimmed", "「」。".into(), json!({ "width": 300, "spacing_trim": "trim_both", "spans": 1_000, "as": each(|n| json!({ "size": 10.0 + n as f64 / 100.0 })) })),
        ("spans of shifted letters", "a中".into(), json!({ "width": 300, "spans": 1_000, "as": each(|n| json!({ "baseline_shift": n })) })),
        ("spans that must stand out", words(), json!({ "width": 300, "contrast": { "min": 7, "fix": "swap" }, "spans": 1_000, "as": each(|n| json!({ "color": format!("#{:06x}", n * 9_999) })) })),
        ("lines that must stand out", "a\n".into(), json!({ "width": 300, "contrast": { "min": 7, "fix": "outline" } })),
        // Rubies.
        ("a ruby of everything, over everything", "云南".into(), json!({ "width": 300, "spans": 1, "as": one(json!({ "ruby": "ab".repeat(25_000) })) })),
        ("a ruby over everything, one line", "云南".into(), json!({ "width": 9_000, "wrap": "none", "overflow": "ellipsis", "spans": 1, "as": one(json!({ "ruby": "x" })) })),
        ("a ruby over everything, cut", "a".into(), json!({ "width": 99_999, "size": 8, "wrap": "none", "overflow": "ellipsis", "spans": 1, "as": one(json!({ "ruby": "x" })) })),
        ("rubies over everything, cut in a column", "云a".into(), column(json!({ "height": 99_999, "wrap": "none", "overflow": "ellipsis", "spans": 2, "as": one(json!({ "ruby": "x" })) }))),
        ("spans with ruby, balanced", "云南".into(), json!({ "width": 300, "wrap": "balance", "spans": 1_000, "as": one(json!({ "ruby": "abcdefghij" })) })),
        ("spans with ruby, balanced and fitted", "云南".into(), json!({ "width": 900, "height": 900, "wrap": "balance", "autofit": { "min": 0.5, "max": 90 }, "spans": 1_000, "as": one(json!({ "ruby": "abc" })) })),
        ("spans with ruby, justified", "云 ".into(), json!({ "width": 300, "align": "justify", "spans": 1_000, "as": one(json!({ "ruby": "abc def" })) })),
        ("spans with ruby, lines of them", "\n".into(), json!({ "width": 300, "spans": 1_000, "as": one(json!({ "ruby": "abc def" })) })),
        // Ends of lines.
        ("an emoji that never ends, cut", "👨\u{200D}".into(), json!({ "width": 9_000, "size": 1, "wrap": "none", "overflow": "ellipsis" })),
        ("spaces before the ellipsis", " ".repeat(49_999) + "a", json!({ "width": 300, "size": 10, "wrap": "none", "overflow": "ellipsis", "align": "end" })),
        ("stops before the ellipsis", "。".into(), json!({ "width": 9_000, "wrap": "none", "overflow": "ellipsis", "lang": "zh" })),
        ("letters over one another, cut", "AVA".into(), json!({ "width": 300, "wrap": "none", "overflow": "ellipsis", "letter_spacing": -8 })),
        ("one word, cut in one long line", "a".into(), json!({ "width": 99_999, "max_lines": 1, "size": 5 })),
        ("arabic, cut in one long line", "ب".into(), json!({ "width": 99_999, "wrap": "none", "overflow": "ellipsis", "size": 5 })),
        ("one word in three lines", "a".into(), json!({ "width": 300, "max_lines": 3 })),
        ("thai in three lines", "สวัสดีครับ".into(), json!({ "width": 300, "max_lines": 3 })),
        ("khmer in three columns", "ភាសាខ្មែរជាភាសា".into(), column(json!({ "max_lines": 3 }))),
        ("both directions in three lines", "aא(".into(), json!({ "width": 300, "max_lines": 3, "align": "justify" })),
        ("as many lines as may be", "a ".into(), json!({ "width": 9, "max_lines": 10_000 })),
        ("soft hyphens of two faces", "a\u{AD}云\u{AD}".into(), json!({ "width": 40, "spans": 1_000, "as": one(json!({ "size": 15 })) })),
        ("soft hyphens, balanced", "abc\u{AD}".into(), json!({ "width": 99_000, "size": 2, "wrap": "balance" })),
        ("arabic, balanced", "سلام عليكم ".into(), json!({ "width": 9_000, "wrap": "balance", "align": "center" })),
        ("arabic, balanced and torn", "ب".into(), json!({ "width": 9_000, "wrap": "balance", "align": "center" })),
        ("han, balanced and justified", han(), json!({ "width": 9_000, "wrap": "balance", "align": "justify", "hanging_punctuation": ["first", "last", "allow_end"] })),
        ("lines, each balanced", "a b c d e\n".into(), json!({ "width": 20, "wrap": "balance" })),
        ("quotation marks at the end", "”".into(), json!({ "width": 300, "hanging_punctuation": ["first", "last"] })),
        ("quotation marks and blanks at the end", "”".to_owned() + &" ".repeat(400), json!({ "width": 2, "hanging_punctuation": ["first", "last"] })),
        ("tabs, justified", "\ta".into(), json!({ "width": 300, "align": "justify", "spans": 1_000, "as": one(json!({ "letter_spacing": 2 })) })),
        // Fitting.
        ("one word, fitted", "a".into(), json!({ "width": 9_000, "height": 9_000, "autofit": { "min": 0.5, "max": 4_096 } })),
        ("one word that kerns, fitted", "AV".into(), json!({ "width": 9_000, "height": 9_000, "autofit": { "min": 0.5, "max": 4_096 }, "align": "justify" })),
        ("one word in columns, fitted", "a云".into(), column(json!({ "width": 9_000, "height": 9_000, "autofit": { "min": 0.5, "max": 4_096 } }))),
        ("one word, fitted to a line", "a".into(), json!({ "width": 99_999, "height": 99_999, "autofit": { "min": 0.5, "max": 4_096 }, "max_lines": 1 })),
        ("both directions, fitted", "aא".into(), json!({ "width": 9_000, "height": 9_000, "autofit": { "min": 0.5, "max": 4_096 }, "wrap": "balance" })),
        ("khmer, fitted and balanced", "ភាសាខ្មែរជាភាសា".into(), json!({ "width": 9_000, "height": 9_000, "autofit": { "min": 0.5, "max": 4_096 }, "wrap": "balance" })),
        ("emoji, fitted and balanced", "👨\u{200D}👩\u{200D}👧 ".into(), json!({ "width": 9_000, "height": 9_000, "autofit": { "min": 0.5, "max": 4_096 }, "wrap": "balance" })),
        ("spans of a weight each, fitted", words(), json!({ "width": 900, "height": 900, "autofit": { "min": 0.5, "max": 400 }, "spans": 1_000, "as": each(|n| json!({ "weight": n + 1 })) })),
        ("all texts that a poster may have in one group", words(), json!({ "chars": 249, "width": 100, "height": 100, "autofit": { "min": 0.5, "max": 400 }, "autofit_group": "g", "copies": 1_000 })),
        ("all texts in one group, Arabic", "سلام عليكم ".into(), json!({ "chars": 249, "width": 100, "height": 100, "autofit": { "min": 0.5, "max": 400 }, "autofit_group": "g", "copies": 1_000 })),
        ("more texts than a poster may have", words(), json!({ "chars": 10, "width": 100, "height": 100, "autofit": { "min": 0.5, "max": 400 }, "autofit_group": "g", "copies": 10_000 })),
        // Looks.
        ("all shadows", words(), json!({ "width": 300, "shadow": shadows(4.0), "stroke": { "width": 2, "color": "#ff000080" } })),
        ("all shadows, wide", words(), json!({ "width": 300, "shadow": shadows(300.0), "stroke": { "width": 2 } })),
        ("all shadows of spans", "aא".into(), json!({ "width": 300, "shadow": shadows(4.0), "spans": 1_000, "as": each(|n| json!({ "color": format!("#{n:06x}"), "stroke": { "width": 2, "color": "#00ff0080" } })) })),
        ("all shadows of lines", "a云\n".into(), json!({ "width": 300, "shadow": shadows(4.0), "highlight": { "paint": "red", "radius": 4 }, "decoration": "underline" })),
        ("all shadows, rotated", words(), json!({ "width": 300, "rotate": 5, "shadow": shadows(4.0) })),
        ("an underline along one line", "gjpqy".into(), json!({ "decoration": ["underline", "line_through"], "size": 8 })),
        ("an underline of all ideographs", ideographs(), json!({ "width": 300, "decoration": "underline" })),
        ("an underline of huge letters", "gjpqyQ,;".into(), json!({ "width": 99_999, "size": 300, "decoration": "underline", "letter_spacing": -150 })),
        ("marks beside both directions", "aא中".into(), json!({ "width": 300, "emphasis": "sesame", "decoration": "underline", "highlight": { "paint": "red", "radius": 4 } })),
        ("highlights of spans in both directions", "aא".into(), json!({ "width": 9_000, "spans": 1_000, "as": each(|n| json!({ "highlight": { "paint": format!("#{n:06x}") } })) })),
        // Much ink on few pixels.
        ("large letters over one another", words(), json!({ "size": 300, "letter_spacing": -300 })),
        ("large letters over one another, all looks", "gjpq".into(), json!({ "size": 300, "letter_spacing": -150, "stroke": { "width": 30 }, "decoration": "underline", "emphasis": "dot", "shadow": shadows(9.0) })),
        ("giants over one another", words(), json!({ "size": 1_500, "letter_spacing": -1_500 })),
        ("giants over one another, stroked", words(), json!({ "size": 4_000, "letter_spacing": -4_000, "stroke": { "width": 900 } })),
        ("lines over one another", "MMMM\n".into(), json!({ "size": 200, "line_height": 0 })),
        ("emoji over one another", "😀👨\u{200D}👩\u{200D}👧".into(), json!({ "size": 250, "letter_spacing": -250 })),
        ("giant emoji over one another", "😀👨\u{200D}👩\u{200D}👧".into(), json!({ "size": 2_000, "letter_spacing": -2_000 })),
        ("strokes far wider than letters", words(), json!({ "width": 300, "stroke": { "width": 1_000, "color": "#ff000001" } })),
        // On a path.
        ("on a path", words(), json!({ "chars": 1_000, "size": 6, "path": { "d": zigzag(9_999, 7) }, "stroke": { "width": 3 }, "shadow": shadows(4.0) })),
        ("on a path, over one another", "gjpq云".into(), json!({ "chars": 1_000, "size": 400, "letter_spacing": -200, "path": { "d": zigzag(9_999, 7) }, "stroke": { "width": 90 } })),
        ("spans on a path, cut", "aא".into(), json!({ "chars": 1_000, "size": 60, "overflow": "ellipsis", "path": { "d": zigzag(500, 7) }, "spans": 1_000, "as": each(|n| json!({ "weight": n + 1, "color": format!("#{n:06x}"), "stroke": { "width": 2, "color": "#00ff0080" } })) })),
        ("emoji on a path", "😀👨\u{200D}👩\u{200D}👧".into(), json!({ "chars": 1_000, "size": 300, "letter_spacing": -250, "path": { "d": zigzag(9_999, 7) } })),
        ("all that is too long for a path", words(), json!({ "path": { "d": zigzag(9_999, 7) } })),
    ]
}
