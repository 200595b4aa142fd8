//! `/v1/schema/template.json`: the JSON Schema of templates, for editors and generators.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue};
use serde_json::Value;

use super::App;
use super::conditional;
use super::error::NOT_MODIFIED;

/// A document that is the same for the life of the process.
pub struct Document {
    bytes: Bytes,
    etag: HeaderValue,
}

impl Document {
    pub fn new(schema: &Value) -> Document {
        let mut text = format!("{schema:#}");
        text.push('\n');
        let digest = blake3::hash(text.as_bytes()).to_hex();
        let tag = format!("\"{}\"", digest.get(..32).unwrap_or_default());
        let etag = HeaderValue::try_from(tag).unwrap_or_else(|_| HeaderValue::from_static("\"schema\""));
        Document { bytes: Bytes::from(text), etag }
    }
}

pub async fn template(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let document = &app.schema;
    let known = headers.get(IF_NONE_MATCH).is_some_and(|tags| conditional::any_matches(tags, document.etag.as_bytes()));
    let mut response = Response::new(if known { Body::empty() } else { Body::from(document.bytes.clone()) });
    if known {
        *response.status_mut() = NOT_MODIFIED;
    } else {
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/schema+json"));
    }
    response.headers_mut().insert(ETAG, document.etag.clone());
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600"));
    response
}
