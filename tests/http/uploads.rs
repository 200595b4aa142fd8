//! Uploads: whole or not at all, under plain names, by their content.

use std::io::Write;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{PATIENCE, Service, hang_up};

/// Of "hello".
const SHA: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

#[test]
fn put_get_head_delete() {
    let service = Service::start(&[]);
    let stored = service.ask("PUT", "/v1/uploads/greeting.txt", &[("Content-Type", "image/png")], b"hello");
    assert_eq!((stored.status, stored.header("location")), (201, Some("/v1/uploads/greeting.txt")));
    let told = stored.json();
    assert_eq!((&told["name"], &told["bytes"], &told["sha256"]), (&json!("greeting.txt"), &json!(5), &json!(SHA)));
    assert_eq!(told["url"], "/v1/uploads/greeting.txt");
    assert!(told["media_type"].as_str().unwrap().starts_with("text/plain"), "by content, not by word: {told}");

    let got = service.get("/v1/uploads/greeting.txt");
    assert_eq!((got.status, got.body.as_slice()), (200, &b"hello"[..]));
    assert_eq!(
        (got.header("etag"), got.header("x-content-type-options")),
        (Some(format!("\"{SHA}\"").as_str()), Some("nosniff"))
    );
    assert_eq!(got.header("content-type"), told["media_type"].as_str());
    let head = service.ask("HEAD", "/v1/uploads/greeting.txt", &[], b"");
    assert_eq!(
        (head.status, head.body.len(), head.header("content-length"), head.header("etag")),
        (200, 0, Some("5"), got.header("etag"))
    );

    let again = service.ask("PUT", "/v1/uploads/greeting.txt", &[], b"hello again");
    assert_eq!((again.status, again.json()["bytes"].as_u64()), (200, Some(11)));
    assert_eq!(service.ask("DELETE", "/v1/uploads/greeting.txt", &[], b"").status, 204);
    service.get("/v1/uploads/greeting.txt").problem(404, "not_found");
    service.ask("DELETE", "/v1/uploads/greeting.txt", &[], b"").problem(404, "not_found");
    assert_eq!(service.files(), [""; 0]);
}

#[test]
fn post_makes_a_name() {
    let service = Service::start(&[]);
    let stored = service.ask("POST", "/v1/uploads", &[], b"hello");
    let told = stored.json();
    let name = told["name"].as_str().unwrap();
    assert_eq!((stored.status, name.len()), (201, 32));
    assert_eq!(stored.header("location"), Some(format!("/v1/uploads/{name}").as_str()));
    assert_eq!(service.get(&format!("/v1/uploads/{name}")).body, b"hello");
    let other = service.ask("POST", "/v1/uploads", &[("Transfer-Encoding", "chunked")], b"5\r\nhello\r\n0\r\n\r\n");
    assert_ne!(other.json()["name"], name);
    assert_eq!(other.json()["sha256"], SHA);
    let empty = service.ask("POST", "/v1/uploads", &[("Content-Length", "0")], b"");
    assert_eq!((empty.status, empty.json()["bytes"].as_u64()), (201, Some(0)));
}

#[test]
fn names_stay_in_their_folder() {
    let service = Service::start(&[]);
    let long = "x".repeat(129);
    for name in [".hidden", "..", "%2e%2e%2fetc", "a%2fb", "a%00b", "a%20b", "%E7%8C%AB", long.as_str()] {
        let answer = service.ask("PUT", &format!("/v1/uploads/{name}"), &[], b"x");
        answer.problem(400, "invalid_name");
    }
    for path in ["/v1/uploads/../../etc/passwd", "/v1/uploads/a/b", "/v1/uploads/"] {
        service.ask("PUT", path, &[], b"x").problem(404, "not_found");
    }
    assert_eq!(service.files(), [""; 0]);
    assert_eq!(service.ask("PUT", &format!("/v1/uploads/{}", &long[1..]), &[], b"x").status, 201);
}

#[test]
fn the_size_at_the_edge() {
    let service = Service::start(&[("max_upload_bytes", "1000")]);
    for (bytes, status) in [(999, 201), (1000, 200), (1001, 413)] {
        let answer = service.ask("PUT", "/v1/uploads/a", &[], &vec![7; bytes]);
        assert_eq!(answer.status, status, "{bytes}");
        let mut body = format!("{bytes:x}\r\n").into_bytes();
        body.extend_from_slice(&vec![7; bytes]);
        body.extend_from_slice(b"\r\n0\r\n\r\n");
        let answer = service.ask("PUT", "/v1/uploads/a", &[("Transfer-Encoding", "chunked")], &body);
        assert_eq!(answer.status, if status == 413 { 413 } else { 200 }, "{bytes} chunked");
    }
    service.ask("PUT", "/v1/uploads/b", &[], &[7; 1001]).problem(413, "body_too_large");
    assert_eq!(service.get("/v1/uploads/a").body.len(), 1000, "the refused ones changed nothing");
}

#[test]
fn a_full_quota() {
    let service = Service::start(&[("upload_quota", "1500")]);
    assert_eq!(service.ask("PUT", "/v1/uploads/a", &[], &[7; 1000]).status, 201);
    service.ask("PUT", "/v1/uploads/b", &[], &[7; 1000]).problem(507, "no_space");
    assert_eq!(service.ask("PUT", "/v1/uploads/c", &[], &[7; 500]).status, 201);
}

#[test]
fn without_a_folder() {
    let service = Service::start(&[("data_dir", "none")]);
    service.ask("PUT", "/v1/uploads/a", &[], b"x").problem(507, "no_space");
    service.get("/v1/uploads/a").problem(404, "not_found");
}

#[test]
fn a_cut_connection_leaves_nothing() {
    let service = Service::start(&[]);
    for sent in [0, 1, 70_000, 999_999] {
        let mut stream = service.connect();
        stream.write_all(b"PUT /v1/uploads/cut HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n").unwrap();
        stream.write_all(&vec![7; sent]).unwrap();
        hang_up(&stream);
        drop(stream);
    }
    let begun = Instant::now();
    loop {
        // The last of them has surely begun once a later request is served.
        service.get("/v1/uploads/cut").problem(404, "not_found");
        std::thread::sleep(Duration::from_millis(50));
        if service.files().is_empty() && begun.elapsed() > Duration::from_millis(300) {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "{:?}", service.files());
    }
}

#[test]
fn conditions_and_digests() {
    let service = Service::start(&[]);
    let put = |headers: &[(&str, &str)], body: &[u8]| service.ask("PUT", "/v1/uploads/a", headers, body);
    put(&[("If-Match", "*")], b"hello").problem(412, "precondition_failed");
    assert_eq!(put(&[("If-None-Match", "*")], b"hello").status, 201);
    put(&[("If-None-Match", "*")], b"other").problem(412, "precondition_failed");
    let etag = format!("\"{SHA}\"");
    put(&[("If-None-Match", &etag)], b"other").problem(412, "precondition_failed");
    assert_eq!(put(&[("If-Match", &etag)], b"hello").status, 200);
    put(&[("If-Match", "\"0000\"")], b"other").problem(412, "precondition_failed");

    let digest = "sha-256=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=:";
    assert_eq!(put(&[("Repr-Digest", digest)], b"hello").status, 200);
    put(&[("Content-Digest", digest)], b"jello").problem(460, "digest_mismatch");
    put(&[("Content-Encoding", "gzip")], b"hello").problem(415, "unsupported_media_type");
    assert_eq!(service.get("/v1/uploads/a").body, b"hello");
    assert_eq!(service.ask("DELETE", "/v1/uploads/a", &[("If-Match", &etag)], b"").status, 204);
}

#[test]
fn nothing_that_could_run_is_shown() {
    let service = Service::start(&[]);
    let disposition = |body: &[u8]| {
        service.ask("PUT", "/v1/uploads/a.x", &[], body);
        let got = service.get("/v1/uploads/a.x");
        assert!(got.header("content-security-policy").unwrap().contains("sandbox"));
        got.header("content-disposition").map(str::to_owned)
    };
    let attached = Some("attachment; filename=\"a.x\"".to_owned());
    assert_eq!(disposition(b"<!doctype html><script>1</script>"), attached);
    assert_eq!(disposition(b"<svg xmlns='http://www.w3.org/2000/svg'/>"), attached);
    assert_eq!(disposition(b"\xef\xbb\xbf\n<body onload=alert(1)>"), attached);
    assert_eq!(disposition(b"<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'/>"), attached);
    assert_eq!(disposition(b"%PDF-1.7"), attached);
    assert_eq!(disposition(b"\x89PNG\r\n\x1a\n...."), None);
    assert_eq!(disposition(b"plain"), None);
}

#[test]
fn digests_come_back_and_must_agree() {
    let service = Service::start(&[]);
    let put = |headers: &[(&str, &str)], body: &[u8]| service.ask("PUT", "/v1/uploads/a", headers, body);
    let digest = "sha-256=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=:";
    let zero = "sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:";
    // One of two is wrong, whichever stands first.
    put(&[("Repr-Digest", digest), ("Content-Digest", zero)], b"hello").problem(460, "digest_mismatch");
    put(&[("Repr-Digest", zero), ("Content-Digest", digest)], b"hello").problem(460, "digest_mismatch");
    for broken in ["sha-256=2cf2", "sha-256=:AAAA:", "sha-256=:LPJ*:", "sha-256", "sha-256=:\u{e9}:"] {
        put(&[("Repr-Digest", broken)], b"hello").problem(422, "invalid_value");
    }
    assert_eq!(service.files(), [""; 0]);
    let several = format!("md5=:AAAA:, {digest};parameter=1");
    assert_eq!(put(&[("Repr-Digest", &several), ("Content-Digest", digest)], b"hello").status, 201);

    let ask = |method, headers: &[(&str, &str)]| service.ask(method, "/v1/uploads/a", headers, b"");
    let etag = format!("\"{SHA}\"");
    for (method, headers, status) in [
        ("GET", &[][..], 200),
        ("HEAD", &[], 200),
        ("GET", &[("Range", "bytes=0-1")], 206),
        ("GET", &[("If-None-Match", &etag)], 304),
    ] {
        let answer = ask(method, headers);
        assert_eq!((answer.status, answer.header("repr-digest")), (status, Some(digest)), "{method} {headers:?}");
        // Of the bytes that are sent: only where these are all there are.
        let whole = status == 200 && method == "GET";
        assert_eq!(answer.header("content-digest"), whole.then_some(digest), "{method} {headers:?}");
    }
}

#[test]
fn conditions_in_every_form() {
    let service = Service::start(&[]);
    let put = |headers: &[(&str, &str)]| service.ask("PUT", "/v1/uploads/a", headers, b"hello").status;
    let delete = |headers: &[(&str, &str)]| service.ask("DELETE", "/v1/uploads/a", headers, b"").status;
    assert_eq!(put(&[]), 201);
    let etag = format!("\"{SHA}\"");
    let weak = format!("W/{etag}");
    // Several lines of a list are one list.
    assert_eq!(put(&[("If-Match", "\"other\""), ("If-Match", &etag)]), 200);
    assert_eq!(put(&[("If-Match", &weak)]), 412, "strong comparison");
    for never in [
        &[("If-None-Match", "\"other\""), ("If-None-Match", etag.as_str())][..],
        &[("If-None-Match", &weak)],
        &[("If-None-Match", "\"x\", *")],
    ] {
        assert_eq!((put(never), delete(never)), (412, 412), "{never:?}");
    }
    assert_eq!(put(&[("If-None-Match", "\"other\"")]), 200);
    let both = [("If-Match", etag.as_str()), ("If-None-Match", "*")];
    assert_eq!((put(&both), delete(&both)), (412, 412));
    let (past, future) = ("Sun, 06 Nov 1994 08:49:37 GMT", "Fri, 06 Nov 2093 08:49:37 GMT");
    let unmodified = |since| [("If-Unmodified-Since", since)];
    assert_eq!((put(&unmodified(past)), delete(&unmodified(past))), (412, 412));
    assert_eq!(put(&unmodified(future)), 200);
    // An entity tag says more than a date, which then counts for nothing.
    assert_eq!(put(&[("If-Match", &etag), ("If-Unmodified-Since", past)]), 200);
    assert_eq!(delete(&unmodified(future)), 204);
}
