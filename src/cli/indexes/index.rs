//! An index that would serve searches.

use super::table::Table;
use crate::{
    plan::{self, How, Lookup},
    sql::{Alias, Fragment},
    tryton::{Catalog, FieldKind},
};

/// An index.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Index {
    /// Table.
    pub table: String,
    /// Columns, in order.
    pub columns: Vec<String>,
    /// What of them it holds.
    pub form: Form,
}

/// What an index holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// The values.
    Values,
    /// The values; the last column from the greatest to the smallest, NULLs last.
    Descending,
    /// The folded text, for how it starts.
    Starts,
    /// The folded text, for any part of it.
    Parts,
}

/// Indexes for what one source of a search looks up.
pub fn serving(catalog: &Catalog, lookups: &[Lookup], descending: bool) -> Vec<Index> {
    let mut rows: Vec<Alias> = lookups.iter().map(|lookup| lookup.row).collect();
    rows.sort_unstable();
    rows.dedup();
    // A patient narrows more than a date or an order, on whatever row of the source that is.
    let narrowed = lookups.iter().any(|lookup| lookup.how == How::Equal);
    let mut found = Vec::new();
    for row in rows {
        let here: Vec<&Lookup> = lookups.iter().filter(|lookup| lookup.row == row).collect();
        let Some(model) = here.iter().find_map(|lookup| catalog.model(&lookup.model)) else { continue };
        // The key of a table has its index.
        let of = |wanted: &[How]| -> Vec<&str> {
            let columns = here.iter().filter(|lookup| wanted.contains(&lookup.how));
            columns.filter_map(|lookup| lookup.field.as_deref()).filter(|name| *name != "id").collect()
        };
        let index = |columns: &[&str], form| Index {
            table: model.table.into(),
            columns: columns.iter().map(|name| (*name).to_owned()).collect(),
            form,
        };
        let ordered = if descending { Form::Descending } else { Form::Values };
        let then = match of(&[How::Order]).first() {
            Some(name) => Some((*name, ordered)),
            None => of(&[How::Range]).first().map(|name| (*name, Form::Values)),
        };
        found.extend(of(&[How::Parent]).iter().map(|name| index(&[name], Form::Values)));
        let equal = of(&[How::Equal]);
        let refers = |name: &&&str| {
            model.fields.get(name).is_some_and(|field| matches!(field.kind, FieldKind::Many2One { .. }))
        };
        match (equal.iter().find(refers), then) {
            // A reference narrows most.
            (Some(lead), Some((name, form))) if *lead != name => found.push(index(&[lead, name], form)),
            (Some(lead), _) => found.push(index(&[lead], Form::Values)),
            // Others can be joined by OR, and then each needs one.
            (None, _) if !equal.is_empty() => {
                found.extend(equal.iter().map(|name| index(&[name], Form::Values)));
            }
            (None, Some((name, form))) if !narrowed => found.push(index(&[name], form)),
            (None, _) => {}
        }
        if !narrowed {
            found.extend(of(&[How::Prefix]).iter().map(|name| index(&[name], Form::Starts)));
            found.extend(of(&[How::Part]).iter().map(|name| index(&[name], Form::Parts)));
        }
    }
    found.sort();
    found.dedup();
    found
}

impl Index {
    /// There is one already.
    pub fn exists(&self, table: &Table) -> bool {
        let name = self.name();
        table.indexes.iter().any(|existing| {
            if existing.name == name {
                return true;
            }
            let last = self.columns.len() - 1;
            let same = existing.columns.starts_with(&self.columns) && existing.holds(&self.columns[0]);
            match (self.form, existing.method.as_str()) {
                (Form::Values, "btree") => same && (last == 0 || existing.directions.get(last) == Some(&0)),
                (Form::Values, "hash") => same && last == 0,
                (Form::Descending, "btree") => same && existing.directions.get(last) == Some(&1),
                _ => false,
            }
        })
    }

    /// Another one serves whatever this one does.
    pub fn is_part_of(&self, other: &Self) -> bool {
        self != other
            && self.form == Form::Values
            && self.table == other.table
            && matches!(other.form, Form::Values | Form::Descending)
            && other.columns.len() > self.columns.len()
            && other.columns.starts_with(&self.columns)
    }

    /// Its name: as long as PostgreSQL allows.
    pub fn name(&self) -> String {
        const MOST: usize = 63;
        let form = match self.form {
            Form::Values => "",
            Form::Descending => "_desc",
            Form::Starts => "_starts",
            Form::Parts => "_parts",
        };
        let name = format!("fhir_{}_{}{form}", self.table, self.columns.join("_"));
        if name.len() <= MOST {
            return name;
        }
        // FNV-1a: what is cut off still makes a difference.
        let hash = name
            .bytes()
            .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        let start: String = name.chars().filter(char::is_ascii).take(MOST - 9).collect();
        format!("{start}_{hash:08x}")
    }

    /// The statement that makes it.
    pub fn statement(&self) -> String {
        let on = Fragment::raw("CREATE INDEX CONCURRENTLY IF NOT EXISTS ").ident(&self.name()).text(" ON ");
        let on = on.ident(&self.table);
        let folded = |column: &str| plan::fold(Fragment::raw("btrim(").ident(column).text(")"));
        let last = &self.columns[self.columns.len() - 1];
        let columns = || Fragment::join(self.columns.iter().map(|name| Fragment::new().ident(name)), ", ");
        let sql = match self.form {
            Form::Values => on.text(" (").then(columns()).text(")"),
            Form::Descending => on.text(" (").then(columns()).text(" DESC NULLS LAST)"),
            Form::Starts => on.text(" USING spgist ((").then(folded(last)).text("))"),
            Form::Parts => on.text(" USING gin ((").then(folded(last)).text(") gin_trgm_ops)"),
        };
        sql.text(";").finish().text
    }

    /// Its size in bytes, about.
    pub fn size(&self, table: &Table) -> i64 {
        let width: i64 = self.columns.iter().map(|name| table.widths.get(name).copied().unwrap_or(8)).sum();
        let row = match self.form {
            // Header and pointer of an entry, and pages that are not full.
            Form::Values | Form::Descending => ((width + 7) / 8 * 8 + 12) * 10 / 9,
            Form::Starts => (width + 40) * 5 / 4,
            // An entry for each three letters, packed.
            Form::Parts => width * 4,
        };
        table.rows.saturating_mul(row)
    }
}
