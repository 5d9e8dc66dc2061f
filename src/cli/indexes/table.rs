//! Tables of the database: how large they are and which indexes they have.

use std::collections::BTreeMap;

use crate::{
    error::Result,
    store::{Class, Store},
};

/// A table.
#[derive(Debug, Default)]
pub struct Table {
    /// How many rows it has, about.
    pub rows: i64,
    /// Usual bytes of a value, by column.
    pub widths: BTreeMap<String, i64>,
    /// Its indexes.
    pub indexes: Vec<Existing>,
}

/// An index that there is.
#[derive(Debug)]
pub struct Existing {
    /// Its name.
    pub name: String,
    /// `btree`, `hash`, …
    pub method: String,
    /// Columns; empty for an expression.
    pub columns: Vec<String>,
    /// Of each column: 1 descending, 2 NULLs first, 3 both.
    pub directions: Vec<u8>,
    /// What its rows satisfy; empty for all rows.
    pub predicate: String,
}

impl Existing {
    fn parse(line: &str) -> Option<Self> {
        let mut parts = line.split('\t');
        let (name, method, columns) = (parts.next()?, parts.next()?, parts.next()?);
        let directions = parts.next()?.split(',').filter_map(|number| number.parse().ok()).collect();
        Some(Self {
            name: name.to_owned(),
            method: method.to_owned(),
            columns: columns.split(',').map(str::to_owned).collect(),
            directions,
            predicate: parts.next()?.to_owned(),
        })
    }

    /// Rows that satisfy an equation or a bound on a column are in it.
    pub fn holds(&self, column: &str) -> bool {
        let known = |name: &str| format!("({name} IS NOT NULL)");
        self.predicate.is_empty()
            || self.predicate == known(column)
            || self.predicate == known(&format!("\"{column}\""))
    }
}

/// All tables that the role can see, by name.
///
/// # Errors
/// The database does not answer.
pub async fn tables(store: &Store) -> Result<BTreeMap<String, Table>> {
    let rows = store.snapshot(Class::Watch, &[include_str!("tables.sql")]).await?;
    let mut tables = BTreeMap::new();
    for row in rows.iter().flatten() {
        let widths: Vec<String> = row.column(2)?;
        let indexes: Vec<String> = row.column(3)?;
        let width = |text: &String| {
            let (name, bytes) = text.rsplit_once(' ')?;
            Some((name.to_owned(), bytes.parse().ok()?))
        };
        let table = Table {
            rows: row.column(1)?,
            widths: widths.iter().filter_map(width).collect(),
            indexes: indexes.iter().filter_map(|line| Existing::parse(line)).collect(),
        };
        tables.insert(row.column(0)?, table);
    }
    Ok(tables)
}
