//! Sessions that Tryton opened (`ir_session`), read and never written.
//!
//! Tryton ends a session `max_age` after it began, however much it is used; that is asked here too. It also notes the last
//! use, which only decides whether a few of its own methods (changing preferences and the like) want the password again.
//! A read through this gateway is no use of the client, so it is not noted.

use std::{
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    error::{self, Error, Result},
    sql::{Fragment, Statement},
    store::{Class, Store},
    tryton::{
        attempts::Network,
        hashing::{self, Limits, Queue},
    },
};

use super::{Inner, Options, SignIn, UserId, Verdict, verified::Verified};

/// Sessions looked up at once: keys that nobody has must not take the database from those who are signed in.
const LOOKING: usize = 2;

/// What is known of sessions.
pub(super) struct Sessions {
    readable: bool,
    /// With the time at which each was looked up.
    known: Verified<Instant>,
    queue: Queue,
}

impl Sessions {
    pub(super) async fn open(store: &Store, options: &Options) -> Result<Self> {
        let statement = Fragment::raw(
            "SELECT coalesce(has_table_privilege(name, 'SELECT'), false) FROM (SELECT to_regclass('ir_session')) AS found(name)",
        );
        let rows = store.rows(Class::SignIn, &statement.finish()).await?;
        let limits = Limits { turns: LOOKING, waiting: options.waiting, waiting_per_login: 1 };
        Ok(Self {
            readable: rows.first().map_or(Ok(false), |row| row.column(0))?,
            known: Verified::new(options.remembered)?,
            queue: Queue::new(limits),
        })
    }

    pub(super) fn readable(&self) -> bool {
        self.readable
    }
}

impl SignIn {
    pub(super) async fn with_session(
        &self,
        user: UserId,
        key: &str,
        client: Option<IpAddr>,
    ) -> Result<UserId> {
        let inner = &self.0;
        let Sessions { readable, known, .. } = &inner.sessions;
        if !readable {
            return Err(
                Error::new(&error::CREDENTIAL_SCHEME).detail("Sessions of Tryton are not accepted here.")
            );
        }
        let digest = known.key(&user.to_string(), key);
        let fresh = |user, looked: &Instant| {
            Ok(looked.elapsed() < inner.options.session_trust && inner.accounts.is_active(user)?)
        };
        if let Some(user) = known.user(&digest, fresh)? {
            return Ok(user);
        }
        let limits = &inner.options.attempts;
        let network = Network::of(client, limits.prefix_4, limits.prefix_6);
        let verdict = inner.checks.join((digest, network.clone()), |hung_up| {
            let (inner, key) = (Arc::clone(inner), key.to_owned());
            async move {
                let name: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
                let turn = tokio::select! {
                    turn = inner.sessions.queue.turn(&name, network.text()) => turn,
                    () = hung_up => return Verdict::Unwanted,
                };
                match turn {
                    Ok(_turn) => {
                        let looked = Instant::now();
                        match inner.has_session(user, &key).await {
                            Ok(true) => {
                                inner.sessions.known.remember(digest, user, looked);
                                Verdict::SignedIn { user, delay: Duration::ZERO }
                            }
                            Ok(false) => Verdict::Wrong { delay: Duration::ZERO },
                            Err(error) => Verdict::from(error),
                        }
                    }
                    Err(hashing::Full) => Verdict::Overloaded,
                }
            }
        });
        verdict.await.into_result()
    }
}

impl Inner {
    /// An active user has this session. It is looked up for whatever user: the time says nothing about which exist.
    async fn has_session(&self, user: UserId, key: &str) -> Result<bool> {
        let rows = self
            .store
            .rows(Class::SignIn.to("session"), &lookup(user, key, self.options.session_age))
            .await?;
        let found = rows.first().map_or(Ok(false), |row| row.column(0))?;
        Ok(found && self.accounts.is_active(user)?)
    }
}

/// Hashes are compared, so that the time says nothing about how much of a key is right.
fn lookup(user: UserId, key: &str, age: Duration) -> Statement {
    Fragment::raw(
        "SELECT EXISTS (SELECT FROM ir_session
            WHERE abs(extract(epoch FROM timezone('UTC', CURRENT_TIMESTAMP) - create_date)) < ",
    )
    .bind(age.as_secs_f64())
    .text(" AND create_uid = ")
    .bind(user)
    .text(" AND sha256(convert_to(key, 'UTF8')) = sha256(convert_to(")
    .bind(key)
    .text(", 'UTF8')))")
    .finish()
}
