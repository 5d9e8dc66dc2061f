//! `show`.

use clap::Subcommand;

use super::{Failure, open::Opened, serve, settings::Settings};
use crate::{
    config::Origin,
    mapping::{self, Coverage},
};

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
    /// What the mappings make of a database: types, where their resources come from, search parameters.
    Mappings(Settings),
    /// How many columns of each table are mapped, and what becomes of the others.
    Coverage(Settings),
}

/// Shows what is in effect.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    match &arguments.what {
        What::Config(settings) => show_config(settings),
        What::Mappings(settings) => show_mappings(settings),
        What::Coverage(settings) => show_coverage(settings),
    }
}

fn show_mappings(settings: &Settings) -> Result<(), Failure> {
    let loaded = settings.load()?;
    let options = serve::database(&loaded.config)?;
    let opened = serve::runtime()?.block_on(Opened::open(&loaded.config, &options))?;
    for kind in opened.compiled.types.values() {
        println!("{}", kind.name);
        for source in &kind.sources {
            let prefix = source.prefix.as_ref().map(|prefix| format!("{prefix}-")).unwrap_or_default();
            let keys: Vec<_> = source.emits.iter().filter_map(|emit| emit.key.as_deref()).collect();
            let keys = if keys.is_empty() { String::new() } else { format!("-{{{}}}", keys.join(",")) };
            println!("  {:36} {} as {prefix}<id>{keys}", source.model, source.table);
        }
        let parameters: Vec<_> = kind.parameters.keys().map(String::as_str).collect();
        println!("  searched by _id, _lastUpdated, {}", parameters.join(", "));
    }
    for (source, reason) in &opened.compiled.skipped {
        println!("left out: {source}: {reason}");
    }
    opened.refuse()
}

fn show_coverage(settings: &Settings) -> Result<(), Failure> {
    let loaded = settings.load()?;
    let options = serve::database(&loaded.config)?;
    let opened = serve::runtime()?.block_on(Opened::open(&loaded.config, &options))?;
    for (model, coverage) in mapping::coverage(&opened.catalog, &opened.compiled) {
        let Coverage { mapped, left_out, missing, .. } = &coverage;
        println!(
            "{model:44} {:3} mapped, {:3} left out, {:3} neither",
            mapped.len(),
            left_out.len(),
            missing.len()
        );
        for (field, reason) in left_out {
            println!("    {field}: {reason}");
        }
        if !missing.is_empty() {
            println!("    neither: {}", missing.join(", "));
        }
    }
    opened.refuse()
}

fn show_config(settings: &Settings) -> Result<(), Failure> {
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
