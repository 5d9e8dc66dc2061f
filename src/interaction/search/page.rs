//! The resources on a page, and the Bundle that they are written into.

use std::{
    cmp::Ordering,
    collections::{HashMap, HashSet},
    sync::Arc,
};

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

use super::{
    super::{
        Request, Touched,
        gateway::Fhir,
        plans::{Planned, Search, What},
    },
    include::Directive,
};
use crate::{
    error::{self, Error, Result},
    fhir::{
        bundle::{self, Bundle, Version},
        outcome::{self, Issue},
    },
    mapping::{Place, compiled::ResourceType},
    plan::{
        self, Closed, Cursor, Direction, Gaps, Part, SearchPlan, Searched, Shapes, Situation, Target, Wanted,
    },
    render::{Renderer, Shape, Site},
    search::{SearchRequest, Subset},
    store::{Class, Row},
};

/// A resource of a page.
pub(in crate::interaction) struct Hit<'a> {
    pub(super) place: Place<'a>,
    pub(super) record: i32,
    state: State,
}

/// What is known of a resource.
enum State {
    /// Index of its row, and of the shape of that.
    There { row: usize, shape: usize },
    /// When it was deleted.
    Deleted(Timestamp),
}

/// Rows of resources.
pub(in crate::interaction) struct Hits<'a> {
    pub(super) hits: Vec<Hit<'a>>,
    rows: Vec<Row>,
    /// Column of the record.
    column: usize,
    shapes: Shapes,
}

/// The matches of a page.
pub(in crate::interaction) struct Matches<'a> {
    hits: Hits<'a>,
    /// First and last position.
    ends: Option<(Cursor, Cursor)>,
    /// There are more in the direction of the page.
    pub(in crate::interaction) more: bool,
    /// What is left out because it is closed to the caller.
    pub(in crate::interaction) closed: Closed,
}

impl Matches<'_> {
    /// The position of the first.
    pub(super) fn first(&self) -> Option<&Cursor> {
        self.ends.as_ref().map(|(first, _)| first)
    }

    /// The position of the last.
    pub(super) fn last(&self) -> Option<&Cursor> {
        self.ends.as_ref().map(|(_, last)| last)
    }
}

/// A resource that was written, and what it refers to as far as that is included.
pub(in crate::interaction) struct Found<'a> {
    pub(super) place: Place<'a>,
    pub(super) record: i32,
    pub(super) refers: Vec<(Place<'a>, i32)>,
}

/// A page of one type: one statement.
pub(super) async fn of_one<'a>(
    fhir: &'a Fhir,
    situation: Situation<'a>,
    part: Part<'a>,
    wanted: &SearchRequest,
    cursor: Option<&Cursor>,
    limit: u32,
) -> Result<Matches<'a>> {
    let searched = Searched::named(std::slice::from_ref(&part));
    let search = Search { what: What::Page, searched, sort: &wanted.sort, cursor, limit };
    let plan = fhir.plans.search(situation, search)?;
    matches(fhir, part.kind, plan, cursor, limit).await
}

/// The same as far as the source goes that has the first match beyond the cursor; what follows begins with the next source.
pub(super) async fn of_source<'a>(
    fhir: &'a Fhir,
    situation: Situation<'a>,
    part: Part<'a>,
    cursor: &Cursor,
    limit: u32,
) -> Result<Matches<'a>> {
    let searched = Searched::named(std::slice::from_ref(&part));
    let search = Search { what: What::PageOfSource, searched, sort: &[], cursor: Some(cursor), limit };
    let plan = fhir.plans.search(situation, search)?;
    let source = plan.plan.shapes.iter().position(Option::is_some);
    // The pages of a stream are many, and asked for again tomorrow.
    let plan = Planned { number: None, ..plan };
    let mut matches = matches(fhir, part.kind, plan, Some(cursor), limit).await?;
    let following = source.map(|source| source + 1).filter(|source| *source < part.kind.sources.len());
    if let (false, Some(source)) = (matches.more, following) {
        let first = matches.ends.take().map_or_else(|| cursor.clone(), |(first, _)| first);
        (matches.more, matches.ends) = (true, Some((first, Cursor::before(source))));
    }
    Ok(matches)
}

/// What a plan of one type finds.
pub(in crate::interaction) async fn matches<'a>(
    fhir: &Fhir,
    kind: &'a ResourceType,
    Planned { plan, gaps, number }: Planned,
    cursor: Option<&Cursor>,
    limit: u32,
) -> Result<Matches<'a>> {
    let read = run(fhir, &plan, "page", &gaps);
    let mut rows = match number {
        Some(number) => fhir.unchanged.rows(number, || format!("{gaps:?}"), 4 + plan.keys, read).await?,
        None => read.await?,
    };
    let (more, ends) = trim(&mut rows, plan.keys, cursor, limit)?;
    let mut hits = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        let (source, record, emit) = position(row)?;
        let place = place(kind, source, emit)?;
        hits.push(Hit { place, record, state: State::There { row: index, shape: source } });
    }
    let hits = Hits { hits, rows, column: 3 + plan.keys, shapes: Arc::clone(&plan.shapes) };
    Ok(Matches { hits, ends, more, closed: plan.closed.clone() })
}

/// A page over several types: a statement for the positions, and one for the rows of those sources that are on it.
pub(super) async fn of_many<'a>(
    fhir: &'a Fhir,
    situation: Situation<'a>,
    searched: Searched<'a>,
    wanted: &SearchRequest,
    cursor: Option<&Cursor>,
    limit: u32,
) -> Result<Matches<'a>> {
    let search = Search { what: What::Positions, searched, sort: &wanted.sort, cursor, limit };
    let Planned { plan, gaps, .. } = fhir.plans.search(situation, search)?;
    let backwards = cursor.is_some_and(|cursor| cursor.direction == Direction::Previous);
    let descending: Vec<bool> = wanted.sort.iter().map(|key| key.descending).collect();
    let mut rows = positions(fhir, &plan, &gaps, &descending, backwards, limit).await?;
    let (more, ends) = trim(&mut rows, plan.keys, cursor, limit)?;
    let numbered: Vec<_> = searched.parts.iter().map(|part| (part.kind, part.first)).collect();
    let (mut positions, mut deleted) = (Vec::new(), Vec::new());
    for (index, row) in rows.iter().enumerate() {
        match placed(&numbered, row)? {
            (place, record, true) => {
                let state = State::Deleted(instant(row, 3)?);
                deleted.push((index, Hit { place, record, state }));
            }
            (place, record, false) => positions.push((place, record)),
        }
    }
    let (mut hits, _) = rows_of(fhir, situation, &positions, limit).await?;
    if !deleted.is_empty() {
        hits.insert(&positions, deleted);
    }
    Ok(Matches { hits, ends, more, closed: plan.closed.clone() })
}

/// The rows of a search, those of its statements one after the other.
pub(super) async fn run(
    fhir: &Fhir,
    plan: &SearchPlan,
    purpose: &'static str,
    gaps: &Gaps,
) -> Result<Vec<Row>> {
    let purpose = Class::Request.to(purpose).wide(plan.is_wide());
    fhir.store.rows_side_by_side(purpose, &plan.statements, gaps).await
}

/// The positions of a page and one more, in order.
async fn positions(
    fhir: &Fhir,
    plan: &SearchPlan,
    gaps: &Gaps,
    descending: &[bool],
    backwards: bool,
    limit: u32,
) -> Result<Vec<Row>> {
    let purpose = Class::Request.to("positions of a page").wide(plan.is_wide());
    let all = plan.statements.as_slice();
    if all.len() < 2 {
        return fhir.store.rows_side_by_side(purpose, all, gaps).await;
    }
    let wanted = limit as usize + 1;
    let mut rows = Vec::new();
    let mut rest = all;
    let split = if backwards { all.split_last() } else { all.split_first() };
    if let (0, Some((first, others))) = (plan.keys, split) {
        // They are in the order of their sources, so the first statement may find all of the page.
        rows = fhir.store.rows_filled(purpose, first, gaps).await?;
        if rows.len() >= wanted {
            return Ok(rows);
        }
        rest = others;
    }
    rows.extend(fhir.store.rows_side_by_side(purpose, rest, gaps).await?);
    let mut placed = Vec::with_capacity(rows.len());
    for row in rows {
        placed.push((Spot::of(&row, plan.keys)?, row));
    }
    placed.sort_by(|(one, _), (other, _)| {
        let order = one.cmp(other, descending);
        if backwards { order.reverse() } else { order }
    });
    Ok(placed.into_iter().map(|(_, row)| row).take(wanted).collect())
}

/// Where a row stands in the order of a search by moments: as [`plan`] has it.
struct Spot {
    moments: Vec<Option<String>>,
    tie: (usize, i32, usize),
}

impl Spot {
    fn of(row: &Row, keys: usize) -> Result<Self> {
        let moments: Result<_> = (0..keys).map(|key| row.column(3 + key)).collect();
        Ok(Self { moments: moments?, tie: position(row)? })
    }

    /// Missing values come last, in both directions of a key.
    fn cmp(&self, other: &Self, descending: &[bool]) -> Ordering {
        let keys = self.moments.iter().zip(&other.moments).zip(descending);
        let unequal = keys.map(|((one, other), descending)| match (one, other) {
            // PostgreSQL writes them so that they are in the order of their texts.
            (Some(one), Some(other)) if *descending => other.cmp(one),
            (Some(one), Some(other)) => one.cmp(other),
            (one, other) => one.is_none().cmp(&other.is_none()),
        });
        unequal.fold(Ordering::Equal, Ordering::then).then(self.tie.cmp(&other.tie))
    }
}

/// The rows of known positions in their order, and whether there are more than the limit. What has been removed
/// meanwhile, or is hidden from the caller, is not among them.
pub(super) async fn rows_of<'a>(
    fhir: &Fhir,
    situation: Situation<'_>,
    positions: &[(Place<'a>, i32)],
    limit: u32,
) -> Result<(Hits<'a>, bool)> {
    let wanted = Wanted::group(positions.iter().copied());
    let plan = fhir.plans.rows(situation, &wanted, limit, || plan::rows(situation, &wanted, limit))?;
    let purpose = Class::Request.to("rows of positions");
    let mut rows = match &plan.statement {
        Some(statement) => fhir.store.rows_filled(purpose, statement, &Wanted::gaps(&wanted)).await?,
        None => Vec::new(),
    };
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let mut by_position = HashMap::new();
    for (index, row) in rows.iter().enumerate() {
        let (group, record, emit) = position(row)?;
        let of = wanted.get(group).ok_or_else(defect)?;
        by_position.insert((of.kind.name.as_str(), of.source, emit, record), (index, group));
    }
    let hits = positions
        .iter()
        .filter_map(|(place, record)| {
            let key = (place.kind.name.as_str(), place.source, place.emit, *record);
            let (row, shape) = by_position.remove(&key)?;
            Some(Hit { place: *place, record: *record, state: State::There { row, shape } })
        })
        .collect();
    Ok((Hits { hits, rows, column: 3, shapes: Arc::clone(&plan.shapes) }, more))
}

/// Cuts what is beyond the limit and puts a page that was read backwards into its order.
fn trim(
    rows: &mut Vec<Row>,
    keys: usize,
    cursor: Option<&Cursor>,
    limit: u32,
) -> Result<(bool, Option<(Cursor, Cursor)>)> {
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    if cursor.is_some_and(|cursor| cursor.direction == Direction::Previous) {
        rows.reverse();
    }
    let end = |row: &Row, direction: Direction| -> Result<Cursor> {
        let values: Result<Vec<Option<String>>> = (0..keys).map(|index| row.column(3 + index)).collect();
        Ok(Cursor {
            keys: values?,
            source: row.column(0)?,
            record: row.column(1)?,
            emit: row.column(2)?,
            direction,
        })
    };
    let ends = match (rows.first(), rows.last()) {
        (Some(first), Some(last)) => Some((end(first, Direction::Previous)?, end(last, Direction::Next)?)),
        _ => None,
    };
    Ok((more, ends))
}

fn defect() -> Error {
    Error::new(&error::INTERNAL).cause("a page has a row of no source")
}

/// Source, record and emit of a row.
fn position(row: &Row) -> Result<(usize, i32, usize)> {
    let index = |column: usize| -> Result<usize> {
        row.column::<i32>(column).and_then(|number| usize::try_from(number).map_err(|_| defect()))
    };
    Ok((index(0)?, row.column(1)?, index(2)?))
}

/// The position of a row of several types, of which each has the number of its first source, and whether it is that of a
/// deletion.
pub(super) fn placed<'a>(kinds: &[(&'a ResourceType, usize)], row: &Row) -> Result<(Place<'a>, i32, bool)> {
    let (number, record, emit) = position(row)?;
    let (kind, first) = kinds.iter().rev().find(|(_, first)| *first <= number).ok_or_else(defect)?;
    let source = number - first;
    let emits = kind.sources.get(source).ok_or_else(defect)?.emits.len();
    let deleted = emit >= emits;
    Ok((place(kind, source, if deleted { emit - emits } else { emit })?, record, deleted))
}

/// The moment in a column. Tryton writes UTC.
fn instant(row: &Row, column: usize) -> Result<Timestamp> {
    let text: Option<String> = row.column(column)?;
    let time: Option<DateTime> = text.and_then(|text| text.parse().ok());
    time.and_then(|time| TimeZone::UTC.to_timestamp(time).ok()).ok_or_else(defect)
}

impl<'a> Hits<'a> {
    /// Puts deletions between what is there: `all` are the positions that were looked for, and each deletion has its
    /// index among both.
    fn insert(&mut self, all: &[(Place<'a>, i32)], deleted: Vec<(usize, Hit<'a>)>) {
        let mut there = std::mem::take(&mut self.hits).into_iter().peekable();
        let mut all = all.iter();
        let mut deleted = deleted.into_iter().peekable();
        for index in 0.. {
            if let Some((_, hit)) = deleted.next_if(|(at, _)| *at == index) {
                self.hits.push(hit);
                continue;
            }
            let Some((place, record)) = all.next() else { break };
            self.hits.extend(there.next_if(|hit| hit.place == *place && hit.record == *record));
        }
    }
}

fn place(kind: &ResourceType, source: usize, emit: usize) -> Result<Place<'_>> {
    let known = kind.sources.get(source).is_some_and(|source| emit < source.emits.len());
    if known { Ok(Place { kind, source, emit }) } else { Err(defect()) }
}

/// The Bundle, and what is on it.
pub(in crate::interaction) struct Page<'a> {
    pub(super) fhir: &'a Fhir,
    pub(super) situation: Situation<'a>,
    pub(in crate::interaction) bundle: Bundle,
    request: &'a str,
    touched: &'a Touched,
    site: Site,
    subset: &'a Subset,
    known: HashSet<(&'a str, usize, usize, i32)>,
}

impl<'a> Page<'a> {
    /// An empty page of the search at this address.
    pub(in crate::interaction) fn new(
        fhir: &'a Fhir,
        request: &'a Request,
        situation: Situation<'a>,
        address: &str,
        kind: bundle::Kind,
        subset: &'a Subset,
    ) -> Self {
        let place =
            if address.is_empty() { request.base.clone() } else { format!("{}/{address}", request.base) };
        Self {
            fhir,
            situation,
            bundle: Bundle::new(kind, &place, &request.base, situation.now).form(&request.form),
            request: &request.id,
            touched: request.trace.touched(),
            site: Site { zone: situation.zone.clone(), narrative: fhir.options.narrative },
            subset,
            known: HashSet::new(),
        }
    }

    /// Whether a resource is on the page.
    pub(super) fn has(&self, place: Place<'a>, record: i32) -> bool {
        self.known.contains(&(place.kind.name.as_str(), place.source, place.emit, record))
    }

    /// Writes the matches.
    pub(in crate::interaction) fn matches(
        &mut self,
        matches: &Matches<'a>,
        directives: &[Directive<'a>],
    ) -> Vec<Found<'a>> {
        let directives: Vec<&Directive<'a>> = directives.iter().collect();
        self.write(&matches.hits, "match", self.subset, &directives)
    }

    /// Writes what is included. `_elements` is said of the matches (<https://hl7.org/fhir/R4/search.html#elements>),
    /// `_summary` of all.
    pub(super) fn included(&mut self, hits: &Hits<'a>, directives: &[&Directive<'a>]) -> Vec<Found<'a>> {
        let subset = match self.subset {
            Subset::Elements(_) => &Subset::All,
            subset => subset,
        };
        self.write(hits, "include", subset, directives)
    }

    fn write(
        &mut self,
        hits: &Hits<'a>,
        mode: &str,
        subset: &Subset,
        directives: &[&Directive<'a>],
    ) -> Vec<Found<'a>> {
        let mut all = Vec::new();
        for hit in &hits.hits {
            let (row, shape) = match hit.state {
                State::There { row, shape } => (row, shape),
                State::Deleted(time) => {
                    let address = address(hit);
                    self.touched.add(&hit.place.kind.name, &address, Vec::new());
                    self.bundle.deletion(&address, time);
                    continue;
                }
            };
            let key = (hit.place.kind.name.as_str(), hit.place.source, hit.place.emit, hit.record);
            if !self.known.insert(key) {
                continue;
            }
            let record = hits.rows[row].raw(hits.column).ok().flatten();
            let shape = hits.shapes[shape].as_ref();
            let refers = record.zip(shape).and_then(|(record, shape)| {
                self.entry(hit, record, shape, mode, subset)?;
                Directive::references(directives, self.situation.compiled, hit.place, shape, record)
            });
            match refers {
                Some(refers) => all.push(Found { place: hit.place, record: hit.record, refers }),
                None => self.unmappable(hit),
            }
        }
        all
    }

    /// Writes one resource; nothing when its row has not the form that was planned.
    fn entry(
        &mut self,
        hit: &Hit<'a>,
        record: &[u8],
        shape: &Shape,
        mode: &str,
        subset: &Subset,
    ) -> Option<()> {
        let Place { kind, source, emit } = hit.place;
        let id = plan::format_id(kind, Target { source, emit, record: hit.record });
        let source = &kind.sources[source];
        let emit = &source.emits[emit];
        let renderer = Renderer {
            site: &self.site,
            row: &source.row,
            shape,
            profiles: &emit.profiles,
            subset,
            patients: self.touched.notes(),
        };
        let (address, touched) = (address(hit), self.touched);
        let write = |out: &mut Vec<u8>| {
            let rendered = renderer.resource(out, &emit.body, &id, record).ok()?;
            touched.add(&kind.name, &address, rendered.patients);
            Some(Version { id: rendered.version, updated: rendered.updated })
        };
        self.bundle.entry(&address, mode, write).then_some(())
    }

    fn unmappable(&mut self, hit: &Hit<'a>) {
        tracing::error!(
            kind = hit.place.kind.name,
            "a record cannot be mapped: its row has not the form that was planned"
        );
        self.warn(&[Error::new(&error::RECORD_UNMAPPABLE).detail(address(hit))]);
    }

    /// Marks a Bundle of which something is closed to the caller. Closed types are named, and closed records where nothing
    /// was found: that must not be taken for "there is nothing".
    pub(in crate::interaction) fn leave_out(&mut self, closed: &Closed, nothing: bool) -> Option<Error> {
        if closed.is_empty() {
            return None;
        }
        self.bundle.redact();
        let records = closed.records.iter().filter(|_| nothing);
        let names: Vec<_> = closed.types.iter().chain(records).map(String::as_str).collect();
        let detail = format!("Left out: {}.", names.join(", "));
        (!names.is_empty()).then(|| Error::new(&error::TYPES_CLOSED).detail(detail))
    }

    /// Adds an outcome of these, when there are any.
    pub(in crate::interaction) fn warn(&mut self, errors: &[Error]) {
        if !errors.is_empty() {
            let issues: Vec<_> = errors.iter().map(Issue::warning).collect();
            let outcome = outcome::outcome(&issues, Some(self.request)).to_string();
            self.bundle.outcome(outcome.as_bytes());
        }
    }
}

/// `[type]/[id]`.
fn address(hit: &Hit<'_>) -> String {
    let Place { kind, source, emit } = hit.place;
    format!("{}/{}", kind.name, plan::format_id(kind, Target { source, emit, record: hit.record }))
}
