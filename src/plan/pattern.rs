//! Searches that differ only in the record they ask for are planned once: `Observation?patient=7` and
//! `Observation?patient=8` are the same statement with another value.

use std::{
    hash::{Hash, Hasher},
    ops::Range,
};

use super::{
    branches::Part,
    gaps::{RECORD, RECORDS},
    page::SearchPlan,
};
use crate::{
    error::Result,
    search::{Filter, registry},
    sql::{Statement, Value},
};

/// Ids that stand for any. What is planned for both alike holds for every record.
const STAND_INS: [i32; 2] = [2_147_483_629, 2_147_483_587];

/// The conditions of a search. Those that differ in the record alone are equal.
#[derive(Clone, Debug)]
pub struct Pattern {
    record: Option<i32>,
    conditions: Vec<Vec<Filter>>,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.conditions == other.conditions
    }
}

impl Eq for Pattern {}

impl Hash for Pattern {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.conditions.hash(state);
    }
}

impl Pattern {
    /// The pattern of a search; none when its meaning changes with the time of day (`ap`).
    pub fn of(parts: &[Part<'_>]) -> Option<Self> {
        let mut all = parts.iter().flat_map(|part| part.filters);
        if !all.all(lasts) {
            return None;
        }
        let of = |part: &Part<'_>| part.filters.iter().find_map(|filter| asked(part, filter));
        let record = parts.iter().find_map(of);
        Some(Self { record, conditions: with(parts, record, STAND_INS[0]) })
    }

    /// The conditions of each part, with a stand-in for the record.
    pub fn conditions(&self) -> &[Vec<Filter>] {
        &self.conditions
    }

    /// The record that the search asks for.
    pub fn record(&self) -> Option<i32> {
        self.record
    }

    /// The plan of all searches of this pattern. None when they cannot be planned, or not alike.
    pub fn plan(
        &self,
        parts: &[Part<'_>],
        plan: &dyn Fn(&[Part<'_>]) -> Result<SearchPlan>,
    ) -> Option<SearchPlan> {
        let planned = |conditions: &[Vec<Filter>]| {
            let parts: Vec<_> = parts
                .iter()
                .zip(conditions)
                .map(|(part, filters)| Part { filters: filters.as_slice(), ..*part })
                .collect();
            plan(&parts).ok()
        };
        let one = planned(&self.conditions)?;
        if self.record.is_none() {
            return Some(one);
        }
        let other = planned(&with(parts, self.record, STAND_INS[1]))?;
        let alike = (one.keys, &one.shapes, &one.closed) == (other.keys, &other.shapes, &other.closed);
        if !alike || one.statements.len() != other.statements.len() {
            return None;
        }
        let pairs = one.statements.into_iter().zip(other.statements);
        let statements: Option<_> = pairs.map(|(one, other)| with_gaps(one, other)).collect();
        Some(SearchPlan { statements: statements?, keys: one.keys, shapes: one.shapes, closed: one.closed })
    }
}

/// It means the same at any time.
fn lasts(filter: &Filter) -> bool {
    let ends = || filter.chain.as_deref().into_iter().chain(filter.parts());
    !filter.values.iter().any(|value| value.starts_with("ap")) && ends().all(lasts)
}

/// The filter asks for resources by their id, here or in what they refer to.
fn is_by_id(part: &Part<'_>, filter: &Filter) -> bool {
    let refers = || {
        let known = part.kind.parameters.get(&filter.name);
        known.is_some_and(|known| known.kind == registry::Kind::Reference)
    };
    filter.chain.is_none() && filter.reverse.is_none() && (filter.name == "_id" || refers())
}

/// The record that a filter asks for, the first of several.
fn asked(part: &Part<'_>, filter: &Filter) -> Option<i32> {
    let own = filter.values.iter().filter(|_| is_by_id(part, filter)).find_map(|value| record_in(value));
    own.map(|(record, _)| record).or_else(|| filter.parts().find_map(|inner| asked(part, inner)))
}

/// The record in an id or a reference, and where its digits stand.
fn record_in(value: &str) -> Option<(i32, Range<usize>)> {
    let mut start = value.rfind('/').map_or(0, |slash| slash + 1);
    for part in value[start..].split('-') {
        let record = part.parse::<i32>().ok().filter(|record| *record >= 0 && record.to_string() == part);
        if let Some(record) = record {
            return Some((record, start..start + part.len()));
        }
        start += part.len() + 1;
    }
    None
}

/// The conditions with another record wherever they ask for this one.
fn with(parts: &[Part<'_>], record: Option<i32>, other: i32) -> Vec<Vec<Filter>> {
    let of_part = |part: &Part<'_>| {
        let of_filter = |filter: &Filter| {
            let mut filter = Filter { sent: None, ..filter.clone() };
            exchange(part, &mut filter, record, &other.to_string());
            filter
        };
        part.filters.iter().map(of_filter).collect()
    };
    parts.iter().map(of_part).collect()
}

fn exchange(part: &Part<'_>, filter: &mut Filter, record: Option<i32>, other: &str) {
    if is_by_id(part, filter) {
        for value in &mut filter.values {
            if let Some((found, digits)) = record_in(value)
                && Some(found) == record
            {
                value.replace_range(digits, other);
            }
        }
    }
    let inner = filter.any.iter_mut().chain(&mut filter.all).chain(filter.not.as_deref_mut());
    for inner in inner {
        exchange(part, inner, record, other);
    }
}

/// Two statements that differ in the stand-ins alone as one with gaps.
fn with_gaps(one: Statement, other: Statement) -> Option<Statement> {
    if one.text != other.text || one.values.len() != other.values.len() {
        return None;
    }
    let gap = |(one, other): (Value, Value)| match (&one, &other) {
        (Value::Int4(a), Value::Int4(b)) if [*a, *b] == STAND_INS => Some(Value::Gap(RECORD)),
        (Value::Int4s(a), Value::Int4s(b)) if [a.as_slice(), b] == [&STAND_INS[..1], &STAND_INS[1..]] => {
            Some(Value::Gaps(RECORDS))
        }
        _ => (one == other).then_some(one),
    };
    let values: Option<Vec<_>> = one.values.into_iter().zip(other.values).map(gap).collect();
    Some(Statement::new(one.text, values?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_in_a_reference_is_found_with_its_digits() {
        for (value, expected) in [
            ("7", Some((7, 0..1))),
            ("Patient/17", Some((17, 8..10))),
            ("http://h.example/fhir/Patient/7", Some((7, 30..31))),
            ("ev-12-bp", Some((12, 3..5))),
            ("Observation/ev-12-bp", Some((12, 15..17))),
            ("Patient/07", None),
            ("+7", None),
            ("99999999999", None),
            ("Patient/", None),
            ("", None),
        ] {
            assert_eq!(record_in(value), expected, "{value}");
        }
    }

    #[test]
    fn statements_become_one_where_they_differ_in_the_record_alone() {
        let statement = |text: &str, values: Vec<Value>| Statement::new(text.to_owned(), values);
        let of = |record: i32| vec![Value::Int4(record), Value::Int4s(vec![record]), Value::Int4(3)];
        let [one, other] = STAND_INS;
        let gaps = with_gaps(statement("x", of(one)), statement("x", of(other))).unwrap();
        assert_eq!(gaps.values, [Value::Gap(0), Value::Gaps(1), Value::Int4(3)]);
        let fill = [Value::Int4(8), Value::Int4s(vec![8])];
        assert_eq!(gaps.filled(&fill), of(8).iter().collect::<Vec<_>>());
        // The text, or another value, depends on the record.
        assert!(with_gaps(statement("x", of(one)), statement("y", of(other))).is_none());
        let text = |record: i32| vec![Value::Text(record.to_string())];
        assert!(with_gaps(statement("x", text(one)), statement("x", text(other))).is_none());
        let more = vec![Value::Int4s(vec![one, 5])];
        assert!(
            with_gaps(statement("x", more), statement("x", vec![Value::Int4s(vec![other, 5])])).is_none()
        );
    }

    #[test]
    fn what_depends_on_the_time_of_day_has_no_pattern() {
        let of = |value: &str| Filter { values: vec![value.to_owned()], ..Filter::default() };
        assert!(lasts(&of("ge2024")));
        assert!(!lasts(&of("ap2024")));
        let nested = Filter { any: vec![of("ge2024"), of("ap2024")], ..Filter::default() };
        assert!(!lasts(&nested));
        assert!(!lasts(&Filter { chain: Some(Box::new(of("ap2024"))), ..Filter::default() }));
    }
}
