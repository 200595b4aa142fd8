//! Under which conditions an upload may be written or removed.

use std::time::SystemTime;

use super::Meta;
use crate::intake::recv::Sha;

/// Under which circumstances a name may be written or removed.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Condition {
    #[default]
    None,
    /// `If-None-Match: *`: nothing is there.
    Absent,
    /// `If-Match: *`: something is there.
    Present,
    /// `If-Match`: one of these is there.
    OneOf(Vec<Sha>),
    /// `If-None-Match`: none of these is there.
    NoneOf(Vec<Sha>),
    /// `If-Unmodified-Since`: something is there that is no younger, by whole seconds as HTTP's dates are.
    UnmodifiedSince(SystemTime),
    /// Every one of these.
    All(Vec<Condition>),
}

impl Condition {
    pub(super) fn holds(&self, there: Option<&Meta>) -> bool {
        match self {
            Condition::None => true,
            Condition::Absent => there.is_none(),
            Condition::Present => there.is_some(),
            Condition::OneOf(listed) => there.is_some_and(|meta| listed.contains(&meta.sha256)),
            Condition::NoneOf(listed) => there.is_none_or(|meta| !listed.contains(&meta.sha256)),
            Condition::UnmodifiedSince(since) => there.is_some_and(|meta| seconds(meta.modified) <= seconds(*since)),
            Condition::All(all) => all.iter().all(|condition| condition.holds(there)),
        }
    }

    /// Holds only where nothing is there.
    pub(super) fn wants_nothing(&self) -> bool {
        match self {
            Condition::Absent => true,
            Condition::All(all) => all.iter().any(Condition::wants_nothing),
            _ => false,
        }
    }
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
