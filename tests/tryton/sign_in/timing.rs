//! The time to a no says nothing about the user.

use std::time::{Duration, Instant};

use super::{
    PASSWORD,
    site::{Site, code, sign_in_from},
    unlimited,
};

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_no_takes_the_same_time() {
    let Some(site) = Site::create("timing").await else { return };
    // Most users have a hash that takes longer than the rest of a sign-in.
    site.run(
        "UPDATE res_user SET password_hash = '$2a$09$3ZDiYUijwN1/oorAAFPI4OZiS6Xu7SFmJDs0KiwQINlzeMCYY4GYK'
         WHERE password_hash LIKE '$2%'",
    )
    .await;
    let sign_in = site.sign_in(unlimited()).await;
    let cases = [
        ("nurse", "wrong password"),
        ("unknown", "unknown login"),
        ("gone", "inactive user"),
        ("nothing", "no hash"),
        ("garbage", "unknown hash"),
        ("old", "quick hash"),
        ("reset", "reset code"),
    ];
    let mut report = String::new();
    // Other work on the machine disturbs; an unequal time would show in every round.
    for round in 0..8 {
        let mut times = vec![Vec::new(); cases.len()];
        for number in 0..15 {
            for (index, (login, _)) in cases.iter().enumerate() {
                let start = Instant::now();
                let password = format!("wrong {round} {number}");
                let result = sign_in_from(&sign_in, login, &password, "192.0.2.1").await;
                times[index].push(start.elapsed());
                assert_eq!(code(&result), "credential-wrong");
            }
        }
        let medians: Vec<_> = times.into_iter().map(median).collect();
        report =
            cases.iter().zip(&medians).map(|((_, case), time)| format!("{case}: {time:.4} s\n")).collect();
        println!("{report}");
        if medians.iter().all(|time| (time / medians[0] - 1.0).abs() < 0.2) {
            sign_in_from(&sign_in, "old", PASSWORD, "192.0.2.1").await.unwrap();
            site.drop().await;
            return;
        }
    }
    panic!("the times differ:\n{report}");
}
