//! How much one user and one address may ask, per second and at the same time. Off unless set; what is refused is told when
//! to come again.

use std::{
    collections::HashMap,
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    num::NonZero,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use governor::{
    Quota, RateLimiter,
    clock::{Clock as _, DefaultClock},
    state::keyed::HashMapStateStore,
};

use crate::{
    config::Config,
    error::{self, Error, Result},
};

/// Requests after which those are forgotten who have not asked for a while.
const SWEEP: u32 = 4096;

/// Settings of a limit.
#[derive(Clone, Copy, Debug, Default)]
pub struct Settings {
    /// Requests per second in the long run.
    pub rate: Option<NonZero<u32>>,
    /// Requests at once, after a pause.
    pub burst: Option<NonZero<u32>>,
    /// Requests at the same time.
    pub running: Option<NonZero<u32>>,
}

/// The limits that hold.
pub(super) struct Throttle {
    users: Limit<i64>,
    addresses: Limit<IpAddr>,
}

/// A request that counts; ends when dropped.
pub(super) struct Admitted(#[expect(dead_code, reason = "it is held")] Box<dyn Send + Sync>);

impl Settings {
    /// For a user, and for an address.
    pub(super) fn of(config: &Config) -> (Self, Self) {
        let burst = Some(config.requests_burst);
        (
            Self { rate: config.requests_per_user, burst, running: config.running_per_user },
            Self { rate: config.requests_per_address, burst, running: config.running_per_address },
        )
    }
}

impl Throttle {
    pub(super) fn new((users, addresses): (Settings, Settings)) -> Self {
        Self { users: Limit::new(users, "one user"), addresses: Limit::new(addresses, "one address") }
    }

    /// Admits a request from this address.
    ///
    /// # Errors
    /// `requests-limited`.
    pub(super) fn address(&self, address: IpAddr) -> Result<Option<Admitted>> {
        self.addresses.admit(network(address), NonZero::<u32>::MIN)
    }

    /// Users are limited at all.
    pub(super) fn limits_users(&self) -> bool {
        self.users.is_set()
    }

    /// Admits what this user asks for, which counts as so many requests.
    ///
    /// # Errors
    /// `requests-limited`.
    pub(super) fn user(&self, user: i64, cost: NonZero<u32>) -> Result<Option<Admitted>> {
        self.users.admit(user, cost)
    }
}

/// Whoever has one address of IPv6 has the 64 bits behind it, too.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address => address,
    }
}

type Rates<K> = RateLimiter<K, HashMapStateStore<K>, DefaultClock>;
type Running<K> = Arc<Mutex<HashMap<K, u32>>>;

struct Limit<K: Clone + Eq + Hash> {
    settings: Settings,
    whom: &'static str,
    rates: Option<Rates<K>>,
    admitted: AtomicU32,
    running: Running<K>,
}

impl<K: Copy + Eq + Hash + Send + Sync + 'static> Limit<K> {
    fn new(settings: Settings, whom: &'static str) -> Self {
        let rates = settings.rate.map(|rate| {
            let quota = Quota::per_second(rate).allow_burst(settings.burst.unwrap_or(rate).max(rate));
            RateLimiter::hashmap(quota)
        });
        Self { settings, whom, rates, admitted: AtomicU32::new(0), running: Running::default() }
    }

    fn is_set(&self) -> bool {
        self.rates.is_some() || self.settings.running.is_some()
    }

    fn admit(&self, key: K, cost: NonZero<u32>) -> Result<Option<Admitted>> {
        if !self.is_set() {
            return Ok(None);
        }
        // What is refused here must not count as running.
        let running = self.start(key)?;
        self.rate(key, cost)?;
        Ok(running.map(|running| Admitted(Box::new(running))))
    }

    fn rate(&self, key: K, cost: NonZero<u32>) -> Result<()> {
        let Some(rates) = &self.rates else { return Ok(()) };
        if self.admitted.fetch_add(1, Ordering::Relaxed) % SWEEP == SWEEP - 1 {
            rates.retain_recent();
        }
        let most = self.settings.burst.max(self.settings.rate).unwrap_or(cost);
        // More than all at once cannot be: it takes all.
        let wait = match rates.check_key_n(&key, cost.min(most)) {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(not_yet)) => not_yet.wait_time_from(DefaultClock::default().now()),
            Err(_) => std::time::Duration::from_secs(1),
        };
        let rate = self.settings.rate.map_or(0, NonZero::get);
        Err(Error::new(&error::REQUESTS_LIMITED)
            .detail(format!("At most {rate} a second are answered for {}.", self.whom))
            .retry_after(u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1)))
    }

    fn start(&self, key: K) -> Result<Option<Started<K>>> {
        let Some(most) = self.settings.running else { return Ok(None) };
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let count = running.entry(key).or_default();
        if *count >= most.get() {
            return Err(Error::new(&error::REQUESTS_LIMITED)
                .detail(format!("At most {most} at the same time are answered for {}.", self.whom))
                .retry_after(1));
        }
        *count += 1;
        Ok(Some(Started { running: Arc::clone(&self.running), key }))
    }
}

struct Started<K: Copy + Eq + Hash> {
    running: Running<K>,
    key: K,
}

impl<K: Copy + Eq + Hash> Drop for Started<K> {
    fn drop(&mut self) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = running.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                running.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZero;

    use super::{Limit, Settings, network};

    fn number(value: u32) -> Option<NonZero<u32>> {
        NonZero::new(value)
    }

    #[test]
    fn a_rate_has_a_burst_and_is_each_ones_own() {
        let settings = Settings { rate: number(1), burst: number(3), running: None };
        let limit = Limit::<i64>::new(settings, "one user");
        let one = NonZero::<u32>::MIN;
        for _ in 0..3 {
            assert!(limit.admit(7, one).is_ok());
        }
        let refused = limit.admit(7, one).err().expect("the burst is used up");
        assert_eq!(refused.entry().code, "requests-limited");
        assert!((1..=2).contains(&refused.retry_seconds().unwrap()));
        assert!(limit.admit(8, number(100).unwrap()).is_ok(), "more than the burst takes all of it");
        assert!(limit.admit(8, one).is_err());
    }

    #[test]
    fn what_runs_is_counted_until_it_ends_and_what_is_refused_is_not() {
        let settings = Settings { rate: number(2), burst: number(2), running: number(1) };
        let limit = Limit::<i64>::new(settings, "one user");
        let one = NonZero::<u32>::MIN;
        let Ok(first) = limit.admit(7, one) else { panic!("the first is admitted") };
        assert!(limit.admit(7, one).is_err());
        assert!(limit.admit(8, one).is_ok());
        drop(first);
        assert!(limit.admit(7, one).is_ok(), "what was refused above took nothing of the rate");
        assert!(limit.admit(7, one).is_err(), "now the rate");
        assert!(limit.running.lock().unwrap().is_empty());
    }

    #[test]
    fn addresses_of_one_network_of_ipv6_are_one() {
        let at = |text: &str| network(text.parse().unwrap());
        assert_eq!(at("2001:db8:0:1::7"), at("2001:db8:0:1:ffff::"));
        assert_ne!(at("2001:db8:0:1::7"), at("2001:db8:0:2::7"));
        assert_ne!(at("192.0.2.1"), at("192.0.2.2"));
        assert_eq!(at("::ffff:192.0.2.1"), at("192.0.2.1"));
    }
}
