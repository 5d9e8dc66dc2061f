//! Signing in: with login and password, with an application key, with a session that Tryton opened, or with what a browser
//! keeps of an earlier sign-in.
//!
//! A password that was verified before is answered from memory as long as the security snapshot shows the same
//! active user with the same password hash: no SQL, no hashing, nothing that a flood of other sign-ins could delay.
//! Everything else is a check: it waits for its turn, is admitted by the limits, reads the user, verifies, and counts.
//!
//! Unknown login, inactive user and wrong password are one error and take one time. A check goes on when its client
//! goes away after it got its turn, so that hanging up early does not hide a failure.
//!
//! Application keys are part of the security snapshot. Sessions change too often for that: each is looked up, and the
//! answer holds for less than a second. Neither counts as a failed sign-in, as in Tryton: their keys cannot be guessed.

mod account;
mod checks;
mod decoy;
mod kept;
mod session;
mod verified;
mod vitals;

use std::{net::IpAddr, sync::Arc, time::Duration};

use subtle::ConstantTimeEq as _;

use crate::{
    error::{self, Error, Result},
    store::Store,
};

use super::{
    Credential, Rights,
    attempts::{self, Admission, Attempts, Network},
    hashing::{self, Limits, Queue},
    password::{Cost, Hash, LONGEST_PASSWORD},
};

use account::Account;
use checks::{Checks, Verdict};
use decoy::Decoy;
use kept::Keeper;
pub use kept::{Options as KeptOptions, Proof};
use session::Sessions;
use verified::{Key, Verified};
pub use vitals::Vitals;

/// Id of a row of `res_user`.
pub type UserId = i32;

/// What the newest snapshot of the security tables says about users.
pub trait Accounts: Send + Sync {
    /// The user `id` is active and has exactly this login and exactly this `password_hash`.
    ///
    /// # Errors
    /// The snapshot is too old to be trusted.
    fn is_current(&self, id: UserId, login: &str, password_hash: &str) -> Result<bool>;

    /// The user `id` is active.
    ///
    /// # Errors
    /// As [`Accounts::is_current`].
    fn is_active(&self, id: UserId) -> Result<bool>;

    /// What the user `id` is signed in with, if active and with a password.
    ///
    /// # Errors
    /// As [`Accounts::is_current`].
    fn proof(&self, id: UserId) -> Result<Option<Proof>>;

    /// The user of the validated key of `application`, active or not.
    ///
    /// # Errors
    /// As [`Accounts::is_current`].
    fn owner(&self, application: &str, key: &str) -> Result<Option<UserId>>;
}

impl Accounts for Rights {
    fn is_current(&self, id: UserId, login: &str, password_hash: &str) -> Result<bool> {
        let security = self.current()?;
        let user = security.user(id).filter(|user| user.active && user.login == login);
        let stored = user.and_then(|user| user.password_hash.as_ref());
        Ok(stored.is_some_and(|stored| stored.expose() == password_hash))
    }

    fn is_active(&self, id: UserId) -> Result<bool> {
        Ok(self.current()?.user(id).is_some_and(|user| user.active))
    }

    fn proof(&self, id: UserId) -> Result<Option<Proof>> {
        let security = self.current()?;
        let user = security.user(id).filter(|user| user.active);
        Ok(user.and_then(|user| Some(Proof::of(id, &user.login, user.password_hash.as_ref()?.expose()))))
    }

    fn owner(&self, application: &str, key: &str) -> Result<Option<UserId>> {
        Ok(self.current()?.application_user(application, key))
    }
}

/// How sign-in works.
#[derive(Clone, Debug)]
pub struct Options {
    /// Limits on failures.
    pub attempts: attempts::Options,
    /// A login and a password are enough (`authentications` of `[session]` in trytond.conf).
    pub passwords: bool,
    /// Application whose keys are accepted; empty: none are.
    pub application: String,
    /// How long after its beginning a session ends (`max_age`).
    pub session_age: Duration,
    /// How long a session that was looked up is trusted without looking again.
    pub session_trust: Duration,
    /// Sign-ins that browsers keep.
    pub kept: KeptOptions,
    /// Password checks at once; each takes a core and, for scrypt and argon2, 64 MiB.
    pub hash_concurrency: usize,
    /// Sign-ins that may wait for a check.
    pub waiting: usize,
    /// Sign-ins that may wait for a check of one login from one network.
    pub waiting_per_login: usize,
    /// Credentials remembered as verified.
    pub remembered: usize,
    /// Tryton delays the answer after n earlier failures by a random time of up to 2ⁿ − 1 seconds, at most 31. Clients
    /// of FHIR give up sooner, and the limits alone leave a guesser six tries in five minutes: here it is cut off at
    /// this time.
    pub longest_delay: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            attempts: attempts::Options::default(),
            passwords: true,
            application: "fhir".to_owned(),
            session_age: Duration::from_secs(30 * 24 * 60 * 60),
            session_trust: Duration::from_millis(700),
            kept: KeptOptions::default(),
            hash_concurrency: 2,
            waiting: 64,
            waiting_per_login: 4,
            remembered: 4096,
            longest_delay: Duration::from_secs(4),
        }
    }
}

/// Verifies credentials. Cheap to clone.
#[derive(Clone)]
pub struct SignIn(Arc<Inner>);

struct Inner {
    store: Arc<Store>,
    accounts: Arc<dyn Accounts>,
    options: Options,
    attempts: Arc<Attempts>,
    queue: Queue,
    verified: Arc<Verified<String>>,
    checks: Checks,
    decoy: Decoy,
    sessions: Sessions,
    counts: Arc<vitals::Counts>,
    keeper: Keeper,
}

/// Who signed in, and the stored hash that says so (none for a reset code).
struct SignedIn {
    user: UserId,
    hash: Option<String>,
}

impl SignIn {
    /// Finds out what the role may do, and what a check costs in this database.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub async fn open(store: Arc<Store>, accounts: Arc<dyn Accounts>, options: Options) -> Result<Self> {
        let clock = Arc::new(std::time::Instant::now);
        let attempts = Arc::new(Attempts::open(&store, options.attempts.clone(), clock).await?);
        let decoy = Decoy::open(&store).await?;
        let queue = Queue::new(Limits {
            turns: options.hash_concurrency,
            waiting: options.waiting,
            waiting_per_login: options.waiting_per_login,
        });
        let verified = Arc::new(Verified::new(options.remembered)?);
        let checks = Checks::default();
        let sessions = Sessions::open(&store, &options).await?;
        let keeper = Keeper::new(&options.kept)?;
        Ok(Self(Arc::new(Inner {
            store,
            accounts,
            options,
            attempts,
            queue,
            verified,
            checks,
            decoy,
            sessions,
            counts: Arc::default(),
            keeper,
        })))
    }

    /// Keeps what the sign-in before this one knows of the same database: verified credentials, failures that are counted
    /// in memory under the same limits, and password checks under way.
    #[must_use]
    pub fn after(mut self, before: &Self) -> Self {
        let old = &*before.0;
        let Some(inner) = Arc::get_mut(&mut self.0) else { return self };
        let same = Arc::ptr_eq(&inner.store, &old.store);
        inner.counts = Arc::clone(&old.counts);
        inner.keeper.after(&old.keeper, same && inner.options.kept.key == old.options.kept.key);
        if !same {
            return self;
        }
        inner.verified = Arc::clone(&old.verified);
        if inner.options.attempts == old.options.attempts && inner.attempts.shared() == old.attempts.shared()
        {
            inner.attempts = Arc::clone(&old.attempts);
        }
        if inner.options.hash_concurrency == old.options.hash_concurrency {
            inner.queue = old.queue.clone();
        }
        self
    }

    /// The user behind a credential.
    ///
    /// # Errors
    /// `credential-wrong`, `session-ended`; `credential-scheme` for what this site does not accept; `sign-in-throttled` and `overloaded`
    /// with the time to wait; errors of the database.
    pub async fn sign_in(&self, credential: &Credential, client: Option<IpAddr>) -> Result<UserId> {
        let outcome = match credential {
            Credential::Basic { login, password } => self.with_password(login, password, client).await,
            Credential::Bearer { key } => self.with_key(key),
            Credential::Session { user, key } => self.with_session(*user, key, client).await,
            Credential::Kept { text } => self.with_kept(text),
        };
        self.0.counts.ended(credential, &outcome);
        outcome
    }

    fn with_key(&self, key: &str) -> Result<UserId> {
        let accounts = &self.0.accounts;
        match accounts.owner(&self.0.options.application, key)? {
            Some(user) if accounts.is_active(user)? => Ok(user),
            _ => Err(Error::new(&error::CREDENTIAL_WRONG)),
        }
    }

    async fn with_password(&self, login: &str, password: &str, client: Option<IpAddr>) -> Result<UserId> {
        if !self.0.options.passwords {
            return Err(Error::new(&error::CREDENTIAL_SCHEME)
                .detail("This hospital does not accept a login and a password alone."));
        }
        // No user has such a login, PostgreSQL cannot hold it; Tryton looks at no such password.
        if login.contains('\0') || password.chars().nth(LONGEST_PASSWORD).is_some() {
            return Err(Error::new(&error::CREDENTIAL_WRONG));
        }
        let inner = &self.0;
        let key = inner.verified.key(login, password);
        let current = |user, hash: &String| inner.accounts.is_current(user, login, hash);
        let known = inner.verified.user(&key, current)?;
        inner.counts.looked_up(known.is_some());
        if let Some(user) = known {
            return Ok(user);
        }
        let limits = &inner.options.attempts;
        let network = Network::of(client, limits.prefix_4, limits.prefix_6);
        let verdict = inner
            .checks
            .join((key, network.clone()), |hung_up| {
                let (inner, login, password) = (Arc::clone(inner), login.to_owned(), password.to_owned());
                async move {
                    let turn = tokio::select! {
                        turn = inner.queue.turn(&login, network.text()) => turn,
                        () = hung_up => return Verdict::Unwanted,
                    };
                    match turn {
                        Ok(_turn) => inner.check(key, &login, password, &network).await,
                        Err(hashing::Full) => Verdict::Overloaded,
                    }
                }
            })
            .await;
        // The delay holds neither a turn nor a session.
        tokio::time::sleep(verdict.delay()).await;
        verdict.into_result()
    }

    /// Sessions that Tryton opened are accepted: the role may read them.
    pub fn takes_sessions(&self) -> bool {
        self.0.sessions.readable()
    }

    /// Failed sign-ins count together with those of Tryton.
    pub fn shares_attempts(&self) -> bool {
        self.0.attempts.shared()
    }
}

impl Inner {
    async fn check(self: &Arc<Self>, key: Key, login: &str, password: String, network: &Network) -> Verdict {
        self.decoy.refresh_when_old(&self.store);
        self.decide(key, login, password, network).await.unwrap_or_else(Verdict::from)
    }

    async fn decide(&self, key: Key, login: &str, password: String, network: &Network) -> Result<Verdict> {
        // Somebody else may have presented the same credential while this one waited.
        let current = |user, hash: &String| self.accounts.is_current(user, login, hash);
        if let Some(user) = self.verified.user(&key, current)? {
            return Ok(Verdict::SignedIn { user, delay: Duration::ZERO });
        }
        let (failures, traces) = match self.attempts.admit(&self.store, login, network).await? {
            Admission::Admitted { failures, traces } => (failures, traces),
            Admission::Throttled { retry_after } => return Ok(Verdict::Throttled { retry_after }),
        };
        let account = Account::load(&self.store, login).await?;
        let delay = self.delay(failures)?;
        let Some(SignedIn { user, hash }) = self.verify(account, password).await? else {
            self.attempts.failed(&self.store, login, network).await?;
            return Ok(Verdict::Wrong { delay });
        };
        if traces && let Err(error) = self.attempts.succeeded(&self.store, login).await {
            tracing::warn!(user, cause = error.logged_cause(), "failed sign-ins could not be forgotten");
        }
        // A reset code is not remembered: it ends by the clock, which no change in the database tells.
        if let Some(hash) = hash {
            self.verified.remember(key, user, hash);
        }
        Ok(Verdict::SignedIn { user, delay })
    }

    /// Every way to a no takes the time of one slow hash.
    async fn verify(&self, account: Option<Account>, password: String) -> Result<Option<SignedIn>> {
        match account {
            Some(Account { id: user, hash: Some(stored), .. }) => match Hash::parse(&stored) {
                Ok(hash) => {
                    let quick = hash.cost() == Cost::Sha1;
                    if hashing::verify(hash, password.clone()).await? {
                        return Ok(Some(SignedIn { user, hash: Some(stored) }));
                    }
                    if !quick {
                        return Ok(None);
                    }
                }
                Err(unusable) => tracing::warn!(user, "nobody can sign in as this user: {unusable}"),
            },
            // Tryton up to 7.0 looks at the code only when there is no hash.
            Some(Account { id: user, hash: None, reset: Some(code) }) => {
                if code.as_bytes().ct_eq(password.as_bytes()).into() {
                    return Ok(Some(SignedIn { user, hash: None }));
                }
            }
            Some(Account { hash: None, reset: None, .. }) | None => {}
        }
        hashing::verify(self.decoy.hash(), password).await?;
        Ok(None)
    }

    fn delay(&self, failures: u32) -> Result<Duration> {
        let most = (1_u64 << failures.min(31)) - 1;
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(|error| Error::new(&error::INTERNAL).cause(error))?;
        let seconds = u64::from_ne_bytes(random) % (most + 1);
        Ok(Duration::from_secs(seconds).min(self.options.longest_delay))
    }
}
