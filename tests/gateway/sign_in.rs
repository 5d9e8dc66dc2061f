//! Signing in with what Tryton keeps.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use crate::harness::{Client, Database, Gateway, demo, password, sites};

#[test]
fn every_kind_of_hash_that_tryton_left_behind_signs_in() {
    for site in sites() {
        let users =
            ["hash-argon2", "hash-scrypt", "hash-bcrypt", "hash-pbkdf2", "hash-sha1", "hash-bcrypt-legacy"];
        for login in users.into_iter().chain(["doctor", "doctor2", "reset"]) {
            let response = site.user(login).get("Patient/1");
            assert_eq!(response.status, 200, "{} {login}: {}", site.name, response.text());
        }
        for login in users {
            Client::basic(site.gateway.address, login, "gnusolidari")
                .get("Patient/1")
                .is(401, "credential-wrong");
        }
    }
}

/// Status, challenge and outcome of a refusal.
fn refused(client: &Client, code: &str) -> String {
    let response = client.get("Patient/1");
    response.is(401, code);
    let challenge = response.header("www-authenticate").expect("a challenge");
    assert_eq!(challenge, "Basic realm=\"GNU Health\", charset=\"UTF-8\", Bearer realm=\"GNU Health\"");
    response.anonymous_text()
}

#[test]
fn who_cannot_sign_in_learns_nothing() {
    for site in sites() {
        let as_user = |login: &str, password: &str| Client::basic(site.gateway.address, login, password);
        let wrong = refused(&as_user("doctor", "doctor-Demo"), "credential-wrong");
        for (login, word) in [
            ("nobody-of-that-name", "x"),
            ("inactive", "inactive-demo"),
            ("nohash", ""),
            ("nohash", "nohash-demo"),
            ("root", ""),
            ("Doctor", "doctor-demo"),
            ("doctor ", "doctor-demo"),
            ("doctor2", ""),
        ] {
            assert_eq!(refused(&as_user(login, word), "credential-wrong"), wrong, "{} {login}", site.name);
        }
        refused(&site.gateway.anybody(), "credential-missing");
        assert_eq!(site.gateway.anybody().get("Patient").status, 401);
        assert_eq!(site.gateway.anybody().get("Encounter").status, 401, "also of what is not served");
        assert_eq!(site.gateway.anybody().get("metadata").status, 200);
        assert_eq!(site.gateway.anybody().get("/livez").status, 200);
    }
}

/// Until this status comes; how long it took.
fn until(client: &Client, status: u16) -> Duration {
    let start = Instant::now();
    while client.get("Patient/1").status != status {
        assert!(start.elapsed() < Duration::from_millis(1500), "no {status} within 1.5 s");
        sleep(Duration::from_millis(20));
    }
    start.elapsed()
}

#[test]
fn a_user_that_is_closed_or_changed_is_out_at_once() {
    let database = Database::copy("changing");
    let gateway = Gateway::open(&database.url, "");
    for login in ["doctor", "doctor2", "nurse"] {
        assert_eq!(gateway.user(login).get("Patient/1").status, 200);
    }
    database.run("UPDATE res_user SET active = FALSE WHERE login = 'doctor2'");
    until(&gateway.user("doctor2"), 401);
    database.run("UPDATE res_user SET password_hash = (SELECT password_hash FROM res_user WHERE login = 'doctor') WHERE login = 'nurse'");
    until(&gateway.user("nurse"), 401);
    let nurse = Client::basic(gateway.address, "nurse", &password("doctor"));
    assert_eq!(nurse.get("Patient/1").status, 200, "the new password holds");
    database.run("DELETE FROM res_user WHERE login = 'hash-sha1'");
    assert_eq!(gateway.user("hash-sha1").get("Patient/1").status, 401);
    database.run("UPDATE res_user SET active = TRUE WHERE login = 'doctor2'");
    sleep(Duration::from_millis(900));
    assert_eq!(gateway.user("doctor2").get("Patient/1").status, 200, "and in again");
    assert_eq!(gateway.user("doctor").get("Patient/1").status, 200, "nobody else was touched");
}

/// Fails until it is told to wait.
fn throttled(gateway: &Gateway, login: &str) {
    let wrong = Client::basic(gateway.address, login, "wrong");
    wrong.get("Patient/1").is(401, "credential-wrong");
    wrong.get("Patient/1").is(401, "credential-wrong");
    let response = wrong.get("Patient/1");
    response.is(429, "sign-in-throttled");
    let seconds: u32 = response.header("retry-after").expect("Retry-After").parse().unwrap();
    assert!((1..=300).contains(&seconds), "{seconds}");
    gateway.user(login).get("Patient/1").is(429, "sign-in-throttled");
}

const STRICT: &str = "login_max_attempt = 1";
const ATTEMPTS: &str = "SELECT count(*) FROM res_user_login_attempt WHERE login = 'lab'";

#[test]
fn failures_are_limited_in_the_table_of_tryton() {
    let database = Database::copy("limited");
    let gateway = Gateway::open(&database.url, STRICT);
    throttled(&gateway, "lab");
    assert!(database.number(ATTEMPTS) >= 2, "Tryton counts them too");
    assert_eq!(gateway.user("doctor").get("Patient/1").status, 200, "others go on");
    let other = Gateway::open(&database.url, STRICT);
    other.user("lab").get("Patient/1").is(429, "sign-in-throttled");
    database.run("DELETE FROM res_user_login_attempt");
    assert_ne!(gateway.user("lab").get("Patient/1").status, 429);
}

#[test]
fn a_role_that_may_only_read_is_enough() {
    let database = Database::copy("readonly");
    let reader = database.as_reader("reader", "ALL TABLES IN SCHEMA public");
    let gateway = Gateway::open(&reader.url, STRICT);
    let (own, shared) = (gateway.user("doctor"), demo().user("doctor"));
    for kind in demo().types() {
        let strip = |client: &Client| {
            let response = client.get(&format!("{kind}?_count=50&_total=accurate"));
            if response.status != 200 {
                // Closed to doctors, or not searched.
                assert!([403, 405].contains(&response.status), "{kind}: {}", response.text());
                return response.status.to_string();
            }
            let bundle = response.json();
            let mut text = format!("{} {}", bundle["entry"], bundle["total"]);
            text = text.replace(&client.address.to_string(), "…");
            text
        };
        assert_eq!(strip(&own), strip(&shared), "{kind}");
    }
    throttled(&gateway, "lab");
    assert_eq!(database.number(ATTEMPTS), 0, "counted in memory");
    assert_eq!(database.number("SELECT count(*) FROM res_user_login_attempt"), 0);
}

/// A row of `res_user_application`.
fn application(database: &Database, login: &str, name: &str, key: &str, state: &str) {
    database.run(&format!(
        "INSERT INTO res_user_application (\"user\", application, key, state)
         VALUES ((SELECT id FROM res_user WHERE login = '{login}'), '{name}', '{key}', '{state}')"
    ));
}

#[test]
fn an_application_key_is_its_user() {
    let database = Database::copy("keys");
    for (login, name, key, state) in [
        ("nurse", "fhir", "nurse-key", "validated"),
        ("nurse", "fhir", "requested-key", "requested"),
        ("nurse", "fhir", "cancelled-key", "cancelled"),
        ("nurse", "timesheet", "other-key", "validated"),
        ("inactive", "fhir", "inactive-key", "validated"),
        ("nobody-of-that-name", "fhir", "ownerless-key", "validated"),
        ("nurse", "fhir", "shared-key", "validated"),
        ("doctor", "fhir", "shared-key", "validated"),
    ] {
        application(&database, login, name, key, state);
    }
    let gateway = Gateway::open(&database.url, "");
    let with = |key: &str| Client::bearer(gateway.address, key);
    let (own, nurse) = (with("nurse-key"), gateway.user("nurse"));
    for place in ["Patient/1", "Patient?_count=5", "Observation?_count=5", "Condition?_count=5"] {
        assert_eq!(own.get(place).json()["entry"], nurse.get(place).json()["entry"], "{place}");
        assert_eq!(own.get(place).status, nurse.get(place).status, "{place}");
    }
    let wrong = refused(&with("no-such-key"), "credential-wrong");
    for key in [
        "requested-key",
        "cancelled-key",
        "other-key",
        "inactive-key",
        "ownerless-key",
        "shared-key",
        "NURSE-KEY",
        "nurse-ke",
        "nurse-key=",
        "nurse",
    ] {
        assert_eq!(refused(&with(key), "credential-wrong"), wrong, "{key}");
    }
    let basic = Client::basic(gateway.address, "nurse", "nurse-key");
    refused(&basic, "credential-wrong");
    assert_eq!(database.number("SELECT count(*) FROM res_user_login_attempt"), 1, "only the password counts");

    let renamed = Gateway::open(&database.url, "application = \"timesheet\"");
    assert_eq!(Client::bearer(renamed.address, "other-key").get("Patient/1").status, 200);
    refused(&Client::bearer(renamed.address, "nurse-key"), "credential-wrong");
    application(&database, "nurse", "", "nameless-key", "validated");
    let none = Gateway::open(&database.url, "application = \"\"");
    for key in ["nameless-key", "nurse-key"] {
        refused(&Client::bearer(none.address, key), "credential-wrong");
    }
}

#[test]
fn a_key_that_is_taken_away_is_out_at_once() {
    let database = Database::copy("keys_changing");
    for key in ["first", "second", "third"] {
        application(&database, "nurse", "fhir", key, "validated");
    }
    let gateway = Gateway::open(&database.url, "");
    let with = |key: &str| Client::bearer(gateway.address, key);
    for key in ["first", "second", "third"] {
        assert_eq!(with(key).get("Patient/1").status, 200);
    }
    database.run("UPDATE res_user_application SET state = 'cancelled' WHERE key = 'first'");
    until(&with("first"), 401);
    database.run("DELETE FROM res_user_application WHERE key = 'second'");
    until(&with("second"), 401);
    assert_eq!(with("third").get("Patient/1").status, 200, "the others stay");
    application(&database, "doctor", "fhir", "fourth", "validated");
    until(&with("fourth"), 200);
    database.run("UPDATE res_user SET active = FALSE WHERE login = 'nurse'");
    until(&with("third"), 401);
}

/// Opens a session as Tryton does, so many seconds ago; gives the id of its user.
fn session(database: &Database, login: &str, key: &str, age: i64) -> i64 {
    database.run(&format!(
        "INSERT INTO ir_session (key, create_uid, create_date)
         SELECT '{key}', id, timezone('UTC', now()) - interval '{age} s' FROM res_user WHERE login = '{login}'"
    ));
    database.number(&format!("SELECT id::int8 FROM res_user WHERE login = '{login}'"))
}

#[test]
fn a_session_of_tryton_is_its_user_as_long_as_it_lasts() {
    let database = Database::copy("sessions");
    let gateway = Gateway::open(&database.url, "session_max_age = \"1h\"");
    let key = "5e55104".repeat(9);
    let nurse = session(&database, "nurse", &key, 3000);
    let doctor = session(&database, "doctor", "of-the-doctor", 0);
    let inactive = session(&database, "inactive", "of-the-inactive", 0);
    session(&database, "nurse", "expired", 3605);
    // A clock that runs ahead counts as one that runs behind: Tryton asks for the distance.
    session(&database, "nurse", "ahead", -3000);
    session(&database, "nurse", "far-ahead", -3700);
    session(&database, "root", "of-root", 0);
    let with = |login: &str, user: i64, key: &str| Client::session(gateway.address, login, user, key);
    let own = with("nurse", nurse, &key);
    for place in ["Patient?_count=5", "Observation?_count=5", "Condition?_count=5"] {
        assert_eq!(own.ok(place)["entry"], gateway.user("nurse").ok(place)["entry"], "{place}");
    }
    assert_eq!(with("anybody", nurse, &key).get("Patient/1").status, 200, "the login is not looked at");
    assert_eq!(with("", nurse, "ahead").get("Patient/1").status, 200);
    let wrong = refused(&with("nurse", nurse, "no-such-key"), "credential-wrong");
    for (user, key) in [
        (doctor, &key[..]),
        (nurse, "of-the-doctor"),
        (nurse, &key[1..]),
        (nurse, &key.to_uppercase()),
        (nurse, "expired"),
        (nurse, "far-ahead"),
        (inactive, "of-the-inactive"),
        (0, "of-root"),
        (2_147_483_647, &key),
    ] {
        assert_eq!(refused(&with("nurse", user, key), "credential-wrong"), wrong, "{user} {key}");
    }
    let rows = "SELECT count(*) FROM ir_session WHERE write_date IS NULL AND write_uid IS NULL";
    assert_eq!(database.number(rows), 7, "nothing is noted and nothing removed");
    assert_eq!(database.number("SELECT count(*) FROM res_user_login_attempt"), 0);

    let before = gateway.store.statements(gnuhealth_fhir::store::Class::SignIn);
    let start = Instant::now();
    for _ in 0..20 {
        assert_eq!(own.get("Patient/1").status, 200);
    }
    let looks = gateway.store.statements(gnuhealth_fhir::store::Class::SignIn) - before;
    assert!(looks <= 2 + start.elapsed().as_secs() * 2, "{looks} looks in {:?}", start.elapsed());
    database.run(&format!("DELETE FROM ir_session WHERE key = '{key}'"));
    until(&own, 401);
    assert_eq!(with("", doctor, "of-the-doctor").get("Patient/1").status, 200);
    database.run("UPDATE res_user SET active = FALSE WHERE login = 'doctor'");
    until(&with("", doctor, "of-the-doctor"), 401);
}

#[test]
fn sessions_need_a_role_that_may_read_them() {
    let database = Database::copy("sessions_closed");
    let nurse = session(&database, "nurse", "abc", 0);
    let reader = database.as_reader("closed", "ALL TABLES IN SCHEMA public");
    database.run("REVOKE SELECT ON ir_session FROM closed");
    let gateway = Gateway::open(&reader.url, "");
    refused(&Client::session(gateway.address, "nurse", nurse, "abc"), "credential-scheme");
    assert_eq!(gateway.user("nurse").get("Patient/1").status, 200);
}

#[test]
fn what_the_hospital_does_not_accept_is_not_accepted() {
    let database = Database::copy("methods");
    application(&database, "nurse", "fhir", "nurse-key", "validated");
    let nurse = session(&database, "nurse", "abc", 0);
    for authentications in ["ldap", "password+sms", "ldap, password", "password+sms?ip_address"] {
        let gateway = Gateway::open(&database.url, &format!("authentications = \"{authentications}\""));
        let response = gateway.user("nurse").get("Patient/1");
        response.is(401, "credential-scheme");
        assert!(
            response.text().contains("does not accept a login and a password alone"),
            "{}",
            response.text()
        );
        assert_eq!(response.header("www-authenticate"), Some("Bearer realm=\"GNU Health\""));
        Client::basic(gateway.address, "nobody", "x").get("Patient/1").is(401, "credential-scheme");
        let security = &gateway.anybody().ok("metadata")["rest"][0]["security"];
        assert!(!security.to_string().contains("Basic"), "{security}");
        assert_eq!(Client::bearer(gateway.address, "nurse-key").get("Patient/1").status, 200);
        assert_eq!(Client::session(gateway.address, "", nurse, "abc").get("Patient/1").status, 200);
    }
    assert_eq!(
        database.number("SELECT count(*) FROM res_user_login_attempt"),
        0,
        "no password was looked at"
    );
    let gateway = Gateway::open(&database.url, "authentications = \"ldap,password\"");
    assert_eq!(gateway.user("nurse").get("Patient/1").status, 200);
}

/// The table of the manual.
#[test]
fn headers_that_are_not_clear_are_refused() {
    let gateway = &demo().gateway;
    for (authorization, status, code) in [
        ("", 400, "credential-malformed"),
        ("Basic", 400, "credential-malformed"),
        ("Basic !", 400, "credential-malformed"),
        ("Basic ZG9jdG9y", 400, "credential-malformed"),
        ("Basic ZG9jdG9yOmRvY3Rvci1kZW1v, Bearer x", 400, "credential-malformed"),
        ("Basic ZG9jdG9yOmRvY3Rvci1kZW1v\r\nAuthorization: Bearer x", 400, "credential-malformed"),
        (
            "Basic ZG9jdG9yOmRvY3Rvci1kZW1v\r\nauthorization: Basic ZG9jdG9yOmRvY3Rvci1kZW1v",
            400,
            "credential-malformed",
        ),
        ("Basic ZG9jdG9yADpk", 400, "credential-malformed"),
        ("Basic ZDr/", 400, "credential-malformed"),
        ("Bearer", 400, "credential-malformed"),
        ("Bearer a b", 400, "credential-malformed"),
        ("Bearer \u{e9}", 400, "credential-malformed"),
        ("Session ZG9jdG9yOjE6", 400, "credential-malformed"),
        ("Session ZG9jdG9yOng6eA==", 400, "credential-malformed"),
        ("Digest username=doctor", 401, "credential-scheme"),
        ("Negotiate x", 401, "credential-scheme"),
        ("Basic Og==", 401, "credential-wrong"),
        ("Bearer x", 401, "credential-wrong"),
        ("Session ZG9jdG9yOjE6eA==", 401, "credential-wrong"),
    ] {
        Client::with(gateway.address, authorization).get("Patient/1").is(status, code);
    }
    let key = "k".repeat(1025);
    Client::bearer(gateway.address, &key).get("Patient/1").is(400, "credential-malformed");
    Client::bearer(gateway.address, &key.repeat(32)).get("Patient/1").is(431, "headers-too-large");
    assert_eq!(gateway.user("doctor").get("Patient/1").status, 200);
}
