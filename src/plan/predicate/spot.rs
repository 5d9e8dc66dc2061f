//! The way from a body to the node that a parameter looks at.

use super::{forbidden, token};
use crate::{
    error::{Error, Result},
    mapping::compiled::{Each, Member, Node, Object, Parameter, ResourceType, Row, Slot, Spot, Step},
    plan::scope::{Builder, Masked},
    sql::Fragment,
};

/// What is asked of a node, and of the row that its conditions and repeated rows belong to.
pub type Ask<'f> = dyn FnMut(&mut Builder<'_>, &Node, &Row) -> Result<Fragment> + 'f;

/// Any place of the parameter satisfies what is asked.
pub fn at(
    builder: &mut Builder<'_>,
    kind: &ResourceType,
    source: usize,
    emit: usize,
    parameter: &Parameter,
    ask: &mut Ask<'_>,
) -> Result<Fragment> {
    let origin = &kind.sources[source];
    within(builder, &origin.emits[emit].body, &parameter.places[source][emit], &origin.row, ask)
}

/// Any of these places below an object satisfies what is asked.
pub fn within(
    builder: &mut Builder<'_>,
    body: &Object,
    spots: &[Spot],
    row: &Row,
    ask: &mut Ask<'_>,
) -> Result<Fragment> {
    let any: Result<Vec<_>> = builder.either(|builder| {
        spots.iter().map(|spot| object(builder, body, &spot.steps, spot, row, ask)).collect()
    });
    any.map(Fragment::any)
}

/// The end of a place: its datatype, of which some elements may be chosen, and its node.
pub fn end<'o>(body: &'o Object, spot: &Spot) -> Option<(&'o str, &'o Node)> {
    let (mut object, mut node, mut name): (_, Option<&Node>, _) = (Some(body), None, None);
    for step in &spot.steps {
        node = match (step, object, node) {
            (Step::Member(index), Some(here), _) => {
                let member = &here.members[usize::from(*index)];
                name = Some(member.type_name);
                Some(&member.node)
            }
            (Step::Item(index), _, Some(Node::List(nodes))) => Some(&nodes[usize::from(*index)]),
            (Step::Inside, _, Some(Node::When { node, .. }))
            | (Step::Row, _, Some(Node::Each { node, .. })) => Some(node),
            _ => return None,
        };
        object = match node {
            Some(Node::Object(inner)) => Some(inner),
            _ => None,
        };
    }
    Some((name?, node?))
}

/// The place of a composite: what is asked of its object.
pub fn whole(
    builder: &mut Builder<'_>,
    body: &Object,
    spot: &Spot,
    row: &Row,
    ask: &mut dyn FnMut(&mut Builder<'_>, &Object, &Row) -> Result<Fragment>,
) -> Result<Fragment> {
    if spot.steps.is_empty() {
        return ask(builder, body, row);
    }
    object(builder, body, &spot.steps, spot, row, &mut |builder, node, row| match node {
        Node::Object(object) => ask(builder, object, row),
        _ => Err(Error::new(&crate::error::INTERNAL).cause("a composite is no object")),
    })
}

fn object(
    builder: &mut Builder<'_>,
    object: &Object,
    steps: &[Step],
    spot: &Spot,
    row: &Row,
    ask: &mut Ask<'_>,
) -> Result<Fragment> {
    let Some((Step::Member(index), rest)) = steps.split_first() else {
        return Err(Error::new(&crate::error::INTERNAL).cause("a search place leads nowhere"));
    };
    let member = &object.members[usize::from(*index)];
    let asked = node(builder, &member.node, rest, spot, row, ask)?;
    match reason(member, rest, spot) {
        Some(reason) if !asked.is("TRUE") => absent(builder, member, reason, asked, row, ask),
        _ => Ok(asked),
    }
}

/// The reason that is written (as the renderer does) instead of a concept that must be there and has no value, when a
/// place looks at the concept itself.
pub fn reason<'m>(member: &'m Member, rest: &[Step], spot: &Spot) -> Option<&'m str> {
    let inside = rest.iter().any(|step| matches!(step, Step::Member(_)));
    let concept = member.type_name == "CodeableConcept" && member.element == member.name;
    member.absent.as_deref().filter(|_| concept && !inside && spot.filter.is_none())
}

/// A concept is found by the reason where it has no value.
fn absent(
    builder: &mut Builder<'_>,
    member: &Member,
    reason: &str,
    asked: Fragment,
    row: &Row,
    ask: &mut Ask<'_>,
) -> Result<Fragment> {
    let system = "http://terminology.hl7.org/CodeSystem/data-absent-reason".into();
    let instead = Node::FixedCoding { system, code: reason.into(), display: None };
    let instead = ask(builder, &instead, row)?;
    if instead.is("FALSE") {
        return Ok(asked);
    }
    let present = token::present(builder, &member.node, row).map_err(forbidden)?;
    let without = Fragment::raw("NOT coalesce(").then(present).text(", FALSE)");
    Ok(Fragment::any([asked, Fragment::all([without, instead])]))
}

fn node(
    builder: &mut Builder<'_>,
    here: &Node,
    steps: &[Step],
    spot: &Spot,
    row: &Row,
    ask: &mut Ask<'_>,
) -> Result<Fragment> {
    match (here, steps.split_first()) {
        (_, None) => {
            let asked = ask(builder, here, row)?;
            let asked = written(builder, asked, here, row)?;
            match (spot.filter.as_deref(), here) {
                (Some((element, wanted)), Node::Object(object)) => {
                    let member = object.members.iter().find(|member| member.element == *element);
                    let Some(member) = member else { return Ok(Fragment::truth(false)) };
                    let same = token::equals(builder, &member.node, row, wanted).map_err(forbidden)?;
                    Ok(Fragment::all([same, asked]))
                }
                _ => Ok(asked),
            }
        }
        (Node::Object(inner), Some(_)) => {
            let asked = object(builder, inner, steps, spot, row, ask)?;
            if inner.dynamic && constant(here, steps) && !asked.is("FALSE") {
                let written = token::present(builder, here, row).map_err(forbidden)?;
                return Ok(Fragment::all([written, asked]));
            }
            written(builder, asked, here, row)
        }
        (Node::List(nodes), Some((Step::Item(index), rest))) => {
            node(builder, &nodes[usize::from(*index)], rest, spot, row, ask)
        }
        (Node::When { slot, node: inner }, Some((Step::Inside, rest))) => {
            let Some(Slot::Holds(condition)) = row.slots.get(*slot) else {
                return Ok(Fragment::truth(false));
            };
            let condition = builder.condition(condition).map_err(forbidden)?;
            Ok(Fragment::all([condition, node(builder, inner, rest, spot, row, ask)?]))
        }
        (Node::Each { each, node: inner }, Some((Step::Row, rest))) => {
            let each = &row.eaches[*each];
            some_row(builder, each, forbidden, &mut |builder| {
                node(builder, inner, rest, spot, &each.row, ask)
            })
        }
        _ => Err(Error::new(&crate::error::INTERNAL).cause("a search place does not fit its body")),
    }
}

/// Steps lead to a constant without a condition of its own: it is there where the object around it is.
fn constant(here: &Node, steps: &[Step]) -> bool {
    match (here, steps.split_first()) {
        (Node::Constant { .. } | Node::FixedCoding { .. }, None) => true,
        (Node::Object(inner), Some((Step::Member(index), rest))) => {
            constant(&inner.members[usize::from(*index)].node, rest)
        }
        (Node::List(nodes), Some((Step::Item(index), rest))) => constant(&nodes[usize::from(*index)], rest),
        _ => false,
    }
}

/// What only constants of an object answer holds where the object is written at all.
fn written(builder: &mut Builder<'_>, asked: Fragment, here: &Node, row: &Row) -> Result<Fragment> {
    match here {
        Node::Object(object) if object.dynamic && asked.is("TRUE") => {
            token::present(builder, here, row).map_err(forbidden)
        }
        _ => Ok(asked),
    }
}

/// There is a related row for which something holds.
pub fn some_row<E>(
    builder: &mut Builder<'_>,
    each: &Each,
    closed: impl Fn(Masked) -> E,
    holds: &mut dyn FnMut(&mut Builder<'_>) -> Result<Fragment, E>,
) -> Result<Fragment, E> {
    let parent = builder.id_at(each.up, &each.hops).map_err(&closed)?;
    let root = builder.open();
    let inside = (|builder: &mut Builder<'_>| {
        let related = builder.related(root, parent, &each.relation, each.filter.as_ref()).map_err(&closed)?;
        Ok(Fragment::all([related, holds(builder)?]))
    })(builder);
    let scope = builder.close();
    let conditions = inside?;
    if conditions.is("FALSE") {
        return Ok(conditions);
    }
    Ok(Fragment::raw("EXISTS (SELECT 1").then(scope.from(&each.relation.table, conditions)).text(")"))
}

/// Leaves below a node for which SQL is asked one by one, through lists, conditions and rows.
pub fn below(
    builder: &mut Builder<'_>,
    here: &Node,
    wanted: &dyn Fn(&str) -> bool,
    ask: &mut dyn FnMut(&mut Builder<'_>, &Node) -> Result<Fragment, Masked>,
) -> Result<Vec<Fragment>, Masked> {
    let mut all = Vec::new();
    if let Node::Object(object) = here {
        for member in object.members.iter().filter(|member| wanted(member.element)) {
            match &member.node {
                Node::List(nodes) => {
                    for node in nodes {
                        all.push(ask(builder, node)?);
                    }
                }
                node => all.push(ask(builder, node)?),
            }
        }
    }
    Ok(all)
}
