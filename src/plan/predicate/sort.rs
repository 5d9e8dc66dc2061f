//! `_sort`: <https://hl7.org/fhir/R4/search.html#sort>.
//!
//! Of several values the one counts that comes first in the order asked for: the smallest, descending the largest.

use jiff::tz::TimeZone;

use super::{check, forbidden, number, spot, string, token};
use crate::{
    error::{self, Error, Result},
    mapping::compiled::{Each, Kind, Leaf, Node, Object, ResourceType, Row, Step},
    plan::{
        lookup::How,
        scope::{Builder, Masked},
    },
    search::{SortKey, registry, short},
    sql::{Fragment, Value},
};

/// The type of a sort key, which all types of the search must share.
///
/// # Errors
/// Not a parameter of the types, or one that has no order.
pub fn sort_kind(kinds: &[&ResourceType], name: &str) -> Result<Kind> {
    match name {
        "_id" => return Ok(Kind::Text),
        "_lastUpdated" => return Ok(Kind::Timestamp),
        _ => {}
    }
    let form = match kinds {
        [kind] => kind.parameters.get(name).map(|parameter| parameter.kind),
        _ => check::shared(kinds, name, name).map_err(|error| error.at("_sort"))?,
    };
    use registry::Kind as Type;
    let unknown = || {
        let shared = |name: &str| {
            check::type_of_all(kinds, name)
                .is_some_and(|form| !matches!(form, Type::Composite | Type::Special))
        };
        let names = kinds.first().into_iter().flat_map(|kind| kind.parameters.keys().map(String::as_str));
        let offered: Vec<&str> = check::COMMON.into_iter().chain(names.filter(|name| shared(name))).collect();
        Error::new(&error::PARAMETER_UNKNOWN)
            .detail(format!("There is no order by \"{}\"; there is by: {}.", short(name), offered.join(", ")))
            .at("_sort")
    };
    Ok(match form.ok_or_else(unknown)? {
        Type::Date => Kind::Timestamp,
        Type::Number | Type::Quantity => Kind::Numeric,
        Type::String | Type::Token | Type::Uri | Type::Reference => Kind::Text,
        Type::Composite | Type::Special => {
            return Err(Error::new(&error::PARAMETER_VALUE)
                .detail(format!("{name} has no order."))
                .at("_sort"));
        }
    })
}

/// The value that one emit of one source sorts by.
///
/// # Errors
/// A parameter over something closed to the caller.
pub fn sort(
    builder: &mut Builder<'_>,
    kind: &ResourceType,
    source: usize,
    emit: usize,
    wanted: &SortKey,
    zone: &TimeZone,
) -> Result<Fragment> {
    let name = wanted.name.as_str();
    let origin = &kind.sources[source];
    match name {
        "_id" => {
            let root = builder.scopes.last().expect("a sort key is planned inside a scope").root;
            // Several resources can be made of one record, and records of other models have the same numbers.
            let place = format!("-{source:03}-{emit:03}");
            return Ok(Fragment::raw("lpad(").column(root, "id").text("::text, 12, '0') || ").bind(place));
        }
        "_lastUpdated" => return Ok(builder.stamp(&origin.row)),
        _ => {}
    }
    let target = Target { kind: sort_kind(&[kind], name)?, descending: wanted.descending, zone };
    let parameter = check_parameter(kind, name)?;
    if parameter.holds {
        let body = &origin.emits[emit].body;
        let places = &parameter.places[source][emit];
        let holds = spot::within(builder, body, places, &origin.row, &mut |builder, node, row| {
            token::holds(builder, node, row).map_err(forbidden)
        })?;
        return Ok(Fragment::raw("CASE WHEN ").then(holds).text(" THEN 'TRUE' ELSE 'FALSE' END"));
    }
    let mut all = Vec::new();
    for spot in &parameter.places[source][emit] {
        let body = &origin.emits[emit].body;
        let Some((Step::Member(index), rest)) = spot.steps.split_first() else { continue };
        let place = Place { steps: rest, filter: spot.filter.as_deref() };
        let member = &body.members[usize::from(*index)];
        let value = walk(builder, &member.node, place, &origin.row, target).map_err(forbidden)?;
        // A concept without a value is written with the reason, and has its place among the codes by that.
        all.extend(match (value, spot::reason(member, rest, spot)) {
            (Some(value), Some(reason)) if target.kind == Kind::Text => {
                let value = Fragment::raw("COALESCE(").then(value).text(", ");
                Some(value.then(folded(reason)).text(")"))
            }
            (value, _) => value,
        });
    }
    Ok(first(all, target).unwrap_or_else(|| null(target.kind)))
}

/// The value that comes first; those that are not there do not count.
fn first(mut all: Vec<Fragment>, target: Target<'_>) -> Option<Fragment> {
    match all.len() {
        0 | 1 => all.pop(),
        _ => {
            let function = if target.descending { "GREATEST(" } else { "LEAST(" };
            Some(Fragment::raw(function).then(Fragment::join(all, ", ")).text(")"))
        }
    }
}

fn check_parameter<'a>(
    kind: &'a ResourceType,
    name: &str,
) -> Result<&'a crate::mapping::compiled::Parameter> {
    kind.parameters.get(name).ok_or_else(|| check::unknown(kind, name))
}

/// A constant as texts of the record are compared.
fn folded(text: &str) -> Fragment {
    match text.is_ascii() {
        true => Fragment::new().bind(text.to_ascii_uppercase()),
        false => string::fold(Fragment::new().bind(text)),
    }
}

fn null(kind: Kind) -> Fragment {
    Fragment::raw(match kind {
        Kind::Timestamp => "NULL::timestamp",
        Kind::Numeric => "NULL::numeric",
        _ => "NULL::text",
    })
}

/// What a value is made into.
#[derive(Clone, Copy)]
struct Target<'z> {
    kind: Kind,
    descending: bool,
    /// Of the site.
    zone: &'z TimeZone,
}

/// The rest of the way to a node, and what an element of it must be: `telecom.where(system='email')`.
#[derive(Clone, Copy)]
struct Place<'s> {
    steps: &'s [Step],
    filter: Option<&'s (String, String)>,
}

fn walk(
    builder: &mut Builder<'_>,
    node: &Node,
    place: Place<'_>,
    row: &Row,
    target: Target<'_>,
) -> Result<Option<Fragment>, Masked> {
    let after = |steps| Place { steps, ..place };
    match (node, place.steps.split_first()) {
        (Node::Object(object), Some((Step::Member(index), rest))) => {
            let inner = &object.members[usize::from(*index)].node;
            let value = walk(builder, inner, after(rest), row, target)?;
            written(builder, node, object, is_constant(inner, rest), row, value)
        }
        (Node::List(nodes), Some((Step::Item(index), rest))) => {
            walk(builder, &nodes[usize::from(*index)], after(rest), row, target)
        }
        (Node::When { slot, node }, Some((Step::Inside, rest))) => {
            let value = walk(builder, node, after(rest), row, target)?;
            guarded(builder, row, *slot, value)
        }
        (Node::Each { each, node }, Some((Step::Row, rest))) => {
            first_row(builder, &row.eaches[*each], target, |builder, row| {
                walk(builder, node, after(rest), row, target)
            })
        }
        (Node::Object(object), None) if place.filter.is_some() => {
            let Some((element, wanted)) = place.filter else { return Ok(None) };
            let Some(member) = object.members.iter().find(|member| member.element == *element) else {
                return Ok(None);
            };
            let same = token::equals(builder, &member.node, row, wanted)?;
            Ok(value(builder, node, row, target)?.map(|value| when(same, value)))
        }
        (_, None) => value(builder, node, row, target),
        _ => Ok(None),
    }
}

/// The value of related rows that comes first.
fn first_row(
    builder: &mut Builder<'_>,
    each: &Each,
    target: Target<'_>,
    value: impl FnOnce(&mut Builder<'_>, &Row) -> Result<Option<Fragment>, Masked>,
) -> Result<Option<Fragment>, Masked> {
    let parent = builder.id_at(each.up, &each.hops)?;
    let root = builder.open();
    let inside = (|builder: &mut Builder<'_>| {
        let conditions = builder.related(root, parent, &each.relation, each.filter.as_ref())?;
        let value = value(builder, &each.row)?;
        Ok(value.map(|value| (conditions, value)))
    })(builder);
    let scope = builder.close();
    Ok(inside?.map(|(conditions, value)| {
        let select = if target.descending { "(SELECT max(" } else { "(SELECT min(" };
        Fragment::raw(select)
            .then(value)
            .text(")")
            .then(scope.from(&each.relation.table, conditions))
            .text(")")
    }))
}

/// Elements by which people sort, the first that is there: start before end, code before text.
const ORDER: [&str; 10] =
    ["start", "end", "coding", "value", "code", "identifier", "text", "display", "city", "line"];

/// The value of a node as the sort type.
fn value(
    builder: &mut Builder<'_>,
    node: &Node,
    row: &Row,
    target: Target<'_>,
) -> Result<Option<Fragment>, Masked> {
    Ok(match node {
        Node::Leaf(leaf) | Node::Coding(leaf) => Some(leaf_value(builder, leaf, target)?),
        Node::Lines(leaf) if target.kind == Kind::Text => Some(lines(builder, leaf, target)?),
        Node::Constant { text, .. } => Some(match target.kind {
            Kind::Numeric if number::is_number(text) => {
                Fragment::new().bind(Value::Numeric(text.to_string()))
            }
            Kind::Text => folded(text),
            // No mapping says the same moment of every record.
            kind => null(kind),
        }),
        Node::FixedCoding { code, .. } => Some(folded(code)),
        Node::Reference(reference) => {
            // Records of other models have the same numbers.
            let place = format!("{}/{}/", reference.target, reference.model);
            let id = builder.referred(&reference.expression)?.parens().text("::text");
            Some(Fragment::new().bind(place).text(" || ").then(id).parens())
        }
        Node::Object(object) => {
            // Family before given, as one text.
            let mut names = Vec::new();
            for name in ["family", "given"].into_iter().filter(|_| target.kind == Kind::Text) {
                names.extend(members(builder, object, name, row, target)?);
            }
            let mut found = Vec::new();
            if !names.is_empty() {
                let names = Fragment::raw("concat_ws(' ', ").then(Fragment::join(names, ", ")).text(")");
                found.push(Fragment::raw("NULLIF(").then(names).text(", '')"));
            }
            for name in ORDER {
                for member in object.members.iter().filter(|member| member.element == name) {
                    let value = value(builder, &member.node, row, target)?;
                    let same = token::is_constant(&member.node);
                    found.extend(written(builder, node, object, same, row, value)?);
                }
            }
            match found.len() {
                0 | 1 => found.pop(),
                _ => Some(Fragment::raw("COALESCE(").then(Fragment::join(found, ", ")).text(")")),
            }
        }
        Node::List(nodes) => {
            let mut found = Vec::new();
            for node in nodes {
                found.extend(value(builder, node, row, target)?);
            }
            first(found, target)
        }
        Node::Each { each, node } => {
            first_row(builder, &row.eaches[*each], target, |builder, row| value(builder, node, row, target))?
        }
        Node::When { slot, node } => {
            let value = value(builder, node, row, target)?;
            guarded(builder, row, *slot, value)?
        }
        _ => None,
    })
}

/// What only constants of an object say is said where the object is written at all.
fn written(
    builder: &mut Builder<'_>,
    node: &Node,
    object: &Object,
    same: bool,
    row: &Row,
    value: Option<Fragment>,
) -> Result<Option<Fragment>, Masked> {
    match value {
        Some(value) if same && object.dynamic => Ok(Some(when(token::present(builder, node, row)?, value))),
        value => Ok(value),
    }
}

/// The node at the end of the steps is the same for every record.
fn is_constant(node: &Node, steps: &[Step]) -> bool {
    match (node, steps.split_first()) {
        (Node::List(nodes), Some((Step::Item(index), rest))) => {
            is_constant(&nodes[usize::from(*index)], rest)
        }
        _ => token::is_constant(node),
    }
}

/// The values of an element of an object.
fn members(
    builder: &mut Builder<'_>,
    object: &Object,
    name: &str,
    row: &Row,
    target: Target<'_>,
) -> Result<Vec<Fragment>, Masked> {
    let mut found = Vec::new();
    for member in object.members.iter().filter(|member| member.element == name) {
        found.extend(value(builder, &member.node, row, target)?);
    }
    Ok(found)
}

/// A value that is there only when a condition holds.
fn guarded(
    builder: &mut Builder<'_>,
    row: &Row,
    slot: usize,
    value: Option<Fragment>,
) -> Result<Option<Fragment>, Masked> {
    let Some(value) = value else { return Ok(None) };
    let holds = token::condition(builder, row, slot)?;
    Ok(Some(when(holds, value)))
}

fn when(holds: Fragment, value: Fragment) -> Fragment {
    Fragment::raw("CASE WHEN ").then(holds).text(" THEN ").then(value).text(" END")
}

/// The line of a text that comes first in the order.
fn lines(builder: &mut Builder<'_>, leaf: &Leaf, target: Target<'_>) -> Result<Fragment, Masked> {
    let sql = builder.expression(&leaf.expression)?;
    let table = builder.aliases.next();
    let line = string::fold(Fragment::raw("btrim(").alias(table).text(".line)"));
    let select = if target.descending { "(SELECT max(NULLIF(" } else { "(SELECT min(NULLIF(" };
    let from = Fragment::raw(" FROM regexp_split_to_table(").then(sql).text(", '[\\r\\n]+') AS ");
    Ok(Fragment::raw(select).then(line).text(", ''))").then(from).alias(table).text("(line))"))
}

fn leaf_value(builder: &mut Builder<'_>, leaf: &Leaf, target: Target<'_>) -> Result<Fragment, Masked> {
    let sql = builder.expression(&leaf.expression)?;
    if let (Some(codes), Kind::Text) = (&leaf.codes, target.kind) {
        let mut case = Fragment::raw("CASE ").then(sql.parens()).text("::text");
        for (key, code) in &codes.entries {
            if let Some(code) = code {
                case = case.text(" WHEN ").bind(key.as_str()).text(" THEN ").then(folded(&code.code));
            }
        }
        return Ok(case.text(" END"));
    }
    Ok(match (target.kind, leaf.expression.kind()) {
        (Kind::Timestamp, Kind::Timestamp) | (Kind::Numeric, Kind::Numeric) => {
            builder.note(&leaf.expression, How::Order);
            sql
        }
        // A day starts at midnight of the site; instants are UTC.
        (Kind::Timestamp, Kind::Date) => match target.zone.iana_name() {
            Some(zone) => {
                let local = sql.parens().text("::timestamp AT TIME ZONE ").bind(zone);
                local.parens().text(" AT TIME ZONE 'UTC'").parens()
            }
            None => sql.parens().text("::timestamp"),
        },
        (Kind::Numeric, Kind::Integer | Kind::Float) => sql.parens().text("::text::numeric"),
        // An empty text is none.
        (Kind::Text, Kind::Text) => Fragment::raw("NULLIF(")
            .then(string::fold(Fragment::raw("btrim(").then(sql).text(")")))
            .text(", '')"),
        (Kind::Text, _) => Fragment::raw("upper(").then(sql.parens()).text("::text)"),
        _ => null(target.kind),
    })
}
