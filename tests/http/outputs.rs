//! `outputs`: several sizes and formats of one poster in one answer.

use std::io::{Cursor, Read as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use crate::support::{Answer, Service, small};

fn render(service: &Service, body: &Value, headers: &[(&str, &str)]) -> Answer {
    service.ask("POST", "/v1/render", headers, body.to_string().as_bytes())
}

/// Names and contents, in the order of the archive.
#[track_caller]
fn unzipped(answer: &Answer) -> Vec<(String, Vec<u8>)> {
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, Some("application/zip")),
        "{}",
        String::from_utf8_lossy(&answer.body)
    );
    let mut archive = zip::ZipArchive::new(Cursor::new(&answer.body)).unwrap();
    let entries = (0..archive.len()).map(|i| {
        let mut entry = archive.by_index(i).unwrap();
        assert_eq!(entry.compression(), zip::CompressionMethod::Stored);
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        (entry.name().unwrap().into_owned(), bytes)
    });
    entries.collect()
}

/// A poster with a layer that pins to the right, one that stretches and one in per cent.
fn campaign() -> Value {
    json!({
        "width": 40, "height": 30, "background": "#ffffff",
        "layers": [
            { "type": "rect", "right": 2, "bottom": 2, "width": 4, "height": 4, "fill": "#ff0000" },
            { "type": "rect", "x": 3, "right": 3, "y": 1, "height": 2, "fill": "#0000ff" },
            { "type": "rect", "x": "50%", "y": "50%", "width": "10%", "height": "10%", "fill": "#008000" }
        ]
    })
}

#[test]
fn a_zip_of_what_single_renders_give() {
    let service = Service::start(&[]);
    let body = json!({ "template": campaign(), "canvas": { "width": 50, "height": 20 }, "scale": 2, "outputs": [
        {}, { "name": "story", "canvas": { "width": 20, "height": 60 } }, { "format": "jpeg", "scale": 1, "quality": 40 },
        { "format": "webp", "name": "og.wide", "canvas": { "height": 25, "background": "#ffff00" }, "dpi": 144 }
    ] });
    let answer = render(&service, &body, &[]);
    let entries = unzipped(&answer);
    let names: Vec<&str> = entries.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["1.png", "story.png", "3.jpg", "og.wide.webp"]);
    let alone = [
        json!({ "template": campaign(), "canvas": { "width": 50, "height": 20 }, "scale": 2 }),
        json!({ "template": campaign(), "canvas": { "width": 20, "height": 60 }, "scale": 2 }),
        json!({ "template": campaign(), "canvas": { "width": 50, "height": 20 }, "format": "jpeg", "quality": 40 }),
        json!({ "template": campaign(), "canvas": { "height": 25, "background": "#ffff00" }, "scale": 2, "format": "webp", "dpi": 144 }),
    ];
    for ((name, bytes), body) in entries.iter().zip(&alone) {
        let single = render(&service, body, &[]);
        assert_eq!(single.status, 200);
        assert!(*bytes == single.body, "{name} is not what is rendered alone");
    }
    assert_eq!((answer.header("cache-control"), answer.header("vary")), (Some("no-store"), Some("Accept")));
    assert!(answer.header("server-timing").unwrap().contains("raster;dur="));
    // The same again, now partly remembered, gives the same bytes.
    for _ in 0..3 {
        assert!(render(&service, &body, &[]).body == answer.body);
    }
}

#[test]
fn as_multipart_and_as_json() {
    let service = Service::start(&[]);
    let body = json!({ "template": small(), "outputs": [{}, { "format": "jpeg", "name": "b", "scale": 3 }] });
    let files = unzipped(&render(&service, &body, &[]));

    let answer = render(&service, &body, &[("Accept", "multipart/mixed")]);
    let kind = answer.header("content-type").unwrap().to_owned();
    let boundary = kind.strip_prefix("multipart/mixed; boundary=\"").unwrap().strip_suffix('"').unwrap();
    assert_eq!(answer.header("content-length"), Some(answer.body.len().to_string().as_str()));
    let mut rest = answer.body.as_slice();
    for (name, bytes) in &files {
        let head = format!("\r\n--{boundary}\r\n");
        rest = rest.strip_prefix(head.as_bytes()).unwrap();
        let end = rest.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        let headers = std::str::from_utf8(&rest[..end]).unwrap();
        assert!(headers.contains(&format!("filename=\"{name}\"")), "{headers}");
        assert!(headers.contains(&format!("Content-Length: {}\r\n", bytes.len())), "{headers}");
        let kind = if name.ends_with(".png") { "image/png" } else { "image/jpeg" };
        assert!(headers.contains(&format!("Content-Type: {kind}\r\n")) && headers.contains("ETag: \""), "{headers}");
        rest = rest[end + 4..].strip_prefix(bytes.as_slice()).unwrap();
    }
    assert_eq!(rest, format!("\r\n--{boundary}--\r\n").as_bytes());

    let told = render(&service, &body, &[("Accept", "application/json")]).json();
    let outputs = told["outputs"].as_array().unwrap();
    assert_eq!(outputs.len(), 2);
    for (one, (name, bytes)) in outputs.iter().zip(&files) {
        assert_eq!(one["file"], json!(name));
        assert_eq!(BASE64.decode(one["image"].as_str().unwrap()).unwrap(), *bytes);
    }
    assert_eq!((&outputs[0]["receipt"]["width"], &outputs[1]["receipt"]["width"]), (&json!(4), &json!(12)));
    render(&service, &body, &[("Accept", "image/png")]).problem(406, "not_acceptable");
}

#[test]
fn problems_name_the_output_and_come_once() {
    let service = Service::start(&[("max_request_pixels", "20000"), ("max_canvas_side", "500")]);
    let wrong =
        json!({ "template": campaign(), "outputs": [{}, { "canvas": { "width": -3 } }, { "canvas": { "height": "x" } }] });
    let told = render(&service, &wrong, &[]).problem(422, "invalid_value");
    let places: Vec<&str> = told["problems"].as_array().unwrap().iter().map(|p| p["at"].as_str().unwrap()).collect();
    assert_eq!(places, ["/outputs/1/canvas/width", "/outputs/2/canvas/height"]);

    // A source that is missing is missing in each of them, and told once.
    let mut template = campaign();
    template["layers"].as_array_mut().unwrap().push(json!({ "type": "image", "src": "upload:nothing", "width": 4, "height": 3 }));
    let missing = json!({ "template": template, "outputs": [{}, { "scale": 2 }, { "canvas": { "width": 9 } }] });
    let told = render(&service, &missing, &[]).problem(422, "source_not_found");
    assert_eq!(told["problems"].as_array().unwrap().len(), 1, "{told}");

    // 40 by 30 pixels at scale 2 are 4,800: four of them fit, five do not.
    let some = |n: usize| json!({ "template": campaign(), "scale": 2, "outputs": vec![json!({}); n] });
    let differing = |n: usize| {
        let outputs: Vec<Value> = (0..n).map(|i| json!({ "canvas": { "background": format!("#00000{i}") } })).collect();
        json!({ "template": campaign(), "scale": 2, "outputs": outputs })
    };
    assert_eq!(render(&service, &some(5), &[]).status, 200, "one size is drawn once");
    assert_eq!(render(&service, &differing(4), &[]).status, 200);
    render(&service, &differing(5), &[]).problem(422, "limit_exceeded");
}

#[test]
fn what_is_degraded_is_told_once_and_strict_refuses_it() {
    let service = Service::start(&[]);
    let layers =
        json!([{ "type": "image", "name": "photo", "src": "upload:nothing", "width": 4, "height": 3, "on_error": "hide" }]);
    let mut body = json!({ "template": { "width": 4, "height": 3, "layers": layers }, "outputs": [{}, { "scale": 2 }] });
    let answer = render(&service, &body, &[]);
    assert_eq!(answer.header("x-affiche-degraded"), Some(r#""/layers/0";name="photo";why=hidden"#));
    assert_eq!(unzipped(&answer).len(), 2);
    body["strict"] = json!(true);
    let told = render(&service, &body, &[]).problem(422, "degraded");
    assert_eq!(told["problems"].as_array().unwrap().len(), 1);
}

#[test]
fn a_broken_picture_is_replaced_in_every_output() {
    let service = Service::start(&[]);
    // A header that is good and a body that is not.
    let mut picture = render(&service, &small(), &[]).body;
    let cut = picture.len() - 20;
    picture[cut] ^= 0xff;
    assert_eq!(service.ask("PUT", "/v1/uploads/broken.png", [].as_slice(), &picture).status, 201);
    let layers = json!([{ "type": "image", "src": "upload:broken.png", "width": 4, "height": 3, "on_error": "placeholder" }]);
    let body =
        json!({ "template": { "width": 4, "height": 3, "layers": layers }, "outputs": [{}, { "canvas": { "width": 8 } }] });
    let answer = render(&service, &body, &[]);
    assert_eq!(
        answer.header("x-affiche-degraded"),
        Some(r#""/layers/0";why=placeholder"#),
        "{}",
        String::from_utf8_lossy(&answer.body)
    );
    let widths = unzipped(&answer).into_iter().map(|(_, bytes)| image::load_from_memory(&bytes).unwrap().width());
    assert_eq!(widths.collect::<Vec<_>>(), [4, 8]);
}
