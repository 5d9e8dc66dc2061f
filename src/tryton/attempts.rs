//! Limits on failed sign-ins, by Tryton's own rules and, where the role may write it, in Tryton's own table
//! `res_user_login_attempt`, so that failures here and in the GNU Health client count together.
//!
//! Per try, in this order: more than `per_network` failures from the client's network within the window refuse it and
//! leave no trace; more than `per_login` failures of the login refuse it and count as a further failure; otherwise the
//! password is checked, a success forgets the failures of the login, a failure is counted. Device cookies are not
//! sent by FHIR clients, so only rows without one are looked at.

mod memory;
mod network;
mod table;

pub use network::Network;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use crate::{
    error::Result,
    store::{Store, WriteError},
};

use memory::Memory;

/// Characters of a login that Tryton keeps with a failure.
const LOGIN_LENGTH: usize = 512;

/// Tryton's limits (`[session]` in trytond.conf). They should be those of the Tryton server beside this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// How long a failure counts (`timeout`).
    pub window: Duration,
    /// Failures of one login that are still no reason to refuse (`max_attempt`).
    pub per_login: u32,
    /// Failures of one network that are still no reason to refuse (`max_attempt_ip_network`).
    pub per_network: u32,
    /// Prefix length of a network of IPv4 (`ip_network_4`).
    pub prefix_4: u8,
    /// Prefix length of a network of IPv6 (`ip_network_6`).
    pub prefix_6: u8,
}

impl Default for Options {
    fn default() -> Self {
        Self { window: Duration::from_secs(300), per_login: 5, per_network: 300, prefix_4: 32, prefix_6: 56 }
    }
}

/// Whether a password may be checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It may.
    Admitted {
        /// Failures of this login within the window.
        failures: u32,
        /// There is something to forget after a success.
        traces: bool,
    },
    /// It may not.
    Throttled {
        /// Seconds until it may again, when nobody fails meanwhile.
        retry_after: u32,
    },
}

/// The time, replaceable by tests.
pub type Clock = Arc<dyn Fn() -> Instant + Send + Sync>;

/// Failed sign-ins.
pub struct Attempts {
    options: Options,
    memory: Memory,
    shared: AtomicBool,
}

impl Attempts {
    /// Failures are kept in Tryton's table when the role may write it, otherwise in the memory of this process.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub async fn open(store: &Store, options: Options, clock: Clock) -> Result<Self> {
        let shared = table::writable(store).await?;
        if !shared {
            tracing::info!(
                "failed sign-ins are counted by this process alone: the role may not SELECT, INSERT and DELETE on res_user_login_attempt"
            );
        }
        Ok(Self { memory: Memory::new(options.clone(), clock), options, shared: AtomicBool::new(shared) })
    }

    /// Failures are kept in Tryton's table.
    pub fn shared(&self) -> bool {
        self.shared.load(Ordering::Relaxed)
    }

    /// Before a password is checked. A refusal because of the login counts as a failure, as in Tryton.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn admit(&self, store: &Store, login: &str, network: &Network) -> Result<Admission> {
        let login = shortened(login);
        if !self.shared() {
            return Ok(self.memory.admit(login, network));
        }
        let count = table::count(store, &self.options, login, network).await?;
        if count.network > u64::from(self.options.per_network) {
            return Ok(Admission::Throttled { retry_after: count.network_wait });
        }
        if count.login > u64::from(self.options.per_login) {
            self.failed(store, login, network).await?;
            return Ok(Admission::Throttled { retry_after: count.login_wait });
        }
        let failures = u32::try_from(count.login).expect("at most the limit, which is a u32");
        Ok(Admission::Admitted { failures, traces: count.traces })
    }

    /// After a wrong password or an unknown login.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn failed(&self, store: &Store, login: &str, network: &Network) -> Result<()> {
        let login = shortened(login);
        if self.shared() {
            match table::insert(store, &self.options, login, network).await {
                Ok(()) => return Ok(()),
                Err(error) => self.unshare(error)?,
            }
        }
        self.memory.failed(login, network);
        Ok(())
    }

    /// After a right password.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn succeeded(&self, store: &Store, login: &str) -> Result<()> {
        let login = shortened(login);
        if self.shared() {
            match table::delete(store, login).await {
                Ok(()) => return Ok(()),
                Err(error) => self.unshare(error)?,
            }
        }
        self.memory.succeeded(login);
        Ok(())
    }

    /// Goes on in memory when the right to write is gone, until the next start.
    fn unshare(&self, error: WriteError) -> Result<()> {
        match error {
            WriteError::Denied => {
                self.shared.store(false, Ordering::Relaxed);
                tracing::warn!(
                    "res_user_login_attempt cannot be written; failed sign-ins are now counted by this process alone"
                );
                Ok(())
            }
            WriteError::Failed(error) => Err(error),
        }
    }
}

fn shortened(login: &str) -> &str {
    login.char_indices().nth(LOGIN_LENGTH).map_or(login, |(end, _)| &login[..end])
}

#[cfg(test)]
mod tests;
