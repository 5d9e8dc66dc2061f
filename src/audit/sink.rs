//! Where the lines go.

use std::{
    io::{self, Write as _},
    path::PathBuf,
};

use super::{
    chain::{Link, Seal, Torn},
    file::File,
    syslog::{Receiver, Syslog},
};

/// Where records go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// Lines at the end of a file.
    File {
        /// The file.
        path: PathBuf,
        /// When they are on disk.
        sync: Sync,
    },
    /// Lines on standard output.
    Stdout,
    /// Messages of the syslog protocol.
    Syslog(Receiver),
}

/// When lines of a file are on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sync {
    /// Before the answer leaves.
    Always,
    /// When the operating system thinks fit.
    System,
}

impl Destination {
    /// Patients in one record at most. A message must fit into a datagram, and most receivers cut at eight thousand bytes.
    pub(super) fn patients(&self) -> usize {
        match self {
            Self::File { .. } | Self::Stdout => 500,
            Self::Syslog(_) => 20,
        }
    }
}

/// A destination that is open.
pub(super) enum Sink {
    File(File),
    /// Whether its last line was not written to its end.
    Stdout(bool),
    Syslog(Syslog),
}

/// What an open destination begins with.
pub(super) struct Begun {
    pub sink: Sink,
    /// The last line.
    pub last: Link,
    /// How it goes on, in a sentence.
    pub how: String,
}

impl Sink {
    pub(super) fn open(destination: &Destination, seal: &Seal) -> io::Result<Begun> {
        let fresh = |sink| Begun { sink, last: Link::default(), how: "a new chain".to_owned() };
        match destination {
            Destination::File { path, sync } => File::open(path, *sync, seal),
            Destination::Stdout => Ok(fresh(Self::Stdout(false))),
            Destination::Syslog(receiver) => Ok(fresh(Self::Syslog(Syslog::open(receiver)?))),
        }
    }

    /// Writes lines, each with its end: how many were taken, and what was wrong with the next.
    pub(super) fn write(&mut self, lines: &[u8], ends: &[usize]) -> (usize, Option<io::Error>) {
        let all = |written: io::Result<()>| match written {
            Ok(()) => (ends.len(), None),
            Err(error) => (0, Some(error)),
        };
        match self {
            Self::File(file) => all(file.append(lines)),
            Self::Stdout(torn) => {
                let mut out = io::stdout().lock();
                let end = if std::mem::replace(torn, true) { &b"\n"[..] } else { b"" };
                let written =
                    out.write_all(end).and_then(|()| out.write_all(lines)).and_then(|()| out.flush());
                *torn = written.is_err();
                all(written)
            }
            Self::Syslog(syslog) => {
                let mut start = 0;
                for (taken, end) in ends.iter().enumerate() {
                    if let Err(error) = syslog.send(lines[start..*end].trim_ascii_end()) {
                        return (taken, Some(error));
                    }
                    start = *end;
                }
                (ends.len(), None)
            }
        }
    }

    /// What was written in part since the last whole line; the next line must tell.
    pub(super) fn torn(&self) -> Option<Torn> {
        match self {
            Self::File(file) => file.torn(),
            Self::Stdout(_) | Self::Syslog(_) => None,
        }
    }

    /// Opens the file anew when another one has its name; tells whether it did.
    pub(super) fn reopen(&mut self) -> io::Result<bool> {
        match self {
            Self::File(file) => file.reopen(),
            Self::Stdout(_) | Self::Syslog(_) => Ok(false),
        }
    }

    /// The file has no name any more: what is written is lost.
    pub(super) fn is_gone(&self) -> bool {
        matches!(self, Self::File(file) if file.is_gone())
    }
}
