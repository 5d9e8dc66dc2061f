//! Search parameters as SQL, over the same nodes that are written into the resource.

mod chain;
mod check;
mod compare;
mod composite;
mod date;
mod has;
mod hierarchy;
mod number;
mod sort;
mod spot;
mod string;
mod token;

pub use check::{check, modifiers, shared};
pub use sort::{sort, sort_kind};
use string::Texts;
pub use string::fold;

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
        compiled::{Node, Object, Parameter, ResourceType, Row, Spot},
    },
    search::{
        Filter, registry,
        value::{
            DateValue, HierarchyValue, NumberValue, Prefix, QuantityValue, TokenValue, TypedValue, unescape,
        },
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
        if filter.any.iter().all(|filter| is_membership(kind, filter)) {
            let sought = builder.sought(filter.any.len(), forbidden, &mut |builder, number| {
                self::filter(builder, situation, kind, source, emit, &filter.any[number])
            })?;
            if let Some(sought) = sought {
                return Ok(sought);
            }
        }
        let any: Result<Vec<_>> = builder.either(|builder| {
            let one = |filter| self::filter(builder, situation, kind, source, emit, filter);
            filter.any.iter().map(one).collect()
        });
        return any.map(Fragment::any);
    }
    if !filter.all.is_empty() {
        let all: Result<Vec<_>> = filter
            .all
            .iter()
            .map(|filter| self::filter(builder, situation, kind, source, emit, filter))
            .collect();
        return all.map(Fragment::all);
    }
    if let Some(inner) = &filter.not {
        let start = builder.noted();
        let condition = self::filter(builder, situation, kind, source, emit, inner)?;
        builder.forget(start);
        return Ok(negated(condition));
    }
    let filter = &*compare::plain(kind, filter)?;
    match filter.name.as_str() {
        "_id" if filter.modifier.is_some() => {
            let start = builder.noted();
            let condition = id(builder, kind, source, emit, filter);
            builder.forget(start);
            return Ok(negated(condition));
        }
        "_id" => return Ok(id(builder, kind, source, emit, filter)),
        "_lastUpdated" => return last_updated(builder, situation, kind, source, filter),
        "_profile" if check::has_profiles(kind) => {
            let wanted: Vec<_> = filter.values.iter().map(|value| unescape(value)).collect::<Result<_>>()?;
            let profiles = &kind.sources[source].emits[emit].profiles;
            return Ok(Fragment::truth(profiles.iter().any(|profile| wanted.contains(profile))));
        }
        _ => {}
    }
    if let (Some(reverse), Some(rest)) = (&filter.reverse, &filter.chain) {
        let target = Place { kind, source, emit };
        return has::has(builder, situation, target, filter, reverse, rest);
    }
    let parameter = check::parameter(kind, filter)?;
    let result = match &filter.chain {
        Some(rest) => chain::chain(builder, situation, kind, source, emit, parameter, filter, rest),
        None => {
            let place = Asked { situation, kind, source, emit, parameter, texts: Texts::All };
            values(builder, place, filter)
        }
    };
    result.map_err(|error| if error.expression().is_some() { error } else { error.at(filter.key.clone()) })
}

/// The condition of a compartment: few resources refer to a patient.
fn is_membership(kind: &ResourceType, filter: &Filter) -> bool {
    let refers =
        kind.parameters.get(&filter.name).is_some_and(|known| known.kind == registry::Kind::Reference);
    let plain = filter.modifier.is_none() && filter.chain.is_none() && filter.reverse.is_none();
    let patient = || filter.values.iter().all(|value| value.starts_with("Patient/"));
    let nested = filter.parts().next().is_some() || filter.values.is_empty();
    plain && !nested && filter.operator.is_none() && (filter.name == "_id" || refers && patient())
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

/// Where a parameter is asked: an emit of a source of a type.
#[derive(Clone, Copy)]
struct Asked<'a> {
    situation: Situation<'a>,
    kind: &'a ResourceType,
    source: usize,
    emit: usize,
    parameter: &'a Parameter,
    /// Of a string parameter: which of the texts at each place.
    texts: Texts,
}

/// What is asked of a node, at a place that can change.
type AskAt<'f, 'a> = dyn FnMut(&mut Builder<'_>, Asked<'a>, &Node, &Row) -> Result<Fragment> + 'f;

impl<'a> Asked<'a> {
    fn body(self) -> &'a Object {
        &self.kind.sources[self.source].emits[self.emit].body
    }

    fn row(self) -> &'a Row {
        &self.kind.sources[self.source].row
    }

    fn spots(self) -> &'a [Spot] {
        &self.parameter.places[self.source][self.emit]
    }

    fn any(self, builder: &mut Builder<'_>, ask: &mut spot::Ask<'_>) -> Result<Fragment> {
        spot::within(builder, self.body(), self.spots(), self.row(), ask)
    }

    /// As [`Asked::any`], for values that few resources have: of several places each is looked at by itself, and so are the halves
    /// of the texts at each.
    fn few(self, builder: &mut Builder<'_>, ask: &mut AskAt<'_, 'a>) -> Result<Fragment> {
        let spots = self.spots();
        let halves: &[Texts] = match self.parameter.kind {
            registry::Kind::String => &Texts::HALVES,
            _ => &[Texts::All],
        };
        let count = spots.len() * halves.len();
        if count > 1 {
            let sought = builder.sought(count, forbidden, &mut |builder, number| {
                let (spot, texts) = (number / halves.len(), halves[number % halves.len()]);
                let here = Self { texts, ..self };
                spot::within(
                    builder,
                    self.body(),
                    &spots[spot..=spot],
                    self.row(),
                    &mut |builder, node, row| ask(builder, here, node, row),
                )
            })?;
            if let Some(sought) = sought {
                return Ok(sought);
            }
        }
        self.any(builder, &mut |builder, node, row| ask(builder, self, node, row))
    }

    /// Few resources have the same value, and at each place they are found without reading all of them.
    fn is_of_few(self, builder: &Builder<'_>, value: &str) -> bool {
        let ends = |holds: &dyn Fn(&str, &Node) -> bool| {
            let end = |spot| spot::end(self.body(), spot).is_some_and(|(name, node)| holds(name, node));
            self.spots().iter().all(end)
        };
        match self.parameter.kind {
            // A system alone is that of many.
            registry::Kind::Token if value.ends_with('|') => false,
            registry::Kind::Token => ends(&|name, _| matches!(name, "Identifier" | "ContactPoint")),
            // Of few other types are there as many, and all of what hardly any text is needed for are soon found.
            registry::Kind::String => {
                let many = matches!(self.kind.name.as_str(), "Patient" | "Person");
                many && value.chars().count() > 2 && ends(&|_, node| string::finds(builder, node))
            }
            _ => false,
        }
    }
}

/// Any value at any place of the parameter.
fn values(builder: &mut Builder<'_>, place: Asked<'_>, filter: &Filter) -> Result<Fragment> {
    let parameter = place.parameter;
    let modifier = filter.modifier.as_deref();
    if modifier == Some("missing") && !parameter.holds {
        let present = match parameter.kind {
            registry::Kind::Composite => composite::composite(builder, place, filter)?,
            _ => place.any(builder, &mut |builder, node, row| {
                token::present(builder, node, row).map_err(forbidden)
            })?,
        };
        return Ok(match filter.values.first().map(String::as_str) {
            Some("false") => present,
            _ => negated(present),
        });
    }
    if parameter.holds {
        let holds = place
            .any(builder, &mut |builder, node, row| token::holds(builder, node, row).map_err(forbidden))?;
        return holding(&holds, filter);
    }
    if parameter.kind == registry::Kind::Composite {
        return composite::composite(builder, place, filter);
    }
    // All values at one place first: a place in related rows is one sub-query, however many values are asked for.
    let values: Vec<&str> =
        filter.values.iter().map(String::as_str).collect::<BTreeSet<_>>().into_iter().collect();
    let start = builder.noted();
    let mut ask = |builder: &mut Builder<'_>, place: Asked<'_>, here: &Node, row: &Row| {
        node(builder, place, parameter.kind, modifier, &values, here, row)
    };
    let any = match (modifier, values.as_slice()) {
        (None, [value]) if place.is_of_few(builder, value) => place.few(builder, &mut ask)?,
        _ => place.any(builder, &mut |builder, here, row| ask(builder, place, here, row))?,
    };
    if matches!(modifier, Some("not" | "not-in")) {
        builder.forget(start);
        return Ok(negated(any));
    }
    Ok(any)
}

/// Any value at one node.
fn node(
    builder: &mut Builder<'_>,
    place: Asked<'_>,
    kind: registry::Kind,
    modifier: Option<&str>,
    values: &[&str],
    here: &Node,
    row: &Row,
) -> Result<Fragment> {
    if modifier == Some(compare::UNEQUAL) {
        let start = builder.noted();
        let same = (kind == registry::Kind::String).then_some(compare::EQUAL);
        let equal = node(builder, place, kind, same, values, here, row)?;
        builder.forget(start);
        let present = token::present(builder, here, row).map_err(forbidden)?;
        return Ok(Fragment::all([present, negated(equal)]));
    }
    let mut any = Vec::new();
    match kind {
        registry::Kind::Reference => {
            any.push(chain::reference(builder, place.situation, here, row, values, modifier)?);
        }
        registry::Kind::String => {
            let values: Vec<String> = values.iter().map(|value| unescape(value)).collect::<Result<_>>()?;
            let condition = string::string(builder, here, &values, modifier, place.texts)?;
            builder.spend(&condition)?;
            any.push(condition);
        }
        registry::Kind::Token if matches!(modifier, None | Some("not")) => {
            let values: Vec<_> =
                values.iter().map(|value| TokenValue::parse(value)).collect::<Result<_>>()?;
            let condition = token::token(builder, here, row, &values).map_err(forbidden)?;
            builder.spend(&condition)?;
            any.push(condition);
        }
        registry::Kind::Token if matches!(modifier, Some("in" | "not-in")) => {
            for value in values {
                let wanted = check::value_set(place.situation, value)?;
                let condition = token::token(builder, here, row, &wanted).map_err(forbidden)?;
                builder.spend(&condition)?;
                any.push(condition);
            }
        }
        registry::Kind::Uri if modifier.is_none() => {
            let values: Vec<_> =
                values.iter().map(|value| unescape(value).map(TokenValue::Code)).collect::<Result<_>>()?;
            let condition = token::token(builder, here, row, &values).map_err(forbidden)?;
            builder.spend(&condition)?;
            any.push(condition);
        }
        _ => {
            for value in values {
                let condition = one(builder, place, kind, modifier, value, here, row)?;
                builder.spend(&condition)?;
                any.push(condition);
            }
        }
    }
    Ok(Fragment::any(any))
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
fn one(
    builder: &mut Builder<'_>,
    place: Asked<'_>,
    kind: registry::Kind,
    modifier: Option<&str>,
    value: &str,
    node: &Node,
    row: &Row,
) -> Result<Fragment> {
    use registry::Kind;
    let Asked { situation, .. } = place;
    match kind {
        Kind::Token => match modifier {
            Some("text") => token::text(builder, node, row, &unescape(value)?),
            Some("of-type") => {
                token::of_type(builder, node, row, &TypedValue::parse(value)?).map_err(forbidden)
            }
            _ => hierarchy::code(builder, node, row, &HierarchyValue::parse(modifier, value)?)
                .map_err(forbidden),
        },
        Kind::Date => {
            let mut value = DateValue::parse(value, situation.zone, situation.now)?;
            if modifier == Some(compare::OVERLAPS) {
                // What `ap` asks of its wider range.
                value.prefix = Prefix::Ap;
            }
            date::date(builder, situation.zone, node, row, &value).map_err(forbidden)
        }
        Kind::Number => number::number(builder, node, row, &NumberValue::parse(value)?).map_err(forbidden),
        Kind::Quantity => {
            number::quantity(builder, node, row, &QuantityValue::parse(value)?).map_err(forbidden)
        }
        Kind::Uri => hierarchy::url(builder, node, row, modifier, &unescape(value)?).map_err(forbidden),
        Kind::String | Kind::Reference | Kind::Composite | Kind::Special => {
            Err(check::unknown(place.kind, &place.parameter.name))
        }
    }
}
