//! Password checks off the async workers, and a fair queue in front of them.
//!
//! A check takes 0.2 s and 64 MiB, so only a few run at once and only some wait. Turns go round the networks of the
//! clients: a flood from one network makes the others wait for one check of it each, not for the flood. One login is
//! checked once at a time, so that the limit on its failures counts each of them before the next is admitted.
//!
//! The threads of the checks give way to those that answer requests: on a busy machine a sign-in takes longer, and who is
//! signed in does not.

mod queue;

pub use queue::{Full, Limits, Queue};

use crate::error::{self, Error, Result};

use super::password::Hash;

/// Checks `password` on a thread of its own. Call it during a turn of the queue only: the turns bound the threads.
///
/// # Errors
/// The check panicked, or the operating system gives no thread.
pub async fn verify(hash: Hash, password: String) -> Result<bool> {
    let (answer, answered) = tokio::sync::oneshot::channel();
    let work = move || {
        give_way();
        // Whoever asked may be gone.
        let _ = answer.send(hash.verify(&password));
    };
    std::thread::Builder::new().name("password".to_owned()).spawn(work).map_err(internal)?;
    answered.await.map_err(internal)
}

fn internal(error: impl std::fmt::Display) -> Error {
    Error::new(&error::INTERNAL).cause(error)
}

/// A third of the weight of a usual thread. Where the operating system has no priorities of threads, or refuses, a check
/// is one thread among others.
fn give_way() {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::nice(5);
}

#[cfg(test)]
mod tests;
