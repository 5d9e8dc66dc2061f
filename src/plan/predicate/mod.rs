//! Search parameters as SQL, over the same nodes that are written into the resource.

mod chain;
mod check;
mod date;
mod has;
mod number;
mod sort;
mod spot;
mod string;
mod token;

pub use check::check;
pub use sort::{sort, sort_kind};

use std::collections::BTreeSet;

use super::{
    ids,
    page::Situation,
    scope::{Builder, Masked},
};
use crate::{
    error::{self, Error, Result},
    mapping::{
        Place,
        compiled::{Node, Parameter, ResourceType, Row},
    },
    search::{
        Filter, registry,
        value::{DateValue, NumberValue, QuantityValue, TokenValue, unescape},
    },
    sql::Fragment,
};

/// A condition that reads something closed to the caller cannot be asked: the answer would reveal it.
pub(super) fn forbidden(Masked: Masked) -> Error {
    Error::new(&error::FIELD_FORBIDDEN)
}

/// The condition of one filter for one emit of one source.
///
/// # Errors
/// As [`super::page`].
pub fn filter(
    builder: &mut Builder<'_>,
    situation: Situation<'_>,
    kind: &ResourceType,
    source: usize,
    emit: usize,
    filter: &Filter,
) -> Result<Fragment> {
    if !filter.any.is_empty() {
        let any: Result<Vec<_>> = filter
            .any
            .iter()
            .map(|filter| self::filter(builder, situation, kind, source, emit, filter))
            .collect();
        return any.map(Fragment::any);
    }
    match filter.name.as_str() {
        "_id" => return Ok(id(builder, kind, source, emit, filter)),
        "_lastUpdated" => return last_updated(builder, situation, kind, source, filter),
        _ => {}
    }
    if let (Some(reverse), Some(rest)) = (&filter.reverse, &filter.chain) {
        let target = Place { kind, source, emit };
        return has::has(builder, situation, target, filter, reverse, rest);
    }
    let parameter = check::parameter(kind, filter)?;
    let result = match &filter.chain {
        Some(rest) => chain::chain(builder, situation, kind, source, emit, parameter, filter, rest),
        None => values(builder, situation, kind, source, emit, parameter, filter),
    };
    result.map_err(|error| if error.expression().is_some() { error } else { error.at(filter.key.clone()) })
}

fn id(builder: &Builder<'_>, kind: &ResourceType, source: usize, emit: usize, filter: &Filter) -> Fragment {
    let root = builder.scopes.last().expect("a condition is planned inside a scope").root;
    let records: Vec<i32> = filter
        .values
        .iter()
        .filter_map(|value| ids::parse_id(kind, value))
        .filter(|target| target.source == source && target.emit == emit)
        .map(|target| target.record)
        .collect();
    if records.is_empty() {
        return Fragment::truth(false);
    }
    Fragment::new().column(root, "id").text(" = ANY(").bind(records).text(")")
}

fn last_updated(
    builder: &mut Builder<'_>,
    situation: Situation<'_>,
    kind: &ResourceType,
    source: usize,
    filter: &Filter,
) -> Result<Fragment> {
    let stamp = builder.stamp(&kind.sources[source].row);
    let mut any = Vec::new();
    for value in &filter.values {
        let value = DateValue::parse(value, situation.zone, situation.now)
            .map_err(|error| error.at("_lastUpdated"))?;
        any.push(date::instant(&stamp, &value));
    }
    Ok(Fragment::any(any))
}

/// Any value at any place of the parameter.
fn values(
    builder: &mut Builder<'_>,
    situation: Situation<'_>,
    kind: &ResourceType,
    source: usize,
    emit: usize,
    parameter: &Parameter,
    filter: &Filter,
) -> Result<Fragment> {
    let modifier = filter.modifier.as_deref();
    if modifier == Some("missing") && !parameter.holds {
        let present = spot::at(builder, kind, source, emit, parameter, &mut |builder, node, row| {
            token::present(builder, node, row).map_err(forbidden)
        })?;
        return Ok(match filter.values.first().map(String::as_str) {
            Some("false") => present,
            _ => negated(present),
        });
    }
    if parameter.holds {
        let holds = spot::at(builder, kind, source, emit, parameter, &mut |builder, node, row| {
            token::holds(builder, node, row).map_err(forbidden)
        })?;
        return holding(&holds, filter);
    }
    // All values at one place first: a place in related rows is one sub-query, however many values are asked for.
    let values: Vec<&str> =
        filter.values.iter().map(String::as_str).collect::<BTreeSet<_>>().into_iter().collect();
    let any = spot::at(builder, kind, source, emit, parameter, &mut |builder, node, row| {
        let mut any = Vec::new();
        if parameter.kind == registry::Kind::Reference {
            any.push(chain::reference(builder, situation, node, row, &values, modifier)?);
        } else if parameter.kind == registry::Kind::String {
            let values: Vec<String> = values.iter().map(|value| unescape(value)).collect::<Result<_>>()?;
            let condition = string::string(builder, node, &values, modifier)?;
            builder.spend(&condition)?;
            any.push(condition);
        } else {
            for value in &values {
                let condition = one(builder, situation, kind, parameter, modifier, value, node, row)?;
                builder.spend(&condition)?;
                any.push(condition);
            }
        }
        Ok(Fragment::any(any))
    })?;
    Ok(if modifier == Some("not") { negated(any) } else { any })
}

/// A parameter that says whether something holds: each resource has exactly one of `true` and `false`.
fn holding(holds: &Fragment, filter: &Filter) -> Result<Fragment> {
    let mut any = Vec::new();
    for value in &filter.values {
        any.push(match (filter.modifier.as_deref(), value.as_str()) {
            (Some("missing"), missing) => Fragment::truth(missing == "false"),
            (Some("text"), _) => Fragment::truth(false),
            _ => match TokenValue::parse(value)? {
                value if value.matches(None, "true") => holds.clone(),
                value if value.matches(None, "false") => negated(holds.clone()),
                _ => Fragment::truth(false),
            },
        });
    }
    let any = Fragment::any(any);
    Ok(if filter.modifier.as_deref() == Some("not") { negated(any) } else { any })
}

/// Everything that does not satisfy a condition, including what it is unknown for.
fn negated(condition: Fragment) -> Fragment {
    match (condition.is("TRUE"), condition.is("FALSE")) {
        (true, _) => Fragment::truth(false),
        (_, true) => Fragment::truth(true),
        _ => condition.parens().text(" IS NOT TRUE"),
    }
}

/// One value at one node.
#[expect(clippy::too_many_arguments, reason = "a value of a parameter, and the place it is compared with")]
fn one(
    builder: &mut Builder<'_>,
    situation: Situation<'_>,
    kind: &ResourceType,
    parameter: &Parameter,
    modifier: Option<&str>,
    value: &str,
    node: &Node,
    row: &Row,
) -> Result<Fragment> {
    use registry::Kind;
    match parameter.kind {
        Kind::Token if modifier == Some("text") => token::text(builder, node, row, &unescape(value)?),
        Kind::Token => token::token(builder, node, row, &TokenValue::parse(value)?).map_err(forbidden),
        Kind::Date => {
            let value = DateValue::parse(value, situation.zone, situation.now)?;
            date::date(builder, situation.zone, node, row, &value).map_err(forbidden)
        }
        Kind::Number => number::number(builder, node, row, &NumberValue::parse(value)?).map_err(forbidden),
        Kind::Quantity => {
            number::quantity(builder, node, row, &QuantityValue::parse(value)?).map_err(forbidden)
        }
        Kind::Uri => token::token(builder, node, row, &TokenValue::Code(unescape(value)?)).map_err(forbidden),
        Kind::String | Kind::Reference | Kind::Composite | Kind::Special => {
            Err(check::unknown(kind, &parameter.name))
        }
    }
}
