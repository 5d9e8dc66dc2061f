//! Pages: nothing lost, nothing doubled, whatever the size, the order and what happens in between.

use std::{collections::BTreeSet, thread::sleep, time::Duration};

use jiff::{civil::Date, tz::TimeZone};
use serde_json::Value;

use crate::harness::{
    Client, Database, Gateway, Site, all_ids, demo, ids, link, pages, query, resources, sites,
};

/// Ids that a type must have, by SQL in the names of 5.0.
const TRUTH: [(&str, &str); 4] = [
    ("Patient", "SELECT id::text FROM gnuhealth_patient"),
    ("Practitioner", "SELECT id::text FROM gnuhealth_healthprofessional"),
    (
        "Organization",
        "SELECT 'inst-' || id FROM gnuhealth_institution UNION ALL SELECT 'unit-' || id FROM gnuhealth_hospital_unit
         UNION ALL SELECT 'ins-' || id FROM party_party WHERE is_insurance_company
         UNION ALL SELECT 'pha-' || id FROM party_party WHERE is_pharmacy
         UNION ALL SELECT 'pty-' || id FROM party_party p WHERE (is_institution OR is_person IS NOT TRUE) AND is_insurance_company IS NOT TRUE
           AND is_pharmacy IS NOT TRUE AND NOT EXISTS (SELECT FROM gnuhealth_institution i WHERE i.party = p.id)",
    ),
    (
        "Condition",
        "SELECT 'pd-' || id FROM gnuhealth_patient_disease
           WHERE patient IS NOT NULL AND is_allergy IS NOT TRUE AND coalesce(allergy_type, '') = ''
         UNION ALL SELECT 'ed-' || id FROM gnuhealth_patient_evaluation WHERE diagnosis IS NOT NULL AND patient IS NOT NULL
         UNION ALL SELECT 'sc-' || s.id FROM gnuhealth_secondary_condition s
           JOIN gnuhealth_patient_evaluation e ON e.id = s.evaluation WHERE e.patient IS NOT NULL
         UNION ALL SELECT 'dh-' || s.id FROM gnuhealth_diagnostic_hypothesis s
           JOIN gnuhealth_patient_evaluation e ON e.id = s.evaluation WHERE e.patient IS NOT NULL
         UNION ALL SELECT 'ia-' || id FROM gnuhealth_inpatient_registration
           WHERE admission_reason IS NOT NULL AND patient IS NOT NULL
         UNION ALL SELECT 'id-' || id FROM gnuhealth_inpatient_registration
           WHERE discharge_dx IS NOT NULL AND patient IS NOT NULL
         UNION ALL SELECT 'sa-' || id FROM gnuhealth_surgery WHERE pathology IS NOT NULL AND patient IS NOT NULL
         UNION ALL SELECT 'so-' || id FROM gnuhealth_surgery WHERE postoperative_dx IS NOT NULL AND patient IS NOT NULL
         UNION ALL SELECT 'dc-' || d.id FROM gnuhealth_death_certificate d
           JOIN gnuhealth_patient g ON g.party = d.party WHERE d.cod IS NOT NULL
         UNION ALL SELECT 'du-' || u.id FROM gnuhealth_death_underlying_condition u
           JOIN gnuhealth_death_certificate d ON d.id = u.death_certificate JOIN gnuhealth_patient g ON g.party = d.party",
    ),
];

/// Observations of some sources; the other sources are counted only.
const OBSERVATIONS: [(&str, &str); 3] = [
    (
        "lab-",
        "SELECT 'lab-' || c.id FROM gnuhealth_lab_test_critearea c JOIN gnuhealth_lab l ON l.id = c.gnuhealth_lab_id
         WHERE l.patient IS NOT NULL AND (c.result IS NOT NULL OR coalesce(c.result_text, '') <> '' OR c.excluded)",
    ),
    (
        "ev-",
        "SELECT 'ev-' || id || '-bp' FROM gnuhealth_patient_evaluation
         WHERE patient IS NOT NULL AND (systolic > 0 OR diastolic > 0)",
    ),
    (
        "ev-",
        "SELECT 'ev-' || id || '-temp' FROM gnuhealth_patient_evaluation WHERE patient IS NOT NULL AND temperature > 0 AND temperature <> 'NaN'",
    ),
];

/// Sizes of pages that need several of them, and end.
fn sizes(total: usize) -> Vec<usize> {
    let mut sizes = vec![(total / 9 + 1).min(450), (total / 3 + 1).min(500)];
    if total < 30 {
        sizes.push(1);
    }
    sizes
}

/// Walks forward and back, and returns the ids in order.
fn walk(client: &Client, kind: &str, pairs: &[(&str, &str)], size: usize) -> Vec<String> {
    let size = size.to_string();
    let mut pairs = pairs.to_vec();
    pairs.push(("_count", &size));
    let start = format!("{kind}?{}", query(&pairs));
    let forward = pages(client, &start, "next");
    let last = link(forward.last().unwrap(), "self").unwrap();
    let forward: Vec<Vec<String>> = forward.iter().map(ids).collect();
    for page in &forward[..forward.len() - 1] {
        assert_eq!(page.len().to_string(), size, "{start}: only the last page may be short");
    }
    let mut backward: Vec<Vec<String>> = pages(client, &last, "previous").iter().map(ids).collect();
    backward.reverse();
    assert_eq!(backward, forward, "{start}: the way back is not the way forward");
    let all: Vec<String> = forward.into_iter().flatten().collect();
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "{start}: a resource is on two pages");
    all
}

fn every_size(site: &Site, login: &str) {
    let client = site.user(login);
    for kind in site.types() {
        let response = client.get(&format!("{kind}?_summary=count"));
        if response.status == 403 || kind == "Binary" {
            let closed = (403, "model-forbidden".to_owned());
            assert!(response.fault() == closed || kind == "Binary", "{kind}: {}", response.text());
            continue;
        }
        let total = usize::try_from(response.json()["total"].as_i64().unwrap()).unwrap();
        let known = all_ids(&client, &kind, &[]);
        assert_eq!(known.len(), total, "{} {login} {kind}", site.name);
        for size in sizes(total) {
            let found = walk(&client, &kind, &[], size);
            assert_eq!(
                found.into_iter().collect::<BTreeSet<_>>(),
                known,
                "{} {login} {kind} {size}",
                site.name
            );
        }
    }
}

#[test]
fn pages_of_every_size_hold_everything_for_a_doctor() {
    sites().iter().for_each(|site| every_size(site, "doctor"));
}

#[test]
fn pages_of_every_size_hold_everything_for_the_front_desk() {
    sites().iter().for_each(|site| every_size(site, "frontdesk"));
}

#[test]
fn the_pages_hold_what_the_tables_hold() {
    for site in sites() {
        let doctor = site.user("doctor");
        for (kind, sql) in TRUTH.iter().filter(|(kind, _)| site.name != "4.4" || *kind != "Condition") {
            let sql = if site.name == "4.4" {
                sql.replace("i.party = p.id", "i.name = p.id")
            } else {
                (*sql).to_owned()
            };
            let truth = site.database.texts(&sql);
            assert!(truth.len() > 5, "{kind}");
            assert_eq!(all_ids(&doctor, kind, &[]), truth, "{} {kind}", site.name);
        }
        if site.name == "4.4" {
            continue;
        }
        let found = all_ids(&doctor, "Observation", &[]);
        for (prefix, sql) in OBSERVATIONS {
            let truth = site.database.texts(sql);
            let end = truth.first().unwrap().rsplit('-').next().unwrap().to_owned();
            let same = |id: &&String| {
                id.starts_with(prefix) && (prefix == "lab-" || id.ends_with(&format!("-{end}")))
            };
            let found: BTreeSet<String> = found.iter().filter(same).cloned().collect();
            let wrong: Vec<_> = found.symmetric_difference(&truth).collect();
            assert!(wrong.is_empty(), "{} {prefix}: {wrong:?}", site.name);
        }
    }
}

/// The sort value of a resource, in a form whose order is that of the value: a day among instants starts at midnight.
fn value(resource: &Value, element: &str, zone: &TimeZone) -> Option<String> {
    let value = element.split('.').fold(resource, |value, name| &value[name]);
    let text = value.as_str()?;
    if let (true, Ok(day)) = (element.ends_with("DateTime"), text.parse::<Date>()) {
        let midnight = day.to_zoned(zone.clone()).unwrap().timestamp();
        return Some(format!("{midnight:.6}"));
    }
    // Instants may have different offsets; dates have none.
    Some(text.parse::<jiff::Timestamp>().map_or_else(|_| text.to_owned(), |instant| format!("{instant:.6}")))
}

#[test]
fn sorted_pages_hold_the_same_in_order() {
    let orders: [(&str, &str, &str); 6] = [
        ("Patient", "birthdate", "birthDate"),
        ("Patient", "gender", "gender"),
        ("Patient", "_lastUpdated", "meta.lastUpdated"),
        ("Observation", "date", "effectiveDateTime"),
        ("Condition", "recorded-date", "recordedDate"),
        ("Practitioner", "_lastUpdated", "meta.lastUpdated"),
    ];
    for site in sites() {
        let zone = site.database.rows("SELECT timezone FROM company_company ORDER BY id LIMIT 1")[0]
            .get::<_, String>(0);
        let zone = TimeZone::get(&zone).unwrap();
        for login in ["doctor", "frontdesk"] {
            let client = site.user(login);
            for (kind, key, element) in orders {
                if client.get(&format!("{kind}?_summary=count")).status == 403 {
                    continue;
                }
                let known = all_ids(&client, kind, &[]);
                for sort in [key.to_owned(), format!("-{key}")] {
                    let place = format!("{kind}?_sort={sort}&_count=500");
                    let found: Vec<Value> =
                        pages(&client, &place, "next").iter().flat_map(resources).collect();
                    let same: BTreeSet<String> =
                        found.iter().map(|resource| resource["id"].as_str().unwrap().to_owned()).collect();
                    assert_eq!((found.len(), &same), (known.len(), &known), "{} {login} {place}", site.name);
                    let values: Vec<_> =
                        found.iter().map(|resource| value(resource, element, &zone)).collect();
                    let (present, missing) =
                        values.split_at(values.iter().filter(|value| value.is_some()).count());
                    assert!(missing.iter().all(Option::is_none), "{place}: missing values come last");
                    assert!(present.len() > 2, "{place} sorts nothing");
                    let mut sorted = present.to_vec();
                    sorted.sort();
                    if sort.starts_with('-') {
                        sorted.reverse();
                    }
                    let wrong = present.iter().zip(&sorted).find(|(found, sorted)| found != sorted);
                    assert_eq!(wrong, None, "{} {place}", site.name);
                }
            }
        }
    }
}

#[test]
fn several_keys_with_ties_and_missing_values_page_both_ways() {
    for site in sites() {
        let doctor = site.user("doctor");
        let orders = ["gender,-birthdate", "-gender,birthdate", "-name,gender", "birthdate,family,-_id"];
        let known = all_ids(&doctor, "Patient", &[]);
        for sort in orders {
            let whole = walk(&doctor, "Patient", &[("_sort", sort)], 500);
            assert_eq!(whole.iter().cloned().collect::<BTreeSet<_>>(), known, "{} {sort}", site.name);
            let size = if sort == "-gender,birthdate" { 7 } else { 61 };
            assert_eq!(
                walk(&doctor, "Patient", &[("_sort", sort)], size),
                whole,
                "{} {sort} {size}",
                site.name
            );
        }
        let newest = walk(&doctor, "Condition", &[("_sort", "-recorded-date,code")], 500);
        assert_eq!(
            walk(&doctor, "Condition", &[("_sort", "-recorded-date,code")], 137),
            newest,
            "{}",
            site.name
        );
    }
}

#[test]
fn an_order_heeds_all_that_its_parameter_says() {
    let orders =
        [("Patient", "email"), ("Patient", "phone"), ("Appointment", "service-type"), ("Encounter", "date")];
    for site in sites() {
        let doctor = site.user("doctor");
        for (kind, key) in orders {
            let valued = all_ids(&doctor, kind, &[(&format!("{key}:missing"), "false")]);
            let known = all_ids(&doctor, kind, &[]).len();
            assert!(kind == "Encounter" || (!valued.is_empty() && valued.len() < known), "{kind} {key}");
            for sort in [key.to_owned(), format!("-{key}")] {
                let order = walk(&doctor, kind, &[("_sort", &sort)], 500);
                assert_eq!(order.len(), known, "{} {kind} {sort}", site.name);
                let first: BTreeSet<String> = order[..valued.len()].iter().cloned().collect();
                let wrong: Vec<_> = first.symmetric_difference(&valued).collect();
                assert!(wrong.is_empty(), "{} {kind} {sort}: {wrong:?}", site.name);
            }
        }
    }
}

/// A further patient; dates and names spread over the whole order.
fn insert(database: &Database, number: usize) {
    let year = 1930 + number * 7 % 90;
    let add = |table: &str, values: &str| {
        database.run(&format!(
            "INSERT INTO {table} SELECT (jsonb_populate_record(NULL::{table}, to_jsonb(t)
               || jsonb_build_object('id', (SELECT max(id) + 1 FROM {table}), {values}))).*
             FROM (SELECT * FROM {table} ORDER BY id LIMIT 1) t"
        ));
    };
    add(
        "party_party",
        &format!(
            "'code', 'new{number}', 'ref', 'NEW{number}', 'dob', '{year}-05-05', 'federation_account', NULL, 'internal_user', NULL"
        ),
    );
    add("gnuhealth_patient", "'party', (SELECT max(id) FROM party_party)");
}

#[test]
fn rows_that_come_in_between_disturb_nobody() {
    let database = Database::copy("growing");
    let gateway = Gateway::open(&database.url, "");
    let doctor = gateway.user("doctor");
    let mut inserted = 0;
    for sort in ["", "birthdate", "-birthdate", "gender,-family"] {
        let known = all_ids(&doctor, "Patient", &[]);
        let mut place = if sort.is_empty() {
            "Patient?_count=40".to_owned()
        } else {
            format!("Patient?_count=40&_sort={sort}")
        };
        let mut found = Vec::new();
        loop {
            let page = doctor.ok(&place);
            found.extend(ids(&page));
            let Some(next) = link(&page, "next") else { break };
            place = next;
            insert(&database, inserted);
            inserted += 1;
        }
        let set: BTreeSet<String> = found.iter().cloned().collect();
        assert_eq!(set.len(), found.len(), "{sort}: doubled");
        assert!(known.is_subset(&set), "{sort}: lost {:?}", known.difference(&set));
        assert_eq!(all_ids(&doctor, "Patient", &[]).len(), 250 + inserted, "{sort}");
    }
    assert!(inserted > 20);
}

#[test]
fn a_link_is_for_its_user_its_search_and_a_while() {
    let doctor = demo().user("doctor");
    let next = link(&doctor.ok("Patient?_count=10&gender=female"), "next").unwrap();
    doctor.ok(&next);
    demo().user("doctor2").get(&next).is(400, "page-foreign");
    demo().user("frontdesk").get(&next).is(400, "page-foreign");
    doctor.get(&next.replace("gender=female", "gender=male")).is(400, "page-foreign");
    doctor.get(&next.replace("/Patient?", "/Practitioner?")).is(400, "page-foreign");
    let (head, page) = next.split_once("_page=").unwrap();
    for position in [0, page.len() / 2, page.len() - 2] {
        let old = page.as_bytes()[position];
        let new = if old == b'A' { "B" } else { "A" };
        let tampered = format!("{head}_page={}{new}{}", &page[..position], &page[position + 1..]);
        doctor.get(&tampered).is(400, "page-foreign");
    }
    for text in ["", "x", "1", "%00", "%25"] {
        let status = doctor.get(&format!("Patient?_page={text}")).status;
        assert_eq!(status, 400, "_page={text}");
    }
    let brief = Gateway::open(&demo().database.url, "page_link_lifetime = \"1s\"");
    let doctor = brief.user("doctor");
    let next = link(&doctor.ok("Patient?_count=10"), "next").unwrap();
    doctor.ok(&next);
    sleep(Duration::from_millis(2100));
    doctor.get(&next).is(410, "page-expired");
}
