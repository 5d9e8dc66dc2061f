//! `gnuhealth-fhir`: an HL7 FHIR R4 server in front of an existing GNU Health / Tryton PostgreSQL database.
//!
//! This page is the picture of the house, for who works on it. What operators need is in the README and in `src/manual`.
//!
//! # The way of a request
//!
//! ```text
//!  bytes ── server: peer, route, body, negotiate, credential ───────────────┐
//!                                                                           ▼
//!                                      interaction::{read, search, …}   Request
//!                                                                           │
//!  1  tryton::SignIn      credential          → user                (store) │
//!  2  tryton::Permit      user                → what may be read  (memory)  │
//!  3  search::parse       parameters          → SearchRequest       (pure)  │
//!  4  plan::page, read    request + mapping + permit → statement    (pure)  │
//!  5  store::Store        statement           → rows            (PostgreSQL)│
//!  6  render::Renderer    rows + mapping      → JSON                (pure)  │
//!  7  fhir::bundle        resources           → Bundle              (pure)  │
//!                                                                           ▼
//!  bytes ◄─ server::respond: status, headers, form ◄── Answer or Error ─────┘
//! ```
//!
//! A read is one statement, a page of a search one more than the counting that was asked for, over all types some side by
//! side; that does not depend on the number of rows. Verified credentials, permits and plans are kept in memory; a change of
//! the security tables, which is looked for at most a second apart, makes them void. So are records that were read twice, for as
//! long as the snapshot of PostgreSQL stays the same.
//!
//! # Modules
//!
//! Imports go to the same layer or below, and only to the modules named here; a test compares this table with the source.
//!
//! | layer | module | what it is | uses |
//! |---|---|---|---|
//! | 5 | `cli` | commands, settings of the command line, the log | `audit` `config` `demo` `error` `heap` `interaction` `mapping` `plan` `search` `server` `sql` `store` `tls` `tryton` |
//! | 4 | `server` | HTTP: the only place that knows hyper and OTLP, and where a kind of error becomes a status | `audit` `config` `error` `fhir` `interaction` `page` `spans` `tls` |
//! | 3 | `interaction` | one file for each FHIR interaction; sign-in, paging links, capabilities | `audit` `error` `fhir` `mapping` `plan` `render` `search` `spans` `store` `tryton` |
//! | 2 | `plan` | request, mapping and permit become a statement | `error` `mapping` `render` `search` `sql` `tryton` |
//! | 2 | `render` | rows become JSON | `fhir` `mapping` `search` |
//! | 1 | `mapping` | the mapping language: text, names resolved in the catalogue, compiled sources, findings | `fhir` `heap` `search` `tryton` |
//! | 1 | `tryton` | catalogue of models, sign-in, access rights, PYSON, domains of record rules | `error` `heap` `sql` `store` |
//! | 1 | `search` | parameters, modifiers and values of searches; R4's definitions of them | `error` `fhir` |
//! | 0 | `fhir` | structure, codes and bindings of R4; Bundle, OperationOutcome | `error` |
//! | 0 | `store` | the pool: the only place that knows tokio-postgres; Tryton's file store | `error` `spans` `sql` `tls` |
//! | 0 | `tls` | certificates and keys: what clients are met with, and who PostgreSQL is | |
//! | 0 | `sql` | fragments and values: the only place that quotes a name or binds a value | |
//! | 0 | `audit` | the audit trail: chained records, where they go, reading and verifying them | `error` |
//! | 0 | `config` | settings; their documentation is the reference | |
//! | 0 | `spans` | what a request did and for how long, for traces; the trace context of W3C | |
//! | 0 | `error` | the catalogue of errors that a client can see | |
//! | 0 | `heap` | large values that are needed for a moment, out of the way of what stays in memory | |
//! | 0 | `page` | the files of the page that a browser shows at `/` | |
//! | 0 | `demo` | a private PostgreSQL and the invented hospital | |
//!
//! fhir-sdk, a full model of R4, is a package of its own (`src/model`) behind functions that are not generic, because its
//! types take minutes to compile; no request passes through it. The PostgreSQL that the demo carries is another
//! (`src/demo/runtime`).
//!
//! # What must not change silently
//!
//! 1. **Permission is a value.** A [`tryton::Permit`] is built in one place, and no statement is planned without one. Every
//!    table of a statement carries the condition of its own model. What cannot be decided exactly is refused.
//! 2. **Security falls out of the mapping.** A mapping names models and fields, never SQL, so what a resource is made of is
//!    known when it is compiled.
//! 3. **One predicate and one row shape for each source**, for reads, searches, chains and counts alike.
//! 4. **The CapabilityStatement is built from the compiled mappings**; it cannot promise what is not there.
//! 5. **Nothing is dropped in silence**: what a caller may not see is marked, a record that cannot be written is named, a
//!    parameter that is not offered is refused.
//! 6. **Clients get a code, a fixed sentence and a request id; causes go to the log.** Neither gets values of records.
//! 7. **The number of statements does not depend on the number of rows.**
//! 8. **The database needs no change**; a role that may only read is enough.
//! 9. **Ids are a reversible function of source and primary key**, for ever.

pub mod audit;
pub mod cli;
pub mod config;
pub mod demo;
pub mod error;
pub mod fhir;
pub mod heap;
pub mod interaction;
pub mod mapping;
pub mod page;
pub mod plan;
pub mod render;
pub mod search;
pub mod server;
pub mod spans;
pub mod sql;
pub mod store;
pub mod tls;
pub mod tryton;
