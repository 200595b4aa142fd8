//! What surrounds every request: its id, its log line, CORS, and a net under panics.

use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS,
    ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, EXPECT, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use super::App;
use super::accept::Peer;
use super::access::Caller;
use super::body::Polite;
use super::error::{self, Failure};
use crate::config::form::Cidr;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// When the head of the request had been read; deadlines count from here.
#[derive(Clone, Copy, Debug)]
pub struct Arrived(pub Instant);

pub async fn around(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let arrived = Instant::now();
    let id = request_id(request.headers());
    let method = request.method().clone();
    // Without the query: it may hold a signature.
    let path: String = request.uri().path().chars().take(200).collect();
    let client = client(&app.trusted_proxies, request.extensions().get::<Peer>(), request.headers());
    let origin = request.headers().get(ORIGIN).filter(|origin| app.is_friend(origin)).cloned();
    request.extensions_mut().insert(Arrived(arrived));
    let waiting = request.headers().contains_key(EXPECT);
    let request = request.map(|body| Body::new(Polite::new(body, waiting)));

    let preflight = method == Method::OPTIONS && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    let answer = if preflight && origin.is_some() {
        preflighted()
    } else {
        match AssertUnwindSafe(next.run(request)).catch_unwind().await {
            Ok(response) => response,
            // The panic hook has logged where and why.
            Err(_panic) => Failure::internal("a handler panicked").into_response(),
        }
    };
    let caller = answer.extensions().get::<Caller>().map(|caller| caller.0.clone());
    let (mut response, failure) = error::finish(answer, &id);
    if !app.cors_origins.is_empty() {
        response.headers_mut().append(VARY, HeaderValue::from_static("Origin"));
    }
    if let Some(origin) = origin {
        response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        response.headers_mut().insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    app.metrics.answered(response.status().as_u16());
    let line = Line { id: &id, method: &method, path: &path, client, caller: caller.as_deref(), arrived };
    line.log(response.status().as_u16(), failure.as_ref());
    response
}

const EXPOSED: &str = "ETag, Content-Location, Content-Range, Location, Retry-After, Server-Timing, X-Affiche-Degraded, \
    X-Request-Id, Tus-Resumable, Tus-Version, Tus-Extension, Tus-Max-Size, Tus-Checksum-Algorithm, Upload-Offset, Upload-Length, \
    Upload-Defer-Length, Upload-Metadata, Upload-Expires";

fn preflighted() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = error::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE"));
    let allowed = "Accept, Authorization, Content-Encoding, Content-Type, If-Match, If-None-Match, If-Range, Range, \
        Tus-Resumable, Upload-Checksum, Upload-Defer-Length, Upload-Length, Upload-Metadata, Upload-Offset, \
        X-HTTP-Method-Override, X-Request-Id, X-Requested-With";
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(allowed));
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    response
}

/// The caller's id if it is short and plain, else one of 128 random bits.
fn request_id(headers: &HeaderMap) -> String {
    let plain = |id: &&str| (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    match headers.get(REQUEST_ID).and_then(|id| id.to_str().ok()).filter(plain) {
        Some(id) => id.to_owned(),
        None => {
            let mut random = [0; 16];
            // Without randomness an id of zeros still serves; nothing relies on its secrecy.
            let _ = getrandom::fill(&mut random);
            random.iter().map(|byte| format!("{byte:02x}")).collect()
        }
    }
}

/// Who asks: the peer, or the last address in `X-Forwarded-For` that is no trusted proxy's.
fn client(trusted: &[Cidr], peer: Option<&Peer>, headers: &HeaderMap) -> Option<IpAddr> {
    let is_proxy = |address: IpAddr| trusted.iter().any(|block| block.contains(address));
    let mut nearest = peer?.0.ip().to_canonical();
    let lists: Vec<&str> = headers.get_all(FORWARDED_FOR).iter().filter_map(|list| list.to_str().ok()).collect();
    for hop in lists.iter().rev().flat_map(|list| list.rsplit(',')) {
        if !is_proxy(nearest) {
            break;
        }
        let Ok(address) = hop.trim().parse::<IpAddr>() else { break };
        nearest = address.to_canonical();
    }
    Some(nearest)
}

/// One request, one line.
struct Line<'a> {
    id: &'a str,
    method: &'a Method,
    path: &'a str,
    client: Option<IpAddr>,
    caller: Option<&'a str>,
    arrived: Instant,
}

impl Line<'_> {
    fn log(&self, status: u16, failure: Option<&Failure>) {
        let Line { id, method, path, .. } = self;
        let client = self.client.map(tracing::field::display);
        let ms = self.arrived.elapsed().as_secs_f64() * 1e3;
        let ms = (ms * 10.0).round() / 10.0;
        let caller = self.caller;
        match failure {
            None => tracing::info!(%method, path, status, ms, client, caller, id, "request"),
            Some(failure) => {
                let code = failure.code.as_str();
                let detail = failure.detail.as_str();
                if status >= 500 && status != 503 {
                    tracing::warn!(%method, path, status, ms, client, caller, id, code, detail, "request");
                } else {
                    tracing::info!(%method, path, status, ms, client, caller, id, code, detail, "request");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::form::Form;

    #[tokio::test]
    async fn a_panic_is_a_500_and_says_nothing() {
        let config = crate::config::Config::defaults();
        let engine = Arc::new(crate::cli::setup::engine(&config, crate::cli::setup::User::Service).unwrap());
        let uploads = engine.intake.store().clone();
        let at = config.listen.0;
        let app = Arc::new(App::new(&config, at, engine, uploads, &serde_json::Value::Null));
        let panics = axum::routing::get(async || -> Response { panic!("a secret of /etc") });
        let router = axum::Router::new().route("/", panics).layer(axum::middleware::from_fn_with_state(app, around));
        let request = http::Request::get("/").body(Body::empty()).unwrap();
        let response = tower::ServiceExt::oneshot(router, request).await.unwrap();
        assert_eq!(response.status().as_u16(), 500);
        let body = http_body_util::BodyExt::collect(response.into_body()).await.unwrap().to_bytes();
        let document: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(document["code"], "internal");
        assert!(!document.to_string().contains("/etc"), "{document}");
    }

    #[test]
    fn ids_are_short_and_plain_or_made() {
        let id = |value: &'static str| request_id(&HeaderMap::from_iter([(REQUEST_ID, HeaderValue::from_static(value))]));
        assert_eq!(id("a-b_c.9"), "a-b_c.9");
        for odd in ["", "a b", "a\"", "0123456789012345678901234567890123456789012345678901234567890123x"] {
            let made = id(odd);
            assert!(made.len() == 32 && made.bytes().all(|b| b.is_ascii_hexdigit()), "{odd:?} {made}");
        }
        assert_ne!(id(""), id(""));
    }

    #[test]
    fn forwarded_addresses_count_from_trusted_proxies_only() {
        let trusted = [Cidr::parse("10.0.0.0/8").unwrap()];
        let client = |peer: &str, hops: &[&'static str]| {
            let headers = hops.iter().map(|hop| (FORWARDED_FOR, HeaderValue::from_static(hop))).collect();
            client(&trusted, Some(&Peer(peer.parse().unwrap())), &headers).unwrap().to_string()
        };
        assert_eq!(client("192.0.2.1:1", &["1.1.1.1"]), "192.0.2.1");
        assert_eq!(client("10.0.0.1:1", &["6.6.6.6, 1.1.1.1"]), "1.1.1.1");
        assert_eq!(client("10.0.0.1:1", &["6.6.6.6, 1.1.1.1, 10.0.0.2"]), "1.1.1.1");
        assert_eq!(client("10.0.0.1:1", &["6.6.6.6", "1.1.1.1"]), "1.1.1.1");
        assert_eq!(client("[::ffff:10.0.0.1]:1", &["unknown"]), "10.0.0.1");
    }
}
