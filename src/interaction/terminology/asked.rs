//! What operations on codes have in common of their parameters.

use crate::{
    error::Result,
    fhir::parameters::{coding, codings},
    interaction::{
        gateway::{Caller, Fhir},
        operation::Call,
    },
};

/// Codings that an operation was asked about: `system` may be missing where the context has one.
pub(super) type Codings = Vec<(Option<String>, String)>;

/// The codings of `coding`, `codeableConcept`, or `code` with `system`.
///
/// # Errors
/// None of them, or more than one.
pub(super) fn given(call: &Call, system: &str) -> Result<Codings> {
    let system = call.one(system)?.map(str::to_owned);
    let code = call.one("code")?.map(|code| vec![(system.clone(), code.to_owned())]);
    let one = call.one("coding")?.map(|text| vec![coding(text)]);
    let many = call.one("codeableConcept")?.map(codings);
    let mut all = [code, one, many].into_iter().flatten();
    match (all.next(), all.next()) {
        (Some(codings), None) => Ok(codings),
        (None, _) => Err(call.wrong("code", &format!("${} needs a code or a coding.", call.operation.name))),
        _ => Err(call.wrong("coding", &format!("${} takes one code or coding.", call.operation.name))),
    }
}

/// Languages of Tryton for the displays of the answer.
pub(super) fn languages(fhir: &Fhir, caller: &Caller, call: &Call) -> Result<Vec<String>> {
    match call.one("displayLanguage")? {
        None => Ok(caller.languages.clone()),
        Some(tag) => fhir
            .languages(tag)?
            .ok_or_else(|| call.wrong("displayLanguage", "GNU Health has no such language here.")),
    }
}
