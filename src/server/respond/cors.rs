//! Calls from browser applications of other origins (<https://fetch.spec.whatwg.org/#http-cors-protocol>).

use hyper::{
    header::{
        ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
        ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, HeaderMap,
        HeaderValue, ORIGIN, VARY,
    },
    http::request::Parts,
};

use crate::{config::Cors, server::Options};

/// Tells the browser that this origin may read the answer.
pub(super) fn allow(options: &Options, request: &Parts, headers: &mut HeaderMap) {
    if options.cors_origins.is_empty() {
        return;
    }
    headers.append(VARY, HeaderValue::from_static("Origin"));
    let Some(origin) = request.headers.get(ORIGIN) else { return };
    let allowed = options.cors_origins.iter().find_map(|allowed| match allowed {
        Cors::Any => Some(HeaderValue::from_static("*")),
        Cors::Origin(name) => (origin.as_bytes() == name.as_bytes()).then(|| origin.clone()),
    });
    if let Some(allowed) = allowed {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
        let exposed = "ETag, Last-Modified, Location, Content-Location, Retry-After, X-Request-Id";
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(exposed));
    }
}

/// Answers the question that a browser asks before the request itself.
pub(super) fn preflight(request: &Parts, headers: &mut HeaderMap, allow: &'static str) {
    if !headers.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN)
        || !request.headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
    {
        return;
    }
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(allow));
    let allowed = "Accept, Accept-Language, Authorization, Content-Type, If-Modified-Since, If-None-Match, Prefer, X-Request-Id";
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(allowed));
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
}
