//! `_filter`: <https://hl7.org/fhir/R4/search_filter.html>.
//!
//! An expression becomes the same [`Filter`]s that parameters become, so what may be asked and what it means is the same.
//! `and` and `or` have no precedence: they are read from left to right.

use super::Filter;
use crate::error::{self, Error};

/// Parentheses and brackets inside each other at most.
const DEPTH: usize = 16;
/// Comparisons at most.
const COMPARISONS: usize = 100;
/// Links of a path at most.
const LINKS: usize = 8;

/// How a value is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operator {
    /// Equal.
    Eq,
    /// Some value is unequal.
    Ne,
    /// Contains the text.
    Co,
    /// Starts with the text.
    Sw,
    /// Ends with the text.
    Ew,
    /// Greater.
    Gt,
    /// Less.
    Lt,
    /// Greater or equal.
    Ge,
    /// Less or equal.
    Le,
    /// About.
    Ap,
    /// Starts after.
    Sa,
    /// Ends before.
    Eb,
    /// There is a value, or there is none.
    Pr,
    /// The times have a part in common.
    Po,
    /// The value subsumes a code of the resource.
    Ss,
    /// The value is subsumed by a code of the resource.
    Sb,
    /// In the value set.
    In,
    /// Not in the value set.
    Ni,
    /// Refers to.
    Re,
}

impl Operator {
    const ALL: [(&'static str, Self); 19] = [
        ("eq", Self::Eq),
        ("ne", Self::Ne),
        ("co", Self::Co),
        ("sw", Self::Sw),
        ("ew", Self::Ew),
        ("gt", Self::Gt),
        ("lt", Self::Lt),
        ("ge", Self::Ge),
        ("le", Self::Le),
        ("ap", Self::Ap),
        ("sa", Self::Sa),
        ("eb", Self::Eb),
        ("pr", Self::Pr),
        ("po", Self::Po),
        ("ss", Self::Ss),
        ("sb", Self::Sb),
        ("in", Self::In),
        ("ni", Self::Ni),
        ("re", Self::Re),
    ];

    /// All operators.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().map(|(_, operator)| operator)
    }

    /// As it is written.
    pub fn code(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, known)| *known == self).map_or("", |(code, _)| code)
    }

    fn of(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(known, _)| *known == code).map(|(_, operator)| operator)
    }
}

/// Reads an expression.
///
/// # Errors
/// Not an expression; the detail tells where.
pub fn parse(text: &str) -> Result<Filter, Error> {
    let mut reader = Reader { text, at: 0, comparisons: 0 };
    let filter = reader.expression(0)?;
    reader.blank();
    match reader.rest() {
        "" => Ok(filter),
        _ => Err(reader.wrong("`and`, `or` or the end")),
    }
}

struct Reader<'t> {
    text: &'t str,
    /// Bytes that have been read.
    at: usize,
    comparisons: usize,
}

impl<'t> Reader<'t> {
    /// Comparisons with `and` and `or` between them.
    fn expression(&mut self, depth: usize) -> Result<Filter, Error> {
        if depth > DEPTH {
            return Err(limit(format!("Parentheses may stand {DEPTH} deep.")));
        }
        let mut left = self.operand(depth)?;
        loop {
            self.blank();
            if self.word("and") {
                let right = self.operand(depth)?;
                left = match left {
                    Filter { mut all, .. } if !all.is_empty() => {
                        all.push(right);
                        group(Filter { all, ..Filter::default() })
                    }
                    left => group(Filter { all: vec![left, right], ..Filter::default() }),
                };
            } else if self.word("or") {
                let right = self.operand(depth)?;
                left = match left {
                    Filter { mut any, .. } if !any.is_empty() => {
                        any.push(right);
                        group(Filter { any, ..Filter::default() })
                    }
                    left => group(Filter { any: vec![left, right], ..Filter::default() }),
                };
            } else {
                return Ok(left);
            }
        }
    }

    fn operand(&mut self, depth: usize) -> Result<Filter, Error> {
        self.blank();
        if self.take("(") {
            return self.closed(depth, ")");
        }
        let start = self.at;
        if self.word("not") {
            self.blank();
            if self.take("(") {
                let inner = self.closed(depth, ")")?;
                return Ok(group(Filter { not: Some(Box::new(inner)), ..Filter::default() }));
            }
            self.at = start;
        }
        self.comparison(depth, 0)
    }

    /// An expression up to what closes it.
    fn closed(&mut self, depth: usize, end: &'static str) -> Result<Filter, Error> {
        let inner = self.expression(depth + 1)?;
        self.blank();
        if self.take(end) { Ok(inner) } else { Err(self.wrong(&format!("`{end}`"))) }
    }

    /// `name eq value`, `subject.name co "x"`, `subject[gender eq male].birthdate lt 1980`
    fn comparison(&mut self, depth: usize, links: usize) -> Result<Filter, Error> {
        if links > LINKS {
            return Err(limit(format!("A path may have {LINKS} links.")));
        }
        let (name, modifier) = self.name()?;
        let chained = |rest: Filter| Filter {
            modifier: modifier.map(str::to_owned),
            chain: Some(Box::new(rest)),
            ..named(name)
        };
        if self.take("[") {
            let inner = self.closed(depth, "]")?;
            if !self.take(".") {
                return Ok(chained(inner));
            }
            let rest = self.comparison(depth, links + 1)?;
            return Ok(chained(group(Filter { all: vec![inner, rest], ..Filter::default() })));
        }
        if self.take(".") {
            return Ok(chained(self.comparison(depth, links + 1)?));
        }
        if modifier.is_some() {
            return Err(
                self.wrong("`.` after the type of a reference: an operator stands in place of a modifier")
            );
        }
        self.comparisons += 1;
        if self.comparisons > COMPARISONS {
            return Err(limit(format!("A filter may have {COMPARISONS} comparisons.")));
        }
        self.blank();
        let start = self.at;
        let code = self.run(|letter| letter.is_ascii_alphabetic());
        let Some(operator) = Operator::of(code) else {
            self.at = start;
            let known: Vec<_> = Operator::ALL.iter().map(|(code, _)| *code).collect();
            return Err(self.wrong(&format!("one of the operators {}", known.join(", "))));
        };
        self.blank();
        let value = self.value()?;
        Ok(Filter { operator: Some(operator), values: vec![value], ..named(name) })
    }

    /// A parameter, and the type of a reference after a colon.
    fn name(&mut self) -> Result<(&'t str, Option<&'t str>), Error> {
        let letter = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
        let name = self.run(letter);
        if name.is_empty() {
            return Err(self.wrong("the name of a parameter, `not (` or `(`"));
        }
        if !self.take(":") {
            return Ok((name, None));
        }
        match self.run(letter) {
            "" => Err(self.wrong("the type of a reference")),
            modifier => Ok((name, Some(modifier))),
        }
    }

    /// A text in quotes as in JSON, or anything up to a blank or to what closes the expression. A backslash stays one in
    /// the values of filters, whose escapes are still in.
    fn value(&mut self) -> Result<String, Error> {
        if !self.rest().starts_with('"') {
            let value =
                self.run(|letter| !letter.is_whitespace() && !matches!(letter, ')' | ']' | '(' | '['));
            return if value.is_empty() {
                Err(self.wrong("a value"))
            } else {
                Ok(value.replace('\\', "\\\\"))
            };
        }
        let mut escaped = false;
        let end = self.rest().char_indices().skip(1).find(|(_, letter)| {
            let closes = *letter == '"' && !escaped;
            escaped = *letter == '\\' && !escaped;
            closes
        });
        let quoted = end.and_then(|(end, _)| self.rest().get(..=end));
        let value = quoted.and_then(|quoted| serde_json::from_str::<String>(quoted).ok());
        match (quoted, value) {
            (Some(quoted), Some(value)) if !value.contains('\0') && !value.is_empty() => {
                self.at += quoted.len();
                Ok(value.replace('\\', "\\\\"))
            }
            _ => Err(self.wrong("a text in quotes, as in JSON")),
        }
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn run(&mut self, wanted: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let end = rest.find(|letter| !wanted(letter)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn blank(&mut self) {
        self.run(char::is_whitespace);
    }

    fn take(&mut self, text: &str) -> bool {
        let found = self.rest().starts_with(text);
        self.at += if found { text.len() } else { 0 };
        found
    }

    /// A whole word.
    fn word(&mut self, word: &str) -> bool {
        let rest = self.rest();
        let next = rest.strip_prefix(word).map(|rest| rest.chars().next());
        let found = next.is_some_and(|next| next.is_none_or(|next| next.is_whitespace() || next == '('));
        self.at += if found { word.len() } else { 0 };
        found
    }

    fn wrong(&self, expected: &str) -> Error {
        let place = self.text.get(..self.at).unwrap_or_default().chars().count() + 1;
        Error::new(&error::PARAMETER_VALUE).detail(format!("At character {place}: expected {expected}."))
    }
}

fn limit(detail: String) -> Error {
    Error::new(&error::PARAMETER_LIMIT).detail(detail)
}

fn group(filter: Filter) -> Filter {
    Filter { key: "_filter".to_owned(), ..filter }
}

fn named(name: &str) -> Filter {
    group(Filter { name: name.to_owned(), ..Filter::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tree as text, to compare it.
    fn shape(filter: &Filter) -> String {
        let list = |all: &[Filter], word: &str| {
            format!("({})", all.iter().map(shape).collect::<Vec<_>>().join(&format!(" {word} ")))
        };
        match filter {
            Filter { not: Some(inner), .. } => format!("not {}", shape(inner)),
            Filter { all, .. } if !all.is_empty() => list(all, "and"),
            Filter { any, .. } if !any.is_empty() => list(any, "or"),
            Filter { chain: Some(rest), modifier, name, .. } => {
                let kind = modifier.as_ref().map(|kind| format!(":{kind}")).unwrap_or_default();
                format!("{name}{kind}.{}", shape(rest))
            }
            Filter { operator: Some(operator), name, values, .. } => {
                format!("{name} {} {}", operator.code(), values.join(","))
            }
            _ => "?".to_owned(),
        }
    }

    #[test]
    fn expressions_become_filters() {
        for (text, expected) in [
            ("name eq peter", "name eq peter"),
            ("given eq peter and birthdate ge 2014-10-10", "(given eq peter and birthdate ge 2014-10-10)"),
            ("a eq 1 or b eq 2 and c eq 3", "((a eq 1 or b eq 2) and c eq 3)"),
            ("a eq 1 or (b eq 2 and c eq 3)", "(a eq 1 or (b eq 2 and c eq 3))"),
            ("a eq 1 and b eq 2 and c eq 3", "(a eq 1 and b eq 2 and c eq 3)"),
            ("not (a pr true)", "not a pr true"),
            ("not eq 1", "not eq 1"),
            ("subject:Patient.name co \"a \\\"b\\\" (c)\"", "subject:Patient.name co a \"b\" (c)"),
            (
                "subject[gender eq male and name sw x].birthdate lt 1980",
                "subject.((gender eq male and name sw x) and birthdate lt 1980)",
            ),
            ("code eq http://loinc.org|1234-5", "code eq http://loinc.org|1234-5"),
            ("name eq \"a\\\\b\"", "name eq a\\\\b"),
        ] {
            assert_eq!(shape(&parse(text).unwrap()), expected, "{text}");
        }
    }

    #[test]
    fn faults_tell_where_they_are() {
        for (text, place) in [
            ("", 1),
            ("name", 5),
            ("name is peter", 6),
            ("name eq", 8),
            ("name eq \"peter", 9),
            ("(name eq peter", 15),
            ("name eq peter)", 14),
            ("ñame eq peter", 1),
            ("name eq peter und x eq y", 15),
            ("name:exact eq x", 11),
            ("a eq 1 and", 11),
            ("not a", 5),
        ] {
            let error = parse(text).unwrap_err();
            let detail = format!("{error:?}");
            assert!(detail.contains(&format!("At character {place}:")), "{text}: {detail}");
        }
        let deep = format!("{}a eq 1{}", "(".repeat(17), ")".repeat(17));
        let long = vec!["a eq 1"; 101].join(" or ");
        let chain = format!("{}a eq 1", "a.".repeat(9));
        for text in [deep, long, chain, "(".repeat(4000)] {
            assert!(std::ptr::eq(parse(&text).unwrap_err().entry(), &error::PARAMETER_LIMIT));
        }
    }
}
