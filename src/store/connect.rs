//! Opening the pool, with sentences that help when it cannot be opened.

use std::{fmt, str::FromStr, sync::OnceLock, time::Duration};

use tokio_postgres::{Config, SimpleQueryMessage, config::SslMode, error::SqlState};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{
    Store,
    pools::{self, Pools, Sessions},
    replicas::{Replicas, Watched},
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
    /// Servers that answer requests in its place.
    pub replicas: Option<ReplicaOptions>,
}

/// How to reach replicas, and when they may answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaOptions {
    /// `postgresql://` URL with one or more hosts. User, password and database are those of the database, unless it names them.
    pub url: String,
    /// What was written longer ago than this a replica must have.
    pub lag: Duration,
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
    /// The same of the URL of the replicas.
    Replicas(Box<Self>),
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
            Self::Replicas(error) => write!(f, "replica_url: {error}"),
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

fn config(options: &Options) -> Result<(Config, Servers), ConnectError> {
    let (mut config, part, tls) = read(&options.url)?;
    if let Some(database) = &options.database {
        config.dbname(database);
    }
    if config.get_user().is_none() {
        config.user(std::env::var("USER").unwrap_or_else(|_| "postgres".to_owned()));
    }
    // Without a name PostgreSQL takes that of the role.
    if let (None, Some(user)) = (config.get_dbname(), config.get_user().map(str::to_owned)) {
        config.dbname(user);
    }
    let servers = servers(&mut config, part, tls, options);
    Ok((config, servers))
}

/// The replicas of a database: what their URL does not say is as there.
fn replicas(
    original: &Config,
    replicas: &ReplicaOptions,
    options: &Options,
) -> Result<Servers, ConnectError> {
    let (mut config, part, tls) = read(&replicas.url)?;
    if part == Part::Primary {
        let sentence = "replicas are standbys; leave target_session_attrs out";
        return Err(ConnectError::Url(sentence.to_owned()));
    }
    if config.get_user().is_none() {
        config.user(original.get_user().unwrap_or_default());
        if let Some(password) = original.get_password().filter(|_| config.get_password().is_none()) {
            let password = password.to_owned();
            config.password(password);
        }
    }
    match (&options.database, config.get_dbname()) {
        (Some(name), _) => drop(config.dbname(name)),
        (None, None) => drop(config.dbname(original.get_dbname().unwrap_or_default())),
        (None, Some(_)) => {}
    }
    Ok(servers(&mut config, part, tls, options))
}

/// Reads a URL.
fn read(url: &str) -> Result<(Config, Part, MakeRustlsConnect), ConnectError> {
    let (tls, url) = Connecting::parse(url).map_err(ConnectError::Tls)?;
    let (url, part, unacknowledged) = parameters(&url)?;
    let mut config = Config::from_str(&url).map_err(|error| ConnectError::Url(error.to_string()))?;
    config.ssl_mode(match tls.mode {
        Mode::Disable => SslMode::Disable,
        Mode::Prefer => SslMode::Prefer,
        Mode::Require | Mode::VerifyCa | Mode::VerifyFull => SslMode::Require,
    });
    if let Some(time) = unacknowledged {
        config.tcp_user_timeout(time);
    }
    let hosts = config.get_hosts().len().max(config.get_hostaddrs().len());
    if hosts == 0 {
        return Err(ConnectError::Url("it names no host".to_owned()));
    }
    if ![0, 1, hosts].contains(&config.get_ports().len()) {
        return Err(ConnectError::Url("give each host its port: one:5432,two:5433".to_owned()));
    }
    Ok((config, part, tls.connector().map_err(ConnectError::Tls)?))
}

/// The servers of a URL, whose sessions have the settings of these options.
fn servers(config: &mut Config, part: Part, tls: MakeRustlsConnect, options: &Options) -> Servers {
    config.application_name("gnuhealth-fhir");
    if !options.pooler {
        config.options(options.session());
    }
    Servers::new(config, part, tls)
}

/// Names of the databases that the role of `options` can see on its server.
pub async fn databases(options: &Options) -> Vec<String> {
    for maintenance in ["postgres", "template1"] {
        let Ok((_, servers)) = config(options) else { return Vec::new() };
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
        let (config, servers) = config(options)?;
        // What cannot be read is told before anybody is asked.
        let copies = match &options.replicas {
            Some(wanted) => {
                let copies = replicas(&config, wanted, options);
                Some((copies.map_err(|error| ConnectError::Replicas(Box::new(error)))?, wanted.lag))
            }
            None => None,
        };
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
        let sessions = Sessions::of(options);
        let pools = Pools::new(&servers, sessions, options.wait)?;
        let watch = match sessions.watches {
            true => Some(pools::pool(servers.clone(), 1, options.wait)?),
            false => None,
        };
        let replicas = match copies {
            Some((copies, lag)) => {
                let pool = watch.as_ref().unwrap_or_else(|| pools.usual()).clone();
                let primary = Watched { pool, tls: servers.tls(), role: servers.role() };
                Some(Replicas::start(primary, &copies, sessions, (options.wait, lag))?)
            }
            None => None,
        };
        Ok(Self {
            pools,
            watch,
            replicas,
            opened: servers.opened(),
            listener: sessions.listens.then_some(servers),
            pooled: options.pooler.then(|| options.transaction()),
            counts: Default::default(),
            recorder: OnceLock::new(),
            statement_timeout: options.statement_timeout,
            // Both limits have their own errors, and end first.
            patience: options.wait.max(PATIENCE) + Duration::from_millis(100),
            database: config.get_dbname().unwrap_or_default().to_owned(),
        })
    }
}

/// Replicas of a database that nobody asked.
#[cfg(test)]
pub(super) fn unreached(wanted: &ReplicaOptions) -> std::sync::Arc<Replicas> {
    let options = tests::options("postgresql://reader@127.0.0.1:1/health");
    let (original, servers) = config(&options).expect("a URL");
    let copies = replicas(&original, wanted, &options).expect("a URL");
    let primary = Watched::new(&servers, options.wait).expect("a pool");
    Replicas::start(primary, &copies, Sessions::of(&options), (options.wait, wanted.lag)).expect("pools")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Options, ReplicaOptions, config, parameters, replicas};
    use crate::store::servers::{Part, Servers};

    pub(super) fn options(url: &str) -> Options {
        Options {
            url: url.to_owned(),
            database: None,
            connections: 4,
            statement_timeout: Duration::from_secs(30),
            wait: Duration::from_secs(5),
            pooler: false,
            replicas: None,
        }
    }

    #[test]
    fn several_hosts_have_their_own_ports_and_a_part_to_play() {
        let places = |url: &str| config(&options(url)).map(|(_, servers)| servers.places());
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
    fn replicas_are_reached_as_the_database_unless_their_url_says_otherwise() {
        let options = options("postgresql://reader:secret@one/health");
        let original = config(&options).unwrap().0;
        let reached = |url: &str, options: &Options| {
            let wanted = ReplicaOptions { url: url.to_owned(), lag: Duration::from_secs(2) };
            let servers =
                replicas(&original, &wanted, options).map(|servers| servers.alone().collect::<Vec<_>>());
            servers.map(|servers| servers.iter().map(Servers::reached).collect::<Vec<_>>())
        };
        let said = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(
            reached("postgresql://two,three:5433", &options).unwrap(),
            said(&["reader:secret@two:5432/health", "reader:secret@three:5433/health"])
        );
        // Another role has its own password or none.
        assert_eq!(reached("postgresql://copy@two/h", &options).unwrap(), said(&["copy:@two:5432/h"]));
        let named = Options { database: Some("clinic".to_owned()), ..options.clone() };
        assert_eq!(reached("postgresql://two/h", &named).unwrap(), said(&["reader:secret@two:5432/clinic"]));
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
