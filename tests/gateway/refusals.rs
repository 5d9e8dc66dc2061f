//! When `serve` and `check` do not start, and what they say.

use std::{collections::BTreeSet, fs, net::TcpListener};

use crate::harness::{Client, Database, Ended, Process, demo, run};

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

/// Every kind of request that reads something of its own.
fn serves_everything(process: &Process) {
    let doctor = process.user("doctor");
    // What Tryton closes to a doctor (invoices) and what is not searched says so; a missing grant would be a failure.
    let mut open = 0;
    for kind in demo().types() {
        let first = doctor.get(&format!("{kind}?_count=500"));
        assert!([200, 403, 405].contains(&first.status), "{kind}: {}", first.text());
        if first.status == 200 {
            doctor.ok(&format!("{kind}?_count=5&_sort=-_lastUpdated&_total=accurate"));
            open += 1;
        }
    }
    assert!(open > 40, "{open} types");
    process.user("doctor").ok("Condition?subject:Patient.name=a&_count=5");
    let spanish = process.user("doctor").send("GET", "Patient?_count=50", &[("Accept-Language", "es")], "");
    assert_eq!(spanish.status, 200, "translations: {}", spanish.text());
    assert_eq!(process.user("nurse").get("Observation?_count=500").status, 200);
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
    serves_everything(&process);
    let said = process.end();
    assert!(!said.contains("ERROR") && !said.contains("permission"), "{said}");
    assert_eq!(readable(&database, "poor"), granted(&database, "thrifty", &[]), "no more, no less");
}

/// Tables that a role may read.
fn readable(database: &Database, role: &str) -> BTreeSet<String> {
    database.texts(&format!(
        "SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
         AND has_table_privilege('{role}', oid, 'SELECT')"
    ))
}

/// Makes a role with what `grants` prints, in a database where nobody may do anything by default; what it may read.
fn granted(database: &Database, role: &str, flags: &[&str]) -> BTreeSet<String> {
    let Ended { code, stdout, stderr } = run("grants", &database.url, &[&["--role", role], flags].concat());
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    assert!(stdout.lines().all(|line| line.starts_with("GRANT ") && line.ends_with(';')), "{stdout}");
    database.run(&format!(
        "CREATE ROLE {role} LOGIN PASSWORD 'reader';
         REVOKE ALL ON SCHEMA public FROM PUBLIC;
         DO $$ BEGIN EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database()); END $$;
         {stdout}"
    ));
    readable(database, role)
}

#[test]
fn a_role_with_the_printed_grants_serves_everything() {
    let database = Database::copy("grants_printed");
    // A record rule whose path leads to a table that no mapping has.
    database.run(
        "INSERT INTO ir_rule_group (name, model, global_p, default_p, perm_read)
         SELECT 'path', id, TRUE, FALSE, TRUE FROM ir_model WHERE model = 'gnuhealth.patient';
         INSERT INTO ir_rule (rule_group, domain)
         SELECT max(id), '[[\"create_uid.menu.type\", \"!=\", \"none\"]]' FROM ir_rule_group",
    );
    let least = granted(&database, "least", &[]);
    assert!(least.contains("ir_action"), "{least:?}");
    for closed in ["res_user_login_attempt", "ir_session", "ir_cron", "ir_trigger"] {
        assert!(!least.contains(closed), "{closed}");
    }
    let process = Process::serve(&database.as_role("least").url, &[]).unwrap_or_else(|said| panic!("{said}"));
    serves_everything(&process);
    let key = "INSERT INTO ir_session (key, create_uid, create_date)
        SELECT 'abc', id, timezone('UTC', now()) FROM res_user WHERE login = 'nurse'";
    database.run(key);
    let nurse = database.number("SELECT id::int8 FROM res_user WHERE login = 'nurse'");
    Client::session(process.address, "", nurse, "abc").get("Patient/1").is(401, "credential-scheme");
    Client::basic(process.address, "lab", "wrong").get("Patient/1").is(401, "credential-wrong");
    assert_eq!(database.number("SELECT count(*) FROM res_user_login_attempt"), 0);
    let said = process.end();
    assert!(said.contains("counted in memory") && !said.contains("permission"), "{said}");

    let more = granted(&database, "more", &["--login-attempts", "--sessions"]);
    let added: Vec<_> = more.difference(&least).map(String::as_str).collect();
    assert_eq!(added, ["ir_session", "res_user_login_attempt"]);
    let process = Process::serve(&database.as_role("more").url, &[]).unwrap_or_else(|said| panic!("{said}"));
    assert_eq!(Client::session(process.address, "", nurse, "abc").get("Patient/1").status, 200);
    Client::basic(process.address, "lab", "wrong").get("Patient/1").is(401, "credential-wrong");
    assert_eq!(database.number("SELECT count(*) FROM res_user_login_attempt"), 1);
    let said = process.end();
    assert!(!said.contains("in memory") && !said.contains("permission"), "{said}");
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
