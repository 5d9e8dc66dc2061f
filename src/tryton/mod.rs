//! Tryton: catalogue of models, credentials, access rights.

pub mod attempts;
mod catalog;
pub mod hashing;
pub mod login;
pub mod password;

pub use catalog::{Catalog, CatalogError, Field, FieldKind, Model, ModelKind, Series, Tree, grants};

/// What a client presents to sign in.
#[derive(Clone)]
pub enum Credential {
    /// `Authorization: Basic`.
    Basic {
        /// Login, exactly as sent.
        login: String,
        /// Password, exactly as sent.
        password: String,
    },
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("<redacted>")
    }
}
