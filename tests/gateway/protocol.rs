//! Reads, conditions of HTTP, and what is refused: <https://hl7.org/fhir/R4/http.html>.

use crate::harness::{demo, ids, link, pages, resources, sites};

#[test]
fn a_read_tells_its_version_and_is_not_sent_twice() {
    for site in sites() {
        let doctor = site.user("doctor");
        let read = doctor.get("Patient/1");
        assert_eq!(read.status, 200);
        let (etag, modified) =
            (read.header("etag").unwrap().to_owned(), read.header("last-modified").unwrap().to_owned());
        let version = read.json()["meta"]["versionId"].as_str().unwrap().to_owned();
        assert_eq!(etag, format!("W/\"{version}\""));
        assert_eq!(read.header("cache-control"), Some("no-store"));
        assert_eq!(doctor.get("Patient/1").header("etag"), Some(etag.as_str()), "the version is stable");
        for condition in [
            ("If-None-Match", etag.as_str()),
            ("If-None-Match", "*"),
            ("If-Modified-Since", modified.as_str()),
        ] {
            let again = doctor.send("GET", "Patient/1", &[condition], "");
            assert_eq!((again.status, again.body.len()), (304, 0), "{condition:?}");
        }
        let other = doctor.send("GET", "Patient/1", &[("If-None-Match", "W/\"other\"")], "");
        assert_eq!((other.status, &other.body), (200, &read.body));
        let head = doctor.send("HEAD", "Patient/1", &[], "");
        assert_eq!((head.status, head.body.len()), (200, 0));
        for name in ["etag", "last-modified", "content-type", "content-length"] {
            assert_eq!(head.header(name), read.header(name), "{name}");
        }
        let current = doctor.get(&format!("Patient/1/_history/{version}"));
        assert_eq!((current.status, current.body), (200, read.body));
        doctor.get("Patient/1/_history/other").is(404, "version-unknown");
        doctor.get("Patient/999999/_history/1").is(404, "resource-unknown");
    }
}

#[test]
fn what_is_not_there_is_not_found() {
    for site in sites() {
        let doctor = site.user("doctor");
        for id in ["999999", "0", "01", "+1", "-1", "1-", "x", "99999999999999", "1.0"] {
            doctor.get(&format!("Patient/{id}")).is(404, "resource-unknown");
        }
        for id in ["inst-999999", "inst-", "inst", "unit-01", "1"] {
            doctor.get(&format!("Organization/{id}")).is(404, "resource-unknown");
        }
        doctor.get("Goal/1").is(404, "type-unknown");
        doctor.get("Goal").is(404, "type-unknown");
        assert_eq!(doctor.get("Nothing/1").status, 404);
        assert_eq!(doctor.get("patient/1").status, 404);
        assert_eq!(doctor.send("DELETE", "Patient/1", &[], "").status, 405);
        assert_eq!(
            doctor.send("PUT", "Patient/1", &[("Content-Type", "application/fhir+json")], "{}").status,
            405
        );
    }
}

#[test]
fn what_is_not_understood_is_refused_and_named() {
    for site in sites() {
        let doctor = site.user("doctor");
        let refused = doctor.get("Patient?nmae=x");
        refused.is(400, "parameter-unknown");
        let issue = &refused.json()["issue"][0];
        let text = issue["details"]["text"].as_str().unwrap();
        for name in ["_id", "_lastUpdated", "birthdate", "family", "identifier", "name"] {
            assert!(text.contains(name), "{name} is offered: {text}");
        }
        assert_eq!(issue["location"][0], "http.nmae");
        for (query, code) in [
            ("name:nonsense=x", "parameter-modifier"),
            ("birthdate:exact=2000", "parameter-modifier"),
            ("birthdate=yesterday", "parameter-value"),
            ("birthdate=2000-13-01", "parameter-value"),
            ("birthdate=2000-02-30", "parameter-value"),
            ("birthdate:missing=perhaps", "parameter-value"),
            ("name=", "parameter-value"),
            ("_count=-1", "parameter-value"),
            ("_count=ten", "parameter-value"),
            ("_total=some", "parameter-value"),
            ("_sort=nmae", "parameter-unknown"),
            ("_sort=", "parameter-value"),
            ("_summary=true&_elements=name", "parameter-value"),
            ("_elements=name&_summary=data", "parameter-value"),
            ("_contained=true", "parameter-value"),
            ("_contained=both", "parameter-value"),
            ("_containedType=contained", "parameter-unknown"),
            ("_tag=x", "parameter-unknown"),
            ("_security=x", "parameter-unknown"),
            ("_source=x", "parameter-unknown"),
            ("name.family=x", "parameter-modifier"),
            ("general-practitioner.nmae=x", "parameter-unknown"),
            ("name=%00", "request-malformed"),
        ] {
            let response = doctor.get(&format!("Patient?{query}"));
            assert_eq!(response.fault(), (400, code.to_owned()), "{query}");
        }
        let lenient = [("Prefer", "handling=lenient")];
        let answer = doctor.send("GET", "Patient?nmae=x&gender=female&birthdate=yesterday", &lenient, "");
        assert_eq!(answer.status, 200, "{}", answer.text());
        let bundle = answer.json();
        let own = link(&bundle, "self").unwrap();
        assert!(
            own.contains("gender=female") && !own.contains("nmae") && !own.contains("yesterday"),
            "{own}"
        );
        let outcomes: Vec<_> = bundle["entry"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|entry| entry["search"]["mode"] == "outcome")
            .collect();
        assert_eq!(outcomes.len(), 1);
        let said = outcomes[0]["resource"].to_string();
        assert!(said.contains("nmae") && said.contains("birthdate") && said.contains("warning"), "{said}");
        assert_eq!(ids(&bundle), ids(&doctor.ok("Patient?gender=female")), "the rest is applied");
    }
}

#[test]
fn what_lenient_handling_leaves_out_is_left_out_of_every_page() {
    for site in sites() {
        let doctor = site.user("doctor");
        for (kind, rest, faulty, named) in [
            ("Patient", "birthdate=ge1980", "birthdate=yesterday", "birthdate"),
            ("Patient", "name:contains=a", "name:nonsense=a", "name:nonsense"),
            ("Patient", "gender=female", "_filter=nmae%20eq%20x", "nmae"),
            ("Patient", "gender=female", "_sort=-birthdate,nmae", "nmae"),
            ("Patient", "_summary=true", "_elements=name", "_elements"),
            ("Patient", "gender=female", "_has:Condition:patient:nmae=x", "nmae"),
            ("Condition", "subject:Patient.gender=female", "subject:Patient.nmae=x", "nmae"),
            ("Condition", "subject:Patient.gender=female", "subject.birthdate=yesterday", "birthdate"),
            ("Condition", "subject.gender=female", "subject:Group.name=x", "subject:Group"),
        ] {
            let applied = format!("{kind}?{rest}&_count=7");
            let asked = format!("{applied}&{faulty}");
            assert_eq!(doctor.get(&asked).status, 400, "{asked}");
            let answer = doctor.send("GET", &asked, &[("Prefer", "handling=lenient")], "");
            assert_eq!(answer.status, 200, "{asked}: {}", answer.text());
            let first = answer.json();
            let outcome = first["entry"].as_array().unwrap().last().unwrap();
            assert_eq!(outcome["search"]["mode"], "outcome", "{asked}");
            assert!(outcome["resource"].to_string().contains(named), "{asked}: {outcome}");
            assert_eq!(link(&first, "self"), link(&doctor.ok(&applied), "self"), "{asked}");
            let mut found = ids(&first);
            if let Some(next) = link(&first, "next") {
                found.extend(pages(&doctor, &next, "next").iter().flat_map(ids));
            }
            let expected: Vec<_> = pages(&doctor, &applied, "next").iter().flat_map(ids).collect();
            assert!(expected.len() > 7, "{applied} has pages");
            assert_eq!(found, expected, "{asked}");
        }
    }
}

#[test]
fn a_part_of_a_resource_says_so_and_keeps_what_changes_its_meaning() {
    for site in sites() {
        let doctor = site.user("doctor");
        let whole = doctor.ok("Condition/pd-1");
        for (query, kept, left_out) in [
            (
                "_elements=code",
                &["clinicalStatus", "verificationStatus", "code", "subject"][..],
                &["category"][..],
            ),
            ("_summary=true", &["clinicalStatus", "code", "subject"], &["note", "extension"]),
            ("_summary=text", &["subject"], &["code", "clinicalStatus", "category"]),
        ] {
            let part = doctor.ok(&format!("Condition/pd-1?{query}"));
            assert_eq!(part["meta"]["tag"][0]["code"], "SUBSETTED", "{query}");
            assert_eq!(part["meta"]["versionId"], whole["meta"]["versionId"], "{query}");
            for name in kept {
                assert!(part[name].is_object() && part[name] == whole[name], "{query}: {name}");
            }
            for name in left_out {
                assert!(part[name].is_null() && !whole[name].is_null(), "{query}: {name}");
            }
            assert_eq!(resources(&doctor.ok(&format!("Condition?_id=pd-1&{query}"))), [part], "{query}");
        }
        for query in ["_summary=false", "_summary=data"] {
            assert_eq!(
                doctor.ok(&format!("Condition/pd-1?{query}")),
                whole,
                "{query}: there is no narrative"
            );
        }
        doctor.get("Condition/pd-1?_summary=count").is(400, "parameter-value");
    }
}

#[test]
fn the_capabilities_can_be_had_in_part() {
    for site in sites() {
        let anybody = site.gateway.anybody();
        let whole = anybody.ok("metadata");
        for (query, code) in [
            ("mode=terminology", "parameter-value"),
            ("mode=normative", "parameter-value"),
            ("_summary=count", "parameter-value"),
            ("_elements=nmae", "parameter-value"),
            ("nmae=x", "parameter-unknown"),
        ] {
            anybody.get(&format!("metadata?{query}")).is(400, code);
        }
        for query in ["mode=full", "_summary=false", "_summary=data"] {
            assert_eq!(anybody.ok(&format!("metadata?{query}")), whole, "{query}");
        }
        let summary = anybody.ok("metadata?_summary=true");
        assert_eq!(summary["meta"]["tag"][0]["code"], "SUBSETTED");
        assert_eq!(summary["software"], whole["software"]);
        let [all, some] =
            [&whole, &summary].map(|one| one["rest"][0]["resource"].as_array().unwrap().clone());
        assert_eq!(all.len(), some.len());
        assert!(all[0]["searchParam"].is_array() && some[0]["searchParam"].is_null());
        assert!(
            whole["rest"][0]["documentation"].is_string() && summary["rest"][0]["documentation"].is_null()
        );
        let elements = anybody.ok("metadata?_elements=software");
        let names: Vec<_> = elements.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(
            names,
            ["resourceType", "meta", "status", "date", "kind", "software", "fhirVersion", "format"],
            "and the required ones"
        );
        assert_eq!(
            gnuhealth_fhir_model::check(summary.to_string().as_bytes()).unwrap(),
            "CapabilityStatement"
        );
    }
}

#[test]
fn a_body_of_another_version_of_fhir_is_not_read() {
    let doctor = demo().user("doctor");
    for (media, status) in [
        ("application/fhir+json", 200),
        ("application/fhir+json; fhirVersion=4.0", 200),
        ("text/json; charset=\"utf-8\"; fhirVersion=\"4.0\"", 200),
        ("application/fhir+json; fhirVersion=5.0", 415),
        ("application/fhir+json; FHIRVERSION=3.0", 415),
        ("application/fhir+json; charset=latin1", 415),
    ] {
        let body = r#"{"resourceType":"Patient"}"#;
        let answer = doctor.send("POST", "Patient/$validate", &[("Content-Type", media)], body);
        assert_eq!(answer.status, status, "{media}: {}", answer.text());
    }
}

#[test]
fn a_search_by_post_is_the_search_by_get() {
    for site in sites() {
        let doctor = site.user("doctor");
        let form = [("Content-Type", "application/x-www-form-urlencoded")];
        for query in
            ["gender=female&_count=7", "name=a&_sort=-birthdate&_count=7&_total=accurate", "_id=1%2C2%2C3"]
        {
            let (get, post) = (
                doctor.ok(&format!("Patient?{query}")),
                doctor.send("POST", "Patient/_search", &form, query),
            );
            assert_eq!(post.status, 200, "{}", post.text());
            let post = post.json();
            assert_eq!(get["entry"], post["entry"], "{query}");
            assert_eq!(get["total"], post["total"], "{query}");
            assert_eq!(link(&get, "self"), link(&post, "self"));
            if let Some(next) = link(&post, "next") {
                assert_eq!(ids(&doctor.ok(&next)), ids(&doctor.ok(&link(&get, "next").unwrap())));
            }
        }
        let split = doctor.send("POST", "Patient/_search?gender=female", &form, "_count=7");
        assert_eq!(ids(&split.json()), ids(&doctor.ok("Patient?gender=female&_count=7")));
        doctor
            .send("POST", "Patient/_search", &[("Content-Type", "application/json")], "{}")
            .is(415, "unsupported-media");
    }
}

#[test]
fn counts_and_totals() {
    for site in sites() {
        let doctor = site.user("doctor");
        let all = site.database.number("SELECT count(*) FROM gnuhealth_patient");
        let bundle = doctor.ok("Patient?_count=3");
        assert!(bundle["total"].is_null(), "nobody asked");
        assert_eq!(ids(&bundle).len(), 3);
        for query in ["_count=0", "_summary=count"] {
            let bundle = doctor.ok(&format!("Patient?{query}"));
            assert_eq!(bundle["total"].as_i64(), Some(all), "{query}");
            assert!(bundle["entry"].is_null() && link(&bundle, "next").is_none(), "{query}");
        }
        let bundle = doctor.ok("Patient?_count=3&_total=accurate");
        assert_eq!((bundle["total"].as_i64(), ids(&bundle).len()), (Some(all), 3));
        assert_eq!(ids(&doctor.ok("Observation?_count=99999")).len(), 500);
        let own = link(&doctor.ok("Observation?_count=99999"), "self").unwrap();
        assert!(own.contains("_count=500"), "{own}");
        assert_eq!(ids(&doctor.ok("Observation")).len(), 50, "the default");
    }
}

#[test]
fn every_answer_has_a_request_id_and_is_not_kept() {
    let doctor = demo().user("doctor");
    for place in ["Patient/1", "Patient?name=a", "Patient?nmae=a", "Patient/999999"] {
        let response = doctor.send("GET", place, &[("X-Request-Id", "abc-123")], "");
        assert_eq!(response.header("x-request-id"), Some("abc-123"), "{place}");
        assert_eq!(response.header("cache-control"), Some("no-store"), "{place}");
        assert_eq!(response.header("content-type"), Some("application/fhir+json; charset=utf-8"), "{place}");
    }
    for resource in resources(&doctor.ok("Patient?_count=2")) {
        assert_eq!(resource["resourceType"], "Patient");
    }
}
