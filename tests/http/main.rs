//! The real server over TCP, with a gateway that invents its answers.

mod harness;
mod hostile;
mod lifecycle;
mod log;
mod protocol;
