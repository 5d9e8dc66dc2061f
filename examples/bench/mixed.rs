//! Everything at once, for a while: errors, wrong answers, and memory that grows.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::Value;

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
    /// Answers that were not what they should be; of a [`Pace`] only.
    pub wrong: usize,
    /// The most memory after the first quarter of the time, and at the end, in bytes.
    pub memory: [u64; 2],
    /// Sockets of the gateway in the middle of it.
    pub sockets: usize,
    /// Why the first one was not.
    first: Option<String>,
}

impl Mixed {
    /// The first failure, to follow the number of them.
    pub fn reason(&self) -> String {
        self.first.as_ref().map(|first| format!("; the first: {first}")).unwrap_or_default()
    }
}

/// Requests at a steady pace, whose answers are known.
pub struct Pace {
    /// Requests a second, of all clients together.
    rate: f64,
    /// The essence of the answer to each request.
    answers: Vec<Vec<u64>>,
}

impl Pace {
    /// Asks each request twice, while nothing else is asked.
    ///
    /// # Errors
    /// One is refused, or answered in two ways.
    pub async fn learn(works: &[Vec<String>], target: &Target, rate: f64) -> Result<Self, Failure> {
        let mut client = Client::connect(target.place).await?;
        let mut answers = Vec::new();
        for paths in works {
            let mut known = Vec::new();
            for path in paths {
                let request = target.request(path);
                let answer = essence(client.send(&request).await?)?;
                if essence(client.send(&request).await?)? != answer {
                    return Err(format!("{path} has two answers").into());
                }
                known.push(answer);
            }
            answers.push(known);
        }
        Ok(Self { rate, answers })
    }
}

/// What must be the same each time: of a Bundle everything but its id, its time, its sealed links, and the ids of requests in its
/// hints.
fn essence(body: &[u8]) -> Result<u64, Failure> {
    let mut value: Value = serde_json::from_slice(body)?;
    if let Some(bundle) = value.as_object_mut().filter(|value| value["resourceType"] == "Bundle") {
        for name in ["id", "meta", "link", "timestamp"] {
            bundle.remove(name);
        }
        for entry in bundle.get_mut("entry").and_then(Value::as_array_mut).into_iter().flatten() {
            for issue in
                entry["resource"].get_mut("issue").and_then(Value::as_array_mut).into_iter().flatten()
            {
                issue["diagnostics"].take();
            }
        }
    }
    let mut hasher = DefaultHasher::new();
    value.to_string().hash(&mut hasher);
    Ok(hasher.finish())
}

/// So many clients that take requests of all works by chance, each as soon as it is answered or at a pace.
pub async fn run(
    works: &[Vec<String>],
    target: &Target,
    gateway: Process,
    clients: usize,
    time: Duration,
    pace: Option<Pace>,
) -> Result<Mixed, Failure> {
    let works: Arc<Vec<Vec<String>>> =
        Arc::new(works.iter().map(|paths| paths.iter().map(|path| target.request(path)).collect()).collect());
    let (errors, wrong) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let pause = pace.as_ref().map(|pace| Duration::from_secs_f64(clients as f64 / pace.rate));
    let pace = Arc::new(pace);
    let mut tasks = Vec::new();
    let start = Instant::now();
    for number in 0..clients {
        let (works, errors, place) = (Arc::clone(&works), Arc::clone(&errors), target.place);
        let (wrong, pace) = (Arc::clone(&wrong), Arc::clone(&pace));
        let mut client = Client::connect(place).await?;
        let mut random = Random::new(number);
        tasks.push(tokio::spawn(async move {
            let (mut times, mut first) = (Vec::new(), None);
            let mut due =
                start + pause.unwrap_or_default() * u32::try_from(number)? / u32::try_from(clients)?;
            while start.elapsed() < time {
                if let Some(pause) = pause {
                    tokio::time::sleep_until(due.into()).await;
                    due = (due + pause).max(Instant::now());
                }
                let work = random.below(works.len());
                let request = random.below(works[work].len());
                let begun = Instant::now();
                match client.send(&works[work][request]).await {
                    Ok(body) => {
                        times.push(microseconds(begun.elapsed()));
                        let Some(pace) = &*pace else { continue };
                        if essence(body).ok() != Some(pace.answers[work][request]) {
                            wrong.fetch_add(1, Ordering::Relaxed);
                            let line = works[work][request].lines().next().unwrap_or_default();
                            first.get_or_insert_with(|| format!("a wrong answer to {line}"));
                        }
                    }
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
            Ok::<_, Failure>((times, first))
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
        let (own, error) = task.await??;
        times.extend(own);
        first = first.or(error);
    }
    Ok(Mixed {
        speed: Speed::of(times, start.elapsed()),
        errors: errors.load(Ordering::Relaxed),
        wrong: wrong.load(Ordering::Relaxed),
        memory: [warm, gateway.peak()],
        sockets,
        first,
    })
}
