//! Number and quantity search: <https://hl7.org/fhir/R4/search.html#number>.

use super::token;
use crate::{
    mapping::compiled::{Kind, Leaf, Node, Object, Row},
    plan::scope::{Builder, Masked},
    search::value::{NumberValue, Prefix, QuantityValue},
    sql::{Fragment, Value},
};

/// The condition that a number puts on a node.
pub fn number(
    builder: &mut Builder<'_>,
    node: &Node,
    row: &Row,
    value: &NumberValue,
) -> Result<Fragment, Masked> {
    match node {
        Node::Leaf(leaf) => compare(builder, leaf, value),
        Node::Constant { text, .. } if is_number(text) => {
            Ok(against(&Fragment::new().bind(Value::Numeric(text.clone())), value))
        }
        Node::When { slot, node } => {
            let holds = token::condition(builder, row, *slot)?;
            Ok(Fragment::all([holds, number(builder, node, row, value)?]))
        }
        _ => Ok(Fragment::truth(false)),
    }
}

/// The condition that a quantity puts on a node.
pub fn quantity(
    builder: &mut Builder<'_>,
    node: &Node,
    row: &Row,
    value: &QuantityValue,
) -> Result<Fragment, Masked> {
    match node {
        Node::Object(object) => {
            let Some(member) = object.members.iter().find(|member| member.element == "value") else {
                return Ok(Fragment::truth(false));
            };
            let mut all = vec![number(builder, &member.node, row, &value.number)?];
            all.push(unit(builder, object, row, value)?);
            Ok(Fragment::all(all))
        }
        Node::When { slot, node } => {
            let holds = token::condition(builder, row, *slot)?;
            Ok(Fragment::all([holds, quantity(builder, node, row, value)?]))
        }
        _ => Ok(Fragment::truth(false)),
    }
}

/// A constant of a mapping that PostgreSQL can read as a number.
pub fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-'))
        && text.parse::<f64>().is_ok()
}

fn compare(builder: &mut Builder<'_>, leaf: &Leaf, value: &NumberValue) -> Result<Fragment, Masked> {
    let sql = builder.expression(&leaf.expression)?;
    let sql = match leaf.expression.kind() {
        Kind::Numeric => sql,
        // NaN and infinities have no numeric form that compares; FHIR does not write them either.
        Kind::Float => Fragment::raw("(CASE WHEN ")
            .then(sql.clone())
            .text(" NOT IN ('NaN', 'Infinity', '-Infinity') THEN ")
            .then(sql)
            .text("::text::numeric END)"),
        Kind::Integer => sql.parens().text("::numeric"),
        _ => return Ok(Fragment::truth(false)),
    };
    Ok(against(&sql, value))
}

/// A number in SQL against a value.
fn against(sql: &Fragment, value: &NumberValue) -> Fragment {
    let exact = || Fragment::new().bind(Value::Numeric(value.literal.clone()));
    let half = || Fragment::new().bind(Value::Numeric(value.half.clone()));
    let low = || exact().text(" - ").then(half());
    let high = || exact().text(" + ").then(half());
    let inside = |low: Fragment, high: Fragment| {
        Fragment::all([sql.clone().text(" >= ").then(low), sql.clone().text(" < ").then(high)])
    };
    match value.prefix {
        Prefix::Eq => inside(low(), high()),
        Prefix::Ne => {
            Fragment::any([sql.clone().text(" < ").then(low()), sql.clone().text(" >= ").then(high())])
        }
        Prefix::Gt | Prefix::Sa => sql.clone().text(" > ").then(exact()),
        Prefix::Lt | Prefix::Eb => sql.clone().text(" < ").then(exact()),
        Prefix::Ge => sql.clone().text(" >= ").then(exact()),
        Prefix::Le => sql.clone().text(" <= ").then(exact()),
        Prefix::Ap => {
            let tenth = || Fragment::raw("abs(").then(exact()).text(") * 0.1");
            inside(
                exact().text(" - ").then(tenth()),
                exact().text(" + ").then(tenth()).text(" + ").then(half()),
            )
        }
    }
}

/// The unit of a quantity: its code in the system, or its code or text when no system is given.
fn unit(
    builder: &mut Builder<'_>,
    object: &Object,
    row: &Row,
    value: &QuantityValue,
) -> Result<Fragment, Masked> {
    let Some(code) = &value.code else { return Ok(Fragment::truth(true)) };
    let mut any = Vec::new();
    let mut system = Fragment::truth(value.system.is_none());
    for member in &object.members {
        match (member.element.as_str(), &member.node) {
            // A mapped unit is written into the quantity as system and code.
            ("", Node::Coding(leaf)) => {
                let wanted = value.system.as_deref();
                let codes = leaf.codes.as_ref();
                let keys: Vec<String> = codes
                    .map(|codes| {
                        let fits = |known: &crate::mapping::Code| {
                            known.code == *code
                                && wanted.is_none_or(|wanted| known.system.as_deref() == Some(wanted))
                        };
                        codes.keys(fits).map(str::to_owned).collect()
                    })
                    .unwrap_or_default();
                let sql = builder.expression(&leaf.expression)?;
                return Ok(sql.text(" = ANY(").bind(keys).text(")"));
            }
            ("system", node) if value.system.is_some() => {
                let wanted = value.system.as_deref().unwrap_or_default();
                system = token::equals(builder, node, row, wanted)?;
            }
            ("code", node) => any.push(token::equals(builder, node, row, code)?),
            ("unit", node) if value.system.is_none() => any.push(token::equals(builder, node, row, code)?),
            _ => {}
        }
    }
    Ok(Fragment::all([system, Fragment::any(any)]))
}
