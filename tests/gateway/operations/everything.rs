//! `$everything` of a patient and of all patients, against the searches of the compartment.

use std::collections::BTreeSet;

use gnuhealth_fhir::store::Class;
use serde_json::Value;

use crate::{
    harness::{Client, Database, Gateway, Site, all, all_ids, link, pages, sites},
    rights::{hospital, rule},
};

/// Type and id of the entries of a mode, over all pages.
fn entries(pages: &[Value], mode: &str) -> Vec<String> {
    let entries = pages.iter().flat_map(|page| page["entry"].as_array().cloned().unwrap_or_default());
    entries
        .filter(|entry| entry["search"]["mode"] == mode)
        .map(|entry| {
            let resource = &entry["resource"];
            format!("{}/{}", resource["resourceType"].as_str().unwrap(), resource["id"].as_str().unwrap())
        })
        .collect()
}

/// The same by a search of each type.
fn searched(site: &Site, client: &Client, patient: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for kind in site.types() {
        let place = format!("Patient/{patient}/{kind}?_count=500");
        if client.get(&place).status == 200 {
            let ids = all(client, &place).into_iter().map(|one| one["id"].as_str().unwrap().to_owned());
            found.extend(ids.map(|id| format!("{kind}/{id}")));
        }
    }
    found
}

#[test]
fn everything_is_the_compartment_and_what_it_refers_to() {
    for site in sites() {
        for login in ["doctor", "nurse", "frontdesk"] {
            let client = site.user(login);
            if client.get("Patient/1").status != 200 {
                client.get("Patient/1/$everything").status_is_that_of(&client.get("Patient/1"));
                continue;
            }
            let expected = searched(site, &client, "1");
            let found = pages(&client, "Patient/1/$everything?_count=40", "next");
            let matches = entries(&found, "match");
            let set: BTreeSet<String> = matches.iter().cloned().collect();
            assert_eq!(set.len(), matches.len(), "{} {login}: none twice", site.name);
            assert_eq!(set, expected, "{} {login}", site.name);
            for page in &found {
                let matches = entries(std::slice::from_ref(page), "match");
                assert!(matches.len() <= 40);
            }
            // Each of what is included can be read, and something refers to it.
            let text = found.iter().map(Value::to_string).collect::<String>();
            for included in entries(&found, "include").iter().collect::<BTreeSet<_>>() {
                assert_eq!(client.get(included).status, 200, "{} {login} {included}", site.name);
                assert!(text.contains(&format!("\"reference\":\"{included}\"")), "{included}");
            }
            if login == "doctor" {
                assert!(found.len() > 1 && !entries(&found, "include").is_empty());
            }
        }
        site.gateway.anybody().get("Patient/1/$everything").is(401, "credential-missing");
        site.user("doctor").get("Patient/99999999/$everything").is(404, "resource-unknown");
    }
}

impl crate::harness::Response {
    fn status_is_that_of(&self, other: &Self) {
        assert_eq!(self.status, other.status, "{}", self.text());
    }
}

#[test]
fn parameters_narrow_it() {
    for site in sites() {
        let doctor = site.user("doctor");
        let of = |query: &str| {
            entries(&pages(&doctor, &format!("Patient/1/$everything?{query}"), "next"), "match")
        };
        let some = of("_type=Patient,Condition");
        assert!(
            some.iter().all(|one| one.starts_with("Patient/") || one.starts_with("Condition/")),
            "{some:?}"
        );
        assert!(some.contains(&"Patient/1".to_owned()));
        assert_eq!(of("_since=2199-01-01T00:00:00Z"), Vec::<String>::new());
        let observations = of("_type=Observation");
        let early = of("_type=Observation&end=1900-01-01");
        assert!(early.len() < observations.len() || observations.is_empty());
        let first = doctor.ok("Patient/1/$everything?_count=3");
        let next = link(&first, "next").unwrap();
        assert!(next.contains("/Patient/1/$everything?_count=3&_page="), "{next}");
        for (query, code) in [
            ("_count=0", "parameter-value"),
            ("_type=Nothing", "parameter-value"),
            ("_since=yesterday", "parameter-value"),
            ("start=yesterday", "parameter-value"),
            ("end=le2020", "parameter-value"),
            ("_since=2020-01-01,2021-01-01", "parameter-value"),
            ("_page=Nothing", "page-foreign"),
            ("colour=red", "parameter-unknown"),
        ] {
            doctor.get(&format!("Patient/1/$everything?{query}")).is(400, code);
        }
        // A link opens nothing for somebody else, nor of another patient, nor with other parameters.
        for foreign in [
            next.replace("/Patient/1/", "/Patient/2/"),
            next.replace("/Patient/1/", "/Patient/"),
            next.replace("_count=3", "_count=4"),
        ] {
            doctor.get(&foreign).is(400, "page-foreign");
        }
        site.user("nurse").get(&next).is(400, "page-foreign");
    }
}

#[test]
fn everything_of_all_patients_is_that_of_each() {
    for site in sites() {
        for login in ["doctor", "frontdesk"] {
            let client = site.user(login);
            let patients = all_ids(&client, "Patient", &[]);
            let of = |place: &str, query: &str| -> BTreeSet<String> {
                let found =
                    entries(&pages(&client, &format!("{place}/$everything?{query}"), "next"), "match");
                let set: BTreeSet<String> = found.iter().cloned().collect();
                assert_eq!(set.len(), found.len(), "{} {login} {place}: none twice", site.name);
                set
            };
            let whole = of("Patient", "_count=500");
            assert!(whole.len() > patients.len(), "{} {login}: more than the patients", site.name);
            for id in patients.iter().step_by(20) {
                let one = of(&format!("Patient/{id}"), "_count=500");
                assert!(whole.is_superset(&one), "{} {login} Patient/{id}", site.name);
            }
            for (kind, asked) in [
                ("Patient", &[][..]),
                ("Condition", &[("patient:missing", "false")]),
                ("Encounter", &[("patient:missing", "false")]),
            ] {
                // Closed, or what says whose it is.
                let query: String = asked.iter().map(|(name, value)| format!("&{name}={value}")).collect();
                if client.get(&format!("{kind}?_count=1{query}")).status == 403 {
                    assert!(whole.iter().all(|one| !one.starts_with(&format!("{kind}/"))));
                    continue;
                }
                let truth: BTreeSet<String> =
                    all_ids(&client, kind, asked).iter().map(|id| format!("{kind}/{id}")).collect();
                let found: BTreeSet<String> =
                    whole.iter().filter(|one| one.starts_with(&format!("{kind}/"))).cloned().collect();
                assert_eq!(found, truth, "{} {login} {kind}", site.name);
            }
        }
        let doctor = site.user("doctor");
        let pages = pages(&doctor, "Patient/$everything?_count=500&start=2015-01-01", "next");
        let matches = entries(&pages, "match");
        let patients = all_ids(&doctor, "Patient", &[]).len();
        assert!(matches[..patients].iter().all(|one| one.starts_with("Patient/")), "patients come first");
        for (kind, date) in [("Condition", None), ("Observation", Some("date")), ("Procedure", Some("date"))]
        {
            let mut asked = vec![(if kind == "Condition" { "patient" } else { "subject" }, "Patient/1")];
            asked.extend(date.map(|date| (date, "ge2015-01-01")));
            for id in all_ids(&doctor, kind, &asked) {
                assert!(matches.contains(&format!("{kind}/{id}")), "{} {kind}/{id}", site.name);
            }
        }
        // The other way.
        let last = link(pages.last().unwrap(), "self").unwrap();
        let mut backward = crate::harness::pages(&doctor, &last, "previous");
        backward.reverse();
        assert_eq!(entries(&backward, "match"), matches, "{}", site.name);
        let asked = r#"{ "resourceType": "Parameters", "parameter": [{ "name": "_type", "valueCode": "Patient" }, { "name": "_count", "valueInteger": 5 }] }"#;
        let post =
            doctor.send("POST", "Patient/$everything", &[("Content-Type", "application/fhir+json")], asked);
        assert_eq!(post.json()["entry"], doctor.ok("Patient/$everything?_type=Patient&_count=5")["entry"]);
        site.gateway.anybody().get("Patient/$everything").is(401, "credential-missing");
        site.user("inactive").get("Patient/$everything").is(401, "credential-wrong");
    }
}

#[test]
fn it_holds_nothing_of_patients_that_are_hidden() {
    let (database, gateway) = hospital("everything_hidden");
    let doctor = gateway.user("doctor");
    let of = |query: &str| entries(&pages(&doctor, &format!("Patient/$everything?{query}"), "next"), "match");
    let kinds = "_type=Patient,Condition,Encounter,Observation&_count=500";
    let before = of(kinds);
    rule(&database, "gnuhealth.patient", r#"[["id", "<", 50]]"#);
    let after: BTreeSet<String> = of(kinds).into_iter().collect();
    let patients = all_ids(&doctor, "Patient", &[]);
    assert!(patients.len() > 10 && !patients.contains("100"));
    let each: BTreeSet<String> = patients
        .iter()
        .flat_map(|id| {
            entries(&pages(&doctor, &format!("Patient/{id}/$everything?{kinds}"), "next"), "match")
        })
        .collect();
    assert_eq!(after, each);
    assert!(after.len() < before.len() && after.len() > patients.len());
    doctor.get("Patient/100/$everything").is(404, "resource-unknown");
}

#[test]
fn a_page_costs_a_few_statements_however_many_rows() {
    let database = Database::copy("everything");
    // What is kept is not read, and here it is counted what is read.
    let gateway = Gateway::open(&database.url, "keep_records = false\n");
    let doctor = gateway.user("doctor");
    doctor.ok("Patient/1");
    let cost = |place: &str| {
        let before = gateway.store.statements(Class::Request);
        doctor.ok(place);
        gateway.store.statements(Class::Request) - before
    };
    // The patient, the positions, their rows, and what they refer to; the positions of so many types as two statements.
    for (place, most) in [
        ("Patient/1/$everything?_count=5", 5),
        ("Patient/1/$everything?_count=300", 5),
        ("Patient/1/$everything?_count=400", 5),
        ("Patient/$everything?_count=400", 4),
    ] {
        assert!(cost(place) <= most, "{place}");
    }
    assert_eq!(cost("Patient/1/$everything?_count=300"), cost("Patient/1/$everything?_count=400"));
}
