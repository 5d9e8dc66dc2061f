//! XML: <https://hl7.org/fhir/R4/xml.html>. Every resource there is, and every kind of answer.

use gnuhealth_fhir::fhir::xml;
use serde_json::Value;

use crate::harness::{Client, Response, demo, link, pages, sites};

const XML: &str = "application/fhir+xml";
const SENT: &str = "application/fhir+xml; charset=utf-8";

fn get(client: &Client, place: &str, media: &str) -> Response {
    client.send("GET", place, &[("Accept", media), ("X-Request-Id", "same")], "")
}

/// The JSON of an answer in XML.
fn json(response: &Response) -> Value {
    assert_eq!(response.header("content-type"), Some(SENT), "{}", response.text());
    xml::read(&response.body).unwrap_or_else(|error| panic!("{error:?}: {}", response.text()))
}

#[test]
fn every_resource_in_xml_is_the_resource_in_json() {
    for site in sites() {
        let admin = site.user("admin");
        let mut count = 0;
        for kind in site.types() {
            // As it is sent, for some; for all by the same writer.
            let few = format!("{kind}?_count=20");
            assert_eq!(
                admin.ok(&few)["entry"],
                json(&get(&admin, &few, XML))["entry"],
                "{} {few}",
                site.name
            );
            for page in pages(&admin, &format!("{kind}?_count=500"), "next") {
                let written = xml::write(page.to_string().as_bytes(), false).unwrap();
                // Digit for digit: numbers are kept as they are written.
                assert_eq!(xml::read(&written).unwrap(), page, "{} {kind}", site.name);
                count += page["entry"].as_array().map_or(0, Vec::len);
            }
        }
        assert!(count > 5000, "{} has resources", site.name);
    }
}

#[test]
fn every_kind_of_answer_has_its_xml() {
    for site in sites() {
        let doctor = site.user("doctor");
        for place in [
            "metadata",
            "Patient/1",
            "Patient/1?_summary=true",
            "Patient/1?_elements=name",
            "Patient?_count=3&_total=accurate",
            "Patient?_summary=count",
            "Patient/1/Observation?_count=2",
            "DocumentReference/$docref?patient=1",
            "Patient/999999",
            "Patient?nmae=x",
            "Patient?birthdate=yesterday",
            "Goal/1",
            "Nothing",
            "Patient/%00",
            "Binary/att-99999999",
        ] {
            let (plain, marked) = (get(&doctor, place, "application/fhir+json"), get(&doctor, place, XML));
            assert_eq!(plain.status, marked.status, "{place}");
            for name in ["etag", "last-modified", "cache-control", "vary", "allow"] {
                assert_eq!(plain.header(name), marked.header(name), "{place}: {name}");
            }
            assert!(marked.header("vary").unwrap().contains("Accept,"), "{place}");
            let (mut plain, mut marked) = (plain.json(), json(&marked));
            for bundle in [&mut plain, &mut marked] {
                if let Some(bundle) = bundle.as_object_mut().filter(|one| one["resourceType"] == "Bundle") {
                    // The time, and links that are encrypted anew.
                    bundle.retain(|name, _| name != "meta" && name != "link");
                }
            }
            assert_eq!(plain, marked, "{place}");
        }
        let nobody = site.gateway.anybody().send("GET", "Patient/1", &[("Accept", XML)], "");
        assert_eq!(nobody.status, 401);
        assert_eq!(json(&nobody)["resourceType"], "OperationOutcome");
    }
}

#[test]
fn a_read_in_xml_is_conditional_and_pretty() {
    let doctor = demo().user("doctor");
    let read = get(&doctor, "Patient/1", XML);
    let tag = read.header("etag").unwrap();
    let again = doctor.send("GET", "Patient/1", &[("Accept", XML), ("If-None-Match", tag)], "");
    assert_eq!((again.status, again.body.len()), (304, 0));
    let head = doctor.send("HEAD", "Patient/1", &[("Accept", XML)], "");
    assert_eq!((head.status, head.body.len()), (200, 0));
    for name in ["etag", "content-type", "content-length"] {
        assert_eq!(head.header(name), read.header(name), "{name}");
    }
    let pretty = get(&doctor, "Patient/1?_pretty=true", XML);
    assert!(pretty.text().contains("\n  <id value=\"1\"/>\n"), "{}", pretty.text());
    assert_eq!(json(&pretty), json(&read));
    for (format, media) in [
        ("xml", SENT),
        ("application/fhir%2Bxml", SENT),
        ("application/fhir+xml", SENT),
        ("text/xml", "text/xml; charset=utf-8"),
        ("application/xml", "application/xml; charset=utf-8"),
    ] {
        let response = get(&doctor, &format!("Patient/1?_format={format}"), "application/fhir+json");
        assert_eq!((response.status, response.header("content-type")), (200, Some(media)), "{format}");
        assert_eq!(response.body, read.body, "{format}");
    }
    get(&doctor, "Patient/1?_format=turtle", XML).is(406, "not-acceptable");
    get(&doctor, "Patient/1", "text/turtle").is(406, "not-acceptable");
}

#[test]
fn the_next_page_has_the_form_that_the_address_asks_for() {
    let doctor = demo().user("doctor");
    for place in [
        "Patient?_count=2&_format=xml",
        "?_type=Patient,Practitioner&_format=application/fhir%2Bxml&_pretty=true&_count=2",
        "Patient/1/Observation?_format=xml&_count=2",
    ] {
        let first = json(&get(&doctor, place, "application/json"));
        let next = get(&doctor, &link(&first, "next").unwrap(), "application/json");
        assert_eq!(next.text().contains("\n  <"), place.contains("_pretty"), "{place}");
        let back = get(&doctor, &link(&json(&next), "previous").unwrap(), "application/json");
        assert_eq!(json(&back)["entry"], first["entry"], "{place}");
    }
}

#[test]
fn the_resource_around_a_content_has_its_xml() {
    for site in sites() {
        let doctor = site.user("doctor");
        let documents = doctor.ok("DocumentReference?_count=50");
        let address = documents["entry"].as_array().unwrap().iter().find_map(|entry| {
            entry["resource"]["content"][0]["attachment"]["url"].as_str().map(str::to_owned)
        });
        let Some(address) = address else { continue };
        let place = address.split("/fhir/").last().unwrap();
        let plain = get(&doctor, place, "application/fhir+json");
        if plain.status != 200 {
            // The files of this site lie elsewhere.
            assert_eq!(plain.status, 404, "{place}");
            continue;
        }
        let marked = get(&doctor, place, XML);
        assert_eq!(marked.header("content-length"), Some(marked.body.len().to_string().as_str()));
        assert_eq!(json(&marked), plain.json());
        let raw = doctor.get(place);
        assert!(!raw.header("content-type").unwrap().contains("fhir"), "a Binary stays as it is");
    }
}

#[test]
fn parameters_in_xml_are_those_in_json() {
    for site in sites() {
        let doctor = site.user("doctor");
        let post = |body: &str, media: &str| {
            doctor.send("POST", "DocumentReference/$docref", &[("Content-Type", media)], body)
        };
        let marked = r#"<Parameters xmlns="http://hl7.org/fhir"><parameter><name value="patient"/><valueId value="1"/></parameter></Parameters>"#;
        let plain = r#"{"resourceType":"Parameters","parameter":[{"name":"patient","valueId":"1"}]}"#;
        let expected = post(plain, "application/fhir+json");
        assert_eq!(expected.status, 200);
        for media in [XML, "application/xml", "text/xml; charset=UTF-8", "Application/FHIR+XML"] {
            let response = post(marked, media);
            assert_eq!(response.status, 200, "{media}: {}", response.text());
            assert_eq!(response.json()["entry"], expected.json()["entry"], "{media}");
        }
        post(marked, "text/plain").is(415, "unsupported-media");
        post(marked, "text/xml; charset=utf-16").is(415, "unsupported-media");
        post(marked, "application/fhir+json").is(400, "request-malformed");
        post(plain, XML).is(400, "request-malformed");
        post(&marked.replace("Parameters", "Patient"), XML).is(400, "request-malformed");
    }
}

#[test]
fn a_document_reads_no_files_and_does_not_grow() {
    let doctor = demo().user("doctor");
    let parameters = |start: &str, value: &str| {
        format!(
            "{start}<Parameters xmlns=\"http://hl7.org/fhir\"><parameter><name value=\"patient\"/><valueId value=\"{value}\"/></parameter></Parameters>"
        )
    };
    let deep = format!("<Parameters xmlns=\"http://hl7.org/fhir\">{}", "<parameter><part>".repeat(50_000));
    for body in [
        parameters("<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>", "&e;"),
        parameters("<!DOCTYPE x SYSTEM \"http://127.0.0.1:1/x.dtd\">", "1"),
        parameters(
            "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">]>",
            "&b;",
        ),
        parameters("", "&e;"),
        parameters("", "&#0;"),
        deep,
    ] {
        let response = doctor.send(
            "POST",
            "DocumentReference/$docref",
            &[("Content-Type", XML), ("Accept", XML)],
            &body,
        );
        assert_eq!(response.status, 400, "{}", response.text());
        let outcome = json(&response);
        assert_eq!(outcome["issue"][0]["details"]["coding"][0]["code"], "request-malformed");
        assert!(!response.text().contains("root:"), "{}", response.text());
    }
}
