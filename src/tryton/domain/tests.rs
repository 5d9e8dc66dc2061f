//! Domains as SQL, and what is refused, on a small catalogue.

use std::collections::{BTreeMap, BTreeSet};

use super::Domain;
use crate::{
    sql::Aliases,
    tryton::{
        catalog::{Catalog, Field, FieldKind, Model, ModelKind, Series},
        pyson::{Context, Pyson},
    },
};

fn catalog() -> Catalog {
    let model = |name: &str, fields: Vec<(&str, FieldKind)>| {
        let mut model = Model::new(name);
        for (name, kind) in fields {
            model.fields.insert(Field::new(name, kind));
        }
        (model.name, model)
    };
    let many2one = |target: &str| FieldKind::Many2One { target: target.into() };
    let addresses = FieldKind::One2Many {
        target: "party.address".into(),
        inverse: Some("party".into()),
        by_reference: false,
    };
    let mut models = BTreeMap::from([
        model(
            "party.party",
            vec![
                ("id", FieldKind::Integer),
                ("name", FieldKind::Char),
                ("active", FieldKind::Boolean),
                ("parent", many2one("party.party")),
                ("photo", FieldKind::Binary),
                ("computed", FieldKind::Char),
                ("secret", FieldKind::Char),
                ("addresses", addresses),
                ("report", many2one("report")),
            ],
        ),
        model(
            "party.address",
            vec![
                ("city", FieldKind::Char),
                ("active", FieldKind::Boolean),
                ("party", many2one("party.party")),
            ],
        ),
        model("report", vec![("name", FieldKind::Char)]),
    ]);
    let party = models.get_mut("party.party").expect("it is there");
    let computed = party.fields.get_mut("computed").expect("it is there");
    (computed.computed, computed.stored) = (true, false);
    let secret = party.fields.get_mut("secret").expect("it is there");
    (secret.secret, secret.stored) = (true, false);
    models.get_mut("report").expect("it is there").kind = ModelKind::Query;
    Catalog {
        series: Series::V7_0,
        gnuhealth: "5.0",
        modules: BTreeSet::new(),
        models,
        tables: BTreeSet::new(),
        role: "fhir".into(),
        server: String::new(),
        language: "en".into(),
        unaccent: false,
        similarity: false,
    }
}

fn sql(domain: &str) -> Result<String, String> {
    let context = Context { values: BTreeMap::new(), now: jiff::civil::DateTime::ZERO, series: Series::V7_0 };
    let value = Pyson::parse(domain)?.eval(&context)?;
    let domain =
        Domain::rule(&value, "party.party", &catalog(), &[]).map_err(|refused| refused.to_string())?;
    let mut aliases = Aliases::default();
    let alias = aliases.next();
    Ok(domain.fragment(alias, &mut aliases).finish().text)
}

#[test]
fn a_clause_compares_a_column_with_a_bound_value() {
    assert_eq!(sql(r#"[["name", "=", "x' OR 1=1"]]"#).expect("a domain"), r#"(t0."name" = $1::text)"#);
    assert_eq!(sql(r#"[["id", "in", [1, 2]]]"#).expect("a domain"), r#"(t0."id" = ANY ($1::int4[]))"#);
    assert_eq!(sql("[]").expect("a domain"), "TRUE");
    assert_eq!(sql(r#"["OR", [["id", "=", 1]], []]"#).expect("a domain"), "TRUE");
}

#[test]
fn a_rule_may_test_what_nobody_reads() {
    assert_eq!(sql(r#"[["secret", "!=", null]]"#).expect("a domain"), r#"(t0."secret" IS NOT NULL)"#);
}

#[test]
fn inactive_rows_are_left_out_behind_a_one2many_but_not_behind_a_many2one() {
    assert_eq!(
        sql(r#"[["addresses.city", "=", "Oslo"]]"#).expect("a domain"),
        concat!(
            r#"(t0."id" IN (SELECT t1."party" FROM "party_address" AS t1 "#,
            r#"WHERE ((t1."city" = $1::text) AND (t1."active" = $2::bool))))"#
        )
    );
    assert_eq!(
        sql(r#"[["parent.name", "!=", "Oslo"]]"#).expect("a domain"),
        concat!(
            r#"((t0."parent" IN (SELECT t1."id" FROM "party_party" AS t1 WHERE (t1."name" <> $1::text))) "#,
            r#"OR (t0."parent" IS NULL))"#
        )
    );
}

#[test]
fn what_sql_cannot_repeat_is_refused() {
    let deep = format!(r#"[["{}name", "=", "x"]]"#, "parent.".repeat(100));
    for (domain, reason) in [
        (r#"[["nope", "=", 1]]"#, "has no field nope"),
        (r#"[["computed", "=", "x"]]"#, "computed"),
        (r#"[["rec_name", "=", "x"]]"#, "has no field rec_name"),
        (r#"[["photo", "=", null]]"#, "cannot be searched"),
        (r#"[["report.name", "=", "x"]]"#, "computed by Tryton"),
        (r#"[["name", "==", "x"]]"#, "neither a clause nor an operator"),
        (r#"[["name", "="]]"#, "neither a clause nor an operator"),
        (r#"["or", ["name", "=", "x"]]"#, "neither a clause nor an operator"),
        (r#"[["name", "=", 5]]"#, "does not fit"),
        (r#"[["id", "like", "1%"]]"#, "does not fit"),
        (r#"[["name", "child_of", [1]]]"#, "does not fit"),
        (r#"[["parent", "=", false]]"#, "does not fit"),
        (r#"{"a": 1}"#, "not a list"),
        (r#""name""#, "not a list"),
        (&deep, "too many relations"),
    ] {
        let found = sql(domain).expect_err(domain);
        assert!(found.contains(reason), "{domain}: {found}");
    }
}
