//! `affiche send`: streams a file to a service and makes sure that it arrived as it left.

mod body;
mod progress;
mod resumable;
mod ticket;

use std::path::Path;
use std::sync::PoisonError;
use std::time::Duration;

use reqwest::{Client, Method, Response};
use serde_json::{Value, json};
use sha2::Digest;
use url::Url;

use crate::cli::{Fault, Json, block_on, print};
use crate::intake::recv::hex;
use crate::intake::store::UploadName;
use crate::problem::Code;
use body::{Sending, Source};
use progress::Progress;
use resumable::Job;
use ticket::Identity;

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

const ROUTE: &str = "/v1/uploads";
const TUS: &str = "/v1/tus";
/// Files from here on go piece by piece from the beginning; smaller ones are sent again sooner than it takes to ask.
const LARGE: u64 = 8 << 20;

pub fn run(args: &Args) -> Result<(), Fault> {
    let to = destination(&args.url, &args.file)?;
    block_on(send(args, to))
}

/// Where a file goes.
struct Destination {
    /// POST lets the service choose a name, PUT says it.
    method: Method,
    url: Url,
    /// Where to the same file may go piece by piece, and under which name. `None`: its name is no upload's, and the service shall say so.
    resumable: Option<(Url, Option<String>)>,
}

fn destination(url: &Url, file: &str) -> Result<Destination, Fault> {
    let wrong = |message: &str| Fault::Usage(format!("{url}: {message}"));
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong("must be an address of http or https"));
    }
    let path = url.path();
    let (base, rest) = match path.rfind(ROUTE) {
        Some(at) => (path.get(..at).unwrap_or_default(), path.get(at + ROUTE.len()..).unwrap_or_default()),
        None => (path.trim_end_matches('/'), ""),
    };
    let at = |path: String| {
        let mut to = url.clone();
        to.set_path(&path);
        to
    };
    let tus = at(format!("{base}{TUS}"));
    let name = match rest {
        "" => {
            return Ok(Destination { method: Method::POST, url: at(format!("{base}{ROUTE}")), resumable: Some((tus, None)) });
        }
        "/" => {
            let name = Path::new(file).file_name().and_then(|name| name.to_str()).filter(|_| file != "-").unwrap_or_default();
            let name = UploadName::new(name).map_err(|error| Fault::Usage(format!("{file}: {error}; name it in the address")))?;
            name.as_str().to_owned()
        }
        rest => match rest.strip_prefix('/').filter(|name| !name.contains('/')) {
            Some(name) => name.to_owned(),
            None => return Err(wrong("is no address of an upload")),
        },
    };
    let resumable = UploadName::new(&name).ok().map(|name| (tus, Some(name.as_str().to_owned())));
    Ok(Destination { method: Method::PUT, url: at(format!("{base}{ROUTE}/{name}")), resumable })
}

async fn send(args: &Args, to: Destination) -> Result<(), Fault> {
    let client = client()?;
    // Only a key in the environment: arguments are seen by everybody on the machine.
    let key = std::env::var("AFFICHE_API_KEY").ok().filter(|key| !key.is_empty());
    let (source, file) = open(&args.file).await?;
    let length = file.as_ref().map(|file| file.length);
    let progress = Progress::new(&args.file, length);
    let job = match (&to.resumable, file) {
        (Some((endpoint, name)), Some(file)) => Some(Job {
            client: &client,
            key: key.as_deref(),
            endpoint: endpoint.clone(),
            name: name.as_deref(),
            path: &args.file,
            file,
            progress: &progress,
        }),
        _ => None,
    };
    let mut sent = None;
    if let Some(job) = job.as_ref().filter(|job| job.file.length >= LARGE) {
        sent = resumable::send(job).await?;
    }
    let sent = match sent {
        Some(sent) => Ok(sent),
        None => match (plain(&client, &to, key.as_deref(), Sending::new(source, length, progress.clone())).await, &job) {
            (Err(Failed::Cut(cut)), Some(job)) => {
                progress.say(&format!("{}: {cut}; going on piece by piece", args.file));
                progress.set(0);
                resumable::send(job).await.and_then(|sent| sent.ok_or_else(|| Failed::Cut(cut).fault(&to.url)))
            }
            (sent, _) => sent.map_err(|failed| failed.fault(&to.url)),
        },
    };
    progress.end();
    let (stored, sum) = sent?;
    let theirs = stored.get("sha256").and_then(Value::as_str).unwrap_or_default();
    if theirs != sum {
        return Err(Fault::failed(
            Code::DigestMismatch,
            format!("{}: stored were bytes of sha-256 {theirs:?}, sent of {sum}", to.url),
        ));
    }
    if args.json {
        return print(&format!("{stored:#}\n"));
    }
    let name = stored.get("name").and_then(Value::as_str).unwrap_or_default();
    print(&format!("{sum}  {name}\n"))
}

/// What is to be sent; its identity where it is a file that can be read again.
async fn open(path: &str) -> Result<(Source, Option<Identity>), Fault> {
    if path == "-" {
        return Ok((Box::new(tokio::io::stdin()), None));
    }
    let unreadable = |error: std::io::Error| Fault::failed(Code::NotFound, format!("{path}: {error}"));
    let file = tokio::fs::File::open(path).await.map_err(unreadable)?;
    let about = file.metadata().await.map_err(unreadable)?;
    if about.is_dir() {
        return Err(Fault::failed(Code::NotFound, format!("{path}: is a folder")));
    }
    let identity = about.is_file().then(|| Identity::of(Path::new(path), &about));
    Ok((Box::new(file), identity))
}

/// Why a plain transfer did not end well.
enum Failed {
    /// It had begun, and the connection broke.
    Cut(String),
    Otherwise(Fault),
}

impl Failed {
    fn fault(self, url: &Url) -> Fault {
        match self {
            Failed::Cut(why) => Fault::failed(Code::SourceFailed, format!("{url}: {why}")),
            Failed::Otherwise(fault) => fault,
        }
    }
}

/// The file in one request.
async fn plain(client: &Client, to: &Destination, key: Option<&str>, body: Sending) -> Result<(Value, String), Failed> {
    let (sum, _) = body.seen();
    let mut request = client.request(to.method.clone(), to.url.clone()).body(reqwest::Body::wrap(body));
    if let Some(key) = key {
        request = request.bearer_auth(key);
    }
    let answer = match request.send().await {
        Ok(answer) => answer,
        // Nobody there, or a body that could not be read: trying again would not help.
        Err(error) if error.is_connect() || error.is_body() => {
            let fault = Fault::failed(Code::SourceFailed, format!("{}: {}", to.url, causes(&error)));
            return Err(Failed::Otherwise(fault));
        }
        Err(error) => return Err(Failed::Cut(causes(&error))),
    };
    let stored = read_answer(answer, &to.url).await.map_err(Failed::Otherwise)?;
    let sum = hex(&sum.lock().unwrap_or_else(PoisonError::into_inner).clone().finalize());
    Ok((stored, sum))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn destinations() {
        let to = |url: &str, file: &str| match destination(&url.parse().unwrap(), file) {
            Ok(Destination { method, url, resumable }) => {
                let piecewise = resumable.map(|(url, name)| format!(" or {} {}", url.path(), name.unwrap_or_default()));
                format!("{method} {url}{}", piecewise.unwrap_or_default())
            }
            Err(fault) => format!("{fault:?}"),
        };
        assert_eq!(to("http://h:1", "a.png"), "POST http://h:1/v1/uploads or /v1/tus ");
        assert_eq!(to("http://h/base/", "a.png"), "POST http://h/base/v1/uploads or /base/v1/tus ");
        assert_eq!(to("http://h/v1/uploads", "a.png"), "POST http://h/v1/uploads or /v1/tus ");
        assert_eq!(to("http://h/v1/uploads/", "x/a.png"), "PUT http://h/v1/uploads/a.png or /v1/tus a.png");
        assert_eq!(to("http://h/base/v1/uploads/b.png", "a.png"), "PUT http://h/base/v1/uploads/b.png or /base/v1/tus b.png");
        assert!(to("http://h/v1/uploads/", "-").starts_with("Usage"));
        assert!(to("http://h/v1/uploads/", "猫.png").starts_with("Usage"));
        assert_eq!(to("http://h/v1/uploads/%E7%8C%AB", "a"), "PUT http://h/v1/uploads/%E7%8C%AB");
        assert!(to("http://h/v1/uploads/a/b", "a").starts_with("Usage"));
        assert!(to("ftp://h/", "a").starts_with("Usage"));
    }
}
