//! `Patient/[id]/$everything`, against the searches of the compartment.

use std::collections::BTreeSet;

use gnuhealth_fhir::store::Class;
use serde_json::Value;

use crate::harness::{Client, Database, Gateway, Site, all, link, pages, sites};

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
            ("_page=Nothing", "page-foreign"),
            ("_page=Observation.3.abc", "page-foreign"),
            ("colour=red", "parameter-unknown"),
        ] {
            doctor.get(&format!("Patient/1/$everything?{query}")).is(400, code);
        }
        // A link opens nothing for somebody else, nor of another patient.
        let foreign = next.replace("/Patient/1/", "/Patient/2/");
        assert!([200, 400].contains(&doctor.get(&foreign).status));
    }
}

#[test]
fn a_page_costs_a_statement_for_each_type_at_most() {
    let database = Database::copy("everything");
    let gateway = Gateway::open(&database.url, "");
    let doctor = gateway.user("doctor");
    let types = gateway.anybody().ok("metadata")["rest"][0]["resource"].as_array().unwrap().len() as u64;
    for count in [5, 50, 400] {
        let before = gateway.store.statements(Class::Request);
        doctor.ok(&format!("Patient/1/$everything?_count={count}"));
        let cost = gateway.store.statements(Class::Request) - before;
        assert!(cost <= types + 2, "{count}: {cost}");
    }
}
