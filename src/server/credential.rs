//! `Authorization`: Basic (<https://www.rfc-editor.org/rfc/rfc7617>), Bearer (<https://www.rfc-editor.org/rfc/rfc6750>)
//! and Session, Tryton's own.
//!
//! What each header comes to is a table of the manual (`signing-in.md`). A header that can be read in two ways is
//! refused: a proxy in front could have read it in the other one.

mod text;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::{
    error::{self, Error, Result},
    interaction::Credential,
};

/// Bytes of an application key or of the key of a session at most; Tryton makes 128 and 64.
const LONGEST_KEY: usize = 1024;

/// The credential in the `Authorization` headers of a request, if it has one.
///
/// # Errors
/// `credential-malformed`: several headers, or one that cannot be read. `credential-scheme`: another scheme.
pub fn parse<'a>(headers: impl IntoIterator<Item = &'a [u8]>) -> Result<Option<Credential>> {
    let mut headers = headers.into_iter();
    let Some(value) = headers.next() else { return Ok(None) };
    if headers.next().is_some() {
        return Err(malformed("There are several of them."));
    }
    if !value.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        return Err(malformed("It has characters that no credential has."));
    }
    let value = std::str::from_utf8(value).map_err(|_| malformed("It is not ASCII."))?;
    let (scheme, token) =
        value.split_once(' ').ok_or_else(|| malformed("It has no scheme and credential."))?;
    let token = token.trim_matches(' ');
    match scheme.to_ascii_lowercase().as_str() {
        "basic" => basic(token),
        "bearer" => bearer(token),
        "session" => session(token),
        other if text::is_token(other) => {
            return Err(Error::new(&error::CREDENTIAL_SCHEME).detail("Basic, Bearer and Session are known."));
        }
        _ => Err(malformed("It does not start with a scheme.")),
    }
    .map(Some)
}

fn malformed(reason: &'static str) -> Error {
    Error::new(&error::CREDENTIAL_MALFORMED).detail(reason)
}

/// Strict base64 of UTF-8 without control characters: RFC 7617 forbids them, and PostgreSQL cannot even take U+0000.
fn decoded(token: &str) -> Result<String> {
    let bytes = STANDARD.decode(token).map_err(|_| malformed("What follows the scheme is not base64."))?;
    let text = String::from_utf8(bytes).map_err(|_| malformed("What is encoded is not UTF-8."))?;
    if text.chars().any(char::is_control) {
        return Err(malformed("What is encoded has control characters."));
    }
    Ok(text)
}

fn basic(token: &str) -> Result<Credential> {
    let text = decoded(token)?;
    let (login, password) =
        text.split_once(':').ok_or_else(|| malformed("There is no colon between login and password."))?;
    Ok(Credential::Basic { login: login.to_owned(), password: password.to_owned() })
}

fn bearer(token: &str) -> Result<Credential> {
    if !text::is_token68(token) {
        return Err(malformed("What follows Bearer is not one key."));
    }
    key(token).map(|key| Credential::Bearer { key })
}

/// `login:id:key`. The login is not looked at: Tryton does not either, and the key belongs to the id.
fn session(token: &str) -> Result<Credential> {
    let text = decoded(token)?;
    let parts: Vec<_> = text.split(':').collect();
    let [_, user, session] = parts[..] else {
        return Err(malformed("What is encoded is not login:id:key."));
    };
    let digits = !user.is_empty() && user.bytes().all(|byte| byte.is_ascii_digit());
    let user = user.parse().ok().filter(|_| digits);
    let user = user.ok_or_else(|| malformed("The id of the user is no number."))?;
    key(session).map(|key| Credential::Session { user, key })
}

fn key(text: &str) -> Result<String> {
    match text.len() {
        0 => Err(malformed("The key is empty.")),
        1..=LONGEST_KEY if !text.bytes().all(|byte| byte.is_ascii_graphic()) => {
            Err(malformed("The key has characters that no key has."))
        }
        1..=LONGEST_KEY => Ok(text.to_owned()),
        _ => Err(malformed("The key is too long.")),
    }
}

#[cfg(test)]
mod tests;
