//! Tryton: catalogue of models, credentials, access rights.

mod access;
mod attempts;
mod catalog;
pub mod domain;
mod hashing;
mod login;
pub mod password;
pub mod pyson;
mod security;

pub use access::{Permit, Refusal, closed};
pub use attempts::Options as AttemptOptions;
pub use catalog::{
    Catalog, CatalogError, Field, FieldKind, Model, ModelKind, Search, SearchPath, Series, Strip, Tree,
    grants,
};
pub use domain::{Domain, Refused};
pub use login::{Accounts, Options as SignInOptions, SignIn, UserId};
pub use security::{Group, Rights, Secret, Security, User, WatchOptions};

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
