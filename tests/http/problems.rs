//! What is wrong is told as a problem document (RFC 9457), with its place, all at once.

use serde_json::{Value, json};

use crate::support::{Service, small};

#[track_caller]
fn places(document: &Value) -> Vec<String> {
    let one = |problem: &Value| {
        format!("{} {} {}", problem["in"].as_str().unwrap(), problem["at"].as_str().unwrap(), problem["code"].as_str().unwrap())
    };
    let mut all: Vec<String> = document["problems"].as_array().unwrap().iter().map(one).collect();
    all.sort();
    all
}

#[test]
fn malformed_json() {
    let document =
        Service::start(&[]).ask("POST", "/v1/render", &[], b"{\"template\": {\n\"width\": }}").problem(400, "malformed_json");
    assert_eq!(places(&document), ["body  malformed_json"]);
    assert!(document["detail"].as_str().unwrap().contains("line 2, column 10"), "{document}");
}

#[test]
fn the_body_s_fields_all_at_once() {
    let body = json!({ "template": small(), "scale": 9, "varibles": {}, "dpi": "72" });
    let document = Service::start(&[]).post_json("/v1/render", &body).problem(422, "invalid_value");
    assert_eq!(places(&document), ["body /dpi wrong_type", "body /scale invalid_value", "body /varibles unknown_field"]);
    let hint = document["problems"].as_array().unwrap().iter().find(|p| p["at"] == "/varibles").unwrap()["hint"].clone();
    assert!(hint.as_str().unwrap().contains("variables"), "{hint}");
}

#[test]
fn the_template_s_fields_all_at_once() {
    let template = json!({ "width": 10, "height": 10, "layers": [
        { "type": "rect", "width": 4, "height": 4, "fill": "#fff", "borderRadius": 3 },
        { "type": "text", "text": "x", "font_size": 12 },
    ] });
    let document = Service::start(&[]).post_json("/v1/render", &json!({ "template": template })).problem(422, "unknown_field");
    assert_eq!(
        places(&document),
        ["template /layers/0/borderRadius unknown_field", "template /layers/1/font_size unknown_field"]
    );
    let text = document.to_string();
    assert!(text.contains("`radius`") && text.contains("`size`"), "{document:#}");
}

#[test]
fn the_lowest_status_speaks_for_all() {
    let template = json!({ "width": 10, "height": 10, "layers": [
        { "type": "image", "src": "http://127.0.0.1:9/x.png" },
        { "type": "image", "src": "upload:nothing" },
    ] });
    let document = Service::start(&[]).post_json("/v1/render", &template).problem(403, "forbidden_source");
    assert_eq!(places(&document), ["template /layers/0/src forbidden_source", "template /layers/1/src source_not_found"]);
}

#[test]
fn names_and_routes() {
    let service = Service::start(&[]);
    service.post_json("/v1/render", &json!({ "template": "no-such-template" })).problem(404, "unknown_template");
    service.get("/v2/render").problem(404, "not_found");
    let answer = service.get("/v1/render");
    answer.problem(405, "method_not_allowed");
    assert_eq!(answer.header("allow"), Some("POST"));
    let answer = service.ask("POST", "/v1/uploads/a", &[], b"x");
    answer.problem(405, "method_not_allowed");
    assert_eq!(answer.header("allow"), Some("GET,HEAD,PUT,DELETE"));
    service.get("/v1/uploads/%ff").problem(400, "invalid_name");
}

#[test]
fn what_is_not_spoken_here() {
    let service = Service::start(&[]);
    let body = small().to_string();
    service.ask("POST", "/v1/render", &[("Content-Type", "text/csv")], body.as_bytes()).problem(415, "unsupported_media_type");
    let packed = service.ask("POST", "/v1/render", &[("Content-Encoding", "br")], body.as_bytes());
    packed.problem(415, "unsupported_media_type");
    assert_eq!(packed.header("accept-encoding"), Some("gzip, identity"));
    let accepted = service.ask("POST", "/v1/render", &[("Accept", "image/gif")], body.as_bytes());
    accepted.problem(406, "not_acceptable");
    assert_eq!(accepted.header("vary"), Some("Accept"));
}

#[test]
fn request_ids() {
    let service = Service::start(&[]);
    let own = service.ask("GET", "/nowhere", &[("X-Request-Id", "order-17")], b"");
    assert_eq!(own.problem(404, "not_found")["request_id"], "order-17");
    let odd = service.ask("GET", "/nowhere", &[("X-Request-Id", "a b<script>")], b"");
    assert_eq!(odd.header("x-request-id").unwrap().len(), 32);
    assert!(service.get("/livez").header("x-request-id").is_some(), "good answers have one too");
}

#[test]
fn a_head_too_large() {
    let service = Service::start(&[]);
    let long = "x".repeat(70 << 10);
    assert_eq!(service.ask("GET", "/livez", &[("X-Long", &long)], b"").status, 431);
}
