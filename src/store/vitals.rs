//! What statements cost: altogether for the operator, and on behalf of one request for its line in the log.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use super::{Class, Store};
use crate::{
    error::Error,
    spans::{self, Kind, Value},
};

/// How the database is used at the moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vitals {
    /// Sessions for requests at most.
    pub most: usize,
    /// Sessions that run statements.
    pub in_use: usize,
    /// Sessions that are open and have nothing to do.
    pub idle: usize,
    /// Requests that wait for a session.
    pub waiting: usize,
    /// Statements since the start, in the order of [`Class::ALL`].
    pub work: [Work; 3],
    /// Servers that answer requests in place of the database's own, in the order of their URL.
    pub replicas: Vec<ReplicaVitals>,
}

/// How a replica is at the moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplicaVitals {
    /// Host and port.
    pub place: String,
    /// It answers requests.
    pub used: bool,
    /// Why it does not, in words for the operator.
    pub reason: Option<String>,
    /// That will not change by itself within the lag that is allowed.
    pub settled: bool,
    /// How old it is at most; `None` when that was never known.
    pub behind: Option<Duration>,
    /// Sessions that run statements.
    pub in_use: usize,
    /// Sessions that are open and have nothing to do.
    pub idle: usize,
    /// Requests that wait for a session.
    pub waiting: usize,
    /// Statements that went on elsewhere, since the start.
    pub moved: u64,
}

/// Statements of one class since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// How many were sent.
    pub statements: u64,
    /// How long they took, all together.
    pub time: Duration,
    /// How long sessions were waited for, all together.
    pub waited: Duration,
}

/// [`Work`] as it is counted.
#[derive(Debug, Default)]
pub(super) struct Counter {
    statements: AtomicU64,
    /// Microseconds.
    time: AtomicU64,
    waited: AtomicU64,
}

impl Counter {
    pub(super) fn statements(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }

    fn work(&self) -> Work {
        let time = |of: &AtomicU64| Duration::from_micros(of.load(Ordering::Relaxed));
        Work { statements: self.statements(), time: time(&self.time), waited: time(&self.waited) }
    }

    fn waited(&self, time: Duration) {
        self.waited.fetch_add(micros(time), Ordering::Relaxed);
        let _ = SPENT.try_with(|spent| spent.wait(time));
    }

    /// A statement for this is sent; its time ends when the value is dropped, so also when nobody waits for it any more.
    pub(super) fn begin(&self, purpose: &'static str) -> Sent<'_> {
        self.statements.fetch_add(1, Ordering::Relaxed);
        let mut span = spans::open(purpose, Kind::Client);
        if let Some(span) = &mut span {
            span.note("db.system.name", Value::Word("postgresql"));
            span.note("db.query.summary", Value::Word(purpose));
        }
        Sent { counter: self, begun: Instant::now(), span }
    }
}

/// A statement that runs.
pub(super) struct Sent<'a> {
    counter: &'a Counter,
    begun: Instant,
    /// Until its end is told.
    span: Option<spans::Open>,
}

impl Sent<'_> {
    /// Its rows have come.
    pub(super) fn answered(&mut self, rows: usize) {
        if let Some(mut span) = self.span.take() {
            span.note("db.response.returned_rows", Value::Number(i64::try_from(rows).unwrap_or(i64::MAX)));
        }
    }

    /// It failed.
    pub(super) fn failed(&mut self, error: Error) -> Error {
        if let Some(mut span) = self.span.take() {
            span.failed(error.entry().code);
        }
        error
    }
}

impl Drop for Sent<'_> {
    fn drop(&mut self) {
        let time = self.begun.elapsed();
        if let Some(span) = &mut self.span {
            // It failed in a transaction, or nobody waits for it any more.
            span.failed("aborted");
        }
        self.counter.time.fetch_add(micros(time), Ordering::Relaxed);
        let _ = SPENT.try_with(|spent| {
            spent.0.work.statements.fetch_add(1, Ordering::Relaxed);
            spent.0.work.time.fetch_add(micros(time), Ordering::Relaxed);
        });
    }
}

tokio::task_local! {
    static SPENT: Spent;
}

/// What was spent on one request.
#[derive(Clone, Debug, Default)]
pub struct Spent(Arc<Account>);

#[derive(Debug, Default)]
struct Account {
    work: Counter,
    /// Where its statements are run: nowhere yet, or one more than [`Spent::place`].
    place: AtomicUsize,
}

impl Spent {
    /// Counts the statements of this work, as far as it does not go on in other tasks.
    pub fn on<W: Future>(&self, work: W) -> impl Future<Output = W::Output> + use<W> {
        SPENT.scope(self.clone(), work)
    }

    /// Adds time for which the request had to wait.
    pub fn wait(&self, time: Duration) {
        self.0.work.waited.fetch_add(micros(time), Ordering::Relaxed);
    }

    /// The sum.
    pub fn sum(&self) -> Work {
        self.0.work.work()
    }

    /// Where the statements of the running request stay: at the primary (0) or the replica of this number, from one.
    pub(super) fn place() -> Option<usize> {
        SPENT.try_with(|spent| spent.0.place.load(Ordering::Relaxed)).ok()?.checked_sub(1)
    }

    /// They stay there.
    pub(super) fn stay(place: usize) {
        let _ = SPENT.try_with(|spent| spent.0.place.store(place + 1, Ordering::Relaxed));
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

impl Store {
    /// How the database is used at the moment.
    pub fn vitals(&self) -> Vitals {
        let mut vitals =
            Vitals { work: Class::ALL.map(|class| self.counts[class as usize].work()), ..Vitals::default() };
        vitals.replicas = self.replicas.as_ref().map(|replicas| replicas.vitals()).unwrap_or_default();
        for pool in self.pools.each().map(super::Pool::status) {
            vitals.most += pool.max_size;
            vitals.in_use += pool.size.saturating_sub(pool.available);
            vitals.idle += pool.available;
            vitals.waiting += pool.waiting;
        }
        vitals
    }

    /// The time since `begun` was spent waiting for a session.
    pub(super) fn waited(&self, class: Class, begun: Instant) {
        self.counts[class as usize].waited(spans::waited("wait for a session", begun));
    }
}
