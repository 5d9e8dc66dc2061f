//! The models and columns that compiled mappings read.

use std::collections::BTreeSet;

use super::compiled::{Column, Compiled, Condition, Each, Exists, Expression, Hop, Relation, Row, Slot, Way};

/// What statements over mappings can touch.
#[derive(Debug, Default)]
pub struct Used<'a> {
    /// Every model.
    pub models: BTreeSet<&'a str>,
    /// Every column, by model and field.
    pub columns: BTreeSet<(&'a str, &'a str)>,
}

impl Compiled {
    /// Every model that a statement over these mappings can touch.
    pub fn models(&self) -> BTreeSet<&str> {
        self.used().models
    }

    /// Every model and column that a statement over these mappings can touch.
    pub fn used(&self) -> Used<'_> {
        let mut used = Used::default();
        for source in self.types.values().flat_map(|kind| &kind.sources) {
            used.models.insert(source.model.as_str());
            used.row(&source.row);
            let conditions =
                source.filter.iter().chain(source.emits.iter().filter_map(|emit| emit.when.as_ref()));
            conditions.for_each(|each| used.condition(each));
            if let Some(content) = &source.content {
                used.expression(&content.data);
                content.file.iter().for_each(|file| used.expression(file));
            }
        }
        used
    }
}

impl<'a> Used<'a> {
    fn row(&mut self, row: &'a Row) {
        for slot in &row.slots {
            match slot {
                Slot::Value(value) => self.expression(value),
                Slot::Holds(holds) => self.condition(holds),
            }
        }
        for Each { hops, relation, filter, order, row, .. } in &row.eaches {
            self.rows(hops, relation);
            filter.iter().for_each(|filter| self.condition(filter));
            order.iter().for_each(|(value, _)| self.expression(value));
            self.row(row);
        }
    }

    fn exists(&mut self, rows: &'a Exists) {
        self.rows(&rows.hops, &rows.relation);
        rows.filter.iter().for_each(|filter| self.condition(filter));
    }

    fn rows(&mut self, hops: &'a [Hop], relation: &'a Relation) {
        self.hops(hops);
        self.models.insert(&relation.model);
        self.columns.extend(relation.inverse.as_deref().map(|inverse| (relation.model.as_str(), inverse)));
    }

    fn hops(&mut self, hops: &'a [Hop]) {
        for hop in hops {
            self.models.insert(&hop.target);
            let owner = if hop.way == Way::Back { &hop.target } else { &hop.model };
            self.columns.insert((owner, &hop.field));
        }
    }

    fn expression(&mut self, value: &'a Expression) {
        match value {
            Expression::Column(column) => {
                let Column { hops, model, field, .. } = column.as_ref();
                self.hops(hops);
                self.models.insert(model);
                self.columns.insert((model, field));
            }
            Expression::Constant(_) | Expression::Number(_) => {}
            Expression::Count(rows) => self.exists(rows),
            Expression::Replace(inner, ..) | Expression::Extract(inner, _) => self.expression(inner),
            Expression::First(all)
            | Expression::Join(all, _)
            | Expression::All(all)
            | Expression::Sum(all)
            | Expression::Product(all) => all.iter().for_each(|part| self.expression(part)),
            Expression::Case(branches) => {
                for (when, then) in branches {
                    self.condition(when);
                    self.expression(then);
                }
            }
        }
    }

    fn condition(&mut self, holds: &'a Condition) {
        match holds {
            Condition::Always => {}
            Condition::Known(value) | Condition::OneOf(value, _) | Condition::Matches(value, _) => {
                self.expression(value);
            }
            Condition::Above(left, right) | Condition::Same(left, right) => {
                self.expression(left);
                self.expression(right);
            }
            Condition::Exists(rows) => self.exists(rows),
            Condition::All(all) | Condition::Any(all) => all.iter().for_each(|part| self.condition(part)),
            Condition::Not(inner) => self.condition(inner),
        }
    }
}
