//! The domain of a record rule: it becomes SQL made of known names and bound values, or is refused.

#![no_main]

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use gnuhealth_fhir::{
    sql::Aliases,
    tryton::{
        Catalog, Domain, Field, FieldKind, Model, Series, Tree,
        pyson::{Context, Pyson, Value},
    },
};
use libfuzzer_sys::fuzz_target;

static CATALOGS: LazyLock<[Catalog; 2]> = LazyLock::new(|| [catalog(Series::V6_0), catalog(Series::V7_0)]);

/// Every type of field, in two models that lead to each other.
fn catalog(series: Series) -> Catalog {
    let many2one = |target: &str| FieldKind::Many2One { target: target.into() };
    let mut party = Model::new("party");
    for (name, kind) in [
        ("id", FieldKind::Integer),
        ("active", FieldKind::Boolean),
        ("name", FieldKind::Char),
        ("note", FieldKind::Text),
        ("sex", FieldKind::Selection),
        ("born", FieldKind::Date),
        ("seen", FieldKind::DateTime),
        ("at", FieldKind::Time),
        ("long", FieldKind::TimeDelta),
        ("size", FieldKind::Float),
        ("price", FieldKind::Numeric),
        ("big", FieldKind::BigInteger),
        ("tags", FieldKind::MultiSelection),
        ("more", FieldKind::Dict),
        ("from", FieldKind::Reference),
        ("photo", FieldKind::Binary),
        ("up", many2one("party")),
        ("place", many2one("place")),
        (
            "places",
            FieldKind::One2Many { target: "place".into(), inverse: Some("party".into()), by_reference: false },
        ),
        (
            "friends",
            FieldKind::Many2Many {
                relation: "place".into(),
                origin: Some("party".into()),
                link: Some("other".into()),
                target: Some("party".into()),
            },
        ),
    ] {
        party.fields.insert(name.into(), Field::new(name, kind));
    }
    party.rec_name = Some("name".into());
    let mut rec_name = Field::new("rec_name", FieldKind::Char);
    rec_name.stored = false;
    party.fields.insert("rec_name".into(), rec_name);
    let translated = |field: &mut Field| field.translated = true;
    party.fields.get_mut("note").into_iter().for_each(translated);
    let mut place = Model::new("place");
    for (name, kind) in [
        ("id", FieldKind::Integer),
        ("active", FieldKind::Boolean),
        ("name", FieldKind::Char),
        ("party", many2one("party")),
        ("other", many2one("party")),
        ("inside", many2one("place")),
    ] {
        place.fields.insert(name.into(), Field::new(name, kind));
    }
    let nested = Box::new(Tree::NestedSet { left: "left".into(), right: "right".into() });
    place.fields.get_mut("inside").into_iter().for_each(|field| field.tree = Some(nested.clone()));
    Catalog {
        series,
        gnuhealth: "5.0",
        modules: BTreeSet::from(["company".to_owned()]),
        models: BTreeMap::from([("party".to_owned(), party), ("place".to_owned(), place)]),
        tables: BTreeSet::new(),
        role: "reader".into(),
        language: "en".into(),
        unaccent: series == Series::V7_0,
        similarity: true,
        server: "17".into(),
    }
}

fuzz_target!(|text: &str| {
    let Ok(pyson) = Pyson::parse(text) else { return };
    for catalog in &*CATALOGS {
        let values = BTreeMap::from([("groups".to_owned(), Value::Tuple(vec![Value::Int(1)]))]);
        let now = "2024-02-29T12:00:00".parse().expect("a moment");
        let Ok(value) = pyson.eval(&Context { values, now, series: catalog.series }) else { continue };
        let Ok(domain) = Domain::rule(&value, "party", catalog, &["es".to_owned()]) else { continue };
        let mut aliases = Aliases::default();
        let row = aliases.next();
        let statement = domain.fragment(row, &mut aliases).finish();
        // Texts of a rule are values: a marker in them never stands in the statement.
        assert!(!statement.text.contains("FUZZ"), "{}", statement.text);
        let quotes = statement.text.chars().filter(|character| *character == '"').count();
        assert!(quotes % 2 == 0, "{}", statement.text);
        assert!(statement.text.len() < 4096 + 400 * text.len(), "{} from {text}", statement.text.len());
    }
});
