//! Rows that were read before, good for as long as nothing was written to the database since.
//!
//! Who writes has a number in PostgreSQL, and a snapshot says which of them are past, running and to come. Two equal snapshots of
//! one server therefore see the same rows of tables. So before rows are given once more a small statement asks for the snapshot
//! of now; one answer is enough for all requests that wait for it. That says more than a time of the last change: a record is
//! read from some twenty tables, of which several have none. It says nothing of foreign tables, of views with a clock in them
//! and of policies for rows: where there are such ([`Model::plain`](crate::tryton::Model::plain)) nothing is kept.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    sync::{Mutex, OwnedMutexGuard},
    time::timeout,
};

use super::kept::{Kept, Once};
use crate::{
    error::Result,
    plan::{self, Step},
    spans,
    store::{Class, Row, Store},
};

/// How long somebody waits for the snapshot: who is not told it reads, in the time that a read may take.
const PATIENCE: Duration = Duration::from_millis(500);

/// Bytes of the rows of one answer that are kept at most: a few large ones must not push everything else out.
const LARGE: usize = 512 << 10;

/// The number of a plan, which is for the rights of somebody, and the values of its gaps.
type Key = (u64, String);

/// Rows that were read before.
pub(super) struct Unchanged {
    keeps: bool,
    entries: Kept<Key, Arc<Entry>>,
    /// Read once, and not kept: most are not asked for again soon.
    once: Once<Key>,
    looks: Arc<Looks>,
    known: AtomicU64,
    read: AtomicU64,
}

struct Entry {
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

/// Looks at the snapshot, one at a time.
struct Looks {
    store: Arc<Store>,
    step: Step,
    /// How many were begun.
    begun: AtomicU64,
    last: Arc<Mutex<Look>>,
}

#[derive(Default)]
struct Look {
    number: u64,
    /// None when it could not be told.
    found: Option<Snapshot>,
}

impl Unchanged {
    /// Keeps records, or none.
    pub(super) fn new(keeps: bool, store: Arc<Store>) -> Self {
        let looks = Looks { store, step: plan::snapshot(), begun: AtomicU64::new(0), last: Arc::default() };
        Self {
            keeps,
            entries: Kept::default(),
            once: Once::default(),
            looks: Arc::new(looks),
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

    /// The rows of the plan of this number as they are now: those of `read`, or what was read before for the same `values`.
    /// Their last column, `snapshot`, says which snapshot a row is from ([`plan::snapshot`]).
    ///
    /// # Errors
    /// As `read`.
    pub(super) async fn rows(
        &self,
        plan: u64,
        values: impl FnOnce() -> String,
        snapshot: usize,
        read: impl Future<Output = Result<Vec<Row>>>,
    ) -> Result<Vec<Row>> {
        if !self.keeps {
            return read.await;
        }
        let key = (plan, values());
        if let Some(entry) = self.entries.get(&key) {
            if self.now().await.as_ref() == Some(&entry.snapshot) {
                self.known.fetch_add(1, Ordering::Relaxed);
                return entry.rows.iter().map(Row::copied).collect();
            }
            // Where somebody writes all the time nobody is to look each time.
            self.entries.forget(&key);
            self.once.forget(&key);
        }
        self.read.fetch_add(1, Ordering::Relaxed);
        // Before the statement: what it saw is worth nothing once a session was opened.
        let opened = self.looks.store.opened();
        let rows = read.await?;
        let text = snapshot_of(&rows, snapshot);
        if let Some(text) = text
            && rows.iter().map(Row::size).sum::<usize>() <= LARGE
            && self.once.again(&key)
        {
            let copies = rows.iter().map(Row::copied).collect::<Result<Vec<_>>>()?;
            let bytes = copies.iter().map(Row::size).sum();
            let entry = Entry { rows: copies, snapshot: Snapshot { text, opened } };
            self.entries.put(key, Arc::new(entry), bytes);
        }
        Ok(rows)
    }

    /// A snapshot that was taken after now; none when it cannot be told in time.
    async fn now(&self) -> Option<Snapshot> {
        let begun = Instant::now();
        let found = timeout(PATIENCE, self.looks.now()).await.ok().flatten();
        spans::waited("wait for a look at what was written", begun);
        found
    }
}

impl Looks {
    async fn now(self: &Arc<Self>) -> Option<Snapshot> {
        let before = self.begun.load(Ordering::SeqCst);
        let last = Arc::clone(&self.last).lock_owned().await;
        if last.number > before {
            return last.found.clone();
        }
        // It goes on when nobody waits any more: to give up a statement takes its session.
        tokio::spawn(Arc::clone(self).look(last)).await.ok().flatten()
    }

    async fn look(self: Arc<Self>, mut last: OwnedMutexGuard<Look>) -> Option<Snapshot> {
        *last = Look { number: self.begun.fetch_add(1, Ordering::SeqCst) + 1, found: None };
        let (purpose, statement) = &self.step;
        let rows = self.store.rows(Class::Request.to(purpose), statement).await.ok()?;
        // After the statement: a session that was opened for it counts.
        last.found = snapshot_of(&rows, 0).map(|text| Snapshot { text, opened: self.store.opened() });
        last.found.clone()
    }
}

/// What this column of the first row says; none of a standby.
fn snapshot_of(rows: &[Row], column: usize) -> Option<String> {
    rows.first()?.column::<Option<String>>(column).ok().flatten()
}
