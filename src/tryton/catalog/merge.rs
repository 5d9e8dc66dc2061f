//! The live database and the embedded facts become one catalogue. What the two disagree about is never stored: a
//! column counts only if it exists and Tryton's class reads it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    Catalog, Field, FieldKind, Model, ModelKind, Search, SearchPath, Series, Tree,
    facts::{FactField, FactModel, FactPath, Facts},
};
use crate::tryton::Name;

/// What the database says.
pub(super) struct Live {
    pub series: Series,
    pub role: String,
    pub modules: BTreeSet<String>,
    /// Fields by model and name.
    pub fields: BTreeMap<String, BTreeMap<String, LiveField>>,
    pub tables: BTreeMap<String, Table>,
    pub language: String,
    pub unaccent: bool,
    pub similarity: bool,
    pub server: String,
}

/// A row of `ir_model_field`.
pub(super) struct LiveField {
    pub kind: String,
    pub relation: Option<String>,
    pub access: bool,
}

/// A table with the types of its columns.
pub(super) struct Table {
    pub granted: bool,
    pub columns: BTreeMap<String, Arc<str>>,
    pub large: bool,
    pub plain: bool,
}

/// Columns that no one may read through this program, whatever their access rows say. Record rules may test them, as in
/// Tryton.
const SECRETS: [(&str, &str); 8] = [
    ("res.user", "password"),
    ("res.user", "password_hash"),
    ("res.user", "password_reset"),
    ("res.user", "password_reset_expire"),
    ("res.user.application", "key"),
    ("res.user.device", "cookie"),
    ("res.user.login.attempt", "device_cookie"),
    ("ir.session", "key"),
];

/// Columns that every model has; their many2one to `res.user` is never the way back of a one2many.
const AUDIT: [&str; 2] = ["create_uid", "write_uid"];

pub(super) fn merge(live: Live, facts: Facts<'_>, gnuhealth: &'static str) -> Catalog {
    let nothing = FactModel::default();
    let mut models = BTreeMap::new();
    for (name, fields) in &live.fields {
        let fact = facts.get(name.as_str());
        let query = fact.is_some_and(|fact| fact.kind == "table_query");
        let mut model = Model::new(name);
        model.embedded = fact.is_some();
        let fact = fact.unwrap_or(&nothing);
        if let Some(table) = fact.table {
            model.table = table.into();
        }
        let table = live.tables.get(model.table.as_str()).filter(|_| !query);
        model.kind = match (query, table) {
            (true, _) => ModelKind::Query,
            (false, Some(_)) if fact.singleton => ModelKind::Singleton,
            (false, Some(_)) => ModelKind::Table,
            (false, None) => continue,
        };
        model.granted = table.is_some_and(|table| table.granted);
        model.large = table.is_some_and(|table| table.large);
        model.plain = table.is_none_or(|table| table.plain);
        let order = fact.order.iter();
        model.order = order.map(|(name, way)| ((*name).to_owned(), way.map(str::to_owned))).collect();
        let columns = table.map(|table| &table.columns);
        let merged = |(field, live_field): (&String, &LiveField)| {
            merge_field(&live, name, field, live_field, fact.fields.get(field.as_str()), columns)
        };
        model.fields = fields.iter().map(merged).collect();
        model.rec_name = rec_name(&model, fact);
        models.insert(model.name, model);
    }
    Catalog {
        series: live.series,
        gnuhealth,
        modules: live.modules,
        models,
        tables: live.tables.into_keys().collect(),
        role: live.role,
        language: live.language,
        unaccent: live.unaccent,
        similarity: live.similarity,
        server: live.server,
    }
}

/// The stored field that is the name, when no class computes or searches the name in another way. For a model that is
/// not embedded this cannot be known.
fn rec_name(model: &Model, fact: &FactModel<'_>) -> Option<String> {
    let name = fact.rec_name.filter(|_| fact.plain_name)?;
    model.fields.get(name).is_some_and(|field| field.stored).then(|| name.to_owned())
}

fn merge_field(
    live: &Live,
    model: &str,
    name: &str,
    field: &LiveField,
    fact: Option<&FactField<'_>>,
    columns: Option<&BTreeMap<String, Arc<str>>>,
) -> Field {
    let nothing = FactField::default();
    let fact = fact.unwrap_or(&nothing);
    let kind = kind(live, model, field, fact);
    let column = columns.and_then(|columns| columns.get(name));
    let relational = matches!(kind, FieldKind::One2Many { .. } | FieldKind::Many2Many { .. });
    let computed = fact.function.is_some() || fact.multivalue;
    let secret = SECRETS.contains(&(model, name));
    let tree = match (fact.left, fact.right, fact.path) {
        (_, _, Some(path)) => Some(Tree::Path(path.to_owned())),
        (Some(left), Some(right), None) => {
            Some(Tree::NestedSet { left: left.to_owned(), right: right.to_owned() })
        }
        _ => None,
    };
    Field {
        name: name.into(),
        stored: column.is_some() && !relational && !computed && !secret,
        translated: fact.translate,
        selection: fact.selection.keys(),
        secret: secret && column.is_some() && !computed,
        computed,
        custom_search: fact.searcher.is_some() || fact.domain_method,
        search: search(live, fact).map(Box::new),
        strip: fact.strip,
        access: field.access,
        tree: tree.map(Box::new),
        filter: fact.filter.as_ref().map(ToString::to_string),
        column_type: column.cloned(),
        kind,
    }
}

/// What the code that searches a field does, if it is the code that this database runs.
fn search(live: &Live, fact: &FactField<'_>) -> Option<Search> {
    let search = fact.search.as_ref().filter(|_| !fact.domain_method)?;
    if search.module != "ir" && !live.modules.contains(&search.module) {
        return None;
    }
    Some(match &search.tree {
        Some((name, parent, separator)) => {
            Search::Tree { name: name.clone(), parent: parent.clone(), separator: separator.clone() }
        }
        None => Search::Paths(search.paths.iter().map(search_path).collect()),
    })
}

fn search_path(path: &FactPath) -> SearchPath {
    match path {
        FactPath::Plain(path) => SearchPath { path: path.clone(), cut: false },
        FactPath::Cut { path, cut } => SearchPath { path: path.clone(), cut: *cut },
    }
}

fn kind(live: &Live, model: &str, field: &LiveField, fact: &FactField<'_>) -> FieldKind {
    let target = || field.relation.clone().or_else(|| fact.target.map(str::to_owned)).unwrap_or_default();
    match field.kind.as_str() {
        "boolean" => FieldKind::Boolean,
        "integer" => FieldKind::Integer,
        "biginteger" => FieldKind::BigInteger,
        "float" => FieldKind::Float,
        "numeric" => FieldKind::Numeric,
        "char" => FieldKind::Char,
        "text" => FieldKind::Text,
        "selection" => FieldKind::Selection,
        "multiselection" => FieldKind::MultiSelection,
        "date" => FieldKind::Date,
        "datetime" => FieldKind::DateTime,
        "timestamp" => FieldKind::Timestamp,
        "time" => FieldKind::Time,
        "timedelta" => FieldKind::TimeDelta,
        "binary" => FieldKind::Binary,
        "dict" => FieldKind::Dict,
        "reference" => FieldKind::Reference,
        "many2one" | "one2one" => FieldKind::Many2One { target: target().into() },
        "one2many" => {
            let target = target();
            let inverse = fact.inverse.map(str::to_owned).or_else(|| way_back(live, &target, model));
            let by_reference = inverse
                .as_ref()
                .and_then(|inverse| live.fields.get(&target)?.get(inverse))
                .is_some_and(|inverse| inverse.kind == "reference");
            FieldKind::One2Many { target: target.into(), inverse: inverse.map(Name::from), by_reference }
        }
        "many2many" => {
            let relation = target();
            let origin = fact.origin.map(str::to_owned).or_else(|| way_back(live, &relation, model));
            let link = fact
                .target_field
                .map(str::to_owned)
                .or_else(|| other_way(live, &relation, origin.as_deref()?));
            let target = fact.target.map(str::to_owned).or_else(|| {
                live.fields.get(&relation)?.get(link.as_deref()?).and_then(|link| link.relation.clone())
            });
            let name = |text: Option<String>| text.map(Name::from);
            let (origin, link, target) = (name(origin), name(link), name(target));
            FieldKind::Many2Many { relation: relation.into(), origin, link, target }
        }
        other => FieldKind::Other(other.to_owned()),
    }
}

fn stored_many2ones<'a>(live: &'a Live, model: &str) -> impl Iterator<Item = (&'a String, &'a LiveField)> {
    let columns = live.tables.get(&model.replace('.', "_")).map(|table| &table.columns);
    live.fields.get(model).into_iter().flatten().filter(move |(name, field)| {
        field.kind == "many2one"
            && !AUDIT.contains(&name.as_str())
            && columns.is_some_and(|columns| columns.contains_key(*name))
    })
}

/// The only stored many2one of `from` to `to`.
fn way_back(live: &Live, from: &str, to: &str) -> Option<String> {
    let mut all = stored_many2ones(live, from).filter(|(_, field)| field.relation.as_deref() == Some(to));
    let (name, _) = all.next()?;
    all.next().is_none().then(|| name.clone())
}

/// The only stored many2one of `relation` besides `origin`.
fn other_way(live: &Live, relation: &str, origin: &str) -> Option<String> {
    let mut all = stored_many2ones(live, relation).filter(|(name, _)| *name != origin);
    let (name, _) = all.next()?;
    all.next().is_none().then(|| name.clone())
}
