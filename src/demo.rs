//! What `gnuhealth-fhir demo` needs besides the gateway: a private PostgreSQL and a hospital to put into it.
//!
//! [`postgres::Server`] starts PostgreSQL, the machine's own or the one that this program carries, and leaves nothing
//! behind; [`snapshot::load`] fills it.

mod account;
mod cluster;
#[cfg(feature = "embedded-postgres")]
mod embedded;
#[cfg(not(feature = "embedded-postgres"))]
#[path = "demo/absent.rs"]
mod embedded;
mod error;
mod home;
mod local;
pub mod postgres;
mod scratch;
pub mod snapshot;

pub use error::Error;
