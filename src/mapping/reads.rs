//! What must be open to a caller for a value, a condition or repeated rows of a mapping: the models and fields that
//! its SQL reads. One closed is enough to withhold the whole.

use super::compiled::{Condition, Each, Exists, Expression, Hop, Relation, Row, Slot, Way};

/// Something that can be closed to a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Read<'a> {
    /// A model.
    Model(&'a str),
    /// A field of a model.
    Field(&'a str, &'a str),
}

/// What the value of a slot reads.
pub fn slot<'a>(row: &'a Row, index: usize) -> Vec<Read<'a>> {
    match row.slots.get(index) {
        Some(Slot::Value(value)) => expression(value),
        Some(Slot::Holds(holds)) => condition(holds),
        None => Vec::new(),
    }
}

/// What an expression reads.
pub fn expression(value: &Expression) -> Vec<Read<'_>> {
    match value {
        Expression::Column(column) => {
            let mut all = hops(&column.hops);
            all.push(Read::Model(&column.model));
            all.push(Read::Field(&column.model, &column.field));
            all
        }
        Expression::Constant(_) | Expression::Number(_) => Vec::new(),
        Expression::Count(rows) => exists(rows),
        Expression::Latest(rows, value) => [exists(rows), expression(value)].concat(),
        Expression::Replace(inner, ..) | Expression::Extract(inner, _) => expression(inner),
        Expression::First(all)
        | Expression::Join(all, _)
        | Expression::All(all)
        | Expression::Sum(all)
        | Expression::Product(all) => all.iter().flat_map(expression).collect(),
        Expression::Case(branches) => {
            branches.iter().flat_map(|(when, then)| [condition(when), expression(then)].concat()).collect()
        }
    }
}

/// What a condition reads.
pub fn condition(holds: &Condition) -> Vec<Read<'_>> {
    match holds {
        Condition::Always => Vec::new(),
        Condition::Known(value) | Condition::OneOf(value, _) | Condition::Matches(value, _) => {
            expression(value)
        }
        Condition::Above(left, right) | Condition::Same(left, right) => {
            [expression(left), expression(right)].concat()
        }
        Condition::Exists(rows) => exists(rows),
        Condition::All(all) | Condition::Any(all) => all.iter().flat_map(condition).collect(),
        Condition::Not(inner) => condition(inner),
    }
}

fn exists(rows: &Exists) -> Vec<Read<'_>> {
    let mut all = [hops(&rows.hops), relation(&rows.relation)].concat();
    all.extend(rows.filter.iter().flat_map(condition));
    all
}

/// What repeated rows read before any value of them.
pub fn rows(each: &Each) -> Vec<Read<'_>> {
    let mut all = [hops(&each.hops), relation(&each.relation)].concat();
    all.extend(each.filter.iter().flat_map(condition));
    all
}

fn hops(path: &[Hop]) -> Vec<Read<'_>> {
    let mut all = Vec::new();
    for hop in path {
        let owner = if hop.way == Way::Back { hop.target.as_str() } else { hop.model.as_str() };
        all.extend([Read::Model(owner), Read::Field(owner, &hop.field), Read::Model(&hop.target)]);
    }
    all
}

fn relation(rows: &Relation) -> Vec<Read<'_>> {
    let mut all = Vec::new();
    if let Some((model, field)) = &rows.field {
        all.extend([Read::Model(model), Read::Field(model, field)]);
    }
    all.push(Read::Model(&rows.model));
    all.extend(rows.inverse.iter().map(|inverse| Read::Field(&rows.model, inverse)));
    all
}
