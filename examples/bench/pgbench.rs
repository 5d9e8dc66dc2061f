//! The limit by pgbench: <https://www.postgresql.org/docs/current/pgbench.html>.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use gnuhealth_fhir::sql::Value;
use tokio::process::Command;
use tokio_postgres::Config;

use crate::{
    Failure,
    limit::{Limit, Parameter, Question, filled, literal, text},
    load::Speed,
};

/// Parameters that pgbench takes in one statement.
const PARAMETERS: usize = 255;

/// Times that are kept of one measurement, about.
const SAMPLES: f64 = 50_000.0;

/// The program.
#[derive(Clone, Debug)]
pub struct Pgbench(PathBuf);

/// A script with the values of its variables.
struct Script {
    text: String,
    variables: Vec<(String, String)>,
}

impl Pgbench {
    /// The one that is given; else that of the path, else the newest of Debian's packages.
    pub fn find(given: Option<&Path>) -> Option<Self> {
        if let Some(given) = given {
            return Some(Self(given.to_owned()));
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut places: Vec<PathBuf> = std::env::split_paths(&path).collect();
        let mut packages: Vec<_> = fs::read_dir("/usr/lib/postgresql")
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path())
            .collect();
        packages.sort();
        places.extend(packages.into_iter().rev().map(|package| package.join("bin")));
        places.into_iter().map(|place| place.join("pgbench")).find(|program| program.is_file()).map(Self)
    }

    /// What it says that it is.
    pub async fn version(&self) -> Result<String, Failure> {
        let output = Command::new(&self.0).arg("--version").output().await?;
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }

    /// What PostgreSQL answers alone: for `before`, which is not measured, and then for `time`. `expected` is about how
    /// many answers a second there will be.
    pub async fn run(
        &self,
        limit: &Limit,
        database: &Config,
        session: &str,
        clients: usize,
        (before, time): (Duration, Duration),
        expected: f64,
    ) -> Result<Speed, Failure> {
        let folder = tempfile::tempdir()?;
        let mut command = Command::new(&self.0);
        command.args(["-n", "-M", "prepared", "-l"]);
        command.args(["-c", &clients.to_string(), "-j", &clients.min(2).to_string()]);
        command.args(["-T", &(before + time).as_secs_f64().ceil().to_string()]);
        command.arg("--log-prefix").arg(folder.path().join("log"));
        let rate = (SAMPLES / (expected * 2.0 * (before + time).as_secs_f64())).min(1.0);
        if rate < 1.0 {
            command.arg(format!("--sampling-rate={rate:.4}"));
        }
        for (number, question) in limit.questions.iter().enumerate() {
            let script = Script::new(number, question, limit).ok_or("a statement is none for pgbench")?;
            let path = folder.path().join(format!("{number}.sql"));
            fs::write(&path, script.text)?;
            command.arg("-f").arg(path);
            for (name, value) in script.variables {
                command.arg("-D").arg(format!("{name}={value}"));
            }
        }
        let output = command.envs(environment(database)).env("PGOPTIONS", session).stdin(Stdio::null());
        let output = output.kill_on_drop(true).output().await?;
        if !output.status.success() {
            return Err(format!("pgbench: {}", String::from_utf8_lossy(&output.stderr).trim()).into());
        }
        let mut ended = Vec::new();
        for entry in fs::read_dir(folder.path())? {
            let path = entry?.path();
            if path.extension() != Some("sql".as_ref()) {
                ended.extend(fs::read_to_string(path)?.lines().filter_map(line));
            }
        }
        // The first executions of a statement are planned each, and those of the gateway were long ago.
        let first = ended.iter().map(|(at, _)| *at).min().unwrap_or_default();
        let last = ended.iter().map(|(at, _)| *at).max().unwrap_or_default();
        let begin = first + before.as_micros() as u64;
        let times: Vec<u32> = ended.iter().filter(|(at, _)| *at >= begin).map(|(_, time)| *time).collect();
        if times.is_empty() {
            return Err("pgbench ended nothing in its time".into());
        }
        let mut speed = Speed::of(times, Duration::from_micros(last.saturating_sub(begin).max(1)));
        speed.rate /= rate;
        speed.answers /= rate;
        Ok(speed)
    }
}

/// When a transaction ended and how long it took, in microseconds.
fn line(line: &str) -> Option<(u64, u32)> {
    let numbers: Vec<u64> = line.split(' ').map_while(|field| field.parse().ok()).collect();
    let [_, _, took, _, second, microsecond, ..] = numbers.as_slice() else { return None };
    Some((second * 1_000_000 + microsecond, u32::try_from(*took).ok()?))
}

/// How to reach the database, in a way that other users of the machine cannot read.
fn environment(database: &Config) -> HashMap<&'static str, String> {
    let mut all = HashMap::new();
    if let Some(host) = database.get_hosts().first() {
        all.insert(
            "PGHOST",
            match host {
                tokio_postgres::config::Host::Tcp(name) => name.clone(),
                tokio_postgres::config::Host::Unix(path) => path.display().to_string(),
            },
        );
    }
    all.insert("PGPORT", database.get_ports().first().copied().unwrap_or(5432).to_string());
    all.insert("PGUSER", database.get_user().unwrap_or("postgres").to_owned());
    all.insert("PGDATABASE", database.get_dbname().or(database.get_user()).unwrap_or("postgres").to_owned());
    let password = database.get_password().map(|password| String::from_utf8_lossy(password).into_owned());
    all.extend(password.map(|password| ("PGPASSWORD", password)));
    all
}

impl Script {
    fn new(number: usize, question: &Question, limit: &Limit) -> Option<Self> {
        let mut script = Self { text: String::new(), variables: Vec::new() };
        if question.statements.iter().any(|(_, parameters)| parameters.contains(&Parameter::Patient)) {
            let patients = &limit.patients;
            script.text = format!("\\set id random({}, {})\n", patients.start(), patients.end());
        }
        for (at, (statement, parameters)) in question.statements.iter().enumerate() {
            let few = parameters.len() <= PARAMETERS;
            let filled = filled(&escaped(statement), |index| {
                let constant = match parameters.get(index - 1)? {
                    Parameter::Patient => return Some(":id".to_owned()),
                    Parameter::Constant(value) => value,
                };
                // pgbench has no empty variables.
                let value = text(constant).filter(|text| few && !text.is_empty());
                let Some(value) = value else { return text(constant).map(|text| colons(&literal(&text))) };
                let name = format!("v{number}_{at}_{index}");
                script.variables.push((name.clone(), value));
                Some(format!(":{name}"))
            })?;
            script.text.push_str(&filled);
            script.text.push_str(";\n");
        }
        Some(script)
    }
}

/// A statement without colons in its literals: pgbench takes what follows one as the name of a variable.
pub fn escaped(statement: &str) -> String {
    let mut out = String::with_capacity(statement.len());
    for (number, part) in statement.split('\'').enumerate() {
        if number % 2 == 0 {
            out.push_str(part);
        } else {
            out.push_str(&colons(&format!("'{part}'")));
        }
    }
    out
}

/// A literal whose colons are written as numbers.
fn colons(literal: &str) -> String {
    if literal.contains(':') {
        format!("U&{}", literal.replace('\\', "\\\\").replace(':', "\\003A"))
    } else {
        literal.to_owned()
    }
}

/// Whether a value can be given to pgbench.
pub fn takes(value: &Value) -> bool {
    text(value).is_some_and(|text| !text.contains('\0'))
}
