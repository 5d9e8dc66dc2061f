//! Number and quantity search: <https://hl7.org/fhir/R4/search.html#number>.

use std::collections::BTreeMap;

use super::token;
use crate::{
    mapping::{
        Code,
        compiled::{Kind, Leaf, Member, Node, Object, Row},
    },
    plan::scope::{Builder, Masked},
    search::value::{Bounds, NumberValue, Prefix, QuantityValue, UCUM},
    sql::{Fragment, Value},
};

/// The system of the currencies of an amount of money.
const CURRENCIES: &str = "urn:iso:std:iso:4217";

/// The numbers that decide a comparison.
#[derive(Clone)]
struct Ends {
    exact: Fragment,
    /// What the digits as typed stand for.
    rounded: (Fragment, Fragment),
    /// What is about as much.
    near: (Fragment, Fragment),
}

impl From<&NumberValue> for Ends {
    fn from(value: &NumberValue) -> Self {
        let exact = || Fragment::new().bind(Value::Numeric(value.literal.clone()));
        let half = || Fragment::new().bind(Value::Numeric(value.half.clone()));
        let tenth = || Fragment::raw("abs(").then(exact()).text(") * 0.1");
        Self {
            exact: exact(),
            rounded: (exact().text(" - ").then(half()), exact().text(" + ").then(half())),
            near: (
                exact().text(" - ").then(tenth()),
                exact().text(" + ").then(tenth()).text(" + ").then(half()),
            ),
        }
    }
}

impl From<Bounds> for Ends {
    fn from(bounds: Bounds) -> Self {
        let bind = |number: String| Fragment::new().bind(Value::Numeric(number));
        let pair = |(low, high): (String, String)| (bind(low), bind(high));
        Self { exact: bind(bounds.exact), rounded: pair(bounds.rounded), near: pair(bounds.near) }
    }
}

/// The condition that a number puts on a node.
pub fn number(
    builder: &mut Builder<'_>,
    node: &Node,
    row: &Row,
    value: &NumberValue,
) -> Result<Fragment, Masked> {
    compare(builder, node, row, value.prefix, &Ends::from(value))
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
            let Some(member) = member(object, "value") else { return Ok(Fragment::truth(false)) };
            let mut any = Vec::new();
            for (unit, ends) in units(builder, object, row, value)? {
                let number = compare(builder, &member.node, row, value.number.prefix, &ends)?;
                any.push(Fragment::all([unit, number]));
            }
            Ok(Fragment::any(any))
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

fn member<'o>(object: &'o Object, name: &str) -> Option<&'o Member> {
    object.members.iter().find(|member| member.element == name)
}

fn compare(
    builder: &mut Builder<'_>,
    node: &Node,
    row: &Row,
    prefix: Prefix,
    ends: &Ends,
) -> Result<Fragment, Masked> {
    match node {
        Node::Leaf(leaf) => {
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
            Ok(against(&sql, prefix, ends))
        }
        Node::Constant { text, .. } if is_number(text) => {
            Ok(against(&Fragment::new().bind(Value::Numeric(text.to_string())), prefix, ends))
        }
        Node::When { slot, node } => {
            let holds = token::condition(builder, row, *slot)?;
            Ok(Fragment::all([holds, compare(builder, node, row, prefix, ends)?]))
        }
        _ => Ok(Fragment::truth(false)),
    }
}

/// A number in SQL against a value.
fn against(sql: &Fragment, prefix: Prefix, ends: &Ends) -> Fragment {
    let with = |operator: &'static str, end: &Fragment| sql.clone().text(operator).then(end.clone());
    let inside = |(low, high): &(Fragment, Fragment)| Fragment::all([with(" >= ", low), with(" < ", high)]);
    match prefix {
        Prefix::Eq => inside(&ends.rounded),
        Prefix::Ne => Fragment::any([with(" < ", &ends.rounded.0), with(" >= ", &ends.rounded.1)]),
        Prefix::Gt | Prefix::Sa => with(" > ", &ends.exact),
        Prefix::Lt | Prefix::Eb => with(" < ", &ends.exact),
        Prefix::Ge => with(" >= ", &ends.exact),
        Prefix::Le => with(" <= ", &ends.exact),
        Prefix::Ap => inside(&ends.near),
    }
}

/// The units in which the number may stand, and what it is in each: the one that is asked for, or any of its dimension
/// when that is one of UCUM.
fn units(
    builder: &mut Builder<'_>,
    object: &Object,
    row: &Row,
    value: &QuantityValue,
) -> Result<Vec<(Fragment, Ends)>, Masked> {
    let asked = Ends::from(&value.number);
    if value.code.is_none() && value.system.is_none() {
        return Ok(vec![(Fragment::truth(true), asked)]);
    }
    let mut all = Vec::new();
    // A unit without a system may be the text beside the number.
    if let (Some(text), None, Some(unit)) = (&value.code, &value.system, member(object, "unit")) {
        all.push((token::equals(builder, &unit.node, row, text)?, asked.clone()));
    }
    if let Some(currency) = member(object, "currency") {
        let known = value.system.as_deref().is_none_or(|system| system == CURRENCIES);
        let same = match &value.code {
            Some(code) => token::equals(builder, &currency.node, row, code)?,
            None => token::present(builder, &currency.node, row)?,
        };
        all.push((Fragment::all([Fragment::truth(known), same]), asked));
        return Ok(all);
    }
    // A mapped unit is written into the quantity as system and code.
    if let Some(Member { node: Node::Coding(leaf), .. }) = member(object, "") {
        all.extend(mapped(builder, leaf, value, |code| code.system.as_deref())?);
        return Ok(all);
    }
    let system = match (&value.system, member(object, "system")) {
        (None, _) => Fragment::truth(true),
        (Some(wanted), Some(system)) => token::equals(builder, &system.node, row, wanted)?,
        (Some(_), None) => Fragment::truth(false),
    };
    let of_system = |unit: Fragment| Fragment::all([system.clone(), unit]);
    match (&value.code, member(object, "code").map(|code| &code.node)) {
        (None, _) => all.push((system, asked)),
        (Some(_), Some(Node::Leaf(leaf))) if leaf.codes.is_some() => {
            let wanted = value.system.as_deref();
            let units = mapped(builder, leaf, value, |_| wanted)?;
            all.extend(units.into_iter().map(|(unit, ends)| (of_system(unit), ends)));
        }
        (Some(wanted), Some(code)) => {
            all.push((of_system(token::equals(builder, code, row, wanted)?), asked));
            for other in token::possible(code) {
                if other != wanted
                    && let Some(bounds) = value.within(other)
                {
                    all.push((of_system(token::equals(builder, code, row, other)?), Ends::from(bounds)));
                }
            }
        }
        (Some(_), None) => {}
    }
    Ok(all)
}

/// Units of a code map, by what the number is in them.
fn mapped<'a>(
    builder: &mut Builder<'_>,
    leaf: &'a Leaf,
    value: &'a QuantityValue,
    system: impl Fn(&'a Code) -> Option<&'a str>,
) -> Result<Vec<(Fragment, Ends)>, Masked> {
    let sql = builder.expression(&leaf.expression)?;
    let wanted = value.system.as_deref();
    let mut same = Vec::new();
    let mut others: BTreeMap<&str, (Vec<String>, Bounds)> = BTreeMap::new();
    for (key, code) in leaf.codes.iter().flat_map(|codes| &codes.entries) {
        let Some(code) = code else { continue };
        let system = system(code);
        if wanted.is_none_or(|wanted| system == Some(wanted))
            && value.code.as_ref().is_none_or(|wanted| *wanted == code.code)
        {
            same.push(key.clone());
        } else if system == Some(UCUM)
            && let Some(bounds) = value.within(&code.code)
        {
            others.entry(&code.code).or_insert_with(|| (Vec::new(), bounds)).0.push(key.clone());
        }
    }
    let any = |keys: Vec<String>| sql.clone().text(" = ANY(").bind(keys).text(")");
    let mut all = Vec::new();
    if !same.is_empty() {
        all.push((any(same), Ends::from(&value.number)));
    }
    all.extend(others.into_values().map(|(keys, bounds)| (any(keys), Ends::from(bounds))));
    Ok(all)
}
