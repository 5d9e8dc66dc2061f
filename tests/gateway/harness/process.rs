//! The program itself, with what it says.

use std::{
    io::{BufRead as _, BufReader, Read},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use super::{Client, password};

/// A running `serve`; it ends with the value.
pub struct Process {
    child: Child,
    said: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
    pub address: SocketAddr,
}

/// What a command said, and its exit code; none when it did not end.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

fn command(name: &str, database: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gnuhealth-fhir"));
    command.arg(name).args(arguments).env_clear().current_dir(std::env::temp_dir());
    // As an operator would: a password is no argument.
    command.env("GNUHEALTH_FHIR_DATABASE_URL", database).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs a command that should end by itself.
pub fn run(name: &str, database: &str, arguments: &[&str]) -> Ended {
    let mut child = command(name, database, arguments).spawn().expect("the program starts");
    let read = |mut from: Box<dyn Read + Send>| {
        std::thread::spawn(move || {
            let mut text = String::new();
            let _ = from.read_to_string(&mut text);
            text
        })
    };
    let out = read(Box::new(child.stdout.take().unwrap()));
    let err = read(Box::new(child.stderr.take().unwrap()));
    let start = Instant::now();
    while child.try_wait().unwrap().is_none() && start.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(20));
    }
    let _ = child.kill();
    let code = child.wait().unwrap().code();
    Ended { code, stdout: out.join().unwrap(), stderr: err.join().unwrap() }
}

impl Process {
    /// Starts `serve` and waits until it listens; else what it said.
    pub fn serve(database: &str, arguments: &[&str]) -> Result<Self, String> {
        let mut arguments = arguments.to_vec();
        arguments.extend(["--listen", "127.0.0.1:0"]);
        Self::spawn(command("serve", database, &arguments))
    }

    /// The same with variables of the environment, and with a socket that the program takes as systemd passes it on.
    pub fn serve_under_systemd(
        database: &str,
        variables: &[(&str, &str)],
        socket: std::net::TcpListener,
    ) -> Result<Self, String> {
        // A test cannot place a socket at 3, where the program looks for it; a shell can.
        let mut shell = Command::new("/bin/sh");
        shell
            .args(["-c", "LISTEN_PID=$$ exec \"$0\" serve 3<&0 </dev/null"])
            .arg(env!("CARGO_BIN_EXE_gnuhealth-fhir"))
            .env_clear();
        shell.env("GNUHEALTH_FHIR_DATABASE_URL", database).env("LISTEN_FDS", "1");
        shell.envs(variables.iter().copied()).current_dir(std::env::temp_dir());
        shell.stdin(Stdio::from(std::os::fd::OwnedFd::from(socket)));
        shell.stdout(Stdio::piped()).stderr(Stdio::piped());
        Self::spawn(shell)
    }

    /// The same with files that may not grow beyond so many blocks of 512 bytes, as if the disk were full then.
    pub fn serve_within(database: &str, arguments: &[&str], blocks: u32) -> Result<Self, String> {
        let mut shell = Command::new("/bin/sh");
        let script =
            format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" serve --listen 127.0.0.1:0 \"$@\"");
        shell.args(["-c", &script, env!("CARGO_BIN_EXE_gnuhealth-fhir")]).args(arguments).env_clear();
        shell.env("GNUHEALTH_FHIR_DATABASE_URL", database).current_dir(std::env::temp_dir());
        shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self::spawn(shell)
    }

    fn spawn(mut command: Command) -> Result<Self, String> {
        let mut child = command.spawn().expect("the program starts");
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let said = Arc::new(Mutex::new(String::new()));
        let all = Arc::clone(&said);
        let reader = std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let mut all = all.lock().unwrap();
                all.push_str(&line);
                all.push('\n');
            }
        });
        let mut process = Self { child, said, reader: Some(reader), address: ([127, 0, 0, 1], 0).into() };
        loop {
            let said = process.said.lock().unwrap().clone();
            if let Some((_, rest)) = said.split_once("listening on ") {
                let address = rest.split([';', ' ', '"']).next().unwrap();
                process.address = address.parse().expect("an address");
                return Ok(process);
            }
            if process.child.try_wait().unwrap().is_some() {
                return Err(process.end());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn user(&self, login: &str) -> Client {
        Client::basic(self.address, login, &password(login))
    }

    /// Sends a signal, such as `HUP`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status();
        assert!(sent.expect("kill is there").success());
    }

    /// Waits until what it says holds a text `times` times.
    pub fn wait_for(&self, text: &str, times: usize) {
        let begun = Instant::now();
        while self.said().matches(text).count() < times {
            assert!(begun.elapsed() < Duration::from_secs(20), "\"{text}\" is not said: {}", self.said());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until it ends by itself; its exit code and everything that it said.
    pub fn ended(mut self) -> (Option<i32>, String) {
        let begun = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            assert!(begun.elapsed() < Duration::from_secs(20), "it does not end: {}", self.said());
            std::thread::sleep(Duration::from_millis(20));
        }
        (self.child.wait().unwrap().code(), self.end())
    }

    /// The address for operators.
    pub fn operators(&self) -> Client {
        let said = self.said();
        let (_, rest) = said.split_once("operators are answered on ").expect("it has one");
        Client::anonymous(rest.lines().next().unwrap().trim().parse().expect("an address"))
    }

    /// Everything that it said on standard error so far.
    pub fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    /// Ends it; everything that it said on standard error.
    pub fn end(mut self) -> String {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.reader.take().unwrap().join().unwrap();
        let said = self.said.lock().unwrap();
        said.clone()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
