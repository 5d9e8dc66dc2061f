//! PYSON: the expressions inside record rules, in their JSON form.
//!
//! Source: semantics 6 of Tryton (`trytond/pyson.py`). Every operand is evaluated, also that of a branch not taken,
//! and every error is an error of the whole: who asks must then deny.

mod clock;
mod eval;
mod value;

pub use eval::Context;
pub use value::{Record, Value};

use serde_json::Value as Json;

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Pyson {
    /// Text, number, null…
    Literal(Value),
    /// A list.
    List(Vec<Pyson>),
    /// An object that is no operator.
    Object(Vec<(String, Pyson)>),
    /// An operator with its arguments.
    Call(Operator, Vec<(String, Pyson)>),
}

macro_rules! operators {
    ($($name:ident)+) => {
        /// Operators, by their names in JSON.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Operator { $(#[doc = stringify!($name)] $name),+ }

        impl Operator {
            fn of(name: &str) -> Option<Self> {
                match name {
                    $(stringify!($name) => Some(Self::$name),)+
                    "true" => Some(Self::Id),
                    _ => None,
                }
            }
        }
    };
}

operators! { Eval Not Bool And Or Equal Greater Less If Get In Date DateTime TimeDelta Len Id }

/// Stands for a number that JSON has no word for.
const NOT_JSON: &str = "\u{0}float";

impl Pyson {
    /// Reads a statement.
    ///
    /// # Errors
    /// The text is not JSON as Python reads it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let json: Json =
            serde_json::from_str(&with_numbers(text)).map_err(|error| format!("not JSON: {error}"))?;
        Self::of(json)
    }

    fn of(json: Json) -> Result<Self, String> {
        Ok(match json {
            Json::Null => Self::Literal(Value::Null),
            Json::Bool(value) => Self::Literal(Value::Bool(value)),
            Json::String(text) => Self::Literal(Value::Text(text)),
            Json::Number(number) => Self::Literal(Value::number(&number.to_string())?),
            Json::Array(items) => Self::List(items.into_iter().map(Self::of).collect::<Result<_, _>>()?),
            Json::Object(entries) => {
                if let Some(Json::String(text)) = entries.get(NOT_JSON) {
                    let number = text.parse().map_err(|_| format!("not a number: {text}"))?;
                    return Ok(Self::Literal(Value::Float(number)));
                }
                let operator = match entries.get("__class__") {
                    Some(Json::String(name)) => Operator::of(name),
                    Some(Json::Array(_) | Json::Object(_)) => return Err("__class__ is not a text".into()),
                    _ => None,
                };
                let entries = entries
                    .into_iter()
                    .map(|(key, value)| Ok((key, Self::of(value)?)))
                    .collect::<Result<_, String>>()?;
                match operator {
                    Some(operator) => Self::Call(operator, entries),
                    None => Self::Object(entries),
                }
            }
        })
    }

    /// The value depends on when it is evaluated.
    pub fn uses_clock(&self) -> bool {
        match self {
            Self::Literal(_) => false,
            Self::List(items) => items.iter().any(Self::uses_clock),
            Self::Call(Operator::Date | Operator::DateTime, _) => true,
            Self::Call(_, entries) | Self::Object(entries) => {
                entries.iter().any(|(_, value)| value.uses_clock())
            }
        }
    }
}

/// Python's JSON knows `NaN`, `Infinity` and `-Infinity`; here they become an object that [`Pyson::of`] recognises.
fn with_numbers(text: &str) -> String {
    if !text.contains("NaN") && !text.contains("Infinity") {
        return text.to_owned();
    }
    let mut result = String::with_capacity(text.len());
    let (mut rest, mut inside) = (text, false);
    'next: while let Some(character) = rest.chars().next() {
        if !inside {
            for (word, number) in [("-Infinity", "-inf"), ("Infinity", "inf"), ("NaN", "nan")] {
                if let Some(after) = rest.strip_prefix(word) {
                    result.push_str(&format!("{{\"\\u0000float\":\"{number}\"}}"));
                    rest = after;
                    continue 'next;
                }
            }
        }
        let mut length = character.len_utf8();
        match character {
            '"' => inside = !inside,
            '\\' if inside => length += rest[1..].chars().next().map_or(0, char::len_utf8),
            _ => {}
        }
        result.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    result
}

#[cfg(test)]
mod tests;
