//! String search: <https://hl7.org/fhir/R4/search.html#string>.
//!
//! Without a modifier a value matches at the start, whatever the case and the accents. Both sides are folded by the
//! same SQL, so what folds alike matches alike in every script.

use super::{compare, forbidden, spot};
use crate::{
    error::Result,
    mapping::{
        Code,
        compiled::{Expression, Kind, Leaf, Node, Object},
    },
    plan::{
        lookup::How,
        scope::{Builder, Masked},
    },
    sql::Fragment,
};

/// Elements of the datatypes that a string parameter searches.
const PARTS: [&str; 13] = [
    "text",
    "family",
    "given",
    "prefix",
    "suffix",
    "line",
    "city",
    "district",
    "state",
    "postalCode",
    "country",
    "value",
    "display",
];

/// Values that are longer are compared with the whole text only, in bytes.
const LONG: usize = 200;

/// One case without combining marks: `Álvarez` → `ALVAREZ`. Upper case, because letters have two lower cases (`σ` and `ς`).
pub fn fold(text: Fragment) -> Fragment {
    Fragment::raw("regexp_replace(normalize(upper(").then(text).text("), NFD), '[\\u0300-\\u036F]', '', 'g')")
}

/// Which texts of a node are searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Texts {
    /// All of them.
    All,
    /// Those that are a column of the record.
    Columns,
    /// Those that are made of columns, of other records too.
    Made,
}

impl Texts {
    /// The halves of all, for PostgreSQL to look for each by itself: what only the made ones need is not read for the others.
    pub const HALVES: [Self; 2] = [Self::Columns, Self::Made];

    fn hold(self, node: &Node) -> bool {
        let column = matches!(node, Node::Leaf(leaf) if matches!(*leaf.expression, Expression::Column(_)));
        self == Self::All || column == (self == Self::Columns)
    }
}

/// The condition that string values put on a node: any of them.
pub fn string(
    builder: &mut Builder<'_>,
    node: &Node,
    values: &[String],
    modifier: Option<&str>,
    texts: Texts,
) -> Result<Fragment> {
    let ask = |builder: &mut Builder<'_>, node: &Node| leaf(builder, node, values, modifier);
    let result = match node {
        Node::Object(object) => {
            let words = modifier.is_none() && values.iter().all(|value| is_word(value));
            let mut ask = |builder: &mut Builder<'_>, node: &Node| match node {
                _ if !texts.hold(node) => Ok(Fragment::truth(false)),
                Node::Leaf(leaf) if words && leaf.codes.is_none() => {
                    words_of(builder, object, &leaf.expression, values)
                }
                _ => ask(builder, node),
            };
            let any = builder
                .either(|builder| spot::below(builder, node, &|element| PARTS.contains(&element), &mut ask));
            any.map(Fragment::any)
        }
        _ if texts.hold(node) => ask(builder, node),
        _ => return Ok(Fragment::truth(false)),
    };
    result.map_err(forbidden)
}

/// Letters and digits alone: nothing that stands between the parts of a text.
fn is_word(value: &str) -> bool {
    !value.is_empty() && value.chars().all(char::is_alphanumeric)
}

/// The condition of words: a text starts with a word only where a part of it does (`Maria` of `Maria Lopez`). Where all of its
/// parts are searched beside it, it finds nothing more and costs more than they do.
fn words_of(
    builder: &mut Builder<'_>,
    object: &Object,
    expression: &Expression,
    values: &[String],
) -> Result<Fragment, Masked> {
    let implied = |expression: &Expression| {
        let parts = pieces(expression).filter(|parts| parts.len() > 1);
        parts.is_some_and(|parts| parts.into_iter().all(|part| is_searched(object, part)))
    };
    // What is closed to the caller refuses the search, also where it is not looked at.
    builder.probe(|builder| builder.expression(expression))?;
    if implied(expression) {
        return Ok(Fragment::truth(false));
    }
    let Expression::Case(branches) = expression else { return text_of(builder, expression, values, None) };
    let (mut any, mut before) = (Vec::new(), Vec::new());
    for (when, then) in branches {
        let when = builder.condition(when)?;
        if !implied(then) {
            let starts = text_of(builder, then, values, None)?;
            any.push(Fragment::all(before.iter().cloned().chain([when.clone(), starts])));
        }
        before.push(Fragment::raw("NOT ").then(when.parens()));
    }
    Ok(Fragment::any(any))
}

/// A string search of this object looks at the text by itself.
fn is_searched(object: &Object, text: &Expression) -> bool {
    let same =
        |node: &Node| matches!(node, Node::Leaf(leaf) if leaf.codes.is_none() && *leaf.expression == *text);
    let mut searched = object.members.iter().filter(|member| PARTS.contains(&member.element));
    searched.any(|member| match &member.node {
        Node::List(nodes) => nodes.iter().any(same),
        node => same(node),
    })
}

/// The columns of which a text is made with nothing but other signs than those of words between them.
fn pieces(expression: &Expression) -> Option<Vec<&Expression>> {
    let mut all = Vec::new();
    let sign = |character: char| !character.is_alphanumeric();
    collect(expression, &|between| !between.is_empty() && between.chars().all(sign), &mut all)?;
    Some(all)
}

/// The columns of which a text is made, where these separators may stand between them.
fn collect<'e>(
    expression: &'e Expression,
    separates: &dyn Fn(&str) -> bool,
    all: &mut Vec<&'e Expression>,
) -> Option<()> {
    match expression {
        Expression::Column(_) => all.push(expression),
        Expression::Join(parts, between) if separates(between) => {
            parts.iter().try_for_each(|part| collect(part, separates, all))?;
        }
        Expression::First(parts) => parts.iter().try_for_each(|part| collect(part, separates, all))?,
        Expression::Case(branches) => {
            branches.iter().try_for_each(|(_, then)| collect(then, separates, all))?;
        }
        _ => return None,
    }
    Some(())
}

/// The condition on a text of the record.
fn text_of(
    builder: &mut Builder<'_>,
    expression: &Expression,
    values: &[String],
    modifier: Option<&str>,
) -> Result<Fragment, Masked> {
    let sql = builder.expression(expression)?;
    if let (None, [value], Some(parts)) = (modifier, values, parts(builder, expression))
        && value.len() <= LONG
    {
        let starts = narrowed(builder, &parts, value)?;
        return Ok(Fragment::all([starts, compare(sql, values, modifier)]));
    }
    builder.note(expression, how(modifier));
    let sql = if expression.kind() == Kind::Text { sql } else { sql.parens().text("::text") };
    Ok(compare(sql, values, modifier))
}

fn leaf(
    builder: &mut Builder<'_>,
    node: &Node,
    values: &[String],
    modifier: Option<&str>,
) -> Result<Fragment, Masked> {
    match node {
        Node::Lines(leaf) => {
            let sql = builder.expression(&leaf.expression)?;
            let line = builder.aliases.next();
            let one = compare(Fragment::new().alias(line).text(".line"), values, modifier);
            Ok(Fragment::raw("EXISTS (SELECT 1 FROM regexp_split_to_table(")
                .then(sql)
                .text(", '[\\r\\n]+') AS ")
                .alias(line)
                .text("(line) WHERE ")
                .then(one)
                .text(")"))
        }
        Node::Leaf(leaf) if leaf.codes.is_none() => text_of(builder, &leaf.expression, values, modifier),
        // A mapped text is its code, a mapped coding is known by its display.
        Node::Leaf(leaf) => mapped(builder, leaf, values, modifier, |code| Some(&code.code)),
        Node::Coding(leaf) => mapped(builder, leaf, values, modifier, |code| code.display.as_ref()),
        Node::Constant { text, .. } | Node::FixedCoding { display: Some(text), .. } => {
            Ok(compare(Fragment::new().bind(text.as_ref()), values, modifier))
        }
        Node::Object(_) => {
            let mut ask =
                |builder: &mut Builder<'_>, node: &Node| self::leaf(builder, node, values, modifier);
            let any = spot::below(builder, node, &|element| PARTS.contains(&element), &mut ask);
            any.map(Fragment::any)
        }
        _ => Ok(Fragment::truth(false)),
    }
}

/// The condition on what a code map says for the keys of a column.
fn mapped(
    builder: &mut Builder<'_>,
    leaf: &Leaf,
    values: &[String],
    modifier: Option<&str>,
    text: impl Fn(&Code) -> Option<&String>,
) -> Result<Fragment, Masked> {
    let Some(codes) = &leaf.codes else { return Ok(Fragment::truth(false)) };
    let (keys, texts): (Vec<_>, Vec<_>) = codes.texts(text).unzip();
    let sql = builder.expression(&leaf.expression)?;
    let row = builder.aliases.next();
    let same = compare(Fragment::new().alias(row).text(".said"), values, modifier);
    Ok(sql
        .parens()
        .text("::text IN (SELECT key FROM unnest(")
        .bind(keys)
        .text("::text[], ")
        .bind(texts)
        .text("::text[]) AS ")
        .alias(row)
        .text("(key, said) WHERE ")
        .then(same)
        .text(")"))
}

/// Texts of a node are found by how they start, each by an index.
pub fn finds(builder: &Builder<'_>, node: &Node) -> bool {
    match node {
        Node::Leaf(leaf) if leaf.codes.is_none() => match leaf.expression.as_ref() {
            Expression::Column(column) => builder.finds_starts(column),
            expression => parts(builder, expression).is_some(),
        },
        Node::Object(object) => {
            let members = object.members.iter().filter(|member| PARTS.contains(&member.element));
            members.map(|member| &member.node).all(|node| match node {
                Node::List(nodes) => nodes.iter().all(|node| finds(builder, node)),
                node => finds(builder, node),
            })
        }
        _ => false,
    }
}

/// The columns of one row of which a text is made, with one of which it starts, when each is found by how it starts.
fn parts<'e>(builder: &Builder<'_>, expression: &'e Expression) -> Option<Vec<&'e Expression>> {
    let mut all = Vec::new();
    collect(expression, &|_| true, &mut all)?;
    let mut columns: Vec<&'e Expression> = Vec::new();
    for part in all {
        let Expression::Column(column) = part else { return None };
        let beside = |other: &&Expression| match other {
            Expression::Column(other) => (other.up, &other.hops) == (column.up, &column.hops),
            _ => false,
        };
        if !builder.finds_starts(column) || !columns.iter().all(beside) {
            return None;
        }
        if !columns.contains(&part) {
            columns.push(part);
        }
    }
    (columns.len() > 1).then_some(columns)
}

/// What holds for a part of a text that starts with a value: the part starts with it, or is a start of it.
fn narrowed(builder: &mut Builder<'_>, parts: &[&Expression], value: &str) -> Result<Fragment, Masked> {
    let ends = value.char_indices().map(|(end, _)| end).skip(1);
    let shorter: Vec<String> = ends.map(|end| value[..end].to_owned()).collect();
    let mut any = Vec::new();
    for part in parts {
        let text = builder.expression(part)?;
        builder.note(part, How::Prefix);
        any.push(compare(text.clone(), &[value.to_owned()], None));
        if !shorter.is_empty() {
            let text = fold(Fragment::raw("btrim(").then(text).text(")"));
            let shorter = Fragment::raw(" FROM unnest(").bind(shorter.clone()).text("::text[]) v))");
            let shorter = fold(Fragment::raw("btrim(v)")).then(shorter);
            any.push(text.text(" = ANY (ARRAY(SELECT ").then(shorter));
        }
    }
    Ok(Fragment::any(any))
}

/// How the modifier compares.
fn how(modifier: Option<&str>) -> How {
    match modifier {
        None => How::Prefix,
        _ => How::Part,
    }
}

/// The condition that values put on a text. However many they are, the text is folded once: that is what costs.
fn compare(text: Fragment, values: &[String], modifier: Option<&str>) -> Fragment {
    if modifier == Some("exact") {
        let text = Fragment::raw("btrim(").then(text).text(")");
        return match values {
            [value] => text.text(" = ").bind(value.as_str()),
            _ => text.text(" = ANY(").bind(values.to_vec()).text(")"),
        };
    }
    let escape = |value: &String| value.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    let pattern = |value: Fragment| {
        let folded = fold(value);
        match modifier {
            Some("contains") => Fragment::raw("'%' || ").then(folded).text(" || '%'"),
            Some(compare::ENDS) => Fragment::raw("'%' || ").then(folded),
            Some(compare::EQUAL) => folded,
            _ => folded.text(" || '%'"),
        }
    };
    let text = fold(Fragment::raw("btrim(").then(text).text(")"));
    // As a sub-query the patterns are folded once, not for every row. An SP-GiST index of the folded text can find what
    // starts so; LIKE could use none, because its pattern is not known when the statement is planned.
    match values {
        [value] if modifier.is_none() => {
            text.text(" ^@ (SELECT ").then(fold(Fragment::new().bind(value.as_str()))).text(")")
        }
        [value] => text.text(" LIKE (SELECT ").then(pattern(Fragment::new().bind(escape(value)))).text(")"),
        _ => {
            let values = Fragment::raw("unnest(").bind(values.iter().map(escape).collect::<Vec<_>>());
            text.text(" LIKE ANY (ARRAY(SELECT ")
                .then(pattern(Fragment::raw("v")))
                .text(" FROM ")
                .then(values)
                .text("::text[]) v))")
        }
    }
}
