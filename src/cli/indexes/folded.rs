//! Which folded texts PostgreSQL finds by how they start.

use std::collections::BTreeSet;

use super::index::{Form, Index};
use crate::{
    error::Result,
    store::{Class, Store},
    tryton::{Catalog, Name},
};

/// Such indexes, by name; one that is still being made serves nothing yet.
const NAMES: &str = "SELECT i.relname::text FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid \
                     JOIN pg_am a ON a.oid = i.relam \
                     WHERE x.indisvalid AND a.amname = 'spgist' AND pg_table_is_visible(i.oid)";

/// The fields, by model, that have an index of their folded texts, as [`super::run`] prints it.
///
/// # Errors
/// The database does not answer.
pub async fn folded(store: &Store, catalog: &Catalog) -> Result<BTreeSet<(Name, Name)>> {
    let rows = store.snapshot(Class::Watch, &[NAMES]).await?;
    let names: BTreeSet<String> = rows.iter().flatten().map(|row| row.column(0)).collect::<Result<_>>()?;
    let mut folded = BTreeSet::new();
    for model in catalog.models().filter(|_| !names.is_empty()) {
        for field in model.fields.names() {
            let index =
                Index { table: model.table.into(), columns: vec![field.as_str().into()], form: Form::Starts };
            if names.contains(&index.name()) {
                folded.insert((model.name, field));
            }
        }
    }
    Ok(folded)
}
