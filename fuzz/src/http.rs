//! Requests to the whole router, without a socket: heads and bodies of all routes, several after one another (cut at 0x1e), so
//! that an upload can be read back. A line `METHOD PATH`, lines of headers, an empty line, the body.
//!
//! Nothing is fetched (`max_fetches` is 0), and uploads go into a folder of this process alone.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use affiche::cli::setup::{User, engine};
use affiche::config::{Config, Flags};
use affiche::http::{App, router};
use axum::Router;
use axum::body::{Body, to_bytes};
use http::{HeaderMap, Method, Request, StatusCode};
use serde_json::Value;
use tokio::runtime::Runtime;
use tower::ServiceExt;

const MOST_REQUESTS: usize = 6;

struct Service {
    runtime: Runtime,
    router: Router,
    dir: tempfile::TempDir,
}

pub fn run(data: &[u8]) {
    static SERVICE: OnceLock<Service> = OnceLock::new();
    let service = SERVICE.get_or_init(Service::new);
    let requests: Vec<Request<Body>> = data.split(|&byte| byte == 0x1e).take(MOST_REQUESTS).filter_map(read).collect();
    let wrote = requests.iter().any(|request| !matches!(*request.method(), Method::GET | Method::HEAD));
    service.runtime.block_on(async {
        for request in requests {
            let method = request.method().clone();
            let response = service.router.clone().oneshot(request).await.unwrap();
            let (parts, body) = response.into_parts();
            let body = to_bytes(body, 64 << 20).await.unwrap();
            answered(&method, parts.status, &parts.headers, &body);
        }
        if wrote {
            service.clear().await;
        }
    });
}

impl Service {
    fn new() -> Service {
        let memory = PathBuf::from("/dev/shm");
        let dir = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
        let values = [
            ("data_dir", dir.path().to_str().unwrap()),
            ("cache_disk", "0"),
            ("render_workers", "1"),
            ("render_queue", "1000"),
            ("max_fetches", "0"),
            ("max_layers", "64"),
            ("max_canvas", "1024px,65536"),
            ("max_request_pixels", "4MP"),
            ("max_source_pixels", "1MP"),
            ("max_body_bytes", "64KiB"),
            ("max_upload_bytes", "64KiB"),
            ("upload_quota", "1MiB"),
            ("cors_origins", "https://friend.example"),
            ("trusted_proxies", "10.0.0.0/8"),
        ];
        let values = values.into_iter().map(|(name, value)| (name, value.to_owned())).collect();
        let config = Config::load(&Flags { file: None, values }, []).unwrap().config;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let engine = {
            let _inside = runtime.enter();
            Arc::new(engine(&config, User::Service).unwrap())
        };
        let uploads = engine.intake.store().clone();
        let schema = affiche::template::schema::template_schema();
        let at = "127.0.0.1:8080".parse().unwrap();
        Service { runtime, router: router(Arc::new(App::new(&config, at, engine, uploads, &schema))), dir }
    }

    /// Takes away what was stored, so that every run begins alike.
    async fn clear(&self) {
        let Ok(entries) = std::fs::read_dir(self.dir.path().join("uploads")) else { return };
        let names: Vec<String> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
        for name in names.iter().filter(|name| !name.starts_with('.')) {
            let request = Request::delete(format!("/v1/uploads/{name}")).body(Body::empty()).unwrap();
            let response = self.router.clone().oneshot(request).await.unwrap();
            assert_eq!(response.status(), StatusCode::NO_CONTENT, "{name}");
        }
    }
}

fn read(data: &[u8]) -> Option<Request<Body>> {
    let (head, body) = match data.windows(2).position(|pair| pair == b"\n\n") {
        Some(at) => (&data[..at], &data[at + 2..]),
        None => (data, &[][..]),
    };
    let mut lines = head.split(|&byte| byte == b'\n');
    let (method, path) = std::str::from_utf8(lines.next()?).ok()?.split_once(' ')?;
    let mut request = Request::builder().method(method).uri(path);
    for line in lines {
        let colon = line.iter().position(|&byte| byte == b':')?;
        request = request.header(&line[..colon], line[colon + 1..].trim_ascii());
    }
    request.body(Body::from(body.to_vec())).ok()
}

/// An answer as promised: no fault of ours, problems as problem documents, pictures that are some, parts as long as they say.
fn answered(method: &Method, status: StatusCode, headers: &HeaderMap, body: &[u8]) {
    let text = String::from_utf8_lossy(&body[..body.len().min(2_000)]);
    assert!(status != StatusCode::INTERNAL_SERVER_ERROR, "{text}");
    let kind = headers.get("content-type").map(|kind| kind.to_str().unwrap()).unwrap_or_default();
    if status.is_client_error() || status.is_server_error() {
        if *method != Method::HEAD {
            let document: Value = serde_json::from_slice(body).unwrap_or_else(|error| panic!("{error}: {text}"));
            assert!(kind.starts_with("application/problem+json"), "{status} {kind}");
            assert_eq!(document["status"], Value::from(status.as_u16()), "{text}");
        }
        return;
    }
    match kind {
        "image/png" if *method == Method::POST => assert!(body.starts_with(b"\x89PNG")),
        "image/jpeg" if *method == Method::POST => assert!(body.starts_with(b"\xff\xd8")),
        "image/webp" if *method == Method::POST => assert!(body.starts_with(b"RIFF")),
        _ => {}
    }
    if status == StatusCode::PARTIAL_CONTENT {
        let range = headers["content-range"].to_str().unwrap();
        let (first, last) = range.trim_start_matches("bytes ").split('/').next().unwrap().split_once('-').unwrap();
        let length = last.parse::<u64>().unwrap() - first.parse::<u64>().unwrap() + 1;
        assert!(*method == Method::HEAD || body.len() as u64 == length, "{range}: {} bytes", body.len());
    }
}
