//! The row of a source: everything a resource is made of, as one record.

use super::scope::{Builder, Masked};
use crate::{
    mapping::compiled::{Each, Row, Slot, Source},
    render::Masks,
    sql::{Alias, Fragment},
};

/// A record, the time of its last change, and what was left out of it.
#[derive(Debug)]
pub struct RowSql {
    /// `ROW(…)`.
    pub record: Fragment,
    /// Newest change of any row that it is made of.
    pub stamp: Fragment,
    /// What the caller may not see.
    pub masks: Masks,
}

/// How repeated rows stand in a statement.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Repeated {
    /// A column `ROW(rows, stamp)` of its own, for what is written: no join carries the other columns past it, which
    /// would cost PostgreSQL more than the rows themselves. The reader takes the newest of the stamps.
    Column,
    /// A sub-query in FROM, whose stamp SQL can compare.
    Lateral,
}

impl Builder<'_> {
    /// The record that a resource is written from. Its stamp is that of the row and the joined ones; repeated rows
    /// bring their own.
    pub fn output(&mut self, row: &Row) -> RowSql {
        self.record(row, Repeated::Column)
    }

    /// The record of the innermost scope. Joins and sub-queries go into that scope.
    fn row(&mut self, row: &Row) -> RowSql {
        self.record(row, Repeated::Lateral)
    }

    fn record(&mut self, row: &Row, repeated: Repeated) -> RowSql {
        let mut parts = Vec::new();
        let mut masks = Masks::default();
        for slot in &row.slots {
            let part = match slot {
                Slot::Value(expression) => self.expression(expression),
                Slot::Holds(condition) => self.condition(condition),
            };
            masks.slots.push(part.is_err());
            parts.push(part.unwrap_or_else(|Masked| Fragment::raw("NULL")));
        }
        let mut stamps = Vec::new();
        for each in &row.eaches {
            match self.each(each, repeated) {
                Ok((rows, stamp, inner)) => {
                    parts.push(rows);
                    stamps.extend(stamp);
                    masks.eaches.push(Some(inner));
                }
                Err(Masked) => {
                    parts.push(Fragment::raw("NULL"));
                    masks.eaches.push(None);
                }
            }
        }
        let scope = self.scopes.last().expect("a row is planned inside a scope");
        stamps.extend(scope.aliases().map(stamp));
        if !scope.hidden.is_empty() {
            masks.hides = true;
            parts.push(Fragment::any(scope.hidden.iter().cloned()));
        }
        let record = Fragment::raw("ROW(").then(Fragment::join(parts, ", ")).text(")");
        let stamp = Fragment::raw("GREATEST(").then(Fragment::join(stamps, ", ")).text(")");
        RowSql { record, stamp, masks }
    }

    /// Rows of a relation as an array of records.
    fn each(
        &mut self,
        each: &Each,
        repeated: Repeated,
    ) -> Result<(Fragment, Option<Fragment>, Masks), Masked> {
        let parent = self.follow(each.up, &each.hops)?;
        let root = self.open();
        let planned = self.each_inside(each, root, parent);
        let scope = self.close();
        let (conditions, row, order) = planned?;
        let rows = Fragment::raw("array_agg(").then(row.record).text(" ORDER BY ").then(order);
        let rows = rows.column(root, "id").text(")");
        let newest = Fragment::raw("max(").then(row.stamp).text(")");
        let from =
            Fragment::raw(" FROM ").ident(&each.relation.table).text(" ").alias(root).then(scope.joins());
        let from = from.text(" WHERE ").then(conditions);
        if repeated == Repeated::Column {
            let column = Fragment::raw("(SELECT ROW(").then(rows).text(", ").then(newest).text(")");
            return Ok((column.then(from).text(")"), None, row.masks));
        }
        let name = self.aliases.next();
        let lateral =
            Fragment::raw(" CROSS JOIN LATERAL (SELECT ").then(rows).text(" AS rows, ").then(newest);
        let lateral = lateral.text(" AS stamp").then(from).text(") ").alias(name);
        self.scopes.last_mut().expect("the scope around the rows is open").laterals.push(lateral);
        let column = |column| Fragment::new().column(name, column);
        Ok((column("rows"), Some(column("stamp")), row.masks))
    }

    fn each_inside(
        &mut self,
        each: &Each,
        root: Alias,
        parent: Alias,
    ) -> Result<(Fragment, RowSql, Fragment), Masked> {
        let mut conditions = self.related(root, parent, &each.relation)?;
        if let Some(filter) = &each.filter {
            conditions = conditions.text(" AND ").then(self.condition(filter)?);
        }
        let row = self.row(&each.row);
        let mut order = Fragment::new();
        for (expression, descending) in &each.order {
            // An order that reads a closed field would reveal it; the id alone decides then.
            if let Ok(sql) = self.expression(expression) {
                order =
                    order.then(sql).text(if *descending { " DESC NULLS LAST, " } else { " NULLS LAST, " });
            }
        }
        Ok((conditions, row, order))
    }

    /// The last change of anything that the row of the innermost scope is made of.
    pub fn stamp(&mut self, row: &Row) -> Fragment {
        if let Some(known) = self.scopes.last().and_then(|scope| scope.stamp.clone()) {
            return known;
        }
        let stamp = self.row(row).stamp;
        if let Some(scope) = self.scopes.last_mut() {
            scope.stamp = Some(stamp.clone());
        }
        stamp
    }

    /// Which records of a source the caller may see: its filter and the access predicate of its model.
    ///
    /// # Errors
    /// [`Masked`] when the source is closed to the caller.
    pub fn visible(&mut self, source: &Source, alias: Alias) -> Result<Fragment, Masked> {
        let predicate = self.predicate(&source.model, alias)?;
        Ok(match &source.filter {
            Some(filter) => Fragment::all([predicate, self.condition(filter)?]),
            None => predicate,
        })
    }
}

/// The last change of a row: Tryton leaves `write_date` empty until the first change.
fn stamp(alias: Alias) -> Fragment {
    Fragment::raw("COALESCE(").column(alias, "write_date").text(", ").column(alias, "create_date").text(")")
}
