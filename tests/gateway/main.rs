//! The whole gateway over HTTP, on a private PostgreSQL with the demo hospital; with GNUHEALTH_FHIR_TEST_50 and
//! GNUHEALTH_FHIR_TEST_44 (printed by `tests/gnuhealth/build`) also on real databases, which are only read.
//!
//! Further variables: GNUHEALTH_FHIR_TEST_POSTGRES (`embedded`, `local`) chooses the private PostgreSQL,
//! GNUHEALTH_FHIR_BLESS writes the expected findings of `tests/mappings` anew.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod access;
mod attacks;
mod audit;
mod batch;
mod busy;
mod capabilities;
mod closed;
mod codes;
#[path = "../http/collector.rs"]
mod collector;
mod composites;
mod documents;
mod explain;
mod filters;
mod fresh;
mod harness;
mod history;
mod includes;
mod ipa;
mod languages;
mod lines;
mod logs;
mod mappings;
mod modules;
mod openapi;
mod operation;
mod operations;
mod oracle;
mod order;
mod page;
mod pages;
mod protocol;
mod refusals;
mod resources;
mod restriction;
mod reverse;
mod rights;
mod rows;
mod search;
mod several;
mod sign_in;
mod statements;
mod terminology;
mod traces;
mod trail;
mod unchanged;
mod values;
mod xml;
