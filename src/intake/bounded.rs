//! The one meaning of "at most N bytes, by deadline D, and not slower than R".

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use tokio::time::{Instant, timeout_at};

/// The slowest sender that is waited for: it may fall silent for `grace`, and every byte buys it `1 / bytes_per_second` more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MinRate {
    pub bytes_per_second: u32,
    pub grace: Duration,
}

/// What a transfer may take.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Bytes; exactly so many are accepted, one more is refused.
    pub most: u64,
    /// What the sender says it will send. Serves to refuse early and to notice a cut, never to trust.
    pub announced: Option<u64>,
    pub deadline: Option<Instant>,
    pub rate: Option<MinRate>,
}

impl Bounds {
    /// At most `most` bytes, without a clock.
    pub fn bytes(most: u64) -> Bounds {
        Bounds { most, announced: None, deadline: None, rate: None }
    }
}

/// Why a transfer did not come to its end. `E` is what the sender's stream failed with, `S` what the sink failed with.
#[derive(Debug, thiserror::Error)]
pub enum PourError<E, S> {
    #[error("more than {most} bytes")]
    TooLarge { most: u64 },
    #[error("{received} of {announced} announced bytes arrived")]
    Incomplete { announced: u64, received: u64 },
    #[error("more than the {announced} announced bytes arrived")]
    Overlong { announced: u64 },
    #[error("the time was over after {received} bytes")]
    Deadline { received: u64 },
    #[error("the sender was too slow: {received} bytes arrived")]
    TooSlow { received: u64 },
    #[error("the transfer broke: {0}")]
    Broken(E),
    #[error(transparent)]
    Sink(S),
}

/// Where the bytes of a transfer go.
pub trait Sink {
    type Error;

    fn take(&mut self, chunk: Bytes) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

/// Pours `stream` into `sink` to its end and answers how many bytes it held.
pub async fn pour<St, E, K>(stream: St, bounds: &Bounds, sink: &mut K) -> Result<u64, PourError<E, K::Error>>
where
    St: Stream<Item = Result<Bytes, E>>,
    K: Sink,
{
    if bounds.announced.is_some_and(|announced| announced > bounds.most) {
        return Err(PourError::TooLarge { most: bounds.most });
    }
    let mut stream = std::pin::pin!(stream);
    let mut received: u64 = 0;
    let mut patience = bounds.rate.map(Patience::new);
    loop {
        let next = match wait_until(bounds.deadline, patience.as_ref()) {
            None => stream.next().await,
            Some((until, slow)) => match timeout_at(until, stream.next()).await {
                Ok(next) => next,
                Err(_) if slow => return Err(PourError::TooSlow { received }),
                Err(_) => return Err(PourError::Deadline { received }),
            },
        };
        let Some(chunk) = next else { break };
        let chunk = chunk.map_err(PourError::Broken)?;
        received = received.saturating_add(chunk.len() as u64);
        if received > bounds.most {
            return Err(PourError::TooLarge { most: bounds.most });
        }
        if let Some(announced) = bounds.announced.filter(|announced| received > *announced) {
            return Err(PourError::Overlong { announced });
        }
        // A stream that is always ready never meets the timeout above.
        if bounds.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Err(PourError::Deadline { received });
        }
        let arrived = Instant::now();
        let length = chunk.len() as u64;
        sink.take(chunk).await.map_err(PourError::Sink)?;
        if let Some(patience) = &mut patience {
            patience.credit(length, arrived);
        }
    }
    match bounds.announced {
        Some(announced) if received < announced => Err(PourError::Incomplete { announced, received }),
        _ => Ok(received),
    }
}

/// Until when to wait for the next chunk, and whether passing that moment means "too slow" rather than "too late".
fn wait_until(deadline: Option<Instant>, patience: Option<&Patience>) -> Option<(Instant, bool)> {
    match (deadline, patience.map(|p| p.until)) {
        (None, None) => None,
        (Some(deadline), None) => Some((deadline, false)),
        (None, Some(until)) => Some((until, true)),
        (Some(deadline), Some(until)) => Some(if until < deadline { (until, true) } else { (deadline, false) }),
    }
}

/// A leaky bucket in time: full it lasts `grace`; bytes fill it, waiting empties it.
struct Patience {
    rate: MinRate,
    until: Instant,
}

impl Patience {
    fn new(rate: MinRate) -> Patience {
        Patience { rate, until: Instant::now() + rate.grace }
    }

    /// `length` bytes came at `arrived`; what the sink took since is not the sender's fault.
    fn credit(&mut self, length: u64, arrived: Instant) {
        let nanos = length.saturating_mul(1_000_000_000) / u64::from(self.rate.bytes_per_second.max(1));
        let bought = Duration::from_nanos(nanos).min(self.rate.grace);
        let now = Instant::now();
        self.until = (self.until + bought + (now - arrived)).min(now + self.rate.grace);
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::stream;

    use super::*;

    #[derive(Default)]
    struct Heap(Vec<u8>);

    impl Sink for Heap {
        type Error = Infallible;

        async fn take(&mut self, chunk: Bytes) -> Result<(), Infallible> {
            self.0.extend_from_slice(&chunk);
            Ok(())
        }
    }

    fn chunks(sizes: &[usize]) -> impl Stream<Item = Result<Bytes, &'static str>> + use<> {
        stream::iter(sizes.iter().map(|n| Ok(Bytes::from(vec![7; *n]))).collect::<Vec<_>>())
    }

    async fn run(
        stream: impl Stream<Item = Result<Bytes, &'static str>>,
        bounds: Bounds,
    ) -> Result<u64, PourError<&'static str, Infallible>> {
        pour(stream, &bounds, &mut Heap::default()).await
    }

    #[tokio::test]
    async fn exactly_the_cap_is_accepted_and_one_more_is_not() {
        assert_eq!(run(chunks(&[4, 5]), Bounds::bytes(10)).await.unwrap(), 9);
        assert_eq!(run(chunks(&[4, 6]), Bounds::bytes(10)).await.unwrap(), 10);
        assert!(matches!(run(chunks(&[4, 7]), Bounds::bytes(10)).await, Err(PourError::TooLarge { most: 10 })));
        assert_eq!(run(chunks(&[]), Bounds::bytes(0)).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn the_announced_length_is_checked_both_ways_and_refused_early() {
        let announced = |n| Bounds { announced: Some(n), ..Bounds::bytes(10) };
        assert_eq!(run(chunks(&[4, 4]), announced(8)).await.unwrap(), 8);
        assert!(matches!(run(chunks(&[4, 3]), announced(8)).await, Err(PourError::Incomplete { announced: 8, received: 7 })));
        assert!(matches!(run(chunks(&[4, 5]), announced(8)).await, Err(PourError::Overlong { announced: 8 })));
        let never = stream::poll_fn(|_| -> std::task::Poll<Option<Result<Bytes, &'static str>>> {
            panic!("refused before a byte is read")
        });
        assert!(matches!(run(never, announced(11)).await, Err(PourError::TooLarge { .. })));
    }

    #[tokio::test]
    async fn a_broken_stream_is_not_an_end() {
        let cut = stream::iter([Ok(Bytes::from_static(b"ab")), Err("reset")]);
        assert!(matches!(run(cut, Bounds::bytes(10)).await, Err(PourError::Broken("reset"))));
    }

    #[tokio::test]
    async fn silence_ends_at_the_deadline_and_an_endless_stream_too() {
        let soon = Bounds { deadline: Some(Instant::now() + Duration::from_millis(30)), ..Bounds::bytes(u64::MAX) };
        assert!(matches!(run(stream::pending(), soon).await, Err(PourError::Deadline { received: 0 })));
        let endless = stream::repeat_with(|| Ok(Bytes::from_static(b"x")));
        let soon = Bounds { deadline: Some(Instant::now() + Duration::from_millis(30)), ..Bounds::bytes(u64::MAX) };
        assert!(matches!(run(endless, soon).await, Err(PourError::Deadline { .. })));
    }

    #[tokio::test]
    async fn a_drip_is_too_slow_and_a_stream_is_not() {
        let rate = MinRate { bytes_per_second: 1_000_000, grace: Duration::from_millis(80) };
        let slow = Bounds { rate: Some(rate), ..Bounds::bytes(1 << 20) };
        let drip = || {
            stream::unfold((), |()| async {
                tokio::time::sleep(Duration::from_millis(20)).await;
                Some((Ok(Bytes::from_static(b"x")), ()))
            })
        };
        assert!(matches!(run(drip(), slow).await, Err(PourError::TooSlow { .. })));
        let rate = MinRate { bytes_per_second: 5, grace: Duration::from_millis(400) };
        let enough = Bounds { rate: Some(rate), ..Bounds::bytes(1 << 20) };
        assert_eq!(run(drip().take(15), enough).await.unwrap(), 15);
    }
}
