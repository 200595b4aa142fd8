//! The service over HTTP. The router below is the API's table of contents.

pub mod accept;
pub mod access;
mod around;
mod body;
mod chunks;
mod conditional;
pub mod error;
pub mod health;
pub mod measure;
mod metrics;
pub mod negotiate;
mod outputs;
pub mod render;
mod schema;
pub mod tus;
mod uploads;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::middleware;
use axum::routing::{any, get, post};
use http::HeaderValue;
use serde_json::Value;
use tokio::sync::Semaphore;

use crate::config::Config;
use crate::config::form::{Cidr, Origin};
use crate::intake::store::Store;
use crate::pipeline::Engine;
use access::Access;
use error::Failure;
use health::Lifecycle;

pub use body::malformed;

/// What the routes share. Made once.
pub struct App {
    engine: Arc<Engine>,
    uploads: Store,
    schema: schema::Document,
    access: Access,
    lifecycle: Arc<Lifecycle>,
    /// Renders in hand.
    inflight: Semaphore,
    max_inflight: usize,
    metrics: metrics::Metrics,
    /// Whether they have an address of their own.
    metrics_elsewhere: bool,
    max_body_bytes: u64,
    request_deadline: Duration,
    cors_origins: Vec<Origin>,
    trusted_proxies: Vec<Cidr>,
    public_url: Option<String>,
    base_path: String,
}

impl App {
    /// `at` is where the service listens; `schema` is the JSON Schema of templates.
    pub fn new(config: &Config, at: SocketAddr, engine: Arc<Engine>, uploads: Store, schema: &Value) -> App {
        App {
            engine,
            uploads,
            schema: schema::Document::new(schema),
            access: Access::new(config, at),
            lifecycle: Arc::default(),
            inflight: Semaphore::new(config.max_inflight.get() as usize),
            max_inflight: config.max_inflight.get() as usize,
            metrics: metrics::Metrics::default(),
            metrics_elsewhere: config.metrics_listen.is_some(),
            max_body_bytes: config.max_body_bytes.get(),
            request_deadline: config.request_deadline.get(),
            cors_origins: config.cors_origins.clone(),
            trusted_proxies: config.trusted_proxies.clone(),
            public_url: config.public_url.as_ref().map(|url| url.as_str().to_owned()),
            base_path: config.base_path.as_str().to_owned(),
        }
    }

    pub fn lifecycle(&self) -> Arc<Lifecycle> {
        Arc::clone(&self.lifecycle)
    }

    /// Whether pages of this origin may read the answers.
    fn is_friend(&self, origin: &HeaderValue) -> bool {
        origin.to_str().is_ok_and(|origin| self.cors_origins.iter().any(|known| known.matches(origin)))
    }
}

/// All routes. HEAD goes wherever GET does.
pub fn router(app: Arc<App>) -> Router {
    let routes = Router::new()
        .route("/v1/render", post(render::post))
        .route("/v1/measure", post(measure::post))
        .route("/v1/uploads", post(uploads::post))
        .route("/v1/uploads/{name}", get(uploads::get).put(uploads::put).delete(uploads::delete))
        .route("/v1/tus", any(tus::collection))
        .route("/v1/tus/{id}", any(tus::one))
        .route("/v1/schema/template.json", get(schema::template))
        .route("/livez", get(health::livez))
        .route("/readyz", get(health::readyz));
    let routes = if app.metrics_elsewhere { routes } else { routes.route("/metrics", get(metrics::get)) };
    let routes = match app.base_path.as_str() {
        "" => routes,
        // Probes ask the root, whatever stands before the routes for others.
        base => Router::new().nest(base, routes).route("/livez", get(health::livez)).route("/readyz", get(health::readyz)),
    };
    surrounded(routes, app)
}

/// What `metrics_listen` serves: the metrics and the probes, nothing else.
pub fn metrics_router(app: Arc<App>) -> Router {
    let routes = Router::new()
        .route("/metrics", get(metrics::get_openly))
        .route("/livez", get(health::livez))
        .route("/readyz", get(health::readyz));
    surrounded(routes, app)
}

fn surrounded(routes: Router<Arc<App>>, app: Arc<App>) -> Router {
    routes
        .fallback(async || Failure::new(crate::problem::Code::NotFound, "there is nothing at this path"))
        .layer(middleware::from_fn_with_state(Arc::clone(&app), around::around))
        .with_state(app)
}
