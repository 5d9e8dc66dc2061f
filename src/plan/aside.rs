//! Which values of a row lie behind a many2one that nothing else of the row needs.

use std::collections::{BTreeMap, BTreeSet};

use super::scope::Builder;
use crate::mapping::compiled::{Condition, Expression, Hop, Row, Slot, Way};

/// Slots that one sub-query can read.
#[derive(Debug, PartialEq, Eq)]
pub struct Aside<'a> {
    /// The many2one steps that all of their paths begin with.
    pub steps: &'a [Hop],
    /// Positions of the slots in the row.
    pub slots: Vec<usize>,
}

impl Builder<'_> {
    /// The asides of a row of the innermost scope. Steps that are joined already, and those where a record rule could
    /// hide a record, are none: that such a record is hidden must show in the row itself.
    pub fn asides<'a>(&mut self, row: &'a Row) -> Vec<Aside<'a>> {
        let mut shared: BTreeSet<&[Hop]> = BTreeSet::new();
        let mut share = |hops: &'a [Hop]| shared.extend((1..=hops.len()).map(|end| &hops[..end]));
        for each in &row.eaches {
            each.paths(0, &mut |path| {
                if path.depth == path.up {
                    share(match path.hops.split_last() {
                        Some((last, before)) if path.rows && last.way == Way::Forward => before,
                        _ => path.hops,
                    });
                }
            });
        }
        let mut alone = BTreeMap::new();
        for (index, slot) in row.slots.iter().enumerate() {
            let mut paths = Vec::new();
            let mut simple = true;
            slot.paths(0, &mut |path| {
                simple &= path.depth == 0 && path.up == 0 && !path.rows;
                if path.depth == path.up {
                    paths.push(path.hops);
                }
            });
            let common = paths.iter().copied().reduce(common).unwrap_or_default();
            let hides = matches!(slot, Slot::Value(value) if self.refers_behind_rules(value));
            let open = simple
                && !hides
                && is_nothing_without(slot)
                && paths.iter().all(|hops| hops.iter().all(|hop| self.is_open(hop)));
            if open && !common.is_empty() {
                alone.insert(index, common);
            } else {
                paths.into_iter().for_each(&mut share);
            }
        }
        let scope = self.scopes.last().expect("a row is planned inside a scope");
        let mut asides: Vec<Aside<'a>> = Vec::new();
        for (slot, path) in alone {
            let free = |steps: &&[Hop]| !shared.contains(*steps) && !scope.has(steps);
            let Some(steps) = (1..=path.len()).map(|end| &path[..end]).find(free) else { continue };
            match asides.iter_mut().find(|aside| aside.steps == steps) {
                Some(aside) => aside.slots.push(slot),
                None => asides.push(Aside { steps, slots: vec![slot] }),
            }
        }
        asides
    }
}

/// Whether a slot is nothing where the record is missing that all of its paths lead through. What says something of a
/// missing record, a constant or a denial, cannot come from a sub-query: it has no row then.
fn is_nothing_without(slot: &Slot) -> bool {
    match slot {
        Slot::Value(value) => has_no_value(value),
        Slot::Holds(condition) => fails(condition),
    }
}

/// An expression over columns that are all NULL is NULL.
fn has_no_value(expression: &Expression) -> bool {
    match expression {
        Expression::Column(_) => true,
        Expression::Constant(_) | Expression::Number(_) | Expression::Count(_) | Expression::Latest(..) => {
            false
        }
        Expression::Replace(inner, ..) | Expression::Extract(inner, _) => has_no_value(inner),
        Expression::First(all) | Expression::Join(all, _) => all.iter().all(has_no_value),
        Expression::All(all) => all.iter().all(|part| matches!(part, Expression::Column(_))),
        Expression::Sum(all) | Expression::Product(all) => all.iter().any(has_no_value),
        Expression::Case(branches) => branches.iter().all(|(when, then)| fails(when) || has_no_value(then)),
    }
}

/// A condition over columns that are all NULL does not hold.
fn fails(condition: &Condition) -> bool {
    match condition {
        Condition::Always | Condition::Exists(_) | Condition::Not(_) => false,
        Condition::Known(value) | Condition::OneOf(value, _) | Condition::Matches(value, _) => {
            has_no_value(value)
        }
        Condition::Above(left, right) | Condition::Same(left, right) => {
            has_no_value(left) || has_no_value(right)
        }
        Condition::All(all) => all.iter().any(fails),
        Condition::Any(any) => any.iter().all(fails),
    }
}

fn common<'a>(left: &'a [Hop], right: &[Hop]) -> &'a [Hop] {
    let length = left.iter().zip(right).take_while(|(left, right)| left == right).count();
    &left[..length]
}

#[cfg(test)]
mod tests {
    use super::{fails, has_no_value};
    use crate::mapping::compiled::{Column, Condition, Expression, Kind};

    fn column() -> Expression {
        Expression::Column(Box::new(Column {
            up: 0,
            hops: Vec::new(),
            model: "gnuhealth.surgery".into(),
            field: "state".into(),
            kind: Kind::Text,
            translated: false,
            target: None,
        }))
    }

    fn is(key: &str) -> Condition {
        Condition::OneOf(column(), vec![key.to_owned()])
    }

    #[test]
    fn what_a_missing_record_says_is_known() {
        let said = || Expression::Constant("said".to_owned());
        let chosen = |last| Expression::Case(vec![(is("draft"), said()), (last, said())]);
        assert!(has_no_value(&chosen(is("done"))));
        assert!(!has_no_value(&chosen(Condition::Always)));
        assert!(!has_no_value(&chosen(Condition::Not(Box::new(is("done"))))));
        assert!(has_no_value(&Expression::First(vec![column(), column()])));
        assert!(!has_no_value(&Expression::First(vec![column(), said()])));
        assert!(!has_no_value(&Expression::Join(vec![said(), column()], " ".to_owned())));
        assert!(fails(&Condition::All(vec![Condition::Not(Box::new(is("draft"))), is("done")])));
        assert!(!fails(&Condition::Any(vec![Condition::Not(Box::new(is("draft"))), is("done")])));
    }
}
