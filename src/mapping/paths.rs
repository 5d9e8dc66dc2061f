//! The ways that expressions, conditions and rows take from a record.

use super::compiled::{Condition, Exists, Expression, Hop, Row, Slot};

/// A way from a record along many2one steps.
#[derive(Clone, Copy, Debug)]
pub struct Path<'a> {
    /// How many rows (of an `each`, an `exists`) lie around the place where the path is written.
    pub depth: usize,
    /// Levels up from there to the record where it starts. Equal to `depth`: the record that was asked about.
    pub up: usize,
    /// Steps.
    pub hops: &'a [Hop],
    /// It leads to rows that point back to its end, not to a value of its end.
    pub rows: bool,
}

impl Row {
    /// Every path that is written in this row.
    pub fn paths<'a>(&'a self, visit: &mut dyn FnMut(Path<'a>)) {
        self.paths_at(0, visit);
    }

    fn paths_at<'a>(&'a self, depth: usize, visit: &mut dyn FnMut(Path<'a>)) {
        self.slots.iter().for_each(|slot| slot.paths(depth, visit));
        for each in &self.eaches {
            each.paths(depth, visit);
        }
    }
}

impl super::compiled::Each {
    /// Every path that leads to these rows or is written in them.
    pub fn paths<'a>(&'a self, depth: usize, visit: &mut dyn FnMut(Path<'a>)) {
        visit(Path { depth, up: self.up, hops: &self.hops, rows: true });
        self.filter.iter().for_each(|filter| filter.paths(depth + 1, visit));
        self.order.iter().for_each(|(value, _)| value.paths(depth + 1, visit));
        self.row.paths_at(depth + 1, visit);
    }
}

impl Slot {
    /// Every path that is written in this slot.
    pub fn paths<'a>(&'a self, depth: usize, visit: &mut dyn FnMut(Path<'a>)) {
        match self {
            Self::Value(value) => value.paths(depth, visit),
            Self::Holds(holds) => holds.paths(depth, visit),
        }
    }
}

impl Expression {
    fn paths<'a>(&'a self, depth: usize, visit: &mut dyn FnMut(Path<'a>)) {
        match self {
            Self::Column(column) => {
                visit(Path { depth, up: column.up, hops: &column.hops, rows: false });
            }
            Self::Constant(_) | Self::Number(_) => {}
            Self::Count(rows) => rows.paths(depth, visit),
            Self::Latest(rows, value) => {
                rows.paths(depth, visit);
                value.paths(depth + 1, visit);
            }
            Self::Replace(inner, ..) | Self::Extract(inner, _) => inner.paths(depth, visit),
            Self::First(all) | Self::Join(all, _) | Self::All(all) | Self::Sum(all) | Self::Product(all) => {
                all.iter().for_each(|part| part.paths(depth, visit));
            }
            Self::Case(branches) => {
                for (when, then) in branches {
                    when.paths(depth, visit);
                    then.paths(depth, visit);
                }
            }
        }
    }
}

impl Exists {
    fn paths<'a>(&'a self, depth: usize, visit: &mut dyn FnMut(Path<'a>)) {
        visit(Path { depth, up: self.up, hops: &self.hops, rows: true });
        self.filter.iter().for_each(|filter| filter.paths(depth + 1, visit));
    }
}

impl Condition {
    fn paths<'a>(&'a self, depth: usize, visit: &mut dyn FnMut(Path<'a>)) {
        match self {
            Self::Always => {}
            Self::Known(value) | Self::OneOf(value, _) | Self::Matches(value, _) => value.paths(depth, visit),
            Self::Above(left, right) | Self::Same(left, right) => {
                left.paths(depth, visit);
                right.paths(depth, visit);
            }
            Self::Exists(rows) => rows.paths(depth, visit),
            Self::All(all) | Self::Any(all) => all.iter().for_each(|part| part.paths(depth, visit)),
            Self::Not(inner) => inner.paths(depth, visit),
        }
    }
}
