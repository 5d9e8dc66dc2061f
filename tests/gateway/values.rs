//! What values of parameters and their modifiers mean, against what the resources say.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::harness::{all, all_ids, sites};

type Ids = BTreeSet<String>;

const UCUM: &str = "http://unitsofmeasure.org";
const ICD: &str = "http://hl7.org/fhir/sid/icd-10";

fn ids_where(all: &[Value], holds: impl Fn(&Value) -> bool) -> Ids {
    all.iter().filter(|one| holds(one)).map(|one| one["id"].as_str().unwrap().to_owned()).collect()
}

/// System and code of each coding of a CodeableConcept.
fn codings(concept: &Value) -> Vec<(&str, &str)> {
    concept["coding"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|one| (one["system"].as_str().unwrap_or_default(), one["code"].as_str().unwrap_or_default()))
        .collect()
}

#[test]
fn quantities_of_one_dimension_are_compared_in_any_unit() {
    for site in sites() {
        let doctor = site.user("doctor");
        for (code, limit, unit, others) in [
            ("8310-5", 37.5, "Cel", [("99.5", "[degF]"), ("310.65", "K")]),
            ("29463-7", 70.0, "kg", [("70000", "g"), ("70000000", "mg")]),
        ] {
            let records = all(&doctor, &format!("Observation?code={code}&_count=500"));
            let above = ids_where(&records, |one| {
                one["valueQuantity"]["code"] == unit
                    && one["valueQuantity"]["value"].as_f64().is_some_and(|value| value > limit)
            });
            assert!(!above.is_empty() && above.len() < records.len(), "{} {code}", site.name);
            let find =
                |value: &str| all_ids(&doctor, "Observation", &[("code", code), ("value-quantity", value)]);
            assert_eq!(find(&format!("gt{limit}|{UCUM}|{unit}")), above, "{}", site.name);
            for (number, other) in others {
                assert_eq!(find(&format!("gt{number}|{UCUM}|{other}")), above, "{} {other}", site.name);
                assert!(find(&format!("gt{number}||{other}")).is_empty(), "without a system it is a text");
            }
            assert!(find(&format!("gt0|{UCUM}|mL")).is_empty(), "{}: another dimension", site.name);
            assert!(find(&format!("gt0|{UCUM}|{{{unit}}}")).is_empty(), "{}: no unit", site.name);
        }
        // 99.5 is anything from 99.45 to 99.55 °F: 37.472 to 37.528 °C.
        let records = all(&doctor, "Observation?code=8310-5&_count=500");
        let near = ids_where(&records, |one| {
            one["valueQuantity"]["value"].as_f64().is_some_and(|value| (37.4722..37.5278).contains(&value))
        });
        let equal = [("code", "8310-5"), ("value-quantity", "99.5|http://unitsofmeasure.org|[degF]")];
        assert_eq!(all_ids(&doctor, "Observation", &equal), near, "{}", site.name);
    }
}

#[test]
fn units_that_come_from_the_record_are_converted_one_by_one() {
    for site in sites() {
        let doctor = site.user("doctor");
        let records = all(&doctor, "Observation?category=laboratory&_count=500");
        let grams_per_litre = |one: &Value| -> Option<f64> {
            let factor = match one["valueQuantity"]["code"].as_str()? {
                "g/dL" => 10.0,
                "g/L" => 1.0,
                "mg/dL" => 0.01,
                "ng/mL" => 1e-6,
                "pg/mL" => 1e-9,
                _ => return None,
            };
            Some(one["valueQuantity"]["value"].as_f64()? * factor)
        };
        let units: BTreeSet<_> = records
            .iter()
            .filter(|one| grams_per_litre(one).is_some())
            .filter_map(|one| one["valueQuantity"]["code"].as_str())
            .collect();
        assert!(units.len() > 1, "{}: {units:?}", site.name);
        for (value, limit) in
            [("gt0.5|http://unitsofmeasure.org|g/L", 0.5), ("gt50|http://unitsofmeasure.org|mg/dL", 0.5)]
        {
            let wanted = ids_where(&records, |one| grams_per_litre(one).is_some_and(|value| value > limit));
            let asked = [("category", "laboratory"), ("value-quantity", value)];
            assert_eq!(all_ids(&doctor, "Observation", &asked), wanted, "{} {value}", site.name);
            assert!(!wanted.is_empty());
        }
    }
}

#[test]
fn identifiers_of_a_type() {
    for site in sites() {
        let doctor = site.user("doctor");
        let patients = all(&doctor, "Patient?_count=500");
        let typed = patients.iter().find_map(|patient| {
            let identifiers = patient["identifier"].as_array()?;
            let one = identifiers.iter().find(|one| one["type"]["coding"][0]["system"].is_string())?;
            Some((patient, one))
        });
        let (_, one) = typed.expect("an identifier with a type");
        let kind = &one["type"]["coding"][0];
        let (system, code) = (kind["system"].as_str().unwrap(), kind["code"].as_str().unwrap());
        let value = one["value"].as_str().unwrap();
        let wanted = ids_where(&patients, |patient| {
            patient["identifier"]
                .as_array()
                .into_iter()
                .flatten()
                .any(|one| one["value"] == value && codings(&one["type"]).contains(&(system, code)))
        });
        let find = |value: &str| all_ids(&doctor, "Patient", &[("identifier:of-type", value)]);
        assert_eq!(find(&format!("{system}|{code}|{value}")), wanted, "{}", site.name);
        assert!(find(&format!("{system}|no-such-type|{value}")).is_empty());
        doctor
            .search("Patient", &[("identifier:of-type", &format!("{code}|{value}"))])
            .is(400, "parameter-value");
        doctor.search("Patient", &[("gender:of-type", "a|b|c")]).is(400, "parameter-modifier");
    }
}

#[test]
fn codes_of_a_value_set() {
    for site in sites() {
        let doctor = site.user("doctor");
        let find = |kind: &str, pairs: &[(&str, &str)]| all_ids(&doctor, kind, pairs);
        let set = "http://hl7.org/fhir/ValueSet/administrative-gender";
        let (inside, outside) =
            (find("Patient", &[("gender:in", set)]), find("Patient", &[("gender:not-in", set)]));
        assert_eq!(inside, find("Patient", &[("gender:missing", "false")]), "{}", site.name);
        assert!(inside.is_disjoint(&outside));
        assert_eq!(&inside | &outside, find("Patient", &[]), "{}", site.name);
        let analytes = doctor.ok("ValueSet?name=LabAnalyte");
        let url = analytes["entry"][0]["resource"]["url"].as_str().unwrap();
        let system = url.replace("/ValueSet/", "/CodeSystem/");
        let records = all(&doctor, "Observation?patient=Patient/1&_count=500");
        let of_set =
            ids_where(&records, |one| codings(&one["code"]).iter().any(|(known, _)| *known == system));
        let of_patient = ("patient", "Patient/1");
        assert_eq!(find("Observation", &[of_patient, ("code:in", url)]), of_set, "{}", site.name);
        let others = find("Observation", &[of_patient, ("code:not-in", url)]);
        assert_eq!(others.len() + of_set.len(), records.len(), "{}", site.name);
        let unknown = "http://example.org/ValueSet/unknown";
        doctor.search("Patient", &[("gender:in", unknown)]).is(400, "parameter-value");
        doctor.search("Patient", &[("identifier:in", set)]).is(400, "parameter-modifier");
    }
}

#[test]
fn codes_below_and_above_another() {
    for site in sites() {
        let doctor = site.user("doctor");
        let records = all(&doctor, "Condition?_count=500");
        let of_icd = |one: &Value, holds: &dyn Fn(&str) -> bool| {
            codings(&one["code"]).iter().any(|(system, code)| *system == ICD && holds(code))
        };
        let mut codes = records.iter().flat_map(|one| codings(&one["code"]));
        let (_, code) =
            codes.find(|(system, code)| *system == ICD && code.len() > 4).expect("a subdivided code");
        let category = &code[..3];
        let find = |key: &str, code: &str| all_ids(&doctor, "Condition", &[(key, &format!("{ICD}|{code}"))]);
        let below = ids_where(&records, |one| of_icd(one, &|known| known.starts_with(category)));
        assert_eq!(find("code:below", category), below, "{} {category}", site.name);
        let letter = &code[..1];
        let block = format!("{letter}00-{letter}99");
        let of_letter = ids_where(&records, |one| of_icd(one, &|known| known.starts_with(letter)));
        assert_eq!(find("code:below", &block), of_letter, "{} {block}", site.name);
        assert!(below.is_subset(&of_letter) && of_letter.len() < records.len());
        let above = ids_where(&records, |one| of_icd(one, &|known| code.starts_with(known)));
        assert_eq!(find("code:above", code), above, "{} {code}", site.name);
        for bad in [category, "http://loinc.org|8480-6", "http://hl7.org/fhir/sid/icd-10|%"] {
            doctor.search("Condition", &[("code:below", bad)]).is(400, "parameter-value");
        }
    }
}

#[test]
fn addresses_below_and_above_another() {
    for site in sites() {
        let doctor = site.user("doctor");
        let sets = all(&doctor, "ValueSet?_count=500");
        let url = sets[0]["url"].as_str().unwrap();
        let (folder, _) = url.rsplit_once('/').unwrap();
        let find = |key: &str, value: &str| all_ids(&doctor, "ValueSet", &[(key, value)]);
        let below = ids_where(&sets, |one| one["url"].as_str().unwrap().starts_with(&format!("{folder}/")));
        assert!(below.len() > 1);
        assert_eq!(find("url:below", folder), below, "{}", site.name);
        assert_eq!(find("url:below", &format!("{folder}/")), below, "{}", site.name);
        assert!(find("url:below", &folder[..folder.len() - 1]).is_empty(), "a part of a name is no folder");
        let same = ids_where(&sets, |one| one["url"] == url);
        assert_eq!(find("url:above", &format!("{url}/history/1")), same, "{}", site.name);
        assert_eq!(find("url:below", url), same, "{}", site.name);
        doctor.search("ValueSet", &[("url:below", "urn:oid:1.2.3")]).is(400, "parameter-value");
    }
}

#[test]
fn many_codes_are_one_comparison() {
    for site in sites() {
        let doctor = site.user("doctor");
        let known =
            all_ids(&doctor, "Observation", &[("patient", "Patient/1"), ("code", "8310-5,8480-6,85354-9")]);
        let mut codes: Vec<String> = (0..497).map(|number| format!("x{number}")).collect();
        codes.extend(["8310-5", "http://loinc.org|85354-9", "|8480-6"].map(str::to_owned));
        let start = std::time::Instant::now();
        let many = all_ids(&doctor, "Observation", &[("patient", "Patient/1"), ("code", &codes.join(","))]);
        assert_eq!(many, known, "{}", site.name);
        assert!(start.elapsed().as_secs() < 20, "{}: {:?}", site.name, start.elapsed());
    }
}

#[test]
fn resources_are_found_by_the_profile_that_they_say() {
    for site in sites() {
        let doctor = site.user("doctor");
        let records = all(&doctor, "Observation?patient=Patient/1&_count=500");
        for profile in ["http://hl7.org/fhir/StructureDefinition/vitalsigns", "http://example.org/none"] {
            let says = |one: &Value| {
                one["meta"]["profile"].as_array().is_some_and(|all| all.contains(&profile.into()))
            };
            let wanted = ids_where(&records, says);
            let asked = [("patient", "Patient/1"), ("_profile", profile)];
            assert_eq!(all_ids(&doctor, "Observation", &asked), wanted, "{} {profile}", site.name);
            assert_eq!(wanted.is_empty(), profile.contains("none"), "{} {profile}", site.name);
            assert!(wanted.len() < records.len());
        }
        doctor.search("Observation", &[("_profile:below", "http://hl7.org")]).is(400, "parameter-modifier");
        for name in ["_security", "_tag", "_source", "_query"] {
            doctor.search("Observation", &[(name, "a")]).is(400, "parameter-unknown");
        }
    }
}

/// A concentration of oxygen is kept as a share or as a percentage, and its unit chosen by how large it is.
#[test]
fn units_that_a_case_chooses_are_converted() {
    let mut shares = 0;
    for site in sites() {
        let doctor = site.user("doctor");
        let records = all(&doctor, "Observation?code=3150-6&_count=500");
        let expected = ids_where(&records, |one| {
            let quantity = &one["valueQuantity"];
            let factor = if quantity["code"] == "1" { 100.0 } else { 1.0 };
            quantity["value"].as_f64().is_some_and(|value| value * factor > 35.0)
        });
        shares += records.iter().filter(|one| one["valueQuantity"]["code"] == "1").count();
        for value in ["gt35|http://unitsofmeasure.org|%", "gt0.35|http://unitsofmeasure.org|1"] {
            let asked = [("code", "3150-6"), ("value-quantity", value)];
            assert_eq!(all_ids(&doctor, "Observation", &asked), expected, "{} {value}", site.name);
        }
    }
    let real = std::env::var_os("GNUHEALTH_FHIR_TEST_50").is_some();
    assert!(shares > 0 || !real, "some are shares");
}
