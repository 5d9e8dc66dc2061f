//! Columns without a place in FHIR: `left-out/*.toml`, a reason for each field of a model.

use std::collections::BTreeMap;

use super::{
    compiled::Compiled,
    finding::{Findings, Place},
    path::{Found, Resolver},
    text::{Kind, Table},
};
use crate::tryton::Name;

/// Reasons by model and field, in the names of GNU Health 5.0; none where a later file takes the entry back.
#[derive(Debug, Default)]
pub struct LeftOut(BTreeMap<(String, String), (Option<String>, Place)>);

impl LeftOut {
    /// Reads a file: a table for each model, `field = "reason"`, or `field = false` when the site maps it after all.
    pub fn read(&mut self, table: &Table, findings: &mut Findings) {
        for (model, item) in &table.entries {
            let Some(fields) = item.table() else {
                findings.add("left-out", &item.place, "a table of fields", item.describe(), "");
                continue;
            };
            for (field, item) in &fields.entries {
                let reason = match &item.kind {
                    Kind::Text(reason) if !reason.is_empty() => Some(reason.clone()),
                    Kind::Flag(false) => None,
                    _ => {
                        findings.add("left-out", &item.place, "a reason", item.describe(), "");
                        continue;
                    }
                };
                let key = (model.name.clone(), field.name.clone());
                let taken_back = self.0.get(&key).is_some_and(|(reason, _)| reason.is_none());
                if !taken_back {
                    self.0.insert(key, (reason, field.place.clone()));
                }
            }
        }
    }

    /// The entries in the names of this database. Each names a stored field that nothing reads.
    pub fn check(
        self,
        resolver: &Resolver<'_>,
        compiled: &Compiled,
        findings: &mut Findings,
    ) -> BTreeMap<(Name, Name), Name> {
        let used = compiled.used();
        let mut reasons = BTreeMap::new();
        for ((model, name), (reason, place)) in self.0 {
            // The older series has columns of its own.
            if resolver.catalog.field(&model, &name).is_none() && resolver.catalog.outdated(&model, &name) {
                continue;
            }
            let Some(Found::Here(field)) = resolver.field(&model, &name, &place, findings) else { continue };
            let Some(reason) = reason else { continue };
            if used.columns.contains(&(model.as_str(), field.name.as_str())) {
                findings.add(
                    "left-out-mapped",
                    &place,
                    "a field that no mapping reads",
                    format!("`{name}` of {model}, which is mapped"),
                    "take the line out; a folder of the site says `field = false` in a file of its own",
                );
                continue;
            }
            reasons.insert((model.into(), field.name), reason.into());
        }
        reasons
    }
}
