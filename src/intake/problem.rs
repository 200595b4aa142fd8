//! Why a source is not there, in words for the one who named it: which host or name, never an inner address.

use crate::asset::{PictureError, Source};
use crate::problem::{Code, Place, Problem};

use super::fetch::FetchError;

/// One source's failure. `of` says which: the host of a URL, the name of a local one.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SourceProblem {
    #[error("{of} may not be fetched: {why}")]
    Forbidden { of: String, why: String },
    #[error("{of} is not there")]
    NotFound { of: String, origin_status: Option<u16> },
    #[error("{of} could not be had: {why}")]
    Failed { of: String, why: String, origin_status: Option<u16> },
    #[error("{of} did not come in time")]
    Timeout { of: String },
    #[error("{of} cannot be used: {why}")]
    NotAPicture { of: String, why: String },
    #[error("{of} is too large: {why}")]
    TooLarge { of: String, why: String },
    /// Not the source's fault: too much is fetched or held already.
    #[error("{of} could not be had now: {why}")]
    Busy { of: String, why: String },
    /// A fault of ours.
    #[error("the source was lost on the way")]
    Lost,
}

impl SourceProblem {
    pub fn code(&self) -> Code {
        match self {
            SourceProblem::Forbidden { .. } => Code::ForbiddenSource,
            SourceProblem::NotFound { .. } => Code::SourceNotFound,
            SourceProblem::Failed { .. } => Code::SourceFailed,
            SourceProblem::Timeout { .. } => Code::SourceTimeout,
            SourceProblem::NotAPicture { .. } => Code::NotAPicture,
            SourceProblem::TooLarge { .. } => Code::SourceTooLarge,
            SourceProblem::Busy { .. } => Code::Overloaded,
            SourceProblem::Lost => Code::Internal,
        }
    }

    /// What the origin answered, where it answered.
    pub fn origin_status(&self) -> Option<u16> {
        match self {
            SourceProblem::NotFound { origin_status, .. } | SourceProblem::Failed { origin_status, .. } => *origin_status,
            _ => None,
        }
    }

    /// As a problem of the layer at `place`.
    pub fn at(&self, place: Place) -> Problem {
        Problem { origin_status: self.origin_status(), ..Problem::new(place, self.code(), self.to_string()) }
    }

    pub(super) fn not_found(source: &Source) -> SourceProblem {
        SourceProblem::NotFound { of: of(source), origin_status: None }
    }

    pub(super) fn timeout(source: &Source) -> SourceProblem {
        SourceProblem::Timeout { of: of(source) }
    }

    pub(super) fn unreadable(source: &Source) -> SourceProblem {
        SourceProblem::Failed { of: of(source), why: "it could not be read".to_owned(), origin_status: None }
    }

    /// A picture whose header was good and whose body is not.
    pub fn broken(source: &Source, reason: &str) -> SourceProblem {
        SourceProblem::NotAPicture { of: of(source), why: reason.to_owned() }
    }

    pub(super) fn of_fetch(source: &Source, error: FetchError) -> SourceProblem {
        let (of, why) = (of(source), error.to_string());
        match error {
            FetchError::Refused(_) | FetchError::Downgrade => SourceProblem::Forbidden { of, why },
            FetchError::Gone { status } => SourceProblem::NotFound { of, origin_status: Some(status) },
            FetchError::Status { status } | FetchError::BadRedirect { status } => {
                SourceProblem::Failed { of, why, origin_status: Some(status) }
            }
            FetchError::TooManyRedirects { .. } | FetchError::UnknownHost | FetchError::Unreachable | FetchError::Broken => {
                SourceProblem::Failed { of, why, origin_status: None }
            }
            FetchError::Timeout => SourceProblem::Timeout { of },
            FetchError::Encoded => SourceProblem::NotAPicture { of, why },
            FetchError::Busy => SourceProblem::Busy { of, why },
            FetchError::TooLarge { .. }
            | FetchError::OverRequest { .. }
            | FetchError::Picture(PictureError::TooLarge { .. } | PictureError::TooManyBytes { .. }) => {
                SourceProblem::TooLarge { of, why }
            }
            FetchError::Picture(
                PictureError::NotAPicture { .. } | PictureError::Unsupported { .. } | PictureError::Broken { .. },
            ) => SourceProblem::NotAPicture { of, why },
            FetchError::Lost => SourceProblem::Lost,
        }
    }
}

/// The host as the template's author wrote it; paths and queries may hold secrets.
fn of(source: &Source) -> String {
    match source {
        Source::Url(url) => format!("the picture from {}", url.host_str().unwrap_or("an unnamed host")),
        Source::Data(_) => "the picture in the data: source".to_owned(),
        Source::Upload(name) => format!("upload:{name}"),
        Source::Asset(name) => format!("asset:{name}"),
    }
}
