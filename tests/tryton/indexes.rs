//! Indexes that are printed can be made, are known afterwards, and are used.

use std::process::{Command, Output};

use crate::random::Copy;

/// What a command prints, and whether it succeeded.
fn program(arguments: &[&str], url: &str) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gnuhealth-fhir"));
    command.args(arguments).args(["--database-url", url, "--site", "http://hospital.example"]);
    let Output { status, stdout, stderr } = command.output().expect("the program starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (status.success(), text(&stdout) + &text(&stderr))
}

/// Searches, and the index that PostgreSQL uses for each where it cannot read whole tables.
const USED: [(&str, [&str; 2]); 6] = [
    (
        "Observation?patient=1&_sort=-date",
        ["fhir_gnuhealth_patient_evaluation_patient_evaluation_start_desc"; 2],
    ),
    (
        "Immunization?patient=1&_sort=-date",
        ["fhir_gnuhealth_vaccination_patient_date_desc", "fhir_gnuhealth_vaccination_name_date_desc"],
    ),
    ("Appointment?date=2026-01-01", ["fhir_gnuhealth_appointment_appointment_date"; 2]),
    ("Patient?family=mar", ["fhir_party_party_lastname_starts"; 2]),
    ("Patient?family=mar", ["fhir_gnuhealth_person_name_family_starts"; 2]),
    ("Location?address-city=x&_summary=count", ["fhir_gnuhealth_du_address_city_starts"; 2]),
];

fn indexes(original: &str, test: &str) {
    let Some(copy) = Copy::of(original, test) else {
        println!("skipped: GNUHEALTH_FHIR_TEST_PG is not set, or has no {original}");
        return;
    };
    let (done, few) = program(&["indexes"], &copy.url);
    assert!(done && few.contains("no index is missing"), "the tables of {original} are small: {few}");
    copy.run("UPDATE pg_class SET reltuples = 500000 WHERE relname = 'gnuhealth_patient_evaluation';");
    let (done, told) = program(&["check"], &copy.url);
    assert!(done && told.contains("read whole tables of many rows: gnuhealth_patient_evaluation;"), "{told}");
    copy.run("ANALYZE;");

    let workload = tempfile::NamedTempFile::new().expect("a temporary file");
    let file = workload.path().to_str().expect("UTF-8");
    std::fs::write(&workload, "# by hand\n\nPatient?nonsense=1\n").expect("it can be written");
    let (done, refused) = program(&["indexes", "--workload", file], &copy.url);
    assert!(!done && refused.contains("Patient?nonsense=1: nonsense"), "{refused}");
    std::fs::write(&workload, "Location?address-city=x\n").expect("it can be written");
    let (done, own) = program(&["indexes", "--rows", "0", "--workload", file], &copy.url);
    assert!(done && own.contains("fhir_gnuhealth_du_address_city_starts"), "{own}");
    copy.run(&own);

    let (done, script) = program(&["indexes", "--rows", "0"], &copy.url);
    assert!(done && script.matches("CREATE INDEX").count() > 50, "{script}");
    copy.run(&script);
    let (done, again) = program(&["indexes", "--rows", "0"], &copy.url);
    assert!(done && again.contains("no index is missing"), "{again}");

    copy.run(&format!("ALTER DATABASE {} SET enable_seqscan = off;", copy.name));
    for (search, names) in USED {
        let index = names[usize::from(original == "gh44")];
        let (done, plan) = program(&["explain", search], &copy.url);
        assert!(done && plan.contains(index), "{original} {search}: {plan}");
    }
}

#[test]
fn indexes_are_made_known_and_used_on_5_0() {
    indexes("gh50", "indexes_50");
}

#[test]
fn indexes_are_made_known_and_used_on_4_4() {
    indexes("gh44", "indexes_44");
}
