//! `_has`: <https://hl7.org/fhir/R4/search.html#has>. The resource is one that others refer to, for which something holds.

use super::{check, filter as plan_filter, forbidden};
use crate::{
    error::{self, Error, Result},
    mapping::{
        Place,
        compiled::{Node, Object, Parameter, ResourceType, Row, Slot, Source, Spot, Step},
    },
    plan::{
        branches::same_aliases,
        page::Situation,
        scope::{Builder, Masked},
    },
    search::{Filter, Reverse},
    sql::Fragment,
};

/// The type and the parameter that refer to a type.
///
/// # Errors
/// There are none of these names; what is offered.
pub fn referring<'a>(
    situation: Situation<'a>,
    kind: &ResourceType,
    key: &str,
    reverse: &Reverse,
) -> Result<(&'a ResourceType, &'a Parameter)> {
    let unknown = |detail: String| Err(Error::new(&error::PARAMETER_UNKNOWN).detail(detail).at_key(key));
    let compiled = situation.compiled;
    let offered = |from: &'a ResourceType| compiled.referring(from, &kind.name);
    let from = compiled.types.get(&reverse.kind).map(|from| (from, offered(from)));
    let Some((from, names)) = from.filter(|(_, names)| !names.is_empty()) else {
        let types: Vec<&str> = compiled
            .types
            .values()
            .filter(|from| !offered(from).is_empty())
            .map(|from| from.name.as_str())
            .collect();
        return unknown(match types.as_slice() {
            [] => format!("Nothing refers to {}.", kind.name),
            types => format!("{} is referred to by: {}.", kind.name, types.join(", ")),
        });
    };
    match from.parameters.get(&reverse.parameter).filter(|parameter| names.contains(&parameter.name.as_str()))
    {
        Some(parameter) => Ok((from, parameter)),
        None => unknown(format!("{} refers to {} by: {}.", from.name, kind.name, names.join(", "))),
    }
}

/// The condition of `_has` for one emit of one source.
pub fn has(
    builder: &mut Builder<'_>,
    situation: Situation<'_>,
    target: Place<'_>,
    filter: &Filter,
    reverse: &Reverse,
    rest: &Filter,
) -> Result<Fragment> {
    let (kind, parameter) = referring(situation, target.kind, &filter.key, reverse)?;
    builder.spend(&Fragment::new())?;
    check::check(situation, kind, rest)?;
    let root = builder.scopes.last().expect("a condition is planned inside a scope").root;
    let mut open = false;
    let mut found = Vec::new();
    for (index, source) in kind.sources.iter().enumerate() {
        // As in a search: those sources of a type count that are open.
        if !situation.permit.model(&source.model) {
            continue;
        }
        let from = From { kind, index, source, parameter };
        if let Some(selects) = from.selects(builder, situation, target, rest)? {
            open = true;
            found.extend(selects);
        }
    }
    if !open {
        return Err(Error::new(&error::MODEL_FORBIDDEN).at(kind.name.clone()));
    }
    if found.is_empty() {
        return Ok(Fragment::truth(false));
    }
    let found = Fragment::join(found, " UNION ALL ");
    Ok(Fragment::new().column(root, "id").text(" IN (").then(found).text(")"))
}

/// A source of the resources that refer.
struct From<'a> {
    kind: &'a ResourceType,
    index: usize,
    source: &'a Source,
    parameter: &'a Parameter,
}

/// Ids of the records that a place refers to.
#[derive(Clone, PartialEq)]
enum Ids {
    /// An expression.
    One(Fragment),
    /// A sub-query for related rows, with a column `id`.
    Rows(Fragment),
}

impl From<'_> {
    /// Sub-queries for the ids of the records referred to; none when the source is closed to the caller.
    fn selects(
        &self,
        builder: &mut Builder<'_>,
        situation: Situation<'_>,
        target: Place<'_>,
        rest: &Filter,
    ) -> Result<Option<Vec<Fragment>>> {
        let root = builder.open_source(self.source);
        let planned = match builder.visible(self.source, root) {
            Ok(visible) => {
                self.places(builder, situation, target, rest).map(|places| Some((visible, places)))
            }
            Err(Masked) => Ok(None),
        };
        let scope = builder.close();
        let Some((visible, places)) = planned? else { return Ok(None) };
        let mut selects = Vec::new();
        for (ids, conditions) in places {
            let (id, rows) = match ids {
                Ids::One(id) => (id, Fragment::new()),
                Ids::Rows(rows) => {
                    let name = builder.aliases.next();
                    let rows = Fragment::raw(" CROSS JOIN LATERAL (").then(rows).text(") ").alias(name);
                    (Fragment::new().column(name, "id"), rows)
                }
            };
            let from = Fragment::raw(" FROM ").ident(&self.source.table).text(" ").alias(root);
            let from = from.then(scope.joins()).then(rows).text(" WHERE ");
            let holds = Fragment::all([visible.clone(), Fragment::any(conditions)]);
            selects.push(Fragment::raw("SELECT ").then(id).then(from).then(holds));
        }
        Ok(Some(selects))
    }

    /// Where resources of this source refer to the target, each with the conditions of which any must hold.
    fn places(
        &self,
        builder: &mut Builder<'_>,
        situation: Situation<'_>,
        target: Place<'_>,
        rest: &Filter,
    ) -> Result<Vec<(Ids, Vec<Fragment>)>> {
        let emits = &self.source.emits;
        let leads_there = |emit: usize, spot: &&Spot| {
            let reference = spot.node(&emits[emit].body).and_then(Node::reference);
            reference.and_then(|reference| situation.compiled.target(reference)) == Some(target)
        };
        let spots: Vec<Vec<&Spot>> = (0..emits.len())
            .map(|emit| {
                let spots = self.parameter.places[self.index][emit].iter();
                spots.filter(|spot| leads_there(emit, spot)).collect()
            })
            .collect();
        if spots.iter().all(Vec::is_empty) {
            return Ok(Vec::new());
        }
        let conditions = same_aliases(builder, emits.len(), |builder, emit| {
            if spots[emit].is_empty() {
                return Ok(Fragment::truth(false));
            }
            // A resource whose condition reads something closed is closed; the others of its record are not.
            let when = match emits[emit].when.as_ref().map(|when| builder.meets(when)).transpose() {
                Ok(when) => when,
                Err(Masked) => return Ok(Fragment::truth(false)),
            };
            let rest = plan_filter(builder, situation, self.kind, self.index, emit, rest)?;
            Ok(Fragment::all(when.into_iter().chain([rest])))
        })?;
        let mut places: Vec<(Ids, Vec<Fragment>)> = Vec::new();
        let most = spots.iter().map(Vec::len).max().unwrap_or_default();
        for position in 0..most {
            let ids = same_aliases(builder, emits.len(), |builder, emit| {
                let Some(spot) = spots[emit].get(position) else { return Ok(Fragment::new()) };
                let ids = in_object(builder, &emits[emit].body, &spot.steps, &self.source.row);
                ids.map_err(forbidden)?
                    .ok_or_else(|| Error::new(&error::INTERNAL).cause("a search place does not fit its body"))
            })?;
            for (emit, id) in ids.into_iter().enumerate() {
                let (Some(spot), false) = (spots[emit].get(position), conditions[emit].is("FALSE")) else {
                    continue;
                };
                let repeats = spot.steps.contains(&Step::Row);
                let ids = if repeats { Ids::Rows(id) } else { Ids::One(id) };
                let known = places.iter().position(|(known, _)| *known == ids);
                let index = known.unwrap_or_else(|| {
                    places.push((ids, Vec::new()));
                    places.len() - 1
                });
                if !places[index].1.contains(&conditions[emit]) {
                    places[index].1.push(conditions[emit].clone());
                }
            }
        }
        Ok(places)
    }
}

/// The id at the end of a way from an object: an expression, or a sub-query where the way leads through related rows.
fn in_object(
    builder: &mut Builder<'_>,
    object: &Object,
    steps: &[Step],
    row: &Row,
) -> Result<Option<Fragment>, Masked> {
    match steps.split_first() {
        Some((Step::Member(index), rest)) => {
            in_node(builder, &object.members[usize::from(*index)].node, rest, row)
        }
        _ => Ok(None),
    }
}

fn in_node(
    builder: &mut Builder<'_>,
    node: &Node,
    steps: &[Step],
    row: &Row,
) -> Result<Option<Fragment>, Masked> {
    match (node, steps.split_first()) {
        (Node::Reference(reference), None) => builder.referred(&reference.expression).map(Some),
        (Node::Object(inner), Some(_)) => in_object(builder, inner, steps, row),
        (Node::List(nodes), Some((Step::Item(index), rest))) => {
            in_node(builder, &nodes[usize::from(*index)], rest, row)
        }
        (Node::When { slot, node }, Some((Step::Inside, rest))) => {
            let Some(Slot::Holds(condition)) = row.slots.get(*slot) else { return Ok(None) };
            let holds = builder.condition(condition)?;
            let Some(id) = in_node(builder, node, rest, row)? else { return Ok(None) };
            if !rest.contains(&Step::Row) {
                return Ok(Some(
                    Fragment::raw("CASE WHEN ").then(holds).text(" THEN ").then(id).text(" END"),
                ));
            }
            let name = builder.aliases.next();
            let select = Fragment::raw("SELECT ").column(name, "id").text(" FROM (").then(id).text(") ");
            Ok(Some(select.alias(name).text(" WHERE ").then(holds)))
        }
        (Node::Each { each, node }, Some((Step::Row, rest))) => {
            let each = &row.eaches[*each];
            let parent = builder.id_at(each.up, &each.hops)?;
            let root = builder.open();
            let planned = builder
                .related(root, parent, &each.relation, each.filter.as_ref())
                .and_then(|related| Ok((related, in_node(builder, node, rest, &each.row)?)));
            let scope = builder.close();
            let (related, Some(id)) = planned? else { return Ok(None) };
            let from = Fragment::raw(" FROM ").ident(&each.relation.table).text(" ").alias(root);
            let from = from.then(scope.joins());
            Ok(Some(if rest.contains(&Step::Row) {
                let name = builder.aliases.next();
                let select = Fragment::raw("SELECT ").column(name, "id").then(from);
                select
                    .text(" CROSS JOIN LATERAL (")
                    .then(id)
                    .text(") ")
                    .alias(name)
                    .text(" WHERE ")
                    .then(related)
            } else {
                Fragment::raw("SELECT ").then(id).text(" AS id").then(from).text(" WHERE ").then(related)
            }))
        }
        _ => Ok(None),
    }
}
