//! Composite parameters: <https://hl7.org/fhir/R4/search.html#composite>. All parts hold for the same element.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::harness::{Database, Gateway, all, all_ids, resources, sites};

type Ids = BTreeSet<String>;

const SYSTOLIC: &str = "8480-6";
const DIASTOLIC: &str = "8462-4";

fn ids_where(all: &[Value], holds: impl Fn(&Value) -> bool) -> Ids {
    all.iter().filter(|one| holds(one)).map(|one| one["id"].as_str().unwrap().to_owned()).collect()
}

fn has_code(element: &Value, code: &str) -> bool {
    element["code"]["coding"].as_array().is_some_and(|all| all.iter().any(|coding| coding["code"] == code))
}

fn quantity(element: &Value) -> Option<f64> {
    element["valueQuantity"]["value"].as_f64()
}

fn components(observation: &Value) -> &[Value] {
    observation["component"].as_array().map_or(&[], Vec::as_slice)
}

#[test]
fn parts_hold_for_the_same_component() {
    for site in sites() {
        let doctor = site.user("doctor");
        let pressures = all(&doctor, "Observation?code=85354-9&_count=500");
        assert!(pressures.len() > 10, "{}", site.name);
        let find =
            |name: &str, value: &str| all_ids(&doctor, "Observation", &[("code", "85354-9"), (name, value)]);
        let above = |code: &str, limit: f64| {
            ids_where(&pressures, |one| {
                components(one)
                    .iter()
                    .any(|part| has_code(part, code) && quantity(part).is_some_and(|value| value > limit))
            })
        };
        for name in ["component-code-value-quantity", "combo-code-value-quantity"] {
            for (code, limit) in [(SYSTOLIC, 120), (DIASTOLIC, 80), (DIASTOLIC, 120)] {
                let wanted = above(code, f64::from(limit));
                assert_eq!(find(name, &format!("{code}$gt{limit}")), wanted, "{} {name} {code}", site.name);
                let whole = format!("http://loinc.org|{code}$gt{limit}|http://unitsofmeasure.org|mm[Hg]");
                assert_eq!(find(name, &whole), wanted, "{} {name} {whole}", site.name);
            }
            let either = format!("{SYSTOLIC}$gt150,{DIASTOLIC}$gt95");
            let wanted: Ids = above(SYSTOLIC, 150.0).union(&above(DIASTOLIC, 95.0)).cloned().collect();
            assert_eq!(find(name, &either), wanted, "{}", site.name);
        }
        // Two parameters may be satisfied by two components; a composite may not.
        let across = all_ids(
            &doctor,
            "Observation",
            &[("code", "85354-9"), ("component-code", DIASTOLIC), ("component-value-quantity", "gt110")],
        );
        assert!(
            across.len() > above(DIASTOLIC, 110.0).len(),
            "{}: no pressure tells the two apart",
            site.name
        );
    }
}

#[test]
fn a_composite_of_the_resource_itself() {
    for site in sites() {
        let doctor = site.user("doctor");
        let temperatures = all(&doctor, "Observation?code=8310-5&_count=500");
        let warm = ids_where(&temperatures, |one| quantity(one).is_some_and(|value| value > 37.5));
        assert!(!warm.is_empty() && warm.len() < temperatures.len(), "{}", site.name);
        for name in ["code-value-quantity", "combo-code-value-quantity"] {
            assert_eq!(
                all_ids(&doctor, "Observation", &[(name, "8310-5$gt37.5")]),
                warm,
                "{} {name}",
                site.name
            );
        }
        let none = [("component-code-value-quantity", "8310-5$gt37.5")];
        assert!(all_ids(&doctor, "Observation", &none).is_empty(), "it is no component");
    }
}

#[test]
fn concepts_and_texts_beside_their_code() {
    for site in sites() {
        let doctor = site.user("doctor");
        for (name, element) in
            [("code-value-concept", "valueCodeableConcept"), ("code-value-string", "valueString")]
        {
            let by = format!("Observation?{}:missing=false&_count=200", &name[5..]);
            let known = doctor.ok(&by);
            let coded = |one: &Value| {
                one["code"]["coding"][0]["code"].is_string()
                    && (one[element].is_string() || one[element]["coding"][0]["code"].is_string())
            };
            let Some(first) = resources(&known).into_iter().find(coded) else {
                // The demo has no result in words.
                assert_eq!((site.name, name), ("demo", "code-value-string"));
                continue;
            };
            let code = first["code"]["coding"][0]["code"].as_str().unwrap();
            let value = first[element]["coding"][0]["code"].as_str().or(first[element].as_str()).unwrap();
            let escaped =
                value.replace('\\', "\\\\").replace('$', "\\$").replace('|', "\\|").replace(',', "\\,");
            let same = all(&doctor, &format!("Observation?code={code}&_count=500"));
            let matches = |one: &Value| match one[element].as_str() {
                Some(text) => text.to_lowercase().starts_with(&value.to_lowercase()),
                None => one[element]["coding"]
                    .as_array()
                    .is_some_and(|all| all.iter().any(|coding| coding["code"] == value)),
            };
            let wanted = ids_where(&same, |one| has_code(one, code) && matches(one));
            assert!(!wanted.is_empty());
            let found = all_ids(&doctor, "Observation", &[(name, &format!("{code}${escaped}"))]);
            assert_eq!(found, wanted, "{} {name}={code}${escaped}", site.name);
            assert!(
                all_ids(&doctor, "Observation", &[(name, &format!("no-such-code${escaped}"))]).is_empty()
            );
        }
    }
}

#[test]
fn missing_composites_and_wrong_ones() {
    for site in sites() {
        let doctor = site.user("doctor");
        let patient = ("patient", "Patient/1");
        let all = all_ids(&doctor, "Observation", &[patient]);
        for name in ["component-code-value-quantity", "code-value-quantity"] {
            let key = format!("{name}:missing");
            let missing = all_ids(&doctor, "Observation", &[patient, (&key, "true")]);
            let present = all_ids(&doctor, "Observation", &[patient, (&key, "false")]);
            assert!(missing.is_disjoint(&present) && !missing.is_empty(), "{}", site.name);
            assert_eq!(missing.union(&present).cloned().collect::<Ids>(), all, "{} {name}", site.name);
        }
        for bad in ["8480-6", "8480-6$gt120$x", "$gt120", "8480-6$", "8480-6\\$gt120", "8480-6$high"] {
            let found = doctor.search("Observation", &[("code-value-quantity", bad)]);
            found.is(400, "parameter-value");
        }
        doctor.search("Observation", &[("code-value-quantity:exact", "a$1")]).is(400, "parameter-modifier");
        doctor.ok("Observation?code-value-quantity=8480-6$gt120&_count=1");
    }
}

#[test]
fn a_closed_value_is_not_told_by_a_composite() {
    let database = Database::copy("composite_closed");
    database.run(
        r#"INSERT INTO ir_model_field_access (field, "group", active, perm_read)
           SELECT f.id, NULL, TRUE, FALSE FROM ir_model_field f JOIN ir_model m ON m.id = f.model
           WHERE m.model = 'gnuhealth.patient.evaluation' AND f.name = 'systolic'"#,
    );
    let gateway = Gateway::open(&database.url, "");
    let doctor = gateway.user("doctor");
    let asked = [("component-code-value-quantity", "8480-6$gt120")];
    doctor.search("Observation", &asked).is(403, "field-forbidden");
}
