//! Password checks off the async workers, and a fair queue in front of them.
//!
//! A check takes 0.2 s and 64 MiB, so only a few run at once and only some wait. Turns go round the networks of the
//! clients: a flood from one network makes the others wait for one check of it each, not for the flood. One login is
//! checked once at a time, so that the limit on its failures counts each of them before the next is admitted.

mod queue;

pub use queue::{Full, Limits, Queue};

use crate::error::{self, Error, Result};

use super::password::Hash;

/// Checks `password` on a thread for blocking work. Call it during a turn of the queue only: the turns bound the threads.
///
/// # Errors
/// The check panicked, or the process is ending.
pub async fn verify(hash: Hash, password: String) -> Result<bool> {
    tokio::task::spawn_blocking(move || hash.verify(&password))
        .await
        .map_err(|error| Error::new(&error::INTERNAL).cause(error))
}

#[cfg(test)]
mod tests;
