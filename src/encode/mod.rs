//! Encoders: pixels in, file bytes out.

pub mod jpeg;
mod layout;
pub mod png;
pub mod webp;

pub use layout::{Layout, unpremultiply};

/// The file formats that are written.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Format {
    #[default]
    Png,
    Jpeg,
    WebP,
}

impl Format {
    /// Pixels a side that a file of this format can have.
    pub fn most_pixels_a_side(self) -> u32 {
        match self {
            // 2^31 - 1, which is more than a canvas can have.
            Format::Png => i32::MAX as u32,
            Format::Jpeg => 65_535,
            Format::WebP => 16_383,
        }
    }

    /// Of its files.
    pub fn suffix(self) -> &'static str {
        match self {
            Format::Png => "png",
            Format::Jpeg => "jpg",
            Format::WebP => "webp",
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Format::Png => "PNG",
            Format::Jpeg => "JPEG",
            Format::WebP => "WebP",
        }
    }
}

/// How hard the PNG encoder tries.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Compression {
    #[default]
    Fast,
    Small,
}

/// What file is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Output {
    pub format: Format,
    /// 1 to 100; for JPEG (default 85) and WebP (default 80, 100 is lossless).
    pub quality: u8,
    pub compression: Compression,
    /// Dots per inch, written into the file.
    pub dpi: u16,
}

/// Why a canvas cannot be written in a format.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum EncodeError {
    #[error("{} pictures have at most {} pixels a side", format.name(), format.most_pixels_a_side())]
    TooLarge { format: Format },
    /// The encoder gave up: out of memory or a fault of its own.
    #[error("the {} encoder failed: {reason}", format.name())]
    Failed { format: Format, reason: String },
}
