//! `Authorization: Basic` (<https://www.rfc-editor.org/rfc/rfc7617>).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hyper::header::{AUTHORIZATION, HeaderMap};

use crate::{
    error::{self, Error, Result},
    interaction::Credential,
};

/// The credential of a request, if it has one.
///
/// # Errors
/// Several headers, another scheme, or something that is not strictly base64 of UTF-8 `login:password`.
pub fn credential(headers: &HeaderMap) -> Result<Option<Credential>> {
    let malformed = || Error::new(&error::CREDENTIAL_MALFORMED);
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(malformed());
    }
    let value = value.to_str().map_err(|_| malformed())?;
    let (scheme, token) = value.split_once(' ').ok_or_else(malformed)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(Error::new(&error::CREDENTIAL_WRONG).detail("Only the scheme Basic is offered."));
    }
    let bytes = STANDARD.decode(token.trim_matches(' ')).map_err(|_| malformed())?;
    let text = String::from_utf8(bytes).map_err(|_| malformed())?;
    // RFC 7617 forbids control characters; PostgreSQL cannot even take U+0000.
    if text.chars().any(char::is_control) {
        return Err(malformed());
    }
    let (login, password) = text.split_once(':').ok_or_else(malformed)?;
    Ok(Some(Credential::Basic { login: login.to_owned(), password: password.to_owned() }))
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use hyper::header::{AUTHORIZATION, HeaderMap, HeaderValue};

    use super::credential;
    use crate::interaction::Credential;

    fn read(values: &[&[u8]]) -> Result<Option<(String, String)>, &'static str> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, HeaderValue::from_bytes(value).unwrap());
        }
        credential(&headers)
            .map(|credential| credential.map(|Credential::Basic { login, password }| (login, password)))
            .map_err(|error| error.entry().code)
    }

    fn basic(text: &[u8]) -> Vec<u8> {
        format!("Basic {}", STANDARD.encode(text)).into_bytes()
    }

    #[test]
    fn login_and_password_are_read_exactly() {
        let pair = |login: &str, password: &str| Ok(Some((login.to_owned(), password.to_owned())));
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&[&basic(b"admin:a:b c")]), pair("admin", "a:b c"));
        assert_eq!(read(&[&basic("é:ñ".as_bytes())]), pair("é", "ñ"));
        assert_eq!(read(&[&basic(b":")]), pair("", ""));
        assert_eq!(read(&[b"bAsIc  YTpi "]), pair("a", "b"));
    }

    #[test]
    fn everything_else_is_refused() {
        let malformed = Err("credential-malformed");
        for value in [
            &b"Basic"[..],
            b"Basic ",
            b"Basic YTpi=",
            b"Basic YTp",
            b"Basic YT pi",
            b"Basic !",
            b"\xff\xff x",
            b"",
        ] {
            assert_eq!(read(&[value]), malformed, "{value:?}");
        }
        assert_eq!(read(&[&basic(b"nocolon")]), malformed);
        assert_eq!(read(&[&basic(b"a:\xff")]), malformed);
        assert_eq!(read(&[&basic(b"a\0:b")]), malformed);
        assert_eq!(read(&[&basic(b"a:b\n")]), malformed);
        assert_eq!(read(&[&basic(b"a:b"), &basic(b"a:b")]), malformed);
        assert_eq!(read(&[b"Bearer abc"]), Err("credential-wrong"));
    }
}
