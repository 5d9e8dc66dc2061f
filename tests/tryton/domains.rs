//! Domains, rules and accesses: the answers of this program against those of Tryton.

use std::{fmt::Write as _, sync::Arc};

use gnuhealth_fhir::tryton::{Catalog, Security};
use serde_json::Value as Json;

use crate::{
    cases::{Answer, World, expected},
    restore::restore,
    server::store,
};

const CASES: &str = include_str!("domain-cases.json");

async fn world(database: &str, dump: &[u8]) -> Option<World> {
    // No server: the line is printed there.
    crate::server::options(database, 1)?;
    restore(database, dump)?;
    let store = store(database, 1).await?;
    let catalog =
        Arc::new(Catalog::load_with(&store, include_str!("facts.json")).await.expect("a catalogue"));
    let security = Security::load(&store, Arc::clone(&catalog), 1).await.expect("the rights");
    Some(World { store, catalog, security })
}

/// Whether an answer is what Tryton answered, as far as this program answers it.
fn same(op: &str, answer: &Json, theirs: &Json) -> bool {
    match op {
        "access" => *answer == theirs["read"],
        "field_access" => {
            let hidden: Vec<_> = theirs
                .as_object()
                .expect("fields")
                .iter()
                .filter(|(_, access)| access["read"] == false)
                .map(|(name, _)| Json::from(name.as_str()))
                .collect();
            *answer == Json::from(hidden)
        }
        "read" => theirs.get("error").is_none(),
        "rule" => *answer == true,
        "count" => answer == theirs,
        _ => {
            let sorted = |json: &Json| {
                let mut ids: Vec<_> =
                    json.as_array().into_iter().flatten().filter_map(Json::as_i64).collect();
                ids.sort_unstable();
                ids
            };
            theirs.is_array() && sorted(answer) == sorted(theirs)
        }
    }
}

async fn check(database: &str, dump: &[u8], series: &str) {
    let Some(world) = world(database, dump).await else { return };
    let cases: Json = serde_json::from_str(CASES).expect("JSON");
    let (mut passed, mut refused, mut outside, mut failed) = (0, String::new(), 0, String::new());
    let mut count = 0;
    for case in cases["cases"].as_array().expect("a list") {
        let name = case["name"].as_str().expect("a name");
        let theirs = expected(case, world.version());
        let error = theirs.get("error").is_some();
        match world.answer(case).await {
            Answer::Outside(_) => outside += 1,
            Answer::Refused(_) if error => passed += 1,
            Answer::Refused(reason) => {
                count += 1;
                let _ = writeln!(refused, "{name}: {reason}");
            }
            Answer::Is(ours) if same(case["op"].as_str().unwrap_or("search"), &ours, &theirs) => passed += 1,
            Answer::Is(ours) => {
                let _ = writeln!(failed, "{name}: {ours} instead of {theirs}");
            }
        }
    }
    println!(
        "{series}: {passed} as Tryton, {count} refused, {outside} not a question for this program\n{refused}"
    );
    assert!(failed.is_empty(), "answered differently:\n{failed}");
    insta::assert_snapshot!(format!("refused-{series}"), refused);
}

#[tokio::test]
async fn tryton_6_0() {
    check("gnuhealth_fhir_dom60", include_bytes!("domain-cases-6.0.sql.zst"), "6.0").await;
}

#[tokio::test]
async fn tryton_7_0() {
    check("gnuhealth_fhir_dom70", include_bytes!("domain-cases-7.0.sql.zst"), "7.0").await;
}
