//! The models that compiled mappings read.

use std::collections::BTreeSet;

use super::compiled::{Column, Compiled, Condition, Each, Exists, Expression, Hop, Row, Slot};

impl Compiled {
    /// Every model that a statement over these mappings can touch.
    pub fn models(&self) -> BTreeSet<&str> {
        let mut models = BTreeSet::new();
        for source in self.types.values().flat_map(|kind| &kind.sources) {
            models.insert(source.model.as_str());
            row(&source.row, &mut models);
            let conditions =
                source.filter.iter().chain(source.emits.iter().filter_map(|emit| emit.when.as_ref()));
            conditions.for_each(|each| condition(each, &mut models));
            if let Some(content) = &source.content {
                expression(&content.data, &mut models);
                content.file.iter().for_each(|file| expression(file, &mut models));
            }
        }
        models
    }
}

fn row<'a>(row: &'a Row, models: &mut BTreeSet<&'a str>) {
    for slot in &row.slots {
        match slot {
            Slot::Value(value) => expression(value, models),
            Slot::Holds(holds) => condition(holds, models),
        }
    }
    for Each { hops: path, relation, filter, order, row: inner, .. } in &row.eaches {
        hops(path, models);
        models.insert(&relation.model);
        filter.iter().for_each(|filter| condition(filter, models));
        order.iter().for_each(|(value, _)| expression(value, models));
        self::row(inner, models);
    }
}

fn hops<'a>(hops: &'a [Hop], models: &mut BTreeSet<&'a str>) {
    models.extend(hops.iter().map(|hop| hop.target.as_str()));
}

fn expression<'a>(value: &'a Expression, models: &mut BTreeSet<&'a str>) {
    match value {
        Expression::Column(column) => {
            let Column { hops: path, model, .. } = column.as_ref();
            hops(path, models);
            models.insert(model);
        }
        Expression::Constant(_) | Expression::Number(_) => {}
        Expression::Count(rows) => exists(rows, models),
        Expression::Replace(inner, ..) | Expression::Extract(inner, _) => expression(inner, models),
        Expression::First(all)
        | Expression::Join(all, _)
        | Expression::All(all)
        | Expression::Sum(all)
        | Expression::Product(all) => {
            all.iter().for_each(|part| expression(part, models));
        }
        Expression::Case(branches) => {
            for (when, then) in branches {
                condition(when, models);
                expression(then, models);
            }
        }
    }
}

fn condition<'a>(holds: &'a Condition, models: &mut BTreeSet<&'a str>) {
    match holds {
        Condition::Always => {}
        Condition::Known(value) | Condition::OneOf(value, _) | Condition::Matches(value, _) => {
            expression(value, models)
        }
        Condition::Above(left, right) | Condition::Same(left, right) => {
            expression(left, models);
            expression(right, models);
        }
        Condition::Exists(rows) => exists(rows, models),
        Condition::All(all) | Condition::Any(all) => all.iter().for_each(|part| condition(part, models)),
        Condition::Not(inner) => condition(inner, models),
    }
}

fn exists<'a>(rows: &'a Exists, models: &mut BTreeSet<&'a str>) {
    hops(&rows.hops, models);
    models.insert(&rows.relation.model);
    rows.filter.iter().for_each(|filter| condition(filter, models));
}
