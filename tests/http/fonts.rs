//! Fonts from uploads: drawn as if they lay in `font_dirs`, bounded, and an error of the layer where they are no good.

use serde_json::{Value, json};

use crate::support::{Answer, Service};

fn font(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/posters/fonts/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn upload(service: &Service, name: &str, bytes: &[u8]) {
    let stored = service.ask("PUT", &format!("/v1/uploads/{name}"), &[], bytes);
    assert!(matches!(stored.status, 200 | 201), "{stored:?}");
}

fn poster(fonts: &[Value]) -> Value {
    let layer = |(n, font): (usize, &Value)| json!({ "type": "text", "text": "Hamburg 汉字 & Ötzi", "size": 20, "y": 30 * n, "font": font });
    json!({ "width": 240, "height": 80, "background": "#fff", "layers": fonts.iter().enumerate().map(layer).collect::<Vec<_>>() })
}

fn render(service: &Service, font: Value) -> Answer {
    service.post_json("/v1/render", &poster(&[font]))
}

fn with(settings: &[(&'static str, &str)]) -> Service {
    let service = Service::start(settings);
    upload(&service, "Latin.otf", &font("latin.otf"));
    upload(&service, "cjk", &font("cjk.otf"));
    service
}

#[test]
fn an_upload_is_drawn_as_if_it_lay_in_a_font_folder() {
    let folder = format!("{}/tests/posters/fonts", env!("CARGO_MANIFEST_DIR"));
    let known = Service::start(&[("font_dirs", &folder)]);
    let families = render(&known, json!(["Inter", "Noto Sans CJK SC"]));
    let bundled = render(&Service::start(&[]), json!(["Inter", "Noto Sans CJK SC"]));
    assert_eq!((families.status, bundled.status), (200, 200));
    for memory in ["0", "64KiB", "96MiB"] {
        let service = with(&[("cache_memory", memory)]);
        for turn in 0..3 {
            let own = render(&service, json!(["upload:Latin.otf", "UPLOAD:cjk"]));
            assert_eq!(own.status, 200, "{}", String::from_utf8_lossy(&own.body));
            assert!(own.body == families.body, "turn {turn} with {memory} of memory");
            assert!(own.body != bundled.body);
        }
        let alone = render(&service, json!("upload:Latin.otf"));
        assert_eq!((alone.status, alone.header("x-affiche-degraded")), (200, None), "the built-in chain has the rest");
        // A name that is not there but could be a family is passed over; one that differs by case is another upload.
        assert!(render(&service, json!(["Nowhere", "upload:Latin.otf", "upload:cjk"])).body == families.body);
        render(&service, json!("upload:latin.otf")).problem(422, "source_not_found");
    }
}

#[test]
fn a_font_is_paid_once_also_where_a_picture_proves_broken() {
    let sound = font("latin.otf");
    // Its header is good and its body is not: that is seen when it is drawn, and what is shown is then gathered anew.
    let mut broken = Vec::new();
    image::RgbImage::new(64, 64).write_to(&mut std::io::Cursor::new(&mut broken), image::ImageFormat::Png).unwrap();
    let half = broken.len() / 2;
    broken[half..].fill(0);
    let budget = sound.len() + broken.len() + 100;
    let service = with(&[("max_request_bytes", &format!("{budget}B"))]);
    upload(&service, "broken", &broken);
    let mut poster = poster(&[json!("upload:Latin.otf")]);
    poster["layers"]
        .as_array_mut()
        .unwrap()
        .push(json!({ "type": "image", "src": "upload:broken", "width": 9, "height": 9, "on_error": "hide" }));
    let drawn = service.post_json("/v1/render", &poster);
    assert_eq!(drawn.status, 200, "{}", String::from_utf8_lossy(&drawn.body));
    assert!(drawn.header("x-affiche-degraded").is_some());
}

#[test]
fn a_font_that_is_replaced_is_drawn_anew() {
    let service = with(&[]);
    let first = render(&service, json!("upload:Latin.otf")).body;
    upload(&service, "Latin.otf", &font("latin-bold.otf"));
    let second = render(&service, json!("upload:Latin.otf")).body;
    assert!(first != second);
    upload(&service, "Latin.otf", &font("latin.otf"));
    assert!(render(&service, json!("upload:Latin.otf")).body == first);
}

#[test]
fn what_is_no_font_is_an_error_of_every_layer_that_names_it() {
    let service = with(&[("max_source_bytes", "300000")]);
    let sound = font("latin.otf");
    let woff = [b"wOF2", &sound[4..2000]].concat();
    let large = [sound.as_slice(), &[0; 100_000]].concat();
    for (name, bytes, code) in [
        ("text", b"hello".as_slice(), "not_a_font"),
        ("empty", b"", "not_a_font"),
        ("half", &sound[..4_000], "not_a_font"),
        ("woff", &woff, "not_a_font"),
        ("large", &large, "source_too_large"),
    ] {
        upload(&service, name, bytes);
        let named = format!("upload:{name}");
        let answer = service.post_json("/v1/render", &poster(&[json!(["Inter", named]), json!("Inter"), json!(named)]));
        let told = answer.problem(422, code);
        let places: Vec<&str> = told["problems"].as_array().unwrap().iter().map(|p| p["at"].as_str().unwrap()).collect();
        assert_eq!(places, ["/layers/0/font", "/layers/2/font"], "{told:#}");
        assert!(told["detail"].as_str().unwrap().contains(&named), "{told:#}");
    }
    for wrong in ["upload:.hidden", "upload:", "asset:../x.otf", "https://example.com/a.otf", "data:font/otf;base64,AAAA"] {
        render(&service, json!(["Inter", wrong])).problem(422, "invalid_value");
    }
    // Exactly the cap passes, and one more does not.
    for (length, status) in [(299_999, 200), (300_000, 200), (300_001, 422)] {
        upload(&service, "edge", &[sound.as_slice(), &vec![0; length - sound.len()]].concat());
        assert_eq!(render(&service, json!("upload:edge")).status, status, "{length}");
    }
}

#[test]
fn so_many_fonts_of_one_request_and_no_more() {
    let service = Service::start(&[]);
    let sound = font("cjk.otf");
    let names: Vec<Value> = (0..17).map(|n| json!(format!("upload:f{n}"))).collect();
    for n in 0..17 {
        upload(&service, &format!("f{n}"), &sound);
    }
    for (count, status) in [(15, 200), (16, 200), (17, 422)] {
        let answer = service.post_json("/v1/render", &poster(&names[..count]));
        assert_eq!(answer.status, status, "{count}: {}", String::from_utf8_lossy(&answer.body));
    }
    service.post_json("/v1/render", &poster(&names)).problem(422, "limit_exceeded");
}

#[test]
fn damaged_fonts_are_drawn_or_refused_and_nothing_else() {
    let service = Service::start(&[]);
    let sound = font("cjk.otf");
    let mut seed = 7_u32;
    let mut seen = [0; 2];
    for turn in 0..60 {
        let mut bytes = sound.clone();
        // Half of them in the directory and the tables that stand first.
        let within = if turn % 2 == 0 { 2_000 } else { bytes.len() };
        for _ in 0..16 {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            bytes[(seed >> 8) as usize % within] = (seed >> 3) as u8;
        }
        upload(&service, "damaged", &bytes);
        let answer = render(&service, json!(["upload:damaged"]));
        assert!(matches!(answer.status, 200 | 422), "{turn}: {}", String::from_utf8_lossy(&answer.body));
        seen[usize::from(answer.status == 422)] += 1;
    }
    assert!(seen.iter().all(|count| *count > 0), "{seen:?} say little");
}
