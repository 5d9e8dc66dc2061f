use serde_json::{Value, json};

use super::problems;

/// Code and expression of each problem.
fn found(resource: &Value) -> Vec<(&'static str, String)> {
    problems(resource).0.into_iter().map(|problem| (problem.code, problem.expression)).collect()
}

fn one(resource: &Value) -> (&'static str, String) {
    let mut all = found(resource);
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

#[test]
fn a_good_resource_has_none() {
    let patient = json!({
        "resourceType": "Patient", "id": "1", "active": true, "gender": "female", "birthDate": "1973-05",
        "_birthDate": { "extension": [{ "url": "http://e.org", "valueDateTime": "1973-05-01T10:00:00Z" }] },
        "name": [{ "family": "Peña", "given": ["Ana", null], "_given": [null, { "id": "a" }] }],
        "contained": [{ "resourceType": "Organization", "id": "o", "name": "x" }],
        "generalPractitioner": [{ "reference": "Practitioner/7" }, { "reference": "#o" }],
        "deceasedBoolean": false,
        "contact": [{ "relationship": [{ "text": "aunt" }], "gender": "other" }],
    });
    assert_eq!(found(&patient), []);
    let observation = json!({
        "resourceType": "Observation", "_status": { "extension": [{
            "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "masked" }] },
        "code": { "coding": [{ "system": "http://loinc.org", "code": "8310-5" }] },
        "valueQuantity": { "value": 36.60, "unit": "Cel" },
    });
    assert_eq!(found(&observation), []);
}

#[test]
fn every_problem_is_told_with_its_place() {
    let patient = json!({
        "resourceType": "Patient", "gendr": "x", "gender": "femal", "birthDate": "1973-13-01", "active": "yes",
        "name": { "family": "x" }, "telecom": [], "multipleBirthBoolean": true, "multipleBirthInteger": 2,
        "contact": [{}], "communication": [{ "preferred": true }],
        "generalPractitioner": [{ "reference": "Patient/1" }],
        "link": [{ "other": { "reference": "http://e.org/fhir/Patient/2" }, "type": "seealso" }, 7],
    });
    let found = found(&patient);
    let expected = [
        ("structure", "Patient"),
        ("code-invalid", "Patient.gender"),
        ("value", "Patient.birthDate"),
        ("value", "Patient.active"),
        ("structure", "Patient.name"),
        ("structure", "Patient.telecom"),
        ("structure", "Patient.multipleBirth.ofType(integer)"),
        ("structure", "Patient.contact[0]"),
        ("required", "Patient.communication[0]"),
        ("value", "Patient.generalPractitioner[0]"),
        ("structure", "Patient.link[1]"),
    ];
    assert_eq!(found, expected.map(|(code, place)| (code, place.to_owned())));
    let (problems, _) = problems(&patient);
    assert!(problems[0].text.contains("Did you mean gender?"), "{}", problems[0].text);
}

#[test]
fn what_belongs_to_one_kind_of_element_is_no_other() {
    for (resource, expected) in [
        (json!({ "resourceType": "Patient" }), ("structure", "Patient")),
        (json!({ "resourceType": "Patent", "id": "1" }), ("structure", "Resource")),
        (json!([]), ("structure", "Resource")),
        (json!({ "resourceType": "Patient", "_name": [{ "id": "a" }] }), ("structure", "Patient.name")),
        (json!({ "resourceType": "Patient", "_active": [{ "id": "a" }] }), ("structure", "Patient.active")),
        (json!({ "resourceType": "Patient", "gender": null }), ("value", "Patient.gender")),
        (
            json!({ "resourceType": "Patient", "contained": [{ "id": "a" }] }),
            ("structure", "Patient.contained[0]"),
        ),
        (
            json!({ "resourceType": "Patient", "name": [{ "given": ["a", null] }] }),
            ("value", "Patient.name[0].given[1]"),
        ),
        (
            json!({ "resourceType": "Patient", "extension": [{ "valueCode": "a" }] }),
            ("required", "Patient.extension[0]"),
        ),
        (
            json!({ "resourceType": "Observation", "status": "final", "code": { "text": "a" }, "valueQuantity": 7 }),
            ("structure", "Observation.value.ofType(Quantity)"),
        ),
        (
            json!({ "resourceType": "AllergyIntolerance", "patient": { "reference": "Patient/1" },
                "clinicalStatus": { "coding": [{ "system": "http://e.org", "code": "active" }] } }),
            ("code-invalid", "AllergyIntolerance.clinicalStatus"),
        ),
        (
            json!({ "resourceType": "AllergyIntolerance", "patient": { "reference": "Patient/1" },
                "clinicalStatus": { "text": "active" } }),
            ("code-invalid", "AllergyIntolerance.clinicalStatus"),
        ),
    ] {
        let (code, place) = one(&resource);
        assert_eq!((code, place.as_str()), expected, "{resource}");
    }
}

#[test]
fn there_is_an_end_to_it() {
    let many: Vec<Value> = (0..500).map(|_| json!(7)).collect();
    let (problems, more) = problems(&json!({ "resourceType": "Patient", "name": many }));
    assert_eq!((problems.len(), more), (200, true));
}
