//! International Patient Access 1.0.0 (<http://hl7.org/fhir/uv/ipa/STU1/>): a test for each line of what a server must do.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::harness::{Client, Site, all, query, resources, sites};

const PROFILE: &str = "http://hl7.org/fhir/uv/ipa/StructureDefinition/";

/// Every resource of a type.
fn every(client: &Client, kind: &str) -> Vec<Value> {
    all(client, &format!("{kind}?_count=500"))
}

/// The rest.resource of the CapabilityStatement.
fn offered(site: &Site, kind: &str) -> Value {
    let statement = site.gateway.anybody().ok("metadata");
    let mut all = statement["rest"][0]["resource"].as_array().unwrap().iter();
    all.find(|resource| resource["type"] == kind).unwrap_or_else(|| panic!("{kind} is not served")).clone()
}

fn codes<'a>(resource: &'a Value, list: &str, key: &str) -> Vec<&'a str> {
    let items = resource[list].as_array().into_iter().flatten();
    items.filter_map(|item| item[key].as_str()).collect()
}

/// Resources that claim the profile; there must be some.
fn claiming(site: &Site, kind: &str, profile: &str) -> Vec<Value> {
    let url = format!("{PROFILE}{profile}");
    let claims = |resource: &Value| {
        resource["meta"]["profile"].as_array().is_some_and(|all| all.iter().any(|one| *one == url.as_str()))
    };
    let found: Vec<_> = every(&site.user("admin"), kind).into_iter().filter(claims).collect();
    assert!(!found.is_empty(), "{}: no {kind} claims {profile}", site.name);
    found
}

/// The element has a value, of whatever type where it has a choice of types.
fn has(resource: &Value, element: &str) -> bool {
    let object = resource.as_object().unwrap();
    let plain = |name: &str| name.strip_prefix('_').unwrap_or(name).to_owned();
    object.iter().any(|(name, value)| {
        let name = plain(name);
        let choice = element.strip_suffix("[x]").is_some_and(|stem| name.starts_with(stem));
        (name == element || choice) && !value.is_null()
    })
}

/// Every resource that claims the profile has the mandatory elements, and some have each of the others.
fn profile(kind: &str, profile: &str, mandatory: &[&str], supported: &[&str]) {
    for site in sites() {
        let found = claiming(site, kind, profile);
        for resource in &found {
            for element in mandatory {
                assert!(has(resource, element), "{}: no {element} in {resource}", site.name);
            }
        }
        for element in supported {
            assert!(found.iter().any(|resource| has(resource, element)), "{}: {kind}.{element}", site.name);
        }
    }
}

#[test]
fn the_statement_says_so() {
    for site in sites() {
        let statement = site.gateway.anybody().ok("metadata");
        let instantiates = &statement["instantiates"];
        assert_eq!(
            *instantiates,
            serde_json::json!(["http://hl7.org/fhir/uv/ipa/CapabilityStatement/ipa-server"])
        );
    }
}

#[test]
fn types_are_read_and_searched() {
    let searched = [
        "AllergyIntolerance",
        "Condition",
        "DocumentReference",
        "Immunization",
        "MedicationRequest",
        "MedicationStatement",
        "Observation",
        "Patient",
    ];
    let read = ["Medication", "Practitioner", "PractitionerRole"];
    for site in sites() {
        let admin = site.user("admin");
        for kind in searched.into_iter().chain(read) {
            let resource = offered(site, kind);
            let interactions = codes(&resource, "interaction", "code");
            assert!(interactions.contains(&"read"), "{kind}");
            assert!(!searched.contains(&kind) || interactions.contains(&"search-type"), "{kind}");
            let first = resources(&admin.ok(&format!("{kind}?_count=1"))).remove(0);
            let id = first["id"].as_str().unwrap();
            assert_eq!(admin.ok(&format!("{kind}/{id}")), first);
        }
    }
}

/// Everything that a search with these parameters finds has that patient, and nothing of the patient is missed.
fn of_patient(kind: &str, subject: &str, more: &[&str]) {
    for site in sites() {
        let admin = site.user("admin");
        let everything = every(&admin, kind);
        let patient = everything.iter().find_map(|resource| resource[subject]["reference"].as_str());
        let patient = patient.unwrap_or_else(|| panic!("{}: no {kind} of a patient", site.name)).to_owned();
        let of = |resource: &&Value| resource[subject]["reference"] == patient.as_str();
        let expected: Vec<_> = everything.iter().filter(of).map(|resource| &resource["id"]).collect();
        let id = patient.strip_prefix("Patient/").unwrap();
        let found = all(&admin, &format!("{kind}?patient={id}&_count=200"));
        let mut ids: Vec<_> = found.iter().map(|resource| &resource["id"]).collect();
        ids.sort_by_key(|id| id.to_string());
        let mut wanted = expected.clone();
        wanted.sort_by_key(|id| id.to_string());
        assert_eq!(ids, wanted, "{}: {kind}", site.name);
        let resource = offered(site, kind);
        let names = codes(&resource, "searchParam", "name");
        let mut narrowed = 0;
        for parameters in more {
            for name in parameters.split('+') {
                assert!(names.contains(&name), "{kind}: {name}");
            }
            // Values of one of the resources that have them all, and what they find: it and those that have them too.
            let names: Vec<_> = parameters.split('+').collect();
            let of_patient: Vec<_> = everything.iter().filter(of).collect();
            let example = of_patient.iter().find(|one| names.iter().all(|name| value(one, name).is_some()));
            let Some(example) = example else { continue };
            let wanted: Vec<_> = names.iter().map(|name| (*name, value(example, name).unwrap())).collect();
            let pairs: Vec<_> = wanted.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let query = query(&pairs);
            let found = all(&admin, &format!("{kind}?patient={id}&{query}&_count=200"));
            let ids = |all: Vec<&Value>| {
                let ids = all.iter().map(|one| one["id"].as_str().unwrap().to_owned());
                ids.collect::<BTreeSet<_>>()
            };
            let same = |one: &&Value| wanted.iter().all(|(name, value)| values(one, name).contains(value));
            let expected = ids(of_patient.iter().copied().filter(same).collect());
            assert_eq!(ids(found.iter().collect()), expected, "{}: {kind} {parameters} {query}", site.name);
            assert!(expected.contains(example["id"].as_str().unwrap()));
            narrowed += 1;
        }
        assert!(narrowed > 0, "{}: {kind}: the patient has nothing to look for", site.name);
    }
}

/// What a parameter can look for in a resource: codes, or the day.
fn values(resource: &Value, parameter: &str) -> Vec<String> {
    let element = match parameter {
        "clinical-status" => "clinicalStatus",
        "authoredon" => "authoredOn",
        "date" if resource["resourceType"] == "Observation" => "effectiveDateTime",
        "date" if resource["resourceType"] == "Immunization" => "occurrenceDateTime",
        other => other,
    };
    let element = &resource[element];
    if let Some(text) = element.as_str() {
        return vec![text.to_owned()];
    }
    let concepts = element.as_array().cloned().unwrap_or_else(|| vec![element.clone()]);
    let codings = concepts.iter().filter_map(|concept| concept["coding"].as_array()).flatten();
    codings.filter_map(|coding| coding["code"].as_str()).map(str::to_owned).collect()
}

fn value(resource: &Value, parameter: &str) -> Option<String> {
    values(resource, parameter).into_iter().next()
}

#[test]
fn allergies_of_a_patient() {
    of_patient("AllergyIntolerance", "patient", &["clinical-status"]);
}

#[test]
fn conditions_of_a_patient() {
    of_patient("Condition", "subject", &["clinical-status", "category", "code", "category+clinical-status"]);
}

#[test]
fn documents_of_a_patient() {
    of_patient("DocumentReference", "subject", &["category", "category+date", "type", "status"]);
}

#[test]
fn immunizations_of_a_patient() {
    of_patient("Immunization", "patient", &["status", "date"]);
}

#[test]
fn medication_requests_of_a_patient() {
    of_patient("MedicationRequest", "subject", &["intent", "authoredon", "status", "intent+status"]);
}

#[test]
fn medication_statements_of_a_patient() {
    of_patient("MedicationStatement", "subject", &["status"]);
}

#[test]
fn observations_of_a_patient() {
    of_patient("Observation", "subject", &["category", "code", "category+date", "status"]);
}

#[test]
fn patients_by_id_identifier_and_demographics() {
    for site in sites() {
        let admin = site.user("admin");
        let resource = offered(site, "Patient");
        let names = codes(&resource, "searchParam", "name");
        for name in ["_id", "identifier", "birthdate", "family", "given", "gender", "name"] {
            assert!(names.contains(&name), "{name}");
        }
        let patients = every(&admin, "Patient");
        for patient in patients.iter().step_by(40) {
            let value = patient["identifier"][0]["value"].as_str().unwrap();
            let found = admin.search("Patient", &[("identifier", value)]).json();
            assert_eq!(resources(&found), std::slice::from_ref(patient));
            let id = patient["id"].as_str().unwrap();
            assert_eq!(resources(&admin.ok(&format!("Patient?_id={id}"))), std::slice::from_ref(patient));
        }
    }
}

#[test]
fn documents_by_the_operation() {
    for site in sites() {
        let admin = site.user("admin");
        let resource = offered(site, "DocumentReference");
        assert_eq!(codes(&resource, "operation", "name"), ["docref", "validate"]);
        let documents = every(&admin, "DocumentReference");
        let patient = documents.iter().find_map(|one| one["subject"]["reference"].as_str()).unwrap();
        let id = patient.strip_prefix("Patient/").unwrap();
        let current = |one: &&Value| one["subject"]["reference"] == patient && one["status"] == "current";
        let mut expected: Vec<_> = documents.iter().filter(current).cloned().collect();
        let asked = |place: &str| {
            let mut found = all(&admin, place);
            found.sort_by_key(|one| one["id"].to_string());
            found
        };
        expected.sort_by_key(|one| one["id"].to_string());
        assert_eq!(asked(&format!("DocumentReference/$docref?patient={id}")), expected, "{}", site.name);
        assert_eq!(asked(&format!("DocumentReference/$docref?patient={id}&start=9000")), Vec::<Value>::new());
        let body = serde_json::json!({ "resourceType": "Parameters", "parameter": [
            { "name": "patient", "valueId": id }, { "name": "end", "valueDate": "9000-01-01" },
        ] })
        .to_string();
        let headers = [("Content-Type", "application/fhir+json")];
        let posted = admin.send("POST", "DocumentReference/$docref", &headers, &body);
        assert_eq!(posted.status, 200, "{}", posted.text());
        let dated = expected.iter().filter(|one| has(one, "date")).count();
        assert_eq!(resources(&posted.json()).len(), dated);
        for (place, status) in [
            ("DocumentReference/$docref", 400),
            ("DocumentReference/$docref?patient=1&colour=red", 400),
            ("DocumentReference/1/$docref?patient=1", 404),
            ("Patient/$docref?patient=1", 404),
        ] {
            assert!(
                [status, 405, 501].contains(&admin.get(place).status),
                "{place}: {}",
                admin.get(place).status
            );
        }
        assert_eq!(
            site.gateway.anybody().get(&format!("DocumentReference/$docref?patient={id}")).status,
            401
        );
    }
}

#[test]
fn patient_profile() {
    profile("Patient", "ipa-patient", &["identifier", "name"], &["active", "gender", "birthDate", "link"]);
    for site in sites() {
        for patient in claiming(site, "Patient", "ipa-patient") {
            // ipa-pat-1: given, family or text, or the reason why there is none.
            for name in patient["name"].as_array().unwrap() {
                assert!(
                    ["given", "family", "text", "extension"].iter().any(|part| has(name, part)),
                    "{patient}"
                );
            }
        }
    }
}

#[test]
fn allergy_profile() {
    let mandatory = ["code", "patient"];
    profile(
        "AllergyIntolerance",
        "ipa-allergyintolerance",
        &mandatory,
        &["clinicalStatus", "verificationStatus"],
    );
}

#[test]
fn condition_profile() {
    let supported = ["clinicalStatus", "verificationStatus", "category"];
    profile("Condition", "ipa-condition", &["code", "subject"], &supported);
}

#[test]
fn observation_profile() {
    let supported = ["category", "effective[x]", "value[x]", "dataAbsentReason"];
    profile("Observation", "ipa-observation", &["status", "code", "subject"], &supported);
}

#[test]
fn immunization_profile() {
    profile("Immunization", "ipa-immunization", &["status", "vaccineCode", "patient", "occurrence[x]"], &[]);
}

#[test]
fn medication_request_profile() {
    let mandatory = ["status", "intent", "medication[x]", "subject"];
    let supported = ["reported[x]", "authoredOn", "requester", "dosageInstruction", "encounter"];
    profile("MedicationRequest", "ipa-medicationrequest", &mandatory, &supported);
    for site in sites() {
        let found = claiming(site, "MedicationRequest", "ipa-medicationrequest");
        assert!(
            found.iter().any(|request| request["dosageInstruction"][0]["text"].is_string()),
            "{}",
            site.name
        );
    }
}

#[test]
fn medication_statement_profile() {
    let mandatory = ["status", "medication[x]", "subject"];
    let supported = ["statusReason", "effective[x]", "informationSource", "dosage"];
    profile("MedicationStatement", "ipa-medicationstatement", &mandatory, &supported);
    for site in sites() {
        let found = claiming(site, "MedicationStatement", "ipa-medicationstatement");
        assert!(found.iter().any(|statement| statement["dosage"][0]["text"].is_string()), "{}", site.name);
    }
}

#[test]
fn document_profile() {
    let mandatory = ["status", "subject", "content"];
    profile(
        "DocumentReference",
        "ipa-documentreference",
        &mandatory,
        &["type", "category", "date", "author", "context"],
    );
    for site in sites() {
        for document in claiming(site, "DocumentReference", "ipa-documentreference") {
            for content in document["content"].as_array().unwrap() {
                let attachment = &content["attachment"];
                assert!(has(attachment, "url") || has(attachment, "data"), "{document}");
            }
        }
    }
}

#[test]
fn practitioner_profile() {
    profile("Practitioner", "ipa-practitioner", &["name"], &[]);
}

#[test]
fn practitioner_role_profile() {
    profile("PractitionerRole", "ipa-practitionerrole", &["practitioner"], &["organization", "specialty"]);
}

#[test]
fn medication_profile() {
    profile("Medication", "ipa-medication", &["code"], &[]);
}

/// The gateway keeps to itself what a record does not have; what must be there is said to be unknown.
#[test]
fn missing_optional_elements_are_omitted() {
    for site in sites() {
        let patients = every(&site.user("admin"), "Patient");
        let without = patients.iter().find(|patient| !has(patient, "birthDate"));
        let without = without.unwrap_or_else(|| panic!("{}: everybody has a date of birth", site.name));
        assert!(without.get("birthDate").is_none() && without.get("_birthDate").is_none());
    }
}
