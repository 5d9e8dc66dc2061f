//! A part of the CapabilityStatement: `mode`, `_summary` and `_elements`
//! (<https://hl7.org/fhir/R4/http.html#capabilities>, <https://hl7.org/fhir/R4/search.html#summary>).

use serde_json::{Map, Value, json};

use crate::{
    error::{self, Error, Result},
    fhir::structure,
    interaction::read,
    search::Subset,
};

const TYPE: &str = "CapabilityStatement";

/// What of it the client wants.
///
/// # Errors
/// Another parameter, or a value that is not offered.
pub(super) fn wanted(pairs: &[(String, String)]) -> Result<Subset> {
    let (mode, rest): (Vec<_>, Vec<_>) = pairs.iter().cloned().partition(|(key, _)| key == "mode");
    if mode.iter().any(|(_, value)| value != "full") {
        return Err(Error::new(&error::PARAMETER_VALUE)
            .detail("Expected full: there is one statement, the CapabilityStatement of everything.")
            .at("mode"));
    }
    read::subset(TYPE, &rest, "The capabilities take _format, _pretty, _summary, _elements and mode.")
}

/// That part of the statement.
pub(super) fn part(statement: Value, subset: &Subset) -> Value {
    let Value::Object(members) = statement else { return statement };
    let mut kept = Map::new();
    for (name, value) in reduced(TYPE, members, subset, true) {
        let first = name == "resourceType";
        kept.insert(name, value);
        if first && !matches!(subset, Subset::All | Subset::Data) {
            let system = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue";
            let tag = json!({ "system": system, "code": "SUBSETTED", "display": "subsetted" });
            kept.insert("meta".to_owned(), json!({ "tag": [tag] }));
        }
    }
    Value::Object(kept)
}

fn reduced(owner: &str, members: Map<String, Value>, subset: &Subset, top: bool) -> Map<String, Value> {
    let keep = |name: &str| {
        let Some(named) = structure::element(owner, name) else { return name == "resourceType" };
        match subset {
            Subset::All | Subset::Data => true,
            Subset::Summary => named.element.summary || named.element.min > 0,
            Subset::Text => !top || named.element.min > 0,
            Subset::Elements(names) => {
                let always = named.element.min > 0 || named.element.modifier;
                !top || always || names.iter().any(|wanted| wanted == name)
            }
        }
    };
    let below = |name: &str, value: Value| match (structure::element(owner, name), value) {
        (Some(named), Value::Object(members)) => {
            Value::Object(reduced(named.owner(), members, subset, false))
        }
        (_, value) => value,
    };
    let members = members.into_iter().filter(|(name, _)| keep(name));
    members
        .map(|(name, value)| {
            let value = match value {
                Value::Array(items) => items.into_iter().map(|item| below(&name, item)).collect(),
                value => below(&name, value),
            };
            (name, value)
        })
        .collect()
}
