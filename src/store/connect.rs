//! Opening the pool, with sentences that help when it cannot be opened.

use std::{fmt, str::FromStr, sync::OnceLock, time::Duration};

use deadpool::{
    Runtime,
    managed::{QueueMode, Timeouts},
};
use tokio_postgres::{Config, SimpleQueryMessage, config::SslMode, error::SqlState};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{
    Pool, Store,
    servers::{PATIENCE, Part, Servers, Unavailable},
};
use crate::tls::{Connecting, Mode, Problem};

/// How to reach the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// `postgresql://` URL.
    pub url: String,
    /// Database name, when the URL names none.
    pub database: Option<String>,
    /// Sessions at most.
    pub connections: usize,
    /// Time limit of one statement.
    pub statement_timeout: Duration,
    /// How long a request waits for a session.
    pub wait: Duration,
    /// A pooler gives each transaction another session.
    pub pooler: bool,
}

impl Options {
    fn settings(&self) -> [(&'static str, String); 7] {
        // Sources join many tables that are looked up by their keys: their order is that of the statement, and to try more of
        // them out takes longer than the statement (measured: over all types 0.9 s of planning, with 4 0.26 s).
        [
            ("TimeZone", "UTC".to_owned()),
            ("statement_timeout", self.statement_timeout.as_millis().to_string()),
            ("jit", "off".to_owned()),
            ("join_collapse_limit", "4".to_owned()),
            // What is asked for often is in memory: a row by its key costs no movement of a disk, as 4 would assume. Else whole
            // tables of persons are read to join a thousand (measured: names of 100 000 patients 40 ms and 10 ms).
            ("random_page_cost", "1.1".to_owned()),
            ("client_encoding", "UTF8".to_owned()),
            ("DateStyle", "ISO".to_owned()),
        ]
    }

    /// The settings of every session, as PostgreSQL takes them at its start.
    pub fn session(&self) -> String {
        let settings = self.settings().map(|(name, value)| format!(" -c {name}={value}"));
        format!("-c default_transaction_read_only=on{}", settings.concat())
    }

    /// The same for one transaction.
    pub(super) fn transaction(&self) -> String {
        self.settings().map(|(name, value)| format!("SET LOCAL {name} = '{value}'")).join("; ")
    }
}

/// Why the database cannot be used.
#[derive(Debug)]
pub enum ConnectError {
    /// The URL cannot be read.
    Url(String),
    /// TLS cannot be used as the URL asks for it.
    Tls(Problem),
    /// Nobody answers.
    Unreachable {
        /// Where it was tried.
        place: String,
        /// Operating system's or driver's text.
        cause: String,
    },
    /// A pooler stands between that does not keep the settings of a session.
    Pooler,
    /// The server refuses the role.
    Refused {
        /// Role that was tried.
        role: String,
        /// Text of the server.
        cause: String,
    },
    /// No database of that name.
    NoDatabase {
        /// The name asked for.
        name: String,
        /// Names that the role can see.
        others: Vec<String>,
    },
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(cause) => {
                write!(
                    f,
                    "the database URL cannot be read ({cause}); expected postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
                )
            }
            Self::Tls(problem) => write!(f, "TLS to PostgreSQL: {problem}"),
            Self::Unreachable { place, cause } => write!(
                f,
                "no PostgreSQL server answers at {place} ({cause}); check host and port, that the server runs and that its listen_addresses and pg_hba.conf admit this machine"
            ),
            Self::Pooler => f.write_str(
                "a pooler such as PgBouncer stands between, which does not keep the settings of a session; set pooler = true",
            ),
            Self::Refused { role, cause } => write!(
                f,
                "PostgreSQL refuses the role \"{role}\" ({cause}); check the user and the password in the database URL and pg_hba.conf"
            ),
            Self::NoDatabase { name, others } if others.is_empty() => {
                write!(f, "there is no database named \"{name}\" on this server")
            }
            Self::NoDatabase { name, others } => write!(
                f,
                "there is no database named \"{name}\" on this server; the role can see: {}",
                others.join(", ")
            ),
        }
    }
}

impl std::error::Error for ConnectError {}

/// Takes the parameters that tokio-postgres reads in another way than libpq, or not at all, out of a URL.
fn parameters(url: &str) -> Result<(String, Part, Option<Duration>), ConnectError> {
    let (front, query) = url.split_once('?').unwrap_or((url, ""));
    let (mut rest, mut part, mut unacknowledged) = (Vec::new(), Part::Any, None);
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=').unwrap_or((pair, "")) {
            ("target_session_attrs", value) => {
                part = Part::read(value).ok_or_else(|| {
                    let known = "any, primary, standby, prefer-standby, read-write, read-only";
                    ConnectError::Url(format!("target_session_attrs is not one of {known}"))
                })?;
            }
            // Milliseconds; tokio-postgres takes seconds.
            ("tcp_user_timeout", value) => {
                let time = value.parse().map_err(|_| {
                    ConnectError::Url("tcp_user_timeout is not a number of milliseconds".to_owned())
                })?;
                unacknowledged = Some(Duration::from_millis(time));
            }
            ("keepalives_count", value) => rest.push(format!("keepalives_retries={value}")),
            _ => rest.push(pair.to_owned()),
        }
    }
    let url = if rest.is_empty() { front.to_owned() } else { format!("{front}?{}", rest.join("&")) };
    Ok((url, part, unacknowledged.filter(|time| !time.is_zero())))
}

fn config(options: &Options) -> Result<(Config, Servers, MakeRustlsConnect), ConnectError> {
    let (tls, url) = Connecting::parse(&options.url).map_err(ConnectError::Tls)?;
    let (url, part, unacknowledged) = parameters(&url)?;
    let mut config = Config::from_str(&url).map_err(|error| ConnectError::Url(error.to_string()))?;
    config.ssl_mode(match tls.mode {
        Mode::Disable => SslMode::Disable,
        Mode::Prefer => SslMode::Prefer,
        Mode::Require | Mode::VerifyCa | Mode::VerifyFull => SslMode::Require,
    });
    if let Some(database) = &options.database {
        config.dbname(database);
    }
    if config.get_user().is_none() {
        config.user(std::env::var("USER").unwrap_or_else(|_| "postgres".to_owned()));
    }
    if let Some(time) = unacknowledged {
        config.tcp_user_timeout(time);
    }
    config.application_name("gnuhealth-fhir");
    if !options.pooler {
        config.options(options.session());
    }
    let hosts = config.get_hosts().len().max(config.get_hostaddrs().len());
    if hosts == 0 {
        return Err(ConnectError::Url("it names no host".to_owned()));
    }
    if ![0, 1, hosts].contains(&config.get_ports().len()) {
        return Err(ConnectError::Url("give each host its port: one:5432,two:5433".to_owned()));
    }
    let tls = tls.connector().map_err(ConnectError::Tls)?;
    let servers = Servers::new(&config, part, tls.clone());
    Ok((config, servers, tls))
}

/// Names of the databases that the role of `options` can see on its server.
pub async fn databases(options: &Options) -> Vec<String> {
    for maintenance in ["postgres", "template1"] {
        let Ok((_, servers, _)) = config(options) else { return Vec::new() };
        if let Ok((client, connection)) = servers.of_database(maintenance).connect().await {
            let task = tokio::spawn(connection);
            let rows = client
                .simple_query(
                    "SELECT datname FROM pg_database WHERE NOT datistemplate AND datallowconn AND has_database_privilege(datname, 'CONNECT') ORDER BY 1",
                )
                .await;
            task.abort();
            if let Ok(rows) = rows {
                let names = rows.iter().filter_map(|row| match row {
                    SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
                    _ => None,
                });
                return names.collect();
            }
        }
    }
    Vec::new()
}

/// Opens one session, and sees whether its settings are kept.
async fn tried(servers: &Servers, options: &Options) -> Result<(), Unavailable> {
    let (client, connection) = servers.connect().await?;
    if options.pooler {
        return Ok(());
    }
    let question =
        client.simple_query("SELECT 1 WHERE current_setting('default_transaction_read_only') = 'on'");
    let answer = tokio::select! {
        answer = question => answer?,
        ended = connection => { ended?; return Err(Unavailable::Silent) }
    };
    let kept = answer.iter().any(|message| matches!(message, SimpleQueryMessage::Row(_)));
    if kept { Ok(()) } else { Err(Unavailable::Settings) }
}

impl Store {
    /// Opens the pool and tries one session.
    ///
    /// # Errors
    /// [`ConnectError`] with a sentence for the operator.
    pub async fn open(options: &Options) -> Result<Self, ConnectError> {
        let (config, servers, tls) = config(options)?;
        if let Err(error) = tried(&servers, options).await {
            return Err(match error.code() {
                Some(&SqlState::INVALID_CATALOG_NAME) => ConnectError::NoDatabase {
                    name: config.get_dbname().unwrap_or("").to_owned(),
                    others: databases(options).await,
                },
                // "unsupported startup parameter: options", which PostgreSQL itself always knows.
                Some(&SqlState::PROTOCOL_VIOLATION) => ConnectError::Pooler,
                Some(_) => ConnectError::Refused {
                    role: config.get_user().unwrap_or("").to_owned(),
                    cause: error.message().to_owned(),
                },
                None if matches!(error, Unavailable::Settings) => ConnectError::Pooler,
                None => ConnectError::Unreachable { place: servers.places(), cause: error.to_string() },
            });
        }
        let pool = |servers: &Servers, sessions: usize| {
            // Opening a session has its own limit of time for each server.
            let timeouts = Timeouts { wait: Some(options.wait), create: None, recycle: None };
            Pool::builder(servers.clone())
                .max_size(sessions)
                // The session used last has the most in memory: prepared statements, plans, descriptions of tables.
                .queue_mode(QueueMode::Lifo)
                .runtime(Runtime::Tokio1)
                .timeouts(timeouts)
                .build()
                .map_err(|error| ConnectError::Url(error.to_string()))
        };
        // Requests come first, then the watch, then the listener, for which a pooler has no session, then wide statements.
        let (watches, listens) = (options.connections > 1, options.connections > 2 && !options.pooler);
        let widely = if options.connections < 8 { 0 } else { options.connections / 4 };
        let watch = if watches { Some(pool(&servers, 1)?) } else { None };
        let wide = if widely > 0 { Some(pool(&servers.clone().planning_little(), widely)?) } else { None };
        let others = usize::from(watches) + usize::from(listens) + widely;
        let pool = pool(&servers, options.connections - others)?;
        // Without a name PostgreSQL takes that of the role.
        let database = config.get_dbname().or(config.get_user()).unwrap_or_default().to_owned();
        let statement_timeout = options.statement_timeout;
        let listener = listens.then_some(servers);
        let pooled = options.pooler.then(|| options.transaction());
        Ok(Self {
            pool,
            wide,
            watch,
            tls,
            listener,
            pooled,
            counts: Default::default(),
            recorder: OnceLock::new(),
            statement_timeout,
            patience: options.wait.max(PATIENCE),
            database,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Options, config, parameters};
    use crate::store::servers::Part;

    fn options(url: &str) -> Options {
        Options {
            url: url.to_owned(),
            database: None,
            connections: 4,
            statement_timeout: Duration::from_secs(30),
            wait: Duration::from_secs(5),
            pooler: false,
        }
    }

    #[test]
    fn several_hosts_have_their_own_ports_and_a_part_to_play() {
        let places = |url: &str| config(&options(url)).map(|(_, servers, _)| servers.places());
        let url = "postgresql://u@one:5433,two:5434/db?target_session_attrs=primary";
        assert_eq!(places(url).unwrap(), "one:5433, two:5434");
        assert_eq!(places("postgresql://u@one,two:5433/db").unwrap(), "one:5432, two:5433");
        for (url, word) in [
            ("postgresql://u@one/db?target_session_attrs=master", "prefer-standby"),
            ("postgresql://u@one/db?tcp_user_timeout=soon", "milliseconds"),
            ("postgresql:///db", "host"),
        ] {
            assert!(places(url).unwrap_err().to_string().contains(word), "{url}");
        }
    }

    #[test]
    fn what_libpq_reads_in_another_way_is_taken_out_of_the_url() {
        let url = "postgresql://h/d?target_session_attrs=read-write&tcp_user_timeout=2500&keepalives_count=3";
        let (rest, part, time) = parameters(url).unwrap();
        assert_eq!(rest, "postgresql://h/d?keepalives_retries=3");
        assert_eq!((part, time), (Part::Primary, Some(Duration::from_millis(2500))));
        assert_eq!(parameters("postgresql://h/d").unwrap(), ("postgresql://h/d".to_owned(), Part::Any, None));
    }
}
