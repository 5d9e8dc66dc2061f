//! What is closed because rights cannot be repeated is said to the operator, and to the client.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use crate::harness::{Database, Process, run};

fn until(what: &str, test: impl Fn() -> bool) {
    let start = Instant::now();
    while !test() {
        assert!(start.elapsed() < Duration::from_secs(10), "{what} does not come");
        sleep(Duration::from_millis(20));
    }
}

const RULE: &str = r#"
    WITH added AS (INSERT INTO ir_rule_group (name, model, global_p, default_p, perm_read)
      SELECT 'Odd rule', id, FALSE, FALSE, TRUE FROM ir_model WHERE model = 'gnuhealth.patient' RETURNING id),
    linked AS (INSERT INTO "ir_rule_group-res_group" (rule_group, "group")
      SELECT added.id, l."group" FROM added, "res_user-res_group" l JOIN res_user u ON u.id = l."user"
      WHERE u.login = 'frontdesk')
    INSERT INTO ir_rule (rule_group, domain) SELECT id, '[["age", "=", "3y"]]' FROM added"#;

#[test]
fn a_rule_that_cannot_be_applied_is_told_at_start_in_check_and_to_the_client() {
    let database = Database::copy("told");
    let before = run("check", &database.url, &[]);
    assert!(
        before.code == Some(0) && !before.stdout.contains("closed: "),
        "{}{}",
        before.stdout,
        before.stderr
    );
    database.run(RULE);
    let said = "closed: gnuhealth.patient for \"doctorfrontdesk\", \"frontdesk\": ";
    let why = "the record rule \"Odd rule\" (ir.rule.group ";
    let reason = "cannot be applied: gnuhealth.patient.age is computed or searched by code of Tryton";
    let check = run("check", &database.url, &[]);
    assert_eq!(check.code, Some(0), "the others are served");
    for part in [said, why, reason] {
        assert!(check.stdout.contains(part), "{}", check.stdout);
    }
    let process = Process::serve(&database.url, &[]).expect("it starts");
    process.user("frontdesk").get("Patient").is(403, "model-forbidden");
    assert_eq!(process.user("doctor").get("Patient").status, 200);
    database.run("UPDATE ir_rule_group SET name = 'Odder rule' WHERE name = 'Odd rule'");
    for part in ["closed: gnuhealth.patient for ", "Odd rule", reason, "Odder rule"] {
        until(part, || process.said().contains(part));
    }
}

#[test]
fn when_modules_change_nothing_is_answered_until_the_gateway_knows_them() {
    let database = Database::copy("modules");
    let process = Process::serve(&database.url, &[]).expect("it starts");
    let doctor = process.user("doctor");
    assert_eq!(doctor.get("Patient/1").status, 200);
    // What a module update does to a module that stays as it was.
    database.run("UPDATE ir_module SET state = 'activated' WHERE state = 'activated'");
    until("the change", || process.said().contains("access rights changed"));
    assert_eq!(doctor.get("Patient/1").status, 200);
    let access = |truth: &str| {
        database.run(&format!(
            "UPDATE ir_model_field SET access = {truth}
               WHERE name = 'party' AND model = (SELECT id FROM ir_model WHERE model = 'gnuhealth.patient');
             UPDATE ir_module SET state = 'activated' WHERE name = 'health'"
        ));
    };
    access("TRUE");
    until("an outdated catalogue", || doctor.get("Patient/1").status == 503);
    doctor.get("Patient/1").is(503, "database-unavailable");
    access("FALSE");
    until("the catalogue of the start", || doctor.get("Patient/1").status == 200);
    let log = process.end();
    assert!(log.contains("nothing is answered until it reads its configuration again"), "{log}");
    assert!(log.contains("again those that the gateway was started with"), "{log}");
}
