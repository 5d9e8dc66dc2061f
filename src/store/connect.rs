//! Opening the pool, with sentences that help when it cannot be opened.

use std::{fmt, str::FromStr, sync::OnceLock, time::Duration};

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime, Timeouts};
use tokio_postgres::{Config, config::SslMode, error::SqlState};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{Store, listen::Listener};
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
}

impl Options {
    /// The settings of every session, as PostgreSQL takes them at its start.
    pub fn session(&self) -> String {
        // Sources join many tables that are looked up by their keys: their order is that of the statement, and to try more of
        // them out takes longer than the statement (measured: over all types 0.9 s of planning, with 4 0.26 s).
        format!(
            "-c TimeZone=UTC -c default_transaction_read_only=on -c statement_timeout={} -c jit=off -c join_collapse_limit=4 -c client_encoding=UTF8 -c DateStyle=ISO",
            self.statement_timeout.as_millis()
        )
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

fn config(options: &Options) -> Result<(Config, MakeRustlsConnect), ConnectError> {
    let (tls, url) = Connecting::parse(&options.url).map_err(ConnectError::Tls)?;
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
    config.application_name("gnuhealth-fhir");
    config.connect_timeout(Duration::from_secs(5));
    config.options(options.session());
    Ok((config, tls.connector().map_err(ConnectError::Tls)?))
}

fn place(config: &Config) -> String {
    let hosts = config.get_hosts().iter().map(|host| match host {
        tokio_postgres::config::Host::Tcp(name) => name.clone(),
        #[cfg(unix)]
        tokio_postgres::config::Host::Unix(path) => path.display().to_string(),
    });
    let hosts: Vec<_> = hosts.collect();
    let port = config.get_ports().first().copied().unwrap_or(5432);
    format!("{}:{port}", hosts.join(","))
}

/// Names of the databases that the role of `options` can see on its server.
pub async fn databases(options: &Options) -> Vec<String> {
    let Ok((mut config, tls)) = config(options) else { return Vec::new() };
    for maintenance in ["postgres", "template1"] {
        config.dbname(maintenance);
        if let Ok((client, connection)) = config.connect(tls.clone()).await {
            let task = tokio::spawn(connection);
            let rows = client
                .query(
                    "SELECT datname FROM pg_database WHERE NOT datistemplate AND datallowconn AND has_database_privilege(datname, 'CONNECT') ORDER BY 1",
                    &[],
                )
                .await;
            task.abort();
            if let Ok(rows) = rows {
                return rows.iter().map(|row| row.get(0)).collect();
            }
        }
    }
    Vec::new()
}

impl Store {
    /// Opens the pool and tries one session.
    ///
    /// # Errors
    /// [`ConnectError`] with a sentence for the operator.
    pub async fn open(options: &Options) -> Result<Self, ConnectError> {
        let (config, tls) = config(options)?;
        match config.connect(tls.clone()).await {
            Ok((_, connection)) => drop(connection),
            Err(error) => {
                return Err(match error.code() {
                    Some(&SqlState::INVALID_CATALOG_NAME) => ConnectError::NoDatabase {
                        name: config.get_dbname().unwrap_or("").to_owned(),
                        others: databases(options).await,
                    },
                    Some(_) => ConnectError::Refused {
                        role: config.get_user().unwrap_or("").to_owned(),
                        cause: error.as_db_error().map(|db| db.message().to_owned()).unwrap_or_default(),
                    },
                    None => {
                        use std::error::Error as _;
                        let cause = error.source().map_or_else(|| error.to_string(), ToString::to_string);
                        ConnectError::Unreachable { place: place(&config), cause }
                    }
                });
            }
        }
        let pool = |sessions: usize| {
            let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
            Pool::builder(Manager::from_config(config.clone(), tls.clone(), recycling))
                .max_size(sessions)
                .runtime(Runtime::Tokio1)
                .timeouts(Timeouts {
                    wait: Some(options.wait),
                    create: Some(Duration::from_secs(5)),
                    recycle: Some(Duration::from_secs(5)),
                })
                .build()
                .map_err(|error| ConnectError::Url(error.to_string()))
        };
        // Requests come first, then the watch, then the listener.
        let (watches, listens) = (options.connections > 1, options.connections > 2);
        let watch = if watches { Some(pool(1)?) } else { None };
        let pool = pool(options.connections - usize::from(watches) - usize::from(listens))?;
        // Without a name PostgreSQL takes that of the role.
        let database = config.get_dbname().or(config.get_user()).unwrap_or_default().to_owned();
        let statement_timeout = options.statement_timeout;
        let listener = listens.then_some(Listener(config, tls.clone()));
        Ok(Self {
            pool,
            watch,
            tls,
            listener,
            counts: Default::default(),
            recorder: OnceLock::new(),
            statement_timeout,
            database,
        })
    }
}
