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
    let mut found: Vec<(&'m Reference, i32)> = Vec::new();
    let mut look = |node: &'m Node, values: &Values<'_>| {
        if let Node::Reference(reference) = node
            && let Some(bytes) = values.slots.get(reference.slot).copied().flatten()
        {
            let record = i32::try_from(record::integer(bytes)?).map_err(|_| Malformed)?;
            found.push((reference, record));
        }
        Ok(())
    };
    match spots {
        Some(spots) => {
            for spot in spots {
                if let Some((Step::Member(index), rest)) = spot.steps.split_first() {
                    walk(&body.members[usize::from(*index)].node, Some(rest), &values, &mut look)?;
                }
            }
        }
        None => {
            body.members.iter().try_for_each(|member| walk(&member.node, None, &values, &mut look))?;
        }
    }
    Ok(found)
}

/// Addresses of the patients that stand in a resource, at any place of it.
pub(super) fn patients(body: &Object, values: &Values<'_>) -> Result<Vec<String>, Malformed> {
    let mut found = Vec::new();
    let mut look = |node: &Node, values: &Values<'_>| {
        if let Node::Reference(reference) | Node::Address(reference) = node
            && reference.target == "Patient"
            && let Some(bytes) = values.slots.get(reference.slot).copied().flatten()
        {
            let address = address(reference, bytes)?;
            if !found.contains(&address) {
                found.push(address);
            }
        }
        Ok(())
    };
    body.members.iter().try_for_each(|member| walk(&member.node, None, values, &mut look))?;
    Ok(found)
}

/// Looks at the nodes at the end of these steps, in every row, or without steps at all that are no branches.
fn walk<'m>(
    node: &'m Node,
    steps: Option<&[Step]>,
    values: &Values<'_>,
    look: &mut impl FnMut(&'m Node, &Values<'_>) -> Result<(), Malformed>,
) -> Result<(), Malformed> {
    // What is left of the steps when this one is taken; none when they lead elsewhere.
    let rest = |step: Step| match steps.map(<[Step]>::split_first) {
        None => Some(None),
        Some(Some((first, rest))) if *first == step => Some(Some(rest)),
        Some(_) => None,
    };
    match node {
        Node::Object(object) => {
            for (index, member) in object.members.iter().enumerate() {
                if let Some(rest) = rest(Step::member(index)) {
                    walk(&member.node, rest, values, look)?;
                }
            }
        }
        Node::List(nodes) => {
            for (index, node) in nodes.iter().enumerate() {
                if let Some(rest) = rest(Step::item(index)) {
                    walk(node, rest, values, look)?;
                }
            }
        }
        Node::When { slot, node } => {
            let holds = values.slots.get(*slot).copied().flatten().is_some_and(record::boolean);
            if let (true, Some(rest)) = (holds, rest(Step::Inside)) {
                walk(node, rest, values, look)?;
            }
        }
        Node::Each { each, node } => {
            let rows = values.rows.get(*each).ok_or(Malformed)?;
            if let Some(rest) = rest(Step::Row) {
                rows.iter().try_for_each(|row| walk(node, rest, row, look))?;
            }
        }
        _ if steps.is_none_or(<[Step]>::is_empty) => look(node, values)?,
        _ => {}
    }
    Ok(())
}
