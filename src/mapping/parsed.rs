//! Mapping files as trees, before a database is known.

use std::{collections::BTreeMap, panic::resume_unwind, thread};

use super::{
    files::Files,
    finding::Findings,
    text::{self, Table},
};

/// Mapping files as they are written, whatever the database.
#[derive(Debug)]
pub struct Parsed {
    pub(super) tables: BTreeMap<String, Table>,
    pub(super) findings: Findings,
    pub(super) fingerprint: u64,
}

impl Parsed {
    /// Reads the files, in a thread that ends with it: the heap of that is its own, so what is compiled from them does not
    /// come to lie between the texts, and their place is given back with them.
    pub fn of(files: &Files) -> Self {
        let read = thread::scope(|scope| scope.spawn(|| Self::read(files)).join());
        read.unwrap_or_else(|panic| resume_unwind(panic))
    }

    fn read(files: &Files) -> Self {
        let mut findings = Findings::default();
        let mut tables = BTreeMap::new();
        for (name, text) in files.iter() {
            if let Some(table) = text::parse(name, text, &mut findings) {
                tables.insert(name.to_owned(), table);
            }
        }
        Self { tables, findings, fingerprint: files.fingerprint() }
    }
}
