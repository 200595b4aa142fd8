//! What uploads under way hold of the quota, and how many there are; as far as this process knows, put right by every sweep.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::record::Id;
use crate::intake::recv::Room;
use crate::intake::store::Inner;

/// Bytes by upload.
#[derive(Debug, Default)]
pub(in crate::intake::store) struct Claims(Mutex<HashMap<Id, u64>>);

/// Why a claim is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Refused {
    Quota,
    Count,
}

impl Claims {
    fn lock(&self) -> MutexGuard<'_, HashMap<Id, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn ids(&self) -> Vec<Id> {
        self.lock().keys().cloned().collect()
    }
}

impl Inner {
    /// Room for a new upload.
    pub(super) fn claim(&self, id: &Id, bytes: u64) -> Result<(), Refused> {
        let mut claims = self.under_way.lock();
        if claims.len() as u64 >= self.settings.max_partials {
            return Err(Refused::Count);
        }
        if !self.hold_more(bytes) {
            return Err(Refused::Quota);
        }
        claims.insert(id.clone(), bytes);
        Ok(())
    }

    /// Room for more of one that is there.
    pub(super) fn claim_more(&self, id: &Id, more: u64) -> bool {
        let mut claims = self.under_way.lock();
        if !self.hold_more(more) {
            return false;
        }
        let held = claims.entry(id.clone()).or_default();
        *held = held.saturating_add(more);
        true
    }

    /// What it holds in truth, quota or not.
    pub(super) fn set_claim(&self, id: &Id, bytes: u64) {
        let old = self.under_way.lock().insert(id.clone(), bytes).unwrap_or(0);
        let mut usage = self.usage();
        usage.partial = usage.partial.saturating_sub(old).saturating_add(bytes);
    }

    pub(super) fn give_up_claim(&self, id: &Id) {
        let old = self.under_way.lock().remove(id).unwrap_or(0);
        let mut usage = self.usage();
        usage.partial = usage.partial.saturating_sub(old);
    }

    fn hold_more(&self, bytes: u64) -> bool {
        let mut usage = self.usage();
        let all = usage.stored.saturating_add(usage.reserved).saturating_add(usage.partial).saturating_add(bytes);
        if all > self.settings.quota {
            return false;
        }
        usage.partial = usage.partial.saturating_add(bytes);
        true
    }
}

/// The room of one chunk. Where the length was announced it is claimed already.
pub(super) struct Growth<'a> {
    pub inner: &'a Inner,
    pub id: &'a Id,
    pub claimed: bool,
}

impl Room for Growth<'_> {
    fn take(&mut self, bytes: u64) -> bool {
        self.claimed || self.inner.claim_more(self.id, bytes)
    }
}
