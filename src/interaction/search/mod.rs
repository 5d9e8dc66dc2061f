//! Search: <https://hl7.org/fhir/R4/http.html#search>, over one type, several or all of them, or a compartment.

mod include;
mod page;
mod types;
mod understood;

use self::types::Types;
use super::{Answer, Request, gateway::Fhir, page_link::Binding};
use crate::{
    error::{self, Error, Result},
    plan::{self, Direction, Part},
    search::{Filter, Total},
    store::Class,
};

pub(super) use page::{Page, matches};
pub(super) use types::membership;
pub(super) use understood::{known_elements, understood};

/// What is searched.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    /// The type; none for all types.
    pub(super) kind: Option<&'a str>,
    /// Type and id of the resource whose compartment is searched.
    pub(super) compartment: Option<(&'a str, &'a str)>,
    /// Whether the caller may see that resource is known already.
    pub(super) seen: bool,
}

impl<'a> Place<'a> {
    /// All resources of a type.
    pub(super) fn of(kind: &'a str) -> Self {
        Self { kind: Some(kind), compartment: None, seen: false }
    }

    /// Below the base.
    fn address(&self) -> String {
        match (self.compartment, self.kind) {
            (Some((of, id)), kind) => format!("{of}/{id}/{}", kind.unwrap_or("*")),
            (None, kind) => kind.unwrap_or_default().to_owned(),
        }
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
    let situation = caller.situation(fhir, &request.base);
    let types = Types::of(fhir, place, pairs)?;
    let (mut wanted, mut warnings) = understood(situation, &types.kinds, &types.pairs, request.lenient)?;
    wanted.applied.splice(0..0, types.applied.clone());
    let directives =
        include::directives(situation, &types.kinds, &mut wanted, request.lenient, &mut warnings)?;
    let mut filters = vec![std::mem::take(&mut wanted.filters); types.kinds.len()];
    if let Some((of, id)) = place.compartment {
        if !place.seen {
            fhir.must_see(&caller, of, id).await?;
        }
        for (kind, filters) in types.kinds.iter().zip(&mut filters) {
            filters.push(types::compartment(situation, kind, of, id)?);
        }
    }
    let count = wanted.count.map(|count| count.min(fhir.options.max_count));
    if let Some(count) = count {
        // The self link shows the count that was applied.
        for (_, value) in wanted.applied.iter_mut().filter(|(key, _)| key == "_count") {
            *value = count.to_string();
        }
    }
    let address = place.address();
    let binding = Binding {
        user: caller.user,
        place: &address,
        pairs: &wanted.applied,
        mapping: fhir.compiled.fingerprint,
    };
    let parts = parts(fhir, &types, &filters);
    let mut page = Page::new(fhir, request, situation, &address, &wanted.subset);
    page.bundle.link("self", &wanted.applied, wanted.page.as_deref());
    let mut closed = Vec::new();
    if wanted.total != Total::None || count == Some(0) {
        let statement;
        (statement, closed) = plan::count(situation, &parts, types.named)?;
        let rows = fhir.store.rows(Class::Request, &statement).await?;
        let total: i64 = rows.first().map_or(Ok(0), |row| row.column(0))?;
        page.bundle.total(total);
    }
    if wanted.total != Total::Only && count != Some(0) {
        let limit = count.unwrap_or(fhir.options.default_count);
        let cursor =
            wanted.page.as_deref().map(|link| fhir.links.open(link, binding, situation.now)).transpose()?;
        let matches = match place.kind {
            Some(_) => page::of_one(fhir, situation, parts[0], &wanted, cursor.as_ref(), limit).await?,
            None => {
                page::of_many(fhir, situation, &parts, types.named, &wanted, cursor.as_ref(), limit).await?
            }
        };
        closed.clone_from(&matches.closed);
        let backwards = cursor.as_ref().is_some_and(|cursor| cursor.direction == Direction::Previous);
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
        let found = page.matches(&matches, &directives);
        include::include(&mut page, &directives, found, &mut warnings, &mut closed).await?;
    }
    if !closed.is_empty() {
        let left_out = format!("Left out: {}.", closed.join(", "));
        warnings.push(Error::new(&error::TYPES_CLOSED).detail(left_out));
    }
    page.warn(&warnings);
    Ok(Answer { body: page.bundle.finish(), personal: true, ..Answer::default() })
}

/// What is planned: each type with its conditions.
fn parts<'a>(fhir: &'a Fhir, types: &Types<'a>, filters: &'a [Vec<Filter>]) -> Vec<Part<'a>> {
    let single = types.kinds.len() == 1;
    let part = |(kind, filters): (&&'a _, &'a Vec<Filter>)| {
        let first = if single { 0 } else { types::first(&fhir.compiled, kind) };
        Part { kind, filters, first }
    };
    types.kinds.iter().zip(filters).map(part).collect()
}
