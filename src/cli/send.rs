//! `affiche send`: streams a file to the upload route and makes sure that it arrived as it left.

use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, ReadBuf};
use url::Url;

use crate::cli::{Fault, Json, block_on, is_watched, note, print};
use crate::intake::recv::hex;
use crate::intake::store::UploadName;
use crate::problem::Code;

#[derive(clap::Args)]
pub struct Args {
    /// The file, or `-` for standard input
    file: String,
    /// Where to: the service, `…/v1/uploads`, `…/v1/uploads/` (under the file's own name) or `…/v1/uploads/NAME`
    url: Url,
    /// Print the service's answer as JSON
    #[arg(long)]
    json: bool,
}

impl Args {
    pub fn json(&self) -> Json {
        if self.json { Json::Yes } else { Json::No }
    }
}

const CHUNK: usize = 128 << 10;
const ROUTE: &str = "/v1/uploads";

pub fn run(args: &Args) -> Result<(), Fault> {
    let (method, url) = destination(&args.url, &args.file)?;
    block_on(send(args, method, url))
}

/// POST lets the service choose a name, PUT says it.
fn destination(url: &Url, file: &str) -> Result<(Method, Url), Fault> {
    let wrong = |message: &str| Fault::Usage(format!("{url}: {message}"));
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong("must be an address of http or https"));
    }
    let mut to = url.clone();
    let path = url.path().to_owned();
    match path.rfind(ROUTE).and_then(|at| path.get(at + ROUTE.len()..)) {
        None => {
            to.set_path(&format!("{}{ROUTE}", path.trim_end_matches('/')));
            Ok((Method::POST, to))
        }
        Some("") => Ok((Method::POST, to)),
        Some("/") => {
            let name = Path::new(file).file_name().and_then(|name| name.to_str()).filter(|_| file != "-").unwrap_or_default();
            let name = UploadName::new(name).map_err(|error| Fault::Usage(format!("{file}: {error}; name it in the address")))?;
            to.set_path(&format!("{path}{}", name.as_str()));
            Ok((Method::PUT, to))
        }
        Some(rest) if rest.starts_with('/') && !rest.get(1..).unwrap_or_default().contains('/') => Ok((Method::PUT, to)),
        Some(_) => Err(wrong("is no address of an upload")),
    }
}

async fn send(args: &Args, method: Method, url: Url) -> Result<(), Fault> {
    let (source, length): (Box<dyn AsyncRead + Send + Sync + Unpin>, Option<u64>) = if args.file == "-" {
        (Box::new(tokio::io::stdin()), None)
    } else {
        let unreadable = |error: std::io::Error| Fault::failed(Code::NotFound, format!("{}: {error}", args.file));
        let file = tokio::fs::File::open(&args.file).await.map_err(unreadable)?;
        let about = file.metadata().await.map_err(unreadable)?;
        if about.is_dir() {
            return Err(Fault::failed(Code::NotFound, format!("{}: is a folder", args.file)));
        }
        (Box::new(file), about.is_file().then_some(about.len()))
    };
    let progress = Progress::new(&args.file, length);
    let sum = Arc::new(Mutex::new(Sha256::new()));
    let body = Sending { source, left: length, buffer: vec![0; CHUNK].into(), sum: Arc::clone(&sum), progress: progress.clone() };
    let mut request = client()?.request(method, url.clone()).body(reqwest::Body::wrap(body));
    // Only a key in the environment: arguments are seen by everybody on the machine.
    if let Some(key) = std::env::var("AFFICHE_API_KEY").ok().filter(|key| !key.is_empty()) {
        request = request.bearer_auth(key);
    }
    let answer = request.send().await;
    progress.end();
    let answer = answer.map_err(|error| Fault::failed(Code::SourceFailed, format!("{url}: {}", causes(&error))))?;
    let stored = read_answer(answer, &url).await?;
    let sum = hex(&sum.lock().unwrap_or_else(PoisonError::into_inner).clone().finalize());
    let theirs = stored.get("sha256").and_then(Value::as_str).unwrap_or_default();
    if theirs != sum {
        return Err(Fault::failed(
            Code::DigestMismatch,
            format!("{url}: stored were bytes of sha-256 {theirs:?}, sent of {sum}"),
        ));
    }
    if args.json {
        return print(&format!("{stored:#}\n"));
    }
    let name = stored.get("name").and_then(Value::as_str).unwrap_or_default();
    print(&format!("{sum}  {name}\n"))
}

fn client() -> Result<Client, Fault> {
    // Fails if the process has one already, which then serves.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let agent = concat!("affiche/", env!("CARGO_PKG_VERSION"));
    let client =
        Client::builder().user_agent(agent).redirect(reqwest::redirect::Policy::none()).connect_timeout(Duration::from_secs(10));
    client.build().map_err(|error| Fault::failed(Code::Internal, format!("no client: {}", causes(&error))))
}

/// What the service stored, or why not.
async fn read_answer(mut answer: Response, url: &Url) -> Result<Value, Fault> {
    // What a service says of an upload is short.
    const MOST: usize = 1 << 20;
    let status = answer.status();
    let mut text = Vec::new();
    while text.len() < MOST {
        match answer.chunk().await {
            Ok(Some(chunk)) => text.extend_from_slice(&chunk),
            Ok(None) => break,
            Err(error) => return Err(Fault::failed(Code::SourceFailed, format!("{url}: {}", causes(&error)))),
        }
    }
    let document: Option<Value> = serde_json::from_slice(&text).ok();
    match document {
        Some(stored) if status.is_success() => Ok(stored),
        Some(document) if document.get("code").is_some() => {
            let detail = document.get("detail").and_then(Value::as_str).unwrap_or_default();
            Err(Fault::Refused { message: format!("{url}: {} {detail}", status.as_u16()), document })
        }
        _ => {
            let message = format!("{url}: answered {status}; this is no upload route of affiche");
            let document = json!({ "title": status.canonical_reason(), "status": status.as_u16(), "detail": message });
            Err(Fault::Refused { message, document })
        }
    }
}

/// An error with what is beneath it: "error sending request" alone helps nobody.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut beneath = error.source();
    while let Some(cause) = beneath {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        beneath = cause.source();
    }
    text
}

/// The file while it is read, hashed and sent. Its length is announced where it is known.
struct Sending {
    source: Box<dyn AsyncRead + Send + Sync + Unpin>,
    left: Option<u64>,
    buffer: Box<[u8]>,
    sum: Arc<Mutex<Sha256>>,
    progress: Progress,
}

impl Body for Sending {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<std::io::Result<Frame<Bytes>>>> {
        let this = self.get_mut();
        let mut buffer = ReadBuf::new(&mut this.buffer);
        ready!(Pin::new(&mut this.source).poll_read(cx, &mut buffer))?;
        let chunk = buffer.filled();
        if chunk.is_empty() {
            // A file that shrank must not pass for a whole one.
            let short = this.left.is_some_and(|left| left > 0);
            let error = short.then(|| Err(std::io::Error::other("the file became shorter while it was sent")));
            return Poll::Ready(error);
        }
        this.left = match this.left {
            Some(left) => match left.checked_sub(chunk.len() as u64) {
                Some(left) => Some(left),
                None => return Poll::Ready(Some(Err(std::io::Error::other("the file became longer while it was sent")))),
            },
            None => None,
        };
        this.sum.lock().unwrap_or_else(PoisonError::into_inner).update(chunk);
        this.progress.advance(chunk.len() as u64);
        Poll::Ready(Some(Ok(Frame::data(Bytes::copy_from_slice(chunk)))))
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

/// A bar on a terminal, a line now and then otherwise.
#[derive(Clone)]
enum Progress {
    Bar(ProgressBar),
    Lines(Arc<Mutex<Lines>>),
}

struct Lines {
    name: String,
    length: Option<u64>,
    sent: u64,
    next: Instant,
}

/// Between plain lines.
const EVERY: Duration = Duration::from_secs(5);

impl Progress {
    fn new(name: &str, length: Option<u64>) -> Progress {
        if !is_watched() {
            let lines = Lines { name: name.to_owned(), length, sent: 0, next: Instant::now() + EVERY };
            return Progress::Lines(Arc::new(Mutex::new(lines)));
        }
        let bar = length.map_or_else(ProgressBar::no_length, ProgressBar::new);
        let shape = match length {
            Some(_) => "{msg} {bar:32} {bytes}/{total_bytes} {bytes_per_sec} {eta}",
            None => "{msg} {spinner} {bytes} {bytes_per_sec}",
        };
        let style = ProgressStyle::with_template(shape).unwrap_or_else(|_| ProgressStyle::default_bar());
        Progress::Bar(bar.with_style(style).with_message(name.to_owned()))
    }

    fn advance(&self, bytes: u64) {
        match self {
            Progress::Bar(bar) => bar.inc(bytes),
            Progress::Lines(lines) => {
                let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
                lines.sent += bytes;
                if Instant::now() >= lines.next {
                    lines.next = Instant::now() + EVERY;
                    let of = lines.length.map_or(String::new(), |length| format!(" of {length}"));
                    note(&format!("{}: {}{of} bytes", lines.name, lines.sent));
                }
            }
        }
    }

    fn end(&self) {
        if let Progress::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn destinations() {
        let to = |url: &str, file: &str| match destination(&url.parse().unwrap(), file) {
            Ok((method, url)) => format!("{method} {url}"),
            Err(fault) => format!("{fault:?}"),
        };
        assert_eq!(to("http://h:1", "a.png"), "POST http://h:1/v1/uploads");
        assert_eq!(to("http://h/base/", "a.png"), "POST http://h/base/v1/uploads");
        assert_eq!(to("http://h/v1/uploads", "a.png"), "POST http://h/v1/uploads");
        assert_eq!(to("http://h/v1/uploads/", "x/a.png"), "PUT http://h/v1/uploads/a.png");
        assert_eq!(to("http://h/base/v1/uploads/b.png", "a.png"), "PUT http://h/base/v1/uploads/b.png");
        assert!(to("http://h/v1/uploads/", "-").starts_with("Usage"));
        assert!(to("http://h/v1/uploads/", "猫.png").starts_with("Usage"));
        assert!(to("http://h/v1/uploads/a/b", "a").starts_with("Usage"));
        assert!(to("ftp://h/", "a").starts_with("Usage"));
    }
}
