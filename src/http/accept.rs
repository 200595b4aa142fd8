//! The accept loop: bounded connections, heads that must come in time, and an end that comes in time too.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, Sleep, sleep, timeout};
use tower::ServiceExt;

use super::health::{Lifecycle, Phase};

/// What a connection may take, and how long the end may.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub connections: usize,
    /// For a request's head, and between requests.
    pub header_timeout: Duration,
    /// How long a client may take nothing of an answer.
    pub write_timeout: Duration,
    pub drain_delay: Duration,
    pub drain_grace: Duration,
}

/// All of a request's head, in bytes (431 beyond).
const MAX_HEAD: usize = 64 << 10;
/// HTTP/2: streams of one connection at a time.
const MAX_STREAMS: u32 = 64;

/// Who is at the other end of the connection.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// Serves until `shutdown` resolves, then drains: `/readyz` says no at once, after `drain_delay` nobody new is let in, after
/// `drain_grace` more whoever is left is cut. Answers how many connections had to be cut.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    lifecycle: Arc<Lifecycle>,
    bounds: Bounds,
    shutdown: impl Future<Output = ()>,
) -> usize {
    let mut connections = JoinSet::new();
    let permits = Arc::new(Semaphore::new(bounds.connections));
    let graceful = GracefulShutdown::new();
    let server = builder(&bounds);
    lifecycle.enter(Phase::Serving);
    {
        let leave = async {
            shutdown.await;
            lifecycle.enter(Phase::Draining);
            tracing::info!(delay = ?bounds.drain_delay, grace = ?bounds.drain_grace, "shutting down");
            sleep(bounds.drain_delay).await;
        };
        let mut leave = std::pin::pin!(leave);
        loop {
            let accepted = tokio::select! {
                () = &mut leave => break,
                Some(_) = connections.join_next() => continue,
                accepted = accept(&listener, &permits) => accepted,
            };
            let Some((stream, peer, permit)) = accepted else { continue };
            let router = router.clone();
            let service = hyper::service::service_fn(move |mut request: http::Request<Incoming>| {
                request.extensions_mut().insert(Peer(peer));
                router.clone().oneshot(request)
            });
            let io = TokioIo::new(Guarded::new(stream, bounds.header_timeout, bounds.write_timeout));
            let connection = graceful.watch(server.serve_connection(io, service).into_owned());
            connections.spawn(async move {
                // How a client's connection ends is its own affair.
                if let Err(error) = connection.await {
                    tracing::debug!(%peer, %error, "connection ended");
                }
                drop(permit);
            });
        }
    }
    drop(listener);
    if timeout(bounds.drain_grace, graceful.shutdown()).await.is_ok() {
        return 0;
    }
    while connections.try_join_next().is_some() {}
    let cut = connections.len();
    connections.shutdown().await;
    cut
}

fn builder(bounds: &Bounds) -> auto::Builder<TokioExecutor> {
    let mut server = auto::Builder::new(TokioExecutor::new());
    server.http1().timer(TokioTimer::new()).header_read_timeout(bounds.header_timeout).max_buf_size(MAX_HEAD);
    server
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(bounds.header_timeout)
        .keep_alive_timeout(bounds.header_timeout)
        .max_header_list_size(MAX_HEAD as u32)
        .max_concurrent_streams(MAX_STREAMS);
    server
}

/// One more connection, once there is room for it. `None`: it was gone before it was taken, or the system had no room.
async fn accept(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
    let permit = Arc::clone(permits).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => {
            // Answers are written in one go; waiting to fill a packet only costs time.
            let _ = stream.set_nodelay(true);
            Some((stream, peer, permit))
        }
        Err(error) => {
            use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
            if !matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted) {
                // Out of file descriptors or memory: the connection stays in the kernel's queue, asking again at once would spin.
                tracing::warn!(%error, "cannot accept connections");
                sleep(Duration::from_millis(200)).await;
            }
            None
        }
    }
}

/// What a client of HTTP/2 says first.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A connection that is given up when it stands still where hyper has no clock: before it is known which HTTP it speaks, and
/// while an answer is written.
struct Guarded<S> {
    stream: S,
    /// Bytes of [`PREFACE`] seen so far, and until when all of it (or something else) must come; `None` once that is settled.
    opening: Option<(usize, Pin<Box<Sleep>>)>,
    write_timeout: Duration,
    /// Runs while a write waits.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<S> Guarded<S> {
    fn new(stream: S, opening: Duration, write_timeout: Duration) -> Guarded<S> {
        Guarded { stream, opening: Some((0, Box::pin(sleep(opening)))), write_timeout, stalled: None }
    }

    /// Passes on what a write came to, unless it has waited too long.
    fn written<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(self.write_timeout)));
        ready!(stalled.as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client takes nothing")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        let Some((seen, deadline)) = &mut self.opening else { return read };
        match &read {
            Poll::Pending => {
                ready!(deadline.as_mut().poll(cx));
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client says nothing")));
            }
            Poll::Ready(_) => {
                let new = buf.filled().get(before..).unwrap_or_default();
                let expected = PREFACE.get(*seen..).unwrap_or_default();
                let alike = new.iter().zip(expected).take_while(|(a, b)| a == b).count();
                *seen += alike;
                let late = deadline.deadline() <= Instant::now();
                if alike < new.len() || *seen == PREFACE.len() || new.is_empty() {
                    self.opening = None;
                } else if late {
                    return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client dawdles")));
                }
            }
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.written(cx, written)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bufs: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.written(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.written(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.written(cx, shut)
    }
}
