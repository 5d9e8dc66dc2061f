//! Rows as they come from PostgreSQL, in binary format.

use std::{ops::Range, sync::Arc};

use tokio_postgres::types::{FromSql, Type};

use crate::error::{self, Error, Result};

/// One row of an answer.
#[derive(Debug)]
pub struct Row(Form);

#[derive(Debug)]
enum Form {
    /// In the buffer that it was received with.
    Received(tokio_postgres::Row),
    /// By itself.
    Copied(Arc<Copied>),
}

#[derive(Debug)]
struct Copied {
    columns: Vec<(Type, Option<Range<usize>>)>,
    bytes: Vec<u8>,
}

impl From<tokio_postgres::Row> for Row {
    fn from(row: tokio_postgres::Row) -> Self {
        Self(Form::Received(row))
    }
}

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
        let defect =
            |cause: Box<dyn std::error::Error + Sync + Send>| Error::new(&error::INTERNAL).cause(cause);
        let row = match &self.0 {
            Form::Received(row) => return row.try_get(index).map_err(|error| defect(error.into())),
            Form::Copied(row) => row,
        };
        match row.columns.get(index) {
            Some((kind, _)) if !T::accepts(kind) => Err(defect("a column has another type".into())),
            Some((kind, value)) => match value {
                Some(place) => T::from_sql(kind, &row.bytes[place.clone()]).map_err(defect),
                None => T::from_sql_null(kind).map_err(defect),
            },
            None => Err(defect("there is no such column".into())),
        }
    }

    /// The same row without the buffer that it was received with, which is that of many rows and of a session.
    ///
    /// # Errors
    /// None in a row of PostgreSQL.
    pub fn copied(&self) -> Result<Self> {
        let row = match &self.0 {
            Form::Received(row) => row,
            Form::Copied(row) => return Ok(Self(Form::Copied(Arc::clone(row)))),
        };
        let (mut columns, mut bytes) = (Vec::with_capacity(row.len()), Vec::new());
        for (index, column) in row.columns().iter().enumerate() {
            let start = bytes.len();
            let place = self.raw(index)?.map(|value| {
                bytes.extend_from_slice(value);
                start..bytes.len()
            });
            columns.push((column.type_().clone(), place));
        }
        bytes.shrink_to_fit();
        Ok(Self(Form::Copied(Arc::new(Copied { columns, bytes }))))
    }

    /// Bytes that a copy takes, about.
    pub fn size(&self) -> usize {
        match &self.0 {
            Form::Received(row) => row.raw_size_bytes(),
            Form::Copied(row) => row.bytes.len() + 48 * row.columns.len() + 64,
        }
    }

    /// Column `index` as raw bytes.
    ///
    /// # Errors
    /// There is no such column.
    pub fn raw(&self, index: usize) -> Result<Option<&[u8]>> {
        self.column::<Raw<'_>>(index).map(|raw| raw.0)
    }
}
