//! Parameters said twice, elsewhere or in another way: all of them count, or the request is refused.

use std::collections::BTreeSet;

use super::Target;
use crate::harness::{Response, ids};

fn found(response: &Response) -> BTreeSet<String> {
    assert_eq!(response.status, 200, "{}", response.text());
    ids(&response.json()).into_iter().collect()
}

#[test]
fn address_and_body_are_one_search() {
    let target = Target::start(&[]);
    let male = found(&target.get("Patient?gender=male&_count=500"));
    let named = found(&target.get("Patient?family=a&_count=500"));
    let both: BTreeSet<String> = male.intersection(&named).cloned().collect();
    assert!(!both.is_empty() && both.len() < male.len());
    assert_eq!(found(&target.form("Patient/_search?gender=male&_count=500", "family=a")), both);
    assert_eq!(found(&target.form("Patient/_search?family=a&_count=500", "gender=male")), both);
    assert!(found(&target.form("Patient/_search?gender=male", "gender=female")).is_empty());
    assert!(found(&target.get("Patient?gender=male&gender=female")).is_empty());
    // The body of a GET means nothing (RFC 9110, 9.3.1).
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    assert_eq!(found(&target.send("GET", "Patient?gender=male&_count=500", &[form], "family=a")), male);
    target.survived();
}

#[test]
fn what_can_hold_once_is_refused_twice() {
    let target = Target::start(&[]);
    for pair in [
        ("_count=1", "_count=500"),
        ("_total=none", "_total=accurate"),
        ("_summary=count", "_summary=true"),
        ("_summary=true", "_summary=false"),
        ("_page=A", "_page=A"),
    ] {
        for (first, second) in [pair, (pair.1, pair.0)] {
            target.get(&format!("Patient?{first}&{second}")).is(400, "parameter-value");
            target.form(&format!("Patient/_search?{first}"), second).is(400, "parameter-value");
        }
    }
    target.survived();
}

#[test]
fn other_spellings_are_other_parameters() {
    let target = Target::start(&[]);
    for query in [
        "_COUNT=1",
        "_Count=1",
        "_count%20=1",
        "%20_count=1",
        "_count%00=1",
        "_count[]=1",
        "_count%5B%5D=1",
        "gender[]=male",
        "gender%5B0%5D=male",
        "gender%5B%24ne%5D=male",
        "Gender=male",
        "gender;family=a",
        "gender.=male",
        ".gender=male",
        "gender:=male",
        ":gender=male",
        "_gender=male",
        "__proto__=1",
        "constructor=1",
        "_method=DELETE",
        "access_token=x",
        "_id:exact=1",
        "_filter=1",
        "_query=1",
        "_has:Observation:nothing:code=1",
        "_include=*:*",
        "_revinclude=*:*",
        "_format=json&x=1",
    ] {
        let response = target.get(&format!("Patient?{query}"));
        assert_eq!(response.status, 400, "{query}: {}", response.text());
    }
    // A semicolon separates nothing.
    target.get("Patient?gender=male;_count=1").status_unless_unknown(200);
    target.survived();
}

#[test]
fn the_format_is_offered_or_refused() {
    let target = Target::start(&[]);
    for (query, status) in [
        ("_format=json&_format=xml", 400),
        ("_format=xml&_format=json", 400),
        ("_format=html", 406),
        ("_format=text/html", 406),
        ("_format=", 406),
        ("_format=..%2F..%2Fetc%2Fpasswd", 406),
        ("_format=application/fhir%2Bjson%0d%0aX-Evil:%201", 406),
        ("_format=application/fhir%2Bjson;charset=utf-7", 406),
        ("_FORMAT=json", 400),
    ] {
        let response = target.get(&format!("Patient/1?{query}"));
        let json = response.header("content-type").is_some_and(|media| media.contains("json"));
        assert!(json, "{query}: every answer is JSON");
        assert!(response.header("x-evil").is_none());
        assert!(
            response.status == status || response.status == 200,
            "{query}: {} {}",
            response.status,
            response.text()
        );
    }
    for accept in [
        "text/html",
        "application/fhir+turtle",
        "*/*;q=0",
        "a/b, \0",
        "application/fhir+json;fhirVersion=9.9",
    ] {
        let status = target.send("GET", "Patient/1", &[("Accept", accept)], "").status;
        assert!([400, 406].contains(&status), "{accept}: {status}");
    }
    let form = target.form("Patient/_search?_format=json", "_format=xml");
    assert_eq!(form.status, 400, "{}", form.text());
    target.survived();
}

#[test]
fn a_compartment_cannot_be_left() {
    let target = Target::start(&[]);
    let one = found(&target.get("Patient/1/Condition?_count=500"));
    for query in
        ["patient=Patient/2", "subject=Patient/2", "patient=2", "subject:Patient=2", "_id=pd-1,pd-2,pd-3"]
    {
        let found = found(&target.get(&format!("Patient/1/Condition?_count=500&{query}")));
        assert!(found.is_subset(&one), "{query}");
    }
    for patient in ["1,2", "1%2C2", "Patient%2F1", "1%20OR%201", "*", "1|2", "%25", "0", "-1", "1%5C%2C2"] {
        let response = target.get(&format!("Patient/{patient}/Condition"));
        assert!(response.status == 404 || found(&response).is_empty(), "{patient}: {}", response.text());
    }
    target.survived();
}

#[test]
fn methods_are_not_overridden() {
    let target = Target::start(&[]);
    for header in
        ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "X-Original-URL", "X-Rewrite-URL"]
    {
        for method in ["DELETE", "PUT", "PATCH", "POST", "/fhir/Practitioner/1"] {
            let read = target.send("GET", "Patient/1", &[(header, method)], "");
            assert_eq!(
                (read.status, read.json()["resourceType"].as_str()),
                (200, Some("Patient")),
                "{header}: {method}"
            );
            assert_eq!(target.send("POST", "Patient/1", &[(header, "GET")], "").status, 405, "{header}");
        }
    }
    for method in ["DELETE", "PUT", "PATCH", "TRACE", "LINK", "gEt", "GETGET", "SEARCH"] {
        assert_eq!(target.send(method, "Patient/1", &[], "").status, 405, "{method}");
    }
    target.survived();
}
