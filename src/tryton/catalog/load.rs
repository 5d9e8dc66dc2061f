//! Reading the catalogue from the live database.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    Catalog, CatalogError, Series,
    facts::{self, Facts},
    merge::{Live, LiveField, Table, merge},
};
use crate::{
    heap,
    store::{Class, Row, Store},
    tryton::Name,
};

/// Tables without which rights cannot be judged.
const REQUIRED: [&str; 13] = [
    "ir_configuration",
    "ir_lang",
    "ir_model",
    "ir_model_access",
    "ir_model_field",
    "ir_model_field_access",
    "ir_module",
    "ir_rule",
    "ir_rule_group",
    "ir_rule_group-res_group",
    "res_group",
    "res_user",
    "res_user-res_group",
];

/// Tables of the module `company` and others that hold rights where they exist.
const IF_PRESENT: [&str; 6] = [
    "company_company",
    "company_employee",
    "ir_translation",
    "res_user-company_company",
    "res_user-company_employee",
    "res_user_application",
];

/// Rows from which on Tryton 7.0 joins a table instead of looking into it (`subquery_threshold` in trytond.conf).
const LARGE: f64 = 1000.0;

impl Catalog {
    /// Reads the catalogue of a GNU Health database.
    ///
    /// # Errors
    /// [`CatalogError`] with a sentence for the operator when the database cannot be served.
    pub async fn load(store: &Store) -> Result<Self, CatalogError> {
        let live = live(store).await?;
        if !live.modules.contains("health") {
            return Err(CatalogError::NoHealth { activated: live.modules.len() });
        }
        let party = live.fields.get("gnuhealth.patient").is_some_and(|fields| fields.contains_key("party"));
        let (gnuhealth, text) =
            if party { ("5.0", facts::GNUHEALTH_5_0) } else { ("4.4", facts::GNUHEALTH_4_4) };
        // What is merged lies between the facts, the copy lies together.
        Name::make_room();
        heap::copied(move || Ok(merge(live, facts::parse(text)?, gnuhealth)))
    }

    /// Tables by which rights are judged, as far as they exist.
    pub fn tables_of_rights(&self) -> impl Iterator<Item = &'static str> {
        REQUIRED.into_iter().chain(IF_PRESENT).filter(|table| self.has_table(table))
    }

    /// Reads the catalogue of a Tryton database without GNU Health, completed by other facts of the form of the
    /// embedded ones. For the tests of this layer.
    ///
    /// # Errors
    /// As [`Catalog::load`].
    #[doc(hidden)]
    pub async fn load_with(store: &Store, more: &str) -> Result<Self, CatalogError> {
        let live = live(store).await?;
        let mut facts: Facts = facts::parse(match live.series {
            Series::V6_0 => facts::GNUHEALTH_4_4,
            Series::V7_0 => facts::GNUHEALTH_5_0,
        })?;
        for (name, model) in facts::parse(more)? {
            match facts.get_mut(&name) {
                Some(known) => known.fields.extend(model.fields),
                None => drop(facts.insert(name, model)),
            }
        }
        Ok(merge(live, facts, "none"))
    }
}

async fn live(store: &Store) -> Result<Live, CatalogError> {
    let survey = store
        .snapshot(Class::Watch, &[include_str!("sql/columns.sql"), include_str!("sql/server.sql")])
        .await?;
    // Searches fold texts by a function of PostgreSQL that knows UTF-8 only, and JSON is UTF-8.
    let encoding: String = survey[1][0].column(4)?;
    if encoding != "UTF8" {
        return Err(CatalogError::Encoding { found: encoding });
    }
    let tables = tables(&survey[0])?;
    let role: String = survey[1][0].column(0)?;
    let missing: Vec<_> = REQUIRED.iter().filter(|name| !tables.contains_key(**name)).collect();
    if !missing.is_empty() {
        return Err(CatalogError::NotTryton { missing: missing.iter().map(ToString::to_string).collect() });
    }
    let series = series(&tables)?;
    let denied: Vec<_> = REQUIRED
        .iter()
        .chain(&IF_PRESENT)
        .filter(|name| tables.get(**name).is_some_and(|table| !table.granted))
        .map(ToString::to_string)
        .collect();
    if !denied.is_empty() {
        return Err(CatalogError::Grants { role, tables: denied });
    }
    let rows = store
        .snapshot(
            Class::Watch,
            &[
                include_str!("sql/modules.sql"),
                include_str!("sql/fields.sql"),
                include_str!("sql/language.sql"),
            ],
        )
        .await?;
    let modules = rows[0].iter().map(|row| row.column(0)).collect::<Result<BTreeSet<String>, _>>()?;
    let fields = rows[1].iter().map(|row| Ok((row.column(0)?, fields(row)?)));
    let fields = fields.collect::<Result<_, CatalogError>>()?;
    Ok(Live {
        series,
        role,
        modules,
        fields,
        tables,
        language: rows[2][0].column(0)?,
        unaccent: survey[1][0].column(1)?,
        similarity: survey[1][0].column(2)?,
        server: survey[1][0].column(3)?,
    })
}

/// The fields of a model, from columns that hold one array for each property.
fn fields(row: &Row) -> Result<BTreeMap<String, LiveField>, CatalogError> {
    let (names, kinds): (Vec<String>, Vec<String>) = (row.column(1)?, row.column(2)?);
    let (relations, accesses): (Vec<Option<String>>, Vec<bool>) = (row.column(3)?, row.column(4)?);
    let fields = names.into_iter().zip(kinds).zip(relations.into_iter().zip(accesses));
    Ok(fields
        .map(|((name, kind), (relation, access))| (name, LiveField { kind, relation, access }))
        .collect())
}

fn tables(rows: &[Row]) -> Result<BTreeMap<String, Table>, CatalogError> {
    let mut tables = BTreeMap::new();
    // There are some dozen types, and thousands of columns.
    let mut known: BTreeMap<String, Arc<str>> = BTreeMap::new();
    for row in rows {
        let names: Vec<String> = row.column(2)?;
        let types: Vec<String> = row.column(3)?;
        let rows: f64 = row.column(4)?;
        let types = types.into_iter().map(|name| {
            let shared = known.entry(name).or_insert_with_key(|name| Arc::from(name.as_str()));
            Arc::clone(shared)
        });
        let columns = names.into_iter().zip(types).collect();
        let table = Table { granted: row.column(1)?, columns, large: rows >= LARGE, plain: row.column(5)? };
        tables.insert(row.column(0)?, table);
    }
    Ok(tables)
}

/// Semantics 10.1: the series shows in the shape of the tables.
fn series(tables: &BTreeMap<String, Table>) -> Result<Series, CatalogError> {
    let column = |table: &str, column: &str| tables.get(table).and_then(|table| table.columns.get(column));
    if column("res_group", "parent").is_none() {
        return Err(CatalogError::Series { found: "5.0 or older (GNU Health 3.8 or older)" });
    }
    if column("ir_configuration", "series").is_some() {
        return Err(CatalogError::Series { found: "7.6 or newer" });
    }
    match column("ir_model_access", "model").map(AsRef::as_ref) {
        Some("integer" | "bigint") => {}
        _ => return Err(CatalogError::Series { found: "7.2 or 7.4" }),
    }
    Ok(if tables.contains_key("ir_model_log") { Series::V7_0 } else { Series::V6_0 })
}
