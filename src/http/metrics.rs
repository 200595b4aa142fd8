//! `GET /metrics`: what the service counts, in Prometheus' text format.
//!
//! Written here rather than by a crate: every number already stands in a counter of the room it belongs to, and the format is
//! a name, labels and a number to a line.

use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};

use super::App;
use super::access::Right;
use super::error::Failure;

/// Upper ends of the histogram of renders, in seconds: from a remembered picture to the usual deadline.
const SECONDS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
/// Statuses are three digits.
const STATUSES: usize = 1_000;

/// How a render ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    Good,
    Degraded,
    Failed,
}

impl Outcome {
    const ALL: [(Outcome, &str); 3] = [(Outcome::Good, "good"), (Outcome::Degraded, "degraded"), (Outcome::Failed, "failed")];
}

/// What no other room counts.
pub struct Metrics {
    answers: Vec<AtomicU64>,
    outcomes: [AtomicU64; Outcome::ALL.len()],
    /// Of renders that gave a picture.
    seconds: [AtomicU64; SECONDS.len()],
    rendered: AtomicU64,
    micros: AtomicU64,
    stages: Mutex<BTreeMap<&'static str, f64>>,
}

impl Default for Metrics {
    fn default() -> Metrics {
        Metrics {
            answers: (0..STATUSES).map(|_| AtomicU64::new(0)).collect(),
            outcomes: Default::default(),
            seconds: Default::default(),
            rendered: AtomicU64::new(0),
            micros: AtomicU64::new(0),
            stages: Mutex::default(),
        }
    }
}

impl Metrics {
    pub fn answered(&self, status: u16) {
        self.answers.get(usize::from(status)).map(|answers| answers.fetch_add(1, Ordering::Relaxed));
    }

    /// A picture came after `took`; `stages` are those of `Server-Timing`, in milliseconds.
    pub fn rendered(&self, outcome: Outcome, took: Duration, stages: &[(&'static str, f64)]) {
        self.count(outcome);
        let bucket = SECONDS.iter().position(|end| took.as_secs_f64() <= *end);
        bucket.and_then(|at| self.seconds.get(at)).map(|bucket| bucket.fetch_add(1, Ordering::Relaxed));
        self.rendered.fetch_add(1, Ordering::Relaxed);
        self.micros.fetch_add(u64::try_from(took.as_micros()).unwrap_or(0), Ordering::Relaxed);
        let mut sums = self.stages.lock().unwrap_or_else(PoisonError::into_inner);
        for (stage, millis) in stages {
            *sums.entry(stage).or_default() += millis / 1e3;
        }
    }

    pub fn failed(&self) {
        self.count(Outcome::Failed);
    }

    fn count(&self, outcome: Outcome) {
        self.outcomes.get(outcome as usize).map(|count| count.fetch_add(1, Ordering::Relaxed));
    }
}

/// Open where nobody has a key, or at an address of its own; else any key will do.
pub async fn get(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, Failure> {
    app.access.allow(&headers, Right::Read)?;
    Ok(answer(&app))
}

/// At `metrics_listen`, which is for those who may read them.
pub async fn get_openly(State(app): State<Arc<App>>) -> Response {
    answer(&app)
}

fn answer(app: &App) -> Response {
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    ([(CONTENT_TYPE, kind), (CACHE_CONTROL, HeaderValue::from_static("no-store"))], page(app)).into_response()
}

/// A page being written.
#[derive(Default)]
struct Page(String);

impl Page {
    /// Begins a family; its samples follow.
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ = write!(self.0, "# HELP affiche_{name} {help}\n# TYPE affiche_{name} {kind}\n");
    }

    /// `labels`: as `kind="mask"`, or empty. Label values are words of ours: none needs escaping.
    fn sample(&mut self, name: &str, labels: &str, value: impl Display) {
        let _ = match labels {
            "" => writeln!(self.0, "affiche_{name} {value}"),
            labels => writeln!(self.0, "affiche_{name}{{{labels}}} {value}"),
        };
    }

    /// A family of one sample for each word.
    fn by_word<V: Display>(
        &mut self,
        name: &str,
        kind: &str,
        help: &str,
        label: &str,
        values: impl IntoIterator<Item = (&'static str, V)>,
    ) {
        self.family(name, kind, help);
        for (word, value) in values {
            self.sample(name, &format!("{label}=\"{word}\""), value);
        }
    }

    fn alone(&mut self, name: &str, kind: &str, help: &str, value: impl Display) {
        self.family(name, kind, help);
        self.sample(name, "", value);
    }
}

fn page(app: &App) -> String {
    let mut page = Page::default();
    page.family("build_info", "gauge", "The version that runs.");
    page.sample("build_info", concat!("version=\"", env!("CARGO_PKG_VERSION"), "\""), 1);
    requests(&mut page, app);
    sources(&mut page, app);
    memo(&mut page, app);
    if let Some(bytes) = resident() {
        let _ = write!(
            page.0,
            "# HELP process_resident_memory_bytes Memory in use.\n# TYPE process_resident_memory_bytes gauge\nprocess_resident_memory_bytes {bytes}\n"
        );
    }
    page.0
}

fn requests(page: &mut Page, app: &App) {
    let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let metrics = &app.metrics;
    page.family("requests_total", "counter", "Answers by status, probes included.");
    for (status, answers) in metrics.answers.iter().enumerate() {
        let answers = read(answers);
        if answers > 0 {
            page.sample("requests_total", &format!("status=\"{status}\""), answers);
        }
    }
    let outcomes = Outcome::ALL.iter().zip(&metrics.outcomes).map(|((_, word), count)| (*word, read(count)));
    page.by_word("renders_total", "counter", "Renders by how they ended.", "outcome", outcomes);
    page.family("render_seconds", "histogram", "Time from a request's head to its picture.");
    let mut below = 0;
    for (end, bucket) in SECONDS.iter().zip(&metrics.seconds) {
        below += read(bucket);
        page.sample("render_seconds_bucket", &format!("le=\"{end}\""), below);
    }
    // What is counted between two reads must not make the sum of the parts larger than the whole.
    let all = read(&metrics.rendered).max(below);
    page.sample("render_seconds_bucket", "le=\"+Inf\"", all);
    page.sample("render_seconds_sum", "", read(&metrics.micros) as f64 / 1e6);
    page.sample("render_seconds_count", "", all);
    let stages = metrics.stages.lock().unwrap_or_else(PoisonError::into_inner).clone();
    page.by_word("stage_seconds_total", "counter", "Time of renders by stage.", "stage", stages);
    let in_hand = app.max_inflight.saturating_sub(app.inflight.available_permits());
    page.alone("renders_in_hand", "gauge", "Render requests being read, fetching, waiting or drawn.", in_hand);
    let load = app.engine.workers.load();
    page.alone("workers", "gauge", "Threads that draw.", load.threads);
    page.alone("workers_busy", "gauge", "Threads that draw right now.", load.running);
    page.alone("workers_waiting", "gauge", "Renders that wait for a thread.", load.waiting);
}

fn sources(page: &mut Page, app: &App) {
    let counts = app.engine.intake.counts();
    let events = [
        ("memory_hit", counts.memory_hits),
        ("disk_hit", counts.disk_hits),
        ("miss", counts.misses),
        ("joined", counts.joined),
        ("revalidated", counts.revalidated),
        ("stale", counts.stale),
        ("negative_hit", counts.negative_hits),
        ("failure", counts.failures),
        ("disk_failure", counts.disk_failures),
    ];
    page.by_word("source_events_total", "counter", "What happened to sources that were asked for.", "event", events);
    let evictions = [("memory", counts.memory_evictions), ("disk", counts.disk_evictions)];
    page.by_word("source_evictions_total", "counter", "Pictures thrown out of a tier.", "tier", evictions);
    let bytes = [("memory", counts.memory_bytes), ("disk", counts.disk_bytes), ("held", counts.held_bytes)];
    let help = "Bytes of encoded pictures by tier; held: in memory, whoever has them.";
    page.by_word("source_bytes", "gauge", help, "tier", bytes);
    page.alone("source_fetches", "gauge", "Fetches under way.", counts.fetching);
}

fn memo(page: &mut Page, app: &App) {
    let counts = app.engine.remembered();
    let each = |of: fn(&crate::pipeline::MemoCounts) -> u64| {
        counts.iter().map(move |(kind, counts)| (*kind, of(counts))).collect::<Vec<_>>()
    };
    page.by_word("memo_hits_total", "counter", "What was remembered when asked for.", "kind", each(|c| c.hits));
    page.by_word("memo_misses_total", "counter", "What had to be made.", "kind", each(|c| c.misses));
    page.by_word("memo_evictions_total", "counter", "What was thrown out.", "kind", each(|c| c.evictions));
    page.by_word("memo_bytes", "gauge", "Bytes remembered.", "kind", each(|c| c.bytes));
}

/// Where the system tells.
fn resident() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1_024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_counts_each_render_once() {
        let metrics = Metrics::default();
        for micros in [1_000, 1_001, 10_000_000, 10_000_001, 99_000_000] {
            metrics.rendered(Outcome::Good, Duration::from_micros(micros), &[("raster", 2.0)]);
        }
        metrics.failed();
        let buckets: Vec<u64> = metrics.seconds.iter().map(|bucket| bucket.load(Ordering::Relaxed)).collect();
        assert_eq!((buckets[0], buckets[1], buckets[11], buckets.iter().sum()), (1, 1, 1, 3));
        assert_eq!(metrics.rendered.load(Ordering::Relaxed), 5);
        assert!((metrics.stages.lock().unwrap()["raster"] - 0.01).abs() < 1e-9);
        metrics.answered(200);
        metrics.answered(u16::MAX);
        assert_eq!(metrics.answers[200].load(Ordering::Relaxed), 1);
    }
}
