//! What GNU Health 5.0 has, whatever the database at hand: tells a misspelt name from one that this database lacks.

use std::{collections::BTreeMap, sync::LazyLock};

use serde::{Deserialize, de::IgnoredAny};

use super::{
    Catalog,
    facts::{GNUHEALTH_4_4, GNUHEALTH_5_0, Selection},
};

static NEW: LazyLock<Series> = LazyLock::new(|| read(GNUHEALTH_5_0));
static OLD: LazyLock<Series> = LazyLock::new(|| read(GNUHEALTH_4_4));

/// Fields of models by name: as little as is asked for, since it stays in memory.
type Series = BTreeMap<&'static str, Model>;

#[derive(Debug, Deserialize)]
struct Model {
    #[serde(borrow, default)]
    fields: BTreeMap<&'static str, Field>,
}

#[derive(Debug, Deserialize)]
#[serde(from = "Fact")]
struct Field {
    stored: bool,
    keys: Option<Box<[String]>>,
}

#[derive(Deserialize)]
struct Fact {
    function: Option<IgnoredAny>,
    #[serde(default)]
    selection: Selection,
}

impl From<Fact> for Field {
    fn from(fact: Fact) -> Self {
        let keys = fact.selection.keys().map(Vec::into_boxed_slice);
        Self { stored: fact.function.is_none(), keys }
    }
}

fn read(text: &'static str) -> Series {
    serde_json::from_str(text).expect("a test reads the embedded catalogue")
}

fn field<'a>(series: &'a Series, model: &str, field: &str) -> Option<&'a Field> {
    series.get(model)?.fields.get(field)
}

impl Catalog {
    /// A model, or a field of it, that GNU Health 5.0 has with all its modules.
    pub fn documented(&self, model: &str, name: Option<&str>) -> bool {
        match name {
            Some(name) => field(&NEW, model, name).is_some(),
            None => NEW.contains_key(model),
        }
    }

    /// A field that GNU Health 4.4 stores; 5.0 no longer has it, or computes it.
    pub fn outdated(&self, model: &str, name: &str) -> bool {
        let stored = |series: &Series| field(series, model, name).is_some_and(|field| field.stored);
        stored(&OLD) && !stored(&NEW)
    }

    /// A key of a selection in any series.
    pub fn documented_key(&self, model: &str, name: &str, key: &str) -> bool {
        [&NEW, &OLD].iter().any(|series| {
            let keys = field(series, model, name).and_then(|field| field.keys.as_ref());
            keys.is_some_and(|keys| keys.iter().any(|known| known == key))
        })
    }
}
