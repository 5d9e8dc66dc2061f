//! The Tryton layer on real databases. `GNUHEALTH_FHIR_TEST_PG` names the server (`postgresql://user@host:port`);
//! without it, or without the database a test needs, the test prints a line and passes.

mod cases;
mod catalog;
mod differential;
mod domains;
mod indexes;
mod propagation;
mod random;
mod restore;
mod rights;
mod server;
mod sign_in;
