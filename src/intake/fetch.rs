//! We pull: one GET with its own redirect loop, every hop judged by the guard, every wait and byte bounded.

use std::collections::HashMap;
use std::error::Error as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Once, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::TryStreamExt;
use http::StatusCode;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_ENCODING, HeaderMap, HeaderValue, LOCATION};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, timeout, timeout_at};
use url::Url;

use super::bounded::{Bounds, PourError, pour};
use super::freshness::{ACCEPTED, AGENT, Hop};
use super::guard::{Answers, Guard, Lookup, Reach, Refusal, Vetted};
use super::ledger::{Heap, Ledger, NoRoom};
use crate::asset::PictureError;
use crate::limits::MAX_URL_BYTES;

/// Answers' headers: more than any CDN sends, little memory.
const MAX_HEADERS: usize = 128;
/// Hosts remembered for their limit before the idle ones are forgotten.
const HOSTS_KEPT: usize = 1_024;

/// The bounds of every fetch.
#[derive(Clone, Copy, Debug)]
pub struct FetchSettings {
    pub connect_timeout: Duration,
    /// Once connected, until the head of the answer is there.
    pub first_byte_timeout: Duration,
    /// From the first waiting to the last byte, redirects included.
    pub fetch_timeout: Duration,
    pub max_redirects: u32,
    pub max_bytes: u64,
    /// Fetches under way at once, altogether and from one host.
    pub at_once: usize,
    pub at_once_per_host: usize,
}

/// Why nothing came. Names no address: that is the caller's to add, from the URL he was given.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum FetchError {
    #[error("{0}")]
    Refused(#[from] Refusal),
    #[error("the redirect leads from https to http")]
    Downgrade,
    #[error("more than {most} redirects")]
    TooManyRedirects { most: u32 },
    #[error("the redirect names no address that can be asked")]
    BadRedirect { status: u16 },
    #[error("the host's name is not known")]
    UnknownHost,
    #[error("no connection could be made")]
    Unreachable,
    #[error("the connection broke before the answer was complete")]
    Broken,
    #[error("no complete answer within the time allowed")]
    Timeout,
    #[error("the origin answered {status}")]
    Gone { status: u16 },
    #[error("the origin answered {status}")]
    Status { status: u16 },
    #[error("the answer is compressed although that was not asked for")]
    Encoded,
    #[error("more than {most} bytes")]
    TooLarge { most: u64 },
    #[error("the sources of one request have more than {most} bytes together")]
    OverRequest { most: u64 },
    /// Nothing is wrong with the origin: we have our hands full.
    #[error("too many pictures are being fetched already")]
    Busy,
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// A fault of ours: the work was lost.
    #[error("the fetch was given up")]
    Lost,
}

impl FetchError {
    /// Whether the origin failed, so that a stale copy may stand in; false where it gave a clear answer or may not be asked.
    pub fn is_failure(&self) -> bool {
        match self {
            FetchError::UnknownHost
            | FetchError::Unreachable
            | FetchError::Broken
            | FetchError::Timeout
            | FetchError::Busy
            | FetchError::Lost
            | FetchError::TooManyRedirects { .. } => true,
            FetchError::Status { status } => *status >= 500 || matches!(status, 408 | 429),
            FetchError::Refused(_)
            | FetchError::Downgrade
            | FetchError::BadRedirect { .. }
            | FetchError::Gone { .. }
            | FetchError::Encoded
            | FetchError::TooLarge { .. }
            | FetchError::OverRequest { .. }
            | FetchError::Picture(_) => false,
        }
    }
}

/// What to say to the origin besides the URL.
#[derive(Clone, Debug, Default)]
pub struct Conditions {
    /// The validators of a stored copy, and the only URL they may be sent to.
    pub known: Option<(Url, HeaderMap)>,
    /// Caches on the way shall ask the origin again too.
    pub end_to_end: bool,
}

/// A complete answer: 200 with bytes, or 304 without.
#[derive(Clone, Debug)]
pub struct Answer {
    pub redirects: Vec<Hop>,
    pub last: Hop,
    /// `None`: what is known still holds.
    pub bytes: Option<Bytes>,
}

pub struct Fetcher {
    settings: FetchSettings,
    guard: Arc<Guard>,
    lookup: Arc<dyn Lookup>,
    ledger: Arc<Ledger>,
    /// One client per way of judging DNS answers: a resolver learns the name only, so what depends on the port is settled before.
    clients: [OnceLock<Option<reqwest::Client>>; 4],
    all: Arc<Semaphore>,
    hosts: Mutex<HashMap<String, Arc<Semaphore>>>,
}

impl Fetcher {
    pub fn new(settings: FetchSettings, guard: Arc<Guard>, lookup: Arc<dyn Lookup>, ledger: Arc<Ledger>) -> Fetcher {
        let all = Arc::new(Semaphore::new(settings.at_once.clamp(1, Semaphore::MAX_PERMITS)));
        Fetcher { settings, guard, lookup, ledger, clients: Default::default(), all, hosts: Mutex::default() }
    }

    pub fn guard(&self) -> &Guard {
        &self.guard
    }

    /// Fetches under way.
    pub fn under_way(&self) -> usize {
        self.settings.at_once.saturating_sub(self.all.available_permits())
    }

    /// When a fetch that begins now must be done, whatever it takes.
    pub fn deadline(&self) -> Instant {
        Instant::now() + self.settings.fetch_timeout
    }

    /// Gets `url` until `deadline`. Nothing of any caller's request is sent along. `progress` grows by every byte of a body that
    /// comes.
    pub async fn fetch(
        &self,
        url: &Url,
        conditions: &Conditions,
        deadline: Instant,
        progress: &watch::Sender<u64>,
    ) -> Result<Answer, FetchError> {
        let waited = AtomicU64::new(0);
        let answer = timeout_at(deadline, self.follow(url, conditions, progress, &waited)).await;
        // Who waited for a turn most of the time cannot say that the origin was slow.
        let waited = Duration::from_micros(waited.into_inner());
        let late = if waited > self.settings.fetch_timeout / 2 { FetchError::Busy } else { FetchError::Timeout };
        answer.unwrap_or(Err(late))
    }

    async fn follow(
        &self,
        url: &Url,
        conditions: &Conditions,
        progress: &watch::Sender<u64>,
        waited: &AtomicU64,
    ) -> Result<Answer, FetchError> {
        let mut url = without_fragment(url);
        let mut redirects = Vec::new();
        loop {
            let reach = self.guard.admit(&url)?;
            let _permits = self.permits(url.host_str().unwrap_or_default(), waited).await;
            let known = conditions.known.as_ref().filter(|(known, _)| *known == url).map(|(_, headers)| headers);
            let response = self.ask(&url, reach, known, conditions.end_to_end).await?;
            let last = Hop { url: url.clone(), status: response.status(), headers: response.headers().clone() };
            if matches!(last.status.as_u16(), 301 | 302 | 303 | 307 | 308) {
                if redirects.len() >= self.settings.max_redirects as usize {
                    return Err(FetchError::TooManyRedirects { most: self.settings.max_redirects });
                }
                url = next_url(&last)?;
                redirects.push(last);
                continue;
            }
            let bytes = match last.status {
                StatusCode::OK => Some(self.body(response, &last.headers, progress).await?),
                StatusCode::NOT_MODIFIED if known.is_some() => None,
                StatusCode::NOT_FOUND | StatusCode::GONE => return Err(FetchError::Gone { status: last.status.as_u16() }),
                status => return Err(FetchError::Status { status: status.as_u16() }),
            };
            return Ok(Answer { redirects, last, bytes });
        }
    }

    async fn ask(
        &self,
        url: &Url,
        reach: Reach,
        known: Option<&HeaderMap>,
        end_to_end: bool,
    ) -> Result<reqwest::Response, FetchError> {
        let mut request = self.client(reach).ok_or(FetchError::Lost)?.get(url.clone()).header(ACCEPT, ACCEPTED);
        if let Some(known) = known {
            request = request.headers(known.clone());
        }
        if end_to_end {
            request = request.header(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        }
        // The client's own clock for connecting stops when the connection stands.
        let patience = self.settings.connect_timeout.saturating_add(self.settings.first_byte_timeout);
        let response = timeout(patience, request.send()).await.map_err(|_| FetchError::Timeout)?;
        let response = response.map_err(|error| cause(&error))?;
        self.guard.admit_peer(response.remote_addr(), reach)?;
        Ok(response)
    }

    async fn body(
        &self,
        response: reqwest::Response,
        headers: &HeaderMap,
        progress: &watch::Sender<u64>,
    ) -> Result<Bytes, FetchError> {
        if headers.get_all(CONTENT_ENCODING).iter().any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity")) {
            return Err(FetchError::Encoded);
        }
        let bounds = Bounds { announced: response.content_length(), ..Bounds::bytes(self.settings.max_bytes) };
        let mut heap = Heap::new(&self.ledger, bounds.announced, progress);
        let stream = response.bytes_stream().map_err(|error| cause(&error));
        pour(stream, &bounds, &mut heap).await.map_err(|error| match error {
            PourError::TooLarge { most } => FetchError::TooLarge { most },
            PourError::Incomplete { .. } | PourError::Overlong { .. } => FetchError::Broken,
            PourError::Deadline { .. } | PourError::TooSlow { .. } => FetchError::Timeout,
            PourError::Broken(error) => error,
            PourError::Sink(NoRoom) => FetchError::Busy,
        })?;
        Ok(heap.sealed())
    }

    /// The host's permit first, then one of all: a host that is slow must not hold what others could use.
    async fn permits(&self, host: &str, waited: &AtomicU64) -> (Option<OwnedSemaphorePermit>, Option<OwnedSemaphorePermit>) {
        let host = host.strip_suffix('.').unwrap_or(host);
        let of_host = {
            let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
            if hosts.len() >= HOSTS_KEPT {
                hosts.retain(|_, semaphore| Arc::strong_count(semaphore) > 1);
            }
            let each = self.settings.at_once_per_host.clamp(1, Semaphore::MAX_PERMITS);
            hosts.entry(host.to_owned()).or_insert_with(|| Arc::new(Semaphore::new(each))).clone()
        };
        // Neither is ever closed, so both are granted in the end.
        let host = of_host.acquire_owned().await.ok();
        let _waiting = Waiting { since: Instant::now(), all: waited };
        (host, self.all.clone().acquire_owned().await.ok())
    }

    fn client(&self, reach: Reach) -> Option<&reqwest::Client> {
        let answers = match reach {
            Reach::Literal(_) => Answers { named_private: false, listed_nets: false },
            Reach::Name(answers) => answers,
        };
        let slot = usize::from(answers.named_private) * 2 + usize::from(answers.listed_nets);
        self.clients.get(slot)?.get_or_init(|| self.build(answers)).as_ref()
    }

    fn build(&self, answers: Answers) -> Option<reqwest::Client> {
        static PROVIDER: Once = Once::new();
        // Fails only where the program has chosen another already, which then serves.
        PROVIDER.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
        let builder = || {
            reqwest::Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .dns_resolver(Vetted { guard: self.guard.clone(), lookup: self.lookup.clone(), answers })
                .no_proxy()
                .referer(false)
                .user_agent(AGENT)
                .connect_timeout(self.settings.connect_timeout)
                .http1_max_headers(MAX_HEADERS)
                .pool_max_idle_per_host(self.settings.at_once_per_host)
                .pool_idle_timeout(Duration::from_secs(30))
        };
        match builder().build() {
            Ok(client) => Some(client),
            Err(error) => {
                // A container without CA certificates: http still works, every https certificate is refused.
                tracing::warn!(%error, "no certificates to trust were found: https sources will fail");
                builder().tls_certs_only(Vec::new()).build().ok()
            }
        }
    }
}

/// Counts the time spent waiting for a turn, also where the waiting is given up.
struct Waiting<'a> {
    since: Instant,
    all: &'a AtomicU64,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let micros = u64::try_from(self.since.elapsed().as_micros()).unwrap_or(0);
        self.all.fetch_add(micros, Ordering::Relaxed);
    }
}

/// Where an answer from `from` with this `Location` sends us: what the fuzzer of the guard follows.
pub fn redirect(from: &Url, location: HeaderValue) -> Result<Url, FetchError> {
    let headers = HeaderMap::from_iter([(LOCATION, location)]);
    next_url(&Hop { url: from.clone(), status: StatusCode::FOUND, headers })
}

/// Where a redirect leads. Relative ones count from where they stood.
fn next_url(hop: &Hop) -> Result<Url, FetchError> {
    let bad = FetchError::BadRedirect { status: hop.status.as_u16() };
    let location = hop.headers.get(LOCATION).and_then(|v| std::str::from_utf8(v.as_bytes()).ok()).ok_or(bad.clone())?;
    let next = without_fragment(&hop.url.join(location).ok().filter(|url| url.as_str().len() <= MAX_URL_BYTES).ok_or(bad)?);
    // What was asked for under the protection of TLS must not come without it.
    if hop.url.scheme() == "https" && next.scheme() == "http" { Err(FetchError::Downgrade) } else { Ok(next) }
}

pub(super) fn without_fragment(url: &Url) -> Url {
    let mut url = url.clone();
    url.set_fragment(None);
    url
}

/// What a client's error was, told by its causes; its text may hold addresses and goes no further.
fn cause(error: &reqwest::Error) -> FetchError {
    let mut source = error.source();
    while let Some(inner) = source {
        if let Some(refusal) = inner.downcast_ref::<Refusal>() {
            return FetchError::Refused(*refusal);
        }
        source = inner.source();
    }
    if error.is_timeout() {
        FetchError::Timeout
    } else if error.is_dns() {
        FetchError::UnknownHost
    } else if error.is_connect() {
        FetchError::Unreachable
    } else {
        FetchError::Broken
    }
}
