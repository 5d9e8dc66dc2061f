//! Whether a connection has something to do.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Requests of one connection.
#[derive(Debug)]
pub(super) struct Activity(Mutex<State>);

#[derive(Debug)]
struct State {
    running: usize,
    ever: bool,
    since: Instant,
}

/// A running request; ends when dropped, also when the client goes away.
pub(super) struct Running(Arc<Activity>);

impl Default for Activity {
    fn default() -> Self {
        Self(Mutex::new(State { running: 0, ever: false, since: Instant::now() }))
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
        });
        Running(Arc::clone(self))
    }

    /// How long nothing has been running; `None` while something is.
    pub(super) fn idle(&self) -> Option<Duration> {
        self.with(|state| (state.running == 0).then(|| state.since.elapsed()))
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
