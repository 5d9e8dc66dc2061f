//! Rows → FHIR JSON, written straight into the answer by the compiled mapping. Pure: no database, no clock.

mod narrative;
mod object;
mod primitive;
mod record;
#[cfg(test)]
mod tests;

pub use object::{Rendered, Renderer, Site};
pub use primitive::{content_type, string as json_string};
pub use record::{Malformed, timestamp};

/// Which values of a row the caller may not see. They were never read; the resource says that it is not complete.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Masks {
    /// Scalar slots.
    pub slots: Vec<bool>,
    /// Repeated rows; `None` when all of them are closed.
    pub eaches: Vec<Option<Masks>>,
    /// The record ends with a column that says whether a record rule hides a row that this one refers to.
    pub hides: bool,
}

impl Masks {
    /// Anything is left out.
    pub fn any(&self) -> bool {
        self.slots.contains(&true) || self.eaches.iter().any(|each| each.as_ref().is_none_or(Self::any))
    }
}
