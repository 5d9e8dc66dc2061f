//! `ConceptMap/$translate`: <https://hl7.org/fhir/R4/conceptmap-operation-translate.html>. What the code maps make of the
//! keys of GNU Health.

use serde_json::{Value, json};

use super::{asked, lookup::answer, served::Served};
use crate::{
    error::{self, Error, Result},
    interaction::{
        Answer,
        gateway::{Caller, Fhir},
        operation::Call,
    },
};

/// The codes that maps give for a code.
pub(in crate::interaction) fn translate(fhir: &Fhir, caller: &Caller, call: &Call) -> Result<Answer> {
    let codings = asked::given(call, "system")?;
    let target = call.one("targetsystem")?;
    let maps: Vec<Served<'_>> = match (&call.id, call.one("url")?) {
        (Some(id), None) => vec![Served::of_id(fhir.kind("ConceptMap")?, id)?],
        (None, Some(url)) => {
            vec![Served::of_url(fhir, "ConceptMap", url).ok_or_else(|| Error::new(&error::SYSTEM_UNKNOWN))?]
        }
        (None, None) => Served::all(fhir, "ConceptMap").collect(),
        (Some(_), Some(_)) => return Err(call.wrong("url", "The ConceptMap of the address is meant.")),
    };
    if maps.len() != 1 && codings.iter().any(|(system, _)| system.is_none()) {
        return Err(call.wrong("system", "$translate needs the system of the code, or a map."));
    }
    let mut found = Vec::new();
    for map in &maps {
        map.guard(caller)?;
        let groups = map.constant("group");
        for group in groups.as_array().into_iter().flatten() {
            if target.is_some_and(|target| group["target"] != target) {
                continue;
            }
            for (system, code) in &codings {
                if system.as_ref().is_none_or(|system| group["source"] == system.as_str()) {
                    found.extend(matches(group, code, map.text("url").unwrap_or_default()));
                }
            }
        }
    }
    let mut parameters = vec![("result", "valueBoolean", Value::from(!found.is_empty()))];
    if found.is_empty() {
        parameters.push(("message", "valueString", "No map has this code.".into()));
    }
    parameters.extend(found.into_iter().map(|part| ("match", "part", part)));
    Ok(answer(parameters))
}

fn matches(group: &Value, code: &str, url: &str) -> Vec<Value> {
    let elements =
        group["element"].as_array().into_iter().flatten().filter(|element| element["code"] == code);
    let targets = elements.flat_map(|element| element["target"].as_array().into_iter().flatten());
    targets
        .map(|target| {
            let mut concept = json!({});
            for (name, value) in
                [("system", &group["target"]), ("code", &target["code"]), ("display", &target["display"])]
            {
                if !value.is_null() {
                    concept[name] = value.clone();
                }
            }
            json!([
                { "name": "equivalence", "valueCode": target["equivalence"] },
                { "name": "concept", "valueCoding": concept },
                { "name": "source", "valueUri": url },
            ])
        })
        .collect()
}
