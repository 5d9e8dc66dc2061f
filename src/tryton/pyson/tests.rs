//! The cases observed with the real library.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::{Context, Pyson, Value};
use crate::tryton::catalog::Series;

/// Cases whose context holds tuples, which JSON cannot say.
const TUPLES: [&str; 2] = ["equal-tuple-list", "domain-company-tuple"];

fn value(json: &Json, tuples: bool) -> Value {
    let text = |json: &Json| json.as_str().expect("a text").to_owned();
    match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => Value::number(&number.to_string()).expect("a number"),
        Json::String(text) => Value::Text(text.clone()),
        Json::Array(items) => {
            let items = items.iter().map(|item| value(item, tuples)).collect();
            if tuples { Value::Tuple(items) } else { Value::List(items) }
        }
        Json::Object(entries) => match entries.iter().next() {
            Some((key, json)) if key == "$date" => Value::Date(text(json).parse().expect("a date")),
            Some((key, json)) if key == "$datetime" => Value::DateTime(text(json).parse().expect("a moment")),
            #[expect(clippy::cast_possible_truncation, reason = "small numbers of the cases")]
            Some((key, json)) if key == "$timedelta" => {
                Value::TimeDelta((json.as_f64().expect("seconds") * 1e6).round() as i128)
            }
            Some((key, json)) if key == "$float" => Value::Float(text(json).parse().expect("a number")),
            _ => {
                Value::Object(entries.iter().map(|(key, json)| (key.clone(), value(json, tuples))).collect())
            }
        },
    }
}

#[test]
fn every_case_gives_what_the_library_gives() {
    let cases: Json =
        serde_json::from_str(include_str!("../../../tests/tryton/pyson-cases.json")).expect("JSON");
    let now = "2024-03-31T12:00:00".parse().expect("a moment");
    let (mut wrong, mut count) = (Vec::new(), 0);
    for case in cases["cases"].as_array().expect("a list") {
        let name = case["name"].as_str().expect("a name");
        for (version, series) in [("6.0.76", Series::V6_0), ("7.0.59", Series::V7_0)] {
            let expected = case.get("result").unwrap_or_else(|| &case["results"][version]);
            let values = match value(&case["context"], TUPLES.contains(&name)) {
                Value::Object(values) => values,
                _ => BTreeMap::new(),
            };
            let context = Context { values, now, series };
            let pyson = case["pyson"].as_str().expect("a text");
            let found = Pyson::parse(pyson).and_then(|pyson| pyson.eval(&context));
            let right =
                match (&found, expected.get("$error"), expected.get("$relative").and_then(Json::as_str)) {
                    (Err(_), Some(_), _) => true,
                    (Ok(Value::Date(date)), None, Some(relative)) => {
                        date.to_string()
                            == match relative {
                                "$today" => "2024-03-31",
                                "$today+1d" => "2024-04-01",
                                _ => "2024-03-01",
                            }
                    }
                    (Ok(Value::DateTime(moment)), None, Some(_)) => *moment == now,
                    (Ok(found), None, None) => {
                        let tuples = TUPLES.contains(&name) && expected.is_array();
                        let same = |expected: &Value| match (found, expected) {
                            (Value::Float(one), Value::Float(two)) if two.is_nan() => one.is_nan(),
                            (found, expected) => found.equals(expected) && found.truth() == expected.truth(),
                        };
                        // A tuple of the context inside a list of the statement.
                        same(&value(expected, false))
                            || tuples
                                && format!("{found:?}").replace("Tuple", "List")
                                    == format!("{:?}", value(expected, false))
                    }
                    _ => false,
                };
            count += 1;
            if !right {
                wrong.push(format!("{name} ({version}): {found:?} instead of {expected}"));
            }
        }
    }
    println!("{count} evaluations, {} wrong", wrong.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
