//! `contrast` of texts: what is measured, what helps, and what is said where nothing does.
// A test may panic: that is how it fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

mod support;

use affiche::draw::Drawn;
use affiche::memo::{Kind, Memo};
use affiche::text::Fonts;
use serde_json::{Map, Value, json};
use support::{How, assets, bytes, decode_png, draw_with, object, poster};

fn draw(layers: &Value, memo: &Memo) -> Drawn {
    let template = json!({ "width": 240, "height": 80, "background": "#808080", "layers": layers });
    let fonts = Fonts::bundled();
    let poster = poster(&template, &Map::new());
    draw_with(&poster, &assets(&poster, &[]), &How::plain(&fonts, memo))
}

fn text(more: Value) -> Value {
    let mut layer = json!({ "type": "text", "text": "legible", "x": 20, "y": 20, "size": 24, "color": "#ffffff" });
    layer.as_object_mut().unwrap().extend(object(more));
    layer
}

#[test]
fn what_is_measured_is_told() {
    // White on #808080 is 3.94, by anybody's reckoning; half of it is lost with half the opacity's light.
    let drawn = draw(&json!([text(json!({ "contrast": { "min": 3.9 } }))]), &Memo::off());
    assert_eq!(drawn.receipt["layers"][0]["contrast"], json!({ "ratio": 3.94 }));
    assert!(drawn.faint.is_empty());
    let faint = draw(&json!([text(json!({ "contrast": { "min": 3.95 } }))]), &Memo::off());
    assert_eq!(faint.faint.len(), 1, "without `fix` it is told and shipped");
    assert_eq!(bytes(&drawn), bytes(&faint));
    let unasked = draw(&json!([text(json!({}))]), &Memo::off());
    assert!(unasked.receipt["layers"][0].get("contrast").is_none());
    assert_eq!(bytes(&drawn), bytes(&unasked), "measuring changes nothing");
}

#[test]
fn only_what_lies_beneath_counts() {
    let ratio =
        |layers: Value, at: usize| draw(&layers, &Memo::off()).receipt["layers"][at]["contrast"]["ratio"].as_f64().unwrap();
    let asks = json!({ "contrast": { "min": 1 } });
    let black = json!({ "type": "rect", "width": 240, "height": 80, "fill": "#000000" });
    assert_eq!(ratio(json!([black, text(asks.clone())]), 1), 21.0);
    assert_eq!(ratio(json!([text(asks.clone()), black]), 0), 3.94, "what is painted later is not there yet");
    // Its own background, and groups around it, with a border that comes last.
    assert_eq!(ratio(json!([text(json!({ "contrast": { "min": 1 }, "background": "#000000" }))]), 0), 21.0);
    let group = json!({ "type": "group", "width": 240, "height": 80, "background": "#000000", "rotate": 180,
        "border": { "width": 40, "color": "#ffffff" }, "layers": [text(asks.clone()), black] });
    assert_eq!(ratio(json!([group]), 1), 21.0);
    // A speck is left out, a stripe is not.
    let speck = |width: u32| json!({ "type": "rect", "x": 40, "y": 20, "width": width, "height": 40, "fill": "#ffffff" });
    assert_eq!(ratio(json!([black, speck(1), text(asks.clone())]), 2), 21.0);
    assert_eq!(ratio(json!([black, speck(9), text(asks.clone())]), 2), 1.0);
    let half = ratio(json!([text(json!({ "contrast": { "min": 1 }, "opacity": 0.5 }))]), 0);
    assert!((1.5..2.5).contains(&half), "{half}");
}

#[test]
fn the_faintest_that_suffices_is_chosen() {
    let ask = |fix: &str, min: f64| json!({ "contrast": { "min": min, "fix": fix } });
    let plain = decode_png(&bytes(&draw(&json!([text(json!({}))]), &Memo::off())));
    for fix in ["scrim", "outline", "shadow", "swap"] {
        let drawn = draw(&json!([text(ask(fix, 4.5))]), &Memo::off());
        let told = &drawn.receipt["layers"][0]["contrast"];
        let (before, after) = (told["before"].as_f64().unwrap(), told["ratio"].as_f64().unwrap());
        assert_eq!((before, told["fix"].as_str()), (3.94, Some(fix)), "{fix}");
        // Steps of a twentieth: not much more than was asked for.
        assert!(after >= 4.5 && (after < 5.0 || fix == "swap"), "{fix}: {after}");
        assert!(drawn.faint.is_empty());
        assert!(decode_png(&bytes(&drawn)).data != plain.data, "{fix} shows");
        let enough = draw(&json!([text(ask(fix, 3.9))]), &Memo::off());
        assert!(decode_png(&bytes(&enough)).data == plain.data, "{fix} where nothing is needed");
    }
    // Black on grey: 5.31. More is not to be had, and what is best is shown.
    let drawn = draw(&json!([text(ask("swap", 7.0))]), &Memo::off());
    assert_eq!((drawn.receipt["layers"][0]["contrast"]["ratio"].as_f64().unwrap() * 10.0).round(), 53.0);
    assert_eq!(drawn.faint.len(), 1);
}

#[test]
fn the_next_text_sees_what_the_one_before_became() {
    let first = text(json!({ "contrast": { "min": 21, "fix": "scrim" } }));
    let second = text(json!({ "contrast": { "min": 1 } }));
    let drawn = draw(&json!([first, second]), &Memo::off());
    let ratio = |n: usize| drawn.receipt["layers"][n]["contrast"]["ratio"].as_f64().unwrap();
    assert_eq!(ratio(0), 21.0, "black behind white");
    // White letters of the first lie beneath those of the second.
    assert_eq!(ratio(1), 1.0);
}

#[test]
fn what_was_found_is_remembered_and_changes_nothing() {
    let memo = Memo::with_capacity(32 << 20);
    let layers = json!([text(json!({ "contrast": { "min": 4.5, "fix": "shadow" } }))]);
    let first = draw(&layers, &memo);
    let misses = memo.counts(Kind::Verdict).misses;
    assert_eq!(misses, 1);
    let again = draw(&layers, &memo);
    assert_eq!(memo.counts(Kind::Verdict).misses, misses);
    assert_eq!(bytes(&first), bytes(&again));
    assert_eq!(bytes(&first), bytes(&draw(&layers, &Memo::off())));
    assert_eq!(first.receipt, again.receipt);
}

/// Each looks at its own window only, and what lies beneath is lowered once.
#[test]
fn many_texts_take_time_in_proportion() {
    let fonts = Fonts::bundled();
    let time = |count: usize, in_group: bool| {
        let one = |n: usize| {
            json!({ "type": "text", "text": "legible", "x": n % 20 * 60, "y": n / 20 * 20, "size": 14, "color": "#ffffff",
                "contrast": { "min": 4.5, "fix": "scrim" } })
        };
        let mut layers: Vec<Value> = (0..count).map(one).collect();
        if in_group {
            layers = vec![json!({ "type": "group", "width": 1200, "height": 1000, "opacity": 0.99, "layers": layers })];
        }
        let poster = poster(&json!({ "width": 1200, "height": 1000, "background": "#808080", "layers": layers }), &Map::new());
        let assets = assets(&poster, &[]);
        let once = || {
            let drawn = draw_with(&poster, &assets, &How::plain(&fonts, &Memo::off()));
            assert!(drawn.faint.is_empty());
            drawn.timing.iter().find(|(stage, _)| *stage == "contrast").unwrap().1
        };
        (0..3).map(|_| once()).fold(f64::INFINITY, f64::min)
    };
    for in_group in [false, true] {
        let (some, many) = (time(100, in_group), time(990, in_group));
        println!("contrast of 100 texts {some:.0} ms, of 990 {many:.0} ms, in a group: {in_group}");
        // Ten times as many: a hundred times as long where each looks at all that lies beneath.
        assert!(many < 30.0 * some, "{some} ms and {many} ms, in a group: {in_group}");
    }
}
