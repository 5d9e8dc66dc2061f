//! The servers of a database URL: they are tried in their order until one answers in time and plays the part that is asked
//! for (<https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-MULTIPLE-HOSTS>).
//!
//! Not left to tokio-postgres: it takes `read-write` for "not read-only by default", which no session of ours is, knows
//! `primary` and `standby` not at all, and waits without an end for a server that takes the connection and says nothing.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use deadpool::managed::{self, Metrics, RecycleError, RecycleResult};
use deadpool_postgres::ClientWrapper;
use tokio_postgres::{
    Client, Config, SimpleQueryMessage, Socket,
    config::{Host, LoadBalanceHosts},
    error::SqlState,
    tls::MakeTlsConnect,
};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{
    replicas::{Identity, Standing},
    session::Session,
};

/// How long one server may take to open a session, unless `connect_timeout` says it.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// tokio-postgres' own: what a URL without `keepalives_idle` has.
const NEVER_SAID: Duration = Duration::from_secs(2 * 60 * 60);

/// A connection, which works as long as it is polled.
pub(super) type Connection =
    tokio_postgres::Connection<Socket, <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream>;

/// `target_session_attrs`: which part the server must play. A session of ours only reads, so `read-write` asks for the
/// primary and `read-only` for a standby.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Part {
    #[default]
    Any,
    Primary,
    Standby,
    PreferStandby,
}

impl Part {
    pub(super) fn read(text: &str) -> Option<Self> {
        Some(match text {
            "any" => Self::Any,
            "primary" | "read-write" => Self::Primary,
            "standby" | "read-only" => Self::Standby,
            "prefer-standby" => Self::PreferStandby,
            _ => return None,
        })
    }
}

/// Why no session could be opened.
#[derive(Debug)]
pub(super) enum Unavailable {
    /// PostgreSQL or the driver says why.
    Postgres(tokio_postgres::Error),
    /// It does not answer in time.
    Silent,
    /// It is a standby and should be the primary, or the other way round.
    Part(Part),
    /// The settings of the session are not kept.
    Settings,
    /// It should be a copy of a database and is none.
    NoCopy,
}

impl Unavailable {
    pub(super) fn code(&self) -> Option<&SqlState> {
        match self {
            Self::Postgres(error) => error.code(),
            Self::Silent | Self::Part(_) | Self::Settings | Self::NoCopy => None,
        }
    }

    /// The words of PostgreSQL itself.
    pub(super) fn message(&self) -> &str {
        match self {
            Self::Postgres(error) => error.as_db_error().map_or("", |error| error.message()),
            Self::Silent | Self::Part(_) | Self::Settings | Self::NoCopy => "",
        }
    }

    /// How much it tells the operator.
    fn weight(&self) -> u8 {
        match self {
            Self::Postgres(error) if error.code().is_some() => 2,
            Self::Part(_) | Self::NoCopy => 1,
            Self::Postgres(_) | Self::Silent | Self::Settings => 0,
        }
    }
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use std::error::Error as _;
        match self {
            Self::Postgres(error) => match error.source() {
                Some(source) if error.code().is_none() => write!(f, "{source}"),
                _ => write!(f, "{error}"),
            },
            Self::Silent => f.write_str("no answer in time"),
            Self::Part(Part::Primary) => f.write_str("there is no primary, only standbys"),
            Self::Part(_) => f.write_str("there is no standby, only a primary"),
            Self::Settings => f.write_str("the settings of the session are not kept"),
            Self::NoCopy => f.write_str("it is no replica of the database"),
        }
    }
}

impl std::error::Error for Unavailable {}

impl From<tokio_postgres::Error> for Unavailable {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Postgres(error)
    }
}

/// Settings of [`Servers::planning_little`]. Measured with `_sort=-_lastUpdated` over all types (260 sources, 964 joins): a
/// limit of 3 instead of 8 halves the time of planning; 1 gains hardly more and leaves no choice.
const PLANNING_LITTLE: &str = "-c plan_cache_mode=force_generic_plan -c join_collapse_limit=3";

/// The servers of a URL.
pub(super) struct Servers {
    each: Vec<Config>,
    part: Part,
    tls: MakeRustlsConnect,
    /// How often one was asked for: with `load_balance_hosts=random` the first to be tried changes.
    turns: AtomicUsize,
    /// Sessions that were opened for a pool, of all copies of this value.
    opened: Arc<AtomicU64>,
    balanced: bool,
    /// Of what each server must be a replica.
    original: Option<Original>,
}

/// The database that replicas are copies of; `None` until it is known.
pub(super) type Original = Arc<Mutex<Option<Identity>>>;

impl Clone for Servers {
    fn clone(&self) -> Self {
        Self {
            each: self.each.clone(),
            part: self.part,
            tls: self.tls.clone(),
            turns: AtomicUsize::new(0),
            opened: Arc::clone(&self.opened),
            balanced: self.balanced,
            original: self.original.clone(),
        }
    }
}

impl Servers {
    pub(super) fn new(config: &Config, part: Part, tls: MakeRustlsConnect) -> Self {
        let count = config.get_hosts().len().max(config.get_hostaddrs().len());
        let balanced = config.get_load_balance_hosts() == LoadBalanceHosts::Random;
        let each = (0..count).map(|at| one(config, at)).collect();
        Self { each, part, tls, turns: AtomicUsize::new(0), opened: Arc::default(), balanced, original: None }
    }

    /// How many sessions were opened so far.
    pub(super) fn opened(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.opened)
    }

    /// Each of the servers alone, in whatever part.
    pub(super) fn alone(&self) -> impl Iterator<Item = Self> {
        let alone = |config: &Config| Self { each: vec![config.clone()], part: Part::Any, ..self.clone() };
        self.each.iter().map(alone)
    }

    /// The same, whose sessions are only with replicas of this database.
    pub(super) fn copying(self, original: &Original) -> Self {
        Self { original: Some(Arc::clone(original)), ..self }
    }

    /// Whose the sessions are.
    pub(super) fn role(&self) -> String {
        self.each.first().and_then(Config::get_user).unwrap_or_default().to_owned()
    }

    /// How sessions are encrypted.
    pub(super) fn tls(&self) -> MakeRustlsConnect {
        self.tls.clone()
    }

    /// Another database of the same servers.
    pub(super) fn of_database(mut self, name: &str) -> Self {
        for config in &mut self.each {
            config.dbname(name);
        }
        self
    }

    /// The same, whose sessions plan what takes PostgreSQL longer to plan than to run: once for any values, and with fewer
    /// orders of the joins to choose from. The first joins of a source, by which it is searched, are still put into order.
    /// A session of a pooler keeps no plans.
    pub(super) fn planning_little(mut self) -> Self {
        for config in &mut self.each {
            if let Some(options) = config.get_options() {
                config.options(format!("{options} {PLANNING_LITTLE}"));
            }
        }
        self
    }

    /// A session with the first server that answers and plays its part.
    pub(super) async fn connect(&self) -> Result<(Client, Connection), Unavailable> {
        let begin = if self.balanced { self.turns.fetch_add(1, Ordering::Relaxed) } else { 0 };
        let mut told = Unavailable::Silent;
        let rounds: &[Part] = match self.part {
            Part::PreferStandby => &[Part::Standby, Part::Any],
            _ => std::slice::from_ref(&self.part),
        };
        for part in rounds {
            for turn in 0..self.each.len() {
                let config = &self.each[(begin + turn) % self.each.len()];
                let patience = config.get_connect_timeout().copied().unwrap_or(PATIENCE);
                match tokio::time::timeout(patience, self.session(config, *part)).await {
                    Ok(Ok(session)) => return Ok(session),
                    Ok(Err(error)) if error.weight() >= told.weight() => told = error,
                    Ok(Err(_)) | Err(_) => {}
                }
            }
        }
        Err(told)
    }

    async fn session(&self, config: &Config, part: Part) -> Result<(Client, Connection), Unavailable> {
        let (client, mut connection) = config.connect(self.tls.clone()).await?;
        let question = match (&self.original, part) {
            (Some(_), _) => Standing::QUESTION,
            (None, Part::Any) => return Ok((client, connection)),
            _ => "SELECT pg_is_in_recovery()",
        };
        let answer = client.simple_query(question);
        let answer = tokio::select! {
            answer = answer => answer?,
            ended = &mut connection => { ended?; return Err(Unavailable::Silent) }
        };
        self.fits(&answer, part)?;
        Ok((client, connection))
    }

    /// Whether a server that answers this plays its part.
    fn fits(&self, answer: &[SimpleQueryMessage], part: Part) -> Result<(), Unavailable> {
        if let Some(original) = &self.original {
            let wanted = *original.lock().unwrap_or_else(PoisonError::into_inner);
            // A name can lead to another server than when it was looked at last.
            let copy = Standing::read(answer).filter(|said| said.standby && Some(said.identity) == wanted);
            return copy.map(drop).ok_or(Unavailable::NoCopy);
        }
        let standby = answer.iter().any(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0) == Some("t"),
            _ => false,
        });
        if standby == (part == Part::Standby) { Ok(()) } else { Err(Unavailable::Part(part)) }
    }

    /// Role, password, place and database of the first.
    #[cfg(test)]
    pub(super) fn reached(&self) -> String {
        let config = &self.each[0];
        let password = config.get_password().map(String::from_utf8_lossy).unwrap_or_default();
        let (role, database) = (self.role(), config.get_dbname().unwrap_or_default());
        format!("{role}:{password}@{}/{database}", self.places())
    }

    /// Where sessions are looked for, for a sentence.
    pub(super) fn places(&self) -> String {
        let places = self.each.iter().map(|config| {
            let port = config.get_ports().first().copied().unwrap_or(5432);
            match (config.get_hosts().first(), config.get_hostaddrs().first()) {
                (Some(Host::Tcp(name)), _) => format!("{name}:{port}"),
                #[cfg(unix)]
                (Some(Host::Unix(path)), _) => format!("{}:{port}", path.display()),
                (None, Some(address)) => format!("{address}:{port}"),
                (None, None) => format!(":{port}"),
            }
        });
        places.collect::<Vec<_>>().join(", ")
    }
}

/// The server at this place of the URL.
fn one(all: &Config, at: usize) -> Config {
    let mut config = Config::new();
    match all.get_hosts().get(at) {
        Some(Host::Tcp(name)) => drop(config.host(name)),
        #[cfg(unix)]
        Some(Host::Unix(path)) => drop(config.host_path(path)),
        None => {}
    }
    if let Some(address) = all.get_hostaddrs().get(at) {
        config.hostaddr(*address);
    }
    if let Some(port) = all.get_ports().get(at).or_else(|| all.get_ports().first()) {
        config.port(*port);
    }
    if let Some(user) = all.get_user() {
        config.user(user);
    }
    if let Some(password) = all.get_password() {
        config.password(password);
    }
    if let Some(name) = all.get_dbname() {
        config.dbname(name);
    }
    if let Some(options) = all.get_options() {
        config.options(options);
    }
    if let Some(name) = all.get_application_name() {
        config.application_name(name);
    }
    config.ssl_mode(all.get_ssl_mode());
    config.ssl_negotiation(all.get_ssl_negotiation());
    config.channel_binding(all.get_channel_binding());
    config.load_balance_hosts(all.get_load_balance_hosts());
    config.connect_timeout(all.get_connect_timeout().copied().unwrap_or(PATIENCE));
    // A network that is cut says nothing: without these the operating system goes on hoping for a quarter of an hour, and with
    // a session that waits to be told something for two hours.
    config.keepalives(all.get_keepalives());
    let idle = Some(all.get_keepalives_idle()).filter(|idle| *idle != NEVER_SAID);
    config.keepalives_idle(idle.unwrap_or(Duration::from_secs(10)));
    config.keepalives_interval(all.get_keepalives_interval().unwrap_or(Duration::from_secs(5)));
    config.keepalives_retries(all.get_keepalives_retries().unwrap_or(2));
    config.tcp_user_timeout(all.get_tcp_user_timeout().copied().unwrap_or(Duration::from_secs(15)));
    config
}

/// Opens and keeps the sessions of a pool.
impl managed::Manager for Servers {
    type Type = Session;
    type Error = Unavailable;

    async fn create(&self) -> Result<Session, Unavailable> {
        let (client, connection) = self.connect().await?;
        self.opened.fetch_add(1, Ordering::SeqCst);
        let task = tokio::spawn(async move {
            if let Err(error) = connection.await {
                // Whoever used it is told in words of the catalogue; this is for the operator.
                tracing::warn!(cause = %Unavailable::from(error), "a session with PostgreSQL ended");
            }
        });
        Ok(Session::new(ClientWrapper::new(client, task)))
    }

    async fn recycle(&self, session: &mut Session, _: &Metrics) -> RecycleResult<Unavailable> {
        if session.is_closed() { Err(RecycleError::message("closed")) } else { Ok(()) }
    }
}
