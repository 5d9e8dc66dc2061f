//! Rows that were read before, good for as long as nothing was written to the database since.
//!
//! Who writes has a number in PostgreSQL, and a snapshot says which of them are past, running and to come. Two equal snapshots of
//! one server therefore see the same rows. So before rows are given once more a small statement asks for the snapshot of
//! now; one answer is enough for all requests that wait for it. That says more than a time of the last change: a record is read
//! from some twenty tables, of which several have none.

use std::{
    any::Any,
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{
    error::Result,
    plan::{self, Step},
    store::{Class, Row, Store},
};

/// Bytes of rows that are kept.
const BYTES: usize = 8 << 20;
/// What an entry takes beside its rows, about.
const OVERHEAD: usize = 256;
/// Plans with values that are remembered as read once.
const SEEN: usize = 10_000;

/// A plan, which is for the rights of somebody, and the values of its gaps. The address of the plan is that of no other one as
/// long as an entry holds it.
type Key = (usize, String);

/// Rows that were read before.
pub(super) struct Unchanged {
    keeps: bool,
    shelf: Mutex<Shelf>,
    /// How often a snapshot was begun to be asked for.
    asked: AtomicU64,
    last: tokio::sync::Mutex<Last>,
    snapshot: Step,
    known: AtomicU64,
    read: AtomicU64,
}

#[derive(Default)]
struct Shelf {
    entries: HashMap<Key, Entry>,
    bytes: usize,
    /// Read once, and not kept: most are not asked for again soon.
    once: HashSet<Key>,
}

struct Entry {
    _plan: Arc<dyn Any + Send + Sync>,
    rows: Arc<[Row]>,
    snapshot: Snapshot,
}

/// What was written, and by which sessions that is seen. A new session can be with a server that has lost what another one had
/// seen (a crash without `synchronous_commit`), or with another server.
#[derive(Clone, PartialEq)]
struct Snapshot {
    text: String,
    opened: u64,
}

/// The snapshot that was asked for last, and its number.
#[derive(Default)]
struct Last {
    number: u64,
    snapshot: Option<Snapshot>,
}

impl Unchanged {
    /// Keeps records, or none.
    pub(super) fn new(keeps: bool) -> Self {
        Self {
            keeps,
            shelf: Mutex::default(),
            asked: AtomicU64::new(0),
            last: tokio::sync::Mutex::default(),
            snapshot: plan::snapshot(),
            known: AtomicU64::new(0),
            read: AtomicU64::new(0),
        }
    }

    /// How often rows were known, and how often they were read.
    pub(super) fn counts(&self) -> (u64, u64) {
        (self.known.load(Ordering::Relaxed), self.read.load(Ordering::Relaxed))
    }

    /// The rows of a plan as they are now: those of `read`, or what was read before for the same `values`. Column `snapshot` says
    /// which snapshot a row is from ([`plan::snapshot`]).
    ///
    /// # Errors
    /// As `read`.
    pub(super) async fn rows<P: Send + Sync + 'static>(
        &self,
        store: &Store,
        plan: &Arc<P>,
        values: String,
        snapshot: usize,
        read: impl Future<Output = Result<Vec<Row>>>,
    ) -> Result<Vec<Row>> {
        if !self.keeps {
            return read.await;
        }
        let key = (Arc::as_ptr(plan) as usize, values);
        let kept = self.shelf().get(&key);
        if let Some((rows, snapshot)) = kept {
            if self.now(store).await == Some(snapshot) {
                self.known.fetch_add(1, Ordering::Relaxed);
                return rows.iter().map(Row::copied).collect();
            }
            self.shelf().forget(&key);
        }
        self.read.fetch_add(1, Ordering::Relaxed);
        // Before the statement: what it saw is worth nothing once a session was opened.
        let opened = store.opened();
        let rows = read.await?;
        let text = rows.first().and_then(|row| row.column::<Option<String>>(snapshot).ok().flatten());
        if let Some(text) = text
            && self.shelf().again(&key)
        {
            let rows = rows.iter().map(Row::copied).collect::<Result<_>>()?;
            let plan: Arc<dyn Any + Send + Sync> = Arc::clone(plan) as _;
            self.shelf().put(key, Entry { _plan: plan, rows, snapshot: Snapshot { text, opened } });
        }
        Ok(rows)
    }

    /// A snapshot that was taken after now; none when it cannot be told.
    async fn now(&self, store: &Store) -> Option<Snapshot> {
        let before = self.asked.load(Ordering::SeqCst);
        let mut last = self.last.lock().await;
        if last.number <= before {
            *last = Last { number: self.asked.fetch_add(1, Ordering::SeqCst) + 1, snapshot: None };
            let (purpose, statement) = &self.snapshot;
            let rows = store.rows(Class::Request.to(purpose), statement).await.ok()?;
            let text = rows.first().and_then(|row| row.column::<Option<String>>(0).ok().flatten());
            // After the statement: a session that was opened for it counts.
            last.snapshot = text.map(|text| Snapshot { text, opened: store.opened() });
        }
        last.snapshot.clone()
    }

    fn shelf(&self) -> std::sync::MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn bytes(&self) -> usize {
        OVERHEAD + self.rows.iter().map(Row::size).sum::<usize>()
    }
}

impl Shelf {
    fn get(&self, key: &Key) -> Option<(Arc<[Row]>, Snapshot)> {
        self.entries.get(key).map(|entry| (Arc::clone(&entry.rows), entry.snapshot.clone()))
    }

    /// They were read before, not long ago.
    fn again(&mut self, key: &Key) -> bool {
        if self.once.len() >= SEEN {
            self.once.clear();
        }
        !self.once.insert(key.clone())
    }

    /// When it is too much all is forgotten.
    fn put(&mut self, key: Key, entry: Entry) {
        let bytes = entry.bytes();
        if self.bytes + bytes > BYTES {
            *self = Self::default();
        }
        self.once.remove(&key);
        self.bytes += bytes;
        if let Some(before) = self.entries.insert(key, entry) {
            self.bytes -= before.bytes();
        }
    }

    fn forget(&mut self, key: &Key) {
        if let Some(before) = self.entries.remove(key) {
            self.bytes -= before.bytes();
        }
    }
}
