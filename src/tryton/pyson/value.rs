//! Values of expressions, compared as Python compares them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::civil::{Date, DateTime};

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `null`.
    Null,
    /// `true`, `false`.
    Bool(bool),
    /// Whole number.
    Int(i128),
    /// Number with a point.
    Float(f64),
    /// Text.
    Text(String),
    /// List.
    List(Vec<Value>),
    /// A sequence of the context: never equal to a list.
    Tuple(Vec<Value>),
    /// Object.
    Object(BTreeMap<String, Value>),
    /// Date.
    Date(Date),
    /// Naive UTC.
    DateTime(DateTime),
    /// Microseconds.
    TimeDelta(i128),
    /// A record of the context (Tryton 6.0).
    Record(Arc<Record>),
}

/// A record that record rules may look into: `user` and `employee` of Tryton 6.0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record {
    /// Values by name of the field.
    pub values: BTreeMap<String, Value>,
    /// Fields that exist but whose value SQL cannot tell.
    pub unknown: BTreeSet<String>,
}

impl Record {
    pub(super) fn value(&self, name: &str) -> Result<Option<&Value>, String> {
        if self.unknown.contains(name) {
            return Err(format!("the value of {name} is computed by Tryton"));
        }
        Ok(self.values.get(name))
    }
}

impl Value {
    /// A number as JSON writes it: without a point and exponent it is whole.
    pub(super) fn number(text: &str) -> Result<Self, String> {
        if text.contains(['.', 'e', 'E']) {
            text.parse().map(Self::Float).map_err(|_| format!("not a number: {text}"))
        } else {
            text.parse().map(Self::Int).map_err(|_| format!("number too large: {text}"))
        }
    }

    /// Truth as in Python.
    pub fn truth(&self) -> bool {
        match self {
            Self::Null => false,
            Self::Bool(value) => *value,
            Self::Int(value) => *value != 0,
            Self::Float(value) => *value != 0.0,
            Self::Text(text) => !text.is_empty(),
            Self::List(items) | Self::Tuple(items) => !items.is_empty(),
            Self::Object(entries) => !entries.is_empty(),
            Self::TimeDelta(value) => *value != 0,
            Self::Date(_) | Self::DateTime(_) | Self::Record(_) => true,
        }
    }

    fn as_number(&self) -> Option<Self> {
        match self {
            Self::Bool(value) => Some(Self::Int(i128::from(*value))),
            Self::Int(_) | Self::Float(_) => Some(self.clone()),
            _ => None,
        }
    }

    /// Equality as in Python: numbers and booleans mix, nothing else does.
    pub fn equals(&self, other: &Self) -> bool {
        match (self.as_number(), other.as_number()) {
            (Some(Self::Int(one)), Some(Self::Int(two))) => return one == two,
            (Some(Self::Float(one)), Some(Self::Float(two))) => return one == two,
            (Some(Self::Int(whole)), Some(Self::Float(float)))
            | (Some(Self::Float(float)), Some(Self::Int(whole))) => {
                #[expect(
                    clippy::cast_precision_loss,
                    clippy::cast_possible_truncation,
                    reason = "exact: there and back"
                )]
                return whole as f64 == float && float as i128 == whole;
            }
            _ => {}
        }
        match (self, other) {
            (Self::List(one), Self::List(two)) | (Self::Tuple(one), Self::Tuple(two)) => {
                one.len() == two.len() && one.iter().zip(two).all(|(one, two)| one.equals(two))
            }
            (Self::Object(one), Self::Object(two)) => {
                one.len() == two.len()
                    && one.iter().all(|(key, value)| two.get(key).is_some_and(|other| value.equals(other)))
            }
            (one, two) => one == two,
        }
    }

    /// The elements of a list or tuple.
    pub fn items(&self) -> Option<&[Self]> {
        match self {
            Self::List(items) | Self::Tuple(items) => Some(items),
            _ => None,
        }
    }
}
