//! What traces tell of real searches, and what not.

use crate::{
    collector::{Collector, attribute, find},
    harness::{Database, Gateway, Process, wait},
};

#[test]
fn a_search_tells_its_statements_and_none_of_its_values() {
    let database = Database::copy("traces");
    let collector = wait(Collector::start(&[], 0));
    let gateway = Gateway::open(&database.url, &collector.setting());
    let names = database.texts(
        "SELECT DISTINCT party.lastname FROM gnuhealth_patient AS patient JOIN party_party AS party ON party.id = patient.party \
         WHERE length(party.lastname) > 4 AND party.lastname ~ '^[A-Za-z]+$'",
    );
    let name = names.first().expect("a patient with a name");
    let doctor = gateway.user("doctor");
    let place = format!("Patient?family={name}&_total=accurate&_revinclude=Condition:subject&_format=xml");
    let found = doctor.get(&place);
    assert!(found.status == 200 && found.text().contains(name), "{}", found.text());
    let spans = wait(collector.spans("/[type]"));
    let (request, _) = find(&spans, "GET /[type]");
    for part in ["sign-in", "plan", "count", "page", "render", "write", "positions of included resources"] {
        assert_eq!(find(&spans, part).1, Some(request), "{part}");
    }
    // A password check is shared by the requests that wait for it: its statements are no part of one of them.
    assert!(spans.iter().all(|span| span.name != "account"));
    let total = found.text().matches("<search><mode value=\"match\"/>").count();
    let (page, _) = find(&spans, "page");
    for (attribute_name, value) in [
        ("db.system.name", "postgresql".to_owned()),
        ("db.query.summary", "page".to_owned()),
        ("db.response.returned_rows", total.to_string()),
    ] {
        assert_eq!(attribute(page, attribute_name), Some(value), "{attribute_name}");
    }
    // A client, as PostgreSQL sees it.
    assert_eq!((page.kind, page.status.is_none()), (3, true));
    let user = database.number("SELECT id::bigint FROM res_user WHERE login = 'doctor'");
    assert_eq!(attribute(request, "enduser.id"), Some(user.to_string()));
    let sent: Vec<_> = collector
        .messages()
        .into_iter()
        .map(|(head, body)| (head, String::from_utf8_lossy(&body).into_owned()))
        .collect();
    for (head, body) in &sent {
        for value in [name.as_str(), "doctor", "family", "SELECT", "party_party", "127.0.0.1"] {
            assert!(!body.contains(value), "{value}: {body}");
        }
        assert!(!head.contains(&name.to_lowercase()), "{head}");
    }
}

#[test]
fn a_statement_that_fails_says_how() {
    let database = Database::copy("traces_failing");
    let collector = wait(Collector::start(&[], 0));
    let gateway = Gateway::open(&database.url, &collector.setting());
    let doctor = gateway.user("doctor");
    doctor.ok("metadata");
    database.run("ALTER TABLE gnuhealth_patient RENAME TO moved");
    assert_eq!(doctor.get("Patient/1").status, 500);
    let spans = wait(collector.spans("/[type]/[id]"));
    let (read, request) = find(&spans, "read");
    assert_eq!(attribute(read, "error.type").as_deref(), Some("internal"));
    assert_eq!(read.status.as_ref().map(|status| status.code), Some(2));
    let request = request.expect("the request");
    assert_eq!(attribute(request, "http.response.status_code").as_deref(), Some("500"));
}

#[test]
fn a_reload_takes_another_collector_and_the_end_sends_what_is_left() {
    let database = Database::copy("traces_reload");
    let [first, second] = [(), ()].map(|()| wait(Collector::start(&[], 0)));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    std::fs::write(&file, first.setting()).unwrap();
    let process = Process::serve(&database.url, &["--config", file.to_str().unwrap()]).unwrap();
    let doctor = process.user("doctor");
    doctor.ok("Patient/1");
    std::fs::write(&file, second.setting()).unwrap();
    process.signal("HUP");
    process.wait_for("settings that changed: trace_endpoint", 1);
    doctor.ok("Patient?_count=1");
    process.signal("TERM");
    let (code, said) = process.ended();
    assert_eq!(code, Some(0), "{said}");
    // It has ended, so nothing comes any more.
    for (collector, route) in [(first, "/[type]/[id]"), (second, "/[type]")] {
        assert_eq!(collector.messages().len(), 1, "{said}");
        let spans = wait(collector.spans(route));
        let requests = spans.iter().filter(|span| span.name.starts_with("GET "));
        assert_eq!(requests.count(), 1);
        let (request, _) = find(&spans, &format!("GET {route}"));
        let id: String = request.trace_id.iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(said.contains(&format!("trace=\"{id}\"")), "{said}");
    }
}
