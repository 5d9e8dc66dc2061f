//! Alternatives that are looked for one by one.
//!
//! PostgreSQL uses no index for an OR of conditions on several tables: it reads every record and tests it. As sub-queries
//! joined by UNION ALL each alternative is planned from the table that its value is in.

use super::scope::{Builder, Masked};
use crate::sql::Fragment;

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
        let Some((model, table)) = self.scope().source.clone() else { return Ok(None) };
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
            let root = self.open_table(model.clone(), table.clone());
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
        // An array is made once, whatever PostgreSQL expects of the number of rows.
        let found = Fragment::new().column(outside, "id").text(" = ANY (ARRAY(");
        Ok(Some(found.then(Fragment::join(selects, " UNION ALL ")).text("))")))
    }
}
