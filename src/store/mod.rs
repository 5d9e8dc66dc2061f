//! The database: the only place that knows tokio-postgres and deadpool. Beside it Tryton's file store.
//!
//! Every session runs in UTC, read-only by default, with a time limit for statements.

mod connect;
mod files;
mod listen;
mod row;
mod vitals;

pub use connect::{ConnectError, Options, databases};
pub use files::{FileStore, StoredFile};
pub use row::{FromColumn, Raw, Row};
pub use vitals::{Spent, Vitals, Work};

use std::{
    sync::{OnceLock, mpsc},
    time::{Duration, Instant},
};

use deadpool_postgres::{Object, Pool, PoolError};
use tokio_postgres::{error::SqlState, types::ToSql};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::{
    error::{self, Error, Result},
    sql::{Statement, Value},
};

/// Prepared statements that a session keeps. The plan of a search costs PostgreSQL more than a megabyte each (measured: 500
/// of them made a session of 790 MB), and there are as many sessions as connections.
const PREPARED: usize = 100;

/// What a statement is for; statements are counted per class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Answers a client.
    Request,
    /// Verifies a credential.
    SignIn,
    /// Looks for changes of rights, or reads them.
    Watch,
}

impl Class {
    /// All of them, in their order.
    pub const ALL: [Self; 3] = [Self::Request, Self::SignIn, Self::Watch];
}

/// A pool of database sessions.
pub struct Store {
    pool: Pool,
    /// One session for [`Class::Watch`], so that long searches cannot hide a change of rights. A store with a single
    /// session has none.
    watch: Option<Pool>,
    /// How to open one more session, which hears what Tryton tells of changes. Only with three sessions or more.
    listener: Option<listen::Listener>,
    /// For cancelling.
    tls: MakeRustlsConnect,
    counts: [vitals::Counter; 3],
    /// Who wants to know the statements for requests.
    recorder: OnceLock<mpsc::Sender<Statement>>,
    statement_timeout: Duration,
    database: String,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("database", &self.database).finish_non_exhaustive()
    }
}

/// How much longer than PostgreSQL's own limit an answer is waited for.
const GRACE: Duration = Duration::from_secs(1);

impl Store {
    /// Number of statements sent since the start for this class. Tests use it to prove that a page costs a constant number.
    pub fn statements(&self, class: Class) -> u64 {
        self.counts[class as usize].statements()
    }

    /// The statements for requests from now on, with their values: for programs that measure what PostgreSQL takes for them.
    /// Of several callers the first one gets them.
    pub fn record(&self) -> mpsc::Receiver<Statement> {
        let (sender, receiver) = mpsc::channel();
        let _ = self.recorder.set(sender);
        receiver
    }

    /// Tells a statement to who wants to know.
    fn tell(&self, class: Class, statement: impl FnOnce() -> Statement) {
        if let Some(recorder) = self.recorder.get().filter(|_| class == Class::Request) {
            let _ = recorder.send(statement());
        }
    }

    /// Name of the database.
    pub fn database(&self) -> &str {
        &self.database
    }

    /// Sessions for requests at most.
    pub fn sessions(&self) -> usize {
        self.pool.status().max_size
    }

    async fn session(&self, class: Class) -> Result<Object> {
        let pool = self.watch.as_ref().filter(|_| class == Class::Watch).unwrap_or(&self.pool);
        let begun = Instant::now();
        let session = pool.get().await;
        self.waited(class, begun);
        session.map_err(|error| match error {
            PoolError::Timeout(_) => Error::new(&error::OVERLOADED).retry_after(2).cause(error),
            error => Error::new(&error::DATABASE_UNAVAILABLE).retry_after(5).cause(error),
        })
    }

    /// Runs one statement, prepared once per session, and returns its rows.
    ///
    /// # Errors
    /// Unreachable database, time limit, or a failing statement; the text of PostgreSQL goes to the log only.
    pub async fn rows(&self, class: Class, statement: &Statement) -> Result<Vec<Row>> {
        self.tell(class, || statement.clone());
        let values: Vec<&(dyn ToSql + Sync)> = statement.values.iter().map(|value| value as _).collect();
        self.query(class, &statement.text, &values).await
    }

    /// Runs a statement for a record: its id stands where the statement has [`Value::RecordId`].
    ///
    /// # Errors
    /// As [`Store::rows`].
    pub async fn rows_of_record(&self, class: Class, statement: &Statement, record: i32) -> Result<Vec<Row>> {
        self.tell(class, || statement.for_record(record));
        let record = Value::Int4(record);
        let values: Vec<&(dyn ToSql + Sync)> = statement
            .values
            .iter()
            .map(|value| if *value == Value::RecordId { &record as _ } else { value as _ })
            .collect();
        self.query(class, &statement.text, &values).await
    }

    async fn query(&self, class: Class, text: &str, values: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>> {
        let running = Running(Some((self.session(class).await?, self.tls.clone())));
        let _sent = self.counts[class as usize].begin();
        let answer = async {
            let session = running.session();
            if session.statement_cache.size() >= PREPARED {
                // The text of a statement varies with the search, so without a bound a session would keep all of them.
                session.statement_cache.clear();
            }
            let prepared = session.prepare_cached(text).await?;
            session.query(&prepared, values).await
        };
        // PostgreSQL ends the statement itself; this is for a server that does not, and for a lost network.
        let Ok(answer) = tokio::time::timeout(self.statement_timeout + GRACE, answer).await else {
            return Err(Error::new(&error::DATABASE_TIMEOUT).retry_after(10).cause("no answer in time"));
        };
        running.finished();
        Ok(answer.map_err(database_error)?.into_iter().map(Row).collect())
    }

    /// Runs several statements that only read in one snapshot (REPEATABLE READ).
    ///
    /// # Errors
    /// As [`Store::rows`].
    pub async fn snapshot(&self, class: Class, statements: &[&str]) -> Result<Vec<Vec<Row>>> {
        let mut session = self.session(class).await?;
        let transaction = session
            .build_transaction()
            .isolation_level(tokio_postgres::IsolationLevel::RepeatableRead)
            .read_only(true)
            .start()
            .await
            .map_err(database_error)?;
        let mut all = Vec::with_capacity(statements.len());
        for text in statements {
            let _sent = self.counts[class as usize].begin();
            all.push(
                transaction.query(*text, &[]).await.map_err(database_error)?.into_iter().map(Row).collect(),
            );
        }
        transaction.commit().await.map_err(database_error)?;
        Ok(all)
    }

    /// Runs statements that write in one transaction; returns the rows of each.
    ///
    /// # Errors
    /// As [`Store::rows`]; a role without the right to write gets [`WriteError::Denied`].
    pub async fn write(&self, class: Class, statements: &[Statement]) -> Result<Vec<Vec<Row>>, WriteError> {
        let mut session = self.session(class).await.map_err(WriteError::Failed)?;
        let denied = |error: tokio_postgres::Error| match error.code() {
            Some(&SqlState::INSUFFICIENT_PRIVILEGE | &SqlState::READ_ONLY_SQL_TRANSACTION) => {
                WriteError::Denied
            }
            _ => WriteError::Failed(database_error(error)),
        };
        let transaction = session.build_transaction().read_only(false).start().await.map_err(denied)?;
        let mut all = Vec::with_capacity(statements.len());
        for statement in statements {
            let _sent = self.counts[class as usize].begin();
            let values: Vec<&(dyn ToSql + Sync)> = statement.values.iter().map(|value| value as _).collect();
            let rows = transaction.query(&statement.text, &values).await.map_err(denied)?;
            all.push(rows.into_iter().map(Row).collect());
        }
        transaction.commit().await.map_err(denied)?;
        Ok(all)
    }
}

/// Why a write did not happen.
#[derive(Debug)]
pub enum WriteError {
    /// The role may not write, or the server is a read-only replica.
    Denied,
    /// Anything else.
    Failed(Error),
}

/// A session while its statement runs. When it is dropped before the answer (the client went away, or waited too long),
/// the statement is cancelled and the session closed: a later cancellation could hit the statement of somebody else.
struct Running(Option<(Object, MakeRustlsConnect)>);

impl Running {
    fn session(&self) -> &Object {
        &self.0.as_ref().expect("the session is there until the value is dropped").0
    }

    /// The answer has come: the session goes back to the pool.
    fn finished(mut self) {
        self.0 = None;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some((session, tls)) = self.0.take()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let client = Object::take(session);
            let token = client.cancel_token();
            runtime.spawn(async move {
                let cancel = token.cancel_query(tls);
                let _ = tokio::time::timeout(Duration::from_secs(5), cancel).await;
                drop(client);
            });
        }
    }
}

/// Turns an error of PostgreSQL into one for the client. Messages of PostgreSQL can hold values of records: only the
/// SQLSTATE and the primary message without its values reach the log.
fn database_error(error: tokio_postgres::Error) -> Error {
    match error.code() {
        Some(&SqlState::QUERY_CANCELED) => {
            Error::new(&error::DATABASE_TIMEOUT).retry_after(10).cause("57014")
        }
        Some(
            &SqlState::ADMIN_SHUTDOWN
            | &SqlState::CRASH_SHUTDOWN
            | &SqlState::CANNOT_CONNECT_NOW
            | &SqlState::TOO_MANY_CONNECTIONS,
        ) => Error::new(&error::DATABASE_UNAVAILABLE).retry_after(5).cause(sanitised(&error)),
        Some(_) => Error::new(&error::INTERNAL).cause(sanitised(&error)),
        None if error.is_closed() => Error::new(&error::DATABASE_UNAVAILABLE).retry_after(5).cause(error),
        None => Error::new(&error::DATABASE_UNAVAILABLE).retry_after(5).cause(error),
    }
}

/// SQLSTATE, and the message only for classes whose messages name objects, not values (syntax, privileges).
fn sanitised(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(db) if db.code().code().starts_with("42") || db.code().code().starts_with("57") => {
            format!("{}: {}", db.code().code(), db.message())
        }
        Some(db) => format!("SQLSTATE {}", db.code().code()),
        None => "no SQLSTATE".to_owned(),
    }
}

impl ToSql for Value {
    fn to_sql(
        &self,
        ty: &tokio_postgres::types::Type,
        out: &mut bytes::BytesMut,
    ) -> Result<tokio_postgres::types::IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Value::Int4(value) => value.to_sql(ty, out),
            Value::Int8(value) => value.to_sql(ty, out),
            Value::Float8(value) => value.to_sql(ty, out),
            Value::Bool(value) => value.to_sql(ty, out),
            Value::Text(value) | Value::Numeric(value) | Value::Json(value) | Value::Interval(value) => {
                value.to_sql(ty, out)
            }
            Value::Date(value) => value.to_sql(ty, out),
            Value::Timestamp(value) => value.to_sql(ty, out),
            Value::Time(value) => value.to_sql(ty, out),
            Value::Int4s(value) => value.to_sql(ty, out),
            Value::RecordId => Err("a statement for a record ran without one".into()),
            Value::Texts(value) => value.to_sql(ty, out),
        }
    }

    fn accepts(_: &tokio_postgres::types::Type) -> bool {
        // Every placeholder carries a cast to the type of its value (sql::Fragment::finish).
        true
    }

    tokio_postgres::types::to_sql_checked!();
}
