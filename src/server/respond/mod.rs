//! Answers and errors become HTTP responses.
//!
//! The only place where an error's kind becomes an HTTP status (<https://hl7.org/fhir/R4/http.html#Status-Codes>).

mod compress;
pub(super) mod conditional;
mod cors;
mod page;
mod pretty;
mod stream;
mod written;

use bytes::Bytes;
use hyper::{
    Method, StatusCode,
    body::Body as _,
    header::{
        ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, HeaderName,
        HeaderValue, REFERRER_POLICY, RETRY_AFTER, VARY, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
    },
    http::request::Parts,
};

use self::stream::Body;
use super::{Options, negotiate::Form};
use crate::{
    error::{Error, Kind},
    fhir::outcome::{Issue, outcome},
    interaction::Answer,
};

/// A response on its way out.
pub(super) type Response = hyper::Response<Body>;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// HTTP status of a kind.
pub(super) fn status(kind: Kind) -> StatusCode {
    match kind {
        Kind::Invalid => StatusCode::BAD_REQUEST,
        Kind::NotSupported | Kind::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Kind::Unauthorized => StatusCode::UNAUTHORIZED,
        Kind::Forbidden => StatusCode::FORBIDDEN,
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::Gone => StatusCode::GONE,
        Kind::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
        Kind::UnsupportedMedia => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Kind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Kind::UriTooLong => StatusCode::URI_TOO_LONG,
        Kind::HeadersTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        Kind::Slow => StatusCode::REQUEST_TIMEOUT,
        Kind::Throttled => StatusCode::TOO_MANY_REQUESTS,
        Kind::Timeout | Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Kind::Unmappable | Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// `X-Request-Id` of the client if it is sane, else a new one.
pub(super) fn request_id(headers: &HeaderMap) -> String {
    let mut sent = headers.get_all(REQUEST_ID).iter();
    let sane = |id: &&str| {
        (1..=64).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
    };
    match (sent.next().and_then(|value| value.to_str().ok()).filter(sane), sent.next()) {
        (Some(id), None) => id.to_owned(),
        _ => format!("{:016x}", getrandom::u64().unwrap_or_default()),
    }
}

/// Bytes of the body that are sent.
pub(super) fn length(response: &Response) -> u64 {
    response.body().size_hint().exact().unwrap_or_default()
}

/// What a response depends on, apart from the answer.
pub(super) struct Reply<'a> {
    pub parts: &'a Parts,
    pub options: &'a Options,
    pub id: &'a str,
    pub form: Form,
}

impl Reply<'_> {
    /// `/livez`.
    pub(super) fn live(&self) -> Response {
        let mut response = self.start(StatusCode::OK);
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        self.finish(response, Bytes::from_static(b"ok\n"))
    }

    /// `OPTIONS`.
    pub(super) fn options(&self, allow: &'static str) -> Response {
        let mut response = self.start(StatusCode::NO_CONTENT);
        response.headers_mut().insert(ALLOW, HeaderValue::from_static(allow));
        cors::preflight(self.parts, response.headers_mut(), allow);
        response
    }

    /// An answer, or 304 when the client has it already.
    pub(super) async fn answer(&self, answer: Answer) -> Response {
        let unchanged = conditional::unchanged(&self.parts.headers, &answer);
        let mut response = self.start(if unchanged { StatusCode::NOT_MODIFIED } else { StatusCode::OK });
        let headers = response.headers_mut();
        conditional::validators(&answer, headers);
        headers.insert(
            CACHE_CONTROL,
            HeaderValue::from_static(if answer.personal { "no-store" } else { "no-cache" }),
        );
        if unchanged {
            return response;
        }
        if let Some(content) = answer.content {
            let media = content.media.unwrap_or(self.form.media.content_type());
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(media));
            if let Some(length) = content.length {
                headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
            }
            if self.parts.method != Method::HEAD {
                *response.body_mut() = Body::pieces(content);
            }
            return response;
        }
        let body = match written::written(self.form, answer.body).await {
            Ok(body) => body,
            Err(error) => {
                tracing::error!(
                    request = self.id,
                    cause = error.logged_cause(),
                    "an answer cannot be written"
                );
                return self.error(&error);
            }
        };
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.form.media.content_type()));
        let body = compress::compress(&self.parts.headers, headers, body).await;
        self.finish(response, body)
    }

    /// An error as an OperationOutcome in the format that was asked for.
    pub(super) fn error(&self, error: &Error) -> Response {
        let kind = error.kind();
        let mut response = self.start(status(kind));
        let code = response.status();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.form.media.content_type()));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if code == StatusCode::UNAUTHORIZED {
            // Session has no challenge: only a program that signed in to Tryton itself has one.
            // A browser answers this challenge with a window of its own, which the page does not want.
            if self.options.passwords && !super::page::asks(&self.parts.headers) {
                let challenge = HeaderValue::from_static("Basic realm=\"GNU Health\", charset=\"UTF-8\"");
                headers.append(WWW_AUTHENTICATE, challenge);
            }
            let challenge = HeaderValue::from_static("Bearer realm=\"GNU Health\"");
            headers.append(WWW_AUTHENTICATE, challenge);
        }
        if code == StatusCode::METHOD_NOT_ALLOWED {
            let allow = error.allowed_methods().unwrap_or("GET, HEAD, OPTIONS");
            headers.insert(ALLOW, HeaderValue::from_static(allow));
        }
        if let Some(seconds) = error.retry_seconds() {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        let body = outcome(&[Issue::error(error)], Some(self.id)).to_string().into_bytes();
        let body = written::at_once(self.form, body).unwrap_or_default();
        self.finish(response, Bytes::from(body))
    }

    /// A response with the headers that all have.
    fn start(&self, status: StatusCode) -> Response {
        let mut response = Response::default();
        *response.status_mut() = status;
        let headers = response.headers_mut();
        if let Ok(id) = HeaderValue::from_str(self.id) {
            headers.insert(REQUEST_ID, id);
        }
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        let policy = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; sandbox");
        headers.insert(CONTENT_SECURITY_POLICY, policy);
        headers.insert(
            HeaderName::from_static("cross-origin-resource-policy"),
            HeaderValue::from_static("same-origin"),
        );
        let vary = "Accept, Accept-Encoding, Accept-Language, Authorization, Prefer";
        headers.insert(VARY, HeaderValue::from_static(vary));
        cors::allow(self.options, self.parts, headers);
        response
    }

    /// Adds the body; for HEAD only its length.
    fn finish(&self, mut response: Response, body: Bytes) -> Response {
        response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        if self.parts.method != Method::HEAD {
            *response.body_mut() = Body::Whole(body);
        }
        response
    }
}
