//! `max_body_bytes`: at N-1, N and N+1, announced or not, packed or not; the refusal arrives.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::support::{Answer, Service};

const MOST: usize = 2_000;

/// A good body of exactly so many bytes.
fn body(bytes: usize) -> Vec<u8> {
    let frame = r#"{"template":{"width":1,"height":1,"layers":[],"description":""}}"#;
    frame.replace(r#":""}"#, &format!(r#":"{}"}}"#, "x".repeat(bytes - frame.len()))).into_bytes()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

fn chunked(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for part in bytes.chunks(300) {
        out.extend_from_slice(format!("{:x}\r\n", part.len()).as_bytes());
        out.extend_from_slice(part);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"0\r\n\r\n");
    out
}

fn service() -> Service {
    Service::start(&[("max_body_bytes", &MOST.to_string())])
}

#[track_caller]
fn check(bytes: usize, answer: &Answer) {
    if bytes <= MOST {
        assert_eq!(answer.status, 200, "{bytes}: {}", String::from_utf8_lossy(&answer.body));
    } else {
        let document = answer.problem(413, "body_too_large");
        assert!(document["detail"].as_str().unwrap().contains("2000 bytes"), "{document}");
    }
}

#[test]
fn at_the_edge() {
    let service = service();
    for bytes in [MOST - 1, MOST, MOST + 1] {
        let body = body(bytes);
        assert_eq!(body.len(), bytes);
        check(bytes, &service.ask("POST", "/v1/render", &[], &body));
        check(bytes, &service.ask("POST", "/v1/render", &[("Transfer-Encoding", "chunked")], &chunked(&body)));
        check(bytes, &service.ask("POST", "/v1/render", &[("Content-Encoding", "gzip")], &gzip(&body)));
    }
}

#[test]
fn a_bomb_of_zeros_is_refused() {
    let bomb = gzip(&vec![b' '; 200 << 20]);
    let service = Service::start(&[]);
    service.ask("POST", "/v1/render", &[("Content-Encoding", "gzip")], &bomb).problem(413, "body_too_large");
}

#[test]
fn the_refusal_arrives_although_the_client_sends_it_all_first() {
    let service = service();
    let large = vec![b' '; 6 << 20];
    service.ask("POST", "/v1/render", &[], &large).problem(413, "body_too_large");
    service.ask("POST", "/v1/render", &[("Transfer-Encoding", "chunked")], &chunked(&large)).problem(413, "body_too_large");
}

#[test]
fn who_asks_first_is_told_before_he_sends() {
    let service = service();
    let headers = [("Expect", "100-continue"), ("Content-Length", "100000000")];
    service.ask("POST", "/v1/render", &headers, b"").problem(413, "body_too_large");
}
