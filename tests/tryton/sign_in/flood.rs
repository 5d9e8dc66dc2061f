//! A flood of wrong sign-ins.

use std::time::{Duration, Instant};

use super::{
    PASSWORD,
    site::{Site, code, sign_in_from},
    unlimited,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_delays_neither_who_is_signed_in_nor_for_long_who_is_not() {
    let Some(site) = Site::create("flood").await else { return };
    let mut options = unlimited();
    options.hash_concurrency = 1;
    let sign_in = site.sign_in(options).await;
    sign_in_from(&sign_in, "nurse", PASSWORD, "192.0.2.1").await.unwrap();

    // Decoys cost as much as most hashes; `admin` has one that takes 0.2 s and more.
    let mut flood = Vec::new();
    for number in 0..500 {
        let sign_in = sign_in.clone();
        flood.push(tokio::spawn(async move {
            let login = if number % 5 == 0 { "admin".to_owned() } else { format!("login {number}") };
            let result = sign_in_from(&sign_in, &login, &format!("wrong {number}"), "203.0.113.1").await;
            if let Err(error) = &result
                && code(&result) == "overloaded"
            {
                assert!(error.retry_seconds().is_some());
            }
            code(&result)
        }));
    }
    tokio::time::sleep(Duration::from_millis(50)).await;

    let mut times = Vec::new();
    for _ in 0..200 {
        let start = Instant::now();
        sign_in_from(&sign_in, "nurse", PASSWORD, "192.0.2.1").await.unwrap();
        times.push(start.elapsed());
    }
    times.sort_unstable();
    println!("signed in, during the flood: median {:?}, longest {:?}", times[100], times[199]);
    assert!(times[100] < Duration::from_millis(2));

    let start = Instant::now();
    sign_in_from(&sign_in, "doctor", PASSWORD, "192.0.2.2").await.unwrap();
    println!("signing in, during the flood: {:?}", start.elapsed());
    assert!(start.elapsed() < Duration::from_secs(3));

    let (mut wrong, mut overloaded) = (0, 0);
    for attempt in flood {
        match attempt.await.unwrap() {
            "credential-wrong" => wrong += 1,
            other => {
                assert_eq!(other, "overloaded");
                overloaded += 1;
            }
        }
    }
    println!("of the flood: {wrong} checked, {overloaded} turned away");
    assert!(overloaded > 400, "{overloaded}");
    assert!(wrong > 0);
    site.drop().await;
}
