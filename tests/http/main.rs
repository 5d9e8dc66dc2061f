//! The real server over TCP, with a gateway that invents its answers.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod admin;
mod audit;
mod collector;
mod harness;
mod hostile;
mod lifecycle;
mod log;
mod page;
mod protocol;
mod throttle;
mod tls;
mod traces;
