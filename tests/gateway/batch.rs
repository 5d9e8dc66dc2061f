//! `POST [base]` with a batch: <https://hl7.org/fhir/R4/http.html#transaction>.

use gnuhealth_fhir::store::Class;
use serde_json::{Value, json};

use crate::harness::{Client, Database, Gateway, Response, ids, resources, sites};

const FHIR: [(&str, &str); 1] = [("Content-Type", "application/fhir+json")];

fn post(client: &Client, entries: &[Value]) -> Response {
    let bundle = json!({ "resourceType": "Bundle", "type": "batch", "entry": entries });
    client.send("POST", "/fhir", &FHIR, &bundle.to_string())
}

fn get(url: &str) -> Value {
    json!({ "request": { "method": "GET", "url": url } })
}

/// The entries of the answer.
fn batch(client: &Client, entries: &[Value]) -> Vec<Value> {
    let answer = post(client, entries);
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    gnuhealth_fhir_model::check(&answer.body).expect("a Bundle");
    let bundle = answer.json();
    assert_eq!(bundle["type"], "batch-response");
    let found = bundle["entry"].as_array().cloned().unwrap_or_default();
    assert_eq!(found.len(), entries.len());
    found
}

fn status(entry: &Value) -> &str {
    &entry["response"]["status"].as_str().unwrap()[..3]
}

fn code(entry: &Value) -> &str {
    entry["response"]["outcome"]["issue"][0]["details"]["coding"][0]["code"].as_str().unwrap()
}

#[test]
fn entries_are_answered_as_they_would_be_alone_and_in_their_order() {
    for site in sites() {
        let doctor = site.user("doctor");
        let base = format!("http://{}/fhir", site.gateway.address);
        let found = batch(
            &doctor,
            &[
                get("Patient/1"),
                get("Patient/999999"),
                get("Patient?gender=female&_count=3"),
                get(&format!("{base}/Patient/1")),
                get("/metadata"),
                get("Nothing/1"),
                get("Patient?nmae=x"),
                json!({ "request": { "method": "HEAD", "url": "Patient/1" } }),
                get("ValueSet/$expand?url=http://hl7.org/fhir/ValueSet/administrative-gender"),
                get("Patient/1/Observation?_count=2"),
            ],
        );
        let alone = doctor.get("Patient/1");
        assert_eq!((status(&found[0]), &found[0]["resource"]), ("200", &alone.json()));
        assert_eq!(found[0]["response"]["etag"].as_str(), alone.header("etag"));
        assert!(found[0]["response"]["lastModified"].is_string());
        assert_eq!((status(&found[1]), code(&found[1])), ("404", "resource-unknown"));
        let search = doctor.ok("Patient?gender=female&_count=3");
        assert_eq!(ids(&found[2]["resource"]), ids(&search));
        assert_eq!(found[3], found[0]);
        assert_eq!(found[4]["resource"]["resourceType"], "CapabilityStatement");
        assert_eq!((status(&found[5]), code(&found[5])), ("404", "type-unknown"));
        assert_eq!((status(&found[6]), code(&found[6])), ("400", "parameter-unknown"));
        assert_eq!((status(&found[7]), &found[7]["resource"]), ("200", &Value::Null));
        assert_eq!(found[7]["response"]["etag"], found[0]["response"]["etag"]);
        assert_eq!(found[8]["resource"]["expansion"]["total"], 4);
        assert!(
            resources(&found[9]["resource"]).iter().all(|one| one["subject"]["reference"] == "Patient/1")
        );
        assert_eq!(batch(&doctor, &[]).len(), 0);
    }
}

#[test]
fn writes_and_what_cannot_be_read_are_refused_one_by_one() {
    for site in sites() {
        let doctor = site.user("doctor");
        let mut entries = vec![get("Patient/1")];
        for method in ["PUT", "PATCH", "DELETE"] {
            entries.push(json!({ "resource": { "resourceType": "Patient" }, "request": { "method": method, "url": "Patient/1" } }));
        }
        entries.push(json!({ "resource": { "resourceType": "Patient" }, "request": { "method": "POST", "url": "Patient" } }));
        let writes = entries.len();
        for bad in [
            json!({}),
            json!(7),
            json!({ "request": { "method": "BREW", "url": "Patient/1" } }),
            json!({ "request": { "method": "GET" } }),
            json!({ "request": { "method": "GET", "url": "Patient/%zz" } }),
            json!({ "request": { "method": "GET", "url": "http://elsewhere.example/fhir/Patient/1" } }),
            json!({ "request": { "method": "GET", "url": "../livez" } }),
            json!({ "request": { "method": "POST", "url": "" } }),
            json!({ "request": { "method": "GET", "url": "Patient/1", "ifMatch": "W/\"1\"" } }),
            json!({ "request": { "method": "GET", "url": "Patient/1", "ifModifiedSince": "x" } }),
        ] {
            entries.push(bad);
        }
        entries.push(get("Patient/1"));
        let found = batch(&doctor, &entries);
        for entry in &found[1..writes] {
            assert_eq!((status(entry), code(entry)), ("405", "interaction-unsupported"), "{entry}");
        }
        for entry in &found[writes..found.len() - 1] {
            assert!(["400", "404"].contains(&status(entry)), "{entry}");
        }
        assert_eq!(found[0], found[found.len() - 1], "faults of others change nothing");
        assert_eq!(status(&found[0]), "200");
    }
}

#[test]
fn conditions_of_an_entry_hold() {
    for site in sites() {
        let doctor = site.user("doctor");
        let read = doctor.get("Patient/1");
        let tag = read.header("etag").unwrap();
        let condition = |name: &str, value: &str| {
            let mut entry = get("Patient/1");
            entry["request"][name] = value.into();
            entry
        };
        let found = batch(
            &doctor,
            &[
                condition("ifNoneMatch", tag),
                condition("ifNoneMatch", "W/\"other\""),
                condition("ifModifiedSince", "2199-01-01T00:00:00Z"),
                condition("ifModifiedSince", "1990-01-01T00:00:00Z"),
            ],
        );
        let statuses: Vec<&str> = found.iter().map(status).collect();
        assert_eq!(statuses, ["304", "200", "304", "200"]);
        assert!(found[0]["resource"].is_null() && found[0]["response"]["etag"] == tag);
    }
}

#[test]
fn other_bundles_are_refused_as_a_whole() {
    for site in sites() {
        let doctor = site.user("doctor");
        for (body, status, code) in [
            (
                json!({ "resourceType": "Bundle", "type": "transaction", "entry": [get("Patient/1")] }),
                400,
                "bundle-unsupported",
            ),
            (json!({ "resourceType": "Bundle", "type": "searchset" }), 400, "bundle-unsupported"),
            (json!({ "resourceType": "Patient" }), 400, "bundle-unsupported"),
            (
                json!({ "resourceType": "Bundle", "type": "batch", "entry": vec![get("Patient/1"); 101] }),
                400,
                "batch-limit",
            ),
        ] {
            doctor.send("POST", "/fhir", &FHIR, &body.to_string()).is(status, code);
        }
        doctor.send("POST", "/fhir", &FHIR, "{").is(400, "request-malformed");
        doctor.send("POST", "/fhir", &FHIR, "").is(400, "request-malformed");
        doctor.send("POST", "/fhir?name=x", &FHIR, "{}").is(400, "parameter-unknown");
        doctor.send("POST", "/fhir", &[("Content-Type", "text/plain")], "{}").is(415, "unsupported-media");
        post(&site.gateway.anybody(), &[get("Patient/1")]).is(401, "credential-missing");
        let claimed = &site.gateway.anybody().ok("metadata")["rest"][0]["interaction"];
        let codes = ["batch", "search-system", "history-system"].map(|code| json!({ "code": code }));
        assert_eq!(*claimed, json!(codes));
    }
}

#[test]
fn a_batch_opens_nothing_that_is_closed() {
    for site in sites() {
        let (nogroup, frontdesk) = (site.user("nogroup"), site.user("frontdesk"));
        for client in [&nogroup, &frontdesk] {
            let places = [
                "Patient/1",
                "Condition?_count=3",
                "Observation/$validate",
                "MedicationRequest?patient=1",
                "Patient/1/_history",
            ];
            let found = batch(client, &places.map(get));
            for (entry, place) in found.iter().zip(places) {
                let alone = client.get(place);
                assert_eq!(status(entry), alone.status.to_string(), "{} {place}", site.name);
                if alone.status != 200 {
                    assert_eq!(code(entry), alone.fault().1, "{place}");
                    assert!(entry["resource"].is_null());
                }
            }
        }
    }
}

#[test]
fn a_batch_signs_in_once() {
    let database = Database::copy("batch_sign_in");
    // What is kept is not read, and here it is counted what is read.
    let gateway = Gateway::open(&database.url, "keep_records = false\n");
    let wrong = Client::basic(gateway.address, "doctor", "wrong");
    post(&wrong, &vec![get("Patient/1"); 50]).is(401, "credential-wrong");
    assert_eq!(database.number("SELECT count(*) FROM res_user_login_attempt"), 1, "one failure, not fifty");
    let doctor = gateway.user("doctor");
    let before = gateway.store.statements(Class::Request);
    batch(&doctor, &vec![get("Patient/1"); 50]);
    assert_eq!(gateway.store.statements(Class::Request) - before, 50, "one statement for each read");
}
