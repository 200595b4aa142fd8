//! Pictures as they came from outside: where from, their bytes, and what their header says. Decoding is in `decode`.

pub mod assets;

use std::fmt;

use bytes::Bytes;

pub use assets::{Assets, Shown};

use crate::key::Key;

/// Where a picture is to be had.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Source {
    /// `https:` or `http:`, parsed and normalised by the URL standard.
    Url(url::Url),
    /// `data:`; the bytes already decoded.
    Data(Bytes),
    /// `upload:NAME`.
    Upload(String),
    /// `asset:NAME`.
    Asset(String),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Url(url) => write!(f, "{url}"),
            Source::Data(bytes) => write!(f, "data: of {} bytes", bytes.len()),
            Source::Upload(name) => write!(f, "upload:{name}"),
            Source::Asset(name) => write!(f, "asset:{name}"),
        }
    }
}

/// The picture formats that are read, told by content.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Format {
    Png,
    Jpeg,
    WebP,
    Gif,
    Bmp,
    Svg,
}

/// What a picture's header promises, checked against the caps before anything is decoded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    pub format: Format,
    /// As stored, before `orientation`. At least 1 each.
    pub width: u32,
    pub height: u32,
    /// EXIF 1 to 8.
    pub orientation: u8,
    /// Whether any pixel may be transparent.
    pub alpha: bool,
}

impl Header {
    /// Width and height as the picture is meant to be seen.
    pub fn upright(&self) -> (u32, u32) {
        if self.orientation >= 5 { (self.height, self.width) } else { (self.width, self.height) }
    }
}

/// The bytes of one picture, their digest and their header.
#[derive(Clone, Debug)]
pub struct Asset {
    bytes: Bytes,
    digest: Key,
    header: Header,
}

impl Asset {
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
