//! Random rights on copies of real databases, decided by this program and by the real trytond.
//!
//! From a seed, which is printed, come a number of worlds on a copy of GNU Health 5.0 and of 4.4: groups with parents and
//! inactive ones, users with companies, employees and languages, model accesses, field accesses, and record rules whose
//! domains go through every operator and relation with PYSON over the user. Values are taken out of rows and records out
//! of use before, so that NULL and `active` matter everywhere. In each world both say for each user which models may be
//! read, which fields are hidden, which records a search shows and which can be read alone; and which records random
//! domains select. Every answer must be the same. What this program cannot repeat it must close, and that must stay rare.
//!
//! | variable | meaning |
//! |---|---|
//! | `GNUHEALTH_FHIR_TEST_PG` | server that has `gh50` and `gh44`; copies are made beside them and removed |
//! | `GNUHEALTH_FHIR_TEST_ORACLE` | set: run |
//! | `GNUHEALTH_FHIR_TEST_SEED` | the seed, to see a difference again |
//! | `GNUHEALTH_FHIR_TEST_WORLDS` | more worlds for a longer run |
//! | `GNUHEALTH_FHIR_TEST_TIDY` | set: the copy is removed after a failure too |
//!
//! When a difference is found, the database stays for inspection and the rules of the model are printed.
//!
//! # Broken on purpose
//!
//! What the suite prints (of 5.0) when one line of the code is another:
//!
//! - `access/context.rs`, rules get `security.rule_groups_of(user)`, each group once, instead of `rule_group_list`; seed 2:
//!   `world 0 random-3 gnuhealth.body_structure: 14 records, only here 2 [1, 2], only trytond 0 []`
//! - `domain/relation.rs`, without the arm `Series::V7_0 if target.large && path == "id"`; seed 4:
//!   `gnuhealth.pol [["health_condition.id","!=",33363]] active true: 561 records, only here 60 [501, 502, 503, 504, 505],
//!   only trytond 0 []`
//! - `domain/compile.rs`, translated texts without `.and(Node::NotNull(Term::id()))`; seed 11:
//!   `gnuhealth.or.schedule [["health_condition.name","=",null],…] active false: 1 records, only here 1 [52], only trytond 0
//!   []`
//! - `domain/scalar.rs`, values of every char field trimmed at both ends; seed 2:
//!   `ir.sequence [["OR",["prefix","not in",["TEST","EVAL ${year}/"," DENGUE-DU-${year}/ "]]]] active true: 11 records, only
//!   here 0 [], only trytond 1 [26]`
//!
//! All four were so before this suite found them.
//!
//! `tests/tryton/mutate` breaks further lines of the finished code, one at a time, runs this suite with seed 1 and one world,
//! and requires that it fails. What it prints (of about 37 000 decisions on 4.4 and 39 000 on 5.0, where the intact code has
//! no difference):
//!
//! | line, broken | 4.4 | 5.0 |
//! |---|---|---|
//! | `access.rs`, `decision`: rows for other groups count (`is_none_or(\|_\| …)`, always true) | 129 differ | 122 differ |
//! | `access.rs`, `decision`: rows that forbid do not close (`none = true`) | 120 | 116 |
//! | `access.rs`, `hidden`: no field is hidden (the filter is always false) | 88 | 64 |

mod compare;
mod copy;
mod dice;
mod domains;
mod pyson;
mod rights;
mod trytond;
mod words;

use std::{
    sync::Arc,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use gnuhealth_fhir::tryton::{Catalog, Security};
use serde_json::json;

use self::{
    compare::{Answers, Tally},
    dice::Dice,
    words::Words,
};
pub use self::{copy::Copy, trytond::Trytond};
use crate::server::store;

/// Worlds per run when GNUHEALTH_FHIR_TEST_WORLDS does not say otherwise, and what there is in each.
const WORLDS: usize = 4;
const MODELS: usize = 24;
const USERS: usize = 8;
/// Domains per world that are searched without rights.
const DOMAINS: usize = 250;
/// Records of each model that are read alone.
const READ_ALONE: usize = 4;

/// The whole number in an environment variable.
fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is a whole number")))
}

/// The seed of this run, which is printed.
fn seed() -> u64 {
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |now| now.as_secs());
    setting("GNUHEALTH_FHIR_TEST_SEED").unwrap_or_else(now)
}

async fn run(series: &str, original: &str) {
    if std::env::var_os("GNUHEALTH_FHIR_TEST_ORACLE").is_none() {
        println!("skipped: GNUHEALTH_FHIR_TEST_ORACLE is not set");
        return;
    }
    if store(original, 1).await.is_none() {
        return;
    }
    let started = Instant::now();
    let seed = seed();
    let mut dice = Dice::new(seed);
    let copy =
        Copy::of(original, &format!("random_{}", series.replace('.', ""))).expect("the server was there");
    copy.run(rights::PEOPLE);
    let store = store(&copy.name, 3).await.expect("it was copied");
    let catalog = Arc::new(Catalog::load(&store).await.expect("a catalogue"));
    let rows = compare::candidates(&store, &catalog).await;
    let candidates: Vec<&str> = rows.keys().copied().collect();
    let focus = dice.some(&candidates, MODELS * 3);
    copy.run(&rights::weather(&mut dice, &catalog, &focus));
    let words = Words::read(&store, &catalog).await;
    let real_groups: Vec<i32> = compare::ids(&store, "res_group").await;
    let Some(mut trytond) = Trytond::start(series, &copy.url) else { return };
    let mut tally = Tally::default();
    let what = format!("GNU Health {series}, GNUHEALTH_FHIR_TEST_SEED={seed}");
    println!("{what}: {} models to choose from, prepared in {:.1?}", candidates.len(), started.elapsed());
    let started = Instant::now();
    let worlds =
        setting("GNUHEALTH_FHIR_TEST_WORLDS").map_or(WORLDS, |count| usize::try_from(count).expect("few"));
    for world in 0..worlds {
        let models = dice.some(&focus, MODELS);
        let rights = rights::world(&mut dice, &words, &real_groups, &models, USERS);
        copy.run(&rights.script);
        let domains: Vec<(&str, String, bool)> = (0..DOMAINS)
            .map(|_| {
                let model = *dice.pick(&candidates);
                let domain = domains::domain(&mut dice, &words, &catalog.models[model]);
                (model, rights::text(&domain), dice.percent(70))
            })
            .collect();
        let mut alone = serde_json::Map::new();
        for model in &models {
            let all = compare::ids(&store, &catalog.models[*model].table).await;
            alone.insert((*model).to_owned(), json!(dice.some(&all, READ_ALONE)));
        }
        trytond.send(&json!({"users": rights.users, "models": alone, "domains": domains}));
        // Both work at the same time.
        let security = Security::load(&store, Arc::clone(&catalog), 1).await.expect("the rights");
        let mut answers = Vec::new();
        for login in &rights.users {
            answers.push(Answers::of(&store, &security, login, &models, &rows).await);
        }
        let mut selected = Vec::new();
        for domain in &domains {
            selected.push(compare::select(&store, &security, domain, &rows).await);
        }
        let theirs = trytond.receive();
        tally.rules += rights.rules;
        for (position, (login, ours)) in rights.users.iter().zip(&answers).enumerate() {
            tally.user(&format!("world {world} {login}"), ours, &theirs["users"][position], &alone);
        }
        for model in tally.suspects() {
            println!("rules of {model}:\n{}", compare::rules(&store, &model).await);
        }
        for (position, (domain, ours)) in domains.iter().zip(&selected).enumerate() {
            tally.domain(domain, ours, &theirs["domains"][position]);
        }
    }
    tally.print(&what, started.elapsed());
    tally.judge(&what);
}

#[tokio::test]
async fn random_rights_on_5_0() {
    run("5.0", "gh50").await;
}

#[tokio::test]
async fn random_rights_on_4_4() {
    run("4.4", "gh44").await;
}
