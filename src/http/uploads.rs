//! `/v1/uploads`: raw files in, as a stream, and out again, whole or in ranges.

use std::io::SeekFrom;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_SECURITY_POLICY,
    CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH, IF_UNMODIFIED_SINCE, LAST_MODIFIED, LOCATION, RANGE, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

use super::App;
use super::access::Right;
use super::conditional::{self, Safe, Validators, Verdict};
use super::error::{CREATED, Failure, NO_CONTENT, NOT_MODIFIED, PARTIAL};
use crate::intake::store::{Announced, Condition, Meta, Opened, StoreError, Stored, UploadName};
use crate::problem::Code;

const REPR_DIGEST: HeaderName = HeaderName::from_static("repr-digest");
const CONTENT_DIGEST: HeaderName = HeaderName::from_static("content-digest");
/// What one read from the disk holds.
const READ_BYTES: usize = 64 << 10;

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Failure {
        match error {
            StoreError::Io(cause) => Failure::internal(cause),
            told => Failure::new(told.code(), told.to_string()),
        }
    }
}

pub async fn put(State(app): State<Arc<App>>, Path(name): Path<String>, request: Request) -> Result<Response, Failure> {
    let (parts, body) = request.into_parts();
    let caller = app.access.allow(&parts.headers, Right::Write)?;
    let name = UploadName::new(&name)?;
    let announced = Announced { condition: condition(&parts.headers), ..announced(&parts.headers)? };
    let stored = app.uploads.put(&name, super::body::stream(body), announced).await?;
    written(&app, &stored, caller)
}

pub async fn post(State(app): State<Arc<App>>, request: Request) -> Result<Response, Failure> {
    let (parts, body) = request.into_parts();
    let caller = app.access.allow(&parts.headers, Right::Write)?;
    let announced = announced(&parts.headers)?;
    let stored = app.uploads.create(super::body::stream(body), announced).await?;
    written(&app, &stored, caller)
}

pub async fn delete(State(app): State<Arc<App>>, Path(name): Path<String>, headers: HeaderMap) -> Result<Response, Failure> {
    app.access.allow(&headers, Right::Write)?;
    let name = UploadName::new(&name)?;
    app.uploads.delete(&name, condition(&headers)).await?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = NO_CONTENT;
    Ok(response)
}

/// GET and HEAD.
pub async fn get(
    State(app): State<Arc<App>>,
    method: Method,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    app.access.allow(&headers, Right::Read)?;
    let name = UploadName::new(&name)?;
    let Opened { file, meta } = app.uploads.get(&name).await?;
    let tag = etag(&meta);
    let mut response = Response::new(Body::empty());
    describe(response.headers_mut(), &name, &meta)?;
    let validators = Validators { etag: &tag, modified: meta.modified };
    match conditional::judge(&headers, Some(validators), Safe::Yes) {
        Verdict::Failed => return Err(StoreError::PreconditionFailed.into()),
        Verdict::NotModified => {
            *response.status_mut() = NOT_MODIFIED;
            return Ok(response);
        }
        Verdict::Proceed => {}
    }
    let range = match headers.get(RANGE).and_then(|range| range.to_str().ok()) {
        Some(range) if method == Method::GET && conditional::range_stands(&headers, validators) => asked_range(range, meta.bytes),
        _ => Asked::Whole,
    };
    let (from, length) = match range {
        Asked::Whole => {
            if method == Method::GET {
                response.headers_mut().insert(CONTENT_DIGEST, shown_digest(&meta)?);
            }
            (0, meta.bytes)
        }
        Asked::Part { from, length } => {
            *response.status_mut() = PARTIAL;
            let shown = format!("bytes {from}-{}/{}", from + length - 1, meta.bytes);
            response.headers_mut().insert(CONTENT_RANGE, HeaderValue::try_from(shown).map_err(Failure::internal)?);
            (from, length)
        }
        Asked::Nothing => {
            let all = HeaderValue::try_from(format!("bytes */{}", meta.bytes)).map_err(Failure::internal)?;
            let detail = format!("the range is outside of the {} bytes there are", meta.bytes);
            return Err(Failure::new(Code::RangeNotSatisfiable, detail).header(CONTENT_RANGE, all));
        }
    };
    let about = response.headers_mut();
    about.insert(CONTENT_TYPE, HeaderValue::try_from(meta.media_type.as_str()).map_err(Failure::internal)?);
    about.insert(CONTENT_LENGTH, HeaderValue::from(length));
    if method == Method::GET && length > 0 {
        let mut file = tokio::fs::File::from_std(file);
        if from > 0 {
            file.seek(SeekFrom::Start(from)).await.map_err(Failure::internal)?;
        }
        *response.body_mut() = Body::from_stream(ReaderStream::with_capacity(file.take(length), READ_BYTES));
    }
    Ok(response)
}

fn etag(meta: &Meta) -> String {
    format!("\"{}\"", meta.sha256_hex())
}

/// As RFC 9530 writes it.
fn shown_digest(meta: &Meta) -> Result<HeaderValue, Failure> {
    HeaderValue::try_from(format!("sha-256=:{}:", BASE64.encode(meta.sha256))).map_err(Failure::internal)
}

/// Headers of the file as such, the same for GET, HEAD and 304.
fn describe(headers: &mut HeaderMap, name: &UploadName, meta: &Meta) -> Result<(), Failure> {
    headers.insert(ETAG, HeaderValue::try_from(etag(meta)).map_err(Failure::internal)?);
    let modified = httpdate::fmt_http_date(conditional::whole_seconds(meta.modified));
    headers.insert(LAST_MODIFIED, HeaderValue::try_from(modified).map_err(Failure::internal)?);
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(REPR_DIGEST, shown_digest(meta)?);
    // The name may be written again at any time.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox"));
    if !is_harmless(&meta.media_type) {
        // The name is plain: nothing in it needs quoting.
        let shown = format!("attachment; filename=\"{}\"", name.as_str());
        headers.insert(CONTENT_DISPOSITION, HeaderValue::try_from(shown).map_err(Failure::internal)?);
    }
    Ok(())
}

/// What a browser may show in the service's own origin: nothing that can hold a script.
fn is_harmless(media_type: &str) -> bool {
    let kind = media_type.split(';').next().unwrap_or_default().trim();
    let family = kind.split('/').next().unwrap_or_default();
    kind == "text/plain"
        || (matches!(family, "image" | "font" | "audio" | "video") && !kind.contains("svg") && !kind.ends_with("xml"))
}

/// What the writer says of the bytes to come.
fn announced(headers: &HeaderMap) -> Result<Announced, Failure> {
    if headers.get(CONTENT_ENCODING).is_some_and(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(Failure::new(
            Code::UnsupportedMediaType,
            "uploads are kept as they come: send them without Content-Encoding",
        ));
    }
    if headers.contains_key(CONTENT_RANGE) {
        return Err(Failure::new(Code::InvalidValue, "an upload is always whole: Content-Range is not taken"));
    }
    Ok(Announced { length: super::body::announced(headers), sha256: digest(headers)?, condition: Condition::None })
}

/// What `Repr-Digest` and `Content-Digest` (RFC 9530) announce; without a content coding they mean the same bytes. Algorithms
/// other than sha-256 are passed over, as the RFC wants.
fn digest(headers: &HeaderMap) -> Result<Option<[u8; 32]>, Failure> {
    let broken = || Failure::new(Code::InvalidValue, "a digest must look like `sha-256=:…:` (RFC 9530)");
    let mut announced: Option<[u8; 32]> = None;
    for field in [REPR_DIGEST, CONTENT_DIGEST].iter().flat_map(|name| headers.get_all(name)) {
        for member in field.to_str().map_err(|_| broken())?.split(',').map(str::trim) {
            let (algorithm, value) = member.split_once('=').unwrap_or((member, ""));
            if !algorithm.eq_ignore_ascii_case("sha-256") {
                continue;
            }
            let item = value.split(';').next().unwrap_or_default().trim_end();
            let base64 = item.strip_prefix(':').and_then(|item| item.strip_suffix(':')).ok_or_else(broken)?;
            let bytes = BASE64.decode(base64).map_err(|_| broken())?;
            let digest = <[u8; 32]>::try_from(bytes).map_err(|_| broken())?;
            if announced.replace(digest).is_some_and(|other| other != digest) {
                return Err(Failure::new(Code::DigestMismatch, "the announced digests differ: no bytes can have both"));
            }
        }
    }
    Ok(announced)
}

/// The condition of a write in the store's terms.
pub(super) fn condition(headers: &HeaderMap) -> Condition {
    let mut all = Vec::new();
    if headers.contains_key(IF_MATCH) {
        // Strong comparison: a weak tag, like one that is not ours, matches nothing.
        all.push(tags(headers, IF_MATCH, sha_of).map_or(Condition::Present, Condition::OneOf));
    } else if let Some(since) = conditional::date(headers.get(IF_UNMODIFIED_SINCE)) {
        all.push(Condition::UnmodifiedSince(since));
    }
    if headers.contains_key(IF_NONE_MATCH) {
        let weakly = |tag: &str| sha_of(tag.strip_prefix("W/").unwrap_or(tag));
        all.push(tags(headers, IF_NONE_MATCH, weakly).map_or(Condition::Absent, Condition::NoneOf));
    }
    match all.pop() {
        None => Condition::None,
        Some(only) if all.is_empty() => only,
        Some(last) => {
            all.push(last);
            Condition::All(all)
        }
    }
}

/// The tags of ours in all lines of a list; `None` where it says `*`.
fn tags(headers: &HeaderMap, name: HeaderName, read: impl Fn(&str) -> Option<[u8; 32]>) -> Option<Vec<[u8; 32]>> {
    let lines = headers.get_all(name);
    let listed = || lines.iter().flat_map(|line| line.to_str().unwrap_or_default().split(',').map(str::trim));
    (!listed().any(|tag| tag == "*")).then(|| listed().filter_map(read).collect())
}

fn sha_of(tag: &str) -> Option<[u8; 32]> {
    let hex = tag.strip_prefix('"')?.strip_suffix('"')?;
    let digits: Vec<u8> = hex.chars().map(|c| c.to_digit(16).map(|digit| digit as u8)).collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits.as_chunks::<2>().0.iter().map(|[high, low]| high << 4 | low).collect();
    (digits.len() == 64).then_some(())?;
    bytes.try_into().ok()
}

pub(super) fn written(app: &App, stored: &Stored, caller: Option<super::access::Caller>) -> Result<Response, Failure> {
    let path = format!("/v1/uploads/{}", stored.name.as_str());
    let location = format!("{}{path}", app.base_path);
    let url = app.public_url.as_ref().map_or_else(|| location.clone(), |root| format!("{root}{path}"));
    let body = json!({
        "name": stored.name.as_str(),
        "bytes": stored.meta.bytes,
        "sha256": stored.meta.sha256_hex(),
        "media_type": stored.meta.media_type,
        "url": url,
    });
    let mut response = Response::new(Body::from(body.to_string()));
    if stored.created {
        *response.status_mut() = CREATED;
    }
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(LOCATION, HeaderValue::try_from(location).map_err(Failure::internal)?);
    headers.insert(ETAG, HeaderValue::try_from(etag(&stored.meta)).map_err(Failure::internal)?);
    if let Some(caller) = caller {
        response.extensions_mut().insert(caller);
    }
    Ok(response)
}

/// What a `Range` comes to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Asked {
    /// No range, one that cannot be read, or several at once: RFC 9110 lets all of it be sent then.
    Whole,
    /// At least one byte.
    Part { from: u64, length: u64 },
    /// Outside of what there is.
    Nothing,
}

fn asked_range(range: &str, bytes: u64) -> Asked {
    let number = |digits: &str| -> Option<u64> {
        let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        // A number beyond u64 is beyond any file.
        plain.then(|| digits.parse().unwrap_or(u64::MAX))
    };
    let spec = range.split_once('=').filter(|(unit, _)| unit.trim().eq_ignore_ascii_case("bytes")).map(|(_, spec)| spec.trim());
    let Some((first, last)) = spec.and_then(|spec| spec.split_once('-')).map(|(first, last)| (first.trim(), last.trim())) else {
        return Asked::Whole;
    };
    let (from, end) = match (number(first), number(last)) {
        (None, Some(suffix)) if first.is_empty() => (bytes.saturating_sub(suffix), if suffix == 0 { 0 } else { bytes }),
        (Some(from), Some(last)) if from <= last => (from, last.saturating_add(1).min(bytes)),
        (Some(from), None) if last.is_empty() => (from, bytes),
        _ => return Asked::Whole,
    };
    match end.checked_sub(from) {
        Some(length) if length > 0 => Asked::Part { from, length },
        _ => Asked::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        let part = |from, length| Asked::Part { from, length };
        for (range, bytes, asked) in [
            ("bytes=0-0", 10, part(0, 1)),
            ("bytes=0-9", 10, part(0, 10)),
            ("bytes=0-10", 10, part(0, 10)),
            ("bytes=9-", 10, part(9, 1)),
            ("bytes=10-", 10, Asked::Nothing),
            ("bytes=10-20", 10, Asked::Nothing),
            ("bytes=-1", 10, part(9, 1)),
            ("bytes=-11", 10, part(0, 10)),
            ("bytes=-0", 10, Asked::Nothing),
            ("bytes=0-", 0, Asked::Nothing),
            ("bytes=-1", 0, Asked::Nothing),
            ("Bytes = 2-3", 10, part(2, 2)),
            ("bytes=3-2", 10, Asked::Whole),
            ("bytes=0-1,3-4", 10, Asked::Whole),
            ("bytes=a-b", 10, Asked::Whole),
            ("bytes=-", 10, Asked::Whole),
            ("bytes=+1-2", 10, Asked::Whole),
            ("lines=0-1", 10, Asked::Whole),
            ("bytes=0-99999999999999999999999", 10, part(0, 10)),
            ("bytes=99999999999999999999999-", 10, Asked::Nothing),
        ] {
            assert_eq!(asked_range(range, bytes), asked, "{range} of {bytes}");
        }
    }

    #[test]
    fn what_may_be_shown() {
        for (media_type, harmless) in [
            ("image/png", true),
            ("text/plain; charset=utf-8", true),
            ("font/otf", true),
            ("image/svg+xml", false),
            ("text/html", false),
            ("application/pdf", false),
            ("application/octet-stream", false),
        ] {
            assert_eq!(is_harmless(media_type), harmless, "{media_type}");
        }
    }

    #[test]
    fn digests() {
        let of = |value: &'static str| {
            digest(&HeaderMap::from_iter([(HeaderName::from_static("repr-digest"), HeaderValue::from_static(value))]))
        };
        let zero = "sha-512=:AAAA:, sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:";
        assert_eq!(of(zero).unwrap(), Some([0; 32]));
        assert_eq!(of("md5=:AAAA:").unwrap(), None);
        assert_eq!(of("sha-256=AAAA").unwrap_err().code, Code::InvalidValue);
    }

    #[test]
    fn conditions() {
        let of =
            |name: HeaderName, value: &str| condition(&HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())]));
        assert_eq!(of(IF_NONE_MATCH, "*"), Condition::Absent);
        assert_eq!(of(IF_MATCH, "*"), Condition::Present);
        let tag = format!("\"{}\", \"x\", W/\"{}\"", "0f".repeat(32), "0e".repeat(32));
        assert_eq!(of(IF_MATCH, &tag), Condition::OneOf(vec![[15; 32]]));
        assert_eq!(of(IF_NONE_MATCH, &tag), Condition::NoneOf(vec![[15; 32], [14; 32]]));
        assert_eq!(of(IF_NONE_MATCH, "\"x\", *"), Condition::Absent);
    }
}
