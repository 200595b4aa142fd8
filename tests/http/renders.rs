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
