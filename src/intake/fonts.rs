//! Fonts from uploads and folders: under the same caps as pictures, in the same memory.

use std::sync::Arc;

use tokio::time::timeout_at;

use super::fetch::FetchError;
use super::local::Places;
use super::{Around, Inner, Intake, SourceProblem};
use crate::asset::{FontBytes, Source};

impl Intake {
    /// Gets font files, side by side; the answers stand in the order of `wanted`. Only local sources are fonts.
    pub async fn fonts(&self, wanted: &[Source], around: &Around<'_>) -> Vec<Result<Arc<FontBytes>, SourceProblem>> {
        let deadline = tokio::time::Instant::from_std(around.deadline);
        let Ok(assets) = timeout_at(deadline, self.0.places(wanted.iter(), around.asset_dirs)).await else {
            return wanted.iter().map(|source| Err(SourceProblem::timeout(source))).collect();
        };
        let assets = &assets;
        futures_util::future::join_all(wanted.iter().map(|source| async move {
            let found = timeout_at(deadline, self.0.font(source, around, assets)).await;
            found.unwrap_or_else(|_| Err(SourceProblem::timeout(source)))
        }))
        .await
    }
}

impl Inner {
    async fn font(&self, source: &Source, around: &Around<'_>, assets: &Places) -> Result<Arc<FontBytes>, SourceProblem> {
        let local = self.local(source, assets).await?;
        let (held, load) = local.ok_or_else(|| SourceProblem::not_found(source))?;
        let font = self.cache.font(held, load).await?;
        if !around.purse.pay(font.bytes().len() as u64) {
            return Err(SourceProblem::of_fetch(source, FetchError::OverRequest { most: around.purse.most() }));
        }
        Ok(font)
    }
}
