//! As much HTTP/1.1 as it takes to ask for a poster over a connection that is kept.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::server::TEMPLATE;

pub struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

pub struct Answer {
    pub status: u16,
    pub bytes: usize,
    /// From the first byte sent to the last received.
    pub took: Duration,
}

pub fn body(variables: &Map<String, Value>) -> String {
    json!({ "template": TEMPLATE, "variables": variables }).to_string()
}

impl Client {
    pub async fn connect(address: SocketAddr) -> std::io::Result<Client> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Client { stream, buffer: vec![0; 1 << 20] })
    }

    pub async fn post(&mut self, body: &str) -> std::io::Result<Answer> {
        let head = "POST /v1/render HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ";
        let request = format!("{head}{}\r\n\r\n{body}", body.len());
        let begun = Instant::now();
        self.stream.write_all(request.as_bytes()).await?;
        let mut got = 0;
        let end = loop {
            got += self.more(got).await?;
            if let Some(end) = self.buffer[..got].windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
        };
        let head = String::from_utf8_lossy(&self.buffer[..end]).to_ascii_lowercase();
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or_else(|| broken("no status"))?;
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
        let length: usize = length.and_then(|n| n.trim().parse().ok()).ok_or_else(|| broken("no Content-Length"))?;
        // The bytes themselves are of no interest: read over what is there.
        let mut rest = length.saturating_sub(got - end);
        while rest > 0 {
            rest = rest.saturating_sub(self.more(0).await?);
        }
        Ok(Answer { status, bytes: length, took: begun.elapsed() })
    }

    async fn more(&mut self, at: usize) -> std::io::Result<usize> {
        match self.stream.read(self.buffer.get_mut(at..).unwrap_or_default()).await? {
            0 => Err(broken("the connection ended")),
            n => Ok(n),
        }
    }
}

fn broken(what: &str) -> std::io::Error {
    std::io::Error::other(what.to_owned())
}
