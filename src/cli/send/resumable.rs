//! A file sent by tus: however often the connection breaks, it goes on where it was cut.

use std::io::{Read, SeekFrom};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, LOCATION};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::io::AsyncSeekExt;
use tokio::time::{Instant, sleep};
use url::Url;

use super::body::Sending;
use super::progress::Progress;
use super::ticket::{Identity, Place};
use super::{causes, read_answer};
use crate::cli::Fault;
use crate::intake::recv::hex;
use crate::problem::Code;

/// Tries in a row that bring nothing; with the waits between them about half a minute.
const TRIES: u32 = 10;
const FIRST_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// A connection that takes nothing for so long is dead.
const STALLED: Duration = Duration::from_secs(60);
/// The service syncs and takes the sum of all of it before it answers the last piece.
const FINISHING: Duration = Duration::from_secs(600);
/// Uploads that vanish on the service's side while they are sent.
const RESTARTS: u32 = 3;

pub struct Job<'a> {
    pub client: &'a Client,
    pub key: Option<&'a str>,
    /// `…/v1/tus`.
    pub endpoint: Url,
    pub name: Option<&'a str>,
    pub path: &'a str,
    pub file: Identity,
    pub progress: &'a Progress,
}

/// What a request came to that did not do what it should.
enum Trouble {
    /// Another try may do.
    Passing(String),
    /// The upload is not there, or not any more.
    Vanished,
    Final(Fault),
}

/// What the service stored, and the sum of what was to be sent. `None`: the service does not speak tus.
pub async fn send(job: &Job<'_>) -> Result<Option<(Value, String)>, Fault> {
    let path = job.path.to_owned();
    // Beside the transfer; the pages are in memory then, and the beginning of a transfer that goes on is not sent at all.
    let sum = tokio::task::spawn_blocking(move || sum_of(&path));
    let place = Place::of(&job.file, &job.endpoint, job.name);
    let mut at = place.find(&job.file);
    let mut offset = None;
    let (mut tries, mut restarts) = (0, 0);
    if at.is_none() {
        match create(job).await {
            Ok(Some(url)) => {
                place.keep(&job.file, &url);
                (at, offset) = (Some(url), Some(0));
            }
            Ok(None) => return Ok(None),
            Err(Trouble::Passing(why)) => return Err(unreachable_now(job, &why)),
            Err(Trouble::Vanished) => return Ok(None),
            Err(Trouble::Final(fault)) => return Err(fault),
        }
    }
    let stored = loop {
        let done = match (&at, offset) {
            (Some(url), Some(from)) if from < job.file.length => patch(job, url, from).await.map(|there| (Some(there), None)),
            (Some(url), Some(_)) => look(job, url).await.map(|stored| (offset, Some(stored))),
            (Some(url), None) => head(job, url).await.map(|there| (Some(there), None)),
            (None, _) => match create(job).await {
                Ok(Some(url)) => {
                    place.keep(&job.file, &url);
                    at = Some(url);
                    Ok((Some(0), None))
                }
                Ok(None) => Err(Trouble::Vanished),
                Err(trouble) => Err(trouble),
            },
        };
        match done {
            Ok((_, Some(stored))) => break stored,
            Ok((there, None)) => {
                if let Some(there) = there {
                    job.progress.set(there);
                    if offset.is_none() && there > 0 {
                        job.progress.say(&format!("{}: goes on at byte {there} of {}", job.path, job.file.length));
                    }
                    tries = 0;
                }
                offset = there;
            }
            Err(Trouble::Vanished) if restarts < RESTARTS => {
                restarts += 1;
                place.forget();
                (at, offset) = (None, None);
            }
            Err(Trouble::Vanished) => return Err(unreachable_now(job, "the upload vanished again and again")),
            Err(Trouble::Final(fault)) => return Err(fault),
            Err(Trouble::Passing(why)) => {
                tries += 1;
                if tries > TRIES {
                    return Err(unreachable_now(job, &format!("{why}; the same command goes on where this one ended")));
                }
                let wait = FIRST_WAIT.saturating_mul(1 << (tries - 1).min(10)).min(LONGEST_WAIT);
                job.progress.say(&format!("{}: {why}; trying again in {:.1} s", job.path, wait.as_secs_f64()));
                sleep(wait).await;
                offset = None;
            }
        }
    };
    place.forget();
    let sum = sum.await.map_err(|lost| Fault::failed(Code::Internal, lost.to_string()))?;
    let sum = sum.map_err(|error| Fault::failed(Code::NotFound, format!("{}: {error}", job.path)))?;
    Ok(Some((stored, sum)))
}

fn unreachable_now(job: &Job<'_>, why: &str) -> Fault {
    Fault::failed(Code::SourceFailed, format!("{}: {why}", job.endpoint))
}

fn sum_of(path: &str) -> std::io::Result<String> {
    let mut file = std::fs::File::open(path)?;
    let mut sum = Sha256::new();
    let mut part = vec![0; 256 << 10];
    loop {
        match file.read(&mut part)? {
            0 => return Ok(hex(&sum.finalize())),
            n => sum.update(part.get(..n).unwrap_or_default()),
        }
    }
}

fn ask(job: &Job<'_>, method: Method, url: &Url) -> RequestBuilder {
    let request = job.client.request(method, url.clone()).header("tus-resumable", "1.0.0");
    match job.key {
        Some(key) => request.bearer_auth(key),
        None => request,
    }
}

/// The answer if it is a good one.
async fn answer(url: &Url, sent: Result<Response, reqwest::Error>) -> Result<Response, Trouble> {
    let answer = sent.map_err(|error| Trouble::Passing(causes(&error)))?;
    let status = answer.status();
    match status {
        _ if status.is_success() => Ok(answer),
        StatusCode::NOT_FOUND | StatusCode::GONE => Err(Trouble::Vanished),
        // The offset is asked for anew; or another request for the same upload has not ended yet.
        StatusCode::CONFLICT | StatusCode::LOCKED | StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => {
            Err(Trouble::Passing(format!("answered {status}")))
        }
        StatusCode::INSUFFICIENT_STORAGE => Err(refused(answer, url).await),
        _ if status.is_server_error() => Err(Trouble::Passing(format!("answered {status}"))),
        _ => Err(refused(answer, url).await),
    }
}

async fn refused(answer: Response, url: &Url) -> Trouble {
    match read_answer(answer, url).await {
        Err(fault) => Trouble::Final(fault),
        Ok(_) => Trouble::Passing("answered what makes no sense".to_owned()),
    }
}

/// `None`: whatever is there, it does not speak tus.
async fn create(job: &Job<'_>) -> Result<Option<Url>, Trouble> {
    let mut request = ask(job, Method::POST, &job.endpoint).header("upload-length", job.file.length).header(CONTENT_LENGTH, 0);
    if let Some(name) = job.name {
        request = request.header("upload-metadata", format!("name {}", BASE64.encode(name)));
    }
    let answered = request.send().await;
    if answered.as_ref().is_ok_and(|answer| answer.status() == StatusCode::METHOD_NOT_ALLOWED) {
        return Ok(None);
    }
    let answer = match answer(&job.endpoint, answered).await {
        Err(Trouble::Vanished) => return Ok(None),
        answered => answered?,
    };
    let location = answer.headers().get(LOCATION).and_then(|location| location.to_str().ok()).unwrap_or_default();
    let url = job.endpoint.join(location).ok().filter(|url| !location.is_empty() && url.origin() == job.endpoint.origin());
    // The key goes with every request: only to who was named.
    url.map(Some).ok_or_else(|| Trouble::Final(unreachable_now(job, "made an upload, but its address makes no sense")))
}

/// Sends all that is missing; gives where the upload stands then.
async fn patch(job: &Job<'_>, url: &Url, from: u64) -> Result<u64, Trouble> {
    let unreadable = |error: std::io::Error| Trouble::Final(Fault::failed(Code::NotFound, format!("{}: {error}", job.path)));
    let mut file = tokio::fs::File::open(job.path).await.map_err(unreadable)?;
    let about = file.metadata().await.map_err(unreadable)?;
    if Identity::of(job.path.as_ref(), &about) != job.file {
        let changed = format!("{}: the file changed while it was sent", job.path);
        return Err(Trouble::Final(Fault::failed(Code::NotFound, changed)));
    }
    file.seek(SeekFrom::Start(from)).await.map_err(unreadable)?;
    let left = job.file.length.saturating_sub(from);
    let body = Sending::new(Box::new(file), Some(left), job.progress.clone());
    let (_, sent) = body.seen();
    let request = ask(job, Method::PATCH, url)
        .header(CONTENT_TYPE, "application/offset+octet-stream")
        .header("upload-offset", from)
        .body(reqwest::Body::wrap(body));
    let answered = tokio::select! {
        answered = request.send() => answered,
        () = stalled(&sent, left) => return Err(Trouble::Passing("nothing moves any more".to_owned())),
    };
    offset(&answer(url, answered).await?, job)
}

/// Ends when nothing was taken for long.
async fn stalled(sent: &AtomicU64, all: u64) {
    let (mut last, mut since) = (0, Instant::now());
    loop {
        sleep(Duration::from_secs(1)).await;
        let now = sent.load(Ordering::Relaxed);
        if now != last {
            (last, since) = (now, Instant::now());
        }
        if since.elapsed() > if now < all { STALLED } else { FINISHING } {
            return;
        }
    }
}

async fn head(job: &Job<'_>, url: &Url) -> Result<u64, Trouble> {
    let answered = ask(job, Method::HEAD, url).timeout(FINISHING).send().await;
    let answer = answer(url, answered).await?;
    // Another length is another upload.
    let length = answer.headers().get("upload-length").and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if length != Some(job.file.length) {
        return Err(Trouble::Vanished);
    }
    offset(&answer, job)
}

fn offset(answer: &Response, job: &Job<'_>) -> Result<u64, Trouble> {
    let offset = answer.headers().get("upload-offset").and_then(|offset| offset.to_str().ok()?.parse::<u64>().ok());
    let told = offset.filter(|offset| *offset <= job.file.length);
    told.ok_or_else(|| Trouble::Passing("answered without an offset".to_owned()))
}

/// What became of a complete upload.
async fn look(job: &Job<'_>, url: &Url) -> Result<Value, Trouble> {
    let answered = ask(job, Method::GET, url).timeout(STALLED).send().await;
    let answer = answer(url, answered).await?;
    let stored = read_answer(answer, url).await.map_err(|fault| Trouble::Passing(format!("{fault:?}")))?;
    if stored.get("sha256").is_some() {
        return Ok(stored);
    }
    Err(Trouble::Passing("answered that it is not complete".to_owned()))
}
