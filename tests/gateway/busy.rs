//! Statements that do not end: they are given up in time, and whoever asks for them keeps nobody else waiting.

use std::{
    thread,
    time::{Duration, Instant},
};

use crate::harness::{Database, Gateway};

/// Nobody can read the patients for a while.
fn lock(database: &Database, seconds: f64) -> thread::JoinHandle<()> {
    let database = database.clone();
    let held = thread::spawn(move || {
        database.run(&format!(
            "BEGIN; LOCK TABLE gnuhealth_patient IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep({seconds}); COMMIT"
        ));
    });
    thread::sleep(Duration::from_millis(300));
    held
}

#[test]
fn what_takes_too_long_is_given_up_and_says_when_to_come_again() {
    let database = Database::copy("overtime");
    let gateway = Gateway::open(&database.url, "statement_timeout = \"500ms\"");
    let doctor = gateway.user("doctor");
    doctor.ok("Practitioner?_count=1");
    let held = lock(&database, 4.0);
    for place in ["Patient/1", "Patient?name=a", "Condition?subject:Patient.name=a", "Patient/1/$everything"]
    {
        let begun = Instant::now();
        let answer = doctor.get(place);
        answer.is(503, "database-timeout");
        assert_eq!(answer.header("retry-after"), Some("10"), "{place}");
        assert!(begun.elapsed() < Duration::from_secs(1), "{place}");
    }
    doctor.ok("Practitioner?_count=1");
    held.join().unwrap();
    doctor.ok("Patient/1");
}

#[test]
fn slow_searches_of_one_user_keep_nobody_else_waiting() {
    let database = Database::copy("turns");
    // Four sessions for requests, of which one user gets two.
    let settings = "queue_timeout = \"1s\"\nstatement_timeout = \"20s\"";
    let gateway = Gateway::with_connections(&database.url, settings, 6);
    let [doctor, nurse] = ["doctor", "nurse"].map(|login| gateway.user(login));
    for client in [&doctor, &nurse] {
        client.ok("Practitioner?_count=1");
    }
    let held = lock(&database, 4.0);
    let slow: Vec<_> = (0..8)
        .map(|_| {
            let doctor = doctor.clone();
            thread::spawn(move || doctor.get("Patient?_count=1"))
        })
        .collect();
    thread::sleep(Duration::from_millis(300));
    for _ in 0..5 {
        assert_eq!(nurse.get("Practitioner?_count=1").status, 200, "others are served");
    }
    doctor.get("Practitioner?_count=1").is(503, "overloaded");
    // Of the eight two are answered when the patients can be read again; the others were told to come again.
    held.join().unwrap();
    let answers: Vec<_> = slow.into_iter().map(|request| request.join().unwrap()).collect();
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 2);
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        answer.is(503, "overloaded");
        assert_eq!(answer.header("retry-after"), Some("2"));
    }
    assert_eq!(doctor.get("Patient/1").status, 200, "turns are given back");
}

#[test]
fn searches_over_all_types_take_one_session_in_four() {
    let database = Database::copy("wide");
    // Six sessions for requests: three for one user at a time, two for searches over all types.
    let settings = "queue_timeout = \"1s\"\nstatement_timeout = \"20s\"";
    let gateway = Gateway::with_connections(&database.url, settings, 8);
    let doctor = gateway.user("doctor");
    doctor.ok("Practitioner?_count=1");
    let held = lock(&database, 4.0);
    let wide: Vec<_> = (0..3)
        .map(|_| {
            let doctor = doctor.clone();
            thread::spawn(move || doctor.get("_history?_count=1"))
        })
        .collect();
    thread::sleep(Duration::from_millis(300));
    assert_eq!(doctor.get("Practitioner?_count=1").status, 200, "other searches are not kept waiting");
    held.join().unwrap();
    let mut answers: Vec<_> = wide.into_iter().map(|request| request.join().unwrap()).collect();
    answers.sort_by_key(|answer| answer.status);
    assert_eq!(answers[0].status, 200);
    answers[2].is(503, "overloaded");
}
