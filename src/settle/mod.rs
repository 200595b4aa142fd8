//! Settling: every recipe of a scene becomes pixels, every glyph run placed masks. After this nothing can fail.

use crate::ctx::{Ctx, OverBudget, Stopped};
use crate::memo::Memo;
use crate::scene::{Scene, Settled};

/// Why a scene cannot be settled.
#[derive(Debug, thiserror::Error)]
pub enum SettleError {
    #[error(transparent)]
    Stopped(#[from] Stopped),
    #[error(transparent)]
    OverBudget(#[from] OverBudget),
    /// A picture whose header was good and whose body is not. `digest` tells which asset.
    #[error("{reason}")]
    BadPicture { digest: crate::key::Key, reason: String },
}

pub fn settle(_scene: &Scene, _memo: &Memo, _ctx: &Ctx) -> Result<Settled, SettleError> {
    todo!("settle")
}
