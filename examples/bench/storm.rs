//! Reads of who is signed in, without and with others who send wrong passwords.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use crate::{
    Failure,
    client::{Client, Target},
    load::{Requests, Speed},
    measure::median,
};

/// How soon a client that was turned away guesses again.
const TURNED_AWAY: Duration = Duration::from_millis(100);

/// What came out.
pub struct Storm {
    /// Medians of the reads while nobody guesses, and while others do.
    pub speeds: [Speed; 2],
    /// Median of the shares that are left.
    pub left: f64,
    /// Passwords that were checked a second.
    pub checked: f64,
    /// Guesses that were turned away without a check, of all turns.
    pub refused: usize,
}

/// Clients that guess passwords.
#[derive(Default)]
struct State {
    on: AtomicBool,
    ended: AtomicBool,
    /// Without an answer yet.
    open: AtomicUsize,
    checked: AtomicUsize,
    /// Turned away without a check.
    refused: AtomicUsize,
}

/// Measures in turns, so that other work on the machine slows both alike.
pub async fn run(
    reads: &Requests,
    target: &Target,
    (clients, guessing): (usize, usize),
    (rounds, time): (usize, Duration),
) -> Result<Storm, Failure> {
    let state = Arc::new(State::default());
    let mut guesses = Vec::new();
    for number in 0..guessing {
        let client = Client::connect(target.place).await?;
        guesses.push(tokio::spawn(guess(number, target.clone(), client, Arc::clone(&state))));
    }
    let mut speeds = [Vec::new(), Vec::new()];
    let (mut checked, mut guessed) = (0, Duration::ZERO);
    for round in 0..rounds {
        // Neither is always the first.
        for on in [round % 2 == 0, round % 2 != 0] {
            state.on.store(on, Ordering::Relaxed);
            if on {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            while !on && state.open.load(Ordering::Relaxed) > 0 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            let (before, start) = (state.checked.load(Ordering::Relaxed), Instant::now());
            let speed = reads.run(clients, time).await?;
            if on {
                checked += state.checked.load(Ordering::Relaxed) - before;
                guessed += start.elapsed();
            }
            speeds[usize::from(on)].push(speed);
        }
    }
    state.ended.store(true, Ordering::Relaxed);
    for guess in guesses {
        guess.await?;
    }
    Ok(Storm {
        left: median(speeds[0].iter().zip(&speeds[1]).map(|(quiet, storm)| storm.rate / quiet.rate)),
        speeds: [Speed::median(&speeds[0]), Speed::median(&speeds[1])],
        checked: checked as f64 / guessed.as_secs_f64(),
        refused: state.refused.load(Ordering::Relaxed),
    })
}

async fn guess(number: usize, target: Target, mut client: Client, state: Arc<State>) {
    let place: SocketAddr = target.place;
    let mut attempt = 0;
    while !state.ended.load(Ordering::Relaxed) {
        if !state.on.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        }
        attempt += 1;
        let user = (format!("flood {number} {attempt}"), "wrong".to_owned());
        let request = Target { user, ..target.clone() }.request("Patient/1");
        state.open.fetch_add(1, Ordering::Relaxed);
        // Anything but 200 is told as an error.
        let answer = client.send(&request).await.err().map(|error| error.to_string()).unwrap_or_default();
        state.open.fetch_sub(1, Ordering::Relaxed);
        if answer.contains(" 401 ") {
            state.checked.fetch_add(1, Ordering::Relaxed);
            continue;
        }
        if answer.starts_with("HTTP/1.1 ") {
            state.refused.fetch_add(1, Ordering::Relaxed);
        } else if let Ok(again) = Client::connect(place).await {
            client = again;
        }
        // Nobody waits as long as the gateway says, but each for a moment.
        tokio::time::sleep(TURNED_AWAY).await;
    }
}
