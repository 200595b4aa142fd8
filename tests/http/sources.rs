//! Remote pictures: which addresses are asked, what a wicked origin comes to, what is kept of it, who waits for whom.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::origin::{Origin, answer, drip, hang, png, say};
use crate::support::{Answer, Service, small};

const FETCH: Duration = Duration::from_millis(1_000);
const LEEWAY: Duration = Duration::from_millis(500);

/// A service that may fetch from 127.0.0.1, with short clocks.
fn service(more: &[(&'static str, &str)]) -> Service {
    let mut settings = vec![
        ("allow_private_sources", "127.0.0.1"),
        ("fetch_timeout", "1s"),
        ("first_byte_timeout", "600ms"),
        ("connect_timeout", "400ms"),
        ("max_source_bytes", "200KiB"),
    ];
    settings.retain(|(name, _)| !more.iter().any(|(other, _)| name == other));
    settings.extend(more);
    Service::start(&settings)
}

fn layer(src: &str) -> Value {
    json!({ "type": "image", "name": "photo", "src": src, "width": 4, "height": 3 })
}

fn render(service: &Service, layers: &[Value]) -> Answer {
    service.post_json("/v1/render", &json!({ "template": { "width": 4, "height": 3, "layers": layers } }))
}

fn show(service: &Service, src: &str) -> Answer {
    render(service, &[layer(src)])
}

/// Hosts that lead to this machine or its network, in every dress; `PORT` is put in.
const PRIVATE: &[&str] = &[
    "127.0.0.1:PORT",
    "127.0.0.1.:PORT",
    "2130706433:PORT",
    "0x7f000001:PORT",
    "0X7F000001:PORT",
    "017700000001:PORT",
    "0177.0.0.1:PORT",
    "0x7f.1:PORT",
    "127.1:PORT",
    "127.0.1:PORT",
    "127.0x0.0.01:PORT",
    "127。0。0。1:PORT",
    "１２７.０.０.１:PORT",
    "①②⑦.⓪.⓪.①:PORT",
    "%31%32%37.0.0.1:PORT",
    "0:PORT",
    "0.0.0.0:PORT",
    "localhost:PORT",
    "LOCALHOST:PORT",
    "localhost.:PORT",
    "ｌocalhost:PORT",
    "me.LOCALHOST.:PORT",
    "user@127.0.0.1:PORT",
    "user:secret@localhost:PORT",
    "@127.0.0.1:PORT",
    "example.com@127.0.0.1:PORT",
    "127.0.0.1:PORT#@example.com",
    "127.0.0.1:PORT\\@example.com",
    "[::1]:PORT",
    "[0:0:0:0:0:0:0:1]:PORT",
    "[::]:PORT",
    "[::ffff:127.0.0.1]:PORT",
    "[::FFFF:7F00:1]:PORT",
    "[::127.0.0.1]:PORT",
    "[::ffff:0:127.0.0.1]:PORT",
    "[64:ff9b::127.0.0.1]:PORT",
    "[64:ff9b:1::127.0.0.1]:PORT",
    "[64:ff9b:1:7f00:0:100::]:PORT",
    "[2002:7f00:1::]:PORT",
    "[2001:0:7f00:1::]:PORT",
    "[2001:0:4136:e378:8000:63bf:80ff:fffe]:PORT",
    "[fe80::5efe:127.0.0.1]:PORT",
    "[2a00:1450:4001:81b:0:5efe:127.0.0.1]:PORT",
    "[fe80::1%25lo]:PORT",
    "[fe80::1%lo]:PORT",
    "[fc00::1]:PORT",
    "10.0.0.1:PORT",
    "169.254.169.254",
    "172.16.0.1:PORT",
    "192.168.0.1:PORT",
    "100.64.0.1:PORT",
    "224.0.0.1:PORT",
    "255.255.255.255:PORT",
];

#[test]
fn no_dress_of_a_private_address_is_connected_to() {
    let canary = Origin::canary();
    let service = service(&[("allow_private_sources", "none")]);
    let mut forbidden = 0;
    for host in PRIVATE {
        let src = format!("http://{}/x.png", host.replace("PORT", &canary.address.port().to_string()));
        let begun = Instant::now();
        let answer = show(&service, &src);
        let document = answer.json();
        match (answer.status, document["code"].as_str().unwrap()) {
            (403, "forbidden_source") => forbidden += 1,
            // Zones are no URL at all.
            (422, "invalid_value") => assert!(host.contains('%') || host.contains('\\'), "{host}: {document}"),
            other => panic!("{host}: {other:?} {document}"),
        }
        assert!(begun.elapsed() < Duration::from_secs(5));
        assert_eq!(document["problems"][0]["at"], "/layers/0/src", "{host}");
    }
    assert!(forbidden >= 45, "{forbidden}");
    assert_eq!(canary.connections(), 0);
}

#[test]
fn nor_by_a_redirect_and_every_hop_asks_the_rules() {
    let canary = Origin::canary();
    let port = canary.address.port();
    let origin = Origin::start(move |path, stream| {
        let at: usize = path.trim_start_matches('/').parse().unwrap();
        // 127.0.0.1 with the origin's port is allowed here, with any other not.
        answer(stream, 302, &format!("location: http://{}/x.png\r\n", PRIVATE[at].replace("PORT", &port.to_string())), b"");
    });
    let service = service(&[("allow_private_sources", &origin.address.to_string())]);
    let mut forbidden = 0;
    for (at, host) in PRIVATE.iter().enumerate() {
        let answer = show(&service, &origin.url(&format!("/{at}")));
        match answer.json()["code"].as_str().unwrap() {
            "forbidden_source" => forbidden += 1,
            // A Location that is no URL.
            "source_failed" => assert!(host.contains('%') || host.contains('\\'), "{host}"),
            other => panic!("{host}: {other}"),
        }
    }
    assert!(forbidden >= 45, "{forbidden}");
    assert_eq!((canary.connections(), origin.connections()), (0, PRIVATE.len()));
}

#[test]
fn only_what_is_listed_is_asked_also_behind_a_redirect() {
    let other = Origin::canary();
    let elsewhere = other.url("/x.png");
    let origin = Origin::start(move |path, stream| match path {
        "/leads-away" => answer(stream, 302, &format!("location: {elsewhere}\r\n"), b""),
        _ => answer(stream, 200, "", &png(4, 3)),
    });
    let service = service(&[("only_sources", &origin.address.to_string())]);
    assert_eq!(show(&service, &origin.url("/x.png")).status, 200);
    show(&service, &other.url("/x.png")).problem(403, "forbidden_source");
    show(&service, &origin.url("/leads-away")).problem(403, "forbidden_source");
    assert_eq!(other.connections(), 0);
}

/// What the origin does, and what must come of it; `slow` is when nothing but the clock ends it.
fn wicked() -> Vec<(&'static str, u16, &'static str, bool)> {
    vec![
        ("/drip", 504, "source_timeout", true),
        ("/slow-head", 504, "source_timeout", true),
        ("/never", 504, "source_timeout", true),
        ("/hangs-midway", 504, "source_timeout", true),
        ("/drips-chunks", 504, "source_timeout", true),
        ("/endless", 422, "source_too_large", false),
        ("/huge-by-its-word", 422, "source_too_large", false),
        ("/says-more", 502, "source_failed", false),
        ("/says-less", 422, "not_a_picture", false),
        ("/half-closed", 502, "source_failed", false),
        ("/half-a-picture", 422, "not_a_picture", false),
        ("/gzip", 422, "not_a_picture", false),
        ("/wrong-type", 422, "not_a_picture", false),
        ("/loop", 502, "source_failed", false),
        ("/huge-head", 502, "source_failed", false),
        ("/many-headers", 502, "source_failed", false),
        ("/500", 502, "source_failed", false),
        ("/404", 422, "source_not_found", false),
    ]
}

fn play(path: &str, stream: &mut TcpStream) {
    let whole = png(40, 30);
    let second = Duration::from_secs(1);
    let head = |headers: &str| format!("HTTP/1.1 200 OK\r\nconnection: close\r\n{headers}\r\n");
    match path {
        "/drip" => {
            say(stream, head("content-length: 5000\r\n").as_bytes());
            drip(stream, b"x", second);
        }
        "/slow-head" => {
            say(stream, b"HTTP/1.1 200 OK\r\n");
            drip(stream, b"x-more: y\r\n", Duration::from_millis(100));
        }
        "/never" => hang(stream),
        "/hangs-midway" => {
            say(stream, head(&format!("content-length: {}\r\n", whole.len())).as_bytes());
            say(stream, &whole[..100]);
            hang(stream);
        }
        "/drips-chunks" => {
            say(stream, head("transfer-encoding: chunked\r\n").as_bytes());
            drip(stream, b"1\r\nx\r\n", Duration::from_millis(100));
        }
        "/endless" => {
            say(stream, head("").as_bytes());
            drip(stream, &[0; 16_384], Duration::ZERO);
        }
        "/huge-by-its-word" => {
            say(stream, head("content-length: 999999999999\r\n").as_bytes());
            hang(stream);
        }
        "/says-more" => {
            say(stream, head(&format!("content-length: {}\r\n", whole.len() + 1)).as_bytes());
            say(stream, &whole);
        }
        "/says-less" => {
            say(stream, head(&format!("content-length: {}\r\n", whole.len() - 40)).as_bytes());
            say(stream, &whole);
        }
        "/half-closed" => {
            say(stream, head("content-length: 5000\r\n").as_bytes());
            say(stream, &whole[..100]);
            crate::support::hang_up(stream);
            hang(stream);
        }
        // Without a length the end of the connection looks like the end of the picture.
        "/half-a-picture" => {
            say(stream, head("cache-control: max-age=60\r\n").as_bytes());
            say(stream, &whole[..whole.len() / 2]);
        }
        "/gzip" => {
            // 64 MiB of zeros in 64 KiB.
            let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
            (0..64).for_each(|_| std::io::Write::write_all(&mut bomb, &[0; 1 << 20]).unwrap());
            answer(stream, 200, "content-encoding: gzip\r\ncontent-type: image/png\r\n", &bomb.finish().unwrap());
        }
        "/wrong-type" => answer(stream, 200, "content-type: image/png\r\n", b"<!doctype html><p>no picture"),
        "/loop" => answer(stream, 302, "location: /loop\r\n", b""),
        "/huge-head" => answer(stream, 200, &format!("x: {}\r\n", "y".repeat(4 << 20)), &whole),
        "/many-headers" => answer(stream, 200, &"x: y\r\n".repeat(200), &whole),
        "/500" => answer(stream, 500, "", b"oops"),
        "/404" => answer(stream, 404, "", b"nothing"),
        other => panic!("{other}"),
    }
}

#[test]
fn wicked_origins_end_in_the_promised_status_in_time_and_nothing_is_kept() {
    let origin = Origin::start(play);
    let service = service(&[("fetches_per_host", "64"), ("fetches_at_once", "64")]);
    std::thread::scope(|scope| {
        for (path, status, code, slow) in wicked() {
            let (service, origin) = (&service, &origin);
            scope.spawn(move || {
                let begun = Instant::now();
                let answer = show(service, &origin.url(path));
                let took = begun.elapsed();
                let document = answer.problem(status, code);
                assert_eq!(document["problems"][0]["at"], "/layers/0/src", "{path}");
                assert!(took <= FETCH + LEEWAY, "{path}: {took:?}");
                assert!(!slow || took + LEEWAY >= FETCH, "{path}: {took:?}");
            });
        }
    });
    assert_eq!(service.cached(), [""; 0]);
    let metrics = service.get("/metrics");
    assert_eq!(metrics.sample("affiche_source_bytes{tier=\"memory\"}"), Some(0.0));
    assert_eq!(metrics.sample("affiche_source_fetches"), Some(0.0));
}

#[test]
fn a_failure_is_remembered_for_a_second_and_then_forgotten() {
    let turns = std::sync::atomic::AtomicUsize::new(0);
    let origin = Origin::start(move |_, stream| match turns.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
        0 => answer(stream, 500, "", b""),
        _ => answer(stream, 200, "", &png(4, 3)),
    });
    let service = service(&[]);
    for _ in 0..3 {
        let document = show(&service, &origin.url("/a")).problem(502, "source_failed");
        assert_eq!(document["problems"][0]["origin_status"], 500);
    }
    assert_eq!(origin.connections(), 1);
    std::thread::sleep(Duration::from_millis(1_100));
    assert_eq!(show(&service, &origin.url("/a")).status, 200);
}

#[test]
fn a_broken_body_is_not_kept_and_its_fallback_stands_in() {
    let broken = || {
        let mut bytes = png(40, 30);
        let half = bytes.len() / 2;
        bytes[half..].fill(0);
        bytes
    };
    let turns = std::sync::atomic::AtomicUsize::new(0);
    let origin = Origin::start(move |path, stream| match (path, turns.fetch_add(1, std::sync::atomic::Ordering::SeqCst)) {
        ("/good", _) => answer(stream, 200, "", &png(4, 3)),
        ("/mends", 1..) => answer(stream, 200, "cache-control: max-age=600\r\n", &png(4, 3)),
        _ => answer(stream, 200, "cache-control: max-age=600\r\n", &broken()),
    });
    let service = service(&[]);
    show(&service, &origin.url("/mends")).problem(422, "not_a_picture");
    assert_eq!(service.cached(), [""; 0]);
    std::thread::sleep(Duration::from_millis(1_100));
    assert_eq!(show(&service, &origin.url("/mends")).status, 200, "it was not kept");

    let mut with = layer(&origin.url("/broken"));
    with["on_error"] = json!("hide");
    let hidden = render(&service, std::slice::from_ref(&with));
    assert_eq!((hidden.status, hidden.header("x-affiche-degraded")), (200, Some(r#""/layers/0";name="photo";why=hidden"#)));
    with["fallback"] = json!(origin.url("/good"));
    let fallen = render(&service, std::slice::from_ref(&with));
    assert_eq!((fallen.status, fallen.header("x-affiche-degraded")), (200, Some(r#""/layers/0";name="photo";why=fallback"#)));
    with["fallback"] = json!(origin.url("/broken-too"));
    let hidden = render(&service, &[with]);
    assert_eq!((hidden.status, hidden.header("x-affiche-degraded")), (200, Some(r#""/layers/0";name="photo";why=hidden"#)));
}

#[test]
fn pictures_that_show_through_letters_are_sources_like_any() {
    let origin = Origin::start(|path, stream| match path {
        "/missing" => answer(stream, 404, "", b""),
        _ => answer(stream, 200, "cache-control: max-age=600\r\n", &png(4, 3)),
    });
    let fill = |src: &str| json!({ "type": "image", "src": src });
    let text = |of_layer: Value, of_span: Value| json!({ "type": "text", "size": 4, "color": of_layer, "spans": [{ "text": "a" }, { "text": "b", "color": of_span }] });
    let service = service(&[("max_fetches", "2")]);
    let good =
        render(&service, &[text(fill(&origin.url("/1")), fill(&origin.url("/2"))), text(fill(&origin.url("/1")), json!("red"))]);
    assert_eq!((good.status, good.header("x-affiche-degraded")), (200, None));
    let document = render(&service, &[text(fill(&origin.url("/missing")), json!("red"))]).problem(422, "source_not_found");
    assert_eq!(document["problems"][0]["at"], "/layers/0/color/src");
    let document = render(&service, &[layer(&origin.url("/1")), text(json!("red"), fill("http://10.0.0.1/"))]);
    assert_eq!(document.problem(403, "forbidden_source")["problems"][0]["at"], "/layers/1/spans/1/color/src");
    let layers = [text(fill(&origin.url("/1")), fill(&origin.url("/2"))), text(fill(&origin.url("/3")), json!("red"))];
    render(&service, &layers).problem(422, "limit_exceeded");
    let template = json!({ "width": 4, "height": 3, "layers": [text(fill(&origin.url("/1")), json!("red"))] });
    let told = service.post_json("/v1/measure", &json!({ "template": template })).json();
    assert_eq!(told["layers"][0]["source"], "memory");
}

#[test]
fn one_budget_of_bytes_for_all_layers_and_their_fallbacks() {
    let picture = png(60, 60);
    let (length, shown) = (picture.len(), picture.clone());
    let origin = Origin::start(move |path, stream| match path {
        "/missing" => answer(stream, 404, "", b""),
        _ => answer(stream, 200, "cache-control: max-age=600\r\n", &shown),
    });
    let two = [layer(&origin.url("/1")), layer(&origin.url("/2"))];
    let mut fallen = layer(&origin.url("/missing"));
    fallen["fallback"] = json!(origin.url("/3"));
    let with_fallback = [layer(&origin.url("/4")), fallen];
    for (budget, good) in [(2 * length - 1, false), (2 * length, true), (2 * length + 1, true)] {
        let service = service(&[("max_request_bytes", &format!("{budget}B"))]);
        for layers in [&two, &with_fallback] {
            for _warm in 0..2 {
                let answer = render(&service, layers);
                if good {
                    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
                } else {
                    answer.problem(422, if layers == &two { "source_too_large" } else { "source_not_found" });
                }
            }
        }
    }
}

#[test]
fn fetches_of_one_poster_are_counted() {
    let origin = Origin::start(|_, stream| answer(stream, 200, "", &png(4, 3)));
    let service = service(&[("max_fetches", "2")]);
    for (fetches, status) in [(1, 200), (2, 200), (3, 422)] {
        let layers: Vec<Value> = (0..fetches).map(|n| layer(&origin.url(&format!("/{n}")))).collect();
        assert_eq!(render(&service, &layers).status, status, "{fetches}");
    }
    // The same one twice is one fetch.
    let layers: Vec<Value> = (0..9).map(|n| layer(&origin.url(&format!("/{}", n % 2)))).collect();
    assert_eq!(render(&service, &layers).status, 200);
}

#[test]
fn what_all_requests_hold_is_bounded() {
    let picture = png(60, 60);
    let (length, shown) = (picture.len(), picture.clone());
    let origin = Origin::start(move |_, stream| answer(stream, 200, "", &shown));
    for (room, status) in [(length - 1, 429), (length, 200)] {
        let service = service(&[("max_source_memory", &format!("{room}B")), ("cache_memory", "0B")]);
        let answer = show(&service, &origin.url("/a"));
        assert_eq!(answer.status, status);
        if status == 429 {
            answer.problem(429, "overloaded");
            assert!(answer.header("retry-after").is_some());
        }
    }
}

#[test]
fn no_worker_waits_for_an_origin() {
    let origin = Origin::start(|_, stream| hang(stream));
    let service = service(&[("render_workers", "1"), ("fetch_timeout", "3s"), ("first_byte_timeout", "3s")]);
    std::thread::scope(|scope| {
        let hanging: Vec<_> = (0..8).map(|n| (n, &service, &origin)).collect();
        for (n, service, origin) in hanging {
            scope.spawn(move || show(service, &origin.url(&format!("/{n}"))).problem(504, "source_timeout"));
        }
        let begun = Instant::now();
        while origin.connections() < 8 {
            assert!(begun.elapsed() < Duration::from_secs(2), "the fetches never began");
            std::thread::sleep(Duration::from_millis(5));
        }
        let begun = Instant::now();
        for _ in 0..20 {
            assert_eq!(service.post_json("/v1/render", &small()).status, 200);
        }
        assert!(begun.elapsed() < Duration::from_millis(1_500), "{:?}", begun.elapsed());
        let metrics = service.get("/metrics");
        assert_eq!(metrics.sample("affiche_source_fetches"), Some(8.0));
        assert_eq!(metrics.sample("affiche_workers_busy"), Some(0.0));
        assert_eq!(metrics.sample("affiche_renders_in_hand"), Some(8.0));
    });
}
