//! Domains: the filters of record rules, as SQL.
//!
//! Source: semantics 7 of Tryton (`trytond/model/modelsql.py`, `trytond/model/fields/`). A domain is read as Tryton reads
//! it ([`clause`]), resolved against the catalogue ([`compile`]) into conditions that know columns and values only
//! ([`node`]). Where SQL cannot repeat what Tryton does, or Tryton would raise, the domain is refused: who needs it must
//! deny.

mod clause;
mod compile;
mod like;
mod node;
mod relation;
mod scalar;
mod searcher;
mod structured;
mod tree;

use std::fmt;

use self::{compile::Compiler, node::Node};
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
pub struct Domain(Node);

/// Which records without `active` are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Active {
    /// On every level that does not ask for `active` itself: a search.
    Everywhere,
    /// Not on the outermost level: a record rule.
    Below,
    /// Nowhere.
    Nowhere,
}

impl Domain {
    /// Resolves the domain of a record rule on `model`. `languages` is the language of the user and its parents.
    ///
    /// # Errors
    /// What SQL cannot repeat exactly.
    pub fn rule(
        domain: &Value,
        model: &str,
        catalog: &Catalog,
        languages: &[String],
    ) -> Result<Self, Refused> {
        Self::new(domain, model, catalog, languages, Active::Below)
    }

    /// Resolves a domain.
    ///
    /// # Errors
    /// What SQL cannot repeat exactly.
    pub fn new(
        domain: &Value,
        model: &str,
        catalog: &Catalog,
        languages: &[String],
        active: Active,
    ) -> Result<Self, Refused> {
        let compiler = Compiler { catalog, languages, depth: 0 };
        let model = compiler.model(model)?;
        let here = active == Active::Everywhere;
        compiler.search(model, domain, here, active != Active::Nowhere).map(Self)
    }

    /// The domain as a condition on `alias`, a row of the model's table.
    pub fn fragment(&self, alias: Alias, aliases: &mut Aliases) -> Fragment {
        self.0.fragment(alias, aliases)
    }
}

#[cfg(test)]
mod tests;
