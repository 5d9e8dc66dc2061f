//! The systems of codes that have none of their own: <https://hl7.org/fhir/R4/search.html#token>.

use crate::harness::sites;

/// A `code` has no system of its own; it is that of the value set that its element requires, and no other.
#[test]
fn the_system_of_a_code_is_that_of_its_element() {
    for site in sites() {
        let doctor = site.user("doctor");
        let count = |place: &str| doctor.ok(&format!("{place}&_summary=count"))["total"].as_u64().unwrap();
        for (place, system, code) in [
            ("Patient?gender", "http://hl7.org/fhir/administrative-gender", "female"),
            ("Observation?status", "http://hl7.org/fhir/observation-status", "final"),
            ("Condition?subject:Patient.gender", "http://hl7.org/fhir/administrative-gender", "male"),
            ("MedicationRequest?intent", "http://hl7.org/fhir/CodeSystem/medicationrequest-intent", "order"),
        ] {
            let all = count(&format!("{place}={code}"));
            assert!(all > 0, "{} {place}", site.name);
            assert_eq!(count(&format!("{place}={system}|{code}")), all, "{} {place}", site.name);
            for wrong in ["http://nowhere.example|", "http://hl7.org/fhir/publication-status|"] {
                assert_eq!(count(&format!("{place}={wrong}{code}")), 0, "{} {place} {wrong}", site.name);
            }
        }
        let every = count("Patient?gender:missing=false");
        assert_eq!(
            count("Patient?gender=http://hl7.org/fhir/administrative-gender|"),
            every,
            "{}",
            site.name
        );
        assert_eq!(count("Patient?gender=http://nowhere.example|"), 0, "{}", site.name);
        // `unknown` is a code of both, but not the same.
        let sets = "Encounter?status:in=http://hl7.org/fhir/ValueSet/administrative-gender";
        assert_eq!(count(sets), 0, "{}", site.name);
    }
}
