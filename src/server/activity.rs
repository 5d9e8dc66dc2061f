//! Whether a connection has something to do.

use std::{
    io::{IoSlice, Result},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Requests of one connection.
#[derive(Debug)]
pub(super) struct Activity(Mutex<State>);

#[derive(Debug)]
struct State {
    running: usize,
    ever: bool,
    since: Instant,
    /// When the first bytes came of what is not a request yet.
    heard: Option<Instant>,
    /// HTTP/2, where bytes that come are not always those of a request.
    multiplexed: bool,
}

/// A running request; ends when dropped, also when the client goes away.
pub(super) struct Running(Arc<Activity>);

impl Default for Activity {
    fn default() -> Self {
        Self(Mutex::new(State {
            running: 0,
            ever: false,
            since: Instant::now(),
            heard: None,
            multiplexed: false,
        }))
    }
}

impl Activity {
    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Notes that a request begins.
    pub(super) fn begin(self: &Arc<Self>) -> Running {
        self.with(|state| {
            state.running += 1;
            state.ever = true;
            state.heard = None;
        });
        Running(Arc::clone(self))
    }

    /// How long nothing has been running; `None` while something is.
    pub(super) fn idle(&self) -> Option<Duration> {
        self.with(|state| (state.running == 0).then(|| state.since.elapsed()))
    }

    /// It is HTTP/2.
    pub(super) fn multiplexed(&self) {
        self.with(|state| state.multiplexed = true);
    }

    /// Bytes came.
    pub(super) fn hear(&self) {
        self.with(|state| {
            if state.running == 0 && !state.multiplexed {
                state.heard.get_or_insert_with(Instant::now);
            }
        });
    }

    /// How long a request has been coming whose headers are not complete.
    pub(super) fn coming(&self) -> Option<Duration> {
        self.with(|state| state.heard.filter(|_| state.running == 0).map(|heard| heard.elapsed()))
    }

    /// Whether there ever was a request.
    pub(super) fn ever(&self) -> bool {
        self.with(|state| state.ever)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.with(|state| {
            state.running -= 1;
            state.since = Instant::now();
        });
    }
}

/// A stream that tells when bytes come.
pub(super) struct Heard<S>(pub S, pub Arc<Activity>);

impl<S: AsyncRead + Unpin> AsyncRead for Heard<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        let before = buffer.filled().len();
        let read = ready!(Pin::new(&mut self.0).poll_read(context, buffer));
        if buffer.filled().len() > before {
            self.1.hear();
        }
        Poll::Ready(read)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Heard<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }
}
