//! The painter's working memory: one per thread, kept from window to window, never larger than windows need.

use std::cell::Cell;

use super::coverage::Coverage;

/// Group buffers kept for the next window. Deeper nesting than this allocates anew.
const KEPT_BUFFERS: usize = 4;
/// A buffer larger than this is not kept: a band of the widest canvas is 1 MiB.
const KEPT_BYTES: usize = 4 << 20;

#[derive(Default)]
pub(super) struct Scratch {
    pub(super) coverage: Coverage,
    /// A row of colours.
    pub(super) row: Vec<u8>,
    /// A row of coverage.
    pub(super) mask: Vec<u8>,
    buffers: Vec<Vec<u8>>,
}

thread_local! {
    static SCRATCH: Cell<Option<Box<Scratch>>> = const { Cell::new(None) };
}

impl Scratch {
    /// This thread's scratch, or a fresh one.
    pub(super) fn borrow() -> Scratch {
        SCRATCH.take().map(|scratch| *scratch).unwrap_or_default()
    }

    pub(super) fn give_back(self) {
        SCRATCH.set(Some(Box::new(self)));
    }

    /// `pixels` transparent pixels.
    pub(super) fn take_buffer(&mut self, pixels: usize) -> Vec<u8> {
        let mut buffer = self.buffers.pop().unwrap_or_default();
        buffer.clear();
        buffer.resize(pixels * 4, 0);
        buffer
    }

    pub(super) fn return_buffer(&mut self, buffer: Vec<u8>) {
        if self.buffers.len() < KEPT_BUFFERS && buffer.capacity() <= KEPT_BYTES {
            self.buffers.push(buffer);
        }
    }
}
