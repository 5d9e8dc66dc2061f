//! The PostgreSQL servers installed on this machine.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The oldest major version that serves; what Tryton supports.
const OLDEST: u32 = 12;

/// Where packages put server programs that are not in PATH; `*` stands for any run of characters in one name.
const PLACES: [&str; 11] = [
    "/usr/lib/postgresql/*/bin",                      // Debian, Ubuntu
    "/usr/pgsql-*/bin",                               // packages of the PostgreSQL project for RPM systems
    "/usr/lib/postgresql*/bin",                       // openSUSE
    "/usr/libexec/postgresql*",                       // Alpine
    "/usr/local/pgsql/bin",                           // built from source
    "/usr/local/lib/postgresql/bin",                  // the container image for Alpine
    "/opt/homebrew/opt/postgresql*/bin",              // Homebrew on Apple silicon
    "/usr/local/opt/postgresql*/bin",                 // Homebrew on Intel
    "/home/linuxbrew/.linuxbrew/opt/postgresql*/bin", // Homebrew on Linux
    "/opt/local/lib/postgresql*/bin",                 // MacPorts
    "/Applications/Postgres.app/Contents/Versions/*/bin",
];

/// The programs of one PostgreSQL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Programs {
    /// Where `initdb` and `postgres` are.
    pub(super) folder: PathBuf,
    /// For example `15.18`.
    pub(super) version: String,
}

impl Programs {
    /// The part of the version that data directories depend on.
    pub(super) fn major(&self) -> Option<u32> {
        major(&self.version)
    }
}

/// The newest PostgreSQL server of this machine, or the newest of one major version.
pub(super) fn newest(wanted: Option<u32>) -> Option<Programs> {
    let in_path =
        env::var_os("PATH").map(|path| env::split_paths(&path).collect::<Vec<_>>()).unwrap_or_default();
    let places = PLACES.iter().flat_map(|pattern| matching(pattern));
    choose(in_path.into_iter().chain(configured()).chain(places), wanted)
}

/// Among equals the earliest wins.
fn choose(folders: impl Iterator<Item = PathBuf>, wanted: Option<u32>) -> Option<Programs> {
    let mut best: Option<(Vec<u32>, Programs)> = None;
    for folder in folders {
        let Some(found) = programs(folder) else { continue };
        let Some(major) = found.major() else { continue };
        if major < OLDEST || wanted.is_some_and(|wanted| wanted != major) {
            continue;
        }
        let key = numbers(&found.version);
        if best.as_ref().is_none_or(|(other, _)| *other < key) {
            best = Some((key, found));
        }
    }
    best.map(|(_, programs)| programs)
}

fn programs(folder: PathBuf) -> Option<Programs> {
    let server = folder.join("postgres");
    if !server.is_file() || !folder.join("initdb").is_file() {
        return None;
    }
    let version = version(&said(&server, "--version")?)?;
    Some(Programs { folder, version })
}

/// Where `pg_config` says that the programs are: it is in PATH where they are not.
fn configured() -> Option<PathBuf> {
    said("pg_config".as_ref(), "--bindir").map(|folder| PathBuf::from(folder.trim()))
}

fn said(program: &Path, argument: &str) -> Option<String> {
    let output = Command::new(program).arg(argument).output().ok()?;
    output.status.success().then_some(())?;
    String::from_utf8(output.stdout).ok()
}

/// From `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`.
fn version(said: &str) -> Option<String> {
    let (_, rest) = said.split_once("(PostgreSQL) ")?;
    rest.split_whitespace().next().map(str::to_owned)
}

fn major(version: &str) -> Option<u32> {
    numbers(version).first().copied()
}

fn numbers(version: &str) -> Vec<u32> {
    // `19beta1` counts as 19.
    let digits = |part: &str| part.chars().take_while(char::is_ascii_digit).collect::<String>();
    version.split('.').map_while(|part| digits(part).parse().ok()).collect()
}

fn matching(pattern: &str) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::from("/")];
    for name in pattern.split('/').filter(|name| !name.is_empty()) {
        found = match name.split_once('*') {
            None => found.into_iter().map(|folder| folder.join(name)).collect(),
            Some((start, end)) => found.iter().flat_map(|folder| children(folder, start, end)).collect(),
        };
    }
    found
}

fn children(folder: &Path, start: &str, end: &str) -> Vec<PathBuf> {
    let fits =
        |name: &OsStr| name.to_str().is_some_and(|name| name.starts_with(start) && name.ends_with(end));
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter(|entry| fits(&entry.file_name())).map(|entry| entry.path()).collect()
}

#[cfg(test)]
#[path = "local/tests.rs"]
mod tests;
