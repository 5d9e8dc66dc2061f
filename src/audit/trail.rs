//! The trail, as requests see it.

use std::{
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::{self, SyncSender},
    },
    time::{Duration, Instant},
};

use jiff::Timestamp;
use tokio::sync::oneshot;

use super::{
    Event, Failure, Options, Seal,
    sink::{Begun, Sink},
    writer::{Job, Kept, Writer},
};
use crate::error::{self, Error, Result};

/// Requests whose records wait to be written at most.
const WAITING: usize = 4096;
/// How long an answer waits for its record.
const PATIENCE: Duration = Duration::from_secs(5);

/// How the trail is at the moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Vitals {
    /// Records that were kept since the start.
    pub kept: u64,
    /// Records that could not be.
    pub failed: u64,
    /// How long requests waited for their records, all together.
    pub waited: Duration,
    /// Number of the last record.
    pub sequence: u64,
    /// Nothing can be kept.
    pub failing: bool,
}

/// What thread and requests share.
#[derive(Debug, Default)]
pub(super) struct State {
    kept: AtomicU64,
    failed: AtomicU64,
    /// Microseconds.
    waited: AtomicU64,
    sequence: AtomicU64,
    failure: Mutex<Option<String>>,
}

impl State {
    pub(super) fn kept(&self, count: usize) {
        self.kept.fetch_add(count as u64, Ordering::Relaxed);
    }

    pub(super) fn succeeded(&self, sequence: u64) {
        self.sequence.store(sequence, Ordering::Relaxed);
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    pub(super) fn failed(&self, count: usize, why: String) {
        self.failed.fetch_add(count as u64, Ordering::Relaxed);
        self.stuck(why);
    }

    fn stuck(&self, why: String) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
    }

    fn failure(&self) -> Option<String> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The audit trail. It lives as long as the process: a reload keeps it.
#[derive(Debug)]
pub struct Trail {
    options: Options,
    jobs: SyncSender<Job>,
    state: Arc<State>,
}

impl Trail {
    /// Opens the destination and goes on with its chain.
    ///
    /// # Errors
    /// It cannot be opened, or another process writes to it. That it is full is no error yet.
    pub fn open(options: Options) -> io::Result<Arc<Self>> {
        let seal = Seal::new(options.key.as_deref());
        let Begun { sink, last, how } = Sink::open(&options.destination, &seal)?;
        let (jobs, received) = mpsc::sync_channel(WAITING);
        let state = Arc::new(State::default());
        let site = options.site.clone();
        let mut writer = Writer { sink, seal, last, site, state: Arc::clone(&state), failing: None };
        writer.tell(Some(true), &format!("the gateway began: {how}"));
        std::thread::Builder::new().name("audit".to_owned()).spawn(move || writer.run(&received))?;
        Ok(Arc::new(Self { options, jobs, state }))
    }

    /// Keeps what happened; an event of many patients becomes several records. Answers leave after it.
    ///
    /// # Errors
    /// It cannot be kept, and requests are to stop then.
    pub async fn keep(&self, events: &[Event<'_>]) -> Result<()> {
        let (now, most) = (Timestamp::now(), self.options.destination.patients());
        let mut all = Vec::with_capacity(events.len());
        for event in events {
            let first = event.about.len().min(most);
            let (about, rest) = event.about.split_at(first);
            all.push(Event { about, ..event.clone() }.json(&self.options.site, now));
            let others = rest.chunks(most).map(|about| Event { about, continues: true, ..event.clone() });
            all.extend(others.map(|event| event.json(&self.options.site, now)));
        }
        if all.is_empty() {
            return Ok(());
        }
        let count = all.len();
        let begun = Instant::now();
        let (done, kept) = oneshot::channel();
        let why = if self.jobs.try_send(Job::Keep(Kept { events: all, done })).is_err() {
            self.state.failed(count, "too many records wait".to_owned());
            None
        } else {
            match tokio::time::timeout(PATIENCE, kept).await {
                Ok(Ok(true)) => {
                    let micros = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
                    self.state.waited.fetch_add(micros, Ordering::Relaxed);
                    return Ok(());
                }
                Ok(_) => self.state.failure(),
                Err(_) => {
                    self.state.stuck(format!("a record waited for more than {} s", PATIENCE.as_secs()));
                    None
                }
            }
        };
        match self.options.on_failure {
            Failure::Continue => Ok(()),
            Failure::Stop => Err(refused(why.or_else(|| self.state.failure()))),
        }
    }

    /// Whether requests can be answered.
    ///
    /// # Errors
    /// Nothing can be kept, and requests are to stop then.
    pub fn ready(&self) -> Result<()> {
        match self.state.failure() {
            Some(why) if self.options.on_failure == Failure::Stop => Err(refused(Some(why))),
            _ => Ok(()),
        }
    }

    /// Opens the file anew if it was rotated away.
    pub fn reopen(&self) {
        // A queue that is full waits for a file that does not answer; a new one would not either.
        let _ = self.jobs.try_send(Job::Reopen);
    }

    /// Writes the last record.
    pub async fn end(&self) {
        let (done, ended) = oneshot::channel();
        if self.jobs.try_send(Job::End(done)).is_ok() {
            let _ = tokio::time::timeout(PATIENCE, ended).await;
        }
    }

    /// How it is at the moment.
    pub fn vitals(&self) -> Vitals {
        Vitals {
            kept: self.state.kept.load(Ordering::Relaxed),
            failed: self.state.failed.load(Ordering::Relaxed),
            waited: Duration::from_micros(self.state.waited.load(Ordering::Relaxed)),
            sequence: self.state.sequence.load(Ordering::Relaxed),
            failing: self.state.failure().is_some(),
        }
    }
}

fn refused(why: Option<String>) -> Error {
    let error = Error::new(&error::AUDIT_UNAVAILABLE).retry_after(5);
    match why {
        Some(why) => error.cause(why),
        None => error,
    }
}
