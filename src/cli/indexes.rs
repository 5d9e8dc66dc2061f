//! `indexes`: what PostgreSQL could look rows up by, instead of reading whole tables.
//!
//! GNU Health makes few indexes: none of the patient of an evaluation, for example. Nothing here is needed for an answer.

mod folded;
mod index;
mod table;

pub use folded::folded;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    path::PathBuf,
    sync::Arc,
};

use jiff::{Timestamp, tz::TimeZone};

use self::{
    index::{Form, Index, serving},
    table::Table,
};
use super::{
    Failure,
    explain::{faulty, parsed},
    open,
    open::Opened,
    serve,
    settings::Settings,
};
use crate::{
    heap,
    interaction::explain::lookups,
    mapping::Compiled,
    plan::{NO_VALUE_SETS, Situation},
    search::registry::Kind,
    store::Store,
    tryton::{Catalog, Permit, Security},
};

/// Tables with fewer rows are read whole without anybody noticing.
const ROWS: i64 = 10_000;

/// From so many rows on a whole table is worth a warning at the start.
const MANY_ROWS: i64 = 100_000;

/// Searches that are named beside an index.
const NAMED: usize = 6;

/// Arguments of `indexes`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A file with searches, one on each line, as behind the base of an address ('Observation?patient=1&code=8302-2').
    /// Without it: what programs ask most, of every type by patient and date, encounter, identifier, code, names of people.
    #[arg(long, value_name = "FILE")]
    workload: Option<PathBuf>,
    /// Leave out tables with fewer rows.
    #[arg(long, value_name = "COUNT", default_value_t = ROWS)]
    rows: i64,
    /// Login of the user whose searches they are.
    #[arg(long = "as", value_name = "LOGIN", default_value = "admin")]
    login: String,
    #[command(flatten)]
    settings: Settings,
}

/// Prints the statements that make the indexes.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let loaded = arguments.settings.load()?;
    let options = serve::database(&loaded.config)?;
    serve::runtime()?.block_on(async {
        let opened = Opened::open(&loaded.config, &options).await?;
        opened.refuse()?;
        let searches = match &arguments.workload {
            Some(file) => {
                let text = std::fs::read_to_string(file)
                    .map_err(|error| Failure(vec![format!("{} cannot be read ({error})", file.display())]))?;
                let lines = text.lines().map(str::trim);
                lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect()
            }
            None => workload(&opened.compiled),
        };
        let site = Site::of(&opened);
        let found = site.wanted(&site.security().await?, &arguments.login, &searches)?;
        let tables = table::tables(&site.store).await.map_err(open::failure)?;
        print!("{}", report(found, &tables, arguments.rows, site.store.database()));
        Ok(())
    })
}

/// What programs ask most, of every type that can be asked so.
fn workload(compiled: &Compiled) -> Vec<String> {
    let mut searches = Vec::new();
    for (name, kind) in compiled.types.iter().filter(|(_, kind)| !kind.is_content()) {
        let has = |parameter: &str| kind.parameters.contains_key(parameter);
        let mut add = |query: &str| searches.push(format!("{name}?{query}"));
        let mut dates = kind.parameters.values().filter(|parameter| parameter.kind == Kind::Date);
        let date = if has("date") { Some("date") } else { dates.next().map(|date| date.name.as_str()) };
        if has("patient") {
            add("patient=1");
            if let Some(date) = date {
                add(&format!("patient=1&_sort=-{date}"));
            }
        }
        if has("encounter") {
            add("encounter=1");
        }
        for name in ["identifier", "code"] {
            if has(name) {
                add(&format!("{name}=x"));
            }
        }
        if has("date") {
            add("date=2026-01-01");
        }
        for name in ["name", "family", "given"] {
            if has(name) {
                // Three letters: what fewer find is found without an index as well.
                add(&format!("{name}=xyz"));
            }
        }
    }
    searches
}

/// Indexes, and the searches that each serves.
type Wanted = BTreeMap<Index, BTreeSet<String>>;

/// What the indexes follow from.
#[derive(Clone)]
pub struct Site {
    store: Arc<Store>,
    catalog: Arc<Catalog>,
    compiled: Arc<Compiled>,
}

impl Site {
    /// A database with its mappings.
    pub fn of(opened: &Opened) -> Self {
        Self {
            store: Arc::clone(&opened.store),
            catalog: Arc::clone(&opened.catalog),
            compiled: Arc::clone(&opened.compiled),
        }
    }

    /// What the operator is told: the large tables that usual searches read whole.
    pub async fn warning(&self) -> Result<Option<String>, Failure> {
        let tables = table::tables(&self.store).await.map_err(open::failure)?;
        if tables.values().all(|table| table.rows < MANY_ROWS) {
            return Ok(None);
        }
        let security = self.security().await?;
        let site = self.clone();
        // Hundreds of searches are planned: beside the requests, and without a trace in their memory.
        let planning = tokio::task::spawn_blocking(move || {
            heap::copied(move || site.wanted(&security, "admin", &workload(&site.compiled)))
        });
        let found = planning.await??;
        let large = missing(found, &tables, MANY_ROWS).map(|(index, ..)| index.table);
        let large: Vec<_> = large.collect::<BTreeSet<_>>().into_iter().collect();
        Ok((!large.is_empty()).then(|| {
            format!(
                "usual searches read whole tables of many rows: {}; `gnuhealth-fhir indexes` prints what spares that",
                large.join(", ")
            )
        }))
    }

    async fn security(&self) -> Result<Security, Failure> {
        Security::load(&self.store, Arc::clone(&self.catalog), 1).await.map_err(open::failure)
    }

    fn wanted(&self, security: &Security, login: &str, searches: &[String]) -> Result<Wanted, Failure> {
        let user = open::active_user(security, login)?;
        let permit = Permit::of(security, &self.catalog, user.id).map_err(open::failure)?;
        let situation = Situation {
            compiled: &self.compiled,
            permit: &permit,
            languages: &[],
            zone: &TimeZone::UTC,
            now: Timestamp::now(),
            base: "",
            value_sets: &NO_VALUE_SETS,
            stamped: false,
        };
        let mut all = Wanted::new();
        for search in searches {
            for index in serving_all(situation, &self.catalog, search)? {
                all.entry(index).or_default().insert(search.clone());
            }
        }
        // One index serves both the patient alone and the patient with a date.
        let whole: Vec<Index> = all.keys().cloned().collect();
        for part in &whole {
            if let Some(other) = whole.iter().find(|other| part.is_part_of(other)) {
                let searches = all.remove(part).unwrap_or_default();
                all.entry(other.clone()).or_default().extend(searches);
            }
        }
        Ok(all)
    }
}

/// The indexes that one search would use.
fn serving_all(situation: Situation<'_>, catalog: &Catalog, search: &str) -> Result<Vec<Index>, Failure> {
    let asked = parsed(search)
        .and_then(|(place, pairs)| lookups(situation, place, &pairs).map_err(|error| faulty(&error)));
    // Of a file of searches the line must be told.
    let (lookups, descending) =
        asked.map_err(|Failure(all)| Failure(all.iter().map(|one| format!("{search}: {one}")).collect()))?;
    Ok(lookups.iter().flat_map(|lookups| serving(catalog, lookups, descending)).collect())
}

fn missing(
    found: Wanted,
    tables: &BTreeMap<String, Table>,
    rows: i64,
) -> impl Iterator<Item = (Index, BTreeSet<String>, &Table)> {
    found.into_iter().filter_map(move |(index, searches)| {
        let table = tables.get(&index.table).filter(|table| table.rows >= rows)?;
        (!index.exists(table)).then_some((index, searches, table))
    })
}

fn report(found: Wanted, tables: &BTreeMap<String, Table>, rows: i64, database: &str) -> String {
    let mut all: Vec<_> = missing(found, tables, rows).collect();
    all.sort_by_key(|(index, _, table)| (std::cmp::Reverse(table.rows), index.clone()));
    if all.is_empty() {
        return format!(
            "-- {database}: no index is missing. Tables with fewer than {rows} rows are left out; see --rows.\n"
        );
    }
    let mut out = format!(
        "-- {database}: {} indexes that searches would use. No answer needs them. The owner of the tables can make them\n\
         -- while GNU Health works; each takes a while and makes changes of its table a little slower.\n",
        all.len()
    );
    if all.iter().any(|(index, ..)| index.form == Form::Parts) {
        out.push_str("\n-- For parts of texts.\nCREATE EXTENSION IF NOT EXISTS pg_trgm;\n");
    }
    let mut analyse = BTreeSet::new();
    let mut before = None;
    for (index, searches, table) in &all {
        if before.replace(&index.table) != Some(&index.table) {
            let _ = writeln!(out, "\n-- {}: about {} rows", index.table, table.rows);
        }
        let mut names: Vec<_> = searches.iter().take(NAMED).cloned().collect();
        if searches.len() > NAMED {
            names.push(format!("and {} more", searches.len() - NAMED));
        }
        let _ = writeln!(out, "-- about {}: {}", bytes(index.size(table)), names.join(", "));
        let _ = writeln!(out, "{}", index.statement());
        if matches!(index.form, Form::Starts | Form::Parts) {
            analyse.insert(format!("ANALYZE \"{}\";", index.table));
        }
    }
    if !analyse.is_empty() {
        out.push_str("\n-- PostgreSQL knows nothing of folded texts until then.\n");
        out.extend(analyse.into_iter().map(|line| line + "\n"));
    }
    out
}

fn bytes(size: i64) -> String {
    match size / 1024 {
        small @ ..1024 => format!("{} kB", small.max(1)),
        large => format!("{} MB", large / 1024),
    }
}
