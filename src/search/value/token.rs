//! Token values: <https://hl7.org/fhir/R4/search.html#token>.

use super::{split, unescape};
use crate::{error::Error, fhir::codes};

/// `[code]`, `[system]|[code]`, `|[code]` or `[system]|`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenValue {
    /// A code in any system.
    Code(String),
    /// A code in a system.
    Coded(String, String),
    /// A code without a system.
    Bare(String),
    /// Anything in a system.
    System(String),
}

impl TokenValue {
    /// Reads a value.
    ///
    /// # Errors
    /// Nothing on both sides of the bar, or a wrong escape.
    pub fn parse(text: &str) -> Result<Self, Error> {
        Ok(match split(text, '|', 2).as_slice() {
            ["", ""] => return Err(super::wrong("[system]|[code]", text)),
            ["", code] => Self::Bare(unescape(code)?),
            [system, ""] => Self::System(unescape(system)?),
            [system, code] => Self::Coded(unescape(system)?, unescape(code)?),
            _ => Self::Code(unescape(text)?),
        })
    }

    /// Whether a constant with this system and code matches.
    pub fn matches(&self, system: Option<&str>, code: &str) -> bool {
        match self {
            Self::Code(wanted) => wanted == code,
            Self::Coded(wanted, wanted_code) => system == Some(wanted) && wanted_code == code,
            Self::Bare(wanted) => system.is_none() && wanted == code,
            Self::System(wanted) => system == Some(wanted),
        }
    }

    /// Whether a `code` matches. It has no system of its own: its element implies that of the value set that it requires
    /// (`bound`). Where that is not known, any system is right.
    pub fn names(&self, bound: Option<&str>, code: &str) -> bool {
        let has = |system: &str| bound.and_then(|value_set| codes::in_value_set(value_set, system, code));
        match self {
            Self::Code(wanted) | Self::Bare(wanted) => wanted == code,
            Self::Coded(system, wanted) => wanted == code && has(system) != Some(false),
            Self::System(system) => has(system) == Some(true),
        }
    }

    /// The values of a `code` that match, as [`TokenValue::names`] says.
    pub fn codes(&self, bound: Option<&str>) -> Vec<&str> {
        match self {
            Self::Code(code) | Self::Coded(_, code) | Self::Bare(code) => {
                self.names(bound, code).then_some(code.as_str()).into_iter().collect()
            }
            Self::System(system) => {
                let all = bound.and_then(codes::listed).unwrap_or_default();
                all.into_iter().filter(|(other, _)| other == system).map(|(_, code)| code).collect()
            }
        }
    }
}

/// `[system]|[code]|[value]`: an identifier and its type, for `:of-type`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypedValue {
    /// The type.
    pub kind: TokenValue,
    /// The identifier.
    pub value: String,
}

impl TypedValue {
    /// Reads a value.
    ///
    /// # Errors
    /// Not three parts with a text each, or a wrong escape.
    pub fn parse(text: &str) -> Result<Self, Error> {
        match split(text, '|', 3).as_slice() {
            [system, code, value] if ![system, code, value].iter().any(|part| part.is_empty()) => {
                let kind = TokenValue::Coded(unescape(system)?, unescape(code)?);
                Ok(Self { kind, value: unescape(value)? })
            }
            _ => Err(super::wrong("[system of the type]|[code of the type]|[identifier]", text)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_the_system_of_its_value_set() {
        const GENDER: &str = "http://hl7.org/fhir/administrative-gender";
        let bound = Some("http://hl7.org/fhir/ValueSet/administrative-gender");
        let parse = |text: &str| TokenValue::parse(text).unwrap();
        for (text, right) in [
            ("male", true),
            ("|male", true),
            (&format!("{GENDER}|male"), true),
            (&format!("{GENDER}|"), true),
            ("http://nowhere.example|male", false),
            ("http://nowhere.example|", false),
            ("female", false),
        ] {
            assert_eq!(parse(text).names(bound, "male"), right, "{text}");
            assert_eq!(parse(text).codes(bound).contains(&"male"), right, "{text}");
        }
        assert!(parse("http://anywhere.example|x").names(None, "x"));
        assert_eq!(parse(&format!("{GENDER}|")).codes(bound).len(), 4);
    }

    #[test]
    fn forms() {
        let parse = |text| TokenValue::parse(text).unwrap();
        assert_eq!(parse("a"), TokenValue::Code("a".into()));
        assert_eq!(parse("s|a"), TokenValue::Coded("s".into(), "a".into()));
        assert_eq!(parse("|a"), TokenValue::Bare("a".into()));
        assert_eq!(parse("s|"), TokenValue::System("s".into()));
        assert_eq!(parse("a\\|b"), TokenValue::Code("a|b".into()));
        assert_eq!(parse("s|a|b"), TokenValue::Coded("s".into(), "a|b".into()));
        let typed = TypedValue::parse("s|MR|4\\|2").unwrap();
        assert_eq!((typed.kind, typed.value.as_str()), (TokenValue::Coded("s".into(), "MR".into()), "4|2"));
        assert!(["s|MR", "s||4", "|MR|4", "s|MR|", ""].iter().all(|text| TypedValue::parse(text).is_err()));
        assert!(TokenValue::parse("|").is_err());
        assert!(TokenValue::parse("a\\x").is_err());
    }
}
