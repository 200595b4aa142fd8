//! Bytes from outside, bounded: `fetch` (we pull) beside `recv` (they push), `guard` (which addresses), `cache` and `store` (disk).

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio::time::timeout_at;

use crate::asset::{Asset, PictureError, Source};
use crate::limits::{Limits, MAX_UPLOADS};
use crate::problem::Place;

mod assets;
pub mod bounded;
mod cache;
mod disk;
mod fetch;
mod fonts;
mod freshness;
pub mod guard;
mod ledger;
mod local;
mod media;
mod problem;
pub mod recv;
pub mod store;

#[cfg(test)]
mod tests;

pub use cache::{CacheCounts, Origin};
pub use fetch::{FetchError, redirect};
pub use ledger::Purse;
pub use problem::SourceProblem;

use bounded::MinRate;
use cache::{Asking, Cache, CacheSettings, Found};
use fetch::{FetchSettings, Fetcher};
use guard::{Guard, Lookup, Rule, RuleError, SystemLookup};
use ledger::Ledger;
use local::Places;
use store::{Store, StoreSettings};

/// Everything the intake is told once.
#[derive(Clone)]
pub struct IntakeSettings {
    pub limits: Limits,
    /// Bytes of all sources of one request together.
    pub max_request_bytes: u64,
    /// Bytes of all pictures in memory, whoever holds them, besides `cache_memory`.
    pub max_source_memory: u64,
    /// Hosts, `host:port`, `*.domain`, addresses, networks.
    pub allow_private_sources: Vec<String>,
    /// Likewise; empty means that everything public may be fetched.
    pub only_sources: Vec<String>,
    pub connect_timeout: Duration,
    /// Once connected, until the head of the answer is there.
    pub first_byte_timeout: Duration,
    pub fetch_timeout: Duration,
    pub max_redirects: u32,
    /// Fetches under way at once, altogether and from one host.
    pub fetches_at_once: usize,
    pub fetches_per_host: usize,
    pub source_max_age: Duration,
    /// How long "not there" and other failures are remembered.
    pub gone_ttl: Duration,
    pub failure_ttl: Duration,
    /// Of encoded pictures; a part of `cache_memory`.
    pub cache_memory: u64,
    pub cache_disk: u64,
    /// Where fetched pictures are kept; `None`: in memory only.
    pub cache_dir: Option<PathBuf>,
    /// Uploads are kept in its `uploads`; `None`: they are refused.
    pub data_dir: Option<PathBuf>,
    pub max_upload_bytes: u64,
    pub upload_quota: u64,
    pub upload_ttl: Option<Duration>,
    /// How long an upload under way is kept after its last bytes, and how many there may be.
    pub partial_ttl: Duration,
    pub max_partials: u64,
    /// The slowest upload that is waited for.
    pub upload_rate: Option<MinRate>,
    pub asset_dirs: Vec<PathBuf>,
    /// Who turns names into addresses.
    pub lookup: Arc<dyn Lookup>,
}

impl Default for IntakeSettings {
    /// The contract's defaults, without any folder.
    fn default() -> IntakeSettings {
        IntakeSettings {
            limits: Limits::default(),
            max_request_bytes: 128 << 20,
            max_source_memory: 256 << 20,
            allow_private_sources: Vec::new(),
            only_sources: Vec::new(),
            connect_timeout: Duration::from_secs(2),
            first_byte_timeout: Duration::from_secs(3),
            fetch_timeout: Duration::from_secs(5),
            max_redirects: 3,
            fetches_at_once: 32,
            fetches_per_host: 8,
            source_max_age: Duration::from_secs(3_600),
            gone_ttl: Duration::from_secs(10),
            failure_ttl: Duration::from_secs(1),
            cache_memory: 32 << 20,
            cache_disk: 1 << 30,
            cache_dir: None,
            data_dir: None,
            max_upload_bytes: 1 << 30,
            upload_quota: 10 << 30,
            upload_ttl: None,
            partial_ttl: Duration::from_secs(86_400),
            max_partials: 1_000,
            upload_rate: Some(MinRate { bytes_per_second: 1_024, grace: Duration::from_secs(20) }),
            asset_dirs: Vec::new(),
            lookup: Arc::new(SystemLookup),
        }
    }
}

/// A setting that cannot be.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    #[error("{setting}: {error}")]
    Rule { setting: &'static str, error: RuleError },
}

/// A source that a layer wants.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub source: Source,
    pub place: Place,
    /// Ask the origin however fresh the copy.
    pub refresh: bool,
}

/// What one request adds to the settings.
#[derive(Clone, Copy, Debug)]
pub struct Around<'a> {
    pub deadline: Instant,
    /// What its bytes are paid from, however often it gathers; see [`Intake::purse`].
    pub purse: &'a Purse,
    /// Folders for `asset:` that stand before `asset_dirs`: the command's template folder and `--assets`.
    pub asset_dirs: &'a [PathBuf],
}

/// A source that is there.
#[derive(Clone, Debug)]
pub struct Gathered {
    pub asset: Arc<Asset>,
    pub origin: Origin,
}

/// Sources of one request looked for at once: no request takes all of `fetches_at_once`.
const GATHERED_AT_ONCE: usize = 16;

/// All ways by which bytes come in. Cheap to clone.
#[derive(Clone)]
pub struct Intake(Arc<Inner>);

struct Inner {
    cache: Arc<Cache>,
    ledger: Arc<Ledger>,
    store: Store,
    limits: Limits,
    max_request_bytes: u64,
    asset_dirs: Vec<PathBuf>,
}

impl Intake {
    /// Opens the folders. One that cannot be had is logged and done without. Blocks on the disk.
    pub fn new(settings: IntakeSettings) -> Result<Intake, IntakeError> {
        let private = rules("allow_private_sources", &settings.allow_private_sources)?;
        let only = rules("only_sources", &settings.only_sources)?;
        let guard = Guard::new(private, (!only.is_empty()).then_some(only));
        let fetch = FetchSettings {
            connect_timeout: settings.connect_timeout,
            first_byte_timeout: settings.first_byte_timeout,
            fetch_timeout: settings.fetch_timeout,
            max_redirects: settings.max_redirects,
            max_bytes: settings.limits.max_source_bytes,
            at_once: settings.fetches_at_once,
            at_once_per_host: settings.fetches_per_host,
        };
        let cache = CacheSettings {
            memory_bytes: settings.cache_memory,
            source_max_age: settings.source_max_age,
            gone_ttl: settings.gone_ttl,
            failure_ttl: settings.failure_ttl,
            limits: settings.limits,
        };
        let store = StoreSettings {
            max_upload_bytes: settings.max_upload_bytes,
            quota: settings.upload_quota,
            max_uploads: MAX_UPLOADS,
            ttl: settings.upload_ttl,
            partial_ttl: settings.partial_ttl,
            max_partials: settings.max_partials,
            min_rate: settings.upload_rate,
        };
        let disk = settings.cache_dir.as_deref().filter(|_| settings.cache_disk > 0).and_then(|dir| {
            disk::Disk::open(dir, settings.cache_disk)
                .inspect_err(|error| tracing::warn!(%error, folder = %dir.display(), "no disk tier for fetched pictures"))
                .ok()
        });
        let ledger = Ledger::new(settings.max_source_memory.saturating_add(settings.cache_memory));
        let fetcher = Fetcher::new(fetch, Arc::new(guard), settings.lookup, ledger.clone());
        let uploads = settings.data_dir.as_deref().map(|dir| dir.join("uploads"));
        Ok(Intake(Arc::new(Inner {
            cache: Arc::new(Cache::new(cache, fetcher, ledger.clone(), disk)),
            ledger,
            store: Store::open(uploads.as_deref(), store),
            limits: settings.limits,
            max_request_bytes: settings.max_request_bytes,
            asset_dirs: settings.asset_dirs,
        })))
    }

    pub fn store(&self) -> &Store {
        &self.0.store
    }

    pub fn counts(&self) -> CacheCounts {
        self.0.cache.counts()
    }

    /// What one request may take in over all its sources: made once for each request.
    pub fn purse(&self) -> Purse {
        Purse::new(self.0.max_request_bytes)
    }

    /// Says that a gathered picture proved broken when it was decoded, so that it is not shown from the cache again.
    pub async fn spoil(&self, source: &Source, asset: &Asset, reason: &str) {
        if let Source::Url(url) = source {
            let error = PictureError::Broken { format: asset.header().format, reason: reason.to_owned() };
            self.0.cache.spoil(url, asset.digest(), error).await;
        }
    }

    /// Gets what is wanted, side by side; the answers stand in the order of `wanted`. Equal sources are looked for once.
    ///
    /// Must run inside a tokio runtime. Holds nothing while it waits that a render needs.
    pub async fn gather(&self, wanted: &[Wanted], around: &Around<'_>) -> Vec<Result<Gathered, SourceProblem>> {
        let mut first: HashMap<(&Source, bool), usize> = HashMap::new();
        let mut unique: Vec<&Wanted> = Vec::new();
        let places: Vec<usize> = wanted
            .iter()
            .map(|one| {
                *first.entry((&one.source, one.refresh)).or_insert_with(|| {
                    unique.push(one);
                    unique.len() - 1
                })
            })
            .collect();
        let turns = Semaphore::new(GATHERED_AT_ONCE);
        let turns = &turns;
        let deadline = tokio::time::Instant::from_std(around.deadline);
        let assets = self.0.places(unique.iter().map(|one| &one.source), around.asset_dirs);
        let Ok(assets) = timeout_at(deadline, assets).await else {
            return wanted.iter().map(|one| Err(SourceProblem::timeout(&one.source))).collect();
        };
        let assets = &assets;
        let found = futures_util::future::join_all(unique.into_iter().map(|one| async move {
            let wait = async {
                let _turn = turns.acquire().await;
                self.0.one(one, around, assets).await
            };
            let Found { asset, origin } =
                timeout_at(deadline, wait).await.unwrap_or_else(|_| Err(SourceProblem::timeout(&one.source)))?;
            Ok(Gathered { asset, origin })
        }))
        .await;
        places.into_iter().map(|at| found.get(at).cloned().unwrap_or(Err(SourceProblem::Lost))).collect()
    }
}

fn rules(setting: &'static str, texts: &[String]) -> Result<Vec<Rule>, IntakeError> {
    texts.iter().map(|text| text.parse()).collect::<Result<_, _>>().map_err(|error| IntakeError::Rule { setting, error })
}

impl Inner {
    async fn one(&self, one: &Wanted, around: &Around<'_>, assets: &Places) -> Result<Found, SourceProblem> {
        let source = &one.source;
        let parse_error = |error| SourceProblem::of_fetch(source, error);
        let asset = match source {
            Source::Url(url) => {
                let asking = if one.refresh { Asking::TheOrigin } else { Asking::WhatIsFresh };
                let got = self.cache.get(url, asking, around.purse).await;
                return got.map_err(|error| SourceProblem::of_fetch(source, error));
            }
            Source::Data(bytes) => self.cache.parse(bytes.clone()).await.map_err(parse_error)?,
            Source::Upload(_) | Source::Asset(_) => {
                let local = self.local(source, assets).await?;
                let (held, load) = local.ok_or_else(|| SourceProblem::not_found(source))?;
                self.cache.local(held, load, parse_error).await?
            }
        };
        if !around.purse.pay(asset.bytes().len() as u64) {
            return Err(SourceProblem::of_fetch(source, FetchError::OverRequest { most: around.purse.most() }));
        }
        Ok(Found { asset, origin: Origin::Inline })
    }
}

async fn off_thread<T: Send + 'static>(
    source: &Source,
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T, SourceProblem> {
    let done = tokio::task::spawn_blocking(work).await.map_err(|_| SourceProblem::Lost)?;
    done.map_err(|error| {
        tracing::warn!(%error, %source, "a local source could not be read");
        SourceProblem::unreadable(source)
    })
}
