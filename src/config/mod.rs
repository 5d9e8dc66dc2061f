//! Configuration: one struct is the truth.
//!
//! Every key is a line of `config.toml`, a flag and an environment variable; a flag wins over the environment, that over
//! the file, that over the default. The documentation of the fields below is the reference: the annotated `config.toml`
//! and `--help` are made from it.

mod collector;
mod file;
mod key;
mod load;
mod network;
mod problem;
mod reference;
mod secret;
mod session;
mod setting;
mod trytond;

pub use collector::{Collector, Ratio};
pub use key::{ENVIRONMENT_PREFIX, Form, Key};
pub use load::{Given, Loaded, Origin, load};
pub use network::Network;
pub use problem::Problem;
pub use reference::reference;
pub use secret::{DatabaseUrl, Secret};
pub use session::{Authentications, Session};
pub use setting::{
    Age, Audit, AuditFailure, AuditSync, BasePath, BaseUrl, Cors, Level, LogFormat, Narrative, Prefix,
    Setting, Site, Size,
};
pub use trytond::Database;
use trytond::TrytondConf;

use std::{net::SocketAddr, num::NonZero, path::PathBuf, time::Duration};

use jiff::tz::TimeZone;

key::settings! {
    "The database"

    /// The database of GNU Health. Give either this or `trytond_conf`. A password with special characters is
    /// percent-encoded. Other users of the machine can see flags: give it in the environment, or in this file, readable by
    /// the service's user only. A role that may only read is enough.
    database_url: Option<DatabaseUrl> => "postgresql://gnuhealth:PASSWORD@localhost:5432/health";
    /// The configuration file of the Tryton server, whose `[database] uri` and `[session]` are then used. Needs `database`.
    trytond_conf: Option<PathBuf> => "/home/gnuhealth/trytond.conf";
    /// The name of the database, as in the GNU Health client. Wins over a name in `database_url`.
    database: Option<String> => "health";
    /// Folder in which the Tryton server keeps the contents of attachments: `path` of `[database]` in its configuration.
    /// The service's user must be able to read it. Without it: the one of `trytond_conf`; without either the contents that
    /// lie there cannot be read.
    file_store: Option<PathBuf> => "/home/gnuhealth/attach";
    /// Folder of this database in `file_store`: `store_prefix` of `[attachment]`. Without it: the one of `trytond_conf`,
    /// else the name of the database.
    file_store_prefix: Option<String> => "health";
    /// Sessions with PostgreSQL at most. From two on one of them looks for changes of rights, from three on another one
    /// waits to be told of them. Of the others one user gets half, so that slow searches of one keep nobody else waiting.
    connections: NonZero<usize> = "16";
    /// A pooler such as PgBouncer stands between, which gives each transaction any of its sessions (`pool_mode =
    /// transaction`). Every statement then brings its settings with it and is planned anew; changes of rights are looked
    /// for, not waited for.
    pooler: bool = "false";
    /// Streaming replicas that answer requests in place of the database of `database_url` or `trytond_conf`, as a URL with one or
    /// more hosts. Users and rights are always read from the database itself, which also answers while no replica is near
    /// enough behind it. Role, password and database are the same unless this URL names others.
    replica_url: Option<DatabaseUrl> => "postgresql://two.hospital.example,three.hospital.example/health";
    /// A replica answers only as long as it has replayed everything that the primary had written so long ago. At least 200ms.
    replica_lag: Duration = "2s";
    /// How long one statement may run; a search that takes longer is answered with 503.
    statement_timeout: Duration = "30s";
    /// How long a request waits for a free session, and before that for others of its user, before it is answered with 503.
    queue_timeout: Duration = "5s";
    /// How often changes of users, groups and access rights are looked for. They take effect after at most this time,
    /// and at once where trytond tells of them (`clean_timeout = 0` of `[cache]` in its configuration).
    watch_interval: Duration = "400ms";

    "Addresses"

    /// Address and port to listen on. Any other than the loopback address needs TLS: either `tls_certificate` and `tls_key`,
    /// or a proxy that adds it, with `behind_proxy`.
    listen: SocketAddr = "127.0.0.1:8080";
    /// Address and port for operators: `/livez`, `/readyz` and `/metrics`, without signing in. Without it there is none. On a
    /// loopback address it speaks no TLS; on any other that of the server, which must have a certificate then.
    admin_listen: Option<SocketAddr> => "127.0.0.1:9080";
    /// Path under which FHIR is served.
    base_path: BasePath = "/fhir";
    /// Address under which clients reach this server, with the path. It becomes the base of every link and `fullUrl`.
    /// Without it the base follows from the request: from the headers of a trusted proxy, else from `Host`.
    base_url: Option<BaseUrl> => "https://fhir.hospital.example/fhir";
    /// Networks of the proxies whose `Forwarded` or `X-Forwarded-For`, `-Proto`, `-Host` and `-Prefix` are believed.
    /// Such a proxy must overwrite what clients send in these headers.
    trusted_proxies: Vec<Network> => "127.0.0.1, ::1";
    /// A proxy adds TLS, and only the trusted proxies (and this machine itself) may connect.
    behind_proxy: bool = "false";
    /// Origins of browser applications that may call this server (`https://app.example`), or `*` for all.
    cors_origins: Vec<Cors> => "https://app.hospital.example";
    /// Largest body of a request.
    max_body: Size = "1 MiB";

    "TLS"

    /// The certificate of this server, followed by those between it and its authority, as PEM. With it and `tls_key` the
    /// server speaks TLS 1.2 and 1.3. Both files are read again when they change, and on SIGHUP.
    tls_certificate: Option<PathBuf> => "/etc/gnuhealth-fhir/tls/fullchain.pem";
    /// The key of the certificate, as PEM without a passphrase, readable by the service's user only.
    tls_key: Option<PathBuf> => "/etc/gnuhealth-fhir/tls/privkey.pem";
    /// Authorities of clients, as PEM: only programs that have a certificate of theirs are let in. Users sign in all the same.
    tls_client_ca: Option<PathBuf> => "/etc/gnuhealth-fhir/tls/clients.pem";

    "FHIR"

    /// Prefix of the identifier systems and code systems that are local to this hospital. Set it to an address that your
    /// hospital owns before first use: clients store it.
    site: Site = "http://gnuhealth.local";
    /// Folder with mappings that replace or add to the built-in ones.
    mappings_dir: Option<PathBuf> => "/etc/gnuhealth-fhir/mappings";
    /// Time zone in which dates without a zone are read, as an IANA name. Without it: the one of the company in Tryton.
    time_zone: Option<TimeZone> => "America/Argentina/Buenos_Aires";
    /// `generated` gives every resource a `text` in English that shows what is written in it, for clients that cannot show
    /// more. It makes them about half as long again.
    narrative: Narrative = "none";
    /// Resources on a page when the client asks for no number.
    default_count: NonZero<u32> = "50";
    /// Resources on a page at most; a larger `_count` is lowered to it.
    max_count: NonZero<u32> = "500";
    /// Resources on a page at most that `_include` and `_revinclude` add; what is more is left out, and the page says so.
    max_included: NonZero<u32> = "1000";
    /// Records and pages that were asked for twice stay in memory, up to 8 MiB of them, and are given again for as long as nothing is
    /// written to the PostgreSQL server, which is asked each time. No effect with `replica_url` or `pooler`.
    keep_records: bool = "true";
    /// How long a link to the next or previous page can be followed.
    page_link_lifetime: Duration = "1h";
    /// Key that protects the links between pages: at least 32 characters, for example from `openssl rand -base64 32`.
    /// Set the same one on all instances behind a load balancer. Without it every start makes its own.
    page_link_key: Option<Secret> => "";

    "Signing in"

    /// Passwords verified at the same time. Each takes up to 64 MiB and one core for a fraction of a second.
    hash_concurrency: NonZero<usize> = "2";
    /// The ways in which users sign in to Tryton, as `authentications` of `[session]` in trytond.conf: a login and a
    /// password are accepted when `password` is one of them by itself. Without it: what `trytond_conf` says, else
    /// `password`. Set it when the database is given by `database_url` and users sign in with LDAP or a second factor.
    authentications: Option<Authentications> => "password";
    /// The application whose keys (`res_user_application`) are accepted as `Authorization: Bearer`. Empty: no keys are.
    application: String = "fhir";
    /// How long after its beginning a session of Tryton ends, as `max_age` in trytond.conf. Without it: what `trytond_conf`
    /// says, else 30 days.
    session_max_age: Option<Age> => "30d";
    /// Failed sign-ins of one login within `login_window` until it has to wait, as `max_attempt` in trytond.conf. Without
    /// it: what `trytond_conf` says, else 5. The same holds for the settings below.
    login_max_attempt: Option<NonZero<u32>> => "5";
    /// Failed sign-ins from one network within `login_window`, as `max_attempt_ip_network` in trytond.conf.
    login_max_attempt_network: Option<NonZero<u32>> => "300";
    /// The time in which failed sign-ins are counted, as `timeout` of `[session]` in trytond.conf.
    login_window: Option<Duration> => "300s";
    /// Length of the prefix that addresses of IPv4 from one network share, as `ip_network_4` in trytond.conf.
    login_network_4: Option<Prefix<32>> => "32";
    /// The same for IPv6, as `ip_network_6` in trytond.conf.
    login_network_6: Option<Prefix<128>> => "56";

    "Limits"

    /// Requests per second of one user in the long run; more are answered with 429. An entry of a batch counts as one. Without
    /// it there is no such limit.
    requests_per_user: Option<NonZero<u32>> => "50";
    /// The same for one address, signed in or not. Behind a trusted proxy that of its client; of IPv6 the first 64 bits. Many
    /// users can share one.
    requests_per_address: Option<NonZero<u32>> => "200";
    /// Requests at once that are let through after a pause, if it is more than those of a second.
    requests_burst: NonZero<u32> = "100";
    /// Requests of one user at the same time; more are answered with 429. Without it they wait for `queue_timeout` when
    /// half of the sessions with the database work for one user.
    running_per_user: Option<NonZero<u32>> => "16";
    /// Requests of one address at the same time.
    running_per_address: Option<NonZero<u32>> => "64";

    "Stopping"

    /// How long running requests may take after the signal to stop (SIGTERM). What has not ended then is cut off.
    drain_timeout: Duration = "30s";
    /// How long requests are still taken after that signal while `/readyz` says 503 already, so that a load balancer
    /// can send them elsewhere. Without it none are.
    drain_delay: Option<Duration> => "5s";

    "The page"

    /// A page to look at records with a browser, at `/`. Without it nothing is served there. It needs a `base_path` other
    /// than `/`, and users sign in to it with login and password.
    page: bool = "true";
    /// After this time without use the page signs its user out.
    page_idle_timeout: Duration = "15m";
    /// How long after signing in the page asks for the password again, however much it is used.
    page_max_age: Age = "12h";

    "Audit trail"

    /// Where records of every access to data of patients go: `file`, `stdout`, `syslog`, or `none`. These settings, but for
    /// `audit_readers`, take a new start; on SIGHUP the file is opened anew if it was rotated away.
    audit: Audit = "none";
    /// The file, which no other process may write to. It grows: rotate it.
    audit_file: PathBuf = "/var/log/gnuhealth-fhir/audit.log";
    /// When a record is on disk: `always` before the answer leaves (records that wait are written together), or when the
    /// operating `system` thinks fit, which can lose the last seconds when the machine fails.
    audit_sync: AuditSync = "always";
    /// When a record cannot be kept: `stop` answers such requests with 503, `continue` answers them and tells the log.
    audit_on_failure: AuditFailure = "stop";
    /// File with a secret key of 32 bytes or more: records are chained by HMAC instead of plain hashes, so that who can write
    /// the file alone cannot make the chain anew.
    audit_key_file: Option<PathBuf> => "/etc/gnuhealth-fhir/audit.key";
    /// Who takes the records of `syslog`: a socket of this machine, or address and port for UDP.
    audit_syslog: String = "/dev/log";
    /// Groups of GNU Health, by their names as they are without a translation, whose members may read the trail of `file` through
    /// FHIR (`AuditEvent/$trail`). It names patients, users and what was searched for. Without it nobody may.
    audit_readers: Vec<String> => "Data protection";

    "Traces"

    /// The collector of OpenTelemetry that traces of requests are sent to: the address of its receiver of OTLP over HTTP, with
    /// the path. Traces name users by their number, and hold no values of records. There is no TLS to it: let a collector
    /// on this machine pass them on. Without it there are no traces.
    trace_endpoint: Option<Collector> => "http://127.0.0.1:4318/v1/traces";
    /// The part of all requests that is traced, from 0 to 1. The id of a trace decides, so programs with the same ratio trace
    /// the same requests.
    trace_ratio: Ratio = "1";

    "Log"

    /// Form of the log on standard error: `text` or `json`. This setting and the next, `listen` and `admin_listen` and those
    /// of the audit trail but for `audit_readers` take a new start; all others are read again on SIGHUP.
    log: LogFormat = "text";
    /// `error`, `warn`, `info`, `debug` or `trace`. No level logs values of records, parameters, ids or names.
    log_level: Level = "info";
}

/// The shortest `replica_lag`.
const SHORTEST_LAG: Duration = Duration::from_millis(200);

impl Config {
    /// Findings that no single value shows.
    fn contradictions(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.default_count > self.max_count {
            problems.push(Problem::new(format!(
                "default_count ({}) is larger than max_count ({})",
                self.default_count, self.max_count
            )));
        }
        if self.database_url.is_some() && self.trytond_conf.is_some() {
            problems.push(Problem::new("database_url and trytond_conf are both given; give one of them"));
        }
        if self.replica_lag < SHORTEST_LAG {
            problems.push(Problem::new(format!(
                "replica_lag ({} ms) is too short: replicas are looked at a few times a second; give 200ms or more",
                self.replica_lag.as_millis()
            )));
        }
        if self.tls_certificate.is_some() != self.tls_key.is_some() {
            problems.push(Problem::new("tls_certificate and tls_key belong together; give both or none"));
        }
        if self.tls_client_ca.is_some() && self.tls_certificate.is_none() {
            problems.push(Problem::new("tls_client_ca needs tls_certificate and tls_key"));
        }
        if self.behind_proxy && self.trusted_proxies.is_empty() {
            problems.push(Problem::new(
                "behind_proxy needs trusted_proxies: the networks of the proxies that may connect",
            ));
        }
        problems
    }

    /// Why the address for operators cannot be opened, if it cannot.
    pub fn admin_exposed(&self) -> Option<Problem> {
        let address = self.admin_listen.filter(|address| !address.ip().is_loopback())?;
        self.tls_certificate.is_none().then(|| {
            Problem::new(format!(
                "admin_listen: {address} is no loopback address and there is no TLS: give tls_certificate and tls_key, or \
                 listen on 127.0.0.1 or [::1]"
            ))
        })
    }

    /// Why passwords would cross a network in the clear, if they would.
    pub fn exposed(&self) -> Option<Problem> {
        let safe = self.listen.ip().is_loopback() || self.tls_certificate.is_some() || self.behind_proxy;
        (!safe).then(|| {
            Problem::new(format!(
                "{} is no loopback address and there is no TLS: passwords and records would cross the network in the clear. \
                 Give tls_certificate and tls_key; or, when a proxy adds TLS, behind_proxy = true with trusted_proxies",
                self.listen
            ))
        })
    }

    /// Keys whose new value holds only after a new start.
    pub const FIXED: &[&str] = &[
        "listen",
        "admin_listen",
        "audit",
        "audit_file",
        "audit_sync",
        "audit_on_failure",
        "audit_key_file",
        "audit_syslog",
        "log",
        "log_level",
    ];

    /// Takes the values of [`Config::FIXED`] from the configuration of the start.
    pub fn keep_fixed(&mut self, start: &Self) {
        self.listen = start.listen;
        self.admin_listen = start.admin_listen;
        self.audit = start.audit;
        self.audit_file.clone_from(&start.audit_file);
        self.audit_sync = start.audit_sync;
        self.audit_on_failure = start.audit_on_failure;
        self.audit_key_file.clone_from(&start.audit_key_file);
        self.audit_syslog.clone_from(&start.audit_syslog);
        self.log = start.log;
        self.log_level = start.log_level;
    }

    /// Certificate and key of this server, if it speaks TLS itself.
    pub fn certificate(&self) -> Option<(PathBuf, PathBuf)> {
        self.tls_certificate.clone().zip(self.tls_key.clone())
    }

    /// Where the database is.
    ///
    /// # Errors
    /// None is configured, or `trytond.conf` cannot be used.
    pub fn database(&self) -> Result<Database, Problem> {
        if let Some(url) = &self.database_url {
            return Ok(Database { url: url.clone(), name: self.database.clone() });
        }
        let Some(path) = &self.trytond_conf else {
            return Err(Problem::new(
                "no database is configured; give --database-url postgresql://USER:PASSWORD@HOST:PORT/DATABASE, or --trytond-conf FILE with --database NAME",
            ));
        };
        let Some(name) = &self.database else {
            return Err(Problem::new(
                "trytond_conf is given without database; trytond.conf names only the server, so add --database NAME (as in the GNU Health client)",
            ));
        };
        TrytondConf::read(path)?.database().map(|url| Database { url, name: Some(name.clone()) })
    }
}

impl Config {
    /// Where Tryton keeps the contents of attachments: the folder, and the one below it when it is not the name of the
    /// database.
    pub fn file_store(&self) -> Option<(PathBuf, Option<String>)> {
        let tryton = self.trytond_conf.as_deref().map(trytond::file_store).unwrap_or_default();
        let path = self.file_store.clone().or(tryton.0)?;
        Some((path, self.file_store_prefix.clone().or(tryton.1)))
    }
}

#[cfg(test)]
mod tests;
