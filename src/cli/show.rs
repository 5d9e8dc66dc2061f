//! `show`.

use clap::Subcommand;

use super::{Failure, settings::Settings};
use crate::config::Origin;

/// Arguments of `show`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Every setting, its value and where it comes from; secrets are left out.
    Config(Settings),
}

/// Shows what is in effect.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let What::Config(settings) = &arguments.what;
    let loaded = settings.load()?;
    for ((name, value), (_, origin)) in loaded.config.values().iter().zip(&loaded.origins) {
        let origin = match origin {
            Origin::Flag => "flag".to_owned(),
            Origin::Environment => "environment".to_owned(),
            Origin::File { path, line } => format!("{path}:{line}"),
            Origin::Default => "default".to_owned(),
        };
        println!("{name:26} {:44} {origin}", if value.is_empty() { "-" } else { value });
    }
    Ok(())
}
