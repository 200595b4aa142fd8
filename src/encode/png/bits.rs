//! Bits into bytes, lowest first, as deflate wants them.

/// Writes into room that was measured before: what would not fit is dropped, and [`Bits::finish`] tells how much is there.
pub(super) struct Bits<'a> {
    out: &'a mut [u8],
    at: usize,
    held: u64,
    count: u32,
}

impl<'a> Bits<'a> {
    /// Bytes of room that are needed behind the last one written.
    pub(super) const SLACK: usize = 8;

    /// How many bits may be added between two flushes.
    pub(super) const MOST: u32 = 56;

    pub(super) fn new(out: &'a mut [u8]) -> Bits<'a> {
        Bits { out, at: 0, held: 0, count: 0 }
    }

    /// `bits` must have no more than `count` bits, and at most [`Bits::MOST`] come together before a flush.
    #[inline(always)]
    pub(super) fn add(&mut self, bits: u64, count: u32) {
        // Never reduces anything below 64; it keeps the shift in range without a branch.
        self.held |= bits << (self.count & 63);
        self.count += count;
    }

    /// Hands over all whole bytes.
    #[inline(always)]
    pub(super) fn flush(&mut self) {
        if let Some(place) = self.out.get_mut(self.at..).and_then(<[u8]>::first_chunk_mut) {
            *place = self.held.to_le_bytes();
        }
        self.at += (self.count >> 3) as usize;
        self.held >>= self.count & 56;
        self.count &= 7;
    }

    /// Fills up the last byte with zeros.
    pub(super) fn align(&mut self) {
        self.count = self.count.next_multiple_of(8);
        self.flush();
    }

    /// How many bytes were written, when all is flushed and aligned.
    pub(super) fn finish(self) -> usize {
        self.at
    }
}
