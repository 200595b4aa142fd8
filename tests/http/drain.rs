//! The end: `/readyz` first, then no new connections, then requests in hand may finish, then they are cut.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use crate::support::{Answer, PATIENCE, Service};

/// An upload with half its body sent.
fn half_an_upload(service: &Service) -> std::net::TcpStream {
    let mut stream = service.connect();
    stream.write_all(b"PUT /v1/uploads/slow HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n").unwrap();
    // Once it says 100 the request is in hand.
    let mut told = [0; 25];
    stream.read_exact(&mut told).unwrap();
    assert_eq!(&told, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"01234").unwrap();
    stream
}

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn ready_until_the_end_begins() {
    let mut service = Service::start(&[("drain_delay", "3s")]);
    assert_eq!(service.get("/readyz").body, b"ok\n");
    service.begin_end();
    until("readyz never said no", || service.get("/readyz").status == 503);
    // New connections are still served: whoever has not heard of it yet is not turned away.
    service.get("/readyz").problem(503, "draining");
    assert_eq!(service.get("/livez").status, 200);
}

#[test]
fn requests_in_hand_finish_and_nobody_new_comes() {
    let mut service = Service::start(&[("drain_grace", "15s")]);
    let mut stream = half_an_upload(&service);
    service.begin_end();
    until("still listening", || std::net::TcpStream::connect(service.address).is_err());
    stream.write_all(b"56789").unwrap();
    let answer = Answer::read(&mut stream, "PUT").unwrap();
    assert_eq!((answer.status, answer.json()["bytes"].as_u64()), (201, Some(10)));
    assert_eq!(service.end(), 0);
}

#[test]
fn what_does_not_finish_is_cut() {
    let service = Service::start(&[("drain_grace", "200ms")]);
    let mut stream = half_an_upload(&service);
    let begun = Instant::now();
    assert_eq!(service.end(), 1);
    assert!(begun.elapsed() < PATIENCE / 2);
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest);
    assert_eq!(rest, b"", "cut without an answer");
}

#[test]
fn idle_connections_do_not_hold_it_up() {
    let service = Service::start(&[("drain_grace", "15s")]);
    let mut idle = service.connect();
    idle.write_all(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    assert_eq!(Answer::read(&mut idle, "GET").unwrap().status, 200);
    let _silent = service.connect();
    let begun = Instant::now();
    assert_eq!(service.end(), 0);
    assert!(begun.elapsed() < Duration::from_secs(10));
}
