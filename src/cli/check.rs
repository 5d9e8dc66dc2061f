//! `check`.

use super::{Failure, indexes::Site, open::Opened, serve, settings::Settings};

/// Arguments of `check`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    settings: Settings,
}

/// Checks settings, database and mappings.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let loaded = arguments.settings.load()?;
    for note in &loaded.notes {
        eprintln!("note: {note}");
    }
    serve::tls(&loaded.config)?;
    println!("settings: can be read");
    let options = serve::database(&loaded.config)?;
    let runtime = serve::runtime()?;
    let opened = runtime.block_on(Opened::open(&loaded.config, &options))?;
    for line in opened.report() {
        println!("{line}");
    }
    for line in runtime.block_on(opened.closed(&loaded.config))? {
        println!("{line}");
    }
    opened.refuse()?;
    println!("mappings: no findings");
    if let Some(warning) = runtime.block_on(Site::of(&opened).warning())? {
        println!("note: {warning}");
    }
    Ok(())
}
