//! Values of search parameters, by type.

mod date;
mod hierarchy;
mod number;
mod reference;
mod token;
mod unit;

pub use date::{DateValue, Local, Range};
pub use hierarchy::{HierarchyValue, Wanted};
pub use number::{Bounds, NumberValue, QuantityValue};
pub use reference::ReferenceValue;
pub use token::{TokenValue, TypedValue};
pub use unit::UCUM;

use super::parse::short;
use crate::{
    error::{self, Error},
    fhir::codes,
};

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

/// The codes of a value set of the specification; `None` when it is not known.
pub fn value_set(url: &str) -> Option<Vec<TokenValue>> {
    let codes = codes::listed(url)?;
    let coded = |(system, code): (&str, &str)| TokenValue::Coded(system.to_owned(), code.to_owned());
    Some(codes.into_iter().map(coded).collect())
}

/// A URL whose path has parts, for `:above` and `:below`.
///
/// # Errors
/// Another URI: a part of a URN means nothing.
pub fn folder(text: &str) -> Result<String, Error> {
    let url = unescape(text)?;
    if url.starts_with("http://") || url.starts_with("https://") {
        Ok(url)
    } else {
        Err(wrong("a URL", text))
    }
}

/// The parts of a composite's value, separated by `$`; escapes are still in.
///
/// # Errors
/// Not as many parts as the composite has, or an empty one.
pub fn parts(text: &str, count: usize) -> Result<Vec<&str>, Error> {
    let parts = split(text, '$', usize::MAX);
    if parts.len() == count && !parts.contains(&"") {
        return Ok(parts);
    }
    Err(wrong(&format!("{count} parts with `$` between them"), text))
}

fn wrong(expected: &str, found: &str) -> Error {
    Error::new(&error::PARAMETER_VALUE).detail(format!("Expected {expected}, found \"{}\".", short(found)))
}
