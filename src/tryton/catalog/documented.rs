//! What GNU Health 5.0 has, whatever the database at hand: tells a misspelt name from one that this database lacks.

use std::sync::LazyLock;

use super::{
    Catalog,
    facts::{self, Facts, GNUHEALTH_4_4, GNUHEALTH_5_0},
};

static NEW: LazyLock<Facts> =
    LazyLock::new(|| facts::parse(GNUHEALTH_5_0).expect("a test reads the embedded catalogue"));
static OLD: LazyLock<Facts> =
    LazyLock::new(|| facts::parse(GNUHEALTH_4_4).expect("a test reads the embedded catalogue"));

impl Catalog {
    /// A model, or a field of it, that GNU Health 5.0 has with all its modules.
    pub fn documented(&self, model: &str, field: Option<&str>) -> bool {
        NEW.get(model).is_some_and(|known| field.is_none_or(|field| known.fields.contains_key(field)))
    }

    /// A field that GNU Health 4.4 stores; 5.0 no longer has it, or computes it.
    pub fn outdated(&self, model: &str, field: &str) -> bool {
        let stored = |facts: &Facts| {
            let field = facts.get(model).and_then(|known| known.fields.get(field));
            field.is_some_and(|field| field.function.is_none())
        };
        stored(&OLD) && !stored(&NEW)
    }

    /// A key of a selection in any series.
    pub fn documented_key(&self, model: &str, field: &str, key: &str) -> bool {
        [&NEW, &OLD].iter().any(|facts| {
            let keys = facts
                .get(model)
                .and_then(|known| known.fields.get(field))
                .and_then(|field| field.selection.keys());
            keys.is_some_and(|keys| keys.iter().any(|known| known == key))
        })
    }
}
