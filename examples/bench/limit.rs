//! What PostgreSQL is asked when it answers alone: the statements of requests, with constants or with ids by chance.

use std::ops::RangeInclusive;

use gnuhealth_fhir::sql::{Statement, Value};

/// The statements of one request.
#[derive(Clone, Debug)]
pub struct Question {
    /// In their order, with a parameter for each `$1`, `$2`, …
    pub statements: Vec<(String, Vec<Parameter>)>,
}

/// A parameter of a statement.
#[derive(Clone, Debug, PartialEq)]
pub enum Parameter {
    /// Always the same.
    Constant(Value),
    /// The id of a patient.
    Patient,
}

/// What all requests of a work ask.
#[derive(Clone, Debug)]
pub struct Limit {
    /// Each as likely as the others.
    pub questions: Vec<Question>,
    /// Of whom one is chosen for [`Parameter::Patient`].
    pub patients: RangeInclusive<i32>,
}

impl Question {
    /// What was recorded, as it is.
    pub fn constant(statements: &[Statement]) -> Self {
        let constant = |value: &Value| Parameter::Constant(value.clone());
        let statements = statements
            .iter()
            .map(|statement| (statement.text.clone(), statement.values.iter().map(constant).collect()));
        Self { statements: statements.collect() }
    }

    /// What was recorded for two patients, as a question for any; none when more differs than their ids.
    pub fn of_any(first: (i32, &[Statement]), second: (i32, &[Statement])) -> Option<Self> {
        let texts = |statements: &[Statement]| -> Vec<String> {
            statements.iter().map(|statement| statement.text.clone()).collect()
        };
        if texts(first.1) != texts(second.1) {
            return None;
        }
        let mut question = Self::constant(first.1);
        for ((_, parameters), other) in question.statements.iter_mut().zip(second.1) {
            for (parameter, other) in parameters.iter_mut().zip(&other.values) {
                if *parameter == Parameter::Constant(other.clone()) {
                    continue;
                }
                let of_patient = *parameter == Parameter::Constant(Value::Int4(first.0))
                    && *other == Value::Int4(second.0);
                if !of_patient {
                    return None;
                }
                *parameter = Parameter::Patient;
            }
        }
        Some(question)
    }
}

/// A value as PostgreSQL reads it; none for what is put in when a statement runs.
pub fn text(value: &Value) -> Option<String> {
    Some(match value {
        Value::Int4(value) => value.to_string(),
        Value::Int8(value) => value.to_string(),
        Value::Float8(value) => value.to_string(),
        Value::Bool(value) => value.to_string(),
        Value::Text(text) | Value::Numeric(text) | Value::Json(text) | Value::Interval(text) => text.clone(),
        Value::Date(date) => date.to_string(),
        Value::Timestamp(time) => time.to_string(),
        Value::Time(time) => time.to_string(),
        Value::Int4s(all) => format!("{{{}}}", all.iter().map(i32::to_string).collect::<Vec<_>>().join(",")),
        Value::Texts(all) => {
            let quoted =
                all.iter().map(|one| format!("\"{}\"", one.replace('\\', "\\\\").replace('"', "\\\"")));
            format!("{{{}}}", quoted.collect::<Vec<_>>().join(","))
        }
        Value::Gap(_) | Value::Gaps(_) | Value::TextGap(_) => return None,
    })
}

/// A text with something else in the place of each `$1`, `$2`, … outside of quotes.
pub fn filled(text: &str, mut fill: impl FnMut(usize) -> Option<String>) -> Option<String> {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find(['\'', '"', '$']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = match rest.as_bytes()[0] {
            b'$' => {
                let digits = rest[1..].bytes().take_while(u8::is_ascii_digit).count();
                out.push_str(&fill(rest[1..=digits].parse().ok()?)?);
                1 + digits
            }
            quote => {
                let end = 2 + rest[1..].find(char::from(quote))?;
                out.push_str(&rest[..end]);
                end
            }
        };
        rest = &rest[end..];
    }
    out.push_str(rest);
    Some(out)
}

/// A text as a literal.
pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
