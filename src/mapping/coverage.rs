//! What becomes of every column of the models that resources are made of.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    compiled::Compiled,
    files::Files,
    finding::Findings,
    text::{self, Item, Table},
};
use crate::tryton::{Catalog, Name};

/// Columns of every table that say nothing of a record's content, or that every statement reads anyway.
const EVERYWHERE: [&str; 7] =
    ["id", "create_date", "create_uid", "write_date", "write_uid", "active", "rec_name"];

/// The stored columns of a model that is a source.
#[derive(Debug, Default)]
pub struct Coverage {
    /// Types that it is a source of.
    pub types: BTreeSet<String>,
    /// Columns that a mapping reads.
    pub mapped: Vec<String>,
    /// Columns without a place in FHIR, and why.
    pub left_out: BTreeMap<String, String>,
    /// Columns that nobody has decided about.
    pub missing: Vec<String>,
}

/// Coverage of each model that is a source of a served type.
pub fn coverage(catalog: &Catalog, compiled: &Compiled) -> BTreeMap<String, Coverage> {
    let used = compiled.used();
    let mut all: BTreeMap<String, Coverage> = BTreeMap::new();
    for kind in compiled.types.values() {
        for source in &kind.sources {
            all.entry(source.model.into()).or_default().types.insert(kind.name.clone());
        }
    }
    for (model, coverage) in &mut all {
        let fields = catalog.model(model).into_iter().flat_map(|model| model.fields.iter());
        for field in fields.filter(|field| field.stored && !EVERYWHERE.contains(&field.name.as_str())) {
            let name = String::from(field.name);
            if used.columns.contains(&(model.as_str(), name.as_str())) {
                coverage.mapped.push(name);
            } else if let Some(reason) = compiled.left_out.get(&(Name::from(model), field.name)) {
                coverage.left_out.insert(name, reason.to_string());
            } else {
                coverage.missing.push(name);
            }
        }
    }
    all
}

impl Files {
    /// Every module that a source names.
    pub fn modules(&self) -> BTreeSet<String> {
        let mut modules = BTreeSet::new();
        for (name, text) in self.iter() {
            let Some(table) = text::parse(name, text, &mut Findings::default()) else { continue };
            let named = |table: &Table| table.item("module").and_then(Item::text).map(str::to_owned);
            modules.extend(named(&table));
            let sources = table.item("source").and_then(Item::table);
            for (_, source) in sources.map(|table| table.entries.as_slice()).unwrap_or_default() {
                modules.extend(source.table().and_then(named));
            }
        }
        modules
    }
}
