//! Access rights of Tryton, changed by SQL on copies of the demo hospital.

use std::{thread::sleep, time::Duration};

use serde_json::Value;

use crate::harness::{Client, Database, Gateway, all_ids, ids, pages, resources};

/// Model and group of the access rows that are changed.
const PATIENT: &str = "(SELECT id FROM ir_model WHERE model = 'gnuhealth.patient')";
pub const DOCTORS: &str = "(SELECT l.\"group\" FROM \"res_user-res_group\" l JOIN res_user u ON u.id = l.\"user\" WHERE u.login = 'doctor')";

/// A copy with a gateway that looks for changes often.
pub fn hospital(name: &str) -> (Database, Gateway) {
    let database = Database::copy(name);
    let gateway = Gateway::open(&database.url, "watch_interval = \"50ms\"");
    (database, gateway)
}

pub fn change(database: &Database, sql: &str) {
    database.run(sql);
    sleep(Duration::from_millis(500));
}

pub fn rule(database: &Database, model: &str, domain: &str) {
    change(
        database,
        &format!(
            "WITH added AS (INSERT INTO ir_rule_group (name, model, global_p, default_p, perm_read)
               SELECT 'test', id, TRUE, FALSE, TRUE FROM ir_model WHERE model = '{model}' RETURNING id)
             INSERT INTO ir_rule (rule_group, domain) SELECT id, '{}' FROM added",
            domain.replace('\'', "''")
        ),
    );
}

fn redacted(resource: &Value) -> bool {
    let marks = resource["meta"]["security"].as_array().cloned().unwrap_or_default();
    marks.iter().any(|mark| {
        mark["system"] == "http://terminology.hl7.org/CodeSystem/v3-ObservationValue"
            && mark["code"] == "REDACTED"
    })
}

#[test]
fn a_closed_model_is_closed_for_its_group_only() {
    let (database, gateway) = hospital("closed");
    let (doctor, frontdesk) = (gateway.user("doctor"), gateway.user("frontdesk"));
    assert_eq!(doctor.get("Patient/1").status, 200);
    change(
        &database,
        &format!(
            "UPDATE ir_model_access SET perm_read = FALSE WHERE model = {PATIENT} AND (\"group\" IS NULL OR \"group\" IN {DOCTORS})"
        ),
    );
    for place in
        ["Patient/1", "Patient/999999", "Patient/x", "Patient", "Patient?name=a", "Patient?_summary=count"]
    {
        doctor.get(place).is(403, "model-forbidden");
    }
    doctor.get("Observation?subject:Patient.name=a").is(403, "model-forbidden");
    assert_eq!(frontdesk.get("Patient/1").status, 200);
    assert_eq!(all_ids(&frontdesk, "Patient", &[]).len(), 250);
    assert_eq!(doctor.get("Practitioner/1").status, 200, "other types go on");
    for observation in resources(&doctor.ok("Observation?_count=50")) {
        assert!(observation["subject"]["display"].is_null());
    }
}

#[test]
fn a_closed_field_is_left_out_marked_and_not_searched() {
    let (database, gateway) = hospital("fields");
    let (doctor, frontdesk) = (gateway.user("doctor"), gateway.user("frontdesk"));
    let before = doctor.get("Patient/1");
    assert!(before.json()["birthDate"].is_string() && !redacted(&before.json()));
    change(
        &database,
        &format!(
            "INSERT INTO ir_model_field_access (field, \"group\", active, perm_read)
             SELECT f.id, g.\"group\", TRUE, FALSE FROM ir_model_field f JOIN ir_model m ON m.id = f.model, {DOCTORS} g
             WHERE m.model = 'party.party' AND f.name = 'dob'"
        ),
    );
    let after = doctor.get("Patient/1");
    assert!(after.json()["birthDate"].is_null() && redacted(&after.json()), "{}", after.text());
    assert_ne!(after.header("etag"), before.header("etag"), "another content is another version");
    let found = pages(&doctor, "Patient?_count=500", "next");
    for patient in found.iter().flat_map(resources) {
        assert!(patient["birthDate"].is_null() && redacted(&patient), "{patient}");
    }
    for query in [
        "birthdate=1980",
        "birthdate=gt1900-01-01",
        "birthdate:missing=true",
        "_sort=birthdate",
        "_sort=gender,-birthdate",
    ] {
        doctor.get(&format!("Patient?{query}")).is(403, "field-forbidden");
    }
    doctor.get("Observation?subject:Patient.birthdate=1980").is(403, "field-forbidden");
    doctor.get("Practitioner?birthdate=1980").status_unless_unknown(403);
    assert_eq!(doctor.get("Patient?name=a").status, 200);
    let desk = frontdesk.get("Patient/1").json();
    assert!(desk["birthDate"].is_string() && !redacted(&desk));
    assert_eq!(frontdesk.get("Patient?birthdate=gt1900-01-01").status, 200);
}

#[test]
fn a_hidden_record_looks_as_if_it_did_not_exist() {
    let (database, gateway) = hospital("rules");
    let doctor = gateway.user("doctor");
    let puid = doctor.ok("Patient/100")["identifier"][0]["value"].as_str().unwrap().to_owned();
    let subject = "Observation?_count=5&subject:Patient.identifier=";
    assert!(!ids(&doctor.ok("Condition?subject:Patient._id=100")).is_empty());
    assert!(!ids(&doctor.ok(&format!("{subject}{puid}"))).is_empty(), "patient 100 has observations");
    // Those of death certificates know their patient through the party only.
    let conditions = || -> Vec<String> {
        let all = all_ids(&doctor, "Condition", &[]);
        all.into_iter().filter(|id| !id.starts_with("dc-") && !id.starts_with("du-")).collect()
    };
    let all_conditions = conditions();
    rule(&database, "gnuhealth.patient", r#"[["id", "<", 50]]"#);

    let hidden = doctor.get("Patient/100");
    hidden.is(404, "resource-unknown");
    let missing = doctor.get("Patient/999999");
    assert_eq!(hidden.anonymous_text(), missing.anonymous_text());
    let names = |response: &crate::harness::Response| response.headers.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&hidden), names(&missing));

    let visible = database.texts("SELECT id::text FROM gnuhealth_patient WHERE id < 50");
    assert_eq!(all_ids(&doctor, "Patient", &[]), visible);
    assert_eq!(all_ids(&doctor, "Patient", &[("_sort", "-birthdate")]), visible);
    let total = |client: &Client, place: &str| client.ok(place)["total"].as_i64().unwrap();
    assert_eq!(total(&doctor, "Patient?_summary=count"), i64::try_from(visible.len()).unwrap());
    assert_eq!(total(&doctor, "Patient?_total=accurate&_count=1"), i64::try_from(visible.len()).unwrap());
    assert_eq!(total(&doctor, &format!("Patient?_summary=count&identifier={puid}")), 0);
    assert!(ids(&doctor.ok("Patient?_id=100,999999")).is_empty());

    assert!(ids(&doctor.ok(&format!("{subject}{puid}"))).is_empty(), "a chain must not reveal the patient");
    assert!(ids(&doctor.ok(&format!("Observation?subject:identifier={puid}"))).is_empty());
    assert!(ids(&doctor.ok("Condition?subject:Patient._id=100")).is_empty());
    let without = all_ids(&doctor, "Condition", &[("subject:Patient.gender:missing", "true")]);
    let with = all_ids(&doctor, "Condition", &[("subject:Patient.gender:missing", "false")]);
    let negative = all_ids(&doctor, "Condition", &[("subject:Patient.gender:not", "male")]);
    for condition in without.iter().chain(&with).chain(&negative) {
        let patient = doctor.ok(&format!("Condition/{condition}"))["subject"]["reference"].clone();
        let id: i32 = patient.as_str().unwrap().trim_start_matches("Patient/").parse().unwrap();
        assert!(id < 50, "{condition} belongs to hidden patient {id}");
    }
    // The conditions themselves have no rule: they stay.
    assert_eq!(conditions(), all_conditions);
    for patient in pages(&doctor, "Patient?_count=500", "next").iter().flat_map(resources) {
        for link in patient["link"].as_array().into_iter().flatten() {
            let other = link["other"]["reference"].as_str().unwrap();
            assert_eq!(doctor.get(other).status, 200, "{other} is hidden, but linked");
        }
    }
}

#[test]
fn a_reference_to_a_hidden_record_is_left_out_and_not_found() {
    let (database, gateway) = hospital("hidden_references");
    let doctor = gateway.user("doctor");
    let of = |patient: &str| all_ids(&doctor, "Condition", &[("subject", patient)]);
    let hidden = of("Patient/100");
    let (one, shown) = (hidden.first().expect("patient 100 has conditions").clone(), of("Patient/7"));
    let before = doctor.ok(&format!("Condition/{one}"));
    assert_eq!(before["subject"]["reference"], "Patient/100");
    assert!(!redacted(&before));
    rule(&database, "gnuhealth.patient", r#"[["id", "<", 50]]"#);

    let after = doctor.get(&format!("Condition/{one}"));
    assert!(redacted(&after.json()) && !after.text().contains("Patient/100"), "{}", after.text());
    let reason = after.json()["subject"]["extension"][0]["valueCode"].clone();
    assert_eq!(reason, "masked");
    assert!(after.json()["subject"]["display"].is_null());
    for place in [
        "Condition?subject=Patient/100".to_owned(),
        "Condition?patient=100".to_owned(),
        "Condition?subject=Patient/100,Patient/999999".to_owned(),
        format!("Condition?_id={one}&subject:missing=false"),
    ] {
        assert!(ids(&doctor.ok(&place)).is_empty(), "{place}");
        let total =
            doctor.ok(&format!("{place}{}_summary=count", if place.contains('?') { "&" } else { "?" }));
        assert_eq!(total["total"], 0, "{place}");
    }
    // A compartment is that of a resource, which is as good as absent.
    doctor.get("Patient/100/Condition?_count=5").is(404, "resource-unknown");
    assert_eq!(of("Patient/7"), shown);
    assert_eq!(
        all_ids(&doctor, "Condition", &[("_sort", "subject")]).len(),
        all_ids(&doctor, "Condition", &[]).len()
    );
    // Found is what is read, also by the time of the last change.
    for resource in pages(&doctor, "Condition?_count=500", "next").iter().flat_map(resources) {
        let place = format!("Condition/{}", resource["id"].as_str().unwrap());
        match resource["subject"]["reference"].as_str() {
            Some(patient) => assert_eq!(doctor.get(patient).status, 200, "{place} refers to {patient}"),
            None => assert!(redacted(&resource), "{place}"),
        }
    }
    let read = doctor.ok(&format!("Condition/{one}"));
    let found = resources(&doctor.ok(&format!("Condition?_id={one}")));
    assert_eq!(found, std::slice::from_ref(&read));
    let updated = read["meta"]["lastUpdated"].as_str().unwrap();
    assert_eq!(all_ids(&doctor, "Condition", &[("_id", &one), ("_lastUpdated", updated)]).len(), 1);
}

#[test]
fn a_rule_that_cannot_be_read_closes_its_model() {
    let (database, gateway) = hospital("pyson");
    let doctor = gateway.user("doctor");
    assert_eq!(doctor.get("Patient/1").status, 200);
    rule(&database, "gnuhealth.patient", r#"[["id", "=", {"__class__": "Nonsense", "v": 1}]]"#);
    for login in ["doctor", "frontdesk", "admin"] {
        if login != "admin" {
            gateway.user(login).get("Patient/1").is(403, "model-forbidden");
            gateway.user(login).get("Patient").is(403, "model-forbidden");
        }
    }
    assert_eq!(doctor.get("Practitioner/1").status, 200);
    change(&database, "DELETE FROM ir_rule_group WHERE name = 'test'");
    assert_eq!(doctor.get("Patient/1").status, 200);
    for domain in ["", "nonsense", r#"[["no_such_field", "=", 1]]"#, r#"[["id", "no such operator", 1]]"#] {
        rule(&database, "gnuhealth.patient", domain);
        doctor.get("Patient").is(403, "model-forbidden");
        change(&database, "DELETE FROM ir_rule_group WHERE name = 'test'");
    }
}
