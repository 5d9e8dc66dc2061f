//! How many statements an answer costs.

use std::cell::Cell;

use gnuhealth_fhir::store::Class;
use serde_json::Value;

use crate::harness::{Database, Gateway, Process, demo, link};

/// A gateway of its own: the counts of a shared one belong to all tests.
#[test]
fn a_page_costs_the_same_whatever_its_length() {
    let database = Database::copy("statements");
    let gateway = Gateway::open(&database.url, "");
    let doctor = gateway.user("doctor");
    doctor.ok("Patient/1");
    let cost = |place: &str| {
        let [before, checked] = [Class::Request, Class::SignIn].map(|class| gateway.store.statements(class));
        doctor.ok(place);
        assert_eq!(gateway.store.statements(Class::SignIn), checked, "the sign-in is remembered");
        gateway.store.statements(Class::Request) - before
    };
    assert_eq!(cost("Patient/1"), 1);
    assert_eq!(cost("metadata"), 0);
    for kind in ["Patient", "Practitioner", "Organization", "Condition", "Observation"] {
        for count in [1, 10, 200] {
            assert_eq!(cost(&format!("{kind}?_count={count}")), 1, "{kind} {count}");
            assert_eq!(cost(&format!("{kind}?_count={count}&_total=accurate")), 2, "{kind} {count} total");
        }
        assert_eq!(cost(&format!("{kind}?_summary=count")), 1, "{kind}");
    }
    assert_eq!(cost("Observation?subject:Patient.name=a&_sort=-date&_count=50"), 1);
}

/// What a search finds, without what differs between two answers.
pub fn found(mut bundle: Value) -> Value {
    for name in ["id", "meta", "link"] {
        bundle.as_object_mut().unwrap().remove(name);
    }
    // The hint of an outcome has the id of the request.
    for entry in bundle["entry"].as_array_mut().into_iter().flatten() {
        for issue in entry["resource"]["issue"].as_array_mut().into_iter().flatten() {
            issue.as_object_mut().unwrap().remove("diagnostics");
        }
    }
    bundle
}

/// Two gateways say the same addresses.
const BASE: &str = "base_url = \"https://fhir.example/fhir\"\n";

#[test]
fn a_plan_that_is_kept_finds_what_a_new_one_finds() {
    let site = demo();
    let asked = Cell::new(0);
    let searches = [
        "Observation?patient={}&_sort=-date&_count=5",
        "Observation?patient=Patient/{}&code=8867-4&date=ge2000",
        "Condition?subject={}&_total=accurate",
        "Patient/{}/Observation?_count=7",
        "Patient/{}/*?_count=20&_type=Condition,Encounter",
        "Patient?_id={}&_revinclude=Condition:patient&_revinclude=AllergyIntolerance:patient",
        "Encounter?patient={}&_include=Encounter:patient&_include=Encounter:participant",
        "Patient?_count={}",
    ];
    for login in ["doctor", "frontdesk"] {
        let kept = Gateway::open(&site.url(), BASE).user(login);
        // What is asked for in other words is another search.
        let new = Gateway::open(&site.url(), BASE).user(login);
        let once = |place: &str| {
            let separator = if place.contains('?') { "&" } else { "?" };
            asked.set(asked.get() + 1);
            new.get(&format!("{place}{separator}_lastUpdated=ge1900-01-01T00:00:00.{:04}Z", asked.get()))
        };
        for search in searches {
            let of = |patient: i32| search.replace("{}", &patient.to_string());
            // Planned by itself, then for every record.
            kept.get(&of(1));
            kept.get(&of(2));
            for patient in [3, 4, 99_999_999] {
                let place = of(patient);
                let [answer, expected] = [kept.get(&place), once(&place)];
                assert_eq!(answer.status, expected.status, "{login} {place}");
                if answer.status == 200 {
                    assert_eq!(found(answer.json()), found(expected.json()), "{login} {place}");
                }
            }
        }
    }
}

#[test]
fn searches_for_other_records_are_planned_once() {
    let gateway = Gateway::open(&demo().url(), "");
    let doctor = gateway.user("doctor");
    let texts = gateway.store.record();
    let mut all = Vec::new();
    for patient in 1..6 {
        doctor.ok(&format!("Observation?patient={patient}&_sort=-date&_count=5"));
        all.extend(texts.try_iter());
    }
    assert_eq!(all.len(), 5);
    assert!(all.windows(2).all(|pair| pair[0].text == pair[1].text && pair[0].values != pair[1].values));
}

#[test]
fn further_pages_are_planned_once() {
    let process = Process::serve(&demo().database.url, &["--admin-listen", "127.0.0.1:0"]).unwrap();
    let doctor = process.user("doctor");
    for search in ["Patient?_count=3", "Patient?_count=3&_sort=-birthdate,family"] {
        let plans = || {
            let metrics = process.operators().get("/metrics").text();
            ["hit", "miss"].map(|result| {
                let line =
                    format!("gnuhealth_fhir_cache_lookups_total{{cache=\"plans\",result=\"{result}\"}} ");
                let found = metrics.lines().find_map(|all| all.strip_prefix(&line));
                found.unwrap().parse::<u64>().unwrap()
            })
        };
        let before = plans();
        let mut page = doctor.ok(search);
        for _ in 0..8 {
            page = doctor.ok(&link(&page, "next").expect("there are more than 27 patients"));
        }
        let after = plans();
        // The first page; the second, and the third once it is clear that somebody goes on.
        assert_eq!([after[0] - before[0], after[1] - before[1]], [6, 3], "{search}");
    }
}

#[test]
fn statements_through_all_tables_find_what_one_would() {
    let site = demo();
    let admin = site.user("admin");
    // All of one order, in pages of different sizes and in both directions.
    for search in ["_history?", "?_sort=-_lastUpdated", "?_sort=_lastUpdated", "?_lastUpdated=ge2000"] {
        let separator = if search.ends_with('?') { "" } else { "&" };
        let ids = |place: &str| {
            let bundle = admin.ok(place);
            let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
            let ids: Vec<_> = entries.iter().map(|entry| entry["fullUrl"].clone()).collect();
            (ids, bundle)
        };
        let (whole, _) = ids(&format!("{search}{separator}_count=60"));
        let mut pages = Vec::new();
        let mut place = Some(format!("{search}{separator}_count=20"));
        let mut seen = Vec::new();
        while let Some(next) = place.take().filter(|_| pages.len() < 3) {
            let (page, bundle) = ids(&next);
            seen.extend(page.clone());
            place = link(&bundle, "next");
            pages.push((page, bundle));
        }
        assert_eq!(seen, whole, "{search}");
        let previous = link(&pages[2].1, "previous").expect("there is a page before the third");
        assert_eq!(ids(&previous).0, pages[1].0, "{search}");
    }
}
