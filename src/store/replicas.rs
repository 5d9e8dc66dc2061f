//! Streaming replicas: they answer requests in place of the primary as long as they are near enough behind it.
//!
//! A task for each replica and one for the primary look at them by the clock; requests only read what these found. Rights and
//! sign-ins are never asked here. When the primary cannot be asked how far it is, replicas are used for as long as what it said
//! last is no older than the lag that is allowed, and no longer: `replica_lag` is a promise, and a primary that this machine
//! does not reach may go on writing. Rights end soon after (`stale_after` of the watch), so there is little to win.

mod standing;

pub(super) use standing::{Identity, Standing};

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use deadpool::managed::PoolError;
use tokio::sync::{Notify, futures::Notified};
use tokio_postgres::error::SqlState;
use tokio_postgres_rustls::MakeRustlsConnect;

use standing::{History, Reason};

use super::{
    Pool,
    connect::ConnectError,
    pools::{self, Pools, Sessions},
    running::Running,
    servers::{Original, Servers, Unavailable},
    vitals::{ReplicaVitals, Spent},
};
use crate::error::Error;

/// Longest time between two looks. With a small lag they are nearer together.
const INTERVAL: Duration = Duration::from_millis(250);
/// A look takes a millisecond; a server that takes so long does not answer.
const LOOK: Duration = Duration::from_millis(1500);
/// How long a replica on which a session ended is left alone.
const AGAIN: Duration = Duration::from_secs(1);

/// Sessions to look with.
pub(super) struct Watched {
    pub pool: Pool,
    pub tls: MakeRustlsConnect,
    /// Whose they are.
    pub role: String,
}

impl Watched {
    /// A session with these servers.
    pub(super) fn new(servers: &Servers, wait: Duration) -> Result<Self, ConnectError> {
        Ok(Self { pool: pools::pool(servers.clone(), 1, wait)?, tls: servers.tls(), role: servers.role() })
    }

    /// What the server says of itself.
    async fn ask(&self) -> Result<Standing, Reason> {
        let asked = async {
            let session = self.pool.get().await.map_err(|error| match error {
                PoolError::Backend(error) => Reason::of(&error),
                error => Reason::Gone(error.to_string()),
            })?;
            let running = Running::new(session, self.tls.clone());
            match running.session().simple_query(Standing::QUESTION).await {
                Ok(answer) => {
                    running.finished();
                    Standing::read(&answer)
                        .ok_or_else(|| Reason::Gone("its answer cannot be read".to_owned()))
                }
                Err(error) if error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) => {
                    running.finished();
                    Err(Reason::Forbidden(self.role.clone()))
                }
                Err(error) => {
                    running.ended();
                    Err(Reason::of(&Unavailable::from(error)))
                }
            }
        };
        tokio::time::timeout(LOOK, asked).await.unwrap_or(Err(Reason::Silent))
    }
}

impl Reason {
    fn of(error: &Unavailable) -> Self {
        match error.code() {
            // The words of PostgreSQL name roles and databases, no values.
            Some(_) => Self::Gone(error.message().to_owned()),
            None => Self::Gone(error.to_string()),
        }
    }
}

/// One replica.
pub(super) struct Replica {
    /// Host and port.
    place: String,
    /// Sessions for requests.
    pub pools: Pools,
    watched: Watched,
    /// Statements that run or wait here.
    busy: AtomicUsize,
    /// It may answer until then, in microseconds since the start; zero when it may not.
    until: AtomicU64,
    /// A session ended or could not be opened: the next look begins with a new one.
    broken: AtomicBool,
    /// Told when it does not answer any more.
    lost: Notify,
    /// Statements that went on elsewhere.
    moved: AtomicU64,
    state: Mutex<State>,
}

/// What is known of a replica.
struct State {
    /// Why it is not used, if it is not.
    out: Option<Reason>,
    /// How far it was.
    replayed: u64,
    /// Up to then it lacks nothing.
    fresh: Option<Instant>,
}

/// The replicas of a database.
pub(super) struct Replicas {
    each: Vec<Replica>,
    primary: Watched,
    history: Mutex<History>,
    /// Of what the sessions that are opened must be copies.
    original: Original,
    lag: Duration,
    started: Instant,
    turns: AtomicUsize,
}

impl Replicas {
    /// Starts to look at each of these servers; nothing is waited for. The tasks end when the value is dropped.
    pub(super) fn start(
        primary: Watched,
        servers: &Servers,
        sessions: Sessions,
        (wait, lag): (Duration, Duration),
    ) -> Result<Arc<Self>, ConnectError> {
        let original = Original::default();
        let each = servers.alone().map(|server| Replica::new(server, sessions, wait, &original));
        let replicas = Arc::new(Self {
            each: each.collect::<Result<_, _>>()?,
            primary,
            history: Mutex::new(History::new(lag)),
            original,
            lag,
            started: Instant::now(),
            turns: AtomicUsize::new(0),
        });
        let interval = INTERVAL.min(lag / 8);
        tokio::spawn(follow_primary(Arc::downgrade(&replicas), interval));
        for number in 0..replicas.each.len() {
            tokio::spawn(follow(Arc::downgrade(&replicas), number, interval));
        }
        Ok(replicas)
    }

    /// The replica for a statement: the one with the least to do, in turns where several have. A request stays where its first
    /// statement was answered as long as that can answer, so that it does not see less than it saw before.
    pub(super) fn choose(&self) -> Option<&Replica> {
        let now = self.micros(Instant::now());
        let usable = |replica: &&Replica| replica.until.load(Ordering::Relaxed) > now;
        let stay = Spent::place().map(|place| place.checked_sub(1));
        if let Some(Some(number)) = stay
            && let Some(replica) = self.each.get(number).filter(usable)
        {
            return Some(replica);
        }
        let busy = self
            .each
            .iter()
            .map(|replica| Some(replica).filter(usable).map(|replica| replica.busy.load(Ordering::Relaxed)));
        // It began at the primary: no replica has seen as much.
        let chosen = match stay {
            Some(None) => None,
            _ => least(busy, self.turns.fetch_add(1, Ordering::Relaxed)),
        };
        Spent::stay(chosen.map_or(0, |number| number + 1));
        chosen.map(|number| &self.each[number])
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.each.len()
    }

    /// How each of them is.
    pub(super) fn vitals(&self) -> Vec<ReplicaVitals> {
        let now = Instant::now();
        self.each
            .iter()
            .map(|replica| replica.vitals(replica.until.load(Ordering::Relaxed) > self.micros(now), now))
            .collect()
    }

    fn micros(&self, time: Instant) -> u64 {
        u64::try_from(time.duration_since(self.started).as_micros()).unwrap_or(u64::MAX)
    }

    /// Notes how far the primary is.
    async fn look_at_primary(&self) {
        let asked = Instant::now();
        match self.primary.ask().await {
            Ok(said) => {
                locked(&self.history).add(asked, &said);
                *locked(&self.original) = Some(said.identity);
            }
            Err(reason) => locked(&self.history).unanswered(reason),
        }
    }

    async fn look_at(&self, replica: &Replica) {
        let asked = replica.watched.ask().await;
        match asked {
            Ok(said) => self.judge(replica, &said),
            Err(reason @ Reason::Forbidden(_)) => drop(replica.out(reason)),
            Err(reason) => {
                replica.out(reason);
                // What is open may never answer again, and what runs would wait for it.
                replica.close();
                replica.lost.notify_waiters();
            }
        }
    }

    /// Decides by what a replica said.
    fn judge(&self, replica: &Replica, said: &Standing) {
        let judged = {
            let history = locked(&self.history);
            let mut state = locked(&replica.state);
            match history.place(said) {
                Ok(fresh) => {
                    if fresh.is_some() || said.written < state.replayed {
                        state.fresh = fresh;
                    }
                    state.replayed = said.written;
                    history.judge(state.fresh, state.out.is_none(), Instant::now())
                }
                Err(reason) => {
                    state.fresh = None;
                    Err(reason)
                }
            }
        };
        match judged {
            Ok(fresh) => replica.used(fresh, self.micros(fresh + self.lag)),
            Err(reason) => {
                let foreign = matches!(reason, Reason::Cluster | Reason::Database);
                if replica.out(reason) && foreign {
                    replica.pools.empty();
                    replica.lost.notify_waiters();
                }
            }
        }
    }
}

impl Replica {
    fn new(
        server: Servers,
        sessions: Sessions,
        wait: Duration,
        original: &Original,
    ) -> Result<Self, ConnectError> {
        Ok(Self {
            place: server.places(),
            watched: Watched::new(&server, wait)?,
            pools: Pools::new(&server.copying(original), sessions, wait)?,
            busy: AtomicUsize::new(0),
            until: AtomicU64::new(0),
            broken: AtomicBool::new(false),
            lost: Notify::new(),
            moved: AtomicU64::new(0),
            state: Mutex::new(State { out: Some(Reason::Unknown), replayed: 0, fresh: None }),
        })
    }

    /// A statement begins here; it ends when the value is dropped.
    pub(super) fn begin(&self) -> Busy<'_> {
        self.busy.fetch_add(1, Ordering::Relaxed);
        Busy { replica: self }
    }

    /// A session ended or cannot be opened: it is left alone until a new one can be.
    pub(super) fn failed(&self, error: &Error) {
        if locked(&self.state).out.is_some() {
            return;
        }
        self.broken.store(true, Ordering::Release);
        self.until.store(0, Ordering::Release);
        self.out(Reason::Gone(error.logged_cause().unwrap_or_default().to_owned()));
    }

    /// A statement that began here goes on elsewhere.
    pub(super) fn moves(&self) {
        self.moved.fetch_add(1, Ordering::Relaxed);
    }

    /// Closes what nobody uses.
    fn close(&self) {
        self.pools.empty();
        pools::empty(&self.watched.pool);
    }

    fn used(&self, fresh: Instant, until: u64) {
        let mut state = locked(&self.state);
        // Something failed while it was looked at.
        if self.broken.load(Ordering::Acquire) {
            return;
        }
        self.until.store(until, Ordering::Release);
        if state.out.take().is_some() {
            let behind = fresh.elapsed().as_secs_f64();
            tracing::info!("replica {} answers requests; it is {behind:.1} s behind at most", self.place);
        }
    }

    /// It does not answer any more; true when that was not known, or was for another reason.
    fn out(&self, reason: Reason) -> bool {
        let mut state = locked(&self.state);
        self.until.store(0, Ordering::Release);
        let news = !state.out.as_ref().is_some_and(|before| before.resembles(&reason));
        if news {
            if reason.is_usual() {
                tracing::info!("replica {} is not used: {reason}", self.place);
            } else {
                tracing::warn!("replica {} is not used: {reason}", self.place);
            }
        }
        state.out = Some(reason);
        news
    }

    fn vitals(&self, used: bool, now: Instant) -> ReplicaVitals {
        let state = locked(&self.state);
        let mut vitals = ReplicaVitals {
            place: self.place.clone(),
            used,
            reason: state.out.as_ref().map(ToString::to_string),
            settled: !matches!(state.out, Some(Reason::Unknown | Reason::Behind(_) | Reason::Unasked(_))),
            behind: state.fresh.map(|fresh| now.saturating_duration_since(fresh)),
            moved: self.moved.load(Ordering::Relaxed),
            ..ReplicaVitals::default()
        };
        for pool in self.pools.each().map(Pool::status) {
            vitals.in_use += pool.size.saturating_sub(pool.available);
            vitals.idle += pool.available;
            vitals.waiting += pool.waiting;
        }
        vitals
    }
}

/// A statement on a replica.
pub(super) struct Busy<'r> {
    replica: &'r Replica,
}

impl<'r> Busy<'r> {
    /// Completes when the replica does not answer any more.
    pub(super) fn lost(&self) -> Notified<'r> {
        self.replica.lost.notified()
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.replica.busy.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The number of the least of those that are there, beginning with another one each turn.
fn least(each: impl ExactSizeIterator<Item = Option<usize>>, turn: usize) -> Option<usize> {
    let count = each.len();
    let there = each.enumerate().filter_map(|(number, busy)| Some((number, busy?)));
    let order = |number: usize| (number + count - turn % count) % count;
    there.min_by_key(|(number, busy)| (*busy, order(*number))).map(|(number, _)| number)
}

async fn follow_primary(replicas: Weak<Replicas>, interval: Duration) {
    loop {
        // The first look too waits: the start has other things to do.
        tokio::time::sleep(interval).await;
        let Some(replicas) = replicas.upgrade() else { return };
        replicas.look_at_primary().await;
    }
}

async fn follow(replicas: Weak<Replicas>, number: usize, interval: Duration) {
    loop {
        tokio::time::sleep(interval).await;
        let broken = |replicas: Arc<Replicas>| {
            let replica = &replicas.each[number];
            let broken = replica.broken.swap(false, Ordering::AcqRel);
            if broken {
                replica.close();
            }
            broken
        };
        match replicas.upgrade().map(broken) {
            Some(true) => tokio::time::sleep(AGAIN).await,
            Some(false) => {}
            None => return,
        }
        let Some(replicas) = replicas.upgrade() else { return };
        replicas.look_at(&replicas.each[number]).await;
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use super::{Ordering, Replicas, least};
    use crate::store::{ReplicaOptions, Spent, connect::unreached};

    /// Replicas where nobody listens, which may answer all the same.
    fn usable() -> Arc<Replicas> {
        let replicas = ReplicaOptions {
            url: "postgresql://127.0.0.1:1,127.0.0.1:2,127.0.0.1:3".to_owned(),
            lag: Duration::from_secs(3600),
        };
        let replicas = unreached(&replicas);
        for replica in &replicas.each {
            replica.until.store(u64::MAX, Ordering::Relaxed);
        }
        replicas
    }

    #[tokio::test]
    async fn a_request_stays_where_it_began_as_long_as_that_can_answer() {
        let replicas = usable();
        let chosen = || replicas.choose().map(|replica| replica.place.clone());
        let request = async || Spent::default().on(async { [chosen(), chosen(), chosen()] }).await;
        for _ in 0..6 {
            let [first, second, third] = request().await;
            assert!(first.is_some() && first == second && second == third);
        }
        // Statements of none take turns.
        assert_ne!(chosen(), chosen());
        Spent::default()
            .on(async {
                let first = replicas.choose().unwrap();
                first.until.store(0, Ordering::Relaxed);
                let second = replicas.choose().unwrap();
                assert_ne!(first.place, second.place);
                assert_eq!(chosen(), Some(second.place.clone()));
                first.until.store(u64::MAX, Ordering::Relaxed);
                assert_eq!(chosen(), Some(second.place.clone()), "and where it went on");
            })
            .await;
    }

    #[tokio::test]
    async fn a_request_that_began_at_the_primary_stays_there() {
        let replicas = usable();
        let all = |until| {
            for replica in &replicas.each {
                replica.until.store(until, Ordering::Relaxed);
            }
        };
        Spent::default()
            .on(async {
                all(0);
                assert!(replicas.choose().is_none());
                all(u64::MAX);
                assert!(replicas.choose().is_none());
            })
            .await;
        assert!(replicas.choose().is_some());
    }

    #[tokio::test]
    async fn the_one_with_fewer_statements_is_taken_and_one_that_failed_is_not() {
        let replicas = usable();
        let busy: Vec<_> = [0, 0, 1, 2, 2].map(|number| replicas.each[number].begin()).into();
        assert_eq!(replicas.choose().unwrap().place, "127.0.0.1:2");
        drop(busy);
        replicas.each[1].used(std::time::Instant::now(), u64::MAX);
        for number in [0, 2] {
            replicas.each[number].until.store(0, Ordering::Relaxed);
        }
        let error = crate::error::Error::new(&crate::error::DATABASE_UNAVAILABLE).cause("gone");
        replicas.choose().unwrap().failed(&error);
        assert!(replicas.choose().is_none());
        // What was seen before it failed does not bring it back.
        replicas.each[1].used(std::time::Instant::now(), u64::MAX);
        assert!(replicas.choose().is_none());
        assert!(replicas.vitals()[1].reason.as_deref().unwrap().contains("gone"));
    }

    #[test]
    fn the_replica_with_the_least_to_do_is_taken_in_turns_where_several_have() {
        let chosen = |busy: [Option<usize>; 3], turn| least(busy.into_iter(), turn);
        assert_eq!(chosen([Some(2), Some(1), Some(3)], 0), Some(1));
        let turns = (0..6).map(|turn| chosen([Some(1); 3], turn).unwrap());
        assert_eq!(turns.collect::<Vec<_>>(), [0, 1, 2, 0, 1, 2]);
        // Those that are out take no turn.
        let turns = (0..6).map(|turn| chosen([Some(1), None, Some(1)], turn).unwrap());
        assert_eq!(turns.collect::<Vec<_>>(), [0, 2, 2, 0, 2, 2]);
        assert_eq!(chosen([None; 3], 7), None);
        assert_eq!(chosen([Some(1); 3], usize::MAX), Some(0));
    }
}
