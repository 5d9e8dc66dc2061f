//! Operations: <https://hl7.org/fhir/R4/operations.html>.

mod everything;
mod lastn;
mod terminology;
mod validate;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::harness::{Client, Response, sites};

const FHIR: [(&str, &str); 1] = [("Content-Type", "application/fhir+json")];

/// A resource sent by POST.
fn post(client: &Client, place: &str, body: &Value) -> Response {
    client.send("POST", place, &FHIR, &body.to_string())
}

/// Parameters, each as name, element and value.
fn parameters(all: &[(&str, &str, Value)]) -> Value {
    let parameter = |(name, element, value): &(&str, &str, Value)| {
        let mut parameter = json!({ "name": name });
        parameter[*element] = value.clone();
        parameter
    };
    json!({ "resourceType": "Parameters", "parameter": all.iter().map(parameter).collect::<Vec<_>>() })
}

/// The value of a parameter of an answer.
fn value<'a>(answer: &'a Value, name: &str, element: &str) -> &'a Value {
    let all = answer["parameter"].as_array().unwrap();
    all.iter()
        .find(|parameter| parameter["name"] == name)
        .map_or(&Value::Null, |parameter| &parameter[element])
}

#[test]
fn what_is_claimed_is_answered_and_nothing_else() {
    for site in sites() {
        let doctor = site.user("doctor");
        let statement = site.gateway.anybody().ok("metadata");
        let mut seen = BTreeSet::new();
        for resource in statement["rest"][0]["resource"].as_array().unwrap() {
            let kind = resource["type"].as_str().unwrap();
            let claimed: BTreeSet<&str> = resource["operation"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|operation| operation["name"].as_str().unwrap())
                .collect();
            for name in [
                "docref",
                "validate",
                "everything",
                "lastn",
                "lookup",
                "subsumes",
                "validate-code",
                "expand",
                "translate",
                "meta",
            ] {
                let places = [format!("{kind}/${name}"), format!("{kind}/1/${name}")];
                let allowed = places.map(|place| {
                    let options = doctor.send("OPTIONS", &place, &[], "");
                    options.header("allow").unwrap() != "OPTIONS"
                });
                assert!(
                    claimed.contains(name) == (allowed[0] || allowed[1]) || kind == "Binary",
                    "{} {kind} {name}: {allowed:?}",
                    site.name
                );
                if !allowed[0] {
                    let refused = doctor.get(&format!("{kind}/${name}"));
                    refused.is(405, "interaction-unsupported");
                    assert!(refused.text().contains("Operations offered here"), "{}", refused.text());
                } else {
                    seen.insert(name);
                    site.gateway.anybody().get(&format!("{kind}/${name}?nonsense=x")).status_is_refusal();
                }
            }
        }
        assert!(seen.len() >= 7, "{seen:?}");
        doctor.get("ValueSet/$expand?colour=red").is(400, "parameter-unknown");
        doctor.get("Patient/$validate").is(405, "method-not-allowed");
        doctor.get("$nothing").is(405, "interaction-unsupported");
        post(&doctor, "ValueSet/$expand", &json!({ "resourceType": "ValueSet" }))
            .is(400, "request-malformed");
        let form = [("Content-Type", "text/plain")];
        doctor.send("POST", "ValueSet/$expand", &form, "{}").is(415, "unsupported-media");
    }
}

impl Response {
    /// Nobody learns anything without a sign-in: 401, or 405 where only POST is taken.
    fn status_is_refusal(&self) {
        assert!([401, 405].contains(&self.status), "{}", self.text());
    }
}
