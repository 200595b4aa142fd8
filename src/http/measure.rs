//! `POST /v1/measure`: the body of a render in, where everything would lie out: the receipt without pixels.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Request as HttpRequest, State};
use axum::response::Response;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use serde_json::Value;

use super::App;
use super::access::Right;
use super::around::Arrived;
use super::error::Failure;
use super::render::{degraded_entry, place_in_hand, read, tell_timing};
use crate::encode::Format;
use crate::pipeline::{Measured, Telling};

pub async fn post(
    State(app): State<Arc<App>>,
    Extension(Arrived(arrived)): Extension<Arrived>,
    request: HttpRequest,
) -> Result<Response, Failure> {
    let (parts, body) = request.into_parts();
    let caller = app.access.allow(&parts.headers, Right::Render)?;
    let _place = place_in_hand(&app)?;
    let deadline = arrived + app.request_deadline;
    let json = super::body::json(&parts.headers, body, app.max_body_bytes, deadline).await?;
    // Nothing is encoded: the format says nothing here.
    let measured = app.engine.measure(read(json)?.request(Format::Png, Telling::Nothing).0, deadline).await?;
    let timing = measured.timing.clone();
    let mut response = Response::new(Body::from(document(measured).to_string()));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    tell_timing(headers, &timing)?;
    if let Some(caller) = caller {
        response.extensions_mut().insert(caller);
    }
    Ok(response)
}

/// The receipt, and which layers would not show what they should.
pub fn document(measured: Measured) -> Value {
    let mut receipt = measured.receipt;
    if let Some(object) = receipt.as_object_mut() {
        object.insert("degraded".to_owned(), measured.degraded.iter().map(degraded_entry).collect());
    }
    receipt
}
