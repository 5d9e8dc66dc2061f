//! What trytond itself shows to a user is what the gateway shows. Needs the databases and the environments that
//! `tests/gnuhealth/build` makes; without them it says so and passes.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use crate::harness::{Site, all_ids, python, sites};

/// Type, prefix of the ids, model, and what of it is served, in the names of 5.0.
const SOURCES: [(&str, &str, &str, &str); 12] = [
    ("Patient", "", "gnuhealth.patient", "[]"),
    ("Practitioner", "", "gnuhealth.healthprofessional", "[]"),
    ("Organization", "inst-", "gnuhealth.institution", "[]"),
    ("Organization", "unit-", "gnuhealth.hospital.unit", "[]"),
    ("Organization", "ins-", "party.party", r#"[["is_insurance_company", "=", true]]"#),
    (
        "Condition",
        "pd-",
        "gnuhealth.patient.disease",
        r#"[["patient", "!=", null], ["is_allergy", "=", false], ["OR", ["allergy_type", "=", null], ["allergy_type", "=", ""]]]"#,
    ),
    (
        "Condition",
        "ed-",
        "gnuhealth.patient.evaluation",
        r#"[["patient", "!=", null], ["diagnosis", "!=", null]]"#,
    ),
    ("Condition", "sc-", "gnuhealth.secondary_condition", r#"[["evaluation.patient", "!=", null]]"#),
    ("Condition", "dh-", "gnuhealth.diagnostic_hypothesis", r#"[["evaluation.patient", "!=", null]]"#),
    (
        "Condition",
        "ia-",
        "gnuhealth.inpatient.registration",
        r#"[["patient", "!=", null], ["admission_reason", "!=", null]]"#,
    ),
    (
        "Condition",
        "so-",
        "gnuhealth.surgery",
        r#"[["patient", "!=", null], ["postoperative_dx", "!=", null]]"#,
    ),
    (
        "Observation",
        "lab-",
        "gnuhealth.lab.test.critearea",
        r#"[["gnuhealth_lab_id.patient", "!=", null],
            ["OR", ["result", "!=", null], ["result_text", "not in", [null, ""]], ["excluded", "=", true]]]"#,
    ),
];
const USERS: [&str; 6] = ["doctor", "nurse", "frontdesk", "lab", "nogroup", "doctorfrontdesk"];

/// Asks all questions at once.
fn ask(python: &PathBuf, url: &str, questions: &[Value]) -> Vec<Value> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/gnuhealth/oracle.py");
    let mut child = Command::new(python)
        .args([script, url])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the interpreter of trytond starts");
    let lines: String = questions.iter().map(|question| format!("{question}\n")).collect();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().expect("trytond reads the questions");
    let answers: Vec<Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(answers.len(), questions.len(), "trytond answers every question");
    answers
}

/// The domain in the names of the series.
fn domain(site: &Site, model: &str, domain: &str) -> Value {
    let older = site.name == "4.4" && model == "gnuhealth.patient.disease";
    let domain = if older { domain.replace("[\"patient\"", "[\"name\"") } else { domain.to_owned() };
    serde_json::from_str(&domain).unwrap()
}

fn compare(site: &Site, python: &PathBuf) {
    let mut questions = Vec::new();
    for login in USERS {
        for (_, _, model, wanted) in SOURCES {
            questions.push(json!({
                "user": login, "op": "search_read", "model": model, "domain": domain(site, model, wanted),
                "fields": ["id"], "context": { "active_test": false },
            }));
        }
    }
    let mut answers = ask(python, &site.database.url, &questions).into_iter();
    let (mut shown, mut closed) = (0, 0);
    for login in USERS {
        let client = site.user(login);
        let mut known: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for (kind, prefix, model, _) in SOURCES {
            let answer = answers.next().unwrap();
            let truth: BTreeSet<String> = match answer["result"].as_array() {
                Some(rows) => rows.iter().map(|row| format!("{prefix}{}", row["id"])).collect(),
                None => {
                    assert!(
                        answer["error"]
                            .as_str()
                            .is_some_and(|error| error.contains("Access") || error == "UserError"),
                        "{model}: {answer}"
                    );
                    BTreeSet::new()
                }
            };
            let found =
                known.entry(kind).or_insert_with(|| match client.get(&format!("{kind}?_count=1")).status {
                    403 => BTreeSet::new(),
                    _ => all_ids(&client, kind, &[]),
                });
            let found: BTreeSet<String> = found.iter().filter(|id| id.starts_with(prefix)).cloned().collect();
            assert_eq!(found, truth, "{} {login} {model}: gateway and trytond", site.name);
            if truth.is_empty() { closed += 1 } else { shown += 1 }
        }
    }
    assert!(shown > 20 && closed > 5, "{}: {shown} shown, {closed} closed", site.name);
}

fn every_user_sees_what_trytond_shows(series: &str) {
    let site = sites().iter().find(|site| site.name == series);
    match site.map(|site| (site, python(series))) {
        Some((site, Some(python))) => compare(site, &python),
        _ => {
            let _ = writeln!(
                std::io::stderr(),
                "gateway: skipped the comparison with trytond {series}: no database or no environment"
            );
        }
    }
}

#[test]
fn every_user_of_5_0_sees_what_trytond_shows() {
    every_user_sees_what_trytond_shows("5.0");
}

#[test]
fn every_user_of_4_4_sees_what_trytond_shows() {
    every_user_sees_what_trytond_shows("4.4");
}
