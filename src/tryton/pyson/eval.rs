//! Evaluation.

use std::collections::BTreeMap;

use jiff::civil::DateTime;

use super::{Operator, Pyson, Value, clock};
use crate::tryton::catalog::Series;

/// What an expression is evaluated against.
#[derive(Clone, Debug)]
pub struct Context {
    /// Values by name.
    pub values: BTreeMap<String, Value>,
    /// Now, in UTC.
    pub now: DateTime,
    /// Series of Tryton whose rules hold.
    pub series: Series,
}

type Arguments = BTreeMap<String, Value>;

impl Pyson {
    /// The value of the expression.
    ///
    /// # Errors
    /// Wherever Python would raise, and where SQL cannot tell the value. The text is for the operator.
    pub fn eval(&self, context: &Context) -> Result<Value, String> {
        match self {
            Self::Literal(value) => Ok(value.clone()),
            Self::List(items) => {
                items.iter().map(|item| item.eval(context)).collect::<Result<_, _>>().map(Value::List)
            }
            Self::Object(entries) => arguments(entries, context).map(Value::Object),
            Self::Call(operator, entries) => call(*operator, &arguments(entries, context)?, context),
        }
    }
}

fn arguments(entries: &[(String, Pyson)], context: &Context) -> Result<Arguments, String> {
    entries.iter().map(|(key, value)| Ok((key.clone(), value.eval(context)?))).collect()
}

fn argument<'a>(arguments: &'a Arguments, key: &str) -> Result<&'a Value, String> {
    arguments.get(key).ok_or_else(|| format!("the key {key} is missing"))
}

fn call(operator: Operator, given: &Arguments, context: &Context) -> Result<Value, String> {
    let get = |key: &str| argument(given, key);
    Ok(match operator {
        Operator::Eval => {
            let Value::Text(name) = get("v")? else { return Err("Eval: v is not a text".into()) };
            lookup(&context.values, name, get("d")?)?
        }
        Operator::Not => Value::Bool(!get("v")?.truth()),
        Operator::Bool => Value::Bool(get("v")?.truth()),
        Operator::And | Operator::Or => match get("s")?.items() {
            None | Some([]) => return Err("And, Or: s is not a list with elements".into()),
            Some(items) if operator == Operator::And => Value::Bool(items.iter().all(Value::truth)),
            Some(items) => Value::Bool(items.iter().any(Value::truth)),
        },
        Operator::Equal => Value::Bool(get("s1")?.equals(get("s2")?)),
        Operator::Greater | Operator::Less => {
            let (one, two) = (get("s1")?, get("s2")?);
            if matches!(one, Value::Null) || matches!(two, Value::Null) {
                return Ok(Value::Bool(false));
            }
            let (one, two) = (comparable(one, context.series)?, comparable(two, context.series)?);
            Value::Bool(match (operator, get("e")?.truth()) {
                (Operator::Greater, true) => one >= two,
                (Operator::Greater, false) => one > two,
                (_, true) => one <= two,
                (_, false) => one < two,
            })
        }
        Operator::If => get(if get("c")?.truth() { "t" } else { "e" })?.clone(),
        Operator::Get => {
            let default = get("d")?;
            match (get("v")?, get("k")?) {
                (_, Value::List(_) | Value::Object(_)) => return Err("Get: k is no key".into()),
                (Value::Object(entries), Value::Text(key)) => entries.get(key).unwrap_or(default).clone(),
                (Value::Record(record), Value::Text(key)) => record.value(key)?.unwrap_or(default).clone(),
                (Value::Object(_), _) => default.clone(),
                _ => return Err("Get: v is not an object".into()),
            }
        }
        Operator::In => {
            let container = get("v")?;
            Value::Bool(container.truth() && contains(container, get("k")?)?)
        }
        Operator::Date => Value::Date(clock::date(given, context.now)?),
        Operator::DateTime => Value::DateTime(clock::date_time(given, context.now)?),
        Operator::TimeDelta => Value::TimeDelta(clock::time_delta(given)?),
        Operator::Len => {
            let length = match get("v")? {
                Value::Text(text) => text.chars().count(),
                Value::List(items) | Value::Tuple(items) => items.len(),
                Value::Object(entries) => entries.len(),
                _ => return Err("Len: v has no length".into()),
            };
            Value::Int(i128::try_from(length).map_err(|error| error.to_string())?)
        }
        Operator::Id => return Err("Id cannot be evaluated".into()),
    })
}

/// `Eval` with dots: the part before the first dot first, then the rest inside it.
fn lookup(values: &BTreeMap<String, Value>, name: &str, default: &Value) -> Result<Value, String> {
    if let Some(value) = values.get(name) {
        return Ok(value.clone());
    }
    let Some((base, rest)) = name.split_once('.') else { return Ok(default.clone()) };
    match values.get(base) {
        Some(Value::Object(inner)) => lookup(inner, rest, default),
        Some(Value::Record(record)) => Ok(record.value(rest)?.unwrap_or(default).clone()),
        Some(value) if value.truth() => Err(format!("{base} is not an object")),
        _ => Ok(default.clone()),
    }
}

fn comparable(value: &Value, series: Series) -> Result<f64, String> {
    let seconds = |moment: DateTime| clock::seconds(moment);
    #[expect(clippy::cast_precision_loss, reason = "Python compares such numbers as float as well")]
    match value {
        Value::Bool(value) => Ok(f64::from(u8::from(*value))),
        Value::Int(value) => Ok(*value as f64),
        Value::Float(value) => Ok(*value),
        Value::Text(text) => text.trim().parse().map_err(|_| "a text is no number".to_owned()),
        Value::Date(date) => Ok(seconds(date.at(0, 0, 0, 0))),
        Value::DateTime(moment) => Ok(seconds(*moment)),
        Value::TimeDelta(microseconds) if series >= Series::V7_0 => Ok(*microseconds as f64 / 1e6),
        _ => Err("a value cannot be compared with a number".into()),
    }
}

fn contains(container: &Value, key: &Value) -> Result<bool, String> {
    match (container, key) {
        (Value::List(items) | Value::Tuple(items), _) => Ok(items.iter().any(|item| item.equals(key))),
        (Value::Text(text), Value::Text(part)) => Ok(text.contains(part.as_str())),
        (Value::Object(_), Value::List(_) | Value::Object(_)) => Err("In: k is no key".into()),
        (Value::Object(entries), Value::Text(key)) => Ok(entries.contains_key(key)),
        (Value::Object(_), _) => Ok(false),
        _ => Err("In: v is no container".into()),
    }
}
