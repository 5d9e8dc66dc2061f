//! `config.toml`: keys, their texts and their lines.

use std::path::Path;

use toml::de::{DeTable, DeValue};

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
    let root = DeTable::parse(text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        vec![problem(start, format!("this is not TOML: {}", error.message()))]
    })?;
    let mut lines = Vec::new();
    let mut problems = Vec::new();
    for (key, value) in root.get_ref() {
        let (name, start) = (key.get_ref().as_ref(), key.span().start);
        let Some(key) = Config::KEYS.iter().find(|key| key.name == name) else {
            let hint = match nearest(name, Config::KEYS.iter().map(|key| key.name)) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => "gnuhealth-fhir docs config lists the keys".to_owned(),
            };
            problems.push(problem(start, format!("there is no key \"{name}\"; {hint}")));
            continue;
        };
        match flat(value.get_ref(), key.form) {
            Some(text) => lines.push(Line { name: key.name, text, number: place(start).0 }),
            None => problems.push(problem(
                start,
                format!(
                    "{}: expected {}",
                    key.name,
                    match key.form {
                        Form::Text => "a text in quotes",
                        Form::Number => "a whole number",
                        Form::Fraction => "a number",
                        Form::Switch => "true or false",
                        Form::List => "a list of texts, [\"…\", \"…\"]",
                    }
                ),
            )),
        }
    }
    if problems.is_empty() { Ok(lines) } else { Err(problems) }
}

fn flat(value: &DeValue<'_>, form: Form) -> Option<String> {
    match (value, form) {
        (DeValue::String(text), Form::Text | Form::Number | Form::Fraction) => Some(text.to_string()),
        (DeValue::Float(number), Form::Fraction) => Some(number.to_string()),
        (DeValue::Integer(number), Form::Number | Form::Fraction | Form::Text) => Some(number.to_string()),
        (DeValue::Boolean(switch), Form::Switch) => Some(switch.to_string()),
        (DeValue::Array(items), Form::List) => {
            let items: Option<Vec<_>> = items.iter().map(|item| item.get_ref().as_str()).collect();
            items.map(|items| items.join(","))
        }
        _ => None,
    }
}
