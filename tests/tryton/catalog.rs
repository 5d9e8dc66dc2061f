//! The catalogue of real databases, and what is told of others.

use std::time::Instant;

use gnuhealth_fhir::{
    store::Store,
    tryton::{Catalog, CatalogError, FieldKind, ModelKind, Series, Tree},
};

use crate::{
    restore::{restore, run},
    server::{options_as, store},
};

async fn load(database: &str) -> Option<Catalog> {
    let store = store(database, 1).await?;
    let start = Instant::now();
    let catalog = Catalog::load(&store).await.expect("the catalogue loads");
    println!("{database}: {} models in {:?}", catalog.models.len(), start.elapsed());
    Some(catalog)
}

#[tokio::test]
async fn gnuhealth_5_0() {
    let Some(catalog) = load("gh50").await else { return };
    assert_eq!((catalog.series, catalog.gnuhealth), (Series::V7_0, "5.0"));
    let field = |model, field| catalog.field(model, field).unwrap_or_else(|| panic!("{model}.{field}"));
    assert_eq!(field("gnuhealth.patient", "party").target(), Some("party.party"));
    assert!(field("gnuhealth.patient", "party").stored);
    assert!(!field("gnuhealth.patient", "age").stored);
    for secret in ["password", "password_hash", "password_reset", "password_reset_expire"] {
        assert!(!field("res.user", secret).stored, "{secret}");
        // The text of a new password is never in its column.
        assert_eq!(field("res.user", secret).secret, secret != "password", "{secret}");
    }
    assert!(!field("party.party", "lang").stored, "kept per company in a table of its own");
    assert_eq!(
        field("party.party", "addresses").kind,
        FieldKind::One2Many {
            target: "party.address".into(),
            inverse: Some("party".into()),
            by_reference: false
        }
    );
    assert_eq!(
        field("party.party", "categories").kind,
        FieldKind::Many2Many {
            relation: "party.party-party.category".into(),
            origin: Some("party".into()),
            link: Some("category".into()),
            target: Some("party.category".into()),
        }
    );
    assert_eq!(catalog.models["party.party-party.category"].table, "party_category_rel");
    assert!(
        matches!(field("stock.location", "parent").tree.as_deref(), Some(Tree::NestedSet { left, .. }) if left == "left")
    );
    assert!(field("country.country", "name").translated);
    assert!(field("product.product", "template").access);
    assert_eq!(catalog.models["gnuhealth.federation.config"].kind, ModelKind::Singleton);
    assert_eq!(catalog.models["gnuhealth.appointment.report"].kind, ModelKind::Query);
    assert_eq!(catalog.models["country.country"].rec_name, None, "searched by code as well");
    assert_eq!(catalog.models["gnuhealth.drug.form"].rec_name.as_deref(), Some("name"));
    for model in catalog.models.values().filter(|model| model.kind != ModelKind::Query) {
        for field in model.fields.iter().filter(|field| !field.computed) {
            match &field.kind {
                FieldKind::One2Many { inverse: None, .. } => panic!("{}.{}", model.name, field.name),
                FieldKind::Many2Many { origin, link, target, .. } => assert!(
                    origin.is_some() && link.is_some() && target.is_some(),
                    "{}.{}",
                    model.name,
                    field.name
                ),
                FieldKind::One2Many { .. } => {}
                _ => assert!(field.stored || field.secret, "{}.{} has no column", model.name, field.name),
            }
        }
    }
}

#[tokio::test]
async fn gnuhealth_4_4() {
    let Some(catalog) = load("gh44").await else { return };
    assert_eq!((catalog.series, catalog.gnuhealth), (Series::V6_0, "4.4"));
    assert_eq!(
        catalog.field("gnuhealth.patient", "name").and_then(|field| field.target()),
        Some("party.party")
    );
}

#[tokio::test]
async fn other_databases_are_refused_with_a_reason() {
    let Some(store) = store("postgres", 1).await else { return };
    let error = Catalog::load(&store).await.expect_err("not a Tryton database");
    assert!(matches!(error, CatalogError::NotTryton { .. }));
    assert!(error.to_string().starts_with("this is not a Tryton database"), "{error}");
}

#[tokio::test]
async fn a_role_without_rights_gets_the_statements_that_help() {
    let (role, database) = ("gnuhealth_fhir_nobody", "gnuhealth_fhir_grants");
    let Some(options) = options_as(role, database) else { return };
    let create =
        format!("DO $$ BEGIN CREATE ROLE {role} LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;");
    if restore(database, include_bytes!("domain-cases-7.0.sql.zst")).is_none()
        || run("postgres", create.as_bytes()).is_none()
    {
        return;
    }
    let store = Store::open(&options).await.expect("the role may connect");
    let error = Catalog::load_with(&store, "{}").await.expect_err("nothing is granted");
    let CatalogError::Grants { tables, .. } = &error else { panic!("{error}") };
    assert!(tables.iter().any(|table| table == "res_user-res_group"));
    let text = error.to_string();
    assert!(text.contains(r#"GRANT SELECT ON "res_user-res_group" TO "gnuhealth_fhir_nobody";"#), "{text}");
    let grants: Vec<_> = text.lines().filter(|line| line.starts_with("GRANT")).collect();
    run(database, grants.join("\n").as_bytes()).expect("the statements work");
    let catalog = Catalog::load_with(&store, "{}").await.expect("the statements help");
    assert!(catalog.models["res.user"].granted && !catalog.models["test.char"].granted);
    let error = Catalog::load(&store).await.expect_err("there is no GNU Health");
    assert!(matches!(error, CatalogError::NoHealth { .. }), "{error}");
}
