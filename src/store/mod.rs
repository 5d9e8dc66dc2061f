//! The database: the only place that knows tokio-postgres and deadpool. Beside it Tryton's file store.
//!
//! Every session runs in UTC, read-only by default, with a time limit for statements.

mod connect;
mod files;
mod listen;
mod pools;
mod reading;
mod replicas;
mod row;
mod running;
mod servers;
mod session;
mod vitals;

pub use connect::{ConnectError, Options, ReplicaOptions, databases};
pub use files::{FileStore, StoredFile};
pub use row::{FromColumn, Raw, Row};
pub use vitals::{ReplicaVitals, Spent, Vitals, Work};

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

use deadpool::managed;
use deadpool_postgres::TransactionBuilder;
use tokio_postgres::{
    IsolationLevel,
    error::SqlState,
    types::{ToSql, Type},
};

use pools::Pools;
use replicas::Replicas;
use running::Running;
use servers::{Servers, Unavailable};

use crate::{
    error::{self, Error, Result},
    sql::{Statement, Value},
};

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

    /// Says more exactly what a statement is for; its span is called so.
    pub fn to(self, purpose: &'static str) -> Purpose {
        Purpose { class: self, name: purpose, wide: false }
    }
}

/// What a statement is for, in the words of a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purpose {
    class: Class,
    name: &'static str,
    wide: bool,
}

impl Purpose {
    /// The statement is one of several through nearly all tables: PostgreSQL takes longer to plan such a one than to run it.
    #[must_use]
    pub fn wide(self, wide: bool) -> Self {
        Self { wide, ..self }
    }
}

impl From<Class> for Purpose {
    fn from(class: Class) -> Self {
        class.to(match class {
            Class::Request => "answer a request",
            Class::SignIn => "verify a credential",
            Class::Watch => "read the rights",
        })
    }
}

type Pool = managed::Pool<Servers>;
type Object = managed::Object<Servers>;

/// A pool of database sessions.
pub struct Store {
    /// Sessions for requests and for signing in.
    pools: Pools,
    /// One session for [`Class::Watch`], so that long searches cannot hide a change of rights. A store with a single
    /// session has none.
    watch: Option<Pool>,
    /// Servers that answer [`Class::Request`] in place of the database's own.
    replicas: Option<Arc<Replicas>>,
    /// Sessions that were opened so far.
    opened: Arc<AtomicU64>,
    /// How to open one more session, which hears what Tryton tells of changes. Only with three sessions or more.
    listener: Option<Servers>,
    /// The settings of each transaction, where a pooler keeps none for the session.
    pooled: Option<String>,
    counts: [vitals::Counter; 3],
    /// Who wants to know the statements for requests.
    recorder: OnceLock<mpsc::Sender<Statement>>,
    statement_timeout: Duration,
    /// How long a session is waited for in all: in the queue, and until a server has opened one.
    patience: Duration,
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

    /// How many sessions for statements with the database's own servers were opened so far. As long as it stays the same, all that answered are
    /// those that were there before: what they had seen was not lost by a crash.
    pub fn opened(&self) -> u64 {
        self.opened.load(Ordering::SeqCst)
    }

    /// Statements run in sessions of this program with the database's own servers, not with replicas or behind a pooler. Of
    /// several hosts a session is with one.
    pub fn has_own_sessions(&self) -> bool {
        self.replicas.is_none() && self.pooled.is_none()
    }

    /// Name of the database.
    pub fn database(&self) -> &str {
        &self.database
    }

    /// Sessions for requests at most; those with replicas are not counted.
    pub fn sessions(&self) -> usize {
        self.pools.each().map(|pool| pool.status().max_size).sum()
    }

    /// A session for statements of this purpose, for as long as they take.
    async fn running(&self, purpose: Purpose, pools: &Pools) -> Result<Running, Failed> {
        let pool = match (&self.watch, purpose.class) {
            (Some(watch), Class::Watch) => watch,
            _ => pools.of(purpose),
        };
        let begun = Instant::now();
        let session = pools::session(pool, self.patience).await;
        self.waited(purpose.class, begun);
        Ok(Running::new(session?, pools.tls()))
    }

    /// PostgreSQL ends a statement itself; this is for a server that does not, and for a lost network.
    async fn in_time<A>(&self, answer: impl Future<Output = A>) -> Result<A> {
        let late = |_| Error::new(&error::DATABASE_TIMEOUT).retry_after(10).cause("no answer in time");
        tokio::time::timeout(self.statement_timeout + GRACE, answer).await.map_err(late)
    }

    /// Runs several statements that only read in one snapshot (REPEATABLE READ).
    ///
    /// # Errors
    /// As [`Store::rows`].
    pub async fn snapshot(&self, class: Class, statements: &[&str]) -> Result<Vec<Vec<Row>>> {
        let running = self.running(class.into(), &self.pools).await.map_err(Failed::into_error)?;
        let statements = statements.iter().map(|text| (*text, &[][..]));
        self.together(class, running, in_a_snapshot, statements).await?.map_err(database_error)
    }

    /// Runs statements that write in one transaction; returns the rows of each.
    ///
    /// # Errors
    /// As [`Store::rows`]; a role without the right to write gets [`WriteError::Denied`].
    pub async fn write(&self, class: Class, statements: &[Statement]) -> Result<Vec<Vec<Row>>, WriteError> {
        let running = self.running(class.into(), &self.pools).await;
        let running = running.map_err(|failed| WriteError::Failed(failed.into_error()))?;
        let statements = statements.iter().map(|statement| (statement.text.as_str(), &statement.values[..]));
        let answers = self.together(class, running, writing, statements).await;
        answers.map_err(WriteError::Failed)?.map_err(|error| match error.code() {
            Some(&SqlState::INSUFFICIENT_PRIVILEGE | &SqlState::READ_ONLY_SQL_TRANSACTION) => {
                WriteError::Denied
            }
            _ => WriteError::Failed(database_error(error)),
        })
    }

    /// Runs statements in one transaction of this kind.
    async fn together<'s>(
        &self,
        class: Class,
        mut running: Running,
        kind: fn(TransactionBuilder<'_>) -> TransactionBuilder<'_>,
        statements: impl Iterator<Item = (&'s str, &'s [Value])>,
    ) -> Result<std::result::Result<Vec<Vec<Row>>, tokio_postgres::Error>> {
        let session = running.session_mut();
        let answers = self.in_time(async {
            let transaction = kind(session.build_transaction()).start().await?;
            if let Some(settings) = &self.pooled {
                transaction.batch_execute(settings).await?;
            }
            let mut all = Vec::new();
            for (text, values) in statements {
                let mut sent = self.counts[class as usize].begin(Purpose::from(class).name);
                let values: Vec<&Value> = values.iter().collect();
                let rows = transaction.query_typed(text, &typed(&values)).await?;
                sent.answered(rows.len());
                all.push(rows.into_iter().map(Row::from).collect());
            }
            transaction.commit().await?;
            Ok(all)
        });
        let answers = answers.await?;
        running.finished();
        Ok(answers)
    }
}

fn in_a_snapshot(builder: TransactionBuilder<'_>) -> TransactionBuilder<'_> {
    builder.isolation_level(IsolationLevel::RepeatableRead).read_only(true)
}

fn writing(builder: TransactionBuilder<'_>) -> TransactionBuilder<'_> {
    builder.read_only(false)
}

/// Why a write did not happen.
#[derive(Debug)]
pub enum WriteError {
    /// The role may not write, or the server is a read-only replica.
    Denied,
    /// Anything else.
    Failed(Error),
}

/// Why a statement has no rows, and whether another server can have them.
enum Failed {
    /// The server is gone, or cannot be reached.
    Server(Error),
    /// A standby gave it up, because the primary removed or locked what it read.
    Recovery(Error),
    /// It has to do with the statement, or with how much there is to do.
    Statement(Error),
}

impl Failed {
    fn into_error(self) -> Error {
        match self {
            Self::Server(error) | Self::Recovery(error) | Self::Statement(error) => error,
        }
    }
}

/// No session can be opened.
fn unavailable(error: Unavailable) -> Error {
    match error {
        Unavailable::Postgres(error) if error.code().is_some() => {
            Error::new(&error::DATABASE_UNAVAILABLE).retry_after(5).cause(sanitised(&error))
        }
        error => Error::new(&error::DATABASE_UNAVAILABLE).retry_after(5).cause(error),
    }
}

/// Values with the types that they are sent as.
fn typed<'v>(values: &[&'v Value]) -> Vec<(&'v (dyn ToSql + Sync), Type)> {
    let typed = |value: &&'v Value| {
        let kind = match value {
            Value::Int4(_) | Value::Gap(_) => Type::INT4,
            Value::Int8(_) => Type::INT8,
            Value::Float8(_) => Type::FLOAT8,
            Value::Bool(_) => Type::BOOL,
            Value::Text(_) | Value::Numeric(_) | Value::Json(_) | Value::Interval(_) | Value::TextGap(_) => {
                Type::TEXT
            }
            Value::Date(_) => Type::DATE,
            Value::Timestamp(_) => Type::TIMESTAMP,
            Value::Time(_) => Type::TIME,
            Value::Int4s(_) | Value::Gaps(_) => Type::INT4_ARRAY,
            Value::Texts(_) => Type::TEXT_ARRAY,
        };
        (*value as &(dyn ToSql + Sync), kind)
    };
    values.iter().map(typed).collect()
}

/// Turns an error of PostgreSQL into one for the client. Messages of PostgreSQL can hold values of records: only the
/// SQLSTATE and the primary message without its values reach the log.
fn database_error(error: tokio_postgres::Error) -> Error {
    match error.code() {
        Some(&SqlState::QUERY_CANCELED) => {
            Error::new(&error::DATABASE_TIMEOUT).retry_after(10).cause("57014")
        }
        Some(code) if passing(code) => {
            Error::new(&error::DATABASE_UNAVAILABLE).retry_after(5).cause(sanitised(&error))
        }
        Some(_) => Error::new(&error::INTERNAL).cause(sanitised(&error)),
        None => Error::new(&error::DATABASE_UNAVAILABLE).retry_after(5).cause(error),
    }
}

/// It has to do with the server, not with the statement: the same may work a moment later. The classes for connections (08,
/// which poolers use too), resources (53) and operators (57P), and what a standby gave up in favour of its primary.
fn passing(code: &SqlState) -> bool {
    let text = code.code();
    text.starts_with("08")
        || text.starts_with("53")
        || text.starts_with("57P")
        || *code == SqlState::T_R_SERIALIZATION_FAILURE
        || *code == SqlState::T_R_DEADLOCK_DETECTED
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
            Value::Gap(_) | Value::Gaps(_) | Value::TextGap(_) => Err("a statement ran with a gap".into()),
            Value::Texts(value) => value.to_sql(ty, out),
        }
    }

    fn accepts(_: &tokio_postgres::types::Type) -> bool {
        // Every placeholder carries a cast to the type of its value (sql::Fragment::finish).
        true
    }

    tokio_postgres::types::to_sql_checked!();
}
