//! Statements that read: each on a session of its own, or several side by side; with a replica where there is one that may
//! answer, and elsewhere when that dies meanwhile.

use std::{
    iter::repeat_n,
    slice,
    sync::atomic::{AtomicUsize, Ordering},
};

use futures_util::future::try_join_all;
use tokio_postgres::{
    error::{Severity, SqlState},
    types::ToSql,
};

use super::{
    Class, Failed, Purpose, Row, Store, database_error,
    pools::Pools,
    replicas::{Busy, Replica},
    running::Running,
    session::Session,
    typed,
    vitals::Spent,
};
use crate::{
    error::{self, Error, Result},
    sql::{Statement, Value},
};

impl Store {
    /// Runs one statement, prepared once per session, and returns its rows.
    ///
    /// # Errors
    /// Unreachable database, time limit, or a failing statement; the text of PostgreSQL goes to the log only.
    pub async fn rows(&self, purpose: impl Into<Purpose>, statement: &Statement) -> Result<Vec<Row>> {
        self.rows_filled(purpose, statement, &[]).await
    }

    /// Runs a statement with these values in its gaps.
    ///
    /// # Errors
    /// As [`Store::rows`].
    pub async fn rows_filled(
        &self,
        purpose: impl Into<Purpose>,
        statement: &Statement,
        gaps: &[Value],
    ) -> Result<Vec<Row>> {
        self.rows_side_by_side(purpose, slice::from_ref(statement), gaps).await
    }

    /// Runs a statement for a record, whose id fills the gap.
    ///
    /// # Errors
    /// As [`Store::rows`].
    pub async fn rows_of_record(
        &self,
        purpose: impl Into<Purpose>,
        statement: &Statement,
        record: i32,
    ) -> Result<Vec<Row>> {
        self.rows_filled(purpose, statement, &[Value::Int4(record)]).await
    }

    /// Runs statements with these values in their gaps; returns the rows of the first, then those of the second, and so on.
    /// Wide ones run side by side, on as many of their sessions as nobody uses.
    ///
    /// # Errors
    /// As [`Store::rows`].
    pub async fn rows_side_by_side(
        &self,
        purpose: impl Into<Purpose>,
        statements: &[Statement],
        gaps: &[Value],
    ) -> Result<Vec<Row>> {
        let purpose = purpose.into();
        let mut tries = match &self.replicas {
            // One more than there are: a replica can be back before the others were tried.
            Some(replicas) if purpose.class == Class::Request => replicas.count() + 1,
            _ => 0,
        };
        loop {
            let replica = self.replicas.as_ref().filter(|_| tries > 0).and_then(|replicas| replicas.choose());
            let pools = replica.map_or(&self.pools, |replica| &replica.pools);
            let busy = replica.map(Replica::begin);
            let read = self.read(pools, purpose, statements, gaps);
            let failed = match unless_lost(busy.as_ref(), read).await {
                Ok(rows) => return Ok(rows),
                Err(failed) => failed,
            };
            let Some(replica) = replica else { return Err(failed.into_error()) };
            match failed {
                Failed::Statement(error) => return Err(error),
                Failed::Server(error) => {
                    replica.failed(&error);
                    tries -= 1;
                }
                // Another replica would run into the same.
                Failed::Recovery(_) => {
                    Spent::stay(0);
                    tries = 0;
                }
            }
            replica.moves();
        }
    }

    /// The rows of statements, in their order, from one place.
    async fn read(
        &self,
        pools: &Pools,
        purpose: Purpose,
        statements: &[Statement],
        gaps: &[Value],
    ) -> Result<Vec<Row>, Failed> {
        if statements.is_empty() {
            return Ok(Vec::new());
        }
        let running = self.running(purpose, pools).await?;
        if let [statement] = statements {
            let (running, rows) = self.query(running, purpose, statement, gaps).await?;
            running.finished();
            return Ok(rows);
        }
        let next = AtomicUsize::new(0);
        let lane = |mut running: Running| {
            let next = &next;
            async move {
                let mut found = Vec::new();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(statement) = statements.get(number) else { break };
                    let rows;
                    (running, rows) = self.query(running, purpose, statement, gaps).await?;
                    found.push((number, rows));
                }
                running.finished();
                Ok(found)
            }
        };
        let first = lane(running);
        let others = if purpose.wide && pools.has_wide() { statements.len() - 1 } else { 0 };
        let more = repeat_n(pools, others).map(|pools| async {
            match pools.one_more().await {
                Some(running) => lane(running).await,
                None => Ok(Vec::new()),
            }
        });
        let (first, more) = tokio::try_join!(first, try_join_all(more))?;
        let mut all: Vec<_> = first.into_iter().chain(more.into_iter().flatten()).collect();
        all.sort_unstable_by_key(|(number, _)| *number);
        Ok(all.into_iter().flat_map(|(_, rows)| rows).collect())
    }

    /// Runs a statement on a session, and gives that back unless it failed.
    async fn query(
        &self,
        running: Running,
        purpose: Purpose,
        statement: &Statement,
        gaps: &[Value],
    ) -> Result<(Running, Vec<Row>), Failed> {
        let values = statement.filled(gaps);
        self.tell(purpose.class, || statement.with(&values));
        let mut sent = self.counts[purpose.class as usize].begin(purpose.name);
        let answer = self.in_time(self.answer(running.session(), statement, &values)).await;
        match answer.map_err(|late| Failed::Statement(sent.failed(late)))? {
            Ok(rows) => {
                sent.answered(rows.len());
                Ok((running, rows.into_iter().map(Row::from).collect()))
            }
            Err(error) => {
                if is_end(&error) {
                    running.ended();
                } else {
                    running.finished();
                }
                Err(failed(error, |error| sent.failed(error)))
            }
        }
    }

    async fn answer(
        &self,
        session: &Session,
        statement: &Statement,
        values: &[&Value],
    ) -> std::result::Result<Vec<tokio_postgres::Row>, tokio_postgres::Error> {
        if let Some(settings) = &self.pooled {
            // Sent together: a pooler holds its session from BEGIN to COMMIT, and what was prepared before is in another.
            let begin = format!("BEGIN READ ONLY; {settings}");
            let typed = typed(values);
            let (begun, rows, ended) = tokio::join!(
                session.batch_execute(&begin),
                session.query_typed(&statement.text, &typed),
                session.batch_execute("COMMIT")
            );
            begun?;
            let rows = rows?;
            ended?;
            return Ok(rows);
        }
        let prepared = session.prepared(statement).await?;
        let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| *value as _).collect();
        session.query(&prepared, &values).await
    }
}

/// What is read, unless the replica does not answer any more: then it is not waited for.
async fn unless_lost<R>(
    busy: Option<&Busy<'_>>,
    read: impl Future<Output = Result<R, Failed>>,
) -> Result<R, Failed> {
    let Some(busy) = busy else { return read.await };
    let lost = busy.lost();
    tokio::select! {
        biased;
        answer = read => answer,
        () = lost => {
            let error = Error::new(&error::DATABASE_UNAVAILABLE).retry_after(5).cause("it does not answer");
            Err(Failed::Server(error))
        }
    }
}

/// The session is none any more.
fn is_end(error: &tokio_postgres::Error) -> bool {
    let severity = error.as_db_error().and_then(|error| error.parsed_severity());
    error.is_closed() || matches!(severity, Some(Severity::Fatal | Severity::Panic))
}

/// Whether another server can have the rows of a statement that failed so. A statement that only reads runs into a conflict or
/// a deadlock with nothing but the recovery of a standby.
fn failed(error: tokio_postgres::Error, noted: impl FnOnce(Error) -> Error) -> Failed {
    let (closed, code) = (error.is_closed(), error.code().cloned());
    let error = noted(database_error(error));
    match code {
        None if closed => Failed::Server(error),
        Some(SqlState::T_R_SERIALIZATION_FAILURE | SqlState::T_R_DEADLOCK_DETECTED) => {
            Failed::Recovery(error)
        }
        Some(code) if code.code().starts_with("08") || code.code().starts_with("57P") => {
            Failed::Server(error)
        }
        _ => Failed::Statement(error),
    }
}
