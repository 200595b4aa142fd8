//! Encoders: pixels in, file bytes out.

/// The file formats that are written.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Format {
    #[default]
    Png,
    Jpeg,
    WebP,
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
