//! Errors: a stable code, a kind, a fixed sentence and a hint for the client; the cause for the log only.
//!
//! The kind becomes an HTTP status in `server::respond` and a FHIR issue type in `fhir::outcome`, nowhere else.

mod catalogue;

pub use catalogue::{ALL, Entry, *};

use std::fmt;

/// What went wrong, as far as protocol and operator must tell it apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The request cannot be understood.
    Invalid,
    /// The request is understood but asks for something that is not offered.
    NotSupported,
    /// No or wrong credentials.
    Unauthorized,
    /// Signed in, but not allowed.
    Forbidden,
    /// Does not exist, or must look as if it did not.
    NotFound,
    /// Existed once (expired paging link).
    Gone,
    /// HTTP method not allowed here.
    MethodNotAllowed,
    /// No acceptable response format.
    NotAcceptable,
    /// Request body in a format that is not read.
    UnsupportedMedia,
    /// Request body too large.
    TooLarge,
    /// Request line too long.
    UriTooLong,
    /// Request headers too large.
    HeadersTooLarge,
    /// The client sends its request too slowly.
    Slow,
    /// Too many attempts or requests.
    Throttled,
    /// The database took too long.
    Timeout,
    /// The database cannot be reached, or there is no room for the request now.
    Unavailable,
    /// A record cannot be expressed in FHIR.
    Unmappable,
    /// A defect of this program or of its set-up.
    Internal,
}

/// Characters of a parameter's name that an error repeats.
const KEY: usize = 80;

/// An error on its way to a client, or to all who waited for the same.
#[derive(Clone, Debug)]
pub struct Error(Box<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    entry: &'static Entry,
    detail: Option<String>,
    expression: Option<String>,
    cause: Option<String>,
    retry_after: Option<u32>,
    allow: Option<&'static str>,
}

/// Result with [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of this catalogue entry.
    pub fn new(entry: &'static Entry) -> Self {
        Self(Box::new(Inner {
            entry,
            detail: None,
            expression: None,
            cause: None,
            retry_after: None,
            allow: None,
        }))
    }

    /// Adds what this request did wrong. Only names of this protocol, names from the mapping and what the client itself
    /// sent in its query: never database text and never a value of a record.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// Adds the FHIRPath expression or the name of the parameter that is at fault.
    #[must_use]
    pub fn at(mut self, expression: impl Into<String>) -> Self {
        self.0.expression = Some(expression.into());
        self
    }

    /// Adds the beginning of the name of a parameter as the client sent it, whatever its length.
    #[must_use]
    pub fn at_key(self, key: &str) -> Self {
        self.at(key.chars().take(KEY).collect::<String>())
    }

    /// Adds the cause for the log. It never reaches a client.
    #[must_use]
    pub fn cause(mut self, cause: impl fmt::Display) -> Self {
        self.0.cause = Some(cause.to_string());
        self
    }

    /// Adds the number of seconds after which a new try makes sense.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.0.retry_after = Some(seconds);
        self
    }

    /// Adds the methods that are allowed (`Allow` header).
    #[must_use]
    pub fn allow(mut self, methods: &'static str) -> Self {
        self.0.allow = Some(methods);
        self
    }

    /// Catalogue entry.
    pub fn entry(&self) -> &'static Entry {
        self.0.entry
    }

    /// Kind of the entry.
    pub fn kind(&self) -> Kind {
        self.0.entry.kind
    }

    /// Text for the client: the fixed sentence, and what this request did wrong.
    pub fn text(&self) -> String {
        match &self.0.detail {
            Some(detail) => format!("{} {detail}", self.0.entry.sentence),
            None => self.0.entry.sentence.to_owned(),
        }
    }

    /// Expression or parameter at fault.
    pub fn expression(&self) -> Option<&str> {
        self.0.expression.as_deref()
    }

    /// Cause for the log.
    pub fn logged_cause(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }

    /// Seconds for `Retry-After`.
    pub fn retry_seconds(&self) -> Option<u32> {
        self.0.retry_after
    }

    /// Methods for `Allow`.
    pub fn allowed_methods(&self) -> Option<&'static str> {
        self.0.allow
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.entry.code, self.text())
    }
}

impl std::error::Error for Error {}
