//! Every script and sign again and again, and everything that may be asked for a text.

use serde_json::{Value, json};

/// What is repeated, and how it is set.
pub type Case = (&'static str, &'static str, Value);

pub fn cases() -> Vec<Case> {
    let narrow = || json!({ "width": 1 });
    let column = || json!({ "width": 300 });
    let cut = || json!({ "width": 300, "max_lines": 3 });
    let boxed = || json!({ "width": 300, "height": 200, "overflow": "ellipsis" });
    vec![
        ("words", "lorem ipsum dolor ", column()),
        ("words, as wide as they want", "lorem ipsum dolor ", json!({})),
        ("words, three lines", "lorem ipsum dolor ", cut()),
        ("words in a box", "lorem ipsum dolor ", boxed()),
        ("words, clipped", "lorem ipsum dolor ", json!({ "width": 300, "height": 200, "overflow": "clip" })),
        ("words, justified", "lorem ipsum dolor ", json!({ "width": 300, "align": "justify" })),
        ("words, balanced", "lorem ipsum dolor ", json!({ "width": 300, "wrap": "balance" })),
        ("words, balanced in few lines", "lorem ipsum dolor ", json!({ "width": 99_999, "size": 1, "wrap": "balance" })),
        ("words, far apart", "lorem ipsum dolor ", json!({ "width": 300, "letter_spacing": 4_000 })),
        ("words, over one another", "lorem ipsum dolor ", json!({ "width": 300, "letter_spacing": -4_000 })),
        ("words, huge", "lorem ipsum dolor ", json!({ "width": 300, "size": 4_096 })),
        ("words, tiny", "lorem ipsum dolor ", json!({ "width": 99_999, "size": 0.5 })),
        ("words, no line height", "lorem ipsum dolor ", json!({ "width": 300, "line_height": 0 })),
        ("words, rotated", "lorem ipsum dolor ", json!({ "width": 300, "rotate": 33 })),
        ("one word", "a", column()),
        ("one word, one pixel", "a", narrow()),
        ("one word, one line", "a", json!({ "width": 300, "wrap": "none", "overflow": "ellipsis" })),
        ("one word, broken anywhere", "a", json!({ "width": 300, "word_break": "break_all" })),
        ("capital letters that kern", "AVATAWA", json!({ "width": 300, "word_break": "break_all" })),
        ("ligatures", "ffi", column()),
        ("hyphens", "-", column()),
        ("soft hyphens", "a\u{AD}", column()),
        ("spaces", " ", column()),
        ("spaces and a letter", " a", json!({ "width": 300, "align": "justify" })),
        ("tabs", "a\t", column()),
        ("lines", "\n", column()),
        ("lines of a letter", "a\n", column()),
        ("lines of a letter, cut", "a\n", cut()),
        ("lines of a letter, in a box", "a\n", boxed()),
        ("lines, all cut", "lorem ipsum\n", json!({ "width": 9, "wrap": "none", "overflow": "ellipsis" })),
        ("lines of Arabic", "سلام\n", column()),
        ("all line ends", "\r\n\u{B}\u{C}\u{85}\u{2028}\u{2029}", column()),
        ("nul", "\0", column()),
        ("controls", "\u{1}\u{7F}\u{9F}", column()),
        ("marks", "\u{301}", column()),
        ("marks of all classes", "a\u{301}\u{327}\u{315}\u{345}\u{5B0}\u{93C}\u{334}", column()),
        ("a letter with many marks", "a\u{301}\u{302}\u{303}\u{304}\u{305}\u{306}\u{307}\u{308}", narrow()),
        ("joiners", "\u{200D}", column()),
        ("selectors", "\u{FE0F}\u{E0100}", column()),
        ("replacement characters", "\u{FFFD}", column()),
        ("what no face has", "\u{E000}\u{10FFFD}", column()),
        ("what no face has, with marks", "\u{E000}\u{301}", column()),
        ("han", "云南小粒咖啡", column()),
        ("han, justified", "云南小粒咖啡", json!({ "width": 305, "align": "justify" })),
        ("han, one pixel", "云南小粒咖啡", narrow()),
        ("han and latin", "云a", column()),
        ("han and latin, justified", "云a", json!({ "width": 300, "align": "justify" })),
        ("full-width brackets", "（", column()),
        ("full-width punctuation", "「，」。（）", json!({ "width": 300, "spacing_trim": "trim_both" })),
        ("full-width punctuation, one pixel", "「，」。（）", narrow()),
        ("full-width punctuation and letters", "）a", column()),
        ("quotes", "中“·”", json!({ "width": 300, "lang": "zh" })),
        ("hangul", "한국어 ", json!({ "width": 300, "word_break": "keep_all" })),
        ("hangul jamo", "\u{1100}\u{1161}\u{11A8}", column()),
        ("arabic", "سلام", column()),
        ("arabic words", "سلام عليكم ", column()),
        ("arabic, one pixel", "سلام", narrow()),
        ("arabic letter by letter", "ب", json!({ "width": 300, "word_break": "break_all", "align": "end" })),
        ("arabic, one line", "ب", json!({ "width": 300, "wrap": "none", "overflow": "ellipsis" })),
        ("arabic with marks", "لَّ", json!({ "width": 300, "align": "justify" })),
        ("the longest ligature", "ﷺ صلى الله عليه وسلم ", column()),
        ("latin and hebrew", "aא", column()),
        ("latin and hebrew, one line", "aא", json!({})),
        ("latin and hebrew, right to left", "aא", json!({ "width": 300, "direction": "rtl", "align": "justify" })),
        ("everything mixed", "a א 1 م 中 ", column()),
        ("brackets", "(", column()),
        ("brackets of a right-to-left text", "([א", column()),
        ("brackets that close", "(א)[a]", column()),
        ("brackets, nested", "((((((((((((((((((((((((((((((א))))))))))))))))))))))))))))))", column()),
        ("numbers and signs", "א1+2-3,4$%", column()),
        ("terminators", "א$", column()),
        ("isolates", "\u{2067}", column()),
        ("isolates, closed", "\u{2067}א\u{2069}", column()),
        ("first strong isolates", "\u{2068}a", column()),
        ("embeddings", "\u{202A}\u{202C}", column()),
        ("embeddings of both ways", "\u{202B}א\u{202C}\u{202A}a\u{202C}", column()),
        ("embeddings, empty, of both ways", "\u{202B}\u{202C}\u{202A}\u{202C}", column()),
        ("overrides", "\u{202E}a", column()),
        ("pops", "\u{2069}\u{202C}", column()),
        ("deep levels", "\u{202B}a\u{202A}א", column()),
        ("thai", "สวัสดีครับ", column()),
        ("thai letter by letter", "ก", narrow()),
        ("khmer", "ភាសាខ្មែរជាភាសា", column()),
        ("lao", "ພາສາລາວເປັນພາສາ", column()),
        ("burmese", "ကျွန်တော်မြန်မာစာလေ့လာနေပါတယ်", column()),
        ("devanagari", "क्षि", column()),
        ("devanagari words", "क्षि ", narrow()),
        ("viramas", "क्", column()),
        ("tamil", "க்ஷௌ", column()),
        ("bengali", "ক্ষ্ম", json!({ "width": 300, "letter_spacing": 3 })),
        ("families", "👨\u{200D}👩\u{200D}👧\u{200D}👦", column()),
        ("emoji that never end", "👨\u{200D}", column()),
        ("flags", "🇨🇳", column()),
        ("keycaps", "1\u{FE0F}\u{20E3}", column()),
        ("emoji as text", "❤\u{FE0E}", column()),
        ("skin tones", "\u{1F3FD}", column()),
        ("tags", "🏴\u{E0067}\u{E0062}\u{E007F}", column()),
        ("mathematics", "∰𝔸", column()),
        ("half and full", "ｶﾞＡ", column()),
    ]
}

/// With everything else that a text may be asked for. `spans` cuts it into so many, which are set as those of `as` in turn; `copies`
/// makes so many layers.
pub fn elaborate() -> Vec<Case> {
    let looks = json!([
        { "size": 20, "color": "#cc0000", "decoration": "underline", "emphasis": "dot" },
        { "weight": 700, "highlight": { "paint": "#ffff00", "padding": 2, "radius": 3 }, "letter_spacing": 1 },
        { "italic": true, "stroke": { "width": 2, "color": "#00000080" }, "baseline_shift": 4 },
        { "font": "Noto Sans SC", "decoration": "line_through" },
    ]);
    let spans = |count: usize, extra: Value| {
        let mut how = json!({ "width": 300, "spans": count, "as": looks });
        how.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        how
    };
    let column = |extra: Value| {
        let mut how = json!({ "height": 300, "writing_mode": "vertical_rl" });
        how.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        how
    };
    let ruby = json!([{ "ruby": "x" }, {}, { "ruby": "abc def" }]);
    let fitted = |min: f64, max: f64, extra: Value| {
        let mut how = json!({ "width": 900, "height": 900, "autofit": { "min": min, "max": max } });
        how.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        how
    };
    let all = json!({
        "decoration": ["underline", "line_through"], "emphasis": { "mark": "sesame", "color": "#ff0000" },
        "stroke": { "width": 3, "color": "#0000ff80" }, "highlight": { "paint": "#ffff00", "padding": 3, "radius": 4 },
        "width": 300,
    });
    let hanging =
        json!({ "width": 300, "hanging_punctuation": ["first", "last", "allow_end"], "align": "justify", "autospace": true });
    vec![
        ("spans of words", "lorem ipsum dolor ", spans(1_000, json!({}))),
        (
            "spans of words, balanced",
            "lorem ipsum dolor ",
            spans(1_000, json!({ "wrap": "balance", "width": 90_000, "size": 1 })),
        ),
        ("spans of han, justified", "云南小粒咖啡，（好）", spans(1_000, json!({ "align": "justify" }))),
        ("spans of Arabic", "سلام عليكم ", spans(1_000, json!({}))),
        ("spans of marks", "a\u{301}", spans(1_000, json!({}))),
        ("spans of emoji", "👨\u{200D}👩\u{200D}👧", spans(1_000, json!({}))),
        ("spans of lines", "a\n", spans(1_000, json!({}))),
        ("spans of what no face has", "\u{E000}", spans(1_000, json!({}))),
        ("spans with ruby", "云南小粒咖啡", json!({ "width": 300, "spans": 1_000, "as": ruby })),
        ("spans with ruby, one line", "云南小粒咖啡", json!({ "wrap": "none", "spans": 1_000, "as": ruby })),
        ("spans with ruby, columns", "云南小粒咖啡", column(json!({ "spans": 1_000, "as": ruby }))),
        ("spans with ruby, fitted", "云南小粒咖啡", fitted(0.5, 40.0, json!({ "spans": 1_000, "as": ruby }))),
        ("spans with ruby over line ends", "云\n", json!({ "width": 300, "spans": 1_000, "as": ruby })),
        ("a look of its own for each letter", "ab", json!({ "width": 300, "spans": 1_000, "as": looks })),
        ("all looks", "lorem ipsum dolor ", all.clone()),
        (
            "all looks, huge",
            "gjpqy",
            json!({ "width": 300, "size": 2_000, "decoration": "underline", "stroke": { "width": 1_000 }, "emphasis": "dot" }),
        ),
        (
            "all looks, tiny",
            "lorem ipsum ",
            json!({ "width": 99_999, "size": 0.5, "decoration": "underline", "stroke": { "width": 1 }, "emphasis": "dot" }),
        ),
        ("all looks of Arabic", "سلام عليكم ", all.clone()),
        ("all looks of marks", "\u{301}", all.clone()),
        (
            "all looks, rotated",
            "gjp 云",
            json!({ "width": 300, "rotate": 7, "decoration": "underline", "stroke": { "width": 3 }, "emphasis": "dot" }),
        ),
        (
            "gradients",
            "lorem ipsum ",
            json!({
            "width": 300, "stroke": { "width": 2, "color": { "type": "linear", "angle": 7, "stops": [{ "color": "red" }, { "color": "blue" }] } },
            "color": { "type": "conic", "stops": [{ "at": 0, "color": "red" }, { "at": 1, "color": "blue" }] } }),
        ),
        (
            "shadows",
            "lorem ipsum ",
            json!({ "width": 300, "shadow": [{ "x": 3, "blur": 9 }, { "y": 3, "blur": 2 }, { "x": -3 }] }),
        ),
        ("columns of han", "云南小粒咖啡，（好）", column(json!({ "align": "justify" }))),
        ("columns of words", "lorem ipsum dolor ", column(json!({}))),
        ("columns of words, upright", "lorem ipsum dolor ", column(json!({ "orientation": "upright" }))),
        ("columns of digits", "12月", column(json!({ "combine_upright": 4 }))),
        ("columns of digits, many", "1", column(json!({ "combine_upright": 4 }))),
        ("columns of Arabic", "سلام عليكم ", column(json!({}))),
        ("columns of everything", "a א 1 م 中 😀 ", column(json!({ "align": "end" }))),
        ("columns of emoji", "👨\u{200D}👩\u{200D}👧", column(json!({}))),
        ("columns of lines", "a\n", column(json!({}))),
        ("columns of marks", "\u{301}", column(json!({}))),
        ("columns, one pixel", "云南a", json!({ "height": 1, "writing_mode": "vertical_rl" })),
        ("columns, cut", "云南小粒咖啡 ", column(json!({ "max_lines": 3, "lang": "zh" }))),
        ("hanging stops", "，", hanging.clone()),
        ("hanging stops after words", "lorem ipsum, dolor. ", hanging.clone()),
        ("hanging brackets", "「」", hanging.clone()),
        ("hanging in lines", "「云」\n", hanging),
        ("hanging ends, forced", "云，", json!({ "width": 20, "hanging_punctuation": "force_end", "spacing_trim": "trim_both" })),
        (
            "far features",
            "lorem ipsum ",
            json!({ "width": 300, "features": { "frac": 1, "smcp": 1, "palt": 1, "vert": 1, "aalt": 65_535, "swsh": 7 } }),
        ),
        ("fitted words", "lorem ipsum dolor ", fitted(0.5, 4_096.0, json!({}))),
        ("fitted words, two lines", "lorem ipsum dolor ", fitted(0.5, 400.0, json!({ "max_lines": 2 }))),
        ("fitted words, balanced", "lorem ipsum dolor ", fitted(0.5, 400.0, json!({ "wrap": "balance" }))),
        ("fitted to a very large box", "lorem ipsum dolor ", fitted(0.5, 4_096.0, json!({ "width": 99_999, "height": 99_999 }))),
        ("fitted han", "云南小粒咖啡，", fitted(0.5, 4_096.0, json!({}))),
        ("fitted han, torn", "a", fitted(0.5, 4_096.0, json!({}))),
        ("fitted lines", "云\n", fitted(0.5, 4_096.0, json!({}))),
        ("fitted Arabic", "سلام عليكم ", fitted(0.5, 4_096.0, json!({ "height": 9_000, "width": 9_000 }))),
        ("fitted Khmer", "ភាសាខ្មែរជាភាសា", fitted(0.5, 4_096.0, json!({ "height": 9_000, "width": 9_000 }))),
        ("fitted emoji", "👨\u{200D}👩\u{200D}👧", fitted(0.5, 4_096.0, json!({ "height": 9_000, "width": 9_000 }))),
        ("fitted columns", "云南小粒咖啡 ab ", fitted(0.5, 400.0, json!({ "writing_mode": "vertical_rl" }))),
        ("fitted spans", "lorem ipsum ", fitted(0.5, 400.0, json!({ "spans": 1_000, "as": looks }))),
        ("a fitted group", "lorem ipsum dolor ", fitted(0.5, 400.0, json!({ "autofit_group": "g", "copies": 4 }))),
        (
            "a fitted group of unlike boxes",
            "云南小粒咖啡，",
            fitted(0.5, 4_096.0, json!({ "autofit_group": "g", "copies": 3, "height": 9_000 })),
        ),
    ]
}
