//! Operations on the catalogues that are served, and on the codes of R4: <https://hl7.org/fhir/R4/terminology-service.html>.
//!
//! A code system is what a mapping makes of a catalogue of GNU Health or of a code map, read with the rights of the
//! caller; else one of R4 that elements are bound to, which is everybody's.

mod asked;
mod expand;
mod hierarchy;
mod lookup;
mod served;
mod system;
mod translate;
mod validate_code;

pub(super) use expand::expand;
pub(super) use lookup::{lookup, subsumes};
pub(super) use translate::translate;
pub(super) use validate_code::{in_code_system, in_value_set};
