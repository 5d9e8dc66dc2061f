//! How soon a change of rights in the running Tryton is effective: measured from the answer of trytond (or of PostgreSQL) to
//! the first request that is answered by the new rights. Needs what `tests/gnuhealth/build` makes.

use std::{
    io::Write as _,
    path::PathBuf,
    thread::sleep,
    time::{Duration, Instant},
};

use gnuhealth_fhir::store::Class;
use serde_json::json;

use crate::harness::{Client, Database, Gateway, Trytond, python};

/// Longest time between a change and its effect.
const SOON: Duration = Duration::from_secs(1);

/// A hospital that changes, and gateways that must notice.
struct Hospital {
    series: &'static str,
    database: Database,
    /// One with several sessions of the database and one with a single one.
    gateways: [Gateway; 2],
    slowest: Duration,
}

impl Hospital {
    /// The patient is answered with this status to whoever signs in so, by every gateway, and soon. The time is that of
    /// the first request that is answered so; how long its answer takes is another matter.
    fn becomes(&mut self, what: &str, (login, password): (&str, &str), status: u16) {
        let changed = Instant::now();
        let poll = |gateway: &Gateway| {
            let client = Client::basic(gateway.address, login, password);
            loop {
                let asked = changed.elapsed();
                let found = client.get("Patient/100").status;
                if found == status {
                    return asked;
                }
                assert!(asked < 5 * SOON, "{}: {what}: still {found}", self.series);
                sleep(Duration::from_millis(10));
            }
        };
        let times: Vec<Duration> = std::thread::scope(|scope| {
            let polls: Vec<_> = self.gateways.iter().map(|gateway| scope.spawn(|| poll(gateway))).collect();
            polls.into_iter().map(|poll| poll.join().expect("it becomes so")).collect()
        });
        self.slowest = self.slowest.max(times.iter().copied().max().unwrap());
        let _ = writeln!(std::io::stderr(), "fresh {}: {what}: {times:.0?}", self.series);
        for time in times {
            assert!(time <= SOON, "{}: {what} after {time:?}", self.series);
        }
    }

    /// The same at the end of that time; for what cannot be asked again and again because each refusal is counted.
    fn is_then(&self, what: &str, (login, password): (&str, &str), status: u16) {
        sleep(SOON);
        for gateway in &self.gateways {
            let found = Client::basic(gateway.address, login, password).get("Patient/100").status;
            assert_eq!(found, status, "{}: {what} after {SOON:?}", self.series);
        }
    }
}

/// Through trytond, as an administrator at a Tryton client does it.
fn by_trytond(hospital: &mut Hospital, trytond: &Trytond) {
    let (login, new) = ("doctor", ("doctor", "Wombat-2291-xk"));
    let old = (login, "doctor-demo");
    hospital.is_then("before", old, 200);
    let user = trytond.search("res.user", &json!([["login", "=", login]]))[0];
    let model = trytond.search("ir.model", &json!([["model", "=", "gnuhealth.patient"]]))[0];

    let rule = trytond.create(
        "ir.rule.group",
        &json!({
            "name": "Only the first patients", "model": model, "global_p": true, "default_p": false, "perm_read": true,
            "perm_write": false, "perm_create": false, "perm_delete": false,
            "rules": [["create", [{"domain": r#"[["id", "<", 50]]"#}]]],
        }),
    );
    hospital.becomes("rule added", old, 404);
    trytond.delete("ir.rule.group", rule);
    hospital.becomes("rule removed", old, 200);

    let rows = json!([["model", "=", model], ["perm_read", "=", true]]);
    let rows = trytond.search("ir.model.access", &rows);
    assert!(!rows.is_empty(), "groups may read patients");
    let access = |read: bool| {
        rows.iter().for_each(|row| trytond.write("ir.model.access", *row, &json!({"perm_read": read})))
    };
    access(false);
    hospital.becomes("access taken away", old, 403);
    access(true);
    hospital.becomes("access given", old, 200);

    let groups = trytond.call("model.res.user.read", &json!([[user], ["groups"], {}]))[0]["groups"].clone();
    // The right must come from a group: everybody else has none.
    let everybody = trytond.search("ir.model.access", &json!([["model", "=", model], ["group", "=", null]]));
    everybody.iter().for_each(|row| trytond.write("ir.model.access", *row, &json!({"perm_read": false})));
    for (group, read) in [(&json!(null), false), (&groups[0], true)] {
        trytond.create("ir.model.access", &json!({"model": model, "group": group, "perm_read": read}));
    }
    hospital.is_then("access by a group", old, 200);
    trytond.write("res.user", user, &json!({"groups": [["remove", groups]]}));
    hospital.becomes("groups removed", old, 403);
    trytond.write("res.user", user, &json!({"groups": [["add", groups]]}));
    hospital.becomes("groups added", old, 200);

    trytond.write("res.user", user, &json!({"password": "Wombat-2291-xk"}));
    hospital.becomes("password changed, the old one", old, 401);
    hospital.becomes("password changed, the new one", new, 200);

    trytond.write("res.user", user, &json!({"active": false}));
    hospital.becomes("user deactivated", new, 401);
    trytond.write("res.user", user, &json!({"active": true}));
    hospital.is_then("user activated", new, 200);
}

/// By SQL, which tells no one.
fn by_sql(hospital: &mut Hospital) {
    let user_and_password = ("doctor2", "doctor2-demo");
    hospital.is_then("before", user_and_password, 200);
    let database = hospital.database.clone();
    let user = "(SELECT id FROM res_user WHERE login = 'doctor2')";
    for (what, sql, status) in [
        (
            "SQL: rule added",
            r#"WITH added AS (INSERT INTO ir_rule_group (name, model, global_p, default_p, perm_read)
                 SELECT 'test', id, TRUE, FALSE, TRUE FROM ir_model WHERE model = 'gnuhealth.patient' RETURNING id)
               INSERT INTO ir_rule (rule_group, domain) SELECT id, '[["id", "<", 50]]' FROM added"#
                .to_owned(),
            404,
        ),
        ("SQL: rule removed", "DELETE FROM ir_rule_group WHERE name = 'test'".to_owned(), 200),
        (
            "SQL: groups removed",
            format!(
                r#"CREATE TABLE kept AS SELECT "user", "group" FROM "res_user-res_group" WHERE "user" = {user};
                   DELETE FROM "res_user-res_group" WHERE "user" = {user}"#
            ),
            403,
        ),
        (
            "SQL: groups added",
            r#"INSERT INTO "res_user-res_group" ("user", "group") SELECT "user", "group" FROM kept"#.to_owned(),
            200,
        ),
        (
            "SQL: user deactivated",
            format!("UPDATE res_user SET active = FALSE WHERE id = {user}"),
            401,
        ),
    ] {
        database.run(&sql);
        hospital.becomes(what, user_and_password, status);
    }
    database.run(&format!("UPDATE res_user SET active = TRUE WHERE id = {user}"));
    hospital.is_then("SQL: user activated", user_and_password, 200);
}

/// Looking for changes goes by the clock, not by the requests.
fn costs_nothing(hospital: &Hospital) {
    const READS: u64 = 40;
    for gateway in &hospital.gateways {
        let client = gateway.user("doctor2");
        client.ok("Patient/1");
        let count =
            || [Class::Request, Class::SignIn, Class::Watch].map(|class| gateway.store.statements(class));
        let (before, start) = (count(), Instant::now());
        for _ in 0..READS {
            client.ok("Patient/1");
        }
        let (after, time) = (count(), start.elapsed());
        // One more, by which it was seen that somebody had written meanwhile.
        let statements = after[0] - before[0];
        assert!((READS..=2 * READS).contains(&statements), "{statements} statements for {READS} reads");
        assert_eq!(after[1], before[1], "the sign-in is remembered");
        let looks = after[2] - before[2];
        let clock = u64::try_from(time.as_millis() / 400).unwrap() + 1;
        assert!(looks <= clock, "{looks} looks in {time:?}");
        let _ = writeln!(
            std::io::stderr(),
            "fresh {}: {READS} reads, {looks} looks, {time:.0?}",
            hospital.series
        );
    }
}

/// A copy of the hospital in this series, and the Python that runs its trytond.
fn copy(series: &str, test: &str) -> Option<(Database, PathBuf)> {
    let digits = series.replace('.', "");
    let original = std::env::var(format!("GNUHEALTH_FHIR_TEST_{digits}")).ok();
    let Some((original, python)) = original.zip(python(series)) else {
        let _ = writeln!(
            std::io::stderr(),
            "gateway: skipped what changes in trytond {series}: no database or no environment"
        );
        return None;
    };
    let name = format!("gnuhealth_fhir_test_{test}_{digits}_{}", std::process::id());
    Some((Database::copy_of(&original, &name), python))
}

fn changes_are_effective(series: &'static str) {
    let Some((database, python)) = copy(series, "fresh") else { return };
    let trytond = Trytond::start(&python, &database, "");
    let gateways = [Gateway::open(&database.url, ""), Gateway::with_connections(&database.url, "", 1)];
    let mut hospital = Hospital { series, database, gateways, slowest: Duration::ZERO };
    by_trytond(&mut hospital, &trytond);
    by_sql(&mut hospital);
    costs_nothing(&hospital);
    let _ = writeln!(
        std::io::stderr(),
        "fresh {series}: the slowest change was effective after {:.0?}",
        hospital.slowest
    );
    drop(trytond);
    hospital.database.drop();
}

#[test]
fn a_change_in_trytond_5_0_is_effective_within_a_second() {
    changes_are_effective("5.0");
}

#[test]
fn a_change_in_trytond_4_4_is_effective_within_a_second() {
    changes_are_effective("4.4");
}

/// A trytond whose caches are cleaned at once tells of its changes. The gateway looks by itself a second after it last
/// looked, so what is effective long before was heard.
fn what_is_told_is_effective_at_once(series: &'static str) {
    let Some((database, python)) = copy(series, "told") else { return };
    let trytond = Trytond::start(&python, &database, "[cache]\nclean_timeout = 0\n");
    let gateway = Gateway::with_connections(&database.url, "watch_interval = \"1s\"", 3);
    assert!(gateway.store.listens());
    let client = gateway.user("doctor");
    assert_eq!(client.get("Patient/100").status, 200);
    let model = trytond.search("ir.model", &json!([["model", "=", "gnuhealth.patient"]]))[0];
    let mut times = Vec::new();
    for round in 0..6 {
        let hidden = round % 2 == 0;
        if hidden {
            let rule = json!({
                "name": "told", "model": model, "global_p": true, "default_p": false, "perm_read": true,
                "rules": [["create", [{"domain": r#"[["id", "<", 50]]"#}]]],
            });
            trytond.create("ir.rule.group", &rule);
        } else {
            let rule = trytond.search("ir.rule.group", &json!([["name", "=", "told"]]))[0];
            trytond.delete("ir.rule.group", rule);
        }
        let changed = Instant::now();
        let asked = loop {
            let asked = changed.elapsed();
            let hides = client.get("Patient/100").status == 404;
            if hides == hidden {
                break asked;
            }
            assert!(asked < 5 * SOON, "{series}: nothing changes");
            sleep(Duration::from_millis(5));
        };
        times.push(asked);
    }
    let _ = writeln!(std::io::stderr(), "fresh {series}: told by trytond: {times:.0?}");
    // The clock may have been first in the first round.
    times.remove(0);
    times.sort_unstable();
    assert!(times[times.len() / 2] < SOON / 2, "{series}: {times:.0?}");
    drop(trytond);
    database.drop();
}

#[test]
fn what_trytond_5_0_tells_is_effective_at_once() {
    what_is_told_is_effective_at_once("5.0");
}

#[test]
fn what_trytond_4_4_tells_is_effective_at_once() {
    what_is_told_is_effective_at_once("4.4");
}
