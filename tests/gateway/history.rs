//! History: <https://hl7.org/fhir/R4/http.html#history>.

use std::collections::BTreeSet;

use gnuhealth_fhir::store::Class;
use serde_json::{Value, json};

use crate::{
    harness::{Client, Database, Gateway, link, pages, sites},
    rights::{change, hospital, rule},
};

fn entries(bundle: &Value) -> Vec<Value> {
    assert_eq!(bundle["type"], "history", "{bundle}");
    let mut own = bundle.clone();
    for entry in own.get_mut("entry").and_then(Value::as_array_mut).into_iter().flatten() {
        // The model does not know a required choice that is only said to be absent.
        entry.as_object_mut().unwrap().remove("resource");
        assert!(entry["request"]["method"].is_string() && entry["response"]["status"].is_string(), "{entry}");
    }
    gnuhealth_fhir_model::check(own.to_string().as_bytes()).expect("a Bundle");
    bundle["entry"].as_array().cloned().unwrap_or_default()
}

#[test]
fn the_history_of_a_resource_is_its_current_version() {
    for site in sites() {
        let doctor = site.user("doctor");
        let read = doctor.get("Patient/1");
        let bundle = doctor.ok("Patient/1/_history");
        let found = entries(&bundle);
        assert_eq!((found.len(), &bundle["total"]), (1, &json!(1)));
        assert_eq!(found[0]["resource"], read.json());
        assert_eq!(found[0]["request"], json!({ "method": "PUT", "url": "Patient/1" }));
        assert_eq!(found[0]["response"]["etag"].as_str(), read.header("etag"));
        assert!(found[0]["fullUrl"].as_str().unwrap().ends_with("/fhir/Patient/1"));
        let version = read.json()["meta"]["versionId"].as_str().unwrap().to_owned();
        assert_eq!(doctor.ok(&format!("Patient/1/_history/{version}")), read.json());
        let older = doctor.ok("Patient/1/_history?_since=2199-01-01T00:00:00Z");
        assert_eq!((entries(&older).len(), &older["total"]), (0, &json!(0)));
        for (place, status, code) in [
            ("Patient/99999999/_history", 404, "resource-unknown"),
            ("Goal/1/_history", 404, "type-unknown"),
            ("Patient/1/_history?_since=2020", 400, "parameter-value"),
            ("Patient/1/_history?_at=2020", 400, "parameter-unknown"),
            ("Patient/1/_history?_count=x", 400, "parameter-value"),
            ("Binary/1/_history", 405, "interaction-unsupported"),
            ("_history?_at=2020", 400, "parameter-unknown"),
            ("_history?_sort=_lastUpdated", 400, "parameter-unknown"),
        ] {
            doctor.get(place).is(status, code);
        }
        site.gateway.anybody().get("Patient/1/_history?x=y").is(401, "credential-missing");
    }
}

/// Every resource of a type by its history, in the order of the pages.
fn all(client: &Client, place: &str) -> Vec<Value> {
    pages(client, place, "next").iter().flat_map(entries).collect()
}

#[test]
fn the_history_of_a_type_is_its_resources_last_changed_first() {
    for site in sites() {
        let doctor = site.user("doctor");
        for kind in ["Patient", "Condition"] {
            let found = all(&doctor, &format!("{kind}/_history?_count=40"));
            // A patient of the filled hospital was deleted by GNU Health 5.0.
            let deleted = usize::from(kind == "Patient" && site.name == "5.0");
            assert_eq!(deletions(&found).len(), deleted, "{} {kind}", site.name);
            let expected = doctor.ok(&format!("{kind}?_summary=count"))["total"].as_u64().unwrap();
            assert_eq!(found.len() as u64, expected + deleted as u64, "{} {kind}", site.name);
            let times: Vec<&str> =
                found.iter().filter_map(|entry| entry["response"]["lastModified"].as_str()).collect();
            let instants: Vec<jiff::Timestamp> = times.iter().map(|time| time.parse().unwrap()).collect();
            assert!(instants.is_sorted_by(|left, right| left >= right), "{kind}");
            let middle = times[times.len() / 2];
            let since = format!("{kind}/_history?_count=40&_since={}", middle.replace('+', "%2B"));
            let limit: jiff::Timestamp = middle.parse().unwrap();
            let later = instants.iter().filter(|time| **time >= limit).count();
            assert_eq!(all(&doctor, &since).len(), later, "{} {since}", site.name);
            let first = doctor.ok(&since);
            assert!(link(&first, "self").unwrap().contains(&format!("{kind}/_history?_since=")));
        }
        doctor.get("Patient/_history?_page=nonsense").is(400, "page-foreign");
        doctor.get("Patient/_history?name=x").is(400, "parameter-unknown");
    }
}

fn urls(entries: &[Value]) -> Vec<String> {
    entries.iter().filter_map(|entry| entry["fullUrl"].as_str()).map(str::to_owned).collect()
}

#[test]
fn the_history_of_all_types_is_in_one_order() {
    for site in sites() {
        for login in ["doctor", "frontdesk"] {
            let client = site.user(login);
            let page = client.ok("_history?_count=60");
            let found = entries(&page);
            let resources: Vec<&Value> = found.iter().filter(|entry| entry["resource"].is_object()).collect();
            let times: Vec<jiff::Timestamp> = resources
                .iter()
                .map(|entry| entry["response"]["lastModified"].as_str().unwrap().parse().unwrap())
                .collect();
            assert!(times.len() >= 55 && times.is_sorted_by(|left, right| left >= right), "{}", site.name);
            for entry in resources.iter().step_by(20) {
                assert_eq!(client.ok(entry["request"]["url"].as_str().unwrap()), entry["resource"]);
            }
            // What is closed is named.
            let said = found.iter().map(|entry| entry["response"]["outcome"].to_string()).collect::<String>();
            let named: BTreeSet<&str> = said.split(|letter: char| !letter.is_alphabetic()).collect();
            for kind in site.types() {
                let closed = client.get(&format!("{kind}?_count=1")).status == 403;
                assert_eq!(named.contains(kind.as_str()), closed, "{} {login} {kind}: {said}", site.name);
            }
            let next = link(&page, "next").unwrap();
            assert!(next.contains("/fhir/_history?_count=60&_page="), "{next}");
            let (seen, more) = (urls(&found), urls(&entries(&client.ok(&next))));
            assert!(more.len() >= 55 && more.iter().all(|url| !seen.contains(url)), "{}", site.name);
            assert!(urls(&entries(&client.ok("_history?_since=2199-01-01T00:00:00Z"))).is_empty());
        }
        site.gateway.anybody().get("_history").is(401, "credential-missing");
        site.user("inactive").get("_history").is(401, "credential-wrong");
    }
}

#[test]
fn the_history_of_all_types_is_that_of_each() {
    let database = Database::copy("history_of_all");
    for (table, ids) in
        [("gnuhealth_patient", 4), ("gnuhealth_patient_disease", 6), ("gnuhealth_appointment", 5)]
    {
        database.run(&format!(
            "UPDATE {table} SET write_date = '2101-01-01'::timestamp + id * '1 day'::interval
             WHERE id IN (SELECT id FROM {table} ORDER BY id LIMIT {ids})"
        ));
    }
    let gateway = Gateway::open(&database.url, "");
    for login in ["doctor", "frontdesk"] {
        let client = gateway.user(login);
        let mut of_types = Vec::new();
        for kind in sites()[0].types() {
            let place = format!("{kind}/_history?_count=100&_since=2100-01-01T00:00:00Z");
            if client.get(&place).status == 200 {
                of_types.extend(urls(&all(&client, &place)));
            }
        }
        of_types.sort_unstable();
        assert!(of_types.len() > 8, "{login}");
        let mut found = urls(&all(&client, "_history?_count=40&_since=2100-01-01T00:00:00Z"));
        found.sort_unstable();
        assert_eq!(found, of_types, "{login}");
        let counted = client.ok("_history?_count=0&_since=2100-01-01T00:00:00Z");
        assert_eq!(counted["total"].as_u64(), Some(found.len() as u64), "{login}");
    }
}

#[test]
fn history_shows_nobody_more_than_a_read() {
    for site in sites() {
        for login in ["nogroup", "frontdesk", "nurse"] {
            let client = site.user(login);
            for kind in site.types() {
                let (search, history) = (
                    client.get(&format!("{kind}?_count=1")),
                    client.get(&format!("{kind}/_history?_count=1")),
                );
                assert_eq!(search.status, history.status, "{} {login} {kind}", site.name);
            }
        }
    }
}

/// Patients that were deleted, by hours behind changes of others; and entries that tell of no deletion of a patient.
fn delete(database: &Database) {
    database.run(
        "UPDATE gnuhealth_patient SET write_date = '2101-01-01'::timestamp + id * '5 days'::interval WHERE id <= 5;
         INSERT INTO ir_model_log (create_date, event, resource, \"user\")
         SELECT '2101-01-01 06:00'::timestamp + n * '1 day'::interval, 'delete', 'gnuhealth.patient,' || 900000 + n, 1
         FROM generate_series(1, 25) n;
         INSERT INTO ir_model_log (create_date, event, resource, \"user\")
         SELECT '2101-06-01', event, resource, 1 FROM (VALUES
           ('write', 'gnuhealth.patient,900100'), ('delete', 'gnuhealth.patient,-1'), ('delete', 'gnuhealth.patient,x'),
           ('delete', 'gnuhealth.patient'), ('delete', 'gnuhealth.patient,99999999999'), ('delete', 'gnuhealth_patient,5'),
           ('delete', 'gnuhealth.patient,'), ('delete', NULL), ('delete', 'res.group,900101')) odd (event, resource)",
    );
}

/// What was deleted, of entries.
fn deletions(entries: &[Value]) -> Vec<String> {
    let deleted = entries.iter().filter(|entry| entry["request"]["method"] == "DELETE");
    deleted.map(|entry| entry["request"]["url"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn deletions_stand_in_the_history_of_their_type_and_of_all() {
    let (database, gateway) = hospital("deleted");
    let doctor = gateway.user("doctor");
    delete(&database);
    for place in ["Patient/_history", "_history"] {
        let since = format!("{place}?_since=2101-01-01T00:00:00Z");
        // What is closed is named on each page.
        let own = |page: &Value| -> Vec<Value> {
            entries(page).into_iter().filter(|entry| entry["fullUrl"].is_string()).collect()
        };
        let whole = own(&doctor.ok(&format!("{since}&_count=500")));
        let expected: Vec<String> = (900_001..=900_025).rev().map(|id| format!("Patient/{id}")).collect();
        assert_eq!(deletions(&whole), expected, "{place}");
        let times: Vec<jiff::Timestamp> = whole
            .iter()
            .map(|entry| entry["response"]["lastModified"].as_str().unwrap().parse().unwrap())
            .collect();
        assert!(whole.len() >= 30 && times.is_sorted_by(|left, right| left >= right), "{place}");
        let one = whole.iter().find(|entry| entry["request"]["url"] == "Patient/900007").unwrap();
        assert_eq!(one["response"], json!({ "status": "204", "lastModified": "2101-01-08T06:00:00Z" }));
        assert!(
            one["resource"].is_null() && one["fullUrl"].as_str().unwrap().ends_with("/fhir/Patient/900007")
        );
        let forward = pages(&doctor, &format!("{since}&_count=7"), "next");
        let flat = |pages: &[Value]| pages.iter().flat_map(own).collect::<Vec<_>>();
        assert_eq!(flat(&forward), whole, "{place}");
        let mut backward = pages(&doctor, &link(forward.last().unwrap(), "self").unwrap(), "previous");
        backward.reverse();
        assert_eq!(flat(&backward), whole, "{place} backwards");
        let counted = doctor.ok(&format!("{since}&_count=0"));
        assert_eq!(counted["total"].as_u64(), Some(whole.len() as u64), "{place}");
        let later = format!("{place}?_since=2101-01-21T06:00:00Z&_count=500");
        assert_eq!(deletions(&entries(&doctor.ok(&later))).len(), 6, "{place}");
    }
    assert!(deletions(&entries(&doctor.ok("Condition/_history?_since=2101-01-01T00:00:00Z"))).is_empty());
    let cost = |place: &str| {
        let before = gateway.store.statements(Class::Request);
        doctor.ok(place);
        gateway.store.statements(Class::Request) - before
    };
    assert_eq!(cost("Patient/_history?_count=50"), 2);
    assert_eq!(cost("_history?_count=50"), cost("_history?_count=1"));
}

#[test]
fn deletions_are_told_to_those_alone_whom_nothing_restricts() {
    let told = |client: &Client| -> usize {
        let of = |place: &str| {
            let answer = client.get(place);
            if answer.status == 200 { deletions(&entries(&answer.json())).len() } else { 0 }
        };
        of("Patient/_history?_count=500&_since=2101-01-01T00:00:00Z")
            + of("_history?_count=500&_since=2101-01-01T00:00:00Z")
            + of("Patient/900007/_history")
    };
    let field = |name: &str| {
        format!(
            "INSERT INTO ir_model_field_access (field, active, perm_read)
             SELECT f.id, TRUE, FALSE FROM ir_model_field f JOIN ir_model m ON m.id = f.model
             WHERE m.model = 'ir.model.log' AND f.name = '{name}'"
        )
    };
    let log = "(SELECT id FROM ir_model WHERE model = 'ir.model.log')";
    let model = format!(
        "UPDATE ir_model_access SET perm_read = FALSE WHERE model = {log};
         INSERT INTO ir_model_access (model, active, perm_read) SELECT {log}, TRUE, FALSE"
    );
    // Each takes it from the doctor.
    for (name, sql) in [
        ("deleted_log", model),
        ("deleted_event", field("event")),
        ("deleted_time", field("create_date")),
        ("deleted_rule", String::new()),
    ] {
        let (database, gateway) = hospital(name);
        delete(&database);
        let doctor = gateway.user("doctor");
        assert_eq!(told(&doctor), 51, "{name}");
        match sql.as_str() {
            "" => rule(&database, "gnuhealth.patient", r#"[["id", ">", 0]]"#),
            sql => change(&database, sql),
        }
        assert_eq!(told(&doctor), 0, "{name}");
        assert_eq!(doctor.get("Patient/1").status, 200, "{name}: what is there goes on");
        let counted = doctor.ok("Patient/_history?_count=0&_since=2101-01-01T00:00:00Z");
        assert_eq!(counted["total"], 5, "{name}");
        let (hidden, missing) =
            (doctor.get("Patient/900007/_history"), doctor.get("Patient/900999/_history"));
        hidden.is(404, "resource-unknown");
        assert_eq!(hidden.anonymous_text(), missing.anonymous_text(), "{name}");
    }
}

#[test]
fn a_deletion_is_told_to_those_who_may_read_the_log() {
    let database = Database::copy("deletions");
    database.run(
        "INSERT INTO ir_model_log (create_date, event, resource, \"user\")
         VALUES ('2024-05-06 07:08:09', 'delete', 'gnuhealth.patient,987654', 1)",
    );
    let gateway = Gateway::open(&database.url, "");
    let mut told = 0;
    for login in ["admin", "doctor", "nogroup"] {
        let client = gateway.user(login);
        let logs = client.get("AuditEvent?_count=1").status == 200;
        let answer = client.get("Patient/987654/_history");
        if logs && client.get("Patient/987654").status == 404 {
            let found = entries(&answer.json());
            assert_eq!(found[0]["request"], json!({ "method": "DELETE", "url": "Patient/987654" }));
            assert_eq!(found[0]["response"]["lastModified"], "2024-05-06T07:08:09Z");
            assert!(found[0]["resource"].is_null());
            told += 1;
        } else {
            assert!([403, 404].contains(&answer.status), "{login}: {}", answer.text());
        }
        client.get("Patient/987655/_history").status_is_closed_or_unknown();
    }
    assert!(told > 0);
}

impl crate::harness::Response {
    fn status_is_closed_or_unknown(&self) {
        assert!([403, 404].contains(&self.status), "{}", self.text());
    }
}
