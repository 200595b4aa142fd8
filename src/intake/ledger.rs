//! Who holds how many bytes of pictures: the ledger of the whole process, and the purse of one request.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use tokio::sync::watch;

use super::bounded::Sink;

/// Memory set aside on the word of an announced length, before the bytes come.
const TRUSTED_BYTES: u64 = 1 << 20;

/// No room is left for more bytes of pictures, whoever wants them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NoRoom;

/// The encoded pictures that are in memory: on their way, held by requests or by the cache. Each counts once, for as long as
/// anybody has it, so the cap is one on memory and not on traffic.
#[derive(Debug)]
pub struct Ledger {
    most: u64,
    held: AtomicU64,
}

impl Ledger {
    pub fn new(most: u64) -> Arc<Ledger> {
        Arc::new(Ledger { most, held: AtomicU64::new(0) })
    }

    pub fn held(&self) -> u64 {
        self.held.load(Ordering::Relaxed)
    }

    /// Room for `bytes`, until the charge is dropped.
    pub fn charge(self: &Arc<Ledger>, bytes: u64) -> Result<Charge, NoRoom> {
        let mut charge = Charge { ledger: self.clone(), bytes: 0 };
        charge.grow(bytes)?;
        Ok(charge)
    }
}

/// Bytes that somebody holds.
#[derive(Debug)]
pub struct Charge {
    ledger: Arc<Ledger>,
    bytes: u64,
}

impl Charge {
    pub fn grow(&mut self, bytes: u64) -> Result<(), NoRoom> {
        let Ledger { most, held } = &*self.ledger;
        held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |held| held.checked_add(bytes).filter(|held| held <= most))
            .map_err(|_| NoRoom)?;
        self.bytes += bytes;
        Ok(())
    }

    /// Ties the charge to the bytes it is for: the last who lets them go gives the room back.
    pub fn seal(self, mut content: Vec<u8>) -> Bytes {
        content.shrink_to_fit();
        Bytes::from_owner(Charged { content, _charge: self })
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.ledger.held.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

struct Charged {
    content: Vec<u8>,
    _charge: Charge,
}

impl AsRef<[u8]> for Charged {
    fn as_ref(&self) -> &[u8] {
        &self.content
    }
}

/// Receives into memory, byte by byte on the ledger, and tells how far it is to those who wait.
pub struct Heap<'a> {
    content: Vec<u8>,
    charge: Charge,
    progress: &'a watch::Sender<u64>,
}

impl<'a> Heap<'a> {
    /// `announced`: what the sender says it will send.
    pub fn new(ledger: &Arc<Ledger>, announced: Option<u64>, progress: &'a watch::Sender<u64>) -> Heap<'a> {
        let expected = usize::try_from(announced.unwrap_or(0).min(TRUSTED_BYTES)).unwrap_or(0);
        let charge = Charge { ledger: ledger.clone(), bytes: 0 };
        Heap { content: Vec::with_capacity(expected), charge, progress }
    }

    pub fn sealed(self) -> Bytes {
        self.charge.seal(self.content)
    }
}

impl Sink for Heap<'_> {
    type Error = NoRoom;

    async fn take(&mut self, chunk: Bytes) -> Result<(), NoRoom> {
        let length = chunk.len() as u64;
        self.charge.grow(length)?;
        self.content.extend_from_slice(&chunk);
        self.progress.send_modify(|received| *received += length);
        Ok(())
    }
}

/// What is left of the bytes that one request may take in, over all its sources and all turns of gathering.
#[derive(Debug)]
pub struct Purse {
    most: u64,
    left: AtomicU64,
}

impl Purse {
    pub fn new(most: u64) -> Purse {
        Purse { most, left: AtomicU64::new(most) }
    }

    pub fn most(&self) -> u64 {
        self.most
    }

    /// Pays for `bytes`, or has too little left and pays nothing.
    pub fn pay(&self, bytes: u64) -> bool {
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes)).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_given_to_the_byte_and_comes_back_with_the_last_holder() {
        let ledger = Ledger::new(10);
        let mut charge = ledger.charge(4).unwrap();
        assert_eq!(charge.grow(7), Err(NoRoom));
        charge.grow(5).unwrap();
        assert_eq!(ledger.held(), 9);
        charge.grow(1).unwrap();
        assert!(ledger.charge(1).is_err() && ledger.charge(u64::MAX).is_err());
        let bytes = charge.seal(vec![7; 10]);
        let part = bytes.slice(2..3);
        drop(bytes);
        assert_eq!((ledger.held(), &part[..]), (10, &[7][..]));
        drop(part);
        assert_eq!(ledger.held(), 0);
    }

    #[test]
    fn a_purse_pays_to_the_byte() {
        let purse = Purse::new(10);
        assert!(purse.pay(9) && !purse.pay(2) && purse.pay(1) && !purse.pay(1) && purse.pay(0));
        assert_eq!(purse.most(), 10);
    }
}
