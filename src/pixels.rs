//! Pixels: the buffers that recipes make and the painter reads.

use crate::geom::Size;

/// Premultiplied RGBA8, row after row without padding.
#[derive(Clone, PartialEq, Eq)]
pub struct Pixmap {
    size: Size,
    opaque: bool,
    data: Vec<u8>,
}

impl Pixmap {
    /// `None` unless `data` holds exactly `size` pixels of 4 bytes. Looks through the alphas once.
    pub fn from_premultiplied(size: Size, data: Vec<u8>) -> Option<Pixmap> {
        if data.len() as u64 != size.area() * 4 {
            return None;
        }
        let opaque = data.as_chunks::<4>().0.iter().all(|px| px[3] == 255);
        Some(Pixmap { size, opaque, data })
    }

    pub fn transparent(size: Size) -> Pixmap {
        Pixmap { size, opaque: false, data: vec![0; size.area() as usize * 4] }
    }

    pub fn size(&self) -> Size {
        self.size
    }

    /// Whether every alpha is 255.
    pub fn is_opaque(&self) -> bool {
        self.opaque
    }

    pub fn data(&self) -> &[u8] {
        &self.data
    }

    pub fn into_data(self) -> Vec<u8> {
        self.data
    }

    /// The bytes of row `y`; empty below the last one.
    pub fn row(&self, y: u32) -> &[u8] {
        let stride = self.size.width() as usize * 4;
        self.data.get(y as usize * stride..(y as usize + 1) * stride).unwrap_or(&[])
    }

    /// What it weighs in a cache.
    pub fn weight(&self) -> usize {
        self.data.capacity() + size_of::<Pixmap>()
    }
}

/// Coverage, 8 bits a pixel, row after row without padding.
#[derive(Clone, PartialEq, Eq)]
pub struct Mask {
    width: u32,
    height: u32,
    data: Vec<u8>,
}

impl Mask {
    /// `None` unless `data` holds exactly `width * height` bytes. May be empty (a space).
    pub fn new(width: u32, height: u32, data: Vec<u8>) -> Option<Mask> {
        (data.len() as u64 == u64::from(width) * u64::from(height)).then_some(Mask { width, height, data })
    }

    pub fn width(&self) -> u32 {
        self.width
    }

    pub fn height(&self) -> u32 {
        self.height
    }

    pub fn row(&self, y: u32) -> &[u8] {
        let width = self.width as usize;
        self.data.get(y as usize * width..(y as usize + 1) * width).unwrap_or(&[])
    }

    pub fn weight(&self) -> usize {
        self.data.capacity() + size_of::<Mask>()
    }
}
