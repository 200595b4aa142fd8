//! A connection that is kept and used for one request after another.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Longer than anything here takes, so that a test that hangs ends.
const PATIENCE: Duration = Duration::from_secs(20);

pub struct Wire(TcpStream);

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Wire {
    pub fn to(address: &str) -> io::Result<Wire> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Wire(stream))
    }

    /// Sends a request in parts of `part` bytes and reads its answer, which must say how long it is.
    pub fn ask(&mut self, method: &str, path: &str, body: &[u8], part: usize) -> io::Result<Answer> {
        let length = body.len();
        let head = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n");
        self.0.write_all(head.as_bytes())?;
        for part in body.chunks(part.max(1)) {
            self.0.write_all(part)?;
        }
        self.answer()
    }

    pub fn get(&mut self, path: &str) -> io::Result<Answer> {
        self.ask("GET", path, b"", 1)
    }

    fn answer(&mut self) -> io::Result<Answer> {
        let mut bytes = Vec::new();
        let mut buffer = [0; 16 << 10];
        loop {
            if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
                let value = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                let length: usize = value.and_then(|value| value.parse().ok()).unwrap_or(0);
                if bytes.len() >= end + 4 + length {
                    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
                    return Ok(Answer { status, head, body: bytes[end + 4..end + 4 + length].to_vec() });
                }
            }
            match self.0.read(&mut buffer)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => bytes.extend_from_slice(&buffer[..read]),
            }
        }
    }
}
