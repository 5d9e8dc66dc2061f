//! The FHIR protocol: definitions of R4, codes, outcomes. Knows nothing of Tryton.

pub mod bundle;
pub mod codes;
pub mod outcome;
pub mod parameters;
pub mod primitive;
pub mod structure;
pub mod validate;
pub mod xml;

/// Says in `meta` of a resource, or of a Bundle, that something of it is closed to the reader
/// (<http://terminology.hl7.org/CodeSystem/v3-ObservationValue>).
pub const REDACTED: &str = r#""security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"REDACTED","display":"redacted"}]"#;
