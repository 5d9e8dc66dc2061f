//! Whether a login exists cannot be told from the time of a no.

use std::{
    io::Write as _,
    time::{Duration, Instant},
};

use super::Target;
use crate::harness::{Client, Database};

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64()
}

#[test]
fn an_unknown_login_takes_as_long_as_a_wrong_password() {
    let database = Database::copy("attack_timing");
    // Of one kind, as in a hospital: the demo has a user for every kind of hash.
    database.run("UPDATE res_user SET active = FALSE WHERE login LIKE 'hash-%'");
    let target = Target::over(
        &database.url,
        &["--login-max-attempt", "1000", "--login-max-attempt-network", "100000"],
    );
    let known = ["doctor", "nurse", "frontdesk", "lab", "nogroup", "doctorfrontdesk"];
    let mut ratios = Vec::new();
    // Other work on the machine disturbs; an unequal time would show in every round.
    for round in 0..8 {
        let time = |login: &str| {
            let client = Client::basic(target.process.address, login, &format!("wrong {round}"));
            let begun = Instant::now();
            client.get("Patient/1").is(401, "credential-wrong");
            begun.elapsed()
        };
        let (mut of_known, mut of_unknown) = (Vec::new(), Vec::new());
        for (index, login) in known.iter().enumerate() {
            of_known.push(time(login));
            of_unknown.push(time(&format!("nobody{round}x{index}")));
            // Earlier failures delay the next answer.
            database.run("DELETE FROM res_user_login_attempt");
        }
        let ratio = median(of_unknown) / median(of_known);
        ratios.push(ratio);
        if (ratio - 1.0).abs() < 0.2 {
            let _ = writeln!(
                std::io::stderr(),
                "attacks: unknown to known logins take 1:{ratio:.2} (round {round})"
            );
            return target.survived();
        }
    }
    panic!("unknown to known: {ratios:?}");
}
