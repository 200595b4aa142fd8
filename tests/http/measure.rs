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
    // A render does not wait for the ink.
    let ink = told["layers"][0].as_object_mut().unwrap().remove("ink").unwrap();
    told["layers"][1].as_object_mut().unwrap().remove("ink").unwrap();
    told.as_object_mut().unwrap().remove("degraded");
    assert_eq!(rendered.json()["receipt"], told);

    let (first, second) = (&told["layers"][0], &told["layers"][1]);
    assert_eq!((told["width"].clone(), told["height"].clone()), (json!(800), json!(600)));
    assert_eq!(first["box"], json!({ "x": 40, "y": 60, "width": 600, "height": 100 }));
    assert_eq!((&first["size"], &first["missing"], &first["overflow"]), (&json!(80), &json!(["U+10FFFD"]), &json!(false)));
    assert_eq!(first["fonts"], json!(["Inter", "Noto Sans SC"]));
    let line = &first["lines"][0];
    assert_eq!((&line["text"], &line["start"], &line["end"]), (&json!("Hi 世界 \u{10FFFD}"), &json!(0), &json!(14)));
    let runs: Vec<(&str, u64, u64)> = line["runs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|run| (run["font"].as_str().unwrap(), run["start"].as_u64().unwrap(), run["end"].as_u64().unwrap()))
        .collect();
    assert_eq!(runs, [("Inter", 0, 3), ("Noto Sans SC", 3, 9), ("Inter", 9, 14)]);
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
fn a_measure_has_the_errors_of_a_render() {
    let service = Service::start(&[]);
    service.post_json("/v1/measure", &json!({ "template": "no-such-template" })).problem(404, "unknown_template");
    service.post_json("/v1/measure", &json!({ "template": small(), "scale": 9 })).problem(422, "invalid_value");
    service.post_json("/v1/measure", &json!({ "template": title(), "strict": true })).problem(422, "degraded");
    assert_eq!(service.get("/v1/measure").status, 405);
    let shut = Service::start(&[("api_keys", "r:render-secret:render")]);
    shut.post_json("/v1/measure", &small()).problem(401, "unauthorized");
}
