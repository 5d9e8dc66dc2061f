//! How soon a change of a user in the database is felt.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use gnuhealth_fhir::tryton::{Catalog, Rights, SignIn, WatchOptions};

use super::{
    site::{Site, code, sign_in_from},
    unlimited,
};

/// Longest time between a change and its effect: a second, and the check that then says no, beside other tests.
const SOON: Duration = Duration::from_millis(2500);

async fn until(sign_in: &SignIn, password: &str, expected: &str) {
    let start = Instant::now();
    while code(&sign_in_from(sign_in, "admin", password, "192.0.2.1").await) != expected {
        assert!(start.elapsed() < SOON, "{expected} did not come");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    println!("{expected} after {:?}", start.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_is_felt_within_a_second() {
    let Some(site) = Site::copy("changes", "gh44").await else { return };
    let catalog = Arc::new(Catalog::load(&site.store).await.expect("the catalogue loads"));
    let rights = Rights::start(Arc::clone(&site.store), catalog, BTreeSet::new(), WatchOptions::default())
        .await
        .unwrap();
    let sign_in = SignIn::open(Arc::clone(&site.store), rights, unlimited()).await.unwrap();
    until(&sign_in, "admin", "ok").await;

    site.run(
        "UPDATE res_user SET password_hash = 'sha1$f4014b9a20b8b0b14b70eff2077fcbc13598eafb$' WHERE id = 1",
    )
    .await;
    until(&sign_in, "gnusolidario", "ok").await;
    until(&sign_in, "admin", "credential-wrong").await;

    site.run("UPDATE res_user SET active = false WHERE id = 1").await;
    until(&sign_in, "gnusolidario", "credential-wrong").await;
    site.run("UPDATE res_user SET active = true WHERE id = 1").await;
    until(&sign_in, "gnusolidario", "ok").await;

    drop(sign_in);
    site.drop().await;
}
