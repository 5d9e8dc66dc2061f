//! Rights of real databases: how fast they are read, and that changes are seen.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use gnuhealth_fhir::{
    error,
    sql::Fragment,
    store::Class,
    tryton::{Catalog, Permit, Rights, Security, WatchOptions},
};

use crate::{restore::restore, server::store};

const QUICK: WatchOptions =
    WatchOptions { interval: Duration::from_millis(50), stale_after: Duration::from_millis(1500) };

#[tokio::test]
async fn a_snapshot_and_its_permits_are_quick() {
    let Some(store) = store("gh50", 2).await else { return };
    let catalog = Arc::new(Catalog::load(&store).await.expect("a catalogue"));
    let mut times = Vec::new();
    for generation in 1..=5 {
        let start = Instant::now();
        let security = Security::load(&store, Arc::clone(&catalog), generation).await.expect("the rights");
        let loaded = start.elapsed();
        let users: Vec<_> = security.users().filter(|user| user.active).map(|user| user.id).collect();
        let start = Instant::now();
        for user in &users {
            let permit = Permit::of(&security, &catalog, *user).expect("an active user");
            assert!(permit.model("gnuhealth.disease_group.members") || !permit.model("gnuhealth.patient"));
        }
        times.push((loaded, start.elapsed() / u32::try_from(users.len()).expect("few users")));
    }
    println!("snapshot, permit: {times:?}");
}

#[tokio::test]
async fn equal_rights_have_equal_keys() {
    let Some(store) = store("gh50", 1).await else { return };
    let catalog = Arc::new(Catalog::load(&store).await.expect("a catalogue"));
    let one = Security::load(&store, Arc::clone(&catalog), 1).await.expect("the rights");
    let two = Security::load(&store, Arc::clone(&catalog), 2).await.expect("the rights");
    for user in one.users().filter(|user| user.active) {
        let key = |security| Permit::of(security, &catalog, user.id).expect("an active user").key();
        assert_eq!(key(&one), key(&two), "{}", user.login);
    }
    assert!(Permit::of(&one, &catalog, 0).is_err(), "root never gets a permit");
}

async fn change(database: &str, text: &'static str) {
    let store = store(database, 1).await.expect("it was restored");
    store.write(Class::Request, &[Fragment::raw(text).finish()]).await.expect("the change is made");
}

#[tokio::test]
async fn changes_are_seen_and_an_unknown_state_is_closed() {
    let database = "gnuhealth_fhir_rights";
    if crate::server::options(database, 1).is_none()
        || restore(database, include_bytes!("domain-cases-7.0.sql.zst")).is_none()
    {
        return;
    }
    // One session: the watch must do with it.
    let shared = Arc::new(store(database, 1).await.expect("it was restored"));
    let catalog =
        Arc::new(Catalog::load_with(&shared, include_str!("facts.json")).await.expect("a catalogue"));
    let rights = Rights::start(Arc::clone(&shared), Arc::clone(&catalog), BTreeSet::new(), QUICK)
        .await
        .expect("the rights");
    let permit = |login: &str| {
        let security = rights.current().expect("current rights");
        let user = security.user_by_login(login).map(|user| user.id).unwrap_or(0);
        Permit::of(&security, &catalog, user)
    };
    let wait = async |what: &str, test: &dyn Fn() -> bool| {
        let start = Instant::now();
        while !test() {
            assert!(start.elapsed() < Duration::from_secs(5), "{what} is not seen");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        println!("{what}: seen after {:?}", start.elapsed());
    };
    assert!(permit("gchild").expect("active").model("test.access"));
    let (own, other) = (permit("gchild").expect("active").key(), permit("inother").expect("active").key());

    change(database, "UPDATE ir_model_access SET perm_read = FALSE WHERE \"group\" = 6").await;
    wait("access taken away", &|| !permit("gchild").expect("active").model("test.access")).await;
    assert_ne!(permit("gchild").expect("active").key(), own);
    assert_eq!(permit("inother").expect("active").key(), other, "nothing changed for this user");

    let groups = permit("inother").expect("active").groups().to_vec();
    change(database, "DELETE FROM \"res_user-res_group\" l USING res_user u WHERE u.id = l.\"user\" AND u.login = 'inother'").await;
    wait("group taken away", &|| permit("inother").expect("active").groups() != groups).await;

    change(database, "UPDATE res_user SET active = FALSE WHERE login = 'plain'").await;
    wait("user closed", &|| permit("plain").is_err()).await;

    change(database, "UPDATE ir_rule SET domain = '[[\"integer\", \"=\", {\"__class__\": \"Id\"}]]' WHERE domain LIKE '%integer%'").await;
    wait("unreadable rule", &|| !permit("gchild").expect("active").model("test.integer")).await;
    let refusals = permit("gchild").expect("active").refusals().to_vec();
    assert!(refusals.iter().any(|refusal| refusal.model == "test.integer"));

    change(database, "ALTER TABLE ir_rule RENAME TO ir_rule_away").await;
    wait("rights that cannot be read", &|| {
        rights.current().is_err_and(|error| error.entry() == &error::DATABASE_UNAVAILABLE)
    })
    .await;
    change(database, "ALTER TABLE ir_rule_away RENAME TO ir_rule").await;
    wait("rights that can be read again", &|| rights.current().is_ok()).await;
}

/// With the longest interval, a change that is told as trytond tells it with `clean_timeout = 0` is seen long before the
/// next look, which comes a whole second after the last one.
#[tokio::test]
async fn a_change_that_is_told_is_seen_at_once() {
    let database = "gnuhealth_fhir_told";
    if crate::server::options(database, 1).is_none()
        || restore(database, include_bytes!("domain-cases-7.0.sql.zst")).is_none()
    {
        return;
    }
    assert!(!store(database, 2).await.expect("it was restored").listens(), "no session to spare");
    let shared = Arc::new(store(database, 3).await.expect("it was restored"));
    assert!(shared.listens());
    let catalog =
        Arc::new(Catalog::load_with(&shared, include_str!("facts.json")).await.expect("a catalogue"));
    let slow = WatchOptions { interval: WatchOptions::LONGEST, stale_after: Duration::from_secs(5) };
    let rights =
        Rights::start(Arc::clone(&shared), catalog, BTreeSet::new(), slow).await.expect("the rights");
    let mut times = Vec::new();
    for round in 0..5 {
        let generation = rights.current().expect("current rights").generation();
        let change = [
            Fragment::raw("UPDATE res_group SET active = active WHERE id = (SELECT min(id) FROM res_group)"),
            Fragment::raw("SELECT pg_notify('ir_cache', '[\"res_user.get_groups\"]')::text"),
        ];
        let change = change.map(Fragment::finish);
        shared.write(Class::Request, &change).await.expect("the change is made");
        let start = Instant::now();
        while rights.current().expect("current rights").generation() == generation {
            assert!(start.elapsed() < Duration::from_secs(5), "round {round}: it is not seen");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        times.push(start.elapsed());
    }
    println!("told: seen after {times:?}");
    // The clock may have been first in the first round.
    times.remove(0);
    assert!(times.iter().all(|time| *time < Duration::from_millis(600)), "{times:?}");
}
