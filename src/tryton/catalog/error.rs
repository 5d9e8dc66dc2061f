//! Why a database cannot be served, in sentences for the operator.

use std::fmt;

use crate::{error::Error, tryton::grants::grants};

/// Why the catalogue cannot be loaded.
#[derive(Debug)]
pub enum CatalogError {
    /// Tables of Tryton are missing.
    NotTryton {
        /// Which.
        missing: Vec<String>,
    },
    /// A series of Tryton that this program does not know.
    Series {
        /// What was found, for example `5.0`.
        found: &'static str,
    },
    /// The role may not read tables that are needed to judge rights.
    Grants {
        /// The role.
        role: String,
        /// Tables it cannot read.
        tables: Vec<String>,
    },
    /// A database whose texts are not UTF-8.
    Encoding {
        /// What they are.
        found: String,
    },
    /// Tryton without the module `health`.
    NoHealth {
        /// Number of activated modules.
        activated: usize,
    },
    /// The embedded catalogue cannot be read: a defect of this build.
    Embedded(String),
    /// The database failed.
    Database(Error),
}

impl From<Error> for CatalogError {
    fn from(error: Error) -> Self {
        Self::Database(error)
    }
}

impl fmt::Display for CatalogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotTryton { missing } => write!(
                f,
                "this is not a Tryton database: the tables {} are missing; check the database name (and the search_path of the role)",
                missing.join(", ")
            ),
            Self::Series { found } => write!(
                f,
                "this database belongs to Tryton {found}; GNU Health 4.0 to 4.4 (Tryton 6.0) and 5.0 (Tryton 7.0) are supported"
            ),
            Self::Grants { role, tables } => write!(
                f,
                "the role \"{role}\" may not read {} of the tables that hold access rights; run as the owner of the database:\n{}",
                tables.len(),
                grants(role, tables.iter().map(String::as_str))
            ),
            Self::Encoding { found } => write!(
                f,
                "the encoding of this database is {found}; only UTF8 is supported: dump it and restore it into a database made with ENCODING 'UTF8'"
            ),
            Self::NoHealth { activated } => write!(
                f,
                "the module health is not activated in this Tryton database ({activated} other modules are); check the database name"
            ),
            Self::Embedded(cause) => write!(f, "the embedded catalogue of models cannot be read: {cause}"),
            Self::Database(error) => match error.logged_cause() {
                Some(cause) => write!(f, "the catalogue of the database cannot be read: {cause}"),
                None => write!(f, "the catalogue of the database cannot be read: {error}"),
            },
        }
    }
}

impl std::error::Error for CatalogError {}
