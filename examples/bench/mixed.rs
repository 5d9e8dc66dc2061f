//! Everything at once, for a while: errors, and memory that grows.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use crate::{
    Failure,
    client::{Client, Target},
    load::{Random, Speed, microseconds},
    process::Process,
};

/// What came out.
pub struct Mixed {
    /// Of all requests.
    pub speed: Speed,
    /// Requests that were not answered with 200.
    pub errors: usize,
    /// The most memory after the first quarter of the time, and at the end, in bytes.
    pub memory: [u64; 2],
    /// Sockets of the gateway in the middle of it.
    pub sockets: usize,
    /// Why the first one was not.
    pub first: Option<String>,
}

/// So many clients that take requests of all works in turns.
pub async fn run(
    works: &[Vec<String>],
    target: &Target,
    gateway: Process,
    clients: usize,
    time: Duration,
) -> Result<Mixed, Failure> {
    let works: Arc<Vec<Vec<String>>> =
        Arc::new(works.iter().map(|paths| paths.iter().map(|path| target.request(path)).collect()).collect());
    let errors = Arc::new(AtomicUsize::new(0));
    let mut tasks = Vec::new();
    let start = Instant::now();
    for number in 0..clients {
        let (works, errors, place) = (Arc::clone(&works), Arc::clone(&errors), target.place);
        let mut client = Client::connect(place).await?;
        let mut random = Random::new(number);
        tasks.push(tokio::spawn(async move {
            let (mut times, mut first) = (Vec::new(), None);
            while start.elapsed() < time {
                let work = &works[random.below(works.len())];
                let begun = Instant::now();
                match client.send(&work[random.below(work.len())]).await {
                    Ok(_) => times.push(microseconds(begun.elapsed())),
                    Err(error) => {
                        errors.fetch_add(1, Ordering::Relaxed);
                        first.get_or_insert(error.to_string());
                        tokio::time::sleep(Duration::from_millis(10)).await;
                        if let Ok(again) = Client::connect(place).await {
                            client = again;
                        }
                    }
                }
            }
            (times, first)
        }));
    }
    tokio::time::sleep(time / 4).await;
    gateway.forget_peak();
    tokio::time::sleep(time / 8).await;
    let (warm, sockets) = (gateway.peak(), gateway.sockets());
    tokio::time::sleep((time * 4 / 8).saturating_sub(Duration::from_millis(1))).await;
    gateway.forget_peak();
    let (mut times, mut first) = (Vec::new(), None);
    for task in tasks {
        let (own, error) = task.await?;
        times.extend(own);
        first = first.or(error);
    }
    Ok(Mixed {
        speed: Speed::of(times, start.elapsed()),
        errors: errors.load(Ordering::Relaxed),
        memory: [warm, gateway.peak()],
        sockets,
        first,
    })
}
