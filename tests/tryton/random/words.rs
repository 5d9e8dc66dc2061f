//! What random domains are made of: models and fields of the catalogue, values of the rows that are there.

use std::collections::BTreeMap;

use gnuhealth_fhir::{
    sql::{Aliases, Fragment},
    store::{Class, Store},
    tryton::{Catalog, Field, FieldKind, Model, ModelKind},
};
use serde_json::{Value as Json, json};

use super::dice::Dice;

/// Rows of each model that values are taken from.
const SAMPLE: usize = 40;

/// Fields whose values are too long, or secret.
fn usable(field: &Field) -> bool {
    field.stored && !matches!(field.kind, FieldKind::Binary | FieldKind::Other(_))
}

pub struct Words<'a> {
    pub catalog: &'a Catalog,
    rows: BTreeMap<&'a str, Vec<Json>>,
}

impl<'a> Words<'a> {
    /// Reads some rows of every model.
    pub async fn read(store: &Store, catalog: &'a Catalog) -> Self {
        let mut rows = BTreeMap::new();
        for model in catalog.models.values().filter(|model| model.kind != ModelKind::Query) {
            let alias = Aliases::default().next();
            let columns = model.fields.iter().filter(|field| usable(field));
            let columns = columns.map(|field| {
                Fragment::raw("(")
                    .bind(field.name.as_str())
                    .text(", to_jsonb(")
                    .column(alias, &field.name)
                    .text("))")
            });
            let pairs = Fragment::join(columns, ", ");
            let statement = Fragment::raw("SELECT (SELECT jsonb_object_agg(key, value) FROM (VALUES ")
                .then(pairs)
                .text(") AS pairs (key, value))::text FROM ")
                .ident(&model.table)
                .text(" AS ")
                .alias(alias)
                .text(" ORDER BY md5(")
                .column(alias, "id")
                .text("::text) LIMIT ")
                .number(SAMPLE)
                .finish();
            let found = store.rows(Class::Request, &statement).await.unwrap_or_else(|error| {
                panic!("{}: {:?}", model.name, error.logged_cause());
            });
            let found =
                found.iter().map(|row| serde_json::from_str(row.column(0).expect("text")).expect("JSON"));
            rows.insert(model.name.as_str(), found.collect());
        }
        Self { catalog, rows }
    }

    pub fn model(&self, name: &str) -> Option<&'a Model> {
        self.catalog.model(name).filter(|model| model.kind != ModelKind::Query)
    }

    /// What some row has in a field; often null.
    pub fn sample(&self, dice: &mut Dice, model: &str, field: &str) -> Json {
        match self.rows.get(model).map(Vec::as_slice) {
            Some(rows @ [_, ..]) => {
                let rows = (0..3).map(|_| dice.pick(rows)[field].clone());
                rows.into_iter().find(|value| !value.is_null()).unwrap_or(Json::Null)
            }
            _ => Json::Null,
        }
    }

    /// The id of some row.
    pub fn id(&self, dice: &mut Dice, model: &str) -> Json {
        match self.sample(dice, model, "id") {
            Json::Null => json!(dice.between(1, 9)),
            id => id,
        }
    }

    /// A value for a scalar field as PYSON, not null.
    pub fn value(&self, dice: &mut Dice, model: &str, field: &Field) -> Json {
        let sample = self.sample(dice, model, &field.name);
        match &field.kind {
            FieldKind::Boolean => json!(dice.percent(50)),
            FieldKind::Integer | FieldKind::BigInteger => match sample {
                Json::Number(number) if dice.percent(70) => Json::Number(number),
                _ if dice.percent(10) => json!(2.5),
                _ if dice.percent(10) => json!("3"),
                _ => json!(dice.below(12)),
            },
            FieldKind::Float | FieldKind::Numeric => match sample {
                Json::Number(number) if dice.percent(60) => Json::Number(number),
                _ if dice.percent(15) => json!("1.5"),
                _ => json!(dice.below(200)),
            },
            FieldKind::Date => date(dice, sample.as_str().unwrap_or("2024-02-29")),
            FieldKind::DateTime | FieldKind::Timestamp => {
                moment(dice, sample.as_str().unwrap_or("2024-02-29T12:30:15"))
            }
            FieldKind::Time => json!(sample.as_str().unwrap_or("08:00:00").get(..8)),
            FieldKind::TimeDelta => {
                json!({"__class__": "TimeDelta", "d": dice.below(3), "s": dice.below(4000), "m": 0})
            }
            FieldKind::Selection => match &field.selection {
                Some(keys) if !keys.is_empty() && dice.percent(50) => json!(dice.pick(keys)),
                _ => sample.as_str().map_or(json!("x"), |text| json!(text)),
            },
            _ => match sample.as_str() {
                Some(text) if dice.percent(10) => json!(format!(" {text} ")),
                Some(text) if dice.percent(10) => json!(text.to_uppercase()),
                Some(text) => json!(text),
                None => json!("a"),
            },
        }
    }

    /// A pattern for a text field.
    pub fn pattern(&self, dice: &mut Dice, model: &str, field: &Field) -> Json {
        let sample = self.sample(dice, model, &field.name);
        let text: Vec<char> = sample.as_str().unwrap_or("ana").chars().take(40).collect();
        let start = dice.below(text.len());
        let end = dice.between(start, text.len());
        let mut part: String = text.get(start..end).unwrap_or_default().iter().collect();
        if dice.percent(20) {
            part = part.to_lowercase();
        }
        if dice.percent(10) {
            part = part.replace('a', "_");
        }
        let (before, after) = *dice.pick(&[("%", "%"), ("%", "%"), ("%", ""), ("", "%"), ("", "")]);
        json!(format!("{before}{part}{after}"))
    }
}

fn number(text: &str) -> Json {
    text.parse::<i64>().map_or(Json::Null, Json::from)
}

/// Around a date that is there, or around today.
fn date(dice: &mut Dice, sample: &str) -> Json {
    let (years, months, days) = (dice.below(3), dice.below(5), dice.below(20));
    let mut parts = sample.splitn(3, '-').map(number);
    let mut part = || parts.next().unwrap_or(Json::Null);
    let (y, m, d) = if dice.percent(70) { (part(), part(), part()) } else { Default::default() };
    json!({"__class__": "Date", "y": y, "M": m, "d": d, "dy": -i64::try_from(years).expect("small"), "dM": months, "dd": days})
}

fn moment(dice: &mut Dice, sample: &str) -> Json {
    let day = sample.get(..10).unwrap_or("2024-02-29");
    let mut value = date(dice, day);
    let time = sample.get(11..19).unwrap_or("00:00:00");
    let mut parts = time.splitn(3, ':').map(number);
    let mut part = || parts.next().unwrap_or(Json::Null);
    let fixed = !value["y"].is_null();
    value["__class__"] = json!("DateTime");
    for key in ["h", "m", "s"] {
        value[key] = part();
    }
    // Now moves on between the two answers, midnight hardly.
    if !fixed {
        for key in ["h", "m", "s"] {
            value[key] = json!(0);
        }
    }
    value["ms"] = json!(0);
    for key in ["dh", "dm", "ds", "dms"] {
        value[key] = json!(dice.below(3));
    }
    value
}
