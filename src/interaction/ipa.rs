//! International Patient Access 1.0.0: what a server must offer to call itself one
//! (<http://hl7.org/fhir/uv/ipa/CapabilityStatement/ipa-server>).

use crate::mapping::Compiled;

/// Canonical URL of the CapabilityStatement.
pub(super) const SERVER: &str = "http://hl7.org/fhir/uv/ipa/CapabilityStatement/ipa-server";

/// Types and the search parameters that are mandatory beside `_id`; all of them are read by their id too.
const TYPES: [(&str, &[&str]); 11] = [
    ("AllergyIntolerance", &["patient"]),
    ("Condition", &["patient"]),
    ("DocumentReference", &["patient", "category", "date", "type"]),
    ("Immunization", &["patient"]),
    ("Medication", &[]),
    ("MedicationRequest", &["patient"]),
    ("MedicationStatement", &["patient"]),
    ("Observation", &["patient", "category", "code", "date"]),
    ("Patient", &["identifier"]),
    ("Practitioner", &[]),
    ("PractitionerRole", &[]),
];

/// Everything that is mandatory can be had from this database.
pub(super) fn is_offered(compiled: &Compiled) -> bool {
    TYPES.iter().all(|(name, parameters)| {
        let kind = compiled.types.get(*name);
        kind.is_some_and(|kind| parameters.iter().all(|name| kind.parameters.contains_key(*name)))
    })
}
