//! `_has`: <https://hl7.org/fhir/R4/search.html#has>. What refers to a resource is found by a search the other way.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::{
    harness::{Client, Site, all, all_ids, ids, query, sites},
    rights::{DOCTORS, change, hospital, rule},
};

type Ids = BTreeSet<String>;

/// Ids of the resources of a type that a resource refers to.
fn referred(resource: &Value, kind: &str) -> Ids {
    match resource {
        Value::Array(all) => all.iter().flat_map(|one| referred(one, kind)).collect(),
        Value::Object(members) => {
            let reference = members.get("reference").and_then(Value::as_str);
            let id = reference.and_then(|text| text.strip_prefix(kind)?.strip_prefix('/'));
            let here = id.map(str::to_owned).into_iter();
            here.chain(members.values().flat_map(|one| referred(one, kind))).collect()
        }
        _ => Ids::new(),
    }
}

/// Ids that an element of the resources of a search refers to.
fn collected(client: &Client, search: &str, element: &str, kind: &str) -> Ids {
    let separator = if search.contains('?') { '&' } else { '?' };
    let found = all(client, &format!("{search}{separator}_count=500"));
    found.iter().flat_map(|one| referred(&one[element], kind)).collect()
}

/// Type → its parameters that are references.
fn references(site: &Site) -> BTreeMap<String, Vec<String>> {
    let statement = site.gateway.anybody().ok("metadata");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let kinds = statement["rest"][0]["resource"].as_array().unwrap();
    let kinds = kinds.iter().filter(|kind| kind["searchParam"].is_array());
    kinds
        .map(|kind| {
            let all = kind["searchParam"].as_array().unwrap().iter();
            let all = all.filter(|one| one["type"] == "reference").map(|one| text(&one["name"]));
            (text(&kind["type"]), all.collect())
        })
        .collect()
}

#[test]
fn what_refers_is_what_a_search_finds_the_other_way() {
    for site in sites() {
        let doctor = site.user("doctor");
        for (kind, key, value, from, element) in [
            (
                "Patient",
                "_has:Condition:patient:clinical-status",
                "active",
                "Condition?clinical-status=active",
                "subject",
            ),
            (
                "Patient",
                "_has:Condition:subject:_id",
                "pd-1,pd-2,pd-3",
                "Condition?_id=pd-1,pd-2,pd-3",
                "subject",
            ),
            (
                "Patient",
                "_has:Observation:patient:code",
                "http://loinc.org|8867-4",
                "Observation?code=http://loinc.org|8867-4",
                "subject",
            ),
            // A chain inside.
            (
                "Patient",
                "_has:Encounter:patient:participant:Practitioner._id",
                "1,2,3",
                "Encounter?participant:Practitioner._id=1,2,3",
                "subject",
            ),
            // One in another: encounters in which a condition was found, and who took part in them.
            (
                "Practitioner",
                "_has:Encounter:participant:_has:Condition:encounter:_lastUpdated",
                "ge1900",
                "Encounter?_has:Condition:encounter:_lastUpdated=ge1900",
                "participant",
            ),
            (
                "Encounter",
                "_has:Condition:encounter:_lastUpdated",
                "ge1900",
                "Condition?_lastUpdated=ge1900",
                "encounter",
            ),
            // Through related rows.
            (
                "Observation",
                "_has:DiagnosticReport:result:_lastUpdated",
                "ge1900",
                "DiagnosticReport",
                "result",
            ),
            (
                "Practitioner",
                "_has:Appointment:actor:status",
                "fulfilled",
                "Appointment?status=fulfilled",
                "participant",
            ),
        ] {
            let found = all_ids(&doctor, kind, &[(key, value)]);
            let truth = collected(&doctor, from, element, kind);
            assert_eq!(found, truth, "{} {kind}?{key}={value}", site.name);
            assert!(!truth.is_empty(), "{} {kind}?{key}={value} says nothing", site.name);
            let count = doctor.ok(&format!("{kind}?{}&_summary=count", query(&[(key, value)])));
            assert_eq!(count["total"], found.len(), "{} {kind}?{key}", site.name);
        }
        // Behind a chain.
        let patients = all_ids(&doctor, "Patient", &[("_has:Encounter:patient:status", "finished")]);
        let truth: Ids = all(&doctor, "Condition?_count=500")
            .iter()
            .filter(|one| !referred(&one["subject"], "Patient").is_disjoint(&patients))
            .map(|one| one["id"].as_str().unwrap().to_owned())
            .collect();
        let found =
            all_ids(&doctor, "Condition", &[("subject:Patient._has:Encounter:patient:status", "finished")]);
        assert_eq!(found, truth, "{}", site.name);
        assert!(!truth.is_empty());
    }
}

/// Every parameter by which a type can refer to another finds what it refers to, and nothing else.
#[test]
fn every_reference_can_be_asked_the_other_way() {
    for site in sites() {
        let doctor = site.user("doctor");
        let references = references(site);
        let (mut asked, mut found_any) = (0, 0);
        for (from, parameters) in &references {
            let response = doctor.get(&format!("{from}?_count=12"));
            if response.status == 403 || parameters.is_empty() {
                continue;
            }
            let sample = crate::harness::resources(&response.json());
            let of = sample.iter().map(|one| one["id"].as_str().unwrap()).collect::<Vec<_>>().join(",");
            for kind in references.keys() {
                let there: Ids = sample.iter().flat_map(|one| referred(one, kind)).collect();
                if there.is_empty() {
                    continue;
                }
                for parameter in parameters {
                    let key = format!("_has:{from}:{parameter}:_id");
                    let response = doctor.search(kind, &[(&key, &of), ("_count", "500")]);
                    if response.status != 200 {
                        let code = response.fault().1;
                        assert!(
                            ["parameter-unknown", "field-forbidden", "model-forbidden"]
                                .contains(&code.as_str()),
                            "{kind}?{key}: {code}"
                        );
                        continue;
                    }
                    let found: Ids = ids(&response.json()).into_iter().collect();
                    assert!(found.is_subset(&there), "{} {kind}?{key}={of}", site.name);
                    for id in there.iter().take(4) {
                        let value = format!("{kind}/{id}");
                        let pairs =
                            [(parameter.as_str(), value.as_str()), ("_id", &of), ("_summary", "count")];
                        let total = doctor.search(from, &pairs).json()["total"].as_u64().unwrap();
                        let visible = doctor.get(&value).status == 200;
                        assert_eq!(
                            found.contains(id),
                            visible && total > 0,
                            "{} {value} {key}={of}",
                            site.name
                        );
                    }
                    asked += 1;
                    found_any += usize::from(!found.is_empty());
                }
            }
        }
        assert!(asked > 60 && found_any > 50, "{}: {asked} asked, {found_any} found", site.name);
    }
}

#[test]
fn what_is_not_there_is_refused_with_what_is() {
    let site = &sites()[0];
    let doctor = site.user("doctor");
    let says = |place: &str, words: &[&str]| {
        let response = doctor.get(place);
        response.is(400, "parameter-unknown");
        for word in words {
            assert!(response.text().contains(word), "{place}: {}", response.text());
        }
    };
    says("Patient?_has=a", &["_has:[type]:[reference parameter]:[parameter]"]);
    says("Patient?_has:Nothing:patient:code=a", &["Patient is referred to by: ", "Observation"]);
    says("Patient?_has:Medication:patient:code=a", &["Patient is referred to by: "]);
    says("Patient?_has:Condition:nothing:code=a", &["Condition refers to Patient by: ", "subject"]);
    says("Patient?_has:Condition:encounter:code=a", &["Condition refers to Patient by: "]);
    says("Patient?_has:Condition:patient:nothing=a", &["Condition can be searched by: "]);
    says("Condition?subject:Patient._has:Condition:nothing:code=a", &["Condition refers to Patient by: "]);
    doctor.get("Patient?_has:Condition:patient:recorded-date=x").is(400, "parameter-value");
    doctor.get("Patient?_has:Condition:patient:code:wrong=x").is(400, "parameter-modifier");
    let deep = "_has:Condition:patient:subject._has:".repeat(6);
    doctor.get(&format!("Patient?{deep}Condition:patient:code=x")).is(400, "parameter-limit");
    let lenient = doctor.send(
        "GET",
        "Patient?_has:Nothing:patient:code=a&_id=1",
        &[("Prefer", "handling=lenient")],
        "",
    );
    assert_eq!((lenient.status, ids(&lenient.json())), (200, vec!["1".to_owned()]));
}

#[test]
fn nothing_is_found_by_what_is_closed_or_hidden() {
    let (database, gateway) = hospital("reverse");
    let doctor = gateway.user("doctor");
    // Types that reception may not see.
    let desk = gateway.user("frontdesk");
    let mut closed = 0;
    for kind in sites()[0].types() {
        let search = format!("Patient?_has:{kind}:patient:_id=x");
        if desk.get(&format!("{kind}?_count=1")).status != 403 || doctor.get(&search).status != 200 {
            continue;
        }
        closed += 1;
        for query in ["", "&_summary=count", "&_count=0", "&_total=accurate"] {
            desk.get(&format!("{search}{query}")).is(403, "model-forbidden");
        }
        desk.get(&format!("Appointment?patient:Patient._has:{kind}:patient:_id=x"))
            .is(403, "model-forbidden");
    }
    assert!(closed > 2, "{closed} types are closed to reception");

    let find = |client: &Client| {
        all_ids(client, "Patient", &[("_has:Condition:patient:_id", "pd-1,pd-2,pd-3,pd-4")])
    };
    let before = find(&doctor);
    assert!(before.len() > 1);
    let first = doctor.ok("Condition/pd-1")["subject"]["reference"].as_str().unwrap().replace("Patient/", "");
    let others: Ids = (2..5)
        .map(|id| {
            doctor.ok(&format!("Condition/pd-{id}"))["subject"]["reference"]
                .as_str()
                .unwrap()
                .replace("Patient/", "")
        })
        .collect();
    assert!(before.contains(&first) && !others.contains(&first));
    rule(&database, "gnuhealth.patient.disease", r#"[["id", "!=", 1]]"#);
    assert_eq!(find(&doctor), others, "a hidden condition has no patient");
    let count = doctor.ok("Patient?_has:Condition:patient:_id=pd-1&_summary=count");
    assert_eq!(count["total"], 0);

    change(
        &database,
        &format!(
            "INSERT INTO ir_model_field_access (field, \"group\", active, perm_read)
             SELECT f.id, g.\"group\", TRUE, FALSE FROM ir_model_field f JOIN ir_model m ON m.id = f.model, {DOCTORS} g
             WHERE m.model = 'gnuhealth.patient.disease' AND f.name IN ('healthprof', 'diagnosed_date')"
        ),
    );
    doctor.get("Practitioner?_has:Condition:asserter:_id=pd-2").is(403, "field-forbidden");
    doctor.get("Patient?_has:Condition:patient:recorded-date=ge1900").is(403, "field-forbidden");
    assert_eq!(find(&doctor), others, "what is open goes on");
}
