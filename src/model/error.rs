//! Why bytes are not a resource.

use std::fmt;

/// What is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// Where it is.
    pub place: Place,
    /// What it is, without the values that were found: they may be about a patient.
    pub message: String,
}

/// Where an error is, as exactly as can be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In text that is not JSON, counted from 1.
    Text {
        /// The line.
        line: usize,
        /// The column in bytes.
        column: usize,
    },
    /// At an element: `Patient.contact[0].gender`, as `OperationOutcome.issue.expression` has it.
    Element(String),
    /// Somewhere in it.
    Resource,
}

impl ParseError {
    pub(crate) fn of_text(error: &serde_json::Error) -> Self {
        let message = error.to_string();
        // serde_json ends its messages with the position.
        let message = message.split(" at line ").next().unwrap_or_default().to_owned();
        Self { place: Place::Text { line: error.line(), column: error.column() }, message }
    }

    pub(crate) fn nowhere(message: impl Into<String>) -> Self {
        Self { place: Place::Resource, message: message.into() }
    }

    pub(crate) fn at(path: String, message: impl Into<String>) -> Self {
        Self { place: Place::Element(path), message: message.into() }
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Text { line, column } => write!(f, "line {line}, column {column}: {}", self.message),
            Place::Element(path) => write!(f, "{path}: {}", self.message),
            Place::Resource => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for ParseError {}
