//! By what `_sort` sorts: <https://hl7.org/fhir/R4/search.html#sort>.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::harness::{all, sites};

/// Of several values the one counts that comes first in the order asked for.
#[test]
fn of_several_values_the_first_in_the_order_counts() {
    for site in sites() {
        let doctor = site.user("doctor");
        let mut several = 0;
        for sort in ["telecom", "-telecom"] {
            let keys: Vec<Option<String>> = all(&doctor, &format!("Patient?_sort={sort}&_count=500"))
                .iter()
                .map(|patient| {
                    let points = patient["telecom"].as_array().into_iter().flatten();
                    let mut values: Vec<String> =
                        points.filter_map(|point| point["value"].as_str().map(str::to_uppercase)).collect();
                    values.sort();
                    several += usize::from(values.len() > 1);
                    if sort.starts_with('-') { values.pop() } else { values.into_iter().next() }
                })
                .collect();
            let known: Vec<&String> = keys.iter().map_while(Option::as_ref).collect();
            assert!(
                keys[known.len()..].iter().all(Option::is_none),
                "{}: what has none comes last",
                site.name
            );
            let right = match sort {
                "telecom" => known.is_sorted(),
                _ => known.is_sorted_by(|left, right| left >= right),
            };
            assert!(right, "{} {sort}", site.name);
        }
        assert!(several > 0, "{}: somebody has two telephones", site.name);
    }
}

/// What is true or false of every resource is an order as well.
#[test]
fn what_holds_comes_after_what_does_not() {
    for site in sites() {
        let doctor = site.user("doctor");
        for (sort, dead_last) in [("deceased", true), ("-deceased", false)] {
            let patients = all(&doctor, &format!("Patient?_sort={sort}&_count=500"));
            let dead = |patient: &Value| {
                patient["deceasedBoolean"] == true || patient["deceasedDateTime"].is_string()
            };
            let order: Vec<bool> = patients.iter().map(dead).collect();
            assert!(order.contains(&true) && order.contains(&false), "{}", site.name);
            let right =
                order.is_sorted_by(|left, right| if dead_last { left <= right } else { left >= right });
            assert!(right, "{} {sort}", site.name);
        }
    }
}

/// A constant of a mapping and a code of the record are compared alike.
#[test]
fn codes_of_several_sources_are_in_one_order() {
    for site in sites() {
        let doctor = site.user("doctor");
        let conditions = all(&doctor, "Condition?_sort=clinical-status&_count=500");
        let codes: Vec<&str> = conditions
            .iter()
            .filter_map(|condition| condition["clinicalStatus"]["coding"][0]["code"].as_str())
            .collect();
        assert!(codes.is_sorted(), "{}", site.name);
        assert!(codes.iter().collect::<BTreeSet<_>>().len() > 1, "{}", site.name);
    }
}

/// What has only the street of an address has a value as well.
#[test]
fn a_text_of_several_lines_is_in_the_order() {
    for site in sites() {
        let doctor = site.user("doctor");
        for sort in ["address", "-address"] {
            let patients = all(&doctor, &format!("Patient?_sort={sort}&_count=500"));
            let places = |patient: &Value| {
                let all = patient["address"].as_array().into_iter().flatten();
                all.filter(|one| one["city"].is_string() || one["line"].is_array()).count()
            };
            let known: Vec<bool> = patients.iter().map(|patient| places(patient) > 0).collect();
            assert!(known.is_sorted_by(|left, right| left >= right), "{} {sort}", site.name);
            assert!(known.contains(&true), "{} {sort}", site.name);
        }
    }
}
