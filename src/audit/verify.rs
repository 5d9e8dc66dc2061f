//! Verifying the chain of one or more files, in the order in which they were written.

use std::io::{self, BufRead};

use super::{
    chain::{Line, Link, Seal, Torn},
    event,
};

/// Something that should not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Line of the file, from 1.
    pub line: u64,
    /// What is wrong, in a sentence.
    pub what: String,
}

/// A walk along the chain.
#[derive(Debug)]
pub struct Walk {
    seal: Seal,
    /// The last line.
    last: Option<Link>,
    /// Whether the program began or ended with it.
    before: Option<bool>,
    /// A line that must be there.
    wanted: Option<Link>,
    /// Lines that were right.
    pub records: u64,
    /// What is worth knowing though nothing is broken.
    pub notes: Vec<String>,
}

impl Walk {
    /// A walk over lines that are sealed so; `wanted` is a line that must be among them.
    pub fn new(seal: Seal, wanted: Option<Link>) -> Self {
        Self { seal, last: None, before: None, wanted, records: 0, notes: Vec::new() }
    }

    /// Goes through the next file: `name` is for the notes.
    ///
    /// # Errors
    /// The first place where the chain is broken, as the inner error.
    pub fn file(&mut self, name: &str, mut file: impl BufRead) -> io::Result<Result<(), Broken>> {
        let (mut number, mut bytes) = (0, Vec::new());
        // What may have been torn: its first line, and all of it.
        let mut torn: Option<(u64, Vec<u8>)> = None;
        loop {
            bytes.clear();
            if file.read_until(b'\n', &mut bytes)? == 0 {
                break;
            }
            number += 1;
            let line = bytes.strip_suffix(b"\n");
            let read = line.filter(|line| self.seal.holds(line)).and_then(Line::read);
            let Some(read) = read else {
                if let Some(line) = line
                    && Line::read(line).is_some_and(|_| !self.seal.fits(line))
                {
                    let what = match self.seal {
                        Seal::Hash => "the line is sealed with a key: give it with --key-file",
                        Seal::Keyed(_) => "the line is not sealed with a key",
                    };
                    return Ok(Err(Broken { line: number, what: what.to_owned() }));
                }
                let (_, all) = torn.get_or_insert((number, Vec::new()));
                all.extend_from_slice(&bytes);
                continue;
            };
            if let Some((first, all)) = torn.take() {
                // The end of the line before the mark was written with the mark.
                let expected = Torn::of(all.strip_suffix(b"\n").unwrap_or(&all));
                if read.torn.as_ref() != Some(&expected) {
                    return Ok(Err(self.changed(first, &all)));
                }
                self.notes.push(format!(
                    "{name}:{first}: {} bytes of records that were not written to their end (a crash or a full disk); \
                     record {} says so",
                    expected.bytes, read.link.sequence
                ));
            } else if read.torn.is_some() {
                let what = format!(
                    "record {} tells of bytes before it that were not written to their end: they are not there",
                    read.link.sequence
                );
                return Ok(Err(Broken { line: number, what }));
            }
            if let Some(what) = self.follows(&read) {
                return Ok(Err(Broken { line: number, what }));
            }
            if self.last.is_none() && read.link.sequence > 1 {
                self.notes.push(format!(
                    "{name}: the first record is {}; those before it are in older files",
                    read.link.sequence
                ));
            }
            if let Some(wanted) = self.wanted.take_if(|wanted| wanted.sequence == read.link.sequence)
                && wanted != read.link
            {
                let what = format!("record {} is another one: expected {wanted}", read.link);
                return Ok(Err(Broken { line: number, what }));
            }
            let began = event::began(read.event);
            if began == Some(true) && self.last.is_some() && self.before != Some(false) {
                self.notes.push(format!(
                    "{name}:{number}: record {}: the program began and had not ended in order before: it was killed, or its \
                     last records are missing",
                    read.link.sequence
                ));
            }
            self.before = began;
            self.records += 1;
            self.last = Some(read.link);
        }
        match torn {
            Some((first, all)) if all.ends_with(b"\n") => Ok(Err(self.changed(first, &all))),
            Some((first, all)) => {
                self.notes.push(format!(
                    "{name}:{first}: the last line has no end ({} bytes): it is being written, or was when the machine stopped",
                    all.len()
                ));
                Ok(Ok(()))
            }
            None => Ok(Ok(())),
        }
    }

    /// Ends the walk: the last line.
    ///
    /// # Errors
    /// A line that must be there is not.
    pub fn end(self) -> Result<Option<Link>, String> {
        match self.wanted {
            Some(wanted) => Err(format!("record {wanted} is not there")),
            None => Ok(self.last),
        }
    }

    /// What is wrong with the place of a line, if it is.
    fn follows(&self, line: &Line<'_>) -> Option<String> {
        let Line { link, previous, .. } = line;
        match &self.last {
            Some(last) if link.sequence != last.sequence + 1 => {
                Some(format!("expected record {}, found record {}", last.sequence + 1, link.sequence))
            }
            Some(last) if *previous != last.hash => Some(format!(
                "record {} follows another record {} than the one before it: expected {}, found {previous}",
                link.sequence, last.sequence, last.hash
            )),
            None if link.sequence == 1 && *previous != Link::default().hash => Some(format!(
                "record 1 follows something: expected {}, found {previous}",
                Link::default().hash
            )),
            _ => None,
        }
    }

    fn changed(&self, line: u64, bytes: &[u8]) -> Broken {
        let first = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let expected = self.last.as_ref().map_or(1, |last| last.sequence + 1);
        let what = match Line::read(first) {
            Some(read) => format!(
                "record {} was changed: its contents do not have the hash that it holds, {}",
                read.link.sequence, read.link.hash
            ),
            None => format!("expected record {expected}, found a line that is none"),
        };
        Broken { line, what }
    }
}

#[cfg(test)]
mod tests {
    use super::{Broken, Link, Seal, Walk};
    use crate::audit::chain::Torn;

    fn lines(count: u64) -> Vec<Vec<u8>> {
        let mut last = Link::default();
        let line = |number| {
            let mut out = Vec::new();
            Seal::Hash.line(&mut out, &mut last, None, format!("{{\"a\":{number}}}").as_bytes());
            out
        };
        (1..=count).map(line).collect()
    }

    fn walk(files: &[&[Vec<u8>]]) -> Result<(u64, usize), Broken> {
        let mut walk = Walk::new(Seal::Hash, None);
        for file in files {
            walk.file("f", &file.concat()[..]).unwrap()?;
        }
        Ok((walk.records, walk.notes.len()))
    }

    #[test]
    fn what_was_done_to_the_chain_is_found_where_it_was_done() {
        let whole = lines(6);
        assert_eq!(walk(&[&whole]), Ok((6, 0)));
        assert_eq!(walk(&[&whole[..2], &whole[2..]]), Ok((6, 0)), "rotated");
        assert_eq!(walk(&[&whole[2..]]), Ok((4, 1)), "older files are elsewhere");
        let broken = |lines: &[Vec<u8>]| walk(&[lines]).unwrap_err();
        for at in 1..5 {
            let mut some = whole.clone();
            some.remove(at);
            let found = broken(&some);
            assert_eq!(found.line, at as u64 + 1);
            assert_eq!(found.what, format!("expected record {}, found record {}", at + 1, at + 2));
            let mut some = whole.clone();
            some.swap(at, at + 1);
            assert_eq!(broken(&some).line, at as u64 + 1);
            let mut some = whole.clone();
            let place = some[at].windows(3).position(|three| three == b"\"a\"").unwrap() + 4;
            some[at][place] ^= 1;
            let found = broken(&some);
            assert_eq!(found.line, at as u64 + 1);
            assert!(found.what.starts_with(&format!("record {} was changed", at + 1)), "{found:?}");
        }
        let mut doubled = whole.clone();
        doubled.insert(3, whole[2].clone());
        assert_eq!(broken(&doubled).line, 4);
        let mut strange = whole.clone();
        strange.insert(2, b"INFO something else\n".to_vec());
        assert_eq!(broken(&strange).what, "expected record 3, found a line that is none");
        assert!(walk(&[&whole[3..], &whole[..3]]).is_err(), "files in the wrong order");
        assert!(walk(&[&whole[..2], &whole[3..]]).is_err(), "a file between them is missing");
    }

    #[test]
    fn a_tail_that_was_cut_off_is_found_by_a_record_that_was_noted() {
        let whole = lines(6);
        let mut last = Link::default();
        for number in 1..=5 {
            Seal::Hash.line(&mut Vec::new(), &mut last, None, format!("{{\"a\":{number}}}").as_bytes());
        }
        let wanted = |lines: &[Vec<u8>]| {
            let mut walk = Walk::new(Seal::Hash, Some(last.clone()));
            walk.file("f", &lines.concat()[..]).unwrap().map_err(|broken| broken.what)?;
            walk.end()
        };
        assert!(wanted(&whole).is_ok() && wanted(&whole[..5]).is_ok());
        assert!(wanted(&whole[..4]).unwrap_err().ends_with("is not there"));
    }

    #[test]
    fn half_a_line_is_a_note_only_where_the_next_record_knows_it() {
        let (mut out, mut last) = (Vec::new(), Link::default());
        Seal::Hash.line(&mut out, &mut last, None, b"{}");
        let half = b"{\"seq\":2,\"pre";
        let before = [&out[..], half].concat();
        let mut walk = Walk::new(Seal::Hash, None);
        assert_eq!(walk.file("f", &before[..]).unwrap(), Ok(()));
        assert_eq!(walk.notes.len(), 1);
        let known = last.clone();
        for (torn, fine) in [(Some(Torn::of(half)), true), (Some(Torn::of(b"other")), false), (None, false)] {
            let mut all = [&before[..], b"\n"].concat();
            Seal::Hash.line(&mut all, &mut known.clone(), torn.as_ref(), b"{}");
            let mut walk = Walk::new(Seal::Hash, None);
            assert_eq!(walk.file("f", &all[..]).unwrap().is_ok(), fine);
        }
        let mut all = out.clone();
        Seal::Hash.line(&mut all, &mut last.clone(), Some(&Torn::of(half)), b"{}");
        let mut walk = Walk::new(Seal::Hash, None);
        assert_eq!(walk.file("f", &all[..]).unwrap().unwrap_err().line, 2, "the half line was removed");
    }

    #[test]
    fn a_chain_with_a_key_needs_it() {
        let seal = Seal::new(Some(b"a key"));
        let (mut out, mut last) = (Vec::new(), Link::default());
        seal.line(&mut out, &mut last, None, b"{}");
        let told = |seal| Walk::new(seal, None).file("f", &out[..]).unwrap();
        assert_eq!(told(seal), Ok(()));
        assert!(told(Seal::Hash).unwrap_err().what.contains("--key-file"));
        assert!(told(Seal::new(Some(b"another"))).unwrap_err().what.contains("was changed"));
    }
}
