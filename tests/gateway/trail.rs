//! `AuditEvent/$trail`: who may read the audit trail through FHIR, and that they read all of it.

use std::{
    collections::BTreeSet,
    fs,
    io::Write as _,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    audit::{Audited, about},
    harness::{Client, Database, Process, demo, link, pages, resources, run, sites},
};

const TRAIL: &str = "AuditEvent/$trail";
/// A group of all databases, and whom it has.
const READERS: (&str, &str) = ("Health Back Office", "backoffice");

fn started(more: &[&str]) -> Audited {
    Audited::start_on(&demo().database.url, &[&["--audit-readers", READERS.0], more].concat())
}

/// Without what the gateway adds to what stands in the file.
fn as_kept(mut event: Value) -> Value {
    let id = event.as_object_mut().unwrap().shift_remove("id").unwrap();
    let id = id.as_str().unwrap();
    assert!(id.starts_with("trail-") && id.len() <= 64, "{id}");
    event
}

fn operation(statement: &Value) -> bool {
    let kinds = statement["rest"][0]["resource"].as_array().unwrap();
    let operations = kinds.iter().filter_map(|kind| kind["operation"].as_array()).flatten();
    operations.filter(|operation| operation["name"] == "trail").count() == 1
}

#[test]
fn a_reader_sees_who_read_which_patient_newest_first() {
    for site in sites() {
        let audited = Audited::start_on(&site.url(), &["--audit-readers", READERS.0]);
        let doctor = audited.process.user("doctor");
        for place in ["Patient/1", "Patient/2", "Observation?patient=1&_count=3", "Patient/987654"] {
            doctor.get(place);
        }
        let kept = audited.events();
        let reader = audited.process.user(READERS.1);
        let bundle = reader.ok(TRAIL);
        gnuhealth_fhir_model::check(bundle.to_string().as_bytes()).expect("a Bundle");
        assert_eq!((&bundle["type"], &bundle["total"]), (&json!("searchset"), &Value::Null));
        let found: Vec<_> = resources(&bundle).into_iter().map(as_kept).collect();
        assert_eq!(found, kept.into_iter().rev().collect::<Vec<_>>(), "{}", site.name);
        assert!(link(&bundle, "self").unwrap().ends_with("/fhir/AuditEvent/$trail"));
        assert_eq!(link(&bundle, "next"), None);
        let urls: BTreeSet<_> = bundle["entry"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| &one["fullUrl"])
            .map(Value::to_string)
            .collect();
        assert!(urls.len() == found.len() && urls.iter().all(|url| url.starts_with("\"urn:uuid:")));
        let times: Vec<_> = found.iter().map(|event| event["recorded"].as_str().unwrap()).collect();
        assert!(times.is_sorted_by(|newer, older| newer >= older), "{times:?}");
        let of = |query: &str| {
            let events = resources(&reader.ok(&format!("{TRAIL}?{query}")));
            let who = |event: &Value| event["agent"][0]["altId"].as_str().unwrap_or_default().to_owned();
            events.iter().map(who).collect::<Vec<_>>()
        };
        assert_eq!(of("patient=2&agent=doctor"), ["doctor"]);
        assert_eq!(of("patient=Patient/1&subtype=read,search-type&outcome=0"), ["doctor", "doctor"]);
        assert_eq!(of("agent=doctor&outcome=4"), ["doctor"]);
        assert_eq!(of("agent=doctor&action=E"), ["doctor"]);
        assert_eq!(of("entity=Patient/1&patient=2&agent=doctor"), Vec::<String>::new());
        assert_eq!(of("agent=doctor&date=lt2020"), Vec::<String>::new());
        assert_eq!(of("agent=doctor&date=ge2020").len(), 4);
        assert_eq!(of("agent=nurse,doctor").len(), 4);
        // It is offered whether or not the log of GNU Health is mapped.
        assert!(operation(&reader.ok("metadata")), "{}", site.name);
        let document = reader.get("openapi.json").json();
        let path = &document["paths"]["/AuditEvent/$trail"];
        assert!(path["get"].is_object() && path["post"].is_object(), "{}", site.name);
    }
}

#[test]
fn reading_the_trail_is_recorded_with_those_whom_its_events_are_about() {
    let audited = started(&[]);
    let doctor = audited.process.user("doctor");
    drop((doctor.get("Patient/1"), doctor.get("Patient/2"), doctor.get("Patient/3")));
    let reader = audited.process.user(READERS.1);
    let place = format!("{TRAIL}?patient=2,3");
    assert_eq!(reader.send("GET", &place, &[("X-Request-Id", "seen")], "").status, 200);
    let [event] = &audited.of("seen")[..] else { panic!("one record") };
    assert_eq!((&event["subtype"][0]["code"], &event["action"]), (&json!("operation"), &json!("E")));
    assert_eq!((&event["agent"][0]["altId"], &event["outcome"]), (&json!(READERS.1), &json!("0")));
    let expected = BTreeSet::from(["Patient/2".to_owned(), "Patient/3".to_owned()]);
    assert_eq!(about(std::slice::from_ref(event)), expected);
    // So it is found in the trail itself.
    let found = resources(&reader.ok(&format!("{TRAIL}?agent={}&patient=3", READERS.1)));
    assert_eq!(as_kept(found[0].clone()), *event);
    assert_eq!(doctor.send("GET", TRAIL, &[("X-Request-Id", "refused")], "").status, 403);
    let [event] = &audited.of("refused")[..] else { panic!("one record") };
    assert_eq!(event["outcomeDesc"], "403 trail-forbidden");
    assert!(about(std::slice::from_ref(event)).is_empty());
    assert!(!audited.process.said().contains("patient=2"), "values are not logged");
}

#[test]
fn pages_lose_and_double_nothing_while_the_trail_grows() {
    let audited = started(&["--max-count", "20", "--default-count", "7"]);
    let doctor = audited.process.user("doctor");
    (1..48).for_each(|patient| drop(doctor.get(&format!("Patient/{patient}"))));
    let kept = audited.events();
    let reader = audited.process.user(READERS.1);
    for (query, pages_expected) in
        [("", 7), ("?_count=10", 5), ("?_count=1000", 3), ("?agent=doctor&_count=20", 3)]
    {
        // Each page is recorded too: those records are newer than the first page.
        let before = audited.events().len();
        let all = pages(&reader, &format!("{TRAIL}{query}"), "next");
        let found: Vec<_> = all.iter().flat_map(resources).map(as_kept).collect();
        let mut expected = audited.events();
        expected.truncate(before);
        expected.reverse();
        expected.retain(|event| !query.contains("agent") || event["agent"][0]["altId"] == "doctor");
        assert_eq!(found, expected, "{query}");
        assert!(all.len() >= pages_expected, "{query}: {}", all.len());
    }
    assert!(link(&reader.ok(&format!("{TRAIL}?_count=1000")), "self").unwrap().ends_with("_count=20"));
    let first = reader.ok(TRAIL);
    let next = link(&first, "next").unwrap();
    // The link is for this user and these parameters.
    let admin = audited.process.user("admin");
    assert_eq!(admin.get(&next).status, 403);
    reader.get(&next.replace('?', "?agent=doctor&")).is(400, "page-foreign");
    // What was begun ends with the file; the file that was rotated away is for `audit show`.
    fs::rename(audited.path(), audited.folder.path().join("audit.log.1")).unwrap();
    audited.process.signal("HUP");
    audited.process.wait_for("the audit file is another one", 1);
    reader.get(&next).is(410, "page-expired");
    let found: Vec<_> = resources(&reader.ok(TRAIL)).into_iter().map(as_kept).collect();
    assert!(
        found.len() < kept.len()
            && found.last().unwrap()["outcomeDesc"].as_str().unwrap().contains("goes on")
    );
}

#[test]
fn lines_xml_post_and_batches_answer_the_same() {
    let audited = started(&["--max-count", "5", "--default-count", "5"]);
    let doctor = audited.process.user("doctor");
    (1..13).for_each(|patient| drop(doctor.get(&format!("Patient/{patient}"))));
    let mut doctors = audited.events();
    doctors.retain(|event| event["agent"][0]["altId"] == "doctor");
    doctors.reverse();
    let reader = audited.process.user(READERS.1);
    let place = format!("{TRAIL}?agent=doctor");
    let lines = reader.send("GET", &place, &[("Accept", "application/fhir+ndjson")], "");
    let found: Vec<_> = lines
        .text()
        .lines()
        .filter(|line| line.starts_with('{'))
        .map(|line| as_kept(serde_json::from_str(line).unwrap()))
        .collect();
    assert_eq!(found, doctors);
    let xml = reader.send("GET", &place, &[("Accept", "application/fhir+xml")], "");
    assert!(xml.status == 200 && xml.text().matches("<AuditEvent").count() == 5, "{}", xml.text());
    let parameters = json!({ "resourceType": "Parameters", "parameter": [
        { "name": "agent", "valueString": "doctor" }, { "name": "_count", "valueInteger": 3 },
    ] });
    let headers = [("Content-Type", "application/fhir+json")];
    let posted = reader.send("POST", TRAIL, &headers, &parameters.to_string());
    assert_eq!(posted.status, 200, "{}", posted.text());
    let found: Vec<_> = resources(&posted.json()).into_iter().map(as_kept).collect();
    assert_eq!(found, doctors[..3]);
    let batch = json!({ "resourceType": "Bundle", "type": "batch", "entry": [
        { "request": { "method": "GET", "url": place } },
    ] });
    let answer = reader.send("POST", "/fhir", &headers, &batch.to_string()).json();
    assert_eq!(resources(&answer["entry"][0]["resource"]).len(), 5);
    assert_eq!(answer["entry"][0]["response"]["status"], "200 OK");
}

#[test]
fn who_is_no_reader_is_refused() {
    let audited = started(&[]);
    let doctor = audited.process.user("doctor");
    for login in ["doctor", "nurse", "admin", "nogroup"] {
        let response = audited.process.user(login).get(TRAIL);
        response.is(403, "trail-forbidden");
        assert!(response.text().contains("audit_readers"), "{}", response.text());
    }
    // What is wrong with the parameters is told to readers only.
    doctor.get(&format!("{TRAIL}?nonsense=1")).is(403, "trail-forbidden");
    let nobody = Client::anonymous(audited.process.address);
    nobody.get(TRAIL).is(401, "credential-missing");
    let wrong = Client::basic(audited.process.address, READERS.1, "not-the-password");
    wrong.get(TRAIL).is(401, "credential-wrong");
    // Nobody is a reader by default, and nobody by the name of a group that is not there.
    for (readers, said) in [("", None), ("No such group", Some("no active group \"No such group\""))] {
        let audited = Audited::start_on(&demo().database.url, &["--audit-readers", readers]);
        for login in ["admin", READERS.1, "nogroup"] {
            audited.process.user(login).get(TRAIL).is(403, "trail-forbidden");
        }
        assert_eq!(audited.process.said().contains("audit_readers"), said.is_some());
        assert!(said.is_none_or(|said| audited.process.said().contains(said)), "{}", audited.process.said());
    }
    let url = &demo().database.url;
    let checked = run("check", url, &["--audit", "file", "--audit-readers", "No such group"]);
    assert!(checked.stdout.contains("no active group \"No such group\""), "{}", checked.stdout);
}

#[test]
fn members_are_those_whom_tryton_counts_at_this_moment() {
    let database = Database::copy("trail_groups");
    let group = |name: &str, parent: &str, active: bool| {
        database.run(&format!(
            "INSERT INTO res_group (name, parent, active) VALUES ('{name}', (SELECT id FROM res_group WHERE name = '{parent}'), {active})"
        ));
    };
    let member = |login: &str, name: &str| {
        database.run(&format!(
            "INSERT INTO \"res_user-res_group\" (\"user\", \"group\") SELECT u.id, g.id FROM res_user u, res_group g \
             WHERE u.login = '{login}' AND g.name = '{name}'"
        ));
    };
    group("Auditors", "", true);
    group("Auditors of a ward", "Auditors", true);
    group("Former auditors", "", false);
    member("nurse", "Auditors of a ward");
    member("lab", "Auditors");
    member("imaging", "Former auditors");
    let audited = Audited::start_on(&database.url, &["--audit-readers", "Auditors, Former auditors"]);
    let status = |login: &str| audited.process.user(login).get(TRAIL).status;
    assert_eq!((status("lab"), status("nurse")), (200, 200), "directly, and by a group that inherits");
    assert_eq!(
        (status("imaging"), status("doctor")),
        (403, 403),
        "of a group that is not in use, and of none"
    );
    audited.process.wait_for("no active group \"Former auditors\"", 1);
    let becomes = |login: &str, expected: u16| {
        let begun = Instant::now();
        while status(login) != expected {
            assert!(begun.elapsed() < Duration::from_secs(10), "{login} does not become {expected}");
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    database.run("UPDATE res_group SET active = false WHERE name = 'Auditors of a ward'");
    member("imaging", "Auditors");
    becomes("imaging", 200);
    // As Tryton has it: the way to the parents goes through groups that are not in use.
    assert_eq!(status("nurse"), 200);
    database.run("UPDATE res_group SET name = 'Others' WHERE name = 'Auditors'");
    becomes("lab", 403);
    becomes("nurse", 403);
}

#[test]
fn parameters_are_understood_or_refused() {
    let audited = started(&[]);
    let reader = audited.process.user(READERS.1);
    for (query, code) in [
        ("nonsense=1", "parameter-unknown"),
        ("_sort=date", "parameter-unknown"),
        ("patient:missing=true", "parameter-unknown"),
        ("date=yesterday", "parameter-value"),
        ("patient=Observation/1", "parameter-value"),
        ("entity=1", "parameter-value"),
        ("agent=", "parameter-value"),
        ("action=C", "parameter-value"),
        ("outcome=1", "parameter-value"),
        ("subtype=reads", "parameter-value"),
        ("_count=0", "parameter-value"),
        ("_count=1&_count=2", "parameter-value"),
        ("_page=x", "page-foreign"),
    ] {
        reader.get(&format!("{TRAIL}?{query}")).is(400, code);
    }
    assert_eq!(reader.send("PUT", TRAIL, &[], "").status, 405);
}

#[test]
fn where_the_trail_is_in_no_file_nobody_reads_it() {
    for more in
        [&["--audit", "none"][..], &["--audit", "stdout"], &["--audit", "file", "--audit-file", "/dev/null"]]
    {
        let readers = ["--audit-readers", READERS.0];
        let process = Process::serve(&demo().database.url, &[more, &readers].concat());
        let process = process.unwrap_or_else(|said| panic!("{said}"));
        for login in [READERS.1, "doctor"] {
            let response = process.user(login).get(TRAIL);
            let expected = if login == "doctor" && more.len() > 2 {
                (403, "trail-forbidden")
            } else {
                (404, "trail-elsewhere")
            };
            response.is(expected.0, expected.1);
        }
        Client::anonymous(process.address).get(TRAIL).is(401, "credential-missing");
        let statement = process.user("doctor").ok("metadata");
        assert_eq!(operation(&statement), more.len() > 2, "{more:?}");
        let said = "audit_readers: the audit trail is not in a file";
        assert_eq!(process.said().contains(said), more.len() == 2, "{}", process.said());
    }
}

#[test]
fn what_is_no_record_is_told_of() {
    let audited = started(&[]);
    audited.process.user("doctor").get("Patient/1");
    let mut file = fs::OpenOptions::new().append(true).open(audited.path()).unwrap();
    file.write_all(b"{\"seq\":3,\"prev\n").unwrap();
    let reader = audited.process.user(READERS.1);
    let bundle = reader.ok(&format!("{TRAIL}?patient=1"));
    assert_eq!(resources(&bundle).len(), 1);
    let entries = bundle["entry"].as_array().unwrap();
    let told = entries.iter().find(|entry| entry["search"]["mode"] == "outcome").unwrap();
    let issue = &told["resource"]["issue"][0];
    assert_eq!(
        (&issue["severity"], &issue["details"]["coding"][0]["code"]),
        (&json!("warning"), &json!("trail-line"))
    );
    // The end of the file, when it is being written, is not there yet.
    file.write_all(b"{\"seq\":4").unwrap();
    assert_eq!(reader.ok(&format!("{TRAIL}?patient=1&agent=doctor"))["entry"], bundle["entry"]);
    fs::remove_file(audited.path()).unwrap();
    let response = reader.get(TRAIL);
    assert!([200, 503].contains(&response.status), "{}", response.text());
}
