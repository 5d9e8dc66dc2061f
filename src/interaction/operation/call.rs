//! One call of an operation, and what it was given.

use serde_json::Value;

use super::Operation;
use crate::{
    error::{self, Error, Result},
    fhir::parameters::Given,
};

/// A call of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The operation.
    pub operation: &'static Operation,
    /// Resource type it is called on; empty at the level of the system.
    pub kind: String,
    /// Resource id it is called on.
    pub id: Option<String>,
    /// Its parameters.
    pub given: Given,
}

impl Call {
    /// Refuses parameters that the operation does not take.
    pub(in crate::interaction) fn check(&self) -> Result<()> {
        let names = self
            .given
            .pairs
            .iter()
            .map(|(name, _)| name)
            .chain(self.given.resources.iter().map(|(name, _)| name));
        let taken = self.operation.parameters;
        match names.into_iter().find(|name| !taken.contains(&name.as_str())) {
            None => Ok(()),
            Some(name) => Err(Error::new(&error::PARAMETER_UNKNOWN)
                .detail(format!("${} takes {}.", self.operation.name, taken.join(", ")))
                .at_key(name)),
        }
    }

    /// All values of a parameter.
    pub(in crate::interaction) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.given.pairs.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The value of a parameter that may stand once.
    pub(in crate::interaction) fn one(&self, name: &str) -> Result<Option<&str>> {
        let mut values =
            self.given.pairs.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str());
        match (values.next(), values.next()) {
            (Some(""), _) => Err(self.wrong(name, "It is empty.")),
            (value, None) => Ok(value),
            _ => Err(self.wrong(name, &format!("${} takes it once.", self.operation.name))),
        }
    }

    /// The value of a parameter that is needed.
    pub(in crate::interaction) fn needed(&self, name: &str, what: &str) -> Result<&str> {
        self.one(name)?.ok_or_else(|| self.wrong(name, &format!("${} needs {what}.", self.operation.name)))
    }

    /// A truth value.
    pub(in crate::interaction) fn flag(&self, name: &str) -> Result<Option<bool>> {
        match self.one(name)? {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => Err(self.wrong(name, "Expected true or false.")),
        }
    }

    /// A resource.
    pub(in crate::interaction) fn resource(&self, name: &str) -> Result<Option<&Value>> {
        let mut values = self.given.resources.iter().filter(|(key, _)| key == name).map(|(_, value)| value);
        match (values.next(), values.next()) {
            (value, None) => Ok(value),
            _ => Err(self.wrong(name, &format!("${} takes it once.", self.operation.name))),
        }
    }

    /// A parameter that is missing or has a value of no use.
    pub(in crate::interaction) fn wrong(&self, name: &str, detail: &str) -> Error {
        Error::new(&error::PARAMETER_VALUE).detail(detail).at(name)
    }
}

#[cfg(test)]
pub(in crate::interaction) use tests::call;

#[cfg(test)]
mod tests {
    use super::{Call, Operation};
    use crate::{fhir::parameters::Given, interaction::operation::Level};

    /// A call for tests.
    pub(in crate::interaction) fn call(kind: &str, name: &str, pairs: &[(&str, &str)]) -> Call {
        let operation = Operation::find(Some(kind), Level::Type, name).unwrap();
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let given = Given { pairs, ..Given::default() };
        Call { operation, kind: kind.to_owned(), id: None, given }
    }

    #[test]
    fn parameters_are_those_of_the_operation() {
        let refused = call("DocumentReference", "docref", &[("patient", "7"), ("profile", "x")]).check();
        let error = refused.unwrap_err();
        assert_eq!((error.entry().code, error.expression()), ("parameter-unknown", Some("profile")));
        assert!(error.text().contains("on-demand"), "{error}");
        let twice = call("DocumentReference", "docref", &[("patient", "7"), ("patient", "8")]);
        assert!(twice.check().is_ok() && twice.one("patient").is_err());
        assert!(twice.needed("start", "a start").is_err());
        assert!(call("DocumentReference", "docref", &[("on-demand", "maybe")]).flag("on-demand").is_err());
    }
}
