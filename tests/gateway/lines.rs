//! `application/fhir+ndjson`: a search as a stream of all its matches.

use std::{
    collections::BTreeSet,
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

use crate::harness::{Client, Database, Gateway, Response, all, demo, pages, sites};

const LINES: &str = "application/fhir+ndjson";

fn get(client: &Client, place: &str) -> Response {
    client.send("GET", place, &[("Accept", LINES)], "")
}

/// The body behind its chunks, and whether the last one came.
fn unchunked(body: &[u8]) -> (String, bool) {
    let (mut rest, mut whole) = (body, Vec::new());
    while let Some(end) = rest.windows(2).position(|two| two == b"\r\n") {
        let length = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap(), 16).unwrap();
        if length == 0 {
            return (String::from_utf8(whole).unwrap(), true);
        }
        let chunk = &rest[end + 2..];
        whole.extend_from_slice(&chunk[..length.min(chunk.len())]);
        rest = chunk.get(length + 2..).unwrap_or_default();
    }
    (String::from_utf8(whole).unwrap(), false)
}

/// The resources of a stream that came to its end.
fn lines(response: &Response) -> Vec<Value> {
    assert_eq!(response.status, 200, "{}", response.text());
    assert_eq!(response.header("content-type"), Some("application/fhir+ndjson; charset=utf-8"));
    assert_eq!(response.header("transfer-encoding"), Some("chunked"));
    assert_eq!(response.header("cache-control"), Some("no-store"));
    let (text, ended) = unchunked(&response.body);
    assert!(ended, "the stream broke off: {text}");
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn all_matches_come_in_the_order_of_the_search() {
    for site in sites() {
        let doctor = site.user("doctor");
        for search in [
            "Patient",
            "Patient?gender=female&_sort=-birthdate",
            "Observation?category=vital-signs",
            "Patient?_elements=name",
            "Patient?_summary=true",
            "Patient/1/Observation",
            "Patient?_id=none",
        ] {
            let expected = all(&doctor, search);
            assert_eq!(lines(&get(&doctor, search)), expected, "{} {search}", site.name);
        }
        let counted = doctor.ok("Observation?_summary=count")["total"].as_u64().unwrap();
        assert!(counted > 1000, "{} has more than two pages", site.name);
        assert_eq!(lines(&get(&doctor, "Observation")).len() as u64, counted);
        let form = [("Content-Type", "application/x-www-form-urlencoded"), ("Accept", LINES)];
        let post = doctor.send("POST", "Patient/_search", &form, "gender=female");
        assert_eq!(lines(&post), all(&doctor, "Patient?gender=female"));
        let head = doctor.send("HEAD", "Patient", &[("Accept", LINES)], "");
        assert_eq!((head.status, head.body.len()), (200, 0));
    }
}

#[test]
fn a_stream_holds_what_its_user_may_see() {
    for site in sites() {
        for login in ["nurse", "frontdesk", "lab"] {
            let client = site.user(login);
            for kind in ["Patient", "Condition", "Observation"] {
                let page = client.get(&format!("{kind}?_count=500"));
                let stream = get(&client, kind);
                if page.status == 200 {
                    assert_eq!(lines(&stream), all(&client, &format!("{kind}?_count=500")), "{login} {kind}");
                } else {
                    assert_eq!(stream.fault(), page.fault(), "{login} {kind}");
                }
            }
        }
        let nobody = site.gateway.anybody();
        get(&nobody, "Patient").is(401, "credential-missing");
        get(&nobody, "Patient?_count=1").is(401, "credential-missing");
    }
}

/// To know the codes of a value set the gateway searches for it, and that is no stream.
#[test]
fn a_stream_is_searched_with_value_sets() {
    let doctor = demo().user("doctor");
    let sets = all(&doctor, "ValueSet?_count=100");
    let url = sets.iter().filter_map(|set| set["url"].as_str()).find(|url| url.ends_with("/drug-route"));
    let search =
        format!("Observation?category=vital-signs&code:not-in={}", url.expect("the routes of drugs"));
    let expected = all(&doctor, &search);
    assert!(!expected.is_empty());
    assert_eq!(lines(&get(&doctor, &search)), expected);
}

#[test]
fn what_has_no_place_in_a_stream_is_refused() {
    let doctor = demo().user("doctor");
    for query in ["_count=5", "_page=x", "_total=accurate", "_summary=count", "_include=Patient:organization"]
    {
        get(&doctor, &format!("Patient?{query}")).is(400, "parameter-value");
    }
    let refused = get(&doctor, "Patient?nmae=x");
    refused.is(400, "parameter-unknown");
    assert_eq!(refused.text().lines().count(), 1);
    assert_eq!(refused.header("content-type"), Some("application/fhir+ndjson; charset=utf-8"));
    get(&doctor, "Goal").is(404, "type-unknown");
    // What is one resource is one line.
    let read = get(&doctor, "Patient/1?_pretty=true");
    assert_eq!((read.text().lines().count(), read.json()), (1, doctor.ok("Patient/1")));
    // Ignored with lenient handling, and said so.
    let lenient =
        doctor.send("GET", "Patient?nmae=x", &[("Accept", LINES), ("Prefer", "handling=lenient")], "");
    let found = lines(&lenient);
    assert!(found.iter().any(|line| line["resourceType"] == "OperationOutcome"));
}

#[test]
fn everything_comes_in_one_stream() {
    for site in sites() {
        let doctor = site.user("doctor");
        let place = |one: &Value| format!("{}/{}", one["resourceType"], one["id"]);
        for operation in ["Patient/1/$everything", "Patient/$everything?_type=Patient,Encounter,Practitioner"]
        {
            let streamed = lines(&get(&doctor, operation));
            let (mut matches, mut included) = (Vec::new(), BTreeSet::new());
            let query = if operation.contains('?') { '&' } else { '?' };
            for page in pages(&doctor, &format!("{operation}{query}_count=70"), "next") {
                for entry in page["entry"].as_array().into_iter().flatten() {
                    match entry["search"]["mode"].as_str().unwrap() {
                        "match" => matches.push(entry["resource"].clone()),
                        // What is closed is said once too.
                        _ => drop(included.insert(place(&entry["resource"]))),
                    }
                }
            }
            assert!(matches.len() > 30 && !included.is_empty(), "{} {operation}", site.name);
            let beside: Vec<String> =
                streamed.iter().filter(|one| !matches.contains(one)).map(place).collect();
            assert_eq!(beside.len(), included.len(), "{} {operation}: each once", site.name);
            assert_eq!(beside.into_iter().collect::<BTreeSet<_>>(), included, "{} {operation}", site.name);
            let own: Vec<&Value> = streamed.iter().filter(|one| matches.contains(one)).collect();
            assert!(own.into_iter().eq(&matches), "{} {operation}: in order", site.name);
        }
        get(&doctor, "Patient/$everything?_count=5").is(400, "parameter-value");
        get(&doctor, "Patient/99999999/$everything").is(404, "resource-unknown");
        get(&site.gateway.anybody(), "Patient/$everything").is(401, "credential-missing");
    }
}

/// Reads a little of a stream, then does something, then reads the rest.
fn interrupted(gateway: &Gateway, place: &str, between: impl FnOnce()) -> String {
    let mut stream = TcpStream::connect(gateway.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let authorization = STANDARD.encode("doctor:doctor-demo");
    let request = format!(
        "GET /fhir/{place} HTTP/1.1\r\nHost: x\r\nAccept: {LINES}\r\nAuthorization: Basic {authorization}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut all = vec![0; 64];
    stream.read_exact(&mut all).unwrap();
    between();
    // A connection that is reset has told enough.
    let _ = stream.read_to_end(&mut all);
    let head = all.windows(4).position(|four| four == b"\r\n\r\n").expect("a whole head");
    let (text, ended) = unchunked(&all[head + 4..]);
    assert!(!ended, "the stream must break off");
    text
}

#[test]
fn a_stream_that_fails_says_so_and_breaks_off() {
    let database = Database::copy("lines_revoked");
    let gateway = Gateway::open(&database.url, "default_count = 1\nmax_count = 1");
    assert!(gateway.user("doctor").ok("Observation?_summary=count")["total"].as_u64().unwrap() > 3000);
    // The rest is under the rights of then.
    let text = interrupted(&gateway, "Observation", || {
        database.run("UPDATE res_user SET active = false WHERE login = 'doctor'");
    });
    let last: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!(last["resourceType"], "OperationOutcome", "{last}");
    let code = last["issue"][0]["details"]["coding"][0]["code"].as_str().unwrap();
    assert!(code.starts_with("credential-"), "{last}");
    assert!(text.lines().count() > 1);
}

#[test]
fn a_client_that_goes_away_ends_its_stream() {
    let database = Database::copy("lines_left");
    let gateway = Gateway::open(&database.url, "default_count = 1\nmax_count = 1");
    let authorization = STANDARD.encode("doctor:doctor-demo");
    let mut stream = TcpStream::connect(gateway.address).unwrap();
    let request = format!(
        "GET /fhir/Observation HTTP/1.1\r\nHost: x\r\nAccept: {LINES}\r\nAuthorization: Basic {authorization}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    stream.read_exact(&mut [0; 64]).unwrap();
    drop(stream);
    std::thread::sleep(Duration::from_millis(500));
    let queries = || {
        database.number(
            "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()",
        )
    };
    let before = queries();
    std::thread::sleep(Duration::from_secs(3));
    // The gateway looks for changed rights about once a second, and these questions count too.
    let ran = queries() - before;
    assert!(ran < 30, "{ran} statements were run for nobody");
}
