//! FHIR interactions: one file each.

use std::net::IpAddr;

use jiff::Timestamp;

pub use crate::tryton::Credential;

/// What the client asks for (<https://hl7.org/fhir/R4/http.html>).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Interaction {
    /// `GET [base]/metadata` and `GET [base]`.
    Capabilities,
    /// `GET [base]/[type]/[id]`.
    Read {
        /// Resource type as sent.
        kind: String,
        /// Resource id as sent.
        id: String,
    },
    /// `GET [base]/[type]/[id]/_history/[version]`.
    VersionRead {
        /// Resource type as sent.
        kind: String,
        /// Resource id as sent.
        id: String,
        /// Version id as sent.
        version: String,
    },
    /// `GET [base]/[type]?…` and `POST [base]/[type]/_search`.
    Search {
        /// Resource type as sent.
        kind: String,
        /// Decoded parameters of the query and of the form body, in order.
        pairs: Vec<(String, String)>,
    },
}

/// A request as an interaction needs it.
#[derive(Clone, Debug)]
pub struct Request {
    /// What is asked.
    pub interaction: Interaction,
    /// Who asks.
    pub credential: Option<Credential>,
    /// Address of the client, for the sign-in limits.
    pub client: Option<IpAddr>,
    /// Absolute base URL without a trailing slash.
    pub base: String,
    /// `Prefer: handling=lenient`.
    pub lenient: bool,
    /// Languages of `Accept-Language`, best first, as BCP 47 tags.
    pub languages: Vec<String>,
}

/// What goes back.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// A FHIR resource as JSON.
    pub body: Vec<u8>,
    /// Version id, for `ETag: W/"…"`.
    pub version: Option<String>,
    /// For `Last-Modified`.
    pub last_modified: Option<Timestamp>,
    /// Holds data of people: `Cache-Control: no-store`.
    pub personal: bool,
}
