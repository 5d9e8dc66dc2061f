//! The audit trail of the real program: what it says of each access, and that nothing is answered without it.

use std::{
    collections::BTreeSet,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::harness::{Client, Ended, Process, Response, Site, demo, run, sites};

const FHIR: (&str, &str) = ("Content-Type", "application/fhir+json");

/// The program with a trail in a file.
pub struct Audited {
    pub folder: tempfile::TempDir,
    pub process: Process,
}

impl Audited {
    fn start(more: &[&str]) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), more)
    }

    /// The same over a database.
    pub fn start_on(database: &str, more: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let process = serve_on(database, &folder.path().join("audit.log"), more);
        Self { process: process.unwrap_or_else(|said| panic!("{said}")), folder }
    }

    fn start_in(folder: tempfile::TempDir, more: &[&str]) -> Self {
        let process = serve(&folder.path().join("audit.log"), more).unwrap_or_else(|said| panic!("{said}"));
        Self { folder, process }
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("audit.log")
    }

    fn text(&self) -> String {
        fs::read_to_string(self.path()).unwrap()
    }

    pub fn events(&self) -> Vec<Value> {
        self.text().lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["event"].take()).collect()
    }

    /// The records of one request.
    pub fn of(&self, id: &str) -> Vec<Value> {
        let mut events = self.events();
        events.retain(|event| event["entity"][0]["what"]["identifier"]["value"] == id);
        events
    }
}

fn serve(file: &Path, more: &[&str]) -> Result<Process, String> {
    serve_on(&demo().database.url, file, more)
}

fn serve_on(database: &str, file: &Path, more: &[&str]) -> Result<Process, String> {
    let mut arguments = vec!["--audit", "file", "--audit-file", file.to_str().unwrap()];
    arguments.extend(more);
    Process::serve(database, &arguments)
}

fn verify(arguments: &[&str]) -> Ended {
    run("audit", "", &[&["verify"], arguments].concat())
}

fn holds(files: &[&Path]) -> String {
    let files: Vec<_> = files.iter().map(|file| file.to_str().unwrap()).collect();
    let ended = verify(&files);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    ended.stdout
}

/// What the events are about.
pub fn about(events: &[Value]) -> BTreeSet<String> {
    let entities = events.iter().flat_map(|event| event["entity"].as_array().unwrap());
    entities.filter_map(|entity| Some(entity["what"]["reference"].as_str()?.to_owned())).collect()
}

/// The patients that stand in an answer.
fn patients(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            if members.get("resourceType").is_some_and(|kind| kind == "Patient") {
                found.insert(format!("Patient/{}", members["id"].as_str().unwrap()));
            }
            let reference = members.get("reference").and_then(Value::as_str);
            found.extend(reference.filter(|text| text.starts_with("Patient/")).map(str::to_owned));
            members.values().for_each(|value| patients(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| patients(value, found)),
        _ => {}
    }
}

/// The answer in JSON, or as lines of JSON.
fn in_answer(response: &Response) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    if response.header("transfer-encoding").is_some() {
        for line in response.text().lines().filter(|line| line.starts_with('{')) {
            patients(&serde_json::from_str(line).unwrap(), &mut found);
        }
    } else {
        patients(&response.json(), &mut found);
    }
    found
}

fn query(event: &Value) -> String {
    let found = event["entity"].as_array().unwrap().iter().find_map(|entity| entity["query"].as_str());
    String::from_utf8(STANDARD.decode(found.unwrap()).unwrap()).unwrap()
}

#[test]
fn every_interaction_is_recorded_with_exactly_the_patients_of_its_answer() {
    sites().iter().for_each(recorded_exactly);
}

fn recorded_exactly(site: &Site) {
    let audited = Audited::start_on(&site.url(), &["--max-count", "20", "--default-count", "20"]);
    let doctor = audited.process.user("doctor");
    let version = doctor.ok("Patient/1")["meta"]["versionId"].as_str().unwrap().to_owned();
    let mut asked = vec![
        ("Patient/1".to_owned(), "read"),
        (format!("Patient/1/_history/{version}"), "vread"),
        ("Patient/1/_history".to_owned(), "history-instance"),
        ("Patient/_history".to_owned(), "history-type"),
        ("_history".to_owned(), "history-system"),
        ("Patient?_count=7&_sort=-birthdate".to_owned(), "search-type"),
        ("Patient?_count=0".to_owned(), "search-type"),
        ("Patient?_count=3&_revinclude=Condition:subject".to_owned(), "search-type"),
        ("Observation?_include=Observation:subject".to_owned(), "search-type"),
        ("Patient/1/Observation".to_owned(), "search-type"),
        ("Patient/1/*".to_owned(), "search-system"),
        ("?_type=Patient,Condition".to_owned(), "search-system"),
        ("Patient/1/$everything".to_owned(), "operation"),
        ("Patient/$everything".to_owned(), "operation"),
        ("Observation/$lastn?patient=1".to_owned(), "operation"),
        ("DocumentReference/$docref?patient=1".to_owned(), "operation"),
    ];
    asked.extend(site.types().into_iter().map(|kind| (kind, "search-type")));
    let mut several = 0;
    for (number, (place, interaction)) in asked.iter().enumerate() {
        let id = format!("test-{number}");
        let response = doctor.send("GET", place, &[("X-Request-Id", &id)], "");
        let events = audited.of(&id);
        assert!(!events.is_empty(), "{place}");
        let event = &events[0];
        assert_eq!(event["type"]["code"], "rest");
        assert_eq!(event["subtype"][0]["code"], *interaction, "{place}");
        assert_eq!(event["agent"][0]["altId"], "doctor");
        assert!(
            event["agent"][0]["who"]["identifier"]["value"].as_str().unwrap().parse::<u32>().unwrap() > 0
        );
        assert_eq!(event["agent"][0]["network"]["address"], "127.0.0.1");
        assert_eq!(query(event), format!("GET /fhir/{place}"));
        gnuhealth_fhir_model::check(event.to_string().as_bytes()).expect("an AuditEvent");
        if response.status == 403 {
            assert_eq!((&event["outcome"], about(&events).len()), (&json!("4"), 0), "{place}");
            continue;
        }
        assert_eq!((response.status, &event["outcome"]), (200, &json!("0")), "{place}");
        let all = about(&events);
        let named: BTreeSet<_> = all.iter().filter(|name| name.starts_with("Patient/")).cloned().collect();
        assert_eq!(named, in_answer(&response), "{place}");
        several += usize::from(named.len() > 5);
        for other in all.difference(&named) {
            assert!(response.text().contains(other.split_once('/').unwrap().1), "{place}: {other}");
        }
    }
    assert!(several > 10, "{several}");
    holds(&[&audited.path()]);
}

#[test]
fn what_is_posted_subsetted_or_in_xml_is_recorded_too() {
    let audited = Audited::start(&[]);
    let doctor = audited.process.user("doctor");
    let id = |id| ("X-Request-Id", id);
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    let posted = doctor.send("POST", "Patient/_search", &[id("form"), form], "family=a&_count=4");
    let events = audited.of("form");
    assert_eq!(about(&events), in_answer(&posted));
    assert_eq!(query(&events[0]), "POST /fhir/Patient/_search?family=a&_count=4");
    let whole = in_answer(&doctor.get("Observation?_count=9"));
    assert!(!whole.is_empty());
    doctor.send("GET", "Observation?_count=9&_elements=code", &[id("elements")], "");
    doctor.send("GET", "Observation?_count=9&_format=xml", &[id("xml")], "");
    assert_eq!((about(&audited.of("elements")), about(&audited.of("xml"))), (whole.clone(), whole));
    let read = doctor.get("Patient/1");
    let etag = read.header("etag").unwrap();
    let unchanged = doctor.send("GET", "Patient/1", &[id("unchanged"), ("If-None-Match", etag)], "");
    assert_eq!((unchanged.status, about(&audited.of("unchanged")).len()), (304, 1));
    assert_eq!(doctor.send("HEAD", "Patient/1", &[id("head")], "").status, 200);
    assert_eq!(about(&audited.of("head")).len(), 1);
}

#[test]
fn entries_of_a_batch_are_recorded_one_by_one() {
    let audited = Audited::start(&[]);
    let entry = |url: &str| json!({ "request": { "method": "GET", "url": url } });
    let urls = ["Patient/1", "Patient/2", "Patient/987654", "Patient?_count=2", "Nothing/1"];
    let batch = json!({ "resourceType": "Bundle", "type": "batch", "entry": urls.map(entry) });
    let doctor = audited.process.user("doctor");
    let response = doctor.send("POST", "/fhir", &[("X-Request-Id", "batch"), FHIR], &batch.to_string());
    let events = audited.of("batch");
    assert_eq!(events.len(), urls.len());
    for (event, url) in events.iter().zip(urls) {
        assert_eq!(query(event), format!("GET {url}"));
    }
    let outcome = |at: usize| events[at]["outcomeDesc"].as_str().unwrap();
    assert_eq!(outcome(0), "200");
    assert_eq!((outcome(2), outcome(4)), ("404 resource-unknown", "404 type-unknown"));
    assert_eq!(about(&events[..1]), BTreeSet::from(["Patient/1".to_owned()]));
    assert!(about(&events[2..3]).is_empty());
    assert_eq!(about(&events), in_answer(&response));
}

#[test]
fn a_stream_is_recorded_page_by_page() {
    let audited = Audited::start(&["--max-count", "10", "--default-count", "10"]);
    let headers = [("X-Request-Id", "lines"), ("Accept", "application/fhir+ndjson")];
    let response = audited.process.user("doctor").send("GET", "Patient", &headers, "");
    let events = audited.of("lines");
    assert!(events.len() > 2, "{}", events.len());
    let found = in_answer(&response);
    assert_eq!(about(&events), found);
    assert!(events.iter().all(|event| about(std::slice::from_ref(event)).len() <= 10 + 1));
    assert_eq!(events[0]["subtype"].as_array().unwrap().len(), 1);
    assert_eq!(events[1]["subtype"][1]["code"], "continued");
}

#[test]
fn who_is_refused_is_recorded() {
    let audited = Audited::start(&[]);
    let address = audited.process.address;
    let id = |id| ("X-Request-Id", id);
    let wrong = Client::basic(address, "doctor", "not-the-password");
    assert_eq!(wrong.send("GET", "Patient/1", &[id("wrong")], "").status, 401);
    let [event] = &audited.of("wrong")[..] else { panic!("one record") };
    assert_eq!(event["type"]["code"], "110114");
    assert_eq!(event["subtype"][0]["code"], "110122");
    assert_eq!(event["outcomeDesc"], "401 credential-wrong");
    assert_eq!((&event["agent"][0]["altId"], &event["agent"][0]["who"]), (&json!("doctor"), &Value::Null));
    assert!(!audited.text().contains("not-the-password"));
    let bearer = Client::bearer(address, "no-such-key");
    assert_eq!(bearer.send("GET", "Patient/1", &[id("key")], "").status, 401);
    assert_eq!(audited.of("key").len(), 1);
    assert!(!audited.text().contains("no-such-key"));
    let desk = demo().user("frontdesk");
    let closed = demo().types().into_iter().find(|kind| desk.get(kind).status == 403).expect("a closed type");
    for (login, place, expected) in [
        ("frontdesk", closed.as_str(), 403),
        ("doctor", "Patient/987654", 404),
        ("doctor", "Patient?nonsense=1", 400),
    ] {
        let response = audited.process.user(login).send("GET", place, &[id("refused")], "");
        assert_eq!(response.status, expected, "{place}: {}", response.text());
        let events = audited.of("refused");
        let event = events.last().unwrap();
        let outcome = format!("{expected} {}", response.fault().1);
        assert_eq!((&event["outcome"], &event["outcomeDesc"]), (&json!("4"), &json!(outcome)));
        assert_eq!(event["agent"][0]["altId"], login);
        assert!(about(&events).is_empty());
    }
    // Nobody asks for nothing of anybody.
    let before = audited.events().len();
    let anybody = Client::anonymous(address);
    assert_eq!(anybody.get("Patient/1").status, 401);
    assert_eq!(anybody.get("metadata").status, 200);
    assert_eq!(audited.events().len(), before);
}

#[test]
fn signing_in_to_the_page_and_out_is_recorded() {
    let audited = Audited::start(&[]);
    let anybody = Client::anonymous(audited.process.address);
    let page = |id| {
        [
            ("X-Request-Id", id),
            ("X-GNUHealth-Page", "1"),
            ("Sec-Fetch-Site", "same-origin"),
            ("Content-Type", "application/json"),
        ]
    };
    let response =
        anybody.send("POST", "/page/session", &page("in"), r#"{"login":"nurse","password":"nurse-demo"}"#);
    assert_eq!(response.status, 200, "{}", response.text());
    let cookie = response.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let refused = anybody.send("POST", "/page/session", &page("bad"), r#"{"login":"nurse","password":"x"}"#);
    assert_eq!(refused.status, 401);
    let mut headers = page("out").to_vec();
    headers.push(("Cookie", &cookie));
    assert_eq!(anybody.send("DELETE", "/page/session", &headers, "").status, 204);
    for (id, code, outcome) in [("in", "110122", "0"), ("bad", "110122", "4"), ("out", "110123", "0")] {
        let events = audited.of(id);
        assert_eq!(events.len(), 1, "{id}");
        assert_eq!(
            (&events[0]["subtype"][0]["code"], &events[0]["outcome"]),
            (&json!(code), &json!(outcome))
        );
        assert_eq!(events[0]["agent"][0]["altId"], "nurse", "{id}");
    }
}

#[test]
fn requests_at_the_same_time_make_one_chain() {
    let audited = Audited::start(&[]);
    std::thread::scope(|scope| {
        for login in ["doctor", "nurse", "doctor", "nurse"] {
            let client = audited.process.user(login);
            scope.spawn(move || {
                for patient in 1..26 {
                    assert_eq!(client.get(&format!("Patient/{patient}")).status, 200);
                }
            });
        }
    });
    // The start, and what was asked.
    assert!(holds(&[&audited.path()]).starts_with("101 records"));
    assert_eq!(about(&audited.events()[1..]).len(), 25);
    let show =
        run("audit", "", &["show", audited.path().to_str().unwrap(), "--patient", "7", "--login", "nurse"]);
    assert_eq!(show.stdout.lines().count(), 2, "{}", show.stdout);
    assert!(
        show.stdout.contains(" nurse 127.0.0.1 read 200 GET /fhir/Patient/7 Patient/7"),
        "{}",
        show.stdout
    );
}

#[test]
fn what_was_done_to_a_file_is_told_with_its_place() {
    let audited = Audited::start(&[]);
    let doctor = audited.process.user("doctor");
    (1..8).for_each(|patient| drop(doctor.ok(&format!("Patient/{patient}"))));
    let lines: Vec<String> = audited.text().lines().map(|line| format!("{line}\n")).collect();
    let last = holds(&[&audited.path()]).trim().rsplit(' ').next().unwrap().to_owned();
    let file = audited.folder.path().join("copy");
    let file = file.to_str().unwrap();
    let told = |lines: &[String], arguments: &[&str]| {
        fs::write(file, lines.concat()).unwrap();
        let ended = verify(&[&[file], arguments].concat());
        assert_eq!(ended.code, Some(1), "{}", ended.stdout);
        ended.stderr
    };
    let mut changed = lines.clone();
    changed[3] = changed[3].replace("Patient/3", "Patient/4");
    assert_ne!(changed, lines);
    assert!(told(&changed, &[]).contains(":4: record 4 was changed"));
    let mut removed = lines.clone();
    removed.remove(3);
    assert!(told(&removed, &[]).contains(":4: expected record 4, found record 5"));
    let mut swapped = lines.clone();
    swapped.swap(2, 3);
    assert!(told(&swapped, &[]).contains(":3: expected record 3, found record 4"));
    // Nothing in a file can tell that its end is missing; what was noted of it can.
    assert!(told(&lines[..6], &["--holds", &last]).contains("is not there"));
    fs::write(file, lines.concat()).unwrap();
    assert_eq!(verify(&[file, "--holds", &last]).code, Some(0));
}

#[test]
fn what_is_done_to_the_file_while_it_is_written_shows() {
    let audited = Audited::start(&[]);
    let (doctor, path) = (audited.process.user("doctor"), audited.path());
    doctor.ok("Patient/1");
    // Its last record is cut off: the next one does not follow what is left.
    let text = audited.text();
    let cut = text.trim_end().rfind('\n').unwrap() + 1;
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(cut as u64).unwrap();
    doctor.ok("Patient/2");
    let ended = verify(&[path.to_str().unwrap()]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains(":2: expected record 2, found record 3"), "{}", ended.stderr);
    // It is removed: a new one begins with the next number, and nothing that is answered is missing in it.
    fs::remove_file(&path).unwrap();
    doctor.ok("Patient/3");
    audited.process.wait_for("the audit file was removed", 1);
    assert_eq!(about(&audited.events()[1..]), BTreeSet::from(["Patient/3".to_owned()]));
    assert!(holds(&[&path]).contains("the first record is 4"));
}

#[test]
fn the_chain_goes_on_after_a_rotation_a_crash_and_a_start() {
    let key = tempfile::NamedTempFile::new().unwrap();
    fs::write(key.path(), "a secret key of more than 32 bytes.\n").unwrap();
    let key = key.path().to_str().unwrap();
    let audited = Audited::start(&["--audit-key-file", key]);
    let (path, first) = (audited.path(), audited.folder.path().join("audit.log.1"));
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&path).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    let other = serve(&path, &[]).err().expect("two processes cannot write to one file");
    assert!(other.contains("another process writes to it"), "{other}");
    audited.process.user("doctor").ok("Patient/1");
    fs::rename(&path, &first).unwrap();
    // Until it is told, it goes on in the old file.
    audited.process.user("doctor").ok("Patient/2");
    audited.process.signal("HUP");
    audited.process.wait_for("the audit file is another one", 1);
    audited.process.wait_for("configuration and mappings are read again", 1);
    audited.process.user("doctor").ok("Patient/3");
    let Audited { folder, process } = audited;
    process.end();
    // As if the machine had stopped in the middle of a line.
    let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(b"{\"seq\":6,\"prev\":\"00").unwrap();
    let audited = Audited::start_in(folder, &["--audit-key-file", key]);
    audited.process.user("doctor").ok("Patient/4");
    let files = [first.to_str().unwrap(), path.to_str().unwrap()];
    let ended = verify(&[&files[..], &["--key-file", key]].concat());
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(
        ended.stdout.contains("19 bytes of records that were not written to their end"),
        "{}",
        ended.stdout
    );
    assert!(ended.stdout.contains("7 records, the chain holds"), "{}", ended.stdout);
    assert!(verify(&files).stderr.contains("--key-file"));
    // Rotated away while nothing ran.
    let Audited { folder, process } = audited;
    process.signal("TERM");
    process.ended();
    let second = folder.path().join("audit.log.0");
    fs::rename(&path, &second).unwrap();
    let audited = Audited::start_in(folder, &["--audit-key-file", key]);
    let third = audited.path();
    let files = [files[0], second.to_str().unwrap(), third.to_str().unwrap()];
    let ended = verify(&[&files[..], &["--key-file", key]].concat());
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stdout.contains("9 records, the chain holds"), "{}", ended.stdout);
}

#[test]
fn a_full_disk_stops_requests_until_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("/dev/full", folder.path().join("audit.log")).unwrap();
    let audited = Audited::start_in(folder, &["--admin-listen", "127.0.0.1:0"]);
    let doctor = audited.process.user("doctor");
    for place in ["Patient/1", "Patient", "Patient/1/$everything"] {
        let response = doctor.get(place);
        response.is(503, "audit-unavailable");
        assert!(response.header("retry-after").is_some());
    }
    let page =
        [("X-GNUHealth-Page", "1"), ("Sec-Fetch-Site", "same-origin"), ("Content-Type", "application/json")];
    let sign_in = r#"{"login":"nurse","password":"nurse-demo"}"#;
    doctor.send("POST", "/page/session", &page, sign_in).is(503, "audit-unavailable");
    assert_eq!(doctor.get("metadata").status, 200);
    let operators = audited.process.operators();
    let ready = operators.get("/readyz");
    assert_eq!(ready.status, 503);
    assert!(ready.text().contains("No space left on device"), "{}", ready.text());
    assert!(operators.get("/metrics").text().contains("gnuhealth_fhir_audit_failing 1\n"));
    audited.process.wait_for("audit records cannot be kept: No space left on device", 1);
    // There is room again: nobody needs to ask.
    fs::remove_file(audited.path()).unwrap();
    audited.process.signal("HUP");
    audited.process.wait_for("audit records can be kept again", 1);
    assert_eq!(doctor.get("Patient/1").status, 200);
    assert_eq!(operators.get("/readyz").status, 200);
    assert!(operators.get("/metrics").text().contains("gnuhealth_fhir_audit_failing 0\n"));
    holds(&[&audited.path()]);
    let told = audited.text();
    assert!(told.contains("records can be kept again; "), "{told}");
}

#[test]
fn a_record_for_which_there_is_half_the_room_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let (path, first) = (folder.path().join("audit.log"), folder.path().join("audit.log.1"));
    let arguments = ["--audit", "file", "--audit-file", path.to_str().unwrap()];
    let process = Process::serve_within(&demo().database.url, &arguments, 64);
    let process = process.unwrap_or_else(|said| panic!("{said}"));
    let doctor = process.user("doctor");
    let answered = (1..200).find(|patient| doctor.get(&format!("Patient/{patient}")).status != 200);
    assert!(answered.is_some_and(|number| number > 5), "{answered:?}");
    doctor.get("Patient/1").is(503, "audit-unavailable");
    process.wait_for("audit records cannot be kept: File too large", 1);
    // What was answered is there, and nothing else.
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.len() > 30 << 10 && text.ends_with("}\n"), "{}", text.len());
    assert_eq!(text.lines().count(), answered.unwrap());
    holds(&[&path]);
    fs::rename(&path, &first).unwrap();
    process.signal("HUP");
    process.wait_for("audit records can be kept again", 1);
    assert_eq!(doctor.get("Patient/1").status, 200);
    holds(&[&first, &path]);
    let ended = verify(&[path.to_str().unwrap()]);
    assert!(ended.stdout.contains("those before it are in older files"), "{}", ended.stdout);
}

#[test]
fn a_full_disk_is_told_but_stops_nothing_when_that_is_asked_for() {
    let arguments = [
        "--audit",
        "file",
        "--audit-file",
        "/dev/full",
        "--audit-on-failure",
        "continue",
        "--admin-listen",
        "127.0.0.1:0",
    ];
    let process = Process::serve(&demo().database.url, &arguments).unwrap_or_else(|said| panic!("{said}"));
    assert_eq!(process.user("doctor").get("Patient/1").status, 200);
    process.wait_for("audit records cannot be kept", 1);
    let operators = process.operators();
    assert_eq!(operators.get("/readyz").status, 200);
    let text = operators.get("/metrics").text();
    let failed = text
        .lines()
        .find_map(|line| line.strip_prefix("gnuhealth_fhir_audit_records_total{outcome=\"failed\"} "));
    assert!(failed.unwrap().parse::<u32>().unwrap() >= 2, "{text}");
}
