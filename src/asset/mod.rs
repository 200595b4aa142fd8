//! Pictures as they came from outside: where from, their bytes, and what their header says. Decoding is in `decode`.

pub mod assets;
pub(crate) mod contain;
pub mod decode;
mod exif;
mod font;
pub mod header;
mod icc;
mod jpeg;
mod source;
pub(crate) mod svg;

use bytes::Bytes;

use crate::key::Key;
use crate::limits::Limits;
pub use assets::{Assets, Shown};
pub use font::FontBytes;
pub use header::{Format, Header};
pub use source::{Source, SourceError};

/// Why bytes are no picture of ours.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PictureError {
    /// None of the formats that are read; `looks_like` says what it is instead ("HTML", "an AVIF picture", …).
    #[error("this is no PNG, JPEG, WebP, GIF, BMP or SVG picture but {looks_like}")]
    NotAPicture { looks_like: &'static str },
    /// One of the formats, in a variety that is not read.
    #[error("{what} is not read")]
    Unsupported { what: &'static str },
    /// One of the formats, broken.
    #[error("the {format} picture is broken: {reason}")]
    Broken { format: Format, reason: String },
    #[error("the picture has {width}×{height} pixels, the cap is {cap} in all")]
    TooLarge { width: u32, height: u32, cap: u64 },
    #[error("the picture has {bytes} bytes, the cap is {cap}")]
    TooManyBytes { bytes: u64, cap: u64 },
}

/// The bytes of one picture, their digest and their header.
#[derive(Clone, Debug)]
pub struct Asset {
    bytes: Bytes,
    digest: Key,
    header: Header,
}

impl Asset {
    /// Reads the header and checks `max_source_bytes` and `max_source_pixels`; nothing is decoded, and nothing is allocated
    /// by what the header claims. An SVG has no pixels of its own: its sides are capped instead.
    pub fn new(bytes: Bytes, limits: &Limits) -> Result<Asset, PictureError> {
        if bytes.len() as u64 > limits.max_source_bytes {
            return Err(PictureError::TooManyBytes { bytes: bytes.len() as u64, cap: limits.max_source_bytes });
        }
        let header = Header::probe(&bytes)?;
        if header.format != Format::Svg && header.area() > limits.max_source_pixels {
            let Header { width, height, .. } = header;
            return Err(PictureError::TooLarge { width, height, cap: limits.max_source_pixels });
        }
        let digest = Key::of_bytes(&bytes);
        Ok(Asset { bytes, digest, header })
    }

    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Of the content: two sources with equal bytes share their pixels.
    pub fn digest(&self) -> Key {
        self.digest
    }

    pub fn header(&self) -> &Header {
        &self.header
    }
}
