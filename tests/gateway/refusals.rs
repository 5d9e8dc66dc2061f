//! When `serve` and `check` do not start, and what they say.

use std::{fs, net::TcpListener};

use crate::harness::{Database, Ended, Process, demo, run};

/// Both commands end with 1 and say these.
fn refused(database: &str, arguments: &[&str], sentences: &[&str]) -> String {
    let mut all = String::new();
    for command in ["serve", "check"] {
        let Ended { code, stdout, stderr } = run(command, database, arguments);
        assert_eq!(code, Some(1), "{command}: {stdout}{stderr}");
        for sentence in sentences {
            assert!(stderr.contains(sentence), "{command}: {sentence:?} is missing: {stderr}");
        }
        let secret = database.split([':', '@']).nth(2).unwrap_or_default();
        assert!(
            secret.len() < 5 || !format!("{stdout}{stderr}").contains(secret),
            "{command} tells the password"
        );
        all = stderr;
    }
    all
}

fn place(url: &str) -> (&str, &str) {
    url.rsplit_once('/').unwrap()
}

#[test]
fn a_database_that_is_not_there() {
    let (server, name) = place(&demo().database.url);
    let said = refused(
        &format!("{server}/hospitale"),
        &[],
        &["there is no database named \"hospitale\"", "hospital"],
    );
    assert!(said.contains(name), "{name} is listed: {said}");
    let (_, rest) = server.rsplit_once('@').unwrap();
    refused(
        &format!("postgresql://postgres:wrong-password@{rest}/{name}"),
        &[],
        &["PostgreSQL refuses the role \"postgres\""],
    );
    refused("nonsense", &[], &["postgresql://"]);
}

#[test]
fn a_database_that_is_none_of_gnu_health() {
    let empty = Database::empty("empty");
    let said = refused(&empty.url, &[], &["Tryton"]);
    assert!(said.starts_with("error: "), "{said}");
    let without = Database::copy("without_health");
    without.run("UPDATE ir_module SET state = 'not activated' WHERE name LIKE 'health%'");
    refused(&without.url, &[], &["health", "activated"]);
}

#[test]
fn a_database_whose_texts_are_not_utf_8() {
    let (server, _) = place(&demo().database.url);
    demo()
        .database
        .run("CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
    refused(&format!("{server}/latin"), &[], &["the encoding of this database is LATIN1", "ENCODING 'UTF8'"]);
}

#[test]
fn the_grants_that_are_missing_are_the_ones_to_run() {
    let database = Database::copy("grants");
    let reader = database.as_reader("poor", "");
    let mut rounds = 0;
    loop {
        let Ended { code, stderr, stdout } = run("check", &reader.url, &[]);
        if code == Some(0) {
            break;
        }
        let grants: Vec<&str> =
            stderr.lines().filter(|line| line.trim_start().starts_with("GRANT ")).collect();
        assert!(!grants.is_empty(), "round {rounds}: no GRANT in {stdout}{stderr}");
        rounds += 1;
        assert!(rounds <= 2, "one round for the catalogue, one for the mappings: {stderr}");
        database.run(&grants.join("\n"));
    }
    assert!(rounds > 0, "a role without any right is enough?");
    let process = Process::serve(&reader.url, &[]).unwrap_or_else(|said| panic!("{said}"));
    for kind in demo().types() {
        process.user("doctor").ok(&format!("{kind}?_count=500"));
        process.user("doctor").ok(&format!("{kind}?_count=5&_sort=-_lastUpdated&_total=accurate"));
    }
    process.user("doctor").ok("Condition?subject:Patient.name=a&_count=5");
    let spanish = process.user("doctor").send("GET", "Patient?_count=50", &[("Accept-Language", "es")], "");
    assert_eq!(spanish.status, 200, "translations: {}", spanish.text());
    assert_eq!(process.user("nurse").get("Observation?_count=500").status, 200);
    let said = process.end();
    assert!(!said.contains("ERROR") && !said.contains("permission"), "{said}");
}

#[test]
fn a_port_that_is_taken_and_a_mapping_that_is_wrong() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let Ended { code, stderr, .. } = run("serve", &demo().database.url, &["--listen", &address]);
    assert_eq!(code, Some(1), "{stderr}");
    assert!(
        stderr.contains(&format!("cannot listen on {address}")) && stderr.contains("--listen"),
        "{stderr}"
    );

    let folder = tempfile::tempdir().unwrap();
    let mapping =
        "type = \"Person\"\nmodel = \"party.party\"\n\n[element]\nbirthDate = \"dobb\"\ngendr = \"gender\"\n";
    fs::write(folder.path().join("Person.toml"), mapping).unwrap();
    let mappings = ["--mappings-dir", folder.path().to_str().unwrap()];
    let expected = [
        "Person.toml:5:13: field-unknown: expected a field of party.party, found `dobb`",
        "did you mean `dob`?",
        "Person.toml:6:1: element-unknown",
        "nothing is served until they are mended",
    ];
    refused(&demo().database.url, &mappings, &expected);
    refused(
        &demo().database.url,
        &["--mappings-dir", "/no/such/folder"],
        &["/no/such/folder cannot be read"],
    );
    fs::write(
        folder.path().join("Person.toml"),
        mapping.replace("dobb", "dob").replace("gendr = \"gender\"\n", ""),
    )
    .unwrap();
    let mended = run("check", &demo().database.url, &mappings);
    assert_eq!(mended.code, Some(0), "{}{}", mended.stdout, mended.stderr);
    assert!(mended.stdout.contains("Person"), "{}", mended.stdout);
}
