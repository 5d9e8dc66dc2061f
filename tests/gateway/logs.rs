//! No level of the log, and no error, tells anything about a person.

use std::collections::BTreeSet;

use crate::harness::{Client, Process, demo, query};

/// Values of people in the database, long enough not to be met by chance.
const VALUES: &str = "
    SELECT unnest(ARRAY[name, lastname, ref, dob::text, federation_account]) FROM party_party
      WHERE is_person OR is_patient
    UNION SELECT unnest(ARRAY[given, family]) FROM gnuhealth_person_name
    UNION SELECT value FROM party_contact_mechanism
    UNION SELECT unnest(ARRAY[street, name]) FROM party_address
    UNION SELECT code FROM gnuhealth_person_alternative_identification
    UNION SELECT password_hash FROM res_user";

/// What is asked, and what comes back with an error.
fn busy(process: &Process, values: &BTreeSet<String>) -> Vec<(String, String)> {
    let doctor = process.user("doctor");
    let mut errors = Vec::new();
    let mut ask = |client: &Client, place: &str| {
        let response = client.get(place);
        assert!(response.status < 500, "{place}: {}", response.text());
        if response.status != 200 {
            let sent: String = form_urlencoded::parse(place.as_bytes())
                .map(|(key, value)| format!("{key} {value} "))
                .collect();
            errors.push((sent, response.text()));
        }
    };
    for value in values.iter().step_by(values.len() / 40 + 1) {
        let [name, any, key] =
            [query(&[("name", value)]), query(&[("identifier", value)]), query(&[(value, "x")])];
        let path = form_urlencoded::byte_serialize(value.as_bytes()).collect::<String>().replace('+', "%20");
        for place in [
            format!("Patient?{name}&_sort=-birthdate"),
            format!("Patient?{any}&_total=accurate"),
            format!("Observation?subject:Patient.{name}&_count=2"),
            format!("Patient?{key}"),
            format!("Patient?birthdate={path}"),
            format!("Patient?_sort={path}"),
            format!("Patient?_count={path}"),
            format!("Patient?_page={path}"),
            format!("Patient?name:{path}=x"),
            format!("Patient/{path}"),
            format!("Patient/{path}/_history/{path}"),
            format!("{path}/1"),
            format!("{path}?name=x"),
            format!("Condition?subject={path}"),
        ] {
            ask(&doctor, &place);
        }
    }
    for login in ["frontdesk", "nogroup", "hash-sha1"] {
        ask(&process.user(login), "Patient?_count=5");
        ask(&process.user(login), "Observation?_count=5");
    }
    ask(&Client::basic(process.address, "somebody-unknown", "secret-of-somebody"), "Patient/1");
    ask(&Client::basic(process.address, "frontdesk", "mistyped-secret"), "Patient/1");
    for kind in demo().types() {
        ask(&doctor, &format!("{kind}?_count=100"));
    }
    let form = [("Content-Type", "application/x-www-form-urlencoded"), ("X-Request-Id", "Zoë")];
    doctor.send("POST", "Patient/_search", &form, &query(&[("name", "Zoë"), ("Zoë", "x")]));
    errors
}

#[test]
fn neither_the_log_nor_an_error_tells_about_a_person() {
    let today = jiff::Timestamp::now().to_string();
    let long = |value: &String| value.len() >= 5 && !value.chars().all(|letter| letter.is_ascii_lowercase());
    let mut values: BTreeSet<String> = demo().database.texts(VALUES).into_iter().filter(long).collect();
    values.retain(|value| !today.starts_with(value.as_str()));
    assert!(values.len() > 500 && values.iter().any(|value| value.starts_with("19")), "{}", values.len());
    // The lowest level writes what the others write, and more.
    let level = "trace";
    let process = Process::serve(&demo().database.url, &["--log-level", level, "--login-max-attempt", "50"]);
    let process = process.unwrap_or_else(|said| panic!("{said}"));
    let errors = busy(&process, &values);
    assert!(errors.len() > 200, "most of it is refused: {}", errors.len());
    for (sent, body) in errors {
        let told =
            values.iter().find(|value| body.contains(value.as_str()) && !sent.contains(value.as_str()));
        assert_eq!(told, None, "{sent}: {body}");
    }
    let log = process.end();
    assert!(log.lines().count() > 500, "a request is at least a line");
    let (_, log) = log.split_once("listening on ").unwrap();
    let more = [
        "doctor",
        "frontdesk",
        "somebody-unknown",
        "nogroup",
        "hash-sha1",
        "secret-of-somebody",
        "mistyped-secret",
        "-demo",
        "gnusolidario",
        "Zoë",
    ];
    for value in values.iter().map(String::as_str).chain(more) {
        let line = log.lines().find(|line| line.contains(value));
        assert_eq!(line, None, "{value} is in the log at {level}");
    }
}
