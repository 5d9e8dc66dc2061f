//! Value sets that a search asks for with `:in` or `:not-in` and whose codes the records say: they are read first, as far
//! as the caller may see them.

use serde_json::Value;

use super::{Place, search};
use crate::{
    error::{self, Error, Result},
    interaction::{Format, Request, gateway::Fhir},
    plan::ValueSets,
    search::value::TokenValue,
};

/// The codes of those that these parameters name.
///
/// # Errors
/// The value set is closed to the caller, or a part of it.
pub(in crate::interaction) async fn value_sets(
    fhir: &Fhir,
    request: &Request,
    pairs: &[(String, String)],
) -> Result<ValueSets> {
    let mut sets = ValueSets::new();
    let asks = |key: &str| key.ends_with(":in") || key.ends_with(":not-in") || key == "_filter";
    for (key, value) in pairs.iter().filter(|(key, _)| asks(key)) {
        for url in fhir.compiled.listing.iter().filter(|url| value.contains(url.as_str())) {
            if !sets.contains_key(url) {
                let included = included(fhir, request, url).await.map_err(|error| error.at(key))?;
                sets.insert(url.clone(), codes(&included));
            }
        }
    }
    Ok(sets)
}

/// What a value set that is served includes: `ValueSet.compose.include`, by its canonical URL.
///
/// # Errors
/// It is closed to the caller, or a part of it: with the rest alone the answer would be wrong, and look right.
pub(in crate::interaction) async fn included(
    fhir: &Fhir,
    request: &Request,
    url: &str,
) -> Result<Vec<Value>> {
    let pairs = [("url".to_owned(), url.to_owned())];
    // A search for a search: its own parameters name no value set in that way.
    let request = Request { format: Format::Json, ..request.clone() };
    let found = Box::pin(search(fhir, &request, Place::of("ValueSet"), &pairs)).await?.resource()?;
    let set = &found["entry"][0]["resource"];
    if set.is_null() {
        return Err(Error::new(&error::SYSTEM_UNKNOWN));
    }
    if set["meta"]["security"].is_array() {
        return Err(Error::new(&error::FIELD_FORBIDDEN).detail("Codes of the value set are closed to you."));
    }
    Ok(set["compose"]["include"].as_array().cloned().unwrap_or_default())
}

fn codes(included: &[Value]) -> Vec<TokenValue> {
    let mut codes = Vec::new();
    for include in included {
        let Some(system) = include["system"].as_str() else { continue };
        match include["concept"].as_array() {
            None => codes.push(TokenValue::System(system.to_owned())),
            Some(listed) => {
                let listed = listed.iter().filter_map(|concept| concept["code"].as_str());
                codes.extend(listed.map(|code| TokenValue::Coded(system.to_owned(), code.to_owned())));
            }
        }
    }
    codes
}
