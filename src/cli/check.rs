//! `check`.

use super::{Failure, serve, settings::Settings};
use crate::store::Store;

/// Arguments of `check`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    settings: Settings,
}

/// Checks settings and database. The checks of mappings join here.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let loaded = arguments.settings.load()?;
    for note in &loaded.notes {
        eprintln!("note: {note}");
    }
    println!("settings: can be read");
    let options = serve::database(&loaded.config)?;
    serve::runtime()?.block_on(Store::open(&options))?;
    println!("database: answers");
    Ok(())
}
