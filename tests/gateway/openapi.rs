//! `/openapi.json` says what the CapabilityStatement says, and what it says is answered.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::harness::sites;

fn names(value: &Value, key: &str) -> BTreeSet<String> {
    value.as_array().into_iter().flatten().filter_map(|one| one[key].as_str().map(str::to_owned)).collect()
}

#[test]
fn it_is_the_capability_statement() {
    for site in sites() {
        let anybody = site.gateway.anybody();
        let statement = anybody.ok("metadata");
        let response = anybody.get("openapi.json");
        assert_eq!(response.header("content-type"), Some("application/json"));
        let document = response.json();
        assert_eq!(anybody.ok("/openapi.json"), document, "at the root too");
        assert_eq!(
            (&document["openapi"], &document["servers"][0]["url"]),
            (&"3.1.0".into(), &statement["implementation"]["url"])
        );
        let paths = document["paths"].as_object().unwrap();
        let mut expected = BTreeSet::from(["/metadata", "/", "/_search", "/_history"].map(str::to_owned));
        let mut operations = BTreeSet::new();
        for resource in statement["rest"][0]["resource"].as_array().unwrap() {
            let kind = resource["type"].as_str().unwrap();
            operations
                .extend(names(&resource["operation"], "name").iter().map(|name| format!("{kind} ${name}")));
            for code in names(&resource["interaction"], "code") {
                let path = match code.as_str() {
                    "read" => format!("/{kind}/{{id}}"),
                    "vread" => format!("/{kind}/{{id}}/_history/{{vid}}"),
                    "search-type" => format!("/{kind}"),
                    "history-instance" => format!("/{kind}/{{id}}/_history"),
                    "history-type" => format!("/{kind}/_history"),
                    other => panic!("{other} is not described"),
                };
                if code == "search-type" {
                    expected.insert(format!("/{kind}/_search"));
                    let all = &paths[&path]["get"]["parameters"];
                    let described: BTreeSet<String> = all
                        .as_array()
                        .unwrap()
                        .iter()
                        .filter(|one| !one["x-fhir-type"].is_null())
                        .map(|one| format!("{} {}", one["name"], one["x-fhir-type"]))
                        .collect();
                    let claimed: BTreeSet<String> = resource["searchParam"]
                        .as_array()
                        .unwrap()
                        .iter()
                        .map(|one| format!("{} {}", one["name"], one["type"]))
                        .collect();
                    assert_eq!(described, claimed, "{kind}");
                }
                expected.insert(path);
            }
        }
        let (called, others): (Vec<_>, Vec<_>) = paths.keys().partition(|path| path.contains('$'));
        let described: BTreeSet<String> = others
            .into_iter()
            .filter(|path| !path.contains("/{id}/") || path.contains('_'))
            .cloned()
            .collect();
        assert_eq!(described, expected);
        let parts = |path: &String| path.trim_start_matches('/').replace("/{id}", "").replace('/', " ");
        assert_eq!(called.into_iter().map(parts).collect::<BTreeSet<_>>(), operations);
    }
}

#[test]
fn every_path_and_modifier_is_answered() {
    for site in sites() {
        let doctor = site.user("doctor");
        let document = site.gateway.anybody().ok("openapi.json");
        let (mut compartments, mut modifiers) = (0, 0);
        for (path, item) in document["paths"].as_object().unwrap() {
            let place = path.trim_start_matches('/').replace("{id}", "1").replace("{vid}", "x");
            let operation = path.contains('$');
            let known = |status: u16, code: Option<String>| {
                assert!(
                    status == 200
                        || status == 403
                        || (operation && status == 400)
                        || code.as_deref().is_some_and(|code| code.ends_with("-unknown")
                            && code != "path-unknown"
                            && code != "type-unknown"),
                    "{} {path}: {status} {code:?}",
                    site.name
                );
            };
            if item["get"].is_object() {
                let place = if path.ends_with('}') || path == "/metadata" || operation {
                    place.clone()
                } else {
                    format!("{place}?_count=1")
                };
                let response = doctor.get(&place);
                known(response.status, (response.status != 200).then(|| response.fault().1));
                compartments += usize::from(path.starts_with("/Patient/{id}/") && response.status == 200);
            }
            if item["post"].is_object() {
                let (media, body) = match path.as_str() {
                    "/" => ("application/fhir+json", r#"{"resourceType":"Bundle","type":"batch"}"#),
                    _ if operation => ("application/fhir+json", r#"{"resourceType":"Parameters"}"#),
                    _ => ("application/x-www-form-urlencoded", "_count=1"),
                };
                let response = doctor.send("POST", &place, &[("Content-Type", media)], body);
                known(response.status, (response.status != 200).then(|| response.fault().1));
            }
            if operation
                || path.matches('/').count() > 1
                || doctor.get(&format!("{place}?_count=1")).status != 200
            {
                continue;
            }
            for parameter in item["get"]["parameters"].as_array().unwrap() {
                let name = parameter["name"].as_str().unwrap_or_default();
                for modifier in parameter["x-fhir-modifiers"].as_array().into_iter().flatten() {
                    let value = match (modifier.as_str().unwrap(), parameter["x-fhir-type"].as_str().unwrap())
                    {
                        ("missing", _) => "true",
                        _ => "a",
                    };
                    let response = doctor
                        .get(&format!("{place}?_count=1&{name}:{}={value}", modifier.as_str().unwrap()));
                    let closed = response.status == 403 && response.fault().1 == "field-forbidden";
                    assert!(
                        response.status == 200 || closed || response.fault().1 == "parameter-value",
                        "{} {path} {name}:{modifier}: {}",
                        site.name,
                        response.text()
                    );
                    modifiers += 1;
                }
            }
        }
        assert!(compartments > 5 && modifiers > 200, "{compartments} {modifiers}");
        // No data of anybody, and only to be read.
        let anybody = site.gateway.anybody();
        assert_eq!(anybody.send("POST", "openapi.json", &[], "").status, 405);
        assert_eq!(anybody.send("HEAD", "openapi.json", &[], "").body.len(), 0);
        let tag = anybody.get("openapi.json").header("etag").unwrap().to_owned();
        assert_eq!(anybody.send("GET", "openapi.json", &[("If-None-Match", &tag)], "").status, 304);
    }
}
