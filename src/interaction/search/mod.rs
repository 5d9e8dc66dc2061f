//! Search: <https://hl7.org/fhir/R4/http.html#search>, over one type, several or all of them, or a compartment.

mod include;
mod page;
mod types;
mod understood;
mod value_sets;

use self::types::Types;
use super::{
    Answer, Format, Request, explain,
    gateway::Fhir,
    page_link::Binding,
    plans::{Planned, Search, What},
};
use crate::{
    error::{Error, Result},
    fhir::bundle,
    mapping::{Compiled, compiled::ResourceType},
    plan::{Closed, Deletions, Direction, Part, Searched, Situation},
    search::{Filter, SearchRequest, Total},
    spans,
};

pub(super) use include::Directive;
pub(super) use page::{Page, matches};
pub(super) use types::{compartment, membership};
pub(super) use understood::{known_elements, understood};
pub(super) use value_sets::{included, value_sets};

/// What is searched.
#[derive(Clone, Copy, Debug, Default)]
pub struct Place<'a> {
    /// The type; none for all types.
    pub(super) kind: Option<&'a str>,
    /// Type and id of the resource whose compartment is searched.
    pub(super) compartment: Option<(&'a str, &'a str)>,
}

impl<'a> Place<'a> {
    /// All resources of a type.
    pub(super) fn of(kind: &'a str) -> Self {
        Self { kind: Some(kind), ..Self::default() }
    }

    /// The place of an address below the base: `Patient`, `Patient/1/Observation`, `Patient/1/*`, or nothing for all types.
    pub fn parse(address: &'a str) -> Option<Self> {
        let kind = |kind: &'a str| Some(kind).filter(|kind| *kind != "*");
        let (kind, compartment) = match address.split('/').collect::<Vec<_>>().as_slice() {
            [""] => (None, None),
            [name] => (Some(*name), None),
            [of, id, name] => (kind(name), Some((*of, *id))),
            _ => return None,
        };
        Some(Self { kind, compartment })
    }

    /// The types that are searched here.
    pub(super) fn types(self, compiled: &'a Compiled, pairs: &[(String, String)]) -> Result<Types<'a>> {
        Types::of(compiled, self, pairs)
    }

    /// Below the base.
    fn address(&self) -> String {
        match (self.compartment, self.kind) {
            (Some((of, id)), kind) => format!("{of}/{id}/{}", kind.unwrap_or("*")),
            (None, kind) => kind.unwrap_or_default().to_owned(),
        }
    }
}

/// A search that is understood.
pub(super) struct Understood<'a> {
    /// The types, in the order of the answer where that has no other.
    pub(super) kinds: Vec<&'a ResourceType>,
    /// The client named them: one that is closed is refused, not left out.
    pub(super) named: bool,
    pub(super) wanted: SearchRequest,
    pub(super) directives: Vec<Directive<'a>>,
    /// The conditions of each type.
    pub(super) filters: Vec<Vec<Filter>>,
    /// What lenient handling left out.
    pub(super) warnings: Vec<Error>,
    /// What the answer is.
    pub(super) bundle: bundle::Kind,
    /// What was deleted is found too.
    pub(super) deletions: Option<Deletions<'a>>,
}

impl<'a> Understood<'a> {
    /// The search of these types with the parameters that are left for it.
    pub(super) fn of(
        situation: Situation<'a>,
        types: Types<'a>,
        place: Place<'_>,
        lenient: bool,
    ) -> Result<Self> {
        let (mut wanted, mut warnings) = understood(situation, &types.kinds, &types.pairs, lenient)?;
        wanted.applied.splice(0..0, types.applied.clone());
        let directives = include::directives(situation, &types.kinds, &mut wanted, lenient, &mut warnings)?;
        let mut filters = vec![std::mem::take(&mut wanted.filters); types.kinds.len()];
        if let Some((of, id)) = place.compartment {
            for (kind, filters) in types.kinds.iter().zip(&mut filters) {
                filters.push(compartment(situation, kind, of, Some(id))?);
            }
        }
        Ok(Self {
            kinds: types.kinds,
            named: types.named,
            wanted,
            directives,
            filters,
            warnings,
            bundle: bundle::Kind::Searchset,
            deletions: None,
        })
    }

    /// What is planned: each type with its conditions.
    pub(super) fn parts(&self) -> Vec<Part<'_>> {
        types::parts(&self.kinds, self.filters.iter().map(Vec::as_slice))
    }

    /// The same as a search over several types.
    pub(super) fn searched<'s>(&self, parts: &'s [Part<'s>]) -> Searched<'s>
    where
        'a: 's,
    {
        Searched { parts, named: self.named, deletions: self.deletions }
    }
}

/// Searches.
pub(super) async fn search(
    fhir: &Fhir,
    request: &Request,
    place: Place<'_>,
    pairs: &[(String, String)],
) -> Result<Answer> {
    let caller = fhir.caller(request).await?;
    if let Some(pairs) = explain::asked(pairs)? {
        return explain::answer(fhir, &caller, request, place, &pairs).await;
    }
    let value_sets = value_sets(fhir, request, pairs).await?;
    let situation = Situation { value_sets: &value_sets, ..caller.situation(fhir, &request.base) };
    let types = place.types(&fhir.compiled, pairs)?;
    if let Some((of, id)) = place.compartment {
        fhir.must_see(&caller, of, id).await?;
    }
    let search = Understood::of(situation, types, place, request.lenient)?;
    answer(fhir, request, situation, &place.address(), search).await
}

/// Answers a search that is understood, of this address below the base.
pub(super) async fn answer<'a>(
    fhir: &'a Fhir,
    request: &'a Request,
    situation: Situation<'a>,
    address: &str,
    mut search: Understood<'a>,
) -> Result<Answer> {
    let count = search.wanted.count.map(|count| count.min(fhir.options.max_count));
    if let Some(count) = count {
        // The self link shows the count that was applied.
        for (_, value) in search.wanted.applied.iter_mut().filter(|(key, _)| key == "_count") {
            *value = count.to_string();
        }
    }
    let mut warnings = std::mem::take(&mut search.warnings);
    let parts = search.parts();
    let searched = search.searched(&parts);
    let Understood { wanted, directives, .. } = &search;
    let binding = Binding {
        user: situation.permit.user_id(),
        place: address,
        pairs: &wanted.applied,
        mapping: fhir.compiled.fingerprint,
    };
    let mut page = Page::new(fhir, request, situation, address, search.bundle, &wanted.subset);
    page.bundle.link("self", &wanted.applied, wanted.page.as_deref());
    let mut closed = Closed::default();
    let mut nothing = false;
    if wanted.total != Total::None || count == Some(0) {
        let search = Search { what: What::Count, searched, sort: &[], cursor: None, limit: 0 };
        let Planned { plan, gaps, .. } = fhir.plans.search(situation, search)?;
        let rows = page::run(fhir, &plan, "count", &gaps).await?;
        closed.clone_from(&plan.closed);
        let counts: Result<Vec<i64>> = rows.iter().map(|row| row.column(0)).collect();
        let total = counts?.into_iter().sum();
        page.bundle.total(total);
        nothing = total == 0;
    }
    if wanted.total != Total::Only && count != Some(0) {
        let limit = count.unwrap_or(fhir.options.default_count);
        let cursor =
            wanted.page.as_deref().map(|link| fhir.links.open(link, binding, situation.now)).transpose()?;
        let cursor = cursor.as_ref();
        // A stream has no pages to fill: it goes through one source after the other.
        let streams = request.format == Format::Lines && wanted.sort.is_empty();
        let matches = match (parts.as_slice(), searched.deletions, cursor) {
            ([part], None, Some(cursor)) if streams => {
                page::of_source(fhir, situation, *part, cursor, limit).await?
            }
            ([part], None, _) => page::of_one(fhir, situation, *part, wanted, cursor, limit).await?,
            _ => page::of_many(fhir, situation, searched, wanted, cursor, limit).await?,
        };
        closed.clone_from(&matches.closed);
        let backwards = cursor.is_some_and(|cursor| cursor.direction == Direction::Previous);
        let more = matches.more;
        let there = [if backwards { more } else { cursor.is_some() }, backwards || more];
        for (name, end, there) in
            [("previous", matches.first(), there[0]), ("next", matches.last(), there[1])]
        {
            if let (Some(end), true) = (end, there) {
                let sealed = fhir.links.seal(end, binding, situation.now)?;
                page.bundle.link(name, &wanted.applied, Some(&sealed));
            }
        }
        let found = spans::timed("render", || page.matches(&matches, directives));
        nothing = found.is_empty() && cursor.is_none();
        include::include(&mut page, directives, found, &mut warnings, &mut closed.types).await?;
    }
    warnings.extend(page.leave_out(&closed, nothing));
    page.warn(&warnings);
    let answer = Answer { personal: true, ..Answer::default() };
    Ok(match request.format {
        Format::Lines => Answer { lines: Some(page.bundle.lines()), ..answer },
        _ => Answer { body: page.bundle.finish(), ..answer },
    })
}
