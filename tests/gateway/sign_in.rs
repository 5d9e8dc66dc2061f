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
    assert!(challenge.starts_with("Basic realm="), "{challenge}");
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
            let bundle = client.ok(&format!("{kind}?_count=50&_total=accurate"));
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
