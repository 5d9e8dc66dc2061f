//! Findings: what is wrong in a mapping, where, what was expected and what to do.

use std::{fmt, sync::Arc};

/// A place in a mapping file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// File, relative to the mappings folder.
    pub file: Arc<str>,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// Something wrong in a mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Stable id of the rule, for example `field-unknown`.
    pub rule: &'static str,
    /// Where.
    pub place: Place,
    /// What was expected.
    pub expected: String,
    /// What stands there.
    pub found: String,
    /// What to do; empty when there is nothing to add.
    pub hint: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: expected {}, found {}", self.place, self.rule, self.expected, self.found)?;
        if !self.hint.is_empty() {
            write!(f, "\n    hint: {}", self.hint)?;
        }
        Ok(())
    }
}

/// All findings of one run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings(pub Vec<Finding>);

impl Findings {
    /// Adds a finding.
    pub fn add(
        &mut self,
        rule: &'static str,
        place: &Place,
        expected: impl Into<String>,
        found: impl Into<String>,
        hint: impl Into<String>,
    ) {
        let finding = Finding {
            rule,
            place: place.clone(),
            expected: expected.into(),
            found: found.into(),
            hint: hint.into(),
        };
        if !self.0.contains(&finding) {
            self.0.push(finding);
        }
    }
}

/// `did you mean …` for the closest of `known`, or a list of all when there are few.
pub fn suggestion<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    let best = known
        .iter()
        .map(|name| (strsim::damerau_levenshtein(&wrong.to_lowercase(), &name.to_lowercase()), *name))
        .min();
    match best {
        Some((distance, name)) if distance <= 1 + wrong.len() / 3 => format!("did you mean `{name}`?"),
        _ if !known.is_empty() && known.len() <= 20 => format!("known here: {}", known.join(", ")),
        _ => String::new(),
    }
}
