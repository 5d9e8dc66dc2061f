//! `gnuhealth-fhir`: an HL7 FHIR R4 server in front of an existing GNU Health / Tryton PostgreSQL database.

pub mod cli;
pub mod config;
pub mod demo;
pub mod error;
pub mod fhir;
pub mod interaction;
pub mod mapping;
pub mod plan;
pub mod render;
pub mod search;
pub mod server;
pub mod sql;
pub mod store;
pub mod tryton;
