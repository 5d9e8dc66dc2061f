//! The chain: each line holds its number, the hash of the line before, and its own.
//!
//! ```text
//! {"seq":7,"prev":"<64 digits>","event":{…},"hash":"<64 digits>"}
//! ```
//!
//! The hash is SHA-256 of the bytes of the line before `,"hash":`, so nobody needs to agree on a form of JSON; with a key
//! it is HMAC-SHA-256 and stands in `hmac`.

use std::fmt::Write as _;

use hmac::{Hmac, Mac as _};
use sha2::{Digest as _, Sha256};

/// Bytes behind the hashed part of a line: `,"hash":"…"}`.
const END: usize = 9 + 64 + 2;

/// A line of the chain, as the next one refers to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Number, from 1.
    pub sequence: u64,
    /// Hash, in 64 hexadecimal digits.
    pub hash: String,
}

impl Default for Link {
    /// Before the first line.
    fn default() -> Self {
        Self { sequence: 0, hash: "0".repeat(64) }
    }
}

impl std::fmt::Display for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.sequence, self.hash)
    }
}

impl std::str::FromStr for Link {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = text.split_once(':').and_then(|(sequence, hash)| Some((sequence.parse().ok()?, hash)));
        match found {
            Some((sequence, hash)) if is_hash(hash.as_bytes()) => {
                Ok(Self { sequence, hash: hash.to_owned() })
            }
            _ => Err("expected the number of a record, a colon and its hash of 64 digits".to_owned()),
        }
    }
}

/// Bytes of a line that was not written to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Torn {
    /// How many.
    pub bytes: u64,
    /// Their SHA-256.
    pub hash: String,
}

impl Torn {
    /// Those bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self { bytes: bytes.len() as u64, hash: hex(&Sha256::digest(bytes)) }
    }
}

/// How lines are sealed.
#[derive(Clone)]
pub enum Seal {
    /// By their hash: whoever can write the file can make the chain anew.
    Hash,
    /// With a key.
    Keyed(Box<Hmac<Sha256>>),
}

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.member())
    }
}

impl Seal {
    /// The seal with this key, or without one.
    pub fn new(key: Option<&[u8]>) -> Self {
        match key {
            None => Self::Hash,
            Some(key) => {
                let mac = Hmac::new_from_slice(key).expect("a key of HMAC may have any length");
                Self::Keyed(Box::new(mac))
            }
        }
    }

    /// Name of the member that holds it.
    fn member(&self) -> &'static str {
        match self {
            Self::Hash => "hash",
            Self::Keyed(_) => "hmac",
        }
    }

    fn of(&self, bytes: &[u8]) -> String {
        match self {
            Self::Hash => hex(&Sha256::digest(bytes)),
            Self::Keyed(mac) => {
                let mut mac = mac.as_ref().clone();
                mac.update(bytes);
                hex(&mac.finalize().into_bytes())
            }
        }
    }

    /// Writes the line of an event that follows `last`, and makes it the last.
    pub fn line(&self, out: &mut Vec<u8>, last: &mut Link, torn: Option<&Torn>, event: &[u8]) {
        let start = out.len();
        let sequence = last.sequence + 1;
        out.extend_from_slice(format!("{{\"seq\":{sequence},\"prev\":\"{}\"", last.hash).as_bytes());
        if let Some(Torn { bytes, hash }) = torn {
            let torn = format!(",\"torn\":{{\"bytes\":{bytes},\"sha256\":\"{hash}\"}}");
            out.extend_from_slice(torn.as_bytes());
        }
        out.extend_from_slice(b",\"event\":");
        out.extend_from_slice(event);
        let hash = self.of(&out[start..]);
        out.extend_from_slice(format!(",\"{}\":\"{hash}\"}}\n", self.member()).as_bytes());
        *last = Link { sequence, hash };
    }

    /// Whether the line is sealed like this. Its hash need not be right.
    pub fn fits(&self, line: &[u8]) -> bool {
        let end = line.len().checked_sub(END).and_then(|at| line.get(at..));
        end.is_some_and(|end| {
            end.starts_with(format!(",\"{}\":\"", self.member()).as_bytes())
                && end.ends_with(b"\"}")
                && is_hash(&end[9..9 + 64])
        })
    }

    /// Whether the line, without its end, has the hash that it should have.
    pub fn holds(&self, line: &[u8]) -> bool {
        self.fits(line) && {
            let (body, end) = line.split_at(line.len() - END);
            // Nothing to learn from how long it takes: the right one stands in the file.
            self.of(body).as_bytes() == &end[9..9 + 64]
        }
    }
}

/// A line as it was written.
#[derive(Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// Number and hash.
    pub link: Link,
    /// Hash of the line before.
    pub previous: String,
    /// What was before it was not written to its end.
    pub torn: Option<Torn>,
    /// The AuditEvent.
    pub event: &'a [u8],
}

impl<'a> Line<'a> {
    /// Reads a line without its end; `None` when it is none.
    pub fn read(line: &'a [u8]) -> Option<Self> {
        let (body, end) = line.split_at_checked(line.len().checked_sub(END)?)?;
        if !(Seal::Hash.fits(line) || Seal::new(Some(&[])).fits(line)) {
            return None;
        }
        let rest = body.strip_prefix(b"{\"seq\":")?;
        let digits = rest.iter().position(|byte| !byte.is_ascii_digit())?;
        let (digits, rest) = rest.split_at(digits);
        let sequence = text(digits)?.parse().ok()?;
        let (previous, rest) = rest.strip_prefix(b",\"prev\":\"")?.split_at_checked(64)?;
        let mut rest = rest.strip_prefix(b"\"")?;
        let mut torn = None;
        if let Some(after) = rest.strip_prefix(b",\"torn\":{\"bytes\":") {
            let digits = after.iter().position(|byte| !byte.is_ascii_digit())?;
            let (digits, after) = after.split_at(digits);
            let (hash, after) = after.strip_prefix(b",\"sha256\":\"")?.split_at_checked(64)?;
            torn = Some(Torn { bytes: text(digits)?.parse().ok()?, hash: text(hash)?.to_owned() });
            rest = after.strip_prefix(b"\"}")?;
        }
        let event = rest.strip_prefix(b",\"event\":")?;
        let link = Link { sequence, hash: text(&end[9..9 + 64])?.to_owned() };
        Some(Self { link, previous: text(previous)?.to_owned(), torn, event })
    }
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

fn is_hash(bytes: &[u8]) -> bool {
    bytes.len() == 64 && bytes.iter().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(64), |mut out, byte| {
        // A String takes everything.
        let _ = write!(out, "{byte:02x}");
        out
    })
}

#[cfg(test)]
mod tests {
    use super::{Line, Link, Seal, Torn};

    #[test]
    fn a_line_is_read_as_it_was_written() {
        for seal in [Seal::Hash, Seal::new(Some(b"a key"))] {
            let (mut out, mut last) = (Vec::new(), Link::default());
            let torn = Torn::of(b"half");
            seal.line(&mut out, &mut last, None, b"{}");
            let first = last.clone();
            let end = out.len();
            seal.line(&mut out, &mut last, Some(&torn), br#"{"a":"\"hash\":"}"#);
            let line = out[end..].strip_suffix(b"\n").unwrap();
            assert!(seal.holds(line));
            let read = Line::read(line).unwrap();
            assert_eq!(read.link, last);
            assert_eq!((read.link.sequence, &read.previous), (2, &first.hash));
            assert_eq!((read.torn, read.event), (Some(torn), &br#"{"a":"\"hash\":"}"#[..]));
            for at in 0..line.len() {
                let mut changed = line.to_vec();
                changed[at] ^= 1;
                assert!(!seal.holds(&changed), "{at}");
                assert!(Line::read(&line[..at]).is_none(), "{at}");
            }
        }
    }

    #[test]
    fn a_seal_with_another_key_or_none_is_another() {
        let (mut out, mut last) = (Vec::new(), Link::default());
        Seal::new(Some(b"a key")).line(&mut out, &mut last, None, b"{}");
        let line = out.strip_suffix(b"\n").unwrap();
        let other = Seal::new(Some(b"another"));
        assert!(other.fits(line) && !other.holds(line) && !Seal::Hash.fits(line));
        assert_eq!(last.to_string().parse::<Link>().unwrap(), last);
        assert!("1:abc".parse::<Link>().is_err());
    }
}
