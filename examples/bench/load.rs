//! Clients that ask again as soon as they are answered, and how long the answers took.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    Failure,
    client::{Client, Target},
};

/// What a measurement gave.
#[derive(Clone, Copy, Debug, Default)]
pub struct Speed {
    /// Answers a second.
    pub rate: f64,
    /// Times of 50, 95 and 99 of 100 answers at most, in milliseconds.
    pub percentiles: [f64; 3],
    /// How many were answered.
    pub answers: f64,
}

impl Speed {
    /// Of the times of all answers, in microseconds, in a time.
    pub fn of(mut times: Vec<u32>, took: Duration) -> Self {
        times.sort_unstable();
        let at = |share: f64| {
            let index = (times.len() as f64 * share) as usize;
            times.get(index.min(times.len().saturating_sub(1))).map_or(0.0, |time| f64::from(*time) / 1000.0)
        };
        Self {
            rate: times.len() as f64 / took.as_secs_f64(),
            percentiles: [at(0.50), at(0.95), at(0.99)],
            answers: times.len() as f64,
        }
    }
}

/// Requests that are sent in an order without locality.
#[derive(Clone, Debug)]
pub struct Requests {
    target: Target,
    texts: Arc<[String]>,
}

impl Requests {
    /// For these paths.
    pub fn new(target: &Target, paths: impl IntoIterator<Item = String>) -> Self {
        let texts = paths.into_iter().map(|path| target.request(&path)).collect();
        Self { target: target.clone(), texts }
    }

    /// What so many clients are answered in a time; one that is refused ends the measurement.
    pub async fn run(&self, clients: usize, time: Duration) -> Result<Speed, Failure> {
        let mut connected = Vec::new();
        for _ in 0..clients {
            connected.push(Client::connect(self.target.place).await?);
        }
        let (start, mut tasks) = (Instant::now(), Vec::new());
        for (number, mut client) in connected.into_iter().enumerate() {
            let (texts, mut random) = (Arc::clone(&self.texts), Random::new(number));
            tasks.push(tokio::spawn(async move {
                let mut times = Vec::new();
                while start.elapsed() < time {
                    let begun = Instant::now();
                    client.send(&texts[random.below(texts.len())]).await?;
                    times.push(microseconds(begun.elapsed()));
                }
                Ok::<_, Failure>(times)
            }));
        }
        let mut times = Vec::new();
        for task in tasks {
            times.extend(task.await??);
        }
        Ok(Speed::of(times, start.elapsed()))
    }
}

/// A time as it is kept: shorter than an hour.
pub fn microseconds(time: Duration) -> u32 {
    u32::try_from(time.as_micros()).unwrap_or(u32::MAX)
}

/// Numbers that look like chance and are the same on every run (xorshift64).
#[derive(Clone, Copy, Debug)]
pub struct Random(u64);

impl Random {
    /// One of many that differ.
    pub fn new(number: usize) -> Self {
        Self((number as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    /// A number below `count`.
    pub fn below(&mut self, count: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % count
    }
}
