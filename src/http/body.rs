//! Request bodies: read whole within their bounds, unpacked if need be, and not cut off rudely where they are refused.

use std::io::{self, Read};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use axum::body::Body;
use bytes::Bytes;
use flate2::bufread::MultiGzDecoder;
use futures_util::StreamExt;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use http_body::{Body as _, Frame, SizeHint};
use serde_json::Value;

use super::error::Failure;
use crate::intake::bounded::{Bounds, PourError};
use crate::intake::recv::into_memory;
use crate::problem::{Code, In, Place, Problem};

/// Reads a JSON body of at most `most` bytes once unpacked.
pub async fn json(headers: &HeaderMap, body: Body, most: u64, deadline: Instant) -> Result<Value, Failure> {
    if !is_json(headers) {
        return Err(Failure::new(Code::UnsupportedMediaType, "the body must be JSON: `Content-Type: application/json`"));
    }
    let packed = is_packed(headers)?;
    // Packing can make incompressible bytes longer, by some 5 bytes in 16 KiB.
    let most_received = if packed { most.saturating_add(most / 1_024).saturating_add(1_024) } else { most };
    let bounds = Bounds { most: most_received, announced: announced(headers), deadline: Some(deadline.into()), rate: None };
    let received = into_memory(body.into_data_stream(), &bounds).await.map_err(|error| refused(&error, most))?;
    let text = if packed { unpack(&received, most)? } else { received };
    serde_json::from_slice(&text).map_err(|error| malformed(&error).into())
}

/// The announced length, as far as there is one to believe.
pub fn announced(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// A body without a type is taken for JSON, and so is what `curl -d` calls a form without asking.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(CONTENT_TYPE) else { return true };
    let kind = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    matches!(kind.as_str(), "application/json" | "text/json" | "application/x-www-form-urlencoded")
        || (kind.starts_with("application/") && kind.ends_with("+json"))
}

fn is_packed(headers: &HeaderMap) -> Result<bool, Failure> {
    match headers.get(CONTENT_ENCODING).map(|value| value.as_bytes().trim_ascii().to_ascii_lowercase()).as_deref() {
        None | Some(b"" | b"identity") => Ok(false),
        Some(b"gzip" | b"x-gzip") => Ok(true),
        Some(_) => {
            let failure = Failure::new(Code::UnsupportedMediaType, "the body may be packed with gzip only");
            Err(failure.header(ACCEPT_ENCODING, HeaderValue::from_static("gzip, identity")))
        }
    }
}

fn unpack(packed: &[u8], most: u64) -> Result<Bytes, Failure> {
    let mut text = Vec::new();
    match MultiGzDecoder::new(packed).take(most.saturating_add(1)).read_to_end(&mut text) {
        Ok(_) if text.len() as u64 > most => Err(too_large(most)),
        Ok(_) => Ok(Bytes::from(text)),
        Err(_) => {
            Err(Problem::new(Place::new(In::Body, ""), Code::MalformedJson, "the body is not gzip, as it says it is").into())
        }
    }
}

fn too_large(most: u64) -> Failure {
    Failure::new(Code::BodyTooLarge, format!("the body is larger than {most} bytes (max_body_bytes)"))
}

fn refused<E, S>(error: &PourError<E, S>, most: u64) -> Failure {
    match error {
        PourError::TooLarge { .. } => too_large(most),
        PourError::Deadline { .. } | PourError::TooSlow { .. } => {
            Failure::new(Code::IncompleteBody, "the body did not come in time")
        }
        _ => Failure::new(Code::IncompleteBody, "the body ended before it was complete"),
    }
}

/// Says where; serde_json's own words hold the place at their end.
pub fn malformed(error: &serde_json::Error) -> Problem {
    let text = error.to_string();
    let cause = text.split(" at line ").next().unwrap_or(&text);
    let message = format!("not JSON at line {}, column {}: {cause}", error.line(), error.column());
    Problem::new(Place::new(In::Body, ""), Code::MalformedJson, message)
}

/// A body that, where nobody reads it to its end, is read on for a while and thrown away.
///
/// Closing a socket with unread bytes resets it, and the client, still sending, would never see why it was refused.
pub struct Polite {
    body: Option<Body>,
    /// The client waits for `100 Continue` and has not been told to go on: then it has not sent anything either.
    waiting: bool,
}

/// What is thrown away at most.
const DRAIN_BYTES: usize = 16 << 20;
const DRAIN_TIME: Duration = Duration::from_secs(3);

impl Polite {
    pub fn new(body: Body, waiting: bool) -> Polite {
        Polite { body: Some(body), waiting }
    }
}

impl http_body::Body for Polite {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.waiting = false;
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let frame = ready!(Pin::new(body).poll_frame(cx));
        if !matches!(frame, Some(Ok(_))) {
            self.body = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl Drop for Polite {
    fn drop(&mut self) {
        let Some(body) = self.body.take().filter(|body| !self.waiting && !body.is_end_stream()) else { return };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(tokio::time::timeout(DRAIN_TIME, async move {
            let mut left = DRAIN_BYTES;
            let mut stream = body.into_data_stream();
            while let Some(Ok(chunk)) = stream.next().await {
                match left.checked_sub(chunk.len()) {
                    Some(rest) => left = rest,
                    None => break,
                }
            }
        }));
    }
}

/// As a stream of bytes whose errors are I/O errors, for the receiving code.
pub fn stream(body: Body) -> impl futures_util::Stream<Item = io::Result<Bytes>> {
    body.into_data_stream().map(|chunk| chunk.map_err(io::Error::other))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn headers(pairs: &[(http::HeaderName, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    async fn read(pairs: &[(http::HeaderName, &'static str)], body: Vec<u8>, most: u64) -> Result<Value, (u16, String)> {
        let deadline = Instant::now() + Duration::from_secs(60);
        let read = json(&headers(pairs), Body::from(body), most, deadline).await;
        read.map_err(|failure| (failure.status().as_u16(), failure.detail))
    }

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(text).unwrap();
        packer.finish().unwrap()
    }

    #[tokio::test]
    async fn the_cap_counts_unpacked_bytes() {
        let text = format!("\"{}\"", "x".repeat(98)).into_bytes();
        assert_eq!(text.len(), 100);
        for (most, good) in [(99, false), (100, true), (101, true)] {
            for (pairs, body) in [(vec![], text.clone()), (vec![(CONTENT_ENCODING, "gzip")], gzip(&text))] {
                match read(&pairs, body, most).await {
                    Ok(value) => assert!(good && value.as_str().unwrap().len() == 98, "{most}"),
                    Err((status, detail)) => {
                        assert!(!good && status == 413 && detail.contains("99 bytes"), "{most}: {status} {detail}")
                    }
                }
            }
        }
    }

    #[tokio::test]
    async fn malformed_json_says_where() {
        let (status, detail) = read(&[], b"{\n  \"a\": 1,\n}".to_vec(), 100).await.unwrap_err();
        assert_eq!((status, detail.as_str()), (400, "body /: not JSON at line 3, column 1: trailing comma"));
        let deep = "[".repeat(200).into_bytes();
        assert_eq!(read(&[], deep, 1000).await.unwrap_err().0, 400);
        assert_eq!(read(&[(CONTENT_ENCODING, "gzip")], b"{}".to_vec(), 100).await.unwrap_err().0, 400);
    }

    #[tokio::test]
    async fn media_types() {
        for good in [
            "application/json",
            "Application/JSON; charset=utf-8",
            "application/vnd.affiche+json",
            "application/x-www-form-urlencoded",
        ] {
            assert!(read(&[(CONTENT_TYPE, good)], b"{}".to_vec(), 9).await.is_ok(), "{good}");
        }
        for bad in ["text/plain", "image/png", "multipart/form-data; boundary=x"] {
            assert_eq!(read(&[(CONTENT_TYPE, bad)], b"{}".to_vec(), 9).await.unwrap_err().0, 415, "{bad}");
        }
        assert_eq!(read(&[(CONTENT_ENCODING, "br")], b"{}".to_vec(), 9).await.unwrap_err().0, 415);
    }
}
