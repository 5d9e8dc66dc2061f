//! The same tries with the real trytond and with the gateway, on one database: the same answers, and the same rows of
//! failures left behind.
//!
//! The sequence is random; its seed is printed, and `GNUHEALTH_FHIR_SEED` repeats one.

use std::{
    io::{BufRead as _, BufReader, Lines, Write as _},
    path::PathBuf,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use gnuhealth_fhir::tryton::{
    Catalog, Credential, Rights, SignIn, SignInOptions as Options, UserId, WatchOptions,
};
use serde_json::{Value, json};

use super::site::{Site, code};

/// Enough for every branch many times; trytond takes some milliseconds for each.
const TRIES: u64 = 300;
/// Of one login and of one network, small so that both are met.
const LIMITS: (u32, u32) = (2, 12);

/// A running trytond.
struct Tryton {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Tryton {
    /// `None` when there is none on this machine.
    fn start(series: &str, database: &str) -> Option<Self> {
        let home = std::env::var("HOME").ok()?;
        let python = PathBuf::from(home).join(".cache/gnuhealth-fhir").join(series).join("venv/bin/python");
        if !python.exists() {
            println!("skipped: no Tryton at {}", python.display());
            return None;
        }
        let url = std::env::var("GNUHEALTH_FHIR_TEST_PG").expect("the database was copied with it");
        let mut child = Command::new(python)
            .arg(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/tryton/sign_in.py"))
            .arg(format!("{}/{database}", url.trim_end_matches('/')))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Tryton starts");
        let input = child.stdin.take().expect("it is piped");
        let output = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        Some(Self { child, input, output })
    }

    fn ask(&mut self, question: &Value) -> Value {
        writeln!(self.input, "{question}").expect("Tryton listens");
        let line = self.output.next().expect("Tryton answers").expect("in UTF-8");
        serde_json::from_str(&line).expect("in JSON")
    }
}

impl Drop for Tryton {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What trytond would say to the same try.
fn as_tryton(result: &gnuhealth_fhir::error::Result<UserId>) -> Value {
    match code(result) {
        "ok" => result.as_ref().map_or(Value::Null, |user| json!(user)),
        "sign-in-throttled" => json!("limited"),
        "credential-wrong" => Value::Null,
        other => panic!("{other}"),
    }
}

/// Passwords are hashed as both series read them, quickly: pbkdf2 with few rounds, which none hashes anew.
const USERS: &str = "
    INSERT INTO res_user (login, name, active, menu, password_hash, password_reset, password_reset_expire)
    SELECT login, login, active, menu, hash, reset, timezone('UTC', now()) + expires::interval
    FROM (SELECT menu FROM res_user WHERE id = 1) AS menu, (VALUES
        ('open', TRUE, '{hash}', NULL, NULL),
        ('closed', FALSE, '{hash}', NULL, NULL),
        ('unclear', NULL, '{hash}', NULL, NULL),
        ('empty', TRUE, '', NULL, NULL),
        ('temporary', TRUE, NULL, 'Code1234', '1 hour'),
        ('temporary-empty', TRUE, '', 'Code1234', '1 hour'),
        ('late', TRUE, NULL, 'Code1234', '-1 second'),
        ('endless', TRUE, NULL, 'Code1234', NULL),
        ('both', TRUE, '{hash}', 'Code1234', '1 hour'),
        ('temporary-closed', FALSE, NULL, 'Code1234', '1 hour'),
        ('Ópen', TRUE, '{hash}', NULL, NULL)
    ) AS users (login, active, hash, reset, expires)";
const HASH: &str = "$pbkdf2-sha512$1000$mFPqPec8B2DMeY9RyplzDg$8E6HK03x.HUks8kLIswskcAYxIE9FB/ZxvmCITF/LtWEBypMIQMHYXf9tBEXqvVQWvkLk5Mi5xNIIj44ZNjUUQ";

const LOGINS: [&str; 14] = [
    "open",
    "closed",
    "unclear",
    "empty",
    "temporary",
    "temporary-empty",
    "late",
    "endless",
    "both",
    "temporary-closed",
    "Ópen",
    "Open",
    "nobody",
    "root",
];
const PASSWORDS: [&str; 7] = ["ñandú", "ñandú", "ñandú", "Code1234", "code1234", "wrong", ""];
const ADDRESSES: [Option<&str>; 6] = [
    Some("192.0.2.1"),
    Some("192.0.2.2"),
    Some("2001:db8:1::5"),
    Some("2001:db8:1:ff::6"),
    Some("2001:db8:1:100::1"),
    None,
];
const COOKIE: &str = "0123456789abcdef0123456789abcdef";

struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).expect("53 bits") % limit
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
}

/// The rows of failures: which stayed, and what is new.
const ROWS: &str = "
    SELECT coalesce(string_agg(concat_ws('|', login, coalesce(device_cookie, '-'), ip_address, ip_network, create_uid,
            coalesce(write_uid::text, '-'), before.id IS NOT NULL,
            before.id IS NOT NULL OR timezone('UTC', now()) - attempt.create_date < interval '60 s'), E'\\n'
            ORDER BY login, device_cookie, ip_address, attempt.create_date), '')
    FROM res_user_login_attempt AS attempt LEFT JOIN (SELECT id FROM before) AS before ON before.id = attempt.id";

/// Ages are kept at 5, 105, 205 and so on: none crosses the limit of 300 s between the two tries.
const STILL: &str = "
    UPDATE res_user_login_attempt SET create_date = timezone('UTC', now()) - interval '5 s'
        - floor(extract(epoch FROM timezone('UTC', now()) - create_date) / 100) * interval '100 s';
    DROP TABLE IF EXISTS before;
    CREATE TABLE before AS TABLE res_user_login_attempt";

async fn compare(series: &str, original: &str) {
    let Some(site) = Site::copy(&format!("oracle_{}", series.replace('.', "")), original).await else {
        return;
    };
    let Some(mut tryton) = Tryton::start(series, site.name()) else { return site.drop().await };
    tryton.ask(&json!({ "settings": { "max_attempt": LIMITS.0, "max_attempt_ip_network": LIMITS.1 } }));
    site.run(&USERS.replace("{hash}", HASH)).await;
    site.run(&format!("INSERT INTO res_user_device (login, cookie) VALUES ('open', '{COOKIE}')")).await;
    keys(&site).await;

    let catalog = Arc::new(Catalog::load(&site.store).await.expect("the catalogue loads"));
    let rights = Rights::start(
        Arc::clone(&site.store),
        catalog,
        std::collections::BTreeSet::new(),
        WatchOptions::default(),
    )
    .await
    .expect("the rights");
    // Tryton looks at everything each time.
    let mut options = Options {
        longest_delay: Duration::ZERO,
        remembered: 0,
        session_trust: Duration::ZERO,
        ..Options::default()
    };
    (options.attempts.per_login, options.attempts.per_network) = LIMITS;
    let sign_in = SignIn::open(Arc::clone(&site.store), rights, options).await.expect("it opens");
    assert!(sign_in.shares_attempts() && sign_in.takes_sessions());

    tries(series, &site, &mut tryton, &sign_in).await;
    tokens(series, &site, &mut tryton, &sign_in).await;
    drop((tryton, sign_in));
    site.drop().await;
}

async fn tries(series: &str, site: &Site, tryton: &mut Tryton, sign_in: &SignIn) {
    let seed = std::env::var("GNUHEALTH_FHIR_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| getrandom::u64().expect("random bytes") | 1);
    println!("{series}: GNUHEALTH_FHIR_SEED={seed}");
    let mut random = Random(seed);
    let mut told = [0_u32; 3];
    for number in 0..TRIES {
        match random.below(12) {
            0 => {
                let age = random.of(&[100, 100, 300]);
                site.run(&format!(
                    "UPDATE res_user_login_attempt SET create_date = create_date - interval '{age} s'"
                ))
                .await;
            }
            // A known device fails in Tryton; the gateway sends no cookies and must not be hindered.
            1 => {
                let known = json!({ "login": "open", "password": random.of(&["wrong", "ñandú"]), "cookie": COOKIE, "address": "192.0.2.1" });
                tryton.ask(&known);
            }
            _ => {}
        }
        let (login, password, address) = (random.of(&LOGINS), random.of(&PASSWORDS), random.of(&ADDRESSES));
        // A cookie that nobody has is none.
        let cookie = random.of(&[None, Some("ffffffffffffffffffffffffffffffff")]);
        let question = json!({ "login": login, "password": password, "cookie": cookie, "address": address });
        site.run(STILL).await;
        let theirs = tryton.ask(&question);
        let their_rows = site.text(ROWS).await;
        site.run(
            "DELETE FROM res_user_login_attempt; INSERT INTO res_user_login_attempt SELECT * FROM before",
        )
        .await;
        let credential = Credential::Basic { login: login.to_owned(), password: password.to_owned() };
        let client = address.map(|address| address.parse().expect("an address"));
        let ours = as_tryton(&sign_in.sign_in(&credential, client).await);
        let our_rows = site.text(ROWS).await;
        assert_eq!(ours, theirs, "{series}, seed {seed}, try {number}: {question}");
        assert_eq!(our_rows, their_rows, "{series}, seed {seed}, try {number}: {question} → {theirs}");
        told[if theirs.is_i64() { 0 } else { usize::from(theirs.is_null()) + 1 }] += 1;
    }
    println!("{series}: {} signed in, {} refused for too many failures, {} wrong", told[0], told[1], told[2]);
    assert!(told.iter().all(|count| *count > 5), "{told:?}: a branch is hardly met");
}

const STATES: [&str; 4] = ["requested", "validated", "cancelled", "VALIDATED"];

/// Keys and sessions for an active and an inactive user, of every state and age.
async fn keys(site: &Site) {
    for state in STATES {
        site.run(&format!(
            "INSERT INTO res_user_application (key, \"user\", application, state)
             SELECT concat_ws('-', login, application, '{state}'), res_user.id, application, '{state}'
             FROM res_user, (VALUES ('fhir'), ('other')) AS applications (application) WHERE login IN ('open', 'closed')"
        ))
        .await;
    }
    site.run(
        "INSERT INTO ir_session (key, create_uid, create_date)
         SELECT concat_ws('-', login, age), res_user.id, timezone('UTC', now()) - age * interval '1 s'
         FROM res_user, (VALUES (0), (100), (2591900), (2592100), (9999999), (-100), (-2591900), (-2592100)) AS ages (age)
         WHERE login IN ('open', 'closed')",
    )
    .await;
}

/// What trytond accepts of an active user; it also accepts what an inactive user still has.
async fn tokens(series: &str, site: &Site, tryton: &mut Tryton, sign_in: &SignIn) {
    let id = async |login: &str| {
        site.number(&format!("SELECT id::int8 FROM res_user WHERE login = '{login}'")).await
    };
    let (open, closed) = (id("open").await, id("closed").await);
    let mut accepted = [0; 2];
    let check = async |tryton: &mut Tryton, question: Value, credential: Credential| {
        // Tryton removes sessions that have expired: it is asked second.
        let ours = as_tryton(&sign_in.sign_in(&credential, None).await);
        let mut theirs = tryton.ask(&question);
        assert_ne!(theirs, "crash", "{series}: {question}");
        if theirs == json!(closed) {
            theirs = Value::Null;
        }
        assert_eq!(ours, theirs, "{series}: {question}");
        usize::from(!theirs.is_null())
    };
    for login in ["open", "closed"] {
        for application in ["fhir", "other"] {
            for state in STATES {
                for key in
                    [format!("{login}-{application}-{state}"), format!("{login}-{application}-{state}x")]
                {
                    let question = json!({ "application": "fhir", "key": key });
                    accepted[0] += check(tryton, question, Credential::Bearer { key }).await;
                }
            }
        }
        for age in [0, 100, 2_591_900, 2_592_100, 9_999_999, -100, -2_591_900, -2_592_100] {
            for user in [open, closed, 0, 999_999] {
                for key in [format!("{login}-{age}"), format!("{login}-{age}").to_uppercase()] {
                    let question = json!({ "user": user, "session": key });
                    let user = UserId::try_from(user).expect("an id");
                    accepted[1] += check(tryton, question, Credential::Session { user, key }).await;
                }
            }
        }
    }
    assert_eq!(accepted, [1, 5], "{series}: keys and sessions that both accept");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tryton_7_0_answers_the_same() {
    compare("5.0", "gh50").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tryton_6_0_answers_the_same() {
    compare("4.4", "gh44").await;
}
