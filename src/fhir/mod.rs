//! The FHIR protocol: definitions of R4, codes, outcomes. Knows nothing of Tryton.

pub mod bundle;
pub mod codes;
pub mod outcome;
pub mod parameters;
pub mod primitive;
pub mod structure;
pub mod validate;
pub mod xml;
