//! A file as the body of a request: hashed and counted on its way.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, ReadBuf};

use super::progress::Progress;

/// The file while it is read, hashed and sent. Its length is announced where it is known.
pub struct Sending {
    source: Source,
    left: Option<u64>,
    buffer: Box<[u8]>,
    sum: Arc<Mutex<Sha256>>,
    sent: Arc<AtomicU64>,
    progress: Progress,
}

pub type Source = Box<dyn AsyncRead + Send + Sync + Unpin>;

const CHUNK: usize = 128 << 10;

impl Sending {
    /// `left` bytes of `source`, if it is known how many there are.
    pub fn new(source: Source, left: Option<u64>, progress: Progress) -> Sending {
        let (sum, sent) = (Arc::default(), Arc::default());
        Sending { source, left, buffer: vec![0; CHUNK].into(), sum, sent, progress }
    }

    /// What was sent so far, for others to look at meanwhile: its sum, and how many bytes.
    pub fn seen(&self) -> (Arc<Mutex<Sha256>>, Arc<AtomicU64>) {
        (Arc::clone(&self.sum), Arc::clone(&self.sent))
    }
}

impl Body for Sending {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<std::io::Result<Frame<Bytes>>>> {
        let this = self.get_mut();
        let mut buffer = ReadBuf::new(&mut this.buffer);
        ready!(Pin::new(&mut this.source).poll_read(cx, &mut buffer))?;
        let chunk = buffer.filled();
        if chunk.is_empty() {
            // A file that shrank must not pass for a whole one.
            let short = this.left.is_some_and(|left| left > 0);
            let error = short.then(|| Err(std::io::Error::other("the file became shorter while it was sent")));
            return Poll::Ready(error);
        }
        this.left = match this.left {
            Some(left) => match left.checked_sub(chunk.len() as u64) {
                Some(left) => Some(left),
                None => return Poll::Ready(Some(Err(std::io::Error::other("the file became longer while it was sent")))),
            },
            None => None,
        };
        this.sum.lock().unwrap_or_else(PoisonError::into_inner).update(chunk);
        this.sent.fetch_add(chunk.len() as u64, Ordering::Relaxed);
        this.progress.advance(chunk.len() as u64);
        Poll::Ready(Some(Ok(Frame::data(Bytes::copy_from_slice(chunk)))))
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
