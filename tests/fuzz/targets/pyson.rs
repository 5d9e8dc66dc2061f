//! The text of a record rule: it is read or refused, and means the same each time.

#![no_main]

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use gnuhealth_fhir::tryton::{
    Series,
    pyson::{Context, Pyson, Record, Value},
};
use libfuzzer_sys::fuzz_target;

fn context(series: Series) -> Context {
    let ids = |ids: &[i128]| ids.iter().copied().map(Value::Int).collect::<Vec<_>>();
    let sequence = |all| if series == Series::V7_0 { Value::Tuple(all) } else { Value::List(all) };
    let record = Record {
        values: BTreeMap::from([
            ("id".to_owned(), Value::Int(7)),
            ("login".to_owned(), Value::Text("doctor".into())),
            ("groups".to_owned(), sequence(ids(&[1, 2]))),
        ]),
        unknown: BTreeSet::from(["signature".to_owned()]),
    };
    let values = BTreeMap::from([
        ("groups".to_owned(), sequence(ids(&[1, 2, 5]))),
        ("companies".to_owned(), sequence(ids(&[]))),
        ("employee".to_owned(), Value::Null),
        ("user_id".to_owned(), Value::Int(7)),
        ("user".to_owned(), Value::Record(Arc::new(record))),
    ]);
    let now = "2024-02-29T23:59:59.999999".parse().expect("a moment");
    Context { values, now, series }
}

fuzz_target!(|text: &str| {
    let Ok(pyson) = Pyson::parse(text) else { return };
    let _ = pyson.uses_clock();
    for series in [Series::V6_0, Series::V7_0] {
        let context = context(series);
        let value = pyson.eval(&context);
        assert_eq!(format!("{value:?}"), format!("{:?}", pyson.eval(&context)));
    }
});
