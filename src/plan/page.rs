//! A page of a search: one statement, whatever the number of rows and sources.
//!
//! The page is found first, as positions only (sort keys, source, record, emit); then the rows of these positions are
//! read with the same row shape that a read uses.

use std::{collections::BTreeMap, sync::Arc};

use jiff::{Timestamp, tz::TimeZone};

use super::{
    branches::{Closed, Order, Part, Searched, branches},
    deletion,
    keyset::{self, Cursor, Direction, Key},
    predicate,
    read::stamped,
    scope::{Builder, Masked},
};
use crate::{
    error::{self, Error, Kind as ErrorKind, Result},
    mapping::compiled::{Compiled, Kind, ResourceType},
    render::Shape,
    search::{SortKey, value::TokenValue},
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
    /// Codes of the value sets that the search asks for and whose codes the records say.
    pub value_sets: &'a ValueSets,
    /// Rows tell which snapshot they are from, in their last column.
    pub stamped: bool,
}

/// Codes of value sets, by canonical URL.
pub type ValueSets = BTreeMap<String, Vec<TokenValue>>;

/// No value sets.
pub static NO_VALUE_SETS: ValueSets = ValueSets::new();

/// What the columns of a record hold and what the caller may not see, by source; none for one that is closed.
pub type Shapes = Arc<[Option<Shape>]>;

/// A search.
#[derive(Debug, PartialEq)]
pub struct SearchPlan {
    /// Of [`page`] and [`newest`] the columns are source, record, emit, the sort keys as text, the record, the snapshot; of [`positions`],
    /// whose rows [`super::rows`] reads, the same without the last two; with one row more than asked for when there is a
    /// further page. Of [`count`] it is the number. None when nothing can be found, several when they are to be run side by
    /// side: PostgreSQL plans a statement with one processor, and takes long for one through all tables.
    pub statements: Vec<Statement>,
    /// Number of sort keys.
    pub keys: usize,
    /// Those of the records.
    pub shapes: Shapes,
    /// What is left out.
    pub closed: Closed,
}

impl SearchPlan {
    /// It goes through nearly all tables: PostgreSQL takes longer to plan that than to run it. A search over one type does
    /// not, one over all types does.
    pub fn is_wide(&self) -> bool {
        self.statements.iter().map(|statement| statement.text.len()).sum::<usize>() >= WIDE
    }
}

/// Values of one statement at most.
const VALUES: usize = 20_000;

/// Plans a page of `limit` rows.
///
/// # Errors
/// A parameter that is not offered or not allowed, a value that cannot be read, a type closed to the caller.
pub fn page(
    situation: Situation<'_>,
    part: Part<'_>,
    sort: &[SortKey],
    cursor: Option<&Cursor>,
    limit: u32,
) -> Result<SearchPlan> {
    let keys = sort_keys(&[part.kind], sort)?;
    planned(situation, part, Order { sort, keys: &keys, cursor, ..Order::default() }, limit)
}

/// Plans a page without an order of its own that ends where its source ends: of the sources from that of the cursor on, the
/// first that can have matches. All pages of a source are the same statement, and none looks into the other sources.
///
/// # Errors
/// As [`page`].
pub fn page_of_source(
    situation: Situation<'_>,
    part: Part<'_>,
    cursor: Option<&Cursor>,
    limit: u32,
) -> Result<SearchPlan> {
    let order = Order { cursor, one_source: true, ..Order::default() };
    planned(situation, part, order, limit)
}

/// Plans `limit` rows, of those that are equal in the first key only so many, the first by the other keys. There are no
/// further pages.
///
/// # Errors
/// As [`page`].
pub fn newest(
    situation: Situation<'_>,
    part: Part<'_>,
    sort: &[SortKey],
    newest: u32,
    limit: u32,
) -> Result<SearchPlan> {
    let keys = sort_keys(&[part.kind], sort)?;
    planned(situation, part, Order { sort, keys: &keys, newest: Some(newest), ..Order::default() }, limit)
}

fn planned(situation: Situation<'_>, part: Part<'_>, order: Order<'_>, limit: u32) -> Result<SearchPlan> {
    let (kind, keys) = (part.kind, order.keys);
    let direction = order.cursor.map_or(Direction::Next, |cursor| cursor.direction);
    let mut builder = Builder::searching(situation);
    let (branches, closed) = branches(&mut builder, situation, part, order)?;
    let Some(found) =
        first_of(branches.iter().map(|branch| branch.positions.clone()).collect(), order, limit)
    else {
        return Ok(SearchPlan {
            statements: Vec::new(),
            keys: keys.len(),
            shapes: Shapes::default(),
            closed,
        });
    };
    let page = builder.aliases.next();
    let mut shapes = vec![None; kind.sources.len()];
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
        shapes[branch.index] = Some(row.shape);
    }
    let mut sets = builder.sets.within(&found);
    sets.push(Fragment::raw("page AS MATERIALIZED (").then(found).text(")"));
    let statement = with(sets)
        .text("SELECT ")
        .then(stamped(columns(page, keys.len()).text(", r.rec"), situation.stamped))
        .text(" FROM page ")
        .alias(page)
        .text(" CROSS JOIN LATERAL (")
        .then(Fragment::join(rows, " UNION ALL "))
        .text(") r ORDER BY ")
        .then(keyset::order(keys, direction, Some(page)))
        .finish();
    Ok(SearchPlan { statements: vec![bounded(statement)?], keys: keys.len(), shapes: shapes.into(), closed })
}

/// Plans the positions of a page over several types.
///
/// # Errors
/// As [`page`].
pub fn positions(
    situation: Situation<'_>,
    searched: Searched<'_>,
    sort: &[SortKey],
    cursor: Option<&Cursor>,
    limit: u32,
) -> Result<SearchPlan> {
    let direction = cursor.map_or(Direction::Next, |cursor| cursor.direction);
    let mut builder = Builder::searching(situation);
    let kinds: Vec<&ResourceType> = searched.parts.iter().map(|part| part.kind).collect();
    let keys = sort_keys(&kinds, sort)?;
    let order = Order { sort, keys: &keys, cursor, ..Order::default() };
    let (found, closed) = open_parts(&mut builder, situation, searched, order)?;
    let page = builder.aliases.next();
    let statement = |found: Vec<Fragment>| {
        let found = first_of(found, order, limit)?;
        let statement = with(builder.sets.within(&found))
            .text("SELECT ")
            .then(columns(page, keys.len()))
            .text(" FROM (")
            .then(found)
            .text(") ")
            .alias(page)
            .text(" ORDER BY ")
            .then(keyset::order(&keys, direction, Some(page)));
        Some(bounded(statement.finish()))
    };
    // Rows of several statements are put into order here, which is done for moments alone.
    let groups =
        if keys.iter().all(|key| key.kind == Kind::Timestamp) { side_by_side(found) } else { vec![found] };
    let statements: Result<_> = groups.into_iter().filter_map(statement).collect();
    Ok(SearchPlan { statements: statements?, keys: keys.len(), shapes: Shapes::default(), closed })
}

/// Bytes of the statements of a search from which it is wide.
const WIDE: usize = 128 * 1024;

/// Bytes of each statement of a wide search, about.
const GROUP: usize = 64 * 1024;

/// Groups of positions in their order, to be found by statements of about the same length: one, or of a wide search some.
fn side_by_side(found: Vec<Fragment>) -> Vec<Vec<Fragment>> {
    let bytes: usize = found.iter().map(Fragment::bytes).sum();
    let wanted = if bytes < WIDE { 1 } else { bytes.div_ceil(GROUP) };
    let each = bytes.div_ceil(wanted);
    let mut groups: Vec<Vec<Fragment>> = Vec::new();
    let mut passed = 0;
    for positions in found {
        let group = passed / each.max(1);
        passed += positions.bytes();
        if groups.len() <= group {
            groups.push(Vec::new());
        }
        groups.last_mut().expect("one was just pushed").push(positions);
    }
    groups
}

/// `WITH` these sub-queries, in their order; nothing without any.
fn with(all: Vec<Fragment>) -> Fragment {
    let begin = Fragment::raw(if all.is_empty() { "" } else { "WITH " });
    let end = if all.is_empty() { "" } else { " " };
    begin.then(Fragment::join(all, ", ")).text(end)
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
/// As [`positions`].
pub fn count(situation: Situation<'_>, searched: Searched<'_>) -> Result<SearchPlan> {
    let mut builder = Builder::searching(situation);
    let order = Order::default();
    let (found, closed) = open_parts(&mut builder, situation, searched, order)?;
    let statement = |found: Vec<Fragment>| {
        let united = Fragment::join(found, " UNION ALL ");
        let statement = with(builder.sets.within(&united)).text("SELECT count(*) FROM (");
        bounded(statement.then(united).text(") u").finish())
    };
    let statements: Result<_> = side_by_side(found).into_iter().map(statement).collect();
    Ok(SearchPlan { statements: statements?, keys: 0, shapes: Shapes::default(), closed })
}

/// The positions of all parts, and what is left out.
fn open_parts(
    builder: &mut Builder<'_>,
    situation: Situation<'_>,
    Searched { parts, named, deletions }: Searched<'_>,
    order: Order<'_>,
) -> Result<(Vec<Fragment>, Closed)> {
    let (mut found, mut closed) = (Vec::new(), Closed::default());
    for part in parts {
        match branches(builder, situation, *part, order) {
            Ok((branches, left_out)) => {
                found.extend(branches.into_iter().map(|branch| branch.positions));
                closed.records.extend(left_out.records);
            }
            Err(error) if !named && error.kind() == ErrorKind::Forbidden => {
                closed.types.push(part.kind.name.clone())
            }
            Err(error) => return Err(error),
        }
    }
    if closed.types.len() == parts.len() && !parts.is_empty() {
        return Err(Error::new(&error::MODEL_FORBIDDEN));
    }
    found.extend(deletions.and_then(|deletions| deletion::positions(builder, deletions, parts, order)));
    Ok((found, closed))
}

/// The first `limit` of all positions, and one more; nothing without any.
fn first_of(positions: Vec<Fragment>, order: Order<'_>, limit: u32) -> Option<Fragment> {
    let direction = order.cursor.map_or(Direction::Next, |cursor| cursor.direction);
    let newest = order.newest;
    let order = keyset::order(order.keys, direction, None);
    // The limit stands in the text: PostgreSQL plans a statement without values once, with the limit in view.
    let limit = limit as usize + 1;
    let cut = |positions: Fragment| {
        Fragment::raw("(")
            .then(positions)
            .text(" ORDER BY ")
            .then(order.clone())
            .text(" LIMIT ")
            .number(limit)
            .text(")")
    };
    let single = positions.len() == 1;
    if let Some(newest) = newest {
        let united = Fragment::join(positions.into_iter().map(Fragment::parens), " UNION ALL ");
        return (!united.is_empty()).then(|| numbered(united, &order, newest).text(" LIMIT ").number(limit));
    }
    let mut all = positions.into_iter().map(cut);
    let first = all.next()?;
    if single {
        return Some(first);
    }
    let united = Fragment::join(std::iter::once(first).chain(all), " UNION ALL ");
    let sql = Fragment::raw("SELECT * FROM (").then(united).text(") u ORDER BY ");
    Some(sql.then(order.clone()).text(" LIMIT ").number(limit))
}

/// Source, record, emit and sort keys of a page.
fn columns(page: Alias, keys: usize) -> Fragment {
    let mut columns =
        Fragment::new().column(page, "src").text(", ").column(page, "pk").text(", ").column(page, "k");
    for index in 0..keys {
        columns = columns.text(", ").alias(page).text(".s").number(index).text("::text");
    }
    columns
}

/// Refuses a statement that PostgreSQL could not read (its protocol counts values in 16 bits) or only slowly.
pub(super) fn bounded(statement: Statement) -> Result<Statement> {
    if statement.values.len() > VALUES { Err(Error::new(&error::PARAMETER_LIMIT)) } else { Ok(statement) }
}

/// The types of sort keys, which all types must share.
pub(super) fn sort_keys(kinds: &[&ResourceType], sort: &[SortKey]) -> Result<Vec<Key>> {
    sort.iter()
        .map(|key| Ok(Key { kind: predicate::sort_kind(kinds, &key.name)?, descending: key.descending }))
        .collect()
}
