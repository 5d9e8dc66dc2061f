//! The positions that a search can find: sort keys, source, record and emit, of every source that is open to the caller.

use super::{
    deletion::Deletions,
    keyset::{self, Cursor, Key},
    page::Situation,
    predicate,
    scope::{Builder, Masked},
};
use crate::{
    error::{self, Error, Result},
    mapping::compiled::{Emit, ResourceType, Source},
    search::{Filter, SortKey},
    sql::{Alias, Fragment},
};

/// What is searched: a type, and what must hold for its resources.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// The type.
    pub kind: &'a ResourceType,
    /// All must hold.
    pub filters: &'a [Filter],
    /// Number of its first source in the order of the whole search.
    pub first: usize,
}

/// What is searched over several types.
#[derive(Clone, Copy, Debug)]
pub struct Searched<'a> {
    /// The types.
    pub parts: &'a [Part<'a>],
    /// A type that is closed to the caller is refused, not left out.
    pub named: bool,
    /// What was deleted is found too.
    pub deletions: Option<Deletions<'a>>,
}

impl<'a> Searched<'a> {
    /// Types that the search names.
    pub fn named(parts: &'a [Part<'a>]) -> Self {
        Self { parts, named: true, deletions: None }
    }
}

/// How the positions are ordered, and where they start.
#[derive(Clone, Copy, Default)]
pub(super) struct Order<'a> {
    pub(super) sort: &'a [SortKey],
    pub(super) keys: &'a [Key],
    pub(super) cursor: Option<&'a Cursor>,
    /// Of the rows that are equal in the first key only so many, the first by the other keys. Without pages.
    pub(super) newest: Option<u32>,
    /// Of the sources beyond the cursor only the first that can have matches.
    pub(super) one_source: bool,
}

impl Order<'_> {
    /// Nothing that is looked for is in the source of this number.
    fn passes(&self, number: usize) -> bool {
        let passed = |cursor: &Cursor| usize::try_from(cursor.source).is_ok_and(|source| number < source);
        self.one_source && self.cursor.is_some_and(passed)
    }
}

/// One source of a search, as positions.
pub(super) struct Branch {
    /// Index of the source in its type.
    pub(super) index: usize,
    pub(super) positions: Fragment,
}

/// What a search leaves out because it is closed to the caller.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Closed {
    /// Whole types.
    pub types: Vec<String>,
    /// Records of a model that are resources of a type, as `TYPE of MODEL`.
    pub records: Vec<String>,
}

impl Closed {
    fn leave_out(&mut self, kind: &ResourceType, source: &Source) {
        let name = format!("{} of {}", kind.name, source.model);
        if !self.records.contains(&name) {
            self.records.push(name);
        }
    }

    /// Nothing is.
    pub fn is_empty(&self) -> bool {
        self.types.is_empty() && self.records.is_empty()
    }
}

/// The positions of every source that is open to the caller and can match, and what is closed.
pub(super) fn branches(
    builder: &mut Builder<'_>,
    situation: Situation<'_>,
    part: Part<'_>,
    order: Order<'_>,
) -> Result<(Vec<Branch>, Closed)> {
    let kind = part.kind;
    // Every parameter is checked, also when no source could match.
    for filter in part.filters {
        predicate::check(situation, kind, filter)?;
    }
    // Nothing but the time of the last change tells which records are found, so that of all is looked at.
    builder.whole = part.filters.iter().all(|filter| filter.name == "_lastUpdated");
    let (mut branches, mut closed) = (Vec::new(), Closed::default());
    let mut open = false;
    for (index, source) in kind.sources.iter().enumerate() {
        if !situation.permit.model(&source.model) {
            closed.leave_out(kind, source);
            continue;
        }
        if order.passes(part.first + index) {
            open = true;
            continue;
        }
        let root = builder.open_source(source);
        builder.note_source();
        let planned = branch(builder, situation, part, index, source, root, order);
        let scope = builder.close();
        match planned {
            Ok(Some((select, conditions, values))) => {
                open = true;
                let mut positions =
                    select.text(" FROM ").ident(&source.table).text(" ").alias(root).then(scope.joins());
                positions.append(values);
                positions = positions.text(" WHERE ").then(conditions);
                branches.push(Branch { index, positions });
                if order.one_source {
                    break;
                }
            }
            Ok(None) => open = true,
            Err(Refusal::Source) => closed.leave_out(kind, source),
            Err(Refusal::Request(error)) => return Err(error),
        }
    }
    if !open {
        return Err(Error::new(&error::MODEL_FORBIDDEN));
    }
    Ok((branches, closed))
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

fn branch(
    builder: &mut Builder<'_>,
    situation: Situation<'_>,
    part: Part<'_>,
    index: usize,
    source: &Source,
    root: Alias,
    order: Order<'_>,
) -> std::result::Result<Option<Positions>, Refusal> {
    let kind = part.kind;
    let number = part.first + index;
    let Order { sort: wanted, keys, cursor, .. } = order;
    let visible = builder.visible(source, root)?;
    let mut common = vec![visible];
    let per_emit = per_emit(builder, situation, part, index, source, &mut common)?;
    if common.iter().any(|condition| condition.is("FALSE")) {
        return Ok(None);
    }
    let record = Fragment::new().column(root, "id");
    let mut select =
        Fragment::raw("SELECT ").number(number).text(" AS src, ").then(record.clone()).text(" AS pk, ");
    let single = source.emits.len() == 1;
    if single {
        let mut sorts = Vec::new();
        for (key, sort) in keys.iter().zip(wanted) {
            let sql = predicate::sort(builder, kind, index, 0, sort, situation.zone)?;
            sorts.push((key.clone(), sql));
        }
        select = select.text("0 AS k");
        for (position, (_, sql)) in sorts.iter().enumerate() {
            select = select.text(", ").then(sql.clone()).text(" AS s").number(position);
        }
        common.extend(per_emit.into_iter().flatten());
        if let Some(cursor) = cursor {
            let tie = keyset::tie(cursor, number, &record, &Fragment::raw("0"));
            common.push(keyset::beyond(cursor, &sorts, tie));
        }
        let conditions = Fragment::all(common);
        return Ok((!conditions.is("FALSE")).then_some((select, conditions, Fragment::new())));
    }
    // A key that is the same for all resources of a record stands outside, so that records can be sorted before they
    // are taken apart.
    let mut sorts = Vec::new();
    for sort in wanted {
        sorts.push(same_aliases(builder, source.emits.len(), |builder, emit| {
            predicate::sort(builder, kind, index, emit, sort, situation.zone)
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
        common.push(keyset::beyond(cursor, &sorts, keyset::tie(cursor, number, &record, &emit)));
    }
    let conditions = Fragment::all(common);
    Ok((!conditions.is("FALSE")).then_some((select, conditions, values)))
}

/// Conditions that hold for all emits go to `common`; the others are returned by emit, `None` for one that cannot match.
fn per_emit(
    builder: &mut Builder<'_>,
    situation: Situation<'_>,
    part: Part<'_>,
    index: usize,
    source: &Source,
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
    for filter in part.filters {
        let start = builder.noted();
        let conditions = same_aliases(builder, source.emits.len(), |builder, emit| {
            predicate::filter(builder, situation, part.kind, index, emit, filter)
        })?;
        if conditions.windows(2).all(|pair| pair[0] == pair[1]) {
            common.extend(conditions.into_iter().next());
        } else {
            builder.forget(start);
            for (emit, condition) in conditions.into_iter().enumerate() {
                emits[emit].push(condition);
            }
        }
    }
    let emits = emits.into_iter().map(Fragment::all);
    Ok(emits.map(|condition| (!condition.is("FALSE")).then_some(condition)).collect())
}

fn when(builder: &mut Builder<'_>, emit: &Emit) -> std::result::Result<Option<Fragment>, Masked> {
    emit.when.as_ref().map(|when| builder.meets(when)).transpose()
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
