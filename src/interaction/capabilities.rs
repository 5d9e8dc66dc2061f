//! Capabilities: <https://hl7.org/fhir/R4/http.html#capabilities>. Built from the compiled mappings, so it cannot
//! promise what is not there.

mod kept;
mod part;

use std::collections::BTreeMap;

use futures_util::stream;
use jiff::Timestamp;
use serde_json::{Value, json};

pub(super) use kept::Documents;
use kept::{Which, version};

use super::{Answer, Content, gateway::Fhir, ipa, openapi, operation::Operation};
use crate::{
    error::Result,
    mapping::{Compiled, compiled::ResourceType},
    search::{Subset, compartment, registry},
};

const COMPARTMENT: &str = "http://hl7.org/fhir/CompartmentDefinition/";
const DOCUMENTATION: &str = "Every type is also searched by chains (subject:Patient.name) and reverse chains (_has), through the parameters of type reference. A query at the base searches all types, or those of _type. _include and _revinclude take *, [type]:*, [type]:[parameter] and [type]:[parameter]:[target type], with :iterate as well.";
/// The type of what is in the audit trail.
const TRAIL: &str = "AuditEvent";
const DEFINITION: &str = "http://hl7.org/fhir/SearchParameter/";

/// The CapabilityStatement of this server, or the part of it that these parameters ask for.
///
/// # Errors
/// Parameters that do not belong to it.
pub(super) fn capabilities(
    fhir: &Fhir,
    base: &str,
    started: Timestamp,
    pairs: &[(String, String)],
) -> Result<Answer> {
    let wanted = part::wanted(pairs)?;
    let whole = || serde_json::to_vec(&statement(fhir, base, started)).unwrap_or_default();
    let kept = fhir.documents.get(Which::Statement, base, whole);
    if wanted == Subset::All {
        let version = Some(kept.version.clone());
        return Ok(Answer { body: kept.body.to_vec(), version, ..Answer::default() });
    }
    let whole = serde_json::from_slice(&kept.body).unwrap_or_default();
    let body = serde_json::to_vec(&part::part(whole, &wanted)).unwrap_or_default();
    let version = Some(version(&body));
    Ok(Answer { body, version, ..Answer::default() })
}

/// The same for tools that know OpenAPI; always JSON.
pub(super) fn openapi(fhir: &Fhir, base: &str, started: Timestamp) -> Answer {
    let kept = fhir.documents.get(Which::OpenApi, base, || {
        let document = openapi::document(fhir, &statement(fhir, base, started), base);
        serde_json::to_vec(&document).unwrap_or_default()
    });
    let body = kept.body.clone();
    let length = Some(body.len() as u64);
    let pieces = Box::pin(stream::once(std::future::ready(Ok(body))));
    let content = Some(Content { media: Some("application/json"), length, pieces });
    Answer { content, version: Some(kept.version.clone()), ..Answer::default() }
}

fn statement(fhir: &Fhir, base: &str, started: Timestamp) -> Value {
    let referring = referring(&fhir.compiled);
    let kinds = fhir.compiled.types.values();
    let mut resources: Vec<Value> = kinds.map(|kind| resource(fhir, kind, &referring)).collect();
    if fhir.options.trail.is_some() && !fhir.compiled.types.contains_key(TRAIL) {
        resources.push(json!({ "type": TRAIL, "operation": operations(fhir, Operation::trail()) }));
    }
    let compartments = compartment::ALL.iter().filter(|name| fhir.compiled.types.contains_key(**name));
    let compartments: Vec<String> =
        compartments.map(|name| format!("{COMPARTMENT}{}{}", name[..1].to_lowercase(), &name[1..])).collect();
    let mut service = json!({
        "text": "Sign in with an application key of GNU Health (Bearer). The access rights of its user apply."
    });
    if fhir.options.passwords {
        service = json!({
            "coding": [{
                "system": "http://terminology.hl7.org/CodeSystem/restful-security-service",
                "code": "Basic"
            }],
            "text": "Sign in with a GNU Health login (HTTP Basic) or an application key (Bearer). The access rights of that user apply."
        });
    }
    let mut statement = json!({
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": started.to_string(),
        "kind": "instance",
        "software": { "name": "gnuhealth-fhir", "version": env!("CARGO_PKG_VERSION") },
        "implementation": { "description": "GNU Health", "url": base },
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "json", "application/fhir+xml", "xml", "application/fhir+ndjson"],
        "rest": [{
            "mode": "server",
            "security": {
                "cors": fhir.options.cors,
                "service": [service],
            },
            "documentation": DOCUMENTATION,
            "resource": resources,
            "interaction": [{ "code": "batch" }, { "code": "search-system" }, { "code": "history-system" }],
            "searchParam": common(),
            "compartment": compartments,
        }]
    });
    if ipa::is_offered(&fhir.compiled) {
        statement["instantiates"] = json!([ipa::SERVER]);
    }
    statement
}

fn operations(fhir: &Fhir, all: impl Iterator<Item = &'static Operation>) -> Value {
    let offered = all.filter(|one| one.is_offered(fhir));
    offered.map(|one| json!({ "name": one.name, "definition": one.definition })).collect()
}

fn resource(fhir: &Fhir, kind: &ResourceType, referring: &BTreeMap<&str, Vec<String>>) -> Value {
    let compiled = &fhir.compiled;
    if kind.is_content() {
        return json!({
            "type": kind.name,
            "interaction": [{ "code": "read" }, { "code": "vread" }],
            "versioning": "versioned",
            "readHistory": false,
            "conditionalRead": "full-support",
        });
    }
    let mut parameters = common();
    if !kind.profiles.is_empty() {
        let definition = format!("{DEFINITION}Resource-profile");
        parameters.push(json!({ "name": "_profile", "type": "uri", "definition": definition }));
    }
    parameters
        .push(json!({ "name": "_filter", "type": "special", "definition": format!("{DEFINITION}filter") }));
    for parameter in kind.parameters.values() {
        let mut value = json!({ "name": parameter.name, "type": code(parameter.kind) });
        if let Some(url) = &parameter.url {
            value["definition"] = json!(url);
        }
        parameters.push(value);
    }
    let mut resource = json!({
        "type": kind.name,
        "interaction": [
            { "code": "read" }, { "code": "vread" },
            { "code": "history-instance" }, { "code": "history-type" },
            { "code": "search-type" },
        ],
        "versioning": "versioned",
        "readHistory": false,
        "updateCreate": false,
        "conditionalCreate": false,
        "conditionalRead": "full-support",
        "conditionalUpdate": false,
        "conditionalDelete": "not-supported",
        "searchInclude": includes(compiled, kind),
        "searchRevInclude": referring.get(kind.name.as_str()).map_or(&[][..], Vec::as_slice),
        "searchParam": parameters,
    });
    resource["operation"] = operations(fhir, Operation::of_type(&kind.name));
    // Empty arrays are not JSON of FHIR.
    if let Some(members) = resource.as_object_mut() {
        members.retain(|_, value| value.as_array().is_none_or(|all| !all.is_empty()));
    }
    if !kind.profiles.is_empty() {
        resource["supportedProfile"] = json!(kind.profiles);
    }
    resource
}

/// Parameters of every type, alone and together.
fn common() -> Vec<Value> {
    vec![
        json!({ "name": "_id", "type": "token", "definition": format!("{DEFINITION}Resource-id") }),
        json!({ "name": "_lastUpdated", "type": "date", "definition": format!("{DEFINITION}Resource-lastUpdated") }),
    ]
}

/// `*`, and each parameter that refers to something served.
fn includes(compiled: &Compiled, kind: &ResourceType) -> Vec<String> {
    let parameters =
        kind.parameters.values().filter(|parameter| !compiled.targets(kind, parameter).is_empty());
    let mut all: Vec<String> =
        parameters.map(|parameter| format!("{}:{}", kind.name, parameter.name)).collect();
    if !all.is_empty() {
        all.insert(0, "*".to_owned());
    }
    all
}

/// The parameters of any type that refer to a type, by that type.
fn referring(compiled: &Compiled) -> BTreeMap<&str, Vec<String>> {
    let mut referring: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for from in compiled.types.values() {
        for parameter in from.parameters.values() {
            for target in compiled.targets(from, parameter) {
                referring.entry(target).or_default().push(format!("{}:{}", from.name, parameter.name));
            }
        }
    }
    referring
}

fn code(kind: registry::Kind) -> &'static str {
    kind.code()
}
