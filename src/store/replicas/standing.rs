//! Whether a server is a copy of the same database, and how far it is behind. Pure: nothing here asks a server.
//!
//! Clocks of servers and times of transactions are not compared: in an idle hospital the last transaction is long ago, and a
//! replica that is cut off does not know what it lacks. What is compared are places in the log of the primary (LSN): a replica
//! that has replayed all that the primary had written when it was asked is not older than that moment.

use std::{
    collections::VecDeque,
    fmt,
    time::{Duration, Instant},
};

use tokio_postgres::SimpleQueryMessage;

/// What a database is: a copy has the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) struct Identity {
    /// `system_identifier`: given by initdb, once.
    pub cluster: i64,
    /// The oid of the database.
    pub database: i64,
}

/// What a server says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) struct Standing {
    /// It replays the log of another server.
    pub standby: bool,
    /// How far its log is written, or replayed: bytes since its beginning.
    pub written: u64,
    /// Of what it is a copy.
    pub identity: Identity,
    /// Which branch of the log it is on.
    pub timeline: i64,
}

impl Standing {
    /// The question, in SQL.
    pub const QUESTION: &str = include_str!("standing.sql");

    /// Reads the answer.
    pub fn read(messages: &[SimpleQueryMessage]) -> Option<Self> {
        let row = messages.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        })?;
        Some(Self {
            standby: row.get(0)? == "t",
            written: row.get(1)?.parse().ok()?,
            identity: Identity { cluster: row.get(2)?.parse().ok()?, database: row.get(3)?.parse().ok()? },
            timeline: row.get(4)?.parse().ok()?,
        })
    }
}

/// Why a replica is not used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store) enum Reason {
    /// It, or the primary, was not asked long enough ago.
    Unknown,
    /// It does not answer in time.
    Silent,
    /// No session can be opened, or one ended.
    Gone(String),
    /// It is a primary.
    Primary,
    /// It belongs to another cluster.
    Cluster,
    /// It is another database of the same cluster.
    Database,
    /// It is on this timeline, the primary on that.
    Timeline(i64, i64),
    /// This role may not ask what it is a copy of.
    Forbidden(String),
    /// It lacks what was written longer ago than this.
    Behind(Duration),
    /// Nobody says how far the primary is, and why.
    Unasked(String),
}

impl Reason {
    /// It is no fault: the same URL can name all servers, whichever is the primary.
    pub fn is_usual(&self) -> bool {
        matches!(self, Self::Primary)
    }

    /// It is the same as another one, but for its numbers and texts.
    pub fn resembles(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("it is not known yet how far it is behind"),
            Self::Silent => f.write_str("it does not answer; see whether the server and the network to it work"),
            Self::Gone(cause) => write!(
                f,
                "no session with it can be had ({cause}); see whether it runs and admits this machine and role"
            ),
            Self::Primary => f.write_str("it is a primary, not a replica"),
            Self::Cluster => f.write_str(
                "it is no copy of the cluster of database_url (another system_identifier); correct replica_url",
            ),
            Self::Database => {
                f.write_str("it is another database than that of database_url; correct its name in replica_url")
            }
            Self::Timeline(its, ours) => write!(
                f,
                "it is not known to follow the primary: it is on timeline {its}, the primary on {ours}. After a change of the \
                 primary that shows at its next restartpoint (checkpoint_timeout), or at once with GRANT pg_monitor to the role"
            ),
            Self::Forbidden(role) => write!(
                f,
                "it cannot be told of what it is a copy; the owner of the servers can run: GRANT EXECUTE ON FUNCTION \
                 pg_control_system(), pg_control_checkpoint(), pg_control_recovery() TO {role}"
            ),
            Self::Behind(lag) => write!(
                f,
                "it has not replayed what the primary wrote {} ms ago; see pg_stat_replication at the primary, and replica_lag",
                lag.as_millis()
            ),
            Self::Unasked(cause) => {
                write!(f, "the primary does not say how far it is, so nobody knows how old it is: {cause}")
            }
        }
    }
}

/// How far the primary was at which time, for as long as it matters.
#[derive(Debug)]
pub(in crate::store) struct History {
    /// How long it matters.
    lag: Duration,
    /// The database and the timeline that the places belong to, and when they began.
    of: Option<(Identity, i64, Instant)>,
    /// Oldest first.
    samples: VecDeque<(Instant, u64)>,
    /// Why there is none for the last look.
    silence: Reason,
}

/// Samples that are kept at most, more or less.
const SAMPLES: u32 = 64;

impl History {
    pub fn new(lag: Duration) -> Self {
        Self { lag, of: None, samples: VecDeque::new(), silence: Reason::Unknown }
    }

    /// Adds what the primary said when it was asked at this time.
    pub fn add(&mut self, asked: Instant, said: &Standing) {
        let is_same = |(identity, timeline, _)| identity == said.identity && timeline == said.timeline;
        // Places of another timeline are none of this one, nor are those after a place to which the primary went back.
        if !self.of.is_some_and(is_same)
            || self.samples.back().is_some_and(|(_, place)| *place > said.written)
        {
            self.samples.clear();
            self.of = Some((said.identity, said.timeline, asked));
        }
        while self.samples.get(1).is_some_and(|(time, _)| asked.duration_since(*time) > self.lag) {
            self.samples.pop_front();
        }
        let spacing = self.lag / SAMPLES;
        match self.samples.len().checked_sub(2).map(|before| self.samples[before].0) {
            // Nothing was written since, or too little time has passed for one more.
            _ if self.samples.back().is_some_and(|(_, place)| *place == said.written) => {
                self.samples.pop_back()
            }
            Some(before) if asked.duration_since(before) < spacing => self.samples.pop_back(),
            _ => None,
        };
        self.samples.push_back((asked, said.written));
    }

    /// The primary did not say how far it is.
    pub fn unanswered(&mut self, why: Reason) {
        self.silence = why;
    }

    fn unasked(&self) -> Reason {
        match &self.silence {
            Reason::Unknown => Reason::Unknown,
            why => Reason::Unasked(why.to_string()),
        }
    }

    /// The last time at which the primary had not written more than this.
    fn covered(&self, replayed: u64) -> Option<Instant> {
        self.samples.iter().rev().find(|(_, place)| *place <= replayed).map(|(time, _)| *time)
    }

    /// Whether the primary was asked within what matters.
    fn is_current(&self, now: Instant) -> bool {
        self.samples.back().is_some_and(|(time, _)| now.duration_since(*time) <= self.lag)
    }

    /// Since when a server that says this of itself lacks nothing.
    ///
    /// # Errors
    /// It is no replica of this primary, or it is not known.
    pub fn place(&self, said: &Standing) -> Result<Option<Instant>, Reason> {
        let (identity, timeline, _) = self.of.ok_or_else(|| self.unasked())?;
        if said.identity.cluster != identity.cluster {
            Err(Reason::Cluster)
        } else if said.identity.database != identity.database {
            Err(Reason::Database)
        } else if !said.standby {
            Err(Reason::Primary)
        } else if said.timeline != timeline {
            Err(Reason::Timeline(said.timeline, timeline))
        } else {
            Ok(self.covered(said.written))
        }
    }

    /// Whether a replica that lacks nothing up to `fresh` may answer. One that is not used has to come nearer before it is
    /// used again, so that it does not change with every look.
    ///
    /// # Errors
    /// Why not.
    pub fn judge(&self, fresh: Option<Instant>, used: bool, now: Instant) -> Result<Instant, Reason> {
        let allowed = if used { self.lag } else { self.lag / 2 };
        match fresh {
            Some(fresh) if now.duration_since(fresh) <= allowed => Ok(fresh),
            _ if !self.is_current(now) => Err(self.unasked()),
            _ if self.of.is_some_and(|(_, _, begun)| now.duration_since(begun) < allowed) => {
                Err(Reason::Unknown)
            }
            _ => Err(Reason::Behind(allowed)),
        }
    }
}

#[cfg(test)]
mod tests;
