//! Tryton: catalogue of models, credentials, access rights.

mod access;
mod attempts;
mod catalog;
pub mod domain;
mod grants;
mod hashing;
mod login;
mod name;
pub mod password;
pub mod pyson;
mod security;

pub use access::{
    Permit, Refusal, closed,
    explain::{AccessReason, Explanation, ModelReason, RecordReason, RuleReason},
};
pub use attempts::Options as AttemptOptions;
pub use catalog::{
    Catalog, CatalogError, Field, FieldKind, Model, ModelKind, Search, SearchPath, Series, Strip, Tree,
};
pub use domain::{Domain, Refused};
pub use grants::{Needs, grants};
pub use login::{
    Accounts, KeptOptions, Options as SignInOptions, Proof, SignIn, UserId, Vitals as SignInVitals,
};
pub use name::Name;
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
    /// `Authorization: Bearer`: a key of `res_user_application`.
    Bearer {
        /// Key, exactly as sent.
        key: String,
    },
    /// `Authorization: Session`: a session that Tryton opened (`ir_session`).
    Session {
        /// Id of the user it belongs to.
        user: UserId,
        /// Key, exactly as sent.
        key: String,
    },
    /// A cookie: what a browser keeps of an earlier sign-in here.
    Kept {
        /// Its value, exactly as sent.
        text: String,
    },
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("<redacted>")
    }
}
