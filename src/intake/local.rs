//! Sources that need no fetching: uploads, and files of folders or of the binary. Where they are, and how to read them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::runtime::{Handle, RuntimeFlavor};

use super::cache::Held;
use super::fetch::FetchError;
use super::store::{StoreError, UploadName};
use super::{Inner, SourceProblem, assets, off_thread};
use crate::asset::Source;

/// Of each asset's name where it is, if anywhere.
pub(super) type Places = HashMap<String, Option<assets::Place>>;

/// What names the content, and how to have it.
pub(super) type Local<'a> = (Held, BoxFuture<'a, Result<Bytes, SourceProblem>>);

impl Inner {
    /// Where the assets among `sources` are, in `first` or the service's own folders. Where it can be, without a trip to
    /// another thread and back, which takes many times as long as the look.
    pub(super) async fn places(&self, sources: impl Iterator<Item = &Source>, first: &[PathBuf]) -> Places {
        let of_asset = |source: &Source| if let Source::Asset(name) = source { Some(name.clone()) } else { None };
        let names: Vec<String> = sources.filter_map(of_asset).collect();
        if names.is_empty() {
            return Places::default();
        }
        let folders: Vec<PathBuf> = first.iter().chain(&self.asset_dirs).cloned().collect();
        let look = move || assets::find(names, &folders);
        match Handle::current().runtime_flavor() {
            // Others take over what else this thread would do, should the disk be slow.
            RuntimeFlavor::MultiThread => tokio::task::block_in_place(look),
            _ => tokio::task::spawn_blocking(look).await.unwrap_or_default(),
        }
    }

    /// `None`: it is no local source. What is too large is refused before it is read.
    pub(super) async fn local<'a>(&'a self, source: &'a Source, places: &Places) -> Result<Option<Local<'a>>, SourceProblem> {
        match source {
            Source::Upload(name) => self.upload(source, name).await.map(Some),
            Source::Asset(name) => self.asset(source, places.get(name).ok_or(SourceProblem::Lost)?).map(Some),
            Source::Url(_) | Source::Data(_) => Ok(None),
        }
    }

    async fn upload<'a>(&'a self, source: &'a Source, name: &str) -> Result<Local<'a>, SourceProblem> {
        let of_store = |error| match error {
            StoreError::NotFound | StoreError::InvalidName => SourceProblem::not_found(source),
            error => {
                tracing::warn!(%error, "an upload could not be read");
                SourceProblem::unreadable(source)
            }
        };
        let name = UploadName::new(name).map_err(of_store)?;
        let opened = self.store.get(&name).await.map_err(of_store)?;
        let (file, bytes) = (opened.file, opened.meta.bytes);
        self.check_bytes(source, bytes)?;
        let load = self.charged(source, bytes, move || {
            let mut content = Vec::with_capacity(usize::try_from(bytes).unwrap_or(0));
            std::io::Read::read_to_end(&mut std::io::Read::take(file, bytes), &mut content)?;
            Ok(content)
        });
        Ok((Held::Upload(opened.meta.sha256), load.boxed()))
    }

    fn asset<'a>(&'a self, source: &'a Source, place: &Option<assets::Place>) -> Result<Local<'a>, SourceProblem> {
        match place.clone().ok_or_else(|| SourceProblem::not_found(source))? {
            assets::Place::BuiltIn { name, content } => {
                Ok((Held::BuiltIn(name), std::future::ready(Ok(Bytes::from_static(content))).boxed()))
            }
            assets::Place::File { path, bytes, modified } => {
                self.check_bytes(source, bytes)?;
                let file = path.clone();
                // As much as was looked up, and no more should it have grown.
                let load = self.charged(source, bytes, move || assets::read(Path::new(&file), bytes));
                Ok((Held::File { path, bytes, modified }, load.boxed()))
            }
        }
    }

    /// What `read` reads off the async threads: `bytes` bytes, for which there must be room.
    async fn charged(
        &self,
        source: &Source,
        bytes: u64,
        read: impl FnOnce() -> std::io::Result<Vec<u8>> + Send + 'static,
    ) -> Result<Bytes, SourceProblem> {
        let charge = self.ledger.charge(bytes).map_err(|_| SourceProblem::of_fetch(source, FetchError::Busy))?;
        Ok(charge.seal(off_thread(source, read).await?))
    }

    fn check_bytes(&self, source: &Source, bytes: u64) -> Result<(), SourceProblem> {
        let most = self.limits.max_source_bytes;
        if bytes > most { Err(SourceProblem::of_fetch(source, FetchError::TooLarge { most })) } else { Ok(()) }
    }
}
