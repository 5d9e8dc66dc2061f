//! The catalogue: models, fields and tables of the live database, completed by what Tryton does not store there.
//!
//! The database knows models, fields and types (`ir_model`, `ir_model_field`). What only Tryton's classes know – the
//! field behind a one2many, computed fields, renamed tables – is embedded per series of GNU Health.

mod documented;
mod error;
mod facts;
mod fields;
mod full;
mod load;
mod merge;

pub use error::CatalogError;
pub use fields::Fields;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::Name;

/// Series of Tryton.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Series {
    /// Tryton 6.0, under GNU Health 4.0 to 4.4.
    V6_0,
    /// Tryton 7.0, under GNU Health 5.0.
    V7_0,
}

/// What a field is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the variants are Tryton's own field types")]
pub enum FieldKind {
    Boolean,
    Integer,
    BigInteger,
    Float,
    Numeric,
    Char,
    Text,
    Selection,
    MultiSelection,
    Date,
    DateTime,
    Timestamp,
    Time,
    TimeDelta,
    Binary,
    Dict,
    Reference,
    Many2One {
        /// Target model.
        target: Name,
    },
    One2Many {
        /// Model of the rows.
        target: Name,
        /// Field of `target` that points back; `None` when it is not known.
        inverse: Option<Name>,
        /// The inverse is a reference field (`model,id` text).
        by_reference: bool,
    },
    Many2Many {
        /// Model of the link rows.
        relation: Name,
        /// Field of `relation` that points to this model.
        origin: Option<Name>,
        /// Field of `relation` that points to the target.
        link: Option<Name>,
        /// Target model.
        target: Option<Name>,
    },
    /// A type that this program does not know.
    Other(String),
}

impl FieldKind {
    /// Name of the type in Tryton.
    pub fn name(&self) -> &str {
        match self {
            Self::Boolean => "boolean",
            Self::Integer => "integer",
            Self::BigInteger => "biginteger",
            Self::Float => "float",
            Self::Numeric => "numeric",
            Self::Char => "char",
            Self::Text => "text",
            Self::Selection => "selection",
            Self::MultiSelection => "multiselection",
            Self::Date => "date",
            Self::DateTime => "datetime",
            Self::Timestamp => "timestamp",
            Self::Time => "time",
            Self::TimeDelta => "timedelta",
            Self::Binary => "binary",
            Self::Dict => "dict",
            Self::Reference => "reference",
            Self::Many2One { .. } => "many2one",
            Self::One2Many { .. } => "one2many",
            Self::Many2Many { .. } => "many2many",
            Self::Other(name) => name,
        }
    }
}

/// How the rows of a tree know their descendants without recursion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tree {
    /// Nested set: the columns of the left and the right bound.
    NestedSet {
        /// Column of the left bound.
        left: String,
        /// Column of the right bound.
        right: String,
    },
    /// Materialised path: the column that holds `1/2/3/`.
    Path(String),
}

/// Which blanks Tryton 7.0 takes from a text before it compares it with a char field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Strip {
    /// Those at both ends.
    #[default]
    Both,
    /// Those in front.
    Leading,
    /// Those behind.
    Trailing,
    /// None.
    No,
}

/// What Tryton's code makes of a clause on a field that it searches itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Search {
    /// The same clause on each path: one must hold; for a negative operator all.
    Paths(Vec<SearchPath>),
    /// The names of a record and its ancestors in one text.
    Tree {
        /// Field of the name.
        name: String,
        /// Field of the parent.
        parent: String,
        /// What stands between two names.
        separator: String,
    },
}

/// A path that is searched in place of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchPath {
    /// Path from the model of the field.
    pub path: String,
    /// A pattern with wildcards at both ends loses the one in front.
    pub cut: bool,
}

/// A field of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Name in Tryton; also the name of the column when it is stored.
    pub name: Name,
    /// What it is.
    pub kind: FieldKind,
    /// There is a column of this name that Tryton reads and writes (not a computed field, not a leftover).
    pub stored: bool,
    /// Its text is translated through `ir_translation`.
    pub translated: bool,
    /// Keys of a selection, when they are fixed.
    pub selection: Option<Vec<String>>,
    /// A column that is never read, such as the hash of a password: not stored for anything but the test of a record
    /// rule.
    pub secret: bool,
    /// Computed by a function of Tryton.
    pub computed: bool,
    /// A search on it runs a function of Tryton.
    pub custom_search: bool,
    /// What that function does, when it is known; otherwise SQL cannot repeat it.
    pub search: Option<Box<Search>>,
    /// How values for a char field are trimmed.
    pub strip: Strip,
    /// Access and record rules of the target apply to this model too (`__access__` in Tryton).
    pub access: bool,
    /// A many2one to its own model whose tree is kept in columns.
    pub tree: Option<Box<Tree>>,
    /// Domain (JSON) that a one2many or many2many adds for its targets.
    pub filter: Option<String>,
    /// Type of the column in PostgreSQL, when there is one.
    pub column_type: Option<Arc<str>>,
}

impl Field {
    /// A stored field with nothing special about it.
    pub fn new(name: impl Into<Name>, kind: FieldKind) -> Self {
        Self {
            name: name.into(),
            kind,
            stored: true,
            translated: false,
            selection: None,
            secret: false,
            computed: false,
            custom_search: false,
            search: None,
            strip: Strip::Both,
            access: false,
            tree: None,
            filter: None,
            column_type: None,
        }
    }

    /// The model that the field leads to.
    pub fn target(&self) -> Option<&str> {
        match &self.kind {
            FieldKind::Many2One { target } | FieldKind::One2Many { target, .. } => Some(target),
            FieldKind::Many2Many { target, .. } => target.as_deref(),
            _ => None,
        }
    }
}

/// Where the rows of a model come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ModelKind {
    /// A table.
    #[default]
    Table,
    /// A table that holds one row of settings.
    Singleton,
    /// A query in Tryton's code; there is nothing to read by SQL, and no field of it is stored.
    Query,
}

/// A model with a table, or with rows computed by Tryton ([`ModelKind::Query`]).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Model {
    /// Name in Tryton.
    pub name: Name,
    /// Table.
    pub table: Name,
    /// Fields by name.
    pub fields: Fields,
    /// Where its rows come from.
    pub kind: ModelKind,
    /// The stored field that is the record's name, unless Tryton computes the name in another way.
    pub rec_name: Option<String>,
    /// Fields that define the default order, with `ASC`, `DESC` or nothing.
    pub order: Vec<(String, Option<String>)>,
    /// The role may read the table.
    pub granted: bool,
    /// The table had so many rows when it was last analysed that Tryton 7.0 joins it instead of looking into it, which
    /// decides in another way about NULL (semantics 7.6).
    pub large: bool,
    /// Its rows change only when somebody writes to this database: it is no view and no foreign table, and no policy chooses
    /// among them.
    pub plain: bool,
    /// The embedded catalogue knows it (otherwise: a module of this site).
    pub embedded: bool,
}

impl Model {
    /// A model with a table of the usual name and no fields yet.
    pub fn new(name: impl Into<Name>) -> Self {
        let name = name.into();
        Self { table: name.replace('.', "_").into(), name, granted: true, plain: true, ..Self::default() }
    }

    /// Fields whose target's access and rules apply to this model too.
    pub fn access_fields(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(|field| field.access)
    }
}

/// All models of one database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catalog {
    /// Series of Tryton.
    pub series: Series,
    /// Series of GNU Health: `5.0` or `4.4`.
    pub gnuhealth: &'static str,
    /// Activated modules.
    pub modules: BTreeSet<String>,
    /// Models by name.
    pub models: BTreeMap<Name, Model>,
    /// Every table that the database has.
    pub tables: BTreeSet<String>,
    /// Role of the gateway in PostgreSQL.
    pub role: String,
    /// Language of the texts in the columns themselves.
    pub language: String,
    /// The function `unaccent` exists: Tryton's searches ignore accents.
    pub unaccent: bool,
    /// The function `similarity` exists: Tryton's full text searches use it.
    pub similarity: bool,
    /// Version of PostgreSQL.
    pub server: String,
}

impl Catalog {
    /// The model of this name.
    pub fn model(&self, name: &str) -> Option<&Model> {
        self.models.get(name)
    }

    /// All models.
    pub fn models(&self) -> impl Iterator<Item = &Model> {
        self.models.values()
    }

    /// The field of this name.
    pub fn field(&self, model: &str, field: &str) -> Option<&Field> {
        self.models.get(model)?.fields.get(field)
    }

    /// The table of this name exists in the database.
    pub fn has_table(&self, table: &str) -> bool {
        self.tables.contains(table)
    }
}
