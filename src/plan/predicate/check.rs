//! What a search may ask: names, modifiers, forms of values. A fault names the parameter and what is offered.

use super::{super::page::Situation, has};
use crate::{
    error::{self, Error, Result},
    mapping::compiled::{Parameter, ResourceType},
    search::{
        Filter, registry,
        value::{DateValue, NumberValue, QuantityValue, ReferenceValue, TokenValue, unescape},
    },
};

/// Parameters that every type has.
pub const COMMON: [&str; 2] = ["_id", "_lastUpdated"];

/// A parameter of the type.
pub fn parameter<'a>(kind: &'a ResourceType, filter: &Filter) -> Result<&'a Parameter> {
    kind.parameters.get(&filter.name).ok_or_else(|| unknown(kind, &filter.key))
}

/// The parameter is not offered; the ones that are.
pub fn unknown(kind: &ResourceType, key: &str) -> Error {
    let offered: Vec<&str> = COMMON.into_iter().chain(kind.parameters.keys().map(String::as_str)).collect();
    Error::new(&error::PARAMETER_UNKNOWN)
        .detail(format!("{} can be searched by: {}, _has.", kind.name, offered.join(", ")))
        .at(key.chars().take(80).collect::<String>())
}

/// Modifiers that a parameter type has here.
pub fn modifiers(kind: registry::Kind) -> &'static [&'static str] {
    use registry::Kind;
    match kind {
        Kind::String => &["exact", "contains", "missing"],
        Kind::Token => &["not", "text", "missing"],
        Kind::Reference => &["identifier", "missing"],
        _ => &["missing"],
    }
}

/// Checks a filter without planning it.
///
/// # Errors
/// Unknown parameter or modifier, a value of the wrong form.
pub fn check(situation: Situation<'_>, kind: &ResourceType, filter: &Filter) -> Result<()> {
    if !filter.any.is_empty() {
        return filter.any.iter().try_for_each(|filter| check(situation, kind, filter));
    }
    let fault =
        |error: Error| if error.expression().is_some() { error } else { error.at(filter.key.clone()) };
    if COMMON.contains(&filter.name.as_str()) {
        if filter.modifier.is_some() || filter.chain.is_some() {
            return Err(fault(no_modifier(&filter.name, &[])));
        }
        if filter.name == "_lastUpdated" {
            for value in &filter.values {
                DateValue::parse(value, situation.zone, situation.now).map_err(fault)?;
            }
        }
        return Ok(());
    }
    if let (Some(reverse), Some(rest)) = (&filter.reverse, &filter.chain) {
        let (from, _) = has::referring(situation, kind, &filter.key, reverse)?;
        return check(situation, from, rest);
    }
    let parameter = parameter(kind, filter)?;
    if filter.chain.is_some() {
        return Ok(());
    }
    let modifier = filter.modifier.as_deref();
    let typed = parameter.kind == registry::Kind::Reference
        && modifier.is_some_and(|modifier| situation.compiled.types.contains_key(modifier));
    if let Some(modifier) =
        modifier.filter(|modifier| !typed && !modifiers(parameter.kind).contains(modifier))
    {
        return Err(fault(
            no_modifier(&filter.name, modifiers(parameter.kind)).at(format!("{}:{modifier}", filter.name)),
        ));
    }
    for value in &filter.values {
        form(situation, parameter.kind, modifier, value).map_err(fault)?;
    }
    Ok(())
}

fn no_modifier(name: &str, offered: &[&str]) -> Error {
    let offered: Vec<_> = offered.iter().map(|modifier| format!(":{modifier}")).collect();
    let offered = if offered.is_empty() { "none".to_owned() } else { offered.join(", ") };
    Error::new(&error::PARAMETER_MODIFIER).detail(format!("Modifiers of {name}: {offered}."))
}

fn form(situation: Situation<'_>, kind: registry::Kind, modifier: Option<&str>, value: &str) -> Result<()> {
    use registry::Kind;
    if modifier == Some("missing") {
        return match value {
            "true" | "false" => Ok(()),
            _ => Err(Error::new(&error::PARAMETER_VALUE).detail("Expected true or false.")),
        };
    }
    match (kind, modifier) {
        (Kind::Token, Some("text")) => unescape(value).map(drop),
        (Kind::Token, _) | (Kind::Reference, Some("identifier")) => TokenValue::parse(value).map(drop),
        (Kind::Date, _) => DateValue::parse(value, situation.zone, situation.now).map(drop),
        (Kind::Number, _) => NumberValue::parse(value).map(drop),
        (Kind::Quantity, _) => QuantityValue::parse(value).map(drop),
        (Kind::Reference, _) => ReferenceValue::parse(value).map(drop),
        _ => unescape(value).map(drop),
    }
}
