//! Attacks, by name. Each must end as it is documented: with a 4xx or a correct answer, within [`BUDGET`], and with a
//! server that goes on answering and has nothing to say of panics. What needs no database is in `tests/http/hostile.rs`.

mod cursors;
mod encodings;
mod ids;
mod injection;
mod oversized;
mod pollution;
mod pyson;
mod slow;
mod smuggling;
mod timing;

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::harness::{Client, Process, Response, demo};

/// What any attack may take. One that takes longer is tried again: other work on the machine disturbs.
const BUDGET: Duration = Duration::from_secs(2);

/// The program over the demo hospital.
struct Target {
    process: Process,
    doctor: Client,
}

impl Target {
    fn start(arguments: &[&str]) -> Self {
        Self::over(&demo().database.url, arguments)
    }

    fn over(database: &str, arguments: &[&str]) -> Self {
        let process = Process::serve(database, arguments).unwrap_or_else(|said| panic!("{said}"));
        let doctor = process.user("doctor");
        doctor.ok("Patient/1");
        Self { process, doctor }
    }

    /// Sends bytes and reads until the server closes, or is silent for some seconds.
    fn raw(&self, bytes: &[u8]) -> Vec<u8> {
        let mut stream = TcpStream::connect(self.process.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(3))).unwrap();
        let _ = stream.write_all(bytes);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        answer
    }

    /// An attack as the doctor: answered in time, and not with a fault of the server.
    #[track_caller]
    fn get(&self, place: &str) -> Response {
        timely(place, || self.doctor.get(place))
    }

    #[track_caller]
    fn send(&self, method: &str, place: &str, headers: &[(&str, &str)], body: &str) -> Response {
        timely(place, || self.doctor.send(method, place, headers, body))
    }

    /// A search by a form body.
    #[track_caller]
    fn form(&self, place: &str, body: &str) -> Response {
        self.send("POST", place, &[("Content-Type", "application/x-www-form-urlencoded")], body)
    }

    /// The server goes on, and no panic or defect was logged.
    fn survived(self) {
        self.doctor.ok("Patient/1");
        self.doctor.ok("Patient?_count=1&_total=accurate");
        let said = self.process.end();
        let fault = said.lines().find(|line| line.contains("panic") || line.contains("ERROR"));
        assert!(fault.is_none(), "{fault:?}");
    }
}

#[track_caller]
fn timely(what: &str, ask: impl Fn() -> Response) -> Response {
    let what: String = what.chars().take(200).collect();
    let mut slowest = Vec::new();
    for _ in 0..3 {
        let begun = Instant::now();
        let response = ask();
        let elapsed = begun.elapsed();
        assert!(response.status < 500, "{what}: {}", response.text());
        if elapsed < BUDGET {
            return response;
        }
        slowest.push(elapsed);
    }
    panic!("{what}: {slowest:?}");
}

/// Searchable types and their parameters: name and type.
fn parameters(client: &Client) -> Vec<(String, Vec<(String, String)>)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let statement = client.ok("metadata");
    let resources = statement["rest"][0]["resource"].as_array().unwrap();
    let parameters = |resource: &Value| {
        let all = resource["searchParam"].as_array().cloned().unwrap_or_default();
        all.iter().map(|parameter| (text(&parameter["name"]), text(&parameter["type"]))).collect()
    };
    resources.iter().map(|resource| (text(&resource["type"]), parameters(resource))).collect()
}

/// Patients, and some of the other types: all of them would take long and say no more.
fn some(kinds: Vec<(String, Vec<(String, String)>)>, step: usize) -> Vec<(String, Vec<(String, String)>)> {
    let always = ["Patient", "Condition", "Observation"];
    let kept =
        |(index, (kind, _)): &(usize, (String, _))| always.contains(&kind.as_str()) || index % step == 0;
    kinds.into_iter().enumerate().filter(kept).map(|(_, kind)| kind).collect()
}

/// Every byte that is not a letter or a digit as `%XX`.
fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}
