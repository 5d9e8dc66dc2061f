//! Takes an SQL script apart as it comes.

use std::io::BufRead;
use std::mem;

use super::Error;

/// A statement of the script.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// One to execute, with its end of line.
    Statement(String),
    /// A `COPY … FROM stdin`, without the semicolon. Its rows follow: see [`Script::rows`].
    Copy(String),
}

/// A script that is being read.
pub(super) struct Script<R> {
    source: R,
    /// The table whose rows come next.
    table: Option<String>,
}

impl<R: BufRead> Script<R> {
    pub(super) fn new(source: R) -> Self {
        Self { source, table: None }
    }

    /// The next statement that matters; `None` at the end of the script.
    pub(super) fn next(&mut self) -> Result<Option<Part>, Error> {
        let mut text = Vec::new();
        let mut quote = None;
        loop {
            let start = text.len();
            if self.source.read_until(b'\n', &mut text).map_err(Error::Read)? == 0 {
                let text = utf8(text)?;
                return if text.is_empty() { Ok(None) } else { Err(Error::Unfinished(beginning(&text))) };
            }
            let line = text[start..].trim_ascii();
            // Commands of psql, such as the `\restrict` of recent versions of pg_dump, are not SQL.
            let nothing = line.is_empty() || line.starts_with(b"--") || line.starts_with(b"\\");
            if start == 0 && nothing {
                text.clear();
            } else if ends(line, &mut quote) {
                let statement = utf8(mem::take(&mut text))?;
                if let Some(part) = self.part(statement) {
                    return Ok(Some(part));
                }
            }
        }
    }

    /// Some more rows of the table that [`Part::Copy`] named, about `size` bytes; `None` after the last.
    pub(super) fn rows(&mut self, size: usize) -> Result<Option<Vec<u8>>, Error> {
        let Some(table) = &self.table else { return Ok(None) };
        let mut rows = Vec::with_capacity(size + size / 4);
        while rows.len() < size {
            let start = rows.len();
            if self.source.read_until(b'\n', &mut rows).map_err(Error::Read)? == 0 {
                return Err(Error::Unfinished(beginning(table)));
            }
            if rows[start..].trim_ascii_end() == b"\\." {
                rows.truncate(start);
                self.table = None;
                break;
            }
        }
        Ok((!rows.is_empty()).then_some(rows))
    }

    /// `None` for what concerns only the session of psql; some of it older servers do not know.
    fn part(&mut self, statement: String) -> Option<Part> {
        if statement.starts_with("SET ") || statement.starts_with("SELECT pg_catalog.set_config(") {
            return None;
        }
        match statement.trim_end().strip_suffix(" FROM stdin;") {
            Some(copy) if copy.starts_with("COPY ") => {
                self.table = Some(copy.to_owned());
                Some(Part::Copy(format!("{copy} FROM stdin")))
            }
            _ => Some(Part::Statement(statement)),
        }
    }
}

/// Whether a statement ends with this line, given the quote that is open before it.
fn ends(line: &[u8], quote: &mut Option<u8>) -> bool {
    let mut previous = 0;
    for &byte in line {
        match *quote {
            // A doubled quote closes and opens again, which comes to the same.
            Some(open) if open == byte => *quote = None,
            Some(_) => {}
            None if byte == b'\'' || byte == b'"' => *quote = Some(byte),
            None if byte == b'-' && previous == b'-' => return false,
            None => {}
        }
        previous = byte;
    }
    quote.is_none() && line.ends_with(b";")
}

fn utf8(text: Vec<u8>) -> Result<String, Error> {
    String::from_utf8(text).map_err(|cause| Error::Read(std::io::Error::other(cause)))
}

fn beginning(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().take(80).collect()
}

#[cfg(test)]
#[path = "script/tests.rs"]
mod tests;
