//! Domains, rules and accesses: the answers of this program against those of Tryton.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    sync::Arc,
};

use gnuhealth_fhir::{
    sql::Fragment,
    store::Class,
    tryton::{Catalog, Permit, Security},
};
use serde_json::Value as Json;

use crate::{
    cases::{Answer, OUTSIDE, Refusal, World, expected},
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

/// Why a refusal is Tryton's own answer although its library answered the question.
enum Closed {
    /// The library was asked for the fields alone. Of a model that the user may not read, trytond reads and searches
    /// none: each call raises AccessError for the model first, as the named case observed.
    Model(&'static str),
    /// The library was asked inside a process of the server. Nobody is root for a client: its row is not active and has
    /// no password, so trytond refuses the sign-in (`sign_in::oracle` tries it).
    Root,
}

/// Every case that this program refuses and the library does not.
const CLOSED: [(&str, Closed); 5] = [
    ("access-root", Closed::Root),
    ("faccess-test.access-plain", Closed::Model("access-test.access-plain")),
    ("faccess-test.access-inclosed", Closed::Model("access-test.access-inclosed")),
    ("faccess-test.access-inother", Closed::Model("access-test.access-inother")),
    ("rule-root-sees-all", Closed::Root),
];

/// The refusal is what a client of Tryton meets too.
async fn check_closed(world: &World, cases: &[Json], case: &Json, closed: &Closed, reason: &str) {
    let user = &case["user"];
    match closed {
        Closed::Model(name) => {
            let access = cases.iter().find(|case| case["name"] == *name).expect("a case");
            assert_eq!((&access["user"], &access["model"]), (user, &case["model"]), "{name}");
            assert_eq!(expected(access, world.version())["read"], false, "{name}");
            assert_eq!(reason, "model", "{name}");
        }
        Closed::Root => {
            assert_eq!(user, "root");
            let statement = Fragment::raw("SELECT id FROM res_user WHERE id = 0 AND login = ");
            let statement = statement
                .bind("root".to_owned())
                .text(" AND active IS NOT TRUE AND password_hash IS NULL AND password_reset IS NULL");
            let rows = world.store.rows(Class::Request, &statement.finish()).await.expect("users");
            assert_eq!(rows.len(), 1, "root cannot sign in");
            assert!(Permit::of(&world.security, &world.catalog, 0).is_err(), "root gets no permit");
        }
    }
}

/// A refusal of the kind that the error of Tryton is: of what a user may not see, or of what cannot be asked.
fn same_refusal(reason: &Refusal, error: &Json) -> bool {
    match error.as_str() {
        Some("AccessError") => matches!(reason, Refusal::Access(_)),
        // What Python raises on what it does not understand.
        Some(
            "KeyError"
            | "RecursionError"
            | "AttributeError"
            | "ValueError"
            | "TypeError"
            | "AssertionError"
            | "NotImplementedError",
        ) => matches!(reason, Refusal::Question(_)),
        _ => false,
    }
}

async fn check(database: &str, dump: &[u8]) {
    let Some(world) = world(database, dump).await else { return };
    let all: Json = serde_json::from_str(CASES).expect("JSON");
    let cases = all["cases"].as_array().expect("a list");
    let (mut passed, mut raised, mut closed) = (0, 0, BTreeSet::new());
    let (mut outside, mut failed) = (BTreeMap::<&str, usize>::new(), String::new());
    for case in cases {
        let name = case["name"].as_str().expect("a name");
        let theirs = expected(case, world.version());
        let error = theirs.get("error");
        match (world.answer(case).await, error) {
            (Answer::Outside(why), _) => *outside.entry(why).or_default() += 1,
            (Answer::Refused(reason), Some(error)) if same_refusal(&reason, error) => raised += 1,
            (Answer::Refused(Refusal::Access(reason)), None)
                if let Some((name, why)) = CLOSED.iter().find(|(closed, _)| *closed == name) =>
            {
                check_closed(&world, cases, case, why, &reason).await;
                closed.insert(*name);
            }
            (Answer::Is(ours), None) if same(case["op"].as_str().unwrap_or("search"), &ours, &theirs) => {
                passed += 1;
            }
            (ours, _) => {
                let _ = writeln!(failed, "{name}: {ours:?} instead of {theirs}");
            }
        }
    }
    println!(
        "{passed} answers as Tryton, {raised} errors of both, {closed:?} closed to clients, {outside:?}"
    );
    assert!(failed.is_empty(), "answered differently:\n{failed}");
    assert_eq!(closed, CLOSED.iter().map(|(name, _)| *name).collect(), "every one of them is refused");
    assert_eq!(outside, BTreeMap::from(OUTSIDE), "questions that no client can ask this program");
    assert_eq!(passed + raised + closed.len() + outside.values().sum::<usize>(), cases.len());
}

#[tokio::test]
async fn tryton_6_0() {
    check("gnuhealth_fhir_dom60", include_bytes!("domain-cases-6.0.sql.zst")).await;
}

#[tokio::test]
async fn tryton_7_0() {
    check("gnuhealth_fhir_dom70", include_bytes!("domain-cases-7.0.sql.zst")).await;
}
