//! Value sets that a search asks for with `:in` or `:not-in` and whose codes the records say: they are read first, as far
//! as the caller may see them.

use serde_json::Value;

use super::{Place, search};
use crate::{
    error::{self, Error, Result},
    interaction::{Request, gateway::Fhir},
    plan::ValueSets,
    search::value::TokenValue,
};

/// The codes of those that these parameters name.
///
/// # Errors
/// The value set is closed to the caller.
pub(in crate::interaction) async fn value_sets(
    fhir: &Fhir,
    request: &Request,
    pairs: &[(String, String)],
) -> Result<ValueSets> {
    let mut sets = ValueSets::new();
    let asks = |key: &str| key.ends_with(":in") || key.ends_with(":not-in") || key == "_filter";
    for (_, value) in pairs.iter().filter(|(key, _)| asks(key)) {
        for url in fhir.compiled.listing.iter().filter(|url| value.contains(url.as_str())) {
            if !sets.contains_key(url) {
                sets.insert(url.clone(), codes(fhir, request, url).await?);
            }
        }
    }
    Ok(sets)
}

async fn codes(fhir: &Fhir, request: &Request, url: &str) -> Result<Vec<TokenValue>> {
    let pairs = [("url".to_owned(), url.to_owned())];
    // A search for a search: its own parameters name no value set in that way.
    let found = Box::pin(search(fhir, request, Place::of("ValueSet"), &pairs)).await?.resource()?;
    let set = &found["entry"][0]["resource"];
    if set.is_null() {
        return Err(Error::new(&error::SYSTEM_UNKNOWN));
    }
    let array = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut codes = Vec::new();
    for include in array(&set["compose"]["include"]) {
        let Some(system) = include["system"].as_str() else { continue };
        let listed = array(&include["concept"]);
        if listed.is_empty() {
            codes.push(TokenValue::System(system.to_owned()));
        }
        let listed = listed.iter().filter_map(|concept| concept["code"].as_str());
        codes.extend(listed.map(|code| TokenValue::Coded(system.to_owned(), code.to_owned())));
    }
    Ok(codes)
}
