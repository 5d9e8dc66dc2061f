//! Token search: <https://hl7.org/fhir/R4/search.html#token>.
//!
//! Code maps are read backwards: a FHIR code becomes the Tryton keys that give it, so PostgreSQL compares the column
//! itself.

use std::collections::BTreeMap;

use super::{
    forbidden, negated, spot,
    string::{self, Texts},
};
use crate::{
    error::Result,
    mapping::{
        Code,
        compiled::{Expression, Kind, Leaf, Member, Node, Object, Row, Slot},
    },
    plan::{
        lookup::How,
        scope::{Builder, Masked},
    },
    search::value::{TokenValue, TypedValue},
    sql::Fragment,
};

type Planned = Result<Fragment, Masked>;

/// The condition that tokens put on a node: any of them. However many they are, a column is compared once.
pub fn token(builder: &mut Builder<'_>, node: &Node, row: &Row, values: &[TokenValue]) -> Planned {
    match node {
        Node::Constant { text, bound, .. } => {
            Ok(Fragment::truth(values.iter().any(|value| value.names(bound.as_deref(), text))))
        }
        Node::FixedCoding { system, code, .. } => {
            Ok(Fragment::truth(values.iter().any(|value| value.matches(Some(system), code))))
        }
        Node::Leaf(leaf) => leaf_token(builder, leaf, values),
        Node::Coding(leaf) => mapped(builder, leaf, values),
        Node::Object(object) => object_token(builder, object, row, values),
        Node::List(nodes) => {
            let parts: Result<Vec<_>, _> = builder
                .either(|builder| nodes.iter().map(|node| token(builder, node, row, values)).collect());
            parts.map(Fragment::any)
        }
        Node::When { slot, node } => {
            let holds = condition(builder, row, *slot)?;
            Ok(both(holds, token(builder, node, row, values)?))
        }
        _ => Ok(Fragment::truth(false)),
    }
}

/// A condition and what must hold under it, in the order in which PostgreSQL tests them: a pattern last, for it takes longest.
fn both(condition: Fragment, asked: Fragment) -> Fragment {
    if condition.has(" ~ ") { Fragment::all([asked, condition]) } else { Fragment::all([condition, asked]) }
}

fn leaf_token(builder: &mut Builder<'_>, leaf: &Leaf, values: &[TokenValue]) -> Planned {
    let bound = leaf.bound.as_deref();
    if let Some(map) = &leaf.codes {
        if bound.is_none() {
            return mapped(builder, leaf, values);
        }
        let fits = |code: &Code| values.iter().any(|value| value.names(bound, &code.code));
        let keys = map.keys(fits).map(str::to_owned).collect();
        return any_key(builder, &leaf.expression, keys);
    }
    let wanted: Vec<&str> = values.iter().flat_map(|value| value.codes(bound)).collect();
    leaf_equals(builder, leaf, &wanted)
}

/// Tryton keys of a code map whose code matches.
fn mapped(builder: &mut Builder<'_>, leaf: &Leaf, values: &[TokenValue]) -> Planned {
    let Some(codes) = &leaf.codes else { return Ok(Fragment::truth(false)) };
    let fits = |code: &Code| values.iter().any(|value| value.matches(code.system.as_deref(), &code.code));
    let keys = codes.keys(fits).map(str::to_owned).collect();
    any_key(builder, &leaf.expression, keys)
}

pub(super) fn any_key(builder: &mut Builder<'_>, expression: &Expression, keys: Vec<String>) -> Planned {
    let sql = builder.expression(expression)?;
    builder.note(expression, How::Equal);
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

fn object_token(builder: &mut Builder<'_>, object: &Object, row: &Row, values: &[TokenValue]) -> Planned {
    // The code of a quantity is its unit.
    if object.type_name.ends_with("Quantity") || matches!(object.type_name, "Age" | "Duration" | "Range") {
        return Ok(Fragment::truth(false));
    }
    let member = |name: &str| object.members.iter().find(|member| member.element == name);
    if let Some(coding) = member("coding") {
        return token(builder, &coding.node, row, values);
    }
    let code = member("code").or_else(|| member("value"));
    match code {
        Some(code) => pair(builder, member("system"), code, row, values),
        None => Ok(Fragment::truth(false)),
    }
}

/// Coding, Identifier, ContactPoint: a system beside a code or a value.
fn pair(
    builder: &mut Builder<'_>,
    system: Option<&Member>,
    code: &Member,
    row: &Row,
    values: &[TokenValue],
) -> Planned {
    let (mut codes, mut bare, mut coded) = (Vec::new(), Vec::new(), BTreeMap::<&str, Vec<&str>>::new());
    let mut systems = Vec::new();
    for value in values {
        match value {
            TokenValue::Code(wanted) => codes.push(wanted.as_str()),
            TokenValue::Bare(wanted) => bare.push(wanted.as_str()),
            TokenValue::Coded(system, wanted) => coded.entry(system).or_default().push(wanted),
            TokenValue::System(system) => systems.push(system.as_str()),
        }
    }
    let has = |builder: &mut Builder<'_>, wanted: &[&str]| match system {
        Some(system) => one_of(builder, &system.node, row, wanted),
        None => Ok(Fragment::truth(false)),
    };
    let mut any = Vec::new();
    if !codes.is_empty() {
        any.push(one_of(builder, &code.node, row, &codes)?);
    }
    for (wanted, codes) in coded {
        let system = has(builder, &[wanted])?;
        any.push(Fragment::all([system, one_of(builder, &code.node, row, &codes)?]));
    }
    if !bare.is_empty() {
        let none = match system {
            Some(system) => negated(present(builder, &system.node, row)?),
            None => Fragment::truth(true),
        };
        any.push(Fragment::all([none, one_of(builder, &code.node, row, &bare)?]));
    }
    if !systems.is_empty() {
        let system = has(builder, &systems)?;
        any.push(Fragment::all([system, present(builder, &code.node, row)?]));
    }
    Ok(Fragment::any(any))
}

/// `:of-type`: an identifier with its type.
pub fn of_type(builder: &mut Builder<'_>, node: &Node, row: &Row, wanted: &TypedValue) -> Planned {
    let Node::Object(object) = node else { return Ok(Fragment::truth(false)) };
    let member = |name: &str| object.members.iter().find(|member| member.element == name);
    let (Some(kind), Some(value)) = (member("type"), member("value")) else {
        return Ok(Fragment::truth(false));
    };
    let kind = token(builder, &kind.node, row, std::slice::from_ref(&wanted.kind))?;
    Ok(Fragment::all([kind, equals(builder, &value.node, row, &wanted.value)?]))
}

/// A primitive node has this text.
pub fn equals(builder: &mut Builder<'_>, node: &Node, row: &Row, wanted: &str) -> Planned {
    one_of(builder, node, row, &[wanted])
}

/// A primitive node has one of these texts.
pub fn one_of(builder: &mut Builder<'_>, node: &Node, row: &Row, wanted: &[&str]) -> Planned {
    match node {
        Node::Constant { text, .. } => Ok(Fragment::truth(wanted.contains(&text.as_ref()))),
        Node::Leaf(leaf) => leaf_equals(builder, leaf, wanted),
        Node::When { slot, node } => {
            let holds = condition(builder, row, *slot)?;
            Ok(both(holds, one_of(builder, node, row, wanted)?))
        }
        _ => Ok(Fragment::truth(false)),
    }
}

fn leaf_equals(builder: &mut Builder<'_>, leaf: &Leaf, wanted: &[&str]) -> Planned {
    if let Some(codes) = &leaf.codes {
        let keys = codes.keys(|code| wanted.contains(&code.code.as_str())).map(str::to_owned).collect();
        return any_key(builder, &leaf.expression, keys);
    }
    // Nobody may learn from a closed field that it is closed only for some values.
    let sql = builder.expression(&leaf.expression)?;
    builder.note(&leaf.expression, How::Equal);
    let possible = match leaf.expression.as_ref() {
        Expression::Case(_) => constants(&leaf.expression),
        _ => None,
    };
    let wanted: Vec<String> = wanted
        .iter()
        .filter(|wanted| possible.as_ref().is_none_or(|possible| possible.contains(wanted)))
        .map(|wanted| (*wanted).to_owned())
        .collect();
    if wanted.is_empty() {
        return Ok(Fragment::truth(false));
    }
    Ok(match leaf.expression.kind() {
        Kind::Boolean => Fragment::any(wanted.iter().map(|wanted| match wanted.as_str() {
            "true" => sql.clone().parens().text(" IS TRUE"),
            "false" => sql.clone().parens().text(" IS FALSE"),
            _ => Fragment::truth(false),
        })),
        Kind::Integer => {
            let numbers: Vec<i64> = wanted.iter().filter_map(|wanted| wanted.parse().ok()).collect();
            match numbers.as_slice() {
                [] => Fragment::truth(false),
                [number] => sql.text(" = ").bind(*number),
                _ => {
                    let texts = numbers.iter().map(i64::to_string).collect::<Vec<_>>();
                    sql.text(" = ANY(").bind(texts).text("::int8[])")
                }
            }
        }
        Kind::Text => match (leaf.expression.as_ref(), wanted.as_slice()) {
            // What a pattern takes out of a text stands in it: few texts are left to try the pattern on.
            (Expression::Extract(inner, _), [part]) => {
                let text = builder.expression(inner)?;
                let holds = Fragment::raw("strpos(").then(text).text(", ").bind(part.as_str()).text(") > 0");
                Fragment::all([holds, among(sql, wanted)])
            }
            _ => among(sql, wanted),
        },
        _ => among(sql.parens().text("::text"), wanted),
    })
}

/// A text is one of these.
fn among(sql: Fragment, mut wanted: Vec<String>) -> Fragment {
    match wanted.len() {
        1 => sql.text(" = ").bind(wanted.remove(0)),
        _ => sql.text(" = ANY(").bind(wanted).text(")"),
    }
}

/// The texts that a primitive node can have, where its mapping says them.
pub fn possible(node: &Node) -> Vec<&str> {
    match node {
        Node::Constant { text, .. } => vec![text],
        Node::Leaf(leaf) => constants(&leaf.expression).unwrap_or_default(),
        Node::When { node, .. } => possible(node),
        _ => Vec::new(),
    }
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
                if !is_constant(&member.node) {
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

/// The node says the same of every record; that alone does not make anything be written.
pub fn is_constant(node: &Node) -> bool {
    match node {
        Node::Constant { .. } | Node::FixedCoding { .. } | Node::Position => true,
        Node::Object(object) => !object.dynamic,
        Node::List(nodes) => nodes.iter().all(is_constant),
        _ => false,
    }
}

/// The node has a value that is not `false`.
pub fn holds(builder: &mut Builder<'_>, node: &Node, row: &Row) -> Planned {
    match node {
        Node::Constant { text, .. } => Ok(Fragment::truth(text.as_ref() != "false")),
        Node::Leaf(leaf) if leaf.expression.kind() == Kind::Boolean => leaf_equals(builder, leaf, &["true"]),
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
                match member.element {
                    "text" | "display" => any.push(string::string(
                        builder,
                        &member.node,
                        &[value.to_owned()],
                        None,
                        Texts::All,
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
                .keys(|code| {
                    code.display.as_ref().is_some_and(|text| text.to_lowercase().starts_with(&wanted))
                })
                .map(str::to_owned)
                .collect();
            any_key(builder, &leaf.expression, keys).map_err(forbidden)
        }
        Node::FixedCoding { display: Some(display), .. } => {
            Ok(Fragment::truth(display.to_lowercase().starts_with(&value.to_lowercase())))
        }
        Node::When { slot, node } => {
            let holds = condition(builder, row, *slot).map_err(forbidden)?;
            Ok(Fragment::all([holds, text(builder, node, row, value)?]))
        }
        _ => Ok(Fragment::truth(false)),
    }
}
