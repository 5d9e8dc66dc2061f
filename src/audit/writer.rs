//! The thread that writes: one write for all that waits.

use std::{
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::Duration,
};

use jiff::Timestamp;
use tokio::sync::oneshot;

use super::{
    chain::{Link, Seal},
    event,
    sink::Sink,
    trail::State,
};

/// How often it is tried again while nothing can be kept.
const AGAIN: Duration = Duration::from_millis(500);
/// Bytes of one write, more or less.
const TOGETHER: usize = 1 << 20;

/// What the thread is asked for.
pub(super) enum Job {
    /// Keep the events of one request.
    Keep(Kept),
    /// The file may have been rotated away.
    Reopen,
    /// There are no more.
    End(oneshot::Sender<()>),
}

/// Events of one request, and who waits for them.
pub(super) struct Kept {
    pub events: Vec<Vec<u8>>,
    pub done: oneshot::Sender<bool>,
}

pub(super) struct Writer {
    pub sink: Sink,
    pub seal: Seal,
    pub last: Link,
    pub site: String,
    pub state: Arc<State>,
    /// Nothing could be kept of late; that many records are lost.
    pub failing: Option<u64>,
}

impl Writer {
    pub(super) fn run(mut self, jobs: &Receiver<Job>) {
        loop {
            let job = match self.failing {
                None => jobs.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(_) => jobs.recv_timeout(AGAIN),
            };
            let mut next = match job {
                Ok(job) => Some(job),
                Err(RecvTimeoutError::Timeout) => {
                    self.keep(Vec::new());
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => return,
            };
            let (mut waiting, mut other, mut bytes) = (Vec::new(), None, 0);
            while let Some(job) = next {
                match job {
                    Job::Keep(kept) => {
                        bytes += kept.events.iter().map(Vec::len).sum::<usize>();
                        waiting.push(kept);
                    }
                    job => {
                        other = Some(job);
                        break;
                    }
                }
                next = if bytes < TOGETHER { jobs.try_recv().ok() } else { None };
            }
            if !waiting.is_empty() {
                self.keep(waiting);
            }
            match other {
                Some(Job::Reopen) => self.reopen(),
                Some(Job::End(done)) => {
                    self.tell(Some(false), "the gateway ended in order");
                    let _ = done.send(());
                    return;
                }
                Some(Job::Keep(_)) | None => {}
            }
        }
    }

    /// Keeps what the trail tells of itself.
    pub(super) fn tell(&mut self, started: Option<bool>, what: &str) {
        let event = event::own(started, what, &self.site, Timestamp::now());
        // Nobody waits for it.
        let (done, _) = oneshot::channel();
        self.keep(vec![Kept { events: vec![event], done }]);
    }

    fn keep(&mut self, waiting: Vec<Kept>) {
        if self.sink.is_gone() {
            tracing::error!("the audit file was removed; records that were in it are lost");
            match self.sink.reopen() {
                Ok(true) => self.tell(None, "the file before was removed while it was written to"),
                Ok(false) => {}
                Err(error) => return self.failed(&error, waiting),
            }
        }
        let (mut lines, mut ends, mut links) = (Vec::new(), Vec::new(), Vec::new());
        let mut last = self.last.clone();
        let mut torn = self.sink.torn();
        let again = self.failing.map(|lost| {
            let what = format!("records can be kept again; lost meanwhile: {lost}");
            event::own(None, &what, &self.site, Timestamp::now())
        });
        for event in again.iter().chain(waiting.iter().flat_map(|kept| &kept.events)) {
            self.seal.line(&mut lines, &mut last, torn.take().as_ref(), event);
            ends.push(lines.len());
            links.push(last.clone());
        }
        let (taken, error) = self.sink.write(&lines, &ends);
        if let Some(last) = taken.checked_sub(1).and_then(|at| links.into_iter().nth(at)) {
            self.last = last;
        }
        let mut taken = taken;
        if again.is_some() && taken > 0 {
            taken -= 1;
            tracing::info!("audit records can be kept again");
            self.failing = None;
        }
        let mut left = Vec::new();
        for kept in waiting {
            if kept.events.len() > taken {
                taken = 0;
                left.push(kept);
                continue;
            }
            taken -= kept.events.len();
            self.state.kept(kept.events.len());
            let _ = kept.done.send(true);
        }
        match error {
            None => self.state.succeeded(self.last.sequence),
            Some(error) => self.failed(&error, left),
        }
    }

    fn failed(&mut self, error: &std::io::Error, waiting: Vec<Kept>) {
        let count: usize = waiting.iter().map(|kept| kept.events.len()).sum();
        if self.failing.is_none() {
            tracing::error!("audit records cannot be kept: {error}");
        }
        self.failing = Some(self.failing.unwrap_or_default() + count as u64);
        self.state.failed(count, error.to_string());
        for kept in waiting {
            let _ = kept.done.send(false);
        }
    }

    fn reopen(&mut self) {
        match self.sink.reopen() {
            Ok(true) => {
                tracing::info!("the audit file is another one; the chain goes on in it");
                self.tell(None, "the chain goes on from the file before");
            }
            Ok(false) => {}
            Err(error) => {
                // What is open still takes records.
                tracing::error!("the audit file cannot be opened anew: {error}");
            }
        }
    }
}
