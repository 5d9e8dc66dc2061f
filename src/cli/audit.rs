//! `audit`: the trail from outside, and opening it for `serve`.

use std::{
    fs::{self, File},
    io::{self, BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use clap::Subcommand;
use serde_json::Value;

use super::Failure;
use crate::{
    audit::{self, Destination, Link, Receiver, Seal, Trail, verify::Walk},
    config::{Audit, AuditFailure, AuditSync, Config, Problem},
};

/// Bytes of a key at least.
const KEY: usize = 32;

/// Arguments of `audit`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Verify the chain of audit files: that no record was removed, changed or moved.
    #[command(after_help = "Exit status: 0 the chain holds, 1 it is broken or a file cannot be read.")]
    Verify {
        /// The files, oldest first; not compressed.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// File with the key of the chain (`audit_key_file`).
        #[arg(long, value_name = "FILE")]
        key_file: Option<PathBuf>,
        /// A record that was noted elsewhere, as this command prints the last one: it must be in the files.
        #[arg(long, value_name = "NUMBER:HASH")]
        holds: Option<Link>,
    },
    /// Print records in lines for people. It does not verify them.
    Show {
        /// The files, oldest first; not compressed.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// Only what is about this patient.
        #[arg(long, value_name = "ID")]
        patient: Option<String>,
        /// Only what this user did, or somebody who tried this login.
        #[arg(long, value_name = "LOGIN")]
        login: Option<String>,
    },
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    match &arguments.what {
        What::Verify { files, key_file, holds } => verify(files, key_file.as_deref(), holds.clone()),
        What::Show { files, patient, login } => {
            let patient = patient.as_ref().map(|id| format!("Patient/{}", id.trim_start_matches("Patient/")));
            match show(files, patient.as_deref(), login.as_deref()) {
                // `| head`
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
                shown => shown.map_err(Failure::from),
            }
        }
    }
}

/// Opens the trail that is configured.
pub fn trail(config: &Config) -> Result<Option<Arc<Trail>>, Problem> {
    let destination = match config.audit {
        Audit::None => return Ok(None),
        Audit::Stdout => Destination::Stdout,
        Audit::File => Destination::File {
            path: config.audit_file.clone(),
            sync: match config.audit_sync {
                AuditSync::Always => audit::Sync::Always,
                AuditSync::System => audit::Sync::System,
            },
        },
        Audit::Syslog => Destination::Syslog(match config.audit_syslog.parse() {
            Ok(address) => Receiver::Udp(address),
            Err(_) if config.audit_syslog.starts_with('/') => Receiver::Socket((&config.audit_syslog).into()),
            Err(_) => {
                return Err(Problem::new(
                    "audit_syslog is neither the path of a socket, such as /dev/log, nor an address with a port",
                ));
            }
        }),
    };
    let key = config.audit_key_file.as_deref().map(key).transpose()?;
    let options = audit::Options {
        destination,
        key,
        on_failure: match config.audit_on_failure {
            AuditFailure::Stop => audit::Failure::Stop,
            AuditFailure::Continue => audit::Failure::Continue,
        },
        site: config.site.as_str().to_owned(),
    };
    let place = match &options.destination {
        Destination::File { path, .. } => path.display().to_string(),
        Destination::Stdout => "standard output".to_owned(),
        Destination::Syslog(_) => config.audit_syslog.clone(),
    };
    match Trail::open(options) {
        Ok(trail) => Ok(Some(trail)),
        Err(error) => Err(Problem::new(format!("the audit trail cannot be opened at {place}: {error}"))),
    }
}

/// The key in a file, without the end of its line.
fn key(path: &Path) -> Result<Vec<u8>, Problem> {
    let read = fs::read(path)
        .map_err(|error| Problem::new(format!("{}: the key cannot be read: {error}", path.display())))?;
    let key = read.strip_suffix(b"\n").unwrap_or(&read);
    if key.len() < KEY {
        return Err(Problem::new(format!("{}: the key is shorter than {KEY} bytes", path.display())));
    }
    Ok(key.to_vec())
}

fn open(path: &Path) -> io::Result<BufReader<File>> {
    let told = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    File::open(path).map(|file| BufReader::with_capacity(1 << 20, file)).map_err(told)
}

fn verify(files: &[PathBuf], key_file: Option<&Path>, holds: Option<Link>) -> Result<(), Failure> {
    let key = key_file.map(key).transpose()?;
    let mut walk = Walk::new(Seal::new(key.as_deref()), holds);
    for path in files {
        let name = path.display().to_string();
        if let Err(broken) = walk.file(&name, open(path)?)? {
            return Err(Failure(vec![format!("{name}:{}: {}", broken.line, broken.what)]));
        }
    }
    for note in &walk.notes {
        println!("note: {note}");
    }
    let records = walk.records;
    match walk.end() {
        Ok(Some(last)) => println!("{records} records, the chain holds; the last one is {last}"),
        Ok(None) => println!("no records"),
        Err(missing) => return Err(Failure(vec![missing])),
    }
    Ok(())
}

fn show(files: &[PathBuf], patient: Option<&str>, login: Option<&str>) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for path in files {
        for line in open(path)?.lines() {
            let Ok(record) = serde_json::from_str::<Value>(&line?) else {
                writeln!(out, "(a line that is no record)")?;
                continue;
            };
            let event = &record["event"];
            let agent = &event["agent"][0];
            let none = Vec::new();
            let entities = event["entity"].as_array().unwrap_or(&none);
            let about: Vec<_> =
                entities.iter().filter_map(|entity| entity["what"]["reference"].as_str()).collect();
            let unwanted = patient.is_some_and(|patient| !about.contains(&patient))
                || login.is_some_and(|login| agent["altId"] != login);
            if unwanted {
                continue;
            }
            let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
            let query = entities.iter().find_map(|entity| STANDARD.decode(entity["query"].as_str()?).ok());
            let query = query.map(|query| String::from_utf8_lossy(&query).into_owned());
            let what = &event["subtype"][0];
            // What a client sent must not command a terminal.
            let line = format!(
                "{} {} {} {} {} {} {} {}",
                record["seq"],
                text(&event["recorded"]),
                text(&agent["altId"]),
                text(&agent["network"]["address"]),
                what["display"].as_str().or(what["code"].as_str()).unwrap_or("-"),
                text(&event["outcomeDesc"]),
                query.as_deref().unwrap_or("-"),
                about.join(","),
            );
            writeln!(out, "{}", line.replace(char::is_control, "?").trim_end())?;
        }
    }
    Ok(())
}
