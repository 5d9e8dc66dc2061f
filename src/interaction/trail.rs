//! `AuditEvent/$trail`: the audit trail of this gateway, read from its file, for members of the groups that the operator names.
//!
//! What is mapped as AuditEvent is the log of GNU Health, another thing: hence an operation, and events that have no address.

mod filter;

use serde_json::{Map, Value};

use self::filter::Filter;
use super::{
    Answer, Format, Request,
    gateway::{Caller, Fhir},
    operation::Call,
    page_link::Binding,
};
use crate::{
    audit::reader::{self, Position, Record, Unread},
    error::{self, Error, Result},
    fhir::{
        bundle::{self, Bundle},
        outcome::{self, Issue},
    },
    plan::{Cursor, Direction},
    spans,
};

const PLACE: &str = "AuditEvent/$trail";

/// A page of the trail.
///
/// # Errors
/// There is no file, the caller may not read it, or a parameter is not understood.
pub(super) async fn trail(fhir: &Fhir, request: &Request, call: &Call) -> Result<Answer> {
    let caller = fhir.caller(request).await?;
    let file = fhir.options.trail.clone().ok_or_else(|| Error::new(&error::TRAIL_ELSEWHERE))?;
    if !may_read(fhir, &caller)? {
        return Err(Error::new(&error::TRAIL_FORBIDDEN));
    }
    call.check()?;
    let now = jiff::Timestamp::now();
    let filter = Filter::of(call, &request.base, &caller.zone, now)?;
    let (count, applied) = count(fhir, call)?;
    let binding =
        Binding { user: caller.user, place: PLACE, pairs: &applied, mapping: fhir.compiled.fingerprint };
    let link = call.one("_page")?;
    let from = link.map(|link| fhir.links.open(link, binding, now)).transpose()?;
    let from = from.as_ref().map(position).transpose()?;
    let read = move || reader::page(&file, from.as_ref(), count, |event| filter.holds(event));
    let read = spans::within("read the audit trail", tokio::task::spawn_blocking(read)).await;
    let page = read.map_err(|error| Error::new(&error::INTERNAL).cause(error))?.map_err(unread)?;
    let address = format!("{}/{PLACE}", request.base);
    let kind = bundle::Kind::Searchset;
    let mut bundle = Bundle::new(kind, &address, &request.base, now).form(&request.form);
    bundle.link("self", &applied, link);
    if let Some(next) = &page.next {
        let sealed = fhir.links.seal(&cursor(next), binding, now)?;
        bundle.link("next", &applied, Some(&sealed));
    }
    for record in page.records {
        let patients = about(&record.event);
        if !patients.is_empty() {
            request.trace.touched().add("AuditEvent", "", patients);
        }
        bundle.unaddressed(&urn(&record.hash), &resource(record));
    }
    if page.broken > 0 {
        let places: Vec<_> = page.places.iter().map(ToString::to_string).collect();
        let first = if page.broken > page.places.len() as u64 { "the newest " } else { "" };
        let error = Error::new(&error::TRAIL_LINE).detail(format!(
            "Lines read for this page that are left out: {}; {first}at byte {} of the file.",
            page.broken,
            places.join(", ")
        ));
        let told = outcome::outcome(&[Issue::warning(&error)], None);
        bundle.outcome(told.to_string().as_bytes());
    }
    let answer = Answer { personal: true, ..Answer::default() };
    Ok(match request.format {
        Format::Lines => Answer { lines: Some(bundle.lines()), ..answer },
        _ => Answer { body: bundle.finish(), ..answer },
    })
}

/// The caller is a member of a group that the operator names, directly or by one that inherits from it.
fn may_read(fhir: &Fhir, caller: &Caller) -> Result<bool> {
    Ok(fhir.security()?.are_named(caller.permit.groups(), &fhir.options.trail_readers))
}

/// How many events a page has, and the parameters that links repeat.
fn count(fhir: &Fhir, call: &Call) -> Result<(usize, Vec<(String, String)>)> {
    let most = fhir.options.max_count;
    let count = match call.one("_count")?.map(str::parse::<u32>) {
        None => fhir.options.default_count,
        Some(Ok(count @ 1..)) => count.min(most),
        Some(_) => return Err(call.wrong("_count", "Expected a whole number from 1 on.")),
    };
    let given = call.given.pairs.iter().filter(|(name, _)| name != "_page");
    let applied = given.map(|(name, value)| match name.as_str() {
        "_count" => (name.clone(), count.to_string()),
        _ => (name.clone(), value.clone()),
    });
    Ok((count as usize, applied.collect()))
}

/// A position in the file as a link between pages holds it.
fn cursor(position: &Position) -> Cursor {
    let keys = vec![Some(position.to_string())];
    Cursor { keys, source: 0, record: 0, emit: 0, direction: Direction::Next }
}

fn position(cursor: &Cursor) -> Result<Position> {
    let text = cursor.keys.first().and_then(Option::as_deref).unwrap_or_default();
    text.parse().map_err(unread)
}

fn unread(why: Unread) -> Error {
    match why {
        Unread::NoFile => Error::new(&error::TRAIL_ELSEWHERE),
        Unread::Changed => Error::new(&error::PAGE_EXPIRED)
            .detail("The trail goes on in another file since: the one that the link is of was rotated away.")
            .at("_page"),
        Unread::Failed(error) => Error::new(&error::TRAIL_UNAVAILABLE).retry_after(5).cause(error),
    }
}

/// The event as it stands in the file, with an id.
fn resource(record: Record) -> Vec<u8> {
    // After something was lost, two records can have one number, but not one hash.
    let id = format!("trail-{}-{}", record.sequence, &record.hash[..16]);
    let mut resource = Map::new();
    resource.insert("resourceType".to_owned(), "AuditEvent".into());
    resource.insert("id".to_owned(), id.into());
    let rest = record.event.into_iter().filter(|(name, _)| name != "resourceType" && name != "id");
    resource.extend(rest);
    Value::Object(resource).to_string().into_bytes()
}

/// A name of the event that is made of its hash: <https://www.rfc-editor.org/rfc/rfc9562#name-uuid-version-8>.
fn urn(hash: &str) -> String {
    let part = |from: usize, to: usize| &hash[from..to];
    format!("urn:uuid:{}-{}-8{}-8{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}

/// What an event is about: whoever reads it learns of them.
fn about(event: &Map<String, Value>) -> Vec<String> {
    filter::references(event).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Position, cursor, position, resource, urn};
    use crate::audit::reader::Record;

    #[test]
    fn an_event_has_an_id_and_a_name_made_of_its_place_in_the_chain() {
        let hash = "0123456789abcdef".repeat(4);
        assert_eq!(urn(&hash), "urn:uuid:01234567-89ab-8def-8123-456789abcdef");
        let event = json!({ "resourceType": "AuditEvent", "action": "R", "id": "x" });
        let event = event.as_object().unwrap().clone();
        let written = resource(Record { sequence: 7, hash, event });
        let expected = r#"{"resourceType":"AuditEvent","id":"trail-7-0123456789abcdef","action":"R"}"#;
        assert_eq!(String::from_utf8(written).unwrap(), expected);
    }

    #[test]
    fn a_position_goes_through_a_link() {
        let there: Position = "700 false 512:abc".parse().unwrap();
        assert_eq!(position(&cursor(&there)).unwrap(), there);
    }
}
