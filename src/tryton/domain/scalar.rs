//! Clauses on plain columns: how Tryton converts the value, and what NULL means.

use jiff::civil::{Date, DateTime, Time};

use super::{
    Refused,
    clause::{Leaf, Operator},
    node::{Node, Operand, Term},
};
use crate::{
    sql,
    tryton::{
        catalog::{Field, FieldKind, Series, Strip},
        pyson::Value,
    },
};

/// The operator in SQL, for those that compare a column with one value.
pub(super) fn comparison(operator: Operator) -> Result<&'static str, Refused> {
    Ok(match operator {
        Operator::Equal => "=",
        Operator::NotEqual => "<>",
        Operator::Less => "<",
        Operator::Greater => ">",
        Operator::LessEqual => "<=",
        Operator::GreaterEqual => ">=",
        Operator::Like => "LIKE",
        Operator::NotLike => "NOT LIKE",
        Operator::ILike => "ILIKE",
        Operator::NotILike => "NOT ILIKE",
        other => return Err(Refused(format!("the operator {} does not fit the field", other.text()))),
    })
}

pub(super) fn is_like(operator: Operator) -> bool {
    matches!(operator, Operator::Like | Operator::NotLike | Operator::ILike | Operator::NotILike)
}

fn unfit() -> Refused {
    Refused("the value does not fit the field".into())
}

/// The test of a column.
pub(super) fn test(series: Series, field: &Field, term: Term, leaf: &Leaf) -> Result<Node, Refused> {
    let operator = leaf.operator;
    let textual =
        matches!(field.kind, FieldKind::Char | FieldKind::Text | FieldKind::Selection | FieldKind::Reference);
    if is_like(operator) && !textual {
        return Err(Refused("a pattern does not fit the field".into()));
    }
    if matches!(operator, Operator::In | Operator::NotIn) {
        return list(series, field, term, leaf);
    }
    let word = comparison(operator)?;
    let value = match (&leaf.value, operator) {
        (Value::Null, Operator::Equal) => return Ok(null_or(field, term, true)),
        (Value::Null, Operator::NotEqual) => return Ok(null_or(field, term, false)),
        (Value::Null, _) => return Ok(Node::Unknown),
        (value, _) => convert(series, field, value)?,
    };
    let node = Node::Compare(term.clone(), word, Operand::Value(value));
    if field.kind != FieldKind::Boolean {
        return Ok(node);
    }
    Ok(match (&leaf.value, operator) {
        (Value::Bool(false), Operator::Equal) => node.or(Node::Null(term)),
        (Value::Bool(false), Operator::NotEqual) => node.and(Node::NotNull(term)),
        (value, Operator::NotEqual) if value.truth() && series >= Series::V7_0 => node.or(Node::Null(term)),
        _ => node,
    })
}

/// `= null` and `!= null`; for booleans false is the same as NULL.
fn null_or(field: &Field, term: Term, equal: bool) -> Node {
    let no = Operand::Value(sql::Value::Bool(false));
    match (field.kind == FieldKind::Boolean, equal) {
        (false, true) => Node::Null(term),
        (false, false) => Node::NotNull(term),
        (true, true) => Node::Null(term.clone()).or(Node::Compare(term, "=", no)),
        (true, false) => Node::NotNull(term.clone()).and(Node::Compare(term, "<>", no)),
    }
}

fn list(series: Series, field: &Field, term: Term, leaf: &Leaf) -> Result<Node, Refused> {
    let items = leaf.value.items().ok_or_else(unfit)?;
    if matches!(field.kind, FieldKind::Many2One { .. })
        && items.iter().any(|item| matches!(item, Value::Text(_)))
    {
        return Err(unfit());
    }
    let nulls = items.contains(&Value::Null);
    let values: Vec<_> = items
        .iter()
        .filter(|item| **item != Value::Null)
        .map(|item| convert(series, field, item))
        .collect::<Result<_, _>>()?;
    let positive = leaf.operator == Operator::In;
    let node = if values.is_empty() {
        Node::Constant(!positive)
    } else if let Some(array) = array(&values) {
        if positive { Node::AnyOf(term.clone(), array) } else { Node::NoneOf(term.clone(), array) }
    } else {
        let word = if positive { "=" } else { "<>" };
        let each = values.into_iter().map(|value| Node::Compare(term.clone(), word, Operand::Value(value)));
        if positive { Node::Any(each.collect()) } else { Node::All(each.collect()) }
    };
    Ok(match (nulls, positive) {
        (false, _) => node,
        (true, true) => node.or(Node::Null(term)),
        (true, false) => node.and(Node::NotNull(term)),
    })
}

fn array(values: &[sql::Value]) -> Option<sql::Value> {
    let ids = values.iter().map(|value| match value {
        sql::Value::Int4(id) => Some(*id),
        _ => None,
    });
    let texts = values.iter().map(|value| match value {
        sql::Value::Text(text) => Some(text.clone()),
        _ => None,
    });
    ids.collect::<Option<Vec<_>>>()
        .map(sql::Value::Int4s)
        .or_else(|| texts.collect::<Option<Vec<_>>>().map(sql::Value::Texts))
}

/// A value as the field's own type, as Tryton converts it (semantics 7.2). Never null.
pub(super) fn convert(series: Series, field: &Field, value: &Value) -> Result<sql::Value, Refused> {
    let kind = &field.kind;
    match kind {
        FieldKind::Boolean => Ok(sql::Value::Bool(value.truth())),
        FieldKind::Integer | FieldKind::BigInteger | FieldKind::Many2One { .. } => integer(value),
        FieldKind::Float => match value {
            Value::Bool(value) => Ok(sql::Value::Float8(f64::from(u8::from(*value)))),
            #[expect(clippy::cast_precision_loss, reason = "Python's float() rounds in the same way")]
            Value::Int(value) => Ok(sql::Value::Float8(*value as f64)),
            Value::Float(value) if value.is_finite() => Ok(sql::Value::Float8(*value)),
            Value::Text(text) => text
                .trim()
                .parse()
                .ok()
                .filter(|value: &f64| value.is_finite())
                .map(sql::Value::Float8)
                .ok_or_else(unfit),
            _ => Err(unfit()),
        },
        FieldKind::Numeric => numeric(value),
        FieldKind::Char | FieldKind::Text | FieldKind::Selection => text(series, field, value),
        FieldKind::Reference => reference(series, value),
        FieldKind::Date => match value {
            Value::Date(date) => Ok(sql::Value::Date(*date)),
            Value::DateTime(moment) if moment.time() == Time::midnight() => {
                Ok(sql::Value::Date(moment.date()))
            }
            Value::Text(text) if text.len() == 10 => {
                text.parse::<Date>().map(sql::Value::Date).map_err(|_| unfit())
            }
            _ => Err(unfit()),
        },
        FieldKind::DateTime | FieldKind::Timestamp => {
            let moment = match value {
                Value::DateTime(moment) => *moment,
                Value::Text(text) => date_time(text)?,
                _ => return Err(unfit()),
            };
            let whole = *kind == FieldKind::DateTime;
            let digits = if whole { 0 } else { moment.subsec_nanosecond() };
            let moment = moment.with().subsec_nanosecond(digits).build().map_err(|_| unfit())?;
            Ok(sql::Value::Timestamp(moment))
        }
        FieldKind::Time => match value {
            Value::Text(text) if text.len() == 8 => {
                text.parse::<Time>().map(sql::Value::Time).map_err(|_| unfit())
            }
            _ => Err(unfit()),
        },
        FieldKind::TimeDelta => match value {
            Value::TimeDelta(microseconds) => Ok(interval(*microseconds)),
            Value::Int(seconds) => seconds.checked_mul(1_000_000).map(interval).ok_or_else(unfit),
            _ => Err(unfit()),
        },
        _ => Err(Refused("the type of the field cannot be searched".into())),
    }
}

fn interval(microseconds: i128) -> sql::Value {
    sql::Value::Interval(format!("{microseconds} microseconds"))
}

/// `2024-02-29 12:30:15`: the form that every series reads in the same way.
fn date_time(text: &str) -> Result<DateTime, Refused> {
    let plain = text.len() == 19 && text.as_bytes()[10] == b' ';
    text.parse().ok().filter(|_| plain).ok_or_else(unfit)
}

pub(super) fn integer(value: &Value) -> Result<sql::Value, Refused> {
    let whole = match value {
        Value::Int(value) => *value,
        #[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
        Value::Float(value) if value.abs() < 1e15 => value.trunc() as i128,
        Value::Text(text) => text.trim().parse().map_err(|_| unfit())?,
        _ => return Err(unfit()),
    };
    Ok(match (i32::try_from(whole), i64::try_from(whole)) {
        (Ok(small), _) => sql::Value::Int4(small),
        (_, Ok(large)) => sql::Value::Int8(large),
        _ => sql::Value::Numeric(whole.to_string()),
    })
}

fn numeric(value: &Value) -> Result<sql::Value, Refused> {
    let digits = match value {
        Value::Bool(value) => u8::from(*value).to_string(),
        Value::Int(value) => value.to_string(),
        // Exactly what the binary number is: 1.1 is not 1.1.
        Value::Float(value) if value.is_finite() => {
            let text = format!("{value:.1074}");
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        Value::Text(text) => {
            let text = text.trim();
            let plain = text.strip_prefix(['+', '-']).unwrap_or(text);
            let digits = plain.chars().filter(char::is_ascii_digit).count();
            let points = plain.chars().filter(|character| *character == '.').count();
            if digits == 0 || points > 1 || digits + points != plain.chars().count() {
                return Err(unfit());
            }
            text.to_owned()
        }
        _ => return Err(unfit()),
    };
    Ok(sql::Value::Numeric(digits))
}

/// Tryton 7.0 trims the values of most char fields (not of text) and then refuses what is not text.
fn text(series: Series, field: &Field, value: &Value) -> Result<sql::Value, Refused> {
    let whole = series < Series::V7_0 || field.kind != FieldKind::Char || field.strip == Strip::No;
    match value {
        Value::Text(text) if whole => Ok(sql::Value::Text(text.clone())),
        Value::Text(text) => Ok(sql::Value::Text(match field.strip {
            Strip::Leading => text.trim_start().to_owned(),
            Strip::Trailing => text.trim_end().to_owned(),
            Strip::Both | Strip::No => text.trim().to_owned(),
        })),
        Value::Int(number) if whole => Ok(sql::Value::Text(number.to_string())),
        _ => Err(unfit()),
    }
}

fn reference(series: Series, value: &Value) -> Result<sql::Value, Refused> {
    match (value, value.items()) {
        (Value::Text(text), _) => Ok(sql::Value::Text(text.clone())),
        (_, Some([Value::Text(model), Value::Int(id)])) => Ok(sql::Value::Text(format!("{model},{id}"))),
        (Value::Int(number), _) if series >= Series::V7_0 && *number != 0 => {
            Ok(sql::Value::Text(number.to_string()))
        }
        _ => Err(unfit()),
    }
}
