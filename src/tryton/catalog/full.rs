//! GNU Health with all its modules, without a database: what documents and tests about all of it are made from.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Catalog, CatalogError, Series,
    facts::{self, FactModel, GNUHEALTH_4_4, GNUHEALTH_5_0},
    merge::{Live, LiveField, Table, merge},
};

/// Columns of every table.
const EVERYWHERE: [(&str, &str, Option<&str>); 5] = [
    ("id", "integer", None),
    ("create_date", "timestamp", None),
    ("create_uid", "many2one", Some("res.user")),
    ("write_date", "timestamp", None),
    ("write_uid", "many2one", Some("res.user")),
];

impl Catalog {
    /// Every model, field and column that the GNU Health of a series of Tryton can have: 5.0, or 4.4 for Tryton 6.0. `modules`
    /// count as activated.
    ///
    /// # Errors
    /// [`CatalogError::Embedded`]; a test reads the embedded catalogue.
    pub fn full(series: Series, modules: BTreeSet<String>) -> Result<Self, CatalogError> {
        let (embedded, gnuhealth) = match series {
            Series::V6_0 => (GNUHEALTH_4_4, "4.4"),
            Series::V7_0 => (GNUHEALTH_5_0, "5.0"),
        };
        let facts = facts::parse(embedded)?;
        let mut live = Live {
            series,
            role: String::new(),
            modules,
            fields: BTreeMap::new(),
            tables: BTreeMap::new(),
            language: "en".to_owned(),
            unaccent: false,
            similarity: false,
            server: String::new(),
        };
        for (name, model) in &facts {
            let fields = fields(model);
            let columns =
                fields.iter().map(|(name, field)| (name.clone(), field.kind.as_str().into())).collect();
            let table = model.table.map_or_else(|| name.replace('.', "_"), str::to_owned);
            live.tables.insert(table, Table { granted: true, columns, large: false, plain: true });
            live.fields.insert((*name).to_owned(), fields);
        }
        Ok(merge(live, facts, gnuhealth))
    }
}

fn fields(model: &FactModel<'_>) -> BTreeMap<String, LiveField> {
    let own = model.fields.iter().map(|(name, field)| {
        let relation = field.relation.or(field.target).map(str::to_owned);
        ((*name).to_owned(), LiveField { kind: field.kind.to_owned(), relation, access: false })
    });
    let everywhere = EVERYWHERE.iter().map(|(name, kind, target)| {
        let relation = target.map(str::to_owned);
        ((*name).to_owned(), LiveField { kind: (*kind).to_owned(), relation, access: false })
    });
    everywhere.chain(own).collect()
}
