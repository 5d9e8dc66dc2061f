//! Reading the file from its end: what happened last comes first, and no more of the file is in memory than one line.
//!
//! A page ends after so many records, or after so many bytes, whatever was found in them: a filter that hardly any record
//! passes keeps nobody for ever. The file is read while it is written: what has no end of line yet is not there yet.

use std::{
    fs,
    io::{self, Read, Seek, SeekFrom},
    path::Path,
};

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::chain::Line;

/// Bytes that are read at a time.
const PIECE: usize = 64 << 10;
/// Bytes of a line at most; one that is longer counts as one that cannot be read.
const LONGEST: usize = 4 << 20;
/// Bytes that are read for a page, more or less.
const BUDGET: u64 = 16 << 20;
/// Bytes from the start of a file by which it is told from the one that has its name after it was rotated away: in its
/// first record stand the hash of the one before and the time.
const MARK: u64 = 512;
/// Places of lines that cannot be read, for one page.
const PLACES: usize = 5;

/// Where a page ends and the next begins. It holds as long as the file does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// What the file begins with.
    mark: String,
    /// All before this byte is still to be read.
    before: u64,
    /// It is in the middle of a line that is too long.
    within: bool,
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} {}", self.before, self.within, self.mark)
    }
}

impl std::str::FromStr for Position {
    type Err = Unread;

    fn from_str(text: &str) -> Result<Self, Unread> {
        let mut parts = text.splitn(3, ' ');
        let before = parts.next().and_then(|text| text.parse().ok());
        let within = parts.next().and_then(|text| text.parse().ok());
        match (before, within, parts.next()) {
            (Some(before), Some(within), Some(mark)) => Ok(Self { mark: mark.to_owned(), before, within }),
            _ => Err(Unread::Changed),
        }
    }
}

/// A record of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Number in the chain.
    pub sequence: u64,
    /// Its hash, in 64 hexadecimal digits.
    pub hash: String,
    /// The AuditEvent.
    pub event: Map<String, Value>,
}

/// What was read for a page.
#[derive(Debug, Default, PartialEq)]
pub struct Page {
    /// Records, newest first.
    pub records: Vec<Record>,
    /// How many lines could not be read as records.
    pub broken: u64,
    /// At which bytes of the file the first of these lines begin.
    pub places: Vec<u64>,
    /// Where to go on; none at the start of the file.
    pub next: Option<Position>,
}

/// Why nothing was read.
#[derive(Debug)]
pub enum Unread {
    /// The file is a pipe or a device, of which nobody can read what was written.
    NoFile,
    /// It is another file than the position is of: it was rotated.
    Changed,
    /// The operating system refuses.
    Failed(io::Error),
}

impl From<io::Error> for Unread {
    fn from(error: io::Error) -> Self {
        Self::Failed(error)
    }
}

/// Reads a page of at most `most` records that are `wanted`, newest first. It blocks.
///
/// # Errors
/// There is no such file, it cannot be read, or it is not the one that the position is of.
pub fn page(
    path: &Path,
    from: Option<&Position>,
    most: usize,
    wanted: impl Fn(&Map<String, Value>) -> bool,
) -> Result<Page, Unread> {
    // Opening a pipe would wait for whoever writes to it.
    if !fs::metadata(path)?.is_file() {
        return Err(Unread::NoFile);
    }
    let file = fs::File::open(path)?;
    let length = file.metadata()?.len();
    read(file, length, from, most, BUDGET, wanted)
}

fn read(
    mut file: impl Read + Seek,
    length: u64,
    from: Option<&Position>,
    most: usize,
    budget: u64,
    wanted: impl Fn(&Map<String, Value>) -> bool,
) -> Result<Page, Unread> {
    let mark = mark(&mut file, from.map_or(length, |from| marked(&from.mark)), length)?;
    let mut lines = match from {
        None => Backwards::new(file, length, budget),
        Some(from) if from.mark == mark => Backwards::from(file, length, from, budget)?,
        Some(_) => return Err(Unread::Changed),
    };
    let mut page = Page::default();
    if from.is_none() {
        // What has no end yet, or nothing.
        lines.next()?;
    }
    while page.records.len() < most {
        let Some((place, line)) = lines.next()? else { break };
        match line.as_deref().and_then(record) {
            Some(record) if wanted(&record.event) => page.records.push(record),
            Some(_) => {}
            None => {
                page.broken += 1;
                if page.places.len() < PLACES {
                    page.places.push(place);
                }
            }
        }
    }
    page.next = lines.position().map(|(before, within)| Position { mark, before, within });
    Ok(page)
}

/// The record of a line; none when it is no line of the chain, or holds no AuditEvent.
fn record(line: &[u8]) -> Option<Record> {
    let Line { link, event, .. } = Line::read(line)?;
    let event: Map<String, Value> = serde_json::from_slice(event).ok()?;
    let is_event = event.get("resourceType").is_some_and(|kind| kind == "AuditEvent");
    is_event.then_some(Record { sequence: link.sequence, hash: link.hash, event })
}

/// What the file begins with: how many bytes, and their hash.
fn mark(file: &mut (impl Read + Seek), bytes: u64, length: u64) -> io::Result<String> {
    let bytes = bytes.min(length).min(MARK);
    let mut start = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.by_ref().take(bytes).read_to_end(&mut start)?;
    Ok(format!("{bytes}:{:x}", Sha256::digest(&start)))
}

/// How many bytes a mark is made of.
fn marked(mark: &str) -> u64 {
    mark.split(':').next().and_then(|bytes| bytes.parse().ok()).unwrap_or_default()
}

/// The lines of a file, from the last to the first.
struct Backwards<F> {
    file: F,
    /// Where `read` begins in the file.
    start: u64,
    /// What was read of the file and not given out. The end of its last line is not in it.
    read: Vec<u8>,
    /// No more lines are there.
    ended: bool,
    /// The last line of `read` is the rest of one that is too long.
    within: bool,
    /// Bytes that may still be read.
    left: u64,
}

impl<F: Read + Seek> Backwards<F> {
    fn new(file: F, length: u64, budget: u64) -> Self {
        Self { file, start: length, read: Vec::new(), ended: length == 0, within: false, left: budget }
    }

    /// From where a page before ended.
    fn from(file: F, length: u64, from: &Position, budget: u64) -> Result<Self, Unread> {
        if from.before > length {
            return Err(Unread::Changed);
        }
        let mut lines = Self { within: from.within, ..Self::new(file, from.before, budget) };
        if !from.within {
            // The end of the line before stands there, or it is another file.
            lines.piece(1)?;
            if lines.read.pop() != Some(b'\n') {
                return Err(Unread::Changed);
            }
        }
        Ok(lines)
    }

    /// The line before, and where it begins: none of its bytes when it is too long. Nothing at the start of the file, and
    /// when enough was read.
    fn next(&mut self) -> io::Result<Option<(u64, Option<Vec<u8>>)>> {
        let mut seen = 0;
        while !self.ended {
            let unseen = self.read.len() - seen;
            let end = self.read[..unseen].iter().rposition(|byte| *byte == b'\n');
            if end.is_some() || self.start == 0 {
                let from = end.map_or(0, |end| end + 1);
                let line = self.read.split_off(from);
                self.read.truncate(end.unwrap_or_default());
                self.ended = end.is_none();
                let long = std::mem::take(&mut self.within) || line.len() > LONGEST;
                return Ok(Some((self.start + from as u64, (!long).then_some(line))));
            }
            if self.within || self.read.len() > LONGEST {
                self.read.clear();
                self.within = true;
            }
            if self.left == 0 {
                return Ok(None);
            }
            seen = self.read.len();
            self.piece(PIECE.max(seen))?;
        }
        Ok(None)
    }

    /// Puts up to that many bytes of the file before those that were read.
    fn piece(&mut self, bytes: usize) -> io::Result<()> {
        let bytes = (bytes as u64).min(self.start);
        self.start -= bytes;
        self.left = self.left.saturating_sub(bytes);
        let mut read = Vec::new();
        self.file.seek(SeekFrom::Start(self.start))?;
        self.file.by_ref().take(bytes).read_to_end(&mut read)?;
        if read.len() as u64 != bytes {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        read.append(&mut self.read);
        self.read = read;
        Ok(())
    }

    /// Where to go on, and whether that is in the middle of a line that is too long.
    fn position(&self) -> Option<(u64, bool)> {
        let end = self.start + self.read.len() as u64;
        // The end of the line that comes next is not among what was read.
        (!self.ended).then_some((end + u64::from(!self.within), self.within))
    }
}

#[cfg(test)]
mod tests;
