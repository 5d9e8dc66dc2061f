//! What the tests of the demo's PostgreSQL look at from outside.

use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use gnuhealth_fhir::demo::Error;
use gnuhealth_fhir::demo::postgres::{Choice, Server};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio_postgres::{Client, NoTls};

/// Both ways, as far as this build and this machine have them; what is left out is printed.
pub fn choices() -> Vec<Choice> {
    let mut choices = Vec::new();
    if cfg!(feature = "embedded-postgres") {
        choices.push(Choice::Embedded);
    }
    let installed = fs::read_dir("/usr/lib/postgresql").is_ok() || std::env::var_os("DEMO_LOCAL").is_some();
    if installed {
        choices.push(Choice::Local);
    } else {
        eprintln!("left out: the machine's own PostgreSQL, there is none in /usr/lib/postgresql");
    }
    choices
}

pub async fn start(choice: Choice, keep: Option<&Path>) -> Server {
    match Server::start(choice, keep).await {
        Ok(server) => server,
        Err(error @ Error::NothingInstalled) => panic!("{error}"),
        Err(error) => panic!("{choice:?}: {error}"),
    }
}

pub async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("it answers");
    tokio::spawn(connection);
    client
}

pub fn port(url: &str) -> u16 {
    url.rsplit([':', '/']).nth(1).and_then(|port| port.parse().ok()).expect("the port in the address")
}

pub fn listens(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}

/// A process of this machine.
pub struct Process {
    pub user: u32,
    pub command: String,
}

/// The keeper and the server on a port.
pub fn processes_of(port: u16) -> Vec<Process> {
    let found: Vec<_> =
        processes().filter(|process| process.command.contains(&format!("port={port}\0"))).collect();
    assert!(found.len() >= 2, "the keeper and the server");
    found
}

/// The temporary folder of the server on a port, as its keeper was told.
pub fn scratch_of(port: u16) -> PathBuf {
    let processes = processes_of(port);
    let arguments = processes.iter().flat_map(|process| process.command.split('\0'));
    arguments
        .map(Path::new)
        .find(|path| {
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("gnuhealth-fhir-demo-"))
        })
        .expect("the keeper knows it")
        .to_owned()
}

/// Whether a keeper or a server that a process started still runs.
pub fn anybody_of(process: u32) -> bool {
    processes().any(|other| other.command.contains(&format!("gnuhealth-fhir-demo-{process}-")))
}

/// The temporary folders that a process made.
pub fn scratches_of(process: u32) -> Vec<PathBuf> {
    let entries = fs::read_dir(std::env::temp_dir()).expect("temporary folder").flatten();
    let prefix = format!("gnuhealth-fhir-demo-{process}-");
    entries
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(&prefix))
        .map(|entry| entry.path())
        .collect()
}

fn processes() -> impl Iterator<Item = Process> {
    fs::read_dir("/proc").expect("these tests need Linux").flatten().filter_map(|entry| {
        let command = fs::read_to_string(entry.path().join("cmdline")).ok()?;
        Some(Process { user: entry.metadata().ok()?.uid(), command })
    })
}

pub async fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !holds() {
        assert!(Instant::now() < deadline, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A folder for `--keep`, not yet made; removed in the end.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Self(std::env::temp_dir().join(format!("kept-{}-{number}", std::process::id())))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A process with a server in it, or one that is about to start it.
pub struct Victim(Child);

impl Victim {
    pub fn new(choice: Choice, keep: Option<&Path>) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command
            .args(["--exact", "victim", "--ignored", "--nocapture"])
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        if choice == Choice::Embedded {
            command.env("DEMO_EMBEDDED", "1");
        }
        if let Some(folder) = keep {
            command.env("DEMO_KEEP", folder);
        }
        Self(command.spawn().expect("this program runs"))
    }

    /// Where its server listens, once it does.
    pub async fn port(&mut self) -> u16 {
        let mut lines = BufReader::new(self.0.stdout.as_mut().expect("it is piped")).lines();
        loop {
            let line = lines.next_line().await.expect("it is text").expect("it says its port");
            if let Some(port) = line.strip_prefix("port=") {
                return port.parse().expect("a number");
            }
        }
    }

    /// With SIGKILL, which nobody can handle. Returns which process it was.
    pub fn kill(&mut self) -> u32 {
        let process = self.0.id().expect("it still runs");
        self.0.start_kill().expect("it still runs");
        process
    }
}
