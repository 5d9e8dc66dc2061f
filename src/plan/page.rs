//! A page of a search: one statement, whatever the number of rows and sources.
//!
//! The page is found first, as positions only (sort keys, source, record, emit); then the rows of these positions are
//! read with the same row shape that a read uses.

use jiff::{Timestamp, tz::TimeZone};

use super::{
    keyset::{self, Cursor, Direction, Key},
    predicate,
    scope::{Builder, Masked},
};
use crate::{
    error::{self, Error, Result},
    mapping::compiled::{Compiled, Emit, ResourceType, Source},
    render::Shape,
    search::{Filter, SearchRequest, SortKey},
    sql::{Alias, Fragment, Statement},
    tryton::Permit,
};

/// What a plan depends on beside the request.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// All mappings, for chains.
    pub compiled: &'a Compiled,
    /// Rights of the caller.
    pub permit: &'a Permit,
    /// Tryton languages for translated texts, best first.
    pub languages: &'a [String],
    /// Time zone of the site: dates without an offset are local.
    pub zone: &'a TimeZone,
    /// Now, for `ap`.
    pub now: Timestamp,
    /// Base URL: an absolute reference below it is one of this server.
    pub base: &'a str,
}

/// A page.
#[derive(Debug)]
pub struct PagePlan {
    /// Columns: source, record, emit, the sort keys as text, the record. One row more than asked for when there is a
    /// further page.
    pub statement: Statement,
    /// Number of sort keys.
    pub keys: usize,
    /// What the columns of the record hold and what the caller may not see, by source.
    pub shapes: Vec<Shape>,
}

/// Values of one statement at most.
const VALUES: usize = 20_000;

/// One source of a search, as positions.
struct Branch {
    index: usize,
    positions: Fragment,
}

/// Plans a page of `limit` rows.
///
/// # Errors
/// A parameter that is not offered or not allowed, a value that cannot be read, a type closed to the caller.
pub fn page(
    situation: Situation<'_>,
    kind: &ResourceType,
    request: &SearchRequest,
    cursor: Option<&Cursor>,
    limit: u32,
) -> Result<PagePlan> {
    let direction = cursor.map_or(Direction::Next, |cursor| cursor.direction);
    let mut builder = Builder::new(situation.permit, situation.languages);
    let keys = sort_keys(kind, &request.sort)?;
    let branches = branches(&mut builder, situation, kind, request, &keys, cursor)?;
    let order = keyset::order(&keys, direction, None);
    // The limit stands in the text: PostgreSQL plans a statement without values once, with the limit in view.
    let limit = limit as usize + 1;
    let cut = |positions: Fragment| {
        if request.newest.is_some() {
            return positions.parens();
        }
        Fragment::raw("(")
            .then(positions)
            .text(" ORDER BY ")
            .then(order.clone())
            .text(" LIMIT ")
            .number(limit)
            .text(")")
    };
    let mut all = branches.iter().map(|branch| cut(branch.positions.clone()));
    let found = match (all.len(), all.next()) {
        (_, None) => {
            return Ok(PagePlan { statement: nothing(keys.len()), keys: keys.len(), shapes: Vec::new() });
        }
        (1, Some(only)) => only,
        (_, Some(first)) => {
            let united = Fragment::join(std::iter::once(first).chain(all), " UNION ALL ");
            if request.newest.is_some() {
                united
            } else {
                Fragment::raw("SELECT * FROM (")
                    .then(united)
                    .text(") u ORDER BY ")
                    .then(order.clone())
                    .text(" LIMIT ")
                    .number(limit)
            }
        }
    };
    let found = match request.newest {
        Some(newest) => numbered(found, &order, newest).text(" LIMIT ").number(limit),
        None => found,
    };
    let page = builder.aliases.next();
    let mut shapes = vec![Shape::default(); kind.sources.len()];
    let mut rows = Vec::new();
    for branch in &branches {
        let source = &kind.sources[branch.index];
        let root = builder.open();
        let visible = builder.visible(source, root);
        let row = builder.record(&source.row);
        let scope = builder.close();
        let visible = visible.map_err(|Masked| Error::new(&error::MODEL_FORBIDDEN))?;
        let of_page = Fragment::new().column(root, "id").text(" = ").column(page, "pk");
        let from = scope.from(&source.table, of_page.text(" AND ").then(visible));
        let mut sql = Fragment::raw("SELECT ").then(row.record).text(" AS rec").then(from);
        if branches.len() > 1 {
            sql = sql.text(" AND ").column(page, "src").text(" = ").number(branch.index);
        }
        // OFFSET keeps PostgreSQL from joining the page last, with the rows of the whole table.
        rows.push(sql.text(" OFFSET 0").parens());
        shapes[branch.index] = row.shape;
    }
    let mut select = Fragment::raw("WITH page AS MATERIALIZED (").then(found).text(") SELECT ");
    select = select.column(page, "src").text(", ").column(page, "pk").text(", ").column(page, "k");
    for index in 0..keys.len() {
        select = select.text(", ").alias(page).text(".s").number(index).text("::text");
    }
    let statement = select
        .text(", r.rec FROM page ")
        .alias(page)
        .text(" CROSS JOIN LATERAL (")
        .then(Fragment::join(rows, " UNION ALL "))
        .text(") r ORDER BY ")
        .then(keyset::order(&keys, direction, Some(page)))
        .finish();
    let statement = bounded(statement)?;
    Ok(PagePlan { statement, keys: keys.len(), shapes })
}

/// Of positions with the same first key the first so many.
fn numbered(found: Fragment, order: &Fragment, newest: u32) -> Fragment {
    let number = Fragment::raw("row_number() OVER (PARTITION BY s0 ORDER BY ").then(order.clone()).text(")");
    let all = Fragment::raw("SELECT u.*, ").then(number).text(" AS n FROM (").then(found).text(") u");
    let some = Fragment::raw("SELECT * FROM (").then(all).text(") w WHERE n <= ").bind(i64::from(newest));
    some.text(" ORDER BY ").then(order.clone())
}

/// Plans the number of all matches.
///
/// # Errors
/// As [`page`].
pub fn count(situation: Situation<'_>, kind: &ResourceType, request: &SearchRequest) -> Result<Statement> {
    let mut builder = Builder::new(situation.permit, situation.languages);
    let branches = branches(&mut builder, situation, kind, request, &[], None)?;
    if branches.is_empty() {
        return Ok(Fragment::raw("SELECT 0::int8").finish());
    }
    let united = Fragment::join(branches.into_iter().map(|branch| branch.positions), " UNION ALL ");
    bounded(Fragment::raw("SELECT count(*) FROM (").then(united).text(") u").finish())
}

/// Refuses a statement that PostgreSQL could not read (its protocol counts values in 16 bits) or only slowly.
fn bounded(statement: Statement) -> Result<Statement> {
    if statement.values.len() > VALUES { Err(Error::new(&error::PARAMETER_LIMIT)) } else { Ok(statement) }
}

/// A statement without rows, with the columns of a page.
fn nothing(keys: usize) -> Statement {
    let mut select = Fragment::raw("SELECT 0, 0, 0");
    for _ in 0..keys {
        select.push(", NULL::text");
    }
    select.text(", ROW() WHERE FALSE").finish()
}

fn sort_keys(kind: &ResourceType, sort: &[SortKey]) -> Result<Vec<Key>> {
    sort.iter()
        .map(|key| {
            let kind = predicate::sort_kind(kind, &key.name)?;
            Ok(Key { kind, descending: key.descending })
        })
        .collect()
}

/// The positions of every source that is open to the caller and can match.
fn branches(
    builder: &mut Builder<'_>,
    situation: Situation<'_>,
    kind: &ResourceType,
    request: &SearchRequest,
    keys: &[Key],
    cursor: Option<&Cursor>,
) -> Result<Vec<Branch>> {
    // Every parameter is checked, also when no source could match.
    for filter in &request.filters {
        predicate::check(situation, kind, filter)?;
    }
    let mut branches = Vec::new();
    let mut open = false;
    for (index, source) in kind.sources.iter().enumerate() {
        if !situation.permit.model(&source.model) {
            continue;
        }
        let root = builder.open();
        let planned = branch(builder, situation, kind, index, source, root, request, keys, cursor);
        let scope = builder.close();
        match planned {
            Ok(Some((select, conditions, values))) => {
                open = true;
                let mut positions =
                    select.text(" FROM ").ident(&source.table).text(" ").alias(root).then(scope.joins());
                positions.append(values);
                positions = positions.text(" WHERE ").then(conditions);
                branches.push(Branch { index, positions });
            }
            Ok(None) => open = true,
            Err(Refusal::Source) => {}
            Err(Refusal::Request(error)) => return Err(error),
        }
    }
    if !open {
        return Err(Error::new(&error::MODEL_FORBIDDEN));
    }
    Ok(branches)
}

/// Why a source has no positions.
enum Refusal {
    /// It is closed to the caller.
    Source,
    /// The request cannot be answered.
    Request(Error),
}

impl From<Masked> for Refusal {
    fn from(Masked: Masked) -> Self {
        Self::Source
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Request(error)
    }
}

type Positions = (Fragment, Fragment, Fragment);

#[expect(
    clippy::too_many_arguments,
    reason = "the parts of one branch; a struct would only be taken apart again"
)]
fn branch(
    builder: &mut Builder<'_>,
    situation: Situation<'_>,
    kind: &ResourceType,
    index: usize,
    source: &Source,
    root: Alias,
    request: &SearchRequest,
    keys: &[Key],
    cursor: Option<&Cursor>,
) -> std::result::Result<Option<Positions>, Refusal> {
    let visible = builder.visible(source, root)?;
    let mut common = vec![visible];
    let per_emit = per_emit(builder, situation, kind, index, source, request, &mut common)?;
    if common.iter().any(|condition| condition.is("FALSE")) {
        return Ok(None);
    }
    let record = Fragment::new().column(root, "id");
    let mut select =
        Fragment::raw("SELECT ").number(index).text(" AS src, ").then(record.clone()).text(" AS pk, ");
    let single = source.emits.len() == 1;
    if single {
        let mut sorts = Vec::new();
        for (key, sort) in keys.iter().zip(&request.sort) {
            let sql = predicate::sort(builder, kind, index, 0, &sort.name, situation.zone)?;
            sorts.push((key.clone(), sql));
        }
        select = select.text("0 AS k");
        for (position, (_, sql)) in sorts.iter().enumerate() {
            select = select.text(", ").then(sql.clone()).text(" AS s").number(position);
        }
        common.extend(per_emit.into_iter().flatten());
        if let Some(cursor) = cursor {
            common.push(keyset::beyond(cursor, &sorts, index, &record, &Fragment::raw("0")));
        }
        let conditions = Fragment::all(common);
        return Ok((!conditions.is("FALSE")).then_some((select, conditions, Fragment::new())));
    }
    // A key that is the same for all resources of a record stands outside, so that records can be sorted before they
    // are taken apart.
    let mut sorts = Vec::new();
    for sort in &request.sort {
        sorts.push(same_aliases(builder, source.emits.len(), |builder, emit| {
            predicate::sort(builder, kind, index, emit, &sort.name, situation.zone)
        })?);
    }
    let shared = |all: &[Fragment]| all.windows(2).all(|pair| pair[0] == pair[1]);
    let name = builder.aliases.next();
    let mut rows = Vec::new();
    for (emit, condition) in per_emit.into_iter().enumerate() {
        let Some(condition) = condition else { continue };
        let mut row = Fragment::raw("(").number(emit).text(", ").then(condition);
        for all in sorts.iter().filter(|all| !shared(all)) {
            row = row.text(", ").then(all[emit].clone());
        }
        rows.push(row.text(")"));
    }
    if rows.is_empty() {
        return Ok(None);
    }
    let mut values =
        Fragment::raw(" CROSS JOIN LATERAL (VALUES ").then(Fragment::join(rows, ", ")).text(") ");
    values = values.alias(name).text("(k, ok");
    for (position, _) in sorts.iter().enumerate().filter(|(_, all)| !shared(all)) {
        values = values.text(", s").number(position);
    }
    values = values.text(")");
    let emit = Fragment::new().alias(name).text(".k");
    select = select.then(emit.clone()).text(" AS k");
    let sorts: Vec<_> = sorts
        .into_iter()
        .zip(keys)
        .enumerate()
        .map(|(position, (all, key))| {
            let sql = match all.first() {
                Some(first) if shared(&all) => first.clone(),
                _ => Fragment::new().alias(name).text(".s").number(position),
            };
            (key.clone(), sql)
        })
        .collect();
    for (position, (_, sql)) in sorts.iter().enumerate() {
        select = select.text(", ").then(sql.clone()).text(" AS s").number(position);
    }
    common.push(Fragment::new().alias(name).text(".ok"));
    if let Some(cursor) = cursor {
        common.push(keyset::beyond(cursor, &sorts, index, &record, &emit));
    }
    let conditions = Fragment::all(common);
    Ok((!conditions.is("FALSE")).then_some((select, conditions, values)))
}

/// Conditions that hold for all emits go to `common`; the others are returned by emit, `None` for one that cannot match.
fn per_emit(
    builder: &mut Builder<'_>,
    situation: Situation<'_>,
    kind: &ResourceType,
    index: usize,
    source: &Source,
    request: &SearchRequest,
    common: &mut Vec<Fragment>,
) -> std::result::Result<Vec<Option<Fragment>>, Refusal> {
    let mut emits: Vec<Vec<Fragment>> = Vec::new();
    let mut open = false;
    for emit in &source.emits {
        // A resource whose condition reads something closed is closed; the others of its record are not.
        emits.push(match when(builder, emit) {
            Ok(condition) => {
                open = true;
                condition.into_iter().collect()
            }
            Err(Masked) => vec![Fragment::truth(false)],
        });
    }
    if !open {
        return Err(Refusal::Source);
    }
    for filter in &request.filters {
        let conditions = same_aliases(builder, source.emits.len(), |builder, emit| {
            one(builder, situation, kind, index, emit, filter)
        })?;
        if conditions.windows(2).all(|pair| pair[0] == pair[1]) {
            common.extend(conditions.into_iter().next());
        } else {
            for (emit, condition) in conditions.into_iter().enumerate() {
                emits[emit].push(condition);
            }
        }
    }
    let emits = emits.into_iter().map(Fragment::all);
    Ok(emits.map(|condition| (!condition.is("FALSE")).then_some(condition)).collect())
}

fn when(builder: &mut Builder<'_>, emit: &Emit) -> std::result::Result<Option<Fragment>, Masked> {
    emit.when.as_ref().map(|when| builder.condition(when)).transpose()
}

fn one(
    builder: &mut Builder<'_>,
    situation: Situation<'_>,
    kind: &ResourceType,
    index: usize,
    emit: usize,
    filter: &Filter,
) -> Result<Fragment> {
    predicate::filter(builder, situation, kind, index, emit, filter)
}

/// Builds one fragment per emit from the same aliases, so that equal conditions are equal text.
pub fn same_aliases(
    builder: &mut Builder<'_>,
    count: usize,
    build: impl Fn(&mut Builder<'_>, usize) -> Result<Fragment>,
) -> Result<Vec<Fragment>> {
    if count == 1 {
        return Ok(vec![build(builder, 0)?]);
    }
    // The first round joins the tables that the conditions need; from then on they are known.
    for emit in 0..count {
        build(builder, emit)?;
    }
    let start = builder.aliases.used();
    let mut highest = start;
    let mut all = Vec::with_capacity(count);
    for emit in 0..count {
        builder.aliases.reuse_after(start);
        all.push(build(builder, emit)?);
        highest = highest.max(builder.aliases.used());
    }
    builder.aliases.reuse_after(highest);
    Ok(all)
}
