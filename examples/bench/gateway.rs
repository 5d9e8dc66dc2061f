//! The gateway as a process of its own: this program itself, with the arguments of `serve`.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    process::Stdio,
    time::{Duration, Instant},
};

use gnuhealth_fhir::config::ENVIRONMENT_PREFIX;
use tokio::process::{Child, Command};

use crate::{
    Failure,
    client::{Client, Target},
    process::Process,
};

/// A gateway that runs; it ends when it is dropped.
pub struct Gateway {
    child: Child,
    /// Where it listens.
    pub place: SocketAddr,
    /// From its start to its first answer.
    pub started: Duration,
}

/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(60);

impl Gateway {
    /// Starts one with the settings that every hospital begins with, but for these: links between pages that another
    /// process can open, and no limit on failed sign-ins, so that passwords are checked all the time. Whether records are kept is
    /// asked for, since what is kept is not read.
    pub async fn start(database: &str, key: &str, keeps: bool) -> Result<Self, Failure> {
        // Free now; another program that takes it meanwhile would be seen as an early end.
        let place = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let mut command = Command::new(std::env::current_exe()?);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with(ENVIRONMENT_PREFIX) {
                command.env_remove(name);
            }
        }
        let set = [
            ("DATABASE_URL", database),
            ("PAGE_LINK_KEY", key),
            ("LISTEN", &place.to_string()),
            ("LOGIN_MAX_ATTEMPT_NETWORK", "1000000000"),
            ("SITE", "http://hospital.example"),
            ("KEEP_RECORDS", if keeps { "true" } else { "false" }),
        ];
        command.arg("serve").envs(set.map(|(name, value)| (format!("{ENVIRONMENT_PREFIX}{name}"), value)));
        // Where no config.toml is.
        command.current_dir("/").kill_on_drop(true).stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(Stdio::null());
        let start = Instant::now();
        let mut child = command.spawn()?;
        loop {
            if let Ok(mut client) = Client::connect(place).await {
                let nobody = Target { place, base: "/fhir".to_owned(), user: Default::default() };
                let request = nobody.request("metadata");
                let request = request.replace("Authorization: Basic Og==\r\n", "");
                client.send(&request).await?;
                break;
            }
            if let Some(status) = child.try_wait()? {
                return Err(format!("the gateway ended at its start ({status})").into());
            }
            if start.elapsed() > PATIENCE {
                return Err("the gateway does not answer".into());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok(Self { child, place, started: start.elapsed() })
    }

    /// Its process.
    pub fn process(&self) -> Process {
        Process(self.child.id().unwrap_or_default())
    }

    /// Ends it and waits until it is gone.
    pub async fn stop(mut self) {
        let _ = self.child.kill().await;
    }
}
