//! `config.toml`: keys, their texts and their lines.

use std::path::Path;

use toml_span::value::{Value, ValueInner};

use super::{Config, Form, Problem, problem::nearest};

/// One key of the file.
#[derive(Debug)]
pub(super) struct Line {
    pub name: &'static str,
    pub text: String,
    /// Line, from 1.
    pub number: usize,
}

/// Reads the keys of a file.
pub(super) fn lines(path: &Path, text: &str) -> Result<Vec<Line>, Vec<Problem>> {
    let place = |offset: usize| {
        let before = &text.as_bytes()[..offset.min(text.len())];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let column = before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
        (line, column)
    };
    let problem = |offset: usize, sentence: String| {
        let (line, column) = place(offset);
        Problem::new(format!("{}:{line}:{column}: {sentence}", path.display()))
    };
    // A value can be a password: of a broken file only the place and the kind of the fault are told.
    let mut root = toml_span::parse(text).map_err(|error| {
        vec![problem(error.span.start, format!("this is not TOML: {}", fault(&error.kind)))]
    })?;
    let ValueInner::Table(table) = root.take() else { return Ok(Vec::new()) };
    let mut lines = Vec::new();
    let mut problems = Vec::new();
    for (name, value) in table {
        let Some(key) = Config::KEYS.iter().find(|key| key.name == name.name) else {
            let hint = match nearest(&name.name, Config::KEYS.iter().map(|key| key.name)) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => "gnuhealth-fhir docs config lists the keys".to_owned(),
            };
            problems.push(problem(name.span.start, format!("there is no key \"{}\"; {hint}", name.name)));
            continue;
        };
        match flat(value, key.form) {
            Some(text) => lines.push(Line { name: key.name, text, number: place(name.span.start).0 }),
            None => problems.push(problem(
                name.span.start,
                format!(
                    "{}: expected {}",
                    key.name,
                    match key.form {
                        Form::Text => "a text in quotes",
                        Form::Number => "a whole number",
                        Form::List => "a list of texts, [\"…\", \"…\"]",
                    }
                ),
            )),
        }
    }
    if problems.is_empty() { Ok(lines) } else { Err(problems) }
}

fn fault(kind: &toml_span::ErrorKind) -> String {
    use toml_span::ErrorKind as Kind;
    match kind {
        Kind::DuplicateKey { key, .. } => format!("the key \"{key}\" is given twice"),
        Kind::UnquotedString => "a text must stand in quotes".to_owned(),
        Kind::UnterminatedString => "a text is not closed by a quote".to_owned(),
        Kind::Wanted { expected, found } => format!("expected {expected}, found {found}"),
        Kind::UnexpectedEof => "it ends too early".to_owned(),
        _ => "unexpected character or value".to_owned(),
    }
}

fn flat(mut value: Value<'_>, form: Form) -> Option<String> {
    match (value.take(), form) {
        (ValueInner::String(text), Form::Text | Form::Number) => Some(text.into_owned()),
        (ValueInner::Integer(number), Form::Number | Form::Text) => Some(number.to_string()),
        (ValueInner::Array(items), Form::List) => {
            let items: Option<Vec<_>> = items.iter().map(Value::as_str).collect();
            items.map(|items| items.join(","))
        }
        _ => None,
    }
}
