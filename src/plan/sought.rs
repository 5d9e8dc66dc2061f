//! Alternatives that are looked for one by one.
//!
//! PostgreSQL uses no index for an OR of conditions on several tables: it reads every record and tests it. As sub-queries
//! joined by UNION ALL each alternative is planned from the table that its value is in.

use super::scope::{Builder, Masked};
use crate::{
    mapping::Place,
    search::Filter,
    sql::{Alias, Fragment},
};

/// Ids that several parts of a statement look for, each found once (`WITH`).
#[derive(Debug, Default)]
pub struct Sets {
    all: Vec<Set>,
    /// The record that was sought last, and the sub-queries that find it.
    last: Option<(Alias, Fragment)>,
}

#[derive(Debug)]
struct Set {
    /// The resources: their type, source and emit, and what holds for them.
    of: (String, usize, usize, Filter),
    found: Fragment,
}

impl Sets {
    /// The name of a set.
    fn name(number: usize) -> Fragment {
        Fragment::raw("m").number(number)
    }

    /// ` IN (SELECT … FROM set`, when these resources were looked for before.
    pub fn known(&self, place: Place<'_>, filter: &Filter) -> Option<Fragment> {
        let (source, emit) = (place.source, place.emit);
        let same = |set: &Set| {
            (set.of.0.as_str(), set.of.1, set.of.2, &set.of.3)
                == (place.kind.name.as_str(), source, emit, filter)
        };
        self.all.iter().position(same).map(Self::among)
    }

    fn among(number: usize) -> Fragment {
        Fragment::raw(" IN (SELECT id FROM ").then(Self::name(number))
    }

    /// The same for resources that are looked for by `condition`, which stands in `select`; none unless it was sought: the
    /// set is made whole, whatever else the statement asks for.
    pub fn keep(
        &mut self,
        place: Place<'_>,
        filter: &Filter,
        condition: &Fragment,
        all: &Fragment,
        select: &Fragment,
    ) -> Option<Fragment> {
        let (record, found) = self.last.as_ref()?;
        if one_of(*record, found.clone()) != *condition {
            return None;
        }
        // Without another condition PostgreSQL can tell how many there are.
        let found = if condition == all { found } else { select };
        let of = (place.kind.name.clone(), place.source, place.emit, filter.clone());
        self.all.push(Set { of, found: found.clone() });
        Some(Self::among(self.all.len() - 1))
    }

    /// `m0(id) AS MATERIALIZED (…)`, of each set that stands in the statement.
    pub fn within(&self, statement: &Fragment) -> Vec<Fragment> {
        let mut needed: Vec<Fragment> = Vec::new();
        for (number, set) in self.all.iter().enumerate().rev() {
            let use_of = format!("FROM m{number})");
            if statement.has(&use_of) || needed.iter().any(|other| other.has(&use_of)) {
                let set = Self::name(number).text("(id) AS MATERIALIZED (").then(set.found.clone());
                needed.push(set.text(")"));
            }
        }
        needed.reverse();
        needed
    }
}

/// The record is one of these. An array is made once, whatever PostgreSQL expects of the number of rows.
fn one_of(record: Alias, found: Fragment) -> Fragment {
    Fragment::new().column(record, "id").text(" = ANY (ARRAY(").then(found).text("))")
}

impl Builder<'_> {
    /// Any of these conditions holds for the record of the innermost scope, each looked for by itself: PostgreSQL finds
    /// records of each by an index, which it cannot when an OR joins conditions on several tables. `None` where the scope
    /// is not that of a source. For conditions that few records satisfy: all of them are found, whatever the page.
    ///
    /// # Errors
    /// As the conditions.
    pub fn sought<E>(
        &mut self,
        count: usize,
        closed: impl Fn(Masked) -> E,
        condition: &mut dyn FnMut(&mut Self, usize) -> Result<Fragment, E>,
    ) -> Result<Option<Fragment>, E> {
        let Some((model, table)) = self.scope().source else { return Ok(None) };
        let outside = self.scope().root;
        let start = self.aliases.used();
        let mut highest = start;
        // Conditions on columns of the same rows stay together; one on rows that there may be several of stands alone.
        let mut selects: Vec<(Fragment, Vec<Fragment>)> = Vec::new();
        let mut alone = Vec::new();
        let seeking = std::mem::replace(&mut self.seeking, true);
        for number in 0..count {
            if self.notes.is_none() {
                self.aliases.reuse_after(start);
            }
            let root = self.open_table(model, table);
            let planned = self.predicate(&model, root).map_err(&closed).and_then(|visible| {
                let condition = condition(self, number)?;
                Ok((visible, condition))
            });
            let scope = self.close();
            highest = highest.max(self.aliases.used());
            let (visible, condition) = planned?;
            if condition.is("FALSE") {
                continue;
            }
            let select = Fragment::raw("SELECT ").column(root, "id").then(scope.from(&table, visible));
            if condition.has("EXISTS") {
                alone.push((select, vec![condition]));
                continue;
            }
            match selects.iter_mut().find(|(other, _)| *other == select) {
                Some((_, conditions)) if conditions.contains(&condition) => {}
                Some((_, conditions)) => conditions.push(condition),
                None => selects.push((select, vec![condition])),
            }
        }
        self.seeking = seeking;
        self.aliases.reuse_after(highest);
        selects.extend(alone);
        if selects.is_empty() {
            return Ok(Some(Fragment::truth(false)));
        }
        let selects = selects
            .into_iter()
            .map(|(select, conditions)| select.text(" AND ").then(Fragment::any(conditions)));
        let found = Fragment::join(selects, " UNION ALL ");
        self.sets.last = Some((outside, found.clone()));
        Ok(Some(one_of(outside, found)))
    }
}
