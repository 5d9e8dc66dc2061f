//! Failures in the memory of this process, for roles that only read.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::{Admission, Clock, Network, Options};

/// Logins and networks that are remembered. Every new one costs its sender a password check, of which some thousand
/// fit into the window, so the bound protects memory and is not reached by an attacker who wants to be forgotten.
const MOST: usize = 16_384;

/// Failures per login and per network.
pub(super) struct Memory {
    options: Options,
    clock: Clock,
    failures: Mutex<Failures>,
}

struct Failures {
    /// With the network each came from.
    logins: Counter<String>,
    networks: Counter<()>,
}

impl Memory {
    pub(super) fn new(options: Options, clock: Clock) -> Self {
        let failures = Failures {
            logins: Counter::new(options.per_login, options.window),
            networks: Counter::new(options.per_network, options.window),
        };
        Self { options, clock, failures: Mutex::new(failures) }
    }

    pub(super) fn admit(&self, login: &str, network: &Network) -> Admission {
        let now = (self.clock)();
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(wait) = failures.networks.wait(network.text(), now) {
            return Admission::Throttled { retry_after: seconds(wait) };
        }
        if failures.logins.wait(login, now).is_some() {
            failures.add(login, network, now);
            let wait = failures.logins.wait(login, now).unwrap_or(self.options.window);
            return Admission::Throttled { retry_after: seconds(wait) };
        }
        let failures = failures.logins.count(login, now);
        let failures = u32::try_from(failures).expect("at most the limit, which is a u32");
        Admission::Admitted { failures, traces: failures > 0 }
    }

    pub(super) fn failed(&self, login: &str, network: &Network) {
        let now = (self.clock)();
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).add(login, network, now);
    }

    /// One failure counts for login and network: what the login is forgiven, its networks are forgiven too.
    pub(super) fn succeeded(&self, login: &str) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        for (at, network) in failures.logins.failures.remove(login).unwrap_or_default() {
            failures.networks.forget(&network, at);
        }
    }
}

impl Failures {
    fn add(&mut self, login: &str, network: &Network, now: Instant) {
        self.logins.add(login, now, network.text().to_owned());
        self.networks.add(network.text(), now, ());
    }
}

/// The newest failures per key, oldest first, never more than are needed to refuse.
struct Counter<T> {
    failures: HashMap<String, VecDeque<(Instant, T)>>,
    limit: usize,
    window: Duration,
}

impl<T> Counter<T> {
    fn new(limit: u32, window: Duration) -> Self {
        Self { failures: HashMap::new(), limit: usize::try_from(limit).unwrap_or(usize::MAX - 1), window }
    }

    fn count(&self, key: &str, now: Instant) -> usize {
        let recent = |(at, _): &&(Instant, T)| now.duration_since(*at) <= self.window;
        self.failures.get(key).map_or(0, |failures| failures.iter().filter(recent).count())
    }

    /// How long until there are no more than `limit` failures in the window; `None` when that is so now.
    fn wait(&self, key: &str, now: Instant) -> Option<Duration> {
        let (first, _) = self.failures.get(key).filter(|failures| failures.len() > self.limit)?.front()?;
        self.window.checked_sub(now.duration_since(*first))
    }

    fn add(&mut self, key: &str, now: Instant, with: T) {
        if self.failures.len() >= MOST && !self.failures.contains_key(key) {
            self.make_room(now);
        }
        let failures = self.failures.entry(key.to_owned()).or_default();
        failures.push_back((now, with));
        // One more than the limit is enough to refuse and to tell how long.
        if failures.len() > self.limit + 1 {
            failures.pop_front();
        }
    }

    fn forget(&mut self, key: &str, at: Instant) {
        if let Some(failures) = self.failures.get_mut(key)
            && let Some(position) = failures.iter().position(|(time, _)| *time == at)
        {
            failures.remove(position);
            if failures.is_empty() {
                self.failures.remove(key);
            }
        }
    }

    fn make_room(&mut self, now: Instant) {
        let window = self.window;
        self.failures.retain(|_, failures| {
            failures.back().is_some_and(|(last, _)| now.duration_since(*last) <= window)
        });
        if self.failures.len() >= MOST {
            // The least guilty goes: fewest failures, oldest of these.
            let guilt =
                |failures: &VecDeque<(Instant, T)>| (failures.len(), failures.back().map(|(at, _)| *at));
            let least = self.failures.iter().min_by_key(|(_, failures)| guilt(failures));
            if let Some(key) = least.map(|(key, _)| key.clone()) {
                self.failures.remove(&key);
            }
        }
    }
}

fn seconds(wait: Duration) -> u32 {
    u32::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u32::MAX).max(1)
}
