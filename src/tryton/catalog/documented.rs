//! What GNU Health 5.0 has, whatever the database at hand: tells a misspelt name from one that this database lacks.

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use serde::{Deserialize, de::IgnoredAny};
use serde_json::value::RawValue;

use super::{
    Catalog,
    facts::{GNUHEALTH_4_4, GNUHEALTH_5_0, Selection},
};

static NEW: LazyLock<Series> = LazyLock::new(|| Series::of(GNUHEALTH_5_0));
static OLD: LazyLock<Series> = LazyLock::new(|| Series::of(GNUHEALTH_4_4));

/// The models of a series. Few are asked about, since a database has most of them, so each is read when that happens.
struct Series {
    texts: BTreeMap<&'static str, &'static RawValue>,
    read: Mutex<BTreeMap<&'static str, Arc<Model>>>,
}

impl Series {
    fn of(text: &'static str) -> Self {
        let texts = serde_json::from_str(text).expect("a test reads the embedded catalogue");
        Self { texts, read: Mutex::default() }
    }

    fn model(&self, name: &str) -> Option<Arc<Model>> {
        let (name, text) = self.texts.get_key_value(name)?;
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let model = read.entry(name).or_insert_with(|| {
            Arc::new(serde_json::from_str(text.get()).expect("a test reads each embedded model"))
        });
        Some(Arc::clone(model))
    }

    /// What is said of a field, where there is one.
    fn field<T>(&self, model: &str, field: &str, say: impl FnOnce(&Field) -> T) -> Option<T> {
        self.model(model)?.fields.get(field).map(say)
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
    keys: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Fact {
    function: Option<IgnoredAny>,
    #[serde(default)]
    selection: Selection,
}

impl From<Fact> for Field {
    fn from(fact: Fact) -> Self {
        Self { stored: fact.function.is_none(), keys: fact.selection.keys() }
    }
}

impl Catalog {
    /// A model, or a field of it, that GNU Health 5.0 has with all its modules.
    pub fn documented(&self, model: &str, name: Option<&str>) -> bool {
        match name {
            Some(name) => NEW.field(model, name, |_| ()).is_some(),
            None => NEW.texts.contains_key(model),
        }
    }

    /// A field that GNU Health 4.4 stores; 5.0 no longer has it, or computes it.
    pub fn outdated(&self, model: &str, name: &str) -> bool {
        let stored = |series: &Series| series.field(model, name, |field| field.stored).unwrap_or(false);
        stored(&OLD) && !stored(&NEW)
    }

    /// A key of a selection in any series.
    pub fn documented_key(&self, model: &str, name: &str, key: &str) -> bool {
        let has = |field: &Field| field.keys.as_ref().is_some_and(|keys| keys.iter().any(|own| own == key));
        [&NEW, &OLD].iter().any(|series| series.field(model, name, has).unwrap_or(false))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_embedded_model_can_be_read() {
        for series in [&NEW, &OLD] {
            assert!(series.texts.keys().all(|name| series.model(name).is_some()));
        }
        let catalog = Catalog::full(super::super::Series::V7_0, BTreeSet::new()).unwrap();
        let patient = "gnuhealth.patient";
        assert!(catalog.documented(patient, None) && catalog.documented(patient, Some("party")));
        assert!(!catalog.documented(patient, Some("partei")));
        assert!(catalog.outdated(patient, "name") && !catalog.outdated(patient, "party"));
        assert!(catalog.documented_key(patient, "blood_type", "AB"));
        assert!(!catalog.documented_key(patient, "blood_type", "C"));
    }
}
