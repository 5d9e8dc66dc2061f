//! What record rules know about the user (semantics 5.3).

use std::{collections::BTreeMap, sync::Arc};

use super::rules::now;
use crate::tryton::{
    catalog::{Catalog, FieldKind, Series},
    pyson::{Context, Record, Value},
    security::{Security, User},
};

pub(super) fn of(security: &Security, user: &User) -> Context {
    let catalog = security.catalog();
    let series = catalog.series;
    let sequence = |ids: &[i32]| {
        let items = ids.iter().map(|id| Value::Int(i128::from(*id))).collect();
        if series >= Series::V7_0 { Value::Tuple(items) } else { Value::List(items) }
    };
    let mut values = BTreeMap::from([("groups".to_owned(), sequence(&security.rule_group_list(user)))]);
    if catalog.modules.contains("company") {
        values.insert("companies".into(), sequence(&user.rule_companies()));
        if series < Series::V7_0 {
            values.insert("employees".into(), sequence(&user.rule_employees()));
            if let Some(row) = user.employee.and_then(|id| security.employees.get(&id)) {
                values.insert("employee".into(), record(catalog, "company.employee", row, []));
            }
        }
    }
    if series < Series::V7_0
        && let Some(row) = &user.record
    {
        let lists = [
            ("groups", sequence(&user.direct_groups)),
            ("companies", sequence(&user.companies)),
            ("employees", sequence(&user.employees)),
        ];
        values.insert("user".into(), record(catalog, "res.user", row, lists));
    }
    Context { values, now: now(), series }
}

/// A row as Tryton 6.0 shows it to rules: relations as ids, other values as they are.
fn record<const N: usize>(
    catalog: &Catalog,
    model: &str,
    row: &serde_json::Value,
    lists: [(&str, Value); N],
) -> Value {
    let lists = BTreeMap::from(lists);
    let mut record = Record::default();
    for field in catalog.model(model).into_iter().flat_map(|model| model.fields.iter()) {
        let value = match lists.get(field.name.as_str()) {
            Some(list) => Some(list.clone()),
            None if field.stored => value(&field.kind, &row[field.name.as_str()]),
            None => None,
        };
        match value {
            Some(value) => record.values.insert(field.name.into(), value).map_or((), drop),
            None => drop(record.unknown.insert(field.name.into())),
        }
    }
    Value::Record(Arc::new(record))
}

/// Kinds whose JSON form loses nothing; the others stay unknown.
fn value(kind: &FieldKind, json: &serde_json::Value) -> Option<Value> {
    match (kind, json) {
        (FieldKind::Date | FieldKind::DateTime | FieldKind::Timestamp, serde_json::Value::String(text)) => {
            match kind {
                FieldKind::Date => text.parse().ok().map(Value::Date),
                _ => text.parse().ok().map(Value::DateTime),
            }
        }
        (
            FieldKind::Boolean
            | FieldKind::Integer
            | FieldKind::Char
            | FieldKind::Text
            | FieldKind::Selection
            | FieldKind::Reference
            | FieldKind::Many2One { .. }
            | FieldKind::Date
            | FieldKind::DateTime
            | FieldKind::Timestamp,
            json,
        ) => match json {
            serde_json::Value::Null => Some(Value::Null),
            serde_json::Value::Bool(value) => Some(Value::Bool(*value)),
            serde_json::Value::Number(number) => number.as_i64().map(|number| Value::Int(number.into())),
            serde_json::Value::String(text) => Some(Value::Text(text.clone())),
            _ => None,
        },
        _ => None,
    }
}
