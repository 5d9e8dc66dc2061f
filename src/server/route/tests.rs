use hyper::Method;

use super::Place;
use crate::config::{BasePath, Setting as _};

fn place(path: &str) -> Result<Place, &'static str> {
    Place::of(path, &BasePath::read("/fhir").unwrap()).map_err(|error| error.entry().code)
}

fn refusal(method: &str, path: &str) -> Option<(&'static str, &'static str)> {
    let error = place(path).unwrap().admit(&Method::from_bytes(method.as_bytes()).unwrap()).err()?;
    Some((error.entry().code, error.allowed_methods().unwrap()))
}

#[test]
fn addresses_of_the_specification_are_known() {
    assert_eq!(place("/livez"), Ok(Place::Live));
    assert_eq!(place("/fhir"), Ok(Place::Base));
    assert_eq!(place("/fhir/"), Ok(Place::Base));
    assert_eq!(place("/fhir/metadata"), Ok(Place::Metadata));
    assert_eq!(place("/fhir/Patient"), Ok(Place::Type("Patient")));
    assert_eq!(place("/fhir/Patient/_search"), Ok(Place::Search("Patient")));
    assert_eq!(place("/fhir/Patient/a%2D1"), Ok(Place::Instance("Patient", "a-1".into())));
    assert_eq!(place("/fhir/Patient/1/_history/2"), Ok(Place::Version("Patient", "1".into(), "2".into())));
    assert_eq!(place("/fhir/Patient/1/_history"), Ok(Place::History(Some("Patient"), Some("1".into()))));
    assert_eq!(place("/fhir/_history"), Ok(Place::History(None, None)));
    assert_eq!(place("/fhir/Patient/_history"), Ok(Place::History(Some("Patient"), None)));
    assert_eq!(
        place("/fhir/Patient/1/Observation"),
        Ok(Place::Compartment("Patient", "1".into(), Some("Observation")))
    );
    assert_eq!(
        place("/fhir/Practitioner/1/Observation"),
        Ok(Place::Compartment("Practitioner", "1".into(), Some("Observation")))
    );
    assert_eq!(place("/fhir/Patient/1/*"), Ok(Place::Compartment("Patient", "1".into(), None)));
    assert_eq!(place("/fhir/_search"), Ok(Place::SearchAll));
}

#[test]
fn operations_are_known_where_they_are_offered() {
    let template = |path: &str| place(path).map(|place| (place.template(), place.kind(), place.allow()));
    for (path, expected) in [
        (
            "DocumentReference/$docref",
            ("/[type]/$docref", Some("DocumentReference"), "GET, HEAD, POST, OPTIONS"),
        ),
        ("Patient/$validate", ("/[type]/$validate", Some("Patient"), "POST, OPTIONS")),
        ("Patient/_validate", ("/[type]/$validate", Some("Patient"), "POST, OPTIONS")),
        ("Patient/1/$validate", ("/[type]/[id]/$validate", Some("Patient"), "GET, HEAD, POST, OPTIONS")),
        ("DocumentReference/7/$docref", ("/[type]/[id]/$[operation]", Some("DocumentReference"), "OPTIONS")),
        ("Patient/$docref", ("/[type]/$[operation]", Some("Patient"), "OPTIONS")),
        ("$nothing", ("/$[operation]", None, "OPTIONS")),
    ] {
        assert_eq!(template(&format!("/fhir/{path}")), Ok(expected), "{path}");
    }
    let refused = refusal("GET", "/fhir/Patient/$nothing");
    assert_eq!(refused, Some(("interaction-unsupported", "OPTIONS")));
    assert_eq!(refusal("GET", "/fhir/Patient/$validate"), Some(("method-not-allowed", "POST, OPTIONS")));
    assert_eq!(refusal("DELETE", "/fhir/Patient/$nothing"), Some(("method-not-allowed", "OPTIONS")));
    for (method, path) in
        [("POST", "Patient/$validate"), ("GET", "Patient/1/$validate"), ("GET", "DocumentReference/$docref")]
    {
        assert_eq!(refusal(method, &format!("/fhir/{path}")), None, "{path}");
    }
}

#[test]
fn other_addresses_name_nothing() {
    for path in [
        "/",
        "/fhirPatient",
        "/fhir//Patient",
        "/fhir/Patient/",
        "/Patient",
        "*",
        "",
        "/fhir/Patient/1/2",
        "/fhir/Patient/1/_history/2/3",
        "/fhir/../fhir",
        "/fhir%2FPatient",
        "/fhir/Patient%2F1",
        "/FHIR/Patient",
    ] {
        assert_eq!(place(path), Err("path-unknown"), "{path}");
    }
    for path in ["/fhir/patient", "/fhir/Robert", "/fhir/favicon.ico", "/fhir/patient/1"] {
        assert_eq!(place(path), Err("type-unknown"), "{path}");
    }
    assert_eq!(place("/fhir/Patient/%00"), Err("request-malformed"));
    let bare = |path: &str| Place::of(path, &BasePath::read("/").unwrap()).unwrap();
    assert_eq!(bare("/Patient"), Place::Type("Patient"));
    assert_eq!(bare("/"), Place::Base);
}

#[test]
fn methods_are_admitted_or_refused_with_allow() {
    for (method, path) in
        [("GET", "/fhir"), ("HEAD", "/fhir/Patient/1"), ("POST", "/fhir/Patient/_search"), ("GET", "/livez")]
    {
        assert_eq!(refusal(method, path), None, "{method} {path}");
    }
    let unsupported = |allow| Some(("interaction-unsupported", allow));
    let wrong = |allow| Some(("method-not-allowed", allow));
    assert_eq!(refusal("POST", "/fhir"), None);
    assert_eq!(refusal("PUT", "/fhir"), wrong("GET, HEAD, POST, OPTIONS"));
    assert_eq!(refusal("POST", "/fhir/Patient"), unsupported("GET, HEAD, OPTIONS"));
    assert_eq!(refusal("PATCH", "/fhir/Patient/1"), unsupported("GET, HEAD, OPTIONS"));
    assert_eq!(refusal("POST", "/fhir/Patient/1"), wrong("GET, HEAD, OPTIONS"));
    assert_eq!(refusal("GET", "/fhir/Patient/_search"), wrong("POST, OPTIONS"));
    assert_eq!(refusal("GET", "/fhir/_search"), wrong("POST, OPTIONS"));
    assert_eq!(refusal("POST", "/fhir/Patient/1/*"), wrong("GET, HEAD, OPTIONS"));
    assert_eq!(refusal("POST", "/fhir/Patient/_history"), wrong("GET, HEAD, OPTIONS"));
    assert_eq!(refusal("GET", "/fhir/_history"), None);
    assert_eq!(refusal("BREW", "/fhir/Patient"), wrong("GET, HEAD, OPTIONS"));
    assert_eq!(refusal("TRACE", "/fhir/_history"), wrong("GET, HEAD, OPTIONS"));
    assert_eq!(refusal("DELETE", "/livez"), wrong("GET, HEAD, OPTIONS"));
}
