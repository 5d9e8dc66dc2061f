//! Rows as they come from PostgreSQL, in binary format.

use tokio_postgres::types::{FromSql, Type};

use crate::error::{self, Error, Result};

/// One row of an answer.
#[derive(Debug)]
pub struct Row(pub(super) tokio_postgres::Row);

/// A column as raw binary bytes, whatever its type; `None` is NULL.
#[derive(Clone, Copy, Debug)]
pub struct Raw<'a>(pub Option<&'a [u8]>);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(Some(raw)))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(None))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// A Rust type that a column can be read as.
pub trait FromColumn<'a>: FromSql<'a> {}
impl<'a, T: FromSql<'a>> FromColumn<'a> for T {}

impl Row {
    /// Column `index` as `T`.
    ///
    /// # Errors
    /// The column has another type: a defect of the statement.
    pub fn column<'a, T: FromColumn<'a>>(&'a self, index: usize) -> Result<T> {
        self.0.try_get(index).map_err(|error| Error::new(&error::INTERNAL).cause(error))
    }

    /// Column `index` as raw bytes.
    ///
    /// # Errors
    /// There is no such column.
    pub fn raw(&self, index: usize) -> Result<Option<&[u8]>> {
        self.column::<Raw<'_>>(index).map(|raw| raw.0)
    }
}
