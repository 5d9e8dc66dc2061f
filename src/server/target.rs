//! Addresses and forms, decoded strictly: what cannot be decoded is refused, never guessed.

use crate::error::{self, Error, Result};

/// More parameters than any search needs.
const PAIRS: usize = 500;

fn malformed(detail: &str) -> Error {
    Error::new(&error::REQUEST_MALFORMED).detail(detail)
}

/// Decodes `%XX`; a form also writes a blank as `+`.
fn decode(text: &str, form: bool) -> Result<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16));
                match (digit(), digit()) {
                    (Some(high), Some(low)) => {
                        u8::try_from(high * 16 + low).expect("two hexadecimal digits are a byte")
                    }
                    _ => return Err(malformed("A % is not followed by two hexadecimal digits.")),
                }
            }
            b'+' if form => b' ',
            byte => byte,
        });
    }
    if bytes.contains(&0) {
        return Err(malformed("It holds the character U+0000."));
    }
    String::from_utf8(bytes).map_err(|_| malformed("It holds bytes that are not UTF-8."))
}

/// Parts of a path after its leading slash.
///
/// # Errors
/// Parts that cannot be decoded are malformed; empty ones, `.`, `..` and those with an encoded slash name nothing.
pub(super) fn segments(path: &str) -> Result<Vec<String>> {
    let unknown = || Error::new(&error::PATH_UNKNOWN);
    let mut segments = Vec::new();
    for part in path.strip_prefix('/').ok_or_else(unknown)?.split('/') {
        let segment = decode(part, false)?;
        if segment.is_empty() || segment == "." || segment == ".." || segment.contains(['/', '\\']) {
            return Err(unknown());
        }
        segments.push(segment);
    }
    Ok(segments)
}

/// Pairs of a query or of an `application/x-www-form-urlencoded` body, in order
/// (<https://url.spec.whatwg.org/#urlencoded-parsing>, but strict).
pub fn pairs(text: &str) -> Result<Vec<(String, String)>> {
    let mut pairs = Vec::new();
    for part in text.split('&').filter(|part| !part.is_empty()) {
        if pairs.len() == PAIRS {
            return Err(
                Error::new(&error::PARAMETER_LIMIT).detail(format!("It has more than {PAIRS} parameters."))
            );
        }
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        pairs.push((decode(name, true)?, decode(value, true)?));
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::{pairs, segments};

    #[test]
    fn forms_are_decoded() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            pairs("a=b+c&&d=%2B%C3%A9&e&=f&a=1=2").unwrap(),
            [pair("a", "b c"), pair("d", "+é"), pair("e", ""), pair("", "f"), pair("a", "1=2")]
        );
        assert_eq!(pairs("").unwrap(), []);
    }

    #[test]
    fn what_cannot_be_decoded_is_refused() {
        for junk in ["a=%", "a=%1", "a=%zz", "%é=1", "a=%00", "a=%ff", "a=%C3", "a=%+1", "a=%ED%A0%80"] {
            assert_eq!(pairs(junk).unwrap_err().entry().code, "request-malformed", "{junk}");
        }
        assert_eq!(pairs(&"a&".repeat(501)).unwrap_err().entry().code, "parameter-limit");
    }

    #[test]
    fn paths_cannot_climb() {
        assert_eq!(segments("/fhir/Patient/a%20b+c").unwrap(), ["fhir", "Patient", "a b+c"]);
        for path in ["", "*", "//", "/a//b", "/a/", "/a/../b", "/a/%2e%2e/b", "/a%2Fb", "/a%5Cb", "/./a"] {
            assert_eq!(segments(path).unwrap_err().entry().code, "path-unknown", "{path}");
        }
        for path in ["/%00", "/%ff", "/%4", "/a/%"] {
            assert_eq!(segments(path).unwrap_err().entry().code, "request-malformed", "{path}");
        }
    }
}
