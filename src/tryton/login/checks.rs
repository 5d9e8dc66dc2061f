//! Checks that are under way. Equal credentials from one network at one time are one check.

use std::{
    collections::HashMap,
    future::Future,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use tokio::sync::watch;

use crate::{
    error::{self, Error, Result},
    tryton::attempts::Network,
};

use super::{UserId, verified::Key};

/// How a check ended, for everyone who waits for it.
#[derive(Clone)]
pub(super) enum Verdict {
    SignedIn {
        user: UserId,
        delay: Duration,
    },
    Wrong {
        delay: Duration,
    },
    Throttled {
        retry_after: u32,
    },
    Overloaded,
    /// Everyone who waited for it went away before it began.
    Unwanted,
    Failed(Error),
}

/// Seconds after which the queue has moved on.
const QUEUE_SECONDS: u32 = 5;

impl Verdict {
    pub(super) fn delay(&self) -> Duration {
        match self {
            Self::SignedIn { delay, .. } | Self::Wrong { delay } => *delay,
            Self::Throttled { .. } | Self::Overloaded | Self::Unwanted | Self::Failed(_) => Duration::ZERO,
        }
    }

    pub(super) fn into_result(self) -> Result<UserId> {
        Err(match self {
            Self::SignedIn { user, .. } => return Ok(user),
            Self::Wrong { .. } => Error::new(&error::CREDENTIAL_WRONG),
            Self::Throttled { retry_after } => Error::new(&error::SIGN_IN_THROTTLED).retry_after(retry_after),
            Self::Overloaded | Self::Unwanted => Error::new(&error::OVERLOADED)
                .retry_after(QUEUE_SECONDS)
                .cause("the queue of sign-ins is full"),
            Self::Failed(error) => error,
        })
    }
}

impl From<Error> for Verdict {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

type Which = (Key, Network);
type Answer = watch::Receiver<Option<Verdict>>;
/// The answers are owned by those who wait: when the last one goes away, the check learns it.
type UnderWay = Mutex<HashMap<Which, Weak<Answer>>>;

/// Checks that are under way.
#[derive(Default)]
pub(super) struct Checks(Arc<UnderWay>);

/// Removes a check from the list however it ends, also by a panic.
struct Listed {
    checks: Arc<UnderWay>,
    which: Which,
    answer: Weak<Answer>,
}

impl Drop for Listed {
    fn drop(&mut self) {
        let mut checks = self.checks.lock().unwrap_or_else(PoisonError::into_inner);
        // Another check may have taken the place after everyone had left this one.
        if checks.get(&self.which).is_some_and(|listed| listed.ptr_eq(&self.answer)) {
            checks.remove(&self.which);
        }
    }
}

impl Checks {
    /// Waits for the check that is under way, or starts it as a task of its own. The task gets a future that ends when
    /// nobody waits any more.
    pub(super) async fn join<F, C>(&self, which: Which, check: F) -> Verdict
    where
        F: FnOnce(std::pin::Pin<Box<dyn Future<Output = ()> + Send>>) -> C,
        C: Future<Output = Verdict> + Send + 'static,
    {
        let answer = self.find_or_start(which, check);
        let mut receiver = Answer::clone(&answer);
        let verdict = receiver.wait_for(Option::is_some).await;
        let verdict = verdict.ok().and_then(|verdict| verdict.clone());
        verdict
            .unwrap_or_else(|| Error::new(&error::INTERNAL).cause("a sign-in ended without an answer").into())
    }

    fn find_or_start<F, C>(&self, which: Which, check: F) -> Arc<Answer>
    where
        F: FnOnce(std::pin::Pin<Box<dyn Future<Output = ()> + Send>>) -> C,
        C: Future<Output = Verdict> + Send + 'static,
    {
        let mut checks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(answer) = checks.get(&which).and_then(Weak::upgrade) {
            return answer;
        }
        let (sender, receiver) = watch::channel(None);
        let answer = Arc::new(receiver);
        checks.insert(which.clone(), Arc::downgrade(&answer));
        let listed = Listed { checks: Arc::clone(&self.0), which, answer: Arc::downgrade(&answer) };
        let sender = Arc::new(sender);
        let watched = Arc::clone(&sender);
        let check = check(Box::pin(async move { watched.closed().await }));
        tokio::spawn(async move {
            let verdict = check.await;
            drop(listed);
            sender.send_replace(Some(verdict));
        });
        answer
    }
}

#[cfg(test)]
mod tests;
