//! A response body made of chunks that others hold as well: nothing is copied, the length is known.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

pub struct Chunks {
    left: VecDeque<Bytes>,
    bytes: u64,
}

impl Chunks {
    pub fn new(chunks: Vec<Bytes>) -> Chunks {
        let bytes = chunks.iter().map(|chunk| chunk.len() as u64).sum();
        // An empty frame would say nothing and cost a write.
        Chunks { left: chunks.into_iter().filter(|chunk| !chunk.is_empty()).collect(), bytes }
    }

    /// Bytes that are still to be sent.
    pub fn len(&self) -> u64 {
        self.bytes
    }

    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.bytes == 0
    }
}

impl Body for Chunks {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = self.left.pop_front();
        if let Some(chunk) = &next {
            self.bytes -= chunk.len() as u64;
        }
        Poll::Ready(next.map(|chunk| Ok(Frame::data(chunk))))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sends_the_very_chunks() {
        let shared = [Bytes::from(vec![1, 2]), Bytes::new(), Bytes::from(vec![3])];
        let mut chunks = Chunks::new(shared.to_vec());
        assert_eq!((chunks.len(), chunks.size_hint().exact(), chunks.is_end_stream()), (3, Some(3), false));
        let mut cx = Context::from_waker(std::task::Waker::noop());
        let mut sent = Vec::new();
        while let Poll::Ready(Some(Ok(frame))) = Pin::new(&mut chunks).poll_frame(&mut cx) {
            sent.push(frame.into_data().unwrap());
        }
        assert_eq!(sent.iter().map(|chunk| chunk.as_ptr()).collect::<Vec<_>>(), [shared[0].as_ptr(), shared[2].as_ptr()]);
        assert!(chunks.is_empty() && chunks.is_end_stream());
    }
}
