//! Signing in, on a small database of its own per test.

mod attempts;
mod changes;
mod flood;
mod oracle;
mod site;
mod timing;

use gnuhealth_fhir::{store::Class, tryton::SignInOptions as Options};

use site::{Site, code, sign_in_from};

const PASSWORD: &str = "gnusolidario";

/// Limits and delays out of the way.
fn unlimited() -> Options {
    let mut options = Options { longest_delay: std::time::Duration::ZERO, ..Options::default() };
    options.attempts.per_login = 1_000_000;
    options.attempts.per_network = 1_000_000;
    options
}

#[tokio::test]
async fn who_may_sign_in() {
    let Some(site) = Site::create("who_may_sign_in").await else { return };
    let sign_in = site.sign_in(unlimited()).await;
    for (login, password, user) in [
        ("admin", PASSWORD, 1),
        ("nurse", PASSWORD, 2),
        ("doctor", PASSWORD, 3),
        ("old", PASSWORD, 4),
        ("older", PASSWORD, 5),
        ("reset", "Code1234", 20),
        ("reset-with-hash", PASSWORD, 24),
    ] {
        for round in ["first", "again"] {
            let result = sign_in_from(&sign_in, login, password, "192.0.2.1").await;
            assert_eq!(result.ok(), Some(user), "{login}, {round}");
        }
    }
    let long = "x".repeat(4097);
    for (login, password) in [
        ("nurse", "Gnusolidario"),
        ("nurse", ""),
        ("nurse", "gnusolidario\0"),
        ("nurse", &long),
        ("Nurse", PASSWORD),
        ("nurse ", PASSWORD),
        (" nurse", PASSWORD),
        ("nurse\0", PASSWORD),
        ("", PASSWORD),
        ("", ""),
        ("unknown", PASSWORD),
        ("root", ""),
        ("root", PASSWORD),
        ("gone", PASSWORD),
        ("undecided", PASSWORD),
        ("nothing", ""),
        ("nothing", PASSWORD),
        ("empty", ""),
        ("garbage", "garbage"),
        ("garbage", PASSWORD),
        ("hostile", PASSWORD),
        ("reset", "code1234"),
        ("reset", "Code123"),
        ("reset", ""),
        ("reset-late", "Code1234"),
        ("reset-never", "Code1234"),
        ("reset-empty", ""),
        ("reset-with-hash", "Code1234"),
    ] {
        let result = sign_in_from(&sign_in, login, password, "192.0.2.1").await;
        assert_eq!(code(&result), "credential-wrong", "{login:?}");
    }
    site.drop().await;
}

#[tokio::test]
async fn a_verified_credential_costs_no_statement_until_something_changes() {
    let Some(site) = Site::create("verified").await else { return };
    let sign_in = site.sign_in(unlimited()).await;
    let nurse = || sign_in_from(&sign_in, "nurse", PASSWORD, "192.0.2.1");
    let count = || site.store.statements(Class::SignIn);

    nurse().await.unwrap();
    let before = count();
    for _ in 0..100 {
        nurse().await.unwrap();
    }
    assert_eq!(count(), before);

    // The hash of another password: the snapshot that shows it ends the memory.
    site.run("UPDATE res_user SET password_hash = (SELECT password_hash FROM res_user WHERE login = 'old') WHERE login = 'nurse'")
        .await;
    nurse().await.unwrap();
    assert_eq!(count(), before, "the old snapshot is still in use");
    site.renew().await;
    nurse().await.unwrap();
    assert!(count() > before, "verified anew");

    site.run("UPDATE res_user SET active = false WHERE login = 'nurse'").await;
    site.renew().await;
    assert_eq!(code(&nurse().await), "credential-wrong");

    // Renamed: the new login knows the same password, the old one nothing.
    site.run("UPDATE res_user SET active = true, login = 'sister' WHERE login = 'nurse'").await;
    site.renew().await;
    assert_eq!(code(&nurse().await), "credential-wrong");
    assert_eq!(sign_in_from(&sign_in, "sister", PASSWORD, "192.0.2.1").await.ok(), Some(2));
    site.drop().await;
}

/// Real databases with the hashes that Tryton itself wrote (scrypt in 5.0, bcrypt in 4.4). Nothing is written there.
#[tokio::test]
async fn the_administrator_of_gnu_health_signs_in() {
    for database in ["gh50", "gh44"] {
        let Some(site) = Site::existing(database).await else { continue };
        let sign_in = site.sign_in(Options::default()).await;
        assert_eq!(sign_in_from(&sign_in, "admin", "admin", "192.0.2.1").await.ok(), Some(1), "{database}");
        assert!(sign_in.shares_attempts());
    }
}
