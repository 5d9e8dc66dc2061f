//! What was read before is given again only when nothing was written since.

use std::{
    collections::BTreeSet,
    sync::{
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

use gnuhealth_fhir::sql::Statement;

use crate::{
    harness::{Client, Database, Gateway, ids},
    statements::found as shown,
};

/// A hospital in which the name of a patient changes.
struct Hospital {
    database: Database,
    gateway: Gateway,
    texts: mpsc::Receiver<Statement>,
}

/// Longest time in which nothing is written by the tests beside this one: numbers of transactions belong to all databases.
const PATIENCE: Duration = Duration::from_secs(60);

impl Hospital {
    fn open(name: &str, settings: &str) -> Self {
        Self::with_connections(name, settings, 6)
    }

    fn with_connections(name: &str, settings: &str, connections: usize) -> Self {
        let database = Database::copy(name);
        let gateway = Gateway::with_connections(&database.url, settings, connections);
        let texts = gateway.store.record();
        Self { database, gateway, texts }
    }

    fn rename(name: &str) -> String {
        let patient = "(SELECT party FROM gnuhealth_patient WHERE id = 1)";
        format!("UPDATE gnuhealth_person_name SET family = '{name}' WHERE party = {patient}")
    }

    /// Whether the record was read from its tables for this answer.
    fn reads(&self, ask: impl FnOnce()) -> bool {
        self.texts.try_iter().for_each(drop);
        ask();
        let texts: Vec<_> = self.texts.try_iter().map(|statement| statement.text).collect();
        assert!(!texts.is_empty(), "nobody looked whether anything was written");
        texts.iter().any(|text| text.contains("gnuhealth_patient"))
    }

    /// Asks until the record is not read any more.
    fn settle(&self, client: &Client) {
        let begun = Instant::now();
        while self.reads(|| drop(client.ok("Patient/1"))) {
            assert!(begun.elapsed() < PATIENCE, "the record is read each time");
        }
    }
}

fn family(client: &Client) -> String {
    client.ok("Patient/1")["name"][0]["family"].as_str().unwrap().to_owned()
}

#[test]
fn a_record_is_read_again_when_something_was_written() {
    let hospital = Hospital::open("unchanged", "");
    let doctor = hospital.gateway.user("doctor");
    hospital.settle(&doctor);
    let before = doctor.get("Patient/1");
    for name in ["Once", "Twice"] {
        hospital.settle(&doctor);
        hospital.database.run(&Hospital::rename(name));
        assert!(hospital.reads(|| assert_eq!(family(&doctor), name)));
    }
    // A page too, from the third time on.
    let page = "Patient?_id=1&_count=2";
    let begun = Instant::now();
    while hospital.reads(|| drop(doctor.ok(page))) {
        assert!(begun.elapsed() < PATIENCE, "the page is read each time");
    }
    hospital.database.run(&Hospital::rename("Again"));
    assert!(
        hospital.reads(|| assert_eq!(doctor.ok(page)["entry"][0]["resource"]["name"][0]["family"], "Again"))
    );
    let after = doctor.get("Patient/1");
    assert_ne!(before.body, after.body);
    hospital.settle(&doctor);
    assert_eq!(doctor.get("Patient/1").body, after.body, "what is kept is what was read");
}

#[test]
fn everybody_is_shown_what_his_rights_show() {
    let base = "base_url = \"https://fhir.example/fhir\"\n";
    let hospital = Hospital::open("unchanged_rights", base);
    let reading = Gateway::open(&hospital.database.url, &format!("{base}keep_records = false\n"));
    let logins = ["doctor", "nurse", "frontdesk", "lab", "nogroup", "admin"];
    let condition = ids(&reading.user("doctor").ok("Condition?_count=1")).remove(0);
    let condition = format!("Condition/{condition}");
    let places =
        ["Patient/1", "Patient/2?_elements=name", &condition, "Patient?_count=7", "Condition?patient=1"];
    let asked: Vec<_> = logins
        .iter()
        .flat_map(|login| {
            let (client, other) = (hospital.gateway.user(login), reading.user(login));
            places.map(|place| (*login, place, client.clone(), other.get(place)))
        })
        .collect();
    let statuses: BTreeSet<_> =
        asked.iter().map(|(_, place, _, expected)| ((*place).to_owned(), expected.status)).collect();
    // What the tests beside this one write makes all void, so it is tried until everybody was given what is kept.
    let mut readers: BTreeSet<_> =
        asked.iter().filter(|(.., expected)| expected.status == 200).map(|(login, ..)| *login).collect();
    let begun = Instant::now();
    while !readers.is_empty() {
        assert!(begun.elapsed() < 2 * PATIENCE, "{readers:?} were never given what is kept");
        for (login, place, client, expected) in &asked {
            let ask = || {
                let found = client.get(place);
                assert_eq!(found.status, expected.status, "{login} {place}");
                if found.status == 200 {
                    let [found, expected] = [&found, expected].map(|answer| shown(answer.json()));
                    assert_eq!(found, expected, "{login} {place}");
                }
            };
            ask();
            if expected.status == 200 {
                ask();
                if !hospital.reads(ask) {
                    readers.remove(login);
                }
            }
        }
    }
    assert!(statuses.contains(&(condition.clone(), 200)) && statuses.contains(&(condition, 403)));
}

#[test]
fn what_others_have_not_written_yet_is_not_seen_and_then_is() {
    let hospital = Hospital::open("unchanged_open", "");
    let doctor = hospital.gateway.user("doctor");
    let rename = Hospital::rename("Later");
    for (end, name) in [("ROLLBACK", "Before"), ("COMMIT", "Later")] {
        hospital.database.run(&Hospital::rename("Before"));
        let ended = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let held = format!("BEGIN; {rename}; SELECT pg_sleep(2); {end}");
                hospital.database.run(&held);
                ended.store(true, Ordering::SeqCst);
            });
            let (mut during, begun) = (0, Instant::now());
            while !ended.load(Ordering::SeqCst) {
                let found = family(&doctor);
                // The transaction ends before this program hears of it.
                if begun.elapsed() < Duration::from_millis(1500) {
                    assert_eq!(found, "Before");
                    during += 1;
                }
            }
            assert!(during > 10);
        });
        assert_eq!(family(&doctor), name);
    }
}

#[test]
fn nobody_gets_less_than_was_written_when_asking() {
    let hospital = Hospital::open("unchanged_many", "");
    hospital.database.run(&Hospital::rename("0"));
    let (written, ended) = (AtomicUsize::new(0), AtomicBool::new(false));
    let asked = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for login in ["doctor", "nurse", "doctor", "admin"] {
            let client = hospital.gateway.user(login);
            let (written, ended, asked) = (&written, &ended, &asked);
            scope.spawn(move || {
                while !ended.load(Ordering::SeqCst) {
                    let least = written.load(Ordering::SeqCst);
                    let page = &client.ok("Patient?_id=1")["entry"][0]["resource"]["name"][0]["family"];
                    for found in [family(&client), page.as_str().unwrap().to_owned()] {
                        let found: usize = found.parse().unwrap();
                        assert!(found >= least, "{login}: {found} after {least} was written");
                    }
                    asked.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for number in 1..=150 {
            hospital.database.run(&Hospital::rename(&number.to_string()));
            written.store(number, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(number as u64 % 8 * 5));
        }
        ended.store(true, Ordering::SeqCst);
    });
    assert!(asked.load(Ordering::Relaxed) > 150);
}

#[test]
fn what_an_ended_session_saw_counts_no_more() {
    let hospital = Hospital::open("unchanged_ended", "");
    let doctor = hospital.gateway.user("doctor");
    for _ in 0..3 {
        hospital.settle(&doctor);
        let opened = hospital.gateway.store.opened();
        hospital.database.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'unchanged_ended' AND pid <> pg_backend_pid()",
        );
        let read = hospital.reads(|| {
            let begun = Instant::now();
            while doctor.get("Patient/1").status != 200 {
                assert!(begun.elapsed() < PATIENCE);
            }
        });
        assert!(hospital.gateway.store.opened() > opened);
        assert!(read, "a new session knows nothing of what others saw");
    }
}

#[test]
fn a_look_that_nobody_answers_is_given_up() {
    // One session for requests, which is waited for a second and a half.
    let settings = "queue_timeout = \"1500ms\"\nstatement_timeout = \"20s\"";
    let hospital = Hospital::with_connections("unchanged_full", settings, 3);
    let [doctor, nurse] = ["doctor", "nurse"].map(|login| hospital.gateway.user(login));
    for client in [&doctor, &nurse] {
        hospital.settle(client);
    }
    let admin = hospital.gateway.user("admin");
    admin.ok("Practitioner?_count=1");
    let held = "BEGIN; LOCK TABLE gnuhealth_patient_disease IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(5)";
    std::thread::scope(|scope| {
        scope.spawn(|| hospital.database.run(held));
        std::thread::sleep(Duration::from_millis(300));
        scope.spawn(|| drop(admin.get("Condition?_count=1")));
        std::thread::sleep(Duration::from_millis(300));
        let asking = [&doctor, &nurse].map(|client| {
            scope.spawn(|| {
                let begun = Instant::now();
                client.get("Patient/1").is(503, "overloaded");
                begun.elapsed()
            })
        });
        for asking in asking {
            let waited = asking.join().unwrap();
            // Half a second for the look, whoever's it is, and then as long as for any read.
            assert!(waited < Duration::from_millis(2500), "{waited:?}");
        }
    });
    assert_eq!(hospital.gateway.user("doctor").get("Patient/1").status, 200);
}

fn is_always_read(gateway: Gateway, database: Database) {
    let texts = gateway.store.record();
    let hospital = Hospital { database, gateway, texts };
    let doctor = hospital.gateway.user("doctor");
    for _ in 0..20 {
        assert!(hospital.reads(|| drop(doctor.ok("Patient/1"))));
    }
}

#[test]
fn records_are_kept_only_when_they_may_be() {
    let database = Database::copy("unchanged_off");
    is_always_read(Gateway::open(&database.url, "keep_records = false\n"), database);
}

#[test]
fn what_changes_without_a_write_is_read_each_time() {
    for (name, sql) in [
        (
            "unchanged_view",
            "ALTER TABLE gnuhealth_ethnicity RENAME TO elsewhere;
             CREATE VIEW gnuhealth_ethnicity AS SELECT * FROM elsewhere",
        ),
        ("unchanged_policies", "ALTER TABLE gnuhealth_ethnicity ENABLE ROW LEVEL SECURITY"),
        (
            "unchanged_foreign",
            "CREATE FOREIGN DATA WRAPPER nowhere;
             CREATE SERVER nowhere FOREIGN DATA WRAPPER nowhere;
             DO $$ BEGIN EXECUTE (
                 SELECT format('CREATE FOREIGN TABLE foreign_one (%s) SERVER nowhere', string_agg(
                     format('%I %s', attname, format_type(atttypid, atttypmod)), ', '))
                 FROM pg_attribute WHERE attrelid = 'gnuhealth_hospital_building'::regclass AND attnum > 0 AND NOT attisdropped
             ); END $$;
             DROP TABLE gnuhealth_hospital_building CASCADE;
             ALTER FOREIGN TABLE foreign_one RENAME TO gnuhealth_hospital_building",
        ),
    ] {
        let database = Database::copy(name);
        database.run(sql);
        is_always_read(Gateway::open(&database.url, ""), database);
    }
}
