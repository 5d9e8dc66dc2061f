//! Why there is no demo hospital, in sentences that say what to do about it.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why the private PostgreSQL of the demo could not be had.
#[derive(Debug)]
pub enum Error {
    /// No PostgreSQL server on this machine.
    NothingInstalled,
    /// This build of the gateway carries no PostgreSQL.
    NothingCarried,
    /// Neither the machine's own PostgreSQL nor the carried one started; the reasons in this order.
    Neither(Box<Error>, Box<Error>),
    /// Running as root, and no account to drop to.
    NoAccount,
    /// Running as root, and the account to drop to cannot enter the folder.
    Unreachable(PathBuf),
    /// The folder for temporary files is on a disk from which no programs may be run.
    NoPrograms(PathBuf),
    /// The folder of `--keep` holds something else.
    NotOurs(PathBuf),
    /// The folder of `--keep` was made with a PostgreSQL that is not at hand; what it needs.
    OtherPostgres(PathBuf, String),
    /// A file or folder could not be used; what was done with it.
    File(&'static str, PathBuf, io::Error),
    /// A program could not be run.
    Program(PathBuf, io::Error),
    /// The server ended before it answered; the end of its log.
    Ended(String),
    /// The server runs but did not answer in time; the last refusal.
    Silent(String),
    /// The server refused what the demo needs.
    Refused(tokio_postgres::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NothingInstalled => f.write_str(
                "there is no PostgreSQL server (12 or newer) on this machine: none in PATH nor where packages put it; \
                 install one, or use the one that this program carries",
            ),
            Self::NothingCarried => f.write_str(
                "this build of gnuhealth-fhir carries no PostgreSQL for this platform; install a PostgreSQL server \
                 (12 or newer), its programs are found in PATH and where packages put them",
            ),
            Self::Neither(local, carried) => {
                write!(f, "the machine's PostgreSQL did not start: {local}; nor did the carried one: {carried}")
            }
            Self::NoAccount => f.write_str(
                "PostgreSQL does not run as root, and neither `postgres` nor `nobody` is a user of this machine; \
                 run the demo as another user",
            ),
            Self::Unreachable(folder) => write!(
                f,
                "PostgreSQL does not run as root, and the account it runs under instead cannot enter {}; choose a \
                 folder that others may enter, such as one under /var/tmp, or run the demo as another user",
                folder.display()
            ),
            Self::NoPrograms(folder) => write!(
                f,
                "programs cannot be run from {}, where the carried PostgreSQL would be unpacked; set TMPDIR to a folder \
                 on a disk that is not mounted with noexec, or install a PostgreSQL server",
                folder.display()
            ),
            Self::NotOurs(folder) => write!(
                f,
                "{} is not empty and was not made by the demo; choose a new or an empty folder",
                folder.display()
            ),
            Self::OtherPostgres(folder, needed) => write!(
                f,
                "the data in {} needs {needed}, which is not at hand; install it, or choose a new folder",
                folder.display()
            ),
            Self::File(what, path, cause) => write!(f, "cannot {what} {}: {cause}", path.display()),
            Self::Program(path, cause) => write!(f, "cannot run {}: {cause}", path.display()),
            Self::Ended(log) => write!(f, "PostgreSQL ended before it was ready; its last words: {log}"),
            Self::Silent(cause) => write!(f, "PostgreSQL started but does not answer: {cause}"),
            Self::Refused(cause) => write!(f, "PostgreSQL refused to prepare the demo: {cause}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::File(_, _, cause) | Self::Program(_, cause) => Some(cause),
            Self::Refused(cause) => Some(cause),
            _ => None,
        }
    }
}
