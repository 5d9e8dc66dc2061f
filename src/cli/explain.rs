//! `explain`: how a search is answered, for operators. It names rights, and values only of the search itself.

use jiff::{Timestamp, tz::TimeZone};

use super::{Failure, open, open::Opened, serve, settings::Settings};
use crate::{
    error::Error,
    interaction::{Place, explain, rights},
    plan::{NO_VALUE_SETS, Situation},
    server,
    tryton::{Explanation, Security},
};

/// Arguments of `explain`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The search, as behind the base of an address: 'Observation?patient=1&code=8302-2', 'Patient/1/Condition'.
    #[arg(value_name = "TYPE?PARAMETERS")]
    search: String,
    /// Login of the user who searches.
    #[arg(long = "as", value_name = "LOGIN", default_value = "admin")]
    login: String,
    #[command(flatten)]
    settings: Settings,
}

/// Prints the plan of a search.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let loaded = arguments.settings.load()?;
    let options = serve::database(&loaded.config)?;
    let zone = loaded.config.time_zone.clone().unwrap_or(TimeZone::UTC);
    serve::runtime()?.block_on(async {
        let opened = Opened::open(&loaded.config, &options).await?;
        opened.refuse()?;
        let counts = (loaded.config.default_count.get(), loaded.config.max_count.get());
        print!("{}", report(&opened, arguments, &zone, counts).await?);
        Ok(())
    })
}

async fn report(
    opened: &Opened,
    arguments: &Arguments,
    zone: &TimeZone,
    counts: (u32, u32),
) -> Result<String, Failure> {
    let told = open::failure;
    let (place, pairs) = parsed(&arguments.search)?;
    let security =
        Security::load(&opened.store, std::sync::Arc::clone(&opened.catalog), 1).await.map_err(told)?;
    let login = &arguments.login;
    let user = open::active_user(&security, login)?;
    let explanation = Explanation::load(&opened.store, &security, user).await.map_err(told)?;
    let situation = Situation {
        compiled: &opened.compiled,
        permit: &explanation.permit,
        languages: &[],
        zone,
        now: Timestamp::now(),
        base: "",
        value_sets: &NO_VALUE_SETS,
        stamped: false,
    };
    let steps = explain::steps(situation, place, &pairs, counts).map_err(|error| faulty(&error))?;
    let mut out = format!("search of {login} (id {}): {}\n", user.id, arguments.search);
    for step in &steps {
        let (what, statement) = step;
        out.push_str(&format!("\nSQL: {what}\n{}\n", statement.text));
        if !statement.values.is_empty() {
            out.push_str("\nparameters\n");
        }
        for (index, value) in statement.values.iter().enumerate() {
            out.push_str(&format!("  ${} = {value:?}\n", index + 1));
        }
        out.push_str("\nexpected by PostgreSQL\n");
        for line in explain::expected(&opened.store, step).await.map_err(told)? {
            out.push_str(&format!("  {line}\n"));
        }
    }
    out.push_str(&format!(
        "\nrights in it\n{}",
        rights::types(&explanation, &explain::touched(situation, &steps))
    ));
    Ok(out)
}

/// The place and the parameters of a search, as behind the base of an address.
pub(super) fn parsed(search: &str) -> Result<(Place<'_>, Vec<(String, String)>), Failure> {
    let (address, query) = search.split_once('?').unwrap_or((search, ""));
    let place = Place::parse(address).ok_or_else(|| {
        Failure(vec![format!("{address} is no place of a search: expected TYPE, nothing, or TYPE/ID/TYPE")])
    })?;
    Ok((place, server::pairs(query).map_err(|error| faulty(&error))?))
}

/// What is wrong in a search, and where.
pub(super) fn faulty(error: &Error) -> Failure {
    let place = error.expression().map(|place| format!("{place}: ")).unwrap_or_default();
    Failure(vec![format!("{place}{}", error.text())])
}
