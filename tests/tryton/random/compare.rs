//! What this program decides, and where trytond decides in another way.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    time::Duration,
};

use gnuhealth_fhir::{
    sql::{Alias, Aliases, Fragment},
    store::{Class, Store},
    tryton::{
        Catalog, Domain, Model, ModelKind, Permit, Security,
        domain::Active,
        pyson::{Context, Pyson, Value},
    },
};
use serde_json::{Value as Json, json};

/// Models with more rows take trytond too long.
const MOST_ROWS: usize = 1500;

/// Number of records of each model.
type Rows<'a> = BTreeMap<&'a str, usize>;

/// Whose records code of Tryton's classes adds or takes away.
const OWN_SEARCH: [&str; 6] =
    ["ir.attachment", "ir.note", "ir.avatar", "ir.email", "ir.model.log", "ir.ui.menu"];

/// Share of the questions that may be refused, in a hundred.
const MOST_REFUSED: usize = 8;

/// Decisions that a run compares at least; there are two runs, one per series.
const FEWEST: usize = 10_000;

pub async fn ids(store: &Store, table: &str) -> Vec<i32> {
    let statement = Fragment::raw("SELECT id FROM ").ident(table).text(" ORDER BY id").finish();
    let rows = store.rows(Class::Request, &statement).await.expect("a table with ids");
    rows.iter().map(|row| row.column(0).expect("an id")).collect()
}

/// Models with rows, but not too many, and how many.
pub async fn candidates<'a>(store: &Store, catalog: &'a Catalog) -> Rows<'a> {
    let mut candidates = BTreeMap::new();
    for model in catalog.models.values() {
        if model.kind != ModelKind::Table || !model.granted || OWN_SEARCH.contains(&model.name.as_str()) {
            continue;
        }
        let count = ids(store, &model.table).await.len();
        if (2..MOST_ROWS).contains(&count) {
            candidates.insert(model.name.as_str(), count);
        }
    }
    candidates
}

/// The record rules of a model, for who looks for the reason of a difference.
pub async fn rules(store: &Store, model: &str) -> String {
    let statement = Fragment::raw(
        "SELECT g.id, g.global_p, g.default_p, g.perm_read,
                ARRAY(SELECT l.\"group\" FROM \"ir_rule_group-res_group\" l WHERE l.rule_group = g.id)::text,
                ARRAY(SELECT r.domain FROM ir_rule r WHERE r.rule_group = g.id)
         FROM ir_rule_group g JOIN ir_model m ON m.id = g.model WHERE m.model = ",
    );
    let rows = store.rows(Class::Request, &statement.bind(model).finish()).await.expect("rules");
    let lines = rows.iter().map(|row| {
        let flag = |column| row.column::<Option<bool>>(column).expect("a flag").unwrap_or(false);
        let (id, groups): (i32, String) = (row.column(0).expect("an id"), row.column(4).expect("groups"));
        let domains: Vec<String> = row.column(5).expect("domains");
        format!(
            "{id} global {} default {} read {} groups {groups}\n  {}",
            flag(1),
            flag(2),
            flag(3),
            domains.join("\n  ")
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Records, or why there are none.
type Records = Result<Vec<i32>, String>;

/// What one user may see of one model.
pub struct Seen {
    read: bool,
    /// Why the model is closed although its accesses are open.
    refusal: Option<String>,
    /// Fields and records that there are.
    fields: usize,
    records: usize,
    hidden: Vec<String>,
    /// By a search.
    ids: Records,
    /// By a read.
    readable: Records,
}

/// What a domain selects.
pub struct Selected {
    ids: Records,
    records: usize,
}

/// What one user may see.
pub struct Answers {
    groups: Vec<i32>,
    models: BTreeMap<String, Seen>,
}

/// Trytond did not refuse, it failed: on a rule that no hospital can have, since its model would answer nobody.
fn crashed(theirs: &Json) -> bool {
    theirs["crash"] == true
}

/// How an error of the database starts: it closes too, but is none that was foreseen.
const DATABASE: &str = "the database: ";

async fn run(store: &Store, table: &str, alias: Alias, parts: Vec<Fragment>) -> Records {
    let statement = Fragment::raw("SELECT ")
        .column(alias, "id")
        .text(" FROM ")
        .ident(table)
        .text(" AS ")
        .alias(alias)
        .text(" WHERE ")
        .then(Fragment::all(parts))
        .text(" ORDER BY 1")
        .finish();
    let rows = store.rows(Class::Request, &statement).await;
    let rows = rows.map_err(|error| format!("{DATABASE}{:?}", error.logged_cause()))?;
    Ok(rows.iter().map(|row| row.column(0).expect("an id")).collect())
}

impl Answers {
    pub async fn of(
        store: &Store,
        security: &Security,
        login: &str,
        models: &[&str],
        rows: &Rows<'_>,
    ) -> Self {
        let catalog = security.catalog();
        let user = security.user_by_login(login).expect("it was made");
        let permit = Permit::of(security, catalog, user.id).expect("an active user");
        let mut answers =
            Self { groups: security.rule_groups_of(user).into_iter().collect(), models: BTreeMap::new() };
        for name in models {
            let model = &catalog.models[*name];
            let refusal = permit.refusals().iter().find(|refusal| refusal.model == *name);
            let mut seen = Seen {
                read: permit.model(name),
                refusal: refusal.map(|refusal| refusal.reason.clone()),
                fields: model.fields.iter().count(),
                records: rows[*name],
                hidden: model
                    .fields
                    .names()
                    .filter(|field| !permit.field(name, field))
                    .map(String::from)
                    .collect(),
                ids: Ok(Vec::new()),
                readable: Ok(Vec::new()),
            };
            if seen.read {
                let nothing = Value::List(Vec::new());
                seen.ids = match Domain::new(&nothing, name, catalog, &[], Active::Everywhere) {
                    Ok(active) => visible(store, &permit, model, Some(&active)).await,
                    Err(refused) => Err(refused.0),
                };
                seen.readable = visible(store, &permit, model, None).await;
            } else {
                // Closed in every way.
                let mut aliases = Aliases::default();
                let alias = aliases.next();
                assert!(
                    permit.predicate(name, alias, &mut aliases).is_err() && !permit.unrestricted(name),
                    "{name}"
                );
                assert_eq!(seen.hidden.len(), seen.fields, "{name}");
            }
            answers.models.insert((*name).to_owned(), seen);
        }
        answers
    }
}

async fn visible(store: &Store, permit: &Permit, model: &Model, active: Option<&Domain>) -> Records {
    let mut aliases = Aliases::default();
    let alias = aliases.next();
    let mut parts: Vec<_> = active.map(|active| active.fragment(alias, &mut aliases)).into_iter().collect();
    parts.push(permit.predicate(&model.name, alias, &mut aliases).map_err(|refused| refused.0)?);
    run(store, &model.table, alias, parts).await
}

/// The records that a domain selects.
pub async fn select(
    store: &Store,
    security: &Security,
    (model, text, active): &(&str, String, bool),
    rows: &Rows<'_>,
) -> Selected {
    Selected { ids: selected(store, security, model, text, *active).await, records: rows[*model] }
}

async fn selected(store: &Store, security: &Security, model: &str, text: &str, active: bool) -> Records {
    let catalog = security.catalog();
    let now = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).datetime();
    let context = Context { values: BTreeMap::new(), now, series: catalog.series };
    let value = Pyson::parse(text).and_then(|pyson| pyson.eval(&context))?;
    let active = if active { Active::Everywhere } else { Active::Below };
    let languages = security.languages(&catalog.language);
    let domain = Domain::new(&value, model, catalog, &languages, active).map_err(|refused| refused.0)?;
    let mut aliases = Aliases::default();
    let alias = aliases.next();
    let condition = domain.fragment(alias, &mut aliases);
    run(store, &catalog.models[model].table, alias, vec![condition]).await
}

/// Decisions of one kind that were compared, and how many of them said no.
#[derive(Default)]
struct Kind {
    all: usize,
    no: usize,
}

impl Kind {
    fn add(&mut self, all: usize, yes: usize) {
        // The tables of rights themselves have more rows in each world than at the start.
        let all = all.max(yes);
        self.all += all;
        self.no += all - yes;
    }
}

/// What was compared.
#[derive(Default)]
pub struct Tally {
    pub rules: usize,
    groups: Kind,
    models: Kind,
    fields: Kind,
    searched: Kind,
    read: Kind,
    selected: Kind,
    /// Searches by which a user sees some records but not all.
    partly: usize,
    /// Domains that select some records.
    domains: usize,
    /// What trytond raised on, and this program refused.
    raised: usize,
    /// What trytond failed on. A rule on which it fails does so for every user who has it, so it counts once.
    crashed: BTreeSet<String>,
    /// By reason, with an example.
    refused: BTreeMap<String, (usize, String)>,
    different: Vec<String>,
    suspects: BTreeSet<String>,
    /// Models of users and domains that were asked about.
    questions: usize,
}

fn list(json: &Json) -> Option<Vec<i32>> {
    json.as_array()?.iter().map(|id| i32::try_from(id.as_i64()?).ok()).collect()
}

/// The kind of a reason: without the names of the model and the field.
fn kind(reason: &str) -> String {
    let words = reason.split(' ').filter(|word| !word.contains('.') && !word.contains(':'));
    words.collect::<Vec<_>>().join(" ")
}

impl Tally {
    fn refuse(&mut self, reason: &str, what: &str) {
        let entry = self.refused.entry(kind(reason)).or_insert_with(|| (0, format!("{what}: {reason}")));
        entry.0 += 1;
    }

    pub fn user(&mut self, who: &str, ours: &Answers, theirs: &Json, alone: &serde_json::Map<String, Json>) {
        self.groups.add(1, 1);
        if theirs["groups"] != json!(ours.groups) {
            self.different.push(format!("{who}: groups {:?}, trytond {}", ours.groups, theirs["groups"]));
        }
        for (model, seen) in &ours.models {
            let ids = list(&alone[model]).expect("they were asked for");
            self.model(&format!("{who} {model}"), model, seen, &theirs["models"][model], &ids);
        }
    }

    fn model(&mut self, who: &str, model: &str, seen: &Seen, theirs: &Json, alone: &[i32]) {
        self.questions += 1;
        if let Some(reason) = &seen.refusal {
            if theirs["ids"]["error"].is_string() {
                self.raised += 1;
            } else {
                self.refuse(reason, who);
            }
            return;
        }
        self.models.add(1, usize::from(seen.read));
        if theirs["read"] != seen.read {
            self.different.push(format!("{who}: model {}, trytond {}", seen.read, theirs["read"]));
            return;
        }
        if !seen.read {
            return;
        }
        self.fields.add(seen.fields, seen.fields - seen.hidden.len());
        if theirs["hidden"] != json!(seen.hidden) {
            self.different.push(format!("{who}: hides {:?}, trytond {}", seen.hidden, theirs["hidden"]));
        }
        match (&seen.ids, list(&theirs["ids"])) {
            (Ok(ours), Some(theirs)) if *ours == theirs => {
                self.searched.add(seen.records, ours.len());
                self.partly += usize::from(!ours.is_empty() && ours.len() < seen.records);
            }
            (Err(_), None) => self.raised += 1,
            (Err(reason), Some(_)) if !reason.starts_with(DATABASE) => self.refuse(reason, who),
            (Ok(_), None) if crashed(&theirs["ids"]) => {
                // It fails on each record as well.
                self.crashed.insert(format!("rules of {model}: {}", theirs["ids"]));
                return;
            }
            (ours, _) => {
                self.suspects.insert(model.to_owned());
                self.different.push(format!("{who}: {}", differ(ours, &theirs["ids"])));
            }
        }
        let readable: Vec<i32> = match &seen.readable {
            Ok(all) => alone.iter().copied().filter(|id| all.contains(id)).collect(),
            Err(_) => Vec::new(),
        };
        self.read.add(alone.len(), readable.len());
        if list(&theirs["readable"]).as_ref() != Some(&readable) {
            self.different.push(format!("{who}: reads {readable:?}, trytond {}", theirs["readable"]));
        }
    }

    pub fn domain(&mut self, (model, text, active): &(&str, String, bool), ours: &Selected, theirs: &Json) {
        self.questions += 1;
        match (&ours.ids, list(theirs)) {
            (Ok(ids), Some(theirs)) if *ids == theirs => {
                self.domains += usize::from(!ids.is_empty() && ids.len() < ours.records);
                self.selected.add(ours.records, ids.len());
            }
            (Err(_), None) => self.raised += 1,
            (Err(reason), Some(_)) if !reason.starts_with(DATABASE) => {
                self.refuse(reason, &format!("{model} {text}"));
            }
            (Ok(_), None) if crashed(theirs) => {
                self.crashed.insert(format!("{model} {text}: {theirs}"));
            }
            (ours, _) => {
                self.different.push(format!("{model} {text} active {active}: {}", differ(ours, theirs)));
            }
        }
    }

    /// Models on which the answers differ since the last call.
    pub fn suspects(&mut self) -> BTreeSet<String> {
        std::mem::take(&mut self.suspects)
    }

    fn decisions(&self) -> usize {
        let kinds = [&self.groups, &self.models, &self.fields, &self.searched, &self.read, &self.selected];
        kinds.iter().map(|kind| kind.all).sum()
    }

    pub fn print(&self, what: &str, time: Duration) {
        let decisions = self.decisions();
        let rate = u128::try_from(decisions).expect("a count") * 1000 / time.as_millis().max(1);
        println!(
            "{what}: {decisions} decisions, {} differences, {rate} decisions a second",
            self.different.len()
        );
        for (name, kind) in [
            ("groups of a user", &self.groups),
            ("user × model", &self.models),
            ("user × model × field", &self.fields),
            ("user × model × record, by a search", &self.searched),
            ("user × model × record, read alone", &self.read),
            ("domain × record", &self.selected),
        ] {
            println!("  {:7} {name}, of them no: {}", kind.all, kind.no);
        }
        println!(
            "  {} record rules; {} searches and {} domains that show some records and hide some; {} errors of both",
            self.rules, self.partly, self.domains, self.raised
        );
        for failure in &self.crashed {
            println!("  trytond itself failed: {failure}");
        }
        for (count, example) in self.refused.values() {
            println!("  refused {count}, such as {example}");
        }
    }

    pub fn judge(&self, what: &str) {
        let mut text = String::new();
        for different in self.different.iter().take(60) {
            let _ = writeln!(text, "{different}");
        }
        assert!(self.different.is_empty(), "{what}: {} differences\n{text}", self.different.len());
        assert!(self.decisions() >= FEWEST, "{what}: {} decisions", self.decisions());
        let crashed = self.crashed.len();
        assert!(crashed * 500 <= self.questions, "{what}: trytond failed on {crashed} of {}", self.questions);
        let refused: usize = self.refused.values().map(|(count, _)| count).sum();
        assert!(
            refused * 100 <= self.questions * MOST_REFUSED,
            "{what}: {refused} refused of {}",
            self.questions
        );
    }
}

/// Where two answers differ.
fn differ(ours: &Records, theirs: &Json) -> String {
    match (ours, list(theirs)) {
        (Ok(ours), Some(theirs)) => {
            let only = |one: &[i32], other: &[i32]| -> String {
                let only: Vec<_> = one.iter().filter(|id| !other.contains(id)).collect();
                format!("{} {:?}", only.len(), &only[..only.len().min(5)])
            };
            format!(
                "{} records, only here {}, only trytond {}",
                ours.len(),
                only(ours, &theirs),
                only(&theirs, ours)
            )
        }
        (ours, theirs_ids) => {
            let ours = ours.as_ref().map(Vec::len);
            format!(
                "{ours:?}, trytond {}",
                theirs_ids.map_or(theirs.to_string(), |ids| ids.len().to_string())
            )
        }
    }
}
