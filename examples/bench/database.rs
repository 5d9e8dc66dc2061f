//! PostgreSQL itself: facts about the hospital, the limit where there is no pgbench, and the same rows by COPY.

use std::{
    ops::RangeInclusive,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{StreamExt as _, pin_mut};
use gnuhealth_fhir::sql::{Statement, Value};
use tokio_postgres::{Client, Config, NoTls, types::ToSql};

use crate::{
    Failure,
    client::Streamed,
    limit::{Limit, Parameter, filled, literal, text},
    load::{Random, Speed, microseconds},
    pgbench::escaped,
    process::Process,
};

/// A database, and a session with the settings of the gateway's own.
pub struct Database {
    /// How it is reached.
    pub config: Config,
    client: Client,
    /// The server, when it is on this machine.
    pub server: Option<Process>,
}

/// What the requests are made of.
pub struct Hospital {
    /// How many patients there are.
    pub count: i64,
    /// Ids of patients without a gap.
    pub patients: RangeInclusive<i32>,
    /// Beginnings of family names.
    pub names: Vec<String>,
    /// Codes of diagnoses.
    pub diagnoses: Vec<String>,
    /// PostgreSQL's version and the size of the database.
    pub description: String,
}

impl Database {
    /// Connects.
    pub async fn open(url: &str, session: &str) -> Result<Self, Failure> {
        let mut config: Config = url.parse()?;
        config.options(session);
        let client = connect(&config).await?;
        let backend: i32 = client.query_one("SELECT pg_backend_pid()", &[]).await?.get(0);
        Ok(Self { config, client, server: Process::postmaster(backend) })
    }

    /// Looks around.
    pub async fn hospital(&self) -> Result<Hospital, Failure> {
        let texts =
            |rows: Vec<tokio_postgres::Row>| rows.iter().map(|row| row.get(0)).collect::<Vec<String>>();
        let run = self
            .client
            .query_one(
                "SELECT count(*) OVER (), min(id), max(id) FROM (SELECT id, id - row_number() OVER (ORDER BY id) AS run \
                 FROM gnuhealth_patient WHERE active) p GROUP BY run ORDER BY count(*) DESC LIMIT 1",
                &[],
            )
            .await?;
        let count = self.client.query_one("SELECT count(*) FROM gnuhealth_patient WHERE active", &[]).await?;
        let names = self
            .client
            .query(
                "SELECT lower(left(lastname, 3)) FROM party_party WHERE is_patient AND lastname ~ '^[A-Za-z]{3}' \
                 GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 8",
                &[],
            )
            .await?;
        let diagnoses = self
            .client
            .query(
                "SELECT p.code FROM gnuhealth_patient_disease d JOIN gnuhealth_pathology p ON p.id = d.pathology \
                 WHERE p.code IS NOT NULL GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 4",
                &[],
            )
            .await?;
        let about = self
            .client
            .query_one(
                "SELECT 'PostgreSQL ' || split_part(current_setting('server_version'), ' ', 1) || ', ' \
                 || pg_size_pretty(pg_database_size(current_database())) || ', shared_buffers ' \
                 || current_setting('shared_buffers')",
                &[],
            )
            .await?;
        Ok(Hospital {
            count: count.get(0),
            patients: run.get(1)..=run.get(2),
            names: texts(names),
            diagnoses: texts(diagnoses),
            description: about.get(0),
        })
    }

    /// Checks that a statement as pgbench gets it has the rows of the recorded one.
    pub async fn agrees(&self, statement: &Statement) -> Result<(), Failure> {
        let other = escaped(&statement.text);
        if other == statement.text {
            return Ok(());
        }
        let values: Vec<&(dyn ToSql + Sync)> = statement.values.iter().map(|value| value as _).collect();
        let mut sums = Vec::new();
        for text in [&statement.text, &other] {
            let sum = format!("SELECT md5(string_agg(rows::text, '|')) FROM ({text}) rows");
            sums.push(self.client.query_one(&sum, &values).await?.get::<_, Option<String>>(0));
        }
        if sums[0] == sums[1] { Ok(()) } else { Err("a statement has other rows as pgbench gets it".into()) }
    }

    /// The rows of a page's statement without its end, and as many of them as there are, by COPY.
    pub async fn copy(&self, statement: &Statement, most: u32) -> Result<Streamed, Failure> {
        let values = filled(&statement.text, |index| Some(literal(&text(statement.values.get(index - 1)?)?)));
        let all = values.ok_or("a statement is none for COPY")?.replace(&format!("LIMIT {}", most + 1), "");
        // Millions of rows take longer than the gateway lets a statement run.
        self.client.batch_execute("SET statement_timeout = 0").await?;
        let copied = self.client.copy_out(&format!("COPY ({all}) TO STDOUT")).await?;
        pin_mut!(copied);
        let mut streamed = Streamed::default();
        while let Some(piece) = copied.next().await {
            let piece = piece?;
            streamed.lines += 1;
            streamed.bytes += piece.len() as u64;
        }
        Ok(streamed)
    }

    /// What PostgreSQL answers to sessions of this program, where there is no pgbench.
    pub async fn run(&self, limit: &Limit, clients: usize, time: Duration) -> Result<Speed, Failure> {
        let limit = Arc::new(limit.clone());
        let mut tasks = Vec::new();
        for number in 0..clients {
            let (client, limit) = (connect(&self.config).await?, Arc::clone(&limit));
            let mut questions = Vec::new();
            for question in &limit.questions {
                let mut prepared = Vec::new();
                for (text, parameters) in &question.statements {
                    prepared.push((client.prepare(text).await?, parameters.clone()));
                }
                questions.push(prepared);
            }
            let (mut random, width) = (Random::new(number), limit.patients.clone().count());
            tasks.push(tokio::spawn(async move {
                let (mut times, start) = (Vec::new(), Instant::now());
                while start.elapsed() < time {
                    let begun = Instant::now();
                    let question = &questions[random.below(questions.len())];
                    let patient = Value::Int4(limit.patients.start() + random.below(width) as i32);
                    for (statement, parameters) in question {
                        let values: Vec<&(dyn ToSql + Sync)> = parameters
                            .iter()
                            .map(|parameter| match parameter {
                                Parameter::Constant(value) => value as _,
                                Parameter::Patient => &patient as _,
                            })
                            .collect();
                        client.query(statement, &values).await?;
                    }
                    times.push(microseconds(begun.elapsed()));
                }
                Ok::<_, Failure>(times)
            }));
        }
        let (start, mut times) = (Instant::now(), Vec::new());
        for task in tasks {
            times.extend(task.await??);
        }
        Ok(Speed::of(times, start.elapsed()))
    }
}

async fn connect(config: &Config) -> Result<Client, Failure> {
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}
