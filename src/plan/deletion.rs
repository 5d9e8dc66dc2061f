//! Records that were deleted, as the log of Tryton 7.0 (`ir.model.log`) has them.
//!
//! Nothing is left of such a record that a record rule could look at. So its deletion is told to those alone whom no rule
//! restricts in its model, as Tryton shows the entries of its log; and to nobody where a record of the model may be no
//! resource, because what it was cannot be said any more.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

use super::{
    branches::{Order, Part},
    keyset,
    scope::{Builder, Masked},
};
use crate::{
    mapping::compiled::{Compiled, Source},
    sql::{Fragment, Statement},
    tryton::Permit,
};

/// The deletions of a history.
#[derive(Clone, Copy, Debug)]
pub struct Deletions<'a> {
    /// The source that is made of the log.
    log: &'a Source,
    /// Only those of this moment or later.
    since: Option<Timestamp>,
}

impl<'a> Deletions<'a> {
    /// The deletions since a moment; none where no log is served, as with Tryton 6.0.
    pub fn of(compiled: &'a Compiled, since: Option<Timestamp>) -> Option<Self> {
        let sources = compiled.types.get("AuditEvent").into_iter().flat_map(|kind| &kind.sources);
        let log = sources.into_iter().find(|source| source.model == "ir.model.log")?;
        Some(Self { log, since })
    }
}

/// Who this is may know what was deleted of the model, and each record of it is a resource.
fn is_told(source: &Source, permit: &Permit) -> bool {
    let every = source.filter.is_none() && source.emits.iter().all(|emit| emit.when.is_none());
    every && permit.unrestricted(&source.model)
}

/// Which entries of the log tell of deletions.
fn entries(builder: &mut Builder<'_>, log: &Source) -> Result<Vec<Fragment>, Masked> {
    if !["event", "resource", "create_date"].iter().all(|field| builder.permit.field(&log.model, field)) {
        return Err(Masked);
    }
    let row = builder.scopes.last().expect("the log is open").root;
    let event = Fragment::new().column(row, "event").text(" = ").bind("delete");
    Ok(vec![builder.visible(log, row)?, event])
}

/// Plans the time of the deletion of a record: one row, NULL when the log does not say that it was deleted.
///
/// # Errors
/// [`Masked`] when the log, or the model of the record, is closed to the caller.
pub fn deletion(
    Deletions { log, .. }: Deletions<'_>,
    deleted: &Source,
    record: i32,
    permit: &Permit,
) -> Result<Statement, Masked> {
    if !is_told(deleted, permit) {
        return Err(Masked);
    }
    let mut builder = Builder::new(permit, &[]);
    let row = builder.open();
    let mut conditions = entries(&mut builder, log)?;
    let resource = format!("{},{record}", deleted.model);
    conditions.push(Fragment::new().column(row, "resource").text(" = ").bind(resource));
    let newest = Fragment::raw("SELECT max(").column(row, "create_date").text(")");
    Ok(newest.then(builder.close().from(&log.table, Fragment::all(conditions))).finish())
}

/// The positions of what was deleted of these types: source, record, and behind the emits of its source the one that it
/// was; their only key is the time. None when the caller is told of no deletion.
pub(super) fn positions(
    builder: &mut Builder<'_>,
    deletions: Deletions<'_>,
    parts: &[Part<'_>],
    order: Order<'_>,
) -> Option<Fragment> {
    let (mut models, mut sources, mut emits) = (Vec::new(), Vec::new(), Vec::new());
    let number = |number: usize| i32::try_from(number).unwrap_or(i32::MAX);
    for part in parts {
        for (index, source) in part.kind.sources.iter().enumerate() {
            if !is_told(source, builder.permit) {
                continue;
            }
            for emit in 0..source.emits.len() {
                models.push(String::from(source.model));
                sources.push(number(part.first + index));
                emits.push(number(source.emits.len() + emit));
            }
        }
    }
    if models.is_empty() {
        return None;
    }
    let row = builder.open();
    let conditions = entries(builder, deletions.log);
    let scope = builder.close();
    let conditions = conditions.ok()?;
    let part = |part: &'static str| {
        Fragment::raw("split_part(").column(row, "resource").text(", ',', ").text(part).text(")")
    };
    // Nothing keeps the text from being any other.
    let record = Fragment::raw("CASE WHEN ").then(part("2")).text(" ~ '^[0-9]{1,9}$' THEN ");
    let record = record.then(part("2")).text("::int4 END");
    let log = Fragment::raw("(SELECT ").then(part("1")).text(" AS model, ").then(record).text(" AS pk, max(");
    let log = log.column(row, "create_date").text(") AS at");
    let log = log.then(scope.from(&deletions.log.table, Fragment::all(conditions))).text(" GROUP BY 1, 2) ");
    let (deleted, wanted) = (builder.aliases.next(), builder.aliases.next());
    let [src, pk, k, at] = [(wanted, "src"), (deleted, "pk"), (wanted, "k"), (deleted, "at")]
        .map(|(alias, name)| Fragment::new().column(alias, name));
    let mut holds = vec![pk.clone().text(" IS NOT NULL")];
    if let Some(since) = deletions.since {
        let since: DateTime = since.to_zoned(TimeZone::UTC).datetime();
        holds.push(at.clone().text(" >= ").bind(since));
    }
    let keys: Vec<_> = order.keys.iter().map(|key| (key.clone(), at.clone())).collect();
    if let Some(cursor) = order.cursor {
        let tie = keyset::tie_of_many(cursor, &src, &pk, &k);
        holds.push(keyset::beyond(cursor, &keys, tie));
    }
    let mut select = Fragment::raw("SELECT ").then(src).text(", ").then(pk).text(", ").then(k);
    for (index, (_, key)) in keys.iter().enumerate() {
        select = select.text(", ").then(key.clone()).text(" AS s").number(index);
    }
    let select = select.text(" FROM ").then(log).alias(deleted).text(" JOIN unnest(").bind(models);
    let select = select.text(", ").bind(sources).text(", ").bind(emits).text(") ").alias(wanted);
    let select =
        select.text("(model, src, k) ON ").column(wanted, "model").text(" = ").column(deleted, "model");
    Some(select.text(" WHERE ").then(Fragment::all(holds)))
}
