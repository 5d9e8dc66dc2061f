//! `Patient/[id]/$everything` and `Patient/$everything`: <https://hl7.org/fhir/R4/patient-operation-everything.html>. The
//! compartment of a patient, or of all patients that the caller sees, and on each page what its resources refer to outside
//! of it.
//!
//! It is a search over the types of the compartment, with conditions of their own for each, so nothing is here that a search
//! would not give.

use super::{
    Answer, Request,
    gateway::Fhir,
    operation::Call,
    search::{self, Directive, Understood},
};
use crate::{
    error::Result,
    fhir::bundle,
    mapping::{Compiled, compiled::ResourceType},
    plan::Situation,
    search::{Filter, SearchRequest, value::DateValue},
};

/// When care took place, where a type says so by one of these parameters.
const DATES: [&str; 2] = ["date", "authoredon"];

/// Everything about a patient, or about all, that the caller may read.
pub(super) async fn everything(fhir: &Fhir, request: &Request, call: &Call) -> Result<Answer> {
    let caller = fhir.caller(request).await?;
    let situation = caller.situation(fhir, &request.base);
    let search = understood(situation, call)?;
    let address = match &call.id {
        Some(id) => format!("Patient/{id}/$everything"),
        None => "Patient/$everything".to_owned(),
    };
    search::answer(fhir, request, situation, &address, search).await
}

/// The search that answers the operation.
///
/// # Errors
/// A parameter twice, or a value of no use.
fn understood<'a>(situation: Situation<'a>, call: &Call) -> Result<Understood<'a>> {
    let compiled = situation.compiled;
    let count = match call.one("_count")?.map(str::parse) {
        None => None,
        Some(Ok(count @ 1..)) => Some(count),
        Some(_) => return Err(call.wrong("_count", "Expected a whole number from 1 on.")),
    };
    let mut conditions = Vec::new();
    for (name, prefix) in [("_since", "ge"), ("start", "ge"), ("end", "le")] {
        if let Some(date) = call.one(name)? {
            let value = format!("{prefix}{date}");
            DateValue::parse(&value, situation.zone, situation.now).map_err(|error| error.at(name))?;
            conditions.push((name, value));
        }
    }
    let types = types(compiled, call)?;
    let wanted = |kind: &ResourceType| types.as_ref().is_none_or(|names| names.contains(&kind.name));
    let inside: Vec<&ResourceType> = compartment(compiled).collect();
    let kinds: Vec<&ResourceType> = inside.iter().copied().filter(|kind| wanted(kind)).collect();
    let mut filters = Vec::new();
    for kind in &kinds {
        let mut of_kind = vec![search::compartment(situation, kind, "Patient", call.id.as_deref())?];
        let date = DATES.into_iter().find(|name| kind.parameters.contains_key(*name));
        of_kind.extend(conditions.iter().filter_map(|(key, value)| {
            let name = if *key == "_since" { "_lastUpdated" } else { date? };
            let (key, name) = ((*key).to_owned(), name.to_owned());
            Some(Filter { key, name, values: vec![value.clone()], ..Filter::default() })
        }));
        filters.push(of_kind);
    }
    let outside = compiled.types.values().filter(|kind| {
        !kind.is_content() && wanted(kind) && inside.iter().all(|known| known.name != kind.name)
    });
    let given = call.given.pairs.iter().filter(|(name, _)| name != "_page");
    let wanted = SearchRequest {
        count,
        page: call.one("_page")?.map(str::to_owned),
        applied: given.cloned().collect(),
        ..SearchRequest::default()
    };
    let directives = vec![Directive::everywhere(outside.map(|kind| kind.name.as_str()).collect())];
    Ok(Understood {
        kinds,
        named: false,
        wanted,
        directives,
        filters,
        warnings: Vec::new(),
        bundle: bundle::Kind::Searchset,
        deletions: None,
    })
}

/// The types of `_type`; none when it is not given.
fn types(compiled: &Compiled, call: &Call) -> Result<Option<Vec<String>>> {
    let names: Vec<String> =
        call.all("_type").flat_map(|text| text.split(',')).map(|name| name.trim().to_owned()).collect();
    if let Some(unknown) = names.iter().find(|name| !compiled.types.contains_key(*name)) {
        let shown: String =
            unknown.chars().take(40).filter(|character| character.is_alphanumeric()).collect();
        return Err(call.wrong("_type", &format!("{shown} is not served.")));
    }
    Ok((!names.is_empty()).then_some(names))
}

/// The types that belong to a patient: the patient first, then by their names.
fn compartment(compiled: &Compiled) -> impl Iterator<Item = &ResourceType> {
    let belongs = |kind: &&ResourceType| {
        !kind.is_content() && search::membership(compiled, kind, "Patient", None).is_some()
    };
    let first = compiled.types.get("Patient").into_iter();
    first.chain(compiled.types.values().filter(|kind| kind.name != "Patient").filter(belongs))
}
