//! Codes of the catalogues that are served, against what is in the tables.

use serde_json::{Value, json};

use super::{parameters, post, value};
use crate::harness::{Site, query, resources, sites};

const ICD10: &str = "http://hl7.org/fhir/sid/icd-10";
const SHAPE: &str = r"code ~ '^[A-Z][0-9][0-9A-Z](\.[0-9A-Z-]+)?$'";

/// The site's own URL of a catalogue.
fn own(site: &Site, kind: &str, name: &str) -> String {
    let found = site.user("doctor").ok(&format!("{kind}?_count=500"));
    let urls = resources(&found);
    let mut urls = urls.iter().map(|resource| resource["url"].as_str().unwrap());
    urls.find(|url| url.ends_with(&format!("/{kind}/{name}"))).unwrap().to_owned()
}

fn codes(expanded: &Value) -> Vec<String> {
    let contains = expanded["expansion"]["contains"].as_array().cloned().unwrap_or_default();
    contains.iter().map(|one| one["code"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_served_value_set_expands_to_the_codes_of_its_system() {
    for site in sites() {
        let doctor = site.user("doctor");
        let systems = resources(&doctor.ok("CodeSystem?_count=500"));
        let (mut whole, mut codes_in_all) = (0, 0);
        for set in resources(&doctor.ok("ValueSet?_count=500")) {
            let (id, url) = (set["id"].as_str().unwrap(), set["url"].as_str().unwrap());
            let expanded = doctor.ok(&format!("ValueSet/$expand?{}", query(&[("url", url)])));
            assert_eq!((&expanded["resourceType"], &expanded["url"]), (&json!("ValueSet"), &json!(url)));
            let by_id = doctor.ok(&format!("ValueSet/{id}/$expand"));
            assert_eq!(by_id["expansion"]["contains"], expanded["expansion"]["contains"], "{url}");
            let mut expected = Vec::new();
            for include in set["compose"]["include"].as_array().unwrap() {
                let system = systems.iter().find(|system| system["url"] == include["system"]);
                let listed = |holder: &Value| holder["concept"].as_array().cloned();
                let concepts = listed(include).or(system.and_then(listed)).unwrap_or_default();
                let mut part: Vec<Value> = concepts
                    .iter()
                    .map(|concept| {
                        let mut one = json!({ "system": include["system"], "code": concept["code"] });
                        if concept["display"].is_string() {
                            one["display"] = concept["display"].clone();
                        }
                        one
                    })
                    .collect();
                part.sort_by_key(|one| ["code", "display"].map(|name| one[name].as_str().map(str::to_owned)));
                part.dedup_by_key(|one| one["code"].clone());
                expected.extend(part);
            }
            assert_eq!(expanded["expansion"]["total"], expected.len(), "{} {url}", site.name);
            expected.truncate(1000);
            let found = expanded["expansion"]["contains"].as_array().cloned().unwrap_or_default();
            let plain = |all: &[Value]| all.iter().map(|one| one["code"].to_string()).collect::<Vec<_>>();
            assert_eq!(plain(&found), plain(&expected), "{} {url}", site.name);
            for (found, expected) in found.iter().zip(&expected) {
                assert_eq!(found, expected, "{} {url}", site.name);
            }
            (whole, codes_in_all) = (whole + 1, codes_in_all + found.len());
        }
        assert!(whole > 10 && codes_in_all > 300, "{}: {whole} {codes_in_all}", site.name);
    }
}

#[test]
fn expansions_come_in_slices_and_by_text() {
    for site in sites() {
        let doctor = site.user("doctor");
        let url = own(site, "ValueSet", "occupation");
        let expand = |pairs: &[(&str, &str)]| {
            let pairs = [&[("url", url.as_str())], pairs].concat();
            doctor.ok(&format!("ValueSet/$expand?{}", query(&pairs)))
        };
        let all = codes(&expand(&[]));
        assert!(all.len() > 5);
        let (mut paged, mut offset) = (Vec::new(), 0);
        loop {
            let page = expand(&[("count", "3"), ("offset", &offset.to_string())]);
            assert_eq!(page["expansion"]["total"], all.len());
            assert_eq!(page["expansion"]["offset"], offset);
            let page = codes(&page);
            if page.is_empty() {
                break;
            }
            offset += page.len();
            paged.extend(page);
        }
        assert_eq!(paged, all, "{}", site.name);
        assert_eq!(codes(&expand(&[("count", "0")])), Vec::<String>::new());
        let word = site
            .database
            .rows("SELECT name, code FROM gnuhealth_occupation WHERE code IS NOT NULL ORDER BY id LIMIT 1");
        let (name, code): (String, String) = (word[0].get(0), word[0].get(1));
        for text in [name.to_uppercase(), code.to_lowercase()] {
            let found = expand(&[("filter", &text)]);
            assert!(codes(&found).contains(&code), "{text}");
            assert!(codes(&found).len() <= all.len());
        }
        assert_eq!(codes(&expand(&[("filter", "no such thing %_")])), Vec::<String>::new());
        let r4 = doctor.ok("ValueSet/$expand?url=http://hl7.org/fhir/ValueSet/administrative-gender");
        assert_eq!(codes(&r4), ["female", "male", "other", "unknown"]);
        assert_eq!(r4["expansion"]["contains"][1]["display"], "Male");
        for (query, status, code) in [
            ("", 400, "parameter-value"),
            ("url=http://nowhere.example", 404, "system-unknown"),
            ("url=http://hl7.org/fhir/ValueSet/administrative-gender&count=x", 400, "parameter-value"),
            (
                "url=http://hl7.org/fhir/ValueSet/administrative-gender&displayLanguage=tlh",
                400,
                "parameter-value",
            ),
        ] {
            doctor.get(&format!("ValueSet/$expand?{query}")).is(status, code);
        }
        doctor.get("ValueSet/nothing-1/$expand").is(404, "resource-unknown");
        doctor.get("ValueSet/specialty-99999999/$expand").is(404, "resource-unknown");
    }
}

#[test]
fn codes_of_diseases_are_looked_up_and_compared() {
    for site in sites() {
        let doctor = site.user("doctor");
        let rows = site.database.rows(&format!(
            "SELECT c.code, c.name, p.code, p.name FROM gnuhealth_pathology c JOIN gnuhealth_pathology p
             ON p.code = split_part(c.code, '.', 1) AND p.active
             WHERE c.code LIKE '%.%' AND c.active AND c.{SHAPE} ORDER BY c.code LIMIT 3"
        ));
        assert!(!rows.is_empty());
        for row in &rows {
            let (code, name, upper, above): (String, String, String, String) =
                (row.get(0), row.get(1), row.get(2), row.get(3));
            let found =
                doctor.ok(&format!("CodeSystem/$lookup?{}", query(&[("system", ICD10), ("code", &code)])));
            assert_eq!(*value(&found, "display", "valueString"), json!(name));
            assert_eq!(*value(&found, "name", "valueString"), json!("ICD10"));
            let parent = value(&found, "property", "part");
            assert_eq!((&parent[1]["valueCode"], &parent[2]["valueString"]), (&json!(upper), &json!(above)));
            let body = parameters(&[("coding", "valueCoding", json!({ "system": ICD10, "code": code }))]);
            assert_eq!(post(&doctor, "CodeSystem/$lookup", &body).json(), found);
            let compare = |left: &str, right: &str| {
                let pairs = query(&[("system", ICD10), ("codeA", left), ("codeB", right)]);
                value(&doctor.ok(&format!("CodeSystem/$subsumes?{pairs}")), "outcome", "valueCode").clone()
            };
            assert_eq!(compare(&upper, &code), "subsumes");
            assert_eq!(compare(&code, &upper), "subsumed-by");
            assert_eq!(compare(&code, &code), "equivalent");
            let valid = |pairs: &[(&str, &str)]| {
                let answer = doctor.ok(&format!("CodeSystem/$validate-code?{}", query(pairs)));
                value(&answer, "result", "valueBoolean").clone()
            };
            assert_eq!(valid(&[("url", ICD10), ("code", &code), ("display", &name.to_uppercase())]), true);
            assert_eq!(valid(&[("url", ICD10), ("code", &code), ("display", "another")]), false);
            assert_eq!(valid(&[("url", ICD10), ("code", "X99.99")]), false);
        }
        let (first, last) = (rows[0].get::<_, String>(0), rows[rows.len() - 1].get::<_, String>(0));
        if first != last {
            let pairs = query(&[("system", ICD10), ("codeA", &first), ("codeB", &last)]);
            let answer = doctor.ok(&format!("CodeSystem/$subsumes?{pairs}"));
            assert_eq!(*value(&answer, "outcome", "valueCode"), "not-subsumed");
        }
        // A code of another system in the same table is none of this one.
        let other = site.database.texts(
            r"SELECT code FROM gnuhealth_pathology WHERE code ~ '^[0-9A-Z][A-Z](?=[A-Z.]*[0-9])[0-9A-Z]{2,4}(\.[0-9A-Z]{1,2})?$' LIMIT 1",
        );
        for code in other.iter().map(String::as_str).chain(["nothing", "' OR 1=1 --", "%"]) {
            let pairs = query(&[("system", ICD10), ("code", code)]);
            doctor.get(&format!("CodeSystem/$lookup?{pairs}")).is(404, "code-unknown");
        }
        for (pairs, status, code) in [
            ("code=A00", 400, "parameter-value"),
            ("system=http://nowhere.example&code=A00", 404, "system-unknown"),
            ("system=http://hl7.org/fhir/sid/icd-10&code=A00&property=colour", 400, "parameter-value"),
            ("system=http://hl7.org/fhir/sid/icd-10&code=A00&coding=a%7Cb", 400, "parameter-value"),
            ("system=http://hl7.org/fhir/sid/icd-10&code=A00&code=A01", 400, "parameter-value"),
        ] {
            doctor.get(&format!("CodeSystem/$lookup?{pairs}")).is(status, code);
        }
    }
}

#[test]
fn codes_are_members_of_value_sets_or_not() {
    for site in sites() {
        let doctor = site.user("doctor");
        let gender = "http://hl7.org/fhir/ValueSet/administrative-gender";
        let system = "http://hl7.org/fhir/administrative-gender";
        let valid = |pairs: &[(&str, &str)]| {
            let answer = doctor.ok(&format!("ValueSet/$validate-code?{}", query(pairs)));
            value(&answer, "result", "valueBoolean").clone()
        };
        assert_eq!(valid(&[("url", gender), ("system", system), ("code", "male")]), true);
        assert_eq!(valid(&[("url", gender), ("code", "male"), ("display", "Male")]), true);
        assert_eq!(valid(&[("url", gender), ("system", system), ("code", "m")]), false);
        assert_eq!(valid(&[("url", gender), ("system", "http://loinc.org"), ("code", "male")]), false);
        let concept = json!({ "coding": [
            { "system": "http://nowhere.example", "code": "x" }, { "system": system, "code": "female" } ] });
        let body = parameters(&[
            ("url", "valueUri", json!(gender)),
            ("codeableConcept", "valueCodeableConcept", concept),
        ]);
        let answer = post(&doctor, "ValueSet/$validate-code", &body).json();
        assert_eq!(*value(&answer, "result", "valueBoolean"), true);
        let url = own(site, "ValueSet", "specialty");
        let code = site.database.texts("SELECT min(code) FROM gnuhealth_specialty");
        let code = code.first().unwrap();
        let in_system = own(site, "CodeSystem", "specialty");
        assert_eq!(valid(&[("url", &url), ("system", &in_system), ("code", code)]), true);
        assert_eq!(valid(&[("url", &url), ("system", ICD10), ("code", code)]), false);
    }
}

#[test]
fn displays_speak_the_language_of_the_caller() {
    for site in sites() {
        let doctor = site.user("doctor");
        let translated = site.database.rows(&format!(
            "SELECT p.code, t.value, t.lang FROM ir_translation t JOIN gnuhealth_pathology p ON p.id = t.res_id
             JOIN ir_lang l ON l.code = t.lang AND l.translatable
             WHERE t.name = 'gnuhealth.pathology,name' AND t.type = 'model' AND NOT t.fuzzy AND t.value <> ''
             AND t.lang <> 'en' AND p.active AND p.{SHAPE} AND t.value <> p.name ORDER BY p.code LIMIT 1"
        ));
        let Some(row) = translated.first() else { continue };
        let (code, name, language): (String, String, String) = (row.get(0), row.get(1), row.get(2));
        let place = format!("CodeSystem/$lookup?{}", query(&[("system", ICD10), ("code", &code)]));
        let tag = language.replace('_', "-");
        let spoken = doctor.send("GET", &place, &[("Accept-Language", &tag)], "").json();
        assert_eq!(*value(&spoken, "display", "valueString"), json!(name), "{} {tag}", site.name);
        assert_eq!(doctor.ok(&format!("{place}&displayLanguage={tag}")), spoken);
        assert_ne!(doctor.ok(&place), spoken);
    }
}

#[test]
fn maps_translate_the_keys_of_gnu_health() {
    for site in sites() {
        let doctor = site.user("doctor");
        let maps = resources(&doctor.ok("ConceptMap?_count=500"));
        assert!(maps.len() > 10);
        for map in &maps {
            let group = &map["group"][0];
            let element = &group["element"][0];
            let pairs = [
                ("url", map["url"].as_str().unwrap()),
                ("system", group["source"].as_str().unwrap()),
                ("code", element["code"].as_str().unwrap()),
            ];
            for pairs in [&pairs[..], &pairs[1..]] {
                let found = doctor.ok(&format!("ConceptMap/$translate?{}", query(pairs)));
                assert_eq!(*value(&found, "result", "valueBoolean"), true, "{found}");
                let part = value(&found, "match", "part");
                assert_eq!(part[1]["valueCoding"]["code"], element["target"][0]["code"]);
                assert_eq!(part[2]["valueUri"], map["url"]);
            }
            let id = map["id"].as_str().unwrap();
            let missing =
                doctor.ok(&format!("ConceptMap/{id}/$translate?{}", query(&[("code", "no such key")])));
            assert_eq!(*value(&missing, "result", "valueBoolean"), false);
        }
        doctor.get("ConceptMap/$translate?code=m").is(400, "parameter-value");
    }
}

#[test]
fn a_catalogue_that_is_closed_stays_closed() {
    let database = crate::harness::Database::copy("closed_catalogue");
    database.run(
        "UPDATE ir_model_access SET perm_read = FALSE
         WHERE model = (SELECT id FROM ir_model WHERE model = 'gnuhealth.pathology');
         INSERT INTO ir_model_access (model, perm_read, perm_write, perm_create, perm_delete, active)
         SELECT id, FALSE, FALSE, FALSE, FALSE, TRUE FROM ir_model WHERE model = 'gnuhealth.pathology'",
    );
    let gateway = crate::harness::Gateway::open(&database.url, "");
    let doctor = gateway.user("doctor");
    for place in [
        "CodeSystem/$lookup?system=http://hl7.org/fhir/sid/icd-10&code=A00",
        "CodeSystem/$validate-code?url=http://hl7.org/fhir/sid/icd-10&code=A00",
        "CodeSystem/$subsumes?system=http://hl7.org/fhir/sid/icd-10&codeA=A00&codeB=A00.0",
    ] {
        doctor.get(place).is(403, "model-forbidden");
    }
}
