//! One running PostgreSQL server and the process that keeps it.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::{select, time};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config, NoTls};

use super::error::Error;
use super::home::Home;
use super::scratch::Scratch;

/// Tied to the life of this process through its standard input; see there.
const KEEPER: &str = include_str!("keeper.sh");

/// `initdb` on a slow disk takes most of it.
const READY_WITHIN: Duration = Duration::from_secs(90);
const ENDED_WITHIN: Duration = Duration::from_secs(15);

/// The database that is made for the demo.
const DATABASE: &str = "hospital";

/// A running server.
pub(super) struct Cluster {
    keeper: Child,
    /// Closing it ends the server.
    order: Option<ChildStdin>,
    /// Its end is the end of the server.
    alive: ChildStdout,
    port: u16,
    scratch: Scratch,
}

impl Cluster {
    /// Makes the data directory if there is none, starts the server and waits until it answers.
    ///
    /// From the first await on, the temporary folder goes whatever happens to this process.
    pub(super) async fn start(
        programs: &Path,
        home: &Home,
        kept: bool,
        scratch: Scratch,
    ) -> Result<Self, Error> {
        scratch.write("password", &home.password)?;
        // As a file, so that a list of processes does not show all of it.
        scratch.write("keeper", KEEPER)?;
        scratch.hand_over()?;

        let shell = Path::new("/bin/sh");
        let failed = |cause| Error::Program(shell.to_owned(), cause);
        // Free now; should another program be faster, the server ends and says so.
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();
        drop(listener);

        let mut command = Command::new(shell);
        command.arg(scratch.path().join("keeper")).args([programs, &home.data, scratch.path()]);
        // Kept data must survive; of the rest not even a checkpoint is written.
        command.arg(if kept { "INT" } else { "QUIT" }).args(settings(port, kept));
        // The root folder, because the account of the server may not enter the current one.
        command.current_dir("/").env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("LC_ALL", "C");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        // A group of its own, so that Ctrl-C reaches the gateway alone.
        command.process_group(0);
        if let Some(account) = scratch.account {
            command.uid(account.user).gid(account.group);
        }
        let mut keeper = command.spawn().map_err(failed)?;
        let order = keeper.stdin.take();
        let alive = keeper.stdout.take().expect("it is piped");
        let mut cluster = Self { keeper, order, alive, port, scratch };
        cluster.create_database(&home.password).await?;
        Ok(cluster)
    }

    /// Where it is.
    pub(super) fn url(&self, password: &str) -> String {
        format!("postgresql://postgres:{password}@{}:{}/{DATABASE}", Ipv4Addr::LOCALHOST, self.port)
    }

    /// Stops the server and waits until nothing is left.
    pub(super) async fn stop(mut self) {
        self.order = None;
        let _ = time::timeout(ENDED_WITHIN, self.keeper.wait()).await;
    }

    async fn create_database(&mut self, password: &str) -> Result<(), Error> {
        let mut config = Config::new();
        config.host(Ipv4Addr::LOCALHOST.to_string()).port(self.port).user("postgres").password(password);
        let client = self.connect(config.dbname("postgres")).await?;
        let there = "SELECT FROM pg_database WHERE datname = $1";
        if client.query_opt(there, &[&DATABASE]).await.map_err(Error::Refused)?.is_none() {
            client.batch_execute(&format!("CREATE DATABASE {DATABASE}")).await.map_err(Error::Refused)?;
        }
        Ok(())
    }

    async fn connect(&mut self, config: &Config) -> Result<Client, Error> {
        let deadline = Instant::now() + READY_WITHIN;
        loop {
            let mut byte = [0];
            let answer = select! {
                biased;
                _ = self.alive.read(&mut byte) => return Err(Error::Ended(self.last_words())),
                answer = config.connect(NoTls) => answer,
            };
            match answer {
                Ok((client, connection)) => {
                    tokio::spawn(connection);
                    return Ok(client);
                }
                // Anything else than not listening yet and still starting does not pass by waiting.
                Err(error) if error.code().is_some_and(|code| *code != SqlState::CANNOT_CONNECT_NOW) => {
                    return Err(Error::Refused(error));
                }
                Err(error) if Instant::now() > deadline => return Err(Error::Silent(error.to_string())),
                Err(_) => time::sleep(Duration::from_millis(20)).await,
            }
        }
    }

    fn last_words(&self) -> String {
        let log = fs::read_to_string(self.scratch.path().join("log")).unwrap_or_default();
        let lines: Vec<_> = log.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        lines[lines.len().saturating_sub(4)..].join(" / ")
    }
}

impl Drop for Cluster {
    /// Blocks for the blink that an immediate stop takes: who drops a server leaves nothing behind.
    fn drop(&mut self) {
        self.order = None;
        let deadline = Instant::now() + ENDED_WITHIN;
        while matches!(self.keeper.try_wait(), Ok(None)) && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Whether a server ended because its port was taken between our choice and its start.
pub(super) fn lost_its_port(error: &Error) -> bool {
    matches!(error, Error::Ended(log) if log.contains("Address already in use"))
}

fn settings(port: u16, kept: bool) -> Vec<String> {
    let durable = if kept { "on" } else { "off" };
    [
        ("listen_addresses", "127.0.0.1"),
        ("port", &port.to_string()),
        ("unix_socket_directories", ""),
        ("max_connections", "400"),
        ("shared_buffers", "64MB"),
        // A snapshot is loaded in one transaction that touches every table and index.
        ("max_locks_per_transaction", "256"),
        ("fsync", durable),
        ("synchronous_commit", durable),
        ("full_page_writes", durable),
        ("wal_level", "minimal"),
        ("max_wal_senders", "0"),
        // In files of the data directory, because an immediate stop leaves segments behind.
        ("dynamic_shared_memory_type", "mmap"),
        ("max_parallel_workers_per_gather", "0"),
        ("max_parallel_maintenance_workers", "0"),
        ("logging_collector", "off"),
        ("log_destination", "stderr"),
        ("lc_messages", "C"),
        ("timezone", "UTC"),
    ]
    .into_iter()
    .flat_map(|(name, value)| ["-c".to_owned(), format!("{name}={value}")])
    .collect()
}

#[cfg(test)]
#[path = "cluster/tests.rs"]
mod tests;
