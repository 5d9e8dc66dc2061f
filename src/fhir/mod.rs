//! FHIR: the protocol.

pub mod outcome;
