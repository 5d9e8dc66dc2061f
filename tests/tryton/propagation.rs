//! `__access__`: which fields hand on access and record rules of their target. Tryton's classes declare it, the database
//! repeats it, and this program believes the database. Here all three are compared, on every model.

use std::collections::BTreeMap;

use gnuhealth_fhir::tryton::Catalog;
use serde_json::json;

use crate::{random::Trytond, server::store};

/// As the database says it.
fn declared(catalog: &Catalog) -> BTreeMap<String, Vec<String>> {
    let fields = |model: &gnuhealth_fhir::tryton::Model| -> Vec<String> {
        model.access_fields().map(|field| field.name.to_string()).collect()
    };
    let all = catalog.models.values().map(|model| (model.name.to_string(), fields(model)));
    all.filter(|(_, fields)| !fields.is_empty()).collect()
}

async fn compare(series: &str, database: &str, count: usize) {
    if std::env::var_os("GNUHEALTH_FHIR_TEST_ORACLE").is_none() {
        println!("skipped: GNUHEALTH_FHIR_TEST_ORACLE is not set");
        return;
    }
    let Some(store) = store(database, 1).await else { return };
    let catalog = Catalog::load(&store).await.expect("a catalogue");
    let ours = declared(&catalog);
    let url = std::env::var("GNUHEALTH_FHIR_TEST_PG").expect("the store was opened with it");
    let Some(mut trytond) = Trytond::start(series, &format!("{}/{database}", url.trim_end_matches('/')))
    else {
        return;
    };
    trytond.send(&json!({"access": true}));
    assert_eq!(json!(ours), trytond.receive(), "the database and the classes of Tryton");
    assert_eq!(ours.values().flatten().count(), count, "as documented: {ours:?}");
    println!("{series}: {} models hand on access through {count} fields", ours.len());
}

#[tokio::test]
async fn access_is_handed_on_as_in_5_0() {
    compare("5.0", "gh50", 40).await;
}

#[tokio::test]
async fn access_is_handed_on_as_in_4_4() {
    compare("4.4", "gh44", 20).await;
}
