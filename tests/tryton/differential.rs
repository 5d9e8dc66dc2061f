//! Every user and every model of a filled GNU Health database: accesses, hidden fields and visible records, against the
//! real Tryton. Needs its virtual environments under `~/.cache/gnuhealth-fhir` and takes minutes; it runs when
//! `GNUHEALTH_FHIR_TEST_ORACLE` is set.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs::File,
    path::PathBuf,
    process::{Command, Stdio},
    sync::Arc,
};

use gnuhealth_fhir::{
    sql::{Aliases, Fragment},
    store::{Class, Store},
    tryton::{Catalog, Domain, ModelKind, Permit, Security, domain::Active, pyson::Value},
};
use serde_json::{Value as Json, json};

use crate::server::store;

/// The oracle's answers, one per question; `None` when there is no oracle here.
fn ask(series: &str, database: &str, questions: &[Json]) -> Option<Vec<Json>> {
    let home = std::env::var("HOME").ok()?;
    let python = PathBuf::from(home).join(".cache/gnuhealth-fhir").join(series).join("venv/bin/python");
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/gnuhealth/oracle.py");
    let script = std::env::var("GNUHEALTH_FHIR_TEST_ORACLE")
        .map(PathBuf::from)
        .ok()
        .filter(|path| path.is_file())
        .unwrap_or(script);
    if !python.exists() || !script.exists() {
        println!("skipped: no Tryton at {} or no {}", python.display(), script.display());
        return None;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let (input, output) = (folder.path().join("questions"), folder.path().join("answers"));
    let lines: Vec<_> = questions.iter().map(Json::to_string).collect();
    std::fs::write(&input, lines.join("\n")).expect("the questions are written");
    let url = std::env::var("GNUHEALTH_FHIR_TEST_PG").expect("the store was opened with it");
    let status = Command::new(python)
        .arg(script)
        .arg(format!("{}/{database}", url.trim_end_matches('/')))
        .stdin(File::open(&input).expect("the questions"))
        .stdout(File::create(&output).expect("a file for the answers"))
        .stderr(Stdio::null())
        .status()
        .expect("the oracle runs");
    assert!(status.success(), "the oracle fails");
    let text = std::fs::read_to_string(&output).expect("the answers");
    let answers: Vec<Json> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(answers.len(), questions.len());
    Some(answers)
}

async fn visible(store: &Store, catalog: &Catalog, permit: &Permit, model: &str) -> Result<Vec<i32>, String> {
    let all = Domain::new(&Value::List(Vec::new()), model, catalog, &[], Active::Everywhere)
        .map_err(|refused| refused.0)?;
    let mut aliases = Aliases::default();
    let alias = aliases.next();
    let parts = [
        all.fragment(alias, &mut aliases),
        permit.predicate(model, alias, &mut aliases).map_err(|refused| refused.0)?,
    ];
    let statement = Fragment::raw("SELECT ")
        .column(alias, "id")
        .text(" FROM ")
        .ident(&catalog.model(model).expect("it is readable").table)
        .text(" AS ")
        .alias(alias)
        .text(" WHERE ")
        .then(Fragment::all(parts))
        .text(" ORDER BY 1")
        .finish();
    let rows = store.rows(Class::Request, &statement).await.map_err(|error| error.to_string())?;
    rows.iter().map(|row| row.column(0).map_err(|error| error.to_string())).collect()
}

async fn compare(series: &str, database: &str) {
    if std::env::var_os("GNUHEALTH_FHIR_TEST_ORACLE").is_none() {
        println!("skipped: GNUHEALTH_FHIR_TEST_ORACLE is not set");
        return;
    }
    let Some(store) = store(database, 2).await else { return };
    let catalog = Arc::new(Catalog::load(&store).await.expect("a catalogue"));
    let security = Security::load(&store, Arc::clone(&catalog), 1).await.expect("the rights");
    let (mut questions, mut users) = (Vec::new(), BTreeSet::new());
    let mut seen = BTreeSet::new();
    for user in security.users().filter(|user| user.active) {
        // Users of the same rights get the same answers.
        let rights =
            (&user.direct_groups, user.company, &user.company_filter, &user.companies, user.employee);
        if seen.insert(format!("{rights:?}")) {
            users.insert((user.id, user.login.clone()));
        }
    }
    for (_, login) in &users {
        questions.push(json!({"user": login, "op": "groups"}));
        for model in catalog.models.values() {
            for op in ["access", "field_access", "search"] {
                if op == "access" || model.kind != ModelKind::Query {
                    questions.push(json!({"user": login, "op": op, "model": model.name}));
                }
            }
        }
    }
    let Some(answers) = ask(series, database, &questions) else { return };
    let (mut wrong, mut closed) = (String::new(), BTreeSet::new());
    let mut counts = [0; 4];
    let mut records = 0;
    for (question, answer) in questions.iter().zip(&answers) {
        let login = question["user"].as_str().expect("a login");
        let user = security.user_by_login(login).expect("one of the users");
        let permit = Permit::of(&security, &catalog, user.id).expect("an active user");
        let model = question["model"].as_str().unwrap_or_default();
        closed.extend(permit.refusals().iter().map(|refusal| {
            format!("{} (rule group {}): {}", refusal.model, refusal.rule_group, refusal.reason)
        }));
        let refused = permit.refusals().iter().any(|refusal| refusal.model == model);
        let op = question["op"].as_str().expect("an operation");
        let right = match op {
            "groups" => {
                counts[0] += 1;
                answer["result"] == json!(security.rule_groups_of(user))
            }
            "access" => {
                counts[1] += 1;
                answer["result"][0] == permit.model(model) || refused
            }
            "field_access" => {
                counts[2] += 1;
                let theirs: BTreeSet<_> = answer["result"]
                    .as_object()
                    .expect("fields")
                    .iter()
                    .filter(|(_, access)| access[0] == false)
                    .map(|(name, _)| name.clone())
                    .collect();
                let fields = catalog.model(model).expect("one of the models").fields.keys();
                !permit.model(model)
                    || theirs == fields.filter(|name| !permit.field(model, name)).cloned().collect()
            }
            _ => {
                counts[3] += 1;
                match visible(&store, &catalog, &permit, model).await {
                    Ok(ids) => {
                        records += ids.len();
                        let mut theirs: Vec<i32> = answer["result"]
                            .as_array()
                            .map(|ids| ids.iter().filter_map(|id| id.as_i64()?.try_into().ok()).collect())
                            .unwrap_or_default();
                        theirs.sort_unstable();
                        if ids != theirs {
                            let _ = writeln!(
                                wrong,
                                "{question}: {} records instead of {} {}",
                                ids.len(),
                                theirs.len(),
                                answer["message"]
                            );
                        }
                        true
                    }
                    Err(_) if answer.get("error").is_some() || refused => true,
                    Err(reason) => {
                        closed.insert(format!("{model}: {reason}"));
                        true
                    }
                }
            }
        };
        if !right {
            let _ = writeln!(wrong, "{question}: not {answer}");
        }
    }
    println!(
        "{database}: {} users; {} group lists, {} accesses, {} models' fields, {} searches ({records} records)\nclosed:\n{}",
        users.len(),
        counts[0],
        counts[1],
        counts[2],
        counts[3],
        closed.into_iter().collect::<Vec<_>>().join("\n")
    );
    assert!(wrong.is_empty(), "{wrong}");
}

#[tokio::test]
async fn every_user_of_5_0() {
    compare("5.0", "gh50").await;
}

#[tokio::test]
async fn every_user_of_4_4() {
    compare("4.4", "gh44").await;
}
