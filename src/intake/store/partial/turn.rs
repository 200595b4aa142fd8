//! Whose turn it is: one request at a time works on an upload, and the newest that asks gets it, across processes.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};

use rustix::fs::FlockOperation;

use super::record::Id;
use crate::intake::recv::Folder;

const TICKET: usize = 16;

/// One request's claim to an upload. The file holds the ticket of the newest that asked; the lock on it is the right to work.
/// Whoever works looks now and then whether a newer ticket has come, and then ends: a hung transfer locks nobody out.
#[derive(Debug)]
pub(super) struct Turn {
    file: File,
    ticket: [u8; TICKET],
}

impl Turn {
    /// Says that somebody newer is here. `NotFound`: no such upload.
    pub fn ask(folder: &Folder, id: &Id) -> io::Result<Turn> {
        let file = folder.write(&id.turn())?;
        let mut ticket = [0; TICKET];
        getrandom::fill(&mut ticket).map_err(io::Error::other)?;
        file.write_all_at(&ticket, 0)?;
        Ok(Turn { file, ticket })
    }

    /// For the sweep: takes the turn only where nobody has it, and ends nobody's. `None`: somebody has it.
    pub fn take_idle(folder: &Folder, id: &Id) -> io::Result<Option<Turn>> {
        let turn = Turn { file: folder.write(&id.turn())?, ticket: [0; TICKET] };
        Ok(if turn.try_take()? { Some(turn) } else { None })
    }

    /// Of an upload that is being made.
    pub fn first(folder: &Folder, id: &Id) -> io::Result<Turn> {
        let turn = Turn { file: folder.make(&id.turn())?, ticket: [0; TICKET] };
        if turn.try_take()? { Ok(turn) } else { Err(io::ErrorKind::NotFound.into()) }
    }

    /// `NotFound`: the upload went while it was waited for.
    pub fn try_take(&self) -> io::Result<bool> {
        match rustix::fs::flock(&self.file, FlockOperation::NonBlockingLockExclusive) {
            Err(rustix::io::Errno::WOULDBLOCK) => return Ok(false),
            taken => taken?,
        }
        if self.file.metadata()?.nlink() > 0 { Ok(true) } else { Err(io::ErrorKind::NotFound.into()) }
    }

    /// Whether nobody asked since. In doubt the answer is yes: the lock alone decides who writes.
    pub fn is_newest(&self) -> bool {
        let mut there = [0; TICKET];
        self.file.read_exact_at(&mut there, 0).is_err() || there == self.ticket
    }
}
