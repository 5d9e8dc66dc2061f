//! The references that stand in a record, for what is included with it.

use super::{
    Shape,
    object::address,
    record::{self, Malformed},
    values::{Seen, Values},
};
use crate::mapping::compiled::{Node, Object, Reference, Row, Spot, Step};

/// The references at some places of a resource, or all of them, each with the record that it leads to. What is masked or
/// hidden from the caller is not among them.
///
/// # Errors
/// [`Malformed`] when the bytes are not the record that the mapping describes.
pub fn references<'m>(
    row: &Row,
    shape: &Shape,
    body: &'m Object,
    spots: Option<&[&Spot]>,
    record: &[u8],
) -> Result<Vec<(&'m Reference, i32)>, Malformed> {
    let values = Values::read(record, row, shape, &mut Seen::default())?;
    let mut found = Vec::new();
    match spots {
        Some(spots) => {
            for spot in spots {
                if let Some((Step::Member(index), rest)) = spot.steps.split_first() {
                    walk(&body.members[*index].node, rest, &values, &mut found)?;
                }
            }
        }
        None => {
            body.members.iter().try_for_each(|member| everywhere(&member.node, &values, &mut found))?;
        }
    }
    Ok(found)
}

/// Addresses of the patients that stand in a resource, at any place of it.
pub(super) fn patients(node: &Node, values: &Values<'_>, found: &mut Vec<String>) -> Result<(), Malformed> {
    match node {
        Node::Reference(reference) | Node::Address(reference) if reference.target == "Patient" => {
            if let Some(bytes) = values.slots.get(reference.slot).copied().flatten() {
                let address = address(reference, bytes)?;
                if !found.contains(&address) {
                    found.push(address);
                }
            }
            Ok(())
        }
        Node::Object(object) => {
            object.members.iter().try_for_each(|member| patients(&member.node, values, found))
        }
        Node::List(nodes) => nodes.iter().try_for_each(|node| patients(node, values, found)),
        Node::When { slot, node } => {
            let slot = values.slots.get(*slot).copied().flatten();
            if slot.is_some_and(record::boolean) { patients(node, values, found) } else { Ok(()) }
        }
        Node::Each { each, node } => {
            let mut rows = values.rows.get(*each).ok_or(Malformed)?.iter();
            rows.try_for_each(|row| patients(node, row, found))
        }
        _ => Ok(()),
    }
}

fn everywhere<'m>(
    node: &'m Node,
    values: &Values<'_>,
    found: &mut Vec<(&'m Reference, i32)>,
) -> Result<(), Malformed> {
    match node {
        Node::Object(object) => {
            object.members.iter().try_for_each(|member| everywhere(&member.node, values, found))
        }
        Node::List(nodes) => nodes.iter().try_for_each(|node| everywhere(node, values, found)),
        Node::When { slot, node } => {
            let slot = values.slots.get(*slot).copied().flatten();
            if slot.is_some_and(record::boolean) { everywhere(node, values, found) } else { Ok(()) }
        }
        Node::Each { each, node } => {
            let mut rows = values.rows.get(*each).ok_or(Malformed)?.iter();
            rows.try_for_each(|row| everywhere(node, row, found))
        }
        _ => walk(node, &[], values, found),
    }
}

fn walk<'m>(
    node: &'m Node,
    steps: &[Step],
    values: &Values<'_>,
    found: &mut Vec<(&'m Reference, i32)>,
) -> Result<(), Malformed> {
    let slot = |slot: usize| values.slots.get(slot).copied().flatten();
    match (node, steps.split_first()) {
        (Node::Reference(reference), None) => {
            if let Some(bytes) = slot(reference.slot) {
                let record = i32::try_from(record::integer(bytes)?).map_err(|_| Malformed)?;
                found.push((reference, record));
            }
        }
        (Node::Object(object), Some((Step::Member(index), rest))) => {
            walk(&object.members[*index].node, rest, values, found)?;
        }
        (Node::List(nodes), Some((Step::Item(index), rest))) => walk(&nodes[*index], rest, values, found)?,
        (Node::When { slot: when, node }, Some((Step::Inside, rest)))
            if slot(*when).is_some_and(record::boolean) =>
        {
            walk(node, rest, values, found)?;
        }
        (Node::Each { each, node }, Some((Step::Row, rest))) => {
            for row in values.rows.get(*each).ok_or(Malformed)? {
                walk(node, rest, row, found)?;
            }
        }
        _ => {}
    }
    Ok(())
}
