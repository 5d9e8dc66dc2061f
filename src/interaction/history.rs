//! History: <https://hl7.org/fhir/R4/http.html#history>. Tryton keeps the current version of a record, and from 7.0 on in
//! its log that a record was deleted. So the history of a resource is its current version, or its deletion, and that of a
//! type or of all types is a search for these, last changed first.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

use super::{
    Answer, Request,
    gateway::Fhir,
    read,
    search::{self, Understood},
};
use crate::{
    error::{self, Error, Result},
    fhir::bundle::{self, Bundle, Version},
    mapping::compiled::ResourceType,
    plan::{self, Deletions},
    search::{Filter, SearchRequest, SortKey},
    store::Class,
};

/// Parameters of a history.
pub(super) const PARAMETERS: [&str; 3] = ["_since", "_count", "_page"];

/// What is wanted of a history.
#[derive(Default)]
struct Wanted {
    since: Option<Timestamp>,
    count: Option<u32>,
    page: Option<String>,
}

impl Wanted {
    fn read(pairs: &[(String, String)]) -> Result<Self> {
        let mut wanted = Self::default();
        let wrong = |detail: &str, name: &str| Error::new(&error::PARAMETER_VALUE).detail(detail).at(name);
        for (index, (name, value)) in pairs.iter().enumerate() {
            if pairs[..index].iter().any(|(known, _)| known == name) {
                return Err(wrong("It stands twice.", name.as_str()));
            }
            match name.as_str() {
                "_since" => {
                    let since = value.parse().map_err(|_| {
                        wrong("Expected an instant: a date with a time of day and its zone.", "_since")
                    })?;
                    wanted.since = Some(since);
                }
                "_count" => {
                    wanted.count =
                        Some(value.parse().map_err(|_| wrong("Expected a whole number.", "_count"))?);
                }
                "_page" => wanted.page = Some(value.clone()),
                _ => {
                    return Err(Error::new(&error::PARAMETER_UNKNOWN)
                        .detail("A history takes _since, _count, _format and _pretty.")
                        .at_key(name));
                }
            }
        }
        Ok(wanted)
    }

    /// The parameters, for links.
    fn applied(&self) -> Vec<(String, String)> {
        let since = self.since.map(|since| ("_since".to_owned(), since.to_string()));
        let count = self.count.map(|count| ("_count".to_owned(), count.to_string()));
        since.into_iter().chain(count).collect()
    }
}

/// The history of one resource.
pub(super) async fn instance(
    fhir: &Fhir,
    request: &Request,
    kind: &str,
    id: &str,
    pairs: &[(String, String)],
) -> Result<Answer> {
    fhir.caller(request).await?;
    let kind = served(fhir, kind)?;
    let wanted = Wanted::read(pairs)?;
    if wanted.page.is_some() {
        return Err(Error::new(&error::PAGE_FOREIGN).at("_page"));
    }
    let (place, base) = (format!("{}/{id}", kind.name), &request.base);
    let later =
        |time: Option<Timestamp>| !matches!((wanted.since, time), (Some(since), Some(time)) if time < since);
    let here = format!("{base}/{place}/_history");
    let mut bundle = Bundle::new(bundle::Kind::History, &here, base, Timestamp::now()).form(&request.form);
    bundle.link("self", &wanted.applied(), None);
    let entries = wanted.count != Some(0);
    let found = match read::read(fhir, request, &kind.name, id, &[]).await {
        Ok(answer) => {
            let found = later(answer.last_modified);
            if found && entries {
                let write = |out: &mut Vec<u8>| {
                    out.extend_from_slice(&answer.body);
                    Some(Version { id: answer.version?, updated: answer.last_modified })
                };
                bundle.entry(&place, "match", write);
            }
            found
        }
        Err(error) if std::ptr::eq(error.entry(), &error::RESOURCE_UNKNOWN) => {
            let deleted = deleted(fhir, request, kind, id).await?.ok_or(error)?;
            if later(Some(deleted)) && entries {
                request.trace.touched().add(&kind.name, &place, Vec::new());
                bundle.deletion(&place, deleted);
            }
            later(Some(deleted))
        }
        Err(error) => return Err(error),
    };
    bundle.total(i64::from(found));
    Ok(Answer { body: bundle.finish(), personal: true, ..Answer::default() })
}

/// The resources of a type, or of all types, last changed first, and what was deleted.
pub(super) async fn all(
    fhir: &Fhir,
    request: &Request,
    kind: Option<&str>,
    pairs: &[(String, String)],
) -> Result<Answer> {
    let caller = fhir.caller(request).await?;
    let situation = caller.situation(fhir, &request.base);
    let kinds: Vec<&ResourceType> = match kind {
        Some(kind) => vec![served(fhir, kind)?],
        None => fhir.compiled.types.values().filter(|kind| !kind.is_content()).collect(),
    };
    let asked = Wanted::read(pairs)?;
    let since = asked.since.map(|since| Filter {
        key: "_since".to_owned(),
        name: "_lastUpdated".to_owned(),
        values: vec![format!("ge{since}")],
        ..Filter::default()
    });
    let wanted = SearchRequest {
        sort: vec![SortKey { name: "_lastUpdated".to_owned(), descending: true }],
        count: asked.count,
        applied: asked.applied(),
        page: asked.page,
        ..SearchRequest::default()
    };
    let search = Understood {
        filters: vec![since.into_iter().collect(); kinds.len()],
        kinds,
        named: kind.is_some(),
        wanted,
        directives: Vec::new(),
        warnings: Vec::new(),
        bundle: bundle::Kind::History,
        deletions: Deletions::of(&fhir.compiled, asked.since),
    };
    let address = kind.map_or_else(|| "_history".to_owned(), |kind| format!("{kind}/_history"));
    search::answer(fhir, request, situation, &address, search).await
}

/// The type, when it has a history.
fn served<'a>(fhir: &'a Fhir, kind: &str) -> Result<&'a ResourceType> {
    let kind = fhir.kind(kind)?;
    if kind.is_content() {
        let detail = format!("{} has no history.", kind.name);
        return Err(Error::new(&error::INTERACTION_UNSUPPORTED).detail(detail).allow("OPTIONS"));
    }
    Ok(kind)
}

/// When the resource of an id was deleted, as far as the caller is told.
async fn deleted(fhir: &Fhir, request: &Request, kind: &ResourceType, id: &str) -> Result<Option<Timestamp>> {
    let Some(target) = plan::parse_id(kind, id) else { return Ok(None) };
    let Some(log) = Deletions::of(&fhir.compiled, None) else { return Ok(None) };
    let caller = fhir.caller(request).await?;
    let source = &kind.sources[target.source];
    let Ok(statement) = plan::deletion(log, source, target.record, &caller.permit) else { return Ok(None) };
    let rows = fhir.store.rows(Class::Request.to("look for a deletion"), &statement).await?;
    let time: Option<DateTime> = rows.first().map_or(Ok(None), |row| row.column(0))?;
    // Tryton writes UTC.
    Ok(time.and_then(|time| TimeZone::UTC.to_timestamp(time).ok()))
}
