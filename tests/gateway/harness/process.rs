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
        let mut child = command("serve", database, &arguments).spawn().expect("the program starts");
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
