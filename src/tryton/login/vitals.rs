//! How signing in goes, for the operator.

use std::sync::atomic::{AtomicU64, Ordering};

use super::{SignIn, UserId};
use crate::{
    error::{self, Result},
    tryton::Credential,
};

/// How signing in goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vitals {
    /// Way, outcome, and how often since the start.
    pub outcomes: Vec<(&'static str, &'static str, u64)>,
    /// Logins with a password that were answered from memory.
    pub remembered: u64,
    /// Logins with a password that were not.
    pub checked: u64,
    /// Password checks under way.
    pub hashing: usize,
    /// Sign-ins that wait for a check.
    pub waiting: usize,
}

const WAYS: [&str; 4] = ["password", "key", "session", "page"];
const OUTCOMES: [&str; 6] = ["accepted", "wrong", "throttled", "overloaded", "failed", "ended"];

/// [`Vitals`] as they are counted.
#[derive(Debug, Default)]
pub(super) struct Counts {
    outcomes: [[AtomicU64; OUTCOMES.len()]; WAYS.len()],
    remembered: AtomicU64,
    checked: AtomicU64,
}

impl Counts {
    pub(super) fn ended(&self, credential: &Credential, outcome: &Result<UserId>) {
        let way = match credential {
            Credential::Basic { .. } => 0,
            Credential::Bearer { .. } => 1,
            Credential::Session { .. } => 2,
            Credential::Kept { .. } => 3,
        };
        let outcome = match outcome.as_ref().map_err(|error| error.entry()) {
            Ok(_) => 0,
            Err(entry) if *entry == error::CREDENTIAL_WRONG => 1,
            Err(entry) if *entry == error::SIGN_IN_THROTTLED => 2,
            Err(entry) if *entry == error::OVERLOADED => 3,
            Err(entry) if *entry == error::SESSION_ENDED => 5,
            Err(_) => 4,
        };
        self.outcomes[way][outcome].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn looked_up(&self, found: bool) {
        let counter = if found { &self.remembered } else { &self.checked };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

impl SignIn {
    /// How signing in goes.
    pub fn vitals(&self) -> Vitals {
        let counts = &self.0.counts;
        let number = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let row = |(way, row): (&'static str, &[AtomicU64; OUTCOMES.len()])| {
            let outcomes = OUTCOMES.into_iter().zip(row);
            outcomes.map(|(outcome, counter)| (way, outcome, number(counter))).collect::<Vec<_>>()
        };
        Vitals {
            outcomes: WAYS.into_iter().zip(&counts.outcomes).flat_map(row).collect(),
            remembered: number(&counts.remembered),
            checked: number(&counts.checked),
            hashing: self.0.queue.taken(),
            waiting: self.0.queue.waiting(),
        }
    }
}
