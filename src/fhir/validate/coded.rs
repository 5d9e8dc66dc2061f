//! Required bindings: <https://hl7.org/fhir/R4/terminologies.html#required>.

use serde_json::Value;

use super::Walk;
use crate::fhir::{
    codes,
    structure::{Named, Strength},
};

impl Walk {
    pub(super) fn coded(&mut self, value: &Value, named: Named, place: &str) {
        let Some(binding) = &named.element.binding else { return };
        if binding.strength != Strength::Required {
            return;
        }
        let set = &binding.value_set;
        let is_in = |coding: &Value| {
            let part = |name: &str| coding[name].as_str();
            let (Some(system), Some(code)) = (part("system"), part("code")) else { return Some(false) };
            codes::in_value_set(set, system, code)
        };
        // Of a value set that is not known, nobody can say that a code is not in it.
        let known = match named.kind.code {
            "CodeableConcept" => {
                let codings = value["coding"].as_array();
                codes::listed(set).map(|_| codings.into_iter().flatten().any(|one| is_in(one) == Some(true)))
            }
            "Coding" => is_in(value),
            "code" | "string" | "uri" => value.as_str().and_then(|code| codes::allows(set, code)),
            _ => None,
        };
        if known == Some(false) {
            self.add("code-invalid", place, format!("Expected a code of {set}."));
        }
    }
}
