//! Bodies: the form of `POST [type]/_search` (<https://hl7.org/fhir/R4/http.html#search>), the Parameters of an operation
//! (<https://hl7.org/fhir/R4/operations.html#executing>), and the Bundle of a batch.

use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::{
    body::{Body, Incoming},
    header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap},
};

use serde_json::Value;

use super::{Options, target};
use crate::{
    error::{self, Error, Result},
    fhir::{
        parameters::{self, Given},
        xml,
    },
};

const JSON: [&str; 3] = ["application/fhir+json", "application/json", "text/json"];
const XML: [&str; 3] = ["application/fhir+xml", "application/xml", "text/xml"];

/// Reads the pairs of a form body.
///
/// # Errors
/// Another media type, too large, too slow, broken, or not decodable.
pub(super) async fn form(
    options: &Options,
    headers: &HeaderMap,
    body: Incoming,
) -> Result<Vec<(String, String)>> {
    let bytes =
        read(options, headers, body, &["application/x-www-form-urlencoded"]).await?.unwrap_or_default();
    let text = std::str::from_utf8(&bytes)
        .map_err(|_| Error::new(&error::REQUEST_MALFORMED).detail("The body is not UTF-8."))?;
    target::pairs(text)
}

/// Reads login and password, as the page sends them.
///
/// # Errors
/// As [`form`], or it is not just that.
pub(super) async fn sign_in(
    options: &Options,
    headers: &HeaderMap,
    body: Incoming,
) -> Result<(String, String)> {
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sent {
        login: String,
        password: String,
    }
    let bytes = read(options, headers, body, &["application/json"]).await?.unwrap_or_default();
    let sent: Sent = serde_json::from_slice(&bytes).map_err(|_| {
        Error::new(&error::REQUEST_MALFORMED).detail("The body is not a login and a password.")
    })?;
    Ok((sent.login, sent.password))
}

/// Reads what an operation is given; `alone`: it takes a resource without Parameters around it.
///
/// # Errors
/// As [`form`], or the body is no such resource.
pub(super) async fn given(
    options: &Options,
    headers: &HeaderMap,
    body: Incoming,
    alone: bool,
) -> Result<Given> {
    let bytes = resource(options, headers, body).await?;
    bytes.map_or_else(|| Ok(Given::default()), |bytes| parameters::read(&bytes, alone))
}

/// Reads a Bundle.
///
/// # Errors
/// As [`form`], or the body is no resource.
pub(super) async fn bundle(options: &Options, headers: &HeaderMap, body: Incoming) -> Result<Value> {
    let malformed = |detail| Error::new(&error::REQUEST_MALFORMED).detail(detail);
    let bytes = resource(options, headers, body).await?.ok_or_else(|| malformed("There is no body."))?;
    serde_json::from_slice(&bytes).map_err(|_| malformed("The body is not JSON in UTF-8."))
}

/// Reads a resource, in JSON or XML, as JSON; none when there is no body.
///
/// # Errors
/// As [`form`]; XML must be a resource of R4, JSON is not looked at.
async fn resource(options: &Options, headers: &HeaderMap, body: Incoming) -> Result<Option<Bytes>> {
    let Some(bytes) = read(options, headers, body, &[JSON, XML].concat()).await? else { return Ok(None) };
    if !is(headers, &XML) {
        return Ok(Some(bytes));
    }
    // A large document takes a while, and others need not wait.
    let task = tokio::task::spawn_blocking(move || xml::read(&bytes));
    let read =
        task.await.map_err(|_| Error::new(&error::OVERLOADED).cause("the runtime is being shut down"))?;
    Ok(Some(Bytes::from(read?.to_string())))
}

/// The bytes of a body of one of these media types; none when there is no body.
async fn read(
    options: &Options,
    headers: &HeaderMap,
    body: Incoming,
    media: &[&str],
) -> Result<Option<Bytes>> {
    if body.is_end_stream() {
        return Ok(None);
    }
    if !is(headers, media) {
        return Err(Error::new(&error::UNSUPPORTED_MEDIA));
    }
    let too_large =
        || Error::new(&error::BODY_TOO_LARGE).detail(format!("At most {} bytes are read.", options.max_body));
    if body.size_hint().lower() > options.max_body {
        return Err(too_large());
    }
    let limit = usize::try_from(options.max_body).unwrap_or(usize::MAX);
    let read = tokio::time::timeout(options.limits.body, Limited::new(body, limit).collect());
    match read.await {
        Err(_) => Err(Error::new(&error::REQUEST_SLOW)),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(Error::new(&error::REQUEST_MALFORMED).detail("The body broke off.")),
        Ok(Ok(collected)) => Ok(Some(collected.to_bytes())),
    }
}

/// The body is of one of these media types, in UTF-8, of R4 and not encoded.
fn is(headers: &HeaderMap, names: &[&str]) -> bool {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let (Some(media), None) = (types.next().and_then(|value| value.to_str().ok()), types.next()) else {
        return false;
    };
    let mut parts = media.split(';').map(str::trim);
    let name = parts.next().unwrap_or_default();
    let understood = parts.filter_map(|part| part.split_once('=')).all(|(key, value)| {
        let value = value.trim().trim_matches('"');
        match key.trim().to_ascii_lowercase().as_str() {
            "charset" => value.eq_ignore_ascii_case("utf-8"),
            "fhirversion" => value == "4.0",
            _ => true,
        }
    });
    let plain = headers.get(CONTENT_ENCODING).is_none_or(|encoding| encoding == "identity");
    names.iter().any(|known| name.eq_ignore_ascii_case(known)) && understood && plain
}
