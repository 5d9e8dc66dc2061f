//! Reference values: <https://hl7.org/fhir/R4/search.html#reference>.

use super::{unescape, wrong};
use crate::error::Error;

/// `[id]`, `[type]/[id]` or an absolute URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferenceValue {
    /// Type, when it is given.
    pub kind: Option<String>,
    /// Id.
    pub id: String,
    /// The base of an absolute URL.
    pub base: Option<String>,
}

impl ReferenceValue {
    /// Reads a value.
    ///
    /// # Errors
    /// Not a reference.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let text = unescape(text)?;
        let mut parts = text.rsplitn(3, '/');
        let id = parts.next().unwrap_or_default().to_owned();
        let kind = parts.next().map(str::to_owned);
        let base = parts.next().map(str::to_owned);
        let id_like = |id: &str| {
            (1..=64).contains(&id.len())
                && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
        };
        let kind_like = |kind: &str| !kind.is_empty() && kind.bytes().all(|b| b.is_ascii_alphabetic());
        let base_like = |base: &str| base.starts_with("http://") || base.starts_with("https://");
        if !id_like(&id) || !kind.as_deref().is_none_or(kind_like) || !base.as_deref().is_none_or(base_like) {
            return Err(wrong("[id], [type]/[id] or the URL of a resource", &text));
        }
        Ok(Self { kind, id, base })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        let parse = |text| ReferenceValue::parse(text).unwrap();
        assert_eq!(parse("7"), ReferenceValue { kind: None, id: "7".into(), base: None });
        assert_eq!(parse("Patient/7").kind.as_deref(), Some("Patient"));
        assert_eq!(parse("http://h/fhir/Patient/7").base.as_deref(), Some("http://h/fhir"));
        for bad in ["", "/", "a b", "Patient/", "x/y/z", "../../etc/passwd", "Pat1ent/2"] {
            assert!(ReferenceValue::parse(bad).is_err(), "{bad}");
        }
    }
}
