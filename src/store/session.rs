//! A session with PostgreSQL, and what is prepared in it.

use std::{
    collections::HashMap,
    ops::{Deref, DerefMut},
    sync::{Mutex, PoisonError},
};

use deadpool_postgres::ClientWrapper;
use tokio_postgres::Statement as Prepared;

use crate::sql::Statement;

/// Prepared statements that a session keeps.
const PREPARED: usize = 100;
/// Bytes of their texts at most. For each of them PostgreSQL holds some 300 in that session (measured: 86 MB for a statement of
/// 275 kB through all tables, 790 MB for 500 searches), and there are as many sessions as connections.
const BYTES: usize = 1 << 20;

/// A session, with its prepared statements by the digest of their texts: a text can have a hundred kilobytes, and as many
/// sessions as there are have the same.
pub(super) struct Session {
    client: ClientWrapper,
    prepared: Mutex<All>,
}

#[derive(Default)]
struct All {
    statements: HashMap<[u8; 32], Prepared>,
    bytes: usize,
}

impl Session {
    pub(super) fn new(client: ClientWrapper) -> Self {
        Self { client, prepared: Mutex::default() }
    }

    /// The statement, prepared once.
    pub(super) async fn prepared(&self, statement: &Statement) -> Result<Prepared, tokio_postgres::Error> {
        let digest = statement.digest();
        let known =
            self.prepared.lock().unwrap_or_else(PoisonError::into_inner).statements.get(digest).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let new = self.client.prepare(&statement.text).await?;
        let mut all = self.prepared.lock().unwrap_or_else(PoisonError::into_inner);
        all.bytes += statement.text.len();
        if all.statements.len() >= PREPARED || all.bytes > BYTES {
            // The text of a statement varies with the search, so without a bound a session would keep all of them.
            *all = All { bytes: statement.text.len(), ..All::default() };
        }
        all.statements.insert(*digest, new.clone());
        Ok(new)
    }
}

impl Deref for Session {
    type Target = ClientWrapper;

    fn deref(&self) -> &ClientWrapper {
        &self.client
    }
}

impl DerefMut for Session {
    fn deref_mut(&mut self) -> &mut ClientWrapper {
        &mut self.client
    }
}
