//! Clients that dawdle, and clients that are many.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::support::{Answer, PATIENCE, Service};

const SHORT: (&str, &str) = ("header_timeout", "300ms");

/// Waits for the other side to end the connection; what came until then.
#[track_caller]
fn ended(mut stream: TcpStream) -> Vec<u8> {
    let begun = Instant::now();
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest);
    assert!(begun.elapsed() < PATIENCE / 2, "it was let go on");
    rest
}

#[test]
fn a_head_must_come_in_time() {
    let service = Service::start(&[SHORT]);
    for beginning in ["", "P", "PRI * HTTP/2.0\r\n", "GET /livez HTTP/1.1\r\nHost: x\r\n", "GET /livez HTTP/1.1\r\nX-A: b"] {
        let mut stream = service.connect();
        stream.write_all(beginning.as_bytes()).unwrap();
        assert!(!ended(stream).starts_with(b"HTTP/1.1 200"), "{beginning:?}");
    }
}

#[test]
fn a_drip_is_no_head_either() {
    let service = Service::start(&[SHORT]);
    let mut stream = service.connect();
    let begun = Instant::now();
    let mut sent = 0;
    // One byte at a time would do for minutes.
    while begun.elapsed() < Duration::from_secs(5)
        && stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".get(sent..=sent).unwrap_or(b"x")).is_ok()
    {
        sent += 1;
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(begun.elapsed() < Duration::from_secs(4), "{sent} bytes were taken");
}

#[test]
fn an_idle_connection_ends() {
    let service = Service::start(&[SHORT]);
    let mut stream = service.connect();
    stream.write_all(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    assert_eq!(Answer::read(&mut stream, "GET").unwrap().status, 200);
    assert_eq!(ended(stream), b"");
}

#[test]
fn a_body_must_come_before_the_deadline() {
    let service = Service::start(&[("request_deadline", "300ms")]);
    let mut stream = service.connect();
    stream.write_all(b"POST /v1/render HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{").unwrap();
    Answer::read(&mut stream, "POST").unwrap().problem(408, "incomplete_body");
}

#[test]
fn connections_beyond_the_cap_wait() {
    let service = Service::start(&[("max_connections", "1"), ("header_timeout", "3s")]);
    let first = service.connect();
    // Whoever comes next waits until the first is gone, here because he says nothing.
    let begun = Instant::now();
    assert_eq!(service.get("/livez").status, 200);
    assert!(begun.elapsed() > Duration::from_secs(2), "{:?}", begun.elapsed());
    drop(first);
    let begun = Instant::now();
    assert_eq!(service.get("/livez").status, 200);
    assert!(begun.elapsed() < Duration::from_millis(2_500), "{:?}", begun.elapsed());
}

#[test]
fn one_connection_serves_many_requests() {
    let service = Service::start(&[]);
    let mut stream = service.connect();
    for _ in 0..3 {
        stream.write_all(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        assert_eq!(Answer::read(&mut stream, "GET").unwrap().body, b"ok\n");
    }
}

#[test]
fn http_2_is_spoken_too() {
    let service = Service::start(&[]);
    let mut stream = service.connect();
    // Preface and an empty SETTINGS frame; the answer begins with the server's SETTINGS.
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00").unwrap();
    let mut frame = [0; 9];
    stream.read_exact(&mut frame).unwrap();
    assert_eq!(frame[3], 4);
}
