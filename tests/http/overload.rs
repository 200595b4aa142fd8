//! Too much at once: told at once, with a time to come again.

use std::io::Write;
use std::net::TcpStream;

use serde_json::json;

use crate::support::{Answer, Service, small};

/// A render with the last byte of its body missing.
fn hold(service: &Service, body: &[u8]) -> TcpStream {
    let mut stream = service.connect();
    let head = format!("POST /v1/render HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).unwrap();
    // It is in hand once it says to go on.
    let mut told = [0; 25];
    std::io::Read::read_exact(&mut stream, &mut told).unwrap();
    stream.write_all(&body[..body.len() - 1]).unwrap();
    stream
}

#[test]
fn max_inflight() {
    let service = Service::start(&[("max_inflight", "1")]);
    let body = json!({ "template": small() }).to_string().into_bytes();
    let mut held = hold(&service, &body);
    let refused = service.ask("POST", "/v1/render", &[], &body);
    refused.problem(429, "overloaded");
    assert!(refused.header("retry-after").unwrap().parse::<u32>().unwrap() >= 1);
    // Probes and uploads do not wait in that line.
    assert_eq!(service.get("/readyz").status, 200);
    assert_eq!(service.ask("PUT", "/v1/uploads/a", &[], b"x").status, 201);
    held.write_all(&body[body.len() - 1..]).unwrap();
    assert_eq!(Answer::read(&mut held, "POST").unwrap().status, 200);
    assert_eq!(service.ask("POST", "/v1/render", &[], &body).status, 200, "the place is free again");
}

#[test]
fn a_caller_who_leaves_frees_his_place() {
    let service = Service::start(&[("max_inflight", "1")]);
    let body = json!({ "template": small() }).to_string().into_bytes();
    drop(hold(&service, &body));
    let begun = std::time::Instant::now();
    while service.ask("POST", "/v1/render", &[], &body).status != 200 {
        assert!(begun.elapsed() < crate::support::PATIENCE, "the place was never freed");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}
