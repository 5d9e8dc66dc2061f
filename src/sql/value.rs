//! Bound values.

use jiff::civil::{Date, DateTime, Time};

/// A value bound to a parameter, with the SQL type it is sent as.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `int4`: record ids.
    Int4(i32),
    /// `int8`.
    Int8(i64),
    /// `float8`.
    Float8(f64),
    /// `bool`.
    Bool(bool),
    /// `text`.
    Text(String),
    /// `numeric`, written in decimal digits (all digits kept).
    Numeric(String),
    /// `jsonb`, written as JSON text.
    Json(String),
    /// `date`.
    Date(Date),
    /// `timestamp`: naive UTC as Tryton stores it.
    Timestamp(DateTime),
    /// `time`.
    Time(Time),
    /// `interval`, written as PostgreSQL reads it.
    Interval(String),
    /// `int4[]`.
    Int4s(Vec<i32>),
    /// `text[]`.
    Texts(Vec<String>),
    /// `int4`: a value of this number, put in when the statement runs ([`super::Statement::filled`]).
    Gap(usize),
    /// `int4[]`: the same.
    Gaps(usize),
    /// `text`: the same.
    TextGap(usize),
}

impl Value {
    /// The type of the parameter, and the type it is then cast to when the wire form is text.
    pub(super) fn cast(&self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Int4(_) | Self::Gap(_) => ("int4", None),
            Self::Int8(_) => ("int8", None),
            Self::Float8(_) => ("float8", None),
            Self::Bool(_) => ("bool", None),
            Self::Text(_) | Self::TextGap(_) => ("text", None),
            Self::Numeric(_) => ("text", Some("numeric")),
            Self::Json(_) => ("text", Some("jsonb")),
            Self::Date(_) => ("date", None),
            Self::Timestamp(_) => ("timestamp", None),
            Self::Time(_) => ("time", None),
            Self::Interval(_) => ("text", Some("interval")),
            Self::Int4s(_) | Self::Gaps(_) => ("int4[]", None),
            Self::Texts(_) => ("text[]", None),
        }
    }
}

macro_rules! from {
    ($($type:ty => $variant:ident),+ $(,)?) => {
        $(impl From<$type> for Value {
            fn from(value: $type) -> Self {
                Self::$variant(value.into())
            }
        })+
    };
}

from! {
    i32 => Int4, i64 => Int8, f64 => Float8, bool => Bool, String => Text, &str => Text,
    Date => Date, DateTime => Timestamp, Vec<i32> => Int4s, Vec<String> => Texts,
}
