//! What GNU Health 5.0 has, whatever the database at hand: tells a misspelt name from one that this database lacks.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use serde::{Deserialize, de::IgnoredAny};

use super::{
    Catalog,
    facts::{GNUHEALTH_4_4, GNUHEALTH_5_0, Selection},
};

static KNOWN: Mutex<Weak<Documented>> = Mutex::new(Weak::new());

/// What the series have. It is read when it is asked for, and in memory for as long as somebody keeps it.
#[derive(Debug)]
pub struct Documented {
    new: Series,
    old: Series,
}

/// Fields of models by name.
type Series = BTreeMap<&'static str, Model>;

impl Documented {
    /// Keeps it for as long as the value is there.
    pub fn keep() -> Arc<Self> {
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        known.upgrade().unwrap_or_else(|| {
            let read = Arc::new(Self { new: read(GNUHEALTH_5_0), old: read(GNUHEALTH_4_4) });
            *known = Arc::downgrade(&read);
            read
        })
    }
}

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
        let known = Documented::keep();
        match name {
            Some(name) => field(&known.new, model, name).is_some(),
            None => known.new.contains_key(model),
        }
    }

    /// A field that GNU Health 4.4 stores; 5.0 no longer has it, or computes it.
    pub fn outdated(&self, model: &str, name: &str) -> bool {
        let known = Documented::keep();
        let stored = |series: &Series| field(series, model, name).is_some_and(|field| field.stored);
        stored(&known.old) && !stored(&known.new)
    }

    /// A key of a selection in any series.
    pub fn documented_key(&self, model: &str, name: &str, key: &str) -> bool {
        let known = Documented::keep();
        [&known.new, &known.old].iter().any(|series| {
            let keys = field(series, model, name).and_then(|field| field.keys.as_ref());
            keys.is_some_and(|keys| keys.iter().any(|known| known == key))
        })
    }
}
