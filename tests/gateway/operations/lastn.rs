//! `Observation/$lastn`, against all observations of a patient.

use std::collections::BTreeMap;

use gnuhealth_fhir::store::Class;
use serde_json::Value;

use crate::harness::{Database, Gateway, all, resources, sites};

/// Code by which observations are grouped: that of the first coding, else the text.
fn code(observation: &Value) -> String {
    let coded = &observation["code"]["coding"][0]["code"];
    coded.as_str().or(observation["code"]["text"].as_str()).unwrap_or_default().to_lowercase()
}

/// When it was, in a form that can be compared; none when it does not say.
fn when(observation: &Value) -> Option<jiff::Timestamp> {
    let text =
        observation["effectiveDateTime"].as_str().or(observation["effectivePeriod"]["start"].as_str())?;
    text.parse().ok().or_else(|| {
        let day: jiff::civil::Date = text.parse().ok()?;
        Some(day.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
    })
}

#[test]
fn the_latest_of_each_code_are_found() {
    for site in sites() {
        let doctor = site.user("doctor");
        let mut compared = 0;
        for patient in ["1", "2", "3"] {
            let observations = all(&doctor, &format!("Observation?patient={patient}&_count=500"));
            let mut groups: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
            for observation in &observations {
                groups.entry(code(observation)).or_default().push(observation);
            }
            for max in [1_usize, 3] {
                let found = resources(&doctor.ok(&format!("Observation/$lastn?patient={patient}&max={max}")));
                let mut latest: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
                for observation in &found {
                    latest.entry(code(observation)).or_default().push(observation);
                }
                assert_eq!(
                    latest.keys().collect::<Vec<_>>(),
                    groups.keys().collect::<Vec<_>>(),
                    "{}",
                    site.name
                );
                for (code, found) in &latest {
                    let group = &groups[code];
                    assert_eq!(found.len(), group.len().min(max), "{} {code}", site.name);
                    let oldest = found.iter().map(|one| when(one)).min().flatten();
                    let newer = group.iter().filter(|one| when(one) > oldest).count();
                    assert!(newer <= max, "{} {code}: {newer} are newer than the oldest of {max}", site.name);
                    compared += found.len();
                }
            }
        }
        assert!(compared > 20, "{}: {compared}", site.name);
        let vital = resources(&doctor.ok("Observation/$lastn?patient=1&category=vital-signs&max=2"));
        let all = resources(&doctor.ok("Observation/$lastn?patient=1&max=2"));
        assert!(vital.len() <= all.len() && vital.iter().all(|one| all.contains(one)));
        for (query, code) in [
            ("", "parameter-value"),
            ("patient=1&max=0", "parameter-value"),
            ("patient=1&max=1000", "parameter-value"),
            ("patient=1&_sort=date", "parameter-unknown"),
            ("category=vital-signs", "parameter-value"),
        ] {
            doctor.get(&format!("Observation/$lastn?{query}")).is(400, code);
        }
        for login in ["frontdesk", "nogroup"] {
            let client = site.user(login);
            let (search, lastn) =
                (client.get("Observation?patient=1"), client.get("Observation/$lastn?patient=1&max=100"));
            assert_eq!(search.status, lastn.status, "{} {login}", site.name);
        }
    }
}

#[test]
fn it_is_one_statement() {
    let database = Database::copy("lastn");
    let gateway = Gateway::open(&database.url, "");
    let doctor = gateway.user("doctor");
    doctor.ok("Patient/1");
    for max in ["1", "50"] {
        let before = gateway.store.statements(Class::Request);
        doctor.ok(&format!("Observation/$lastn?patient=1&max={max}"));
        assert_eq!(gateway.store.statements(Class::Request) - before, 1);
    }
}
