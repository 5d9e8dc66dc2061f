//! What Tryton's classes know and the database does not: `catalog/<series>.json`, read as it is stored.

use std::collections::BTreeMap;

use serde::{Deserialize, de::IgnoredAny};

use super::{CatalogError, Strip};

/// GNU Health 5.0 on Tryton 7.0.
pub(super) const GNUHEALTH_5_0: &str = include_str!("5.0.json");
/// GNU Health 4.4 on Tryton 6.0.
pub(super) const GNUHEALTH_4_4: &str = include_str!("4.4.json");

/// Models by name.
pub(super) type Facts<'a> = BTreeMap<&'a str, FactModel<'a>>;

/// One model.
#[derive(Debug, Default, Deserialize)]
pub(super) struct FactModel<'a> {
    /// `sql`, `table_query` or `view`.
    pub kind: &'a str,
    pub table: Option<&'a str>,
    #[serde(default)]
    pub singleton: bool,
    pub rec_name: Option<&'a str>,
    #[serde(borrow, default)]
    pub order: Vec<(&'a str, Option<&'a str>)>,
    /// No class computes or searches the name of a record in another way than by the field `rec_name`.
    #[serde(default)]
    pub plain_name: bool,
    #[serde(borrow, default)]
    pub fields: BTreeMap<&'a str, FactField<'a>>,
}

/// One field.
#[derive(Debug, Default, Deserialize)]
pub(super) struct FactField<'a> {
    #[serde(rename = "type", default)]
    pub kind: &'a str,
    pub target: Option<&'a str>,
    /// Model of the link rows of a many2many.
    pub relation: Option<&'a str>,
    pub inverse: Option<&'a str>,
    pub origin: Option<&'a str>,
    pub target_field: Option<&'a str>,
    pub function: Option<IgnoredAny>,
    pub searcher: Option<IgnoredAny>,
    pub search: Option<FactSearch>,
    #[serde(default)]
    pub domain_method: bool,
    #[serde(default)]
    pub multivalue: bool,
    #[serde(default)]
    pub translate: bool,
    #[serde(default)]
    pub selection: Selection,
    pub left: Option<&'a str>,
    pub right: Option<&'a str>,
    pub path: Option<&'a str>,
    pub filter: Option<serde_json::Value>,
    #[serde(default)]
    pub strip: Strip,
}

/// What a searcher makes of a clause: the same clause on other paths, or on the names of a tree.
#[derive(Debug, Deserialize)]
pub(super) struct FactSearch {
    /// Module whose code it is.
    pub module: String,
    #[serde(default)]
    pub paths: Vec<FactPath>,
    /// Field of the name, field of the parent, separator.
    pub tree: Option<(String, String, String)>,
}

/// A path, and whether a pattern loses its wildcard in front.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum FactPath {
    Plain(String),
    Cut { path: String, cut: bool },
}

/// The keys of a selection: fixed, or decided by a method (its name).
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Selection {
    Keys(Vec<SelectionKey>),
    Method(IgnoredAny),
}

/// A key alone, or with its label. The empty key stands for no value.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum SelectionKey {
    Alone(Option<String>),
    Labelled(Option<String>, IgnoredAny),
}

impl Default for Selection {
    fn default() -> Self {
        Self::Method(IgnoredAny)
    }
}

impl Selection {
    pub(super) fn keys(&self) -> Option<Vec<String>> {
        match self {
            Self::Keys(keys) => {
                let key = |key: &SelectionKey| match key {
                    SelectionKey::Alone(key) | SelectionKey::Labelled(key, _) => key.clone(),
                };
                Some(keys.iter().filter_map(key).collect())
            }
            Self::Method(_) => None,
        }
    }
}

/// Reads one embedded catalogue.
pub(super) fn parse(text: &str) -> Result<Facts<'_>, CatalogError> {
    serde_json::from_str(text).map_err(|error| CatalogError::Embedded(error.to_string()))
}
