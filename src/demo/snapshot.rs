//! Loads a hospital from a compressed SQL script.
//!
//! The script is what `pg_dump --no-owner --no-privileges` writes in plain format, compressed with zstd (levels up to
//! 19, no `--long`): statements that end with `;` at the end of a line, and `COPY … FROM stdin;` with its rows up to
//! `\.`. It is streamed, never whole in memory. Functions are not supported.

mod script;

use std::fmt;
use std::io::{self, BufReader, Read};
use std::pin::pin;

use bytes::Bytes;
use futures_util::SinkExt;
use ruzstd::decoding::StreamingDecoder;
use ruzstd::decoding::errors::FrameDecoderError;
use tokio_postgres::{Client, CopyInSink, NoTls};

use script::{Part, Script};

/// A table that every Tryton database has: where it is, a snapshot was loaded.
const MARKER: &str = "SELECT to_regclass('public.ir_module') IS NOT NULL";

/// Statements are sent together up to this many bytes.
const BATCH: usize = 256 * 1024;

/// What loading a snapshot did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loaded {
    /// The database had a hospital already and was left as it is.
    Before,
    /// The snapshot is in the database now, with this many rows.
    Now {
        /// Rows of all tables.
        rows: u64,
    },
}

/// Why a snapshot could not be loaded. The database is then as it was before.
#[derive(Debug)]
pub enum Error {
    /// The database cannot be reached.
    Connect(tokio_postgres::Error),
    /// The snapshot is damaged or compressed in a way that is not understood.
    Compressed(Box<FrameDecoderError>),
    /// The snapshot could not be read to its end.
    Read(io::Error),
    /// The snapshot ends within a statement or a table; how that starts.
    Unfinished(String),
    /// The database refused a part of it; how that starts.
    Refused(String, tokio_postgres::Error),
}

/// Loads a snapshot into the database at `url` over one connection and in one transaction.
///
/// # Errors
///
/// If the database cannot be reached, the snapshot cannot be read, or the database refuses it.
pub async fn load(url: &str, compressed: impl Read) -> Result<Loaded, Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.map_err(Error::Connect)?;
    let connection = tokio::spawn(connection);
    let loaded = fill(&client, compressed).await;
    // What is not committed is gone with the connection; the next one must not meet its locks.
    drop(client);
    let _ = connection.await;
    loaded
}

async fn fill(client: &Client, compressed: impl Read) -> Result<Loaded, Error> {
    let there =
        client.query_one(MARKER, &[]).await.map_err(|cause| refused("the question what is there", cause))?;
    if there.get(0) {
        return Ok(Loaded::Before);
    }
    let decoder = StreamingDecoder::new(compressed).map_err(|cause| Error::Compressed(cause.into()))?;
    let mut script = Script::new(BufReader::with_capacity(BATCH, decoder));
    let mut batch = String::from("BEGIN;\n");
    let mut rows = 0;
    // Decompressing happens between the awaits, a few milliseconds at a time.
    while let Some(part) = script.next()? {
        match part {
            Part::Statement(statement) => {
                batch.push_str(&statement);
                if batch.len() >= BATCH {
                    execute(client, &mut batch).await?;
                }
            }
            Part::Copy(statement) => {
                execute(client, &mut batch).await?;
                rows += copy(client, &statement, &mut script).await?;
            }
        }
    }
    batch.push_str("COMMIT;\nANALYZE;\n");
    execute(client, &mut batch).await?;
    Ok(Loaded::Now { rows })
}

async fn execute(client: &Client, batch: &mut String) -> Result<(), Error> {
    client.batch_execute(batch).await.map_err(|cause| refused(batch, cause))?;
    batch.clear();
    Ok(())
}

async fn copy(client: &Client, statement: &str, script: &mut Script<impl io::BufRead>) -> Result<u64, Error> {
    let failed = |cause| refused(statement, cause);
    let sink: CopyInSink<Bytes> = client.copy_in(statement).await.map_err(failed)?;
    let mut sink = pin!(sink);
    while let Some(rows) = script.rows(BATCH)? {
        sink.send(rows.into()).await.map_err(failed)?;
    }
    sink.finish().await.map_err(failed)
}

/// With the statement that the database points at, else the start of what was sent.
fn refused(sent: &str, cause: tokio_postgres::Error) -> Error {
    use tokio_postgres::error::ErrorPosition;
    let at = match cause.as_db_error().and_then(|error| error.position()) {
        Some(ErrorPosition::Original(position)) => *position as usize,
        _ => 1,
    };
    // Counted in characters from 1.
    let rest: String = sent.chars().skip(at.saturating_sub(1)).take(80).collect();
    Error::Refused(rest.lines().next().unwrap_or_default().to_owned(), cause)
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(cause) => write!(f, "cannot reach the database for the snapshot: {cause}"),
            Self::Compressed(cause) => {
                write!(f, "the snapshot is not compressed with zstd, or damaged: {cause}")
            }
            Self::Read(cause) => write!(f, "the snapshot cannot be read to its end: {cause}"),
            Self::Unfinished(start) => write!(f, "the snapshot ends within {start:?}"),
            Self::Refused(start, cause) => match cause.as_db_error() {
                Some(error) => {
                    write!(f, "the database refuses the snapshot at {start:?}: {}", error.message())
                }
                None => write!(f, "the connection failed in the snapshot at {start:?}: {cause}"),
            },
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Connect(cause) | Self::Refused(_, cause) => Some(cause),
            Self::Compressed(cause) => Some(cause),
            Self::Read(cause) => Some(cause),
            Self::Unfinished(_) => None,
        }
    }
}
