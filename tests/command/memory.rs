//! An upload takes constant memory, however long it is. `AFFICHE_UPLOAD_MIB=1024` sends a whole gibibyte.

use std::io::{Read, Write};
use std::net::TcpStream;

use super::Served;

/// Of `/proc/PID/status`, in KiB.
fn status(id: u32, field: &str) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = text.lines().find(|line| line.starts_with(field)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn put(address: &str, name: &str, chunks: u64, chunk: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let length = chunks * chunk.len() as u64;
    write!(stream, "PUT /v1/uploads/{name} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n")
        .unwrap();
    for _ in 0..chunks {
        stream.write_all(chunk).unwrap();
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
#[cfg(target_os = "linux")]
fn a_long_upload_takes_no_more_memory_than_a_short_one() {
    let mib: u64 = std::env::var("AFFICHE_UPLOAD_MIB").ok().and_then(|n| n.parse().ok()).unwrap_or(192);
    let dir = tempfile::tempdir().unwrap();
    let served = Served::start(dir.path(), &[]);
    let id = served.child.id();
    let chunk = vec![7_u8; 1 << 20];
    let before = status(id, "VmRSS:");
    let answer = put(&served.address, "long", mib, &chunk);
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    let most = status(id, "VmHWM:");
    println!("{mib} MiB raised resident memory from {before} to at most {most} KiB");
    assert!(most - before <= 16 << 10, "{mib} MiB raised resident memory by {} KiB", most - before);
    assert!(answer.contains(&format!("\"bytes\":{}", mib << 20)), "{answer}");
}
