//! The audit trail: every access to data of patients as an AuditEvent of R4 (<https://hl7.org/fhir/R4/auditevent.html>), in lines
//! that are chained by their hashes.
//!
//! One thread writes. What waits when it is free is one write and one sync for all, so requests do not queue behind each
//! other. An answer leaves when its record is kept; when none can be, no answer does ([`Failure::Stop`]), until there is
//! room again: while it fails, the thread tries again by itself.

mod chain;
mod event;
mod file;
pub mod reader;
mod sink;
mod syslog;
mod trail;
pub mod verify;
mod writer;

pub use chain::{Link, Seal};
pub use event::{Action, Event, Happened, Outcome, User};
pub use sink::{Destination, Sync};
pub use syslog::Receiver;
pub use trail::{Trail, Vitals};

/// What becomes of requests whose record cannot be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// They are refused.
    Stop,
    /// They are answered; the log and the metrics tell.
    Continue,
}

/// Settings of the trail.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where records go.
    pub destination: Destination,
    /// Key of the chain, if it has one.
    pub key: Option<Vec<u8>>,
    /// What becomes of requests whose record cannot be kept.
    pub on_failure: Failure,
    /// Prefix of the local identifier systems.
    pub site: String,
}
