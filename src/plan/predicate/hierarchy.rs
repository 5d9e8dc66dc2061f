//! `:above` and `:below`: codes by the hierarchy of their system, URLs by their path.

use super::token;
use crate::{
    mapping::compiled::{Leaf, Node, Row},
    plan::scope::{Builder, Masked},
    search::value::{HierarchyValue, Wanted},
    sql::Fragment,
};

/// The condition that a place in a hierarchy puts on a coded node.
pub fn code(
    builder: &mut Builder<'_>,
    node: &Node,
    row: &Row,
    value: &HierarchyValue,
) -> Result<Fragment, Masked> {
    match node {
        Node::FixedCoding { system, code, .. } => Ok(Fragment::truth(value.matches(Some(system), code))),
        Node::Coding(leaf) => {
            let Some(codes) = &leaf.codes else { return Ok(Fragment::truth(false)) };
            let keys = codes.keys(|code| value.matches(code.system.as_deref(), &code.code));
            token::any_key(builder, &leaf.expression, keys.map(str::to_owned).collect())
        }
        Node::Object(object) => {
            let member = |name: &str| object.members.iter().find(|member| member.element == name);
            if let Some(coding) = member("coding") {
                return code(builder, &coding.node, row, value);
            }
            let (Some(system), Some(member)) = (member("system"), member("code")) else {
                return Ok(Fragment::truth(false));
            };
            let system = token::equals(builder, &system.node, row, &value.system)?;
            Ok(Fragment::all([system, placed(builder, &member.node, row, value)?]))
        }
        Node::List(nodes) => {
            let any: Result<Vec<_>, _> = nodes.iter().map(|node| code(builder, node, row, value)).collect();
            any.map(Fragment::any)
        }
        Node::When { slot, node } => {
            let holds = token::condition(builder, row, *slot)?;
            Ok(Fragment::all([holds, code(builder, node, row, value)?]))
        }
        _ => Ok(Fragment::truth(false)),
    }
}

/// A code stands there in its system.
fn placed(
    builder: &mut Builder<'_>,
    node: &Node,
    row: &Row,
    value: &HierarchyValue,
) -> Result<Fragment, Masked> {
    match node {
        Node::Constant { text, .. } => Ok(Fragment::truth(value.matches(Some(&value.system), text))),
        Node::Leaf(Leaf { codes: Some(codes), expression, .. }) => {
            let keys = codes.keys(|code| value.matches(Some(&value.system), &code.code));
            token::any_key(builder, expression, keys.map(str::to_owned).collect())
        }
        Node::Leaf(leaf) => match &value.wanted {
            Wanted::Above(codes) => {
                let codes: Vec<&str> = codes.iter().map(String::as_str).collect();
                token::one_of(builder, node, row, &codes)
            }
            Wanted::Below(start) => {
                // A code of ICD-10 has no character that LIKE takes for a pattern.
                let sql = builder.expression(&leaf.expression)?;
                Ok(sql.text(" LIKE ").bind(format!("{start}%")))
            }
            Wanted::Block(first, last) => {
                let sql = builder.expression(&leaf.expression)?;
                let category = Fragment::raw("left(").then(sql).text(", 3) COLLATE \"C\"");
                Ok(category.text(" BETWEEN ").bind(first.as_str()).text(" AND ").bind(last.as_str()))
            }
        },
        Node::When { slot, node } => {
            let holds = token::condition(builder, row, *slot)?;
            Ok(Fragment::all([holds, placed(builder, node, row, value)?]))
        }
        _ => Ok(Fragment::truth(false)),
    }
}

/// The condition that a URL puts on a node: below it, or else above.
pub fn url(
    builder: &mut Builder<'_>,
    node: &Node,
    row: &Row,
    modifier: Option<&str>,
    value: &str,
) -> Result<Fragment, Masked> {
    let below = modifier == Some("below");
    match node {
        Node::Constant { text, .. } => {
            let (upper, lower) = if below { (value, text.as_ref()) } else { (text.as_ref(), value) };
            let folder = format!("{}/", upper.trim_end_matches('/'));
            Ok(Fragment::truth(upper == lower || lower.starts_with(&folder)))
        }
        Node::Leaf(leaf) if leaf.codes.is_none() => {
            let sql = builder.expression(&leaf.expression)?.parens();
            let asked = || Fragment::new().bind(value);
            let folder = |url: Fragment| Fragment::raw("rtrim(").then(url).text(", '/') || '/'");
            let (upper, lower) = if below { (asked(), sql.clone()) } else { (sql.clone(), asked()) };
            let inside = Fragment::raw("starts_with(").then(lower).text(", ").then(folder(upper)).text(")");
            Ok(Fragment::any([sql.text(" = ").then(asked()), inside]))
        }
        Node::When { slot, node } => {
            let holds = token::condition(builder, row, *slot)?;
            Ok(Fragment::all([holds, url(builder, node, row, modifier, value)?]))
        }
        _ => Ok(Fragment::truth(false)),
    }
}
