//! What uploads under way hold of the quota, and how many there are; as far as this process knows, put right by every sweep.

use std::collections::HashMap;

use super::record::Id;
use crate::intake::recv::Room;
use crate::intake::store::{Inner, Usage};

#[derive(Debug, Default)]
pub(in crate::intake::store) struct Claims {
    by: HashMap<Id, u64>,
    bytes: u64,
}

/// Why a claim is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Refused {
    Quota,
    Count,
}

impl Claims {
    /// Of all of them.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn ids(&self) -> Vec<Id> {
        self.by.keys().cloned().collect()
    }

    fn set(&mut self, id: &Id, bytes: u64) {
        let old = self.by.insert(id.clone(), bytes).unwrap_or(0);
        self.bytes = self.bytes.saturating_sub(old).saturating_add(bytes);
    }

    fn give_up(&mut self, id: &Id) {
        let old = self.by.remove(id).unwrap_or(0);
        self.bytes = self.bytes.saturating_sub(old);
    }
}

impl Inner {
    /// Room for a new upload.
    pub(super) fn claim(&self, id: &Id, bytes: u64) -> Result<(), Refused> {
        let mut usage = self.usage();
        if usage.partial.by.len() as u64 >= self.settings.max_partials {
            return Err(Refused::Count);
        }
        if !self.fits(&usage, bytes) {
            return Err(Refused::Quota);
        }
        usage.partial.set(id, bytes);
        Ok(())
    }

    /// Room for more of one that is there.
    pub(super) fn claim_more(&self, id: &Id, more: u64) -> bool {
        let mut usage = self.usage();
        let fits = self.fits(&usage, more);
        if fits {
            let held = usage.partial.by.get(id).copied().unwrap_or(0);
            usage.partial.set(id, held.saturating_add(more));
        }
        fits
    }

    /// What it holds in truth, quota or not.
    pub(super) fn set_claim(&self, id: &Id, bytes: u64) {
        self.usage().partial.set(id, bytes);
    }

    pub(super) fn give_up_claim(&self, id: &Id) {
        self.usage().partial.give_up(id);
    }

    fn fits(&self, usage: &Usage, more: u64) -> bool {
        let there = usage.stored.saturating_add(usage.reserved).saturating_add(usage.partial.bytes);
        there.saturating_add(more) <= self.settings.quota
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
