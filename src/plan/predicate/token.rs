//! Token search: <https://hl7.org/fhir/R4/search.html#token>.
//!
//! Code maps are read backwards: a FHIR code becomes the Tryton keys that give it, so PostgreSQL compares the column
//! itself.

use super::{forbidden, negated, spot, string};
use crate::{
    error::Result,
    mapping::compiled::{Expression, Kind, Leaf, Member, Node, Object, Row, Slot},
    plan::scope::{Builder, Masked},
    search::value::TokenValue,
    sql::{Fragment, Value},
};

type Planned = Result<Fragment, Masked>;

/// The condition that a token puts on a node.
pub fn token(builder: &mut Builder<'_>, node: &Node, row: &Row, value: &TokenValue) -> Planned {
    match node {
        Node::Constant { text, .. } => Ok(Fragment::truth(value.matches(None, text) || bare(value, text))),
        Node::FixedCoding { system, code, .. } => Ok(Fragment::truth(value.matches(Some(system), code))),
        Node::Leaf(leaf) => leaf_token(builder, leaf, value),
        Node::Coding(leaf) => mapped(builder, leaf, value),
        Node::Object(object) => object_token(builder, object, row, value),
        Node::List(nodes) => {
            let parts: Result<Vec<_>, _> =
                nodes.iter().map(|node| token(builder, node, row, value)).collect();
            parts.map(Fragment::any)
        }
        Node::When { slot, node } => {
            let holds = condition(builder, row, *slot)?;
            Ok(Fragment::all([holds, token(builder, node, row, value)?]))
        }
        _ => Ok(Fragment::truth(false)),
    }
}

/// A `code` element has no system of its own; the one of its required value set is accepted.
fn bare(value: &TokenValue, code: &str) -> bool {
    matches!(value, TokenValue::Coded(_, wanted) if wanted == code)
}

fn leaf_token(builder: &mut Builder<'_>, leaf: &Leaf, value: &TokenValue) -> Planned {
    if leaf.codes.is_some() {
        return mapped(builder, leaf, value);
    }
    match value {
        TokenValue::Code(code) | TokenValue::Coded(_, code) | TokenValue::Bare(code) => {
            leaf_equals(builder, leaf, code)
        }
        TokenValue::System(_) => Ok(Fragment::truth(false)),
    }
}

/// Tryton keys of a code map whose code matches.
fn mapped(builder: &mut Builder<'_>, leaf: &Leaf, value: &TokenValue) -> Planned {
    let Some(codes) = &leaf.codes else { return Ok(Fragment::truth(false)) };
    let keys: Vec<String> =
        codes.keys(|code| value.matches(code.system.as_deref(), &code.code)).map(str::to_owned).collect();
    any_key(builder, &leaf.expression, keys)
}

fn any_key(builder: &mut Builder<'_>, expression: &Expression, keys: Vec<String>) -> Planned {
    let sql = builder.expression(expression)?;
    if keys.is_empty() {
        return Ok(Fragment::truth(false));
    }
    Ok(match expression.kind() {
        Kind::Boolean => Fragment::any(
            keys.iter()
                .map(|key| sql.clone().parens().text(if key == "true" { " IS TRUE" } else { " IS FALSE" })),
        ),
        Kind::Integer => {
            let keys: Vec<i32> = keys.iter().filter_map(|key| key.parse().ok()).collect();
            sql.text(" = ANY(").bind(keys).text(")")
        }
        _ => sql.text(" = ANY(").bind(keys).text(")"),
    })
}

fn object_token(builder: &mut Builder<'_>, object: &Object, row: &Row, value: &TokenValue) -> Planned {
    let member = |name: &str| object.members.iter().find(|member| member.element == name);
    if let Some(coding) = member("coding") {
        return token(builder, &coding.node, row, value);
    }
    let code = member("code").or_else(|| member("value"));
    match code {
        Some(code) => pair(builder, member("system"), code, row, value),
        None => Ok(Fragment::truth(false)),
    }
}

/// Coding, Identifier, ContactPoint: a system beside a code or a value.
fn pair(
    builder: &mut Builder<'_>,
    system: Option<&Member>,
    code: &Member,
    row: &Row,
    value: &TokenValue,
) -> Planned {
    let has = |builder: &mut Builder<'_>, wanted: &str| match system {
        Some(system) => equals(builder, &system.node, row, wanted),
        None => Ok(Fragment::truth(false)),
    };
    match value {
        TokenValue::Code(wanted) => equals(builder, &code.node, row, wanted),
        TokenValue::Coded(wanted_system, wanted) => {
            let system = has(builder, wanted_system)?;
            Ok(Fragment::all([system, equals(builder, &code.node, row, wanted)?]))
        }
        TokenValue::Bare(wanted) => {
            let none = match system {
                Some(system) => negated(present(builder, &system.node, row)?),
                None => Fragment::truth(true),
            };
            Ok(Fragment::all([none, equals(builder, &code.node, row, wanted)?]))
        }
        TokenValue::System(wanted) => {
            let system = has(builder, wanted)?;
            Ok(Fragment::all([system, present(builder, &code.node, row)?]))
        }
    }
}

/// A primitive node has this text.
pub fn equals(builder: &mut Builder<'_>, node: &Node, row: &Row, wanted: &str) -> Planned {
    match node {
        Node::Constant { text, .. } => Ok(Fragment::truth(text == wanted)),
        Node::Leaf(leaf) => leaf_equals(builder, leaf, wanted),
        Node::When { slot, node } => {
            let holds = condition(builder, row, *slot)?;
            Ok(Fragment::all([holds, equals(builder, node, row, wanted)?]))
        }
        _ => Ok(Fragment::truth(false)),
    }
}

fn leaf_equals(builder: &mut Builder<'_>, leaf: &Leaf, wanted: &str) -> Planned {
    if let Some(codes) = &leaf.codes {
        let keys = codes.keys(|code| code.code == wanted).map(str::to_owned).collect();
        return any_key(builder, &leaf.expression, keys);
    }
    if let Expression::Case(_) = &leaf.expression
        && constants(&leaf.expression).is_some_and(|constants| !constants.contains(&wanted))
    {
        // Nobody may learn from a closed field that it is closed only for some values.
        builder.expression(&leaf.expression)?;
        return Ok(Fragment::truth(false));
    }
    let sql = builder.expression(&leaf.expression)?;
    Ok(match leaf.expression.kind() {
        Kind::Boolean => match wanted {
            "true" => sql.parens().text(" IS TRUE"),
            "false" => sql.parens().text(" IS FALSE"),
            _ => Fragment::truth(false),
        },
        Kind::Integer => match wanted.parse::<i64>() {
            Ok(number) => sql.text(" = ").bind(number),
            Err(_) => Fragment::truth(false),
        },
        Kind::Text => sql.text(" = ").bind(wanted),
        _ => sql.parens().text("::text = ").bind(Value::Text(wanted.to_owned())),
    })
}

/// The constants that a case can give, when it gives only constants.
fn constants(expression: &Expression) -> Option<Vec<&str>> {
    match expression {
        Expression::Constant(text) => Some(vec![text]),
        Expression::Case(branches) => {
            let mut all = Vec::new();
            for (_, then) in branches {
                all.extend(constants(then)?);
            }
            Some(all)
        }
        _ => None,
    }
}

/// The condition of a slot.
pub fn condition(builder: &mut Builder<'_>, row: &Row, slot: usize) -> Planned {
    match row.slots.get(slot) {
        Some(Slot::Holds(condition)) => builder.condition(condition),
        _ => Ok(Fragment::truth(false)),
    }
}

/// The node has a value.
pub fn present(builder: &mut Builder<'_>, node: &Node, row: &Row) -> Planned {
    match node {
        Node::Constant { .. } | Node::FixedCoding { .. } | Node::Position => Ok(Fragment::truth(true)),
        Node::Leaf(leaf) | Node::Coding(leaf) | Node::Attachment(leaf) | Node::Lines(leaf) => {
            if let Some(codes) = &leaf.codes {
                let keys = codes.keys(|_| true).map(str::to_owned).collect();
                return any_key(builder, &leaf.expression, keys);
            }
            let sql = builder.finite(&leaf.expression)?.parens();
            Ok(if leaf.expression.kind() == Kind::Text {
                Fragment::raw("btrim(").then(sql).text(") <> ''")
            } else {
                sql.text(" IS NOT NULL")
            })
        }
        Node::Reference(reference) | Node::Address(reference) => {
            Ok(builder.referred(&reference.expression)?.text(" IS NOT NULL"))
        }
        Node::Object(object) => {
            // As it is written: without the parts that are closed to the caller, while any other is open.
            let mut parts = Vec::new();
            let mut masked = false;
            for member in &object.members {
                if !matches!(member.node, Node::Constant { .. } | Node::FixedCoding { .. } | Node::Position) {
                    match present(builder, &member.node, row) {
                        Ok(part) => parts.push(part),
                        Err(Masked) => masked = true,
                    }
                }
            }
            if parts.is_empty() && masked {
                return Err(Masked);
            }
            if parts.is_empty() && !object.dynamic {
                return Ok(Fragment::truth(true));
            }
            Ok(Fragment::any(parts))
        }
        Node::List(nodes) => {
            let parts: Result<Vec<_>, _> = nodes.iter().map(|node| present(builder, node, row)).collect();
            parts.map(Fragment::any)
        }
        Node::When { slot, node } => {
            let holds = condition(builder, row, *slot)?;
            Ok(Fragment::all([holds, present(builder, node, row)?]))
        }
        Node::Each { each, node } => {
            let each = &row.eaches[*each];
            spot::some_row(builder, each, |masked| masked, &mut |builder| present(builder, node, &each.row))
        }
    }
}

/// The node has a value that is not `false`.
pub fn holds(builder: &mut Builder<'_>, node: &Node, row: &Row) -> Planned {
    match node {
        Node::Constant { text, .. } => Ok(Fragment::truth(text != "false")),
        Node::Leaf(leaf) if leaf.expression.kind() == Kind::Boolean => leaf_equals(builder, leaf, "true"),
        _ => present(builder, node, row),
    }
}

/// `:text`: the text or the display of the code starts with the value.
pub fn text(
    builder: &mut Builder<'_>,
    node: &Node,
    row: &Row,
    value: &str,
) -> crate::error::Result<Fragment> {
    match node {
        Node::Object(object) => {
            let mut any = Vec::new();
            for member in &object.members {
                match member.element.as_str() {
                    "text" | "display" => any.push(string::string(
                        builder,
                        &member.node,
                        &[value.to_owned()],
                        Some("contains"),
                    )?),
                    "coding" => any.push(text(builder, &member.node, row, value)?),
                    "type" => any.push(text(builder, &member.node, row, value)?),
                    _ => {}
                }
            }
            Ok(Fragment::any(any))
        }
        Node::List(nodes) => {
            let parts: crate::error::Result<Vec<_>> =
                nodes.iter().map(|node| text(builder, node, row, value)).collect();
            parts.map(Fragment::any)
        }
        Node::Coding(leaf) | Node::Leaf(leaf) => {
            let Some(codes) = &leaf.codes else { return Ok(Fragment::truth(false)) };
            let wanted = value.to_lowercase();
            let keys = codes
                .keys(|code| code.display.as_ref().is_some_and(|text| text.to_lowercase().contains(&wanted)))
                .map(str::to_owned)
                .collect();
            any_key(builder, &leaf.expression, keys).map_err(forbidden)
        }
        Node::FixedCoding { display: Some(display), .. } => {
            Ok(Fragment::truth(display.to_lowercase().contains(&value.to_lowercase())))
        }
        Node::When { slot, node } => {
            let holds = condition(builder, row, *slot).map_err(forbidden)?;
            Ok(Fragment::all([holds, text(builder, node, row, value)?]))
        }
        _ => Ok(Fragment::truth(false)),
    }
}
