//! `_include` and `_revinclude`: <https://hl7.org/fhir/R4/search.html#include>.

use std::collections::{BTreeMap, BTreeSet};

use gnuhealth_fhir::store::Class;
use serde_json::Value;

use crate::{
    harness::{Client, Database, Gateway, all_ids, pages, resources, sites},
    rights::{DOCTORS, change, hospital, rule},
};

type Places = BTreeSet<String>;

/// `[type]/[id]` of the entries of this mode.
fn entries(bundle: &Value, mode: &str) -> Vec<String> {
    let all = bundle["entry"].as_array().into_iter().flatten();
    let all = all.filter(|entry| entry["search"]["mode"] == mode);
    all.map(|entry| place(&entry["resource"])).collect()
}

fn place(resource: &Value) -> String {
    format!("{}/{}", resource["resourceType"].as_str().unwrap(), resource["id"].as_str().unwrap_or_default())
}

fn included(bundle: &Value) -> Places {
    entries(bundle, "include").into_iter().collect()
}

/// Addresses that a value refers to.
fn references(value: &Value) -> Places {
    match value {
        Value::Array(all) => all.iter().flat_map(references).collect(),
        Value::Object(members) => {
            let here = members.get("reference").and_then(Value::as_str).map(str::to_owned);
            here.into_iter().chain(members.values().flat_map(references)).collect()
        }
        _ => Places::new(),
    }
}

/// Each resource once, under its own address, and nothing that the user cannot read as it stands there.
fn sound(client: &Client, base: &str, bundle: &Value) {
    let mut seen = Places::new();
    for entry in bundle["entry"].as_array().into_iter().flatten() {
        let resource = &entry["resource"];
        if entry["search"]["mode"] == "outcome" {
            assert_eq!(resource["resourceType"], "OperationOutcome");
            continue;
        }
        let place = place(resource);
        assert_eq!(entry["fullUrl"], format!("{base}/{place}").as_str());
        assert!(seen.insert(place.clone()), "{place} is there twice");
        if seen.len() < 8 {
            assert_eq!(*resource, client.ok(&place), "{place}: included and read differ");
        }
    }
}

fn outcome_code(bundle: &Value) -> Option<String> {
    let entries = bundle["entry"].as_array()?;
    let outcome = entries.iter().find(|entry| entry["search"]["mode"] == "outcome")?;
    outcome["resource"]["issue"][0]["details"]["coding"][0]["code"].as_str().map(str::to_owned)
}

#[test]
fn what_matches_refer_to_is_there_once_and_not_counted() {
    for site in sites() {
        let doctor = site.user("doctor");
        let base = format!("http://{}/fhir", site.gateway.address);
        let all = pages(
            &doctor,
            "Condition?_count=7&_total=accurate&_include=Condition:subject&_sort=-recorded-date",
            "next",
        );
        assert!(all.len() > 3);
        let plain = pages(&doctor, "Condition?_count=7&_total=accurate&_sort=-recorded-date", "next");
        assert_eq!(all.len(), plain.len(), "{}: what is included takes no place", site.name);
        for (page, plain) in all.iter().zip(&plain) {
            assert_eq!(page["total"], plain["total"]);
            assert_eq!(entries(page, "match"), entries(plain, "match"));
            let subjects: Places =
                resources(page).iter().flat_map(|one| references(&one["subject"])).collect();
            assert_eq!(included(page), subjects, "{}: of this page and no other", site.name);
        }
        sound(&doctor, &base, &all[0]);
        // Not what else is asked of the matches.
        let page = doctor.ok("Condition?_count=7&_elements=code&_include=Condition:patient&_id=pd-1,pd-2");
        let patient =
            page["entry"].as_array().unwrap().iter().find(|one| one["search"]["mode"] == "include").unwrap();
        assert!(patient["resource"]["name"].is_array() && patient["resource"]["meta"]["tag"].is_null());
        assert!(resources(&page)[0]["category"].is_null() && resources(&page)[0]["meta"]["tag"].is_array());
        let page = doctor.ok("Condition?_summary=true&_include=Condition:patient&_id=pd-1");
        assert!(page["entry"][1]["resource"]["meta"]["tag"].is_array(), "a summary is one of all");
        let page = doctor.ok("Condition?_summary=count&_include=Condition:patient");
        assert!(page["entry"].is_null() && page["total"].as_u64() > Some(0));
        // A type among several, and what is on the page already.
        let of_type =
            doctor.ok("Condition?_count=50&_include=Condition:subject:Patient&_include=Condition:subject");
        assert!(!included(&of_type).is_empty());
        sound(&doctor, &base, &of_type);
        let all_of_it = doctor.ok("Encounter?_count=20&_include=*");
        let one = doctor.ok("Encounter?_count=20&_include=Encounter:*");
        assert_eq!(included(&all_of_it), included(&one));
        assert!(
            included(&all_of_it)
                .iter()
                .map(|place| place.split('/').next().unwrap().to_owned())
                .collect::<Places>()
                .len()
                > 2
        );
        sound(&doctor, &base, &all_of_it);
    }
}

#[test]
fn what_refers_to_matches_is_what_a_search_finds() {
    for site in sites() {
        let doctor = site.user("doctor");
        let base = format!("http://{}/fhir", site.gateway.address);
        let mut some = 0;
        for patient in ["1", "2", "3", "100", "101"] {
            let page = doctor.ok(&format!(
                "Patient?_id={patient}&_revinclude=Condition:subject&_revinclude=Encounter:patient"
            ));
            let mut truth = Places::new();
            for kind in ["Condition", "Encounter"] {
                let found = all_ids(&doctor, kind, &[("patient", patient)]);
                truth.extend(found.iter().map(|id| format!("{kind}/{id}")));
            }
            assert_eq!(included(&page), truth, "{} {patient}", site.name);
            some += truth.len();
            sound(&doctor, &base, &page);
        }
        assert!(some > 2);
        // Again and again: conditions of the encounters of a patient, and who found them.
        let page = doctor.ok(
            "Patient?_id=100,101,102&_revinclude=Encounter:subject&_revinclude:iterate=Condition:encounter&_include:iterate=Condition:asserter",
        );
        let encounters = all_ids(&doctor, "Encounter", &[("subject", "Patient/100,Patient/101,Patient/102")]);
        let mut truth: Places = encounters.iter().map(|id| format!("Encounter/{id}")).collect();
        let of: Vec<String> = truth.iter().cloned().collect();
        let conditions = all_ids(&doctor, "Condition", &[("encounter", &of.join(","))]);
        for id in &conditions {
            truth.insert(format!("Condition/{id}"));
            truth.extend(references(&doctor.ok(&format!("Condition/{id}"))["asserter"]));
        }
        assert_eq!(included(&page), truth, "{}", site.name);
        assert!(!conditions.is_empty());
        // A loop ends, and what is on the page already is not included again.
        let loops = doctor.ok("Condition?_id=pd-1,pd-2&_include:iterate=Condition:patient&_revinclude:iterate=Condition:patient");
        sound(&doctor, &base, &loops);
        assert!(
            entries(&loops, "match").len() == 2
                && included(&loops).iter().any(|place| place.starts_with("Patient/"))
        );
    }
}

/// Every include that is claimed answers, with resources of the types that it may lead to.
#[test]
fn every_claimed_include_answers() {
    for site in sites() {
        let doctor = site.user("doctor");
        let statement = site.gateway.anybody().ok("metadata");
        let (mut answered, mut filled) = (0, 0);
        for resource in statement["rest"][0]["resource"].as_array().unwrap() {
            let kind = resource["type"].as_str().unwrap();
            if resource["searchParam"].is_null() || doctor.get(&format!("{kind}?_count=1")).status == 403 {
                continue;
            }
            for (member, name) in [("searchInclude", "_include"), ("searchRevInclude", "_revinclude")] {
                let values = resource[member].as_array().into_iter().flatten();
                // The claims are made alike for every database: each of them on the first, some on the others.
                let step = if site.name == "demo" { 1 } else { 5 };
                for value in values.step_by(step) {
                    let search = format!("{kind}?_count=3&{name}={}", value.as_str().unwrap());
                    let response = doctor.get(&search);
                    if response.status == 403 {
                        let code = response.fault().1;
                        assert!(
                            ["model-forbidden", "field-forbidden"].contains(&code.as_str()),
                            "{search}: {code}"
                        );
                        assert_ne!(value, "*", "{search}");
                        continue;
                    }
                    assert_eq!(response.status, 200, "{} {search}: {}", site.name, response.text());
                    answered += 1;
                    filled += usize::from(!included(&response.json()).is_empty());
                }
            }
        }
        assert!(answered > 40 && filled > 15, "{}: {answered} answered, {filled} with something", site.name);
    }
}

#[test]
fn what_is_not_there_is_refused_by_name() {
    let doctor = sites()[0].user("doctor");
    for (search, code, word) in [
        ("Condition?_include=Nothing:subject", "parameter-value", "Expected a type"),
        ("Condition?_include=Condition:nothing", "parameter-value", "Condition refers by: "),
        ("Condition?_include=Condition:code", "parameter-value", "Condition refers by: "),
        ("Condition?_include=Condition:subject:Encounter", "parameter-value", "It refers to: "),
        ("Condition?_include=Encounter:subject", "parameter-value", "The search is not for Encounter"),
        ("Condition?_revinclude=Medication:ingredient", "parameter-value", ""),
        ("Condition?_revinclude=Condition:subject", "parameter-value", "does not refer"),
        ("Condition?_include:recurse=Condition:subject", "parameter-modifier", ":iterate"),
        ("Condition?_include=Condition", "parameter-value", "[type]:[parameter]"),
        ("Condition?_include=", "parameter-value", "[type]:[parameter]"),
        ("Condition?_summary=text&_include=Condition:subject", "parameter-value", "_summary=text"),
    ] {
        let response = doctor.get(search);
        response.is(400, code);
        assert!(response.text().contains(word), "{search}: {}", response.text());
    }
    let many: String = (0..40).map(|number| format!("&_include=Condition:subject:{number}")).collect();
    doctor.get(&format!("Condition?_count=1{many}")).is(400, "parameter-limit");
    let lenient = doctor.send(
        "GET",
        "Condition?_id=pd-1&_include=Condition:nothing&_include=Condition:subject",
        &[("Prefer", "handling=lenient")],
        "",
    );
    let page = lenient.json();
    assert_eq!((included(&page).len(), outcome_code(&page).as_deref()), (1, Some("parameter-value")));
    let own = crate::harness::link(&page, "self").unwrap();
    assert!(own.contains("Condition%3Asubject") && !own.contains("nothing"), "{own}");
}

#[test]
fn the_number_of_statements_and_of_resources_is_bounded() {
    let database = Database::copy("includes");
    let gateway = Gateway::open(&database.url, "max_included = 5");
    let doctor = gateway.user("doctor");
    doctor.ok("Patient/1");
    let cost = |search: &str| {
        let before = gateway.store.statements(Class::Request);
        let page = doctor.ok(search);
        (gateway.store.statements(Class::Request) - before, page)
    };
    let mut costs: BTreeMap<&str, BTreeSet<u64>> = BTreeMap::new();
    for count in [5, 50, 200] {
        for includes in ["_include=*", "_revinclude=Condition:subject&_revinclude=Encounter:subject"] {
            let kind = if includes.starts_with("_rev") { "Patient" } else { "Condition" };
            let (cost, page) = cost(&format!("{kind}?_count={count}&{includes}"));
            costs.entry(includes).or_default().insert(cost);
            assert_eq!(included(&page).len(), 5, "{includes}");
            assert_eq!(outcome_code(&page).as_deref(), Some("include-limit"), "{includes}");
        }
    }
    assert_eq!(costs["_include=*"], BTreeSet::from([2]));
    assert_eq!(costs["_revinclude=Condition:subject&_revinclude=Encounter:subject"], BTreeSet::from([3]));
    let few = doctor.ok("Condition?_id=pd-1&_include=Condition:subject");
    assert_eq!((included(&few).len(), outcome_code(&few)), (1, None));
}

#[test]
fn nothing_is_included_that_is_closed_or_hidden() {
    let (database, gateway) = hospital("included");
    let doctor = gateway.user("doctor");
    let desk = gateway.user("frontdesk");
    let mut closed = 0;
    for kind in sites()[0].types() {
        let search = format!("Patient?_id=1&_revinclude={kind}:patient");
        if desk.get(&format!("{kind}?_count=1")).status != 403 || doctor.get(&search).status != 200 {
            continue;
        }
        closed += 1;
        desk.get(&search).is(403, "model-forbidden");
        desk.get(&format!("Patient?_id=1&_revinclude={kind}:*")).is(403, "model-forbidden");
    }
    assert!(closed > 2);
    let all = desk.ok("Patient?_id=100&_revinclude=*");
    assert_eq!(outcome_code(&all).as_deref(), Some("types-closed"), "what is left out is named");
    assert!(!included(&all).is_empty());

    let page = |client: &Client| client.ok("Condition?_id=pd-1,pd-2,pd-3&_include=Condition:subject");
    let before = included(&page(&doctor));
    let hidden = references(&doctor.ok("Condition/pd-1")["subject"]).into_iter().next().unwrap();
    assert!(before.contains(&hidden) && before.len() > 1);
    let id = hidden.trim_start_matches("Patient/");
    let rule_text = format!(r#"[["id", "!=", {id}]]"#);
    rule(&database, "gnuhealth.patient", &rule_text);
    let after = page(&doctor);
    assert_eq!(included(&after), before.iter().filter(|place| **place != hidden).cloned().collect());
    assert_eq!(outcome_code(&after), None, "nobody is told of what is hidden");
    rule(&database, "gnuhealth.patient.disease", r#"[["id", "!=", 2]]"#);
    let patient = references(&doctor.ok("Condition/pd-3")["subject"]).into_iter().next().unwrap();
    let conditions = doctor
        .ok(&format!("Patient?_id={}&_revinclude=Condition:subject", patient.trim_start_matches("Patient/")));
    assert!(
        included(&conditions).contains("Condition/pd-3") && !included(&conditions).contains("Condition/pd-2")
    );

    change(
        &database,
        &format!(
            "INSERT INTO ir_model_field_access (field, \"group\", active, perm_read)
             SELECT f.id, g.\"group\", TRUE, FALSE FROM ir_model_field f JOIN ir_model m ON m.id = f.model, {DOCTORS} g
             WHERE m.model = 'gnuhealth.patient.disease' AND f.name = 'healthprof'"
        ),
    );
    doctor.get("Condition?_include=Condition:asserter").is(403, "field-forbidden");
    doctor.get("Practitioner?_revinclude=Condition:asserter").is(403, "field-forbidden");
    let rest = doctor.ok("Condition?_id=pd-3&_include=*");
    assert!(
        included(&rest).contains(&patient)
            && included(&rest).iter().all(|place| !place.starts_with("Practitioner/"))
    );
    change(
        &database,
        "UPDATE ir_model_access SET perm_read = FALSE WHERE model = (SELECT id FROM ir_model WHERE model = 'gnuhealth.patient')",
    );
    doctor.get("Condition?_include=Condition:subject").is(403, "model-forbidden");
    let rest = doctor.ok("Condition?_id=pd-3&_include=*");
    assert!(included(&rest).iter().all(|place| !place.starts_with("Patient/")));
    assert_eq!(outcome_code(&rest).as_deref(), Some("types-closed"));
}
