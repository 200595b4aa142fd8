//! The same paragraphs set by headless Chromium with the same fonts: where lines end, and how wide they are.
//!
//! `tests/chromium/corpus.json` holds the paragraphs, `expected.json` what Chromium did with them (its version is in it);
//! `scripts/chromium/corpus.py` writes the latter anew. `cargo test --release --test chromium -- --nocapture` prints figures.
// A test may panic: that is how it fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

mod support;

use std::num::NonZeroUsize;

use affiche::ctx::{Budget, Ctx, Simd};
use affiche::memo::Memo;
use affiche::text::{Direction, Fonts, LineBreak, Paragraph, SpacingTrim, Span, Style, WordBreak, compose};
use serde_json::Value;
use support::{json, root};

/// Paragraphs where our rules do not mean to equal those of Chromium's CSS, and why. They are compared all the same.
const OTHERWISE: &[(&str, &str)] = &[
    ("khmer/", "CSS leaves to the browser where words of it end: another dictionary"),
    ("lao/", "the same"),
    ("burmese/", "the same; a word that fits no line is parted by Unicode's grapheme clusters, not within a syllable"),
];

/// How far apart two widths of a line may be, in pixels.
const WIDTH: f64 = 0.5;

fn paragraph(p: &Value) -> Paragraph {
    let word = |field: &str| p[field].as_str().unwrap_or("normal").to_owned();
    let defaults = Style::default();
    let families = p["font"].as_array().map(|f| f.iter().map(|f| f.as_str().unwrap().to_owned()).collect());
    let style = Style {
        families: families.unwrap_or_else(|| defaults.families.clone()),
        size: p["size"].as_f64().unwrap(),
        weight: p["weight"].as_f64().unwrap_or(400.0),
        lang: p["lang"].as_str().map(str::to_owned),
        letter_spacing: p["letter_spacing"].as_f64().unwrap_or(0.0),
        ..defaults
    };
    Paragraph {
        spans: vec![Span { text: p["text"].as_str().unwrap().to_owned(), style, ruby: None }],
        line_height: Some(2.0),
        word_break: match word("word_break").as_str() {
            "keep_all" => WordBreak::KeepAll,
            "break_all" => WordBreak::BreakAll,
            _ => WordBreak::Normal,
        },
        line_break: match word("line_break").as_str() {
            "loose" => LineBreak::Loose,
            "strict" => LineBreak::Strict,
            _ => LineBreak::Normal,
        },
        spacing_trim: match word("spacing_trim").as_str() {
            "space_all" => SpacingTrim::SpaceAll,
            "trim_start" => SpacingTrim::TrimStart,
            _ => SpacingTrim::Normal,
        },
        direction: match p["direction"].as_str() {
            Some("rtl") => Direction::Rtl,
            Some("ltr") => Direction::Ltr,
            _ => Direction::Auto,
        },
        ..Paragraph::default()
    }
}

fn shown(text: &str, starts: &[usize]) -> String {
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    starts.iter().zip(ends).map(|(start, end)| &text[*start..end]).collect::<Vec<_>>().join("|")
}

#[test]
fn lines_end_as_in_chromium() {
    let corpus = json(&root().join("tests/chromium/corpus.json"));
    let expected = json(&root().join("tests/chromium/expected.json"));
    let (corpus, paragraphs) = (corpus.as_array().unwrap(), expected["paragraphs"].as_array().unwrap());
    assert_eq!(corpus.len(), paragraphs.len());
    assert!(corpus.len() >= 120);
    let fonts = Fonts::bundled();
    let memo = Memo::off();
    let budget = Budget::new(0);
    let ctx = Ctx { cancelled: &|| false, budget: &budget, threads: NonZeroUsize::MIN, simd: Simd::Off };
    let (mut compared, mut same, mut alike, mut lines, mut wide, mut worst) = (0, 0, 0, 0, Vec::new(), 0.0_f64);
    let mut differing = Vec::new();
    for (p, wanted) in corpus.iter().zip(paragraphs) {
        let id = p["id"].as_str().unwrap();
        assert_eq!(wanted["id"], id, "expected.json is out of date: scripts/chromium/corpus.py writes it anew");
        let text = p["text"].as_str().unwrap();
        let set = paragraph(p);
        let composed = compose(&fonts, &set, p["width"].as_f64(), &memo, &ctx).unwrap();
        assert!(composed.missing.is_empty(), "{id}: {:?}", composed.missing);
        // A line that is empty has no rectangles in Chromium.
        let own: Vec<_> = composed.lines.iter().filter(|line| text[line.range.clone()] != *"\n").collect();
        let starts: Vec<usize> = own.iter().map(|line| line.range.start).collect();
        let theirs: Vec<(usize, f64)> = wanted["lines"]
            .as_array()
            .unwrap()
            .iter()
            .map(|line| (line[0].as_u64().unwrap() as usize, line[1].as_f64().unwrap()))
            .collect();
        let their_starts: Vec<usize> = theirs.iter().map(|(start, _)| *start).collect();
        let otherwise = OTHERWISE.iter().any(|(otherwise, _)| id.starts_with(otherwise));
        compared += usize::from(!otherwise);
        if starts != their_starts {
            differing.push(format!("{id}\n    ours:   {}\n    theirs: {}", shown(text, &starts), shown(text, &their_starts)));
            continue;
        }
        same += usize::from(!otherwise);
        alike += 1;
        for (line, (_, width)) in own.iter().zip(&theirs) {
            lines += 1;
            // Chromium counts the spacing after the last letter.
            let off = (line.width - (width - set.spans[0].style.letter_spacing)).abs();
            worst = worst.max(off);
            if off > WIDTH {
                wide.push(format!("{id}: {:?} is {} wide, not {width}", &text[line.range.clone()], line.width));
            }
        }
    }
    println!("{}", expected["chromium"].as_str().unwrap());
    println!(
        "{alike} of {} paragraphs break alike, {same} of {compared} where they are meant to; {} of {lines} lines are as wide, at worst {worst:.3} px off",
        corpus.len(),
        lines - wide.len()
    );
    differing.iter().for_each(|one| println!("  {one}"));
    wide.iter().for_each(|one| println!("  {one}"));
    // What differs besides: under `strict` Chromium lets no line end between a closing quotation mark and an ideograph (Unicode does since
    // version 16, LB19a); under `break-all` none after a vowel sign, as it goes by pairs of letters.
    assert!(same >= 211 && compared == 213, "{same} of {compared}");
    assert!(alike >= 221, "{alike}");
    assert!(wide.is_empty(), "{} lines", wide.len());
}
