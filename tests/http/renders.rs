//! Renders: the picture and what is said about it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use crate::support::{Answer, Service, small};

#[track_caller]
fn pixels(png: &[u8]) -> (u32, u32, Vec<u8>) {
    let picture = image::load_from_memory_with_format(png, image::ImageFormat::Png).unwrap().to_rgba8();
    (picture.width(), picture.height(), picture.into_raw())
}

fn render(service: &Service, body: &Value, headers: &[(&str, &str)]) -> Answer {
    service.ask("POST", "/v1/render", headers, body.to_string().as_bytes())
}

#[test]
fn a_png_and_its_headers() {
    let service = Service::start(&[]);
    let answer = render(&service, &json!({ "template": small() }), &[]);
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, Some("image/png")),
        "{}",
        String::from_utf8_lossy(&answer.body)
    );
    assert_eq!(pixels(&answer.body), (4, 3, [255, 0, 0, 255].repeat(12)));
    assert_eq!((answer.header("cache-control"), answer.header("vary")), (Some("no-store"), Some("Accept")));
    assert_eq!(answer.header("content-length"), Some(answer.body.len().to_string().as_str()));
    let etag = answer.header("etag").unwrap();
    assert!(etag.starts_with('"') && etag.len() == 34, "{etag}");
    assert!(answer.header("server-timing").unwrap().contains(";dur="));
    assert_eq!(answer.header("x-affiche-degraded"), None);

    let bare = render(&service, &small(), &[]);
    assert_eq!((bare.status, &bare.body, bare.header("etag")), (200, &answer.body, Some(etag)));
    let scaled = render(&service, &json!({ "template": small(), "scale": 2 }), &[]);
    assert_eq!(pixels(&scaled.body).0, 8);
    assert_ne!(scaled.header("etag"), Some(etag));
    let wider = render(&service, &json!({ "template": small(), "canvas": { "width": 7 } }), &[]);
    assert_eq!(pixels(&wider.body).0, 7);
}

#[test]
fn format_then_accept_then_png() {
    let service = Service::start(&[]);
    let kind = |format: Option<&str>, accept: Option<&str>| {
        let headers: Vec<(&str, &str)> = accept.map(|accept| ("Accept", accept)).into_iter().collect();
        let answer = render(&service, &json!({ "template": small(), "format": format }), &headers);
        answer.header("content-type").unwrap().to_owned()
    };
    assert_eq!(kind(None, None), "image/png");
    assert_eq!(kind(None, Some("image/avif,image/webp,*/*;q=0.8")), "image/webp");
    assert_eq!(kind(Some("jpeg"), Some("image/webp")), "image/jpeg");
    assert_eq!(kind(Some("webp"), Some("application/json")), "application/json");
}

#[test]
fn as_json() {
    let service = Service::start(&[]);
    let picture = render(&service, &small(), &[]);
    let answer = render(&service, &small(), &[("Accept", "application/json")]).json();
    assert_eq!((&answer["media_type"], &answer["degraded"]), (&json!("image/png"), &json!([])));
    assert_eq!(BASE64.decode(answer["image"].as_str().unwrap()).unwrap(), picture.body);
    assert_eq!((&answer["receipt"]["width"], &answer["receipt"]["height"]), (&json!(4), &json!(3)));
}

#[test]
fn an_upload_is_a_source_at_once() {
    let service = Service::start(&[]);
    let red = render(&service, &small(), &[]).body;
    assert_eq!(service.ask("PUT", "/v1/uploads/red.png", &[], &red).status, 201);
    let template = json!({ "width": 4, "height": 3, "layers": [{ "type": "image", "src": "upload:red.png" }] });
    assert_eq!(pixels(&render(&service, &template, &[]).body), (4, 3, [255, 0, 0, 255].repeat(12)));
}

#[test]
fn a_degraded_picture_says_so() {
    let service = Service::start(&[]);
    let layers =
        json!([{ "type": "image", "name": "photo", "src": "upload:nothing", "width": 4, "height": 3, "on_error": "hide" }]);
    let body = json!({ "template": { "width": 4, "height": 3, "layers": layers } });
    let answer = render(&service, &body, &[]);
    assert_eq!((answer.status, answer.header("x-affiche-degraded")), (200, Some(r#""/layers/0";name="photo";why=hidden"#)));
    let told = render(&service, &body, &[("Accept", "application/json")]).json();
    assert_eq!(told["degraded"], json!([{ "in": "template", "at": "/layers/0", "name": "photo", "why": "hidden" }]));
    let mut strict = body;
    strict["strict"] = json!(true);
    render(&service, &strict, &[]).problem(422, "degraded");
}

#[test]
fn built_in_templates_by_name() {
    let service = Service::start(&[]);
    let answer = render(&service, &json!({ "template": "share" }), &[]);
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    assert_eq!(pixels(&answer.body).0, 1080);
}

#[test]
fn a_logo_that_fails_ends_as_its_code_says() {
    let service = Service::start(&[]);
    let template = |on_error: Value, logo: &str| {
        let mut code = json!({ "type": "qr", "name": "code", "data": "https://example.com/", "size": 100, "logo": logo });
        code["on_error"] = on_error;
        json!({ "width": 100, "height": 100, "background": "#ffffff", "layers": [code] })
    };
    let wrong = render(&service, &template(Value::Null, "upload:nothing"), &[]).problem(422, "source_not_found");
    assert_eq!(wrong["problems"][0]["at"], "/layers/0/logo");
    let hidden = render(&service, &template(json!("hide"), "upload:nothing"), &[]);
    assert_eq!(hidden.header("x-affiche-degraded"), Some(r#""/layers/0/logo";why=hidden"#));
    // Whole, as one of its level that has none.
    let is_whole = ["L", "M", "Q", "H"].iter().any(|level| {
        let code = json!({ "type": "qr", "data": "https://example.com/", "size": 100, "level": level });
        let plain = json!({ "width": 100, "height": 100, "background": "#ffffff", "layers": [code] });
        render(&service, &plain, &[]).body == hidden.body
    });
    assert!(is_whole);
    let stands_in = render(&service, &template(json!("placeholder"), "upload:nothing"), &[]);
    assert_eq!(stands_in.header("x-affiche-degraded"), Some(r#""/layers/0/logo";why=placeholder"#));
    assert_ne!(pixels(&stands_in.body), pixels(&hidden.body));
    // Nor is a broken body seen before it is drawn.
    let png = render(&service, &small(), &[]).body;
    let broken = [&png[..33], &[0; 40]].concat();
    assert_eq!(service.ask("PUT", "/v1/uploads/broken.png", &[], &broken).status, 201);
    let wrong = render(&service, &template(Value::Null, "upload:broken.png"), &[]).problem(422, "not_a_picture");
    assert_eq!(wrong["problems"][0]["at"], "/layers/0/logo");
    let hidden = render(&service, &template(json!("hide"), "upload:broken.png"), &[]);
    assert_eq!((hidden.status, hidden.header("x-affiche-degraded")), (200, Some(r#""/layers/0/logo";why=hidden"#)));
}

#[test]
fn a_text_that_cannot_stand_out_degrades_the_picture_and_strict_refuses_it() {
    let service = Service::start(&[]);
    let template = |contrast: Value| {
        let faint =
            json!({ "type": "text", "name": "faint", "text": "grey", "size": 40, "color": "#777777", "contrast": contrast });
        json!({ "width": 120, "height": 60, "background": "#808080", "layers": [faint] })
    };
    let body = |contrast: Value, strict: bool| json!({ "template": template(contrast), "strict": strict });
    let faint = render(&service, &body(json!({ "min": 4.5 }), false), &[]);
    assert_eq!((faint.status, faint.header("x-affiche-degraded")), (200, Some(r#""/layers/0";name="faint";why=low_contrast"#)));
    // Told again from what is remembered.
    let again = render(&service, &body(json!({ "min": 4.5 }), false), &[]);
    assert_eq!(again.header("x-affiche-degraded"), faint.header("x-affiche-degraded"));
    let refused = render(&service, &body(json!({ "min": 4.5 }), true), &[]).problem(422, "degraded");
    assert_eq!(refused["problems"][0]["at"], "/layers/0");
    assert!(refused["problems"][0]["message"].as_str().unwrap().contains("low_contrast"), "{refused}");
    let helped = render(&service, &body(json!({ "min": 4.5, "fix": "swap" }), true), &[]);
    assert_eq!((helped.status, helped.header("x-affiche-degraded")), (200, None));
}

#[test]
fn a_code_that_nobody_can_read_is_not_shipped() {
    let service = Service::start(&[]);
    let template = |verify: Value| {
        json!({ "width": 100, "height": 100, "background": "#ffffff", "layers": [
            { "type": "qr", "name": "code", "data": "https://example.com/", "size": 100, "verify": verify },
            { "type": "rect", "x": 0, "y": 0, "width": 60, "height": 100, "fill": "#ff0000" }
        ] })
    };
    let wrong = render(&service, &template(json!(true)), &[]).problem(422, "code_unreadable");
    let problem = &wrong["problems"][0];
    assert_eq!((&problem["in"], &problem["at"]), (&json!("template"), &json!("/layers/0")));
    assert!(problem["message"].as_str().unwrap().contains("over it lie `/layers/1`"), "{problem}");
    assert!(problem["hint"].as_str().is_some_and(|hint| !hint.is_empty()), "{problem}");
    assert_eq!(render(&service, &template(json!(false)), &[]).status, 200);
}
