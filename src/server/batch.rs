//! `POST [base]` with a Bundle of type `batch`: <https://hl7.org/fhir/R4/http.html#transaction>. Each entry is a request
//! of its own, with its own status; all of them share one sign-in.

use std::{
    num::NonZero,
    pin::{Pin, pin},
    sync::Arc,
};

use futures_util::{StreamExt as _, stream};
use hyper::{
    Method, StatusCode,
    header::{HeaderMap, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH},
};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Shared,
    access::{self, Access, Entered},
    handle::ADDRESS,
    negotiate,
    respond::{conditional, status},
    route::Place,
    target,
};
use crate::{
    error::{self, Error, Result},
    fhir::{
        outcome::{Issue, outcome},
        parameters::Given,
    },
    interaction::{Answer, Format, Gateway, Interaction, Request},
};

/// Entries of a batch at most.
const ENTRIES: usize = 100;
/// Entries that are answered at the same time.
const TOGETHER: usize = 3;
/// Bytes of all answers at most; what does not fit says so in its entry.
const BYTES: usize = 32 << 20;

type Entry = Pin<Box<dyn Future<Output = (Entered, Result<Vec<u8>>)> + Send>>;

/// Answers a batch; its entries are asked by whoever sent `request`.
///
/// # Errors
/// The Bundle is not a batch or too large, or nobody is signed in. Faults of entries stand in their answers.
pub(super) async fn answer(
    shared: &Shared,
    bundle: &Value,
    request: Request,
    access: &mut Access,
) -> Result<Answer> {
    shared.gateway.sign_in(request.clone()).await?;
    let id = request.id.clone();
    let work: Vec<Entry> = entries(bundle)?
        .iter()
        .map(|entry| {
            let read = Asked::read(shared, &request.base, entry);
            let (route, asked) = match read {
                Ok((route, asked)) => (route, Ok(asked)),
                Err(error) => ("/", Err(error)),
            };
            let asks = asks(entry, route, asked.as_ref().ok());
            let gateway = Arc::clone(&shared.gateway);
            let request = Request { trace: request.trace.part(), ..request.clone() };
            Box::pin(async move {
                let trace = request.trace.clone();
                let reply = one(gateway, request, asked).await;
                let error = reply.as_ref().err().map(Error::entry);
                (Entered { asked: asks, trace, error }, reply)
            }) as Entry
        })
        .collect();
    let replies = stream::iter(work).buffered(TOGETHER);
    let mut replies = pin!(replies);
    let mut body = br#"{"resourceType":"Bundle","type":"batch-response""#.to_vec();
    let mut first = true;
    while let Some((entered, reply)) = replies.next().await {
        access.entered(entered);
        body.extend_from_slice(if first { b",\"entry\":[" } else { b"," });
        first = false;
        let fits = |reply: Vec<u8>| {
            let too_large =
                || Error::new(&error::BATCH_LIMIT).detail("The answers of the batch are too large.");
            if body.len() + reply.len() > BYTES { Err(too_large()) } else { Ok(reply) }
        };
        match reply.and_then(fits) {
            Ok(reply) => body.extend_from_slice(&reply),
            Err(error) => body.extend_from_slice(&fault(&error, &id)),
        }
    }
    body.extend_from_slice(if first { b"}" } else { b"]}" });
    Ok(Answer { body, personal: true, ..Answer::default() })
}

/// As how many requests a batch counts; whatever is no batch counts as one.
pub(super) fn cost(bundle: Option<&Value>) -> NonZero<u32> {
    let entries = bundle.and_then(|bundle| bundle["entry"].as_array()).map_or(1, Vec::len);
    u32::try_from(entries).ok().and_then(NonZero::new).unwrap_or(NonZero::<u32>::MIN)
}

async fn one(gateway: Arc<dyn Gateway>, request: Request, asked: Result<Asked>) -> Result<Vec<u8>> {
    let Asked { interaction, headers, head } = asked?;
    let answer = gateway.answer(Request { interaction, format: Format::Json, ..request }).await?;
    reply(&headers, head, answer).await
}

fn entries(bundle: &Value) -> Result<&[Value]> {
    let unsupported = |detail: &str| Error::new(&error::BUNDLE_UNSUPPORTED).detail(detail);
    if bundle["resourceType"] != "Bundle" {
        return Err(unsupported("The body is not a resource of type Bundle.").at("Bundle"));
    }
    match bundle["type"].as_str() {
        Some("batch") => {}
        // Its reads would have to be of one moment, and a write in it must not be left out.
        Some("transaction") => return Err(unsupported("A transaction is not offered.").at("Bundle.type")),
        _ => return Err(unsupported("Its type is not batch.").at("Bundle.type")),
    }
    match &bundle["entry"] {
        Value::Null => Ok(&[]),
        Value::Array(entries) if entries.len() <= ENTRIES => Ok(entries),
        Value::Array(_) => Err(Error::new(&error::BATCH_LIMIT)
            .detail(format!("It has more than {ENTRIES} entries."))
            .at("Bundle.entry")),
        _ => Err(unsupported("Bundle.entry is not a list.").at("Bundle.entry")),
    }
}

/// What the audit trail is told of an entry.
fn asks(entry: &Value, route: &'static str, asked: Option<&Asked>) -> access::Asked {
    let text = |name: &str| entry["request"][name].as_str().unwrap_or_default();
    let query = format!("{} {}", text("method"), text("url"));
    match asked {
        Some(asked) => access::Asked::of(&asked.interaction, route, query),
        None => access::Asked::batch(route, query),
    }
}

/// What an entry asks for.
struct Asked {
    interaction: Interaction,
    /// Its conditions.
    headers: HeaderMap,
    head: bool,
}

impl Asked {
    /// Template of the address, and what it asks for.
    fn read(shared: &Shared, base: &str, entry: &Value) -> Result<(&'static str, Self)> {
        let malformed = |detail: &str, at: &str| {
            Error::new(&error::REQUEST_MALFORMED).detail(detail).at(format!("Bundle.entry.request.{at}"))
        };
        let request = &entry["request"];
        let method = request["method"].as_str().unwrap_or_default();
        // https://hl7.org/fhir/R4/valueset-http-verb.html
        let method = match method {
            "GET" => Method::GET,
            "HEAD" => Method::HEAD,
            "POST" => Method::POST,
            "PUT" => Method::PUT,
            "PATCH" => Method::PATCH,
            "DELETE" => Method::DELETE,
            _ => return Err(malformed("Expected GET, HEAD, POST, PUT, PATCH or DELETE.", "method")),
        };
        let url = request["url"].as_str().ok_or_else(|| malformed("An entry needs an address.", "url"))?;
        if url.len() > ADDRESS {
            return Err(Error::new(&error::URI_TOO_LONG));
        }
        let below = url.strip_prefix(base).unwrap_or(url);
        let (path, query) = below.split_once('?').unwrap_or((below, ""));
        let path =
            format!("{}/{}", shared.options.base_path.as_str(), path.strip_prefix('/').unwrap_or(path));
        let place = Place::of(&path, &shared.options.base_path)?;
        if place == Place::Base && method == Method::POST {
            return Err(Error::new(&error::BUNDLE_UNSUPPORTED).detail("A batch in a batch is not answered."));
        }
        place.admit(&method)?;
        let mut given = Given { pairs: target::pairs(query)?, ..Given::default() };
        if method == Method::POST && place.takes_parameters() && !entry["resource"].is_null() {
            given.extend(Given::of(entry["resource"].clone(), place.takes_resource())?);
        }
        // The form of the answer is that of the batch.
        negotiate::form(&HeaderMap::new(), &mut given.pairs, false)?;
        let headers = conditions(request)?;
        let template = place.template();
        let asked = Self { interaction: place.interaction(given)?, headers, head: method == Method::HEAD };
        Ok((template, asked))
    }
}

/// `ifNoneMatch` and `ifModifiedSince` as the headers that they stand for.
fn conditions(request: &Value) -> Result<HeaderMap> {
    let malformed = |at: &str| {
        let error = Error::new(&error::REQUEST_MALFORMED).detail("The condition cannot be read.");
        error.at(format!("Bundle.entry.request.{at}"))
    };
    let mut headers = HeaderMap::new();
    for at in ["ifMatch", "ifNoneExist"] {
        if !request[at].is_null() {
            return Err(malformed(at).detail("It is a condition of writes."));
        }
    }
    if !request["ifNoneMatch"].is_null() {
        let tag = request["ifNoneMatch"].as_str().and_then(|tag| HeaderValue::from_str(tag).ok());
        headers.insert(IF_NONE_MATCH, tag.ok_or_else(|| malformed("ifNoneMatch"))?);
    }
    if !request["ifModifiedSince"].is_null() {
        let time = request["ifModifiedSince"].as_str().and_then(|time| time.parse::<Timestamp>().ok());
        let time = time.and_then(conditional::http_date);
        headers.insert(IF_MODIFIED_SINCE, time.ok_or_else(|| malformed("ifModifiedSince"))?);
    }
    Ok(headers)
}

/// An entry of the response.
async fn reply(conditions: &HeaderMap, head: bool, answer: Answer) -> Result<Vec<u8>> {
    let unchanged = conditional::unchanged(conditions, &answer);
    let code = if unchanged { StatusCode::NOT_MODIFIED } else { StatusCode::OK };
    let mut response = json!({ "status": code.to_string() });
    if let Some(version) = &answer.version {
        response["etag"] = format!("W/\"{version}\"").into();
    }
    if let Some(time) = answer.last_modified {
        response["lastModified"] = time.to_string().into();
    }
    let response = response.to_string();
    if unchanged || head {
        return Ok(format!("{{\"response\":{response}}}").into_bytes());
    }
    let body = whole(answer).await?;
    let mut entry = Vec::with_capacity(body.len() + response.len() + 32);
    entry.extend_from_slice(b"{\"resource\":");
    entry.extend_from_slice(&body);
    entry.extend_from_slice(b",\"response\":");
    entry.extend_from_slice(response.as_bytes());
    entry.push(b'}');
    Ok(entry)
}

/// The body, also of a content that comes in pieces.
async fn whole(answer: Answer) -> Result<Vec<u8>> {
    let Some(content) = answer.content else { return Ok(answer.body) };
    let mut body = Vec::new();
    let mut pieces = content.pieces;
    while let Some(piece) = pieces.next().await {
        body.extend_from_slice(&piece?);
        if body.len() > BYTES {
            return Err(Error::new(&error::BATCH_LIMIT).detail("Read this content by itself."));
        }
    }
    Ok(body)
}

fn fault(error: &Error, id: &str) -> Vec<u8> {
    if let Some(cause) = error.logged_cause() {
        tracing::warn!(request = id, code = error.entry().code, cause, "an entry of a batch failed");
    }
    let outcome = outcome(&[Issue::error(error)], Some(id));
    json!({ "response": { "status": status(error.kind()).to_string(), "outcome": outcome } })
        .to_string()
        .into_bytes()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{conditions, entries};

    fn code(bundle: &Value) -> &'static str {
        entries(bundle).unwrap_err().entry().code
    }

    #[test]
    fn only_a_batch_is_answered() {
        assert_eq!(entries(&json!({ "resourceType": "Bundle", "type": "batch" })).unwrap().len(), 0);
        for bundle in [
            json!({ "resourceType": "Bundle", "type": "transaction", "entry": [] }),
            json!({ "resourceType": "Bundle", "type": "batch", "entry": {} }),
            json!({ "resourceType": "Bundle" }),
            json!({ "resourceType": "Patient" }),
            json!([]),
        ] {
            assert_eq!(code(&bundle), "bundle-unsupported", "{bundle}");
        }
        let many = vec![json!({}); 101];
        assert_eq!(code(&json!({ "resourceType": "Bundle", "type": "batch", "entry": many })), "batch-limit");
    }

    #[test]
    fn conditions_are_those_of_http() {
        let headers =
            conditions(&json!({ "ifNoneMatch": "W/\"1\"", "ifModifiedSince": "1994-11-06T08:49:37.5Z" }))
                .unwrap();
        assert_eq!(headers["if-none-match"], "W/\"1\"");
        assert_eq!(headers["if-modified-since"], "Sun, 06 Nov 1994 08:49:37 GMT");
        for request in [
            json!({ "ifNoneMatch": 7 }),
            json!({ "ifModifiedSince": "yesterday" }),
            json!({ "ifMatch": "W/\"1\"" }),
            json!({ "ifNoneExist": "name=x" }),
        ] {
            assert_eq!(conditions(&request).unwrap_err().entry().code, "request-malformed", "{request}");
        }
    }
}
