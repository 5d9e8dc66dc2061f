//! Date search: <https://hl7.org/fhir/R4/search.html#date>.
//!
//! The value is the half-open range [low, high). A timestamp is a point; a DATE is the whole local day, so the bounds
//! are moved to whole days first; a Period reaches from its start to its end, and is open where one is missing.

use jiff::{
    ToSpan, Zoned,
    civil::{Date, DateTime, Time},
    tz::TimeZone,
};

use super::token;
use crate::{
    mapping::compiled::{Condition, Kind, Leaf, Node, Row, Slot},
    plan::{
        lookup::How,
        scope::{Builder, Masked},
    },
    search::value::{DateValue, Local, Prefix},
    sql::Fragment,
};

/// The condition that a date puts on a node.
pub fn date(
    builder: &mut Builder<'_>,
    zone: &TimeZone,
    node: &Node,
    row: &Row,
    value: &DateValue,
) -> Result<Fragment, Masked> {
    match node {
        Node::Leaf(leaf) => {
            let sql = builder.expression(&leaf.expression)?;
            if leaf.expression.kind() == Kind::Date || leaf.type_name != "date" {
                builder.note(&leaf.expression, How::Range);
            }
            Ok(match leaf.expression.kind() {
                Kind::Date => day(&sql, value),
                Kind::Timestamp if leaf.type_name == "date" => day(&local_day(sql, zone), value),
                Kind::Timestamp => instant(&sql, value),
                _ => Fragment::truth(false),
            })
        }
        Node::Object(object) => {
            let end = |name: &str| {
                let member = object.members.iter().find(|member| member.element == name)?;
                end(&member.node, row)
            };
            period(builder, zone, end("start"), end("end"), value)
        }
        Node::When { slot, node } => {
            let holds = token::condition(builder, row, *slot)?;
            Ok(Fragment::all([holds, date(builder, zone, node, row, value)?]))
        }
        _ => Ok(Fragment::truth(false)),
    }
}

/// The local day of a timestamp.
fn local_day(sql: Fragment, zone: &TimeZone) -> Fragment {
    let name = zone.iana_name().unwrap_or("UTC").to_owned();
    Fragment::raw("((").then(sql).text(" AT TIME ZONE 'UTC') AT TIME ZONE ").bind(name).text(")::date")
}

fn naive(zoned: Zoned) -> DateTime {
    zoned.datetime()
}

/// A timestamp column (naive UTC) against a value.
pub fn instant(sql: &Fragment, value: &DateValue) -> Fragment {
    let low = naive(value.range.start.to_zoned(TimeZone::UTC));
    let high = naive(value.range.end.to_zoned(TimeZone::UTC));
    let compare = |operator: &'static str, bound: DateTime| sql.clone().text(operator).bind(bound);
    if value.range.endless() {
        return open_end(
            sql,
            value.prefix,
            |operator| compare(operator, low),
            |operator| compare(operator, low),
        );
    }
    match value.prefix {
        Prefix::Eq | Prefix::Ap => Fragment::all([compare(" >= ", low), compare(" < ", high)]),
        Prefix::Ne => Fragment::any([compare(" < ", low), compare(" >= ", high)]),
        Prefix::Gt | Prefix::Sa => compare(" >= ", high),
        Prefix::Ge => compare(" >= ", low),
        Prefix::Lt | Prefix::Eb => compare(" < ", low),
        Prefix::Le => compare(" < ", high),
    }
}

/// A value without end: nothing lies behind it. `whole` compares with its first whole moment, `part` with its start.
fn open_end(
    sql: &Fragment,
    prefix: Prefix,
    whole: impl Fn(&'static str) -> Fragment,
    part: impl Fn(&'static str) -> Fragment,
) -> Fragment {
    match prefix {
        Prefix::Eq | Prefix::Ge => whole(" >= "),
        Prefix::Ap => part(" >= "),
        Prefix::Ne | Prefix::Lt => whole(" < "),
        Prefix::Eb => part(" < "),
        Prefix::Gt | Prefix::Sa => Fragment::truth(false),
        Prefix::Le => sql.clone().text(" IS NOT NULL"),
    }
}

fn floor(time: DateTime) -> Date {
    time.date()
}

fn ceiling(time: DateTime) -> Date {
    if time.time() == Time::midnight() { time.date() } else { next(time.date()) }
}

fn next(date: Date) -> Date {
    date.checked_add(1.day()).unwrap_or(Date::MAX)
}

/// A DATE column against a value.
fn day(sql: &Fragment, value: &DateValue) -> Fragment {
    let Local { start: low, end } = value.local;
    let compare = |operator: &'static str, bound: Date| sql.clone().text(operator).bind(bound);
    let Some(high) = end else {
        let whole = |operator| compare(operator, ceiling(low));
        return open_end(sql, value.prefix, whole, |operator| compare(operator, floor(low)));
    };
    // The day [d, d+1) lies inside [low, high).
    let first = ceiling(low);
    let last = floor(high);
    let inside = || Fragment::all([compare(" >= ", first), compare(" < ", last)]);
    match value.prefix {
        Prefix::Eq => inside(),
        Prefix::Ne => Fragment::any([compare(" < ", first), compare(" >= ", last)]),
        Prefix::Gt => compare(" >= ", floor(high)),
        Prefix::Lt => compare(" < ", ceiling(low)),
        Prefix::Ge => Fragment::any([compare(" >= ", floor(high)), inside()]),
        Prefix::Le => Fragment::any([compare(" < ", ceiling(low)), inside()]),
        Prefix::Sa => compare(" >= ", ceiling(high)),
        Prefix::Eb => compare(" < ", floor(low)),
        Prefix::Ap => Fragment::all([compare(" >= ", floor(low)), compare(" < ", ceiling(high))]),
    }
}

/// Start or end of a Period, and the condition under which it is written.
type End<'m> = (Option<&'m Condition>, &'m Leaf);

fn end<'m>(node: &'m Node, row: &'m Row) -> Option<End<'m>> {
    match node {
        Node::Leaf(leaf) => Some((None, leaf)),
        Node::When { slot, node } => match (row.slots.get(*slot)?, node.as_ref()) {
            (Slot::Holds(condition), Node::Leaf(leaf)) => Some((Some(condition), leaf)),
            _ => None,
        },
        _ => None,
    }
}

/// A Period of two columns against a value. One without both is at no time.
fn period(
    builder: &mut Builder<'_>,
    zone: &TimeZone,
    start: Option<End<'_>>,
    end: Option<End<'_>>,
    value: &DateValue,
) -> Result<Fragment, Masked> {
    let mut known = Vec::new();
    let mut bound = |end: Option<End<'_>>, none: &'static str, last: bool| -> Result<Fragment, Masked> {
        let Some((condition, leaf)) = end else { return Ok(Fragment::raw(none)) };
        let mut sql = builder.expression(&leaf.expression)?;
        if let Some(condition) = condition {
            let condition = builder.condition(condition)?;
            sql = Fragment::raw("CASE WHEN ").then(condition).text(" THEN ").then(sql).text(" END");
        }
        known.push(sql.clone().parens().text(" IS NOT NULL"));
        let name = zone.iana_name().unwrap_or("UTC").to_owned();
        let sql = match leaf.expression.kind() {
            Kind::Date => {
                let day = if last { sql.parens().text(" + 1") } else { sql };
                Fragment::raw("((")
                    .then(day)
                    .text(")::timestamp AT TIME ZONE ")
                    .bind(name)
                    .text(") AT TIME ZONE 'UTC'")
            }
            _ => sql,
        };
        Ok(Fragment::raw("COALESCE(").then(sql).text(", ").text(none).text(")"))
    };
    let start = bound(start, "'-infinity'::timestamp", false)?;
    let end = bound(end, "'infinity'::timestamp", true)?;
    let known = Fragment::any(known);
    let low = naive(value.range.start.to_zoned(TimeZone::UTC));
    let high = naive(value.range.end.to_zoned(TimeZone::UTC));
    let endless = value.range.endless();
    let from = |operator: &'static str, bound: DateTime| start.clone().text(operator).bind(bound);
    let to = |operator: &'static str, bound: DateTime| match operator {
        // A Period that has an end lies inside; one without reaches farther.
        " <= " if endless && bound == high => end.clone().text(" < 'infinity'"),
        " > " if endless && bound == high => end.clone().text(" = 'infinity'"),
        _ => end.clone().text(operator).bind(bound),
    };
    let inside = || Fragment::all([from(" >= ", low), to(" <= ", high)]);
    let compared = match value.prefix {
        Prefix::Eq => inside(),
        Prefix::Ne => Fragment::any([from(" < ", low), to(" > ", high)]),
        Prefix::Gt => to(" > ", high),
        Prefix::Lt => from(" < ", low),
        Prefix::Ge => Fragment::any([to(" > ", high), inside()]),
        Prefix::Le => Fragment::any([from(" < ", low), inside()]),
        Prefix::Sa if endless => Fragment::truth(false),
        Prefix::Sa => from(" >= ", high),
        Prefix::Eb => to(" <= ", low),
        Prefix::Ap => Fragment::all([from(" < ", high), to(" > ", low)]),
    };
    Ok(Fragment::all([known, compared]))
}
