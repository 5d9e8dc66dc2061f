//! History: <https://hl7.org/fhir/R4/http.html#history>. Tryton keeps the current version of a record, and from 7.0 on in
//! its log that a record was deleted. So the history of a resource is its current version, or its deletion, and that of a
//! type or of all types is their resources, last changed first.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use serde_json::{Value, json};

use super::{Answer, Request, gateway::Fhir, page_link, read, search};
use crate::{
    error::{self, Error, Result},
    fhir::bundle,
    mapping::compiled::ResourceType,
    plan,
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

    /// The parameters, for a link.
    fn address(&self, place: &str, page: Option<&str>) -> String {
        let (since, count) =
            (self.since.map(|since| since.to_string()), self.count.map(|count| count.to_string()));
        let pairs = [("_since", &since), ("_count", &count)];
        bundle::address(
            place,
            pairs.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?))),
            page,
        )
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
    let base = &request.base;
    let (entry, updated) = match read::read(fhir, request, &kind.name, id, &[]).await {
        Ok(answer) => (current(base, answer.resource()?), answer.last_modified),
        Err(error) if std::ptr::eq(error.entry(), &error::RESOURCE_UNKNOWN) => {
            let deleted = deleted(fhir, request, kind, id).await?.ok_or(error)?;
            let entry = json!({
                "fullUrl": format!("{base}/{}/{id}", kind.name),
                "request": { "method": "DELETE", "url": format!("{}/{id}", kind.name) },
                "response": { "status": "204", "lastModified": deleted.to_string() },
            });
            (entry, Some(deleted))
        }
        Err(error) => return Err(error),
    };
    let older = matches!((wanted.since, updated), (Some(since), Some(updated)) if updated < since);
    let entries = if older { Vec::new() } else { vec![entry] };
    let place = format!("{base}/{}/{id}/_history", kind.name);
    let links = json!([{ "relation": "self", "url": wanted.address(&place, None) }]);
    let total = Some(json!(entries.len()));
    let entries = if wanted.count == Some(0) { Vec::new() } else { entries };
    Ok(answer(links, total, entries))
}

/// The resources of a type, or of all types, last changed first.
pub(super) async fn all(
    fhir: &Fhir,
    request: &Request,
    kind: Option<&str>,
    pairs: &[(String, String)],
) -> Result<Answer> {
    fhir.caller(request).await?;
    let kind = kind.map(|kind| served(fhir, kind)).transpose()?.map(|kind| kind.name.as_str());
    let mut wanted = Wanted::read(pairs)?;
    wanted.count = wanted.count.map(|count| count.min(fhir.options.max_count));
    let mut asked = vec![("_sort".to_owned(), "-_lastUpdated".to_owned())];
    let mut ask = |name: &str, value: String| asked.push((name.to_owned(), value));
    if let Some(since) = wanted.since {
        ask("_lastUpdated", format!("ge{since}"));
    }
    if let Some(count) = wanted.count {
        ask("_count", count.to_string());
    }
    if let Some(page) = &wanted.page {
        ask("_page", page.clone());
    }
    let place = search::Place { kind, ..search::Place::default() };
    let mut found = search::search(fhir, request, place, &asked).await?.resource()?;
    let place = match kind {
        Some(kind) => format!("{}/{kind}/_history", request.base),
        None => format!("{}/_history", request.base),
    };
    let links = found["link"].as_array().into_iter().flatten().map(|link| {
        let page = link["url"].as_str().and_then(page_link::position);
        json!({ "relation": link["relation"], "url": wanted.address(&place, page.as_deref()) })
    });
    let links = links.collect();
    let entries = match found["entry"].take() {
        Value::Array(entries) => entries,
        _ => Vec::new(),
    };
    let entries = entries.into_iter().map(|mut entry| current(&request.base, entry["resource"].take()));
    Ok(answer(links, found.get("total").cloned(), entries.collect()))
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

/// When the resource of an id was deleted, where that can be said exactly: each record of its source is a resource.
async fn deleted(fhir: &Fhir, request: &Request, kind: &ResourceType, id: &str) -> Result<Option<Timestamp>> {
    let Some(target) = plan::parse_id(kind, id) else { return Ok(None) };
    let source = &kind.sources[target.source];
    let every = source.filter.is_none() && source.emits.iter().all(|emit| emit.when.is_none());
    let logs = fhir.compiled.types.get("AuditEvent").into_iter().flat_map(|kind| &kind.sources);
    let Some(log) = logs.into_iter().find(|log| every && log.model == "ir.model.log") else {
        return Ok(None);
    };
    let caller = fhir.caller(request).await?;
    let Ok(statement) = plan::deletion(log, source, target.record, &caller.permit) else { return Ok(None) };
    let rows = fhir.store.rows(Class::Request, &statement).await?;
    let time: Option<DateTime> = rows.first().map_or(Ok(None), |row| row.column(0))?;
    // Tryton writes UTC.
    Ok(time.and_then(|time| TimeZone::UTC.to_timestamp(time).ok()))
}

/// The entry of a current version. Whether it is the first one nobody knows, so it counts as an update.
fn current(base: &str, resource: Value) -> Value {
    if resource["resourceType"] == "OperationOutcome" {
        // What the search says of itself: records that cannot be written, types that are closed.
        return json!({
            "request": { "method": "GET", "url": "_history" },
            "response": { "status": "200", "outcome": resource },
        });
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let url = format!("{}/{}", text(&resource["resourceType"]), text(&resource["id"]));
    let meta = &resource["meta"];
    let mut response = json!({ "status": "200", "etag": format!("W/\"{}\"", text(&meta["versionId"])) });
    if meta["lastUpdated"].is_string() {
        response["lastModified"] = meta["lastUpdated"].clone();
    }
    json!({
        "fullUrl": format!("{base}/{url}"),
        "resource": resource,
        "request": { "method": "PUT", "url": url },
        "response": response,
    })
}

fn answer(links: Value, total: Option<Value>, entries: Vec<Value>) -> Answer {
    let mut bundle = json!({ "resourceType": "Bundle", "type": "history" });
    if let Some(total) = total {
        bundle["total"] = total;
    }
    bundle["link"] = links;
    if !entries.is_empty() {
        bundle["entry"] = entries.into();
    }
    Answer { body: bundle.to_string().into_bytes(), personal: true, ..Answer::default() }
}
