//! Rows → FHIR JSON, written straight into the answer by the compiled mapping. Pure: no database, no clock.

mod narrative;
mod object;
mod primitive;
mod record;
mod references;
#[cfg(test)]
mod tests;
mod values;

pub use object::{Rendered, Renderer, Site};
pub use primitive::{content_type, string as json_string};
pub use record::{Malformed, timestamp};
pub use references::references;

/// What the columns of a record hold, and which values of its row the caller may not see. Those were never read; the
/// resource says that it is not complete.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// What each column holds.
    pub columns: Vec<Held>,
    /// By slot: the value is masked.
    pub masked: Vec<bool>,
    /// Shapes of the repeated rows; `None` when all of them are closed.
    pub eaches: Vec<Option<Shape>>,
}

/// What a column of a record holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Held {
    /// The value of a slot.
    Slot(usize),
    /// A record of the values of these slots, and the time of the last change of what they were read from.
    Aside(Vec<usize>),
    /// The rows of an `each`: an array of records.
    Rows(usize),
    /// Whether a record rule hides a row that this one refers to.
    Hides,
    /// The time of the last change of the row and those joined to it.
    Stamp,
}

impl Shape {
    /// Anything is left out.
    pub fn masks(&self) -> bool {
        self.masked.contains(&true) || self.eaches.iter().any(|each| each.as_ref().is_none_or(Self::masks))
    }
}
