//! `CodeSystem/$lookup` (<https://hl7.org/fhir/R4/codesystem-operation-lookup.html>) and `CodeSystem/$subsumes`
//! (<https://hl7.org/fhir/R4/codesystem-operation-subsumes.html>).

use serde_json::{Value, json};

use super::{
    asked,
    hierarchy::{above, is_above},
    served::Served,
    system::System,
};
use crate::{
    error::{self, Error, Result},
    fhir::parameters::{self, coding},
    interaction::{
        Answer,
        gateway::{Caller, Fhir},
        operation::Call,
    },
};

/// Properties that can be asked for.
const PROPERTIES: [&str; 4] = ["system", "name", "display", "parent"];

/// What is known of a code.
pub(in crate::interaction) async fn lookup(fhir: &Fhir, caller: &Caller, call: &Call) -> Result<Answer> {
    let (system, code) = asked::given(call, "system")?.remove(0);
    let system = system.ok_or_else(|| call.wrong("system", "$lookup needs the system of the code."))?;
    if call.all("property").any(|name| !PROPERTIES.contains(&name)) {
        return Err(call.wrong("property", &format!("Properties: {}.", PROPERTIES.join(", "))));
    }
    let wants =
        |name: &str| call.all("property").next().is_none() || call.all("property").any(|own| own == name);
    let languages = asked::languages(fhir, caller, call)?;
    let system = System::of_url(fhir, caller, &system)?;
    // The code and all that could stand above it, in one statement.
    let mut codes = if wants("parent") { above(&system.url, &code) } else { Vec::new() };
    codes.insert(0, code.clone());
    let known = system.named(fhir, caller, &languages, &codes).await?;
    let find = |code: &String| known.iter().find(|concept| concept.code == *code);
    let concept = find(&code).ok_or_else(|| Error::new(&error::CODE_UNKNOWN))?;
    let mut parameters = vec![
        ("name", "valueString", Value::from(system.name.as_str())),
        ("display", "valueString", Value::from(concept.display.as_deref().unwrap_or(&code))),
    ];
    if let Some(parent) = codes[1..].iter().find_map(find) {
        let code = json!({ "name": "code", "valueCode": "parent" });
        let mut part = vec![code, json!({ "name": "value", "valueCode": parent.code })];
        if let Some(display) = &parent.display {
            part.push(json!({ "name": "description", "valueString": display }));
        }
        parameters.push(("property", "part", part.into()));
    }
    Ok(answer(parameters))
}

/// How two codes of a system stand to each other.
pub(in crate::interaction) async fn subsumes(fhir: &Fhir, caller: &Caller, call: &Call) -> Result<Answer> {
    let mut system = call.one("system")?.map(str::to_owned);
    let mut side = |letter: &str| -> Result<String> {
        let (code, whole) = (format!("code{letter}"), format!("coding{letter}"));
        match (call.one(&code)?, call.one(&whole)?) {
            (Some(code), None) => Ok(code.to_owned()),
            (None, Some(text)) => {
                let (own, code) = coding(text);
                if system.is_some() && own.is_some() && own != system {
                    return Err(call.wrong(&whole, "Both codes are of one system."));
                }
                system = own.or(system.take());
                Ok(code)
            }
            _ => Err(call.wrong(&code, &format!("$subsumes needs {code} or {whole}."))),
        }
    };
    let codes = [side("A")?, side("B")?];
    let system = match (&call.id, system) {
        (Some(id), None) => System::served(fhir, caller, Served::of_id(fhir.kind("CodeSystem")?, id)?)?,
        (None, Some(system)) => System::of_url(fhir, caller, &system)?,
        (None, None) => return Err(call.wrong("system", "$subsumes needs the system of the codes.")),
        (Some(_), Some(_)) => {
            return Err(call.wrong("system", "The CodeSystem of the address is the system."));
        }
    };
    let known = system.named(fhir, caller, &[], &codes).await?;
    if !codes.iter().all(|code| known.iter().any(|concept| concept.code == *code)) {
        return Err(Error::new(&error::CODE_UNKNOWN));
    }
    let [left, right] = &codes;
    let outcome = if left == right {
        "equivalent"
    } else if is_above(&system.url, left, right) {
        "subsumes"
    } else if is_above(&system.url, right, left) {
        "subsumed-by"
    } else {
        "not-subsumed"
    };
    Ok(answer(vec![("outcome", "valueCode", outcome.into())]))
}

/// Parameters as an answer. Catalogues of a hospital are its own: they are read with a sign-in, so nobody else keeps them.
pub(super) fn answer(parameters: Vec<(&str, &str, Value)>) -> Answer {
    Answer { body: parameters::write(parameters), personal: true, ..Answer::default() }
}
