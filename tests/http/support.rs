//! A service on port 0 and a client that sends just what it is told.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use affiche::cli::setup::{User, bounds, engine};
use affiche::config::{Config, Flags};
use affiche::http::{App, accept, metrics_router, router};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// Longer than anything here takes, so that a test that hangs ends.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A running service with a folder of its own.
pub struct Service {
    pub address: SocketAddr,
    metrics: SocketAddr,
    dir: tempfile::TempDir,
    end: Option<oneshot::Sender<()>>,
    /// Gives the number of connections that were cut.
    thread: Option<JoinHandle<usize>>,
}

impl Service {
    pub fn start(settings: &[(&'static str, &str)]) -> Service {
        Service::listening(settings, None)
    }

    /// As a service that thinks it listens at `shown`; the access rules depend on it.
    pub fn listening(settings: &[(&'static str, &str)], shown: Option<&str>) -> Service {
        let dir = tempfile::tempdir().unwrap();
        let mut values = vec![
            ("data_dir", dir.path().to_str().unwrap().to_owned()),
            ("drain_delay", "0".to_owned()),
            ("drain_grace", "2s".to_owned()),
            ("render_workers", "1".to_owned()),
        ];
        values.retain(|(name, _)| !settings.iter().any(|(other, _)| name == other));
        values.extend(settings.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let config = Config::load(&Flags { file: None, values }, []).unwrap().config;
        let shown: Option<SocketAddr> = shown.map(|at| at.parse().unwrap());
        let (end, ended) = oneshot::channel();
        let (ready, when_ready) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                let address = listener.local_addr().unwrap();
                let engine = Arc::new(engine(&config, User::Service).unwrap());
                let uploads = engine.intake.store().clone();
                let app = Arc::new(App::new(&config, shown.unwrap_or(address), engine, uploads, &serde_json::json!({ "x": 1 })));
                let apart = TcpListener::bind("127.0.0.1:0").await.unwrap();
                ready.send((address, apart.local_addr().unwrap())).unwrap();
                let metrics = metrics_router(Arc::clone(&app));
                tokio::spawn(accept::serve(apart, metrics, Arc::default(), bounds(&config), std::future::pending()));
                let end = async { drop(ended.await) };
                accept::serve(listener, router(Arc::clone(&app)), app.lifecycle(), bounds(&config), end).await
            })
        });
        let (address, metrics) = when_ready.recv_timeout(PATIENCE).expect("the service did not start");
        Service { address, metrics, dir, end: Some(end), thread: Some(thread) }
    }

    /// What lies in the folder of uploads, the store's own files left out.
    pub fn files(&self) -> Vec<String> {
        let names = |path: &Path| -> Vec<String> {
            std::fs::read_dir(path).map_or(Vec::new(), |dir| {
                dir.map(|entry| entry.unwrap().file_name().into_string().unwrap()).filter(|name| name != ".lock").collect()
            })
        };
        let mut found = names(&self.dir.path().join("uploads"));
        found.sort();
        found
    }

    /// What the disk tier of fetched pictures holds, files under way included.
    pub fn cached(&self) -> Vec<String> {
        let folders = ["urls", "blobs"].map(|name| self.dir.path().join("cache/sources-1").join(name));
        let entries = folders.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap());
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    /// The same, asked where `metrics_listen` would be.
    pub fn metrics(&self) -> Apart {
        Apart { address: self.metrics }
    }

    pub fn connect(&self) -> TcpStream {
        connect(self.address)
    }

    /// Sends a request and reads the answer. `Content-Length` is added where a body is sent.
    #[track_caller]
    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        ask(self.address, method, path, headers, body)
    }

    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], b"")
    }

    #[track_caller]
    pub fn post_json(&self, path: &str, body: &Value) -> Answer {
        self.ask("POST", path, &[("Content-Type", "application/json")], body.to_string().as_bytes())
    }

    /// Asks it to end, does not wait.
    pub fn begin_end(&mut self) {
        let _ = self.end.take().map(|end| end.send(()));
    }

    /// Ends it; answers how many connections had to be cut.
    pub fn end(mut self) -> usize {
        self.begin_end();
        self.thread.take().unwrap().join().unwrap()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.begin_end();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Sends a request and reads the answer.
#[track_caller]
fn ask(address: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", address);
    headers.iter().for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
    let announced =
        headers.iter().any(|(name, _)| ["content-length", "transfer-encoding"].contains(&name.to_lowercase().as_str()));
    if !body.is_empty() && !announced {
        head.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    let mut stream = connect(address);
    stream.write_all(format!("{head}\r\n").as_bytes()).unwrap();
    // The answer may come, and the connection end, before all is sent.
    let _ = stream.write_all(body);
    Answer::read(&mut stream, method).expect("no answer")
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect_timeout(&address, PATIENCE).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// The listener of `metrics_listen`.
pub struct Apart {
    address: SocketAddr,
}

impl Apart {
    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        ask(self.address, "GET", path, &[], b"")
    }

    #[track_caller]
    pub fn post_json(&self, path: &str, body: &Value) -> Answer {
        ask(self.address, "POST", path, &[("Content-Type", "application/json")], body.to_string().as_bytes())
    }
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    /// Reads one answer; the connection must end with it, or it must say how long it is. `None`: the connection ended before.
    pub fn read(stream: &mut TcpStream, method: &str) -> Option<Answer> {
        let mut bytes = Vec::new();
        let mut buffer = [0; 64 << 10];
        loop {
            if let Some(answer) = Answer::parse(&bytes, method, false) {
                return Some(answer);
            }
            match stream.read(&mut buffer) {
                Ok(0) | Err(_) => break,
                Ok(n) => bytes.extend_from_slice(&buffer[..n]),
            }
        }
        Answer::parse(&bytes, method, true)
    }

    fn parse(bytes: &[u8], method: &str, ended: bool) -> Option<Answer> {
        let at = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
        let head = std::str::from_utf8(&bytes[..at]).unwrap();
        let mut lines = head.split("\r\n");
        let status: u16 = lines.next()?.split(' ').nth(1)?.parse().unwrap();
        if status == 100 {
            return Answer::parse(&bytes[at + 4..], method, ended);
        }
        let headers: Vec<(String, String)> =
            lines.filter_map(|line| line.split_once(": ")).map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
        let mut answer = Answer { status, headers, body: bytes[at + 4..].to_vec() };
        if method == "HEAD" || status == 204 || status == 304 {
            return Some(answer);
        }
        if answer.header("transfer-encoding") == Some("chunked") {
            return unchunk(&answer.body).map(|body| Answer { body, ..answer });
        }
        match answer.header("content-length").map(|length| length.parse::<usize>().unwrap()) {
            Some(length) if answer.body.len() >= length => {
                answer.body.truncate(length);
                Some(answer)
            }
            Some(_) => None,
            None => ended.then_some(answer),
        }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }

    /// One number of `/metrics`.
    pub fn sample(&self, name: &str) -> Option<f64> {
        let text = std::str::from_utf8(&self.body).unwrap();
        text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
    }

    /// The answer must be this problem, told as the contract says; gives the document.
    #[track_caller]
    pub fn problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        assert_eq!(self.header("cache-control"), Some("no-store"));
        let document = self.json();
        assert_eq!(document["code"], code, "{document:#}");
        assert_eq!(document["status"], status, "{document:#}");
        assert_eq!(document["request_id"].as_str(), self.header("x-request-id"), "{document:#}");
        assert!(document["problems"].is_array() && document["detail"].is_string(), "{document:#}");
        document
    }
}

fn unchunk(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = bytes.windows(2).position(|two| two == b"\r\n")?;
        let length = usize::from_str_radix(std::str::from_utf8(&bytes[..end]).ok()?, 16).ok()?;
        bytes = &bytes[end + 2..];
        if length == 0 {
            return Some(body);
        }
        body.extend_from_slice(bytes.get(..length)?);
        bytes = bytes.get(length + 2..)?;
    }
}

/// A template that is drawn in no time.
pub fn small() -> Value {
    serde_json::json!({ "width": 4, "height": 3, "background": "#ff0000", "layers": [] })
}

/// Ends the sending half, as a client that has said all it will.
pub fn hang_up(stream: &TcpStream) {
    let _ = stream.shutdown(Shutdown::Write);
}
