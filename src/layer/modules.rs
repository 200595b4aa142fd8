//! The dark and light modules of a code, and their outline: shared by `qr` and `barcode`.

use crate::geom::{FxPoint, Path, Segment};

/// Without quiet zone; a linear code has one row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Modules {
    /// At least one; all rows are alike.
    pub width: usize,
    /// Row by row from the top left.
    pub dark: Vec<bool>,
}

impl Modules {
    pub fn rows(&self) -> usize {
        self.dark.len() / self.width.max(1)
    }

    /// Bytes, for the memo.
    pub fn weight(&self) -> usize {
        self.dark.capacity() + size_of::<Modules>()
    }

    fn is_dark(&self, x: usize, y: usize) -> bool {
        self.dark.get(y * self.width + x).copied().unwrap_or(false)
    }

    /// One box for each run of dark modules in a row; `point` places the corners of modules.
    pub fn trace(&self, point: impl Fn(usize, usize) -> FxPoint) -> Path {
        let mut segments = Vec::new();
        for y in 0..self.rows() {
            let mut x = 0;
            while x < self.width {
                if !self.is_dark(x, y) {
                    x += 1;
                    continue;
                }
                let start = x;
                while x < self.width && self.is_dark(x, y) {
                    x += 1;
                }
                segments.push(Segment::Move(point(start, y)));
                segments.push(Segment::Line(point(x, y)));
                segments.push(Segment::Line(point(x, y + 1)));
                segments.push(Segment::Line(point(start, y + 1)));
                segments.push(Segment::Close);
            }
        }
        Path::new(segments)
    }
}
