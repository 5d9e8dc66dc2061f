//! `CodeSystem/$validate-code` (<https://hl7.org/fhir/R4/codesystem-operation-validate-code.html>) and
//! `ValueSet/$validate-code` (<https://hl7.org/fhir/R4/valueset-operation-validate-code.html>).

use serde_json::Value;

use super::{asked, expand::ValueSet, lookup::answer, served::Served, system::System};
use crate::{
    error::Result,
    interaction::{
        Answer, Request,
        gateway::{Caller, Fhir},
        operation::Call,
    },
};

/// Whether a code system has a code.
pub(in crate::interaction) async fn in_code_system(
    fhir: &Fhir,
    caller: &Caller,
    call: &Call,
) -> Result<Answer> {
    let codings = asked::given(call, "system")?;
    let languages = asked::languages(fhir, caller, call)?;
    let stated = codings.iter().find_map(|(system, _)| system.as_deref());
    let system = match (&call.id, call.one("url")?.or(stated)) {
        (Some(id), None) => System::served(fhir, caller, Served::of_id(fhir.kind("CodeSystem")?, id)?)?,
        (None, Some(url)) => System::of_url(fhir, caller, url)?,
        (Some(_), Some(_)) => return Err(call.wrong("url", "The CodeSystem of the address is the system.")),
        (None, None) => return Err(call.wrong("url", "$validate-code needs the URL of a code system.")),
    };
    let own =
        |coding: &&(Option<String>, String)| coding.0.as_ref().is_none_or(|stated| *stated == system.url);
    let codes: Vec<String> = codings.iter().filter(own).map(|(_, code)| code.clone()).collect();
    let found = system.named(fhir, caller, &languages, &codes).await?.into_iter().next();
    let found = found.map(|concept| concept.display.unwrap_or_default());
    judged(call, found, "The code system has no such code.")
}

/// Whether a value set has a code.
pub(in crate::interaction) async fn in_value_set(
    fhir: &Fhir,
    request: &Request,
    caller: &Caller,
    call: &Call,
) -> Result<Answer> {
    let codings = asked::given(call, "system")?;
    let languages = asked::languages(fhir, caller, call)?;
    let set = ValueSet::of(fhir, request, caller, call).await?;
    let mut found = None;
    for (system, code) in &codings {
        if let Some(concept) = set.find(fhir, caller, &languages, system.as_deref(), code).await? {
            found = Some(concept.display.unwrap_or_default());
            break;
        }
    }
    judged(call, found, "The value set has no such code.")
}

/// The answer, when this is the display of the code that was found.
fn judged(call: &Call, found: Option<String>, missing: &str) -> Result<Answer> {
    let wrong = match (&found, call.one("display")?) {
        (None, _) => Some(missing),
        (Some(known), Some(said)) if !known.is_empty() && !same(known, said) => {
            Some("The code is known, but not by this display.")
        }
        _ => None,
    };
    let mut parameters = vec![("result", "valueBoolean", Value::from(wrong.is_none()))];
    if let Some(message) = wrong {
        parameters.push(("message", "valueString", message.into()));
    }
    if let Some(display) = found.filter(|display| !display.is_empty()) {
        parameters.push(("display", "valueString", display.into()));
    }
    Ok(answer(parameters))
}

/// Case and blanks do not matter.
fn same(left: &str, right: &str) -> bool {
    let words = |text: &str| text.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ");
    words(left) == words(right)
}
