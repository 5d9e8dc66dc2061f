//! Databases with few modules, and with one that GNU Health does not have (`tests/gnuhealth/build --small`).

use std::{collections::BTreeSet, io::Write as _};

use serde_json::Value;

use crate::harness::{Database, Gateway, all};

fn gateway(variable: &str, settings: &str) -> Option<(Database, Gateway)> {
    let Ok(url) = std::env::var(variable) else {
        let _ = writeln!(std::io::stderr(), "gateway: skipped few modules: {variable} is not set");
        return None;
    };
    let gateway = Gateway::open(&url.replace("postgres@", "fhir_reader@"), settings);
    Some((Database { url }, gateway))
}

fn types(gateway: &Gateway) -> BTreeSet<String> {
    let statement = gateway.anybody().ok("metadata");
    let resources = statement["rest"][0]["resource"].as_array().unwrap();
    resources.iter().map(|resource| resource["type"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn with_health_alone_there_is_what_health_holds_and_nothing_else() {
    let Some((database, gateway)) = gateway("GNUHEALTH_FHIR_TEST_SMALL", "") else { return };
    let modules =
        database.texts("SELECT name FROM ir_module WHERE state = 'activated' AND name LIKE 'health%'");
    assert_eq!(modules, ["health".to_owned()].into());
    let types = types(&gateway);
    for kind in ["Patient", "Practitioner", "Organization", "Condition", "Observation"] {
        assert!(types.contains(kind), "{kind}");
    }
    for kind in ["Specimen", "ImagingStudy", "NutritionOrder", "ChargeItem", "Substance", "SupplyDelivery"] {
        assert!(!types.contains(kind), "{kind} is of a module that is not activated");
        assert_eq!(gateway.user("doctor").get(kind).status, 404, "{kind}");
    }
    let doctor = gateway.user("doctor");
    for kind in &types {
        // Closed to doctors, or not searched.
        if [403, 405].contains(&doctor.get(&format!("{kind}?_count=1")).status) {
            continue;
        }
        let found = all(&doctor, &format!("{kind}?_count=500"));
        let counted = doctor.ok(&format!("{kind}?_summary=count"))["total"].as_u64().unwrap();
        assert_eq!(found.len() as u64, counted, "{kind}");
        assert!(found.iter().all(|resource| resource["resourceType"] == **kind), "{kind}");
    }
    let patients = database.number("SELECT count(*) FROM gnuhealth_patient");
    assert_eq!(all(&doctor, "Patient?_count=100").len() as i64, patients);
    assert!(!all(&doctor, "Observation?_count=500").is_empty(), "evaluations belong to health");
}

#[test]
fn a_module_of_the_hospital_takes_one_file() {
    let settings = "mappings_dir = \"examples/custom-module/mappings\"";
    let Some((database, gateway)) = gateway("GNUHEALTH_FHIR_TEST_CUSTOM", settings) else { return };
    assert!(types(&gateway).contains("Consent"));
    let doctor = gateway.user("doctor");
    let found = all(&doctor, "Consent?_count=7");
    assert_eq!(found.len() as i64, database.number("SELECT count(*) FROM hospital_consent"));
    for consent in &found {
        gnuhealth_fhir_model::check(consent.to_string().as_bytes()).expect("it is a Consent of R4");
        let id = consent["id"].as_str().unwrap();
        assert_eq!(&doctor.ok(&format!("Consent/{id}")), consent);
        let patient = consent["patient"]["reference"].as_str().unwrap();
        assert_eq!(doctor.get(patient).status, 200, "{patient}");
    }
    let number = |condition: &str| {
        database.number(&format!("SELECT count(*) FROM hospital_consent WHERE {condition}"))
    };
    for (search, condition) in [
        ("status=active", "state = 'signed'"),
        ("status=draft,rejected", "state IN ('draft', 'refused')"),
        ("category=research", "kind = 'research'"),
        ("scope=patient-privacy", "kind = 'release'"),
        ("identifier=C0003", "number = 'C0003'"),
        ("date=ge2025-06-15", "signed >= '2025-06-15'"),
        ("organization:missing=true", "institution IS NULL"),
        (
            "patient.birthdate=lt2000-01-01",
            "patient IN (SELECT p.id FROM gnuhealth_patient p JOIN party_party q ON q.id = p.party WHERE q.dob < '2000-01-01')",
        ),
    ] {
        let counted = doctor.ok(&format!("Consent?{search}&_summary=count"))["total"].as_i64();
        assert_eq!(counted, Some(number(condition)), "{search}");
    }
    let provisions = |consents: &[Value]| {
        let provisions = consents.iter().filter_map(|consent| consent["provision"]["provision"].as_array());
        provisions.map(Vec::len).sum::<usize>() as i64
    };
    assert_eq!(provisions(&found), database.number("SELECT count(*) FROM hospital_consent_provision"));
    // The module's own access rights: no provisions for the front desk, nothing at all without a group.
    let desk = all(&gateway.user("frontdesk"), "Consent?_count=50");
    assert_eq!((desk.len(), provisions(&desk)), (found.len(), 0));
    assert!(desk.iter().all(|consent| consent["meta"]["security"][0]["code"] == "REDACTED"));
    assert_eq!(gateway.user("nogroup").get("Consent").status, 403);
}

#[test]
fn without_the_module_the_file_is_no_fault() {
    let settings = "mappings_dir = \"examples/custom-module/mappings\"";
    let Some((_, gateway)) = gateway("GNUHEALTH_FHIR_TEST_SMALL", settings) else { return };
    assert!(!types(&gateway).contains("Consent"));
}
