//! Keeping the snapshot current: a task looks for changes and swaps the snapshot; nobody waits for it. It looks by the
//! clock, and at once when Tryton tells of a change, which it does in one of its two modes only.
//!
//! When looking fails for longer than allowed, nobody gets rights any more until it works again: an outdated snapshot
//! could grant what was taken away since. The same when modules of Tryton are activated or updated and the catalogue that
//! everything was compiled for is no longer true: then the operator must start the gateway anew.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use tokio::{sync::Notify, task::JoinSet};

use super::{Security, load};
use crate::{
    error::{self, Error, Result},
    sql::Statement,
    store::{Class, Store},
    tryton::{access::closed, catalog::Catalog},
};

/// Channel on which trytond tells that a cache of its own is out of date, when it does so at all (semantics 9.4).
const CHANNEL: &str = "ir_cache";

/// Least time between being told of a change and looking: several are looked at together.
const PAUSE: Duration = Duration::from_millis(20);

/// How long after the end of a session that listened, or could not, the next one is tried.
const AGAIN: Duration = Duration::from_secs(30);

/// One look takes milliseconds; one that takes this long is given up, so that the next can use another session.
const LOOK: Duration = Duration::from_secs(5);

/// How closely the rights in the database are followed.
#[derive(Clone, Copy, Debug)]
pub struct WatchOptions {
    /// Time between two looks; at most a second.
    pub interval: Duration,
    /// How long a snapshot may be used after the last look that worked.
    pub stale_after: Duration,
}

impl WatchOptions {
    /// Longest time between two looks.
    pub const LONGEST: Duration = Duration::from_secs(1);
}

impl Default for WatchOptions {
    fn default() -> Self {
        Self { interval: Duration::from_millis(400), stale_after: Duration::from_secs(3) }
    }
}

/// The current rights.
#[derive(Debug)]
pub struct Rights {
    current: ArcSwap<Security>,
    started: Instant,
    /// Microseconds after `started` when the last look that worked began.
    seen: AtomicU64,
    stale_after: Duration,
    /// The catalogue is not that of the database any more.
    outdated: AtomicBool,
    /// Models whose closing is told to the operator, and what was told.
    served: BTreeSet<String>,
    told: Mutex<BTreeSet<String>>,
}

impl Rights {
    /// Reads the first snapshot and starts to look for changes. The task ends when the value is dropped. When record
    /// rules close one of the models `served`, the log says so.
    ///
    /// # Errors
    /// The first snapshot cannot be read.
    pub async fn start(
        store: Arc<Store>,
        catalog: Arc<Catalog>,
        served: BTreeSet<String>,
        options: WatchOptions,
    ) -> Result<Arc<Self>> {
        let started = Instant::now();
        let rights = Arc::new(Self {
            outdated: AtomicBool::new(false),
            served,
            told: Mutex::default(),
            current: ArcSwap::from_pointee(Security::load(&store, catalog, 1).await?),
            started,
            seen: AtomicU64::new(0),
            stale_after: options.stale_after,
        });
        tokio::spawn(watch(Arc::downgrade(&rights), store, options.interval.min(WatchOptions::LONGEST)));
        Ok(rights)
    }

    /// The current snapshot.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when it is not known whether the snapshot is still true.
    pub fn current(&self) -> Result<Arc<Security>> {
        let age =
            self.started.elapsed().saturating_sub(Duration::from_micros(self.seen.load(Ordering::Acquire)));
        if age > self.stale_after {
            let cause = format!("access rights could not be compared with the database for {age:.1?}");
            return Err(Error::new(&error::DATABASE_UNAVAILABLE).retry_after(2).cause(cause));
        }
        if self.outdated.load(Ordering::Acquire) {
            let cause = "modules of Tryton changed since the gateway was started";
            return Err(Error::new(&error::DATABASE_UNAVAILABLE).cause(cause));
        }
        Ok(self.current.load_full())
    }

    /// Looks once; true when there is a new generation.
    async fn look(&self, store: &Store, statement: &Statement, judged: &mut Modules) -> Result<bool> {
        let mut began = self.started.elapsed();
        let seen = load::fingerprint(&store.rows(Class::Watch, statement).await?)?;
        let old = self.current.load_full();
        if seen.modules() != *judged {
            self.judge(store, &old.catalog).await?;
            *judged = seen.modules();
        }
        let changed = seen != old.fingerprint && !self.outdated.load(Ordering::Acquire);
        if changed {
            began = self.started.elapsed();
            let new = Security::load(store, Arc::clone(&old.catalog), old.generation + 1).await?;
            self.current.store(Arc::new(new));
        }
        let began = u64::try_from(began.as_micros()).unwrap_or(u64::MAX);
        self.seen.store(began, Ordering::Release);
        Ok(changed)
    }

    /// Whether the catalogue is still that of the database.
    async fn judge(&self, store: &Store, catalog: &Catalog) -> Result<()> {
        let mut now =
            Catalog::load(store).await.map_err(|error| Error::new(&error::INTERNAL).cause(error))?;
        // How many rows a table has is no change of the modules.
        for (name, model) in &mut now.models {
            model.large = catalog.model(name).is_some_and(|old| old.large);
        }
        let outdated = now != *catalog;
        if outdated != self.outdated.swap(outdated, Ordering::AcqRel) {
            if outdated {
                tracing::error!(
                    "modules of Tryton were activated or updated: nothing is answered until it reads its configuration again (SIGHUP) or is started anew"
                );
            } else {
                tracing::info!("the modules of Tryton are again those that the gateway was started with");
            }
        }
        Ok(())
    }

    /// Tells the operator what record rules close, except what was told before. Takes time: not for the watch itself.
    fn tell(&self) {
        let found: BTreeSet<String> = closed(&self.current.load_full(), &self.served).into_iter().collect();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        for line in found.difference(&told) {
            tracing::warn!("{line}");
        }
        *told = found;
    }
}

/// State of the modules that the catalogue was compared with.
type Modules = Option<(i64, i64)>;

async fn watch(rights: Weak<Rights>, store: Arc<Store>, interval: Duration) {
    let Some(text) =
        rights.upgrade().map(|rights| load::fingerprint_statement(&rights.current.load().catalog))
    else {
        return;
    };
    let statement = Statement::new(text, Vec::new());
    let mut failing = false;
    let mut judged = rights.upgrade().and_then(|rights| rights.current.load().fingerprint.modules());
    let tell = |rights: Arc<Rights>| drop(tokio::task::spawn_blocking(move || rights.tell()));
    if let Some(rights) = rights.upgrade() {
        tell(rights);
    }
    let heard = Arc::new(Notify::new());
    // Ends with this task.
    let mut listener = JoinSet::new();
    if store.listens() {
        listener.spawn(listen(Arc::clone(&store), Arc::clone(&heard)));
    }
    loop {
        tokio::select! {
            () = tokio::time::sleep(interval) => {}
            () = heard.notified() => tokio::time::sleep(PAUSE.min(interval)).await,
        }
        let Some(rights) = rights.upgrade() else { return };
        let look = tokio::time::timeout(LOOK, rights.look(&store, &statement, &mut judged)).await;
        match look.unwrap_or_else(|_| Err(Error::new(&error::DATABASE_TIMEOUT).cause("no answer"))) {
            Ok(changed) => {
                if failing {
                    tracing::info!("access rights are compared with the database again");
                }
                if changed {
                    tracing::info!(generation = rights.current.load().generation, "access rights changed");
                    tell(Arc::clone(&rights));
                }
                failing = false;
            }
            Err(error) if !failing => {
                let cause = error.logged_cause().unwrap_or_default();
                tracing::warn!(%error, cause, "access rights cannot be compared with the database");
                failing = true;
            }
            Err(_) => {}
        }
    }
}

/// Passes on what Tryton tells. Only an accelerator: what is not heard is found by the next look.
async fn listen(store: Arc<Store>, heard: Arc<Notify>) {
    loop {
        if let Err(error) = store.listen(CHANNEL, || heard.notify_one()).await {
            tracing::debug!(cause = error.logged_cause().unwrap_or_default(), "Tryton is not listened to");
        }
        tokio::time::sleep(AGAIN).await;
    }
}
