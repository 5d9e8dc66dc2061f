//! `Prefer` (<https://www.rfc-editor.org/rfc/rfc7240>, <https://hl7.org/fhir/R4/search.html#errors>).

use hyper::header::HeaderMap;

use crate::interaction::Returns;

/// Preferences that FHIR knows. Others are ignored, as the RFC says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::server) struct Preference {
    pub lenient: bool,
    pub returns: Option<Returns>,
}

/// Reads all `Prefer` headers; of a preference given twice the first counts.
pub(in crate::server) fn preference(headers: &HeaderMap) -> Preference {
    let mut handling = None;
    let mut returns = None;
    let lines = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    for part in lines.flat_map(|line| line.split([',', ';'])) {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let (name, value) = (name.trim(), value.trim().trim_matches('"'));
        if name.eq_ignore_ascii_case("handling") {
            handling.get_or_insert(value.eq_ignore_ascii_case("lenient"));
        } else if name.eq_ignore_ascii_case("return") {
            let known = match value {
                "minimal" => Some(Returns::Minimal),
                "representation" => Some(Returns::Representation),
                "OperationOutcome" => Some(Returns::Outcome),
                _ => None,
            };
            returns = returns.or(known);
        }
    }
    Preference { lenient: handling.unwrap_or(false), returns }
}

#[cfg(test)]
mod tests {
    use hyper::header::{HeaderMap, HeaderValue};

    use super::{Preference, preference};
    use crate::interaction::Returns;

    fn read(values: &[&'static str]) -> Preference {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append("prefer", HeaderValue::from_static(value));
        }
        preference(&headers)
    }

    #[test]
    fn preferences_are_read() {
        assert_eq!(read(&[]), Preference::default());
        assert!(read(&["handling=lenient"]).lenient);
        assert!(read(&["respond-async, Handling=\"lenient\""]).lenient);
        assert!(!read(&["handling=strict, handling=lenient"]).lenient);
        let both = read(&["return=OperationOutcome; handling=lenient", "return=minimal"]);
        assert_eq!(both, Preference { lenient: true, returns: Some(Returns::Outcome) });
        assert_eq!(read(&["return=all"]).returns, None);
    }
}
