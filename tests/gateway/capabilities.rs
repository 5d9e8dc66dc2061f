//! What the CapabilityStatement says is true, and what it does not say is refused.

use std::collections::BTreeSet;

use gnuhealth_fhir::search::registry;

use crate::harness::sites;

/// A value of the right form.
fn plausible(kind: &str) -> &'static str {
    match kind {
        "date" => "2020",
        "number" => "1",
        "quantity" => "5",
        "reference" => "Patient/1",
        "uri" => "http://example.org",
        "composite" => "a$2020",
        "special" => "_id%20eq%201",
        _ => "a",
    }
}

#[test]
fn every_claim_holds_and_nothing_else_is_answered() {
    for site in sites() {
        let doctor = site.user("doctor");
        let statement = site.gateway.anybody().ok("metadata");
        assert_eq!(statement["fhirVersion"], "4.0.1");
        let resources = statement["rest"][0]["resource"].as_array().unwrap();
        assert!(resources.len() >= 5);
        for resource in resources {
            let kind = resource["type"].as_str().unwrap();
            if resource["searchParam"].is_null() {
                assert_eq!((kind, doctor.get(kind).status), ("Binary", 405), "contents are read only");
                continue;
            }
            if doctor.get(&format!("{kind}?_count=1")).status == 403 {
                continue;
            }
            let mut claimed = BTreeSet::new();
            for parameter in resource["searchParam"].as_array().unwrap() {
                let (name, form) = (parameter["name"].as_str().unwrap(), parameter["type"].as_str().unwrap());
                assert!(claimed.insert(name), "{kind}.{name} is claimed twice");
                for query in [
                    format!("{name}={}", plausible(form)),
                    format!("_sort={name}"),
                    format!("{name}:missing=true"),
                ] {
                    if name.starts_with('_') && query.contains(":missing") {
                        continue;
                    }
                    if (matches!(form, "composite" | "special") || name == "_profile")
                        && query.starts_with("_sort")
                    {
                        assert_eq!(doctor.get(&format!("{kind}?{query}")).status, 400, "it has no order");
                        continue;
                    }
                    let response = doctor.get(&format!("{kind}?_count=1&{query}"));
                    // Some fields are closed to doctors: said so, never guessed.
                    let closed = response.status == 403 && response.fault().1 == "field-forbidden";
                    assert!(
                        response.status == 200 || closed,
                        "{} {kind}?{query}: {}",
                        site.name,
                        response.text()
                    );
                }
            }
            let others = registry::parameters(kind)
                .map(|parameter| parameter.name)
                .chain(["nonsense", "Name", "_", "_text", "_has"]);
            let refused: Vec<&str> = others.filter(|name| !claimed.contains(name)).collect();
            assert!(refused.len() > 4);
            for name in refused {
                let response = doctor.get(&format!("{kind}?{name}=a"));
                assert_eq!(response.fault(), (400, "parameter-unknown".to_owned()), "{kind}?{name}");
                assert_eq!(doctor.get(&format!("{kind}?_sort={name}")).status, 400, "{kind}?_sort={name}");
            }
            let codes: Vec<_> =
                resource["interaction"].as_array().unwrap().iter().map(|one| one["code"].clone()).collect();
            assert_eq!(codes, ["read", "vread", "history-instance", "history-type", "search-type"]);
            assert_eq!(
                doctor.send("POST", kind, &[("Content-Type", "application/fhir+json")], "{}").status,
                405
            );
            assert_eq!(doctor.get(&format!("{kind}/_history?_count=1")).status, 200, "{kind}");
        }
    }
}
