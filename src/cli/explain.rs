//! `explain`: how a search is answered, for operators. It names rights, and values only of the search itself.

use jiff::{Timestamp, tz::TimeZone};

use super::{Failure, access::print, open, open::Opened, serve, settings::Settings};
use crate::{
    error::Error,
    mapping::compiled::ResourceType,
    plan::{self, PagePlan, Situation},
    search, server,
    store::Class,
    tryton::{Explanation, Security},
};

/// Arguments of `explain`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The search, as behind the base of an address: 'Observation?patient=1&code=8302-2'.
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
        let limit = loaded.config.default_count.get();
        print!("{}", report(&opened, arguments, &zone, limit).await?);
        Ok(())
    })
}

async fn report(
    opened: &Opened,
    arguments: &Arguments,
    zone: &TimeZone,
    limit: u32,
) -> Result<String, Failure> {
    let told = open::failure;
    let (name, query) = arguments.search.split_once('?').unwrap_or((&arguments.search, ""));
    let kinds = &opened.compiled.types;
    let kind = kinds.get(name).filter(|kind| !kind.is_content()).ok_or_else(|| {
        let served: Vec<_> = kinds.keys().map(String::as_str).collect();
        Failure(vec![format!("{name} is not searched; types served: {}", served.join(", "))])
    })?;
    let security =
        Security::load(&opened.store, std::sync::Arc::clone(&opened.catalog), 1).await.map_err(told)?;
    let login = &arguments.login;
    let user = security
        .user_by_login(login)
        .filter(|user| user.active)
        .ok_or_else(|| Failure(vec![format!("no active user has the login \"{login}\"")]))?;
    let explanation = Explanation::load(&opened.store, &security, user).await.map_err(told)?;
    let situation = Situation {
        compiled: &opened.compiled,
        permit: &explanation.permit,
        languages: &[],
        zone,
        now: Timestamp::now(),
        base: "",
    };
    let plan = planned(situation, kind, query, limit).map_err(|error| {
        let place = error.expression().map(|place| format!("{place}: ")).unwrap_or_default();
        Failure(vec![format!("{place}{}", error.text())])
    })?;
    let explained = plan.statement.explained();
    let rows = opened.store.rows(Class::Request, &explained).await.map_err(told)?;
    let mut out =
        format!("search of {login} (id {}): {}\n\nSQL\n{}\n", user.id, arguments.search, plan.statement.text);
    if !plan.statement.values.is_empty() {
        out.push_str("\nparameters\n");
    }
    for (index, value) in plan.statement.values.iter().enumerate() {
        out.push_str(&format!("  ${} = {value:?}\n", index + 1));
    }
    out.push_str("\nexpected by PostgreSQL\n");
    for row in &rows {
        out.push_str(&format!("  {}\n", row.column::<String>(0).map_err(told)?));
    }
    // Every type that shares a table with the statement: what is searched, and what its chains lead through.
    let touched = |kind: &&ResourceType| {
        kind.sources.iter().any(|source| plan.statement.text.contains(&format!("\"{}\"", source.table)))
    };
    let touched: Vec<_> = kinds.values().filter(touched).collect();
    out.push_str(&format!("\nrights in it\n{}", print::types(&explanation, &touched)));
    Ok(out)
}

fn planned(
    situation: Situation<'_>,
    kind: &ResourceType,
    query: &str,
    limit: u32,
) -> Result<PagePlan, Error> {
    let (wanted, faults) = search::parse(&server::pairs(query)?);
    if let Some(fault) = faults.into_iter().next() {
        return Err(fault.error);
    }
    for filter in &wanted.filters {
        plan::check(situation, kind, filter)?;
    }
    for key in &wanted.sort {
        plan::sort_kind(&[kind], &key.name)?;
    }
    let part = plan::Part { kind, filters: &wanted.filters, first: 0 };
    plan::page(situation, part, &wanted.sort, None, wanted.count.unwrap_or(limit))
}
