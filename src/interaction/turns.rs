//! How much one user may have answered at the same time, so that slow searches of one do not keep the others waiting.

use std::{
    collections::HashMap,
    sync::{Arc, RwLock},
    time::Duration,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::{self, Error, Result};

/// The turns of all users.
#[derive(Debug)]
pub(super) struct Turns {
    /// Of one user at the same time.
    at_once: usize,
    /// How long a request waits for its turn.
    wait: Duration,
    /// Users who have asked for something; no more than the database has.
    users: RwLock<HashMap<i32, Arc<Semaphore>>>,
}

/// Lets the next request of the user begin when it is dropped.
pub(super) struct Turn(#[expect(dead_code, reason = "it is held")] OwnedSemaphorePermit);

impl Turns {
    /// Half of the sessions with the database for one user.
    pub(super) fn new(sessions: usize, wait: Duration) -> Self {
        Self { at_once: sessions.div_ceil(2), wait, users: RwLock::default() }
    }

    /// Waits until fewer of the user's requests are being answered.
    ///
    /// # Errors
    /// It takes too long.
    pub(super) async fn take(&self, user: i32) -> Result<Turn> {
        let turns = self.of(user);
        match tokio::time::timeout(self.wait, turns.acquire_owned()).await {
            Ok(Ok(turn)) => Ok(Turn(turn)),
            _ => Err(Error::new(&error::OVERLOADED)
                .detail(format!("{} requests of this user are being answered.", self.at_once))
                .retry_after(2)),
        }
    }

    fn of(&self, user: i32) -> Arc<Semaphore> {
        let new = || Arc::new(Semaphore::new(self.at_once));
        if let Some(known) = self.users.read().ok().and_then(|users| users.get(&user).cloned()) {
            return known;
        }
        self.users
            .write()
            .map_or_else(|_| new(), |mut users| Arc::clone(users.entry(user).or_insert_with(new)))
    }
}
