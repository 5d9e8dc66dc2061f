//! Limits on failures, in Tryton's table and in memory.

use std::time::Duration;

use gnuhealth_fhir::tryton::SignInOptions as Options;

use super::{
    PASSWORD,
    site::{Site, code, sign_in_from},
    unlimited,
};

const ROWS: &str = "SELECT count(*) FROM res_user_login_attempt";

/// Tryton's limits without its delays.
fn undelayed() -> Options {
    Options { longest_delay: Duration::ZERO, ..Options::default() }
}

#[tokio::test]
async fn the_seventh_try_is_refused_and_counted() {
    let Some(site) = Site::create("seventh_try").await else { return };
    let sign_in = site.sign_in(undelayed()).await;
    assert!(sign_in.shares_attempts());
    let nurse = |password| sign_in_from(&sign_in, "nurse", password, "192.0.2.1");
    for number in 1..=6 {
        assert_eq!(code(&nurse("wrong").await), "credential-wrong", "try {number}");
        assert_eq!(site.number(ROWS).await, number);
    }
    let refused = nurse(PASSWORD).await;
    assert_eq!(code(&refused), "sign-in-throttled");
    let seconds = refused.unwrap_err().retry_seconds().unwrap();
    assert!((290..=300).contains(&seconds), "{seconds}");
    assert_eq!(site.number(ROWS).await, 7);
    let as_tryton =
        "SELECT count(*) FROM res_user_login_attempt WHERE login = 'nurse' AND device_cookie IS NULL
        AND ip_address = '192.0.2.1' AND ip_network = '192.0.2.1/32' AND create_uid = 0 AND write_date IS NULL
        AND write_uid IS NULL AND timezone('UTC', now()) - create_date BETWEEN '0' AND interval '1 minute'";
    assert_eq!(site.number(as_tryton).await, 7);
    // Another login of the same network is not concerned.
    sign_in_from(&sign_in, "doctor", PASSWORD, "192.0.2.1").await.unwrap();

    site.run("UPDATE res_user_login_attempt SET create_date = create_date - interval '301 s'").await;
    assert_eq!(nurse(PASSWORD).await.ok(), Some(2));
    assert_eq!(site.number(ROWS).await, 0, "a success forgets old failures too");
    site.drop().await;
}

#[tokio::test]
async fn failures_in_tryton_count_and_those_of_known_devices_do_not() {
    let Some(site) = Site::create("shared_rows").await else { return };
    let sign_in = site.sign_in(undelayed()).await;
    let row = |login: &str, cookie: &str, age: u32| {
        format!(
            "INSERT INTO res_user_login_attempt (login, device_cookie, ip_address, ip_network, create_uid, create_date)
             SELECT '{login}', {cookie}, '10.0.0.1', '10.0.0.1/32', 0, timezone('UTC', now()) - interval '{age} s'
             FROM generate_series(1, 6)"
        )
    };
    site.run(&row("nurse", "NULL", 100)).await;
    site.run(&row("doctor", "'0123456789abcdef0123456789abcdef'", 100)).await;
    let refused = sign_in_from(&sign_in, "nurse", PASSWORD, "192.0.2.1").await;
    assert_eq!(code(&refused), "sign-in-throttled");
    let seconds = refused.unwrap_err().retry_seconds().unwrap();
    assert!((195..=200).contains(&seconds), "{seconds}");
    sign_in_from(&sign_in, "doctor", PASSWORD, "192.0.2.1").await.unwrap();
    assert_eq!(site.number(ROWS).await, 13);

    // Any failure removes what is older than the window, of any login.
    site.run("UPDATE res_user_login_attempt SET create_date = create_date - interval '301 s'").await;
    let wrong = sign_in_from(&sign_in, "older", "wrong", "192.0.2.1").await;
    assert_eq!(code(&wrong), "credential-wrong");
    assert_eq!(site.number(ROWS).await, 1);
    site.drop().await;
}

#[tokio::test]
async fn a_network_is_refused_without_a_trace() {
    let Some(site) = Site::create("network").await else { return };
    let sign_in = site.sign_in(undelayed()).await;
    site.run(
        "INSERT INTO res_user_login_attempt (login, ip_address, ip_network, create_uid, create_date)
         SELECT 'login ' || n, '2001:db8:1::5', '2001:db8:1::/56', 0, timezone('UTC', now()) - interval '100 s'
         FROM generate_series(1, 301) n",
    )
    .await;
    for login in ["nurse", "unknown"] {
        let refused = sign_in_from(&sign_in, login, PASSWORD, "2001:db8:1:0:ffff::1").await;
        assert_eq!(code(&refused), "sign-in-throttled");
        assert!((195..=200).contains(&refused.unwrap_err().retry_seconds().unwrap()));
    }
    assert_eq!(site.number(ROWS).await, 301);
    sign_in_from(&sign_in, "nurse", PASSWORD, "2001:db8:1:100::1").await.unwrap();
    site.drop().await;
}

#[tokio::test]
async fn a_role_that_only_reads_counts_in_memory() {
    let Some(mut site) = Site::create("reader").await else { return };
    site.restrict("GRANT SELECT ON res_user_login_attempt TO {role}").await;
    let sign_in = site.sign_in(undelayed()).await;
    assert!(!sign_in.shares_attempts());
    for _ in 0..6 {
        assert_eq!(code(&sign_in_from(&sign_in, "nurse", "wrong", "192.0.2.1").await), "credential-wrong");
    }
    let refused = sign_in_from(&sign_in, "nurse", PASSWORD, "192.0.2.1").await;
    assert_eq!(code(&refused), "sign-in-throttled");
    assert_eq!(site.number(ROWS).await, 0);
    site.drop().await;
}

/// Tryton 6.0 numbers the rows from a sequence, which is a right of its own.
#[tokio::test]
async fn a_role_that_cannot_number_rows_counts_in_memory() {
    let Some(mut site) = Site::create("numbers").await else { return };
    site.run(
        "ALTER TABLE res_user_login_attempt ALTER id DROP IDENTITY;
         CREATE SEQUENCE res_user_login_attempt_id_seq;
         ALTER TABLE res_user_login_attempt ALTER id SET DEFAULT nextval('res_user_login_attempt_id_seq')",
    )
    .await;
    site.restrict("GRANT SELECT, INSERT, DELETE ON res_user_login_attempt TO {role}").await;
    let sign_in = site.sign_in(undelayed()).await;
    assert!(!sign_in.shares_attempts());
    assert_eq!(code(&sign_in_from(&sign_in, "nurse", "wrong", "192.0.2.1").await), "credential-wrong");
    assert_eq!(site.number(ROWS).await, 0);
    let role = format!("gnuhealth_fhir_test_numbers_{}_role", std::process::id());
    site.run(&format!("GRANT USAGE ON SEQUENCE res_user_login_attempt_id_seq TO {role}")).await;
    let sign_in = site.sign_in(undelayed()).await;
    assert!(sign_in.shares_attempts());
    assert_eq!(code(&sign_in_from(&sign_in, "nurse", "wrong", "192.0.2.1").await), "credential-wrong");
    assert_eq!(site.number(ROWS).await, 1);
    site.drop().await;
}

#[tokio::test]
async fn a_right_that_is_taken_away_is_noticed() {
    let Some(mut site) = Site::create("revoked").await else { return };
    site.restrict("GRANT SELECT, INSERT, DELETE ON res_user_login_attempt TO {role}").await;
    let sign_in = site.sign_in(undelayed()).await;
    assert!(sign_in.shares_attempts());
    assert_eq!(code(&sign_in_from(&sign_in, "nurse", "wrong", "192.0.2.1").await), "credential-wrong");
    assert_eq!(site.number(ROWS).await, 1);
    site.run(&format!(
        "REVOKE INSERT ON res_user_login_attempt FROM gnuhealth_fhir_test_revoked_{}_role",
        std::process::id()
    ))
    .await;
    for _ in 0..6 {
        assert_eq!(code(&sign_in_from(&sign_in, "nurse", "wrong", "192.0.2.1").await), "credential-wrong");
    }
    assert!(!sign_in.shares_attempts());
    let refused = sign_in_from(&sign_in, "nurse", PASSWORD, "192.0.2.1").await;
    assert_eq!(code(&refused), "sign-in-throttled");
    site.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tries_at_once_are_counted_one_by_one() {
    let Some(site) = Site::create("at_once").await else { return };
    let options = Options { waiting_per_login: 64, ..undelayed() };
    let sign_in = site.sign_in(options).await;
    let mut tries = Vec::new();
    for number in 0..30 {
        let sign_in = sign_in.clone();
        tries.push(tokio::spawn(async move {
            code(&sign_in_from(&sign_in, "nurse", &format!("wrong {number}"), "192.0.2.1").await)
        }));
    }
    let mut wrong = 0;
    for attempt in tries {
        match attempt.await.unwrap() {
            "credential-wrong" => wrong += 1,
            other => assert_eq!(other, "sign-in-throttled"),
        }
    }
    assert_eq!(wrong, 6);
    site.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hanging_up_does_not_hide_a_failure() {
    let Some(site) = Site::create("hanging_up").await else { return };
    let sign_in = site.sign_in(undelayed()).await;
    // A hash of cost 12 leaves time to hang up during the check.
    let attempt = {
        let sign_in = sign_in.clone();
        tokio::spawn(async move { sign_in_from(&sign_in, "admin", "wrong", "192.0.2.1").await })
    };
    tokio::time::sleep(Duration::from_millis(60)).await;
    attempt.abort();
    assert!(attempt.await.unwrap_err().is_cancelled());
    // Checks give way to everything else on the machine.
    for _ in 0..600 {
        if site.number(ROWS).await == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(site.number(ROWS).await, 1);
    site.drop().await;
}

#[tokio::test]
async fn the_delay_grows_with_failures_and_is_cut_off() {
    let Some(site) = Site::create("delay").await else { return };
    let mut options = unlimited();
    options.longest_delay = Duration::from_millis(300);
    let sign_in = site.sign_in(options).await;
    let mut longest = Duration::ZERO;
    for number in 0..12 {
        let start = std::time::Instant::now();
        let wrong = sign_in_from(&sign_in, "nurse", "wrong", "192.0.2.1").await;
        assert_eq!(code(&wrong), "credential-wrong", "{number}");
        longest = longest.max(start.elapsed());
    }
    assert!(longest >= Duration::from_millis(300), "{longest:?}");
    assert!(longest < Duration::from_secs(1), "{longest:?}");
    site.drop().await;
}
