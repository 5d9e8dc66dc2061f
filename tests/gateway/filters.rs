//! `_filter`: <https://hl7.org/fhir/R4/search_filter.html>. An expression finds what the same parameters find.

use std::collections::BTreeSet;

use crate::harness::{Client, Database, Gateway, all_ids, sites};

type Ids = BTreeSet<String>;

fn by(client: &Client, kind: &str, filter: &str) -> Ids {
    all_ids(client, kind, &[("_filter", filter)])
}

#[test]
fn an_expression_finds_what_parameters_find() {
    let gender = "http://hl7.org/fhir/ValueSet/administrative-gender";
    for site in sites() {
        let doctor = site.user("doctor");
        let within = format!("gender in {gender}");
        for (kind, filter, pairs) in [
            ("Patient", "gender eq female", &[("gender", "female")][..]),
            (
                "Patient",
                "gender eq http://hl7.org/fhir/administrative-gender|female",
                &[("gender", "female")],
            ),
            ("Patient", "name sw \"Núñez\"", &[("name", "Núñez")]),
            ("Patient", "name co \"ñ\"", &[("name:contains", "ñ")]),
            ("Patient", "birthdate pr false", &[("birthdate:missing", "true")]),
            (
                "Patient",
                "birthdate ge 1980-01-01 and birthdate lt 1990-01-01",
                &[("birthdate", "ge1980-01-01"), ("birthdate", "lt1990-01-01")],
            ),
            ("Patient", "gender eq male or gender eq other", &[("gender", "male,other")]),
            ("Patient", within.as_str(), &[("gender:in", gender)]),
            ("Patient", "_id eq 7", &[("_id", "7")]),
            ("Patient", "_lastUpdated gt 2000-01-01", &[("_lastUpdated", "gt2000-01-01")]),
            ("Condition", "subject:Patient.gender eq female", &[("subject:Patient.gender", "female")]),
            ("Condition", "subject re Patient/100", &[("subject", "Patient/100")]),
            (
                "Condition",
                "code ss http://hl7.org/fhir/sid/icd-10|A00-Z99",
                &[("code:below", "http://hl7.org/fhir/sid/icd-10|A00-Z99")],
            ),
            ("Encounter", "date gt 2024-06-01", &[("date", "gt2024-06-01")]),
        ] {
            let wanted = all_ids(&doctor, kind, pairs);
            assert_eq!(by(&doctor, kind, filter), wanted, "{} {filter}", site.name);
            assert!(!wanted.is_empty() || filter.contains("other") || filter.contains("Núñez"), "{filter}");
        }
    }
}

#[test]
fn and_or_not_are_those_of_sets() {
    for site in sites() {
        let doctor = site.user("doctor");
        let find = |filter: &str| by(&doctor, "Patient", filter);
        let (female, young) = (find("gender eq female"), find("birthdate ge 1990"));
        let all = all_ids(&doctor, "Patient", &[]);
        assert_eq!(find("gender eq female and birthdate ge 1990"), &female & &young, "{}", site.name);
        assert_eq!(find("gender eq female or birthdate ge 1990"), &female | &young);
        assert_eq!(find("not (gender eq female)"), &all - &female);
        assert_eq!(find("not (gender eq female or birthdate ge 1990)"), &all - &(&female | &young));
        // From left to right, without precedence.
        let left = find("gender eq female or birthdate ge 1990 and name co a");
        assert_eq!(left, find("(gender eq female or birthdate ge 1990) and name co a"));
        assert_ne!(left, find("gender eq female or (birthdate ge 1990 and name co a)"));
        // Some value is another one: not those without any.
        let known = all_ids(&doctor, "Patient", &[("gender:missing", "false")]);
        assert_eq!(find("gender ne female"), &known - &female);
        let both = all_ids(&doctor, "Patient", &[("gender", "female"), ("_filter", "birthdate ge 1990")]);
        assert_eq!(both, &female & &young, "it holds beside other parameters");
        // The brackets hold for the same patient.
        let chained =
            by(&doctor, "Condition", "subject:Patient[gender eq female and birthdate ge 1990].name co a");
        let pairs = [
            ("subject:Patient.gender", "female"),
            ("subject:Patient.birthdate", "ge1990"),
            ("subject:Patient.name:contains", "a"),
        ];
        assert_eq!(chained, all_ids(&doctor, "Condition", &pairs), "{}", site.name);
    }
}

#[test]
fn texts_are_equal_whatever_case_and_accents() {
    for site in sites() {
        let doctor = site.user("doctor");
        let exact = all_ids(&doctor, "Patient", &[("family:exact", "Ibáñez")]);
        let equal = by(&doctor, "Patient", "family eq IBANEZ");
        assert!(!exact.is_empty() && equal.is_superset(&exact), "{}", site.name);
        assert!(by(&doctor, "Patient", "family sw ibanez").is_superset(&equal));
        assert!(by(&doctor, "Patient", "family ew BANEZ").is_superset(&equal));
        assert!(by(&doctor, "Patient", "family eq IBANE").is_disjoint(&equal));
        assert!(by(&doctor, "Patient", "family ew IBANE").is_disjoint(&equal));
        for literal in ["%", "_", "\\\\%"] {
            assert!(by(&doctor, "Patient", &format!("family eq \"{literal}\"")).is_empty(), "{literal}");
        }
    }
}

#[test]
fn times_that_overlap() {
    for site in sites() {
        let doctor = site.user("doctor");
        let find = |filter: &str| by(&doctor, "Encounter", filter);
        let month = "2024-03";
        let outside = &find(&format!("date sa {month}")) | &find(&format!("date eb {month}"));
        assert_eq!(find(&format!("date po {month}")), &find("date pr true") - &outside, "{}", site.name);
        let point = by(&doctor, "Patient", "birthdate po 1980");
        assert_eq!(point, all_ids(&doctor, "Patient", &[("birthdate", "1980")]), "{}", site.name);
    }
}

#[test]
fn what_cannot_be_read_is_told_with_its_place() {
    for site in sites() {
        let doctor = site.user("doctor");
        for (filter, code, detail) in [
            (
                "gender is female",
                "parameter-value",
                "At character 8: expected one of the operators eq, ne, co",
            ),
            ("gender eq", "parameter-value", "At character 10: expected a value"),
            ("(gender eq female", "parameter-value", "At character 18: expected `)`"),
            ("gender eq female und", "parameter-value", "At character 18: expected `and`, `or` or the end"),
            ("nonsense eq female", "parameter-unknown", "can be searched by"),
            ("gender gt female", "parameter-modifier", "Operators of gender: eq, ne, pr, in, ni."),
            (
                "birthdate co 19",
                "parameter-modifier",
                "Operators of birthdate: eq, ne, gt, lt, ge, le, ap, sa, eb, pr, po.",
            ),
            ("birthdate eq ge1980", "parameter-value", "YYYY"),
            ("birthdate pr maybe", "parameter-value", "true or false"),
            ("gender in http://example.org/none", "parameter-value", "value set"),
            ("_id gt 3", "parameter-modifier", "Operators of _id: eq, ne."),
            ("name.family eq x", "parameter-modifier", "no reference"),
        ] {
            let response = doctor.search("Patient", &[("_filter", filter)]);
            response.is(400, code);
            assert!(response.text().contains(detail), "{filter}: {}", response.text());
        }
        let deep = format!("{}gender eq male{}", "(".repeat(40), ")".repeat(40));
        doctor.search("Patient", &[("_filter", &deep)]).is(400, "parameter-limit");
        doctor.search("Patient", &[("_filter:not", "gender eq male")]).status_unless_unknown(400);
    }
}

#[test]
fn what_is_closed_is_closed_inside_an_expression() {
    let database = Database::copy("filter_closed");
    database.run(
        r#"INSERT INTO ir_model_field_access (field, "group", active, perm_read)
           SELECT f.id, NULL, TRUE, FALSE FROM ir_model_field f JOIN ir_model m ON m.id = f.model
           WHERE m.model = 'party.party' AND f.name = 'dob'"#,
    );
    let gateway = Gateway::open(&database.url, "");
    let doctor = gateway.user("doctor");
    for filter in [
        "birthdate ge 1980",
        "birthdate pr false",
        "not (birthdate ge 1980)",
        "gender eq female or birthdate ge 1980",
        "gender eq female and birthdate ge 1980",
        "gender eq no-such and birthdate ge 1980",
    ] {
        doctor.search("Patient", &[("_filter", filter)]).is(403, "field-forbidden");
    }
    doctor
        .search("Condition", &[("_filter", "subject:Patient.birthdate ge 1980")])
        .is(403, "field-forbidden");
    doctor
        .search("Condition", &[("_filter", "subject:Patient[birthdate ge 1980].name co a")])
        .is(403, "field-forbidden");
    assert_eq!(doctor.search("Patient", &[("_filter", "gender eq female")]).status, 200);
}
