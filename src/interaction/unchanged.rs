//! Records that were read before, good for as long as nothing was written to the database since.
//!
//! Who writes has a number in PostgreSQL, and a snapshot says which of them are past, running and to come. Two equal snapshots of
//! one server therefore see the same rows. So before a record is given once more a small statement asks for the snapshot of
//! now; one answer is enough for all requests that wait for it. That says more than a time of the last change: a record is read
//! from some twenty tables, of which several have none.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{
    error::{self, Error, Result},
    plan::{self, ReadPlan, Step},
    store::{Class, Row, Store},
};

/// Bytes of records that are kept.
const BYTES: usize = 8 << 20;
/// What an entry takes beside its record, about.
const OVERHEAD: usize = 256;
/// Records that are remembered as read once.
const SEEN: usize = 10_000;

/// A record of a source with the rights of somebody: the plan says both. Its address is that of no other one as long as an
/// entry holds it.
type Key = (usize, i32);

/// Records that were read before.
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
    _plan: Arc<ReadPlan>,
    record: Arc<[u8]>,
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

/// A record as PostgreSQL sent it.
pub(super) enum Record {
    /// Just now.
    Read(Row),
    /// Before.
    Kept(Arc<[u8]>),
}

impl Record {
    /// # Errors
    /// The row has no record: a defect.
    pub(super) fn bytes(&self) -> Result<&[u8]> {
        match self {
            Self::Read(row) => {
                let record = row.raw(0)?;
                record.ok_or_else(|| Error::new(&error::INTERNAL).cause("a row without a record"))
            }
            Self::Kept(record) => Ok(record),
        }
    }
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

    /// How often a record was known, and how often it was read.
    pub(super) fn counts(&self) -> (u64, u64) {
        (self.known.load(Ordering::Relaxed), self.read.load(Ordering::Relaxed))
    }

    /// The record as it is now; none when it is not there, or not for the caller.
    ///
    /// # Errors
    /// As [`Store::rows`].
    pub(super) async fn read(
        &self,
        store: &Store,
        plan: &Arc<ReadPlan>,
        record: i32,
    ) -> Result<Option<Record>> {
        let key = (Arc::as_ptr(plan) as usize, record);
        let kept = self.shelf().get(key);
        if let Some((record, snapshot)) = kept {
            if self.now(store).await == Some(snapshot) {
                self.known.fetch_add(1, Ordering::Relaxed);
                return Ok(Some(Record::Kept(record)));
            }
            self.shelf().forget(key);
        }
        self.read.fetch_add(1, Ordering::Relaxed);
        // Before the statement: what it saw is worth nothing once a session was opened.
        let opened = store.opened();
        let rows = store.rows_of_record(Class::Request.to("read"), &plan.statement, record).await?;
        let Some(row) = rows.into_iter().next() else { return Ok(None) };
        let row = Record::Read(row);
        if self.keeps
            && let Some(snapshot) = Self::snapshot(&row, opened)
            && self.shelf().again(key)
        {
            let entry = Entry { _plan: Arc::clone(plan), record: row.bytes()?.into(), snapshot };
            self.shelf().put(key, entry);
        }
        Ok(Some(row))
    }

    /// The snapshot that the row is from.
    fn snapshot(row: &Record, opened: u64) -> Option<Snapshot> {
        let Record::Read(row) = row else { return None };
        let text = row.column::<Option<String>>(1).ok().flatten();
        text.map(|text| Snapshot { text, opened })
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

impl Shelf {
    fn get(&self, key: Key) -> Option<(Arc<[u8]>, Snapshot)> {
        self.entries.get(&key).map(|entry| (Arc::clone(&entry.record), entry.snapshot.clone()))
    }

    /// It was read before, not long ago.
    fn again(&mut self, key: Key) -> bool {
        if self.once.len() >= SEEN {
            self.once.clear();
        }
        !self.once.insert(key)
    }

    /// When it is too much all is forgotten.
    fn put(&mut self, key: Key, entry: Entry) {
        let bytes = entry.record.len() + OVERHEAD;
        if self.bytes + bytes > BYTES {
            *self = Self::default();
        }
        self.once.remove(&key);
        self.bytes += bytes;
        if let Some(before) = self.entries.insert(key, entry) {
            self.bytes -= before.record.len() + OVERHEAD;
        }
    }

    fn forget(&mut self, key: Key) {
        if let Some(before) = self.entries.remove(&key) {
            self.bytes -= before.record.len() + OVERHEAD;
        }
    }
}
