//! Searches over several types (<https://hl7.org/fhir/R4/search.html#searching>) and over compartments
//! (<https://hl7.org/fhir/R4/compartmentdefinition.html>).

use std::collections::BTreeSet;

use gnuhealth_fhir::store::Class;
use serde_json::Value;

use crate::{
    harness::{Client, Database, Gateway, all, all_ids, link, pages, sites},
    rights::{hospital, rule},
};

type Places = BTreeSet<String>;

fn place(resource: &Value) -> String {
    format!("{}/{}", resource["resourceType"].as_str().unwrap(), resource["id"].as_str().unwrap())
}

/// `[type]/[id]` of all matches; none twice.
fn found(client: &Client, search: &str) -> Places {
    let all: Vec<String> = all(client, search).iter().map(place).collect();
    let set: Places = all.iter().cloned().collect();
    assert_eq!(set.len(), all.len(), "{search}: a resource is on two pages");
    set
}

fn of(kind: &str, ids: &BTreeSet<String>) -> Places {
    ids.iter().map(|id| format!("{kind}/{id}")).collect()
}

fn outcome_code(bundle: &Value) -> Option<String> {
    let entries = bundle["entry"].as_array()?;
    let outcome = entries.iter().find(|entry| entry["search"]["mode"] == "outcome")?;
    outcome["resource"]["issue"][0]["details"]["coding"][0]["code"].as_str().map(str::to_owned)
}

#[test]
fn several_types_are_the_union_of_each() {
    for site in sites() {
        let doctor = site.user("doctor");
        let mut union = Places::new();
        for kind in ["Encounter", "Condition", "Practitioner"] {
            union.extend(of(kind, &all_ids(&doctor, kind, &[])));
        }
        let search = "?_type=Practitioner,Encounter,Condition";
        assert_eq!(found(&doctor, &format!("{search}&_count=500")), union, "{}", site.name);
        let total = doctor.ok(&format!("{search}&_summary=count"))["total"].as_u64();
        assert_eq!(total, Some(union.len() as u64), "{}", site.name);
        // What all of them have.
        let mut of_patient = Places::new();
        for kind in ["Encounter", "Condition"] {
            of_patient.extend(of(kind, &all_ids(&doctor, kind, &[("patient", "100")])));
        }
        assert_eq!(found(&doctor, "?_type=Encounter,Condition&patient=100"), of_patient, "{}", site.name);
        assert!(!of_patient.is_empty());
        // Everything, as far as it is the doctor's.
        let one = found(&doctor, "?_id=1&_count=500");
        let mut truth = Places::new();
        for kind in site.types() {
            let response = doctor.get(&format!("{kind}?_id=1"));
            if response.status == 200 {
                truth.extend(of(&kind, &crate::harness::ids(&response.json()).into_iter().collect()));
            }
        }
        assert_eq!(one, truth, "{}", site.name);
        assert!(one.len() > 3);
        let form = doctor.send(
            "POST",
            "_search",
            &[("Content-Type", "application/x-www-form-urlencoded")],
            "_id=1&_count=500",
        );
        let posted: Places = crate::harness::resources(&form.json()).iter().map(place).collect();
        assert_eq!(posted, truth, "{}", site.name);
        let next = link(&form.json(), "self").unwrap();
        assert_eq!(found(&doctor, &next), truth, "{}: its links are followed by GET", site.name);
    }
}

#[test]
fn pages_over_several_types_have_one_order_both_ways() {
    for site in sites() {
        let doctor = site.user("doctor");
        for sort in ["", "&_sort=-date,_id", "&_sort=_lastUpdated", "&_sort=patient"] {
            let search = format!("?_type=Encounter,Observation,RiskAssessment{sort}&patient=100,101");
            let whole: Vec<String> =
                all(&doctor, &format!("{search}&_count=500")).iter().map(place).collect();
            let forward = pages(&doctor, &format!("{search}&_count=7"), "next");
            let flat = |pages: &[Value]| -> Vec<String> {
                pages.iter().flat_map(crate::harness::resources).map(|one| place(&one)).collect()
            };
            assert_eq!(flat(&forward), whole, "{} {search}", site.name);
            assert!(forward.len() > 2, "{} {search}: {}", site.name, forward.len());
            let last = link(forward.last().unwrap(), "self").unwrap();
            let mut backward = pages(&doctor, &last, "previous");
            backward.reverse();
            assert_eq!(flat(&backward), whole, "{} {search} backwards", site.name);
            for page in &forward {
                for entry in page["entry"].as_array().unwrap() {
                    let url = format!("http://{}/fhir/{}", site.gateway.address, place(&entry["resource"]));
                    assert_eq!(entry["fullUrl"], url.as_str());
                }
            }
        }
    }
}

#[test]
fn what_not_all_types_have_is_refused() {
    let doctor = sites()[0].user("doctor");
    for (search, code, word) in [
        ("?_type=Patient,Nothing", "parameter-value", "_type"),
        ("?_type=", "parameter-value", "_type"),
        ("?_type=Patient&_type=Encounter", "parameter-value", "_type stands twice"),
        (
            "?_type=Patient,Encounter&birthdate=2000",
            "parameter-unknown",
            "All types of this search can be searched by: _id, _lastUpdated",
        ),
        ("?name=a", "parameter-unknown", "All types of this search can be searched by: _id, _lastUpdated"),
        ("?_type=Patient,Encounter&_sort=birthdate", "parameter-unknown", "All types of this search"),
        ("?_type=Patient,Encounter&_elements=nothing", "parameter-value", "_elements"),
        ("Patient?_type=Patient", "parameter-unknown", "_type"),
        ("Patient?_list=1", "parameter-unknown", "_list is not offered."),
        ("Patient?_content=a", "parameter-unknown", "_content is not offered."),
        ("Patient?_text=a", "parameter-unknown", "_text is not offered."),
        ("?_query=a", "parameter-unknown", "_query is not offered."),
    ] {
        let response = doctor.get(search);
        response.is(400, code);
        assert!(response.text().contains(word), "{search}: {}", response.text());
    }
    assert_eq!(doctor.get("?_type=Binary").status, 405);
    assert_eq!(doctor.ok("")["resourceType"], "CapabilityStatement", "without a query it is no search");
    sites()[0].gateway.anybody().get("?_id=1").is(401, "credential-missing");
    // A link belongs to its search.
    let next = link(&doctor.ok("?_type=Patient,Encounter&_count=1"), "next").unwrap();
    doctor.get(&next.replace("Encounter", "Condition")).is(400, "page-foreign");
    doctor.get(&next.replace("_type=Patient%2CEncounter&", "")).is(400, "page-foreign");
}

#[test]
fn a_page_over_all_types_costs_the_same_whatever_its_length() {
    let database = Database::copy("all_types");
    let gateway = Gateway::open(&database.url, "");
    let doctor = gateway.user("doctor");
    doctor.ok("Patient/1");
    let cost = |search: &str| {
        let before = gateway.store.statements(Class::Request);
        doctor.ok(search);
        gateway.store.statements(Class::Request) - before
    };
    // Some statements side by side for the positions, and one for the rows.
    let sorted = cost("?_sort=-_lastUpdated&_count=1");
    assert!((3..12).contains(&sorted), "{sorted}");
    for count in [20, 300] {
        assert_eq!(cost(&format!("?_sort=-_lastUpdated&_count={count}")), sorted);
    }
    let counted = cost("?_lastUpdated=ge1900&_summary=count");
    assert!((2..12).contains(&counted), "{counted}");
    // Without an order the page may be full before the last of them.
    assert_eq!(cost("?_count=1"), 2);
    assert!(cost("?_count=300") <= sorted);
}

#[test]
fn a_compartment_holds_what_refers_to_its_resource() {
    for site in sites() {
        let doctor = site.user("doctor");
        let all_of = found(&doctor, "Patient/100/*?_count=100");
        let mut truth = Places::new();
        for kind in site.types() {
            let response = doctor.get(&format!("Patient/100/{kind}?_count=500"));
            if response.status == 200 {
                let ids = crate::harness::ids(&response.json());
                truth.extend(of(&kind, &ids.into_iter().collect()));
            } else {
                assert!([403, 405].contains(&response.status), "{kind}: {}", response.text());
            }
        }
        assert_eq!(all_of, truth, "{}", site.name);
        assert!(all_of.contains("Patient/100") && all_of.len() > 10, "{}", site.name);
        let some = found(&doctor, "Patient/100/*?_type=Condition,Encounter");
        assert_eq!(
            some,
            all_of
                .iter()
                .filter(|one| one.starts_with("Condition/") || one.starts_with("Encounter/"))
                .cloned()
                .collect()
        );

        let encounter =
            all(&doctor, "Encounter?_has:Condition:encounter:_lastUpdated=ge1900&_count=1")[0]["id"]
                .as_str()
                .unwrap()
                .to_owned();
        let conditions = found(&doctor, &format!("Encounter/{encounter}/Condition"));
        assert_eq!(conditions, of("Condition", &all_ids(&doctor, "Condition", &[("encounter", &encounter)])));
        assert!(!conditions.is_empty());
        assert!(found(&doctor, &format!("Encounter/{encounter}/*?_count=500")).is_superset(&conditions));
        assert_eq!(
            found(&doctor, "Practitioner/1/Encounter?_count=500"),
            of("Encounter", &all_ids(&doctor, "Encounter", &[("participant", "Practitioner/1")])),
            "{}",
            site.name
        );
        doctor.get("Patient/999999/*").is(404, "resource-unknown");
        doctor.get("Patient/x/Condition").is(404, "resource-unknown");
        assert_eq!(doctor.get("Organization/1/*").status, 405, "it has no compartment");
        assert_eq!(doctor.get("Patient/1/Organization").status, 405, "it is in no patient's compartment");
        assert_eq!(doctor.get("Patient/1/*?_type=Organization").status, 405);
    }
}

#[test]
fn what_is_closed_or_hidden_is_in_no_search() {
    let (database, gateway) = hospital("several");
    let (doctor, desk) = (gateway.user("doctor"), gateway.user("frontdesk"));
    let closed: Vec<String> = sites()[0]
        .types()
        .into_iter()
        .filter(|kind| desk.get(&format!("{kind}?_count=1")).status == 403)
        .collect();
    assert!(closed.len() > 2);
    let first = &closed[0];
    desk.get(&format!("?_type=Patient,{first}&_id=1")).is(403, "model-forbidden");
    let page = desk.ok("?_id=1&_count=500");
    assert_eq!(outcome_code(&page).as_deref(), Some("types-closed"));
    for kind in &closed {
        assert!(page.to_string().contains(kind.as_str()), "{kind} is named");
    }
    let everything = desk.ok("Patient/1/*?_count=500");
    for entry in everything["entry"].as_array().unwrap() {
        let resource = &entry["resource"];
        if entry["search"]["mode"] == "match" {
            assert_eq!(desk.get(&place(resource)).json(), *resource, "found and read are the same");
        }
    }
    assert!(found(&doctor, "Patient/100/*?_count=500").len() > 5);
    rule(&database, "gnuhealth.patient", r#"[["id", "<", 50]]"#);
    for search in ["Patient/100/*", "Patient/100/Condition", "Patient/100/*?_summary=count"] {
        let hidden = doctor.get(search);
        let missing = doctor.get(&search.replace("100", "999999"));
        hidden.is(404, "resource-unknown");
        assert_eq!(hidden.anonymous_text(), missing.anonymous_text(), "{search}");
    }
    let patients = found(&doctor, "?_type=Patient,Practitioner&_count=500");
    assert!(!patients.contains("Patient/100") && patients.contains("Patient/1"));
    let total = doctor.ok("?_type=Patient,Practitioner&_summary=count")["total"].as_u64();
    assert_eq!(total, Some(patients.len() as u64));
}

#[test]
fn a_search_says_that_of_its_type_something_is_closed() {
    let redacted = |page: &Value| page["meta"]["security"][0]["code"] == "REDACTED";
    for site in sites() {
        let [doctor, desk] = ["doctor", "frontdesk"].map(|login| site.gateway.user(login));
        for place in ["Condition?_count=2", "Condition?_summary=count", "Condition?patient=1&_id=pd-0"] {
            let page = doctor.ok(place);
            assert!(!redacted(&page) && outcome_code(&page).is_none(), "{} {place}", site.name);
            assert!(redacted(&desk.ok(place)), "{} {place}", site.name);
        }
        assert_eq!(
            outcome_code(&desk.ok("Condition?_count=2")),
            None,
            "clients that take every entry for a Condition"
        );
        // An empty page must not be taken for a patient without diseases.
        for place in ["Condition?patient=1&_id=pd-0", "Condition?_id=pd-0&_summary=count"] {
            let page = desk.ok(place);
            assert_eq!(outcome_code(&page).as_deref(), Some("types-closed"), "{} {place}", site.name);
            assert!(page.to_string().contains("Condition of gnuhealth.patient.disease"), "{page}");
        }
    }
}
