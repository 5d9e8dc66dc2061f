//! `_include` and `_revinclude`: <https://hl7.org/fhir/R4/search.html#include>.

use super::parse::short;
use crate::error::{self, Error};

/// Names of the parameters.
pub const NAMES: [&str; 2] = ["_include", "_revinclude"];

/// Resources that come with those that a search finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Include {
    /// Key as sent, for messages.
    pub key: String,
    /// Value as sent.
    pub value: String,
    /// They refer to what was found (`_revinclude`), not the other way.
    pub reverse: bool,
    /// Also for what is included.
    pub iterate: bool,
    /// Type of the resources that refer; any when absent.
    pub kind: Option<String>,
    /// Parameter by which they refer; all of them when absent.
    pub parameter: Option<String>,
    /// Type that they refer to; any when absent.
    pub target: Option<String>,
}

impl Include {
    /// Whether a key is one of the two, with or without a modifier.
    pub fn is(key: &str) -> bool {
        key.split(':').next().is_some_and(|name| NAMES.contains(&name))
    }

    /// Reads `[type]:[parameter]:[target type]`, `[type]:*` or `*`.
    ///
    /// # Errors
    /// Another modifier than `:iterate`, or a value of another form.
    pub fn parse(key: &str, value: &str) -> Result<Self, Error> {
        let (name, modifier) =
            key.split_once(':').map_or((key, None), |(name, modifier)| (name, Some(modifier)));
        if modifier.is_some_and(|modifier| modifier != "iterate") {
            return Err(
                Error::new(&error::PARAMETER_MODIFIER).detail(format!("Modifiers of {name}: :iterate."))
            );
        }
        let parts: Vec<&str> = value.split(':').collect();
        let wrong = || {
            Error::new(&error::PARAMETER_VALUE).detail(format!(
                "Expected [type]:[parameter], [type]:[parameter]:[target type], [type]:* or *, found \"{}\".",
                short(value)
            ))
        };
        let (kind, parameter, target) = match parts.as_slice() {
            ["*"] => (None, None, None),
            [kind, parameter] => (Some(*kind), Some(*parameter), None),
            [kind, parameter, target] => (Some(*kind), Some(*parameter), Some(*target)),
            _ => return Err(wrong()),
        };
        if parts.iter().any(|part| part.is_empty()) || kind == Some("*") || target == Some("*") {
            return Err(wrong());
        }
        let owned = |part: Option<&str>| part.filter(|part| *part != "*").map(str::to_owned);
        Ok(Self {
            key: key.to_owned(),
            value: value.to_owned(),
            reverse: name == "_revinclude",
            iterate: modifier.is_some(),
            kind: owned(kind),
            parameter: owned(parameter),
            target: owned(target),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Include;

    #[test]
    fn forms() {
        let parse = |key, value| Include::parse(key, value).unwrap();
        let all = parse("_include", "*");
        assert_eq!(
            (all.kind, all.parameter, all.target, all.reverse, all.iterate),
            (None, None, None, false, false)
        );
        let one = parse("_revinclude:iterate", "Observation:subject:Patient");
        assert_eq!((one.kind.as_deref(), one.parameter.as_deref()), (Some("Observation"), Some("subject")));
        assert_eq!((one.target.as_deref(), one.reverse, one.iterate), (Some("Patient"), true, true));
        let of_type = parse("_include", "Observation:*");
        assert_eq!((of_type.kind.as_deref(), of_type.parameter), (Some("Observation"), None));
        for bad in ["", "Observation", "Observation:", ":subject", "*:subject", "a:b:c:d", "a:b:", "a:b:*"] {
            assert_eq!(Include::parse("_include", bad).unwrap_err().entry().code, "parameter-value", "{bad}");
        }
        let recurse = Include::parse("_include:recurse", "*").unwrap_err();
        assert_eq!(recurse.entry().code, "parameter-modifier");
        assert!(Include::is("_include:x") && Include::is("_revinclude") && !Include::is("_included"));
    }
}
