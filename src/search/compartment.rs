//! Which resources belong to a patient.
//!
//! <https://hl7.org/fhir/R4/compartmentdefinition-patient.html>. The data are `fhir/r4/compartment-patient.tsv`, written
//! from the specification by `tests/definitions/generate`.

const PATIENT: &str = include_str!("../fhir/r4/compartment-patient.tsv");

/// The search parameters that put a resource of this type into the compartment of the patient they point to; none for
/// types outside of it. A Patient is in its own compartment besides.
pub fn patient(resource_type: &str) -> impl Iterator<Item = &'static str> {
    let line = PATIENT.lines().find_map(|line| {
        let (name, parameters) = line.split_once('\t')?;
        (name == resource_type).then_some(parameters)
    });
    line.unwrap_or_default().split_terminator(',')
}

/// The resource types that can be in the compartment of a patient.
pub fn types() -> impl Iterator<Item = &'static str> {
    PATIENT.lines().filter_map(|line| line.split_once('\t').map(|(name, _)| name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::registry::{Kind, parameter};

    #[test]
    fn types_have_their_parameters() {
        assert_eq!(patient("Observation").collect::<Vec<_>>(), ["subject", "performer"]);
        assert_eq!(patient("Patient").collect::<Vec<_>>(), ["link"]);
        assert_eq!(patient("Organization").count(), 0);
        assert_eq!(patient("# Resource type").count(), 0);
    }

    #[test]
    fn every_parameter_is_a_reference_to_patients() {
        for name in types() {
            for link in patient(name) {
                let found = parameter(name, link).unwrap_or_else(|| panic!("{name} has no {link}"));
                assert_eq!(found.kind, Kind::Reference);
                assert!(found.may_target("Patient"), "{name}.{link}");
            }
        }
    }
}
