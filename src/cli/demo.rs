//! `demo`.

use std::{net::SocketAddr, path::PathBuf};

use clap::ValueEnum;

use super::Failure;

/// Arguments of `demo`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Keep the data of the demo in this folder instead of a temporary one.
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
    /// Address and port to listen on.
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDRESS")]
    pub listen: SocketAddr,
    /// Where PostgreSQL comes from.
    #[arg(long, value_enum, default_value_t = Postgres::Auto)]
    pub postgres: Postgres,
}

/// Where the PostgreSQL of the demo comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Postgres {
    /// Programs of this machine if there are any, else the embedded ones.
    Auto,
    /// Programs of this machine.
    Local,
    /// Programs that come with the demo.
    Embedded,
}

/// Runs the demo.
pub fn run(_: &Arguments) -> Result<(), Failure> {
    Err(Failure(vec!["the demo is not part of this build".to_owned()]))
}
