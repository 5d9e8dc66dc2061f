//! The sessions for requests with one place: the servers of the URL, or one replica.

use std::time::Duration;

use deadpool::{
    Runtime,
    managed::{PoolError, QueueMode, Timeouts},
};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{
    Class, Failed, Object, Options, Pool, Purpose, connect::ConnectError, running::Running, servers::Servers,
    unavailable,
};
use crate::error::{self, Error};

/// Pools of sessions that answer requests.
pub(super) struct Pools {
    pool: Pool,
    /// A few sessions for wide statements of [`Class::Request`]. They are planned sooner where the tables' descriptions were
    /// read before, and cannot take all sessions. Only with eight sessions or more.
    wide: Option<Pool>,
    /// For cancelling.
    tls: MakeRustlsConnect,
}

/// How many sessions there are, and of which kind.
#[derive(Clone, Copy)]
pub(super) struct Sessions {
    /// For statements of requests, and for signing in.
    pub usual: usize,
    /// For wide statements.
    pub wide: usize,
    /// One looks for changes of rights.
    pub watches: bool,
    /// One listens.
    pub listens: bool,
}

impl Sessions {
    /// Requests come first, then the watch, then the listener, for which a pooler has no session, then wide statements.
    pub(super) fn of(options: &Options) -> Self {
        let all = options.connections;
        let (watches, listens) = (all > 1, all > 2 && !options.pooler);
        let wide = if all < 8 { 0 } else { all / 4 };
        let others = usize::from(watches) + usize::from(listens) + wide;
        Self { usual: all - others, wide, watches, listens }
    }
}

/// A session that is there at once.
const AT_ONCE: Timeouts = Timeouts { wait: Some(Duration::ZERO), create: None, recycle: None };

/// A pool of so many sessions with these servers.
pub(super) fn pool(servers: Servers, sessions: usize, wait: Duration) -> Result<Pool, ConnectError> {
    // Opening a session has its own limit of time for each server.
    let timeouts = Timeouts { wait: Some(wait), create: None, recycle: None };
    Pool::builder(servers)
        .max_size(sessions)
        // The session used last has the most in memory: prepared statements, plans, descriptions of tables.
        .queue_mode(QueueMode::Lifo)
        .runtime(Runtime::Tokio1)
        .timeouts(timeouts)
        .build()
        .map_err(|error| ConnectError::Url(error.to_string()))
}

impl Pools {
    /// Sessions are opened when they are wanted.
    pub(super) fn new(servers: &Servers, sessions: Sessions, wait: Duration) -> Result<Self, ConnectError> {
        let wide = match sessions.wide {
            0 => None,
            wide => Some(pool(servers.clone().planning_little(), wide, wait)?),
        };
        Ok(Self { pool: pool(servers.clone(), sessions.usual, wait)?, wide, tls: servers.tls() })
    }

    /// The pools.
    pub(super) fn each(&self) -> impl Iterator<Item = &Pool> {
        std::iter::once(&self.pool).chain(&self.wide)
    }

    /// The pool for what is no wide statement.
    pub(super) fn usual(&self) -> &Pool {
        &self.pool
    }

    /// The pool for statements of this purpose.
    pub(super) fn of(&self, Purpose { class, wide, .. }: Purpose) -> &Pool {
        self.wide.as_ref().filter(|_| wide && class == Class::Request).unwrap_or(&self.pool)
    }

    /// One more session for wide statements, if one is free.
    pub(super) async fn one_more(&self) -> Option<Running> {
        let session = self.wide.as_ref()?.timeout_get(&AT_ONCE).await.ok()?;
        Some(Running::new(session, self.tls.clone()))
    }

    /// Whether there are sessions for wide statements.
    pub(super) fn has_wide(&self) -> bool {
        self.wide.is_some()
    }

    /// For cancelling.
    pub(super) fn tls(&self) -> MakeRustlsConnect {
        self.tls.clone()
    }

    /// Closes the sessions that nobody uses.
    pub(super) fn empty(&self) {
        for pool in self.each() {
            empty(pool);
        }
    }
}

/// Closes the sessions that nobody uses.
pub(super) fn empty(pool: &Pool) {
    drop(pool.retain(|_, _| false));
}

/// A session of a pool, which is waited for no longer than `patience`.
pub(super) async fn session(pool: &Pool, patience: Duration) -> Result<Object, Failed> {
    let late = || Error::new(&error::DATABASE_UNAVAILABLE).retry_after(5).cause("no session in time");
    let session = tokio::time::timeout(patience, pool.get()).await;
    // Most of it may have been spent in the queue: that says nothing of the server.
    session.map_err(|_| Failed::Statement(late()))?.map_err(|error| match error {
        PoolError::Timeout(_) => {
            Failed::Statement(Error::new(&error::OVERLOADED).retry_after(2).cause(error))
        }
        PoolError::Backend(error) => Failed::Server(unavailable(error)),
        error => Failed::Server(Error::new(&error::DATABASE_UNAVAILABLE).retry_after(5).cause(error)),
    })
}
