//! `/v1/tus`: resumable uploads by tus 1.0 (tus.io/protocols/resumable-upload): made, sent piece by piece, and then uploads like any other.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_LOCATION, CONTENT_TYPE, ETAG, LOCATION, TRANSFER_ENCODING};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::json;

use super::App;
use super::access::{Caller, Right};
use super::error::{CREATED, Failure, NO_CONTENT};
use super::uploads;
use crate::intake::store::partial::{Chunk, Id, PartialError, Partials, Progress, Wanted};
use crate::problem::Code;

pub mod headers;

use headers::{HeaderError, VERSION};

const RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
const OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const LENGTH: HeaderName = HeaderName::from_static("upload-length");
const DEFERRED: HeaderName = HeaderName::from_static("upload-defer-length");
const METADATA: HeaderName = HeaderName::from_static("upload-metadata");
const EXPIRES: HeaderName = HeaderName::from_static("upload-expires");
const OVERRIDE: HeaderName = HeaderName::from_static("x-http-method-override");

const EXTENSIONS: &str = "creation,creation-with-upload,creation-defer-length,checksum,expiration,termination";
/// The type of a chunk.
const CHUNK: &str = "application/offset+octet-stream";

impl From<HeaderError> for Failure {
    fn from(error: HeaderError) -> Failure {
        Failure::new(Code::InvalidHeader, error.to_string())
    }
}

impl From<PartialError> for Failure {
    fn from(error: PartialError) -> Failure {
        match error {
            PartialError::Store(error) => error.into(),
            told => Failure::new(told.code(), told.to_string()),
        }
    }
}

/// `/v1/tus`: what the service can do, and new uploads.
pub async fn collection(State(app): State<Arc<App>>, request: Request) -> Result<Response, Failure> {
    let (parts, body) = request.into_parts();
    let answer = match method(&parts)? {
        Method::OPTIONS => options(&app),
        Method::POST => create(&app, parts, body).await,
        _ => Err(not_allowed("OPTIONS, POST")),
    };
    signed(answer)
}

/// `/v1/tus/{id}`: one upload.
pub async fn one(State(app): State<Arc<App>>, Path(id): Path<String>, request: Request) -> Result<Response, Failure> {
    let (parts, body) = request.into_parts();
    let answer = match method(&parts)? {
        Method::OPTIONS => options(&app),
        Method::HEAD => head(&app, &id, &parts).await,
        Method::GET => get(&app, &id, &parts).await,
        Method::PATCH => patch(&app, &id, parts, body).await,
        Method::DELETE => delete(&app, &id, &parts).await,
        _ => Err(not_allowed("OPTIONS, HEAD, GET, PATCH, DELETE")),
    };
    signed(answer)
}

/// A client that can only POST says in a header what it means.
fn method(parts: &Parts) -> Result<Method, Failure> {
    match parts.headers.get(OVERRIDE).filter(|_| parts.method == Method::POST) {
        None => Ok(parts.method.clone()),
        Some(meant) => Method::from_bytes(meant.as_bytes().trim_ascii())
            .map_err(|_| Failure::new(Code::InvalidHeader, "X-HTTP-Method-Override must be a method")),
    }
}

fn not_allowed(there_are: &'static str) -> Failure {
    Failure::new(Code::MethodNotAllowed, "this path does not take that method").header(ALLOW, HeaderValue::from_static(there_are))
}

/// Every answer says which tus it speaks.
fn signed(answer: Result<Response, Failure>) -> Result<Response, Failure> {
    let version = HeaderValue::from_static(VERSION);
    match answer {
        Ok(mut response) => {
            response.headers_mut().insert(RESUMABLE, version);
            Ok(response)
        }
        Err(failure) => Err(failure.header(RESUMABLE, version)),
    }
}

/// Lets in who may write and speaks the same tus.
fn enter(app: &App, parts: &Parts) -> Result<Option<Caller>, Failure> {
    if !headers::is_spoken(&parts.headers) {
        let failure = Failure::new(Code::PreconditionFailed, format!("this speaks tus {VERSION}: say so in Tus-Resumable"));
        return Err(failure.header(HeaderName::from_static("tus-version"), HeaderValue::from_static(VERSION)));
    }
    app.access.allow(&parts.headers, Right::Write)
}

fn partials(app: &App) -> Partials {
    Partials::of(&app.uploads)
}

fn id(text: &str) -> Result<Id, Failure> {
    Id::parse(text).ok_or_else(|| PartialError::NotFound.into())
}

fn options(app: &App) -> Result<Response, Failure> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = NO_CONTENT;
    let told = response.headers_mut();
    told.insert("tus-version", HeaderValue::from_static(VERSION));
    told.insert("tus-extension", HeaderValue::from_static(EXTENSIONS));
    told.insert("tus-max-size", HeaderValue::from(partials(app).most()));
    told.insert("tus-checksum-algorithm", HeaderValue::from_static("sha1,sha256"));
    Ok(response)
}

async fn create(app: &App, parts: Parts, body: Body) -> Result<Response, Failure> {
    let caller = enter(app, &parts)?;
    let headers::Creation { length, metadata } = headers::creation(&parts.headers)?;
    let condition = uploads::condition(&parts.headers);
    let wanted = Wanted { length, name: metadata.name, metadata: metadata.text, condition };
    let announced = super::body::announced(&parts.headers);
    let brings_bytes = announced.is_some_and(|bytes| bytes > 0) || parts.headers.contains_key(TRANSFER_ENCODING);
    let (id, progress) = if is_chunk(&parts.headers) {
        let checksum = headers::checksum(&parts.headers)?;
        let chunk = Chunk { at: 0, announced, length: None, checksum };
        partials(app).create_with(wanted, chunk, super::body::stream(body)).await?
    } else if brings_bytes {
        return Err(Failure::new(Code::UnsupportedMediaType, format!("the first bytes come as `Content-Type: {CHUNK}`")));
    } else {
        partials(app).create(wanted).await?
    };
    let mut response = match &progress.stored {
        Some(stored) => {
            let mut response = uploads::written(app, stored, None)?;
            // The address of the upload itself stands in Content-Location.
            response.headers_mut().remove(LOCATION);
            response
        }
        None => Response::new(Body::empty()),
    };
    *response.status_mut() = CREATED;
    tell(app, &progress, response.headers_mut())?;
    let location = format!("{}/v1/tus/{}", app.base_path, id.as_str());
    response.headers_mut().insert(LOCATION, HeaderValue::try_from(location).map_err(Failure::internal)?);
    Ok(of(caller, response))
}

async fn patch(app: &App, id: &str, parts: Parts, body: Body) -> Result<Response, Failure> {
    let caller = enter(app, &parts)?;
    let id = self::id(id)?;
    if !is_chunk(&parts.headers) {
        return Err(Failure::new(Code::UnsupportedMediaType, format!("a chunk comes as `Content-Type: {CHUNK}`")));
    }
    let headers::Appending { offset, length, checksum } = headers::appending(&parts.headers)?;
    let chunk = Chunk { at: offset, announced: super::body::announced(&parts.headers), length, checksum };
    let progress = match partials(app).append(&id, chunk, super::body::stream(body)).await {
        Err(PartialError::OffsetMismatch { offset }) => {
            let failure = Failure::from(PartialError::OffsetMismatch { offset });
            return Err(failure.header(OFFSET, HeaderValue::from(offset)));
        }
        answered => answered?,
    };
    let mut response = Response::new(Body::empty());
    *response.status_mut() = NO_CONTENT;
    tell(app, &progress, response.headers_mut())?;
    Ok(of(caller, response))
}

async fn head(app: &App, id: &str, parts: &Parts) -> Result<Response, Failure> {
    let caller = enter(app, parts)?;
    let progress = partials(app).head(&self::id(id)?).await?;
    let mut response = Response::new(Body::empty());
    tell(app, &progress, response.headers_mut())?;
    if let Ok(metadata) = HeaderValue::try_from(progress.metadata.as_str())
        && !metadata.is_empty()
    {
        response.headers_mut().insert(METADATA, metadata);
    }
    Ok(of(caller, response))
}

/// No part of tus: how far it is without ending whoever sends, and what became of it.
async fn get(app: &App, id: &str, parts: &Parts) -> Result<Response, Failure> {
    let caller = app.access.allow(&parts.headers, Right::Write)?;
    let progress = partials(app).look(&self::id(id)?).await?;
    let mut response = match &progress.stored {
        Some(stored) => {
            let mut response = uploads::written(app, stored, None)?;
            *response.status_mut() = http::StatusCode::OK;
            response.headers_mut().remove(LOCATION);
            response
        }
        None => {
            let body = json!({ "offset": progress.offset, "length": progress.length });
            let mut response = Response::new(Body::from(body.to_string()));
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            response
        }
    };
    tell(app, &progress, response.headers_mut())?;
    Ok(of(caller, response))
}

async fn delete(app: &App, id: &str, parts: &Parts) -> Result<Response, Failure> {
    let caller = enter(app, parts)?;
    partials(app).remove(&self::id(id)?).await?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = NO_CONTENT;
    Ok(of(caller, response))
}

/// How far the upload is, and where it is once it is whole.
fn tell(app: &App, progress: &Progress, told: &mut HeaderMap) -> Result<(), Failure> {
    told.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    told.insert(OFFSET, HeaderValue::from(progress.offset));
    match progress.length {
        Some(length) => told.insert(LENGTH, HeaderValue::from(length)),
        None => told.insert(DEFERRED, HeaderValue::from(1)),
    };
    let expires = httpdate::fmt_http_date(progress.expires);
    told.insert(EXPIRES, HeaderValue::try_from(expires).map_err(Failure::internal)?);
    if let Some(stored) = &progress.stored {
        let place = format!("{}/v1/uploads/{}", app.base_path, stored.name.as_str());
        told.insert(CONTENT_LOCATION, HeaderValue::try_from(place).map_err(Failure::internal)?);
        let tag = format!("\"{}\"", stored.meta.sha256_hex());
        told.insert(ETAG, HeaderValue::try_from(tag).map_err(Failure::internal)?);
    }
    Ok(())
}

fn is_chunk(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(CHUNK)
}

/// Notes for the log who asked.
fn of(caller: Option<Caller>, mut response: Response) -> Response {
    if let Some(caller) = caller {
        response.extensions_mut().insert(caller);
    }
    response
}
