//! Which resources belong to a patient, an encounter, a practitioner, a related person or a device.
//!
//! <https://hl7.org/fhir/R4/compartmentdefinition.html>. The data are `fhir/r4/compartments.tsv`, written from the
//! specification by `tests/definitions/generate`.

const COMPARTMENTS: &str = include_str!("../fhir/r4/compartments.tsv");

/// Types that have a compartment.
pub const ALL: [&str; 5] = ["Device", "Encounter", "Patient", "Practitioner", "RelatedPerson"];

/// Whether resources of a type have a compartment.
pub fn is_one(of: &str) -> bool {
    ALL.contains(&of)
}

fn lines(of: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    COMPARTMENTS.lines().filter_map(move |line| line.strip_prefix(of)?.strip_prefix('\t')?.split_once('\t'))
}

/// The search parameters that put a resource of a type into the compartment of the one they point to; none for types
/// outside of it. A resource is in its own compartment besides.
pub fn parameters(of: &str, kind: &str) -> impl Iterator<Item = &'static str> {
    let found = lines(of).find(|(name, _)| *name == kind).map(|(_, parameters)| parameters);
    found.unwrap_or_default().split_terminator(',')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::registry::{Kind, parameter};

    #[test]
    fn types_have_their_parameters() {
        let found = |of, kind| parameters(of, kind).collect::<Vec<_>>();
        assert_eq!(found("Patient", "Observation"), ["subject", "performer"]);
        assert_eq!(found("Patient", "Patient"), ["link"]);
        assert_eq!(found("Encounter", "Observation"), ["encounter"]);
        assert!(found("Encounter", "Encounter").is_empty() && found("Patient", "Organization").is_empty());
        assert!(!is_one("Organization") && found("#", "Resource type").is_empty());
    }

    #[test]
    fn every_parameter_is_a_reference_to_the_resource() {
        for of in ALL {
            assert!(lines(of).count() > 10, "{of}");
            for (name, _) in lines(of) {
                for link in parameters(of, name) {
                    let found = parameter(name, link).unwrap_or_else(|| panic!("{name} has no {link}"));
                    assert_eq!(found.kind, Kind::Reference);
                    assert!(found.may_target(of), "{of}: {name}.{link}");
                }
            }
        }
    }
}
