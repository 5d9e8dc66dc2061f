//! Mapping files as trees, before a database is known.

use std::collections::BTreeMap;

use super::{
    files::Files,
    finding::Findings,
    text::{self, Table},
};
use crate::heap::{self, Maker};

/// Mapping files as they are written, whatever the database.
#[derive(Debug)]
pub struct Parsed {
    pub(super) tables: BTreeMap<String, Table>,
    pub(super) findings: Findings,
    pub(super) fingerprint: u64,
    /// Who takes the tables back.
    pub(super) maker: Maker,
}

impl Parsed {
    /// Reads the files.
    pub fn of(files: Files) -> Self {
        let ((tables, findings, fingerprint), maker) = heap::made(move || Self::read(&files));
        Self { tables, findings, fingerprint, maker }
    }

    fn read(files: &Files) -> (BTreeMap<String, Table>, Findings, u64) {
        let mut findings = Findings::default();
        let mut tables = BTreeMap::new();
        for (name, text) in files.iter() {
            if let Some(table) = text::parse(name, text, &mut findings) {
                tables.insert(name.to_owned(), table);
            }
        }
        (tables, findings, files.fingerprint())
    }
}
