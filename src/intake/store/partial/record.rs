//! What is remembered of an upload under way: its bytes, its record and whose turn it is, three files under one id.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::intake::recv::{self, Existing, Folder, Sha};
use crate::intake::store::{Condition, Meta, Stored, UploadName};

const PREFIX: &str = ".tus-";
const RECORD: &str = ".json";
const TURN: &str = ".turn";
/// Metadata has at most 4 KiB.
const MAX_RECORD: u64 = 64 << 10;

/// 128 random bits as 32 hex digits: part of an address that nobody guesses.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Id(String);

impl Id {
    pub fn parse(text: &str) -> Option<Id> {
        let plain = text.len() == 32 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        plain.then(|| Id(text.to_owned()))
    }

    pub fn random() -> io::Result<Id> {
        Ok(Id(recv::random_name()?))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whose file it is, if it is one of ours.
    pub(super) fn of_file(name: &str) -> Option<Id> {
        let rest = name.strip_prefix(PREFIX)?;
        Id::parse(rest.strip_suffix(RECORD).or_else(|| rest.strip_suffix(TURN)).unwrap_or(rest))
    }

    pub(super) fn data(&self) -> String {
        format!("{PREFIX}{}", self.0)
    }

    pub(super) fn record(&self) -> String {
        format!("{PREFIX}{}{RECORD}", self.0)
    }

    pub(super) fn turn(&self) -> String {
        format!("{PREFIX}{}{TURN}", self.0)
    }
}

/// The state of an upload under way as it stands on the disk. There is an upload exactly while there is its record.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Record {
    pub length: Option<u64>,
    /// So many bytes are on the disk for sure; the file may hold more, which then count for nothing.
    pub offset: u64,
    /// What it will be called.
    pub name: String,
    /// `Upload-Metadata` as it came.
    pub metadata: String,
    pub condition: Kept,
    /// Unix time.
    pub expires_ms: u64,
    pub done: Option<Done>,
}

/// The conditions that can wait for the last byte: a list of tags or a date speaks of the moment it was sent at.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) enum Kept {
    None,
    Absent,
    Present,
}

impl Kept {
    pub fn of(condition: &Condition) -> Option<Kept> {
        match condition {
            Condition::None => Some(Kept::None),
            Condition::Absent => Some(Kept::Absent),
            Condition::Present => Some(Kept::Present),
            _ => None,
        }
    }

    pub fn condition(self) -> Condition {
        match self {
            Kept::None => Condition::None,
            Kept::Absent => Condition::Absent,
            Kept::Present => Condition::Present,
        }
    }
}

/// What became of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Done {
    pub created: bool,
    pub sha256: Sha,
    pub media_type: String,
    pub modified_ms: u64,
}

pub(super) fn millis(at: SystemTime) -> u64 {
    at.duration_since(UNIX_EPOCH).ok().and_then(|since| u64::try_from(since.as_millis()).ok()).unwrap_or(0)
}

fn moment(ms: u64) -> SystemTime {
    UNIX_EPOCH.checked_add(Duration::from_millis(ms)).unwrap_or(UNIX_EPOCH)
}

impl Record {
    pub fn read(folder: &Folder, id: &Id) -> io::Result<Record> {
        let mut text = Vec::new();
        folder.read(&id.record())?.take(MAX_RECORD).read_to_end(&mut text)?;
        Ok(serde_json::from_slice(&text)?)
    }

    /// On the disk when this returns.
    pub fn write(&self, folder: &Arc<Folder>, id: &Id) -> io::Result<()> {
        let (temporary, mut file) = folder.temporary()?;
        file.write_all(&serde_json::to_vec(self)?)?;
        file.sync_data()?;
        temporary.keep(&id.record(), Existing::Replace)
    }

    pub fn is_complete(&self) -> bool {
        self.length == Some(self.offset)
    }

    pub fn is_expired(&self) -> bool {
        millis(SystemTime::now()) > self.expires_ms
    }

    pub fn expires(&self) -> SystemTime {
        moment(self.expires_ms)
    }

    /// What it holds of the quota.
    pub fn claim(&self) -> u64 {
        if self.done.is_some() { 0 } else { self.length.unwrap_or(self.offset) }
    }

    pub fn stored(&self) -> Option<Stored> {
        let done = self.done.as_ref()?;
        let name = UploadName::new(&self.name).ok()?;
        let (sha256, media_type) = (done.sha256, done.media_type.clone());
        let meta = Meta { bytes: self.offset, sha256, media_type, modified: moment(done.modified_ms) };
        Some(Stored { name, created: done.created, meta })
    }
}
