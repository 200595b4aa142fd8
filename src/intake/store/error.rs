//! Why an upload could not be stored or read, in the caller's words.

use std::io;

use crate::intake::bounded::PourError;
use crate::intake::recv::WriteError;
use crate::problem::Code;

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("a name is 1 to 128 of A-Z a-z 0-9 . _ - and does not begin with a dot")]
    InvalidName,
    #[error("no upload of that name")]
    NotFound,
    #[error("the condition of the request does not hold")]
    PreconditionFailed,
    #[error("the bytes do not have the announced sha-256")]
    DigestMismatch,
    #[error("an upload has at most {most} bytes")]
    TooLarge { most: u64 },
    #[error("the body ended before it was complete, or beyond its announced length")]
    Incomplete,
    #[error("the body came too slowly")]
    TooSlow,
    #[error("the uploads' quota is used up")]
    QuotaFull,
    #[error("there is no room to store uploads")]
    NoSpace,
    #[error("too many files are open")]
    Busy,
    /// A fault of ours or of the disk's; the text is for the log only.
    #[error("the upload could not be stored or read")]
    Io(#[source] io::Error),
}

impl StoreError {
    pub fn code(&self) -> Code {
        match self {
            StoreError::InvalidName => Code::InvalidName,
            StoreError::NotFound => Code::NotFound,
            StoreError::PreconditionFailed => Code::PreconditionFailed,
            StoreError::DigestMismatch => Code::DigestMismatch,
            StoreError::TooLarge { .. } => Code::BodyTooLarge,
            StoreError::Incomplete | StoreError::TooSlow => Code::IncompleteBody,
            StoreError::QuotaFull | StoreError::NoSpace => Code::NoSpace,
            StoreError::Busy => Code::Overloaded,
            StoreError::Io(_) => Code::Internal,
        }
    }

    /// What is missing when something is written is the folder.
    pub(super) fn of_write(self) -> StoreError {
        match self {
            StoreError::NotFound => StoreError::NoSpace,
            other => other,
        }
    }
}

impl From<io::Error> for StoreError {
    fn from(error: io::Error) -> StoreError {
        use io::ErrorKind::{FileTooLarge, NotFound, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
        match error.kind() {
            NotFound => StoreError::NotFound,
            StorageFull | QuotaExceeded | FileTooLarge | ReadOnlyFilesystem | PermissionDenied => StoreError::NoSpace,
            _ if rustix::io::Errno::from_io_error(&error)
                .is_some_and(|errno| [rustix::io::Errno::MFILE, rustix::io::Errno::NFILE].contains(&errno)) =>
            {
                StoreError::Busy
            }
            _ => StoreError::Io(error),
        }
    }
}

impl<E> From<PourError<E, WriteError>> for StoreError {
    fn from(error: PourError<E, WriteError>) -> StoreError {
        match error {
            PourError::TooLarge { most } => StoreError::TooLarge { most },
            PourError::Incomplete { .. } | PourError::Overlong { .. } | PourError::Broken(_) => StoreError::Incomplete,
            PourError::Deadline { .. } | PourError::TooSlow { .. } => StoreError::TooSlow,
            PourError::Sink(WriteError::NoRoom) => StoreError::QuotaFull,
            PourError::Sink(WriteError::Io(error)) => StoreError::from(error).of_write(),
        }
    }
}
