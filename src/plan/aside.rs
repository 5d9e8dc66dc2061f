//! Which values of a row lie behind a many2one that nothing else of the row needs.

use std::collections::{BTreeMap, BTreeSet};

use super::scope::Builder;
use crate::mapping::compiled::{Hop, Row, Slot, Way};

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
            let open = simple && !hides && paths.iter().all(|hops| hops.iter().all(|hop| self.is_open(hop)));
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

fn common<'a>(left: &'a [Hop], right: &[Hop]) -> &'a [Hop] {
    let length = left.iter().zip(right).take_while(|(left, right)| left == right).count();
    &left[..length]
}
