//! Values of search parameters, by type.

mod date;
mod number;
mod reference;
mod token;

pub use date::{DateValue, Local, Range};
pub use number::{NumberValue, QuantityValue};
pub use reference::ReferenceValue;
pub use token::TokenValue;

use super::parse::short;
use crate::error::{self, Error};

/// Prefix of an ordered value (<https://hl7.org/fhir/R4/search.html#prefix>).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the variants are the prefixes of the specification")]
pub enum Prefix {
    Eq,
    Ne,
    Gt,
    Lt,
    Ge,
    Le,
    Sa,
    Eb,
    Ap,
}

impl Prefix {
    /// Splits the prefix from a value.
    pub fn split(text: &str) -> (Self, &str) {
        let prefix = match text.get(..2) {
            Some("eq") => Self::Eq,
            Some("ne") => Self::Ne,
            Some("gt") => Self::Gt,
            Some("lt") => Self::Lt,
            Some("ge") => Self::Ge,
            Some("le") => Self::Le,
            Some("sa") => Self::Sa,
            Some("eb") => Self::Eb,
            Some("ap") => Self::Ap,
            _ => return (Self::Eq, text),
        };
        (prefix, &text[2..])
    }
}

/// Takes the escapes `\, \| \$ \\` out of a value.
///
/// # Errors
/// A backslash before anything else, or at the end.
pub fn unescape(text: &str) -> Result<String, Error> {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            out.push(character);
            continue;
        }
        match characters.next() {
            Some(next @ (',' | '|' | '$' | '\\')) => out.push(next),
            _ => return Err(wrong("a backslash only before `,`, `|`, `$` or another backslash", text)),
        }
    }
    Ok(out)
}

/// Splits at a separator that is not escaped, at most into `limit` parts.
fn split(text: &str, separator: char, limit: usize) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut escaped = false;
    for (index, character) in text.char_indices() {
        if character == separator && !escaped && parts.len() + 1 < limit {
            parts.push(&text[start..index]);
            start = index + separator.len_utf8();
        }
        escaped = character == '\\' && !escaped;
    }
    parts.push(&text[start..]);
    parts
}

fn wrong(expected: &str, found: &str) -> Error {
    Error::new(&error::PARAMETER_VALUE).detail(format!("Expected {expected}, found \"{}\".", short(found)))
}
