//! `[type]/$validate`: <https://hl7.org/fhir/R4/resource-operation-validate.html>. Against the base definitions of R4.
//! The answer is 200 whatever is found: the operation did what it was asked.

use serde_json::Value;

use super::{Answer, Request, gateway::Fhir, operation::Call, read};
use crate::{
    error::{self, Error, Result},
    fhir::{
        outcome,
        validate::{Problem, problems},
    },
};

const DEFINITION: &str = "http://hl7.org/fhir/StructureDefinition/";

/// Validates the resource that was sent, or the one that is served under an id.
pub(super) async fn validate(fhir: &Fhir, request: &Request, call: &Call) -> Result<Answer> {
    let kind = call.kind.as_str();
    if fhir.kind(kind)?.is_content() {
        return Err(Error::new(&error::INTERACTION_UNSUPPORTED)
            .detail(format!("{kind} is not validated."))
            .allow("OPTIONS"));
    }
    if let Some(profile) = call.one("profile")? {
        let known = format!("{DEFINITION}{kind}");
        if profile.split('|').next() != Some(known.as_str()) {
            return Err(call.wrong("profile", &format!("The only profile that is known is {known}.")));
        }
    }
    let mode = call.one("mode")?;
    match mode {
        None | Some("create" | "update") => {}
        Some("profile") if call.one("profile")?.is_some() => {}
        Some("profile") => return Err(call.wrong("mode", "Mode profile needs the parameter profile.")),
        Some("delete") => {
            return Err(call.wrong("mode", "Nothing is deleted here: create, update or profile."));
        }
        Some(_) => return Err(call.wrong("mode", "Expected create, update or profile.")),
    }
    let served;
    let resource = match (call.resource("resource")?, &call.id) {
        (Some(resource), _) => resource,
        (None, Some(id)) => {
            let read = read::read(fhir, request, kind, id, &[]).await?;
            served = read.resource()?;
            &served
        }
        (None, None) => return Err(call.wrong("resource", "$validate needs a resource.")),
    };
    let (mut found, more) = problems(resource);
    let stated = resource["resourceType"].as_str();
    if stated.is_some_and(|stated| stated != kind) {
        let text = format!("Expected a resource of type {kind}.");
        found.insert(0, Problem { code: "structure", expression: "Resource".to_owned(), text });
    }
    if mode == Some("update") && resource["id"].is_null() {
        let text = "An update needs the id of the resource.".to_owned();
        found.insert(0, Problem { code: "required", expression: kind.to_owned(), text });
    }
    Ok(Answer { body: told(&found, more).to_string().into_bytes(), personal: true, ..Answer::default() })
}

fn told(found: &[Problem], more: bool) -> Value {
    let errors = found
        .iter()
        .map(|problem| outcome::issue("error", problem.code, &problem.text, Some(&problem.expression)));
    let mut issues: Vec<Value> = errors.collect();
    if more {
        let text = "There are more problems; these are the first.";
        issues.push(outcome::issue("information", "informational", text, None));
    }
    if issues.is_empty() {
        let text = "No problem found. Checked: elements, cardinalities, types, values, required bindings, types of \
                    references. Not checked: invariants.";
        issues.push(outcome::issue("information", "informational", text, None));
    }
    serde_json::json!({ "resourceType": "OperationOutcome", "issue": issues })
}
