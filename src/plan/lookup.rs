//! By which columns a search looks rows up: what an index could serve.
//!
//! The conditions note it while they are planned, so the list is that of the statement itself. Noted is only what narrows
//! the rows: of conditions joined by OR those that all look at the same row, and nothing of what is negated.

use super::{
    branches::{Order, Part, branches},
    page::{self, Situation},
    scope::Builder,
};
use crate::{
    error::Result,
    mapping::compiled::{Expression, Way},
    search::SortKey,
    sql::Alias,
    tryton::Name,
};

/// How a column is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    /// With the id of a record that leads to these rows.
    Parent,
    /// With a value.
    Equal,
    /// With bounds.
    Range,
    /// Folded, with how it starts.
    Prefix,
    /// Folded, with a part of it.
    Part,
    /// The rows are ordered by it, first of all.
    Order,
}

/// A column that rows are looked up by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookup {
    /// The row; equal for the columns of one row.
    pub row: Alias,
    /// Model of the row.
    pub model: String,
    /// The field, also its column; none for a computed value, for which no index is thought of.
    pub field: Option<Name>,
    /// How it is compared.
    pub how: How,
}

/// What the statement of a search looks up, for each source of its type.
///
/// # Errors
/// As [`page::page`].
pub fn lookups(situation: Situation<'_>, part: Part<'_>, sort: &[SortKey]) -> Result<Vec<Vec<Lookup>>> {
    let keys = page::sort_keys(&[part.kind], sort)?;
    let mut builder = Builder::searching(situation);
    builder.notes = Some(Vec::new());
    branches(&mut builder, situation, part, Order { sort, keys: &keys, ..Order::default() })?;
    // Of the records that are found everything is read.
    let searched = builder.notes.as_ref().map_or(0, Vec::len);
    for source in &part.kind.sources {
        let root = builder.open();
        builder.note_source();
        if builder.visible(source, root).is_ok() {
            builder.record(&source.row);
        }
        builder.close();
    }
    let mut found = builder.notes.take().unwrap_or_default();
    for (index, notes) in found.iter_mut().enumerate() {
        notes.retain(|note| index < searched || note.how == How::Parent);
    }
    Ok(found)
}

impl Builder<'_> {
    /// Notes that rows are looked up by a value, and the columns of the steps by which one comes back from there.
    pub(super) fn note(&mut self, value: &Expression, how: How) {
        if self.notes.is_none() {
            return;
        }
        let scope_of = |up: usize| self.scopes.len() - up - 1;
        let Expression::Column(column) = value else {
            let row = self.scopes[scope_of(0)].root;
            return self.note_column(row, "", None, how);
        };
        let scope = &self.scopes[scope_of(column.up)];
        let mut row = scope.root;
        let mut back = Vec::new();
        let mut led = !column.translated || self.languages.is_empty();
        for end in 1..=column.hops.len() {
            let hop = &column.hops[end - 1];
            led &= hop.way == Way::Forward;
            back.push((row, hop));
            let Some(next) = scope.at(&column.hops[..end]) else { return };
            row = next;
        }
        for (row, hop) in back.into_iter().filter(|_| led) {
            self.note_column(row, &hop.model, Some(&hop.field), How::Parent);
        }
        self.note_column(row, &column.model, Some(&column.field).filter(|_| led), how);
    }

    /// Notes that rows are looked up by a column.
    pub(super) fn note_column(&mut self, row: Alias, model: &str, field: Option<&Name>, how: How) {
        if let Some(notes) = self.notes.as_mut().and_then(|all| all.last_mut()) {
            notes.push(Lookup { row, model: model.to_owned(), field: field.cloned(), how });
        }
    }

    /// What follows is noted for a further source.
    pub(super) fn note_source(&mut self) {
        if let Some(notes) = &mut self.notes {
            notes.push(Vec::new());
        }
    }

    /// Conditions joined by OR, of which an index helps only when one helps all of them: they must look at one row.
    pub(super) fn either<T>(&mut self, conditions: impl FnOnce(&mut Self) -> T) -> T {
        let start = self.noted();
        let result = conditions(self);
        let notes = self.notes.iter().filter_map(|all| all.last()).flatten();
        let mut narrowing = notes.skip(start).filter(|note| note.how != How::Parent);
        let same = match narrowing.next() {
            Some(first) => {
                first.field.is_some() && narrowing.all(|note| note.field.is_some() && note.row == first.row)
            }
            None => true,
        };
        if !same {
            self.forget(start);
        }
        result
    }

    /// How many lookups are noted.
    pub(super) fn noted(&self) -> usize {
        self.notes.as_ref().and_then(|all| all.last()).map_or(0, Vec::len)
    }

    /// Conditions that narrow nothing. Their rows are still looked up one by one.
    pub(super) fn forget(&mut self, start: usize) {
        if let Some(notes) = self.notes.as_mut().and_then(|all| all.last_mut()) {
            let mut index = 0;
            notes.retain(|note| {
                index += 1;
                index <= start || note.how == How::Parent
            });
        }
    }
}
