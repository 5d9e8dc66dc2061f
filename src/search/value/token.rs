//! Token values: <https://hl7.org/fhir/R4/search.html#token>.

use super::{split, unescape};
use crate::error::Error;

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
