//! Rows that were read before, good for as long as nothing was written to the database since.
//!
//! Who writes has a number in PostgreSQL, and a snapshot says which of them are past, running and to come. Two equal snapshots of
//! one server therefore see the same rows. So before rows are given once more a small statement asks for the snapshot of
//! now; one answer is enough for all requests that wait for it. That says more than a time of the last change: a record is read
//! from some twenty tables, of which several have none.

use std::{
    any::Any,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::time::timeout;

use super::kept::{Kept, Once};
use crate::{
    error::Result,
    plan::{self, Step},
    store::{Class, Row, Store},
};

/// How long somebody waits for the snapshot: who is not told it reads, in the time that a read may take.
const PATIENCE: Duration = Duration::from_millis(500);

/// A plan, which is for the rights of somebody, and the values of its gaps. The address of the plan is that of no other one as
/// long as an entry holds it.
type Key = (usize, String);

/// Rows that were read before.
pub(super) struct Unchanged {
    keeps: bool,
    entries: Kept<Key, Arc<Entry>>,
    /// Read once, and not kept: most are not asked for again soon.
    once: Once<Key>,
    /// How often a snapshot was begun to be asked for.
    asked: AtomicU64,
    last: tokio::sync::Mutex<Look>,
    snapshot: Step,
    known: AtomicU64,
    read: AtomicU64,
}

struct Entry {
    _plan: Arc<dyn Any + Send + Sync>,
    rows: Vec<Row>,
    snapshot: Snapshot,
}

/// What was written, and by which sessions that is seen. A new session can be with a server that has lost what another one had
/// seen (a crash without `synchronous_commit`), or with another server.
#[derive(Clone, PartialEq)]
struct Snapshot {
    text: String,
    opened: u64,
}

/// The snapshot that was asked for last.
#[derive(Default)]
struct Look {
    number: u64,
    /// None when it could not be told.
    found: Option<Snapshot>,
}

impl Unchanged {
    /// Keeps records, or none.
    pub(super) fn new(keeps: bool) -> Self {
        Self {
            keeps,
            entries: Kept::default(),
            once: Once::default(),
            asked: AtomicU64::new(0),
            last: tokio::sync::Mutex::default(),
            snapshot: plan::snapshot(),
            known: AtomicU64::new(0),
            read: AtomicU64::new(0),
        }
    }

    /// Rows are kept, so they have to tell which snapshot they are from.
    pub(super) fn keeps(&self) -> bool {
        self.keeps
    }

    /// How often rows were known, and how often they were read.
    pub(super) fn counts(&self) -> (u64, u64) {
        (self.known.load(Ordering::Relaxed), self.read.load(Ordering::Relaxed))
    }

    /// The rows of a plan as they are now: those of `read`, or what was read before for the same `values`. Their last column,
    /// `snapshot`, says which snapshot a row is from ([`plan::snapshot`]).
    ///
    /// # Errors
    /// As `read`.
    pub(super) async fn rows<P: Send + Sync + 'static>(
        &self,
        store: &Store,
        plan: &Arc<P>,
        values: impl FnOnce() -> String,
        snapshot: usize,
        read: impl Future<Output = Result<Vec<Row>>>,
    ) -> Result<Vec<Row>> {
        if !self.keeps {
            return read.await;
        }
        let key = (Arc::as_ptr(plan) as usize, values());
        if let Some(entry) = self.entries.get(&key)
            && timeout(PATIENCE, self.now(store)).await.ok().flatten().as_ref() == Some(&entry.snapshot)
        {
            self.known.fetch_add(1, Ordering::Relaxed);
            return entry.rows.iter().map(Row::copied).collect();
        }
        self.read.fetch_add(1, Ordering::Relaxed);
        // Before the statement: what it saw is worth nothing once a session was opened.
        let opened = store.opened();
        let rows = read.await?;
        let text = rows.first().and_then(|row| row.column::<Option<String>>(snapshot).ok().flatten());
        if let Some(text) = text
            && self.once.again(&key)
        {
            let entry = Entry {
                _plan: Arc::clone(plan) as _,
                rows: rows.iter().map(Row::copied).collect::<Result<_>>()?,
                snapshot: Snapshot { text, opened },
            };
            let bytes = entry.rows.iter().map(Row::size).sum();
            self.entries.put(key, Arc::new(entry), bytes);
        }
        Ok(rows)
    }

    /// A snapshot that was taken after now; none when it cannot be told.
    async fn now(&self, store: &Store) -> Option<Snapshot> {
        let before = self.asked.load(Ordering::SeqCst);
        let mut last = self.last.lock().await;
        if last.number <= before {
            *last = Look { number: self.asked.fetch_add(1, Ordering::SeqCst) + 1, found: None };
            let (purpose, statement) = &self.snapshot;
            let rows = store.rows(Class::Request.to(purpose), statement).await.ok()?;
            let text = rows.first().and_then(|row| row.column::<Option<String>>(0).ok().flatten());
            // After the statement: a session that was opened for it counts.
            last.found = text.map(|text| Snapshot { text, opened: store.opened() });
        }
        last.found.clone()
    }
}
