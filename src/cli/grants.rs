//! `grants`.

use std::sync::Arc;

use super::{
    Failure,
    open::{Opened, failure},
    serve,
    settings::Settings,
};
use crate::tryton::{Needs, Security};

/// Arguments of `grants`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Role that the gateway will sign in to PostgreSQL as; it must exist.
    #[arg(long, value_name = "ROLE")]
    role: String,
    /// Let it write the table in which Tryton counts failed sign-ins, so that both count together.
    #[arg(long)]
    login_attempts: bool,
    /// Let it read sessions of Tryton, so that they are accepted. Who reads them can act as anybody signed in to Tryton.
    #[arg(long)]
    sessions: bool,
    #[command(flatten)]
    settings: Settings,
}

/// Prints the SQL that gives a role what serving this database needs, and no more.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let loaded = arguments.settings.load()?;
    let options = serve::database(&loaded.config)?;
    let script = async {
        let opened = Opened::open(&loaded.config, &options).await?;
        opened.refuse()?;
        let security =
            Security::load(&opened.store, Arc::clone(&opened.catalog), 1).await.map_err(failure)?;
        let models = opened.compiled.models().into_iter().map(str::to_owned).collect();
        let needs = Needs {
            attempts: arguments.login_attempts,
            sessions: arguments.sessions,
            ..Needs::of(&opened.catalog, &security, &models)
        };
        needs.script(&opened.store, &arguments.role).await.map_err(failure)
    };
    print!("{}", serve::runtime()?.block_on(script)?);
    Ok(())
}
