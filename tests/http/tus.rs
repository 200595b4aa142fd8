//! Resumable uploads by tus 1.0, asked by hand over real sockets.

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{Answer, PATIENCE, Service, hang_up};

const TUS: (&str, &str) = ("Tus-Resumable", "1.0.0");
const CHUNK: (&str, &str) = ("Content-Type", "application/offset+octet-stream");
/// Of "hello".
const SHA: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
const SHA1: &str = "sha1 qvTGHdzF6KLavt4PO0gs2a6pQ00=";
/// `name hello.txt`.
const NAMED: (&str, &str) = ("Upload-Metadata", "name aGVsbG8udHh0,filetype dGV4dC9wbGFpbg==");

fn create(service: &Service, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    service.ask("POST", "/v1/tus", &[&[TUS], headers].concat(), body)
}

#[track_caller]
fn made(service: &Service, length: usize, headers: &[(&str, &str)]) -> String {
    let answer = create(service, &[&[("Upload-Length", length.to_string().as_str())], headers].concat(), b"");
    assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(&answer.body));
    assert_eq!((answer.header("upload-offset"), answer.header("tus-resumable")), (Some("0"), Some("1.0.0")));
    assert!(httpdate_in_future(answer.header("upload-expires").unwrap()));
    answer.header("location").unwrap().to_owned()
}

fn httpdate_in_future(text: &str) -> bool {
    httpdate::parse_http_date(text).unwrap() > std::time::SystemTime::now()
}

fn patch(service: &Service, at: &str, offset: usize, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let offset = offset.to_string();
    service.ask("PATCH", at, &[&[TUS, CHUNK, ("Upload-Offset", offset.as_str())], headers].concat(), body)
}

#[track_caller]
fn offset(service: &Service, at: &str) -> usize {
    let head = service.ask("HEAD", at, &[TUS], b"");
    assert_eq!((head.status, head.header("cache-control")), (200, Some("no-store")));
    head.header("upload-offset").unwrap().parse().unwrap()
}

#[test]
fn what_the_service_can_do() {
    let service = Service::start(&[("max_upload_bytes", "1000"), ("api_keys", "a:secret:write")]);
    for path in ["/v1/tus", "/v1/tus/00000000000000000000000000000000"] {
        let answer = service.ask("OPTIONS", path, &[], b"");
        assert_eq!(
            (answer.status, answer.header("tus-version"), answer.header("tus-max-size")),
            (204, Some("1.0.0"), Some("1000"))
        );
        let extensions: Vec<&str> = answer.header("tus-extension").unwrap().split(',').collect();
        for extension in ["creation", "creation-with-upload", "creation-defer-length", "checksum", "expiration", "termination"] {
            assert!(extensions.contains(&extension), "{extension}");
        }
        assert_eq!(answer.header("tus-checksum-algorithm"), Some("sha1,sha256"));
    }
}

#[test]
fn made_sent_in_pieces_and_then_an_upload() {
    let service = Service::start(&[]);
    let at = made(&service, 5, &[NAMED]);
    let first = patch(&service, &at, 0, &[], b"he");
    assert_eq!((first.status, first.header("upload-offset"), first.header("content-location")), (204, Some("2"), None));
    service.get("/v1/uploads/hello.txt").problem(404, "not_found");
    let head = service.ask("HEAD", &at, &[TUS], b"");
    assert_eq!((head.header("upload-offset"), head.header("upload-length")), (Some("2"), Some("5")));
    assert_eq!(head.header("upload-metadata"), Some(NAMED.1));
    assert_eq!(service.get(&at).json(), json!({ "offset": 2, "length": 5 }));
    let last = patch(&service, &at, 2, &[], b"llo");
    assert_eq!((last.status, last.header("upload-offset")), (204, Some("5")));
    assert_eq!(
        (last.header("content-location"), last.header("etag")),
        (Some("/v1/uploads/hello.txt"), Some(format!("\"{SHA}\"").as_str()))
    );
    let got = service.get("/v1/uploads/hello.txt");
    assert_eq!((got.body.as_slice(), got.header("etag")), (&b"hello"[..], last.header("etag")));
    assert!(got.header("content-type").unwrap().starts_with("text/plain"));
    // Whoever lost the answer asks again.
    assert_eq!(offset(&service, &at), 5);
    let told = service.get(&at).json();
    assert_eq!((&told["name"], &told["sha256"], &told["bytes"]), (&json!("hello.txt"), &json!(SHA), &json!(5)));
    assert_eq!(patch(&service, &at, 5, &[("Content-Length", "0")], b"").status, 204);
    patch(&service, &at, 5, &[], b"!").problem(413, "body_too_large");
}

#[test]
fn a_template_takes_it_at_once() {
    let service = Service::start(&[]);
    let picture = service.post_json("/v1/render", &crate::support::small()).body;
    let answer = create(
        &service,
        &[("Upload-Length", &picture.len().to_string()), CHUNK, ("Upload-Metadata", "filename YS5wbmc=")],
        &picture,
    );
    assert_eq!((answer.status, answer.header("upload-offset").unwrap().parse().unwrap_or(0)), (201, picture.len()));
    assert_eq!(answer.json()["media_type"], "image/png");
    assert_eq!(answer.header("content-location"), Some("/v1/uploads/a.png"));
    assert!(answer.header("location").unwrap().starts_with("/v1/tus/"));
    let layer = json!({ "type": "image", "src": "upload:a.png", "x": 0, "y": 0, "width": 4, "height": 3 });
    let drawn = service.post_json("/v1/render", &json!({ "width": 4, "height": 3, "layers": [layer] }));
    assert_eq!(drawn.status, 200, "{}", String::from_utf8_lossy(&drawn.body));
}

/// Sends a head that announces more than comes.
fn begin(service: &Service, at: &str, offset: usize, announced: usize, sent: &[u8]) -> TcpStream {
    let mut stream = service.connect();
    let head = format!(
        "PATCH {at} HTTP/1.1\r\nHost: x\r\nTus-Resumable: 1.0.0\r\nContent-Type: application/offset+octet-stream\r\n\
         Upload-Offset: {offset}\r\nContent-Length: {announced}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(sent).unwrap();
    stream
}

/// Waits until so much is on the disk; does not end who sends.
#[track_caller]
fn reaches(service: &Service, at: &str, offset: usize) {
    let begun = Instant::now();
    while service.get(at).json()["offset"] != offset {
        assert!(begun.elapsed() < PATIENCE, "{}", service.get(at).json());
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn what_came_before_a_cut_stays() {
    let service = Service::start(&[]);
    let all: Vec<u8> = (0..1_000_000_u32).map(|n| (n / 7) as u8).collect();
    let at = made(&service, all.len(), &[("Upload-Metadata", "name Y3V0")]);
    let mut there = 0;
    for (n, sent) in [1, 70_000, 300_001, 255_999].into_iter().enumerate() {
        let stream = begin(&service, &at, there, all.len() - there, &all[there..there + sent]);
        if n % 2 == 0 {
            hang_up(&stream);
        }
        drop(stream);
        there += sent;
        reaches(&service, &at, there);
        service.get("/v1/uploads/cut").problem(404, "not_found");
    }
    assert_eq!(offset(&service, &at), there);
    assert_eq!(patch(&service, &at, there, &[], &all[there..]).status, 204);
    assert_eq!(service.get("/v1/uploads/cut").body, all);
}

#[test]
fn a_newer_request_ends_a_hung_one() {
    let service = Service::start(&[]);
    let at = made(&service, 10, &[]);
    let mut hung = begin(&service, &at, 0, 10, b"abc");
    std::thread::sleep(Duration::from_millis(100));
    let begun = Instant::now();
    assert_eq!(offset(&service, &at), 3);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    Answer::read(&mut hung, "PATCH").unwrap().problem(409, "upload_busy");
    let mut hung = begin(&service, &at, 3, 7, b"def");
    reaches_or_begins(&service, &at);
    assert_eq!(patch(&service, &at, 6, &[], b"ghij").status, 204);
    Answer::read(&mut hung, "PATCH").unwrap().problem(409, "upload_busy");
}

/// A request that began surely has the turn after a moment; there is nothing to see from outside.
fn reaches_or_begins(service: &Service, at: &str) {
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(service.get(at).status, 200);
}

#[test]
fn a_body_that_ends_early_counts_as_far_as_it_came() {
    let service = Service::start(&[]);
    let at = made(&service, 5, &[]);
    let stream = begin(&service, &at, 0, 5, b"hel");
    hang_up(&stream);
    reaches(&service, &at, 3);
    assert_eq!(patch(&service, &at, 3, &[], b"lo").header("upload-offset"), Some("5"));
}

#[test]
fn checksums() {
    let service = Service::start(&[]);
    let at = made(&service, 5, &[NAMED]);
    patch(&service, &at, 0, &[("Upload-Checksum", SHA1)], b"jello").problem(460, "digest_mismatch");
    assert_eq!(offset(&service, &at), 0, "nothing of it was kept");
    patch(&service, &at, 0, &[("Upload-Checksum", "md5 XUFAKrxLKna5cZ2REBfFkg==")], b"hello").problem(400, "invalid_header");
    assert_eq!(patch(&service, &at, 0, &[("Upload-Checksum", SHA1)], b"hello").status, 204);
    let sha256 = ("Upload-Checksum", "sha256 LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=");
    let at_once = |body: &[u8]| create(&service, &[("Upload-Length", "5"), CHUNK, sha256], body);
    assert_eq!(at_once(b"hello").status, 201);
    at_once(b"jello").problem(460, "digest_mismatch");
    assert_eq!(
        service.files().iter().filter(|name| name.starts_with(".tus-") && name.len() == 37).count(),
        0,
        "{:?}",
        service.files()
    );
}

#[test]
fn wrong_requests_and_their_answers() {
    let service = Service::start(&[("max_upload_bytes", "1000")]);
    let at = made(&service, 5, &[]);
    for version in ["0.2.2", "1.0"] {
        let answer = service.ask("HEAD", &at, &[("Tus-Resumable", version)], b"");
        assert_eq!(
            (answer.status, answer.header("tus-version"), answer.header("tus-resumable")),
            (412, Some("1.0.0"), Some("1.0.0"))
        );
    }
    service.ask("POST", "/v1/tus", &[("Upload-Length", "5")], b"").problem(412, "precondition_failed");
    create(&service, &[], b"").problem(400, "invalid_header");
    create(&service, &[("Upload-Length", "-5")], b"").problem(400, "invalid_header");
    create(&service, &[("Upload-Length", "5"), ("Upload-Defer-Length", "1")], b"").problem(400, "invalid_header");
    create(&service, &[("Upload-Length", "5"), ("Upload-Metadata", "a b c")], b"").problem(400, "invalid_header");
    create(&service, &[("Upload-Length", "5"), ("Upload-Concat", "partial")], b"").problem(400, "invalid_header");
    for (length, status) in [("999", 201), ("1000", 201), ("1001", 413), ("99999999999999999999999", 413)] {
        assert_eq!(create(&service, &[("Upload-Length", length)], b"").status, status, "{length}");
    }
    create(&service, &[("Upload-Length", "5")], b"hello").problem(415, "unsupported_media_type");

    let mismatch = patch(&service, &at, 3, &[], b"hello");
    mismatch.problem(409, "offset_mismatch");
    assert_eq!((mismatch.header("upload-offset"), mismatch.header("tus-resumable")), (Some("0"), Some("1.0.0")));
    patch(&service, &at, 0, &[], b"hello!").problem(413, "body_too_large");
    let chunked = [TUS, CHUNK, ("Upload-Offset", "0"), ("Transfer-Encoding", "chunked")];
    service.ask("PATCH", &at, &chunked, b"3\r\nhel\r\n3\r\nlo!\r\n0\r\n\r\n").problem(413, "body_too_large");
    assert_eq!(offset(&service, &at), 0);
    service.ask("PATCH", &at, &[TUS, ("Upload-Offset", "0")], b"hello").problem(415, "unsupported_media_type");
    service.ask("PATCH", &at, &[TUS, CHUNK], b"hello").problem(400, "invalid_header");
    for path in ["/v1/tus/00000000000000000000000000000000", "/v1/tus/x", "/v1/tus/..%2f..%2fetc"] {
        patch(&service, path, 0, &[], b"x").problem(404, "not_found");
        assert_eq!(service.ask("HEAD", path, &[TUS], b"").status, 404);
    }
    let put = service.ask("PUT", &at, &[TUS], b"x");
    put.problem(405, "method_not_allowed");
    assert!(put.header("allow").unwrap().contains("PATCH"));
    service.ask("GET", "/v1/tus", &[TUS], b"").problem(405, "method_not_allowed");
    assert_eq!(service.ask("PATCH", &at, &chunked, b"5\r\nhello\r\n0\r\n\r\n").status, 204);
}

#[test]
fn deferred_length_and_termination() {
    let service = Service::start(&[]);
    let answer = create(&service, &[("Upload-Defer-Length", "1"), NAMED], b"");
    let at = answer.header("location").unwrap();
    assert_eq!((answer.status, answer.header("upload-defer-length")), (201, Some("1")));
    assert_eq!(patch(&service, at, 0, &[], b"hel").status, 204);
    let head = service.ask("HEAD", at, &[TUS], b"");
    assert_eq!((head.header("upload-defer-length"), head.header("upload-length")), (Some("1"), None));
    patch(&service, at, 3, &[("Upload-Length", "2")], b"").problem(400, "invalid_header");
    assert_eq!(patch(&service, at, 3, &[("Upload-Length", "5")], b"lo").status, 204);
    assert_eq!(service.get("/v1/uploads/hello.txt").body, b"hello");

    let at = made(&service, 5, &[]);
    assert_eq!(patch(&service, &at, 0, &[], b"he").status, 204);
    assert_eq!(service.ask("DELETE", &at, &[TUS], b"").status, 204);
    service.ask("DELETE", &at, &[TUS], b"").problem(404, "not_found");
    assert_eq!(service.ask("HEAD", &at, &[TUS], b"").status, 404);
    patch(&service, &at, 2, &[], b"llo").problem(404, "not_found");
}

#[test]
fn who_can_only_post_says_what_he_means() {
    let service = Service::start(&[]);
    let at = made(&service, 5, &[NAMED]);
    let meant = ("X-HTTP-Method-Override", "PATCH");
    let sent = service.ask("POST", &at, &[TUS, CHUNK, meant, ("Upload-Offset", "0")], b"hello");
    assert_eq!((sent.status, sent.header("upload-offset")), (204, Some("5")));
    assert_eq!(service.ask("POST", &at, &[TUS, ("X-HTTP-Method-Override", "DELETE")], b"").status, 204);
    assert_eq!(service.get("/v1/uploads/hello.txt").body, b"hello");
    service.ask("POST", &at, &[TUS], b"").problem(405, "method_not_allowed");
}

#[test]
fn expired_ones_are_gone() {
    let service = Service::start(&[("partial_ttl", "400ms")]);
    let at = made_soon_over(&service);
    assert_eq!(patch(&service, &at, 0, &[], b"he").status, 204);
    std::thread::sleep(Duration::from_millis(600));
    patch(&service, &at, 2, &[], b"llo").problem(410, "gone");
    assert_eq!(service.ask("HEAD", &at, &[TUS], b"").status, 410);
}

fn made_soon_over(service: &Service) -> String {
    let answer = create(service, &[("Upload-Length", "5")], b"");
    assert_eq!(answer.status, 201);
    answer.header("location").unwrap().to_owned()
}

#[test]
fn so_many_at_a_time_and_within_the_quota() {
    let service = Service::start(&[("max_partials", "2"), ("upload_quota", "10")]);
    let first = made(&service, 4, &[]);
    made(&service, 4, &[]);
    let refused = create(&service, &[("Upload-Length", "1")], b"");
    refused.problem(429, "overloaded");
    assert!(refused.header("retry-after").is_some());
    service.ask("PUT", "/v1/uploads/a", &[], b"abc").problem(507, "no_space");
    assert_eq!(patch(&service, &first, 0, &[], b"abcd").status, 204);
    create(&service, &[("Upload-Length", "3")], b"").problem(507, "no_space");
    assert_eq!(create(&service, &[("Upload-Length", "2")], b"").status, 201);
}

#[test]
fn conditions() {
    let service = Service::start(&[]);
    let absent = ("If-None-Match", "*");
    let at = made(&service, 5, &[NAMED, absent]);
    assert_eq!(service.ask("PUT", "/v1/uploads/hello.txt", &[], b"first").status, 201);
    create(&service, &[("Upload-Length", "5"), NAMED, absent], b"").problem(412, "precondition_failed");
    patch(&service, &at, 0, &[], b"hello").problem(412, "precondition_failed");
    assert_eq!(service.get("/v1/uploads/hello.txt").body, b"first");
    create(&service, &[("Upload-Length", "5"), NAMED, ("If-Match", "\"0\"")], b"").problem(400, "invalid_header");
    let at = made(&service, 5, &[NAMED]);
    assert_eq!(patch(&service, &at, 0, &[], b"hello").status, 204);
    assert_eq!(service.get("/v1/uploads/hello.txt").body, b"hello", "without a condition it takes the name over, as PUT does");
}

#[test]
fn who_may() {
    let service = Service::start(&[("api_keys", "r:reads:render,w:writes:write")]);
    let length = ("Upload-Length", "5");
    create(&service, &[length], b"").problem(401, "unauthorized");
    create(&service, &[length, ("Authorization", "Bearer reads")], b"").problem(403, "forbidden");
    let key = ("Authorization", "Bearer writes");
    let at = made(&service, 5, &[key]);
    for method in ["HEAD", "GET", "PATCH", "DELETE"] {
        let answer = service.ask(method, &at, &[TUS, CHUNK, ("Upload-Offset", "0"), ("Authorization", "Bearer reads")], b"");
        assert_eq!(answer.status, 403, "{method}");
    }
    assert_eq!(patch(&service, &at, 0, &[key], b"hello").status, 204);
    let open = Service::listening(&[], Some("0.0.0.0:1"));
    create(&open, &[length], b"").problem(403, "writes_closed");
    let none = Service::start(&[("data_dir", "none")]);
    create(&none, &[length], b"").problem(507, "no_space");
    assert_eq!(none.ask("HEAD", &at, &[TUS], b"").status, 404);
}

#[test]
fn pages_of_friends_may() {
    let service = Service::start(&[("cors_origins", "https://shop.example"), ("base_path", "/p")]);
    let origin = ("Origin", "https://shop.example");
    let preflight = service.ask("OPTIONS", "/p/v1/tus", &[origin, ("Access-Control-Request-Method", "PATCH")], b"");
    assert!(preflight.header("access-control-allow-methods").unwrap().contains("PATCH"));
    let allowed = preflight.header("access-control-allow-headers").unwrap();
    for header in
        ["Tus-Resumable", "Upload-Length", "Upload-Offset", "Upload-Metadata", "Upload-Checksum", "X-HTTP-Method-Override"]
    {
        assert!(allowed.contains(header), "{header}");
    }
    let made = service.ask("POST", "/p/v1/tus", &[TUS, origin, ("Upload-Length", "5"), NAMED], b"");
    assert_eq!(made.header("access-control-allow-origin"), Some("https://shop.example"));
    let exposed = made.header("access-control-expose-headers").unwrap();
    for header in
        ["Location", "Upload-Offset", "Upload-Length", "Upload-Expires", "Tus-Resumable", "Tus-Version", "Content-Location"]
    {
        assert!(exposed.contains(header), "{header}");
    }
    let at = made.header("location").unwrap();
    assert!(at.starts_with("/p/v1/tus/"), "{at}");
    assert_eq!(patch(&service, at, 0, &[], b"hello").header("content-location"), Some("/p/v1/uploads/hello.txt"));
    let stranger = service.ask("POST", "/p/v1/tus", &[TUS, ("Origin", "https://evil.example"), ("Upload-Length", "5")], b"");
    assert_eq!((stranger.status, stranger.header("access-control-expose-headers")), (403, None));
}
