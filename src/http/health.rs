//! `/livez` and `/readyz`: is the process alive, and does it want requests?

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};

use super::App;
use super::error::Failure;
use crate::problem::Code;

/// Where a service is in its life.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Phase {
    Starting,
    Serving,
    Draining,
}

/// The phase, shared between the accept loop and the routes.
#[derive(Debug)]
pub struct Lifecycle(AtomicU8);

impl Default for Lifecycle {
    fn default() -> Lifecycle {
        Lifecycle(AtomicU8::new(Phase::Starting as u8))
    }
}

impl Lifecycle {
    pub fn phase(&self) -> Phase {
        match self.0.load(Ordering::Acquire) {
            0 => Phase::Starting,
            1 => Phase::Serving,
            _ => Phase::Draining,
        }
    }

    pub fn enter(&self, phase: Phase) {
        self.0.store(phase as u8, Ordering::Release);
    }
}

pub async fn livez() -> Response {
    ok()
}

pub async fn readyz(State(app): State<Arc<App>>) -> Result<Response, Failure> {
    match app.lifecycle.phase() {
        Phase::Serving => Ok(ok()),
        Phase::Starting => Err(Failure::new(Code::Draining, "the service is starting")),
        Phase::Draining => Err(Failure::new(Code::Draining, "the service is shutting down")),
    }
}

fn ok() -> Response {
    let plain = [(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"))];
    (plain, [(CACHE_CONTROL, HeaderValue::from_static("no-store"))], "ok\n").into_response()
}
