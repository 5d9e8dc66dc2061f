//! What a search may ask: names, modifiers, forms of values. A fault names the parameter and what is offered.

use super::{super::page::Situation, chain, compare, has};
use crate::{
    error::{self, Error, Result},
    mapping::compiled::{Parameter, ResourceType},
    search::{
        Filter, registry,
        value::{
            self, DateValue, HierarchyValue, NumberValue, QuantityValue, ReferenceValue, TokenValue,
            TypedValue, parts, unescape,
        },
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
    let profile = has_profiles(kind).then_some("_profile");
    let own = kind.parameters.keys().map(String::as_str);
    let offered: Vec<&str> = COMMON.into_iter().chain(profile).chain(["_filter"]).chain(own).collect();
    Error::new(&error::PARAMETER_UNKNOWN)
        .detail(format!("{} can be searched by: {}, _has.", kind.name, offered.join(", ")))
        .at_key(key)
}

/// A parameter that several types have, with values of the same form; its type.
///
/// # Errors
/// Not all of them have it; which ones they do.
pub fn shared(kinds: &[&ResourceType], name: &str, key: &str) -> Result<Option<registry::Kind>> {
    if COMMON.contains(&name) || ["_has", "_filter", "_profile"].contains(&name) {
        return Ok(None);
    }
    if let Some(form) = type_of_all(kinds, name) {
        return Ok(Some(form));
    }
    let names = kinds.first().into_iter().flat_map(|kind| kind.parameters.keys().map(String::as_str));
    let offered: Vec<&str> =
        COMMON.into_iter().chain(names.filter(|name| type_of_all(kinds, name).is_some())).collect();
    Err(Error::new(&error::PARAMETER_UNKNOWN)
        .detail(format!("All types of this search can be searched by: {}, _has.", offered.join(", ")))
        .at_key(key))
}

/// The type of a parameter that all have, if it is the same of all.
pub fn type_of_all(kinds: &[&ResourceType], name: &str) -> Option<registry::Kind> {
    let mut all = kinds.iter().map(|kind| kind.parameters.get(name).map(|parameter| parameter.kind));
    let first = all.next()??;
    all.all(|other| other == Some(first)).then_some(first)
}

/// Resources of the type say which profiles they follow, so they are found by them.
pub fn has_profiles(kind: &ResourceType) -> bool {
    !kind.profiles.is_empty()
}

/// Modifiers that a parameter has.
pub fn modifiers(parameter: &Parameter) -> Vec<&'static str> {
    use registry::Kind;
    let has = |types: &[&str]| types.iter().any(|name| parameter.types.contains(*name));
    let mut all = match parameter.kind {
        Kind::String => vec!["exact", "contains"],
        Kind::Token if parameter.holds => vec!["not"],
        Kind::Token => vec!["not", "text"],
        Kind::Reference => vec!["identifier"],
        Kind::Uri => vec!["above", "below"],
        _ => Vec::new(),
    };
    if parameter.kind == Kind::Token && has(&["Identifier"]) {
        all.push("of-type");
    }
    if parameter.kind == Kind::Token && has(&["CodeableConcept", "Coding", "code"]) {
        all.extend(["in", "not-in"]);
    }
    if parameter.kind == Kind::Token && has(&["CodeableConcept", "Coding"]) {
        all.extend(["above", "below"]);
    }
    all.push("missing");
    all
}

/// The codes of a value set that is served here or that the specification of FHIR has.
///
/// # Errors
/// It is neither.
pub fn value_set(situation: Situation<'_>, text: &str) -> Result<Vec<TokenValue>> {
    let url = unescape(text)?;
    let plain = url.split_once('|').map_or(url.as_str(), |(plain, _)| plain);
    if let Some(systems) = situation.compiled.value_sets.get(plain) {
        return Ok(systems.iter().cloned().map(TokenValue::System).collect());
    }
    if let Some(codes) = situation.value_sets.get(plain) {
        return Ok(codes.clone());
    }
    value::value_set(&url).ok_or_else(|| {
        Error::new(&error::PARAMETER_VALUE)
            .detail("Expected the URL of a value set that is served here or that FHIR R4 has.")
    })
}

/// Checks a filter without planning it.
///
/// # Errors
/// Unknown parameter or modifier, a value of the wrong form.
pub fn check(situation: Situation<'_>, kind: &ResourceType, filter: &Filter) -> Result<()> {
    if filter.parts().next().is_some() {
        return filter.parts().try_for_each(|filter| check(situation, kind, filter));
    }
    let fault =
        |error: Error| if error.expression().is_some() { error } else { error.at(filter.key.clone()) };
    if filter.operator.is_some() {
        let plain = compare::plain(kind, filter)?;
        let type_of = kind.parameters.get(&filter.name).map(|parameter| parameter.kind);
        if let (Some(type_of), None) = (type_of, &plain.chain) {
            let value = plain.values.first().map(String::as_str).unwrap_or_default();
            return written(situation, kind, type_of, &plain, value).map_err(fault);
        }
        return check(situation, kind, &plain);
    }
    if COMMON.contains(&filter.name.as_str()) || filter.name == "_profile" && has_profiles(kind) {
        let offered: &[&str] = if filter.name == "_id" { &["not"] } else { &[] };
        let known = filter.modifier.as_deref().is_none_or(|modifier| offered.contains(&modifier));
        if !known || filter.chain.is_some() {
            return Err(fault(no_modifier(&filter.name, offered)));
        }
        if filter.name == "_lastUpdated" {
            for value in &filter.values {
                DateValue::parse(value, situation.zone, situation.now).map_err(fault)?;
            }
        }
        if filter.name == "_profile" {
            filter.values.iter().try_for_each(|value| unescape(value).map(drop)).map_err(fault)?;
        }
        return Ok(());
    }
    if let (Some(reverse), Some(rest)) = (&filter.reverse, &filter.chain) {
        let (from, _) = has::referring(situation, kind, &filter.key, reverse)?;
        return check(situation, from, rest);
    }
    let parameter = parameter(kind, filter)?;
    if let Some(rest) = &filter.chain {
        return chain::targets(situation, kind, parameter, filter, rest).map(drop).map_err(fault);
    }
    let modifier = filter.modifier.as_deref();
    let typed = parameter.kind == registry::Kind::Reference
        && modifier.is_some_and(|modifier| situation.compiled.types.contains_key(modifier));
    if let Some(modifier) = modifier.filter(|modifier| !typed && !modifiers(parameter).contains(modifier)) {
        return Err(fault(
            no_modifier(&filter.name, &modifiers(parameter)).at(format!("{}:{modifier}", filter.name)),
        ));
    }
    for value in &filter.values {
        written(situation, kind, parameter.kind, filter, value).map_err(fault)?;
    }
    Ok(())
}

/// A value has the form of its parameter.
fn written(
    situation: Situation<'_>,
    kind: &ResourceType,
    type_of: registry::Kind,
    filter: &Filter,
    value: &str,
) -> Result<()> {
    let modifier = filter.modifier.as_deref();
    if type_of != registry::Kind::Composite || modifier.is_some() {
        return form(situation, type_of, modifier, value);
    }
    let all = &parameter(kind, filter)?.parts;
    for (part, value) in all.iter().zip(parts(value, all.len())?) {
        form(situation, part.kind, None, value)?;
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
        (Kind::Token, Some("of-type")) => TypedValue::parse(value).map(drop),
        (Kind::Token, Some("in" | "not-in")) => value_set(situation, value).map(drop),
        (Kind::Token, Some("above" | "below")) => HierarchyValue::parse(modifier, value).map(drop),
        (Kind::Uri, Some("above" | "below")) => value::folder(value).map(drop),
        (Kind::Token, _) | (Kind::Reference, Some("identifier")) => TokenValue::parse(value).map(drop),
        (Kind::Date, _) => DateValue::parse(value, situation.zone, situation.now).map(drop),
        (Kind::Number, _) => NumberValue::parse(value).map(drop),
        (Kind::Quantity, _) => QuantityValue::parse(value).map(drop),
        (Kind::Reference, _) => ReferenceValue::parse(value).map(drop),
        _ => unescape(value).map(drop),
    }
}
