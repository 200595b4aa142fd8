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

/// No text holds half of a surrogate pair, however it is written; a NUL is a character like others.
#[test]
fn half_a_surrogate_pair_is_no_json_and_a_nul_is_a_character() {
    let service = Service::start(&[]);
    let template = |text: &str| {
        format!(
            "{{ \"template\": {{ \"width\": 9, \"height\": 9, \"layers\": [\n  {{ \"type\": \"text\", \"text\": \"{text}\" }}] }} }}"
        )
    };
    let variable = |text: &str| {
        let layer = "{ \"type\": \"text\", \"text\": \"{{ words }}\" }";
        format!(
            "{{ \"template\": {{ \"width\": 9, \"height\": 9, \"layers\": [{layer}] }},\n  \"variables\": {{ \"words\": \"{text}\" }} }}"
        )
    };
    let bodies: [&dyn Fn(&str) -> String; 2] = [&template, &variable];
    for body in bodies {
        for half in ["a\\ud800b", "\\udc00", "\\ud83d\\ud83d\\ude00", "\\ud800"] {
            let sent = body(half);
            let document = service.ask("POST", "/v1/render", &[], sent.as_bytes()).problem(400, "malformed_json");
            assert_eq!(places(&document), ["body  malformed_json"]);
            let detail = document["detail"].as_str().unwrap();
            let line = sent.lines().nth(1).unwrap();
            let escape = line.find("\\u").unwrap() + 1;
            let (before, column) =
                detail.split_once("line 2, column ").map(|(before, after)| (before, after.split(':').next())).unwrap();
            let column: usize = column.unwrap().parse().unwrap();
            assert!(before.contains("not JSON") && (escape..escape + 20).contains(&column), "{half}: {detail}");
            assert!(detail.contains("surrogate") || detail.contains("hex escape"), "{half}: {detail}");
        }
        for whole in ["\\ud83d\\ude00", "a\\u0000b", "\\u0000"] {
            let answer = service.ask("POST", "/v1/render", &[], body(whole).as_bytes());
            assert_eq!(answer.status, 200, "{whole}");
        }
        // Half a pair written as bytes is no UTF-8 either, and a bare NUL no JSON.
        for bytes in [&b"\xED\xA0\x80"[..], b"\0"] {
            let sent = body("HERE").into_bytes();
            let at = sent.windows(4).position(|window| window == b"HERE").unwrap();
            let sent = [&sent[..at], bytes, &sent[at + 4..]].concat();
            let document = service.ask("POST", "/v1/render", &[], &sent).problem(400, "malformed_json");
            assert!(document["detail"].as_str().unwrap().contains("line 2, column "), "{document}");
        }
    }
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
