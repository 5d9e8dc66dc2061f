//! The catalogue: models, fields and tables of the live database, completed by what Tryton does not store there.

use std::collections::{BTreeMap, BTreeSet};

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
        target: String,
    },
    One2Many {
        /// Model of the rows.
        target: String,
        /// Field of `target` that points back; `None` when it is not known.
        inverse: Option<String>,
        /// The inverse is a reference field (`model,id` text).
        by_reference: bool,
    },
    Many2Many {
        /// Model of the link rows.
        relation: String,
        /// Field of `relation` that points to this model.
        origin: Option<String>,
        /// Field of `relation` that points to the target.
        link: Option<String>,
        /// Target model.
        target: Option<String>,
    },
    /// A type that this program does not know.
    Other(String),
}

/// A field of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Name in Tryton; also the name of the column when it is stored.
    pub name: String,
    /// What it is.
    pub kind: FieldKind,
    /// There is a column of this name that Tryton reads and writes (not a computed field, not a leftover).
    pub stored: bool,
    /// Its text is translated through `ir_translation`.
    pub translated: bool,
    /// Keys of a selection, when they are fixed.
    pub selection: Option<Vec<String>>,
}

/// A model with a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// Name in Tryton.
    pub name: String,
    /// Table.
    pub table: String,
    /// Fields by name.
    pub fields: BTreeMap<String, Field>,
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
    pub models: BTreeMap<String, Model>,
}
