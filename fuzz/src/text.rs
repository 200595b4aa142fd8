//! A text as it comes: eight bytes choose how it is set, the rest is what it says (UTF-8, what is none replaced).

use affiche::asset::Assets;
use affiche::ctx::{Budget, Ctx, Simd};
use affiche::draw::{Studio, lay_out_at};
use affiche::layer::Content;
use affiche::memo::Memo;
use affiche::poster::Poster;
use affiche::template::Supplied;
use affiche::text::Composed;
use serde_json::{Map, Value, json};

use super::studio::{Manner, draw_all_ways, fonts, limits, output};

pub fn run(data: &[u8]) {
    let Some((how, text)) = data.split_first_chunk::<8>() else { return };
    // Expressions are the business of `poster`: here the text is what it is, and no longer than its bytes.
    let text = String::from_utf8_lossy(text).replace("{{", "{ {");
    let template = template(*how, &text);
    let none = Map::new();
    let supplied = Supplied { variables: &none, overrides: &none, canvas: &none };
    let limits = limits();
    // Braces in the text may make a broken expression.
    let Ok(poster) = Poster::read_inline(&template, &supplied, &limits) else { return };
    let budget = Budget::new(limits.max_request_pixels);
    let ctx = Ctx { cancelled: &|| false, budget: &budget, threads: std::num::NonZeroUsize::MIN, simd: Simd::Detect };
    let memo = Memo::off();
    let studio = Studio { fonts: fonts(), memo: &memo, ctx: &ctx, limits: &limits };
    let assets = Assets::default();
    let Ok(layout) = lay_out_at(&poster, &assets, 1.0, &studio) else { return };
    for placed in &layout.placed {
        if let Content::Text { composed, .. } = &placed.content {
            composed_well(composed, template["layers"][0]["max_lines"].as_u64());
        }
    }
    drop(layout);
    draw_all_ways(&poster, &assets, Manner { scale: 1.0, output: output(0) });
}

fn template([a, b, c, d, e, f, g, h]: [u8; 8], text: &str) -> Value {
    let pick = |byte: u8, words: &[&str]| Value::from(words[usize::from(byte) % words.len()]);
    let mut layer = json!({
        "type": "text",
        "x": 4,
        "y": 4,
        "text": text,
        "size": 4.0 + f64::from(a % 64),
        "align": pick(b, &["start", "center", "end", "left", "right", "justify"]),
        "wrap": pick(b >> 3, &["normal", "balance", "none"]),
        "overflow": pick(b >> 5, &["visible", "clip", "ellipsis"]),
        "word_break": pick(c, &["normal", "keep_all", "break_all"]),
        "line_break": pick(c >> 2, &["loose", "normal", "strict"]),
        "spacing_trim": pick(c >> 4, &["normal", "space_all", "trim_start", "trim_both"]),
        "direction": pick(d, &["auto", "ltr", "rtl"]),
        "lang": pick(d >> 2, &["en", "zh-Hans", "ja", "ko", "ar", "tr", "th"]),
        "italic": d & 0x80 != 0,
        "font": pick(f, &["Inter", "Noto Sans SC", "Noto Sans Arabic", "Noto Color Emoji", "Noto Sans Devanagari"]),
        "weight": 100 + u32::from(f >> 3) * 25,
        "rotate": if g & 1 == 0 { 0.0 } else { f64::from(g) },
        "letter_spacing": if g & 2 == 0 { 0.0 } else { f64::from(g) / 16.0 - 8.0 },
    });
    if e != 0 {
        layer["width"] = Value::from(e);
    }
    if h & 1 == 1 {
        layer["max_lines"] = Value::from(1 + (h >> 1 & 7));
    }
    if h & 0x10 != 0 {
        layer["height"] = Value::from(h >> 4);
    }
    json!({ "width": 128, "height": 96, "background": "white", "layers": [layer] })
}

/// Lines follow one another and lie inside the text, glyphs belong to it, all numbers are finite.
fn composed_well(composed: &Composed, max_lines: Option<u64>) {
    let finite = |values: &[f64]| values.iter().all(|value| value.is_finite() && value.abs() < 1e9);
    assert!(finite(&[composed.width, composed.height]));
    if let Some(most) = max_lines {
        assert!(composed.lines.len() as u64 <= most, "{} lines of {most}", composed.lines.len());
    }
    let mut last = 0;
    for line in &composed.lines {
        assert!(line.range.start >= last && line.range.end >= line.range.start, "{:?} after {last}", line.range);
        last = line.range.end;
        assert!(finite(&[line.x, line.top, line.baseline, line.width, line.height]), "{line:?}");
        for run in &line.runs {
            for glyph in &run.glyphs {
                assert!(finite(&[glyph.x, glyph.y, glyph.advance]), "{glyph:?}");
            }
        }
    }
}
