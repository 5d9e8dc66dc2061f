//! `$validate`.

use serde_json::{Value, json};

use super::{parameters, post};
use crate::harness::{ids, resources, sites};

fn severities(outcome: &Value) -> Vec<&str> {
    assert_eq!(outcome["resourceType"], "OperationOutcome", "{outcome}");
    outcome["issue"].as_array().unwrap().iter().map(|issue| issue["severity"].as_str().unwrap()).collect()
}

#[test]
fn what_is_served_is_valid() {
    for site in sites() {
        let admin = site.user("admin");
        let mut valid = 0;
        for kind in site.types() {
            for resource in resources(&admin.ok(&format!("{kind}?_count=40"))) {
                let answer = post(&admin, &format!("{kind}/$validate"), &resource);
                assert_eq!(answer.status, 200);
                let outcome = answer.json();
                assert_eq!(severities(&outcome), ["information"], "{} {outcome} {resource}", site.name);
                valid += 1;
            }
        }
        assert!(valid > 500, "{valid}");
    }
}

#[test]
fn what_the_model_refuses_is_refused() {
    // Every element of some resources, spoilt one by one: what the model of fhir-sdk cannot read has a problem here too.
    let admin = sites()[0].user("admin");
    let mut spoilt = 0;
    for kind in ["Patient", "Observation", "Condition", "MedicationRequest", "Encounter", "Immunization"] {
        let resource = resources(&admin.ok(&format!("{kind}?_count=1"))).remove(0);
        for name in resource.as_object().unwrap().keys().filter(|name| *name != "resourceType") {
            for bad in [json!(7.5), json!(""), json!([]), json!({ "nonsense": 1 }), Value::Null] {
                let mut other = resource.clone();
                other[name] = bad;
                if gnuhealth_fhir_model::check(other.to_string().as_bytes()).is_err() {
                    let outcome = post(&admin, &format!("{kind}/$validate"), &other).json();
                    assert_eq!(severities(&outcome)[0], "error", "{kind}.{name}: {other}");
                    spoilt += 1;
                }
            }
        }
    }
    assert!(spoilt > 100, "{spoilt}");
}

#[test]
fn problems_are_told_with_their_place() {
    for site in sites() {
        let doctor = site.user("doctor");
        let patient = json!({ "resourceType": "Patient", "gender": "femal", "birthDate": "1973-13-01" });
        let expected = [("code-invalid", "Patient.gender"), ("value", "Patient.birthDate")];
        let wrapped =
            parameters(&[("resource", "resource", patient.clone()), ("mode", "valueCode", json!("create"))]);
        for (place, body) in [
            ("Patient/$validate", &patient),
            ("Patient/_validate", &patient),
            ("Patient/$validate", &wrapped),
        ] {
            let answer = post(&doctor, place, body);
            assert_eq!(answer.status, 200, "{}", answer.text());
            let outcome = answer.json();
            let issues = outcome["issue"].as_array().unwrap();
            let found: Vec<_> = issues
                .iter()
                .map(|issue| (issue["code"].as_str().unwrap(), issue["expression"][0].as_str().unwrap()))
                .collect();
            assert_eq!(found, expected);
            // What is told names elements, never values.
            assert!(
                !answer.text().contains("femal\"") && !answer.text().contains("1973"),
                "{}",
                answer.text()
            );
        }
        let other = post(&doctor, "Observation/$validate", &patient).json();
        assert!(other["issue"][0]["details"]["text"].as_str().unwrap().contains("Observation"));
        let update = json!({ "resourceType": "Patient", "active": true });
        let update = parameters(&[("resource", "resource", update), ("mode", "valueCode", json!("update"))]);
        assert_eq!(severities(&post(&doctor, "Patient/$validate", &update).json()), ["error"]);
    }
}

#[test]
fn a_served_resource_is_validated_by_its_id() {
    for site in sites() {
        let doctor = site.user("doctor");
        let id = ids(&doctor.ok("Patient?_count=1")).remove(0);
        let outcome = doctor.ok(&format!("Patient/{id}/$validate"));
        assert_eq!(severities(&outcome), ["information"]);
        doctor.get("Patient/999999/$validate").is(404, "resource-unknown");
        site.user("nogroup").get("Condition/1/$validate").status_is_closed();
        let profile = |url: &str| doctor.get(&format!("Patient/{id}/$validate?profile={url}"));
        assert_eq!(profile("http://hl7.org/fhir/StructureDefinition/Patient").status, 200);
        profile("http://hl7.org/fhir/uv/ipa/StructureDefinition/ipa-patient").is(400, "parameter-value");
        for query in ["mode=delete", "mode=x", "mode=profile"] {
            doctor.get(&format!("Patient/{id}/$validate?{query}")).is(400, "parameter-value");
        }
        post(&doctor, "Patient/$validate", &json!({ "resourceType": "Parameters" }))
            .is(400, "parameter-value");
        doctor.send("POST", "Patient/$validate", &super::FHIR, "{").is(400, "request-malformed");
        post(&site.gateway.anybody(), "Patient/$validate", &json!({ "resourceType": "Patient" }))
            .is(401, "credential-missing");
    }
}

impl crate::harness::Response {
    /// The type is closed, or the record hidden.
    fn status_is_closed(&self) {
        assert!([403, 404].contains(&self.status), "{}", self.text());
    }
}
