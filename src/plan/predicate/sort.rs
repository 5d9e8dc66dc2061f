//! `_sort`: <https://hl7.org/fhir/R4/search.html#sort>.
//!
//! A repeating element sorts by its smallest value.

use jiff::tz::TimeZone;

use super::{check, forbidden, number, string, token};
use crate::{
    error::{self, Error, Result},
    mapping::compiled::{Kind, Leaf, Node, ResourceType, Row, Step},
    plan::scope::{Builder, Masked},
    search::registry,
    sql::{Fragment, Value},
};

/// The type of a sort key.
///
/// # Errors
/// Not a parameter of the type, or one that has no order.
pub fn sort_kind(kind: &ResourceType, name: &str) -> Result<Kind> {
    match name {
        "_id" => return Ok(Kind::Text),
        "_lastUpdated" => return Ok(Kind::Timestamp),
        _ => {}
    }
    let parameter = kind.parameters.get(name).ok_or_else(|| check::unknown(kind, name).at("_sort"))?;
    use registry::Kind as Type;
    Ok(match parameter.kind {
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
    name: &str,
    zone: &TimeZone,
) -> Result<Fragment> {
    let origin = &kind.sources[source];
    match name {
        "_id" => {
            let root = builder.scopes.last().expect("a sort key is planned inside a scope").root;
            return Ok(Fragment::raw("lpad(").column(root, "id").text("::text, 12, '0')"));
        }
        "_lastUpdated" => return Ok(builder.stamp(&origin.row)),
        _ => {}
    }
    let target = Target { kind: sort_kind(kind, name)?, zone };
    let parameter = check_parameter(kind, name)?;
    let mut all = Vec::new();
    for spot in &parameter.places[source][emit] {
        let body = &origin.emits[emit].body;
        let Some((Step::Member(index), rest)) = spot.steps.split_first() else { continue };
        let value =
            walk(builder, &body.members[*index].node, rest, &origin.row, target).map_err(forbidden)?;
        all.extend(value);
    }
    Ok(match all.len() {
        0 => null(target.kind),
        1 => all.remove(0),
        _ => Fragment::raw("LEAST(").then(Fragment::join(all, ", ")).text(")"),
    })
}

fn check_parameter<'a>(
    kind: &'a ResourceType,
    name: &str,
) -> Result<&'a crate::mapping::compiled::Parameter> {
    kind.parameters.get(name).ok_or_else(|| check::unknown(kind, name))
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
    /// Of the site.
    zone: &'z TimeZone,
}

fn walk(
    builder: &mut Builder<'_>,
    node: &Node,
    steps: &[Step],
    row: &Row,
    target: Target<'_>,
) -> Result<Option<Fragment>, Masked> {
    match (node, steps.split_first()) {
        (Node::Object(object), Some((Step::Member(index), rest))) => {
            walk(builder, &object.members[*index].node, rest, row, target)
        }
        (Node::List(nodes), Some((Step::Item(index), rest))) => {
            walk(builder, &nodes[*index], rest, row, target)
        }
        (Node::When { slot, node }, Some((Step::Inside, rest))) => {
            let value = walk(builder, node, rest, row, target)?;
            guarded(builder, row, *slot, value)
        }
        (Node::Each { each, node }, Some((Step::Row, rest))) => {
            let each = &row.eaches[*each];
            let parent = builder.id_at(each.up, &each.hops)?;
            let root = builder.open();
            let inside = (|builder: &mut Builder<'_>| {
                let conditions = builder.related(root, parent, &each.relation, each.filter.as_ref())?;
                let value = walk(builder, node, rest, &each.row, target)?;
                Ok(value.map(|value| (conditions, value)))
            })(builder);
            let scope = builder.close();
            Ok(inside?.map(|(conditions, value)| {
                let smallest = Fragment::raw("(SELECT min(").then(value).text(")");
                smallest.then(scope.from(&each.relation.table, conditions)).text(")")
            }))
        }
        (_, None) => value(builder, node, row, target),
        _ => Ok(None),
    }
}

/// The value of a node as the sort type.
fn value(
    builder: &mut Builder<'_>,
    node: &Node,
    row: &Row,
    target: Target<'_>,
) -> Result<Option<Fragment>, Masked> {
    Ok(match node {
        Node::Leaf(leaf) | Node::Coding(leaf) => Some(leaf_value(builder, leaf, target)?),
        Node::Constant { text, .. } => Some(match target.kind {
            Kind::Numeric if number::is_number(text) => Fragment::new().bind(Value::Numeric(text.clone())),
            Kind::Text => Fragment::new().bind(text.as_str()),
            // No mapping says the same moment of every record.
            kind => null(kind),
        }),
        Node::FixedCoding { code, .. } => Some(Fragment::new().bind(code.as_str())),
        Node::Reference(reference) => Some(builder.referred(&reference.expression)?.parens().text("::text")),
        Node::Object(object) => {
            // The part by which people sort: family before given, start before end, code before text.
            let order = [
                "family", "given", "start", "end", "coding", "value", "code", "text", "display", "city",
                "line",
            ];
            let mut found = Vec::new();
            for name in order {
                for member in object.members.iter().filter(|member| member.element == name) {
                    let node = match &member.node {
                        Node::List(nodes) => nodes.first().unwrap_or(&member.node),
                        node => node,
                    };
                    found.extend(value(builder, node, row, target)?);
                }
                let text = target.kind == Kind::Text && matches!(name, "family" | "given");
                if !found.is_empty() && !text {
                    break;
                }
            }
            match found.len() {
                0 => None,
                1 => found.pop(),
                _ if target.kind == Kind::Text => {
                    Some(Fragment::raw("concat_ws(' ', ").then(Fragment::join(found, ", ")).text(")"))
                }
                _ => found.into_iter().next(),
            }
        }
        Node::When { slot, node } => {
            let value = value(builder, node, row, target)?;
            guarded(builder, row, *slot, value)?
        }
        _ => None,
    })
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
    Ok(Some(Fragment::raw("CASE WHEN ").then(holds).text(" THEN ").then(value).text(" END")))
}

fn leaf_value(builder: &mut Builder<'_>, leaf: &Leaf, target: Target<'_>) -> Result<Fragment, Masked> {
    let sql = builder.expression(&leaf.expression)?;
    if let (Some(codes), Kind::Text) = (&leaf.codes, target.kind) {
        let mut case = Fragment::raw("CASE ").then(sql.parens()).text("::text");
        for (key, code) in &codes.entries {
            if let Some(code) = code {
                case = case.text(" WHEN ").bind(key.as_str()).text(" THEN ").bind(code.code.as_str());
            }
        }
        return Ok(case.text(" END"));
    }
    Ok(match (target.kind, leaf.expression.kind()) {
        (Kind::Timestamp, Kind::Timestamp) | (Kind::Numeric, Kind::Numeric) => sql,
        // A day starts at midnight of the site; instants are UTC.
        (Kind::Timestamp, Kind::Date) => match target.zone.iana_name() {
            Some(zone) => {
                let local = sql.parens().text("::timestamp AT TIME ZONE ").bind(zone);
                local.parens().text(" AT TIME ZONE 'UTC'").parens()
            }
            None => sql.parens().text("::timestamp"),
        },
        (Kind::Numeric, Kind::Integer | Kind::Float) => sql.parens().text("::text::numeric"),
        (Kind::Text, Kind::Text) => string::fold(sql),
        (Kind::Text, _) => sql.parens().text("::text"),
        _ => null(target.kind),
    })
}
