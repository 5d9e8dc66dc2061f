//! The row of a source: everything a resource is made of, as one record.
//!
//! What is repeated, and what lies behind a many2one that nothing else of the row needs, are sub-queries in the columns
//! of the record rather than joins: each join would carry the columns of all the others past it, which costs
//! PostgreSQL more than reading the rows.

use super::{
    aside::Aside,
    scope::{Builder, Masked, Scope},
};
use crate::{
    mapping::compiled::{Each, Row, Slot, Source},
    render::{Held, Shape},
    sql::{Alias, Fragment},
};

/// A record and what its columns hold.
#[derive(Debug)]
pub struct RowSql {
    /// `ROW(…)`.
    pub record: Fragment,
    /// Its columns, and what the caller may not see.
    pub shape: Shape,
}

impl Builder<'_> {
    /// The record of the innermost scope, from which it is written. Joins go into that scope.
    pub fn record(&mut self, row: &Row) -> RowSql {
        let mut columns = Vec::new();
        let mut shape = Shape { masked: vec![false; row.slots.len()], ..Shape::default() };
        let asides = self.asides(row);
        for aside in &asides {
            match self.aside(aside, row, &mut shape.masked) {
                Ok((column, slots)) => {
                    columns.push(column);
                    shape.columns.push(Held::Aside(slots));
                }
                Err(Masked) => aside.slots.iter().for_each(|slot| shape.masked[*slot] = true),
            }
        }
        let beside = |slot: &usize| asides.iter().any(|aside| aside.slots.contains(slot));
        for slot in (0..row.slots.len()).filter(|slot| !beside(slot)) {
            match self.slot(&row.slots[slot]) {
                Ok(column) => {
                    columns.push(column);
                    shape.columns.push(Held::Slot(slot));
                }
                Err(Masked) => match self.closed_reference(&row.slots[slot]) {
                    // Records that point elsewhere lose nothing.
                    Some(points) => self.hide(points),
                    None => shape.masked[slot] = true,
                },
            }
        }
        for (index, each) in row.eaches.iter().enumerate() {
            match self.rows(each) {
                Ok((rows, inner)) => {
                    columns.push(rows);
                    shape.columns.push(Held::Rows(index));
                    shape.eaches.push(Some(inner));
                }
                Err(Masked) => shape.eaches.push(None),
            }
        }
        let scope = self.scope();
        if !scope.hidden.is_empty() {
            columns.push(Fragment::any(scope.hidden.iter().cloned()));
            shape.columns.push(Held::Hides);
        }
        columns.push(newest(scope.aliases().map(stamp).collect()));
        shape.columns.push(Held::Stamp);
        let record = Fragment::raw("ROW(").then(Fragment::join(columns, ", ")).text(")");
        RowSql { record, shape }
    }

    pub(super) fn scope(&self) -> &Scope {
        self.scopes.last().expect("a row is planned inside a scope")
    }

    /// Something is hidden of the records for which this holds.
    pub fn hide(&mut self, holds: Fragment) {
        let scope = self.scopes.last_mut().expect("a row is planned inside a scope");
        if !scope.hidden.contains(&holds) {
            scope.hidden.push(holds);
        }
    }

    fn slot(&mut self, slot: &Slot) -> Result<Fragment, Masked> {
        match slot {
            Slot::Value(expression) => self.referred(expression),
            Slot::Holds(condition) => self.condition(condition),
        }
    }

    /// A sub-query for the slots behind a many2one, and the slots that it holds: not those that are masked.
    fn aside(
        &mut self,
        aside: &Aside<'_>,
        row: &Row,
        masked: &mut [bool],
    ) -> Result<(Fragment, Vec<usize>), Masked> {
        let (hop, before) = aside.steps.split_last().expect("it lies behind at least one step");
        let from = self.follow(0, before)?;
        let target = self.aliases.next();
        let (condition, _) = self.step(from, hop, target)?;
        self.scopes.push(Scope::beside(target, aside.steps));
        let mut columns = Vec::new();
        let mut slots = Vec::new();
        for slot in &aside.slots {
            match self.slot(&row.slots[*slot]) {
                Ok(column) => {
                    columns.push(column);
                    slots.push(*slot);
                }
                Err(Masked) => masked[*slot] = true,
            }
        }
        let scope = self.close();
        columns.push(newest(scope.aliases().map(stamp).collect()));
        let column = Fragment::raw("(SELECT ROW(").then(Fragment::join(columns, ", ")).text(")");
        Ok((column.then(scope.from(&hop.table, condition)).text(")"), slots))
    }

    /// Rows of a relation as an array of records.
    fn rows(&mut self, each: &Each) -> Result<(Fragment, Shape), Masked> {
        let parent = self.id_at(each.up, &each.hops)?;
        let root = self.open();
        let planned = self.related(root, parent, &each.relation, each.filter.as_ref()).map(|conditions| {
            let row = self.record(&each.row);
            (conditions, row, self.order(each, root))
        });
        let scope = self.close();
        let (conditions, row, order) = planned?;
        let from = scope.from(&each.relation.table, conditions);
        let rows = Fragment::raw("ARRAY(SELECT ").then(row.record).then(from);
        Ok((rows.text(" ORDER BY ").then(order).text(")"), row.shape))
    }

    fn order(&mut self, each: &Each, root: Alias) -> Fragment {
        let mut order = Fragment::new();
        for (expression, descending) in &each.order {
            // An order that reads a closed field would reveal it; the id alone decides then.
            if let Ok(sql) = self.expression(expression) {
                order =
                    order.then(sql).text(if *descending { " DESC NULLS LAST, " } else { " NULLS LAST, " });
            }
        }
        order.column(root, "id")
    }

    /// The last change of anything that the row of the innermost scope is made of, for a search or an order.
    pub fn stamp(&mut self, row: &Row) -> Fragment {
        if let Some(known) = &self.scope().stamp {
            return known.clone();
        }
        // What is masked is not read, so it does not count.
        for slot in &row.slots {
            let _ = self.slot(slot);
        }
        let mut stamps = Vec::new();
        for each in &row.eaches {
            stamps.extend(self.newest_row(each).ok());
        }
        stamps.extend(self.scope().aliases().map(stamp));
        let stamp = newest(stamps);
        if let Some(scope) = self.scopes.last_mut() {
            scope.stamp = Some(stamp.clone());
        }
        stamp
    }

    /// The last change of any of the rows of a relation: found for each record by itself, or, where all records are looked
    /// at, for all of them at once.
    fn newest_row(&mut self, each: &Each) -> Result<Fragment, Masked> {
        let parent = self.id_at(each.up, &each.hops)?;
        if let Some(inverse) = each.relation.inverse.as_deref().filter(|_| self.whole)
            && let Some(newest) = self.newest_rows(each, inverse, &parent)?
        {
            return Ok(newest);
        }
        let (conditions, stamp, scope) = self.stamps(each, |_| parent)?;
        let name = self.aliases.next();
        let lateral = Fragment::raw(" CROSS JOIN LATERAL (SELECT max(").then(stamp).text(") AS stamp");
        let lateral = lateral.then(scope.from(&each.relation.table, conditions)).text(") ").alias(name);
        self.scopes.last_mut().expect("the scope around the rows is open").laterals.push(lateral);
        Ok(Fragment::new().column(name, "stamp"))
    }

    /// What holds for the rows of a relation that have this parent, their last change, and their scope.
    fn stamps(
        &mut self,
        each: &Each,
        parent: impl FnOnce(Alias) -> Fragment,
    ) -> Result<(Fragment, Fragment, Scope), Masked> {
        let root = self.open();
        let planned = self
            .related(root, parent(root), &each.relation, each.filter.as_ref())
            .map(|conditions| (conditions, self.stamp(&each.row)));
        let scope = self.close();
        let (conditions, stamp) = planned?;
        Ok((conditions, stamp, scope))
    }

    /// The same for all records at once; none when the rows depend on more of the record than its id.
    fn newest_rows(
        &mut self,
        each: &Each,
        inverse: &str,
        parent: &Fragment,
    ) -> Result<Option<Fragment>, Masked> {
        let of = |row: Alias| Fragment::new().column(row, inverse);
        let (conditions, stamp, scope) = self.stamps(each, of)?;
        let id = of(scope.root);
        let select =
            Fragment::raw("SELECT ").then(id).text(" AS parent, max(").then(stamp).text(") AS stamp");
        let select = select.then(scope.from(&each.relation.table, conditions)).text(" GROUP BY 1");
        if self.scopes.iter().flat_map(Scope::aliases).any(|outer| select.mentions(outer)) {
            return Ok(None);
        }
        let name = self.aliases.next();
        let join = Fragment::raw(" LEFT JOIN (").then(select).text(") ").alias(name).text(" ON ").alias(name);
        let join = join.text(".parent = ").then(parent.clone());
        self.scopes.last_mut().expect("the scope around the rows is open").laterals.push(join);
        Ok(Some(Fragment::new().column(name, "stamp")))
    }

    /// Which records of a source the caller may see: its filter and the access predicate of its model.
    ///
    /// # Errors
    /// [`Masked`] when the source is closed to the caller.
    pub fn visible(&mut self, source: &Source, alias: Alias) -> Result<Fragment, Masked> {
        let predicate = self.predicate(&source.model, alias)?;
        Ok(match &source.filter {
            Some(filter) => Fragment::all([predicate, self.meets(filter)?]),
            None => predicate,
        })
    }

    /// For which records a resource is there that the caller may see: as [`Builder::visible`], and the condition of the
    /// emit.
    ///
    /// # Errors
    /// [`Masked`] when it is closed to the caller.
    pub fn resource(&mut self, source: &Source, emit: usize, alias: Alias) -> Result<Fragment, Masked> {
        let visible = self.visible(source, alias)?;
        match &source.emits[emit].when {
            Some(when) => Ok(Fragment::all([visible, self.meets(when)?])),
            None => Ok(visible),
        }
    }
}

/// The last change of a row: Tryton leaves `write_date` empty until the first change.
fn stamp(alias: Alias) -> Fragment {
    Fragment::raw("COALESCE(").column(alias, "write_date").text(", ").column(alias, "create_date").text(")")
}

fn newest(mut stamps: Vec<Fragment>) -> Fragment {
    if stamps.len() == 1 {
        return stamps.remove(0);
    }
    Fragment::raw("GREATEST(").then(Fragment::join(stamps, ", ")).text(")")
}
