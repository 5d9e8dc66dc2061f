//! The cookie of a session of the page, and who may use it (<https://www.rfc-editor.org/rfc/rfc6265>).
//!
//! A browser sends a cookie with whatever it asks, also when a page of somebody else makes it ask. Here it counts only when
//! all of this holds:
//!
//! - `SameSite=Strict`: the browser sends it with requests of pages of this site alone.
//! - The request has the header [`HEADER`]. Pages of other origins can only send it after the server allowed it, and it never
//!   does (`respond::cors` does not name it). No form, image or link can send a header at all.
//! - `Sec-Fetch-Site`, which no script can set, says `same-origin`; where a browser does not send it, `Origin`, if there is
//!   one, is the server's own.
//!
//! Whatever is missing or doubtful refuses the request; it is never answered as if it had no cookie.

use hyper::header::{COOKIE, HeaderMap, HeaderValue, ORIGIN};

use crate::error::{self, Error, Result};

/// The header that the page sends with every request.
const HEADER: &str = "x-gnuhealth-page";

/// Name under TLS: browsers take it only with `Secure`, without `Domain` and for the whole host
/// (<https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Set-Cookie#cookie_prefixes>).
const SECURE: &str = "__Host-gnuhealth-fhir";
/// Name without TLS.
const PLAIN: &str = "gnuhealth-fhir";

/// The client reaches this server under TLS.
pub(super) fn secure(base: &str) -> bool {
    base.starts_with("https://")
}

/// Whether a request says that the page makes it.
pub(in crate::server) fn asks(headers: &HeaderMap) -> bool {
    headers.contains_key(HEADER)
}

/// Refuses a request that the page of this server does not make.
///
/// # Errors
/// `page-origin`.
pub(super) fn admit(headers: &HeaderMap, base: &str) -> Result<()> {
    let one = |name: &str| {
        let mut values = headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (value, None) => Ok(value.map(HeaderValue::as_bytes)),
            _ => Err(()),
        }
    };
    let site = one("sec-fetch-site");
    let own = match site {
        Ok(Some(site)) => site == b"same-origin",
        Ok(None) => match one(ORIGIN.as_str()) {
            Ok(Some(sent)) => sent == origin(base).as_bytes(),
            Ok(None) => true,
            Err(()) => false,
        },
        Err(()) => false,
    };
    if own && one(HEADER) == Ok(Some(b"1")) { Ok(()) } else { Err(Error::new(&error::PAGE_ORIGIN)) }
}

/// Scheme, host and port of a base.
fn origin(base: &str) -> &str {
    let host = base.find("://").map_or(0, |at| at + 3);
    let end = base[host..].find('/').map_or(base.len(), |at| host + at);
    &base[..end]
}

/// The value of the cookie.
///
/// # Errors
/// `session-ended`: there are several, one of which somebody else has set.
pub(super) fn value(headers: &HeaderMap, base: &str) -> Result<Option<String>> {
    let name = if secure(base) { SECURE } else { PLAIN };
    let mut found = None;
    for line in headers.get_all(COOKIE) {
        // A line that is no text has no cookie of ours.
        let Ok(line) = line.to_str() else { continue };
        for (key, value) in line.split(';').filter_map(|pair| pair.trim().split_once('=')) {
            if key == name && found.replace(value.to_owned()).is_some() {
                return Err(Error::new(&error::SESSION_ENDED).detail("There are two cookies of that name."));
            }
        }
    }
    Ok(found.filter(|value| !value.is_empty()))
}

/// Sets the cookie until the browser is closed: how long it holds stands in it.
pub(super) fn set(value: &str, secure: bool) -> HeaderValue {
    header(value, secure, "")
}

/// Takes the cookie away.
pub(super) fn none(secure: bool) -> HeaderValue {
    header("", secure, "; Max-Age=0")
}

fn header(value: &str, secure: bool, age: &str) -> HeaderValue {
    let (name, secure) = if secure { (SECURE, "; Secure") } else { (PLAIN, "") };
    let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict{secure}{age}");
    HeaderValue::from_str(&text).expect("base64 and fixed words are a header")
}

#[cfg(test)]
mod tests {
    use hyper::header::{HeaderMap, HeaderName, HeaderValue};

    use super::{admit, none, origin, set, value};
    use crate::error;

    const BASE: &str = "https://fhir.example:8443/fhir";

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        let mut headers = HeaderMap::new();
        for (name, value) in pairs.iter().map(pair) {
            headers.append(name, value);
        }
        headers
    }

    const PAGE: (&str, &str) = ("x-gnuhealth-page", "1");
    const SAME: (&str, &str) = ("sec-fetch-site", "same-origin");

    #[test]
    fn the_page_alone_is_let_in() {
        let own = ("origin", "https://fhir.example:8443");
        for pairs in [&[PAGE, SAME][..], &[PAGE], &[PAGE, own], &[PAGE, SAME, own]] {
            assert!(admit(&headers(pairs), BASE).is_ok(), "{pairs:?}");
        }
        for pairs in [
            &[][..],
            &[SAME],
            &[SAME, own],
            &[("x-gnuhealth-page", ""), SAME],
            &[("x-gnuhealth-page", "0"), SAME],
            &[PAGE, PAGE, SAME],
            &[PAGE, ("sec-fetch-site", "cross-site")],
            &[PAGE, ("sec-fetch-site", "same-site")],
            &[PAGE, ("sec-fetch-site", "none")],
            &[PAGE, ("sec-fetch-site", "")],
            &[PAGE, ("sec-fetch-site", "cross-site"), own],
            &[PAGE, SAME, SAME],
            &[PAGE, SAME, ("sec-fetch-site", "cross-site")],
            &[PAGE, ("origin", "null")],
            &[PAGE, ("origin", "https://fhir.example")],
            &[PAGE, ("origin", "http://fhir.example:8443")],
            &[PAGE, ("origin", "https://fhir.example:84433")],
            &[PAGE, ("origin", "https://evil.example")],
            &[PAGE, own, ("origin", "https://evil.example")],
        ] {
            assert_eq!(admit(&headers(pairs), BASE).unwrap_err().entry(), &error::PAGE_ORIGIN, "{pairs:?}");
        }
    }

    #[test]
    fn one_cookie_of_its_name_counts() {
        let found = |line, base| value(&headers(&[("cookie", line)]), base).unwrap();
        assert_eq!(found("a=b; __Host-gnuhealth-fhir=x-_9;c=d", BASE).as_deref(), Some("x-_9"));
        assert_eq!(found("__Host-gnuhealth-fhir=", BASE), None);
        // One that a page without TLS could have set does not count under TLS.
        assert_eq!(found("gnuhealth-fhir=x", BASE), None);
        assert_eq!(found("__Host-gnuhealth-fhir=x", "http://fhir.example/fhir"), None);
        assert_eq!(found("gnuhealth-fhir=x", "http://fhir.example/fhir").as_deref(), Some("x"));
        let twice = [("cookie", "__Host-gnuhealth-fhir=x"), ("cookie", "__Host-gnuhealth-fhir=y")];
        assert_eq!(value(&headers(&twice), BASE).unwrap_err().entry(), &error::SESSION_ENDED);
    }

    #[test]
    fn it_is_closed_to_scripts_and_to_other_sites() {
        assert_eq!(set("x", true), "__Host-gnuhealth-fhir=x; Path=/; HttpOnly; SameSite=Strict; Secure");
        assert_eq!(set("x", false), "gnuhealth-fhir=x; Path=/; HttpOnly; SameSite=Strict");
        assert_eq!(
            none(true),
            "__Host-gnuhealth-fhir=; Path=/; HttpOnly; SameSite=Strict; Secure; Max-Age=0"
        );
    }

    #[test]
    fn an_origin_has_no_path() {
        assert_eq!(origin(BASE), "https://fhir.example:8443");
        assert_eq!(origin("http://[::1]:80"), "http://[::1]:80");
    }
}
