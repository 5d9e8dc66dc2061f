//! Codes above and below another: <https://hl7.org/fhir/R4/search.html#token>.
//!
//! Of ICD-10 the code itself says what it belongs to: `A00.1` to `A00`, and that to the block `A00-A09`. The hierarchies
//! of other systems are not known here.

use super::{TokenValue, wrong};
use crate::error::{self, Error};

/// Code systems whose codes tell what they belong to.
pub const SYSTEMS: [&str; 1] = ["http://hl7.org/fhir/sid/icd-10"];

/// A code with `:above` or `:below`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HierarchyValue {
    /// Its system.
    pub system: String,
    /// What is asked for.
    pub wanted: Wanted,
}

/// Codes of a hierarchy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The code and those that it belongs to.
    Above(Vec<String>),
    /// The code and those that belong to it: they start so.
    Below(String),
    /// The codes of a block, from the first category to the last: `A00-A09`.
    Block(String, String),
}

impl HierarchyValue {
    /// Reads a value; the modifier is `above`, else it is taken as `below`.
    ///
    /// # Errors
    /// Not a code of a system whose hierarchy is known.
    pub fn parse(modifier: Option<&str>, text: &str) -> Result<Self, Error> {
        let TokenValue::Coded(system, code) = TokenValue::parse(text)? else {
            return Err(wrong("[system]|[code]", text));
        };
        if !SYSTEMS.contains(&system.as_str()) {
            return Err(Error::new(&error::PARAMETER_VALUE)
                .detail(format!("The hierarchy of codes is known for: {}.", SYSTEMS.join(", "))));
        }
        let above = modifier == Some("above");
        let wanted = match code.split_once('-') {
            Some((first, last)) if !above && category(first) && category(last) && first <= last => {
                Wanted::Block(first.to_owned(), last.to_owned())
            }
            None if code.get(..3).is_some_and(category) && subdivision(&code[3..]) => {
                if above {
                    Wanted::Above(ancestors(&code))
                } else {
                    Wanted::Below(code)
                }
            }
            _ => return Err(wrong("a code of ICD-10 as `A00`, `A00.1` or, with :below, `A00-A09`", text)),
        };
        Ok(Self { system, wanted })
    }

    /// Whether a constant with this system and code matches.
    pub fn matches(&self, system: Option<&str>, code: &str) -> bool {
        system == Some(self.system.as_str())
            && match &self.wanted {
                Wanted::Above(codes) => codes.iter().any(|above| above == code),
                Wanted::Below(start) => code.starts_with(start),
                Wanted::Block(first, last) => {
                    code.get(..3).is_some_and(|category| (first.as_str()..=last.as_str()).contains(&category))
                }
            }
    }
}

/// A letter, a figure, and a figure or a letter.
fn category(text: &str) -> bool {
    let [letter, figure, last] = text.as_bytes() else { return false };
    letter.is_ascii_uppercase()
        && figure.is_ascii_digit()
        && (last.is_ascii_digit() || last.is_ascii_uppercase())
}

fn subdivision(text: &str) -> bool {
    text.is_empty()
        || text.strip_prefix('.').is_some_and(|rest| {
            (1..=4).contains(&rest.len())
                && rest.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
        })
}

/// `A00.12` → `A00.12`, `A00.1`, `A00`.
fn ancestors(code: &str) -> Vec<String> {
    (3..=code.len()).rev().filter(|end| *end != 4).map(|end| code[..end].to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(modifier: &str, code: &str) -> Result<HierarchyValue, Error> {
        HierarchyValue::parse(Some(modifier), &format!("{}|{code}", SYSTEMS[0]))
    }

    #[test]
    fn the_shape_of_a_code_is_its_place() {
        let below = parse("below", "A00").unwrap();
        assert!(["A00", "A00.1"].iter().all(|code| below.matches(Some(SYSTEMS[0]), code)));
        assert!(!below.matches(Some(SYSTEMS[0]), "A01") && !below.matches(Some("http://other"), "A00"));
        let block = parse("below", "A00-A09").unwrap();
        assert!(["A00", "A05.3", "A09"].iter().all(|code| block.matches(Some(SYSTEMS[0]), code)));
        assert!(["A10", "B05", "A"].iter().all(|code| !block.matches(Some(SYSTEMS[0]), code)));
        let above = parse("above", "A00.12").unwrap();
        assert_eq!(above.wanted, Wanted::Above(["A00.12", "A00.1", "A00"].map(str::to_owned).to_vec()));
    }

    #[test]
    fn other_codes_have_no_known_place() {
        for bad in ["A0", "A00.", "A00.12345", "a00", "A09-A00", "A00-", "1A00", "Ä00", "A00.1\u{e9}"] {
            assert!(parse("below", bad).is_err(), "{bad}");
        }
        assert!(parse("above", "A00-A09").is_err());
        for bad in ["A00", "|A00", "http://loinc.org|8480-6", "http://hl7.org/fhir/sid/icd-10|"] {
            assert!(HierarchyValue::parse(Some("below"), bad).is_err(), "{bad}");
        }
    }
}
