//! SQL text: the only place that quotes an identifier or binds a value.
//!
//! A [`Fragment`] is SQL made of constant text, quoted identifiers and bound values. Text that is not a constant of
//! this program can only enter as an identifier (quoted) or as a value (bound), so no input becomes SQL.

mod value;

pub use value::Value;

use std::{
    fmt::{self, Write as _},
    sync::OnceLock,
};

use sha2::{Digest as _, Sha256};

/// The name of a table or sub-query inside one statement: `t0`, `t1`, …
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Alias(pub u32);

impl fmt::Display for Alias {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "t{}", self.0)
    }
}

/// Hands out aliases that are unique inside one statement.
#[derive(Debug, Default)]
pub struct Aliases(u32);

impl Aliases {
    /// How many were handed out.
    pub fn used(&self) -> u32 {
        self.0
    }

    /// Hands out again all but the first `count`: for sub-queries that cannot see each other.
    pub fn reuse_after(&mut self, count: u32) {
        self.0 = count;
    }

    /// The next unused alias.
    #[expect(clippy::should_implement_trait, reason = "it never ends, and nobody iterates over it")]
    pub fn next(&mut self) -> Alias {
        self.0 += 1;
        Alias(self.0 - 1)
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Piece {
    Text(String),
    Value(Value),
}

/// A part of a statement. Join fragments with [`Fragment::append`]; number the parameters once with [`Fragment::finish`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fragment {
    pieces: Vec<Piece>,
}

/// A complete statement: text with `$1`, `$2`, … and the values in that order.
#[derive(Clone, Debug)]
pub struct Statement {
    /// SQL text; the same shape of query always gives the same text, so it can be prepared once.
    pub text: String,
    /// Values of `$1`, `$2`, …
    pub values: Vec<Value>,
    /// Of the text, once it was asked for.
    digest: OnceLock<[u8; 32]>,
}

impl Statement {
    /// A statement of this text.
    pub fn new(text: String, values: Vec<Value>) -> Self {
        Self { text, values, digest: OnceLock::new() }
    }

    /// SHA-256 of the text.
    pub fn digest(&self) -> &[u8; 32] {
        self.digest.get_or_init(|| Sha256::digest(&self.text).into())
    }

    /// What PostgreSQL expects of this statement, instead of its rows.
    #[must_use]
    pub fn explained(&self) -> Self {
        Self::new(format!("EXPLAIN {}", self.text), self.values.clone())
    }

    /// The same text with other values.
    #[must_use]
    pub fn with(&self, values: &[&Value]) -> Self {
        Self::new(self.text.clone(), values.iter().copied().cloned().collect())
    }

    /// The values, with these in the gaps; a gap without one stays.
    pub fn filled<'a>(&'a self, gaps: &'a [Value]) -> Vec<&'a Value> {
        let fill = |value: &'a Value| match value {
            Value::Gap(number) | Value::Gaps(number) | Value::TextGap(number) => {
                gaps.get(*number).unwrap_or(value)
            }
            _ => value,
        };
        self.values.iter().map(fill).collect()
    }
}

impl PartialEq for Statement {
    fn eq(&self, other: &Self) -> bool {
        (&self.text, &self.values) == (&other.text, &other.values)
    }
}

impl Fragment {
    /// An empty fragment.
    pub fn new() -> Self {
        Self::default()
    }

    /// A fragment of constant SQL.
    pub fn raw(text: &'static str) -> Self {
        Self::new().text(text)
    }

    fn string(&mut self) -> &mut String {
        if !matches!(self.pieces.last(), Some(Piece::Text(_))) {
            self.pieces.push(Piece::Text(String::new()));
        }
        match self.pieces.last_mut() {
            Some(Piece::Text(text)) => text,
            _ => unreachable!("a text piece was pushed just above"),
        }
    }

    /// Constant text stands somewhere in it.
    pub fn has(&self, text: &str) -> bool {
        self.pieces.iter().any(|piece| matches!(piece, Piece::Text(own) if own.contains(text)))
    }

    /// Adds constant SQL.
    #[must_use]
    pub fn text(mut self, text: &'static str) -> Self {
        self.push(text);
        self
    }

    /// Adds constant SQL in place.
    pub fn push(&mut self, text: &'static str) {
        self.string().push_str(text);
    }

    /// Adds a quoted identifier (table, column).
    #[must_use]
    pub fn ident(mut self, name: &str) -> Self {
        push_quoted(self.string(), name);
        self
    }

    /// Adds `alias."column"`.
    #[must_use]
    pub fn column(mut self, alias: Alias, column: &str) -> Self {
        let text = self.string();
        let _ = write!(text, "{alias}.");
        push_quoted(text, column);
        self
    }

    /// Adds an alias.
    #[must_use]
    pub fn alias(mut self, alias: Alias) -> Self {
        let _ = write!(self.string(), "{alias}");
        self
    }

    /// Adds a whole number of this program (a key, a position), never one of a request: those are bound.
    #[must_use]
    pub fn number(mut self, number: usize) -> Self {
        let _ = write!(self.string(), "{number}");
        self
    }

    /// Binds a value.
    #[must_use]
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.pieces.push(Piece::Value(value.into()));
        self
    }

    /// Adds another fragment.
    #[must_use]
    pub fn then(mut self, other: Fragment) -> Self {
        self.append(other);
        self
    }

    /// Adds another fragment in place.
    pub fn append(&mut self, other: Fragment) {
        for piece in other.pieces {
            match piece {
                Piece::Text(text) => self.string().push_str(&text),
                value => self.pieces.push(value),
            }
        }
    }

    /// This fragment in parentheses.
    #[must_use]
    pub fn parens(self) -> Self {
        Self::raw("(").then(self).text(")")
    }

    /// All parts, separated by constant text.
    pub fn join(parts: impl IntoIterator<Item = Fragment>, separator: &'static str) -> Self {
        let mut all = Self::new();
        for (index, part) in parts.into_iter().enumerate() {
            if index > 0 {
                all.push(separator);
            }
            all.append(part);
        }
        all
    }

    /// All parts joined by AND in parentheses; no part is `TRUE`, and a part that is `FALSE` decides.
    pub fn all(parts: impl IntoIterator<Item = Fragment>) -> Self {
        Self::connective(parts, " AND ", "TRUE", "FALSE")
    }

    /// All parts joined by OR in parentheses; no part is `FALSE`, and a part that is `TRUE` decides.
    pub fn any(parts: impl IntoIterator<Item = Fragment>) -> Self {
        Self::connective(parts, " OR ", "FALSE", "TRUE")
    }

    fn connective(
        parts: impl IntoIterator<Item = Fragment>,
        word: &'static str,
        neutral: &'static str,
        decisive: &'static str,
    ) -> Self {
        let mut parts: Vec<_> = parts.into_iter().filter(|part| !part.is(neutral)).collect();
        if parts.iter().any(|part| part.is(decisive)) {
            return Self::raw(decisive);
        }
        match parts.len() {
            0 => Self::raw(neutral),
            1 => parts.remove(0),
            _ => Self::join(parts, word).parens(),
        }
    }

    /// Is exactly this text.
    pub fn is(&self, text: &str) -> bool {
        matches!(self.pieces.as_slice(), [Piece::Text(only)] if only == text)
    }

    /// A constant truth value.
    pub fn truth(value: bool) -> Self {
        Self::raw(if value { "TRUE" } else { "FALSE" })
    }

    /// How many values are bound.
    pub fn values(&self) -> usize {
        self.pieces.iter().filter(|piece| matches!(piece, Piece::Value(_))).count()
    }

    /// Bytes of its text.
    pub fn bytes(&self) -> usize {
        let bytes = |piece: &Piece| match piece {
            Piece::Text(text) => text.len(),
            Piece::Value(_) => "$1::text".len(),
        };
        self.pieces.iter().map(bytes).sum()
    }

    /// A column of the alias stands somewhere in it.
    pub fn mentions(&self, alias: Alias) -> bool {
        let column = format!("{alias}.");
        let starts = |text: &str, at: usize| {
            !text[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_')
        };
        let in_text = |text: &String| text.match_indices(&column).any(|(at, _)| starts(text, at));
        self.pieces.iter().any(|piece| matches!(piece, Piece::Text(text) if in_text(text)))
    }

    /// Nothing was added.
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Numbers the parameters. Every parameter carries its type, so PostgreSQL never guesses one.
    pub fn finish(self) -> Statement {
        let mut text = String::new();
        let mut values = Vec::new();
        for piece in self.pieces {
            match piece {
                Piece::Text(part) => text.push_str(&part),
                Piece::Value(value) => {
                    let number = values.len() + 1;
                    let _ = match value.cast() {
                        (inner, Some(outer)) => write!(text, "(${number}::{inner})::{outer}"),
                        (inner, None) => write!(text, "${number}::{inner}"),
                    };
                    values.push(value);
                }
            }
        }
        Statement::new(text, values)
    }
}

/// Quotes an identifier as PostgreSQL does: doubled quotes inside double quotes.
fn push_quoted(text: &mut String, name: &str) {
    text.push('"');
    for character in name.chars() {
        if character == '"' {
            text.push('"');
        }
        if character != '\0' {
            text.push(character);
        }
    }
    text.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_quoted_and_values_are_bound() {
        let statement = Fragment::raw("SELECT ")
            .column(Alias(3), "na\"me")
            .text(" FROM ")
            .ident("gnuhealth_patient")
            .text(" WHERE x = ")
            .bind("'; DROP TABLE x; --")
            .finish();
        assert_eq!(statement.text, "SELECT t3.\"na\"\"me\" FROM \"gnuhealth_patient\" WHERE x = $1::text");
        assert_eq!(statement.values, [Value::Text("'; DROP TABLE x; --".into())]);
    }

    #[test]
    fn parameters_are_numbered_across_joined_fragments() {
        let part = |value: i32| Fragment::raw("a = ").bind(value);
        let statement = Fragment::any([part(1), part(2)]).finish();
        assert_eq!(statement.text, "(a = $1::int4 OR a = $2::int4)");
        assert_eq!(Fragment::any([]).finish().text, "FALSE");
        assert_eq!(Fragment::all([]).finish().text, "TRUE");
    }
}
