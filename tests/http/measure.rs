//! Measures: the receipt without pixels.

use serde_json::{Value, json};

use crate::support::{Service, small};

fn title() -> Value {
    json!({ "width": 400, "height": 300, "layers": [
        { "type": "text", "name": "title", "text": "Hi 世界 \u{10FFFD}", "x": 20, "y": 30, "width": 300, "size": 40, "line_height": 50 },
        { "type": "text", "text": "one two three", "width": 60, "height": 40, "size": 20, "line_height": 30, "max_lines": 2 },
    ] })
}

#[test]
fn a_measure_is_the_receipt_of_the_render() {
    let service = Service::start(&[]);
    let body = json!({ "template": title(), "scale": 2 });
    let answer = service.post_json("/v1/measure", &body);
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert!(answer.header("server-timing").unwrap().contains("layout;dur="));
    let mut told = answer.json();
    assert_eq!(told["degraded"], json!([{ "in": "template", "at": "/layers/0", "name": "title", "why": "missing_glyph" }]));

    let rendered = service.ask("POST", "/v1/render", &[("Accept", "application/json")], body.to_string().as_bytes());
    told.as_object_mut().unwrap().remove("degraded");
    assert_eq!(rendered.json()["receipt"], told);
    let ink = &told["layers"][0]["ink"];

    let (first, second) = (&told["layers"][0], &told["layers"][1]);
    assert_eq!((told["width"].clone(), told["height"].clone()), (json!(800), json!(600)));
    assert_eq!(first["box"], json!({ "x": 40, "y": 60, "width": 600, "height": 100 }));
    assert_eq!((&first["size"], &first["missing"], &first["overflow"]), (&json!(80), &json!(["U+10FFFD"]), &json!(false)));
    assert_eq!(first["fonts"], json!(["Inter", "Noto Sans SC"]));
    let line = &first["lines"][0];
    assert_eq!((&line["text"], &line["start"], &line["end"]), (&json!("Hi 世界 \u{10FFFD}"), &json!(0), &json!(14)));
    assert_eq!(runs_of(line), [("Inter", 0, 3), ("Noto Sans SC", 3, 9), ("Inter", 9, 14)]);
    // The H begins a little to the right of the box and stands on the baseline.
    let (left, top) = (ink["x"].as_f64().unwrap(), ink["y"].as_f64().unwrap());
    assert!(left > 40.0 && left < 56.0 && top > 60.0 && top < line["baseline"].as_f64().unwrap(), "{ink}");
    assert_eq!((&second["truncated"], &second["overflow"]), (&json!(true), &json!(false)));
}

#[test]
fn text_beyond_its_box_is_told() {
    let service = Service::start(&[]);
    let overflow = |layer: Value| {
        let template = json!({ "width": 400, "height": 300, "layers": [layer] });
        service.post_json("/v1/measure", &template).json()["layers"][0]["overflow"].clone()
    };
    assert_eq!(overflow(json!({ "type": "text", "text": "a b", "width": 100, "height": 10, "size": 20 })), json!(true));
    assert_eq!(overflow(json!({ "type": "text", "text": "abc", "width": 10, "wrap": "none", "size": 20 })), json!(true));
    assert_eq!(overflow(json!({ "type": "text", "text": "abc", "size": 20 })), json!(false));
}

#[test]
fn an_ellipsis_ends_what_is_higher_than_its_maximum() {
    let service = Service::start(&[]);
    let told = |side: &str| {
        let mut layer = json!({ "type": "text", "text": "one two three four", "width": 60, "size": 20, "line_height": 30, "overflow": "ellipsis" });
        layer[side] = json!(70);
        let template = json!({ "width": 400, "height": 300, "layers": [layer] });
        service.post_json("/v1/measure", &template).json()["layers"][0].clone()
    };
    let cut = told("max_height");
    assert_eq!((&cut["truncated"], &cut["overflow"], &cut["box"]["height"]), (&json!(true), &json!(false), &json!(70)));
    assert_eq!(cut["lines"], told("height")["lines"]);
    assert_eq!((&told("min_height")["truncated"], told("min_height")["lines"].as_array().unwrap().len()), (&json!(false), 4));
}

/// Of each run of a line its face, and where in the text it begins and ends.
fn runs_of(line: &Value) -> Vec<(&str, u64, u64)> {
    let runs = line["runs"].as_array().unwrap().iter();
    runs.map(|run| (run["font"].as_str().unwrap(), run["start"].as_u64().unwrap(), run["end"].as_u64().unwrap())).collect()
}

/// What is told of the only layer, in pixels of twice the layout's.
fn told_of(layer: &Value) -> Value {
    let template = json!({ "width": 400, "height": 300, "layers": [layer] });
    let service = Service::start(&[]);
    let answer = service.post_json("/v1/measure", &json!({ "template": template, "scale": 2 }));
    assert_eq!(answer.status, 200);
    answer.json()["layers"][0].clone()
}

#[test]
fn columns_are_told_by_their_middle_and_their_height() {
    let told = told_of(&json!({
        "type": "text", "text": "云南\n咖啡豆", "writing_mode": "vertical_rl", "font": "Noto Sans SC",
        "x": 20, "y": 30, "width": 100, "height": 200, "size": 20, "line_height": 30,
    }));
    let column = |text: &str, (start, end): (u64, u64), x: f64, height: u64| {
        json!({ "text": text, "start": start, "end": end, "x": x as u64, "y": 60, "height": height, "runs": [
            { "start": start, "end": end, "font": "Noto Sans SC", "y": 60, "height": height, "rtl": false },
        ] })
    };
    // From the right edge at 240 each column takes 60.
    assert_eq!(told["lines"], json!([column("云南\n", (0, 7), 210.0, 80), column("咖啡豆", (7, 16), 150.0, 120)]));
    assert_eq!((&told["truncated"], &told["overflow"], &told["size"]), (&json!(false), &json!(false), &json!(40)));
    let ink = told["ink"].as_object().unwrap();
    let [x, y, width, height] = ["x", "y", "width", "height"].map(|side| ink[side].as_f64().unwrap());
    assert!(x > 130.0 && x + width < 230.0 && y > 60.0 && y + height < 180.0, "{ink:?}");
    // Aligned along the column, and too much for the box across.
    let told = told_of(&json!({
        "type": "text", "text": "云南\n咖啡豆", "writing_mode": "vertical_rl", "font": "Noto Sans SC", "align": "end",
        "x": 20, "y": 30, "width": 50, "height": 100, "size": 20, "line_height": 30,
    }));
    assert_eq!((&told["lines"][0]["y"], &told["lines"][1]["y"], &told["overflow"]), (&json!(180), &json!(140), &json!(true)));
}

#[test]
fn a_ruby_counts_as_no_text_of_its_line() {
    let spans = json!([{ "text": "長", "ruby": "chang\u{10FFFD}" }, { "text": "城" }]);
    let told = told_of(&json!({ "type": "text", "spans": spans, "font": ["Inter", "Noto Sans SC"], "lang": "ja", "size": 20 }));
    let line = &told["lines"][0];
    assert_eq!((&line["text"], &line["start"], &line["end"]), (&json!("長城"), &json!(0), &json!(6)));
    assert_eq!(runs_of(line), [("Noto Sans SC", 0, 3), ("Noto Sans SC", 3, 6)]);
    // Its faces and what none of them has are told all the same, and it makes room: along the line, and above its letters.
    assert_eq!((&told["fonts"], &told["missing"]), (&json!(["Inter", "Noto Sans SC"]), &json!(["U+10FFFD"])));
    assert!(line["width"].as_f64().unwrap() > 90.0, "{line}");
    let bare = told_of(&json!({ "type": "text", "text": "長城", "font": ["Inter", "Noto Sans SC"], "lang": "ja", "size": 20 }));
    assert!(line["baseline"].as_f64().unwrap() > bare["lines"][0]["baseline"].as_f64().unwrap() + 10.0, "{line}");
}

#[test]
fn text_on_a_path_is_told_along_it() {
    let on = |text: &str, more: Value| {
        let mut layer =
            json!({ "type": "text", "text": text, "size": 20, "x": 10, "y": 10, "path": { "d": "M 0 50 L 0 250", "start": 20 } });
        layer.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        told_of(&layer)
    };
    let told = on("Hi", json!({}));
    let line = &told["lines"][0];
    assert_eq!((&line["text"], &line["along"], &line["runs"][0]["along"]), (&json!("Hi"), &json!(40), &json!(40)));
    assert!(line.get("x").is_none() && line.get("baseline").is_none());
    assert_eq!((&told["truncated"], &told["overflow"]), (&json!(false), &json!(false)));
    // It goes down, so that its letters stand to the right of the path.
    let ink = told["ink"].as_object().unwrap();
    let [x, y, width, height] = ["x", "y", "width", "height"].map(|side| ink[side].as_f64().unwrap());
    assert!(x > 18.0 && x + width < 60.0 && y > 160.0 && height > width * 0.5 && y + height < 220.0, "{ink:?}");
    // In what is left of the path.
    assert!((on("Hi", json!({ "align": "end" }))["lines"][0]["along"].as_f64().unwrap() - 400.0).abs() < 80.0);
    let long = "What does not fit on its path is dropped";
    let dropped = on(long, json!({}));
    let text = dropped["lines"][0]["text"].as_str().unwrap();
    assert!(long.starts_with(text) && text.len() > 10 && text.len() < 30, "{text}");
    assert_eq!((&dropped["truncated"], &dropped["overflow"]), (&json!(true), &json!(true)));
    let cut = on(long, json!({ "overflow": "ellipsis" }));
    assert!(cut["lines"][0]["text"].as_str().unwrap().len() < text.len() + 1 && cut["truncated"] == json!(true));
}

#[test]
fn a_measure_has_the_errors_of_a_render() {
    let service = Service::start(&[]);
    service.post_json("/v1/measure", &json!({ "template": "no-such-template" })).problem(404, "unknown_template");
    service.post_json("/v1/measure", &json!({ "template": small(), "scale": 9 })).problem(422, "invalid_value");
    service.post_json("/v1/measure", &json!({ "template": title(), "strict": true })).problem(422, "degraded");
    assert_eq!(service.get("/v1/measure").status, 405);
    let shut = Service::start(&[("api_keys", "r:render-secret:render")]);
    shut.post_json("/v1/measure", &small()).problem(401, "unauthorized");
}

#[test]
fn a_table_tells_its_columns_rows_and_cells() {
    let service = Service::start(&[]);
    let table = json!({ "type": "table", "x": 10, "y": 20, "width": 200, "cell": { "size": 20, "line_height": 30, "padding": 5 },
        "columns": [{ "header": "A", "width": 50 }, { "width": "1fr", "align": "right" }],
        "rows": [{ "repeat": { "each": "['x', 'y']" }, "cells": ["{{ item }}", "b \u{10FFFD}"] }, [{ "text": "both", "colspan": 2 }]] });
    let template = json!({ "width": 300, "height": "auto", "layers": [table] });
    let told = service.post_json("/v1/measure", &json!({ "template": template, "scale": 2 })).json();
    // Four rows of a line and its padding.
    assert_eq!(told["height"], json!(2 * (20 + 4 * 40)));
    assert_eq!(told["degraded"], json!([{ "in": "template", "at": "/layers/0", "why": "missing_glyph" }]));
    let layer = &told["layers"][0];
    assert_eq!(layer["box"], json!({ "x": 20, "y": 40, "width": 400, "height": 320 }));
    assert_eq!(layer["columns"][1], json!({ "x": 120, "y": 40, "width": 300, "height": 320 }));
    assert_eq!(layer["rows"][3], json!({ "x": 20, "y": 280, "width": 400, "height": 80 }));
    let cells = layer["cells"].as_array().unwrap();
    let places: Vec<_> = cells.iter().map(|cell| (cell["at"].as_str().unwrap(), cell["turn"].as_u64())).collect();
    let row = "/layers/0/rows/0/cells";
    let turned = [1, 2].map(|turn| [(format!("{row}/0"), Some(turn)), (format!("{row}/1"), Some(turn))]).concat();
    let mut expected = vec![("/layers/0/columns/0/header".to_owned(), None), ("/layers/0/columns/1".to_owned(), None)];
    expected.extend(turned);
    expected.push(("/layers/0/rows/1/0".to_owned(), None));
    assert_eq!(places, expected.iter().map(|(at, turn)| (at.as_str(), *turn)).collect::<Vec<_>>());
    assert_eq!((&cells[4]["row"], &cells[4]["column"], &cells[4]["lines"][0]["text"]), (&json!(2), &json!(0), &json!("y")));
    assert_eq!(cells[5]["missing"], json!(["U+10FFFD"]));
    assert_eq!(cells[6]["box"], json!({ "x": 20, "y": 280, "width": 400, "height": 80 }));
    // On the right of its column, less the padding.
    let line = &cells[5]["lines"][0];
    assert_eq!(line["x"].as_f64().unwrap() + line["width"].as_f64().unwrap(), 410.0);
}

#[test]
fn a_table_that_cannot_be_says_where() {
    let service = Service::start(&[]);
    let wrong = |table: Value| {
        let mut layer = json!({ "type": "table", "rows": [["a", "b"]] });
        layer.as_object_mut().unwrap().extend(table.as_object().unwrap().clone());
        let answer = service.post_json("/v1/measure", &json!({ "width": 300, "height": 200, "layers": [layer] }));
        let problem = answer.problem(422, answer.json()["code"].as_str().unwrap())["problems"][0].clone();
        (problem["code"].as_str().unwrap().to_owned(), problem["at"].as_str().unwrap().to_owned())
    };
    let told = |code: &str, at: &str| (code.to_owned(), at.to_owned());
    let full = json!({ "width": 100, "columns": [{ "width": 80 }, { "width": "30%" }] });
    assert_eq!(wrong(full), told("conflicting_fields", "/layers/0/columns"));
    let no_room = json!({ "width": 100, "columns": [{ "width": 100 }, {}] });
    assert_eq!(wrong(no_room), told("conflicting_fields", "/layers/0/columns"));
    let part = json!({ "columns": [{}, { "width": "30%" }] });
    assert_eq!(wrong(part), told("conflicting_fields", "/layers/0/columns/1/width"));
    // A family is named where it is written, whoever takes it.
    assert_eq!(wrong(json!({ "columns": [{}, { "font": "Nobody's" }] })), told("unknown_font", "/layers/0/columns/1/font"));
    assert_eq!(
        wrong(json!({ "columns": [{}, {}], "cell": { "font": "Nobody's" } })),
        told("unknown_font", "/layers/0/cell/font")
    );
    let own = json!({ "columns": [{}, {}], "rows": [["a", { "text": "b", "font": "Nobody's" }]] });
    assert_eq!(wrong(own), told("unknown_font", "/layers/0/rows/0/1/font"));
    let lang = json!({ "columns": [{}, { "lang": "x".repeat(200) }] });
    assert_eq!(wrong(lang), told("limit_exceeded", "/layers/0/columns/1/lang"));
}
