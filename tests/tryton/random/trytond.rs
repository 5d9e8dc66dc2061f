//! The real trytond, in a process of its own.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::PathBuf,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use serde_json::Value as Json;

/// A running `decisions.py`; it ends with the value.
pub struct Trytond {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Trytond {
    /// Starts the trytond of a series of GNU Health on a database; `None` when it is not installed.
    pub fn start(series: &str, url: &str) -> Option<Self> {
        let folder = |name: &str| std::env::var_os(name).map(PathBuf::from);
        let cache = folder("GNUHEALTH_FHIR_CACHE")
            .or_else(|| folder("XDG_CACHE_HOME").map(|cache| cache.join("gnuhealth-fhir")))
            .or_else(|| folder("HOME").map(|home| home.join(".cache/gnuhealth-fhir")))?;
        let python = cache.join(series).join("venv/bin/python");
        if !python.is_file() {
            println!("skipped: no Tryton at {}", python.display());
            return None;
        }
        let mut child = Command::new(python)
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tryton/random/decisions.py"))
            .arg(url)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the interpreter of trytond starts");
        let input = child.stdin.take().expect("it is piped");
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        Some(Self { child, input, output })
    }

    /// Sends a question; trytond works on it until it is [received](Self::receive).
    pub fn send(&mut self, question: &Json) {
        writeln!(self.input, "{question}").expect("trytond reads the question");
    }

    pub fn receive(&mut self) -> Json {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("trytond answers");
        serde_json::from_str(&line).expect("trytond answers in JSON; run decisions.py by hand to see why not")
    }
}

impl Drop for Trytond {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
