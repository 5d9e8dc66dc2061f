//! The gateway and its limit in turns, so that other work on the machine slows both alike.

use std::{ops::RangeInclusive, time::Duration};

use crate::{
    Failure,
    client::Target,
    database::Database,
    gateway::Gateway,
    limit::{Limit, Question},
    load::{Requests, Speed},
    pgbench::{self, Pgbench},
    process::Process,
    recorder::Recorder,
    work::{Paths, Work},
};

/// What a measurement needs.
pub struct Bench {
    /// The gateway that is measured.
    pub gateway: Gateway,
    /// Where it is, and who asks.
    pub target: Target,
    /// PostgreSQL.
    pub database: Database,
    /// Settings of a session.
    pub session: String,
    /// The program that measures the limit.
    pub pgbench: Option<Pgbench>,
    /// Patients who are asked for.
    pub patients: RangeInclusive<i32>,
    /// Clients at once.
    pub clients: usize,
    /// Length of a measurement.
    pub time: Duration,
    /// How often everything is measured.
    pub rounds: usize,
}

/// A work that is ready to be measured.
pub struct Prepared {
    work: Work,
    requests: Requests,
    limit: Limit,
    statements: f64,
}

/// What came out.
#[derive(Clone, Debug)]
pub struct Row {
    /// The work.
    pub name: String,
    /// Medians of the gateway.
    pub gateway: Speed,
    /// Medians of PostgreSQL alone.
    pub limit: Speed,
    /// Median of the shares of the limit's rate.
    pub ratio: f64,
    /// The share that should be reached at least.
    pub target: Option<f64>,
    /// Median of the 95th percentile, as a multiple of the limit's.
    pub tail: f64,
    /// Statements of a request.
    pub statements: f64,
    /// Processor time of a request in microseconds: gateway, PostgreSQL, clients.
    pub processor: [f64; 3],
    /// Processor time that PostgreSQL takes alone, in microseconds.
    pub alone: f64,
    /// The most memory that the gateway held, in bytes.
    pub peak: u64,
}

/// Processor time of a measurement.
struct Clock([Duration; 3]);

impl Bench {
    /// Records what a work asks, and checks that it can be asked in the same way without the gateway.
    pub async fn prepare(&self, mut work: Work, recorder: &mut Recorder) -> Result<Prepared, Failure> {
        let mut questions = Vec::new();
        let mut recorded = Vec::new();
        if let Paths::Patients(path) = &work.paths {
            let middle = self.patients.start() + (self.patients.end() - self.patients.start()) / 2;
            let ids = [middle, *self.patients.end()];
            let mut both = Vec::new();
            for id in ids {
                both.push(recorder.statements(&path.replace("{id}", &id.to_string())).await?);
            }
            questions.extend(Question::of_any((ids[0], &both[0]), (ids[1], &both[1])));
            if questions.is_empty() {
                work.paths = work.paths.samples(&self.patients);
            } else {
                recorded.push(both.swap_remove(0));
            }
        }
        if let (Paths::Some(paths), true) = (&work.paths, questions.is_empty()) {
            for path in paths {
                let statements = recorder.statements(path).await?;
                questions.push(Question::constant(&statements));
                recorded.push(statements);
            }
        }
        for statement in recorded.iter().flatten() {
            if !statement.values.iter().all(pgbench::takes) {
                return Err("a statement has a value that pgbench does not take".into());
            }
            self.database.agrees(statement).await?;
        }
        let all: usize = recorded.iter().map(Vec::len).sum();
        let statements = all as f64 / recorded.len().max(1) as f64;
        let requests = Requests::new(&self.target, work.paths.all(&self.patients));
        let limit = Limit { questions, patients: self.patients.clone() };
        Ok(Prepared { work, requests, limit, statements })
    }

    /// Measures a work.
    pub async fn measure(&self, prepared: &Prepared) -> Result<Row, Failure> {
        let Prepared { work, requests, limit, statements } = prepared;
        // The first executions of a statement in a session are planned each.
        let first = requests.run(self.clients, self.time.min(Duration::from_secs(1))).await?;
        let planned = (6 * limit.questions.len() * self.clients) as f64 / first.rate.max(1.0);
        let before = Duration::from_secs_f64(planned.clamp(0.5, 15.0));
        requests.run(self.clients, before).await?;
        let (mut speeds, mut limits, mut processors, mut alone) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        self.gateway.process().forget_peak();
        for round in 0..self.rounds {
            // Neither is always the first.
            for gateway in [round % 2 == 0, round % 2 != 0] {
                let clock = self.clock();
                if gateway {
                    let speed = requests.run(self.clients, self.time).await?;
                    processors.push(self.since(&clock).map(|time| time / speed.answers * 1e6));
                    speeds.push(speed);
                } else {
                    let speed = self.alone(limit, before, first.rate).await?;
                    let share = self.time.as_secs_f64() / (self.time + before).as_secs_f64().ceil();
                    alone.push(self.since(&clock)[1] * share / speed.answers * 1e6);
                    limits.push(speed);
                }
            }
        }
        let pairs = || speeds.iter().zip(&limits);
        Ok(Row {
            name: work.name.clone(),
            ratio: median(pairs().map(|(own, limit)| own.rate / limit.rate)),
            tail: median(pairs().map(|(own, limit)| own.percentiles[1] / limit.percentiles[1])),
            gateway: Speed::median(&speeds),
            limit: Speed::median(&limits),
            target: work.target,
            statements: *statements,
            processor: [0, 1, 2].map(|part| median(processors.iter().map(|times| times[part]))),
            alone: median(alone.iter().copied()),
            peak: self.gateway.process().peak(),
        })
    }

    /// What PostgreSQL answers without the gateway.
    async fn alone(&self, limit: &Limit, before: Duration, expected: f64) -> Result<Speed, Failure> {
        let config = &self.database.config;
        match &self.pgbench {
            Some(pgbench) => {
                let times = (before, self.time);
                pgbench.run(limit, config, &self.session, self.clients, times, expected).await
            }
            None => self.database.run(limit, self.clients, self.time).await,
        }
    }

    fn clock(&self) -> Clock {
        let server = self.database.server.map_or(Duration::ZERO, Process::time_with_children);
        Clock([self.gateway.process().time(), server, Process::own().time()])
    }

    /// Seconds of processor time of gateway, PostgreSQL and clients since then.
    fn since(&self, before: &Clock) -> [f64; 3] {
        let now = self.clock();
        [0, 1, 2].map(|part| now.0[part].saturating_sub(before.0[part]).as_secs_f64())
    }
}

impl Speed {
    /// The medians of several.
    pub fn median(all: &[Self]) -> Self {
        Self {
            rate: median(all.iter().map(|speed| speed.rate)),
            percentiles: [0, 1, 2].map(|at| median(all.iter().map(|speed| speed.percentiles[at]))),
            answers: median(all.iter().map(|speed| speed.answers)),
        }
    }
}

/// The one in the middle.
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut all: Vec<f64> = values.into_iter().collect();
    all.sort_unstable_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or(f64::NAN)
}
