//! FHIR interactions: one file each.

mod capabilities;
mod content;
mod docref;
mod everything;
pub mod explain;
mod gateway;
mod history;
mod ipa;
mod kept;
mod lastn;
mod lines;
mod openapi;
pub mod operation;
mod own;
mod page_link;
mod plans;
mod read;
pub mod rights;
mod search;
mod terminology;
mod touched;
mod trail;
mod turns;
mod unchanged;
mod validate;
pub mod vitals;

use std::{
    net::IpAddr,
    pin::Pin,
    sync::{Arc, OnceLock},
};

use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;
use serde_json::Value;

pub use crate::store::Spent;
pub use crate::tryton::Credential;
use crate::{
    error::{self, Error, Result},
    fhir::bundle,
};
pub use content::Content;
pub use gateway::{Fhir, Options, Session};
pub use operation::Call;
pub use search::Place;
pub use touched::Touched;
pub use vitals::{ReplicaVitals, Vitals};

/// What the server calls: everything behind the protocol.
pub trait Gateway: Send + Sync + 'static {
    /// Carries out a request. Dropped when the client goes away.
    fn answer(self: Arc<Self>, request: Request) -> Pin<Box<dyn Future<Output = Result<Answer>> + Send>>;

    /// Signs in, so that the entries of a batch need not.
    fn sign_in(&self, request: Request) -> Pin<Box<dyn Future<Output = Result<()>> + Send + '_>>;

    /// Signs in with the password of the request; gives what a browser keeps, for [`Credential::Kept`].
    fn keep(&self, request: Request) -> Pin<Box<dyn Future<Output = Result<String>> + Send + '_>>;

    /// What a browser keeps from now on, when it is time for a new one.
    fn renewed(&self, kept: &str) -> Option<String>;

    /// Ends what a browser keeps.
    fn end(&self, kept: &str);

    /// Whether this is the name of a parameter (without modifier and chain). Only such names are logged: a client can put
    /// anything, also the name of a patient, where a parameter should stand.
    fn is_parameter(&self, name: &str) -> bool;

    /// Whether requests can be answered now: the database answers, and what was compiled for it still holds.
    ///
    /// # Errors
    /// Why not; its cause is for the operator.
    fn ready(&self) -> Result<()>;

    /// How it is at the moment, for the operator.
    fn vitals(&self) -> Vitals;
}

/// What the client asks for (<https://hl7.org/fhir/R4/http.html>).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Interaction {
    /// `GET [base]/metadata` and `GET [base]`.
    Capabilities {
        /// Decoded parameters of the query, in order.
        pairs: Vec<(String, String)>,
    },
    /// `GET [base]/openapi.json` and `GET /openapi.json`.
    OpenApi,
    /// `GET [base]/[type]/[id]`.
    Read {
        /// Resource type as sent.
        kind: String,
        /// Resource id as sent.
        id: String,
        /// Decoded parameters of the query, in order (`_summary`, `_elements`).
        pairs: Vec<(String, String)>,
    },
    /// `GET [base]/[type]/[id]/_history/[version]`.
    VersionRead {
        /// Resource type as sent.
        kind: String,
        /// Resource id as sent.
        id: String,
        /// Version id as sent.
        version: String,
        /// Decoded parameters of the query, in order (`_summary`, `_elements`).
        pairs: Vec<(String, String)>,
    },
    /// `GET [base]/[type]?…`, `GET [base]?…`, `POST …/_search` and `GET [base]/[type]/[id]/[type]?…`.
    Search {
        /// Resource type as sent; none for all types.
        kind: Option<String>,
        /// Type and id as sent of the resource whose compartment is searched.
        compartment: Option<(String, String)>,
        /// Decoded parameters of the query and of the form body, in order.
        pairs: Vec<(String, String)>,
    },
    /// `GET [base]/_history`, `GET [base]/[type]/_history` and `GET [base]/[type]/[id]/_history`.
    History {
        /// Resource type as sent; none for all types.
        kind: Option<String>,
        /// Resource id as sent.
        id: Option<String>,
        /// Decoded parameters of the query, in order.
        pairs: Vec<(String, String)>,
    },
    /// `[base]/[type]/$…`.
    Operation(Call),
    /// What the page asks about its user.
    Own(Own),
}

/// What users are told about themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Own {
    /// Who is signed in, and for how long.
    Account,
    /// What of each type is served to them.
    Rights,
}

impl Interaction {
    /// Somebody must have signed in for it; a batch asks for what its entries ask for.
    pub fn is_of_somebody(&self, batch: bool) -> bool {
        batch || !matches!(self, Self::Capabilities { .. } | Self::OpenApi)
    }
}

/// A request as an interaction needs it.
#[derive(Clone, Debug)]
pub struct Request {
    /// `X-Request-Id`, as sent by the client or made. Everything logged inside [`Gateway::answer`] carries it already.
    pub id: String,
    /// Takes the user for the log.
    pub trace: Trace,
    /// Who signed in, shared by the entries of a batch.
    pub session: Session,
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
    /// `Prefer: return=`.
    pub returns: Option<Returns>,
    /// What form the answer takes on its way out.
    pub format: Format,
    /// `_format` and `_pretty` as sent, for links; they are no parameters of the interaction.
    pub form: Vec<(String, String)>,
    /// Languages of `Accept-Language`, best first, as BCP 47 tags.
    pub languages: Vec<String>,
}

/// The form of an answer. Answers are JSON and take their form on the way out; only what is sent as it is read must know it
/// before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// <https://hl7.org/fhir/R4/json.html>
    #[default]
    Json,
    /// <https://hl7.org/fhir/R4/xml.html>
    Xml,
    /// Resources in JSON, one in each line: <https://hl7.org/fhir/R4/nd-json.html>.
    Lines,
    /// The bytes of a Binary, not the resource around them.
    Bytes,
}

/// What the log of a request learns on the way.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    user: Arc<OnceLock<(i64, String)>>,
    spent: Spent,
    touched: Touched,
}

impl Trace {
    /// Whom the answer is about is noted too.
    #[must_use]
    pub fn noting(self) -> Self {
        Self { touched: Touched::noting(), ..self }
    }

    /// That of a part of the request: whom its answer is about is told apart.
    #[must_use]
    pub fn part(&self) -> Self {
        Self { touched: self.touched.part(), ..self.clone() }
    }

    /// Notes id and login of the user, once known.
    pub fn signed_in(&self, user: i64, login: &str) {
        let _ = self.user.set((user, login.to_owned()));
    }

    /// Id of the user.
    pub fn user(&self) -> Option<i64> {
        self.user.get().map(|(id, _)| *id)
    }

    /// Login of the user, which is for the audit trail alone.
    pub fn login(&self) -> Option<&str> {
        self.user.get().map(|(_, login)| login.as_str())
    }

    /// Whom the answer is about.
    pub fn touched(&self) -> &Touched {
        &self.touched
    }

    /// What the database cost until now.
    pub fn spent(&self) -> &Spent {
        &self.spent
    }
}

/// What the answer to a write holds (<https://hl7.org/fhir/R4/http.html#ops>).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Returns {
    /// Nothing.
    Minimal,
    /// The resource.
    Representation,
    /// An OperationOutcome.
    Outcome,
}

/// What goes back.
#[derive(Debug, Default)]
pub struct Answer {
    /// A FHIR resource as JSON.
    pub body: Vec<u8>,
    /// Instead of it, a content that is sent as it is read.
    pub content: Option<Content>,
    /// Instead of both, what a page of a stream of lines has. It never leaves [`Gateway::answer`].
    pub lines: Option<bundle::Lines>,
    /// Version id, for `ETag: W/"…"`.
    pub version: Option<String>,
    /// For `Last-Modified`.
    pub last_modified: Option<Timestamp>,
    /// Holds data of people: `Cache-Control: no-store`.
    pub personal: bool,
}

impl Answer {
    /// Keeps a value until the answer has been sent, when it is sent in pieces.
    #[must_use]
    pub fn holding(mut self, held: impl Send + 'static) -> Self {
        if let Some(content) = &mut self.content {
            let pieces = std::mem::replace(&mut content.pieces, Box::pin(stream::empty()));
            content.pieces = Box::pin(pieces.inspect(move |_| {
                let _ = &held;
            }));
        }
        self
    }

    /// The resource of an answer that another interaction goes on with.
    fn resource(&self) -> Result<Value> {
        serde_json::from_slice(&self.body).map_err(|error| Error::new(&error::INTERNAL).cause(error))
    }
}
