//! Comparisons of `_filter` in the words of parameters: <https://hl7.org/fhir/R4/search_filter.html#ops>.

use std::borrow::Cow;

use super::check;
use crate::{
    error::{self, Error, Result},
    mapping::compiled::{Parameter, ResourceType},
    search::{Filter, Operator, registry::Kind},
};

/// Modifiers that no parameter has, only comparisons: equal whatever case and accents, some value is another one, ends
/// so, overlaps.
pub const EQUAL: &str = "eq";
pub const UNEQUAL: &str = "ne";
pub const ENDS: &str = "ew";
pub const OVERLAPS: &str = "po";

/// A filter without an operator.
///
/// # Errors
/// The parameter is not offered, or not with this operator.
pub fn plain<'f>(kind: &ResourceType, filter: &'f Filter) -> Result<Cow<'f, Filter>> {
    let Some(operator) = filter.operator else { return Ok(Cow::Borrowed(filter)) };
    let value = filter.values.first().map(String::as_str).unwrap_or_default();
    let with = |modifier: Option<&str>, value: String| {
        Ok(Cow::Owned(Filter {
            key: filter.key.clone(),
            name: filter.name.clone(),
            modifier: modifier.map(str::to_owned),
            values: vec![value],
            ..Filter::default()
        }))
    };
    let (type_of, parameter) = match filter.name.as_str() {
        "_id" => (Kind::Token, None),
        "_lastUpdated" => (Kind::Date, None),
        name => {
            let parameter = kind.parameters.get(name).ok_or_else(|| check::unknown(kind, name))?;
            (parameter.kind, Some(parameter))
        }
    };
    let Some(modifier) = modifier(type_of, parameter, operator) else {
        let offered = |operator: &Operator| modifier(type_of, parameter, *operator).is_some();
        let known: Vec<_> = Operator::all().filter(offered).map(Operator::code).collect();
        return Err(Error::new(&error::PARAMETER_MODIFIER)
            .detail(format!("Operators of {}: {}.", filter.name, known.join(", ")))
            .at(filter.key.clone()));
    };
    match (type_of, operator) {
        (_, Operator::Pr) => match value {
            "true" => with(Some("missing"), "false".to_owned()),
            "false" => with(Some("missing"), "true".to_owned()),
            _ => Err(Error::new(&error::PARAMETER_VALUE)
                .detail("After pr: expected true or false.")
                .at(filter.key.clone())),
        },
        (Kind::Date, Operator::Po) => with(modifier, format!("eq{value}")),
        (Kind::Date | Kind::Number | Kind::Quantity, operator) => {
            with(modifier, operator.code().to_owned() + value)
        }
        _ => with(modifier, value.to_owned()),
    }
}

/// The modifier that an operator is; the outer `None`: the parameter does not have this operator.
#[expect(clippy::option_option, reason = "no modifier / no operator are different answers")]
fn modifier(kind: Kind, parameter: Option<&Parameter>, operator: Operator) -> Option<Option<&'static str>> {
    use Operator as Op;
    let Some(parameter) = parameter else {
        // `_id`, `_lastUpdated`: every resource has one.
        return match (kind, operator) {
            (Kind::Token, Op::Eq) => Some(None),
            (Kind::Token, Op::Ne) => Some(Some("not")),
            (Kind::Date, operator) if ordered(operator) => Some(None),
            _ => None,
        };
    };
    if operator == Op::Pr {
        return Some(Some("missing"));
    }
    if parameter.holds {
        return (operator == Op::Eq).then_some(None);
    }
    let found = match (kind, operator) {
        (Kind::String, Op::Eq) => Some(EQUAL),
        (Kind::String, Op::Co) => Some("contains"),
        (Kind::String, Op::Sw) => None,
        (Kind::String, Op::Ew) => Some(ENDS),
        (Kind::String | Kind::Token | Kind::Reference | Kind::Uri, Op::Ne) => Some(UNEQUAL),
        (Kind::Token | Kind::Reference | Kind::Uri | Kind::Composite, Op::Eq) => None,
        (Kind::Token, Op::In) => Some("in"),
        (Kind::Token, Op::Ni) => Some("not-in"),
        (Kind::Token | Kind::Uri, Op::Ss) => Some("below"),
        (Kind::Token | Kind::Uri, Op::Sb) => Some("above"),
        (Kind::Reference, Op::Re) => None,
        (Kind::Date | Kind::Number | Kind::Quantity, operator) if ordered(operator) => None,
        (Kind::Date, Op::Po) => Some(OVERLAPS),
        _ => return None,
    };
    let own = [EQUAL, UNEQUAL, ENDS, OVERLAPS];
    let offered =
        found.is_none_or(|found| own.contains(&found) || check::modifiers(parameter).contains(&found));
    offered.then_some(found)
}

/// The operator is a prefix of values that have an order.
fn ordered(operator: Operator) -> bool {
    use Operator as Op;
    matches!(operator, Op::Eq | Op::Ne | Op::Gt | Op::Lt | Op::Ge | Op::Le | Op::Ap | Op::Sa | Op::Eb)
}
