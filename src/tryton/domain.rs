//! Domains: the filters of record rules, as SQL.

use std::fmt;

use super::{catalog::Catalog, pyson::Value};
use crate::sql::{Alias, Aliases, Fragment};

/// Why a domain is not turned into SQL. Who needs it must then deny.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused(pub String);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

/// A domain whose names are resolved and whose values have the types of their fields.
#[derive(Clone, Debug)]
pub struct Domain(());

impl Domain {
    /// Resolves the domain of a record rule on `model`.
    ///
    /// # Errors
    /// What SQL cannot repeat exactly.
    pub fn rule(_: &Value, _: &str, _: &Catalog, _: &[String]) -> Result<Self, Refused> {
        Err(Refused("not yet".into()))
    }

    /// The domain as a condition on `alias`.
    pub fn fragment(&self, _: Alias, _: &mut Aliases) -> Fragment {
        Fragment::raw("FALSE")
    }
}
