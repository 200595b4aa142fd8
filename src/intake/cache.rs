//! Remote pictures, fetched once: a memory tier, a disk tier, and one flight to the origin for however many ask.

mod held;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use tokio::sync::watch;
use tokio::time::Instant;
use url::Url;

use super::disk::Disk;
use super::fetch::{Answer, Conditions, FetchError, Fetcher, without_fragment};
use super::freshness::{Freshness, Revalidated};
use super::ledger::{Ledger, Purse};
use crate::asset::{Asset, FontBytes, PictureError};
use crate::key::Key;
use crate::limits::Limits;
use held::{Kept, Slot};

pub use held::Held;

/// Memory for remembered failures.
const NEGATIVE_BYTES: u64 = 4 << 20;
/// Of which each takes this and its URL.
const NEGATIVE_ENTRY_BYTES: usize = 512;
/// URLs on their way or waiting for a turn, over all requests; more are told to come again.
pub(super) const FLIGHTS_AT_MOST: usize = 2_048;
/// Reading a header and hashing so many bytes takes well below a millisecond; more goes off the async threads.
const PARSED_IN_PLACE: usize = 64 << 10;

/// Where a picture came from this time.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Origin {
    Memory,
    Disk,
    Network,
    /// The origin failed, and an old copy stands in.
    Stale,
    /// It was in the request, in a folder or built in.
    Inline,
}

impl Origin {
    /// The receipt's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Origin::Memory => "memory",
            Origin::Disk => "disk",
            Origin::Network => "network",
            Origin::Stale => "stale",
            Origin::Inline => "inline",
        }
    }
}

/// Whether what is known and fresh will do.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Asking {
    WhatIsFresh,
    /// `refresh`: the origin is asked however fresh the copy.
    TheOrigin,
}

/// How long answers live that say nothing of it.
#[derive(Clone, Copy, Debug)]
pub struct CacheSettings {
    pub memory_bytes: u64,
    /// A picture whose origin says nothing.
    pub source_max_age: Duration,
    /// "Not there" (404, 410).
    pub gone_ttl: Duration,
    /// Any other failure; short, only to break a stampede.
    pub failure_ttl: Duration,
    pub limits: Limits,
}

/// How often what happened, since the start.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct CacheCounts {
    pub memory_hits: u64,
    pub disk_hits: u64,
    /// Neither tier had it fresh.
    pub misses: u64,
    /// Misses that joined a flight under way.
    pub joined: u64,
    /// The origin said that the copy still holds.
    pub revalidated: u64,
    /// A stale copy was shown because the origin failed.
    pub stale: u64,
    /// Answered by a remembered failure.
    pub negative_hits: u64,
    pub failures: u64,
    pub memory_evictions: u64,
    pub memory_bytes: u64,
    pub disk_evictions: u64,
    pub disk_bytes: u64,
    /// The disk tier could not be written.
    pub disk_failures: u64,
    /// Bytes of encoded pictures in memory, whoever holds them.
    pub held_bytes: u64,
    /// Fetches under way.
    pub fetching: u64,
}

macro_rules! counters {
    ($($name:ident),*) => {
        #[derive(Default)]
        struct Counters { $($name: AtomicU64),* }
        impl Counters {
            fn read(&self) -> CacheCounts {
                CacheCounts { $($name: self.$name.load(Ordering::Relaxed),)* ..CacheCounts::default() }
            }
        }
    };
}

counters!(memory_hits, disk_hits, misses, joined, revalidated, stale, negative_hits, failures, memory_evictions, disk_failures);

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// A picture and where it came from.
#[derive(Clone, Debug)]
pub struct Found {
    pub asset: Arc<Asset>,
    pub origin: Origin,
}

type Outcome = Result<Found, FetchError>;

/// A fetch under way, with the bytes that have come so far.
#[derive(Clone)]
struct Flight {
    lands: Shared<BoxFuture<'static, Outcome>>,
    received: watch::Receiver<u64>,
}

pub struct Cache {
    settings: CacheSettings,
    fetcher: Fetcher,
    ledger: Arc<Ledger>,
    memory: moka::future::Cache<Held, Slot>,
    disk: Option<Arc<Disk>>,
    failed: moka::future::Cache<Url, (FetchError, Instant)>,
    flights: Mutex<HashMap<(Url, Asking), Flight>>,
    counters: Arc<Counters>,
}

impl Cache {
    pub fn new(settings: CacheSettings, fetcher: Fetcher, ledger: Arc<Ledger>, disk: Option<Disk>) -> Cache {
        let counters = Arc::new(Counters::default());
        let evicted = counters.clone();
        let memory = moka::future::Cache::builder()
            .max_capacity(settings.memory_bytes)
            .weigher(|held: &Held, slot: &Slot| slot.weight(held))
            .eviction_listener(move |_, _, cause| {
                if cause.was_evicted() {
                    count(&evicted.memory_evictions);
                }
            })
            .build();
        let failed = moka::future::Cache::builder()
            .max_capacity(NEGATIVE_BYTES)
            .weigher(|url: &Url, _| u32::try_from(url.as_str().len() + NEGATIVE_ENTRY_BYTES).unwrap_or(u32::MAX))
            .time_to_live(settings.gone_ttl.max(settings.failure_ttl))
            .build();
        let disk = disk.map(Arc::new);
        Cache { settings, fetcher, ledger, memory, disk, failed, flights: Mutex::default(), counters }
    }

    pub fn counts(&self) -> CacheCounts {
        let (disk_bytes, disk_evictions) = self.disk.as_ref().map(|disk| disk.counts()).unwrap_or_default();
        CacheCounts {
            memory_bytes: self.memory.weighted_size(),
            disk_bytes,
            disk_evictions,
            held_bytes: self.ledger.held(),
            fetching: self.fetcher.under_way() as u64,
            ..self.counters.read()
        }
    }

    /// The picture at `url`, its bytes paid from `purse` as they come. The guard is asked first, so what a changed rule forbids is
    /// not shown from the cache either.
    pub async fn get(self: &Arc<Cache>, url: &Url, asking: Asking, purse: &Purse) -> Outcome {
        let url = without_fragment(url);
        self.fetcher.guard().admit(&url)?;
        if asking == Asking::WhatIsFresh
            && let Some(kept) = self.picture(&Held::Url(url.clone())).await
            && self.shows(&kept)
        {
            count(&self.counters.memory_hits);
            return paid(Found { asset: kept.asset, origin: Origin::Memory }, 0, purse);
        }
        let Flight { mut lands, mut received } = self.join(url, asking)?;
        let mut spent = 0;
        loop {
            tokio::select! {
                biased;
                outcome = &mut lands => return paid(outcome?, spent, purse),
                // No more news once it has landed: then only the branch above is waited for.
                Ok(()) = received.changed() => {
                    let now = *received.borrow_and_update();
                    // The flight itself goes on: others may wait for it, and what it brings is kept.
                    if !purse.pay(now.saturating_sub(spent)) {
                        return Err(FetchError::OverRequest { most: purse.most() });
                    }
                    spent = now;
                }
            }
        }
    }

    /// A local picture: from memory, or read by `load`.
    pub async fn local<E>(
        &self,
        held: Held,
        load: impl Future<Output = Result<Bytes, E>>,
        parse_error: impl FnOnce(FetchError) -> E,
    ) -> Result<Arc<Asset>, E> {
        if let Some(kept) = self.picture(&held).await {
            count(&self.counters.memory_hits);
            return Ok(kept.asset);
        }
        let asset = self.parse(load.await?).await.map_err(parse_error)?;
        self.memory.insert(held, Slot::Picture(Kept { asset: asset.clone(), freshness: None })).await;
        Ok(asset)
    }

    async fn picture(&self, held: &Held) -> Option<Kept> {
        match self.memory.get(held).await? {
            Slot::Picture(kept) => Some(kept),
            Slot::Font(_) => None,
        }
    }

    /// A font's file: from memory, or read by `load`.
    pub async fn font<E>(&self, held: Held, load: impl Future<Output = Result<Bytes, E>>) -> Result<Arc<FontBytes>, E> {
        let held = Held::Font(Box::new(held));
        if let Some(Slot::Font(font)) = self.memory.get(&held).await {
            count(&self.counters.memory_hits);
            return Ok(font);
        }
        let bytes = load.await?;
        let same = bytes.clone();
        let hashed = tokio::task::spawn_blocking(move || FontBytes::new(same)).await;
        let font = Arc::new(hashed.unwrap_or_else(|_| FontBytes::new(bytes)));
        self.memory.insert(held, Slot::Font(font.clone())).await;
        Ok(font)
    }

    /// Reads the header and takes the digest.
    pub async fn parse(&self, bytes: Bytes) -> Result<Arc<Asset>, FetchError> {
        let limits = self.settings.limits;
        let asset = if bytes.len() <= PARSED_IN_PLACE {
            Asset::new(bytes, &limits)
        } else {
            tokio::task::spawn_blocking(move || Asset::new(bytes, &limits)).await.map_err(|_| FetchError::Lost)?
        };
        Ok(Arc::new(asset?))
    }

    fn shows(&self, kept: &Kept) -> bool {
        kept.freshness.as_ref().is_some_and(|freshness| freshness.is_fresh(SystemTime::now()) && self.admits(freshness))
    }

    /// Whether the place where the redirects ended may still be asked.
    fn admits(&self, freshness: &Freshness) -> bool {
        self.fetcher.guard().admit(&freshness.final_url).is_ok()
    }

    /// Takes part in the flight to `url`, or starts it. It flies in a task of its own, so it lands whoever stops waiting.
    fn join(self: &Arc<Cache>, url: Url, asking: Asking) -> Result<Flight, FetchError> {
        let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = flights.get(&(url.clone(), asking)) {
            count(&self.counters.joined);
            return Ok(flight.clone());
        }
        if flights.len() >= FLIGHTS_AT_MOST {
            return Err(FetchError::Busy);
        }
        let (progress, received) = watch::channel(0);
        let landing = Landing { cache: self.clone(), key: (url.clone(), asking) };
        // It ends no earlier than the lock below is given back, so it is in the books when it takes itself out.
        let task = tokio::spawn(async move {
            let (url, asking) = &landing.key;
            landing.cache.produce(url, *asking, &progress).await
        });
        let lands = async move { task.await.unwrap_or(Err(FetchError::Lost)) }.boxed().shared();
        let flight = Flight { lands, received };
        flights.insert((url, asking), flight.clone());
        Ok(flight)
    }

    async fn produce(&self, url: &Url, asking: Asking, progress: &watch::Sender<u64>) -> Outcome {
        let (stored, tier) = match self.picture(&Held::Url(url.clone())).await {
            Some(kept) => (Some(kept), Origin::Memory),
            None => (self.look_on_disk(url).await, Origin::Disk),
        };
        let stored = stored.filter(|kept| kept.freshness.as_deref().is_some_and(|freshness| self.admits(freshness)));
        if asking == Asking::WhatIsFresh {
            if let Some(kept) = stored.as_ref().filter(|kept| self.shows(kept)) {
                count(if tier == Origin::Memory { &self.counters.memory_hits } else { &self.counters.disk_hits });
                return Ok(Found { asset: kept.asset.clone(), origin: tier });
            }
            if let Some((error, until)) = self.failed.get(url).await
                && Instant::now() < until
            {
                count(&self.counters.negative_hits);
                return self.stand_in(stored, error);
            }
        }
        count(&self.counters.misses);
        match self.ask(url, stored.as_ref(), asking, progress).await {
            Ok(asset) => {
                self.failed.invalidate(url).await;
                Ok(Found { asset, origin: Origin::Network })
            }
            Err(error) => {
                count(&self.counters.failures);
                self.remember_failure(url, &error).await;
                self.stand_in(stored, error)
            }
        }
    }

    async fn ask(
        &self,
        url: &Url,
        stored: Option<&Kept>,
        asking: Asking,
        progress: &watch::Sender<u64>,
    ) -> Result<Arc<Asset>, FetchError> {
        let stored = stored.and_then(|kept| Some((&kept.asset, kept.freshness.as_deref()?)));
        let known = stored.map(|(_, freshness)| (freshness.final_url.clone(), freshness.conditions(SystemTime::now())));
        let known = known.filter(|(_, headers)| !headers.is_empty());
        let mut conditions = Conditions { known, end_to_end: asking == Asking::TheOrigin };
        let default = self.settings.source_max_age;
        // One for both turns, should the first answer be a 304 for something else.
        let deadline = self.fetcher.deadline();
        let mut answer = self.fetcher.fetch(url, &conditions, deadline, progress).await?;
        if let (None, Some((asset, old))) = (&answer.bytes, stored) {
            let Answer { redirects, last, .. } = &answer;
            match old.renewed(last, redirects, default, SystemTime::now()) {
                Revalidated::Same(freshness) => {
                    count(&self.counters.revalidated);
                    self.keep(url, asset, *freshness).await;
                    return Ok(asset.clone());
                }
                Revalidated::Mismatch => {
                    conditions.known = None;
                    answer = self.fetcher.fetch(url, &conditions, deadline, progress).await?;
                }
            }
        }
        let asset = self.parse(answer.bytes.ok_or(FetchError::Broken)?).await?;
        match Freshness::of(&answer.last, &answer.redirects, default, SystemTime::now()) {
            Some(freshness) => self.keep(url, &asset, freshness).await,
            None => self.forget(url).await,
        }
        Ok(asset)
    }

    /// An old copy in place of an origin that failed, or the failure.
    fn stand_in(&self, stored: Option<Kept>, error: FetchError) -> Outcome {
        let now = SystemTime::now();
        match stored.filter(|kept| kept.freshness.as_ref().is_some_and(|freshness| freshness.may_stand_in(now))) {
            Some(kept) if error.is_failure() => {
                count(&self.counters.stale);
                Ok(Found { asset: kept.asset, origin: Origin::Stale })
            }
            _ => Err(error),
        }
    }

    async fn remember_failure(&self, url: &Url, error: &FetchError) {
        let life = match error {
            FetchError::Gone { .. } => {
                self.forget(url).await;
                self.settings.gone_ttl
            }
            // Rules and names may change at once, and what is ours says nothing of the origin.
            FetchError::Refused(_) | FetchError::Busy | FetchError::Lost => return,
            _ => self.settings.failure_ttl,
        };
        self.failed.insert(url.clone(), (error.clone(), Instant::now() + life)).await;
    }

    /// What was had from `url` turned out to be broken when it was drawn: it is not kept, and the failure is remembered as any other.
    pub async fn spoil(&self, url: &Url, digest: Key, error: PictureError) {
        let url = without_fragment(url);
        let kept = self.memory.get(&Held::Url(url.clone())).await;
        if kept.is_none_or(|kept| matches!(kept, Slot::Picture(kept) if kept.asset.digest() == digest)) {
            self.memory.invalidate(&Held::Url(url.clone())).await;
            if let Some(disk) = self.disk.clone() {
                let url = url.clone();
                let _ = tokio::task::spawn_blocking(move || disk.spoil(&url)).await;
            }
            self.remember_failure(&url, &error.into()).await;
        }
    }

    async fn keep(&self, url: &Url, asset: &Arc<Asset>, freshness: Freshness) {
        if !freshness.is_storable() {
            return self.forget(url).await;
        }
        let freshness = Arc::new(freshness);
        let kept = Kept { asset: asset.clone(), freshness: Some(freshness.clone()) };
        self.memory.insert(Held::Url(url.clone()), Slot::Picture(kept)).await;
        if let Some(disk) = self.disk.clone() {
            let (url, bytes) = (url.clone(), asset.bytes().clone());
            let saved = tokio::task::spawn_blocking(move || disk.save(&url, &freshness, &bytes)).await;
            if !matches!(saved, Ok(Ok(()))) {
                count(&self.counters.disk_failures);
                tracing::debug!(?saved, "a picture could not be kept on the disk");
            }
        }
    }

    async fn forget(&self, url: &Url) {
        self.memory.invalidate(&Held::Url(url.clone())).await;
        if let Some(disk) = self.disk.clone() {
            let url = url.clone();
            // Gone or not, the next answer says so again.
            let _ = tokio::task::spawn_blocking(move || disk.remove(&url)).await;
        }
    }

    async fn look_on_disk(&self, url: &Url) -> Option<Kept> {
        let disk = self.disk.clone()?;
        let (wanted, limits, ledger) = (url.clone(), self.settings.limits, self.ledger.clone());
        let kept = tokio::task::spawn_blocking(move || {
            let (freshness, bytes) = disk.load(&wanted, &ledger)?;
            // The caps may be lower than when it was stored.
            let asset = Arc::new(Asset::new(bytes, &limits).ok()?);
            Some(Kept { asset, freshness: Some(Arc::new(freshness)) })
        })
        .await
        .ok()??;
        self.memory.insert(Held::Url(url.clone()), Slot::Picture(kept.clone())).await;
        Some(kept)
    }
}

/// Pays for what was found, but for what was paid while it came.
fn paid(found: Found, spent: u64, purse: &Purse) -> Outcome {
    let length = found.asset.bytes().len() as u64;
    if purse.pay(length.saturating_sub(spent)) { Ok(found) } else { Err(FetchError::OverRequest { most: purse.most() }) }
}

/// Takes a flight out of the books when it ends, also when it ends by a panic.
struct Landing {
    cache: Arc<Cache>,
    key: (Url, Asking),
}

impl Drop for Landing {
    fn drop(&mut self) {
        self.cache.flights.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}
