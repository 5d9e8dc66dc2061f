//! Plans that are kept: what differs between two requests is mostly the record that they ask for.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use super::kept::{Kept, Once};
use crate::{
    error::Result,
    mapping::Place,
    plan::{self, Cursor, Gaps, Part, Pattern, ReadPlan, RowsPlan, SearchPlan, Searched, Situation, Wanted},
    search::{Filter, SortKey},
    spans,
    tryton::Permit,
};

/// What a condition takes beside its texts, about.
const OVERHEAD: usize = 512;

/// A plan that is kept, and its number, which no other one has ever had.
type Numbered<P> = (Arc<P>, u64);

/// The plans of a gateway.
#[derive(Default)]
pub(super) struct Plans {
    numbers: AtomicU64,
    reads: Kept<ReadKey, Numbered<ReadPlan>>,
    /// None: the searches of a pattern have no plan in common.
    searches: Kept<SearchKey, Option<Numbered<SearchPlan>>>,
    once: Once<SearchKey>,
    rows: Kept<RowsKey, Arc<RowsPlan>>,
    known: AtomicU64,
    made: AtomicU64,
}

/// Whose plan it is: equal rights and languages.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Whose {
    permit: u64,
    languages: Vec<String>,
}

impl Whose {
    fn of(permit: &Permit, languages: &[String]) -> Self {
        Self { permit: permit.key(), languages: languages.to_vec() }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct ReadKey {
    whose: Whose,
    kind: String,
    source: usize,
    emit: usize,
}

/// What is planned of a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum What {
    /// A page of one type.
    Page,
    /// A page of one type that ends where its source ends.
    PageOfSource,
    /// The positions of a page over several types.
    Positions,
    /// The number of all matches.
    Count,
    /// Of each code so many.
    Newest(u32),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct SearchKey {
    whose: Whose,
    /// Dates without an offset are local.
    zone: String,
    /// An absolute reference below it is one of this server.
    base: String,
    what: What,
    /// Types that are closed are refused.
    named: bool,
    kinds: Vec<String>,
    pattern: Pattern,
    sort: Vec<SortKey>,
    /// Of a further page its form.
    cursor: Option<Cursor>,
    limit: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct RowsKey {
    whose: Whose,
    sources: Vec<(String, usize, Vec<usize>)>,
    limit: u32,
}

/// A search beside its situation.
#[derive(Clone, Copy)]
pub(super) struct Search<'a> {
    pub(super) what: What,
    pub(super) searched: Searched<'a>,
    pub(super) sort: &'a [SortKey],
    /// Of a further page.
    pub(super) cursor: Option<&'a Cursor>,
    pub(super) limit: u32,
}

impl Search<'_> {
    /// Plans it with these parts instead of its own.
    fn plan(&self, situation: Situation<'_>, parts: &[Part<'_>]) -> Result<SearchPlan> {
        let Self { sort, cursor, limit, .. } = *self;
        let searched = Searched { parts, ..self.searched };
        match self.what {
            What::PageOfSource => plan::page_of_source(situation, parts[0], cursor, limit),
            What::Page => plan::page(situation, parts[0], sort, cursor, limit),
            What::Positions => plan::positions(situation, searched, sort, cursor, limit),
            What::Count => plan::count(situation, searched),
            What::Newest(newest) => plan::newest(situation, parts[0], sort, newest, limit),
        }
    }
}

/// A plan, and what fills its gaps.
pub(super) struct Planned {
    pub(super) plan: Arc<SearchPlan>,
    pub(super) gaps: Gaps,
    /// The number of the plan, when others of the same pattern have the same one.
    pub(super) number: Option<u64>,
}

impl Plans {
    /// How many were known, and how many were made.
    pub(super) fn counts(&self) -> (u64, u64) {
        (self.known.load(Ordering::Relaxed), self.made.load(Ordering::Relaxed))
    }

    fn numbered<P>(&self, plan: P) -> Numbered<P> {
        (Arc::new(plan), self.numbers.fetch_add(1, Ordering::Relaxed))
    }

    fn count<P>(&self, plan: Option<P>) -> Option<P> {
        let counter = if plan.is_some() { &self.known } else { &self.made };
        counter.fetch_add(1, Ordering::Relaxed);
        plan
    }

    /// The plan of a read, made once for equal rights; none when the source is closed.
    pub(super) fn read(
        &self,
        (permit, languages): (&Permit, &[String]),
        Place { kind, source, emit }: Place<'_>,
        make: impl FnOnce() -> Option<ReadPlan>,
    ) -> Option<Numbered<ReadPlan>> {
        let key = ReadKey { whose: Whose::of(permit, languages), kind: kind.name.clone(), source, emit };
        if let Some(plan) = self.count(self.reads.get(&key)) {
            return Some(plan);
        }
        let plan = self.numbered(spans::timed("plan", make)?);
        self.reads.put(key, plan.clone(), plan.0.statement.text.len());
        Some(plan)
    }

    /// The plan of the rows of known positions, made once for the same sources.
    ///
    /// # Errors
    /// As `make`.
    pub(super) fn rows(
        &self,
        situation: Situation<'_>,
        wanted: &[Wanted<'_>],
        limit: u32,
        make: impl FnOnce() -> Result<RowsPlan>,
    ) -> Result<Arc<RowsPlan>> {
        let source = |wanted: &Wanted<'_>| (wanted.kind.name.clone(), wanted.source, wanted.emits());
        let sources = wanted.iter().map(source).collect();
        let key = RowsKey { whose: Whose::of(situation.permit, situation.languages), sources, limit };
        if let Some(plan) = self.count(self.rows.get(&key)) {
            return Ok(plan);
        }
        let plan = Arc::new(spans::timed("plan", make)?);
        let bytes = plan.statement.as_ref().map_or(0, |statement| statement.text.len());
        self.rows.put(key, Arc::clone(&plan), bytes);
        Ok(plan)
    }

    /// The plan of a search, which is kept from the second time on that somebody asks for the same of any record.
    ///
    /// # Errors
    /// As [`plan::page`].
    pub(super) fn search(&self, situation: Situation<'_>, search: Search<'_>) -> Result<Planned> {
        let Searched { parts, named, deletions } = search.searched;
        let plain = || {
            let plan = spans::timed("plan", || search.plan(situation, parts))?;
            Ok(Planned { plan: Arc::new(plan), gaps: plan::gaps(None, search.cursor), number: None })
        };
        let alike = situation.value_sets.is_empty() && deletions.is_none();
        let pattern = if alike { Pattern::of(parts) } else { None };
        let Some((pattern, zone)) = pattern.zip(situation.zone.iana_name()) else { return plain() };
        let key = SearchKey {
            whose: Whose::of(situation.permit, situation.languages),
            zone: zone.to_owned(),
            base: situation.base.to_owned(),
            what: search.what,
            named,
            kinds: parts.iter().map(|part| part.kind.name.clone()).collect(),
            pattern,
            sort: search.sort.to_vec(),
            cursor: search.cursor.map(Cursor::form),
            limit: search.limit,
        };
        let gaps = plan::gaps(key.pattern.record(), search.cursor);
        let known = self.searches.get(&key);
        if let Some((plan, number)) = self.count(known.clone().flatten()) {
            return Ok(Planned { plan, gaps, number: Some(number) });
        }
        if known.is_some() || !self.once.again(&key) {
            return plain();
        }
        let make = |parts: &[Part<'_>]| search.plan(situation, parts);
        let plan = spans::timed("plan", || key.pattern.plan(parts, &make));
        let plan = plan.map(|plan| self.numbered(plan));
        let bytes: usize = key.pattern.conditions().iter().flatten().map(texts).sum();
        let statements = plan.iter().flat_map(|(plan, _)| &plan.statements);
        let text: usize = statements.map(|statement| statement.text.len()).sum();
        self.searches.put(key, plan.clone(), bytes + text);
        plan.map_or_else(plain, |(plan, number)| Ok(Planned { plan, gaps, number: Some(number) }))
    }
}

/// Texts in conditions.
fn texts(filter: &Filter) -> usize {
    let inner = filter.chain.as_deref().into_iter().chain(filter.parts());
    OVERHEAD + filter.values.iter().map(String::len).sum::<usize>() + inner.map(texts).sum::<usize>()
}
