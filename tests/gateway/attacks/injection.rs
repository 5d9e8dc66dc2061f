//! SQL, LIKE, JSON, headers and logs: what is sent is a value, wherever it is sent.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

use super::{Target, encoded, parameters, some, timely};
use crate::harness::{Client, Database, demo};

/// Hardly any of them is in the hospital, which has some odd names.
const PAYLOADS: [&str; 20] = [
    "' OR '1'='1",
    "'; DROP TABLE party_party; --",
    "1; SELECT pg_sleep(5)",
    "') UNION SELECT password_hash FROM res_user --",
    "\\'; SELECT 1; --",
    "\" OR 1=1 --",
    "$$; SELECT pg_sleep(5); $$",
    "$1",
    "%(id)s",
    "E'\\x41'",
    "/* */",
    "%",
    "%%%%_",
    "_",
    "\\\\%x",
    "{\"$ne\":null}",
    "{{7*7}}${7*7}#{7*7}",
    "<script>alert(1)</script>",
    "\u{202e}\u{feff}\u{0301}\u{1F4A9}",
    "a\r\nX-Evil: 1",
];

fn total(bundle: &Value) -> i64 {
    bundle["total"].as_i64().expect("a total")
}

#[test]
fn every_parameter_takes_it_as_a_value() {
    let target = Target::start(&[]);
    let mut asked = 0;
    for (kind_at, (kind, parameters)) in some(parameters(&target.doctor), 3).into_iter().enumerate() {
        if target.doctor.get(&format!("{kind}?_count=1")).status != 200 {
            continue;
        }
        let all = total(&target.doctor.ok(&format!("{kind}?_summary=count")));
        for (index, (name, form)) in parameters.iter().enumerate() {
            // Every payload for the parameters of patients, a few for each of the others.
            let payloads = PAYLOADS.iter().enumerate();
            for (_, payload) in payloads.filter(|(at, _)| kind == "Patient" || (at + index) % 7 == 0) {
                let modifiers: &[&str] = match form.as_str() {
                    "string" => &["", ":exact", ":contains"],
                    "token" => &["", ":text"],
                    _ => &[""],
                };
                for modifier in modifiers {
                    let place = format!("{kind}?{name}{modifier}={}&_summary=count", encoded(payload));
                    let response = target.get(&place);
                    asked += 1;
                    match response.status {
                        // Some texts hold a `%` or a `_`: no wildcards, but letters as others.
                        200 if payload.len() == 1 => assert!(total(&response.json()) * 2 <= all, "{place}"),
                        200 => assert!(total(&response.json()) < 3, "{place}"),
                        status => assert!([400, 403].contains(&status), "{place}: {}", response.text()),
                    }
                    assert!(response.header("x-evil").is_none());
                }
            }
        }
        let payloads = PAYLOADS.into_iter().enumerate();
        for (_, payload) in payloads.filter(|(at, _)| kind == "Patient" || (at + kind_at) % 10 == 0) {
            for place in [
                format!("{kind}?{}=1", encoded(payload)),
                format!("{kind}?_sort={}", encoded(payload)),
                format!("{kind}?_elements={}", encoded(payload)),
                format!("{kind}?_count={}", encoded(payload)),
                format!("{kind}?_page={}", encoded(payload)),
                format!("{kind}?patient.{}=1", encoded(payload)),
                format!("{kind}?patient:{}=1", encoded(payload)),
                format!("{kind}?_has:{}:patient:_id=1", encoded(payload)),
                format!("{kind}?_has:Condition:{}:_id=1", encoded(payload)),
                format!("{kind}?_has:Condition:patient:{}=1", encoded(payload)),
                format!("{kind}?_include={}", encoded(payload)),
                format!("{kind}?_revinclude=Condition:{}", encoded(payload)),
                format!("{kind}?_filter={}", encoded(payload)),
            ] {
                let status = target.get(&place).status;
                assert!([400, 403].contains(&status), "{place}: {status}");
            }
            if kind == "Patient" {
                for name in ["code", "_id", "encounter.identifier", "asserter:Practitioner.name:contains"] {
                    let place =
                        format!("Patient?_has:Condition:patient:{name}={}&_summary=count", encoded(payload));
                    let response = target.get(&place);
                    match response.status {
                        200 => assert!(payload.len() == 1 || total(&response.json()) < 3, "{place}"),
                        status => assert!([400, 403].contains(&status), "{place}: {}", response.text()),
                    }
                }
            }
            let status = target.get(&format!("{kind}/{}", encoded(payload))).status;
            // A `$` begins the name of an operation; none is offered.
            let expected: &[u16] = if payload.starts_with('$') { &[405] } else { &[403, 404] };
            assert!(expected.contains(&status), "{kind}/{payload}: {status}");
        }
    }
    assert!(asked > 500, "{asked}");
    target.survived();
}

#[test]
fn headers_and_credentials_take_it_as_a_value() {
    let database = Database::copy("attack_credentials");
    let target =
        Target::over(&database.url, &["--login-max-attempt", "1000", "--login-max-attempt-network", "1000"]);
    for payload in PAYLOADS.into_iter().filter(|payload| !payload.contains('\n')).step_by(2) {
        for name in [
            "Accept",
            "Accept-Language",
            "Accept-Encoding",
            "Prefer",
            "If-None-Match",
            "If-Modified-Since",
            "X-Request-Id",
            "X-Forwarded-For",
            "X-Forwarded-Host",
            "X-Forwarded-Proto",
            "Forwarded",
            "Origin",
            "Cookie",
            "Range",
            "User-Agent",
            "Content-Type",
        ] {
            let response = target.send("GET", "Patient?_count=2", &[(name, payload)], "");
            assert!([200, 400, 406].contains(&response.status), "{name}: {payload}: {}", response.status);
            let id = response.header("x-request-id").unwrap();
            assert!(id.bytes().all(|byte| byte.is_ascii_graphic()), "{id}");
        }
        for (login, password) in [(payload, "doctor-demo"), ("doctor", payload), (payload, payload)] {
            let client = Client::basic(target.process.address, login, password);
            // Failures of one login delay the next.
            database.run("DELETE FROM res_user_login_attempt");
            let status = client.get("Patient/1").status;
            assert!([400, 401].contains(&status), "{login}: {status}");
        }
        let token = STANDARD.encode(payload);
        for header in [
            payload.to_owned(),
            format!("Basic {payload}"),
            format!("Basic {token}"),
            format!("Bearer {payload}"),
        ] {
            let anonymous = Client::anonymous(target.process.address);
            let status = timely("credential", || {
                anonymous.send("GET", "Patient/1", &[("Authorization", &header)], "")
            })
            .status;
            assert!([400, 401].contains(&status), "{header}: {status}");
        }
    }
    target.survived();
}

#[test]
fn texts_of_records_stay_texts() {
    let database = Database::copy("attack_texts");
    let target = Target::over(&database.url, &[]);
    let texts = [
        r#"","resourceType":"Basic","x":""#,
        "a\\\",\"id\":\"999",
        "</script>\u{2028}\u{0}".trim_end_matches('\0'),
        "line\r\nX-Evil: 1",
        "\u{1}\u{7f}\u{85}",
    ];
    for text in texts {
        let quoted = text.replace('\'', "''");
        database.run(&format!(
            "UPDATE party_party SET lastname = '{quoted}' WHERE id = (SELECT party FROM gnuhealth_patient WHERE id = 1)"
        ));
        let response = target.get("Patient/1");
        let patient = response.json();
        assert_eq!(
            (patient["resourceType"].as_str(), patient["id"].as_str()),
            (Some("Patient"), Some("1")),
            "{text}"
        );
        assert!(patient["x"].is_null() && response.header("x-evil").is_none());
        let found = target
            .doctor
            .search("Patient", &[("family:exact", &text.replace('\\', "\\\\").replace(',', "\\,"))]);
        assert!(found.status < 500, "{}", found.text());
    }
    target.survived();
    assert!(demo().database.number("SELECT count(*) FROM party_party") > 100, "nothing was dropped");
}
